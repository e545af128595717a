"""Lines of sales documents: identification, field order, discounts, amounts (BC facts section 6).

Field order matters: naming the item or account starts the line anew, and a quantity resets the discount.
Not modelled: price lists, variants, locations, stock reservation, resources, fixed assets, item charges.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral.accounting import tax
from stsync.sandbox.businesscentral.accounting.dimensions import default_values
from stsync.sandbox.businesscentral.core.amounts import ZERO, percent_of, to_cents, to_five_places
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.sandbox.businesscentral.core.setup_records import Account, Item
from stsync.sandbox.businesscentral.core.table import ZERO_GUID
from stsync.sandbox.businesscentral.errors import dialog, invalid_relation, must_be_equal, must_have_value

HUNDRED = Decimal(100)


def identify(company: Company, document: SalesDocument, line: SalesLine, master: Item | Account) -> None:
    """Make the line one of this item or account: everything but number and quantity starts anew."""
    if isinstance(master, Item):
        _check_item(master)
        line.line_type, line.allow_invoice_discount = "Item", True
        unit = company.units_of_measure.first("code", master.base_unit_of_measure)
        line.unit_of_measure_id = unit.id if unit else ZERO_GUID
        line.unit_of_measure = master.base_unit_of_measure
        line.unit_price = master.unit_price
    else:
        _check_account(master)
        line.line_type, line.allow_invoice_discount = "Account", False
        line.unit_of_measure_id, line.unit_of_measure = ZERO_GUID, ""
        line.unit_price = ZERO
    line.object_id, line.object_number = master.id, master.number
    line.description, line.description_2 = master.display_name, ""
    line.discount_percent = line.discount_amount = ZERO
    line.gen_prod_posting_group, line.tax_group = master.gen_prod_posting_group, master.tax_group
    line.tax_percent = tax.rate(company, document, line.tax_group)
    line.dimensions = {**document.dimensions, **default_values(company, master.id)}
    if line.quantity == 0 and company.settings.default_quantity_one:
        line.quantity = Decimal(1)


def _check_item(item: Item) -> None:
    where = f"Item: No.={item.number}"
    if item.blocked:
        raise must_be_equal("Blocked", "No", where, "Yes")
    if item.sales_blocked:
        raise dialog(
            f"You cannot sell Item {item.number} because the Sales Blocked check box is selected on the Item card."
        )
    if not item.gen_prod_posting_group:
        raise must_have_value("Gen. Prod. Posting Group", where)
    if item.type == "Inventory" and not item.inventory_posting_group:
        raise must_have_value("Inventory Posting Group", where)


def _check_account(account: Account) -> None:
    check_postable(account)
    if not account.direct_posting:
        raise must_be_equal("Direct Posting", "Yes", f"G/L Account: No.={account.number}", "No")


def check_postable(account: Account) -> None:
    """Refuse headings, totals and blocked accounts."""
    where = f"G/L Account: No.={account.number}"
    if account.account_type != "Posting":
        raise must_be_equal("Account Type", "Posting", where, account.account_type)
    if account.blocked:
        raise must_be_equal("Blocked", "No", where, "Yes")


def _by_id(company: Company, document: SalesDocument, line: SalesLine, name: str, value: str) -> None:
    master: Item | Account | None
    master = company.items.by_id(value) if name == "itemId" else company.accounts.by_id(value)
    if master is None:
        raise dialog("Item does not exist." if name == "itemId" else "Account does not exist.")
    if master.id != line.object_id:
        identify(company, document, line, master)


def _by_number(company: Company, document: SalesDocument, line: SalesLine, name: str, value: str) -> None:
    del name
    if line.object_number == value:
        return
    if line.object_number:
        raise dialog('The value for "lineObjectNumber" cannot be modified.')
    tables = {"Item": ("Item", company.items), "Account": ("G/L Account", company.accounts)}
    related, table = tables.get(line.line_type, ("Standard Text", None))
    master: Any = table.first("number", value) if table is not None else None  # type: ignore[attr-defined]
    if master is None:
        raise invalid_relation("No.", "Sales Line", value, related)
    identify(company, document, line, master)


def _line_type(company: Company, document: SalesDocument, line: SalesLine, name: str, value: str) -> None:
    del company, document, name
    if value == line.line_type:
        return
    if value not in {"Comment", "Item", "Account"}:
        raise dialog(f"Line type {value} is not modelled by this sandbox.")
    line.line_type = value
    line.object_id, line.object_number = ZERO_GUID, ""
    line.unit_price = line.discount_percent = line.discount_amount = line.invoice_discount = ZERO


def _quantity(company: Company, document: SalesDocument, line: SalesLine, name: str, value: Decimal) -> None:
    del company, document, name
    if value == line.quantity:
        return
    line.quantity = to_five_places(value)
    line.discount_percent = line.discount_amount = line.invoice_discount = ZERO


def _unit_price(company: Company, document: SalesDocument, line: SalesLine, name: str, value: Decimal) -> None:
    del company, document, name
    if value == line.unit_price:
        return
    line.unit_price = to_five_places(value)
    line.discount_amount = percent_of(_gross(line), line.discount_percent)
    line.invoice_discount = ZERO


def _discount_percent(company: Company, document: SalesDocument, line: SalesLine, name: str, value: Decimal) -> None:
    del company, document, name
    if value < 0:
        raise dialog("Line discount percentage must be positive.")
    if value > HUNDRED:
        raise dialog("Line discount percentage must be below 100.")
    if value == line.discount_percent:
        return
    line.discount_percent = to_five_places(value)
    line.discount_amount = percent_of(_gross(line), value)
    line.invoice_discount = ZERO


def _discount_amount(company: Company, document: SalesDocument, line: SalesLine, name: str, value: Decimal) -> None:
    del company, document, name
    gross = _gross(line)
    if value == line.discount_amount:
        return
    line.discount_amount = to_cents(value)
    line.discount_percent = to_five_places(value / gross * HUNDRED) if gross else ZERO
    line.invoice_discount = ZERO


def _tax_code(company: Company, document: SalesDocument, line: SalesLine, name: str, value: str) -> None:
    del name
    line.tax_group = tax.check_group(company, value.upper())
    line.tax_percent = tax.rate(company, document, line.tax_group)


def _unit_code(company: Company, document: SalesDocument, line: SalesLine, name: str, value: str) -> None:
    del document, name
    unit = company.units_of_measure.first("code", value)
    item = company.items.by_id(line.object_id)
    if value and (unit is None or (item is not None and item.base_unit_of_measure != value)):
        related = "Item Unit of Measure" if item else "Unit of Measure"
        raise invalid_relation("Unit of Measure Code", "Sales Line", value, related)
    line.unit_of_measure = value
    line.unit_of_measure_id = unit.id if unit else ZERO_GUID


def _unit_id(company: Company, document: SalesDocument, line: SalesLine, name: str, value: str) -> None:
    unit = company.units_of_measure.by_id(value)
    if unit is None and value != ZERO_GUID:
        raise dialog('The "unitOfMeasureId" does not match to a Unit of Measure.')
    _unit_code(company, document, line, name, unit.code if unit else "")


def _plain(attribute: str) -> Callable[[Company, SalesDocument, SalesLine, str, Any], None]:
    def write(company: Company, document: SalesDocument, line: SalesLine, name: str, value: Any) -> None:
        del company, document, name
        setattr(line, attribute, value)

    return write


WRITERS: dict[str, Callable[[Company, SalesDocument, SalesLine, str, Any], None]] = {
    "itemId": _by_id,
    "accountId": _by_id,
    "lineType": _line_type,
    "lineObjectNumber": _by_number,
    "description": _plain("description"),
    "description2": _plain("description_2"),
    "unitOfMeasureId": _unit_id,
    "unitOfMeasureCode": _unit_code,
    "quantity": _quantity,
    "unitPrice": _unit_price,
    "discountAmount": _discount_amount,
    "discountPercent": _discount_percent,
    "taxCode": _tax_code,
    "shipmentDate": _plain("shipment_date"),
    "itemVariantId": _plain("variant_id"),
    "locationId": _plain("location_id"),
}


def _gross(line: SalesLine) -> Decimal:
    return to_cents(line.quantity * line.unit_price)


def write_fields(company: Company, document: SalesDocument, line: SalesLine, values: dict[str, Any]) -> None:
    """Replay the sent fields on the line in the order of the payload, then derive its amounts."""
    if values.get("itemId", ZERO_GUID) != ZERO_GUID and values.get("accountId", ZERO_GUID) != ZERO_GUID:
        raise dialog('Both "itemId" and "accountId" are specified. Specify only one of them.')
    for name, value in values.items():
        if name in WRITERS and not (name in {"itemId", "accountId"} and value == ZERO_GUID):
            WRITERS[name](company, document, line, name, value)
    compute_amounts(document, line)


def compute_amounts(document: SalesDocument, line: SalesLine) -> None:
    """Derive the amounts of a line: each is rounded by itself, so their sum may miss the header's tax."""
    line.line_amount = _gross(line) - line.discount_amount
    line.amount_excluding_tax = _without_tax(document, line, line.line_amount)
    line.tax_amount = _tax(document, line, line.line_amount, line.amount_excluding_tax)
    net = line.line_amount - line.invoice_discount
    line.net_amount = _without_tax(document, line, net)
    line.net_tax_amount = _tax(document, line, net, line.net_amount)


def _without_tax(document: SalesDocument, line: SalesLine, amount: Decimal) -> Decimal:
    if not document.prices_include_tax:
        return amount
    return to_cents(amount / (1 + line.tax_percent / HUNDRED))


def _tax(document: SalesDocument, line: SalesLine, amount: Decimal, without_tax: Decimal) -> Decimal:
    if document.prices_include_tax:
        return amount - without_tax
    return percent_of(without_tax, line.tax_percent)
