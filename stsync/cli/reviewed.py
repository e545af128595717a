"""What the commands around a reviewed file share: how it is named, and how its decisions are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from stsync.cli.console import counted
from stsync.errors import UsageError

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write: .csv, or .xlsx for Excel.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Reviewed = Annotated[Path, typer.Argument(metavar="FILE", help="The reviewed file, as CSV or Excel.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything; write nothing down.")]


def refused(wrong: Mapping[str, str]) -> UsageError:
    """Why none of the decisions is taken over: what is wrong, by line."""
    return UsageError(
        "links-refused",
        f"{counted(len(wrong), 'line')} cannot be taken over, so nothing was.",
        hint="Correct them and run the command again. To leave a line for another day, empty its decision.",
        context=dict(wrong),
    )
