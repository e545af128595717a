"""A new state file from the two systems alone: what the books hold is linked to its records in ServiceTitan again.

It reads and plans like a run, through sessions that refuse to write, and carries out of the plan only what sends nothing:
what is there is taken on. It is repeated until nothing more is found, because a link that is known again lets others be
told (a card by the documents on it). The file is put in its place only when it is whole.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from stsync.core.operations import Verb
from stsync.core.plan import Decision, Plan, Standing
from stsync.core.reasons import Reason
from stsync.engine.apply.desk import Desk, Progress
from stsync.engine.apply.portion import Applying
from stsync.engine.apply.protocol import Protocol, operator
from stsync.engine.company import check_company
from stsync.engine.lanes import Lanes
from stsync.engine.planning import Drawn, draw_plan
from stsync.engine.read import read_feeds
from stsync.engine.relink import Otherwise, link_cards, otherwise
from stsync.engine.run import Silent, Trail, Watcher, explain, note_configuration, now, read_memos
from stsync.engine.scope import Scope
from stsync.engine.settings import settings
from stsync.errors import ExitCode, StateError, StsyncError, UsageError
from stsync.state import RunLock, State, Total
from stsync.state.copies import put_in_place, remove
from stsync.wiring import Systems, Wiring

# Customers, then documents on their cards, then payments and marks: a chain of merges can ask for one more.
_PASSES = 6
_NOTHING_SENT = frozenset({Verb.ADOPT, Verb.CANCEL})
# The books hold something, and nobody can tell whose, or which, it is.
_NOT_TOLD = frozenset(
    {
        "twice-in-books",
        "draft-of-unknown-origin",
        "exported-with-draft",
        "customer-perhaps-there",
        "customer-number-taken",
    }
)


@dataclass(frozen=True)
class Rebuilt:
    """What was found. `linked` counts records that are linked again, and their money, by kind; `taken_back` the corrections
    among them.

    `changed` are linked although ServiceTitan says something else now, `not_told` those of which nobody can tell what they
    are in the books; `left` counts the records that the next run decides about. `aside` is where the former file is.
    """

    run_id: str
    linked: Mapping[str, tuple[int, Decimal]]
    taken_back: int
    changed: tuple[Decision, ...]
    not_told: tuple[Decision, ...]
    left: Mapping[str, int]
    counts: Mapping[tuple[str, str, str | None], Total]
    notices: tuple[Reason, ...]
    aside: Path | None

    @property
    def exit_code(self) -> ExitCode:
        """3 when records are held: a person has to look, as after a run."""
        return ExitCode.HELD if any(state == "held" for _, state, _ in self.counts) else ExitCode.OK


def rebuild(wiring: Wiring, *, command: str, force: bool, watcher: Watcher | None = None) -> Rebuilt:
    """Make the state file anew. Raises UsageError 'state-holds-something' unless `force`, and the errors of a run.

    Whatever goes wrong, the former file stays where it is.
    """
    place = wiring.state_path.expanduser().resolve()
    with RunLock(place, command=command):
        _raise_if_it_holds_something(wiring, place, force=force)
        fresh = place.with_name(place.name + ".rebuilding")
        remove(fresh)
        aside = (
            place.with_name(f"{place.stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}.replaced.db") if place.exists() else None
        )
        try:
            with State.open(fresh) as state:
                found = _Sitting(wiring, state, command, watcher or Silent()).carry_out(aside)
        except BaseException:
            with suppress(OSError):
                remove(fresh)
            raise
        put_in_place(fresh, place, aside=aside or place.with_name(place.name + ".none"))
        # Its journal, which SQLite keeps beside it under the name that it no longer has.
        remove(fresh)
        return found


def _raise_if_it_holds_something(wiring: Wiring, place: Path, *, force: bool) -> None:
    if not place.exists() or not place.stat().st_size:
        return
    what = "cannot be read"
    try:
        with State.open_scratch(place) as state:
            state.check_pin(wiring.pin)
            records = sum(total.records for total in state.inbox.counts().values())
            if not records and next(iter(state.ledger.intended()), None) is None:
                return
            what = f"holds {records:,} records"
    except StateError as error:
        if error.reference not in {"state-damaged", "state-newer"}:
            raise
    if not force:
        raise UsageError(
            "state-holds-something",
            f"The state file {place} {what}. It was left as it is, and nothing was read from the two systems.",
            hint="If it is sound, nothing has to be rebuilt: stsync state verify says so. To put it aside (it is kept, under "
            "another name) and make a new one, run: stsync state rebuild --force",
            context={"state": str(place)},
        )


class _Sitting:
    """One rebuilding at work, on a file that nobody uses yet."""

    def __init__(self, wiring: Wiring, state: State, command: str, watcher: Watcher) -> None:
        self._wiring = wiring
        self._state = state
        self._command = command
        self._watcher = watcher
        self._settings = settings(wiring.config, wiring.choices)
        self._linked: Counter[str] = Counter()
        self._amounts: dict[str, Decimal] = {}
        self._taken_back = 0
        self._changed: dict[tuple[str, str], Decision] = {}

    def carry_out(self, aside: Path | None) -> Rebuilt:
        """Read, look up, link."""
        state = self._state
        state.pin(self._wiring.pin)
        trail = Trail(state)
        systems = self._wiring.systems(read_only=True, on_exchange=trail.add)
        run_id = trail.run_id = state.runs.start(
            self._command,
            stages=Scope().stages,
            dry_run=False,
            pid=os.getpid(),
            host=socket.gethostname(),
            user=operator(),
        )
        state.audit.append(
            "rebuilding", run_id=run_id, detail={"operator": operator(), "aside": aside.name if aside else ""}
        )
        try:
            notices, drawn = self._filled(systems, run_id)
        except StsyncError as error:
            state.runs.finish(run_id, int(error.exit_code), {"error": error.reference})
            raise
        found = self._told(run_id, drawn, notices, aside)
        linked = {kind: f"{count}" for kind, (count, _) in found.linked.items()}
        state.runs.finish(run_id, int(found.exit_code), {"linked": linked, "requests": systems.requests()})
        return found

    def _filled(self, systems: Systems, run_id: str) -> tuple[tuple[Reason, ...], Drawn]:
        config = self._wiring.config
        check_company(self._state, systems.books, config.business_central)
        note_configuration(self._wiring, self._state, run_id)
        self._state.notes.note("go_live", config.go_live.isoformat())
        scope = Scope()
        read_feeds(
            systems.servicetitan, self._state, scope, go_live=config.go_live, now=now, progress=self._watcher.reading
        )
        notices = read_memos(self._wiring, self._state, systems, scope, self._watcher, from_start=True)
        for _ in range(_PASSES):
            drawn = self._drawn(systems)
            if not self._linked_again(drawn, systems, run_id):
                break
        attempts, progress = self._wiring.config.limits.attempts, Progress(self._watcher.applying)
        desk = Desk(self._state, run_id, attempts=attempts, hashes=drawn.hashes, progress=progress)
        desk.write_down(one for one in drawn.plan.decisions if one.standing != Standing.ACT)
        return notices, drawn

    def _drawn(self, systems: Systems) -> Drawn:
        tell = self._watcher.planning
        config = self._wiring.config
        return draw_plan(config, self._settings, self._state, systems, Scope(), now=now, tell=tell, trust_marks=True)

    def _linked_again(self, drawn: Drawn, systems: Systems, run_id: str) -> bool:
        """Take on what this plan found in place; whether there was anything."""
        protocol = Protocol(self._state, run_id, explain=explain)
        there = [one for one in drawn.plan.decisions if _is_there(one)]
        self._take_on(there, drawn, systems, protocol, run_id)
        changed = otherwise(drawn)
        for one in changed:
            self._link_otherwise(one, protocol, run_id)
        cards = link_cards(self._state, systems.books, self._settings, run_id)
        for customer_id, number in cards.items():
            self._linked["customers"] += 1
            self._note(run_id, "customers", customer_id, {"number": number, "why": "by the documents on the card"})
        return bool(there or changed or cards)

    def _take_on(
        self, there: Sequence[Decision], drawn: Drawn, systems: Systems, protocol: Protocol, run_id: str
    ) -> None:
        """Through the same hands as in a run: none of these decisions sends anything."""
        with Lanes(1) as lanes:
            desk = Applying(
                self._state,
                systems,
                protocol,
                lanes,
                attempts=self._wiring.config.limits.attempts,
                progress=Progress(self._watcher.applying, Counter(one.kind for one in there)),
                now=now,
            ).take(replace(drawn, plan=Plan(tuple(there))))
        for one in there:
            if desk.has_carried(one.kind, one.source_id):
                self._count(one, run_id)

    def _count(self, decision: Decision, run_id: str) -> None:
        kind = decision.kind
        self._linked[kind] += 1
        self._amounts[kind] = self._amounts.get(kind, Decimal(0)) + (decision.about.amount or 0)
        self._taken_back += sum(one.verb == Verb.CANCEL for one in decision.operations)
        last = decision.operations[-1]
        number = str(last.facts.get("number") or last.natural_key)
        self._note(run_id, kind, decision.source_id, {"number": number, "why": last.why})

    def _link_otherwise(self, one: Otherwise, protocol: Protocol, run_id: str) -> None:
        """Linked, and left open: the next look at it says that ServiceTitan changed it after it was posted."""
        decision = one.decision
        for operation in one.ended:
            told = operation.facts
            facts = {"why": operation.why, "former_number": told["number"], "ended": [], "carried": told["carried"]}
            protocol.note_end(operation, str(told["memo"]), facts)
        facts = {"fingerprint": one.fingerprint, "why": one.adopt.why, "customer": one.adopt.facts.get("customer", "")}
        protocol.adopt(one.adopt, facts)
        self._changed[decision.kind, decision.source_id] = decision
        number = str(one.adopt.facts["number"])
        self._note(run_id, decision.kind, decision.source_id, {"number": number, "why": one.adopt.why})

    def _note(self, run_id: str, kind: str, source_id: str, detail: Mapping[str, str]) -> None:
        told = {"operator": operator(), **detail}
        self._state.audit.append("rebuilt", run_id=run_id, stage=kind, source_id=source_id, detail=told)

    def _told(self, run_id: str, drawn: Drawn, notices: tuple[Reason, ...], aside: Path | None) -> Rebuilt:
        held = drawn.plan.of
        kinds = {one.kind for one in drawn.plan.decisions}
        not_told = [one for kind in sorted(kinds) for one in held(kind, Standing.HOLD) if _is_not_told(one)]
        left = Counter(one.kind for one in drawn.plan.decisions if one.standing in {Standing.ACT, Standing.WAIT})
        return Rebuilt(
            run_id,
            {kind: (count, self._amounts.get(kind, Decimal(0))) for kind, count in self._linked.items()},
            self._taken_back,
            tuple(self._changed.values()),
            tuple(not_told),
            dict(left),
            self._state.inbox.counts(),
            notices,
            aside,
        )


def _is_there(decision: Decision) -> bool:
    verbs = {one.verb for one in decision.operations}
    return decision.standing == Standing.ACT and bool(verbs) and verbs <= _NOTHING_SENT


def _is_not_told(decision: Decision) -> bool:
    return decision.reason is not None and decision.reason.reference in _NOT_TOLD
