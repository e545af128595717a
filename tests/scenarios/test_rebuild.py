"""`stsync state rebuild`: the links of a lost state file, from the two systems alone. The books are read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from office import Office
from test_after_posting import corrected, drifted, everything, later, typed
from test_corrections import ending, paid_invoice

from stsync.core.links import link
from stsync.state import State


def rebuilt(office: Office, *options: str) -> dict[str, Any]:
    """Rebuild as a person would; neither system may be written to."""
    office.world.sandbox.log.clear()
    told: dict[str, Any] = json.loads(typed(office, "state", "rebuild", "--json", *options).stdout)
    assert "error" not in told, told
    assert office.writes() == []
    return told


def links(office: Office) -> dict[tuple[str, str], tuple[str, str, bool]]:
    """Every counterpart that the state file knows."""
    found = {}
    with State.open_scratch(office.state_file) as state:
        for kind in ("customers", "invoices", "credit_memos", "payments", "pricebook", "write_backs"):
            ids = {row.source_id for row in state.ledger.links(kind)}
            for source_id, rows in state.ledger.by_sources(kind, ids).items():
                known = link(rows)
                if known.exists and (kind != "payments" or source_id.isdigit()):
                    # A payment line's own id is gone with its posting; what counts is that it is posted.
                    target = "" if kind == "payments" else known.id
                    found[kind, source_id] = (target, "" if kind == "payments" else known.number, known.posted)
    return found


def lose(office: Office) -> None:
    office.state_file.unlink()


def invoices_of(known: dict[tuple[str, str], Any]) -> list[str]:
    return [source_id for kind, source_id in known if kind == "invoices"]


def test_every_link_comes_back_and_the_next_sync_writes_nothing(posted: Office) -> None:
    before, books, known = ending(posted), everything(posted), links(posted)
    lose(posted)
    told = rebuilt(posted)
    assert not list(posted.state_file.parent.glob("*rebuilding*"))
    again = links(posted)
    assert again == known
    assert told["linked"]["invoices"]["count"] == len(invoices_of(known))
    assert told["not_told"] == []
    assert told["changed_since"] == []
    assert drifted(posted, "--all")["drifted"] == {}
    assert ending(posted) == before
    posted.run()
    assert posted.writes() == []
    assert everything(posted) == books
    life = typed(posted, "trace", "invoice", invoices_of(known)[0]).stdout
    assert "rebuilt from the two systems" in life


def test_marks_that_servicetitan_shows_are_not_told_again(office: Office) -> None:
    office.edit_config(
        "pricebook:\n", "write_back:\n  invoices: yes\n  credit_memos: yes\n  payments: yes\npricebook:\n"
    )
    office.run()
    known = links(office)
    lose(office)
    rebuilt(office)
    assert links(office) == known
    office.run()
    assert office.writes() == []


def test_corrections_come_back_as_such(posted: Office) -> None:
    source_id, _ = paid_invoice(posted)
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    assert corrected(posted, source_id).exit_code == 0
    before, known = ending(posted), links(posted)
    lose(posted)
    told = rebuilt(posted)
    assert told["corrections"] == 1
    assert links(posted)["invoices", source_id] == known["invoices", source_id]
    assert posted.standing("invoices", source_id) == ("settled", "to_apply")
    assert drifted(posted, "--all")["drifted"] == {}
    assert ending(posted) == before


def test_what_changed_after_posting_is_drift_as_before(posted: Office) -> None:
    edited, voided = later(posted, "invoice_edited"), later(posted, "invoice_voided")
    payment = later(posted, "payment_voided")
    posted.run()
    assert {edited, voided, payment} <= set(drifted(posted, "--all")["drifted"])
    known = links(posted)
    lose(posted)
    told = rebuilt(posted)
    assert {one["id"] for one in told["changed_since"]} == {edited, voided, payment}
    assert links(posted) == known
    assert {edited, voided, payment} <= set(drifted(posted, "--all")["drifted"])
    assert posted.standing("invoices", edited) == ("held", "changed-after-posting")
    # What the edited one said when it was posted is not known any more: the tie-out names it instead of explaining it.
    assert "Documents named above: 1 in Business Central not as in ServiceTitan" in ending(posted)
    posted.run()
    assert posted.writes() == []


def test_a_card_that_a_person_linked_is_told_by_its_documents(posted: Office) -> None:
    """The state file alone knew of it: the card's number says nothing of the customer."""
    _, invoice = paid_invoice(posted)
    customer = invoice.customer_number.removeprefix("ST")
    card = next(one for one in posted.world.company.customers if one.number == invoice.customer_number)
    card.number = "C00042"
    for document in posted.world.company.invoices:
        if document.customer_number == f"ST{customer}":
            document.customer_number = "C00042"
    lose(posted)
    rebuilt(posted)
    assert links(posted)["customers", customer][1] == "C00042"
    posted.run()
    assert posted.writes() == []


def test_a_state_file_that_holds_something_is_left_alone_without_force(posted: Office) -> None:
    content = posted.state_file.read_bytes()
    told = typed(posted, "state", "rebuild")
    assert told.exit_code == 2
    assert "state-holds-something" in told.stderr
    assert posted.state_file.read_bytes() == content
    found = rebuilt(posted, "--force")
    aside = posted.state_file.parent / found["replaced"]
    assert aside.read_bytes() == content


def test_a_rebuilding_that_stops_half_way_leaves_the_former_file(posted: Office) -> None:
    from stsync.sandbox import faults

    content = posted.state_file.read_bytes()
    posted.world.sandbox.faults.add(faults.HTML_500, system="business_central", path=r"batch|salesInvoices", count=None)
    assert typed(posted, "state", "rebuild", "--force").exit_code == 69
    assert posted.state_file.read_bytes() == content
    assert not list(posted.state_file.parent.glob("*.rebuilding*"))
