"""Customers that Business Central has already: linked by review, never made twice, updated field by field."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from office import Office, money
from openpyxl import load_workbook
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.sandbox import faults
from stsync.sandbox.servicetitan.office import Line
from stsync.servicetitan.client import ServiceTitan
from stsync.state import State


def new_customer(office: Office, name: str, *, phone: str = "", email: str = "", **address: Any) -> int:
    """A customer that the office in ServiceTitan enters today."""
    given = {"street": "12 North Main Street", "unit": None, "city": "Mesa", "state": "AZ", "zip": "85201"}
    given |= {"country": "USA", **address}
    found = office.world.tenant.add_customer(name, address=given)
    if phone:
        office.world.tenant.add_contact(found, "Phone", phone)
    if email:
        office.world.tenant.add_contact(found, "Email", email)
    return found


def booked(office: Office, customer: int, amount: str = "180.00") -> int:
    """A posted invoice of that customer, in June."""
    tenant = office.world.tenant
    like = next(row for row in tenant.invoices.values() if row["syncStatus"] == "Posted" and row["items"])
    line = Line("Repair", money(amount), gl_account_id=like["items"][0]["generalLedgerAccount"]["id"])
    unit = like["businessUnit"]["id"]
    made = tenant.book_invoice(customer, [line], business_unit_id=unit, on=date(2026, 6, 20))
    tenant.edit_invoice(made, syncStatus="Posted")
    return made


def stsync(office: Office, *arguments: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False
    return CliRunner().invoke(app, [*arguments, "--config", str(office.config)])


def numbers(office: Office, name: str) -> list[str]:
    return sorted(one.number for one in office.world.company.customers if one.display_name == name)


def card(office: Office, number: str) -> Any:
    return office.world.company.customers.first("number", number)


def reason(office: Office, kind: str, source_id: object) -> Any:
    with State.open_scratch(office.state_file) as state:
        row = state.inbox.find(kind, str(source_id))
        assert row is not None
        return row.reason


def audited(office: Office, event: str) -> list[dict[str, Any]]:
    with State.open_scratch(office.state_file) as state:
        return [row.detail for row in state.audit.rows(event=event)]


# --- duplicates are never made ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "there",
    [
        {"name": "Ines Calloway"},
        {"name": "I. Calloway", "email": "ines@calloway.example"},
        {"name": "Calloway household", "phone_number": "+1 (480) 555-0177"},
    ],
    ids=["name", "e-mail", "telephone"],
)
def test_a_customer_that_business_central_may_have_already_gets_no_second_card(
    posted: Office, there: dict[str, str]
) -> None:
    name = there.pop("name")
    posted.world.company.add_customer("C00417", name, **there)
    who = new_customer(posted, "Ines Calloway", phone="480-555-0177", email="ines@calloway.example")
    invoice = booked(posted, who)
    posted.run()
    assert card(posted, f"ST{who}") is None
    assert posted.invoice(invoice) is None
    assert posted.standing("customers", who) == ("held", "customer-perhaps-there")
    assert posted.standing("invoices", invoice) == ("held", "customer-held")
    why = reason(posted, "customers", who)
    assert "C00417" in why.message
    assert f"stsync link customer {who} --to C00417" in why.hint
    assert f"stsync link customer {who} --new" in why.hint


def test_a_customer_once_held_stays_held_until_a_person_decides(office: Office) -> None:
    office.world.company.add_customer("C00417", "I. Calloway", email="INES@Calloway.Example")
    office.world.company.add_customer("C00418", "Ostrander, Piet (Inc.)")
    ines = new_customer(office, "Ines Calloway", email="ines@calloway.example")
    piet = new_customer(office, "Piet Ostrander")
    documents = [booked(office, ines), booked(office, piet)]
    # So many are new that the first run reads all cards, and sees the second name; later runs ask for a few only.
    for position in range(200):
        new_customer(
            office, f"Newcomer {position:03}", phone=f"480-555-{1000 + position}", email=f"n{position}@x.example"
        )
    for _ in range(3):
        office.run()
        for who, document in zip((ines, piet), documents, strict=True):
            assert card(office, f"ST{who}") is None
            assert office.standing("customers", who) == ("held", "customer-perhaps-there")
            assert office.standing("invoices", document) == ("held", "customer-held")


def test_the_preview_shows_the_same_hold_and_asks_for_it_without_writing(office: Office) -> None:
    office.world.company.add_customer("C00417", "Ines Calloway")
    who = new_customer(office, "Ines Calloway")
    booked(office, who)
    preview = office.run(dry_run=True)
    held = {
        one.source_id: one.reason.reference for one in preview.plan.decisions if one.kind == "customers" and one.reason
    }
    assert held == {str(who): "customer-perhaps-there"}
    assert office.writes() == []
    assert office.run().plan.digest == preview.plan.digest


def test_a_person_links_the_customer_and_its_documents_go_to_that_card_untouched(posted: Office) -> None:
    there = posted.world.company.add_customer(
        "C00417", "Calloway, Ines (VIP)", city="Gilbert", email="ines@calloway.example"
    )
    before = there.version
    who = new_customer(posted, "Ines Calloway", email="ines@calloway.example")
    invoice = booked(posted, who)
    posted.run()
    done = stsync(posted, "link", "customer", str(who), "--to", "c00417")
    assert done.exit_code == 0, done.output
    assert "SANDBOX" in done.output
    posted.run()
    assert posted.invoice(invoice).posted
    assert posted.invoice(invoice).customer_number == "C00417"
    assert (there.display_name, there.city, there.version) == ("Calloway, Ines (VIP)", "Gilbert", before)
    assert numbers(posted, "Ines Calloway") == []
    (linked,) = audited(posted, "linked")
    assert linked["number"] == "C00417"
    assert linked["operator"]
    listed = json.loads(stsync(posted, "link", "list", "--json").stdout)["links"]
    assert [(one["servicetitan_id"], one["number"]) for one in listed] == [(str(who), "C00417")]


def test_a_person_says_that_it_is_another_customer_and_a_new_card_is_made(posted: Office) -> None:
    posted.world.company.add_customer("C00417", "Ines Calloway")
    who = new_customer(posted, "Ines Calloway")
    invoice = booked(posted, who)
    posted.run()
    assert stsync(posted, "link", "customer", str(who), "--new").exit_code == 0
    posted.run()
    assert numbers(posted, "Ines Calloway") == ["C00417", f"ST{who}"]
    assert posted.invoice(invoice).customer_number == f"ST{who}"


def test_whoever_wants_no_questions_gets_a_card_in_any_case(posted: Office) -> None:
    posted.edit_config("invoices:\n", "customers:\n  when_similar: create\ninvoices:\n")
    posted.world.company.add_customer("C00417", "Ines Calloway")
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    assert numbers(posted, "Ines Calloway") == ["C00417", f"ST{who}"]


def test_two_customers_of_one_name_in_servicetitan_are_no_reason_to_ask(posted: Office) -> None:
    first, second = (new_customer(posted, "Pat Quinlan", street=street) for street in ("1 A Street", "9 B Road"))
    posted.run("customers")
    third = new_customer(posted, "Pat Quinlan", street="77 C Lane")
    posted.run("customers")
    assert numbers(posted, "Pat Quinlan") == sorted(f"ST{one}" for one in (first, second, third))


@pytest.mark.parametrize(("count", "by_telephone"), [(120, True), (400, False)], ids=["by clues", "all cards at once"])
def test_looking_for_many_new_customers_takes_few_reads(posted: Office, count: int, by_telephone: bool) -> None:
    posted.run()
    posted.world.sandbox.log.clear()
    posted.run()
    assert posted.requests() <= 8
    for position in range(count):
        new_customer(
            posted, f"Newcomer {position:03}", phone=f"480-555-{1000 + position}", email=f"n{position}@x.example"
        )
    posted.world.sandbox.log.clear()
    posted.run(dry_run=True)
    log = posted.world.sandbox.log.entries()
    inner = [
        one for each in log if each.target.split("?")[0].endswith("$batch") for one in json.loads(each.body)["requests"]
    ]
    alike = [one for one in inner if one["url"].split("?")[0].endswith("customers") and "number%20eq" not in one["url"]]
    assert bool([one for one in inner if "endswith" in one["url"]]) == by_telephone
    assert 0 < len(alike) < 12
    assert len(log) < 40


# --- review of a file before go-live ----------------------------------------------------------------------------


def reviewed(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def books_with_customers(office: Office) -> dict[str, int]:
    """Customers that both systems have, more or less alike; by how they are called here."""
    company = office.world.company
    found = {
        "same": new_customer(office, "Delia Farnsworth", phone="480-555-0111"),
        "moved": new_customer(office, "Omar Whitlock", email="Omar@Whitlock.example"),
        "twin one": new_customer(office, "Lee Park", phone="480-555-0122", street="5 Fifth St"),
        "twin two": new_customer(office, "Lee Park", phone="480-555-0122", street="6 Sixth St"),
        "stranger": new_customer(office, "Nobody Alike", street="404 Lost Way"),
    }
    company.add_customer("C00101", "FARNSWORTH, DELIA", phone_number="(480) 555-0111")
    company.add_customer("C00102", "Whitlock Family", email="omar@whitlock.example")
    company.add_customer("C00103", "Lee Park", phone_number="4805550122")
    return found


def test_pairs_are_proposed_with_reasons_and_nothing_is_written_anywhere(
    office: Office, books_with_customers: dict[str, int], tmp_path: Path
) -> None:
    out = tmp_path / "links.csv"
    done = stsync(office, "link", "propose", "--out", str(out))
    assert done.exit_code == 0, done.output
    rows = {row["servicetitan_id"]: row for row in reviewed(out)}
    shown = {name: rows[str(one)] for name, one in books_with_customers.items()}
    assert {name: row["bucket"] for name, row in shown.items()} == {
        "same": "exact",
        "moved": "likely",
        "twin one": "ambiguous",
        "twin two": "ambiguous",
        "stranger": "none",
    }
    assert shown["same"]["decision"] == "link"
    assert shown["same"]["bc_number"] == "C00101"
    assert "same telephone" in shown["same"]["reasons"]
    assert shown["moved"]["reasons"] == "same e-mail"
    assert {row["decision"] for name, row in shown.items() if name != "same"} == {""}
    assert office.writes() == []
    assert not office.state_file.exists()


def test_a_reviewed_file_links_before_the_first_sync_and_no_card_is_made_twice(
    office: Office, books_with_customers: dict[str, int], tmp_path: Path
) -> None:
    out = tmp_path / "links.xlsx"
    assert stsync(office, "link", "propose", "--out", str(out)).exit_code == 0
    book = load_workbook(out)
    sheet = book.active
    at = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, at["servicetitan_id"]).value == str(books_with_customers["twin two"]):
            sheet.cell(row, at["decision"]).value = "link"
        if sheet.cell(row, at["servicetitan_id"]).value == str(books_with_customers["twin one"]):
            sheet.cell(row, at["decision"]).value = "NEW"
    book.save(out)
    assert stsync(office, "link", "accept", str(out), "--dry-run").exit_code == 0
    assert not office.state_file.exists()
    done = stsync(office, "link", "accept", str(out))
    assert done.exit_code == 0, done.output
    office.run("customers")
    assert numbers(office, "Lee Park") == ["C00103", f"ST{books_with_customers['twin one']}"]
    assert numbers(office, "Delia Farnsworth") == []
    assert office.standing("customers", books_with_customers["moved"]) == ("held", "customer-perhaps-there")
    again = stsync(office, "link", "accept", str(out))
    assert "0 linked" in again.output


def test_every_fault_of_the_file_is_told_with_its_line_and_nothing_is_kept(
    office: Office, books_with_customers: dict[str, int], tmp_path: Path
) -> None:
    office.run("customers", limit=1)
    file = tmp_path / "links.csv"
    ids = {name: str(one) for name, one in books_with_customers.items()}
    lines = [
        ("link", ids["same"], "C00101"),
        ("link", ids["moved"], "C99999"),
        ("link", ids["twin one"], "C00103"),
        ("link", ids["twin two"], "C00103"),
        ("link", ids["stranger"], ""),
        ("maybe", ids["stranger"], "C00101"),
        ("link", "987654321", "C00102"),
        ("link", "=1+1", "C00102"),
    ]
    write(
        file, [dict(zip(("decision", "servicetitan_id", "bc_number"), line, strict=True), reasons="") for line in lines]
    )
    done = stsync(office, "link", "accept", str(file))
    assert done.exit_code == 2
    for number, words in {
        3: "no customer C99999",
        4: "more than one customer",
        5: "more than one customer",
        6: "bc_number is empty",
        7: "'maybe' is no decision",
        8: "has no customer 987654321",
        9: "servicetitan_id has to be",
    }.items():
        assert any(f"line {number}:" in line and words in line for line in done.output.splitlines()), (
            number,
            done.output,
        )
    assert "line 2:" not in done.output
    assert audited(office, "linked") == []


def test_a_card_that_is_somebodys_is_not_linked_again(posted: Office) -> None:
    posted.world.company.add_customer("C00417", "Ines Calloway")
    first, second = new_customer(posted, "Ines Calloway"), new_customer(posted, "Ines Calloway", street="2 Other Rd")
    assert stsync(posted, "link", "customer", str(first), "--to", "C00417").exit_code == 0
    refused = stsync(posted, "link", "customer", str(second), "--to", "C00417")
    assert refused.exit_code == 2
    assert f"is linked to ServiceTitan customer {first} already" in refused.output
    posted.run("customers")
    assert numbers(posted, "Ines Calloway") == ["C00417", f"ST{second}"]


# --- only what changed in ServiceTitan is written -----------------------------------------------------------------


def sent_to_card(office: Office) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in office.writes() if one.method == "PATCH" and "/customers(" in one.target]


def test_only_the_field_that_changed_is_sent_and_a_persons_edit_of_another_stays(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway", phone="480-555-0177")
    posted.run("customers")
    there = card(posted, f"ST{who}")
    there.address_line1 = "PO Box 9, care of the accountant"
    posted.world.company.customers.touch(there)
    posted.world.tenant.edit_customer(who, name="Ines Calloway-Reyes")
    posted.world.sandbox.log.clear()
    posted.run("customers")
    assert sent_to_card(posted) == [{"displayName": "Ines Calloway-Reyes"}]
    assert (there.display_name, there.address_line1) == ("Ines Calloway-Reyes", "PO Box 9, care of the accountant")


def test_a_linked_card_keeps_its_own_fields_until_they_change_in_servicetitan(posted: Office) -> None:
    there = posted.world.company.add_customer("C00417", "Calloway, I.", city="Gilbert", phone_number="480-555-0000")
    who = new_customer(posted, "Ines Calloway", phone="480-555-0177")
    stsync(posted, "link", "customer", str(who), "--to", "C00417")
    posted.run("customers")
    assert (there.display_name, there.city, there.phone_number) == ("Calloway, I.", "Gilbert", "480-555-0000")
    posted.world.tenant.add_contact(who, "Email", "ines@calloway.example")
    posted.run("customers")
    assert (there.display_name, there.city, there.phone_number) == ("Calloway, I.", "Gilbert", "480-555-0000")
    assert there.email == "ines@calloway.example"


def test_a_field_changed_on_both_sides_becomes_servicetitans_and_that_is_said(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    there = card(posted, f"ST{who}")
    there.display_name = "Calloway, Ines"
    posted.world.company.customers.touch(there)
    posted.world.tenant.edit_customer(who, name="Ines Reyes")
    preview = posted.run("customers", dry_run=True)
    (update,) = [one for one in preview.plan.operations() if one.source_id == str(who)]
    assert "name 'Calloway, Ines' (edited in Business Central since) -> 'Ines Reyes'" in update.why
    posted.run("customers")
    assert there.display_name == "Ines Reyes"


def test_what_servicetitan_no_longer_has_does_not_wipe_what_a_person_put_there(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    contact = posted.world.tenant.add_contact(who, "Email", "old@calloway.example")
    posted.run("customers")
    there = card(posted, f"ST{who}")
    there.email = "billing@calloway.example"
    posted.world.company.customers.touch(there)
    posted.world.tenant.edit_contact(contact, active=False)
    result = posted.run("customers")
    assert there.email == "billing@calloway.example"
    (decision,) = [one for one in result.plan.of("customers") if one.source_id == str(who)]
    assert any("stays" in note for note in decision.notes)


def test_a_postal_code_that_rewrites_the_address_is_told_once_and_never_loops(posted: Office) -> None:
    company = posted.world.company
    company.add_post_code("85299", "GILBERT", "Arizona", "US")
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    there = card(posted, f"ST{who}")
    there.country = "MX"
    posted.world.tenant.edit_customer(who, address={**posted.world.tenant.customers[who]["address"], "zip": "85299"})
    posted.run("customers")
    assert (there.postal_code, there.city, there.state, there.country) == ("85299", "Mesa", "AZ", "US")
    told = [text for detail in audited(posted, "rewritten") for text in detail["told"]]
    assert told == ["Business Central rewrote the country: 'MX' became 'US'"]
    there.city = "GILBERT"
    posted.world.sandbox.log.clear()
    posted.run("customers")
    posted.run("customers")
    assert sent_to_card(posted) == []


# --- merged, blocked, without groups, too long --------------------------------------------------------------------


def test_documents_of_a_chain_of_merges_go_to_the_survivors_card(posted: Office) -> None:
    refs = posted.world.demo.scenarios["merged_customer"]
    survivor = [one for kind, one in refs if kind == "customers"][-1]
    found = {posted.invoice(one).customer_number for kind, one in refs if kind == "invoices" and posted.invoice(one)}
    assert found == {f"ST{survivor}"}


def test_customers_merged_in_a_circle_hold_their_documents_and_the_circle_is_named(posted: Office) -> None:
    first, second = new_customer(posted, "Round One"), new_customer(posted, "Round Two")
    invoice = booked(posted, first)
    posted.world.tenant.edit_customer(first, active=False, mergedToId=second)
    posted.world.tenant.edit_customer(second, active=False, mergedToId=first)
    posted.run()
    assert posted.standing("invoices", invoice) == ("held", "customer-merged-in-a-circle")
    assert f"{first} into {second} into {first}" in reason(posted, "invoices", invoice).message
    assert posted.invoice(invoice) is None


def test_a_blocked_card_holds_the_invoice_before_anything_is_sent(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    card(posted, f"ST{who}").blocked = "All"
    invoice = booked(posted, who)
    posted.world.sandbox.log.clear()
    posted.run(only=str(invoice))
    assert posted.writes() == []
    assert posted.standing("invoices", invoice) == ("held", "customer-blocked")
    assert f"ST{who} Ines Calloway" in reason(posted, "invoices", invoice).message
    card(posted, f"ST{who}").blocked = ""
    posted.run(only=str(invoice))
    assert posted.invoice(invoice).posted


def test_a_card_blocked_for_invoices_still_takes_the_payment(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    invoice = booked(posted, who)
    posted.run()
    assert posted.invoice(invoice).posted
    card(posted, f"ST{who}").blocked = "Invoice"
    second = booked(posted, who, "75.00")
    paid = _payment(posted, who, invoice, "180.00")
    posted.run()
    assert posted.standing("invoices", second) == ("held", "customer-blocked")
    assert posted.standing("payments", paid) == ("settled", "posted")
    assert posted.invoice(invoice).status == "Paid"


def _payment(office: Office, who: int, invoice: int, amount: str) -> int:
    tenant = office.world.tenant
    like = next(row for row in tenant.payments.values() if row["type"] == "Check")
    made = tenant.take_payment(
        who, money(amount), type_id=int(like["typeId"]), on=date(2026, 6, 22), applied={invoice: money(amount)}
    )
    tenant.edit("payments", made, syncStatus="Posted")
    return int(made)


def test_a_deleted_card_holds_the_document_instead_of_making_another(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    posted.world.company.customers.delete(card(posted, f"ST{who}"))
    invoice = booked(posted, who)
    posted.run()
    assert posted.standing("invoices", invoice) == ("held", "customer-card-gone")
    assert numbers(posted, "Ines Calloway") == []


def test_a_card_without_posting_groups_is_named_with_the_page_to_open(posted: Office) -> None:
    posted.world.company.settings.customer_template = False
    who = new_customer(posted, "Ines Calloway")
    invoice = booked(posted, who)
    posted.run()
    why = reason(posted, "invoices", invoice)
    assert "posting-group-missing" in why.reference
    assert f"ST{who}" in why.message
    assert "customer card" in why.hint
    there = card(posted, f"ST{who}")
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = "DOMESTIC"
    posted.run()
    assert posted.invoice(invoice).posted


@pytest.mark.parametrize("amount", ["180.00", "-180.00"], ids=["received", "paid back"])
def test_money_of_a_card_without_posting_groups_waits_for_the_card_too(posted: Office, amount: str) -> None:
    who = new_customer(posted, "Ines Calloway")
    there = posted.world.company.add_customer(f"ST{who}", "Ines Calloway")
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = ""
    tenant = posted.world.tenant
    like = next(row for row in tenant.payments.values() if row["type"] == "Check")
    paid = tenant.take_payment(
        who, money(amount), type_id=int(like["typeId"]), on=date(2026, 6, 20), syncStatus="Posted"
    )
    posted.run("customers", "payments", only=str(paid))
    assert posted.standing("payments", paid) == ("held", "customer-posting-group-missing")
    why = reason(posted, "payments", paid)
    posted.world.sandbox.log.clear()
    posted.run("customers", "payments", only=str(paid))
    assert posted.writes() == []
    assert reason(posted, "payments", paid) == why
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = "DOMESTIC"
    posted.world.company.customers.touch(there)
    posted.run("customers", "payments", only=str(paid))
    assert posted.standing("payments", paid)[0] == "settled"
    assert {one.amount for one in posted.world.company.gl_entries if one.document_number == f"ST-P{paid}"} == {
        money("180.00"),
        money("-180.00"),
    }


def test_a_card_without_posting_groups_is_not_tried_again_until_somebody_has_changed_it(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    there = posted.world.company.add_customer(f"ST{who}", "Ines Calloway")
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = ""
    invoice = booked(posted, who)
    posted.run()
    why = reason(posted, "invoices", invoice)
    posted.world.sandbox.log.clear()
    posted.run()
    assert posted.writes() == []
    assert reason(posted, "invoices", invoice) == why
    there.gen_bus_posting_group = there.customer_posting_group = there.vat_bus_posting_group = "DOMESTIC"
    posted.world.company.customers.touch(there)
    posted.run()
    assert posted.invoice(invoice).posted


def test_a_name_that_is_too_long_is_shortened_said_and_kept_in_full_in_the_audit(posted: Office) -> None:
    name = "Homeowners Association of the Ahwatukee Foothills, Phase Seven, " + "in care of Management " * 4
    who = new_customer(posted, name.strip())
    posted.run("customers")
    there = card(posted, f"ST{who}")
    assert len(there.display_name) <= 100
    assert there.display_name.endswith("…")
    notes = [note for detail in audited(posted, "decided") for note in detail["notes"]]
    assert any(name.strip() in note for note in notes)


# --- what else could put two customers on one card ----------------------------------------------------------------


def test_a_card_that_is_another_customers_by_its_number_is_not_linked(posted: Office) -> None:
    one, other = new_customer(posted, "Ines Calloway"), new_customer(posted, "Robert Stone", street="99 Zed Rd")
    posted.world.company.add_customer(f"ST{other}", "Robert Stone")
    refused = stsync(posted, "link", "customer", str(one), "--to", f"ST{other}")
    assert refused.exit_code == 2
    assert f"is ServiceTitan customer {other} Robert Stone's" in " ".join(refused.output.split())
    posted.run("customers")
    assert numbers(posted, "Ines Calloway") == [f"ST{one}"]


def test_a_card_linked_by_hand_is_not_taken_on_by_the_customer_whose_number_it_has(posted: Office) -> None:
    one = new_customer(posted, "Ines Calloway")
    # Nobody knows this customer yet when the card is linked; it comes into ServiceTitan afterwards.
    posted.world.company.add_customer(f"ST{one + 1}", "Calloway, Ines")
    assert stsync(posted, "link", "customer", str(one), "--to", f"ST{one + 1}").exit_code == 0
    other = new_customer(posted, "Ines Calloway", street="99 Zed Rd")
    assert other == one + 1
    invoice = booked(posted, other)
    posted.run()
    assert posted.standing("customers", other) == ("held", "customer-number-taken")
    assert posted.invoice(invoice) is None
    assert f"linked to ServiceTitan customer {one}" in reason(posted, "customers", other).message


def test_a_card_of_our_number_that_agrees_in_nothing_is_not_taken_on(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    there = posted.world.company.add_customer(f"ST{who}", "Adatum Corporation", city="Atlanta")
    invoice = booked(posted, who)
    posted.run()
    assert posted.standing("customers", who) == ("held", "customer-number-taken")
    assert posted.invoice(invoice) is None
    assert "Adatum Corporation" in reason(posted, "customers", who).message
    assert stsync(posted, "link", "customer", str(who), "--to", f"ST{who}").exit_code == 0
    posted.run()
    assert posted.invoice(invoice).customer_number == f"ST{who}"
    assert there.display_name == "Adatum Corporation"


@pytest.mark.parametrize("typed", ["²", "٣", "0", "99999999999999999999999", "9007199254740996.0"])
def test_what_is_no_customer_number_is_told_without_asking_servicetitan(office: Office, typed: str) -> None:
    refused = stsync(office, "link", "customer", typed, "--new")
    assert refused.exit_code == 2
    assert "servicetitan_id has to be the customer's number" in refused.output


@pytest.mark.parametrize("name", ["links.xls", "links.ods", "links.xlsm", "links", "no/such/folder/links.csv"])
def test_a_review_file_that_could_not_be_read_back_is_refused_before_anything_is_read(
    office: Office, tmp_path: Path, name: str
) -> None:
    for command in ("link", "baseline"):
        refused = stsync(office, command, "propose", "--out", str(tmp_path / name))
        assert refused.exit_code == 2
        assert "file-not-written" in refused.output
        assert "What to do" in refused.output
    assert office.requests() == 0
    assert not (tmp_path / name).exists()


def test_a_number_with_blanks_is_named_as_it_has_to_be_typed(posted: Office) -> None:
    posted.world.company.add_customer("C 00&417", "Ines Calloway")
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    assert f'stsync link customer {who} --to "C 00&417"' in reason(posted, "customers", who).hint


def test_long_names_in_any_script_never_make_an_address_that_no_proxy_takes(office: Office) -> None:
    for position in range(45):
        new_customer(office, "漢字株式会社" * 16 + f"{position:03}")
    office.world.sandbox.log.clear()
    office.run("customers", dry_run=True)
    log = office.world.sandbox.log.entries()
    inner = [one["url"] for each in log if "$batch" in each.target for one in json.loads(each.body)["requests"]]
    assert max(map(len, [*inner, *(each.target for each in log)])) < 8000


def test_a_customer_that_two_pages_show_stands_in_the_file_once(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = new_customer(office, "Ines Calloway")
    office.world.company.add_customer("C00417", "Ines Calloway", phone_number="480-555-0177")
    listed = ServiceTitan.listed

    def shifted(self: ServiceTitan, path: str, **filters: object) -> Any:
        rows = list(listed(self, path, **filters))
        return iter([*rows, *rows[-2:]])

    monkeypatch.setattr(ServiceTitan, "listed", shifted)
    out = tmp_path / "links.csv"
    assert stsync(office, "link", "propose", "--out", str(out)).exit_code == 0
    assert [row["servicetitan_id"] for row in reviewed(out)].count(str(who)) == 1


# --- lost answers -------------------------------------------------------------------------------------------------


def lost(office: Office, method: str, path: str) -> None:
    """The next such write arrives, and its answer does not."""
    rule = office.world.sandbox.faults.add(faults.DROP_ANSWER, method=method, path=path, nth=1)
    assert office.run("customers").in_doubt == 1
    assert rule.fired
    office.world.sandbox.faults.clear()


def test_a_new_name_after_a_lost_answer_to_a_new_card_reaches_that_card(posted: Office) -> None:
    posted.run("customers")
    who = new_customer(posted, "Ines Calloway")
    lost(posted, "POST", r"/customers$")
    there = card(posted, f"ST{who}")
    there.address_line1 = "PO Box 9, care of the accountant"
    posted.world.company.customers.touch(there)
    posted.world.tenant.edit_customer(who, name="Ines Reyes")
    posted.world.sandbox.log.clear()
    assert posted.run("customers").in_doubt == 0
    assert sent_to_card(posted) == [{"displayName": "Ines Reyes"}]
    assert numbers(posted, "Ines Reyes") == [f"ST{who}"]
    assert there.address_line1 == "PO Box 9, care of the accountant"
    posted.run("customers")
    assert len(sent_to_card(posted)) == 1


def test_a_new_name_that_was_refused_after_a_lost_answer_is_sent_by_the_next_run(posted: Office) -> None:
    posted.run("customers")
    who = new_customer(posted, "Ines Calloway")
    lost(posted, "POST", r"/customers$")
    posted.world.tenant.edit_customer(who, name="Ines Reyes")
    refusal = faults.answer(409, {"error": {"code": "Request_EntityChanged", "message": "Changed."}})
    posted.world.sandbox.faults.add(refusal, method="PATCH", path=r"/customers\(", nth=1)
    posted.run("customers")
    assert posted.standing("customers", who) == ("held", "changed-meanwhile")
    posted.run("customers")
    assert numbers(posted, "Ines Reyes") == [f"ST{who}"]


def test_a_change_that_was_taken_back_after_its_answer_was_lost_is_taken_back_on_the_card(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway")
    posted.run("customers")
    posted.world.tenant.edit_customer(who, name="Ines Reyes")
    lost(posted, "PATCH", r"/customers\(")
    posted.world.tenant.edit_customer(who, name="Ines Calloway")
    result = posted.run("customers")
    assert numbers(posted, "Ines Calloway") == [f"ST{who}"]
    assert result.in_doubt == 0
    (write_back,) = [one for one in result.plan.operations() if one.source_id == str(who)]
    assert "edited in Business Central" not in write_back.why


def test_a_telephone_that_business_central_does_not_take_is_not_left_out_without_a_word(posted: Office) -> None:
    who = new_customer(posted, "Ines Calloway", phone="480-555-0177 x12", email="ask the neighbour")
    result = posted.run("customers")
    (decision,) = [one for one in result.plan.of("customers") if one.source_id == str(who)]
    told = " ".join(decision.notes)
    assert "telephone '480-555-0177 x12' left out" in told
    assert "e-mail 'ask the neighbour' left out" in told
