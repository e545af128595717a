"""Where everything stands: each record read is in exactly one state, and the states add up to what was read."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from stsync.core import money
from stsync.reports.words import KINDS, ending
from stsync.state import Cursor, InboxRow, LedgerRow, RunRow, State, Total

# In the order they are shown: what is done, what needs nothing, what needs a person, what is still to come.
PARTS = (
    "carried",
    "to_apply",
    "draft",
    "by_hand",
    "nothing_to_do",
    "not_ready",
    "waiting",
    "in_doubt",
    "held",
    "dead",
    "new",
)
_CARRIED = frozenset({"posted", "created", "updated", "unchanged", "carried", "told"})
# Settled outcomes that are parts of their own: a person has to apply or post them, has done so, or has yet to release them.
_OWN_PARTS = ("to_apply", "draft", "by_hand", "not_ready")
_OPEN = ("pending", "waiting", "held", "dead")
_NONE = Total(0, Decimal(0))


@dataclass(frozen=True)
class StageStanding:
    """One stage: what was read, and the states it is in. `outcomes` takes the settled ones apart by outcome."""

    stage: str
    read: Total
    parts: Mapping[str, Total]
    outcomes: Mapping[str, Total]

    @property
    def adds_up(self) -> bool:
        """Whether the states come to what was read, in number and in money (users' need 5)."""
        return _sum(self.parts.values()) == self.read


@dataclass(frozen=True)
class RunLine:
    """One run. `ended` says how in words; `cut_off` is true when it never came to its end."""

    run: RunRow
    ended: str
    cut_off: bool
    carried: Mapping[str, Total]


@dataclass(frozen=True)
class Standing:
    """The whole answer of `status`.

    `open_writes` were sent, or were about to be, and nobody knows the end; `loose` are those of them that belong to
    no open record, for example the posting of a whole payment journal. `unread` says what ServiceTitan keeps from us.
    """

    stages: tuple[StageStanding, ...]
    contacts: int
    runs: tuple[RunLine, ...]
    cursors: tuple[Cursor, ...]
    open_writes: tuple[LedgerRow, ...]
    loose: tuple[LedgerRow, ...] = ()
    unread: str = ""

    @property
    def needs_a_person(self) -> int:
        """How many records are held or dead."""
        return sum(stage.parts[part].records for stage in self.stages for part in ("held", "dead"))

    @property
    def adds_up(self) -> bool:
        """Whether every stage does."""
        return all(stage.adds_up for stage in self.stages)


def standing(state: State, *, last_runs: int = 5) -> Standing:
    """Read the state file into the answer of `status`."""
    counts = state.inbox.counts()
    writes = tuple(state.ledger.intended())
    return Standing(
        stages=tuple(_stage(state, kind, counts, writes) for kind in KINDS),
        contacts=sum(total.records for (kind, _, _), total in counts.items() if kind == "contacts"),
        runs=_runs(state, last_runs),
        cursors=tuple(state.cursors.all()),
        open_writes=writes,
        unread=state.notes.note("credit memos unread") or "",
        loose=tuple(row for row in writes if not _is_of_open_record(state, row)),
    )


def queued(state: State, stages: Collection[str], *, with_documents: bool) -> int:
    """How many records the next sync decides about. `with_documents`: a customer whom no document names stays out of it;
    one that a run has decided about before, and that was put back, is known by that run.
    """
    rows = (row for stage in stages for row in state.inbox.rows(stage, ("pending",)))
    return sum(row.kind != "customers" or not with_documents or row.run_id is not None for row in rows)


def part_of(state: str, outcome: str | None) -> str:
    """The one part of the sum that an inbox state and outcome belong to.

    An outcome that this version does not know counts as nothing to do: nothing unknown may look like money in the books.
    """
    if state == "pending":
        return "new"
    if state != "settled":
        return state
    if outcome in _OWN_PARTS:
        return outcome
    return "carried" if outcome in _CARRIED else "nothing_to_do"


def amount_of(row: InboxRow) -> Decimal:
    """A record's money. What nobody has decided about yet has no noted amount, or an outdated one: its content says."""
    if row.state != "pending":
        return row.amount or Decimal(0)
    if row.kind not in {"invoices", "credit_memos", "payments"}:
        return Decimal(0)
    try:
        total = money.amount(row.content.get("total"))
        return -abs(total) if row.kind == "credit_memos" else total
    except money.NotAnAmount:
        return Decimal(0)


def _stage(
    state: State, kind: str, counts: Mapping[tuple[str, str, str | None], Total], writes: Iterable[LedgerRow]
) -> StageStanding:
    own = {(where, outcome): total for (one, where, outcome), total in counts.items() if one == kind}
    parts = dict.fromkeys(PARTS, _NONE)
    outcomes: dict[str, Total] = {}
    for (where, outcome), total in own.items():
        if where == "pending":
            continue
        part = part_of(where, outcome)
        parts[part] = _sum((parts[part], total))
        if outcome is not None:
            outcomes[outcome] = total
    parts["new"] = _sum(Total(1, amount_of(row)) for row in state.inbox.rows(kind, ("pending",)))
    noted = _sum(total for (where, _), total in own.items() if where != "pending")
    arrived = sum(total.records for (where, _), total in own.items() if where == "pending")
    read = Total(noted.records + arrived, noted.amount + parts["new"].amount)
    _set_apart_in_doubt(state, kind, writes, parts)
    return StageStanding(kind, read, parts, outcomes)


def _set_apart_in_doubt(state: State, kind: str, writes: Iterable[LedgerRow], parts: dict[str, Total]) -> None:
    """Records with a write of unknown end leave the part they stand in: in doubt says more than waiting."""
    named = {row.source_id for row in writes if row.stage == kind}
    for row in state.inbox.find_many(kind, named).values():
        if row.state not in _OPEN:
            continue
        part, amount = part_of(row.state, row.outcome), amount_of(row)
        parts[part] = Total(parts[part].records - 1, parts[part].amount - amount)
        parts["in_doubt"] = _sum((parts["in_doubt"], Total(1, amount)))


def _is_of_open_record(state: State, write: LedgerRow) -> bool:
    row = state.inbox.find(write.stage, write.source_id)
    return row is not None and row.state in _OPEN


def _sum(totals: Iterable[Total]) -> Total:
    records, amount = 0, Decimal(0)
    for total in totals:
        records += total.records
        amount += total.amount
    return Total(records, amount)


def _runs(state: State, count: int) -> tuple[RunLine, ...]:
    rows = state.runs.last(max(count, 1))
    newest = rows[0].run_id if rows else ""
    return tuple(run_line(row, newest=row.run_id == newest) for row in rows[:count])


def run_line(run: RunRow, *, newest: bool) -> RunLine:
    """A run with its end in words. One run at a time: without an end, only the newest can still be at work."""
    carried = {
        str(stage): Total(int(pair[0]), Decimal(str(pair[1])))
        for stage, pair in (run.summary.get("carried") or {}).items()
    }
    if run.finished_at is not None:
        return RunLine(run, ending(run.exit_code or 0), False, carried)
    alive = _alive(run) if newest else False
    if alive:
        return RunLine(run, "at work now", False, carried)
    if alive is None:
        return RunLine(run, "at work now, or cut off", False, carried)
    return RunLine(run, "cut off before its end", True, carried)


def _alive(run: RunRow) -> bool | None:
    """Whether the run's process is there; None when this computer cannot know."""
    # On Windows os.kill(pid, 0) would end the process instead of asking for it.
    if os.name != "posix" or run.host != socket.gethostname():
        return None
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def document(answer: Standing, now: datetime) -> dict[str, Any]:
    """The answer for --json."""
    return {
        "stages": {stage.stage: _stage_document(stage) for stage in answer.stages},
        "contacts": answer.contacts,
        "adds_up": answer.adds_up,
        "needs_a_person": answer.needs_a_person,
        "unread": answer.unread,
        "runs": [_run_document(line) for line in answer.runs],
        "cursors": [
            {"feed": one.feed, "read_at": one.read_at, "seconds_ago": _seconds(one.read_at, now)}
            for one in answer.cursors
        ],
        "open_writes": [
            {"key": row.key, "natural_key": row.natural_key, "verb": row.verb, "intended_at": row.intended_at}
            for row in answer.open_writes
        ],
    }


def total_document(total: Total) -> dict[str, Any]:
    """A count and its money for --json."""
    return {"records": total.records, "amount": total.amount}


def _stage_document(stage: StageStanding) -> dict[str, Any]:
    return {
        "read": total_document(stage.read),
        "states": {name: total_document(total) for name, total in stage.parts.items()},
        "outcomes": {name: total_document(total) for name, total in stage.outcomes.items()},
        "adds_up": stage.adds_up,
    }


def _run_document(line: RunLine) -> dict[str, Any]:
    run = line.run
    return {
        "run_id": run.run_id,
        "command": run.command,
        "stages": list(run.stages),
        "user": run.user,
        "host": run.host,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "exit_code": run.exit_code,
        "ended": line.ended,
        "cut_off": line.cut_off,
        "carried": {name: total_document(total) for name, total in line.carried.items()},
        "summary": run.summary,
    }


def _seconds(moment: datetime | None, now: datetime) -> int | None:
    return None if moment is None else int((now - moment).total_seconds())
