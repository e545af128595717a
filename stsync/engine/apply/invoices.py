"""Sales invoices and credit memos: drafts are made, read back in bulk, compared to the cent, posted, and read back again.

Crash here and the next run finds, by the external document number: no document (it is made), a draft (it is
compared and posted), or a posted document (it is taken on). None of them is ever made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, entity
from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.core.sales import Draft, Expected, differences
from stsync.core.sales_form import FORMS, Form
from stsync.core.tax_cause import causes, not_equal
from stsync.engine.apply import another
from stsync.engine.apply.desk import Desk
from stsync.engine.apply.dimensions import DefaultsRead, held_by_rules, mended
from stsync.engine.apply.drafts import DraftMaker, aligned, delete_draft, post_drafts, read_draft, read_drafts
from stsync.engine.apply.protocol import (
    AnotherRun,
    Blocked,
    Protocol,
    Ready,
    RecordHeld,
    RecordRefused,
    Sent,
    carried_facts,
    told,
)
from stsync.engine.lanes import Lanes, parts
from stsync.http.outcomes import OutcomeUnknown, Refused

# So many drafts are read back in one request; their lines make such an answer large.
DOCUMENTS_PER_READ = 25


class InvoiceDesk:
    """Carries out a plan's decisions about invoices and credit memos; `makers` remember for the run what a server takes."""

    def __init__(
        self,
        books: BusinessCentral,
        protocol: Protocol,
        desk: Desk,
        lanes: Lanes,
        makers: Mapping[str, DraftMaker],
    ) -> None:
        self._books = books
        self._protocol = protocol
        self._desk = desk
        self._lanes = lanes
        self._makers = makers
        self._defaults = DefaultsRead(books)

    def parts(self, decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
        """A few documents at a time; a credit comes in a later part than the invoice that it names."""
        for batch in _in_order(decisions):
            yield from parts(batch, DOCUMENTS_PER_READ)

    def apply(self, part: Sequence[Decision]) -> None:
        """Carry out a part: everything up to the postings side by side with other parts, then the postings."""
        made = self._make_all(part)
        for form in FORMS.values():
            self._post_all(form, [one for one in made if _posts(one, form)])
        for decision in made:
            if _posting(decision) is None:
                self._desk.carry(decision)
        self._desk.stop_if_another_run()
        self._desk.progress.advance(part[0].kind, len(part))

    def _guarded(self, decision: Decision, work: Callable[[], object]) -> bool:
        return self._desk.guarded(decision, work, waits_for="its customer, or the invoice that it reduces")

    def _make_all(self, part: Sequence[Decision]) -> list[Decision]:
        """Everything before the postings; those of which all went well."""
        begun = [one for one in part if self._guarded(one, partial(self._clear_way, one))]
        making = {
            one.key: (decision, one) for decision in begun for one in decision.operations if one.verb == Verb.CREATE
        }
        failed: set[str] = set()
        for name, maker in self._makers.items():
            operations = [one for _, one in making.values() if one.entity == name]
            found = self._protocol.perform_round(
                operations, maker.make_all, facts=lambda one: _facts(making[one.key][0], one)
            )
            failed |= {key for key, answer in found.items() if not self._guarded(making[key][0], partial(told, answer))}
            self._protocol.end_if_down(found)
        return [one for one in begun if not failed & {operation.key for operation in one.operations}]

    def _clear_way(self, decision: Decision) -> None:
        """What comes before a new draft: an outdated one deleted, a found one taken on."""
        for operation in decision.operations:
            facts = _facts(decision, operation)
            if operation.verb == Verb.DELETE:
                self._protocol.perform(operation, partial(delete_draft, self._books, operation), facts=facts)
            elif operation.verb == Verb.ADOPT:
                self._protocol.adopt(operation, facts)
            elif operation.verb == Verb.CANCEL:
                self._note_end(operation)

    def _note_end(self, operation: Operation) -> None:
        """A former counterpart that was taken back in the books (stages/taken_back.py): nothing is sent."""
        told = operation.facts
        facts = {"why": operation.why, "former_number": told["number"], "ended": [], "carried": told["carried"]}
        self._protocol.note_end(operation, str(told["memo"]), facts)

    def _post_all(self, form: Form, decisions: Sequence[Decision]) -> None:
        """Compare and post; the numbers of what was posted are read in one go."""
        if not decisions:
            return
        drafts = self._drafts(form, decisions)
        right = [one for one in decisions if self._guarded(one, partial(self._compare, one, form, drafts))]
        if not right:
            return
        found = self._protocol.attempt_round([_posted_by(one) for one in right], partial(self._post, form, right))
        by_key = {_posted_by(one).key: one for one in right}
        sent_off = [by_key[key] for key, answer in found.items() if self._guarded(by_key[key], partial(told, answer))]
        self._protocol.end_if_down(found)
        self._confirm(form, sent_off)

    def _post(self, form: Form, decisions: Sequence[Decision], postings: Sequence[Ready]) -> list[Sent | Exception]:
        """In the posting lane, which is left again before anything is written down: the next part can go on."""
        changed: dict[str, Exception] = {}
        with self._lanes.posting(look_again=partial(self._look_again, form, decisions, changed)):
            rest = [one for one in postings if one.operation.key not in changed]
            posted = dict(zip((one.operation.key for one in rest), post_drafts(self._books, rest), strict=True))
        return [{**posted, **changed}[one.operation.key] for one in postings]

    def _look_again(self, form: Form, decisions: Sequence[Decision], changed: dict[str, Exception]) -> None:
        """Compare once more what has to wait while other lanes post: somebody may have changed a draft meanwhile."""
        drafts = self._drafts(form, decisions)
        for decision in decisions:
            try:
                self._agreeing(decision, form, drafts)
            except (RecordHeld, RecordRefused, AnotherRun, Blocked, OutcomeUnknown) as error:
                changed[_posted_by(decision).key] = error

    def _drafts(self, form: Form, decisions: Sequence[Decision]) -> dict[str, Draft]:
        postings = [_posted_by(decision) for decision in decisions]
        self._defaults.of_all(one.facts["expected"] for one in postings)
        dimensions = any(one.facts["expected"].dimensions for one in postings)
        return read_drafts(self._books, form, [one.natural_key for one in postings], dimensions=dimensions)

    def _compare(self, decision: Decision, form: Form, drafts: Mapping[str, Draft]) -> None:
        posting = _posted_by(decision)
        draft = self._agreeing(decision, form, drafts)
        expected: Expected = posting.facts["expected"]
        held_by_rules(decision.about, expected, draft, self._defaults)
        tell = partial(self._protocol.note, "dimension-set", posting)
        found = self._mend_dates(form, posting, expected, draft)
        found += mended(self._books, form.entity, expected, draft, tell)
        if found:
            raise RecordHeld(not_equal(form, draft.number, found, ()))

    def _agreeing(self, decision: Decision, form: Form, drafts: Mapping[str, Draft]) -> Draft:
        """The draft, equal to the cent and without a twin. Raises RecordHeld and AnotherRun."""
        posting = _posted_by(decision)
        target = self._protocol.target(posting)
        self._give_way(decision, posting, target, drafts)
        expected: Expected = posting.facts["expected"]
        draft = self._settled_draft(form, target, expected, drafts)
        if draft is None:
            raise RecordHeld(_draft_gone(decision))
        found = differences(expected, draft)
        if found:
            raise RecordHeld(not_equal(form, draft.number, found, causes(expected, draft)))
        return draft

    def _give_way(self, decision: Decision, posting: Operation, target: str, drafts: Mapping[str, Draft]) -> None:
        """Post nothing that another run made as well (engine/apply/another.py). Raises AnotherRun."""
        others = another.twins(posting, target, drafts)
        own = drafts.get(target)
        if not others or own is None:
            return
        found_here = any(one.verb == Verb.ADOPT for one in decision.operations)
        goes = not found_here and another.gives_way(own, others)
        if goes:
            operation = another.deletion(posting, own)
            self._protocol.perform(operation, partial(delete_draft, self._books, operation))
        raise AnotherRun(another.documents(decision, posting.natural_key, own.number, others, gone=goes))

    def _settled_draft(self, form: Form, target: str, expected: Expected, drafts: Mapping[str, Draft]) -> Draft | None:
        """The draft as the list showed it if it is as it must be, else as it shows itself on its own."""
        listed = drafts.get(target)
        draft = aligned(expected, listed) if listed is not None else None
        if draft is not None and not differences(expected, draft):
            return draft
        alone = read_draft(self._books, form, target, dimensions=bool(expected.dimensions))
        return aligned(expected, alone) if alone is not None else None

    def _mend_dates(self, form: Form, posting: Operation, expected: Expected, draft: Draft) -> list[str]:
        """Give the document its own date back where the posting date dragged it along (facts section 16); the due date
        goes after it, because it follows from it (trap 25)."""
        if expected.dated is None or draft.dated == expected.dated:
            return []
        due = {"dueDate": expected.due_on} if expected.due_on is not None else {}
        dates = {name: day.isoformat() for name, day in {form.dated: expected.dated, **due}.items()}
        try:
            self._books.update(entity(form.entity, draft.id), dates, "*")
        except Refused as error:
            return [f"the document date is {draft.dated}, not {expected.dated} ({error.text})"]
        self._protocol.note("dates-set", posting, dates)
        return []

    def _confirm(self, form: Form, decisions: Sequence[Decision]) -> None:
        """Read the posted numbers and write them down."""
        if not decisions:
            return
        keys = [_posted_by(decision).natural_key for decision in decisions]
        fields = ("id", "number", "status", "externalDocumentNumber")
        rows = self._books.read(Read(form.entity, filter=any_of("externalDocumentNumber", keys), select=fields))
        by_id = {str(row["id"]): row for row in rows}
        with self._desk.one_commit():
            for decision in decisions:
                self._posted(decision, by_id)

    def _posted(self, decision: Decision, rows: Mapping[str, Mapping[str, Any]]) -> None:
        posting = _posted_by(decision)
        target = self._protocol.target(posting)
        row = rows.get(target)
        number = str(row["number"]) if row is not None else None
        self._protocol.record(posting, Sent(target, number), carried_facts(decision, posting))
        self._protocol.close_intents(decision.kind, decision.source_id, target, number, {})
        self._desk.carry(decision)


def _facts(decision: Decision, operation: Operation) -> dict[str, Any]:
    """What the ledger keeps of a write of a sales document."""
    facts = {**carried_facts(decision, operation), "total": decision.about.amount}
    if "customer" in operation.facts:
        facts["customer"] = operation.facts["customer"]
    return facts


def _in_order(decisions: Sequence[Decision]) -> Iterable[Sequence[Decision]]:
    """First what comes after no posting of another document, then the credits that name one of these."""
    posts = {
        one.key: decision.source_id for decision in decisions for one in decision.operations if one.verb == Verb.POST
    }
    first: list[Decision] = []
    later: list[Decision] = []
    for decision in decisions:
        after = {key for one in decision.operations for key in one.after}
        waits = any(posts.get(key, decision.source_id) != decision.source_id for key in after)
        (later if waits else first).append(decision)
    return first, later


def _posting(decision: Decision) -> Operation | None:
    return next((one for one in decision.operations if one.verb == Verb.POST), None)


def _posted_by(decision: Decision) -> Operation:
    posting = _posting(decision)
    assert posting is not None
    return posting


def _posts(decision: Decision, form: Form) -> bool:
    posting = _posting(decision)
    return posting is not None and posting.entity == form.entity


def _draft_gone(decision: Decision) -> Reason:
    noun = "credit memo" if decision.kind == "credit_memos" else "invoice"
    return Reason(
        "draft-gone",
        f"The draft of {noun} {decision.about.number} is not in Business Central any more.",
        "If somebody deleted it on purpose, nothing is wrong: the next run makes it again.",
    )
