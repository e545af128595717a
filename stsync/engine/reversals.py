"""Carrying out a reversal: the posted invoice is read with its lines, and the credit memo made, compared and posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, entity, enum_text
from stsync.core.links import Link, is_reversal
from stsync.core.operations import Operation, Verb
from stsync.core.reasons import Reason
from stsync.core.sales import Expected, differences
from stsync.core.sales_form import SALES_CREDIT_MEMO, SALES_INVOICE
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.engine.apply.dimensions import mended
from stsync.engine.apply.drafts import DraftMaker, aligned, delete_draft, post_drafts, read_draft
from stsync.engine.apply.protocol import Protocol, RecordHeld, Sent, told
from stsync.engine.survey import Wanted, look_up
from stsync.stages import reversal
from stsync.stages.reversal import Original
from stsync.state import LedgerRow

_FORM = SALES_CREDIT_MEMO


def read_original(books: BusinessCentral, found: BookInvoice, source_id: str, writes: Sequence[LedgerRow]) -> Original:
    """The posted invoice with its lines, and what stands under the external number that takes it back."""
    path = entity(SALES_INVOICE.entity, found.id)
    row = books.one(path) or {}
    lines = books.read(Read(f"{path}/{SALES_INVOICE.lines}", expand="dimensionSetLines"))
    own = books.read(Read(f"{path}/dimensionSetLines"))
    number = 1 + sum(one.verb == Verb.CANCEL and one.state == "done" for one in writes)
    external = reversal.key(source_id, number)
    earlier = [reversal.key(source_id, one) for one in range(1, number)]
    known = look_up(books, Snapshot(), Wanted(invoices=frozenset({external, *earlier})))
    made = [one for one in writes if _made(one, external)]
    ordered = sorted(lines, key=lambda line: int(line.get("sequence") or 0))
    return Original(
        found=found,
        tax=Decimal(str(row.get("totalTaxAmount") or 0)),
        lines=[reversal.posted_line({**one, "lineType": enum_text(str(one["lineType"]))}) for one in ordered],
        dimensions={str(one["code"]): str(one["valueCode"]) for one in own},
        number=number,
        made=len(made),
        standing=known.documents(external),
        # A credit memo that is used up is closed, which Business Central shows as Paid (facts section 4).
        used_up=frozenset(one.number for key in earlier for one in known.documents(key) if one.status == "Paid"),
    )


def _made(row: LedgerRow, external: str) -> bool:
    return is_reversal(row.key) and (row.verb, row.state, row.natural_key) == (Verb.CREATE, "done", external)


class Reversal:
    """The writes of one reversal, each through the ledger; `link` is what stood before it."""

    def __init__(self, books: BusinessCentral, protocol: Protocol, link: Link) -> None:
        self._books = books
        self._protocol = protocol
        self._link = link
        self._memo = ""

    def carry_out(self, operation: Operation) -> None:
        """One of them. Raises RecordRefused, RecordHeld, OutcomeUnknown."""
        facts = {"why": operation.why}
        if operation.verb == Verb.DELETE:
            self._protocol.perform(operation, partial(delete_draft, self._books, operation), facts=facts)
        elif operation.verb == Verb.CREATE:
            self._protocol.perform_one(operation, DraftMaker(self._books, _FORM).make_all, facts=facts)
        elif operation.verb == Verb.POST:
            self._post(operation, facts)
        else:
            self._end(operation, facts)

    def _post(self, operation: Operation, facts: Mapping[str, Any]) -> None:
        target = self._protocol.target(operation)
        self._compare(operation, target)
        beside = look_up(self._books, Snapshot(), Wanted(invoices=frozenset({operation.natural_key})))
        others = [one for one in beside.documents(operation.natural_key) if one.id != target]
        if others:
            raise RecordHeld(_corrected_elsewhere(operation, others))
        found = self._protocol.attempt_round([operation], partial(post_drafts, self._books))
        self._protocol.end_if_down(found)
        told(found[operation.key])
        row = self._books.one(entity(_FORM.entity, target)) or {}
        self._memo = str(row.get("number") or "")
        self._protocol.record(operation, Sent(target, self._memo), facts)

    def _compare(self, operation: Operation, target: str) -> None:
        """Hold it unless the draft is the posted invoice to the cent, with its dimensions."""
        expected: Expected = operation.facts["expected"]
        draft = read_draft(self._books, _FORM, target, dimensions=bool(expected.dimensions))
        if draft is None:
            raise RecordHeld(_differs(operation, "it", ["it is not there any more"]))
        draft = aligned(expected, draft)
        found = differences(expected, draft)
        if not found:
            tell = partial(self._protocol.note, "dimension-set", operation)
            found = mended(self._books, _FORM.entity, expected, draft, tell)
        if found:
            raise RecordHeld(_differs(operation, draft.number, found))

    def _end(self, operation: Operation, facts: Mapping[str, Any]) -> None:
        """Note that the former invoice stands no longer; a posting whose answer was lost is closed with it."""
        memo = self._memo or str(operation.facts["memo"])
        entry = {**operation.facts["taken_back"], "memo": memo}
        self._protocol.close_intents(operation.stage, operation.source_id, None, memo, {})
        self._protocol.intend(operation, {})
        former = {"former_number": operation.facts["number"], "ended": list(operation.facts["ended"])}
        done = {**facts, **former, "carried": reversal.carried(self._link, entry, operation.facts["used_up"])}
        self._protocol.record(operation, Sent(str(operation.target), memo), done)


def _corrected_elsewhere(operation: Operation, others: Sequence[BookInvoice]) -> Reason:
    numbers = ", ".join(one.number for one in others)
    return Reason(
        "made-by-another-run",
        f"Another run of stsync takes back the same invoice at the same moment: Business Central holds credit memo {numbers} "
        f"under {operation.natural_key} too. Ours was not posted.",
        f"Let the other one finish, then run stsync correct invoice {operation.source_id} again: it looks in Business Central "
        "first, and repeats nothing that happened.",
    )


def _differs(operation: Operation, draft: str, found: Sequence[str]) -> Reason:
    """In the words of the posted invoice: here it is Business Central's own document that the draft is compared with."""
    said = "; ".join(found).replace("ServiceTitan's", "the posted invoice's")
    return Reason(
        "reversal-differs",
        f"Draft credit memo {draft} ({operation.natural_key}) does not equal the posted invoice that it takes back: {said}. "
        "It was not posted, and the invoice stands.",
        f"Look at draft {draft} on the page Sales Credit Memos in Business Central. If the set-up (tax, accounts, dimensions) "
        f"changed since the invoice was posted, set it back and run stsync correct invoice {operation.source_id} again: it "
        "makes the draft anew. Or post a right credit memo by hand, then say so with stsync ignore.",
    )
