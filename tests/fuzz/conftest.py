"""What comes from outside, invented by Hypothesis: a part of it in `make test`, 100,000 and more in `make fuzz`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fuzzing import MANY

SEEN: Counter[str] = Counter()


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Counts what became of the examples of one test."""
    mine: Counter[str] = Counter()
    yield mine
    for outcome, count in mine.items():
        SEEN[f"{request.node.name}: {outcome}"] += count


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker process hands its counts over."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["seen"] = dict(SEEN)


def pytest_testnodedown(node: Any) -> None:
    """The process that prints takes them on."""
    SEEN.update(node.workeroutput.get("seen", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MANY not in os.environ or not SEEN:
        return
    terminalreporter.section("what became of the examples")
    for outcome, count in sorted(SEEN.items()):
        terminalreporter.write_line(f"{count:>9,}  {outcome}")
    terminalreporter.write_line(f"{sum(SEEN.values()):>9,}  in all")
