"""`stsync sync` and its single stages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stsync.cli.console import OUTPUT, fail
from stsync.cli.only import check_found, named
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.engine.scope import STAGES, Scope
from stsync.engine.switches import Allowed
from stsync.errors import ExitCode, UsageError

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; write nothing anywhere.")]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Carry at most N records of each stage.")
]
Only = Annotated[
    str | None, typer.Option("--only", metavar="ID", help="One record: its ServiceTitan id or document number.")
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="Read ServiceTitan again from this day; nothing is sent twice."),
]
OverLimit = Annotated[bool, typer.Option("--over-limit", help="Let this run pass the limits in the configuration.")]
GoLiveChanged = Annotated[bool, typer.Option("--go-live-changed", help="Accept a changed go_live date.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="With --only: the item wins over what was changed in ServiceTitan by hand."),
]
Everything = Annotated[bool, typer.Option("--all", help="List every record, not only the first of each kind.")]


def _command(stages: tuple[str, ...], summary: str) -> Callable[..., None]:
    """A command that runs these stages; all of them take the same options."""

    def command(
        dry_run: DryRun = False,
        limit: Limit = None,
        only: Only = None,
        since: Since = None,
        everything: Everything = False,
        over_limit: OverLimit = False,
        go_live_changed: GoLiveChanged = False,
        config: ConfigOption = None,
        as_json: JsonOption = False,
        quiet: QuietOption = False,
    ) -> ExitCode:
        scope = Scope(stages=stages, limit=limit, only=named(only), since=since.date() if since else None)
        allowed = Allowed(over_limit=over_limit, go_live_changed=go_live_changed)
        return _run(scope, config, allowed, dry_run=dry_run, everything=everything)

    command.__doc__ = summary
    return answering(command)


EPILOG = "Example: stsync sync --dry-run, look, then stsync sync. A scheduler runs: stsync sync --quiet"

sync = _command(STAGES, "Carry customers, invoices and payments into Business Central, and items into the pricebook.")
sync_customers = _command(("customers",), "Carry new and changed customers into Business Central.")
sync_invoices = _command(
    ("invoices",), "Carry posted invoices into Business Central, with the customers that they need."
)
sync_payments = _command(
    ("payments",), "Carry payments into Business Central; one whose invoice is not there yet waits."
)


@answering
def push_pricebook(
    dry_run: DryRun = False,
    limit: Limit = None,
    only: Only = None,
    overwrite: Overwrite = False,
    since: Since = None,
    everything: Everything = False,
    over_limit: OverLimit = False,
    go_live_changed: GoLiveChanged = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Push new and changed Business Central items into the ServiceTitan pricebook."""
    if overwrite and only is None:
        raise UsageError(
            "overwrite-without-only",
            "--overwrite was given without --only, so it is not clear which entry's edits may be lost. "
            "Nothing was read or written.",
            hint="Name one code: stsync push-pricebook --only CODE --overwrite --dry-run shows what it would change.",
        )
    start = since.date() if since else None
    scope = Scope(stages=("pricebook",), limit=limit, only=named(only), since=start, overwrite=overwrite)
    allowed = Allowed(over_limit=over_limit, go_live_changed=go_live_changed)
    return _run(scope, config, allowed, dry_run=dry_run, everything=everything)


def _run(scope: Scope, config: Path | None, allowed: Allowed, *, dry_run: bool, everything: bool) -> ExitCode:
    from stsync.cli.progress import watcher
    from stsync.cli.runreport import report
    from stsync.engine.run import Order, run
    from stsync.http.redact import redact
    from stsync.wiring import wire

    wiring = wire(config)
    # The command is kept in the state file and shown by status: a secret pasted into it must not follow (promise 7).
    command = redact(" ".join(["stsync", *sys.argv[1:]]))
    order = Order(scope=scope, command=command, dry_run=dry_run, allowed=allowed)
    with watcher(wiring.banner(), dry_run=dry_run) as watching:
        result = run(wiring, order, watching)
    check_found(wiring, scope, result)
    report(result, wiring.banner(), everything=everything)
    if result.brake is not None and not OUTPUT.json:
        fail(result.brake)
    return result.exit_code
