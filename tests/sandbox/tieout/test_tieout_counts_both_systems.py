"""The sandbox's own tie-out: it counts what is in the books, and sees what is wrong there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stsync.sandbox.businesscentral import Accountant, HandLine
from stsync.sandbox.company.chart import ACCOUNT, UNIT, ZONE
from stsync.sandbox.tieout import TieOut, tie_out
from stsync.sandbox.world import World

CLEARING = "10600"


class Books:
    """A world, and an accountant who copies documents of ServiceTitan into the books by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.desk = Accountant(world.company)

    def invoice(self, row: dict[str, Any], **more: Any) -> Any:
        """The invoice (or, below zero, the credit memo) of a ServiceTitan invoice."""
        return self._document(row, row["items"], f"ST-{row['id']}", row["invoiceDate"], Decimal(row["total"]), **more)

    def memo(self, row: dict[str, Any]) -> Any:
        """The sales credit memo of a ServiceTitan credit memo."""
        items = [one for one in self.world.demo.credit_memo_items if one["creditMemoId"] == row["id"]]
        return self._document(row, items, f"ST-C{row['id']}", row["date"], -Decimal(row["total"]))

    def _document(self, row: Any, items: Any, number: str, day: str, total: Decimal, **more: Any) -> Any:
        memo = total < 0
        sign = -1 if memo and number[3] != "C" else 1
        lines = [
            HandLine(
                ACCOUNT[(one.get("generalLedgerAccount") or one["revenueGeneralLedgerAccount"])["number"]].books_number,
                sign * Decimal(one["total"]),
                dimensions=(("DEPARTMENT", UNIT[one["businessUnit"]["name"]].code),),
            )
            for one in items
        ]
        if Decimal(row["salesTax"]):
            account = ZONE[row["salesTaxCode"]["name"]].books_account
            lines.append(HandLine(account, sign * Decimal(row["salesTax"])))
        on = more.pop("on", None) or date.fromisoformat(day[:10])
        customer = self._customer(row)
        if memo:
            return self.desk.credit_memo(customer, lines, on=on, external_number=number)
        return self.desk.sales_invoice(customer, lines, on=on, external_number=number, **more)

    def pay(self, row: dict[str, Any]) -> Any:
        """The entry of a payment; refunds come out with the other sign by themselves."""
        on = date.fromisoformat(row["date"][:10])
        number, customer = f"ST-P{row['id']}", self._customer(row)
        return self.desk.payment(customer, number, Decimal(row["total"]), on=on, balancing_account=CLEARING)

    def _customer(self, row: dict[str, Any]) -> str:
        number = f"ST{row['customer']['id']}"
        if self.world.company.customers.first("number", number) is None:
            self.world.company.add_customer(number, row["customer"]["name"])
        return number

    @property
    def tied(self) -> TieOut:
        return tie_out(self.world)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(World(invoices=1, folder=tmp_path, history=True))


def rows(books: Books, name: str, kind: str) -> list[Any]:
    return books.world.demo.scenario_rows(name, kind)


def differences(tied: TieOut) -> dict[str, Decimal]:
    lines = (*tied.revenue, tied.payments, tied.refunds, *tied.receivables)
    return {line.name: line.difference for line in lines if line.difference}


def test_empty_books_with_a_history_agree_because_everything_is_outside(books: Books) -> None:
    tied = books.tied
    assert tied.exact
    assert tied.total.books == 0
    assert len(tied.invoices_outside) > 100
    assert tied.by_hand == frozenset()


def test_invoices_credits_payments_and_refunds_are_counted_on_both_sides(books: Books) -> None:
    original, credit = rows(books, "adjustment_below_zero", "invoices")
    [memo] = rows(books, "credit_memo_applied", "credit_memos")
    deposit, back = rows(books, "refund_of_unapplied_credit", "payments")
    before = books.tied
    books.invoice(original)
    books.invoice(credit)
    books.memo(memo)
    books.pay(deposit)
    books.pay(back)
    tied = books.tied
    assert tied.exact, differences(tied)
    assert before.invoices_outside - tied.invoices_outside == {original["id"], credit["id"]}
    assert before.credit_memos_outside - tied.credit_memos_outside == {memo["id"]}
    assert (tied.payments.books, tied.refunds.books) == (300, -300)
    assert tied.total.books == Decimal(original["total"]) + Decimal(credit["total"]) - memo["total"]


def test_a_document_by_hand_and_a_redated_one_are_named(books: Books) -> None:
    [row] = rows(books, "closed_period", "invoices")
    books.invoice(row, on=date(2026, 6, 1))
    line = HandLine("40100", Decimal(50), dimensions=(("DEPARTMENT", "COMM"),))
    own = books.desk.sales_invoice(f"ST{row['customer']['id']}", [line], on=date(2026, 6, 2))
    tied = books.tied
    assert tied.exact, differences(tied)
    assert tied.redated == {f"ST-{row['id']}"}
    assert tied.by_hand == {own.number}


@pytest.mark.parametrize("kept", [True, False])
def test_a_cancelled_invoice_is_outside_until_it_is_issued_again(books: Books, kept: bool) -> None:
    books.world.company.settings.corrective_memo_keeps_external_number = kept
    [row] = rows(books, "discount_and_fee", "invoices")
    books.desk.cancel(books.invoice(row))
    assert books.tied.exact, differences(books.tied)
    assert row["id"] in books.tied.invoices_outside
    books.invoice(row)
    assert books.tied.exact, differences(books.tied)
    assert row["id"] not in books.tied.invoices_outside


def test_a_changed_amount_a_missing_department_and_a_duplicate_each_show(books: Books) -> None:
    [row] = rows(books, "discount_and_fee", "invoices")
    invoice = books.invoice(row)
    income = [one for one in books.world.company.gl_entries if one.document_number == invoice.number][:1]
    books.desk.correct_dimension(income, "DEPARTMENT", "")
    assert set(differences(books.tied)) == {"Phoenix HVAC Service", "Department ''"}
    books.desk.correct_dimension(income, "DEPARTMENT", "PHX-HVAC-S")
    income[0].amount -= 1
    assert set(differences(books.tied)) == {"Phoenix HVAC Service"}
    income[0].amount += 1
    assert books.tied.exact
    books.invoice(row)
    assert set(differences(books.tied)) == {"Phoenix HVAC Service", owner(row)}


def owner(row: dict[str, Any]) -> str:
    return f"{row['customer']['name']} ({row['customer']['id']})"


def test_a_payment_posted_twice_shows(books: Books) -> None:
    [row] = rows(books, "deposit_unapplied", "payments")
    books.pay(row)
    assert books.tied.exact
    books.pay(row)
    assert differences(books.tied) == {"Payments received": -1200, owner(row): 1200}


def test_a_payment_on_another_customers_card_shows_with_both(books: Books) -> None:
    [deposit] = rows(books, "deposit_unapplied", "payments")
    works = rows(books, "one_payment_several_invoices", "invoices")
    for row in works:
        books.invoice(row)
    card = f"ST{works[0]['customer']['id']}"
    books.desk.payment(card, f"ST-P{deposit['id']}", Decimal(1200), on=date(2026, 6, 11), balancing_account=CLEARING)
    assert differences(books.tied) == {owner(deposit): -1200, owner(works[0]): 1200}
