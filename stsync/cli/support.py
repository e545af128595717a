"""`stsync support-bundle`: what a helper needs to find a fault, shown before it is written."""

from __future__ import annotations

import os
import secrets
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stsync.cli.console import OUTPUT, Column, emit_json, insist, say, table
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from stsync.reports.bundle import Part

EPILOG = "Example: stsync support-bundle --show, read it, then stsync support-bundle --out bundle.zip --yes"


@answering
def support_bundle(
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("stsync-support.zip"),
    show: Annotated[bool, typer.Option("--show", help="Print everything that would go in; write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write it without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Put together what somebody needs who is to find a fault: versions, choices, counts, states, requests.

    No names, no numbers of documents or customers, no amounts, no addresses, no secrets. You see what it holds before
    it is written, and you send it yourself; stsync sends nothing.
    """
    from stsync.reports.bundle import Marks, parts
    from stsync.state import State
    from stsync.wiring import wire

    wiring = wire(config)
    with State.open_reading(wiring.state_path) as state:
        state.check_pin(wiring.pin)
        found = parts(state, wiring.config, mark=Marks(secrets.token_bytes(32)))
    if show:
        _print(found)
        return ExitCode.OK
    if not OUTPUT.json:
        columns = [Column("file"), Column("characters", right=True), Column("begins with")]
        table("This goes into the bundle", columns, [(one.name, f"{len(one.text):,}", _start(one)) for one in found])
        say("Everything, word for word: stsync support-bundle --show")
    written = yes or _agreed(out)
    if written:
        _write(out, found, force=force)
    if OUTPUT.json:
        emit_json({"file": str(out) if written else None, "parts": [one.name for one in found]})
    say(f"Written to {out}. Read it, then send it yourself." if written else "Nothing was written.")
    return ExitCode.OK


def _print(found: list[Part]) -> None:
    if OUTPUT.json:
        emit_json({one.name: one.text for one in found})
        return
    for one in found:
        say(f"--- {one.name}")
        say(one.text)


def _start(part: Part) -> str:
    return " ".join(part.text.split())[:60]


def _agreed(out: Path) -> bool:
    """Ask on a terminal; elsewhere nothing is written without --yes, and nothing waits for an answer."""
    if OUTPUT.json or not sys.stdin.isatty():
        insist("Nobody can be asked here. Add --yes to write the bundle.")
        return False
    return typer.confirm(f"Write it to {out}?", default=False)


def _write(out: Path, found: list[Part], *, force: bool) -> None:
    if out.exists() and not force:
        raise UsageError(
            "file-exists", f"{out} is there already.", hint="Choose another name with --out, or add --force."
        )
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for one in found:
            bundle.writestr(one.name, one.text)
    try:
        if force:
            out.unlink(missing_ok=True)
        # Created for its owner alone from the first byte; a link that somebody put there is not followed.
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content.getvalue())
    except OSError as error:
        raise UsageError(
            "file-not-written", f"{out} cannot be written.", hint="Choose another place with --out.", note=str(error)
        ) from error
