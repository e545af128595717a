"""`stsync sync` and its single stages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, fail
from stsync.cli.only import check_found, named
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.engine.scope import STAGES, Scope
from stsync.engine.switches import Allowed
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.engine.run import Result, Watcher

SHELL = "More configuration files, as a shell makes of: --config books/*.yaml"
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
More = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help=SHELL, show_default=False)]
Configs = Annotated[
    list[Path] | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration file to use (or STSYNC_CONFIG). Several, a folder, or a pattern such as 'books/*.yaml': "
        "one run for each company, and one summary.",
        show_default=False,
    ),
]
Parallel = Annotated[
    int | None, typer.Option("--parallel", min=1, metavar="N", help="Several companies: run N of them at a time.")
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


@answering
def sync(
    more: More = None,
    dry_run: DryRun = False,
    limit: Limit = None,
    only: Only = None,
    since: Since = None,
    everything: Everything = False,
    over_limit: OverLimit = False,
    go_live_changed: GoLiveChanged = False,
    config: Configs = None,
    parallel: Parallel = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Carry customers, invoices and payments into Business Central, and items into the pricebook."""
    from stsync.cli.many.which import asks_for_several

    configs = [*(config or ()), *(more or ())]
    start = since.date() if since else None
    if more and not config:
        raise UsageError(
            "words-not-understood",
            f"stsync sync does not know what '{more[0]}' is. Nothing was read or written.",
            hint="A configuration file is named with --config; one record with --only.",
        )
    if asks_for_several(configs, parallel):
        from stsync.cli.many.one import Order
        from stsync.cli.many.run import run_all

        if only is not None:
            raise UsageError(
                "only-for-one-company",
                "--only names one record, and several companies were named. Nothing was read or written.",
                hint="Name the record's company alone, with one --config.",
            )
        order = Order(
            typed(), dry_run, limit, start, everything, over_limit, go_live_changed, as_json=as_json, quiet=quiet
        )
        return run_all(configs, order, parallel=parallel or 1)
    scope = Scope(stages=STAGES, limit=limit, only=named(only), since=start)
    allowed = Allowed(over_limit=over_limit, go_live_changed=go_live_changed)
    return _run(scope, configs[0] if configs else None, allowed, dry_run=dry_run, everything=everything)


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

    run = carry(scope, config, allowed, command=typed(), dry_run=dry_run, everything=everything, watch=watcher)
    with closing(run) as result:
        if result.brake is not None and not OUTPUT.json:
            fail(result.brake)
        return result.exit_code


def typed() -> str:
    """The command as it was typed. It is kept in the state file and shown by status: a secret pasted into it must not
    follow (promise 7)."""
    from stsync.http.redact import redact

    return redact(" ".join(["stsync", *sys.argv[1:]]))


def carry(
    scope: Scope,
    config: Path | None,
    allowed: Allowed,
    *,
    command: str,
    dry_run: bool,
    everything: bool,
    watch: Callable[..., AbstractContextManager[Watcher]],
) -> Result:
    """Carry out the run for one company and print what it came to; the caller closes it. Raises StsyncError."""
    from stsync.cli.runreport import report
    from stsync.engine.run import Order, run
    from stsync.wiring import wire

    wiring = wire(config)
    order = Order(scope=scope, command=command, dry_run=dry_run, allowed=allowed)
    with watch(wiring.banner(), dry_run=dry_run) as watching:
        result = run(wiring, order, watching)
    check_found(wiring, scope, result)
    report(result, wiring.banner(), everything=everything)
    return result
