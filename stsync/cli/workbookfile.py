"""Where the tie-out's workbook goes: a file for its owner alone, never over another one unasked."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.books.reading import Reconciliation
    from stsync.wiring import Wiring


def check_workbook(file: Path | None, *, force: bool) -> None:
    """Refuse before anything is read. Raises UsageError for another kind of file, or one that is there already."""
    if file is None:
        return
    if file.suffix.lower() != ".xlsx":
        raise UsageError(
            "workbook-name", f"{file} is no name of a workbook.", hint="Let it end with .xlsx, such as june.xlsx."
        )
    if file.exists() and not force:
        raise UsageError(
            "workbook-exists",
            f"{file} is there already, and may hold somebody's remarks; it was left as it is.",
            hint="Choose another name, or add --force to replace it.",
        )


def write_workbook(file: Path, result: Reconciliation, wiring: Wiring) -> None:
    """Write the workbook, whole or not at all; on systems with file modes nobody else may read it.

    Raises UsageError when the file cannot be written, for example because Excel has it open.
    """
    from stsync import __version__
    from stsync.books.workbook import Heading, workbook

    titan, books = wiring.config.servicetitan, wiring.config.business_central
    heading = Heading(
        company=f"{books.company_name or books.company_id} (environment {books.environment})",
        servicetitan=f"tenant {titan.tenant_id}, {titan.environment}",
        made_by=f"stsync {__version__}, command stsync reconcile",
    )
    content = workbook(result, heading)
    scratch = file.with_name(f".{file.name}.new")
    try:
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
        scratch.replace(file)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        raise UsageError(
            "workbook-not-written",
            f"The workbook {file} could not be written.",
            hint="Close it in Excel if it is open there, or choose a folder that you may write to.",
            note=error.strerror or str(error),
        ) from error
