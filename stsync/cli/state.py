"""`stsync state`: backups of what stsync remembers, and looking whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stsync.cli.console import OUTPUT, emit_json, say
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import ExitCode

app = typer.Typer(name="state", help="The state file: back up, put back, check, make anew.", no_args_is_help=True)


@app.command("backup")
@answering
def backup_(
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; left out, a dated one beside the state file.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Copy the state file, at any moment, also while a sync runs. Nothing of the two systems is touched.

    Example: stsync state backup --out /backup/stsync-monday.db
    """
    from datetime import UTC, datetime

    from stsync.state.copies import backup, verify
    from stsync.wiring import wire

    wiring = wire(config)
    place = wiring.state_path.resolve()
    target = out or place.with_name(f"{place.stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}.backup.db")
    backup(place, target)
    verdict = verify(target)
    if OUTPUT.json:
        emit_json({"backup": str(target), "records": verdict.records, "audit_rows": verdict.audit_rows})
        return
    say(f"Backed up to {target}: {verdict.records:,} records, {verdict.audit_rows:,} audit rows, read back and sound.")


@app.command("restore")
@answering
def restore_(
    backup: Annotated[Path, typer.Argument(help="The backup to put back.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Put a backup in the place of the state file. The present file is kept beside it.

    Nothing is doubled by an old backup: the next sync reads ServiceTitan again from where the backup was, looks up in
    Business Central what it does not know of, and takes on what is there.

    Example: stsync state restore stsync-20260701-060000.backup.db
    """
    from datetime import UTC, datetime

    from stsync.state import RunLock, State
    from stsync.state.copies import restore, verify
    from stsync.state.lock import user_name
    from stsync.wiring import wire

    wiring = wire(config)
    place = wiring.state_path.resolve()
    verdict = verify(backup, wiring.pin)
    aside = place.with_name(f"{place.stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}.replaced.db")
    with RunLock(place, command="stsync state restore"):
        restore(backup, place, aside=aside)
        with State.open(place) as state:
            state.audit.append("restored", run_id="", detail={"from": backup.name, "operator": user_name()})
    if OUTPUT.json:
        emit_json({"restored": str(backup), "replaced": str(aside) if aside.exists() else None})
        return
    say(f"Put back: {backup} ({verdict.records:,} records, last run {verdict.last_run or 'never'}).")
    if aside.exists():
        say(f"The file that was there is kept as {aside}.")
    say(
        "Next: stsync sync --dry-run shows what it would send. What is in the books already is taken on, not sent again."
    )


@app.command("rebuild")
@answering
def rebuild_(
    force: Annotated[
        bool, typer.Option("--force", help="Put a state file that holds something aside, under another name.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Make a lost state file anew from the two systems: nothing is written in either of them.

    Every document, payment, card and pricebook entry that is there under our numbers is linked to its record in
    ServiceTitan again. The next sync sends nothing for them. A backup is better where there is one: what only the state file
    knew (its history, ignore, applied, link --new, baseline) is in neither system.

    Example: stsync state rebuild
    """
    from stsync.cli.progress import watcher
    from stsync.cli.rebuildreport import report
    from stsync.engine.rebuild import rebuild
    from stsync.wiring import wire

    wiring = wire(config)
    command = "stsync state rebuild" + (" --force" if force else "")
    with watcher(wiring.banner(), dry_run=False, doing="linking") as watching:
        found = rebuild(wiring, command=command, force=force, watcher=watching)
    report(found, wiring.banner())
    return found.exit_code


@app.command("verify")
@answering
def verify_(
    file: Annotated[Path | None, typer.Argument(help="A backup to check; left out, the state file.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Read the whole state file, or a backup, for damage, and check the seal over the audit.

    Example: stsync state verify
    """
    from stsync.state.copies import verify
    from stsync.wiring import wire

    wiring = wire(config)
    path = file or wiring.state_path
    verdict = verify(path, wiring.pin)
    if OUTPUT.json:
        emit_json({"file": str(path), "records": verdict.records, "audit_rows": verdict.audit_rows, "sound": True})
        return
    say(f"{path}: sound. {verdict.records:,} records, {verdict.audit_rows:,} audit rows, none changed or missing.")
