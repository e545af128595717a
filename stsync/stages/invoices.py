"""Invoices: a posted ServiceTitan invoice becomes one posted Business Central sales invoice, or sales credit memo.

What a bookkeeper can rely on:
- one ServiceTitan invoice has at most one counterpart, found by its external document number `ST-<id>`;
- an invoice below zero is a sales credit memo, applied to the invoice that it adjusts where the API allows that;
- it is created as a draft, read back, compared to the cent, and only then posted;
- every line stands on the account of that line and carries the dimension of that line's business unit;
- an unmapped code holds the invoice and names the line to add; nothing is guessed;
- a change in ServiceTitan replaces a draft; after posting it is held, never carried over silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.mapping import Gap, identity
from stsync.core.mapping import Mapping as Choices
from stsync.core.operations import digest
from stsync.core.plan import TO_APPLY, Decision, act, hold, settle, wait
from stsync.core.posting_dates import Policy, PostingDay, closed, posting_day
from stsync.core.reasons import Reason
from stsync.core.sales import Expected, SalesLine, differences, set_lines
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.invoice import Invoice
from stsync.core.tax_cause import causes, not_equal
from stsync.core.text import fit
from stsync.stages import document_reasons as why
from stsync.stages import sales_lines
from stsync.stages.buyer import Buyer
from stsync.stages.credits import (
    UNAPPLIED,
    Application,
    Original,
    application,
    carried,
    moved,
    named_by,
    not_applied,
    to_apply,
    turned,
)
from stsync.stages.document import Document
from stsync.stages.document_body import credit_memo, sales_invoice
from stsync.stages.findings import Findings, unmapped
from stsync.stages.paper import Paper, fingerprint, natural_key, of_invoice

__all__ = ["STAGE", "Settings", "fingerprint", "natural_key", "plan", "plan_paper", "readiness"]

STAGE = "invoices"


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration."""

    go_live: date
    status: str = "Posted"
    post: bool = True
    lines: sales_lines.Settings = field(default_factory=sales_lines.Settings)
    closed_periods: Policy = "hold"


@dataclass(frozen=True)
class _Case:
    """One document with everything its decision depends on."""

    paper: Paper
    link: Link
    buyer: Buyer
    originals: Sequence[Original]
    choices: Choices
    snapshot: Snapshot
    settings: Settings

    @property
    def found(self) -> tuple[BookInvoice, ...]:
        live = self.paper.found(self.snapshot)
        if live or self.link.posted or self.link.settled:
            return live
        # Our own draft, whose posting had no answer: that somebody cancelled it since shows that it was posted.
        return self.snapshot.cancelled(self.paper.key, self.link.id)

    @property
    def asks(self) -> tuple[str, ...]:
        """The keys that the books must be asked for before an application is decided."""
        return tuple(one.key for one in self.originals if one.key)

    def hold(self, reason: Reason, **more: Any) -> Decision:
        return hold(self.paper.kind, self.paper.id, self.paper.about, reason, **more)

    def settle(self, outcome: str, **more: Any) -> Decision:
        return settle(self.paper.kind, self.paper.id, self.paper.about, outcome, **more)

    def act(self, operations: Sequence[Any], **more: Any) -> Decision:
        return act(self.paper.kind, self.paper.id, self.paper.about, operations, **more)

    def document(self, body: dict[str, Any], expected: Expected, after: tuple[str, ...] = ()) -> Document:
        return Document(
            stage=self.paper.kind,
            source_id=self.paper.id,
            form=self.paper.form,
            natural_key=self.paper.key,
            label=self.paper.label,
            amount=self.paper.document.total,
            body=body,
            expected=expected,
            comes_first=(*self.buyer.comes_first, *after),
            revision=self.link.revision,
            ended=self.link.ended,
        )

    def bare(self) -> Document:
        """The document for writes that need no body: taking on, deleting."""
        total = self.paper.document.total
        return self.document({}, Expected(customer_number="", total=total, tax=total * 0, lines=()))


def plan(
    invoice: Invoice,
    *,
    link: Link,
    buyer: Buyer,
    choices: Choices,
    snapshot: Snapshot,
    settings: Settings,
    originals: Sequence[Original] = (),
) -> Decision:
    """Decide about one invoice; `originals` is the one that it adjusts, if it does."""
    paper = of_invoice(invoice)
    return plan_paper(
        paper, link=link, buyer=buyer, originals=originals, choices=choices, snapshot=snapshot, settings=settings
    )


def plan_paper(
    paper: Paper,
    *,
    link: Link,
    buyer: Buyer,
    originals: Sequence[Original],
    choices: Choices,
    snapshot: Snapshot,
    settings: Settings,
) -> Decision:
    """Decide about one invoice or credit memo, in the order a clerk would ask."""
    reduces = originals if paper.document.total < 0 else ()
    case = _Case(paper, link, buyer, reduces, choices, snapshot, settings)
    if link.is_baseline:
        return case.settle("before_go_live", notes=(f"linked to opening document {link.number}",))
    if link.exists and link.posted:
        return _already_posted(case)
    early = _unknown_in_books(case) or _exported_by_us(case) or _not_for_us(case)
    if early is not None:
        return early
    dated = paper.document.invoiced_on
    day = posting_day(dated, snapshot, settings.closed_periods) if dated is not None else None
    if dated is None or day is None:
        return case.hold(buyer.reason or closed(paper.noun, dated or settings.go_live, snapshot))
    return _carried(case, day)


def _carried(case: _Case, day: PostingDay) -> Decision:
    """The document as it goes into the books: lines, terms, application."""
    invoice, findings = case.paper.document, Findings()
    lines = sales_lines.sales_lines(
        invoice, choices=case.choices, snapshot=case.snapshot, settings=case.settings.lines, findings=findings
    )
    dimensions = sales_lines.header_dimensions(
        invoice, choices=case.choices, snapshot=case.snapshot, settings=case.settings.lines, findings=findings
    )
    terms, terms_reason = _terms(case)
    reason = case.buyer.reason or findings.reason() or terms_reason
    more: dict[str, Any] = {"rules": tuple(findings.rules), "asks": case.asks}
    if reason is not None:
        return case.hold(reason, **more)
    applied = _application(case, day)
    if applied.waits is not None:
        return wait(case.paper.kind, case.paper.id, case.paper.about, applied.waits, **more)
    if day.remark:
        lines = [*lines, _remark(day)]
    if invoice.adjustment_to is not None and invoice.total >= 0:
        findings.rules.append(f"it adds to invoice {invoice.adjustment_to} as an invoice of its own")
    document = _document(case, _Content(day, lines, dimensions, terms, applied))
    more |= {
        "rules": tuple(findings.rules),
        "notes": (*applied.notes, *((day.remark,) if day.remark else ())),
        "fingerprint": fingerprint(invoice),
        "kept": carried(case.originals) if applied.body else {},
    }
    return _carry(case, document, applied, more)


def _application(case: _Case, day: PostingDay) -> Application:
    if not case.originals:
        return UNAPPLIED
    return application(
        case.paper,
        case.originals,
        customer_number=case.buyer.number,
        posting_on=day.on,
        snapshot=case.snapshot,
        refused=case.link.refusal,
    )


def _remark(day: PostingDay) -> SalesLine:
    nothing = Decimal(0)
    return SalesLine("Comment", "", fit(day.remark, 100), nothing, nothing, nothing)


@dataclass(frozen=True)
class _Content:
    """What goes into one document; the lines with ServiceTitan's signs."""

    day: PostingDay
    lines: Sequence[SalesLine]
    dimensions: dict[str, str]
    terms: str | None
    applied: Application


def _document(case: _Case, content: _Content) -> Document:
    invoice, number, key = case.paper.document, case.buyer.number, case.paper.key
    on = content.day.on
    if invoice.total < 0:
        content = replace(content, lines=turned(content.lines))
        body = credit_memo(
            key,
            number,
            content.lines,
            dated=invoice.invoiced_on,
            posting_on=on,
            application=content.applied.body,
        )
    else:
        body = sales_invoice(invoice, key, number, content.lines, posting_on=on, payment_terms_id=content.terms)
    if content.dimensions:
        # After the lines: a server that goes by the order then gives each line its own values first, and a header's
        # values do not reach lines that are there (trap 19).
        body["dimensionSetLines"] = set_lines(content.dimensions)
    return case.document(body, _expected(case, content), content.applied.after)


def _expected(case: _Case, content: _Content) -> Expected:
    invoice, method = case.paper.document, case.settings.lines.tax_method
    tax = invoice.sales_tax if method == "business_central" else invoice.total * 0
    return Expected(
        customer_number=case.buyer.number,
        total=abs(invoice.total),
        tax=case.paper.form.signed(tax),
        lines=content.lines,
        posting_on=content.day.on,
        dimensions=content.dimensions,
        dated=invoice.invoiced_on,
        due_on=invoice.due_on if invoice.total >= 0 else None,
        tax_method=method,
        zone=invoice.tax_zone.name if invoice.tax_zone else "",
        zone_percent=invoice.tax_rate * 100 if invoice.tax_rate is not None else None,
    )


def _already_posted(case: _Case) -> Decision:
    paper, link = case.paper, case.link
    if link.fingerprint != fingerprint(paper.document):
        return case.hold(why.changed_after_posting(paper, link.number, link.total))
    if moved(link, case.originals):
        return case.hold(why.applied_elsewhere(paper, link.number))
    if not not_applied(link, case.originals):
        return case.settle("posted")
    left = _left_to_apply(case)
    asks = (paper.key, *case.asks)
    return case.settle(TO_APPLY, reason=left, asks=asks) if left is not None else case.settle("posted", asks=asks)


def _left_to_apply(case: _Case) -> Reason | None:
    """What a person still has to apply of a posted credit: nothing, if it named its invoice or is used up by now."""
    own = next((one for one in case.found if one.posted), None)
    if own is None or own.applies_to or own.status == "Paid" or own.posting_date is None:
        return None
    return to_apply(
        case.paper,
        [one for one in not_applied(case.link, case.originals) if one.waits is None],
        customer_number=own.customer_number,
        posting_on=own.posting_date,
        snapshot=case.snapshot,
    )


def _not_for_us(case: _Case) -> Decision | None:
    """Documents that do not belong in the books, or not yet."""
    invoice, settings = case.paper.document, case.settings
    if not invoice.active:
        nothing = case.settle("nothing_to_post", notes=("cancelled in ServiceTitan before transfer",))
        return _without_counterpart(case, nothing, "cancelled in ServiceTitan", outcome="removed")
    outcome = readiness(invoice.status, settings.status)
    if outcome and not _marked_by_us(outcome, case.link):
        return case.settle(outcome, asks=(case.paper.key,) if _may_be_ours(outcome, invoice, settings) else ())
    if invoice.invoiced_on is None:
        return case.hold(why.without_date(case.paper))
    if invoice.invoiced_on < settings.go_live:
        early = case.settle("before_go_live")
        # An opening document that somebody enters by hand may bear our number too: it is none of our drafts.
        made = case.link.exists or not case.link.settled
        return _without_counterpart(case, early, "dated before go_live now") if made else early
    if invoice.bills_nothing:
        return _without_counterpart(case, case.settle("nothing_to_post"), "nothing is on it any more")
    return None


def readiness(status: str, trigger: str) -> str:
    """How a document settles because of its status in ServiceTitan; empty when it is to be carried.

    Where Pending is chosen, documents may stay Pending for ever or move on (facts section 4.1): all are taken.
    """
    if trigger in {"Pending", status}:
        return ""
    return "exported_elsewhere" if status == "Exported" else "not_ready"


def _marked_by_us(outcome: str, link: Link) -> bool:
    """Whether it shows Exported because we posted it, and a person has had that taken back since to be made anew."""
    return outcome == "exported_elsewhere" and bool(link.ended)


def _may_be_ours(outcome: str, invoice: Invoice, settings: Settings) -> bool:
    """Whether a document that shows Exported may have been carried by us: the write-back marks so what we posted, and
    the state file that knew of it may be lost."""
    return outcome == "exported_elsewhere" and (invoice.invoiced_on or settings.go_live) >= settings.go_live


def _unknown_in_books(case: _Case) -> Decision | None:
    """What the books hold posted under our number, and our ledger does not know (its answer, or our state, was lost).

    It is taken on before anything else is asked: a mapping that was taken away since, a card that is blocked or a period
    that was closed undoes no posting.
    """
    invoice, found = case.paper.document, case.found
    # What is dated before go-live under our number is an opening document that somebody else entered.
    opening = invoice.invoiced_on is not None and invoice.invoiced_on < case.settings.go_live
    if opening or case.link.exists or len(found) != 1 or not found[0].posted:
        return None
    more: dict[str, Any] = {"fingerprint": fingerprint(invoice)}
    if not invoice.active:
        return case.hold(why.changed_after_posting(case.paper, found[0].number, found[0].total), **more)
    if found[0].total != invoice.total:
        return case.hold(why.posted_otherwise(case.paper, found[0]), **more)
    return _taken_on(case, found[0], more)


def _exported_by_us(case: _Case) -> Decision | None:
    """An exported document that the books hold under our key is ours: it is taken on, never made again."""
    invoice, found = case.paper.document, case.found
    outcome = readiness(invoice.status, case.settings.status)
    if not found or not invoice.active or not _may_be_ours(outcome, invoice, case.settings):
        return None
    more: dict[str, Any] = {"fingerprint": fingerprint(invoice)}
    if len(found) > 1:
        return case.hold(why.twice(case.paper, found), **more)
    if not found[0].posted and case.link.ended:
        # It shows Exported for the counterpart that was taken back; this draft is the one that is made anew.
        return None
    if not found[0].posted:
        return case.hold(why.exported_with_draft(case.paper, found[0]), **more)
    if found[0].total != invoice.total:
        return case.hold(why.posted_otherwise(case.paper, found[0]), **more)
    if case.link.exists and case.link.fingerprint != more["fingerprint"]:
        return case.hold(why.changed_after_posting(case.paper, found[0].number, found[0].total), **more)
    return _taken_on(case, found[0], more)


def _taken_on(case: _Case, found: BookInvoice, more: dict[str, Any]) -> Decision:
    """A posted document that an earlier run made, or a person posted."""
    left = _left_to_apply(case) if case.originals else None
    kept = carried(named_by(found, case.originals, case.snapshot))
    more = {**more, "afterwards": left, "asks": case.asks, "kept": kept}
    return case.act([case.bare().adopt(found)], outcome="posted", **more)


def _without_counterpart(case: _Case, settled: Decision, because: str, *, outcome: str = "") -> Decision:
    """A document that belongs in the books no more: it settles so, once a draft of ours that nobody may post is gone.

    The books decide, not the ledger: the draft may have been posted by a person, or deleted, or its answer was lost.
    """
    found = case.found
    if not found:
        return settled
    if len(found) > 1:
        return case.hold(why.twice(case.paper, found))
    if found[0].posted:
        return case.hold(why.changed_after_posting(case.paper, found[0].number, found[0].total))
    return case.act([case.bare().delete_draft(found[0], because)], outcome=outcome or settled.outcome)


def _terms(case: _Case) -> tuple[str | None, Reason | None]:
    """Payment terms travel only when the accountant maps them; the due date is carried over either way."""
    term = case.paper.document.term
    if not term or not case.choices.tables["terms"] or case.paper.document.total < 0:
        return None, None
    code = case.choices.lookup("terms", term) or identity(case.snapshot.payment_terms, term)
    if code is None:
        return None, unmapped([Gap("terms", term)])
    if code.upper() not in case.snapshot.payment_terms:
        return None, Reason(
            "payment-terms-missing",
            f"Business Central has no payment terms {code}.",
            "Create them on the Payment Terms page, or change mapping.terms.",
        )
    return case.snapshot.payment_terms[code.upper()], None


def _carry(case: _Case, document: Document, applied: Application, more: dict[str, Any]) -> Decision:
    """New, found again, or a draft that must be replaced: the writes for a document that may be carried over."""
    found, post = case.found, case.settings.post
    result = {"outcome": "posted" if post else "draft", "afterwards": applied.afterwards, **more}
    if len(found) > 1:
        return case.hold(why.twice(case.paper, found), **more)
    if not found:
        return case.act(document.create_and_post(post), **result)
    if found[0].posted:
        return _found_posted(case, found[0], document, more)
    if _same_draft(document, case.link, found[0]):
        return _found_draft(case, found[0], document, {**more, "afterwards": applied.afterwards})
    known = case.link.exists and case.link.id == found[0].id
    if not known and case.link.settled:
        return case.hold(why.draft_of_unknown_origin(case.paper, found[0]), **more)
    return case.act(document.replace_and_post(found[0], post), **result)


def _found_posted(case: _Case, found: BookInvoice, document: Document, more: dict[str, Any]) -> Decision:
    invoice = case.paper.document
    if found.total != invoice.total:
        return case.hold(why.posted_otherwise(case.paper, found), **more)
    if case.link.exists and case.link.id == found.id and _changed_since(invoice, document, case.link):
        return case.hold(why.changed_after_posting(case.paper, found.number, found.total), **more)
    return _taken_on(case, found, more)


def _found_draft(case: _Case, found: BookInvoice, document: Document, more: dict[str, Any]) -> Decision:
    """Our own draft, as we would make it now: it is posted, unless Business Central gave it another total."""
    known = case.link.exists and case.link.id == found.id
    if known and found.total != case.paper.document.total:
        return case.hold(_draft_differs(case, found, document), **more)
    adopt = [] if known else [document.adopt(found)]
    post = [document.post_draft(found, tuple(one.key for one in adopt))]
    operations = [*adopt, *(post if case.settings.post else [])]
    if not operations:
        return case.settle("draft", **more)
    return case.act(operations, outcome="posted" if case.settings.post else "draft", **more)


def _draft_differs(case: _Case, found: BookInvoice, document: Document) -> Reason:
    """Why the draft has another total, as closely as its lines tell when they were read with it."""
    draft = case.snapshot.drafts.get(found.id)
    if draft is None:
        said = f"it comes to {abs(found.total):,.2f}, ServiceTitan's total is {abs(case.paper.document.total):,.2f}"
        return not_equal(document.form, found.number, [said], [])
    return not_equal(
        document.form, found.number, differences(document.expected, draft), causes(document.expected, draft)
    )


def _same_draft(document: Document, link: Link, found: BookInvoice) -> bool:
    """Whether a draft that stands in the books is the one we would make now.

    Without a ledger row for it (the answer, or our state, was lost) its form, total, date, customer and application
    decide here; every draft is compared line by line before it is posted in any case.
    """
    if link.exists and link.id == found.id:
        return link.digest == digest(document.body) and found.entity == document.form.entity
    ours = (
        document.form.entity,
        document.amount,
        document.body["postingDate"],
        document.expected.customer_number.upper(),
        document.body.get("invoiceId") or document.body.get("invoiceNumber") or "",
    )
    return (found.entity, found.total, found.posting_date, found.customer_number, found.applies_to) == ours


def _changed_since(invoice: Invoice, document: Document, link: Link) -> bool:
    """Whether a document that was posted behind our back (a lost answer, a person) was made from another source.

    Both must differ: the body alone also changes with the mapping, the source alone with what the books never see.
    """
    return link.fingerprint != fingerprint(invoice) and link.digest != digest(document.body)
