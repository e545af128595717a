"""Every case of a correction, decided without any system: what is taken back, what is left alone, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stsync.core.links import Link
from stsync.core.plan import Standing, act, settle
from stsync.core.snapshot import BookInvoice, Snapshot
from stsync.core.source.invoice import Invoice
from stsync.stages.correction import (
    CreditMemo,
    InBooks,
    described,
    is_of_stsync,
    plan,
    unless_cancelled_there,
    without_ended,
)
from stsync.stages.invoices import fingerprint

ON = date(2026, 6, 10)
FOUND = BookInvoice("id-1", "PS-1", "ST7", Decimal(110), "Open", True, ON, remaining=Decimal(110))
OPEN = Snapshot(posting_from=date(2026, 6, 1))


def invoice(**more: Any) -> Invoice:
    item = {"id": 1, "displayName": "Repair", "quantity": "1", "price": "110.00", "total": "110.00"}
    row = {"id": 9, "referenceNumber": "1009", "syncStatus": "Posted", "invoiceDate": "2026-06-10T00:00:00Z"}
    amounts = {"subTotal": "110.00", "salesTax": "0.00", "total": "110.00"}
    return Invoice.parse({**row, **amounts, "customer": {"id": 7, "name": "Ann"}, "items": [item], **more})


EDITED = invoice(total="120.00", subTotal="120.00")
VOIDED = invoice(active=False)
LINK = Link(id="id-1", number="PS-1", fingerprint=fingerprint(invoice()), posted=True, revision=2)


def test_an_unpaid_invoice_is_cancelled_under_a_key_of_its_own() -> None:
    taken = plan(EDITED, LINK, InBooks(FOUND), OPEN)
    (operation,) = taken.operations
    assert (operation.key, operation.verb, operation.target) == ("invoices:9:cancel:2", "cancel", "id-1")
    assert (operation.facts["noted"], taken.anew) == (False, True)


def test_a_voided_invoice_is_not_made_anew() -> None:
    assert plan(VOIDED, LINK, InBooks(FOUND), OPEN).anew is False


def test_what_a_person_cancelled_is_only_noted() -> None:
    (operation,) = plan(invoice(), LINK, InBooks(replace(FOUND, status="Canceled")), OPEN).operations
    assert operation.facts["noted"] is True


@pytest.mark.parametrize(
    ("there", "snapshot", "reference"),
    [
        (InBooks(None), OPEN, "posted-document-missing"),
        (InBooks(FOUND, [CreditMemo("CM-1", "Draft", Decimal(110))]), OPEN, "credit-memo-in-the-way"),
        (InBooks(FOUND, [CreditMemo("CM-1", "Paid", Decimal(30))]), OPEN, "credited-by-hand"),
        (
            InBooks(replace(FOUND, remaining=Decimal(0)), [CreditMemo("CM-1", "Paid", Decimal(110))]),
            OPEN,
            "credited-by-hand",
        ),
    ],
)
def test_what_cannot_be_taken_back_is_left_alone_with_its_reason(
    there: InBooks, snapshot: Snapshot, reference: str
) -> None:
    taken = plan(EDITED, LINK, there, snapshot)
    assert taken.operations == ()
    assert taken.reason is not None
    assert taken.reason.reference == reference


@pytest.mark.parametrize(
    ("found", "snapshot"),
    [
        (replace(FOUND, remaining=Decimal(10)), OPEN),
        (replace(FOUND, remaining=Decimal(0), status="Paid"), OPEN),
        (FOUND, Snapshot(posting_from=date(2026, 7, 1))),
    ],
)
def test_what_business_central_does_not_cancel_is_left_to_a_credit_memo(found: BookInvoice, snapshot: Snapshot) -> None:
    taken = plan(EDITED, LINK, InBooks(found), snapshot)
    assert taken.by_memo
    (end,) = taken.operations
    assert end.facts["noted"] is True


def test_an_invoice_below_zero_is_corrected_by_a_person() -> None:
    reason = plan(EDITED, replace(LINK, entity="salesCreditMemos"), InBooks(None), OPEN).reason
    assert reason is not None
    assert reason.reference == "correct-credit-by-hand"


def test_a_credit_memo_that_our_own_failed_cancel_posted_counts_as_the_cancellation() -> None:
    there = InBooks(
        replace(FOUND, remaining=Decimal(0), status="Paid"), [CreditMemo("CM-1", "Paid", Decimal(110))], True
    )
    (operation,) = plan(EDITED, LINK, there, OPEN).operations
    assert operation.facts["noted"] is True


def test_an_invoice_that_did_not_change_is_not_touched() -> None:
    for link in (LINK, Link()):
        taken = plan(invoice(), link, InBooks(FOUND), OPEN)
        assert taken.reason is not None
        assert taken.reason.reference == "nothing-to-correct"


def test_a_correction_that_was_interrupted_only_has_to_make_it_anew() -> None:
    taken = plan(EDITED, Link(revision=3, ended=frozenset({"id-1"})), InBooks(None), OPEN)
    assert (taken.operations, taken.reason, taken.anew) == ((), None, True)


def test_former_counterparts_stand_for_nothing() -> None:
    cancelled, other = replace(FOUND, status="Canceled"), replace(FOUND, id="id-2")
    snapshot = Snapshot(invoices={"ST-9": (cancelled, FOUND, other), "ST-8": (FOUND,)})
    kept = without_ended(snapshot, "ST-9", Link(ended=frozenset({"id-1"})))
    assert kept.invoices == {"ST-9": (other,), "ST-8": (FOUND,)}
    assert without_ended(snapshot, "ST-8", Link()) is snapshot


def test_a_former_credit_memo_stands_for_nothing_either() -> None:
    memo = replace(FOUND, entity="salesCreditMemos", total=Decimal(-110), remaining=None)
    snapshot = Snapshot(credit_memos={"ST-9": (memo, replace(memo, id="id-2"))})
    assert [one.id for one in without_ended(snapshot, "ST-9", Link(ended=frozenset({"id-1"}))).documents("ST-9")] == [
        "id-2"
    ]


def test_only_a_person_overrules_a_cancellation_in_business_central() -> None:
    wanted = act("invoices", "9", described(invoice()), [], outcome="posted")
    cancelled = replace(FOUND, status="Canceled")
    held = unless_cancelled_there(wanted, [cancelled], Link())
    assert held.standing == Standing.HOLD
    assert held.reason is not None
    assert held.reason.reference == "cancelled-in-business-central"
    assert unless_cancelled_there(wanted, [cancelled], Link(ended=frozenset({"id-1"}))) is wanted
    assert unless_cancelled_there(wanted, [cancelled, replace(FOUND, id="id-2")], Link()) is wanted
    quiet = settle("invoices", "9", described(invoice()), "not_ready")
    assert unless_cancelled_there(quiet, [cancelled], Link()) is quiet


@pytest.mark.parametrize(
    ("external", "ours"),
    [("ST-12", True), ("ST-C12", True), ("ST-9", False), ("", False), ("ST-9-X", False), ("12", False)],
)
def test_a_credit_memo_that_stsync_carried_is_told_from_one_made_by_hand(external: str, ours: bool) -> None:
    assert is_of_stsync(external, "ST-9") is ours
