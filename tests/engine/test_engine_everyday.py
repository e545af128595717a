"""Bad input, small choices and a person's repairs, as they happen in an office."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office

from stsync.engine.switches import Allowed
from stsync.errors import (
    CredentialsError,
    ExitCode,
    GuardError,
    LockHeld,
    StateError,
    SystemUnavailable,
    UsageError,
)
from stsync.sandbox import faults
from stsync.sandbox.company import add_missing_dimension_value, fix
from stsync.state import RunLock, State

COMPANY = 'company_name: "Copper Mesa Home Services"'


def first_plain(office: Office) -> dict[str, Any]:
    """An ordinary posted invoice that belongs to no scenario, of a customer whose card a customers run makes."""
    scenario = {one for refs in office.world.demo.scenarios.values() for kind, one in refs if kind == "invoices"}
    customers = office.world.tenant.customers
    return next(
        row
        for row in office.world.tenant.invoices.values()
        if row["id"] not in scenario
        and row["syncStatus"] == "Posted"
        and Decimal(row["total"]) > 0
        and customers.get(row["customer"]["id"])["modifiedOn"] > "2026-04-10"
    )


def test_a_record_of_an_unknown_shape_is_held_and_the_others_go_on(office: Office) -> None:
    broken = first_plain(office)
    broken["total"] = "a lot"
    result = office.run()
    assert office.standing("invoices", broken["id"]) == ("held", "unknown-shape")
    assert office.invoice(broken["id"]) is None
    assert result.carried["invoices"][0] > 80
    assert result.exit_code == ExitCode.HELD


def test_a_refusal_holds_its_record_in_plain_words_with_the_vendors_beside(office: Office) -> None:
    row = first_plain(office)
    office.run("customers")
    card = next(one for one in office.world.company.customers if one.number == f"ST{row['customer']['id']}")
    card.privacy_blocked = True
    result = office.run("invoices")
    with State.open_scratch(office.state_file) as state:
        record = state.inbox.find("invoices", str(row["id"]))
    assert record is not None
    assert record.reason is not None
    assert (record.state, record.attempts) == ("held", 1)
    assert "blocked" in record.reason.message.lower()
    assert "CorrelationId" in record.reason.note
    assert result.carried["invoices"][0] > 80


def test_a_record_that_is_refused_again_and_again_is_dead_until_somebody_replays_it(office: Office) -> None:
    row = first_plain(office)
    office.run("customers")
    card = next(one for one in office.world.company.customers if one.number == f"ST{row['customer']['id']}")
    card.privacy_blocked = True
    for _ in range(6):
        office.run("invoices")
    assert office.standing("invoices", row["id"])[0] == "dead"
    card.privacy_blocked = False
    office.run("invoices")
    assert office.invoice(row["id"]) is None
    with State.open(office.state_file) as state:
        assert state.inbox.replay(kind="invoices", source_id=str(row["id"])) == 1
    office.run("invoices")
    assert office.invoice(row["id"]).posted


def test_the_missing_lines_of_the_mapping_settle_what_was_held(posted: Office) -> None:
    held = posted.world.demo.scenarios["unmapped_account"] + posted.world.demo.scenarios["unmapped_payment_type"]
    found = {posted.standing(kind, one) for kind, one in held}
    assert ("held", "mapping-missing") in found
    assert {state for state, _ in found} <= {"held", "waiting", "settled"}
    for table in ("accounts", "payment_types"):
        line = next(one for one in fix().splitlines() if ("4600" in one) == (table == "accounts") and ": " in one)
        posted.edit_config(
            f"  {table}:\n", f"  {table}:\n{line if line.startswith('    ') else '    ' + line.strip()}\n"
        )
    add_missing_dimension_value(posted.world.company)
    posted.run()
    posted.run()
    assert {posted.standing(kind, one)[0] for kind, one in held} == {"settled"}
    unit = posted.world.demo.scenarios["unmapped_business_unit"]
    assert {posted.standing(kind, one)[0] for kind, one in unit} == {"settled"}


def test_wrong_secrets_name_the_system_and_touch_nothing(office: Office) -> None:
    office.monkeypatch.setenv("STSYNC_BC_CLIENT_SECRET", "not-the-secret")
    with pytest.raises(CredentialsError, match=r"Business Central|Entra"):
        office.run()
    office.monkeypatch.setenv("STSYNC_BC_CLIENT_SECRET", office.world.secrets["STSYNC_BC_CLIENT_SECRET"])
    office.monkeypatch.setenv("STSYNC_SERVICETITAN_CLIENT_SECRET", "not-the-secret")
    with pytest.raises(CredentialsError, match="ServiceTitan"):
        office.run()
    assert office.writes() == []


def test_a_system_that_is_down_spends_nobodys_attempts(office: Office) -> None:
    office.monkeypatch.setattr("time.sleep", lambda _: None)
    rule = office.world.sandbox.faults.add(
        faults.unavailable(0), system="business_central", path=r"/\$batch|/accounts", count=None
    )
    with pytest.raises(SystemUnavailable):
        office.run()
    assert rule.fired
    with State.open_scratch(office.state_file) as state:
        assert all(row.attempts == 0 for row in state.inbox.rows("invoices", ("pending", "held", "waiting", "dead")))
        assert state.runs.last(1)[0].exit_code == ExitCode.UNAVAILABLE


def test_a_second_run_on_the_same_state_says_who_holds_it(office: Office) -> None:
    with RunLock(office.state_file, command="stsync sync"), pytest.raises(LockHeld) as held:
        office.run()
    assert "stsync sync" in held.value.message + str(held.value.context)


def test_a_state_file_serves_one_pair_of_systems_only(office: Office) -> None:
    office.run("customers", limit=1)
    office.edit_config(office.world.company.id, "00000000-0000-0000-0000-000000000001")
    with pytest.raises(StateError, match="belongs"):
        office.run()


def test_only_one_invoice_goes_with_its_customer_and_nothing_else(office: Office) -> None:
    row = first_plain(office)
    office.run("invoices", only=str(row["referenceNumber"]))
    assert [one.external_document_number for one in office.world.company.invoices] == [f"ST-{row['id']}"]
    assert f"ST{row['customer']['id']}" in {one.number for one in office.world.company.customers}


def test_a_limit_leaves_the_rest_for_the_next_run(office: Office) -> None:
    office.run("invoices", limit=3)
    assert len(list(office.world.company.invoices)) == 3
    office.run("invoices", limit=3)
    assert len(list(office.world.company.invoices)) == 6


def test_reading_again_from_a_day_sends_nothing_twice(posted: Office) -> None:
    posted.world.sandbox.log.clear()
    posted.run(since=date(2026, 6, 1))
    assert posted.writes() == []


def test_a_lost_state_file_leads_to_no_duplicate(posted: Office, another: Callable[[Office, str], Office]) -> None:
    invoices = len(list(posted.world.company.invoices))
    entries = len(list(posted.world.company.gl_entries))
    cards = len(list(posted.world.company.customers))
    assert min(invoices, entries, cards) > 80
    second = another(posted, "new-laptop")
    second.world.sandbox.log.clear()
    second.run()
    assert len(list(posted.world.company.invoices)) == invoices
    assert len(list(posted.world.company.gl_entries)) == entries
    assert len(list(posted.world.company.customers)) == cards


def test_drafts_and_journal_lines_are_left_for_a_person_when_posting_is_off(office: Office) -> None:
    office.edit_config("payments:\n", "payments:\n  post: false\n")
    office.edit_config("invoices:\n", "invoices:\n  post: false\n")
    office.run()
    assert {one.posted for one in office.world.company.invoices} == {False}
    office.world.sandbox.log.clear()
    office.run()
    assert office.writes() == []
    office.edit_config("invoices:\n  post: false\n", "invoices:\n")
    office.run()
    assert sum(one.posted for one in office.world.company.invoices) > 80
    lines = [one for one in office.world.company.journal_lines if one.account_number]
    assert lines
    assert not [one for one in office.world.company.customer_ledger if one.document_type == "Payment"]
    office.world.sandbox.log.clear()
    office.run()
    assert office.writes() == []
    office.edit_config("  post: false\n", "")
    office.run()
    assert not [one for one in office.world.company.journal_lines if one.account_number]


def test_business_centrals_own_tax_must_agree_or_nothing_is_posted(office: Office) -> None:
    office.edit_config("    method: line\n", "    method: business_central\n    taxable_code: TAXABLE\n")
    office.world.company.add_tax_group("TAXABLE", "Taxable")
    office.run("invoices")
    for row in office.world.tenant.invoices.values():
        invoice = office.invoice(row["id"])
        if invoice is not None and invoice.posted:
            assert Decimal(str(invoice.total)) == Decimal(row["total"])
        elif invoice is not None:
            assert office.standing("invoices", row["id"]) == ("held", "draft-differs")


def test_a_foreign_line_in_our_journal_is_never_posted(office: Office) -> None:
    office.edit_config("payments:\n", "payments:\n  post: false\n")
    office.run()
    journal = next(one for one in office.world.company.journals if one.code == "ST-CHECK")
    stranger = next(one for one in office.world.company.lines_in(journal) if one.document_number.startswith("ST-P"))
    stranger.document_number = "G00017"
    office.edit_config("  post: false\n", "")
    office.run()
    assert not [one for one in office.world.company.gl_entries if one.document_number == "G00017"]
    assert [one.document_number for one in office.world.company.lines_in(journal) if one.document_number == "G00017"]


def test_the_guard_refuses_before_anything_is_written(office: Office) -> None:
    office.edit_config("invoices:\n", "limits:\n  documents_per_run: 5\ninvoices:\n")
    with pytest.raises(GuardError) as refused:
        office.run()
    assert refused.value.reference == "too-many-documents"
    assert office.writes() == []
    office.run("invoices", allowed=Allowed(over_limit=True))
    assert len(list(office.world.company.invoices)) > 80


def test_a_changed_go_live_date_has_to_be_meant(office: Office) -> None:
    office.run("invoices", limit=1)
    office.edit_config("go_live: 2026-05-01", "go_live: 2026-06-15")
    with pytest.raises(GuardError):
        office.run()
    office.run(allowed=Allowed(go_live_changed=True))


def test_a_batch_that_the_tenant_refuses_is_replaced_by_single_reads(office: Office) -> None:
    office.world.environment.switches.batch_enabled = False
    assert office.run("invoices").carried["invoices"][0] > 80


def test_a_default_dimension_of_the_customer_does_not_stop_the_line(office: Office) -> None:
    row = first_plain(office)
    office.run("customers")
    company = office.world.company
    card = next(one for one in company.customers if one.number == f"ST{row['customer']['id']}")
    company.add_default_dimension(card, "DEPARTMENT", "COMM", "")
    office.run("invoices")
    invoice = office.invoice(row["id"])
    assert invoice.posted
    income = [one for one in office.gl(invoice.number, "Invoice") if one.account_number.startswith("40")]
    wanted = {item["businessUnit"]["name"] for item in row["items"]}
    assert income
    assert {one.dimensions["DEPARTMENT"] for one in income} != {"COMM"} or wanted == {"Commercial Services"}


def test_another_company_behind_the_id_stops_the_run(office: Office) -> None:
    office.edit_config(COMPANY, 'company_name: "Somebody Else Inc"')
    for dry_run in (True, False):
        with pytest.raises(UsageError) as refused:
            office.run(dry_run=dry_run)
        assert refused.value.reference == "company-differs"
    assert office.writes() == []


def test_a_preview_over_a_brake_shows_its_plan_and_names_the_brake(office: Office) -> None:
    office.edit_config("invoices:\n", "limits:\n  documents_per_run: 5\ninvoices:\n")
    result = office.run(dry_run=True)
    assert result.brake is not None
    assert result.exit_code == ExitCode.GUARD
    assert len(list(result.plan.operations())) > 100


def test_a_tenant_whose_invoices_stay_pending_can_choose_that_status(office: Office) -> None:
    row = first_plain(office)
    row["syncStatus"] = "Pending"
    office.edit_config("invoices:\n", "invoices:\n  status: Pending\n")
    office.run("invoices", only=str(row["id"]))
    assert office.invoice(row["id"]).posted


def test_a_period_closed_for_our_own_user_costs_no_record_an_attempt(office: Office) -> None:
    # Business Central shows the company's dates only; a user's narrower ones come out when it refuses.
    client = office.world.secrets["STSYNC_BC_CLIENT_ID"]
    office.world.company.settings.user_posting_windows[client] = (date(2026, 7, 1), None)
    result = office.run()
    with State.open_scratch(office.state_file) as state:
        held = [row for kind in ("invoices", "payments") for row in state.inbox.rows(kind, ("held",))]
    closed = [row for row in held if row.reason and row.reason.reference == "posting-date-closed"]
    assert len(closed) > 80
    assert {row.attempts for row in closed} == {0}
    assert not result.carried.get("invoices")
    office.world.company.settings.user_posting_windows.clear()
    assert office.run().carried["invoices"][0] > 80


def test_a_feed_that_broke_off_is_remembered_until_its_end_was_reached(office: Office) -> None:
    """What a tie-out counts is what was read: half a feed must not look like a whole one."""
    office.world.tenant.switches.export_page_size = 40
    broken = {"system": "servicetitan_api", "method": "GET", "path": "export/invoices"}
    office.world.sandbox.faults.add(faults.HTML_500, **broken, nth=2, count=None)
    with pytest.raises(SystemUnavailable):
        office.run("invoices")
    with State.open_scratch(office.state_file) as state:
        assert state.cursors.read_at("invoices") is not None
        assert state.cursors.broken_off("invoices")
    office.world.sandbox.faults.clear()
    office.run("invoices")
    with State.open_scratch(office.state_file) as state:
        assert not state.cursors.broken_off("invoices")
