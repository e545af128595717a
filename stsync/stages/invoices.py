"""Invoices: a posted ServiceTitan invoice becomes one posted Business Central sales invoice.

What a bookkeeper can rely on:
- one ServiceTitan invoice has at most one sales invoice, found by its external document number `ST-<id>`;
- it is created as a draft, read back, compared to the cent, and only then posted;
- every line stands on the account of that line and carries the dimension of that line's business unit;
- an unmapped code holds the invoice and names the line to add; nothing is guessed;
- a change in ServiceTitan replaces a draft; after posting it is held, never carried over silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.mapping import Gap, identity
from stsync.core.mapping import Mapping as Choices
from stsync.core.operations import digest
from stsync.core.plan import About, Decision, act, hold, settle
from stsync.core.reasons import Reason
from stsync.core.sales import Expected, SalesLine, set_lines
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.invoice import Invoice
from stsync.core.text import fit
from stsync.stages import sales_lines
from stsync.stages.document import Document
from stsync.stages.sales_lines import Findings

STAGE = "invoices"


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration."""

    go_live: date
    status: str = "Posted"
    post: bool = True
    lines: sales_lines.Settings = field(default_factory=sales_lines.Settings)


@dataclass(frozen=True)
class Buyer:
    """The customer card that an invoice goes to; `comes_first` is the write that makes the card, if it has yet to be made.

    `reason` says why there is none.
    """

    number: str = ""
    comes_first: tuple[str, ...] = ()
    reason: Reason | None = None


def natural_key(invoice_id: str) -> str:
    """The external document number: from the ServiceTitan id alone, so that the books alone can answer for it."""
    return f"ST-{invoice_id}"


def fingerprint(invoice: Invoice) -> str:
    """A hash of every amount, account, date and name that went, or would go, into the books.

    A new balance or status is not among it, nor another number: the office may renumber (trap 21), and no amount moves.
    """
    return digest(
        [
            invoice.active,
            invoice.invoiced_on,
            invoice.due_on,
            invoice.customer.id if invoice.customer else None,
            invoice.total,
            invoice.sales_tax,
            invoice.tax_zone.id if invoice.tax_zone else None,
            invoice.business_unit.id if invoice.business_unit else None,
            invoice.location.id if invoice.location else None,
            invoice.job_type,
            [_item_print(item) for item in invoice.items],
        ]
    )


def _item_print(item: Any) -> list[object]:
    account = item.account.id if item.account else None
    unit = item.business_unit.id if item.business_unit else None
    return [
        item.description,
        item.quantity,
        item.price,
        item.total,
        item.sku,
        item.chargeable,
        item.taxable,
        account,
        unit,
    ]


def plan(
    invoice: Invoice, *, link: Link, buyer: Buyer, choices: Choices, snapshot: Snapshot, settings: Settings
) -> Decision:
    """Decide about one invoice, in the order a clerk would ask."""
    about = _about(invoice)
    if link.is_baseline:
        return settle(STAGE, invoice.id, about, "before_go_live", notes=(f"linked to opening document {link.number}",))
    if link.exists and link.posted:
        return _already_posted(invoice, link, about)
    early = _exported_by_us(invoice, link, snapshot, settings) or _not_for_us(invoice, link, about, snapshot, settings)
    if early is not None:
        return early
    findings = Findings()
    lines = sales_lines.sales_lines(
        invoice, choices=choices, snapshot=snapshot, settings=settings.lines, findings=findings
    )
    dimensions = sales_lines.header_dimensions(
        invoice, choices=choices, snapshot=snapshot, settings=settings.lines, findings=findings
    )
    reason = _obstacle(invoice, buyer, snapshot) or findings.reason()
    terms, terms_reason = _terms(invoice, choices, snapshot)
    reason = reason or terms_reason
    if reason is not None:
        return hold(STAGE, invoice.id, about, reason, rules=tuple(findings.rules))
    tax = _expected_tax(invoice, settings)
    expected = Expected(buyer.number, invoice.total, tax, lines, invoice.invoiced_on, dimensions)
    body = sales_invoice(invoice, buyer.number, lines, terms)
    if dimensions:
        # After the lines: a server that goes by the order then gives each line its own values first, and a header's
        # values do not reach lines that are there (trap 19).
        body["dimensionSetLines"] = set_lines(dimensions)
    document = _document(invoice, link, buyer, expected, body)
    more = {"rules": tuple(findings.rules), "fingerprint": fingerprint(invoice)}
    return _carry(invoice, document, link=link, snapshot=snapshot, settings=settings, more=more)


def _document(invoice: Invoice, link: Link, buyer: Buyer, expected: Expected, body: dict[str, Any]) -> Document:
    return Document(
        stage=STAGE,
        source_id=invoice.id,
        entity="salesInvoices",
        natural_key=natural_key(invoice.id),
        label=f"invoice {_about(invoice).number}, {_about(invoice).name}",
        amount=invoice.total,
        body=body,
        expected=expected,
        comes_first=buyer.comes_first,
        revision=link.revision,
    )


def _about(invoice: Invoice) -> About:
    name = invoice.customer.name if invoice.customer else ""
    return About(number=invoice.number or invoice.id, name=name, on=invoice.invoiced_on, amount=invoice.total)


def _already_posted(invoice: Invoice, link: Link, about: About) -> Decision:
    if link.fingerprint == fingerprint(invoice):
        return settle(STAGE, invoice.id, about, "posted")
    return hold(STAGE, invoice.id, about, _changed_after_posting(invoice, link.number, link.total, about))


def _changed_after_posting(invoice: Invoice, number: str, total: Decimal | None, about: About) -> Reason:
    return Reason(
        "changed-after-posting",
        f"Invoice {about.number} was changed in ServiceTitan after it was posted as {number} "
        f"for {total:,.2f}; ServiceTitan now says {invoice.total:,.2f}"
        + ("." if invoice.active else " and that it is cancelled."),
        f"Nothing was changed in the books. To see every field, run: stsync drift --only {invoice.id}\n"
        f"To correct the books, undo the change in ServiceTitan, or run: stsync correct invoice {invoice.id}",
    )


def _not_for_us(invoice: Invoice, link: Link, about: About, snapshot: Snapshot, settings: Settings) -> Decision | None:
    """Invoices that do not belong in the books, or not yet."""
    if not invoice.active:
        return _cancelled(invoice, link, about, snapshot)
    outcome = readiness(invoice.status, settings.status)
    if outcome:
        asks = (natural_key(invoice.id),) if _may_be_ours(outcome, invoice, settings) else ()
        return settle(STAGE, invoice.id, about, outcome, asks=asks)
    if invoice.invoiced_on is None:
        return hold(STAGE, invoice.id, about, _NO_DATE)
    if invoice.invoiced_on < settings.go_live:
        return settle(STAGE, invoice.id, about, "before_go_live")
    if invoice.total < 0:
        return hold(STAGE, invoice.id, about, _CREDIT)
    if invoice.total == 0 and all(item.total == 0 for item in invoice.items):
        return settle(STAGE, invoice.id, about, "nothing_to_post")
    return None


def readiness(status: str, trigger: str) -> str:
    """How a document settles because of its status in ServiceTitan; empty when it is to be carried.

    Where Pending is chosen, documents may stay Pending for ever or move on (facts section 4.1): all are taken.
    """
    if trigger in {"Pending", status}:
        return ""
    return "exported_elsewhere" if status == "Exported" else "not_ready"


def _may_be_ours(outcome: str, invoice: Invoice, settings: Settings) -> bool:
    """Whether a document that shows Exported may have been carried by us: the write-back marks so what we posted, and
    the state file that knew of it may be lost."""
    return outcome == "exported_elsewhere" and (invoice.invoiced_on or settings.go_live) >= settings.go_live


def _exported_by_us(invoice: Invoice, link: Link, snapshot: Snapshot, settings: Settings) -> Decision | None:
    """An exported document that the books hold under our key is ours: it is taken on, never made again."""
    found = snapshot.invoices.get(natural_key(invoice.id), ())
    outcome = readiness(invoice.status, settings.status)
    if not found or not invoice.active or not _may_be_ours(outcome, invoice, settings):
        return None
    about, more = _about(invoice), {"fingerprint": fingerprint(invoice)}
    if len(found) > 1:
        return hold(STAGE, invoice.id, about, _twice(invoice, found), **more)
    if not found[0].posted:
        return hold(STAGE, invoice.id, about, _exported_with_draft(invoice, found[0]), **more)
    if found[0].total != invoice.total:
        return hold(STAGE, invoice.id, about, _posted_otherwise(invoice, found[0]), **more)
    if link.exists and link.fingerprint != more["fingerprint"]:
        reason = _changed_after_posting(invoice, found[0].number, found[0].total, about)
        return hold(STAGE, invoice.id, about, reason, **more)
    nothing = Expected(customer_number="", total=invoice.total, tax=invoice.total * 0, lines=())
    document = _document(invoice, link, Buyer(), nothing, {})
    return act(STAGE, invoice.id, about, [document.adopt(found[0])], outcome="posted", **more)


def _exported_with_draft(invoice: Invoice, found: BookInvoice) -> Reason:
    return Reason(
        "exported-with-draft",
        f"ServiceTitan shows invoice {_about(invoice).number} as exported, and Business Central holds it as draft "
        f"{found.number}. Nothing was posted.",
        f"If another program put it into the books, delete draft {found.number}; if none did, post the draft in "
        "Business Central. The next run sees either.",
    )


def _cancelled(invoice: Invoice, link: Link, about: About, snapshot: Snapshot) -> Decision:
    """The books decide, not the ledger: a draft may have been posted by a person, or deleted, or its answer was lost."""
    found = snapshot.invoices.get(natural_key(invoice.id), ())
    if not found:
        return settle(STAGE, invoice.id, about, "nothing_to_post", notes=("cancelled in ServiceTitan before transfer",))
    if len(found) > 1:
        return hold(STAGE, invoice.id, about, _twice(invoice, found))
    if found[0].posted:
        return hold(STAGE, invoice.id, about, _changed_after_posting(invoice, found[0].number, found[0].total, about))
    nothing = Expected(customer_number="", total=invoice.total, tax=invoice.total * 0, lines=())
    document = _document(invoice, link, Buyer(), nothing, {})
    return act(
        STAGE, invoice.id, about, [document.delete_draft(found[0], "cancelled in ServiceTitan")], outcome="removed"
    )


_NO_DATE = Reason(
    "invoice-without-date",
    "The invoice has no invoice date in ServiceTitan, so it belongs to no period.",
    "Set the invoice date in ServiceTitan.",
)
_CREDIT = Reason(
    "credit-not-carried",
    "The invoice has a negative total; credits are not carried over by this version.",
    "Enter a sales credit memo in Business Central by hand, with this invoice's number as external document number.",
)


def _obstacle(invoice: Invoice, buyer: Buyer, snapshot: Snapshot) -> Reason | None:
    if buyer.reason is not None:
        return buyer.reason
    if invoice.invoiced_on is not None and not snapshot.accepts(invoice.invoiced_on):
        return Reason(
            "posting-date-closed",
            f"The invoice is dated {invoice.invoiced_on}, but Business Central accepts posting dates "
            f"{snapshot.posting_from or 'any'} to {snapshot.posting_to or 'any'}.",
            "Open the period on the General Ledger Setup page (Allow Posting From/To), or date the invoice in "
            "ServiceTitan into an open period.",
        )
    return None


def _terms(invoice: Invoice, choices: Choices, snapshot: Snapshot) -> tuple[str | None, Reason | None]:
    """Payment terms travel only when the accountant maps them; the due date is carried over either way."""
    if not invoice.term or not choices.tables["terms"]:
        return None, None
    code = choices.lookup("terms", invoice.term) or identity(snapshot.payment_terms, invoice.term)
    if code is None:
        return None, sales_lines.unmapped([Gap("terms", invoice.term)])
    if code.upper() not in snapshot.payment_terms:
        return None, Reason(
            "payment-terms-missing",
            f"Business Central has no payment terms {code}.",
            "Create them on the Payment Terms page, or change mapping.terms.",
        )
    return snapshot.payment_terms[code.upper()], None


def _expected_tax(invoice: Invoice, settings: Settings) -> Any:
    return invoice.sales_tax if settings.lines.tax_method == "business_central" else invoice.total * 0


def sales_invoice(
    invoice: Invoice, customer_number: str, lines: Sequence[SalesLine], payment_terms_id: str | None
) -> dict[str, Any]:
    """The body of the draft, in the order that keeps every field (facts section 2.5, safe order)."""
    body: dict[str, Any] = {
        "customerNumber": customer_number,
        "invoiceDate": invoice.invoiced_on,
        "postingDate": invoice.invoiced_on,
    }
    if payment_terms_id is not None:
        body["paymentTermsId"] = payment_terms_id
    if invoice.due_on is not None:
        body["dueDate"] = invoice.due_on
    body["externalDocumentNumber"] = natural_key(invoice.id)
    if invoice.number:
        body["customerPurchaseOrderReference"] = fit(invoice.number, 35)
    body.update(_ship_to(invoice))
    body["salesInvoiceLines"] = [line.body() for line in lines]
    return body


def _ship_to(invoice: Invoice) -> dict[str, str]:
    """Where the work was done. Lengths from facts section 2.5; the postal code comes before city and state (trap 15)."""
    place = invoice.location_address
    fields = {
        "shipToName": fit(invoice.location.name, 100) if invoice.location else "",
        "shipToAddressLine1": fit(place.street, 100),
        "shipToAddressLine2": fit(place.unit, 50),
        "shipToPostCode": fit(place.postal_code, 20),
        "shipToCity": fit(place.city, 30),
        "shipToState": fit(place.state, 30),
    }
    return {name: value for name, value in fields.items() if value}


def _carry(
    invoice: Invoice,
    document: Document,
    *,
    link: Link,
    snapshot: Snapshot,
    settings: Settings,
    more: dict[str, Any],
) -> Decision:
    """New, found again, or a draft that must be replaced: the writes for an invoice that may be carried over."""
    about = _about(invoice)
    found = snapshot.invoices.get(document.natural_key, ())
    if len(found) > 1:
        return hold(STAGE, invoice.id, about, _twice(invoice, found), **more)
    if not found:
        operations = document.create_and_post(settings.post)
        return act(STAGE, invoice.id, about, operations, outcome=_outcome(settings), **more)
    known = link.exists and link.id == found[0].id
    if found[0].posted and found[0].total != invoice.total:
        return hold(STAGE, invoice.id, about, _posted_otherwise(invoice, found[0]), **more)
    if found[0].posted and known and _changed_since(invoice, document, link):
        reason = _changed_after_posting(invoice, found[0].number, found[0].total, about)
        return hold(STAGE, invoice.id, about, reason, **more)
    if found[0].posted:
        return act(STAGE, invoice.id, about, [document.adopt(found[0])], outcome="posted", **more)
    if known and _same_draft(document, link, found[0]) and found[0].total != invoice.total:
        return hold(STAGE, invoice.id, about, _draft_otherwise(invoice, found[0]), **more)
    if not _same_draft(document, link, found[0]) and not known and link.settled:
        return hold(STAGE, invoice.id, about, _draft_of_unknown_origin(invoice, found[0]), **more)
    if not _same_draft(document, link, found[0]):
        operations = document.replace_and_post(found[0], settings.post)
        return act(STAGE, invoice.id, about, operations, outcome=_outcome(settings), **more)
    adopt = [] if known else [document.adopt(found[0])]
    post = [document.post_draft(found[0], tuple(one.key for one in adopt))] if settings.post else []
    if not adopt and not post:
        return settle(STAGE, invoice.id, about, "draft", **more)
    return act(STAGE, invoice.id, about, [*adopt, *post], outcome=_outcome(settings), **more)


def _outcome(settings: Settings) -> str:
    return "posted" if settings.post else "draft"


def _same_draft(document: Document, link: Link, found: BookInvoice) -> bool:
    """Whether a draft that stands in the books is the one we would make now.

    Without a ledger row for it (the answer, or our state, was lost) its total, date and customer decide here; every
    draft is compared line by line before it is posted in any case.
    """
    if link.exists and link.id == found.id:
        return link.digest == digest(document.body)
    ours = (document.amount, document.body["postingDate"], document.expected.customer_number.upper())
    return (found.total, found.posting_date, found.customer_number) == ours


def _changed_since(invoice: Invoice, document: Document, link: Link) -> bool:
    """Whether a document that was posted behind our back (a lost answer, a person) was made from another source.

    Both must differ: the body alone also changes with the mapping, the source alone with what the books never see.
    """
    return link.fingerprint != fingerprint(invoice) and link.digest != digest(document.body)


def _twice(invoice: Invoice, found: Sequence[BookInvoice]) -> Reason:
    numbers = ", ".join(one.number for one in found)
    return Reason(
        "twice-in-books",
        f"Business Central holds {len(found)} sales invoices with external document number "
        f"{natural_key(invoice.id)}: {numbers}.",
        "Delete or credit the ones that should not be there, then let the next run look again.",
    )


def _draft_otherwise(invoice: Invoice, found: BookInvoice) -> Reason:
    return Reason(
        "draft-differs",
        f"Draft {found.number} in Business Central comes to {found.total:,.2f}; ServiceTitan's total is "
        f"{invoice.total:,.2f}. Nothing was posted.",
        f"Open draft {found.number}. Differences in tax come from the tax set-up of the customer or the account; with "
        "tax method 'line' every line must be untaxed in Business Central (invoices.tax.exempt_code).",
    )


def _draft_of_unknown_origin(invoice: Invoice, found: BookInvoice) -> Reason:
    return Reason(
        "draft-of-unknown-origin",
        f"Business Central holds draft {found.number} with external document number {natural_key(invoice.id)}, which is "
        f"not what ServiceTitan says now, and stsync does not remember making it.",
        f"Look at draft {found.number}. If nobody needs it, delete it; the next run makes the right one.",
    )


def _posted_otherwise(invoice: Invoice, found: BookInvoice) -> Reason:
    return Reason(
        "posted-with-other-total",
        f"Business Central holds posted invoice {found.number} for {found.total:,.2f}; "
        f"ServiceTitan's total is {invoice.total:,.2f}.",
        f"Compare both; correct {found.number} with a credit memo in Business Central, or the invoice in ServiceTitan.",
    )
