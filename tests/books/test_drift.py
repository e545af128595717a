"""Drift, field by field: what counts as a change, how far it moves the books, and which remedy follows."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stsync.books.drift import Change, Drifted, Side, What
from stsync.books.drift_books import BookEntry, BookRow, InBooks, Posted, SentLine, document_changes, payment_changes
from stsync.books.drift_remedies import remedy
from stsync.books.drift_source import invoice_changes
from stsync.books.drift_source import payment_changes as source_payment_changes
from stsync.core.source.fields import Named
from stsync.core.source.invoice import Invoice, LineAccount
from stsync.core.source.payment import Payment
from stsync.reports.words import kind_named
from stsync.stages.invoices import fingerprint as invoice_print
from stsync.stages.payments import fingerprint as payment_print

JUNE = date(2026, 6, 10)
POSTED = Posted(
    "id-1", "PS-1", "ST7", Decimal("110.00"), JUNE, (SentLine("4000", Decimal("110.00"), {"DEPT": "HVAC"}),)
)
OWN = BookRow("id-1", "PS-1", "ST7", "Open", Decimal("110.00"), JUNE)
ENTRIES = (
    BookEntry("4000", Decimal("-110.00"), {"DEPT": "HVAC", "REGION": "WEST"}),
    BookEntry("1200", Decimal("110.00")),
)
AS_POSTED = InBooks((OWN,), (), ENTRIES)


def invoice(**more: Any) -> Invoice:
    item = {"id": 1, "displayName": "Repair", "quantity": "1", "price": "110.00", "total": "110.00", "skuName": "R"}
    row = {"id": 9, "referenceNumber": "1009", "syncStatus": "Posted", "invoiceDate": "2026-06-10T00:00:00Z"}
    amounts = {"subTotal": "110.00", "salesTax": "0.00", "total": "110.00"}
    return Invoice.parse({**row, **amounts, "customer": {"id": 7, "name": "Ann"}, "items": [item], **more})


def payment(*applied: tuple[int, str], total: str = "100.00", **more: Any) -> Payment:
    parts = [{"appliedTo": one, "appliedAmount": part, "appliedToReferenceNumber": f"#{one}"} for one, part in applied]
    row = {"id": 5, "referenceNumber": "P5", "syncStatus": "Posted", "date": "2026-06-11T00:00:00Z", "total": total}
    return Payment.parse({**row, "type": "Check", "typeId": "3", "appliedTo": parts, **more})


def said(changes: list[Change]) -> dict[str, Any]:
    return {one.field: one.what for one in changes}


def test_a_document_as_it_was_posted_shows_nothing() -> None:
    assert document_changes(POSTED, AS_POSTED) == []
    assert invoice_changes(invoice(), invoice()) == []


@pytest.mark.parametrize(
    ("there", "what", "effect"),
    [
        (replace(AS_POSTED, rows=(replace(OWN, status="Canceled"),)), What.CANCELLED, "-110.00"),
        (InBooks((), (), ENTRIES), What.ERASED, "0"),
        (InBooks(), What.GONE, "-110.00"),
        (replace(AS_POSTED, entries=()), What.GONE, "-110.00"),
        (replace(AS_POSTED, rows=(OWN, replace(OWN, id="id-2", number="PS-2"))), What.TWICE, "110.00"),
        (replace(AS_POSTED, memos=(replace(OWN, id="m", number="CM-1", total=Decimal(30)),)), What.CREDITED, "-30"),
        (replace(AS_POSTED, memos=(replace(OWN, id="m", number="CM-1", status="Draft"),)), What.CREDIT_DRAFT, "0"),
        (replace(AS_POSTED, rows=(replace(OWN, customer="ST8"),)), What.FIELD, "0"),
        (replace(AS_POSTED, rows=(replace(OWN, posting_on=date(2026, 7, 1)),)), What.FIELD, "0"),
    ],
)
def test_each_thing_that_can_happen_to_a_posted_document_is_named_with_its_effect(
    there: InBooks, what: What, effect: str
) -> None:
    (change,) = document_changes(POSTED, there)
    assert (change.what, change.effect) == (what, Decimal(effect))


def test_a_second_document_that_was_cancelled_is_no_second_one() -> None:
    former = replace(OWN, id="id-0", number="PS-0", status="Canceled")
    assert document_changes(POSTED, replace(AS_POSTED, rows=(former, OWN))) == []


def test_a_corrected_dimension_shows_both_values_and_others_are_left_alone() -> None:
    moved = (replace(ENTRIES[0], dimensions={"DEPT": "SOLAR"}), ENTRIES[1])
    (change,) = document_changes(POSTED, replace(AS_POSTED, entries=moved))
    assert (change.before, change.after, change.effect) == ("DEPT HVAC: 110.00", "DEPT SOLAR: 110.00", 0)
    other = (replace(ENTRIES[0], dimensions={"DEPT": "HVAC", "REGION": "EAST"}), ENTRIES[1])
    assert document_changes(POSTED, replace(AS_POSTED, entries=other)) == []


def test_a_credit_memo_loses_in_the_other_direction() -> None:
    memo = replace(POSTED, credit=True)
    entries = (BookEntry("4000", Decimal("110.00"), {"DEPT": "HVAC"}), BookEntry("1200", Decimal("-110.00")))
    assert document_changes(memo, InBooks((OWN,), (), entries)) == []
    (change,) = document_changes(memo, InBooks())
    assert change.effect == Decimal("110.00")


@pytest.mark.parametrize(
    ("amounts", "what", "effect"),
    [
        ([], What.GONE, "-100.00"),
        ([("1000", "100"), ("1200", "-100"), ("1000", "-100"), ("1200", "100")], What.REVERSED, "-100"),
        ([("1000", "200"), ("1200", "-200")], What.LEDGER, "100"),
    ],
)
def test_a_payment_is_gone_reversed_or_of_another_amount(
    amounts: list[tuple[str, str]], what: What, effect: str
) -> None:
    paid = Posted("", "ST-P5", "ST7", Decimal("100.00"))
    (change,) = payment_changes(paid, [BookEntry(account, Decimal(amount)) for account, amount in amounts])
    assert (change.what, change.effect) == (what, Decimal(effect))


def test_a_payment_over_several_lines_is_one_payment() -> None:
    paid = Posted("", "ST-P5", "ST7", Decimal("100.00"))
    parts = [("1000", "60"), ("1200", "-60"), ("1000", "40"), ("1200", "-40")]
    assert payment_changes(paid, [BookEntry(account, Decimal(amount)) for account, amount in parts]) == []


def test_lines_are_known_by_their_ids_or_else_by_their_place() -> None:
    line = {"id": 1, "displayName": "Repair", "quantity": "1", "price": "110.00", "total": "110.00", "skuName": "R"}
    extra = {**line, "id": 2, "displayName": "Trip"}
    added = invoice_changes(invoice(), invoice(items=[extra, line]))
    assert [(one.field, one.before, one.after) for one in added] == [("line 2", "(nothing)", "Trip 110.00")]
    again = invoice_changes(invoice(), invoice(items=[{**line, "id": 77, "businessUnit": {"id": 3, "name": "Solar"}}]))
    assert [one.field for one in again] == ["line 1 (Repair), business unit"]


def test_a_deposit_applied_later_is_no_drift_but_a_moved_application_is() -> None:
    (added,) = source_payment_changes(payment(), payment((1, "60.00")))
    assert (added.what, added.before, added.after) == (
        What.APPLIED,
        "on account (100.00)",
        "#1 (60.00), on account (40.00)",
    )
    (moved,) = source_payment_changes(payment((1, "60.00")), payment((2, "60.00")))
    assert moved.what == What.FIELD


def test_what_only_got_another_name_did_not_change() -> None:
    assert invoice_changes(invoice(), invoice(customer={"id": 7, "name": "Ann Baker"})) == []
    (change,) = invoice_changes(invoice(), invoice(customer={"id": 8, "name": "Ann"}))
    assert (change.before, change.after) == ("Ann (7)", "Ann (8)")


def test_a_number_alone_is_only_worth_knowing() -> None:
    changes = invoice_changes(invoice(), invoice(referenceNumber="1009-R"))
    assert said(changes) == {"number": What.NAME}
    assert not _drifted(changes).serious


def test_a_cancelled_invoice_is_told_once_and_not_field_by_field() -> None:
    changes = invoice_changes(invoice(), invoice(active=False, items=[], total="0.00"))
    assert [(one.field, one.effect) for one in changes] == [("status", Decimal("110.00"))]


def test_undone_on_both_sides_is_settled_when_the_amounts_meet() -> None:
    voided = invoice_changes(invoice(), invoice(active=False))
    full = document_changes(POSTED, replace(AS_POSTED, memos=(replace(OWN, id="m", number="CM-1"),)))
    part = document_changes(POSTED, replace(AS_POSTED, memos=(replace(OWN, id="m", total=Decimal(30)),)))
    assert _drifted([*voided, *full]).agrees_again
    assert not _drifted([*voided, *part]).agrees_again


@pytest.mark.parametrize("kind", ["invoices", "payments", "credit_memos"])
def test_the_command_of_a_remedy_is_one_that_stsync_knows(kind: str) -> None:
    undone = [
        *invoice_changes(invoice(), invoice(active=False)),
        Change(Side.BOOKS, What.CANCELLED, "", "", "", Decimal(-110)),
    ]
    _, command, word, *_ = remedy(kind, "9", "PS-1", undone).command.split()
    assert (command, kind_named(word)) == ("ignore", kind)


OTHER_INVOICE: dict[str, Any] = {
    "active": False,
    "invoiced_on": date(2026, 6, 11),
    "due_on": date(2026, 7, 11),
    "customer": Named("8", "Bob"),
    "total": Decimal("111.00"),
    "sales_tax": Decimal("1.00"),
    "tax_zone": Named("4", "Tempe"),
    "business_unit": Named("2", "Plumbing"),
    "location": Named("3", "Warehouse"),
    "job_type": "Install",
}
OTHER_ITEM: dict[str, Any] = {
    "description": "Replacement",
    "quantity": Decimal("1.0001"),
    "price": Decimal("110.01"),
    "total": Decimal("111.00"),
    "sku": "S",
    "chargeable": False,
    "taxable": True,
    "account": LineAccount("9", "4001", "Other revenue"),
    "business_unit": Named("2", "Plumbing"),
}
OTHER_PAYMENT: dict[str, Any] = {
    "active": False,
    "paid_on": date(2026, 6, 12),
    "total": Decimal("101.00"),
    "type_id": "4",
    "customer": Named("8", "Bob"),
    "business_unit": Named("2", "Plumbing"),
    "applications": (),
}


def test_every_field_that_holds_a_changed_invoice_is_shown() -> None:
    before = invoice()
    changed = [replace(before, **{name: value}) for name, value in OTHER_INVOICE.items()]
    changed += [replace(before, items=(replace(before.items[0], **{name: it}),)) for name, it in OTHER_ITEM.items()]
    changed.append(replace(before, items=()))
    for now in changed:
        assert invoice_print(now) != invoice_print(before)
        assert invoice_changes(before, now), now
    held = {one.name for one in fields(Invoice) if one.name in OTHER_INVOICE} | {"items"}
    rest = replace(before, **{one.name: None for one in fields(Invoice) if one.name not in {*held, "items"}})
    assert invoice_print(rest) == invoice_print(before), "a field that can hold the invoice is not tried above"


def test_every_field_that_holds_a_changed_payment_is_shown() -> None:
    before = payment((9, "60.00"))
    for name, value in OTHER_PAYMENT.items():
        now = replace(before, **{name: value})
        assert payment_print(now) != payment_print(before)
        assert source_payment_changes(before, now), name
    rest = replace(before, **{one.name: None for one in fields(Payment) if one.name not in OTHER_PAYMENT})
    assert payment_print(rest) == payment_print(before), "a field that can hold the payment is not tried above"


def test_an_invoice_whose_cancellation_was_cancelled_stands_under_another_number() -> None:
    restored = replace(OWN, id="id-2", number="PS-2", status="Corrective")
    found = document_changes(POSTED, replace(AS_POSTED, rows=(replace(OWN, status="Canceled"), restored)))
    assert [(one.what, one.effect) for one in found] == [(What.NAME, Decimal(0))]


def test_a_corrected_dimension_of_a_payment_is_shown() -> None:
    given = Posted("", "ST-P5", "ST7", Decimal("100.00"), dimensions={"DEPT": "HVAC"})
    kept = [
        BookEntry("1050", Decimal("100.00"), {"DEPT": "HVAC"}),
        BookEntry("1200", Decimal("-100.00"), {"DEPT": "HVAC"}),
    ]
    assert payment_changes(given, kept) == []
    (told,) = payment_changes(given, [kept[0], replace(kept[1], dimensions={"DEPT": "PLMB"})])
    assert (told.field, told.before, told.after) == ("dimension DEPT", "HVAC", "HVAC, PLMB")


def test_a_due_date_alone_needs_no_correction_of_the_document() -> None:
    changes = invoice_changes(invoice(dueDate="2026-06-20T00:00:00Z"), invoice(dueDate="2026-07-20T00:00:00Z"))
    assert "due date on the posted sales invoice PS-1" in remedy("invoices", "9", "PS-1", changes).text


def _drifted(changes: list[Change]) -> Drifted:
    return Drifted(
        "invoices", "9", "1009", "Ann", JUNE, "PS-1", tuple(changes), remedy("invoices", "9", "PS-1", changes)
    )
