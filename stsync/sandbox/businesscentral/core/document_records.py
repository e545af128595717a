"""Rows of documents, journals and ledgers: what tests read as "the books".

Not modelled: foreign currency amounts beside local ones, item and tax ledgers, shipments, orders.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stsync.sandbox.businesscentral.core.table import ZERO_GUID, Row

ZERO = Decimal(0)


@dataclass(eq=False, kw_only=True)
class SalesDocument(Row):
    """A sales invoice or credit memo, draft or posted: one row with one id for its whole life.

    `kind` is "Invoice" or "Credit Memo"; `number` is the draft's until posting gives the posted one.
    `record_id` is the SystemId of the posted record, another value than `id` (BC facts trap 2).
    """

    kind: str
    number: str = ""
    draft_number: str = ""
    record_id: str = ""
    external_document_number: str = ""
    document_date: date | None = None
    posting_date: date | None = None
    due_date: date | None = None
    promised_pay_date: date | None = None
    customer_purchase_order_reference: str = ""
    customer_number: str = ""
    customer_id: str = ZERO_GUID
    customer_name: str = ""
    bill_to_number: str = ""
    bill_to_id: str = ZERO_GUID
    bill_to_name: str = ""
    ship_to_code: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    currency_code: str = ""
    payment_terms_id: str = ZERO_GUID
    shipment_method_id: str = ZERO_GUID
    salesperson: str = ""
    dispute_status: str = ""
    prices_include_tax: bool = False
    tax_area_code: str = ""
    tax_liable: bool = False
    status: str = "Draft"
    posted: bool = False
    phone_number: str = ""
    email: str = ""
    applies_to_number: str = ""
    corrects_id: str = ""
    cancelled_by_id: str = ""
    return_reason_id: str = ZERO_GUID
    dimensions: dict[str, str] = field(default_factory=dict)
    total_excluding_tax: Decimal = ZERO
    total_tax: Decimal = ZERO
    discount_amount: Decimal = ZERO
    ledger_entry_number: int = 0

    @property
    def total(self) -> Decimal:
        """The total including tax."""
        return self.total_excluding_tax + self.total_tax

    @property
    def released(self) -> bool:
        """Released for posting but not posted; the API shows it as Open (BC facts trap 1)."""
        return not self.posted and self.status == "Open"


@dataclass(eq=False, kw_only=True)
class SalesLine(Row):
    """A line of a sales document. Amounts are derived again whenever a number changes."""

    document_id: str
    sequence: int = 0
    line_type: str = "Comment"
    object_id: str = ZERO_GUID
    object_number: str = ""
    description: str = ""
    description_2: str = ""
    unit_of_measure_id: str = ZERO_GUID
    unit_of_measure: str = ""
    quantity: Decimal = ZERO
    unit_price: Decimal = ZERO
    discount_amount: Decimal = ZERO
    discount_percent: Decimal = ZERO
    invoice_discount: Decimal = ZERO
    tax_group: str = ""
    tax_percent: Decimal = ZERO
    gen_prod_posting_group: str = ""
    shipment_date: date | None = None
    variant_id: str = ZERO_GUID
    location_id: str = ZERO_GUID
    allow_invoice_discount: bool = False
    line_amount: Decimal = ZERO
    amount_excluding_tax: Decimal = ZERO
    tax_amount: Decimal = ZERO
    net_amount: Decimal = ZERO
    net_tax_amount: Decimal = ZERO
    dimensions: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class JournalBatch(Row):
    """A general journal batch. `number_series` and a bank as balancing account exist only through set-up."""

    template: str
    code: str
    display_name: str = ""
    balancing_account_type: str = "G/L Account"
    balancing_account_number: str = ""
    number_series: str = ""


@dataclass(eq=False, kw_only=True)
class JournalLine(Row):
    """A general journal line; a customer payment is one with document type Payment."""

    batch_id: str
    line_number: int = 0
    account_type: str = "G/L Account"
    account_number: str = ""
    document_type: str = " "
    posting_date: date | None = None
    document_number: str = ""
    external_document_number: str = ""
    amount: Decimal = ZERO
    description: str = ""
    comment: str = ""
    tax_code: str = ""
    applies_to_type: str = " "
    applies_to_number: str = ""
    balancing_account_type: str = "G/L Account"
    balancing_account_number: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Wholly empty lines are skipped by posting (BC facts section 16)."""
        return not self.account_number and self.amount == 0


@dataclass(eq=False, kw_only=True)
class LedgerEntry(Row):
    """A general ledger entry, debit positive. The last two fields are not shown by API v2.0."""

    entry_number: int
    posting_date: date
    document_type: str
    document_number: str
    account_number: str
    amount: Decimal
    description: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)
    external_document_number: str = ""
    source_customer: str = ""


@dataclass(frozen=True)
class Application:
    """One application between two customer ledger entries; the amount has the sign of the entry holding it."""

    with_entry: int
    amount: Decimal
    on: date


@dataclass(eq=False, kw_only=True)
class CustomerLedgerEntry(Row):
    """A customer ledger entry: what is owed (positive) or credited (negative), and what is left of it."""

    entry_number: int
    customer_number: str
    posting_date: date
    due_date: date | None
    document_type: str
    document_number: str
    external_document_number: str
    description: str
    amount: Decimal
    remaining: Decimal
    document_id: str = ""
    applications: tuple[Application, ...] = ()
    dimensions: dict[str, str] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether something is left to apply."""
        return self.remaining != 0

    def remaining_on(self, day: date) -> Decimal:
        """What was left at the end of a day: applications of later days had not happened yet."""
        return self.amount - sum((one.amount for one in self.applications if one.on <= day), ZERO)
