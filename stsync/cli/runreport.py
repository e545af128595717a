"""What a run, or a preview of one, came to: tables for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, say, table
from stsync.cli.pricebookreport import field_by_field
from stsync.core.operations import shown
from stsync.core.plan import TO_APPLY
from stsync.reports.words import NOUNS
from stsync.reports.words import STAGES as STAGE_WORDS

if TYPE_CHECKING:
    from stsync.core.operations import Operation
    from stsync.core.plan import Decision, Plan
    from stsync.core.reasons import Reason
    from stsync.engine.run import Result

STAGES = ("customers", "invoices", "credit_memos", "payments", "pricebook", "write_backs")
FIRST = 10


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
            "operations": [operation_document(one) for one in result.plan.operations()],
            "records": [_record(one) for one in result.plan.decisions],
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


def _preview(plan: Plan, everything: bool) -> None:
    rows = []
    for stage in STAGES:
        decisions = plan.of(stage)
        if decisions:
            rows.append(_preview_row(stage, decisions))
    columns = [
        Column("would be"),
        *(
            Column(name, right=True)
            for name in ("created", "changed", "posted", "amount", "held", "waiting", "nothing")
        ),
    ]
    table("Preview", columns, rows)
    operations = [one for one in plan.operations() if one.verb != "adopt"]
    for stage in STAGES:
        _operation_list(stage, [one for one in operations if one.stage == stage], everything)


def _preview_row(stage: str, decisions: Sequence[Decision]) -> list[str]:
    operations = [one for decision in decisions for one in decision.operations]
    acting = [one for one in decisions if one.standing.value == "act"]
    posted = [one for one in acting if one.outcome == "posted"]
    amount = sum((one.about.amount or Decimal(0) for one in acting), Decimal(0))
    return [
        STAGE_WORDS.get(stage, stage),
        _number(sum(one.verb == "create" for one in operations)),
        _number(sum(one.verb in {"update", "delete", "mark"} for one in operations)),
        _number(len(posted)),
        money(amount) if amount else "",
        _number(sum(one.standing.value == "hold" for one in decisions)),
        _number(sum(one.standing.value == "wait" for one in decisions)),
        _number(sum(one.standing.value == "settle" for one in decisions)),
    ]


def _number(count: int) -> str:
    return f"{count:,}" if count else "-"


def _operation_list(stage: str, operations: Sequence[Operation], everything: bool) -> None:
    if not operations:
        return
    kept = operations if everything else operations[:FIRST]
    rows = [[one.verb.value, one.entity, one.natural_key, one.label, money(one.amount), one.why] for one in kept]
    columns = [
        Column("write"),
        Column("to"),
        Column("under"),
        Column("for"),
        Column("amount", right=True),
        Column("why"),
    ]
    table(f"{STAGE_WORDS.get(stage, stage)}: {counted(len(operations), 'write')}", columns, rows)
    if len(kept) < len(operations):
        say(f"  ... and {len(operations) - len(kept):,} more; --all lists every one, --json shows what is sent.")
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


def _put_aside(plan: Plan, everything: bool) -> None:
    for title, standing in (("Held: a person has to look", "hold"), ("Waiting, without an error", "wait")):
        causes = _by_cause(one for one in plan.decisions if one.standing.value == standing)
        needed = standing == "hold"
        rows = [[str(len(group)), money(_total(group)), _numbers(group), reason.message] for reason, group in causes]
        if rows:
            columns = [Column("records", right=True), Column("amount", right=True), Column("which"), Column("why")]
            kept = rows if everything else rows[:FIRST]
            table(
                f"{title} ({counted(sum(len(group) for _, group in causes), 'record')})", columns, kept, needed=needed
            )
            if len(kept) < len(rows):
                say(f"  ... and {counted(len(rows) - len(kept), 'more cause')}; stsync held shows every one.")


def _by_cause(decisions: Iterable[Decision]) -> list[tuple[Reason, list[Decision]]]:
    """Records with the same reason together, most money first."""
    causes: dict[str, tuple[Reason, list[Decision]]] = {}
    for decision in decisions:
        if decision.reason is not None:
            causes.setdefault(decision.reason.message, (decision.reason, []))[1].append(decision)
    return sorted(causes.values(), key=lambda cause: -abs(_total(cause[1])))


def _total(group: Sequence[Decision]) -> Decimal:
    return sum((one.about.amount or Decimal(0) for one in group), Decimal(0))


def _numbers(group: Sequence[Decision]) -> str:
    numbers = ", ".join(one.about.number or one.source_id for one in group[:3])
    return numbers + (f" and {len(group) - 3} more" if len(group) > 3 else "")


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
