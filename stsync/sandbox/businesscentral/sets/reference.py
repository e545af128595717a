"""Reference entities: accounts, terms, methods, units, tax, currencies, items (BC facts 2.15, 2.16).

Not modelled: pictures, variants, inventory adjustment entries, consolidation, exchange rates.
"""

# ruff: noqa: ARG002 - entity sets and field writers share one signature each

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.core import setup_records as setup
from stsync.sandbox.businesscentral.core.amounts import is_date_formula, to_five_places
from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Row, Table
from stsync.sandbox.businesscentral.errors import BcError, dialog, invalid_relation, same_key_exists
from stsync.sandbox.businesscentral.odata.schema import (
    EntitySet,
    Parent,
    Payload,
    Property,
    boolean,
    code,
    decimal,
    guid,
    key,
    modified,
    option,
    text,
)

ACCOUNT_CATEGORIES = (" ", "Assets", "Liabilities", "Equity", "Income", "Cost of Goods Sold", "Expense")
ACCOUNT_TYPES = ("Posting", "Heading", "Total", "Begin-Total", "End-Total")
ALL_VERBS = frozenset({"GET", "POST", "PATCH", "DELETE"})


class Accounts(EntitySet):
    """The chart of accounts, read only. Posting groups are not shown."""

    name = "accounts"
    caption = "G/L Account"
    order = "number"
    properties = (
        key(),
        code("number", "number", read_only=True),
        text("displayName", "display_name", 100, read_only=True),
        option("category", "category", ACCOUNT_CATEGORIES, read_only=True),
        text("subCategory", "sub_category", 80, read_only=True),
        boolean("blocked", "blocked", read_only=True),
        option("accountType", "account_type", ACCOUNT_TYPES, read_only=True),
        boolean("directPosting", "direct_posting", read_only=True),
        decimal("netChange", "net_change", read_only=True),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.accounts

    def rows(self, company: Company, parent: Parent | None) -> Iterable[setup.Account]:
        if parent is None:
            return company.accounts
        wanted = getattr(parent.row, "object_id", "")
        found = company.accounts.by_id(wanted)
        if hasattr(parent.row, "account_number"):
            found = company.accounts.first("number", parent.row.account_number)
        return [found] if found else []


class CodedSet(EntitySet):
    """A set whose records are a code, a name and a few plain fields."""

    verbs = ALL_VERBS
    order = "code"
    record: ClassVar[type[Any]]
    attribute: ClassVar[str]
    """The company's table of these records."""
    reference: ClassVar[str] = ""
    """The attribute by which a parent record points here with an id."""
    reference_code: ClassVar[str] = ""
    """The attribute by which a parent record points here with a code."""

    def table(self, company: Company) -> Table[Any]:
        table: Table[Any] = getattr(company, self.attribute)
        return table

    def rows(self, company: Company, parent: Parent | None) -> Iterable[Any]:
        if parent is None:
            return self.table(company)
        held = getattr(parent.row, self.reference_code, "") if self.reference_code else ""
        if held:
            return self.table(company).where("code", held)
        found = self.table(company).by_id(getattr(parent.row, self.reference, "") if self.reference else "")
        return [found] if found else []

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> Any:
        values = self._attributes(payload)
        if not values.get("code"):
            raise BcError(400, "BadRequest_RequiredParamNotProvided", "Field 'code' must not be blank or empty.")
        if self.table(company).first("code", values["code"]) is not None:
            raise same_key_exists(self.caption, f"Code='{values['code']}'", company.switches.same_key_status)
        row: Row = self.record(**values)
        return self.table(company).insert(row)

    def update(self, company: Company, row: Any, payload: Payload, parent: Parent | None) -> Any:
        for name, value in self._attributes(payload).items():
            setattr(row, name, value)
        self.table(company).touch(row)
        return row

    def delete(self, company: Company, row: Any, parent: Parent | None) -> None:
        self.table(company).delete(row)

    def _attributes(self, payload: Payload) -> dict[str, Any]:
        values = {self.by_name[name].attribute: value for name, value in payload.values.items()}
        for name in ("due_date_calculation", "discount_date_calculation"):
            if not is_date_formula(values.get(name, "")):
                raise BcError(
                    400,
                    "Application_EvaluateException",
                    f'The value "{values[name]}" can\'t be evaluated into type DateFormula.',
                )
        return values


def _coded(name_length: int = 100, code_length: int = 10) -> tuple[Property, ...]:
    return (
        key(),
        code("code", "code", code_length),
        text("displayName", "display_name", name_length),
        modified(),
    )


class PaymentMethods(CodedSet):
    """Payment methods."""

    name = "paymentMethods"
    caption = "Payment Method"
    record = setup.Coded
    attribute = "payment_methods"
    reference = "payment_method_id"
    properties = _coded()


class ShipmentMethods(CodedSet):
    """Shipment methods."""

    name = "shipmentMethods"
    caption = "Shipment Method"
    record = setup.Coded
    attribute = "shipment_methods"
    reference = "shipment_method_id"
    properties = _coded()


class ItemCategories(CodedSet):
    """Item categories."""

    name = "itemCategories"
    caption = "Item Category"
    record = setup.Coded
    attribute = "item_categories"
    reference_code = "category_code"
    properties = _coded(code_length=20)


class PaymentTerms(CodedSet):
    """Payment terms with their date formulas."""

    name = "paymentTerms"
    caption = "Payment Terms"
    record = setup.PaymentTerm
    attribute = "payment_terms"
    reference = "payment_terms_id"
    properties = (
        *_coded(),
        text("dueDateCalculation", "due_date_calculation", 32),
        text("discountDateCalculation", "discount_date_calculation", 32),
        decimal("discountPercent", "discount_percent"),
        boolean("calculateDiscountOnCreditMemos", "calculate_discount_on_credit_memos"),
    )


class UnitsOfMeasure(CodedSet):
    """Units of measure."""

    name = "unitsOfMeasure"
    caption = "Unit of Measure"
    record = setup.UnitOfMeasure
    attribute = "units_of_measure"
    reference = "unit_of_measure_id"
    reference_code = "base_unit_of_measure"
    properties = (
        *_coded(50),
        code("internationalStandardCode", "international_standard_code", 10),
        text("symbol", "symbol", 10),
    )


class Currencies(CodedSet):
    """Foreign currencies; the local one is not listed."""

    name = "currencies"
    caption = "Currency"
    record = setup.Currency
    attribute = "currencies"
    reference_code = "currency_code"
    properties = (
        *_coded(30),
        text("symbol", "symbol", 10),
        text("amountDecimalPlaces", "amount_decimal_places", 5),
        decimal("amountRoundingPrecision", "amount_rounding_precision"),
    )


def _tax_type(company: Company, _row: Any) -> str:
    return "VAT" if company.settings.tax_mode == "vat" else "Sales Tax"


class TaxAreas(CodedSet):
    """Tax areas, or VAT business posting groups."""

    name = "taxAreas"
    caption = "Tax Area Buffer"
    record = setup.TaxArea
    attribute = "tax_areas"
    properties = (*_coded(code_length=20), option("taxType", _tax_type, ("Sales Tax", "VAT"), read_only=True))


class TaxGroups(CodedSet):
    """Tax groups, or VAT product posting groups."""

    name = "taxGroups"
    caption = "Tax Group Buffer"
    record = setup.TaxGroup
    attribute = "tax_groups"
    properties = (*_coded(code_length=20), option("taxType", _tax_type, ("Sales Tax", "VAT"), read_only=True))


def _id_of(attribute: str, source: str) -> Any:
    def read(company: Company, row: setup.Item) -> str:
        found = getattr(company, attribute).first("code", getattr(row, source))
        return found.id if found else ZERO_GUID

    return read


_ITEM_LINKS = {
    "itemCategoryId": ("item_categories", "category_code", "Item Category"),
    "taxGroupId": ("tax_groups", "tax_group", "Tax Group"),
    "baseUnitOfMeasureId": ("units_of_measure", "base_unit_of_measure", "Unit of Measure"),
}
_ITEM_CODES = {
    "itemCategoryCode": ("item_categories", "category_code", "Item Category"),
    "taxGroupCode": ("tax_groups", "tax_group", "Tax Group"),
    "baseUnitOfMeasureCode": ("units_of_measure", "base_unit_of_measure", "Unit of Measure"),
}


class Items(EntitySet):
    """Items; unlike a customer's, their posting groups are shown and can be set."""

    name = "items"
    caption = "Item"
    order = "number"
    verbs = ALL_VERBS
    navigations: ClassVar[dict[str, str]] = {
        "itemCategory": "itemCategories",
        "baseUnitOfMeasure": "unitsOfMeasure",
        "defaultDimensions": "defaultDimensions",
    }
    single = frozenset({"itemCategory", "baseUnitOfMeasure"})
    properties = (
        key(),
        code("number", "number"),
        text("displayName", "display_name", 100),
        text("displayName2", "display_name_2", 50),
        option("type", "type", ("Inventory", "Service", "Non-Inventory")),
        guid("itemCategoryId", _id_of("item_categories", "category_code")),
        code("itemCategoryCode", "category_code"),
        boolean("blocked", "blocked"),
        code("gtin", "gtin", 14),
        decimal("inventory", "inventory"),
        decimal("unitPrice", "unit_price"),
        boolean("priceIncludesTax", "price_includes_tax"),
        decimal("unitCost", "unit_cost"),
        guid("taxGroupId", _id_of("tax_groups", "tax_group")),
        code("taxGroupCode", "tax_group"),
        guid("baseUnitOfMeasureId", _id_of("units_of_measure", "base_unit_of_measure")),
        code("baseUnitOfMeasureCode", "base_unit_of_measure", 10),
        code("generalProductPostingGroupCode", "gen_prod_posting_group"),
        code("inventoryPostingGroupCode", "inventory_posting_group"),
        modified(),
    )

    def table(self, company: Company) -> Table[Any]:
        return company.items

    def rows(self, company: Company, parent: Parent | None) -> Iterable[setup.Item]:
        if parent is None:
            return company.items
        found = company.items.by_id(getattr(parent.row, "object_id", ""))
        return [found] if found else []

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> setup.Item:
        values = payload.values
        if "inventory" in values:
            raise dialog("Inventory cannot be changed during on insert.")
        row = setup.Item(number="")
        _write_item(company, row, values)
        number = values.get("number", "")
        if number:
            company.series["item"].test_manual()
            if company.items.first("number", number) is not None:
                raise same_key_exists("Item", f"No.='{number}'", company.switches.same_key_status)
        row.number = number or company.series["item"].draw()
        return company.items.insert(row)

    def update(self, company: Company, row: setup.Item, payload: Payload, parent: Parent | None) -> setup.Item:
        values = dict(payload.values)
        if "inventory" in values:
            # An adjustment is posted at once and does not stamp the item (BC facts section 9).
            row.inventory = values.pop("inventory")
        number = values.get("number", row.number)
        if number != row.number and company.items.first("number", number) is not None:
            raise same_key_exists("Item", f"No.='{number}'", company.switches.same_key_status)
        row.number = number
        _write_item(company, row, values)
        if values:
            company.items.touch(row)
        return row

    def delete(self, company: Company, row: setup.Item, parent: Parent | None) -> None:
        company.items.delete(row)


_ITEM_PLAIN = {
    "displayName": "display_name",
    "displayName2": "display_name_2",
    "type": "type",
    "blocked": "blocked",
    "gtin": "gtin",
    "priceIncludesTax": "price_includes_tax",
    "generalProductPostingGroupCode": "gen_prod_posting_group",
    "inventoryPostingGroupCode": "inventory_posting_group",
}
_ITEM_PRICES = {"unitPrice": "unit_price", "unitCost": "unit_cost"}


def _write_item(company: Company, row: setup.Item, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name in _ITEM_PLAIN:
            setattr(row, _ITEM_PLAIN[name], value)
        elif name in _ITEM_PRICES:
            setattr(row, _ITEM_PRICES[name], to_five_places(Decimal(value)))
        elif name in _ITEM_LINKS:
            _link_by_id(company, row, name, value)
        elif name in _ITEM_CODES:
            _link_by_code(company, row, name, value)


def _link_by_id(company: Company, row: setup.Item, name: str, value: str) -> None:
    table, attribute, caption = _ITEM_LINKS[name]
    found = getattr(company, table).by_id(value)
    if found is None and value != ZERO_GUID:
        raise dialog(f'The "{name}" does not match to a {caption}.')
    setattr(row, attribute, found.code if found else "")


def _link_by_code(company: Company, row: setup.Item, name: str, value: str) -> None:
    table, attribute, caption = _ITEM_CODES[name]
    if value and getattr(company, table).first("code", value) is None:
        raise invalid_relation(caption, "Item", value, caption)
    setattr(row, attribute, value)
