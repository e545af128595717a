"""The tables of one company.

Not modelled: everything that the sandbox's README section does not name (vendors, purchases, warehouse).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stsync.sandbox.businesscentral.core import document_records as rows
from stsync.sandbox.businesscentral.core import setup_records as setup
from stsync.sandbox.businesscentral.core.number_series import NumberSeries
from stsync.sandbox.businesscentral.core.settings import CompanySettings, Switches
from stsync.sandbox.businesscentral.core.table import Store, Table, new_guid


class CompanyTables:
    """State of a company, readable by tests: every attribute is a table, a row or a plain value."""

    def __init__(self, name: str, store: Store, switches: Switches) -> None:
        self.id = new_guid()
        self.name = name
        self.display_name = ""
        self.store = store
        self.switches = switches
        self.settings = CompanySettings()
        self.current_user = ""
        self.scheduled_journals: list[str] = []
        self._make_setup_tables(store)
        self._make_document_tables(store)
        self.series = {
            "customer": NumberSeries("CUST", "C00010", store.undo, manual=True),
            "invoice": NumberSeries("S-INV", "1001", store.undo),
            "posted_invoice": NumberSeries("S-INV+", "PS-INV103001", store.undo),
            "credit_memo": NumberSeries("S-CR", "1001", store.undo),
            "posted_credit_memo": NumberSeries("S-CR+", "PS-CR104001", store.undo),
            "item": NumberSeries("ITEM", "1000", store.undo, manual=True),
        }
        self.batch_series: dict[str, NumberSeries] = {}
        """Number series that journal batches may name in `number_series`."""
        self.receivables_accounts: dict[str, str] = {}
        """G/L account of the receivables by customer posting group."""
        self.sales_accounts: dict[tuple[str, str], str] = {}
        """G/L account of revenue by (business, product) posting group; "" means the set-up lacks it."""

    def _make_setup_tables(self, store: Store) -> None:
        self.customers: Table[setup.Customer] = Table(store, "number", "display_name")
        self.items: Table[setup.Item] = Table(store, "number")
        self.item_categories: Table[setup.Coded] = Table(store, "code")
        self.accounts: Table[setup.Account] = Table(store, "number")
        self.bank_accounts: Table[setup.BankAccount] = Table(store, "number")
        self.payment_terms: Table[setup.PaymentTerm] = Table(store, "code")
        self.payment_methods: Table[setup.Coded] = Table(store, "code")
        self.shipment_methods: Table[setup.Coded] = Table(store, "code")
        self.units_of_measure: Table[setup.UnitOfMeasure] = Table(store, "code")
        self.currencies: Table[setup.Currency] = Table(store, "code")
        self.tax_areas: Table[setup.TaxArea] = Table(store, "code")
        self.tax_groups: Table[setup.TaxGroup] = Table(store, "code")
        self.dimensions: Table[setup.Dimension] = Table(store, "code")
        self.dimension_values: Table[setup.DimensionValue] = Table(store, "dimension_code", "code")
        self.default_dimensions: Table[setup.DefaultDimension] = Table(store, "parent_id")
        self.post_codes: Table[setup.PostCode] = Table(store, "code")
        self.countries: Table[setup.Coded] = Table(store, "code")
        self.salespeople: Table[setup.Coded] = Table(store, "code")
        self.ledger_setups: Table[setup.GeneralLedgerSetup] = Table(store)
        self.information_rows: Table[setup.CompanyInformation] = Table(store)
        self.ledger_setup = self.ledger_setups.insert(setup.GeneralLedgerSetup())
        self.information = self.information_rows.insert(setup.CompanyInformation(display_name=self.name))

    def _make_document_tables(self, store: Store) -> None:
        keys = ("number", "external_document_number", "customer_number", "customer_id", "status")
        self.invoices: Table[rows.SalesDocument] = Table(store, *keys)
        self.credit_memos: Table[rows.SalesDocument] = Table(store, *keys)
        self.invoice_lines: Table[rows.SalesLine] = Table(store, "document_id")
        self.credit_memo_lines: Table[rows.SalesLine] = Table(store, "document_id")
        self.journals: Table[rows.JournalBatch] = Table(store, "code")
        self.journal_lines: Table[rows.JournalLine] = Table(
            store, "batch_id", "document_number", "external_document_number"
        )
        self.gl_entries: Table[rows.LedgerEntry] = Table(store, "document_number", "account_number")
        self.customer_ledger: Table[rows.CustomerLedgerEntry] = Table(
            store, "customer_number", "document_number", "entry_number"
        )

    def work_date(self) -> date:
        """The server's day in UTC, which defaults dates (BC facts section 9, time zone)."""
        return self.store.now().date()

    def documents(self, kind: str) -> Table[rows.SalesDocument]:
        """The invoices or the credit memos."""
        return self.invoices if kind == "Invoice" else self.credit_memos

    def document_lines(self, kind: str) -> Table[rows.SalesLine]:
        """The lines of all invoices or of all credit memos."""
        return self.invoice_lines if kind == "Invoice" else self.credit_memo_lines

    def lines_of(self, document: rows.SalesDocument) -> list[rows.SalesLine]:
        """The lines of one document by line number."""
        lines = self.document_lines(document.kind).where("document_id", document.id)
        return sorted(lines, key=lambda line: line.sequence)

    def lines_in(self, batch: rows.JournalBatch) -> list[rows.JournalLine]:
        """The lines of one journal batch by line number."""
        return sorted(self.journal_lines.where("batch_id", batch.id), key=lambda line: line.line_number)

    def customer_balance(self, number: str) -> Decimal:
        """What a customer owes: the remaining amounts of all ledger entries."""
        entries = self.customer_ledger.where("customer_number", number)
        return sum((entry.remaining for entry in entries), Decimal(0))
