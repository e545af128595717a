"""Kinds of records that are written side by side: each has its own count, and a log no line for every turn."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.progress import Progress

from stsync.cli import progress


def test_kinds_written_side_by_side_do_not_fill_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    lines = progress.Lines(silent=False)
    for done in range(1, 50):
        lines.applying("invoices", done, 1000)
        lines.applying("payments", done, 1000)
    lines.applying("invoices", 1000, 1000)
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "writing invoices: 1 of 1,000",
        "writing payments: 1 of 1,000",
        "writing invoices: 1,000 of 1,000",
    ]


def test_the_time_left_counts_from_each_kinds_own_beginning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: moment[0])
    lines = progress.Lines(silent=False)
    for now, kind, done in [(0, "invoices", 1), (5, "payments", 1), (20, "invoices", 20), (40, "payments", 10)]:
        moment[0] = float(now)
        lines.applying(kind, done, 100)
    assert capsys.readouterr().err.splitlines()[2:] == [
        "writing invoices: 20 of 100, about 80 s left",
        "writing payments: 10 of 100, about 315 s left",
    ]


def test_a_bar_is_not_full_because_another_kind_began() -> None:
    with Progress(console=Console(quiet=True)) as bars:
        told = progress._Bars(bars)
        told.counted("planning", 1, 2)
        told.applying("invoices", 25, 100)
        told.applying("payments", 1, 10)
        assert [(task.completed, task.total) for task in bars.tasks] == [(1, 1), (25, 100), (1, 10)]
