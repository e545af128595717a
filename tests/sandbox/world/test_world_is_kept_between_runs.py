"""A world is written to a file and goes on from it; nothing but a world is taken from such a file."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

import pytest

from stsync.sandbox import keeping
from stsync.sandbox.keeping import NotKept, keep, kept, restored
from stsync.sandbox.world import World


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "books"


def test_the_books_go_on_as_they_were(tmp_path: Path, file: Path) -> None:
    world = World(invoices=1, seed=4, folder=tmp_path)
    customer = world.company.add_customer("ST1", "Somebody")
    invoice = next(iter(world.tenant.invoices.values()))
    world.tenant.renumber_invoice(invoice["id"], "RENUMBERED")
    keep(world, file, port_base=9100)

    content = kept(file)
    again = restored(content, tmp_path, port_base=content.port_base)
    assert (again.invoices, again.seed, content.port_base) == (1, 4, 9100)
    found = again.company.customers.first("number", "ST1")
    assert found is not None
    assert (found.id, found.version, found.modified_at) == (customer.id, customer.version, customer.modified_at)
    assert again.tenant.invoices[invoice["id"]]["referenceNumber"] == "RENUMBERED"
    assert again.company.id == world.company.id
    assert again.environment.store.now() >= world.demo.now


def test_rows_that_were_one_object_are_one_object_again(tmp_path: Path, file: Path) -> None:
    keep(World(invoices=1, folder=tmp_path), file, port_base=0)
    again = restored(kept(file), tmp_path, port_base=0)
    row = again.demo.invoices[0]
    assert again.tenant.invoices[row["id"]] is row
    assert again.tenant.clock is again.environment.store.clock is again.clock


def test_a_reset_of_a_kept_world_starts_from_the_seed(tmp_path: Path, file: Path) -> None:
    world = World(invoices=1, folder=tmp_path)
    world.company.add_customer("ST1", "Somebody")
    keep(world, file, port_base=0)
    again = restored(kept(file), tmp_path, port_base=0)
    again.reset()
    assert len(again.company.customers) == 0


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_the_file_is_its_owners_and_is_refused_when_others_may_touch_it(tmp_path: Path, file: Path) -> None:
    keep(World(invoices=1, folder=tmp_path), file, port_base=0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    with pytest.raises(NotKept, match="others may"):
        kept(file)


class Harmful:
    def __init__(self, call: tuple[object, tuple[object, ...]]) -> None:
        self._call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self._call


@pytest.mark.parametrize(
    "payload",
    [
        pickle.dumps(Harmful((os.mkdir, ("made-by-a-file",)))),
        # Protocol 4 resolves dots in names, which would reach from our module into another one.
        b"\x80\x04\x8c\x16stsync.sandbox.keeping\x8c\x08os.mkdir\x93\x8c\x0emade-by-a-file\x85R.",
        b"\x80\x04\x8c\x16stsync.sandbox.keeping\x8c\x04keep\x93.",
        pickle.dumps({"not": "a world"}),
        b"",
    ],
)
def test_a_file_that_names_anything_else_is_refused(
    payload: bytes, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file.touch(mode=0o600)
    file.write_bytes(keeping._MARK + payload)
    with pytest.raises(NotKept):
        kept(file)
    assert not (tmp_path / "made-by-a-file").exists()


def test_a_file_of_another_version_is_refused(file: Path) -> None:
    file.touch(mode=0o600)
    file.write_bytes(b"stsync sandbox 0\n")
    with pytest.raises(NotKept, match="this version"):
        kept(file)
