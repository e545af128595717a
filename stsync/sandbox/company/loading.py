"""Puts the demo company into the two simulators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stsync.sandbox.company.books import DIMENSION, MISSING_DIMENSION_VALUE, NONTAXABLE, TAXABLE, Books, BooksItem
from stsync.sandbox.company.chart import UNIT_WITHOUT_DIMENSION
from stsync.sandbox.company.demo import Demo
from stsync.sandbox.company.history import OPENING_ACCOUNT, BooksCustomer

if TYPE_CHECKING:
    from stsync.sandbox.businesscentral.core.company import Company
    from stsync.sandbox.servicetitan.tenant import Tenant

_TABLES = (
    "business_units",
    "gl_accounts",
    "payment_terms",
    "tax_zones",
    "customers",
    "customer_contacts",
    "locations",
    "invoices",
    "payments",
    "credit_memos",
    "credit_memo_items",
    "inventory_bills",
    "categories",
    "materials",
    "equipment",
)


def load_servicetitan(demo: Demo, tenant: Tenant) -> None:
    """Seed an empty tenant with the demo's rows. They become the tenant's own: build a new demo for a second one."""
    tenant.seed(**{name: getattr(demo, name) for name in _TABLES})
    # A tenant keeps the ids of a service's categories and shows their names when it is asked.
    bare = [{**row, "categories": [one["id"] for one in row["categories"]]} for row in demo.services]
    tenant.seed(services=bare)
    # It knows which payment types are active, although the wire does not say it (facts, section 3.6).
    tenant.seed(payment_types=[{**row, "active": True} for row in demo.payment_types])


def load_business_central(demo: Demo, company: Company, *, history: bool = False) -> None:
    """Set up a company with the demo's books.

    `history` adds what stood there before go-live: customer cards, open items, and rules about dimensions and post
    codes. Without it the books are empty, and the scenarios that lean on it are ordinary documents.
    """
    given = demo.books
    _add_accounts(given, company)
    _add_dimensions(given, company)
    for code, name in given.tax_groups:
        company.add_tax_group(code, name)
    for area in given.tax_areas:
        rates = {TAXABLE: area.percent, NONTAXABLE: area.percent * 0}
        company.add_tax_area(area.code, area.name, rates=rates, account=area.account)
    for code, name, formula in given.payment_terms:
        company.add_payment_terms(code, name, formula)
    for code, name in given.payment_methods:
        company.add_payment_method(code, name)
    for code, name in given.item_categories:
        company.add_item_category(code, name)
    for item in given.items:
        _add_item(item, company)
    for number, name, account in given.bank_accounts:
        company.add_bank_account(number, name, account)
    if history:
        _add_history(given, company)
    company.set_posting_window(given.posting_from, given.posting_to)


def add_missing_dimension_value(company: Company) -> None:
    """What the controller does in Business Central after reading `stsync held`: make the missing department."""
    company.add_dimension_value(DIMENSION, MISSING_DIMENSION_VALUE, UNIT_WITHOUT_DIMENSION)


def _add_accounts(given: Books, company: Company) -> None:
    for account in given.accounts:
        company.add_account(
            account.number,
            account.name,
            category=account.category,
            direct_posting=account.direct_posting,
            account_type=account.account_type,
        )
    for group in company.receivables_accounts:
        company.receivables_accounts[group] = given.receivables_account


def _add_dimensions(given: Books, company: Company) -> None:
    for code, name in given.dimensions:
        company.add_dimension(code, name)
    for dimension, code, name in given.dimension_values:
        company.add_dimension_value(dimension, code, name)
    first, second = (code for code, _ in given.dimensions[:2])
    company.settings.global_dimensions = (first, second)


def _add_history(given: Books, company: Company) -> None:
    """Rules, cards and open items from before go-live, under the numbers they had in the old books."""
    from stsync.sandbox.businesscentral.accountant import Accountant, HandLine

    for code, city, state in given.post_codes:
        company.add_post_code(code, city, state)
    for number, dimension, value, rule in given.account_rules:
        account = company.accounts.first("number", number)
        if account is not None:
            company.add_default_dimension(account, dimension, value, rule)
    for card in given.customers:
        _add_card(card, company)
    desk = Accountant(company)
    for item in given.openings:
        if item.by_journal:
            desk.opening_entry(
                item.customer,
                item.number,
                item.amount,
                on=item.on,
                due=item.due,
                balancing_account=OPENING_ACCOUNT,
                external_number=item.external_number,
            )
        else:
            line = HandLine(OPENING_ACCOUNT, item.amount, "Brought over")
            desk.sales_invoice(
                item.customer,
                [line],
                on=item.on,
                due=item.due,
                number=item.number,
                external_number=item.external_number,
            )


def _add_card(card: BooksCustomer, company: Company) -> None:
    row = company.add_customer(
        card.number,
        card.name,
        address_line1=card.street,
        city=card.city,
        state=card.state,
        postal_code=card.postal_code,
        phone_number=card.phone,
        email=card.email,
        blocked=card.blocked,
        application_method=card.application_method,
    )
    if not card.posting_groups:
        row.gen_bus_posting_group = row.customer_posting_group = ""
    for dimension, value, rule in card.defaults:
        company.add_default_dimension(row, dimension, value, rule)


def _add_item(item: BooksItem, company: Company) -> None:
    company.add_item(
        item.number,
        item.name,
        type=item.type,
        category_code=item.category,
        unit_price=item.unit_price,
        unit_cost=item.unit_cost,
        blocked=item.blocked,
        tax_group=NONTAXABLE if item.type == "Service" else TAXABLE,
        gen_prod_posting_group="SERVICES" if item.type == "Service" else "RETAIL",
    )
