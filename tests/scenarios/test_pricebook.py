"""Business Central's items in the ServiceTitan pricebook: read from the tenant's own rows and the request log."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.engine.run import Result
from stsync.sandbox import faults
from stsync.state import State


@pytest.fixture
def pushed(posted: Office) -> Office:
    """An office whose pricebook was pushed once, with everything else."""
    return posted


KINDS = ("services", "materials", "equipment")


def material(office: Office, *, code: str = "") -> tuple[Any, dict[str, Any]]:
    """A stock item of Business Central and its material in ServiceTitan, in step with each other."""
    rows = {row["code"]: row for row in office.world.tenant.tables["materials"].values()}
    for item in office.world.company.items:
        row = rows.get(item.number)
        if row is not None and not item.blocked and row["cost"] == item.unit_cost and code in {"", item.number}:
            return item, row
    raise AssertionError("no material is in step")


def change(office: Office, item: Any, **values: Any) -> None:
    """What a person does on the item card."""
    for name, value in values.items():
        setattr(item, name, value)
    office.world.company.items.touch(item)


def edit(office: Office, row: dict[str, Any], **values: Any) -> None:
    """What a ServiceTitan user does in the pricebook."""
    row.update(values)
    office.world.tenant.touch("materials", row["id"])


def written(office: Office) -> list[tuple[str, Any]]:
    """Method and body of everything that ServiceTitan was told."""
    return [(one.method, json.loads(one.body, parse_float=Decimal)) for one in office.writes()]


def push(office: Office, *arguments: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False
    command = ["push-pricebook", *arguments, "--config", str(office.config)]
    return CliRunner().invoke(app, command, terminal_width=160)


def why(office: Office, item: Any) -> str:
    with State.open_scratch(office.state_file) as state:
        row = state.inbox.find("pricebook", item.id)
    assert row is not None
    assert row.reason is not None
    return row.reason.message


def test_the_preview_shows_each_field_before_and_after_and_the_run_writes_just_that(office: Office) -> None:
    preview = office.run("pricebook", dry_run=True)
    assert office.writes() == []
    promised = {
        (one.natural_key, name, one.before.get(name), value)
        for one in preview.plan.operations()
        if one.verb == "update"
        for name, value in one.body.items()
    }
    assert promised
    rows = {row["code"]: row for kind in KINDS for row in _rows(office, kind)}
    assert all(before == rows[code][name] for code, name, before, _ in promised if name in {"cost", "active"})
    office.run("pricebook")
    assert all(rows[code][name] == after for code, name, _, after in promised)


def test_the_terminal_shows_the_value_before_and_the_value_after(pushed: Office) -> None:
    item, row = material(pushed)
    change(pushed, item, unit_cost=row["cost"] + 1)
    shown = push(pushed, "--dry-run").output
    line = next(one for one in shown.splitlines() if item.number in one and " cost " in one and "update" not in one)
    assert str(row["cost"]).rstrip("0") in line
    assert str(row["cost"] + 1).rstrip("0") in line
    assert pushed.writes() == []


def test_what_was_changed_in_business_central_alone_is_written(pushed: Office) -> None:
    item, row = material(pushed)
    new = row["cost"] + Decimal("0.50")
    change(pushed, item, unit_cost=new)
    pushed.run("pricebook")
    assert written(pushed) == [("PATCH", {"cost": new})]
    assert row["cost"] == new


def test_an_edit_made_in_servicetitan_stays_while_the_item_is_as_it_was(pushed: Office) -> None:
    item, row = material(pushed)
    edit(pushed, row, cost=row["cost"] + 7)
    change(pushed, item, display_name=f"{item.display_name} II")
    pushed.run("pricebook")
    assert [sorted(body) for _, body in written(pushed)] == [["description", "displayName"]]
    assert row["cost"] == item.unit_cost + 7


def test_a_field_changed_on_both_sides_is_held_with_all_three_values(pushed: Office) -> None:
    item, row = material(pushed)
    agreed = row["cost"]
    edit(pushed, row, cost=agreed + 1)
    change(pushed, item, unit_cost=agreed + 2)
    pushed.run("pricebook")
    assert pushed.writes() == []
    assert pushed.standing("pricebook", item.id) == ("held", "changed-in-pricebook")
    for value in (agreed, agreed + 1, agreed + 2):
        assert str(value).rstrip("0").rstrip(".") in why(pushed, item)


def test_overwrite_lets_business_central_win_for_that_code_alone(pushed: Office) -> None:
    item, row = material(pushed)
    other, other_row = next(
        pair
        for one in pushed.world.company.items
        if one.number != item.number and one.type == item.type
        for pair in [_in_step(pushed, one.number)]
        if pair is not None
    )
    for one, sku in ((item, row), (other, other_row)):
        edit(pushed, sku, cost=sku["cost"] + 1)
        change(pushed, one, unit_cost=sku["cost"] + 2)
    pushed.run("pricebook")
    assert pushed.writes() == []
    assert push(pushed, "--only", item.number, "--overwrite").exit_code == 3
    assert written(pushed) == [("PATCH", {"cost": item.unit_cost})]
    assert pushed.standing("pricebook", other.id) == ("held", "changed-in-pricebook")


def _in_step(office: Office, code: str) -> tuple[Any, dict[str, Any]] | None:
    try:
        return material(office, code=code)
    except AssertionError:
        return None


def test_overwrite_also_takes_back_an_edit_that_was_left_standing(pushed: Office) -> None:
    item, row = material(pushed)
    edit(pushed, row, cost=row["cost"] + 7)
    assert push(pushed, "--only", item.number.lower(), "--overwrite").exit_code in {0, 3}
    assert row["cost"] == item.unit_cost
    assert pushed.standing("pricebook", item.id) == ("settled", "updated")


def test_overwrite_without_a_code_does_nothing(pushed: Office) -> None:
    refused = push(pushed, "--overwrite")
    assert refused.exit_code == 2
    assert "overwrite-without-only" in refused.output
    assert pushed.requests() == 0


def test_a_cost_that_leaps_is_held_until_a_person_names_it(pushed: Office) -> None:
    item, row = material(pushed)
    before = row["cost"]
    change(pushed, item, unit_cost=before * 2)
    pushed.run("pricebook")
    assert pushed.standing("pricebook", item.id) == ("held", "price-change-beyond-limit")
    assert row["cost"] == before
    push(pushed, "--only", item.number, "--overwrite")
    assert row["cost"] == before * 2


def test_the_sales_price_is_left_alone_unless_it_was_chosen(pushed: Office) -> None:
    item, row = material(pushed)
    price = row["price"]
    change(pushed, item, unit_price=price + 1)
    pushed.run("pricebook")
    assert pushed.writes() == []
    pushed.edit_config("pricebook:\n", "pricebook:\n  fields: [description, cost, price, active]\n")
    change(pushed, item, unit_price=price + 2)
    pushed.run("pricebook")
    assert row["price"] == price + 2


def test_a_blocked_item_becomes_inactive_and_comes_back_and_nothing_is_ever_deleted(pushed: Office) -> None:
    item, row = material(pushed)
    change(pushed, item, blocked=True)
    pushed.run("pricebook")
    assert row["active"] is False
    change(pushed, item, blocked=False)
    pushed.run("pricebook")
    assert row["active"] is True
    assert [method for method, _ in written(pushed)] == ["PATCH", "PATCH"]


def test_an_entry_that_was_retired_in_servicetitan_stays_retired(office: Office) -> None:
    item, row = material(office)
    edit(office, row, active=False)
    office.run("pricebook")
    change(office, item, unit_cost=row["cost"] + Decimal("0.10"))
    office.run("pricebook")
    assert row["active"] is False
    assert row["cost"] == item.unit_cost


def test_a_sales_text_written_in_servicetitan_survives_the_first_push_and_a_new_name(office: Office) -> None:
    item, row = material(office)
    edit(office, row, description="<p>The <b>best</b> part in town</p>")
    office.run("pricebook")
    change(office, item, display_name="Renamed part")
    office.run("pricebook")
    assert row["description"] == "<p>The <b>best</b> part in town</p>"
    assert row["displayName"] == "Renamed part"


def test_a_new_item_becomes_an_entry_of_the_kind_its_rule_says(office: Office) -> None:
    before = {kind: set(office.world.tenant.tables[kind]) for kind in ("services", "materials", "equipment")}
    office.run("pricebook")
    new = {
        row["code"]: kind
        for kind, known in before.items()
        for row in office.world.tenant.tables[kind].values()
        if row["id"] not in known
    }
    assert new
    types = {item.number: (item.type, item.category_code) for item in office.world.company.items}
    for code, kind in new.items():
        item_type, category = types[code]
        expected = "services" if item_type == "Service" else "equipment" if category == "EQUIP" else "materials"
        assert kind == expected


def test_a_code_that_another_kind_uses_is_held_and_nothing_is_made_twice(office: Office) -> None:
    item, row = material(office)
    service = next(iter(office.world.tenant.tables["services"].values()))
    service["code"] = item.number.lower()
    office.run("pricebook")
    assert office.standing("pricebook", item.id) == ("held", "pricebook-code-conflict")
    assert str(row["id"]) in why(office, item)
    assert str(service["id"]) in why(office, item)


def test_an_entry_that_was_given_another_code_is_not_made_a_second_time(pushed: Office) -> None:
    item, row = material(pushed)
    edit(pushed, row, code="RENAMED-1")
    change(pushed, item, unit_cost=row["cost"] + Decimal("0.10"))
    pushed.run("pricebook")
    assert pushed.writes() == []
    assert pushed.standing("pricebook", item.id) == ("held", "pricebook-code-changed")
    assert "RENAMED-1" in why(pushed, item)


@pytest.mark.parametrize("fault", [faults.DROP_ANSWER, faults.GATEWAY_TIMEOUT_AFTER_HANDLING, faults.DROP])
def test_an_entry_whose_answer_was_lost_is_looked_up_by_its_code(office: Office, fault: Any) -> None:
    before = _codes(office)
    office.world.sandbox.faults.add(fault, system="servicetitan_api", method="POST", path=r"/pricebook/", nth=1)
    office.run("pricebook")
    office.world.sandbox.faults.clear()
    office.run("pricebook")
    new = _codes(office) - before
    assert new
    assert set(new.values()) == {1}
    assert {item.number for item in office.world.company.items if not item.blocked} <= set(before + new)


def _codes(office: Office) -> Counter[str]:
    return Counter(row["code"] for kind in KINDS for row in _rows(office, kind))


def _rows(office: Office, kind: str) -> list[dict[str, Any]]:
    return list(office.world.tenant.tables[kind].values())


def test_an_item_that_servicetitan_refused_is_tried_again_by_the_next_run(pushed: Office) -> None:
    item, row = material(pushed)
    change(pushed, item, unit_cost=item.unit_cost + Decimal("0.10"))
    envelope = {"type": "", "title": "Conflict", "status": 409, "traceId": "t", "errors": {}, "data": {}}
    pushed.world.sandbox.faults.add(faults.answer(409, envelope), method="PATCH", path="/materials/")
    pushed.run("pricebook")
    assert pushed.standing("pricebook", item.id) == ("held", "in-conflict")
    pushed.run("pricebook")
    assert row["cost"] == item.unit_cost
    assert pushed.standing("pricebook", item.id) == ("settled", "updated")


def test_a_change_whose_answer_was_lost_is_no_edit_of_somebody_else(pushed: Office) -> None:
    item, row = material(pushed)
    change(pushed, item, unit_cost=row["cost"] + 1)
    pushed.world.sandbox.faults.add(faults.DROP_ANSWER, system="servicetitan_api", method="PATCH", path="/pricebook/")
    pushed.run("pricebook")
    pushed.world.sandbox.faults.clear()
    change(pushed, item, unit_cost=item.unit_cost + Decimal("0.25"))
    result: Result = pushed.run("pricebook")
    assert row["cost"] == item.unit_cost
    assert result.in_doubt == 0


def test_only_chosen_fields_are_sent_one_entry_at_a_time_and_never_null(office: Office) -> None:
    office.run("pricebook")
    requests = [one for one in office.writes() if one.method == "PATCH"]
    assert requests
    own = {"displayName", "description", "cost", "active"}
    for request in requests:
        body = json.loads(request.body)
        assert set(body) <= own
        assert None not in body.values()
        assert request.target.rsplit("/", 1)[1].isdigit(), "a bulk PATCH replaces whole rows (trap 29)"


def test_what_an_item_has_between_angle_brackets_reaches_the_pricebook(pushed: Office) -> None:
    item, row = material(pushed)
    change(pushed, item, display_name="Filter <16x20> & frame")
    pushed.run("pricebook")
    assert row["displayName"] == "Filter <16x20> & frame"
    assert row["description"] == "Filter &lt;16x20&gt; &amp; frame"
    change(pushed, item)
    pushed.world.sandbox.log.clear()
    pushed.run("pricebook")
    assert pushed.writes() == []
    change(pushed, item, display_name="Filter <20x20> & frame")
    pushed.run("pricebook")
    assert row["description"] == "Filter &lt;20x20&gt; &amp; frame"


def test_a_code_that_no_item_has_is_told_in_the_words_of_items(office: Office) -> None:
    told = push(office, "--only", "NOPE")
    assert told.exit_code == 2
    assert "the item's number" in told.output


def test_an_item_that_was_given_another_items_code_overwrites_nothing_unseen(pushed: Office) -> None:
    item, row = material(pushed)
    rows = pushed.world.tenant.tables["materials"]
    new = {**row, "id": max(rows) + 1, "code": "OFFICE-OWN", "displayName": "Kept by the office", "active": True}
    rows.seed([new])
    change(pushed, item, number="OFFICE-OWN")
    pushed.run("pricebook")
    assert pushed.writes() == []
    assert pushed.standing("pricebook", item.id) == ("held", "pricebook-code-changed")
    assert str(new["id"]) in why(pushed, item)
    push(pushed, "--only", "OFFICE-OWN", "--overwrite")
    assert rows[new["id"]]["displayName"] == item.display_name
