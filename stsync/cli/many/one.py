"""One company of several: `python -m stsync.cli.many.one`, which gets its order on standard input.

A process of its own, so that a crash, a full memory or a Ctrl-C there touches no other company. It prints what
`stsync sync` prints for this company alone, and leaves a summary in a file; lines on standard error that begin with
MARK say how far it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stsync.cli import speakable
from stsync.cli.console import OUTPUT, fail, say
from stsync.cli.options import answering
from stsync.engine.scope import STAGES, Scope
from stsync.engine.switches import Allowed
from stsync.errors import ExitCode, StsyncError

if TYPE_CHECKING:
    from stsync.core.plan import Decision
    from stsync.engine.run import Result, Watcher

    # By kind of record: how many, and their money.
    _Carried = Mapping[str, tuple[int, Decimal]]

MARK = "\x1e"


@dataclass(frozen=True)
class Order:
    """What every company is asked to do, and how it is to speak. `command` is what the person typed."""

    command: str
    dry_run: bool = False
    limit: int | None = None
    since: date | None = None
    everything: bool = False
    over_limit: bool = False
    go_live_changed: bool = False
    as_json: bool = False
    quiet: bool = False
    width: int | None = None

    def text(self, config: Path, summary: Path) -> str:
        """The order for one company, as it travels."""
        since = self.since.isoformat() if self.since else None
        return json.dumps({**asdict(self), "since": since, "config": str(config), "summary": str(summary)})


def main() -> None:
    """Carry out the order on standard input."""
    speakable()
    travelled: dict[str, Any] = json.load(sys.stdin)
    config, summary = Path(travelled.pop("config")), Path(travelled.pop("summary"))
    since = travelled.pop("since")
    order = Order(**travelled, since=date.fromisoformat(since) if since else None)
    OUTPUT.width = order.width
    _company(order, config, summary, as_json=order.as_json, quiet=order.quiet)


@answering
def _company(order: Order, config: Path, summary: Path, *, as_json: bool, quiet: bool) -> ExitCode:
    from stsync.cli.sync import carry

    scope = Scope(stages=STAGES, limit=order.limit, only=None, since=order.since)
    allowed = Allowed(over_limit=order.over_limit, go_live_changed=order.go_live_changed)
    try:
        result = carry(
            scope,
            config,
            allowed,
            command=order.command,
            dry_run=order.dry_run,
            everything=order.everything,
            watch=_marked,
        )
    except StsyncError as error:
        _leave(summary, {"error": {"reference": error.reference, "message": error.message, "hint": error.hint}})
        raise
    sys.stdout.flush()
    _leave(summary, _summary(result))
    if result.brake is not None and not OUTPUT.json:
        fail(result.brake)
    return result.exit_code


@contextmanager
def _marked(banner: str, *, dry_run: bool) -> Iterator[Watcher]:
    from stsync.cli.progress import Lines, preview_notice

    say(banner)
    preview_notice(dry_run=dry_run)
    yield Lines(silent=OUTPUT.json or OUTPUT.quiet, mark=MARK, seconds_between=1.0)


def _summary(result: Result) -> dict[str, Any]:
    carried, held = _would(result.plan.decisions) if result.dry_run else _did(result)
    return {
        "carried": [[kind, count, format(amount, "f")] for kind, (count, amount) in carried.items()],
        "held": held,
        "brake": result.brake.message if result.brake is not None else None,
    }


def _did(result: Result) -> tuple[_Carried, int]:
    """What went over, and how many records need a person now."""
    held = sum(total.records for (_, state, _), total in result.counts.items() if state in {"held", "dead"})
    return result.carried, held


def _would(decisions: Iterable[Decision]) -> tuple[_Carried, int]:
    """What a run would carry, and how many records it would hold; one look, because a large plan lies on the disk."""
    carried: dict[str, tuple[int, Decimal]] = {}
    held = 0
    for decision in decisions:
        held += decision.standing.value == "hold"
        if decision.standing.value == "act":
            count, amount = carried.get(decision.kind, (0, Decimal(0)))
            carried[decision.kind] = (count + 1, amount + (decision.about.amount or Decimal(0)))
    return carried, held


def _leave(summary: Path, content: dict[str, Any]) -> None:
    summary.write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main()
