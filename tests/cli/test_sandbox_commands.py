"""`stsync sandbox serve` and `reset` as a person types them, in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from stsync.cli.sandbox_folder import SandboxFolder, free_ports, ports_are_free
from stsync.errors import UsageError
from stsync.sandbox.world import World

Serve = Callable[..., AbstractContextManager[dict[str, Any]]]


def typed(*words: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "stsync", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, **(variables or {})})


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[dict[str, Any]]:
    """A sandbox that serves this folder; yields what it printed as JSON."""
    line = [sys.executable, "-m", "stsync", "sandbox", "serve", "--json", "--folder", str(folder), *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        for printed in process.stdout:
            text += printed
            if printed == "}\n":
                break
        yield json.loads(text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def writes(told: dict[str, Any]) -> list[Any]:
    answer = requests.get(f"{told['admin_url']}/log", {"writes": "true"}, timeout=5).json()
    assert isinstance(answer, list)
    return answer


def booked(told: dict[str, Any]) -> dict[str, Any] | None:
    """The account of the latency model, or None where the sandbox answers at once."""
    answer = requests.get(f"{told['admin_url']}/latency", timeout=5)
    return answer.json() if answer.ok else None


def test_the_books_are_as_they_were_left_when_the_sandbox_is_started_again(tmp_path: Path) -> None:
    with serving(tmp_path / "a", "--invoices", "1", "--port", "9310") as told:
        assert typed("sync-customers", "--limit", "3", "--json", variables=told["environment"]).returncode in (0, 3)
        assert writes(told)
        assert booked(told) is None
    with serving(tmp_path / "a", "--latency", "0.01", "--latency-seed", "7") as again:
        assert again["urls"] == told["urls"]
        done = json.loads(typed("sync-customers", "--limit", "3", "--json", variables=again["environment"]).stdout)
        assert not [one for one in done["plan"]["operations"] if one["natural_key"] == "ST10000001"]
        account = booked(again)
        assert account is not None
        assert (account["scale"], account["seed"]) == (0.01, 7)
        assert account["operations"]["servicetitan_page"]["count"] == account["requests"]["servicetitan_api"]
    assert SandboxFolder(tmp_path / "a").content().invoices == 1


def test_a_reset_of_a_running_sandbox_empties_the_books_and_forgets_the_state(tmp_path: Path) -> None:
    with serving(tmp_path, "--invoices", "1", "--port", "9330") as told:
        first = typed("sync-customers", "--limit", "3", "--json", variables=told["environment"])
        assert typed("sandbox", "reset", "--folder", str(tmp_path)).returncode == 0
        assert not (tmp_path / "stsync.db").exists()
        assert writes(told) == []
        again = typed("sync-customers", "--limit", "3", "--json", variables=told["environment"])
        planned = [json.loads(one.stdout)["plan"]["operations"] for one in (first, again)]
        assert planned[0] == planned[1] != []


def test_two_sandboxes_do_not_serve_one_folder(tmp_path: Path) -> None:
    with serving(tmp_path, "--invoices", "1", "--port", "9350", "--latency", "0.01") as told:
        account = booked(told)
        assert account is not None
        assert account["seed"] == 1
        second = typed("sandbox", "serve", "--folder", str(tmp_path))
        demo = typed("demo", "--folder", str(tmp_path))
    assert [second.returncode, demo.returncode] == [2, 2]
    assert "already serves" in second.stderr


def test_what_it_prints_is_enough_to_go_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--invoices", "1", "--port", "9370") as told:
        assert typed("config", "check", variables=told["environment"]).returncode == 0
        exported = (tmp_path / "demo.env").read_text()
        assert {line.split("=")[0] for line in exported.splitlines()} == {f"export {n}" for n in told["environment"]}
        assert stat.S_IMODE((tmp_path / "demo.env").stat().st_mode) == 0o600


@pytest.fixture
def place(tmp_path: Path) -> SandboxFolder:
    return SandboxFolder(tmp_path / "rehearsal")


def kept(place: SandboxFolder, port_base: int) -> None:
    place.inner.mkdir(parents=True, exist_ok=True)
    place.keep(World(invoices=1, folder=place.inner), port_base)


def test_a_kept_company_is_not_taken_for_another_one(place: SandboxFolder) -> None:
    kept(place, 9390)
    refused = typed("sandbox", "serve", "--folder", str(place.root), "--invoices", "7")
    assert refused.returncode == 2
    assert "--invoices 1, not 7" in refused.stderr


def test_a_damaged_file_says_how_to_start_over(place: SandboxFolder) -> None:
    kept(place, 9390)
    place.books.write_bytes(b"something else")
    with pytest.raises(UsageError, match="cannot be used") as refused:
        place.content()
    assert "sandbox reset" in refused.value.hint


def test_a_folder_with_a_configuration_of_somebody_else_is_left_alone(place: SandboxFolder) -> None:
    place.root.mkdir()
    place.config.write_text("go_live: 2026-01-01\n")
    with pytest.raises(UsageError, match="left alone"):
        place.new_world(1, 1, 9390)
    assert place.config.read_text() == "go_live: 2026-01-01\n"


def test_new_addresses_change_the_configuration_and_nothing_a_person_wrote(place: SandboxFolder) -> None:
    place.inner.mkdir(parents=True)
    with World(invoices=1, folder=place.inner) as first:
        place.write_for_people(first)
    mine = place.config.read_text().replace("mapping:", "# my own words\nmapping:")
    place.config.write_text(mine)
    with World(invoices=1, folder=place.inner) as second:
        place.write_for_people(second)
        urls = second.sandbox.urls
    expected = mine
    for name, url in first.sandbox.urls.items():
        expected = expected.replace(url, urls[name])
    assert place.config.read_text() == expected != mine


def test_a_taken_port_is_passed_over(place: SandboxFolder) -> None:
    base = free_ports(9410)
    place.inner.mkdir(parents=True)
    with World(invoices=1, folder=place.inner, port_base=base):
        assert not ports_are_free(base)
        assert free_ports(base) >= base + 10
