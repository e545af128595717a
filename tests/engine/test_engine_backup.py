"""Last week's backup put back: nothing is doubled, nothing is lost."""

from __future__ import annotations

from office import Office
from typer.testing import CliRunner

from stsync.cli.app import app


def typed(office: Office, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--config", str(office.config)])
    assert done.exit_code == 0, done.output
    return done.output


def test_an_old_backup_doubles_nothing(office: Office) -> None:
    office.run("customers", "invoices", limit=20)
    backup = office.config.parent / "last-week.db"
    typed(office, "state", "backup", "--out", str(backup))
    office.run()
    before = [(one.external_document_number, one.posted) for one in office.world.company.invoices]
    entries = len(list(office.world.company.gl_entries))
    cards = len(list(office.world.company.customers))
    typed(office, "state", "restore", str(backup))
    writes = len(office.writes())
    office.run()
    assert [(one.external_document_number, one.posted) for one in office.world.company.invoices] == before
    assert len(list(office.world.company.gl_entries)) == entries
    assert len(list(office.world.company.customers)) == cards
    assert len(office.writes()) == writes
    assert "sound" in typed(office, "state", "verify")


def test_another_companys_backup_is_not_put_back(office: Office) -> None:
    office.run(limit=1)
    backup = office.config.parent / "mine.db"
    typed(office, "state", "backup", "--out", str(backup))
    office.edit_config("tenant_id: 985798691", "tenant_id: 985798692")
    done = CliRunner().invoke(app, ["state", "restore", str(backup), "--config", str(office.config)])
    assert done.exit_code == 2
