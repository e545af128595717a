"""The options that commands share, and how every command ends."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from stsync.cli.console import OUTPUT, fail
from stsync.errors import ExitCode, StsyncError, UsageError

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="STSYNC_CONFIG", help="The configuration file to use.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text for a person.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print only what needs a person.")]
# The one command that carries several companies.
FOR_SEVERAL = "sync"

P = ParamSpec("P")


def answering(command: Callable[P, int | None]) -> Callable[P, None]:
    """The command, with its problems told to a person and its outcome as the exit code; never a traceback."""

    @functools.wraps(command)
    def answered(*args: P.args, **options: P.kwargs) -> None:
        OUTPUT.json = bool(options.get("as_json", False))
        OUTPUT.quiet = bool(options.get("quiet", False))
        try:
            code = command(*args, **options)
        except StsyncError as error:
            fail(error)
        except (KeyboardInterrupt, typer.Abort):
            # typer makes an Abort of Ctrl-C at a question, and of a terminal that goes away.
            sys.stderr.write("\nStopped. What was sent by then is recorded; run again to go on.\n")
            raise SystemExit(130) from None
        except BrokenPipeError:
            raise SystemExit(0) from None
        except Exception as error:
            # The last line between a mistake of ours and a person.
            fail(_bug(error))
        raise SystemExit(int(code or ExitCode.OK))

    return answered


def refuse_second_config(command: str | None, words: Sequence[str]) -> None:
    """End with a UsageError where several configurations were named for a command that looks at one company: the option's
    last value would count, and the person would take the answer for that of all."""
    named = [word for word in words if word == "--config" or word.startswith("--config=")]
    if command == FOR_SEVERAL or len(named) < 2:
        return
    OUTPUT.json = "--json" in words
    fail(
        UsageError(
            "one-company-at-a-time",
            f"stsync {command} is about one company, and --config was given {len(named)} times. Nothing was read or written.",
            hint=f"Run stsync {command} once for each configuration file; stsync sync alone takes several.",
        )
    )


def _bug(error: Exception) -> StsyncError:
    """An error of our own as a sentence; where it happened goes to a file, with every secret taken out."""
    from platformdirs import user_log_path

    from stsync.http.redact import redact

    place = user_log_path("stsync", appauthor=False) / "last-bug.txt"
    report = redact("".join(traceback.format_exception(error)))
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.write_text(report, encoding="utf-8")
        where = str(place)
    except OSError:
        where = "(it could not be written to a file)"
    return StsyncError(
        "bug",
        "stsync met a situation that its makers did not think of, and stopped.",
        hint="Run the command again: what was sent is recorded and is not sent twice. Please report the file named above.",
        note=redact(f"{type(error).__name__}: {error}")[:300],
        context={"report": where},
    )
