"""Taking back a posted invoice: Business Central's own cancellation, or a credit memo where that would be refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, compare, entity, enum_text
from stsync.core.links import Link, link
from stsync.core.operations import Operation, Verb
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.engine.apply.protocol import Protocol, RecordHeld, Sent
from stsync.engine.correct_trade import Taking
from stsync.engine.merged import under_former_customer
from stsync.engine.records import unknown_shape
from stsync.engine.reversals import Reversal, read_original
from stsync.engine.survey import book_invoice, read_all, snapshot
from stsync.errors import GuardError
from stsync.stages import correction, invoices, reversal
from stsync.stages.correction import CreditMemo, InBooks
from stsync.stages.paper import natural_key
from stsync.state import State


class Invoices:
    """Invoices, as a trade of stsync correct."""

    kind = "invoices"
    stages = ("customers", "invoices")

    def __init__(self, state: State, books: BusinessCentral) -> None:
        self._state = state
        self._books = books

    def prepare(self, source_id: str) -> Taking:
        """Read the invoice and what stands against it, and say how it is taken back."""
        row = self._state.inbox.find(self.kind, source_id)
        assert row is not None
        writes = self._state.ledger.by_source(self.kind, source_id)
        known = link(writes)
        invoice = under_former_customer(self._state, self.kind, _parsed(row.content), known, invoices.fingerprint)
        tried = any(one.verb == Verb.CANCEL and one.state != "done" for one in writes)
        there = read_books(self._books, known, natural_key(source_id), tried=tried)
        open_days = posting_dates(self._books)
        taken_back = correction.plan(invoice, known, there, open_days)
        if taken_back.by_memo and there.invoice is not None:
            original = read_original(self._books, there.invoice, source_id, writes)
            label = taken_back.operations[0].label
            planned = reversal.plan(invoice.id, label, taken_back.operations[0], original, open_days)
            taken_back = correction.by_memo(taken_back, planned)
        total = there.invoice.total if there.invoice is not None else known.total
        about = correction.described(invoice)
        return Taking(source_id, taken_back, about, known.number, total, invoice.total)

    def take_back(self, taking: Taking, ledger: Protocol) -> None:
        """Cancel it, or make and post the credit memo. Raises RecordRefused, RecordHeld, OutcomeUnknown."""
        operations = taking.correction.operations
        by_memo = Reversal(self._books, ledger, link(self._state.ledger.by_source(self.kind, taking.source_id)))
        for operation in operations:
            if taking.correction.by_memo:
                by_memo.carry_out(operation)
            else:
                take_back(self._books, ledger, operation)

    def left_to_apply(self, source_id: str) -> Reason | None:
        """The credit memos that are open on the customer's account."""
        return reversal.left_to_apply(link(self._state.ledger.by_source(self.kind, source_id)))


def posting_dates(books: BusinessCentral) -> Snapshot:
    """The range of dates on which Business Central accepts postings."""
    return snapshot(read_all(books, {"setup": Read("generalLedgerSetup")}))


def _parsed(content: Mapping[str, Any]) -> Invoice:
    try:
        return Invoice.parse(content)
    except UnknownShape as error:
        reason = unknown_shape(Invoices.kind, str(error))
        raise GuardError(reason.reference, reason.message, hint=reason.hint) from None


def read_books(books: BusinessCentral, known: Link, key: str, *, tried: bool) -> InBooks:
    """The invoice as Business Central has it now, and the credit memos against it.

    Where our ledger knows of none, it is one under our key that somebody cancelled.
    """
    named = books.read(Read("salesInvoices", filter=compare("externalDocumentNumber", "eq", key)))
    by_status = [(enum_text(str(row["status"])), row) for row in named if str(row["id"]) not in known.ended]
    cancelled = [row for status, row in by_status if status == "Canceled"]
    row = books.one(entity("salesInvoices", known.id)) if known.id else None
    if row is None and not known.posted:
        row = cancelled[-1] if cancelled and len(cancelled) == len(by_status) else None
    elif row is not None and row["id"] in [one["id"] for one in cancelled]:
        row = next((one for status, one in by_status if status == "Corrective"), row)
    if row is None:
        return InBooks(None, tried=tried)
    return InBooks(_posted(row), _memos(books, str(row["number"]), key), tried)


def _posted(row: dict[str, Any]) -> BookInvoice:
    return book_invoice(row, frozenset())


def _memos(books: BusinessCentral, number: str, key: str) -> tuple[CreditMemo, ...]:
    fields = ("id", "number", "externalDocumentNumber", "status", "totalAmountIncludingTax")
    rows = books.read(Read("salesCreditMemos", filter=compare("invoiceNumber", "eq", number), select=fields))
    return tuple(
        CreditMemo(
            str(row["number"]),
            enum_text(str(row["status"])),
            Decimal(row["totalAmountIncludingTax"]),
            str(row["id"]),
        )
        for row in rows
        if not correction.is_of_stsync(str(row["externalDocumentNumber"]), key)
    )


def take_back(books: BusinessCentral, protocol: Protocol, operation: Operation) -> None:
    """Cancel a posted invoice, and see that it is cancelled. Raises RecordRefused, RecordHeld, OutcomeUnknown."""
    facts = {
        "why": operation.why,
        "former_number": operation.facts["number"],
        "ended": list(operation.facts["ended"]),
    }
    if operation.facts["noted"]:
        protocol.intend(operation, {})
        protocol.record(operation, Sent(str(operation.target), _memo_number(books, operation)), facts)
        return

    def send(_body: dict[str, Any], target: str, _parent: str) -> Sent:
        answer = books.action(entity("salesInvoices", target), "cancel")
        row = books.one(entity("salesInvoices", target))
        if row is None or enum_text(str(row["status"])) != "Canceled":
            raise RecordHeld(_not_cancelled(operation))
        return Sent(target, _memo_number(books, operation), answer.request_id)

    protocol.perform(operation, send, facts=facts)


def _memo_number(books: BusinessCentral, operation: Operation) -> str | None:
    """The credit memo that closed the invoice: Business Central does not say it, it has to be looked up (facts section 3)."""
    posted = [one for one in _memos(books, str(operation.facts["number"]), operation.natural_key) if not one.draft]
    return posted[-1].number if posted else None


def _not_cancelled(operation: Operation) -> Reason:
    return Reason(
        "cancel-not-shown",
        f"Business Central accepted the cancellation of {operation.facts['number']}, but does not show it as cancelled.",
        f"Run stsync correct invoice {operation.source_id} again: it looks in Business Central first, and repeats nothing "
        "that happened.",
    )
