"""The same company in Business Central: what its accountant set up before the first document arrived.

Plain values; `loading.load_business_central` puts them into a simulated company. One dimension value is missing on
purpose (`MISSING_DIMENSION_VALUE`): the controller has not made that department yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.sandbox.company.chart import (
    ACCOUNT,
    ACCOUNTS,
    COMPANY_NAME,
    TERMS,
    UNIT,
    UNIT_WITHOUT_DIMENSION,
    UNITS,
    ZONES,
)
from stsync.sandbox.company.history import OPENING_ACCOUNT, BooksCustomer, Opening
from stsync.sandbox.company.office import MONTH_FIRST, MONTH_LAST, Office
from stsync.sandbox.company.pricebook import BLOCKED_POSITION, CONFLICT_POSITION, JUMP_POSITION, Pricebook, Sku
from stsync.sandbox.company.values import cents

DIMENSION = "DEPARTMENT"
# The first two are the global dimensions; the others show only in dimension sets.
DIMENSIONS = (
    (DIMENSION, "Department"),
    ("PROJECT", "Project"),
    ("TRADE", "Trade"),
    ("JOBTYPE", "Job type"),
    ("SITE", "Site"),
    ("CHANNEL", "Channel"),
)
MORE_VALUES = (
    ("PROJECT", "GENERAL", "No project"),
    ("TRADE", "HVAC", "Heating and cooling"),
    ("TRADE", "PLUMB", "Plumbing"),
    ("TRADE", "ELEC", "Electrical"),
    ("JOBTYPE", "SERVICE", "Service call"),
    ("JOBTYPE", "INSTALL", "Installation"),
    ("JOBTYPE", "MAINT", "Maintenance"),
    ("JOBTYPE", "OTHER", "Other work"),
    ("SITE", "NORTH", "North Campus"),
    ("SITE", "SOUTH", "South Campus"),
    ("CHANNEL", "FIELD", "Field service"),
)
# Not visible through API v2.0: accounts have default dimensions too (Business Central facts, section 2.14).
ACCOUNT_RULES = ((ACCOUNT["4720"].books_number, "TRADE", "", "Code Mandatory"),)
_RATES_IN_THE_BOOKS = {"AZ-GIL": Decimal("7.80")}
MISSING_DIMENSION_VALUE = UNIT[UNIT_WITHOUT_DIMENSION].code
TAXABLE, NONTAXABLE = "TAXABLE", "NONTAXABLE"
RECEIVABLES_ACCOUNT = "12100"
_CATEGORIES = {"Asset": "Assets", "Liability": "Liabilities", "Cost of Goods Sold": "Cost of Goods Sold"}


@dataclass(frozen=True)
class BooksAccount:
    """A G/L account; receivables and the general tax account take no direct postings."""

    number: str
    name: str
    category: str
    direct_posting: bool = True
    account_type: str = "Posting"


@dataclass(frozen=True)
class BooksItem:
    """An item with what the pricebook takes from it."""

    number: str
    name: str
    type: str
    category: str
    unit_price: Decimal
    unit_cost: Decimal
    blocked: bool = False


@dataclass(frozen=True)
class BooksTaxArea:
    """A tax area: percent on taxable goods, and the account the tax is owed on."""

    code: str
    name: str
    percent: Decimal
    account: str


@dataclass(frozen=True)
class Books:
    """A company's set-up. Coded things are (code, name); terms are (code, name, due date formula)."""

    company_name: str
    accounts: tuple[BooksAccount, ...]
    receivables_account: str
    dimensions: tuple[tuple[str, str], ...]
    dimension_values: tuple[tuple[str, str, str], ...]
    tax_groups: tuple[tuple[str, str], ...]
    tax_areas: tuple[BooksTaxArea, ...]
    payment_terms: tuple[tuple[str, str, str], ...]
    payment_methods: tuple[tuple[str, str], ...]
    item_categories: tuple[tuple[str, str], ...]
    items: tuple[BooksItem, ...]
    bank_accounts: tuple[tuple[str, str, str], ...]
    posting_from: date
    posting_to: date
    post_codes: tuple[tuple[str, str, str], ...] = ()
    account_rules: tuple[tuple[str, str, str, str], ...] = ()
    customers: tuple[BooksCustomer, ...] = ()
    openings: tuple[Opening, ...] = ()


def books(pricebook: Pricebook, office: Office) -> Books:
    """The books for that pricebook, open for June only, with what the office's scenarios had before go-live."""
    return Books(
        company_name=COMPANY_NAME,
        accounts=_accounts(),
        receivables_account=RECEIVABLES_ACCOUNT,
        dimensions=DIMENSIONS,
        dimension_values=(
            *((DIMENSION, unit.code, unit.name) for unit in UNITS if unit.code != MISSING_DIMENSION_VALUE),
            *MORE_VALUES,
        ),
        tax_groups=((TAXABLE, "Taxable"), (NONTAXABLE, "Not taxable")),
        tax_areas=tuple(
            BooksTaxArea(
                zone.area,
                f"Arizona, {zone.name}",
                _RATES_IN_THE_BOOKS.get(zone.area, zone.rate * 100),
                zone.books_account,
            )
            for zone in ZONES
        ),
        payment_terms=tuple((term.code, term.name, term.formula) for term in TERMS),
        payment_methods=(("CASH", "Cash"), ("CHECK", "Check"), ("CARD", "Credit card"), ("ACH", "Bank transfer")),
        item_categories=(("SERVICE", "Services"), ("PART", "Parts"), ("EQUIP", "Equipment")),
        items=_items(pricebook),
        bank_accounts=(("CHECKING", "Operating Checking", "10100"),),
        posting_from=MONTH_FIRST,
        posting_to=MONTH_LAST,
        # Somebody typed one post code into the list; an address that names it gets this city (facts, trap 15).
        post_codes=(("85377", "CAREFREE", "AZ"),),
        account_rules=ACCOUNT_RULES,
        customers=tuple(office.cards),
        openings=tuple(office.openings),
    )


def _accounts() -> tuple[BooksAccount, ...]:
    no_direct_posting = {RECEIVABLES_ACCOUNT, "14100"}
    rows = [
        BooksAccount(
            account.books_number,
            account.name,
            _CATEGORIES.get(account.type, account.type),
            direct_posting=account.books_number not in no_direct_posting,
        )
        for account in ACCOUNTS
    ]
    rows += [BooksAccount(zone.books_account, f"Sales Tax, {zone.name}", "Liabilities") for zone in ZONES]
    rows += [
        BooksAccount(OPENING_ACCOUNT, "Opening Balances", "Equity"),
        BooksAccount("40000", "REVENUE", "Income", account_type="Heading"),
        BooksAccount("49999", "TOTAL REVENUE", "Income", account_type="Total"),
    ]
    return tuple(sorted(rows, key=lambda row: row.number))


_TYPES = {"Service": ("Service", "SERVICE"), "Material": ("Inventory", "PART"), "Equipment": ("Inventory", "EQUIP")}


def _items(pricebook: Pricebook) -> tuple[BooksItem, ...]:
    """Most items equal the pricebook; some costs moved, a price and a cost leapt, one is blocked, three are new.

    One is a service here and a material there.
    """
    skus = pricebook.skus
    items = [_item(sku, position) for position, sku in enumerate(skus)]
    items += [
        BooksItem("S-HV-0900", "UV lamp installation", "Service", "SERVICE", Decimal("310.00"), Decimal("95.00")),
        BooksItem("M-PL-0900", "Leak sensor", "Inventory", "PART", Decimal("74.50"), Decimal("31.20")),
        BooksItem("E-EL-0900", "Home battery", "Inventory", "EQUIP", Decimal("8900.00"), Decimal("6100.00")),
    ]
    return tuple(items)


def _item(sku: Sku, position: int) -> BooksItem:
    type_, category = _TYPES[sku.kind]
    cost, price = sku.cost, sku.price
    if position % 40 == 7:
        cost = cents(cost * Decimal("1.06"))
    if position == 50:
        price = cents(price * 3)
    if position == JUMP_POSITION:
        cost = cents(cost * 2)
    if position == CONFLICT_POSITION:
        type_, category = _TYPES["Service"]
    return BooksItem(sku.code, sku.name, type_, category, price, cost, blocked=position == BLOCKED_POSITION)
