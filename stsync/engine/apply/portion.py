"""Carrying out planned portions side by side: each part of the work begins when what it comes after is done.

There is no barrier between the stages: a document waits for its own customer's card, a payment for its own invoices. And
the next portion's drafts are made while this one's are posted, so that the posting lane always has something to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from stsync.core.operations import Operation
from stsync.core.plan import Decision, Standing
from stsync.core.reasons import Reason
from stsync.core.sales_form import FORMS
from stsync.engine.apply.customers import CARDS_TOGETHER, apply_customers
from stsync.engine.apply.desk import Carried, Desk, Progress
from stsync.engine.apply.drafts import DraftMaker
from stsync.engine.apply.invoices import InvoiceDesk
from stsync.engine.apply.payments import PaymentDesk
from stsync.engine.apply.pricebook import apply_pricebook
from stsync.engine.apply.protocol import Protocol, needed
from stsync.engine.apply.write_back import WriteBackDesk
from stsync.engine.lanes import Lanes, Task, parts
from stsync.engine.planning import Drawn
from stsync.stages import write_back
from stsync.state import State
from stsync.wiring import Systems

# So many payments that no posting carries are put into their journals, or taken on, in one go.
PAYMENTS_TOGETHER = 50


@dataclass
class Applying:
    """What one run carries plans out with; `carried` is what came into the target systems by it."""

    state: State
    systems: Systems
    protocol: Protocol
    lanes: Lanes
    attempts: int
    progress: Progress
    now: Callable[[], datetime]
    carried: Carried = field(default_factory=Carried)
    _before: Task | None = None
    _made: dict[str, Task] = field(default_factory=dict)
    _refused: dict[str, Reason] = field(default_factory=dict)
    _journals: dict[str, Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._makers = {form.entity: DraftMaker(self.systems.books, form) for form in FORMS.values()}

    def take(self, drawn: Drawn) -> Desk:
        """Begin everything of a portion; returns before it is done, but not before the portion before it is."""
        desk = Desk(
            self.state,
            self.protocol.run_id,
            attempts=self.attempts,
            hashes=drawn.hashes,
            etags=drawn.etags,
            progress=self.progress,
        )
        # Marks that are to be sent get their own record only once their document is surely in the books.
        told_later = (write_back.STAGE, Standing.ACT)
        desk.write_down(one for one in drawn.plan.decisions if (one.kind, one.standing) != told_later)
        end = self._begin(_Portion(drawn, desk))
        if self._before is not None:
            self.lanes.wait([self._before])
        self._before = end
        return desk

    def _begin(self, portion: _Portion) -> Task:
        """Customers, sales documents, payments, items and marks, in the order of a clerk; the last task of all."""
        plan, desk = portion.drawn.plan, portion.desk
        books, protocol = self.systems.books, self.protocol
        cards = partial(apply_customers, books=books, protocol=protocol, desk=desk)
        self._parts(portion, cards, parts(plan.of("customers", Standing.ACT), CARDS_TOGETHER))
        sales = InvoiceDesk(books, protocol, desk, self.lanes, self._makers)
        for kind in ("invoices", "credit_memos"):
            self._parts(portion, sales.apply, sales.parts(plan.of(kind, Standing.ACT)))
        self._payments(portion)
        items = partial(apply_pricebook, servicetitan=self.systems.servicetitan, protocol=protocol, desk=desk)
        self._parts(portion, items, _whole(plan.of("pricebook", Standing.ACT)))
        marks = WriteBackDesk(self.systems.servicetitan, self.state, protocol, desk, self.now)
        told = self.lanes.begin(partial(marks.apply, plan.of(write_back.STAGE, Standing.ACT)), after=portion.tasks)
        before = [self._before] if self._before is not None else []
        return self.lanes.begin(partial(self.carried.add_all, desk.carried), after=[told, *before])

    def _payments(self, portion: _Portion) -> None:
        plan = portion.drawn.plan
        desk = PaymentDesk(self.systems.books, self.protocol, portion.desk, self.lanes, self._refused)
        for journal in plan.preparations:
            # Each portion names the journals that it needs; the first of them makes it.
            if journal.key not in self._made:
                self._made[journal.key] = self.lanes.begin(partial(desk.prepare, journal))
            portion.add(self._made[journal.key], [journal])
        by_id = {one.source_id: one for one in plan.of("payments", Standing.ACT)}
        posted = {payment for posting in plan.postings for payment in posting.facts["payments"]}
        rest = [one for one in by_id.values() if one.source_id not in posted]
        for part in parts(rest, PAYMENTS_TOGETHER):
            self._in_turn(portion, "without a posting", partial(desk.carry, part), _operations(part))
        for posting in plan.postings:
            part = [by_id[payment] for payment in posting.facts["payments"]]
            name = posting.key.rpartition(":")[0]
            self._in_turn(portion, name, partial(desk.post, posting, part), [*_operations(part), posting])

    def _in_turn(self, portion: _Portion, journal: str, work: Callable[[], None], operations: list[Operation]) -> None:
        """Lines of one journal are not made side by side (facts section 13), and the next payments are put into it when the
        former ones are posted, since a posting posts the whole journal (trap 5)."""
        former = [self._journals[journal]] if journal in self._journals else []
        task = self.lanes.begin(work, after=[*portion.before(operations), *former])
        self._journals[journal] = portion.add(task, operations)

    def _parts(
        self,
        portion: _Portion,
        work: Callable[[Sequence[Decision]], None],
        cut: Iterable[Sequence[Decision]],
    ) -> None:
        for part in cut:
            operations = _operations(part)
            portion.add(self.lanes.begin(partial(work, part), after=portion.before(operations)), operations)


@dataclass
class _Portion:
    """A portion that is being carried out, and which task does which of its operations."""

    drawn: Drawn
    desk: Desk
    tasks: list[Task] = field(default_factory=list)
    _doing: dict[str, Task] = field(default_factory=dict)

    def add(self, task: Task, operations: Iterable[Operation]) -> Task:
        self.tasks.append(task)
        self._doing |= {one.key: task for one in operations}
        return task

    def before(self, operations: Iterable[Operation]) -> list[Task]:
        """The tasks that have to be done before these operations."""
        keys = {key for one in operations for key in needed(one)}
        return list({id(task): task for key in keys if (task := self._doing.get(key)) is not None}.values())


def _operations(part: Iterable[Decision]) -> list[Operation]:
    return [operation for one in part for operation in one.operations]


def _whole(decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    if decisions:
        yield decisions
