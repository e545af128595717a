"""Figures with their definitions and goals; the table that a person reads, and the JSON that a machine compares."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Goal:
    """What a figure should be: at most, or at least."""

    limit: float
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether the value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class Figure:
    """One figure. `value` None means that it was not taken, and `note` says why."""

    measure: str
    name: str
    definition: str
    value: float | None
    unit: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal or a value."""
        return None if self.goal is None or self.value is None else self.goal.met_by(self.value)

    def as_json(self) -> dict[str, Any]:
        """Everything about it."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Failure:
    """A measure that could not be taken; the others stand."""

    measure: str
    reason: str


def text(value: float, unit: str) -> str:
    """The value as people read it: three significant digits, or whole numbers above a thousand."""
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {unit}".strip()


def goal_text(figure: Figure) -> str:
    """The goal as people read it."""
    if figure.goal is None:
        return ""
    return f"{'>=' if figure.goal.at_least else '<='} {text(figure.goal.limit, figure.unit)}"


def verdict(figure: Figure) -> str:
    """In one word."""
    if figure.value is None:
        return "not taken"
    return {True: "met", False: "NOT MET", None: ""}[figure.met]


def machine() -> dict[str, Any]:
    """Where the figures were taken."""
    return {
        "cores": os.cpu_count(),
        "load_before": list(os.getloadavg()),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
    }


def commit() -> str:
    """The commit of this tree, with `-dirty` where files were changed since; empty outside a repository."""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def write(
    path: Path,
    figures: Sequence[Figure],
    failures: Sequence[Failure],
    settings: Mapping[str, Any],
    about: Mapping[str, Any],
) -> None:
    """Write everything as JSON; what stood there before is replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": dict(about),
        "settings": dict(settings),
        "figures": [one.as_json() for one in figures],
        "failures": [asdict(one) for one in failures],
    }
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    scratch.replace(path)


def show(figures: Sequence[Figure]) -> None:
    """Print the table, and below it what each figure means."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(width=max(118, Console().width), highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name, side in (("measure", "left"), ("figure", "left"), ("value", "right"), ("goal", "right"), ("", "left")):
        table.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    for number, one in enumerate(figures, start=1):
        value = "" if one.value is None else text(one.value, one.unit)
        table.add_row(one.measure, f"{one.name} [{number}]".replace("[", "\\["), value, goal_text(one), verdict(one))
    console.print(table)
    for number, one in enumerate(figures, start=1):
        console.print(f"[{number}] {one.definition}{f' {one.note}' if one.note else ''}", markup=False)


def markdown(figures: Sequence[Figure]) -> str:
    """The same table for a page."""
    lines = ["| Figure | Value | Goal | |", "|---|---:|---:|---|"]
    for one in figures:
        value = "–" if one.value is None else text(one.value, one.unit)
        lines.append(
            f"| {one.name} | {value} | {goal_text(one).replace('>=', '≥').replace('<=', '≤')} | {verdict(one)} |"
        )
    return "\n".join(lines) + "\n"
