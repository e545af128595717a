"""Sales invoices: drafts are made, read back in bulk, compared to the cent, posted, and read back again.

Crash here and the next run finds, by the external document number: no document (it is made), a draft (it is
compared and posted), or a posted invoice (it is taken on). None of them is ever made twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, entity
from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.core.sales import Draft, Expected, differences
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.dimensions import DefaultsRead, held_by_rules, mended
from stsync.engine.apply.drafts import DraftMaker, aligned, read_draft, read_drafts
from stsync.engine.apply.protocol import Protocol, RecordHeld, Sent, carried_facts

# So many drafts are read back in one request; their lines make such an answer large.
DOCUMENTS_PER_READ = 25


class InvoiceDesk:
    """Carries out the invoice decisions of a plan."""

    def __init__(self, books: BusinessCentral, protocol: Protocol, desk: Desk) -> None:
        self._books = books
        self._protocol = protocol
        self._desk = desk
        self._maker = DraftMaker(books)
        self._defaults = DefaultsRead(books)

    def apply(self, decisions: Sequence[Decision]) -> None:
        """Carry out every invoice decision, a few documents at a time."""
        for start in range(0, len(decisions), DOCUMENTS_PER_READ):
            part = decisions[start : start + DOCUMENTS_PER_READ]
            made = [one for one in part if self._guarded(one, partial(self._make, one))]
            self._post_all([one for one in made if _posting(one) is not None])
            for decision in made:
                if _posting(decision) is None:
                    self._desk.carry(decision)
            self._desk.progress("invoices", start + len(part), len(decisions))

    def _guarded(self, decision: Decision, work: Any) -> bool:
        return self._desk.guarded(decision, work, waits_for="its customer")

    def _make(self, decision: Decision) -> None:
        """Everything before the posting: an outdated draft deleted, a new one made, a found one taken on."""
        for operation in decision.operations:
            facts = {**carried_facts(decision, operation), "total": decision.about.amount}
            if "customer" in operation.facts:
                facts["customer"] = operation.facts["customer"]
            if operation.verb == Verb.CREATE:
                self._protocol.perform(operation, self._create, facts=facts)
            elif operation.verb == Verb.DELETE:
                self._protocol.perform(operation, partial(self._delete, operation), facts=facts)
            elif operation.verb == Verb.ADOPT:
                self._protocol.adopt(operation, facts)

    def _create(self, body: dict[str, Any], _target: str, _parent: str) -> Sent:
        return self._maker.make(body)

    def _delete(self, operation: Operation, _body: dict[str, Any], target: str, _parent: str) -> Sent:
        answer = self._books.delete(entity("salesInvoices", target), operation.etag or "*")
        return Sent(target, None, answer.request_id)

    def _post_all(self, decisions: Sequence[Decision]) -> None:
        """Compare and post; the numbers of what was posted are read in one go."""
        if not decisions:
            return
        drafts = self._drafts(decisions)
        sent_off = [one for one in decisions if self._guarded(one, partial(self._compare_and_post, one, drafts))]
        self._confirm(sent_off)

    def _drafts(self, decisions: Sequence[Decision]) -> dict[str, Draft]:
        postings = [one for decision in decisions if (one := _posting(decision)) is not None]
        self._defaults.of_all(one.facts["expected"] for one in postings)
        dimensions = any(one.facts["expected"].dimensions for one in postings)
        keys = [decision.operations[0].natural_key for decision in decisions]
        return read_drafts(self._books, keys, dimensions=dimensions)

    def _compare_and_post(self, decision: Decision, drafts: Mapping[str, Draft]) -> None:
        posting = _posting(decision)
        assert posting is not None
        target = self._protocol.target(posting)
        expected: Expected = posting.facts["expected"]
        draft = self._settled_draft(target, expected, drafts)
        if draft is None:
            raise RecordHeld(_draft_gone(decision))
        found = differences(expected, draft)
        if not found:
            held_by_rules(decision.about, expected, draft, self._defaults)
            tell = partial(self._protocol.note, "dimension-set", posting)
            found = mended(self._books, "salesInvoices", expected, draft, tell)
        if found:
            raise RecordHeld(not_equal(draft, found))
        self._protocol.attempt(posting, self._post)

    def _settled_draft(self, target: str, expected: Expected, drafts: Mapping[str, Draft]) -> Draft | None:
        """The draft as the list showed it if it is as it must be, else as it shows itself on its own."""
        listed = drafts.get(target)
        draft = aligned(expected, listed) if listed is not None else None
        if draft is not None and not differences(expected, draft):
            return draft
        alone = read_draft(self._books, target, dimensions=bool(expected.dimensions))
        return aligned(expected, alone) if alone is not None else None

    def _post(self, _body: dict[str, Any], target: str, _parent: str) -> Sent:
        answer = self._books.action(entity("salesInvoices", target), "post")
        return Sent(target, None, answer.request_id)

    def _confirm(self, decisions: Sequence[Decision]) -> None:
        """Read the posted numbers and write them down."""
        if not decisions:
            return
        keys = [decision.operations[0].natural_key for decision in decisions]
        fields = ("id", "number", "status", "externalDocumentNumber")
        rows = self._books.read(Read("salesInvoices", filter=any_of("externalDocumentNumber", keys), select=fields))
        by_id = {str(row["id"]): row for row in rows}
        for decision in decisions:
            posting = _posting(decision)
            assert posting is not None
            target = self._protocol.target(posting)
            row = by_id.get(target)
            number = str(row["number"]) if row is not None else None
            self._protocol.record(posting, Sent(target, number), carried_facts(decision, posting))
            self._protocol.close_intents("invoices", decision.source_id, target, number, {})
            self._desk.carry(decision)


def _posting(decision: Decision) -> Operation | None:
    return next((one for one in decision.operations if one.verb == Verb.POST), None)


def not_equal(draft: Draft, found: Sequence[str]) -> Reason:
    """Why a draft was not posted."""
    return Reason(
        "draft-differs",
        f"Draft {draft.number} in Business Central differs from ServiceTitan: {'; '.join(found)}. Nothing was posted.",
        f"Open draft {draft.number}. Differences in tax come from the tax set-up of the customer or the account: with "
        "tax method 'line' every line must be untaxed in Business Central (invoices.tax.exempt_code).",
    )


def _draft_gone(decision: Decision) -> Reason:
    return Reason(
        "draft-gone",
        f"The draft of invoice {decision.about.number} is not in Business Central any more.",
        "If somebody deleted it on purpose, nothing is wrong: the next run makes it again.",
    )
