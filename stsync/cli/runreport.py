"""What a run, or a preview of one, came to: tables for people, one JSON document for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.cli.console import OUTPUT, Column, Listed, counted, emit_json, insist, money, say, table
from stsync.cli.pricebookreport import field_by_field
from stsync.core.operations import shown
from stsync.core.plan import TO_APPLY
from stsync.reports.words import NOUNS
from stsync.reports.words import STAGES as STAGE_WORDS

if TYPE_CHECKING:
    from stsync.core.operations import Operation
    from stsync.core.plan import Decision, Planned
    from stsync.engine.run import Result

STAGES = ("customers", "invoices", "credit_memos", "payments", "pricebook", "write_backs")
FIRST = 10
_NAMED = 3


def report(result: Result, banner: str, *, everything: bool = False) -> None:
    """Print the outcome."""
    if OUTPUT.json:
        emit_json(document(result, banner))
        return
    if OUTPUT.quiet and _needs_a_person(result):
        insist(banner)
    if result.dry_run:
        _preview(result.plan, everything)
    else:
        _outcome(result)
    _put_aside(result.plan, everything)
    for notice in result.notices:
        insist(f"{notice.message} {notice.hint}")
    _closing(result)


def _needs_a_person(result: Result) -> bool:
    """Whether anything is printed under --quiet: it then has to say of which company it speaks."""
    return any(one.standing.value == "hold" for one in result.plan.decisions) or any(_stopped(result))


def document(result: Result, banner: str) -> dict[str, Any]:
    """The outcome as plain values; the names here are a promise to programs."""
    return {
        "run_id": result.run_id,
        "dry_run": result.dry_run,
        "systems": banner,
        "requests": result.requests,
        "seconds": round(result.seconds, 1),
        "exit_code": int(result.exit_code),
        "brake": result.brake.message if result.brake is not None else None,
        "in_doubt": result.in_doubt,
        "notices": [vars(one) for one in result.notices],
        "plan": {
            "digest": result.plan.digest,
            "operations": Listed(lambda: map(operation_document, result.plan.operations())),
            "records": Listed(lambda: map(_record, result.plan.decisions)),
        },
        "carried": {kind: {"count": count, "amount": amount} for kind, (count, amount) in result.carried.items()},
        "taken_on": result.taken_on,
        "standing": [
            {"stage": kind, "state": state, "outcome": outcome, "count": total.records, "amount": total.amount}
            for (kind, state, outcome), total in result.counts.items()
        ],
    }


def operation_document(operation: Operation) -> dict[str, Any]:
    """One write as plain values."""
    return {
        "key": operation.key,
        "verb": operation.verb.value,
        "entity": operation.entity,
        "natural_key": operation.natural_key,
        "target": str(operation.target),
        "parent": str(operation.parent),
        "why": operation.why,
        "record": operation.label,
        "amount": operation.amount,
        "body": shown(operation.body),
        "before": shown(operation.before),
    }


def _record(decision: Decision) -> dict[str, Any]:
    reason = decision.reason
    return {
        "stage": decision.kind,
        "id": decision.source_id,
        "number": decision.about.number,
        "name": decision.about.name,
        "date": decision.about.on,
        "amount": decision.about.amount,
        "standing": decision.standing.value,
        "outcome": decision.outcome,
        "reason": vars(reason) if reason is not None else None,
        "rules": decision.rules,
        "notes": decision.notes,
        "afterwards": vars(decision.afterwards) if decision.afterwards is not None else None,
    }


def _preview(plan: Planned, everything: bool) -> None:
    columns = [
        Column("would be"),
        *(
            Column(name, right=True)
            for name in ("created", "changed", "posted", "amount", "held", "waiting", "nothing")
        ),
    ]
    sums = _sums(plan.decisions)
    table("Preview", columns, [sums[stage].row(stage) for stage in STAGES if stage in sums])
    listed = _listed(plan.operations(), everything)
    for stage in STAGES:
        if stage in listed:
            _operation_list(stage, *listed[stage])


@dataclass
class _Sum:
    """What a preview says of one stage."""

    created: int = 0
    changed: int = 0
    posted: int = 0
    amount: Decimal = Decimal(0)
    standing: Counter[str] = field(default_factory=Counter)

    def add(self, decision: Decision) -> None:
        self.standing[decision.standing.value] += 1
        self.created += sum(one.verb == "create" for one in decision.operations)
        self.changed += sum(one.verb in {"update", "delete", "mark"} for one in decision.operations)
        if decision.standing.value == "act":
            self.posted += decision.outcome == "posted"
            self.amount += decision.about.amount or 0

    def row(self, stage: str) -> list[str]:
        return [
            STAGE_WORDS.get(stage, stage),
            *(_number(count) for count in (self.created, self.changed, self.posted)),
            money(self.amount) if self.amount else "",
            *(_number(self.standing[one]) for one in ("hold", "wait", "settle")),
        ]


def _sums(decisions: Iterable[Decision]) -> dict[str, _Sum]:
    """The sums by stage; a plan may be longer than the memory, so it is gone through one by one."""
    sums: dict[str, _Sum] = {}
    for decision in decisions:
        sums.setdefault(decision.kind, _Sum()).add(decision)
    return sums


def _listed(operations: Iterable[Operation], everything: bool) -> dict[str, tuple[list[Operation], int]]:
    """The writes that are listed, by stage, and how many there are."""
    kept: dict[str, list[Operation]] = {}
    counts: Counter[str] = Counter()
    for operation in operations:
        if operation.verb == "adopt":
            continue
        counts[operation.stage] += 1
        if everything or counts[operation.stage] <= FIRST:
            kept.setdefault(operation.stage, []).append(operation)
    return {stage: (kept[stage], counts[stage]) for stage in kept}


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"


def _operation_list(stage: str, kept: Sequence[Operation], count: int) -> None:
    rows = [[one.verb.value, one.entity, one.natural_key, one.label, money(one.amount), one.why] for one in kept]
    columns = [
        Column("write"),
        Column("to"),
        Column("under"),
        Column("for"),
        Column("amount", right=True),
        Column("why"),
    ]
    table(f"{STAGE_WORDS.get(stage, stage)}: {counted(count, 'write')}", columns, rows)
    if len(kept) < count:
        say(f"  ... and {count - len(kept):,} more; --all lists every one, --json shows what is sent.")
    if stage == "pricebook":
        field_by_field(kept)


def _outcome(result: Result) -> None:
    rows = [
        [STAGE_WORDS.get(stage, stage), _number(count), money(amount) if amount else ""]
        for stage in STAGES
        if (carried := result.carried.get(stage)) is not None
        for count, amount in [carried]
    ]
    if rows:
        columns = [Column("carried over"), Column("records", right=True), Column("amount", right=True)]
        table("This run", columns, rows)

    for stage, count in result.taken_on.items():
        were, them = ("was", "it") if count == 1 else ("were", "them")
        taken = counted(count, NOUNS.get(stage, stage))
        say(f"{taken} {were} in the target system already and {were} taken on; nothing was sent for {them}.")


def _put_aside(plan: Planned, everything: bool) -> None:
    causes = _by_cause(plan.decisions)
    for title, standing in (("Held: a person has to look", "hold"), ("Waiting, without an error", "wait")):
        found = sorted((one for one in causes if one.standing == standing), key=lambda cause: -abs(cause.amount))
        needed = standing == "hold"
        rows = [[str(one.records), money(one.amount), one.which(), one.message] for one in found]
        if rows:
            columns = [Column("records", right=True), Column("amount", right=True), Column("which"), Column("why")]
            kept = rows if everything else rows[:FIRST]
            table(f"{title} ({counted(sum(one.records for one in found), 'record')})", columns, kept, needed=needed)
            if len(kept) < len(rows):
                say(f"  ... and {counted(len(rows) - len(kept), 'more cause')}; stsync held shows every one.")


@dataclass
class _Cause:
    """Records with the same reason."""

    standing: str
    message: str
    records: int = 0
    amount: Decimal = Decimal(0)
    numbers: list[str] = field(default_factory=list)

    def add(self, decision: Decision) -> None:
        self.records += 1
        self.amount += decision.about.amount or 0
        if len(self.numbers) < _NAMED:
            self.numbers.append(decision.about.number or decision.source_id)

    def which(self) -> str:
        more = self.records - len(self.numbers)
        return ", ".join(self.numbers) + (f" and {more} more" if more else "")


def _by_cause(decisions: Iterable[Decision]) -> list[_Cause]:
    causes: dict[tuple[str, str], _Cause] = {}
    for decision in decisions:
        standing = decision.standing.value
        if decision.reason is not None and standing in {"hold", "wait"}:
            message = decision.reason.message
            causes.setdefault((standing, message), _Cause(standing, message)).add(decision)
    return list(causes.values())


def _closing(result: Result) -> None:
    if result.dry_run:
        say("This was a preview. No record was created, changed or posted, and nothing was noted.")
        say("Business Central computes its own totals when a draft exists: they are compared before each posting.")
        return
    held, dead = _stopped(result)
    say(f"{counted(result.requests, 'request')} in {result.seconds:.1f} s. Run {result.run_id}.")
    if held or dead:
        stopped = counted(held, "record is held", "records are held")
        put_aside = counted(dead, "was refused for good", "were refused for good")
        insist(f"{stopped} and {put_aside}: stsync held tells what to do.")
    drafts = sum(total.records for (_, _, outcome), total in result.counts.items() if outcome == "draft")
    if drafts:
        say(f"{counted(drafts, 'document is', 'documents are')} left in Business Central for a person to post.")
    by_you = sum(total.records for (_, _, outcome), total in result.counts.items() if outcome == TO_APPLY)
    if by_you:
        entries = counted(by_you, "entry is", "entries are")
        say(f"{entries} in the books and to be applied there by you: stsync held --to-apply")
    if not result.carried:
        say("Nothing new had to be carried over.")


def _stopped(result: Result) -> tuple[int, int]:
    """How many records are held, and how many are dead."""
    held, dead = (
        sum(total.records for (_, state, _), total in result.counts.items() if state == wanted)
        for wanted in ("held", "dead")
    )
    return held, dead
