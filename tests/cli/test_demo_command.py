"""`stsync demo`, whole: what it promises is checked by itself, and here again from what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from stsync.cli.demo import NEXT
from stsync.cli.sandbox_folder import SandboxFolder
from stsync.sandbox.keeping import restored
from stsync.sandbox.tieout import tie_out
from stsync.sandbox.world import World


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "month"


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, list[dict[str, object]]]:
    line = [
        sys.executable,
        "-m",
        "stsync",
        "demo",
        "--invoices",
        "1",
        "--json",
        "--port",
        "9510",
        "--folder",
        str(folder),
    ]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return answer


def test_every_promise_is_kept(told: dict[str, list[dict[str, object]]]) -> None:
    assert {promise["name"]: promise["kept"] for promise in told["promises"]} == {
        "ended-well": True,
        "preview-writes-nothing": True,
        "carried": True,
        "once": True,
        "to-the-cent": True,
        "nothing-silent": True,
    }


def test_the_tie_out_has_no_difference_and_is_not_empty(told: dict[str, list[dict[str, object]]]) -> None:
    assert {Decimal(str(row["difference"])) for row in told["tie_out"]} == {Decimal(0)}
    assert all(
        Decimal(str(row["business_central"])) > 0
        for row in told["tie_out"]
        if row["name"] == "All invoices less credits"
    )


def test_the_folder_holds_the_books_to_go_on_with(folder: Path, told: dict[str, list[dict[str, object]]]) -> None:
    place = SandboxFolder(folder)
    tied = tie_out(restored(place.content(), place.inner, port_base=0))
    rows = {row["name"]: Decimal(str(row["business_central"])) for row in told["tie_out"]}
    assert tied.exact
    assert rows["All invoices less credits"] == tied.total.books
    assert place.config.exists()
    assert place.variables.exists()
    assert (folder / "stsync.db").exists()


@pytest.mark.parametrize("words", NEXT)
def test_the_commands_it_names_at_the_end_work_on_what_it_left(words: str, folder: Path, told: object) -> None:
    line = [sys.executable, "-m", "stsync", *words.split(), "--config", str(folder / "config.yaml")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    assert done.stdout


def test_a_document_that_is_in_the_books_twice_shows_as_a_difference(folder: Path, told: object) -> None:
    place = SandboxFolder(folder)
    world: World = restored(place.content(), place.inner, port_base=0)
    for entry in [entry for entry in world.company.gl_entries if entry.document_number == "PS-INV103001"]:
        again = type(entry)(**{name: value for name, value in vars(entry).items() if name not in ("_table", "id")})
        world.company.gl_entries.insert(again)
    assert not tie_out(world).exact
