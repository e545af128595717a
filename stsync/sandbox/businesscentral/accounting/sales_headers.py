"""Headers of sales documents: customer, dates, terms, currency, in the order they are sent (BC facts 2.5).

Not modelled: ship-to codes, campaigns, contacts, salesperson teams, currency rates.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from stsync.sandbox.businesscentral.accounting.dimensions import default_values, with_shortcut
from stsync.sandbox.businesscentral.core.amounts import apply_date_formula
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument
from stsync.sandbox.businesscentral.core.setup_records import Customer
from stsync.sandbox.businesscentral.core.table import ZERO_GUID
from stsync.sandbox.businesscentral.errors import dialog, invalid_relation, must_have_value

ADDRESS_PARTS = ("AddressLine1", "AddressLine2", "City", "Country", "State", "PostCode")
DATE_FIELDS = ("documentDate", "postingDate", "dueDate")


def refuse_blocked(customer: Customer, kind: str, verb: str = "create") -> None:
    """Refuse documents of a blocked customer: All blocks every kind, Invoice blocks invoices."""
    if customer.privacy_blocked:
        raise dialog(f"You cannot {verb} this type of document when Customer {customer.number} is blocked for privacy.")
    if customer.blocked == "All" or (customer.blocked == "Invoice" and kind == "Invoice"):
        raise dialog(
            f"You cannot {verb} this type of document when Customer {customer.number} "
            f"is blocked with type {customer.blocked}"
        )


def check_posting_groups(customer: Customer) -> None:
    """Refuse a customer without posting groups, which the API cannot set (facts trap 16)."""
    where = f"Customer: No.={customer.number}"
    if not customer.gen_bus_posting_group:
        raise must_have_value("Gen. Bus. Posting Group", where)
    if not customer.customer_posting_group:
        raise must_have_value("Customer Posting Group", where)


def named_customer(company: Company, values: dict[str, Any], prefix: str = "customer") -> Customer | None:
    """The customer that id and number of a payload name; the clash shows only when the id comes first."""
    caption = "sell-to" if prefix == "customer" else "bill-to"
    found: Customer | None = None
    by_id = False
    for name, value in values.items():
        if name == f"{prefix}Id":
            found, by_id = company.customers.by_id(value), True
        elif name == f"{prefix}Number":
            if by_id and found is not None and found.number != value:
                raise dialog(f"The {caption} customer values do not match to a specific Customer.")
            found = company.customers.first("number", value)
        else:
            continue
        if found is None:
            raise dialog(f"The {caption} customer cannot be found.")
    return found


def take_customer(company: Company, document: SalesDocument, customer: Customer) -> None:
    """Make the document the customer's: names, address, terms, currency and tax come from there."""
    refuse_blocked(customer, document.kind)
    check_posting_groups(customer)
    document.customer_number, document.customer_id = customer.number, customer.id
    document.customer_name = customer.display_name
    address = dict(zip(ADDRESS_PARTS, _address(customer), strict=True))
    document.addresses = {
        **{f"sellTo{part}": value for part, value in address.items()},
        **{f"shipTo{part}": value for part, value in address.items()},
        "shipToName": customer.display_name,
        "shipToContact": "",
    }
    document.ship_to_code = ""
    document.phone_number, document.email = customer.phone_number, customer.email
    document.salesperson = customer.salesperson_code
    document.shipment_method_id = customer.shipment_method_id
    take_bill_to(company, document, customer)


def _address(customer: Customer) -> tuple[str, ...]:
    return (
        customer.address_line1,
        customer.address_line2,
        customer.city,
        customer.country,
        customer.state,
        customer.postal_code,
    )


def take_bill_to(company: Company, document: SalesDocument, customer: Customer) -> None:
    """Bill another customer than the one sold to: terms, currency, tax and dimensions are the payer's."""
    document.bill_to_number, document.bill_to_id = customer.number, customer.id
    document.bill_to_name = customer.display_name
    address = dict(zip(ADDRESS_PARTS, _address(customer), strict=True))
    document.addresses = {**document.addresses, **{f"billTo{p}": value for p, value in address.items()}}
    document.currency_code = customer.currency_code
    document.prices_include_tax = customer.prices_include_tax
    document.tax_liable = customer.tax_liable
    area = company.tax_areas.by_id(customer.tax_area_id)
    document.tax_area_code = area.code if area else ""
    if company.settings.tax_mode == "vat":
        document.tax_area_code = document.tax_area_code or customer.vat_bus_posting_group
    document.dimensions = {**document.dimensions, **default_values(company, customer.id)}
    set_terms(company, document, customer.payment_terms_id)


def set_terms(company: Company, document: SalesDocument, terms_id: str) -> None:
    """Set the payment terms and recompute the due date (facts trap 25)."""
    document.payment_terms_id = terms_id
    recompute_due_date(company, document)


def recompute_due_date(company: Company, document: SalesDocument) -> None:
    """Derive the due date from the document date and the terms."""
    if document.document_date is None:
        return
    terms = company.payment_terms.by_id(document.payment_terms_id)
    document.due_date = apply_date_formula(terms.due_date_calculation if terms else "", document.document_date)


def set_date(company: Company, document: SalesDocument, name: str, value: date | None) -> None:
    """Set one date unless it has the value; a posting date drags the document date (facts section 16)."""
    attribute = {"documentDate": "document_date", "postingDate": "posting_date", "dueDate": "due_date"}[name]
    if getattr(document, attribute) == value:
        return
    setattr(document, attribute, value)
    if name == "postingDate":
        document.document_date = value
    if name != "dueDate":
        recompute_due_date(company, document)


def set_currency(company: Company, document: SalesDocument, code: str) -> bool:
    """Set the currency by code, blank for the local one; tells whether that changed anything."""
    stored = "" if code == company.ledger_setup.local_currency_code else code
    if stored and company.currencies.first("code", stored) is None:
        raise invalid_relation("Currency Code", "Sales Header", stored, "Currency")
    changed = stored != document.currency_code
    document.currency_code = stored
    return changed


def named_currency(company: Company, values: dict[str, Any]) -> str | None:
    """The currency code that a payload names by id or code, or None. Raises when the two clash."""
    code: str | None = None
    if "currencyId" in values:
        found = company.currencies.by_id(values["currencyId"])
        if found is None and values["currencyId"] != ZERO_GUID:
            raise dialog('The "currencyId" does not match to a Currency.')
        code = found.code if found else ""
    if "currencyCode" not in values:
        return code
    sent = str(values["currencyCode"])
    sent = "" if sent == company.ledger_setup.local_currency_code else sent
    if code is not None and code != sent:
        raise dialog("The currency values do not match to a specific Currency.")
    if sent and company.currencies.first("code", sent) is None:
        raise dialog('The "currencyCode" does not match to a Currency.')
    return sent


def _plain(attribute: str) -> Callable[[Company, SalesDocument, Any], None]:
    def write(company: Company, document: SalesDocument, value: Any) -> None:
        del company
        setattr(document, attribute, value)

    return write


def _salesperson(company: Company, document: SalesDocument, value: str) -> None:
    if value and company.salespeople.first("code", value) is None:
        raise invalid_relation("Salesperson Code", "Sales Header", value, "Salesperson/Purchaser")
    document.salesperson = value


def _terms(company: Company, document: SalesDocument, value: str) -> None:
    if value != ZERO_GUID and company.payment_terms.by_id(value) is None:
        raise dialog('The "paymentTermsId" does not match to a Payment Terms.')
    if value != document.payment_terms_id:
        set_terms(company, document, value)


def _shipment_method(company: Company, document: SalesDocument, value: str) -> None:
    if value != ZERO_GUID and company.shipment_methods.by_id(value) is None:
        raise dialog('The "shipmentMethodId" does not match to a Shipment Method.')
    document.shipment_method_id = value


def _applies_to_id(company: Company, document: SalesDocument, value: str) -> None:
    if value == ZERO_GUID:
        document.applies_to_number = ""
        return
    invoice = company.invoices.by_id(value)
    if invoice is None or not invoice.posted:
        raise dialog('The "invoiceId" does not match to an Invoice.')
    document.applies_to_number = invoice.number


def _date(name: str) -> Callable[[Company, SalesDocument, Any], None]:
    def write(company: Company, document: SalesDocument, value: Any) -> None:
        set_date(company, document, name, value)

    return write


def _shortcut(index: int) -> Callable[[Company, SalesDocument, Any], None]:
    def write(company: Company, document: SalesDocument, value: str) -> None:
        document.dimensions = with_shortcut(company, document.dimensions, index, value)

    return write


WRITERS: dict[str, Callable[[Company, SalesDocument, Any], None]] = {
    "externalDocumentNumber": _plain("external_document_number"),
    "customerPurchaseOrderReference": _plain("customer_purchase_order_reference"),
    "phoneNumber": _plain("phone_number"),
    "email": _plain("email"),
    "salesperson": _salesperson,
    "paymentTermsId": _terms,
    "shipmentMethodId": _shipment_method,
    "invoiceDate": _date("documentDate"),
    "creditMemoDate": _date("documentDate"),
    "postingDate": _date("postingDate"),
    "dueDate": _date("dueDate"),
    "shortcutDimension1Code": _shortcut(0),
    "shortcutDimension2Code": _shortcut(1),
    "invoiceId": _applies_to_id,
    "invoiceNumber": _plain("applies_to_number"),
    "customerReturnReasonId": _plain("return_reason_id"),
}


def write_field(company: Company, document: SalesDocument, name: str, value: Any) -> None:
    """Write one header field other than customer, currency and discount."""
    if name.startswith(("sellTo", "shipTo", "billTo")):
        if name.startswith("shipTo"):
            document.ship_to_code = ""
        document.addresses = {**document.addresses, name: value}
    elif name in WRITERS:
        WRITERS[name](company, document, value)
