"""`stsync doctor` against the demo company: each thing that can be wrong is found, named, and left as it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import setup_world
import typer
from setup_world import World
from typer.testing import CliRunner, Result

from stsync.cli import console
from stsync.cli.doctor import doctor
from stsync.config.load import load
from stsync.core.mapping import Mapping
from stsync.credentials import Credentials, Identity
from stsync.http.session import Session
from stsync.sandbox.businesscentral import CASH_RECEIPT_TEMPLATE
from stsync.sandbox.businesscentral.core.document_records import JournalBatch, JournalLine
from stsync.sandbox.company import MISSING_DIMENSION_VALUE, add_missing_dimension_value
from stsync.sandbox.faults import Action
from stsync.setup import connections
from stsync.state import Incoming, State
from stsync.wiring import Wiring

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(doctor)


@dataclass(frozen=True)
class Examined:
    """What doctor said, for a program."""

    exit_code: int
    checks: list[dict[str, str]]

    def line(self, name: str, group: str | None = None) -> dict[str, str]:
        """The one line of that name."""
        (found,) = [one for one in self.checks if one["name"] == name and group in {None, one["group"]}]
        return found

    def of(self, status: str) -> list[str]:
        """The names of all lines of that status."""
        return [check["name"] for check in self.checks if check["status"] == status]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with good secrets in the environment and no keyring."""
    for name in list(os.environ):
        if name.startswith("STSYNC_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    for name in setup_world.ISOLATED:
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name, value in setup_world.SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Everything in order: the missing department made, and today's period open."""
    with setup_world.world(tmp_path / "sandbox") as running:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.sandbox.ca_file))
        add_missing_dimension_value(running.company)
        running.company.set_posting_window(date(2026, 1, 1), None)
        yield running


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    return world.config(tmp_path)


def told(config: Path, *words: str) -> Result:
    console.OUTPUT.json = console.OUTPUT.quiet = False
    done = CliRunner().invoke(APP, ["--config", str(config), *words])
    console.OUTPUT.json = console.OUTPUT.quiet = False
    return done


def examined(config: Path) -> Examined:
    done = told(config, "--json")
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.exit_code
    assert all(check["todo"] for check in document["checks"] if check["status"] in {"warn", "fail"})
    return Examined(done.exit_code, document["checks"])


def test_a_company_in_order_has_nothing_to_mend(config: Path) -> None:
    seen = examined(config)
    assert (seen.exit_code, seen.of("fail"), seen.of("warn")) == (0, [], [])
    assert "salesInvoices" in seen.line("may read")["found"]
    assert "salesCreditMemos" in seen.line("may read")["found"]
    assert seen.line("company")["found"] == "Copper Mesa Home Services"
    assert "the first payment makes it" in seen.line("journal ST-CASH")["found"]


def test_it_writes_nothing_anywhere(config: Path, world: World, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert told(config).exit_code == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert [entry for entry in world.sandbox.log.writes() if "token" not in entry.target] == []
    assert not (tmp_path / "home").exists()


def test_what_the_systems_do_not_show_is_unknown_and_never_ok(config: Path) -> None:
    unknown = examined(config).of("unknown")
    assert {"may write", "number series", "posting dates of our own user", "write the pricebook"} <= set(unknown)


def test_no_secret_is_shown(config: Path) -> None:
    output = told(config).output
    assert not any(value in output for value in setup_world.SECRETS.values())
    assert "environment variable STSYNC_BC_CLIENT_SECRET" in output


def test_quiet_prints_only_what_needs_a_person(config: Path, world: World) -> None:
    assert told(config, "--quiet").output == ""
    world.company.set_posting_window(date(2026, 6, 1), date(2026, 6, 30))
    lines = told(config, "--quiet").output.strip().splitlines()
    assert len(lines) == 2
    assert "WARN" in lines[0]
    assert "accepts 2026-06-01 to 2026-06-30" in lines[0]
    assert "Allow Posting From/To" in lines[1]


def test_every_problem_of_the_configuration_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("servicetitan:\n  environment: integraton\n  tenant_id: abc\n")
    seen = examined(path)
    assert seen.exit_code == 2
    assert {"servicetitan.environment", "servicetitan.tenant_id", "business_central", "go_live"} <= set(seen.of("fail"))
    assert f"{path}:2:" in seen.line("servicetitan.environment")["found"]


def test_a_missing_secret_is_named_and_the_other_system_is_still_looked_at(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STSYNC_SERVICETITAN_APP_KEY")
    seen = examined(config)
    assert seen.exit_code == 77
    assert "environment variable STSYNC_SERVICETITAN_APP_KEY: not set" in seen.line("ServiceTitan app key")["found"]
    assert seen.line("company")["status"] == "ok"


@pytest.mark.parametrize(
    ("variable", "group", "words"),
    [
        ("STSYNC_SERVICETITAN_CLIENT_SECRET", "ServiceTitan", "refused the client id and client secret"),
        ("STSYNC_SERVICETITAN_APP_KEY", "ServiceTitan", "application key"),
        ("STSYNC_BC_CLIENT_SECRET", "Business Central", "client secret"),
    ],
)
def test_a_refused_login_is_told_with_its_system(
    config: Path, monkeypatch: pytest.MonkeyPatch, variable: str, group: str, words: str
) -> None:
    monkeypatch.setenv(variable, "wrong-value-here")
    seen = examined(config)
    assert seen.exit_code == 77
    (bad,) = [check for check in seen.checks if check["group"] == group and check["status"] == "fail"]
    assert words in bad["found"]
    other = "company" if group == "ServiceTitan" else "login and app key"
    assert seen.line(other)["status"] == "ok"


def test_each_missing_scope_has_its_own_line(config: Path, world: World) -> None:
    scopes = ["tn.stt.businessunits:r", "tn.crm.customers:r", "tn.acc.invoices:r", "tn.acc.glaccounts:r"]
    world.tenant.connect(setup_world.CLIENT_ID, setup_world.APP_KEY, scopes=scopes)
    seen = examined(config)
    assert seen.exit_code == 77
    assert "tn.acc.payments:r" in seen.line("read payments")["todo"]
    assert seen.line("read invoices")["status"] == "ok"
    assert seen.line("read tax zones")["status"] == "warn"
    assert seen.line("mapping.tax_zones", "mapping")["status"] == "unknown"


def test_a_set_that_may_not_be_read_is_named(config: Path, world: World) -> None:
    message = "Sorry, the current permissions prevented the action. (TableData 17 Read: Base Application)"
    body = {"error": {"code": "Internal_ServerError", "message": message}}
    world.sandbox.faults.add(
        Action("answer", status=403, body=body), system="business_central", path="/generalLedgerEntries", count=None
    )
    seen = examined(config)
    assert seen.exit_code == 77
    assert message in seen.line("read generalLedgerEntries")["found"]
    assert "generalLedgerEntries" not in seen.line("may read")["found"]


def test_a_version_without_general_ledger_setup_is_unknown_not_failed(config: Path, world: World) -> None:
    body = {"error": {"code": "BadRequest_NotFound", "message": "Resource not found for the segment."}}
    world.sandbox.faults.add(
        Action("answer", status=404, body=body), system="business_central", path="/generalLedgerSetup", count=None
    )
    seen = examined(config)
    assert (seen.exit_code, seen.line("read generalLedgerSetup")["status"]) == (0, "unknown")


def test_a_system_that_is_down_ends_with_its_own_code(
    config: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "Session", partial(Session, sleep=lambda _: None))
    world.sandbox.faults.add(Action("answer", status=503, body={}), system="business_central", count=None)
    seen = examined(config)
    assert seen.exit_code == 69
    assert seen.line("login", "Business Central")["status"] == "fail"
    assert seen.line("login and app key")["status"] == "ok"


def test_a_wrong_company_is_a_mistake_of_the_configuration(config: Path, world: World) -> None:
    world.environment.create_company("Another Firm")
    text = config.read_text()
    config.write_text(text.replace(world.company.id, "12345678-0000-0000-0000-000000000000"))
    seen = examined(config)
    assert seen.exit_code == 2
    assert "Another Firm" in seen.line("company")["found"]
    config.write_text(text.replace('"Copper Mesa Home Services"', '"Copper Mesa Holding"'))
    seen = examined(config)
    assert seen.exit_code == 2
    assert "company_name says 'Copper Mesa Holding'" in seen.line("company")["found"]


def test_a_value_that_the_dimension_lacks_is_named_with_its_business_unit(config: Path, world: World) -> None:
    (value,) = world.company.dimension_values.where("code", MISSING_DIMENSION_VALUE)
    world.company.dimension_values.delete(value)
    seen = examined(config)
    assert seen.exit_code == 3
    found = seen.line("mapping.business_units", "Business Central")["found"]
    assert "EV-SOLAR (business unit 'East Valley Solar')" in found


def test_accounts_that_cannot_be_posted_to_are_named_with_the_reason(config: Path, world: World) -> None:
    world.company.add_account("40100", "HVAC Service Revenue", direct_posting=False)
    world.company.add_account("22030", "Sales Tax, Mesa", blocked=True)
    world.company.add_account("10600", "Card Clearing", account_type="Total")
    seen = examined(config)
    assert seen.exit_code == 3
    assert "40100 ('4100') takes no direct postings" in seen.line("accounts of mapping.accounts")["found"]
    assert "22030 ('Mesa') is blocked" in seen.line("accounts of mapping.tax_zones")["found"]
    assert "10600 ('ST-CARD') is a heading or a total" in seen.line("accounts of payments.journals")["found"]
    assert "cannot be made" in seen.line("journal ST-CARD")["found"]


def test_lines_for_tax_zones_that_nothing_uses_are_named(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    assert "method: line" in text
    other = "method: business_central\n    taxable_code: TAXABLE"
    config.write_text(text.replace("method: line", other), encoding="utf-8")
    line = examined(config).line("mapping.tax_zones", "Business Central")
    assert line["status"] == "warn"
    assert "lines are not used: invoices.tax.method is business_central" in line["found"]
    assert "tax area on each customer card" in line["todo"]


def test_a_journal_with_foreign_lines_or_another_account_fails(config: Path, world: World) -> None:
    cash = world.company.add_journal("ST-CASH", template=CASH_RECEIPT_TEMPLATE, balancing_account="10500")
    world.company.add_journal("ST-CHECK", template=CASH_RECEIPT_TEMPLATE, balancing_account="10100")
    world.company.add_journal("ST-ACH", template=CASH_RECEIPT_TEMPLATE, balancing_bank="CHECKING")
    world.company.add_journal("ST-FIN", template=CASH_RECEIPT_TEMPLATE)
    world.company.add_customer("C1", "Somebody")
    world.company.journal_lines.insert(foreign_line(cash.id))
    seen = examined(config)
    assert seen.exit_code == 3
    assert "lines that stsync did not make: 1 (document number MANUAL-1)" in seen.line("journal ST-CASH")["found"]
    assert "balanced by account 10100, but the configuration says 10500" in seen.line("journal ST-CHECK")["found"]
    assert "CHECKING, which is no G/L account" in seen.line("journal ST-ACH")["found"]
    assert seen.line("journal ST-ACH")["status"] == "unknown"
    assert "has no balancing account" in seen.line("journal ST-FIN")["found"]


def foreign_line(batch_id: str) -> JournalLine:
    return JournalLine(
        batch_id=batch_id,
        line_number=10000,
        document_type="Payment",
        account_type="Customer",
        account_number="C1",
        document_number="MANUAL-1",
        applies_to_type="Invoice",
    )


def test_unmapped_entries_are_found_in_servicetitans_lists(world: World, tmp_path: Path) -> None:
    seen = examined(world.config(tmp_path, complete=False))
    assert seen.exit_code == 0
    assert "'4600'" in seen.line("mapping.accounts", "mapping")["found"]
    assert '"Payment App": <payment journal code>' in seen.line("mapping.payment_types")["todo"]


def pinned_state(config: Path) -> State:
    loaded = load(config)
    wiring = Wiring(loaded, Mapping.of(loaded.mapping.tables()), Credentials(Identity.of(loaded), environ={}))
    state = State.open(wiring.state_path)
    state.pin(wiring.pin)
    return state


def test_with_documents_the_coverage_is_counted_in_documents_and_money(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path, complete=False)
    payment: dict[str, Any] = {
        "id": 1, "syncStatus": "Posted", "active": True, "date": "2026-06-03T00:00:00Z", "total": "40.50",
        "typeId": "39", "type": "Payment App", "customer": {"id": 5, "name": "Somebody"},
    }  # fmt: skip
    with pinned_state(config) as state:
        rows = [Incoming(str(number), None, {**payment, "id": number}) for number in (1, 2)]
        state.inbox.store("payments", rows, feed=None, token=None, seen_at=datetime.now(UTC))
    seen = examined(config)
    assert seen.line("mapping.payment_types")["found"] == "'Payment App' is not mapped: 2 documents, 81.00"
    assert seen.line("state file")["status"] == "ok"


def test_a_state_file_of_another_company_fails(config: Path, world: World) -> None:
    pinned_state(config).close()
    other = world.environment.create_company("Another Firm")
    config.write_text(
        config.read_text().replace(world.company.id, other.id).replace("Copper Mesa Home Services", "Another Firm")
    )
    seen = examined(config)
    assert seen.exit_code == 2
    assert "belongs to ServiceTitan tenant" in seen.line("state file")["found"]


def test_a_damaged_or_readable_state_file_is_told(config: Path, tmp_path: Path) -> None:
    pinned_state(config).close()
    (tmp_path / "stsync.db").chmod(0o644)
    assert examined(config).line("privacy")["status"] == "warn"
    (tmp_path / "stsync.db").write_bytes(b"not a database" * 1000)
    seen = examined(config)
    assert seen.exit_code != 0
    assert "damaged" in seen.line("state file")["found"]


def test_a_secret_that_ends_soon_is_a_warning(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = (datetime.now(UTC) + timedelta(days=14)).date()
    monkeypatch.setenv("STSYNC_BC_CLIENT_SECRET_EXPIRES", soon.isoformat())
    line = examined(config).line("end of the Business Central login")
    assert (line["status"], "in 14 days" in line["found"]) == ("warn", True)


def test_the_refund_journal_is_looked_at_and_a_foreign_line_in_it_fails(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path)
    assert examined(config).line("general journal STREFUND")["status"] == "ok"
    batch = world.company.journals.insert(JournalBatch(template="GENERAL", code="STREFUND", display_name="Refunds"))
    world.company.journal_lines.insert(
        JournalLine(batch_id=batch.id, line_number=10_000, account_type="Customer", document_type=" ")
    )
    assert examined(config).line("general journal STREFUND")["status"] == "ok", "the blank line of a posting is nothing"
    world.company.journal_lines.insert(
        JournalLine(
            batch_id=batch.id,
            line_number=20_000,
            account_type="G/L Account",
            account_number="66000",
            amount=Decimal(5),
            document_type=" ",
            document_number="G00017",
        )
    )
    assert "G00017" in examined(config).line("general journal STREFUND")["found"]


def test_the_accounts_of_refunds_must_take_postings(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("mapping:\n", 'mapping:\n  refunds:\n    "Refund": "12000"\n', 1), encoding="utf-8")
    assert "12000 ('Refund')" in examined(config).line("accounts of mapping.refunds")["found"]


def test_a_refund_without_an_account_counts_as_a_gap(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path)
    payment: dict[str, Any] = {
        "id": 1, "syncStatus": "Posted", "active": True, "date": "2026-06-03T00:00:00Z", "total": "-40.50",
        "typeId": "99", "type": "Chargeback", "customer": {"id": 5, "name": "Somebody"},
    }  # fmt: skip
    with pinned_state(config) as state:
        state.inbox.store("payments", [Incoming("1", None, payment)], feed=None, token=None, seen_at=datetime.now(UTC))
    assert "'Chargeback' is not mapped: 1 document, 40.50" in examined(config).line("mapping.refunds")["found"]
