from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept_month import Month, move_in
from office import Office

from stsync.sandbox.world import World


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The demo month, shared by the tests of one file; nobody changes it but the first sync."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("month")
        with World(invoices=260, folder=folder) as world:
            yield Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A small demo month of one's own."""
    with World(invoices=119, folder=tmp_path) as world:
        yield Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)


@pytest.fixture
def posted(office: Office, month_kept: Month) -> Office:
    """An office of one's own whose month is in the books already."""
    return move_in(office, month_kept)


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Office, str], Office]:
    """Another computer with a state of its own on the same two systems."""

    def make(first: Office, name: str) -> Office:
        return Office(first.world, first.world.write_config(tmp_path / name / "config.yaml"), monkeypatch)

    return make
