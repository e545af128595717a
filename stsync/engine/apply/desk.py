"""Telling the inbox what became of a record, and counting it for the report."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from itertools import groupby

from stsync.core.operations import Verb, digest
from stsync.core.plan import TO_APPLY, Decision, Standing
from stsync.core.reasons import Reason
from stsync.engine.apply.another import stopped
from stsync.engine.apply.protocol import UNKNOWN, AnotherRun, Blocked, RecordHeld, RecordRefused
from stsync.engine.refused import remember_refusal
from stsync.http.outcomes import OutcomeUnknown
from stsync.state import State

# So many records that send nothing share one commit.
_TAKEN_ON_TOGETHER = 500


@dataclass
class Carried:
    """What a run put into the target systems, by kind; money in the documents' own currency.

    `taken_on` counts what stood there already.
    """

    counts: Counter[str] = field(default_factory=Counter)
    amounts: dict[str, Decimal] = field(default_factory=dict)
    taken_on: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, amount: Decimal, count: int = 1) -> None:
        """One more, or so many."""
        self.counts[kind] += count
        self.amounts[kind] = self.amounts.get(kind, Decimal(0)) + amount

    def add_all(self, other: Carried) -> None:
        """Everything that another part of the run carried."""
        for kind, count in other.counts.items():
            self.add(kind, other.amounts[kind], count)
        self.taken_on += other.taken_on


class Progress:
    """How far each kind of record is, told to whoever shows it; the lanes of a run tell it side by side."""

    def __init__(self, tell: Callable[[str, int, int], None], totals: Mapping[str, int] | None = None) -> None:
        self._tell = tell
        self._totals = Counter(totals or {})
        self._done: Counter[str] = Counter()
        self._lock = threading.Lock()

    def expect(self, kind: str, more: int) -> None:
        """So many more are to be done."""
        self._totals[kind] += more

    def advance(self, kind: str, more: int) -> None:
        """So many more are done."""
        with self._lock:
            self._done[kind] += more
            self._tell(kind, self._done[kind], max(self._totals[kind], self._done[kind]))


class Desk:
    """The inbox side of applying: every decision ends as settled, waiting, held or dead."""

    def __init__(
        self,
        state: State,
        run_id: str,
        *,
        attempts: int,
        hashes: Mapping[tuple[str, str], str],
        progress: Progress,
        etags: Mapping[str, str] | None = None,
    ) -> None:
        self._state = state
        self._run_id = run_id
        self._attempts = attempts
        self._hashes = hashes
        self._etags = etags or {}
        self.progress = progress
        self.carried = Carried()
        self._lock = threading.RLock()
        self._carried_ids: set[tuple[str, str]] = set()
        self._put_off_ids: set[tuple[str, str]] = set()
        self._elsewhere: dict[tuple[str, str], Reason] = {}

    def write_down(self, decisions: Iterable[Decision]) -> None:
        """Note every decision in one commit; those that act stay open until their writes are done."""
        decided = list(decisions)
        with self._state.transaction():
            before = self._state.notes.many(map(_note_of, decided))
            for decision in decided:
                if decision.standing == Standing.ACT:
                    self.describe(decision)
                else:
                    self.decided(decision)
                self._audit(decision, before.get(_note_of(decision)))

    def _audit(self, decision: Decision, before: str | None) -> None:
        """Keep the rules by which a record was decided, unless they stand there; what is settled without a word needs none."""
        if decision.standing == Standing.SETTLE and not decision.notes:
            return
        detail = {
            "standing": decision.standing.value,
            "outcome": decision.outcome,
            "rules": list(decision.rules),
            "notes": list(decision.notes),
            "reason": decision.reason.message if decision.reason else "",
        }
        stamp = digest(detail)
        if before == stamp:
            return
        self._state.notes.note(_note_of(decision), stamp)
        self._state.audit.append(
            "decided", run_id=self._run_id, stage=decision.kind, source_id=decision.source_id, detail=detail
        )

    def decided(self, decision: Decision) -> None:
        """Note a decision that sends nothing, and what people see of the record."""
        self.describe(decision)
        if decision.standing == Standing.SETTLE:
            self.settle(decision, decision.outcome, decision.reason)
        elif decision.reason is not None and decision.standing == Standing.WAIT:
            self._state.inbox.wait(decision.kind, decision.source_id, decision.reason, self._run_id)
        elif decision.reason is not None and decision.standing == Standing.HOLD:
            self._state.inbox.hold(decision.kind, decision.source_id, decision.reason, self._run_id)

    def describe(self, decision: Decision) -> None:
        """Keep the number, name, date and amount for lists."""
        about = decision.about
        self._state.inbox.describe(
            decision.kind,
            decision.source_id,
            number=about.number,
            amount=about.amount,
            name=about.name,
            on=about.on.isoformat() if about.on else None,
        )

    def settle(self, decision: Decision, outcome: str, reason: Reason | None = None) -> None:
        """The record is done; if it changed while we worked, it stays open for the next run."""
        known = self._hashes.get((decision.kind, decision.source_id))
        self._state.inbox.settle(
            decision.kind, decision.source_id, outcome, run_id=self._run_id, content_hash=known, reason=reason
        )

    def carry(self, decision: Decision) -> None:
        """The record is in the target system, by this run or by an earlier one whose work is taken on."""
        to_apply = decision.afterwards if decision.outcome in {"posted", "nothing_to_post"} else None
        self.settle(decision, TO_APPLY if to_apply else decision.outcome, to_apply)
        self._carried_ids.add((decision.kind, decision.source_id))
        verbs = {one.verb for one in decision.operations}
        if verbs == {Verb.DELETE} and not decision.journal:
            return  # our own draft is gone, and nothing stands instead
        with self._lock:
            if verbs <= _NOTHING_SENT and not decision.journal:
                self.carried.taken_on[decision.kind] += 1
            else:
                self.carried.add(decision.kind, decision.about.amount or Decimal(0))

    def has_carried(self, kind: str, source_id: str) -> bool:
        """Whether this run put the record, or found it, in the target system."""
        return (kind, source_id) in self._carried_ids

    def is_told(self, decision: Decision) -> bool:
        """Whether the inbox knows by now what became of the record's writes in this run."""
        key = (decision.kind, decision.source_id)
        return key in self._carried_ids or key in self._put_off_ids

    def refuse(self, decision: Decision, reason: Reason) -> None:
        """The target system said no: an attempt is spent, and at the limit the record is dead.

        What only its own set-up stands in the way of is held, and costs the record nothing.
        """
        remember_refusal(self._state, decision, reason, self._etags)
        if reason.reference in _SET_UP:
            self.hold(decision, reason)
            return
        self._put_off_ids.add((decision.kind, decision.source_id))
        self._state.inbox.refuse(decision.kind, decision.source_id, reason, limit=self._attempts, run_id=self._run_id)

    def hold(self, decision: Decision, reason: Reason) -> None:
        """A person has to look."""
        self._put_off_ids.add((decision.kind, decision.source_id))
        self._state.inbox.hold(decision.kind, decision.source_id, reason, self._run_id)

    def wait(self, decision: Decision, reason: Reason) -> None:
        """Another record, or the next run, has to come first."""
        self._put_off_ids.add((decision.kind, decision.source_id))
        self._state.inbox.wait(decision.kind, decision.source_id, reason, self._run_id)

    def give_way(self, decision: Decision, reason: Reason) -> None:
        """Another run does the same: the record waits for the next run, which takes on what is there."""
        self._elsewhere[decision.kind, decision.source_id] = reason
        self.wait(decision, reason)

    def gave_way(self, decision: Decision) -> bool:
        """Whether another run does the work of this record."""
        return (decision.kind, decision.source_id) in self._elsewhere

    def stop_if_another_run(self) -> None:
        """Raises LockHeld 'another-run-on-company' once one record gave way; everything else stays for the next run."""
        if self._elsewhere:
            raise stopped(next(iter(self._elsewhere.values())), len(self._elsewhere))

    def one_commit(self) -> AbstractContextManager[None]:
        """What is written down inside stands together or not at all. Nothing may be sent inside: an intent has to be
        durable before it leaves."""
        return self._state.transaction()

    def carry_out(
        self, kind: str, decisions: Sequence[Decision], work: Callable[[Decision], None], *, waits_for: str
    ) -> None:
        """Do each record's work; those that only take on what is there already are written down in one commit."""
        for part in _parts(decisions):
            with self.one_commit() if _sends_nothing(part[0]) else nullcontext():
                for decision in part:
                    if self.guarded(decision, partial(work, decision), waits_for=waits_for):
                        self.carry(decision)
            self.progress.advance(kind, len(part))

    def guarded(self, decision: Decision, work: Callable[[], object], *, waits_for: str) -> bool:
        """Do a part of a record's work; True when it went well, else the inbox knows why."""
        try:
            work()
        except RecordRefused as refusal:
            self.refuse(decision, refusal.reason)
        except RecordHeld as verdict:
            self.hold(decision, verdict.reason)
        except AnotherRun as found:
            self.give_way(decision, found.reason)
        except Blocked:
            self.wait(decision, blocked(waits_for))
        except OutcomeUnknown as error:
            self.wait(decision, replace(UNKNOWN, note=error.text))
        else:
            return True
        return False


# What documents are taken on with. In a plan nothing is cancelled: that somebody did is only noted (stages/taken_back.py).
_NOTHING_SENT = frozenset({Verb.ADOPT, Verb.CANCEL})


def _note_of(decision: Decision) -> str:
    """Under which note the rules of a record's last decision are known."""
    return f"decision:{decision.kind}:{decision.source_id}"


def _sends_nothing(decision: Decision) -> bool:
    return bool(decision.operations) and all(one.verb in _NOTHING_SENT for one in decision.operations)


def _parts(decisions: Sequence[Decision]) -> Iterator[Sequence[Decision]]:
    """In their order: those that send something alone, those in between that send nothing together."""
    for silent, neighbours in groupby(decisions, _sends_nothing):
        alike, size = list(neighbours), _TAKEN_ON_TOGETHER if silent else 1
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


# Refusals that no record is to blame for: many nights of a closed period must not leave a month of dead letters.
_SET_UP = frozenset(
    {
        "posting-date-closed",
        "sync-user-not-permitted",
        "number-series-automatic",
        "number-series-manual",
        "number-series-used-up",
        "general-posting-setup-missing",
        "posting-setup-account-missing",
        "tax-posting-setup-missing",
        "business-posting-group-missing",
        "customer-posting-group-missing",
        "product-posting-group-missing",
        "force-posting-report",
        "dimension-missing",
        "dimension-wrong-value",
        "dimension-forbidden",
        "dimension-blocked",
        "dimension-combination-blocked",
        "dimension-value-not-for-posting",
        "dimension-rejected",
        "not-approved",
        "journal-out-of-balance",
        "changed-meanwhile",
    }
)


def blocked(what: str) -> Reason:
    """Why a record waits for another one of the same run."""
    return Reason(
        "waits-for-another",
        f"It waits for {what}, which could not be carried over in this run.",
        "Repair that one; this one follows by itself.",
    )
