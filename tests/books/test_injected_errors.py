"""Every kind of mistake in the books is found and named, after a month that was exact; read through the real API.

One month is carried over once. Each test changes the books as a person or a fault would, lets `reconcile` read both
sides, and puts the books back. What others rightly made is no mistake: it is named as only in Business Central.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
from kept_month import Month, keep_month, move_in
from office import DEPARTMENT, Office
from tampering import Tamperer

from stsync.books.reading import reconcile
from stsync.books.result import TieOut, What
from stsync.books.values import Period, Section, Why, month
from stsync.sandbox.businesscentral import HandLine
from stsync.sandbox.businesscentral.accounting.ledger import Voucher, book, owe
from stsync.sandbox.world import World
from stsync.state import State
from stsync.wiring import wire

JUNE, JULY = month("2026-06"), month("2026-07")
DAY = date(2026, 6, 17)


class _PutBack(Exception):
    pass


class Books:
    """The synced month, the hands that change its books, and the tie-out over the real interface."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.person = Tamperer(office.world)

    def reconciled(self, period: Period = JUNE) -> TieOut:
        wiring = wire(self.office.config)
        with State.open_scratch(wiring.state_path) as state:
            books = wiring.systems(read_only=True).books
            return reconcile(period, state=state, books=books, config=wiring.config, choices=wiring.choices).tie_out

    @contextmanager
    def tampered(self) -> Iterator[Tamperer]:
        """Whatever is changed inside is put back: the simulator's own undo log takes it back, commits or not."""
        undo = self.office.world.company.store.undo
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(undo, "commit", lambda: None)
            try:
                with undo.transaction():
                    yield Tamperer(self.office.world)
                    raise _PutBack
            except _PutBack:
                pass


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Month:
    folder = tmp_path_factory.mktemp("carried-once")
    with pytest.MonkeyPatch.context() as patch, World(invoices=119, history=True, folder=folder) as world:
        office = Office(world, world.write_config(folder / "books" / "config.yaml", extended=True), patch)
        office.run()
        return keep_month(office, folder)


@pytest.fixture(scope="module", params=["balances of now", "balances of a day"])
def books(request: pytest.FixtureRequest, carried: Month, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder = tmp_path_factory.mktemp("injected")
    with pytest.MonkeyPatch.context() as patch, World(invoices=119, history=True, folder=folder) as world:
        config = world.write_config(folder / "books" / "config.yaml", extended=True)
        office = move_in(Office(world, config, patch), carried)
        office.world.environment.switches.aged_report_honours_date = request.param == "balances of a day"
        yield Books(office)


def test_the_month_is_exact_before_anybody_touches_it(books: Books) -> None:
    result = books.reconciled()
    assert result.exact
    assert {row.key.section for row in result.rows} == set(Section)
    assert len(books.person.invoices) >= 5
    assert len(books.person.payments) >= 20


# Each returns how people know the document. The books are the tamperer's to change.


def changed_amount(person: Tamperer) -> str:
    person.shift(person.revenue(person.invoices[0]), "1.00")
    return person.number(person.invoices[0])


def off_by_a_cent_in_tax(person: Tamperer) -> str:
    person.shift(person.tax_entry(person.invoices[1]), "-0.01")
    return person.number(person.invoices[1])


def missing_dimension(person: Tamperer) -> str:
    person.desk.correct_dimension([person.revenue(person.invoices[2])], DEPARTMENT, "")
    return person.number(person.invoices[2])


def wrong_dimension_value(person: Tamperer) -> str:
    entry = person.revenue(person.invoices[0])
    other = "COMM" if entry.dimensions[DEPARTMENT] != "COMM" else "PHX-HVAC-M"
    person.desk.correct_dimension([entry], DEPARTMENT, other)
    return person.number(person.invoices[0])


def wrong_value_of_another_dimension(person: Tamperer) -> str:
    entry = person.revenue(person.invoices[1])
    other = "INSTALL" if entry.dimensions["JOBTYPE"] != "INSTALL" else "SERVICE"
    person.desk.correct_dimension([entry], "JOBTYPE", other)
    return person.number(person.invoices[1])


def missing_value_of_another_dimension(person: Tamperer) -> str:
    person.desk.correct_dimension([person.revenue(person.invoices[2])], "CHANNEL", "")
    return person.number(person.invoices[2])


def duplicate_invoice(person: Tamperer) -> str:
    one = person.invoices[0]
    line = person.hand_line(amount=str(one.total))
    person.desk.sales_invoice(
        one.customer_number, [line], on=one.posting_date, external_number=one.external_document_number
    )
    return person.number(one)


def wrong_account(person: Tamperer) -> str:
    entry = person.revenue(person.invoices[0])
    entry.account_number = "40300" if entry.account_number != "40300" else "40200"
    return person.number(person.invoices[0])


def revenue_booked_as_a_deposit(person: Tamperer) -> str:
    person.revenue(person.invoices[1]).account_number = "22500"
    return person.number(person.invoices[1])


def revenue_on_an_account_outside_the_mapping(person: Tamperer) -> str:
    person.revenue(person.invoices[1]).account_number = "66000"
    return person.number(person.invoices[1])


def receivable_on_another_account(person: Tamperer) -> str:
    person.owed(person.invoices[2].number).account_number = "12500"
    return person.number(person.invoices[2])


def wrong_customer(person: Tamperer) -> str:
    one, other = person.invoices[0], person.invoices[1].customer_number
    assert one.customer_number != other
    person.rebill(one, other)
    return person.number(one)


def cancelled_by_hand(person: Tamperer) -> str:
    person.desk.cancel(person.invoices[0])
    return person.number(person.invoices[0])


def credited_under_our_number(person: Tamperer) -> str:
    one = person.invoices[0]
    lines = [person.hand_line(amount=str(one.total))]
    person.desk.credit_memo(one.customer_number, lines, on=DAY, external_number=one.external_document_number)
    return person.number(one)


def deleted_invoice(person: Tamperer) -> str:
    one = person.invoices[0]
    number = person.number(one)
    person.delete_postings(one.number)
    person.company.invoices.delete(one)
    return number


def unposted_invoice(person: Tamperer) -> str:
    one = person.invoices[3]
    person.delete_postings(one.number)
    one.posted, one.status, one.number = False, "Draft", one.draft_number
    return person.number(one)


def line_missing(person: Tamperer) -> str:
    entry = person.revenue(person.invoices[4])
    person.shift(entry, str(entry.amount))
    person.take_out([entry])
    return person.number(person.invoices[4])


def line_added(person: Tamperer) -> str:
    one = person.invoices[0]
    person.add_line(one.number, "40810", "25.00")
    return person.number(one)


def tax_on_another_zones_account(person: Tamperer) -> str:
    entry = person.tax_entry(person.invoices[0])
    entry.account_number = "22030" if entry.account_number != "22030" else "22010"
    return person.number(person.invoices[0])


def tax_booked_as_revenue(person: Tamperer) -> str:
    person.tax_entry(person.invoices[1]).account_number = "40100"
    return person.number(person.invoices[1])


def invoice_posted_as_credit_memo(person: Tamperer) -> str:
    one = person.invoices[0]
    person.retype(one.number, "Credit Memo")
    return person.number(one)


def external_number_altered(person: Tamperer) -> str:
    number = person.number(person.invoices[0])
    person.invoices[0].external_document_number = "ST 4711"
    return number


def external_numbers_swapped(person: Tamperer) -> str:
    one, other = person.invoices[:2]
    number = person.number(one)
    numbers = other.external_document_number, one.external_document_number
    one.external_document_number, other.external_document_number = numbers
    return number


def invoice_of_nobody(person: Tamperer) -> str:
    one = person.invoices[0]
    made = person.desk.sales_invoice(one.customer_number, [person.hand_line()], on=DAY, external_number="ST-404404")
    return str(made.number)


def payment_missing(person: Tamperer) -> str:
    number = person.payments[0]
    person.delete_postings(number)
    return person.payment_number(number)


def payment_twice(person: Tamperer) -> str:
    person.twice(person.payments[1])
    return person.payment_number(person.payments[1])


def payment_of_another_amount(person: Tamperer) -> str:
    number = person.payments[2]
    person.money(number).amount += 9
    person.owed(number).amount -= 9
    person.owes_more(number, Decimal(-9))
    return person.payment_number(number)


def payment_on_another_bank(person: Tamperer) -> str:
    entry = person.money(person.payments[0])
    entry.account_number = "10600" if entry.account_number != "10600" else "10500"
    return person.payment_number(person.payments[0])


def payment_booked_as_revenue(person: Tamperer) -> str:
    person.money(person.payments[0]).account_number = "40100"
    return person.payment_number(person.payments[0])


def payment_for_another_customer(person: Tamperer) -> str:
    held = person.customer_entry(person.payments[0])
    person.desk.unapply(held)
    held.customer_number = next(
        one.customer_number for one in person.invoices if one.customer_number != held.customer_number
    )
    return person.payment_number(person.payments[0])


def payment_reversed(person: Tamperer) -> str:
    person.desk.reverse_payment(person.payments[0])
    return person.payment_number(person.payments[0])


def payment_of_nobody(person: Tamperer) -> str:
    customer = person.invoices[0].customer_number
    person.desk.payment(customer, "ST-P404404", Decimal(31), on=DAY, balancing_account="10500")
    return "ST-P404404"


def refund_missing(person: Tamperer) -> str:
    number = person.refunds[0]
    person.delete_postings(number)
    return person.payment_number(number)


def refund_of_another_amount(person: Tamperer) -> str:
    number = person.refunds[0]
    person.money(number).amount -= 5
    person.owed(number).amount += 5
    person.owes_more(number, Decimal(5))
    return person.payment_number(number)


def refund_from_another_bank(person: Tamperer) -> str:
    entry = person.money(person.refunds[0])
    entry.account_number = "10600" if entry.account_number != "10600" else "10500"
    return person.payment_number(person.refunds[0])


def refund_booked_as_a_receipt(person: Tamperer) -> str:
    number = person.refunds[0]
    for entry in person.entries(number):
        entry.amount = -entry.amount
    person.owes_more(number, -2 * person.customer_entry(number).amount)
    return person.payment_number(number)


def cancelled_without_our_number(person: Tamperer) -> str:
    """Whether a cancel's credit memo keeps the external number is not in the facts."""
    person.company.settings.corrective_memo_keeps_external_number = False
    try:
        person.desk.cancel(person.invoices[0])
    finally:
        person.company.settings.corrective_memo_keeps_external_number = True
    return person.number(person.invoices[0])


def cancelled_without_any_number(person: Tamperer) -> str:
    number = cancelled_without_our_number(person)
    next(one for one in person.company.credit_memos if one.status == "Corrective").applies_to_number = ""
    return number


def deleted_and_its_number_used_by_a_supplier(person: Tamperer) -> str:
    number, booked = deleted_invoice(person), person.invoices[0].number
    voucher = Voucher(date(2026, 5, 10), "Invoice", booked, description="Supplier")
    for account, amount in (("66000", Decimal(12)), ("20100", Decimal(-12))):
        book(person.company, voucher, account, amount, {})
    return number


def payment_on_a_wrong_card_beside_a_reversed_receipt(person: Tamperer) -> str:
    """Somebody else's receipt over the same amount, reversed: its two entries are no reason for our two differences."""
    number = payment_for_another_customer(person)
    amount = person.money(person.payments[0]).amount
    stranger = person.invoices[3].customer_number
    person.desk.payment(stranger, "BANK-1", amount, on=DAY, balancing_account="10500")
    person.desk.reverse_payment("BANK-1")
    return number


MISTAKES: list[tuple[Callable[[Tamperer], str], What]] = [
    (changed_amount, What.AMOUNT),
    (off_by_a_cent_in_tax, What.AMOUNT),
    (missing_dimension, What.DIMENSION),
    (wrong_dimension_value, What.DIMENSION),
    (wrong_value_of_another_dimension, What.DIMENSION),
    (missing_value_of_another_dimension, What.DIMENSION),
    (duplicate_invoice, What.TWICE),
    (wrong_account, What.ACCOUNT),
    (revenue_booked_as_a_deposit, What.ACCOUNT),
    (revenue_on_an_account_outside_the_mapping, What.AMOUNT),
    (receivable_on_another_account, What.AMOUNT),
    (wrong_customer, What.CUSTOMER),
    (cancelled_by_hand, What.UNDONE),
    (credited_under_our_number, What.AMOUNT),
    (deleted_invoice, What.MISSING),
    (unposted_invoice, What.MISSING),
    (line_missing, What.AMOUNT),
    (line_added, What.AMOUNT),
    (tax_on_another_zones_account, What.ACCOUNT),
    (tax_booked_as_revenue, What.AMOUNT),
    (invoice_posted_as_credit_memo, What.MISSING),
    (external_number_altered, What.NUMBER),
    (external_numbers_swapped, What.AMOUNT),
    (invoice_of_nobody, What.UNKNOWN),
    (payment_missing, What.MISSING),
    (payment_twice, What.TWICE),
    (payment_of_another_amount, What.AMOUNT),
    (payment_on_another_bank, What.ACCOUNT),
    (payment_booked_as_revenue, What.ACCOUNT),
    (payment_for_another_customer, What.BALANCE),
    (payment_reversed, What.UNDONE),
    (payment_of_nobody, What.UNKNOWN),
    (refund_missing, What.MISSING),
    (refund_of_another_amount, What.AMOUNT),
    (refund_from_another_bank, What.ACCOUNT),
    (refund_booked_as_a_receipt, What.AMOUNT),
    (cancelled_without_our_number, What.UNDONE),
    (cancelled_without_any_number, What.UNDONE),
    (deleted_and_its_number_used_by_a_supplier, What.MISSING),
    (payment_on_a_wrong_card_beside_a_reversed_receipt, What.BALANCE),
]


@pytest.mark.parametrize(("inject", "what"), MISTAKES, ids=lambda one: getattr(one, "__name__", ""))
def test_a_mistake_in_the_books_is_found_and_named(books: Books, inject: Callable[[Tamperer], str], what: What) -> None:
    with books.tampered() as person:
        number = inject(person)
        result = books.reconciled()
    assert not result.exact
    named = [one for one in result.findings if number in {one.document, one.record.number if one.record else ""}]
    named += [one for one in result.findings if number in one.note]
    assert what in {one.what for one in named}, [
        (one.what, one.record, one.document, one.note) for one in result.findings
    ]


def two_that_cancel_out(person: Tamperer) -> list[str]:
    """The same row, a euro up and a euro down: no total shows it."""
    unit = person.revenue(person.invoices[0]).dimensions[DEPARTMENT]
    same = [one for one in person.invoices if person.revenue(one).dimensions[DEPARTMENT] == unit][:2]
    person.shift(person.revenue(same[0]), "1.00")
    person.shift(person.revenue(same[1]), "-1.00")
    return [person.number(one) for one in same]


def test_two_mistakes_that_cancel_out_are_both_named(books: Books) -> None:
    with books.tampered() as person:
        numbers = two_that_cancel_out(person)
        result = books.reconciled()
    assert result.unexplained(Section.RECEIVABLES) == result.unexplained(Section.REVENUE) == 0
    assert not result.exact
    assert set(numbers) <= {one.record.number for one in result.findings if one.record}


def test_a_payment_on_a_wrong_card_is_named_with_both_customers(books: Books) -> None:
    with books.tampered() as person:
        number = payment_for_another_customer(person)
        wrong = [one for one in books.reconciled().findings if one.what == What.BALANCE]
    assert len(wrong) == 2
    (mine,) = [one for one in wrong if f"Payment {number} of this customer has this amount." in one.note]
    other = next(one for one in wrong if one is not mine)
    assert f"Customer {other.document} has the opposite difference." in mine.note
    assert mine.amount == -other.amount > 0


# Two months together: each is right by itself, or wrong only because of the other.


def payment_again_in_july(person: Tamperer) -> str:
    number = person.payments[1]
    money, customer = person.money(number), person.customer_entry(number).customer_number
    person.desk.payment(customer, number, money.amount, on=JULY.first, balancing_account=money.account_number)
    return person.payment_number(number)


def invoice_again_in_july(person: Tamperer) -> str:
    number = duplicate_invoice(person)
    person.redate(max(one.number for one in person.company.invoices if one.posted), "Invoice", JULY.first)
    return number


def cancelled_in_july(person: Tamperer) -> str:
    person.desk.cancel(person.invoices[0])
    memo = next(one for one in person.company.credit_memos if one.status == "Corrective")
    person.redate(memo.number, "Credit Memo", JULY.first)
    return person.number(person.invoices[0])


@pytest.mark.parametrize(
    ("inject", "what", "section"),
    [
        (payment_again_in_july, What.TWICE, Section.PAYMENTS),
        (invoice_again_in_july, What.TWICE, Section.RECEIVABLES),
        (cancelled_in_july, What.UNDONE, Section.RECEIVABLES),
    ],
)
def test_what_two_months_do_together_is_named_once_and_in_the_month_that_made_it_wrong(
    books: Books, inject: Callable[[Tamperer], str], what: What, section: Section
) -> None:
    with books.tampered() as person:
        number = inject(person)
        june, july = books.reconciled(), books.reconciled(JULY)
    named = [one for one in july.findings if one.record and one.record.number == number]
    assert [one.what for one in named] == [what]
    assert abs(july.unexplained(section)) == abs(named[0].amount) == abs(named[0].record.total)
    assert "2026-06-" in named[0].note
    assert {one.what for one in june.findings} <= {What.BALANCE}  # the balances of now
    assert {june.unexplained(one) for one in Section if one != Section.CUSTOMERS} == {Decimal(0)}


def test_a_receipt_of_others_is_named_also_from_a_month_with_nothing_in_it(books: Books) -> None:
    with books.tampered() as person:
        number = hand_made_receipt(person)
        july = books.reconciled(JULY)
    assert july.exact
    assert number in {one.number for one in july.foreign(Section.CUSTOMERS)}


# What others rightly made is no mistake; it is named, with its number, and the month stays exact.


def hand_made_invoice(person: Tamperer) -> str:
    customer = person.invoices[0].customer_number
    return str(person.desk.sales_invoice(customer, [person.hand_line()], on=DAY, external_number="PHONE").number)


def hand_made_credit_memo(person: Tamperer) -> str:
    customer = person.invoices[0].customer_number
    return str(person.desk.credit_memo(customer, [person.hand_line()], on=DAY).number)


def credit_memo_applied_to_our_invoice(person: Tamperer) -> str:
    one = person.invoices[1]
    line = person.hand_line(amount="20.00")
    return str(person.desk.credit_memo(one.customer_number, [line], on=DAY, applies_to=one.number).number)


def journal_entry_on_revenue(person: Tamperer) -> str:
    lines = [person.hand_line(amount="-50.00"), HandLine("66000", Decimal(50))]
    person.desk.journal("GJ-9", DAY, lines)
    return "GJ-9"


def hand_made_receipt(person: Tamperer) -> str:
    customer = person.invoices[2].customer_number
    person.desk.payment(customer, "BANK-77", Decimal("33.21"), on=DAY, balancing_account="10500")
    return "BANK-77"


@pytest.mark.parametrize(
    ("make", "sections"),
    [
        (hand_made_invoice, {Section.REVENUE, Section.ACCOUNTS, Section.RECEIVABLES, Section.CUSTOMERS}),
        (hand_made_credit_memo, {Section.REVENUE, Section.ACCOUNTS, Section.RECEIVABLES, Section.CUSTOMERS}),
        (credit_memo_applied_to_our_invoice, {Section.REVENUE, Section.RECEIVABLES, Section.CUSTOMERS}),
        (journal_entry_on_revenue, {Section.REVENUE, Section.ACCOUNTS}),
        (hand_made_receipt, {Section.PAYMENTS, Section.PAYMENT_TYPES, Section.CUSTOMERS}),
    ],
)
def test_what_others_made_is_named_in_each_section_it_counts_in(
    books: Books, make: Callable[[Tamperer], str], sections: set[Section]
) -> None:
    with books.tampered() as person:
        number = make(person)
        result = books.reconciled()
    assert result.exact
    for section in sections:
        assert number in {one.number for one in result.foreign(section)}, section


def test_what_others_moved_from_one_customer_to_another_is_named_on_both(books: Books) -> None:
    with books.tampered() as person:
        ours = [one.customer_number for one in person.invoices[:2]]
        for customer, amount in zip(ours, (Decimal("17.77"), Decimal("-17.77")), strict=True):
            card = person.company.customers.first("number", customer)
            owe(person.company, Voucher(DAY, " ", "MOVE-1", description="Moved"), card, amount)
        result = books.reconciled()
    assert result.exact
    moved = {row.key.row: row.only_in_books_amount for row in result.of(Section.CUSTOMERS) if row.only_in_books}
    assert moved == {ours[0]: Decimal("17.77"), ours[1]: Decimal("-17.77")}


# What was wrong and was set right by hand, as the finding advised: both are named, and the month is exact again.


def moved_back_by_a_journal_entry(person: Tamperer) -> tuple[str, str]:
    entry = person.revenue(person.invoices[0])
    right, wrong = entry.account_number, "40300" if entry.account_number != "40300" else "40200"
    entry.account_number = wrong
    unit = tuple(entry.dimensions.items())
    lines = [HandLine(wrong, -entry.amount, "", unit), HandLine(right, entry.amount, "", unit)]
    person.desk.journal("GJ-12", DAY, lines)
    return person.number(person.invoices[0]), "GJ-12"


def moved_to_the_right_bank(person: Tamperer) -> tuple[str, str]:
    number = payment_on_another_bank(person)
    entry = person.money(person.payments[0])
    right = "10500" if entry.account_number == "10600" else "10600"
    lines = [HandLine(entry.account_number, -entry.amount), HandLine(right, entry.amount)]
    person.desk.journal("GJ-13", DAY, lines)
    return number, "GJ-13"


def cancelled_and_typed_again(person: Tamperer) -> tuple[str, str]:
    one = person.invoices[0]
    lines = person.typed_again(one)
    person.desk.cancel(one)
    return person.number(one), str(person.desk.sales_invoice(one.customer_number, lines, on=DAY).number)


def doubled_and_credited(person: Tamperer) -> tuple[str, str]:
    one = person.invoices[0]
    lines, key = person.typed_again(one), one.external_document_number
    person.desk.sales_invoice(one.customer_number, lines, on=DAY, external_number=key)
    return person.number(one), str(person.desk.credit_memo(one.customer_number, lines, on=DAY).number)


@pytest.mark.parametrize(
    ("make", "section"),
    [
        (moved_back_by_a_journal_entry, Section.ACCOUNTS),
        (moved_to_the_right_bank, Section.PAYMENTS),
        (cancelled_and_typed_again, Section.RECEIVABLES),
        (doubled_and_credited, Section.RECEIVABLES),
    ],
)
def test_what_was_set_right_by_hand_is_exact_again_and_named_with_what_did_it(
    books: Books, make: Callable[[Tamperer], tuple[str, str]], section: Section
) -> None:
    with books.tampered() as person:
        number, by = make(person)
        result = books.reconciled()
    assert result.exact, [(one.what, one.document, one.differences) for one in result.findings]
    shares = [one for row in result.of(section) for each in row.explanations for one in each.shares]
    notes = {share.note for share in shares if share.record.number == number}
    assert any(
        f"set right by {kind} {by} of 2026-06-" in note
        for note in notes
        for kind in ("entry", "Invoice", "Credit Memo")
    )
    assert by in {one.number for row in result.of(section) for one in row.only_in_books}


def test_a_payment_moved_under_its_own_number_counts_together(books: Books) -> None:
    with books.tampered() as person:
        payment_on_another_bank(person)
        entry = person.money(person.payments[0])
        right = "10500" if entry.account_number == "10600" else "10600"
        lines = [HandLine(entry.account_number, -entry.amount), HandLine(right, entry.amount)]
        person.desk.journal(person.payments[0], DAY, lines)
        result = books.reconciled()
    assert result.exact


def test_the_same_lines_on_another_customers_card_set_nothing_right(books: Books) -> None:
    with books.tampered() as person:
        one, other = person.invoices[:2]
        lines = person.typed_again(one)
        person.desk.cancel(one)
        person.desk.sales_invoice(other.customer_number, lines, on=DAY)
        result = books.reconciled()
    assert What.UNDONE in {each.what for each in result.findings}
    assert not result.exact


def test_an_invoice_typed_by_hand_beside_ours_says_which_one_it_may_double(books: Books) -> None:
    with books.tampered() as person:
        one = person.invoices[0]
        typed = str(person.desk.sales_invoice(one.customer_number, person.typed_again(one), on=DAY).number)
        number = person.number(one)
        result = books.reconciled()
    (double,) = [each for each in result.foreign(Section.RECEIVABLES) if each.number == typed]
    assert double.description.endswith(f"same customer and amount as invoice {number}: entered twice?")


def test_a_credit_memo_of_others_says_which_invoice_of_ours_it_credits(books: Books) -> None:
    with books.tampered() as person:
        credited = person.invoices[1].number
        number = credit_memo_applied_to_our_invoice(person)
        result = books.reconciled()
    (memo,) = [one for one in result.foreign(Section.RECEIVABLES) if one.number == number]
    assert memo.description.endswith(f"credits {credited}")


def test_an_invoice_moved_to_another_month_is_named_with_its_day(books: Books) -> None:
    with books.tampered() as person:
        one = person.invoices[0]
        for entry in [*person.entries(one.number), person.customer_entry(one.number), one]:
            entry.posting_date = date(2026, 7, 1)
        result = books.reconciled()
    (moved,) = [each for each in result.explanations(Section.RECEIVABLES) if each.why == Why.ANOTHER_PERIOD]
    assert [(share.record.number, share.note) for share in moved.shares] == [
        (books.person.number(one), "posted on 2026-07-01")
    ]


def test_the_books_are_back_as_they_were(books: Books) -> None:
    assert books.reconciled().exact
