"""customers (BC facts 2.2).

Not modelled: pictures, contacts, attachments, ship-to addresses, rename of related history other than here.
"""

# ruff: noqa: ARG001, ARG002 - entity sets and field writers share one signature each

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.accounting.sales_headers import named_currency
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.setup_records import Customer
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Table
from stsync.sandbox.businesscentral.errors import BcError, dialog, invalid_relation, same_key_exists
from stsync.sandbox.businesscentral.odata.schema import (
    EntitySet,
    Parent,
    Payload,
    boolean,
    code,
    decimal,
    guid,
    key,
    modified,
    option,
    text,
)

EMAIL = re.compile(r"[^@\s;]+@[^@\s;]+\.[^@\s;]+")


def currency_code(company: Company, row: Any) -> str:
    """A currency as it is read: the local code stands for blank (facts trap 32)."""
    return row.currency_code or company.ledger_setup.local_currency_code


def currency_id(company: Company, row: Any) -> str:
    """The id of a foreign currency; zero for the local one."""
    found = company.currencies.first("code", row.currency_code) if row.currency_code else None
    return found.id if found else ZERO_GUID


def _area_name(company: Company, row: Customer) -> str:
    area = company.tax_areas.by_id(row.tax_area_id)
    return area.display_name if area else ""


class Customers(EntitySet):
    """The customers."""

    name = "customers"
    caption = "Customer"
    order = "number"
    verbs = frozenset({"GET", "POST", "PATCH", "DELETE"})
    navigations: ClassVar[dict[str, str]] = {
        "customerFinancialDetails": "customerFinancialDetails",
        "agedAccountsReceivable": "agedAccountsReceivables",
        "defaultDimensions": "defaultDimensions",
        "currency": "currencies",
        "paymentTerm": "paymentTerms",
        "paymentMethod": "paymentMethods",
    }
    single = frozenset(
        {"customerFinancialDetails", "agedAccountsReceivable", "currency", "paymentTerm", "paymentMethod"}
    )
    properties = (
        key(),
        code("number", "number"),
        text("displayName", "display_name", 100),
        option("type", "type", ("Company", "Person")),
        text("addressLine1", "address_line1", 100),
        text("addressLine2", "address_line2", 50),
        text("city", "city", 30),
        text("state", "state", 30),
        code("country", "country", 10),
        code("postalCode", "postal_code", 20),
        text("phoneNumber", "phone_number", 30),
        text("email", "email", 80),
        text("website", "website", 255),
        code("salespersonCode", "salesperson_code"),
        decimal("balanceDue", lambda company, row: company.customer_balance(row.number), read_only=True),
        decimal("creditLimit", "credit_limit"),
        boolean("taxLiable", "tax_liable"),
        guid("taxAreaId", "tax_area_id"),
        text("taxAreaDisplayName", _area_name, read_only=True, filterable=False),
        text("taxRegistrationNumber", "tax_registration_number", 20, filterable=False),
        guid("currencyId", currency_id, filterable=False),
        code("currencyCode", currency_code, 10, filterable=False),
        guid("paymentTermsId", "payment_terms_id"),
        guid("shipmentMethodId", "shipment_method_id"),
        guid("paymentMethodId", "payment_method_id"),
        option("blocked", "blocked", (" ", "Ship", "Invoice", "All")),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.customers

    def rows(self, company: Company, parent: Parent | None) -> Iterable[Customer]:
        if parent is None:
            return company.customers
        found = company.customers.by_id(parent.row.customer_id)
        return [found] if found else []

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> Customer:
        values = payload.values
        if not values.get("displayName"):
            raise dialog('A "displayName" must be provided.')
        row = Customer()
        write_customer(company, row, values)
        row.number = _new_number(company, values.get("number", ""))
        if company.settings.customer_template:
            row.gen_bus_posting_group = row.gen_bus_posting_group or "DOMESTIC"
            row.customer_posting_group = row.customer_posting_group or "DOMESTIC"
            row.vat_bus_posting_group = row.vat_bus_posting_group or "DOMESTIC"
        return company.customers.insert(row)

    def update(self, company: Company, row: Customer, payload: Payload, parent: Parent | None) -> Customer:
        values = payload.values
        if "displayName" in values and not values["displayName"]:
            raise dialog('The blank "displayName" is not allowed.')
        write_customer(company, row, values)
        if values.get("number", row.number) != row.number:
            _rename(company, row, values["number"])
        company.customers.touch(row)
        return row

    def delete(self, company: Company, row: Customer, parent: Parent | None) -> None:
        entries = company.customer_ledger.where("customer_number", row.number)
        if any(entry.open for entry in entries):
            raise dialog(f"You cannot delete Customer {row.number} because there are one or more open ledger entries.")
        if entries:
            raise dialog(
                f"You cannot delete Customer {row.number} because it has ledger entries in a fiscal year that "
                "has not been closed yet."
            )
        drafts = [doc for doc in company.invoices.where("customer_id", row.id) if not doc.posted]
        if drafts:
            raise dialog(
                f"You cannot delete Customer {row.number} because there is at least one outstanding Sales "
                "Invoice for this customer."
            )
        company.customers.delete(row)


def _new_number(company: Company, sent: str) -> str:
    if not sent:
        number = company.series["customer"].draw()
        while company.customers.first("number", number) is not None:
            number = company.series["customer"].draw()
        return number
    company.series["customer"].test_manual()
    _refuse_taken(company, sent)
    return sent


def _refuse_taken(company: Company, number: str) -> None:
    if company.customers.first("number", number) is not None:
        raise same_key_exists("Customer", f"No.='{number}'", company.switches.same_key_status)


def _rename(company: Company, row: Customer, number: str) -> None:
    """PATCH of the number renames the customer and what refers to it (facts trap 31)."""
    _refuse_taken(company, number)
    old = row.number
    row.number = number
    for table in (company.invoices, company.credit_memos):
        for document in table.where("customer_number", old):
            document.customer_number = number
        for document in table.where("bill_to_number", old):
            document.bill_to_number = number
    for entry in company.customer_ledger.where("customer_number", old):
        entry.customer_number = number
    for line in company.journal_lines.where("account_number", old):
        if line.account_type == "Customer":
            line.account_number = number


def write_customer(company: Company, row: Customer, values: dict[str, Any]) -> None:
    """Replay the sent fields on a customer, each validated as it is set."""
    currency = named_currency(company, values)
    if currency is not None:
        row.currency_code = currency
    for name, value in values.items():
        if name in _WRITERS:
            _WRITERS[name](company, row, value)
        elif name in _PLAIN:
            setattr(row, _PLAIN[name], value)


_PLAIN = {
    "displayName": "display_name",
    "type": "type",
    "addressLine1": "address_line1",
    "addressLine2": "address_line2",
    "city": "city",
    "state": "state",
    "website": "website",
    "creditLimit": "credit_limit",
    "taxLiable": "tax_liable",
    "blocked": "blocked",
}


def _country(company: Company, row: Customer, value: str) -> None:
    if value and company.countries.first("code", value) is None:
        raise invalid_relation("Country/Region Code", "Customer", value, "Country/Region")
    if row.country and value != row.country:
        row.city = row.postal_code = row.state = ""
    row.country = value


def _postal_code(company: Company, row: Customer, value: str) -> None:
    row.postal_code = value
    match = company.post_codes.first("code", value) if value else None
    if match is not None:
        row.city, row.state, row.country = match.city, match.state, match.country


def _phone(company: Company, row: Customer, value: str) -> None:
    if any(character.isalpha() for character in value):
        message = f"Phone No. must not contain letters in Customer No.='{row.number}'."
        raise BcError(400, "Application_FieldValidationException", message)
    row.phone_number = value


def _email(company: Company, row: Customer, value: str) -> None:
    for address in filter(None, (part.strip() for part in value.split(";"))):
        if EMAIL.fullmatch(address) is None:
            raise dialog(f'The email address "{address}" is not valid.')
    row.email = value


def _salesperson(company: Company, row: Customer, value: str) -> None:
    if value and company.salespeople.first("code", value) is None:
        raise invalid_relation("Salesperson Code", "Customer", value, "Salesperson/Purchaser")
    row.salesperson_code = value


def _tax_area(company: Company, row: Customer, value: str) -> None:
    area = company.tax_areas.by_id(value)
    if area is None and value != ZERO_GUID:
        raise dialog('The "taxAreaId" does not match to a Tax Area.')
    row.tax_area_id = value
    if company.settings.tax_mode == "vat":
        row.vat_bus_posting_group = area.code if area else ""


def _registration(company: Company, row: Customer, value: str) -> None:
    row.tax_registration_number = value.upper()


def _related(attribute: str, table: str, caption: str, field: str) -> Callable[[Company, Customer, str], None]:
    def write(company: Company, row: Customer, value: str) -> None:
        if value != ZERO_GUID and getattr(company, table).by_id(value) is None:
            raise dialog(f'The "{field}" does not match to a {caption}.')
        setattr(row, attribute, value)

    return write


_WRITERS: dict[str, Callable[[Company, Customer, Any], None]] = {
    "country": _country,
    "postalCode": _postal_code,
    "phoneNumber": _phone,
    "email": _email,
    "salespersonCode": _salesperson,
    "taxAreaId": _tax_area,
    "taxRegistrationNumber": _registration,
    "paymentTermsId": _related("payment_terms_id", "payment_terms", "Payment Terms", "paymentTermsId"),
    "shipmentMethodId": _related("shipment_method_id", "shipment_methods", "Shipment Method", "shipmentMethodId"),
    "paymentMethodId": _related("payment_method_id", "payment_methods", "Payment Method", "paymentMethodId"),
}
