"""One bad line in a journal must not keep the others out of the books, and lines that are not ours are never posted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from test_engine_faults import few_days
from test_two_machines import Moment

from stsync.sandbox.businesscentral.core.document_records import JournalLine

ON = date(2026, 6, 29)
BANK = "10500"


@pytest.fixture
def sixty(office: Office) -> tuple[Office, list[int], int]:
    """Sixty receipts of one type by sixty-odd customers, all in one journal and one posting, and nothing else."""
    few_days(office)
    tenant = office.world.tenant
    customers = [one for one, row in sorted(tenant.customers.items()) if row["active"] and not row["mergedToId"]]
    kind = next(int(row["typeId"]) for row in tenant.payments.values() if row["type"] == "Check")
    office.run()
    made = [
        tenant.take_payment(
            customers[place % len(customers)], Decimal(place + 1), type_id=kind, on=ON, syncStatus="Posted"
        )
        for place in range(60)
    ]
    return office, made, kind


def booked(office: Office, payment: int) -> list[Decimal]:
    return [-one.amount for one in office.world.company.customer_ledger if one.document_number == f"ST-P{payment}"]


def block(office: Office, payments: list[int], *, blocked: bool = True) -> None:
    """For privacy: Business Central's interface does not show that, and refuses at posting."""
    for payment in payments:
        number = f"ST{office.world.tenant.payments[payment]['customer']['id']}"
        office.world.company.customers.first("number", number).privacy_blocked = blocked


def standing_lines(office: Office) -> list[str]:
    return [one.document_number for one in office.world.company.journal_lines if one.account_number]


@pytest.mark.parametrize("places", [(17,), (0, 23, 59)], ids=["one", "several"])
def test_bad_lines_among_sixty_are_found_taken_out_and_held(
    sixty: tuple[Office, list[int], int], monkeypatch: pytest.MonkeyPatch, places: tuple[int, ...]
) -> None:
    office, payments, _ = sixty
    names = {office.world.tenant.payments[payments[one]]["customer"]["id"] for one in places}
    bad = [one for one in payments if office.world.tenant.payments[one]["customer"]["id"] in names]
    with monkeypatch.context() as watched:
        moment = Moment("action", "journals", 1)
        moment.watch(watched, lambda: block(office, bad))
        office.run("payments")
    assert moment.happened
    good = [one for one in payments if one not in bad]
    assert all(booked(office, one) == [Decimal(payments.index(one) + 1)] for one in good)
    assert [booked(office, one) for one in bad] == [[]] * len(bad)
    assert standing_lines(office) == []
    for one in bad:
        assert office.standing("payments", one) == ("held", "customer-privacy-blocked")
    block(office, bad, blocked=False)
    office.run("payments")
    assert [booked(office, one) for one in bad] == [[Decimal(payments.index(one) + 1)] for one in bad]


def refund(office: Office, payment: int, kind: int) -> int:
    return office.world.tenant.refund_payment(payment, Decimal("1.00"), type_id=kind, on=ON, syncStatus="Posted")


def test_a_bad_refund_does_not_keep_the_others_out_of_the_books(
    sixty: tuple[Office, list[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, payments, kind = sixty
    office.run("payments")
    refunds = [refund(office, one, kind) for one in payments[:6]]
    with monkeypatch.context() as watched:
        Moment("action", "journals", 1).watch(watched, lambda: block(office, refunds[2:3]))
        office.run("payments")
    assert [booked(office, one) for one in refunds] == [[Decimal("-1.00")]] * 2 + [[]] + [[Decimal("-1.00")]] * 3
    assert standing_lines(office) == []
    assert office.standing("payments", refunds[2]) == ("held", "customer-privacy-blocked")


def typed_in(office: Office, code: str) -> JournalLine:
    """A line that a person types into our journal."""
    company = office.world.company
    journal = next(one for one in company.journals if one.code == code)
    line = JournalLine(
        batch_id=journal.id, line_number=10_000, account_number=BANK, posting_date=ON, document_number="BY-HAND-7"
    )
    line.amount, line.balancing_account_number = Decimal("99.00"), "40100"
    line.account_type, line.document_type = "G/L Account", " "
    return company.journal_lines.insert(line)


def by_hand(office: Office) -> list[Any]:
    return [one for one in office.world.company.gl_entries if one.document_number == "BY-HAND-7"]


@pytest.mark.parametrize("general", [False, True], ids=["receipts", "refunds"])
def test_a_line_typed_into_our_journal_stops_that_journal_and_says_so(
    sixty: tuple[Office, list[int], int], monkeypatch: pytest.MonkeyPatch, general: bool
) -> None:
    """It is typed in while the run is at work: after the plan, before the posting."""
    office, payments, kind = sixty
    if general:
        office.run("payments")
        payments = [refund(office, one, kind) for one in payments[:3]]
    code = "STREFUND" if general else "ST-CHECK"
    lines = "journalLines" if general else "customerPayments"
    with monkeypatch.context() as watched:
        moment = Moment("create", lines, 2)
        moment.watch(watched, lambda: typed_in(office, code))
        office.run("payments")
    assert moment.happened
    assert by_hand(office) == []
    assert [booked(office, one) for one in payments] == [[]] * len(payments)
    assert office.standing("payments", payments[0]) == ("held", "foreign-lines-in-journal")
    line = next(one for one in office.world.company.journal_lines if one.document_number == "BY-HAND-7")
    office.world.company.journal_lines.delete(line)
    office.run("payments")
    assert all(len(booked(office, one)) == 1 for one in payments)
    assert by_hand(office) == []
