"""Switches: where real environments and companies differ, or where the facts leave a question open.

Not modelled: per-user settings other than the posting window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass
class Switches:
    """Behaviour of the service as a whole. Every value may be changed while it runs."""

    batch_enabled: bool = True
    """False answers $batch with `batch_disabled_status`, as old or proxied environments do."""
    batch_disabled_status: int = 404
    batch_decimal_defect: bool = False
    """True: inner JSON-number decimals without IEEE754Compatible=true are refused (facts section 10)."""
    page_size: int = 20_000
    concurrent_requests: int = 5
    queueing: bool = True
    """False answers 429 at the sixth concurrent request instead of letting it wait."""
    queue_length: int = 95
    queue_seconds: float = 480.0
    rate_limit: int = 6_000
    rate_window_seconds: float = 300.0
    rate_counts_operations: bool = False
    """True: a $batch counts as many requests as it has operations; undocumented, the facts say to assume it."""
    draft_reads_write: bool = False
    """True: a GET of drafts stamps them as modified (facts trap 12)."""
    data_not_found_status: int = 400
    """Status of Internal_DataNotFoundFilter: 400 or 404, the facts cannot tell."""
    same_key_status: int = 400
    """Status of Internal_EntityWithSameKeyExists: 400 or 409, the facts cannot tell."""
    aged_report_honours_date: bool = False
    """True: agedAccountsReceivables leaves out what was posted or applied after agedAsOfDate; the facts cannot tell."""
    nested_dimensions: dict[str, str] = field(default_factory=dict)
    """What becomes of `dimensionSetLines` nested in a POST, by entity set ("salesInvoices", "customerPayments"):
    "accepted" (as where nothing is said here), "ignored" or "refused". Inferred in the facts, section 2.13."""


@dataclass
class CompanySettings:
    """Set-up of one company that no page of API v2.0 shows."""

    tax_mode: str = "sales_tax"
    """"sales_tax" (North America) or "vat" (W1)."""
    customer_template: bool = True
    """False: customers created through the API get no posting groups (facts trap 16)."""
    post_journals_with_job_queue: bool = False
    """True: journals.post answers 204 and only schedules (facts trap 23)."""
    increment_batch_name: bool = False
    """True: posting replaces a batch whose name ends in digits by the next name, with a new id."""
    force_document_balance: bool = True
    force_posting_report: bool = False
    no_default_posting_date: bool = False
    external_document_number_mandatory: bool = False
    default_quantity_one: bool = False
    approval_workflow: bool = False
    allow_document_deletion_before: date | None = None
    corrective_memo_keeps_external_number: bool = True
    """Whether the credit memo of a cancel carries the invoice's external document number: the facts do not say."""
    corrections_dated_today: bool = False
    """Whether the credit memo of a cancel is dated by the day of the cancel, not by the invoice: not in the facts."""
    refuse_correcting_zero_invoices: bool = False
    """Whether an invoice of 0.00, closed when it was posted, counts as paid for a cancel: not in the facts."""
    failing_cancel: str = ""
    """"draft" or "posted": every cancel fails and leaves its credit memo behind in that state (facts section 3)."""
    global_dimensions: tuple[str, str] = ("", "")
    user_posting_windows: dict[str, tuple[date | None, date | None]] = field(default_factory=dict)
    """User Setup by client id; it comes before G/L Setup (facts section 7.2)."""
