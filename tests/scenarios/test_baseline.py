"""Invoices from before go-live: what was open then is linked to its opening document, and later payments apply to it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from kept_month import Month, carry_once, move_in
from office import Office
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.sandbox.businesscentral.accountant import Accountant, HandLine
from stsync.sandbox.servicetitan.office import Line
from stsync.servicetitan.client import ServiceTitan
from stsync.state import State

OPENING_DAY = date(2026, 4, 30)
OWNER = "C00900"


def stsync(office: Office, *arguments: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False
    return CliRunner().invoke(app, [*arguments, "--config", str(office.config)])


def scenario(office: Office) -> tuple[dict[str, Any], int]:
    """The demo's invoice of April, and the check that pays it in June."""
    refs = dict(office.world.demo.scenarios["before_go_live"])
    return office.world.tenant.invoices[refs["invoices"]], refs["payments"]


def owner(office: Office, invoice: dict[str, Any]) -> str:
    """The customer of that invoice as the books have had them for years, linked by a person."""
    customer = invoice["customer"]
    office.world.company.add_customer(OWNER, customer["name"])
    done = stsync(office, "link", "customer", str(customer["id"]), "--to", OWNER)
    assert done.exit_code == 0, done.output
    return OWNER


@pytest.fixture(scope="module")
def month_of_the_owner(tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month that was carried with that customer linked, before anybody spoke of opening documents."""
    return carry_once(tmp_path_factory.mktemp("linked"), lambda office: owner(office, scenario(office)[0]))


@pytest.fixture
def linked(office: Office, month_of_the_owner: Month) -> Office:
    """An office with that month in the books."""
    return move_in(office, month_of_the_owner)


def opening_entry(office: Office, customer: str, number: str, amount: Decimal) -> Any:
    """An opening balance posted through a journal: an entry of type Invoice without a sales invoice."""
    equity = next(
        one.number for one in office.world.company.accounts if one.direct_posting and one.account_type == "Posting"
    )
    return Accountant(office.world.company).opening_entry(
        customer, number, amount, on=OPENING_DAY, balancing_account=equity
    )


def opening_invoice(office: Office, customer: str, amount: Decimal, *, external: str) -> Any:
    """An opening balance brought over as a sales invoice."""
    window = (office.world.company.ledger_setup.allow_posting_from, office.world.company.ledger_setup.allow_posting_to)
    office.world.company.set_posting_window(None, None)
    account = next(
        one.number
        for one in office.world.company.accounts
        if one.direct_posting and one.category == "Income" and one.account_type == "Posting"
    )
    made = Accountant(office.world.company).sales_invoice(
        customer, [HandLine(account, amount)], on=OPENING_DAY, external_number=external
    )
    office.world.company.set_posting_window(*window)
    return made


def reviewed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def row_of(rows: list[dict[str, str]], invoice: dict[str, Any]) -> dict[str, str]:
    (row,) = [one for one in rows if one["servicetitan_id"] == str(invoice["id"])]
    return row


def test_a_payment_on_an_invoice_from_before_go_live_is_held_and_names_the_command(posted: Office) -> None:
    _, paid = scenario(posted)
    assert posted.standing("payments", paid) == ("held", "invoice-before-go-live")
    with State.open_scratch(posted.state_file) as state:
        row = state.inbox.find("payments", str(paid))
        assert row is not None
        assert row.reason is not None
        assert "stsync baseline propose" in row.reason.hint


def test_a_payment_on_an_invoice_too_old_for_the_feed_is_held_too_and_does_not_wait_in_vain(posted: Office) -> None:
    # The feeds are read from a month before go-live; this payment is the first that anybody hears of its invoice.
    tenant = posted.world.tenant
    invoice, _ = scenario(posted)
    line = Line("Old work", Decimal("77.00"), gl_account_id=invoice["items"][0]["generalLedgerAccount"]["id"])
    unit = invoice["businessUnit"]["id"]
    old = tenant.book_invoice(invoice["customer"]["id"], [line], business_unit_id=unit, on=date(2024, 11, 5))
    like = next(row for row in tenant.payments.values() if row["type"] == "Check")
    owing, amount = invoice["customer"]["id"], Decimal("77.00")
    paid = tenant.take_payment(owing, amount, type_id=int(like["typeId"]), on=date(2026, 6, 25), applied={old: amount})
    tenant.edit_invoice(old, syncStatus="Posted")
    tenant.edit("payments", paid, syncStatus="Posted")
    tenant.invoices.touch(old, datetime(2024, 11, 6, tzinfo=UTC))
    posted.run("invoices")
    with State.open_scratch(posted.state_file) as state:
        assert state.inbox.find("invoices", str(old)) is None
    posted.run()
    assert posted.standing("payments", paid) == ("held", "invoice-before-go-live")
    assert posted.standing("invoices", old) == ("settled", "before_go_live")


@pytest.mark.parametrize("by", ["journal", "sales invoice"])
def test_a_payment_applies_to_the_opening_document_once_it_is_linked(linked: Office, tmp_path: Path, by: str) -> None:
    invoice, paid = scenario(linked)
    card = OWNER
    if by == "journal":
        number = opening_entry(linked, card, str(invoice["referenceNumber"]), Decimal("540.00")).document_number
    else:
        number = opening_invoice(linked, card, Decimal("540.00"), external=str(invoice["referenceNumber"])).number
    linked.run()
    assert linked.standing("payments", paid) == ("held", "invoice-before-go-live")
    assert linked.writes() == []
    out = tmp_path / "baseline.csv"
    proposed = stsync(linked, "baseline", "propose", "--out", str(out))
    assert proposed.exit_code == 0, proposed.output
    row = row_of(reviewed(out), invoice)
    assert (row["decision"], row["bucket"], row["bc_number"]) == ("link", "exact", number)
    assert row["paid_since_go_live"] == "540.00"
    assert "same amount" in row["reasons"]
    done = stsync(linked, "baseline", "accept", str(out))
    assert done.exit_code == 0, done.output
    linked.run()
    assert linked.standing("payments", paid) == ("settled", "posted")
    ledger = linked.world.company.customer_ledger
    (opened,) = [one for one in ledger if one.document_number == number and one.document_type == "Invoice"]
    (received,) = [one for one in ledger if one.document_number == f"ST-P{paid}"]
    assert (opened.open, opened.remaining) == (False, 0)
    assert (received.open, received.customer_number) == (False, card)
    assert linked.invoice(invoice["id"]) is None
    linked.world.sandbox.log.clear()
    linked.run()
    assert linked.writes() == []


def test_baseline_says_what_lies_before_go_live_and_writes_nothing(office: Office, tmp_path: Path) -> None:
    invoice, _ = scenario(office)
    opening_entry(office, owner(office, invoice), str(invoice["referenceNumber"]), Decimal("540.00"))
    before = json.loads(stsync(office, "baseline", "--json").stdout)
    assert before["go_live"] == "2026-05-01"
    titan = [row for row in office.world.tenant.invoices.values() if (row["invoiceDate"] or "9") < "2026-05-01"]
    assert before["before"]["invoices"] == len([row for row in titan if row["active"]])
    assert before["open"]["invoices"] >= 1
    assert before["linked"]["invoices"] == 0
    out = tmp_path / "baseline.csv"
    stsync(office, "baseline", "propose", "--out", str(out))
    assert office.writes() == []
    stsync(office, "baseline", "accept", str(out))
    after = json.loads(stsync(office, "baseline", "--json").stdout)
    assert after["linked"] == {"invoices": 1, "amount": "540.00"}
    assert after["not_linked"]["invoices"] == before["not_linked"]["invoices"] - 1
    assert office.writes() == []
    assert "linked to an opening document" in stsync(office, "baseline").stdout


def test_an_amount_alone_proposes_nothing(office: Office, tmp_path: Path) -> None:
    invoice, _ = scenario(office)
    office.world.company.add_customer("C00901", "Somebody Else")
    opening_entry(office, "C00901", "OB-77", Decimal("540.00"))
    out = tmp_path / "baseline.csv"
    stsync(office, "baseline", "propose", "--out", str(out))
    row = row_of(reviewed(out), invoice)
    assert (row["bucket"], row["decision"], row["bc_number"]) == ("none", "", "")


def test_a_document_of_the_same_customer_and_amount_is_proposed_for_a_person_to_decide(
    office: Office, tmp_path: Path
) -> None:
    invoice, _ = scenario(office)
    made = opening_invoice(office, owner(office, invoice), Decimal("540.00"), external="")
    out = tmp_path / "baseline.csv"
    stsync(office, "baseline", "propose", "--out", str(out))
    row = row_of(reviewed(out), invoice)
    assert (row["bucket"], row["decision"], row["bc_number"]) == ("likely", "", made.number)
    assert row["reasons"] == "same customer and amount"


def test_every_fault_of_the_file_is_told_with_its_line_and_nothing_is_kept(office: Office, tmp_path: Path) -> None:
    invoice, _ = scenario(office)
    office.world.company.add_customer("C00902", "Nobody Linked")
    made = opening_invoice(office, "C00902", Decimal("540.00"), external=str(invoice["referenceNumber"]))
    june = next(row for row in office.world.tenant.invoices.values() if (row["invoiceDate"] or "") >= "2026-06-01")
    file = tmp_path / "baseline.csv"
    write(
        file,
        [
            {"decision": "link", "servicetitan_id": str(invoice["id"]), "bc_number": made.number, "reasons": ""},
            {"decision": "link", "servicetitan_id": str(june["id"]), "bc_number": made.number, "reasons": ""},
            {"decision": "new", "servicetitan_id": "1", "bc_number": made.number, "reasons": ""},
        ],
    )
    done = stsync(office, "baseline", "accept", str(file))
    assert done.exit_code == 2
    assert f"stsync link customer {invoice['customer']['id']} --to C00902" in done.output
    assert f"line 3: ServiceTitan has no invoice {june['id']} from before go_live" in done.output
    assert "line 4: 'new' is no decision" in done.output
    assert json.loads(stsync(office, "baseline", "--json").stdout)["linked"]["invoices"] == 0


def test_several_invoices_share_one_opening_document_only_if_it_is_large_enough(office: Office, tmp_path: Path) -> None:
    invoice, _ = scenario(office)
    tenant = office.world.tenant
    card = owner(office, invoice)
    unit = invoice["businessUnit"]["id"]
    line = Line("Old work", Decimal("60.00"), gl_account_id=invoice["items"][0]["generalLedgerAccount"]["id"])
    second = tenant.book_invoice(invoice["customer"]["id"], [line], business_unit_id=unit, on=date(2026, 4, 22))
    tenant.edit_invoice(second, syncStatus="Posted")
    file = tmp_path / "baseline.csv"
    for amount, exit_code in ((Decimal("590.00"), 2), (Decimal("600.00"), 0)):
        number = f"OB-{amount:.0f}"
        opening_entry(office, card, number, amount)
        ids = (str(invoice["id"]), str(second))
        write(
            file,
            [{"decision": "link", "servicetitan_id": one, "bc_number": number, "reasons": "one sum"} for one in ids],
        )
        done = stsync(office, "baseline", "accept", str(file))
        assert done.exit_code == exit_code, done.output
    assert "600.00" in done.output


def test_a_linked_invoice_from_before_go_live_is_nothing_for_the_tie_out_to_explain(
    linked: Office, tmp_path: Path
) -> None:
    invoice, _ = scenario(linked)
    opening_entry(linked, OWNER, str(invoice["referenceNumber"]), Decimal("540.00"))
    out = tmp_path / "baseline.csv"
    linked.run()
    stsync(linked, "baseline", "propose", "--out", str(out))
    stsync(linked, "baseline", "accept", str(out))
    linked.run()
    with State.open_scratch(linked.state_file) as state:
        row = state.inbox.find("invoices", str(invoice["id"]))
        assert row is not None
        assert (row.state, row.outcome) == ("settled", "before_go_live")


def test_an_opening_document_on_a_card_of_our_own_is_named_in_the_tie_out(office: Office, tmp_path: Path) -> None:
    """The balance of the card contains it; that it is from before go-live is known only because a person linked it."""
    invoice, _ = scenario(office)
    card = f"ST{invoice['customer']['id']}"
    office.world.company.add_customer(card, invoice["customer"]["name"])
    opening_entry(office, card, str(invoice["referenceNumber"]), Decimal("540.00"))
    office.run()
    before = json.loads(stsync(office, "reconcile", "--month", "2026-06", "--json").stdout)
    assert [(one["what"], one["record"]["number"]) for one in before["findings"]] == [("balance", card)]
    out = tmp_path / "baseline.csv"
    stsync(office, "baseline", "propose", "--out", str(out))
    stsync(office, "baseline", "accept", str(out))
    office.run()
    told = json.loads(stsync(office, "reconcile", "--month", "2026-06", "--json").stdout)
    assert told["exact"], told["findings"]
    (row,) = [one for one in told["sections"]["receivables_by_customer"]["rows"] if one["code"] == card]
    (why,) = [one for one in row["explanations"] if one["reason"] == "balance_before_go_live"]
    assert [(one["number"], one["share"]) for one in why["records"]] == [(invoice["referenceNumber"], "-540.00")]
    assert f"opening document {invoice['referenceNumber']}" in why["records"][0]["note"]


def test_an_opening_document_that_is_spoken_for_takes_no_second_invoice_in_a_later_file(
    office: Office, tmp_path: Path
) -> None:
    invoice, _ = scenario(office)
    tenant = office.world.tenant
    unit, customer = invoice["businessUnit"]["id"], invoice["customer"]["id"]
    line = Line("Old work", Decimal("60.00"), gl_account_id=invoice["items"][0]["generalLedgerAccount"]["id"])
    opening_entry(office, owner(office, invoice), "OB-60", Decimal("60.00"))
    exits = []
    for _ in range(2):
        made = tenant.book_invoice(customer, [line], business_unit_id=unit, on=date(2026, 4, 22))
        tenant.edit_invoice(made, syncStatus="Posted")
        file = tmp_path / "baseline.csv"
        write(file, [{"decision": "link", "servicetitan_id": str(made), "bc_number": "OB-60", "reasons": ""}])
        done = stsync(office, "baseline", "accept", str(file))
        exits.append(done.exit_code)
    assert exits == [0, 2]
    assert "together they come to 120.00" in done.output


def test_an_invoice_that_stsync_carried_itself_gets_no_opening_document(office: Office, tmp_path: Path) -> None:
    invoice, _ = scenario(office)
    made = opening_invoice(office, owner(office, invoice), Decimal("540.00"), external="OLD-1")
    office.edit_config("go_live: 2026-05-01", "go_live: 2026-04-01")
    office.world.company.set_posting_window(None, None)
    office.run("invoices", only=str(invoice["id"]))
    assert office.invoice(invoice["id"]).posted
    office.edit_config("go_live: 2026-04-01", "go_live: 2026-05-01")
    file = tmp_path / "baseline.csv"
    write(file, [{"decision": "link", "servicetitan_id": str(invoice["id"]), "bc_number": made.number, "reasons": ""}])
    done = stsync(office, "baseline", "accept", str(file))
    assert done.exit_code == 2
    assert "was carried over by stsync itself" in done.output


def test_a_payment_that_two_pages_show_is_counted_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.loads(stsync(office, "baseline", "--json").stdout)
    listed = ServiceTitan.listed

    def twice(self: ServiceTitan, path: str, **filters: object) -> Any:
        rows = list(listed(self, path, **filters))
        return iter([*rows, *rows])

    monkeypatch.setattr(ServiceTitan, "listed", twice)
    assert json.loads(stsync(office, "baseline", "--json").stdout) == before
