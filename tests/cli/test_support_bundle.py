"""A support bundle holds what finds a fault, and nothing that says whose books these are."""

from __future__ import annotations

import json
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.engine.run import Order, run
from stsync.engine.scope import Scope
from stsync.reports.bundle import masked
from stsync.sandbox import faults
from stsync.sandbox.world import World
from stsync.wiring import wire


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    folder = tmp_path_factory.mktemp("bundle")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=1, folder=folder) as world:
        monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
        for name, value in world.environment_variables().items():
            monkeypatch.setenv(name, value)
        config = world.write_config(folder / "books" / "config.yaml")
        # One refusal that quotes a customer, so that a vendor's words are among what is bundled.
        said = "The Customer 'Desert Bloom Dental' (ST70000001) owes 1,234.56 since 2026-06-01; ask pat@example.com."
        refusal = faults.answer(400, {"error": {"code": "Application_DialogException", "message": said}})
        world.sandbox.faults.add(refusal, system="business_central", method="POST", path="/salesInvoices$", nth=2)
        run(wire(config), Order(Scope(), "stsync sync --only secret-on-the-command-line"))
        yield world, config


def bundle(config: Path, out: Path) -> dict[str, str]:
    done = CliRunner().invoke(app, ["support-bundle", "--config", str(config), "--out", str(out), "--yes"])
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(out) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def test_the_bundle_names_nobody_and_no_amount(books, tmp_path):
    world, config = books
    text = "\n".join(bundle(config, tmp_path / "b.zip").values())
    names = {row["name"] for row in world.tenant.customers.values()} | {world.company.name}
    numbers = {row["referenceNumber"] for row in world.tenant.invoices.values() if row["referenceNumber"]}
    amounts = {row["total"] for row in world.tenant.invoices.values() if len(row["total"]) > 5}
    found = [one for one in names | numbers | amounts if len(one) > 5 and one in text]
    assert found == []
    for word in (str(world.tenant.tenant_id), world.environment.tenant_id, world.company.id, "127.0.0.1", "localhost"):
        assert word not in text
    for secret in (*world.secrets.values(), "secret-on-the-command-line"):
        assert secret not in text


def test_the_bundle_holds_what_finds_a_fault(books, tmp_path):
    _, config = books
    parts = bundle(config, tmp_path / "b.zip")
    assert '"reference": "mapping-missing"' in parts["open-records.json"]
    assert '"what": "#/salesInvoices"' in parts["events.json"] or "salesInvoices" in parts["events.json"]
    assert '"exit_code": 3' in parts["runs.json"]
    assert re.search(r'"stsync": "\d', parts["about.json"])


def test_a_vendors_words_stay_without_numbers_quotations_and_names():
    said = "Customer 'X' 10450 for Desert Bloom Dental, pat@example.com: Gen. Bus. Posting Group must have a value"
    assert masked(said, ["Desert Bloom Dental"]) == (
        "Customer '...' # for <name>, <mail> Gen. Bus. Posting Group must have a value"
    )
    assert masked("DESERT BLOOM DENTAL is blocked", ["Desert Bloom Dental"]) == "<name> is blocked"


def test_nothing_is_written_without_a_word_from_a_person(books, tmp_path):
    _, config = books
    out = tmp_path / "b.zip"
    done = CliRunner().invoke(app, ["support-bundle", "--config", str(config), "--out", str(out)])
    assert done.exit_code == 0
    assert not out.exists()


def test_the_file_is_its_owners_alone_and_none_is_written_over(books, tmp_path):
    _, config = books
    out = tmp_path / "b.zip"
    bundle(config, out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = CliRunner().invoke(app, ["support-bundle", "--config", str(config), "--out", str(out), "--yes"])
    assert again.exit_code == 2


def test_a_program_is_told_that_nothing_was_written(books, tmp_path):
    _, config = books
    words = ["support-bundle", "--config", str(config), "--out", str(tmp_path / "b.zip"), "--json"]
    done = CliRunner().invoke(app, words, input="y\n")
    assert json.loads(done.stdout)["file"] is None
    assert not (tmp_path / "b.zip").exists()


def test_ctrl_c_at_a_question_is_a_stop_and_no_mistake_of_ours(books, tmp_path, monkeypatch):
    def stopped(*_words, **_more):
        raise typer.Abort

    _, config = books
    monkeypatch.setattr("stsync.cli.support._agreed", stopped)
    done = CliRunner().invoke(app, ["support-bundle", "--config", str(config), "--out", str(tmp_path / "b.zip")])
    assert done.exit_code == 130
    assert "Stopped" in done.stderr
