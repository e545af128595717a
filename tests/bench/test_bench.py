"""The benchmark end to end, at a size at which its figures mean nothing: so that it cannot rot between two benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
TINY = ["--invoices", "6", "--payments", "6", "--customers", "2", "--repeats", "1"]
TINY += ["--scale", "0.02", "--obvious-scale", "0.02", "--sizes", "4", "--dry-run", "4", "--seen", "10"]
MEASURES = {"utilisation", "obvious", "requests", "cost", "growth", "start-up", "dry-run"}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """Every measure once: the JSON, and what was printed."""
    out = tmp_path_factory.mktemp("bench") / "figures.json"
    words = [sys.executable, str(BENCH / "run.py"), *TINY, "--out", str(out), "--markdown"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=200)
    assert out.exists(), done.stderr
    return json.loads(out.read_text(encoding="utf-8")), done.stdout


def test_every_measure_is_taken_and_every_figure_stands_in_the_table(taken: tuple[dict[str, Any], str]) -> None:
    said, printed = taken
    assert said["failures"] == []
    assert {one["measure"] for one in said["figures"] if one["value"] is not None} == MEASURES
    assert [one["name"] for one in said["figures"] if one["name"] not in printed] == []


def test_a_figure_says_what_it_means_and_whether_its_goal_is_met(taken: tuple[dict[str, Any], str]) -> None:
    said, _ = taken
    assert {"taken_at", "commit", "machine", "settings", "figures", "failures"} <= set(said)
    assert {"cores", "python", "system"} <= set(said["machine"])
    for one in said["figures"]:
        assert one["definition"].endswith(".")
        if one["goal"] is not None and one["value"] is not None:
            reached = (
                one["value"] >= one["goal"]["limit"]
                if one["goal"]["at_least"]
                else one["value"] <= one["goal"]["limit"]
            )
            assert one["met"] is reached


def test_the_obvious_client_leaves_the_same_books(taken: tuple[dict[str, Any], str]) -> None:
    """A comparison with a client that does the work wrong would prove nothing; the measure refuses such books."""
    said, _ = taken
    figures = {one["name"]: one for one in said["figures"] if one["measure"] == "obvious"}
    assert figures["times faster than the obvious client"]["value"] > 0
    assert 0 < figures["requests, as a part of the obvious client's"]["value"] < 1


def test_books_that_differ_are_no_comparison() -> None:
    """The check of the books is one that can fail."""
    code = (
        "from measures.obvious import insist_same_books as check; from place import Failed\n"
        "check({'general_ledger': {'1': '2.00'}}, {'general_ledger': {'1': '2.00'}})\n"
        "try: check({'general_ledger': {'1': '2.00'}}, {'general_ledger': {'1': '2.01'}})\n"
        "except Failed as why: print(why)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCH, capture_output=True, text=True, check=True)
    assert "differ in: general_ledger" in done.stdout
