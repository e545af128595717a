"""What `stsync state rebuild` found in the two systems, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stsync.cli.console import OUTPUT, Column, counted, emit_json, insist, money, say, table
from stsync.reports.words import STAGES as STAGE_WORDS

if TYPE_CHECKING:
    from stsync.core.plan import Decision
    from stsync.engine.rebuild import Rebuilt

_FIRST = 10
_NOWHERE = (
    "In neither system, and so not made anew: the history and the audit of before; what was said with stsync ignore, applied, "
    "link --new and baseline accept. Whether a document of the same total was changed in ServiceTitan after it was posted "
    "cannot be told: stsync reconcile compares the accounts and business units of a month."
)


def report(found: Rebuilt, banner: str) -> None:
    """Print it."""
    if OUTPUT.json:
        emit_json(_document(found, banner))
        return
    if found.not_told or found.changed:
        insist(banner)
    rows = [
        [STAGE_WORDS.get(kind, kind), f"{count:,}", money(amount) if amount else ""]
        for kind, (count, amount) in found.linked.items()
    ]
    columns = [Column("linked again"), Column("records", right=True), Column("amount", right=True)]
    table("Found in the two systems", columns, rows)
    if found.taken_back:
        say(f"{counted(found.taken_back, 'correction')} found: documents that a credit memo takes back.")
    _list("Posted, and changed in ServiceTitan since: linked, and held by the next sync", found.changed)
    _list("In the books, but nobody can tell whose or which it is: a person has to look", found.not_told)
    if found.left:
        left = ", ".join(f"{count:,} {STAGE_WORDS.get(kind, kind)}" for kind, count in sorted(found.left.items()))
        say(f"Not in the books, or not as they should be, so that the next sync decides about them: {left}.")
    for notice in found.notices:
        insist(f"{notice.message} {notice.hint}")
    say(_NOWHERE)
    if found.aside is not None:
        say(f"The file that was there is kept as {found.aside}.")
    say("Nothing was written in either system. Next: stsync sync --dry-run, look, then stsync sync.")


def _list(title: str, decisions: Sequence[Decision]) -> None:
    rows = [
        [
            STAGE_WORDS.get(one.kind, one.kind),
            one.about.number,
            one.about.name,
            one.reason.message if one.reason else "",
        ]
        for one in decisions[:_FIRST]
    ]
    if rows:
        columns = [Column("stage"), Column("number"), Column("customer"), Column("what")]
        table(f"{title} ({counted(len(decisions), 'record')})", columns, rows, needed=True)
    if len(decisions) > _FIRST:
        insist(f"  ... and {len(decisions) - _FIRST:,} more; --json lists every one.")


def _document(found: Rebuilt, banner: str) -> dict[str, Any]:
    return {
        "run_id": found.run_id,
        "systems": banner,
        "exit_code": int(found.exit_code),
        "linked": {kind: {"count": count, "amount": amount} for kind, (count, amount) in found.linked.items()},
        "corrections": found.taken_back,
        "changed_since": [_record(one) for one in found.changed],
        "not_told": [_record(one) for one in found.not_told],
        "left_for_the_next_sync": found.left,
        "replaced": str(found.aside) if found.aside is not None else None,
        "notices": [vars(one) for one in found.notices],
    }


def _record(one: Decision) -> dict[str, Any]:
    about = one.about
    shown = {
        "stage": one.kind,
        "id": one.source_id,
        "number": about.number,
        "customer": about.name,
        "amount": about.amount,
    }
    return {**shown, "reason": vars(one.reason) if one.reason is not None else None}
