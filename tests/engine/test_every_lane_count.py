"""However many lanes there are, and however requests are put together: the same books, and nothing left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from office import Office
from test_engine_faults import INVOICES, books, few_days

from stsync.sandbox import faults
from stsync.sandbox.world import World


def no_batches(world: World) -> None:
    world.environment.switches.batch_enabled = False


def no_numbers_in_batches(world: World) -> None:
    world.environment.switches.batch_decimal_defect = True


def as_it_is(_world: World) -> None:
    pass


# Each setting of the configuration with a server that takes it as it is, or not.
WAYS: list[tuple[str, Callable[[World], None]]] = [
    ("concurrent_requests: 1", as_it_is),
    ("concurrent_requests: 2", as_it_is),
    ("concurrent_requests: 3", no_batches),
    ("concurrent_requests: 4", as_it_is),
    ("concurrent_requests: 4\n  use_batch: no", as_it_is),
    ("concurrent_requests: 5\n  batch_operations: 3", as_it_is),
    ("concurrent_requests: 5", no_numbers_in_batches),
]


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter[tuple[Any, ...]]]:
    """The books after a run that sends one request after the other."""
    folder = tmp_path_factory.mktemp("in-order")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=INVOICES, folder=folder) as world:
        yield carried(world, folder, monkeypatch, "concurrent_requests: 1\n  use_batch: no")


def carried(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> Counter[tuple[Any, ...]]:
    office = few_days(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch))
    office.edit_config("business_central:\n", f"business_central:\n  {setting}\n")
    office.run()
    found = books(world)
    sent = len(office.writes())
    office.run()
    assert len(office.writes()) == sent, "a second run had something left to do"
    return found


@pytest.mark.parametrize(("setting", "server"), WAYS)
def test_every_way_of_sending_ends_in_the_same_books(
    in_order: Counter[tuple[Any, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    server: Callable[[World], None],
) -> None:
    with World(invoices=INVOICES, folder=tmp_path) as world:
        server(world)
        assert carried(world, tmp_path, monkeypatch, setting) == in_order


def test_drafts_are_made_while_another_part_is_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first postings take a fifth of a second each; other requests are answered meanwhile."""
    with World(invoices=INVOICES, folder=tmp_path) as world:
        office = Office(world, world.write_config(tmp_path / "books" / "config.yaml"), monkeypatch)
        slow = faults.delay(0.2)
        world.sandbox.faults.add(slow, system="business_central", path=r"salesInvoices\(.*\.post", count=3)
        office.run("customers", "invoices")
        asked = [(entry.target, entry.body) for entry in world.sandbox.log.entries("business_central")]
    posted = [place for place, one in enumerate(asked) if ".post" in "".join(one)]
    assert posted[2] - posted[0] > 2, "nothing was answered between the first postings"
