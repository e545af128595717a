from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from office import Office

from stsync.sandbox.keeping import keep, kept
from stsync.sandbox.world import World
from stsync.state.copies import backup


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


@pytest.fixture(scope="session")
def month_kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The month of `office`, carried once: both systems as the sandbox keeps them, and our notes."""
    folder = tmp_path_factory.mktemp("carried")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=119, folder=folder) as world:
        carried = Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch)
        carried.run()
        keep(world, folder / "world", port_base=0)
        backup(carried.state_file, folder / "notes.db")
    return folder / "world", folder / "notes.db"


@pytest.fixture
def posted(office: Office, month_kept: tuple[Path, Path]) -> Office:
    """An office of one's own whose month is in the books already."""
    systems, notes = month_kept
    content = kept(systems)
    office.world.adopt(content.demo, content.tenant, content.environment)
    backup(notes, office.state_file)
    return office


@pytest.fixture
def another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Office, str], Office]:
    """Another computer with a state of its own on the same two systems."""

    def make(first: Office, name: str) -> Office:
        return Office(first.world, first.world.write_config(tmp_path / name / "config.yaml"), monkeypatch)

    return make
