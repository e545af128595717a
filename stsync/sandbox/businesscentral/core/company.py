"""A company and the set-up methods that seed it: accounts, dimensions, tax, customers, items, journals.

Set-up methods stand for what an administrator does in the client, so they skip the rules of the API.
A second call with the same number or code changes the record that is there.
Not modelled: price lists, several posting group pairs per charge, deleting set-up that is in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.sandbox.businesscentral.core import document_records as documents
from stsync.sandbox.businesscentral.core import setup_records as setup
from stsync.sandbox.businesscentral.core.settings import Switches
from stsync.sandbox.businesscentral.core.table import ZERO_GUID, R, Row, Store, Table
from stsync.sandbox.businesscentral.core.tables import CompanyTables

CASH_RECEIPT_TEMPLATE = "CASHRCPT"
GENERAL_TEMPLATE = "GENERAL"
PRODUCT_GROUPS = ("SERVICES", "RETAIL")


def _upsert(table: Table[R], row: R, key: str) -> R:
    existing = table.first(key, getattr(row, key))
    if existing is None:
        return table.insert(row)
    for name, value in vars(row).items():
        if name not in {"id", "modified_at", "version", "_table"}:
            setattr(existing, name, value)
    table.touch(existing)
    return existing


class Company(CompanyTables):
    """One company of an environment, with the methods that set it up."""

    def __init__(self, name: str, store: Store, switches: Switches) -> None:
        super().__init__(name, store, switches)
        self._seed_posting_setup()

    def _seed_posting_setup(self) -> None:
        self.add_account("1000", "Checking Account", category="Assets")
        self.add_account("1200", "Accounts Receivable", category="Assets", direct_posting=False)
        self.add_account("2200", "Sales Tax Payable", category="Liabilities", direct_posting=False)
        self.add_account("4000", "Sales", category="Income")
        self.receivables_accounts["DOMESTIC"] = "1200"
        for group in PRODUCT_GROUPS:
            self.sales_accounts["DOMESTIC", group] = "4000"
        for code, name in (("US", "United States"), ("CA", "Canada"), ("MX", "Mexico"), ("GB", "United Kingdom")):
            self.countries.insert(setup.Coded(code=code, display_name=name))
        self.add_unit_of_measure("PCS", "Piece")
        self.add_unit_of_measure("HOUR", "Hour")
        self.add_journal("DEFAULT", template=GENERAL_TEMPLATE, display_name="Default Journal Batch")

    def add_account(
        self,
        number: str,
        name: str,
        *,
        category: str = " ",
        direct_posting: bool = True,
        blocked: bool = False,
        account_type: str = "Posting",
        sub_category: str = "",
        tax_group: str = "",
        gen_prod_posting_group: str = "SERVICES",
    ) -> setup.Account:
        """Add a G/L account; `account_type` is Posting, Heading, Total, Begin-Total or End-Total."""
        account = setup.Account(
            number=number,
            display_name=name,
            category=category,
            direct_posting=direct_posting,
            blocked=blocked,
            account_type=account_type,
            sub_category=sub_category,
            tax_group=tax_group,
            gen_prod_posting_group=gen_prod_posting_group,
        )
        existing = self.accounts.first("number", number)
        account.net_change = existing.net_change if existing else Decimal(0)
        return _upsert(self.accounts, account, "number")

    def add_bank_account(self, number: str, name: str, account_number: str) -> setup.BankAccount:
        """Add a bank account that posts to a G/L account (for batches balanced by a bank)."""
        row = setup.BankAccount(number=number, display_name=name, account_number=account_number)
        return _upsert(self.bank_accounts, row, "number")

    def add_dimension(self, code: str, name: str = "", *, blocked: bool = False) -> setup.Dimension:
        """Add a dimension."""
        row = setup.Dimension(code=code, display_name=name or code.title(), blocked=blocked)
        return _upsert(self.dimensions, row, "code")

    def add_dimension_value(
        self, dimension: str, code: str, name: str = "", *, blocked: bool = False, value_type: str = "Standard"
    ) -> setup.DimensionValue:
        """Add a value to a dimension; `value_type` Heading or Total makes it unusable in documents."""
        for value in self.dimension_values.where("code", code):
            if value.dimension_code == dimension:
                value.display_name, value.blocked, value.value_type = name or code, blocked, value_type
                return value
        return self.dimension_values.insert(
            setup.DimensionValue(
                dimension_code=dimension,
                code=code,
                display_name=name or code,
                blocked=blocked,
                value_type=value_type,
            )
        )

    def add_default_dimension(
        self, parent: Row, dimension: str, value: str = "", posting_validation: str = " "
    ) -> setup.DefaultDimension:
        """Add a default dimension; `posting_validation` is blank, Code Mandatory, Same Code or No Code.

        On a G/L account it is a rule that the API does not show (BC facts section 2.14).
        """
        kinds: dict[type[Row], str] = {setup.Customer: "Customer", setup.Item: "Item", setup.Account: "G/L Account"}
        row = setup.DefaultDimension(
            parent_type=kinds[type(parent)],
            parent_id=parent.id,
            dimension_code=dimension,
            value_code=value,
            posting_validation=posting_validation,
        )
        return self.default_dimensions.insert(row)

    def add_payment_terms(self, code: str, name: str = "", due: str = "30D") -> setup.PaymentTerm:
        """Add payment terms; `due` is a date formula such as 30D or CM+10D."""
        row = setup.PaymentTerm(code=code, display_name=name or code, due_date_calculation=due)
        return _upsert(self.payment_terms, row, "code")

    def add_payment_method(self, code: str, name: str = "") -> setup.Coded:
        """Add a payment method."""
        return _upsert(self.payment_methods, setup.Coded(code=code, display_name=name or code), "code")

    def add_shipment_method(self, code: str, name: str = "") -> setup.Coded:
        """Add a shipment method."""
        return _upsert(self.shipment_methods, setup.Coded(code=code, display_name=name or code), "code")

    def add_salesperson(self, code: str, name: str = "") -> setup.Coded:
        """Add a salesperson."""
        return _upsert(self.salespeople, setup.Coded(code=code, display_name=name or code), "code")

    def add_unit_of_measure(self, code: str, name: str = "") -> setup.UnitOfMeasure:
        """Add a unit of measure."""
        row = setup.UnitOfMeasure(code=code, display_name=name or code)
        return _upsert(self.units_of_measure, row, "code")

    def add_item_category(self, code: str, name: str = "") -> setup.Coded:
        """Add an item category."""
        return _upsert(self.item_categories, setup.Coded(code=code, display_name=name or code), "code")

    def add_currency(self, code: str, name: str = "") -> setup.Currency:
        """Add a foreign currency (amounts are carried one to one)."""
        return _upsert(self.currencies, setup.Currency(code=code, display_name=name or code), "code")

    def add_post_code(self, code: str, city: str, state: str = "", country: str = "US") -> setup.PostCode:
        """Add a post code, which will overwrite addresses that name it (BC facts trap 15)."""
        row = setup.PostCode(code=code, city=city, state=state, country=country)
        return _upsert(self.post_codes, row, "code")

    def add_tax_group(self, code: str, name: str = "", *, identifier: str = "") -> setup.TaxGroup:
        """Add a tax group, or a VAT product posting group with the VAT identifier its lines read back."""
        row = setup.TaxGroup(code=code, display_name=name or code, identifier=identifier or code)
        return _upsert(self.tax_groups, row, "code")

    def add_tax_area(
        self, code: str, name: str = "", *, rates: Mapping[str, Decimal] | None = None, account: str = "2200"
    ) -> setup.TaxArea:
        """Add a tax area (or VAT business posting group) with its percents by tax group code."""
        row = setup.TaxArea(code=code, display_name=name or code, rates=dict(rates or {}), tax_account=account)
        return _upsert(self.tax_areas, row, "code")

    def add_customer(
        self, number: str, name: str, *, tax_area: str = "", tax_liable: bool = False, **fields: Any
    ) -> setup.Customer:
        """Add a customer with posting groups, as a person does in the client. `fields` are row attributes."""
        area = self.tax_areas.first("code", tax_area)
        groups = dict.fromkeys(("gen_bus_posting_group", "customer_posting_group"), "DOMESTIC")
        row = setup.Customer(
            number=number,
            display_name=name,
            tax_area_id=area.id if area else ZERO_GUID,
            tax_liable=tax_liable,
            **{**groups, "vat_bus_posting_group": tax_area or "DOMESTIC", **fields},
        )
        return _upsert(self.customers, row, "number")

    def add_item(self, number: str, name: str, **fields: Any) -> setup.Item:
        """Add an item (a service in group SERVICES unless told otherwise). `fields` are row attributes."""
        defaults: dict[str, Any] = {
            "type": "Service",
            "base_unit_of_measure": "PCS",
            "gen_prod_posting_group": "SERVICES",
        }
        row = setup.Item(number=number, display_name=name, **{**defaults, **fields})
        return _upsert(self.items, row, "number")

    def add_journal(
        self,
        code: str,
        *,
        template: str = CASH_RECEIPT_TEMPLATE,
        display_name: str = "",
        balancing_account: str = "",
        balancing_bank: str = "",
        number_series: str = "",
    ) -> documents.JournalBatch:
        """Add a journal batch as a person does, possibly balanced by a bank or with a number series."""
        kind = "Bank Account" if balancing_bank else "G/L Account"
        return self.journals.insert(
            documents.JournalBatch(
                template=template,
                code=code,
                display_name=display_name or code,
                balancing_account_type=kind,
                balancing_account_number=balancing_bank or balancing_account,
                number_series=number_series,
            )
        )

    def set_posting_window(self, first: date | None, last: date | None) -> None:
        """Set the posting dates that General Ledger Setup allows."""
        self.ledger_setup.allow_posting_from = first
        self.ledger_setup.allow_posting_to = last
        self.ledger_setups.touch(self.ledger_setup)
