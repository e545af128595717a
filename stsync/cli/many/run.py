"""Several companies, from what was typed to one exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stsync.cli.many.one import Order
from stsync.cli.many.processes import Processes
from stsync.cli.many.progress import listening
from stsync.cli.many.report import gravest, report, show
from stsync.cli.many.which import companies, secrets_for_all


def run_all(configs: Sequence[Path], order: Order, *, parallel: int) -> int:
    """Run every company, `parallel` at a time; the gravest of their exit codes.

    Raises UsageError before anything starts when no company is meant, or one twice.
    """
    began = time.monotonic()
    named = companies(configs)
    if warning := secrets_for_all(named, os.environ):
        sys.stderr.write(f"stsync: {warning}\n")
    # Only this user can read the folder: amounts and names pass through it.
    with tempfile.TemporaryDirectory(prefix="stsync-") as folder:
        with listening(named, show) as listener:
            processes = Processes(replace(order, width=_width()), Path(folder), listener)
            outcomes = processes.all(named, parallel=parallel)
        report(outcomes, dry_run=order.dry_run, seconds=time.monotonic() - began)
    return gravest(one.exit_code for one in outcomes)


def _width() -> int | None:
    """How wide the tables may be: the companies cannot see the terminal."""
    from stsync.cli.console import console

    return console().width if sys.stdout.isatty() else None
