"""`--only ID`: a name that means nothing is said, instead of a run that quietly did nothing, or everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stsync.cli.console import say
from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.engine.run import Result
    from stsync.engine.scope import Scope
    from stsync.state import InboxRow
    from stsync.wiring import Wiring


def named(only: str | None) -> str | None:
    """The id or number as it was meant. Raises UsageError for an empty one, such as a script's variable that was
    never filled: it must not become a run of everything."""
    if only is None or only.strip():
        return only.strip() if only else None
    raise UsageError(
        "only-empty",
        "--only was given without an id or number, so no record is meant. Nothing was read or written.",
        hint="Name one record, for example --only 10482; leave --only out to carry everything.",
    )


def check_found(wiring: Wiring, scope: Scope, result: Result) -> None:
    """Say what became of the one record when the run had nothing to decide about it.

    Raises UsageError 'record-unknown' when nothing of that id or number was read.
    """
    if scope.only is None or result.plan.decisions:
        return
    row = _row(wiring, scope)
    if row is None:
        raise UsageError(
            "record-unknown",
            f"Nothing with the id or number '{scope.only}' was found, so nothing was done.",
            hint="Give the item's number, as it stands on its card in Business Central."
            if scope.stages == ("pricebook",)
            else "Give the ServiceTitan id or the document number. Documents dated before go_live are not carried.",
        )
    if row.state != "settled":
        raise UsageError(
            "record-unknown",
            f"--only does not know the name '{scope.only}', so nothing was done.",
            hint=f"Give the ServiceTitan id instead: --only {row.source_id}",
        )
    say(f"'{scope.only}' is settled already, so there is nothing to do for it; stsync trace tells its life.")


def _row(wiring: Wiring, scope: Scope) -> InboxRow | None:
    from stsync.reports.find import find_record
    from stsync.state import State

    with State.open_reading(wiring.state_path) as state:
        for stage in scope.stages:
            try:
                return find_record(state, stage, scope.only or "")
            except UsageError:
                continue
    return None
