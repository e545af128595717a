"""What a command loads before it answers: a person waits for it at every Tab. Counted, and not timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filled_books import Books, month

from stsync.cli.app import COMMANDS

LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(name for name in sys.modules if sys.modules[name])), file=sys.stderr))
from stsync.cli import main
sys.argv = ["stsync", *sys.argv[1:]]
main()
"""
# Each of these takes 0.05 to 0.2 s.
SLOW = {"cryptography", "keyring", "msal", "requests", "sqlite_utils", "tenacity", "trustme", "xlsxwriter"}


def start(*words: str, **variables: str) -> tuple[str, set[str]]:
    """What a fresh process answers, and every module that it loaded on the way."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STSYNC_")}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def commands_in(loaded: set[str]) -> set[str]:
    return {f"stsync.cli.{one.where.split('.')[0]}" for one in COMMANDS} & loaded


def test_the_list_of_commands_loads_none_of_them() -> None:
    listed, loaded = start("--help")
    assert "What needs a person, by cause, and what to do." in listed
    assert all(one.name in listed for one in COMMANDS)
    assert commands_in(loaded) == set()
    assert not loaded & {*SLOW, "pydantic", "rich", "sqlite3", "stsync.config", "stsync.engine", "stsync.state", "yaml"}


def test_the_help_of_a_command_loads_this_command_alone() -> None:
    told, loaded = start("sync", "--help")
    assert "--over-limit" in told
    assert commands_in(loaded) == {"stsync.cli.sync"}
    assert not loaded & {*SLOW, "pydantic", "rich", "sqlite3", "stsync.config", "stsync.state", "yaml"}


def test_a_tab_loads_no_more_than_the_command_that_was_typed() -> None:
    bash = {"COMP_WORDS": "stsync st", "COMP_CWORD": "1"}
    offered, loaded = start(_STSYNC_COMPLETE="complete_bash", **bash)
    assert offered.split() == ["status", "state"]
    assert commands_in(loaded) == set()
    assert not loaded & {*SLOW, "pydantic", "rich", "stsync.config"}
    offered, loaded = start(_STSYNC_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="stsync sync --over")
    assert '"--over-limit":"Let this run pass the limits in the configuration."' in offered
    assert commands_in(loaded) == {"stsync.cli.sync"}
    assert not loaded & {*SLOW, "rich", "stsync.config"}


def test_status_loads_nothing_that_talks_to_a_system_or_opens_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    books = Books(tmp_path)
    month(books)
    told, loaded = start("status", "--config", str(books.config))
    assert "4 records need a person." in told
    assert commands_in(loaded) == {"stsync.cli.look"}
    assert loaded & {*SLOW, "stsync.engine", "stsync.http.session"} == set()
