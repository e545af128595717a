"""Rows of the set-up: accounts, terms, tax, units, dimensions, customers, items.

Not modelled: fields that no page of API v2.0 shows and no rule here needs; vendors; locations; prices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Row


@dataclass(eq=False, kw_only=True)
class Coded(Row):
    """A reference record that is a code and a name (payment method, shipment method, item category)."""

    code: str
    display_name: str = ""


@dataclass(eq=False, kw_only=True)
class PaymentTerm(Coded):
    """Payment terms; `due_date_calculation` is a date formula."""

    due_date_calculation: str = ""
    discount_date_calculation: str = ""
    discount_percent: Decimal = Decimal(0)
    calculate_discount_on_credit_memos: bool = False


@dataclass(eq=False, kw_only=True)
class UnitOfMeasure(Coded):
    """A unit of measure."""

    international_standard_code: str = ""
    symbol: str = ""


@dataclass(eq=False, kw_only=True)
class Currency(Coded):
    """A foreign currency. The local one is normally not in this table."""

    symbol: str = ""
    amount_decimal_places: str = "2:2"
    amount_rounding_precision: Decimal = Decimal("0.01")


@dataclass(eq=False, kw_only=True)
class TaxArea(Coded):
    """A tax area (sales tax) or a VAT business posting group; `rates` are percents by tax group code."""

    rates: dict[str, Decimal] = field(default_factory=dict)
    tax_account: str = ""


@dataclass(eq=False, kw_only=True)
class TaxGroup(Coded):
    """A tax group (sales tax) or a VAT product posting group; `identifier` is what VAT lines read back."""

    identifier: str = ""


@dataclass(eq=False, kw_only=True)
class Account(Row):
    """A G/L account. `net_change` is the balance in local currency, debit positive."""

    number: str
    display_name: str
    category: str = " "
    sub_category: str = ""
    blocked: bool = False
    account_type: str = "Posting"
    direct_posting: bool = True
    gen_prod_posting_group: str = "SERVICES"
    tax_group: str = ""
    net_change: Decimal = Decimal(0)


@dataclass(eq=False, kw_only=True)
class BankAccount(Row):
    """A bank account; it posts to its own G/L account. No page of API v2.0 in scope shows it."""

    number: str
    display_name: str
    account_number: str
    blocked: bool = False


@dataclass(eq=False, kw_only=True)
class Dimension(Row):
    """A dimension. `blocked` is not shown by the API."""

    code: str
    display_name: str
    consolidation_code: str = ""
    blocked: bool = False


@dataclass(eq=False, kw_only=True)
class DimensionValue(Row):
    """A dimension value. `value_type` and `blocked` are not shown by the API."""

    dimension_code: str
    code: str
    display_name: str
    consolidation_code: str = ""
    blocked: bool = False
    value_type: str = "Standard"


@dataclass(eq=False, kw_only=True)
class DefaultDimension(Row):
    """A default dimension of a customer, an item or (invisible through the API) a G/L account."""

    parent_type: str
    parent_id: str
    dimension_code: str
    value_code: str = ""
    posting_validation: str = " "


@dataclass(eq=False, kw_only=True)
class PostCode(Row):
    """A line of the Post Code table, which overwrites what a customer's address says."""

    code: str
    city: str
    state: str = ""
    country: str = ""


@dataclass(eq=False, kw_only=True)
class Item(Row):
    """An item. `sales_blocked` and the stock check are not shown by the API."""

    number: str
    display_name: str = ""
    display_name_2: str = ""
    type: str = "Inventory"
    category_code: str = ""
    blocked: bool = False
    sales_blocked: bool = False
    gtin: str = ""
    inventory: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    price_includes_tax: bool = False
    unit_cost: Decimal = Decimal(0)
    tax_group: str = ""
    base_unit_of_measure: str = ""
    gen_prod_posting_group: str = ""
    inventory_posting_group: str = ""


@dataclass(eq=False, kw_only=True)
class Customer(Row):
    """A customer. Posting groups come from a configuration template and are not shown by the API."""

    number: str = ""
    display_name: str = ""
    type: str = "Company"
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    postal_code: str = ""
    phone_number: str = ""
    email: str = ""
    website: str = ""
    salesperson_code: str = ""
    credit_limit: Decimal = Decimal(0)
    tax_liable: bool = False
    tax_area_id: str = ZERO_GUID
    tax_registration_number: str = ""
    currency_code: str = ""
    payment_terms_id: str = ZERO_GUID
    shipment_method_id: str = ZERO_GUID
    payment_method_id: str = ZERO_GUID
    blocked: str = " "
    privacy_blocked: bool = False
    application_method: str = "Manual"
    prices_include_tax: bool = False
    gen_bus_posting_group: str = ""
    vat_bus_posting_group: str = ""
    customer_posting_group: str = ""
    global_dimension_1: str = ""
    global_dimension_2: str = ""


@dataclass(eq=False, kw_only=True)
class GeneralLedgerSetup(Row):
    """The one row of General Ledger Setup; None leaves that end of the posting window open."""

    allow_posting_from: date | None = None
    allow_posting_to: date | None = None
    local_currency_code: str = "USD"
    local_currency_symbol: str = "$"
    amount_rounding_precision: Decimal = Decimal("0.01")
    unit_amount_rounding_precision: Decimal = Decimal("0.00001")


@dataclass(eq=False, kw_only=True)
class CompanyInformation(Row):
    """The one row of Company Information."""

    display_name: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    postal_code: str = ""
    phone_number: str = ""
    email: str = ""
    website: str = ""
    tax_registration_number: str = ""
    fiscal_year_start: date | None = None
