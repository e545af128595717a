"""The sheet that both sides of a tie-out are written on: what each row comes to, and who is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from stsync.books.expected import UNMAPPED
from stsync.books.general_ledger import Books
from stsync.books.result import Explanation, Foreign, Row, Share
from stsync.books.values import ANY, Cell, RowKey, Section, Why, rows_of
from stsync.core.money import ZERO

Amounts = Mapping[Cell, Decimal]
COUNTED = frozenset({Section.RECEIVABLES, Section.PAYMENTS, Section.PAYMENT_TYPES})


@dataclass
class _Tally:
    """A row while it is being added up."""

    servicetitan: Decimal = ZERO
    books: Decimal = ZERO
    shares: dict[Why, list[Share]] = field(default_factory=dict)
    foreign: list[Foreign] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    servicetitan_documents: int = 0
    books_documents: int = 0


class Sheet:
    """Rows that are added up. `payment_type` is always what ServiceTitan calls the type, nothing for other documents."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._tallies: dict[RowKey, _Tally] = {}

    def count(self, amounts: Amounts, payment_type: str) -> None:
        """A document of ServiceTitan's."""
        for cell, amount in amounts.items():
            for key in rows_of(cell, payment_type):
                tally = self._tally(key)
                tally.servicetitan += amount
                tally.servicetitan_documents += key.section in COUNTED

    def book(self, booked: Amounts, expected: Iterable[Cell], payment_type: str) -> None:
        """A document in the books; it is counted in each row that it should or does stand in."""
        for cell, amount in booked.items():
            for key in rows_of(cell, payment_type):
                self._tally(key).books += amount
        for key in {key for cell in (*booked, *expected) for key in rows_of(cell, payment_type)}:
            tally = self._tally(key)
            tally.books_documents += key.section in COUNTED

    def show(self, cells: Iterable[Cell], payment_type: str) -> None:
        """See to it that there are rows for these amounts, also where nothing stands."""
        for cell in cells:
            for key in rows_of(cell, payment_type):
                self._tally(key)

    def explain(self, why: Why, share: Share, now: Amounts, expected: Amounts, payment_type: str) -> None:
        """Why ServiceTitan's amounts (`now`) differ from what the books should show; the share's amount is set here."""
        for key, amount in _differences(now, expected, payment_type).items():
            absent = not expected and key.section in COUNTED
            if amount != 0 or absent:
                mine = Share(share.record, amount, share.note, share.hint)
                self._tally(key).shares.setdefault(why, []).append(mine)

    def foreign(self, booked: Amounts, describe: Foreign) -> None:
        """A document that somebody else made in the books."""
        for cell, amount in booked.items():
            for key in rows_of(cell):
                self._tally(key).foreign.append(describe.over(amount))

    def name(self, key: RowKey, name: str) -> None:
        """What ServiceTitan calls a row, if there is one."""
        if key in self._tallies:
            self._tallies[key].names[name] = None

    def rows(self) -> tuple[Row, ...]:
        """The rows, sections in their order, rows by code; gaps in the mapping last."""
        order = list(Section)
        keys = sorted(self._tallies, key=lambda key: (order.index(key.section), key.row.startswith(UNMAPPED), key.row))
        return tuple(self._row(key, self._tallies[key]) for key in keys)

    def _tally(self, key: RowKey) -> _Tally:
        return self._tallies.setdefault(key, _Tally())

    def _row(self, key: RowKey, tally: _Tally) -> Row:
        return Row(
            key=key,
            names=tuple(tally.names),
            book_name=self._book_name(key),
            servicetitan=tally.servicetitan,
            explanations=tuple(Explanation(why, tuple(tally.shares[why])) for why in Why if why in tally.shares),
            books=tally.books,
            only_in_books=tuple(tally.foreign),
            servicetitan_documents=tally.servicetitan_documents,
            books_documents=tally.books_documents,
            category=self._category(key),
        )

    def _book_name(self, key: RowKey) -> str:
        if key.section == Section.REVENUE:
            return self._books.dimension_values.get(key.row, "")
        account = self._books.accounts.get(key.row)
        return account.name if account is not None else ""

    def _category(self, key: RowKey) -> str:
        account = self._books.accounts.get(key.row) if key.section == Section.ACCOUNTS and key.row != ANY else None
        return account.category if account is not None else ""


def described(document_type: str, number: str, on: date, text: str, customer: str = "") -> Foreign:
    """A document of somebody else's, before its amount in a row is known."""
    return Foreign(document_type, number, on, text, ZERO, customer)


def _differences(now: Amounts, expected: Amounts, payment_type: str) -> dict[RowKey, Decimal]:
    """ServiceTitan less expected, by row."""
    found: dict[RowKey, Decimal] = {}
    for sign, each in ((1, now), (-1, expected)):
        for cell, amount in each.items():
            for key in rows_of(cell, payment_type):
                found[key] = found.get(key, ZERO) + sign * amount
    return found
