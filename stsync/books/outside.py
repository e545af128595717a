"""Where documents of ours stand outside the days that are compared: posted in another month, doubled or taken back there.

A document is judged by everything that the books hold of it, whatever month it stands in: a payment that was posted once in
June and once in July is right in each month alone, and twice in the books.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stsync.books.general_ledger import BookDocument, Books, Entry, SalesNumber, documents
from stsync.books.ledger_entries import Codes, entries, entry
from stsync.books.matching import Owner, claimed
from stsync.books.sales_documents import sales_documents
from stsync.books.values import Period
from stsync.businesscentral.odata import any_of

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral

_PER_READ = 40
_SALES = frozenset({"Invoice", "Credit Memo"})
# A document that was taken back more often is found by its own number all the same; only further memos would be missed.
_TAKEN_BACK = ("", "-C1", "-C2", "-C3")
_REVERSALS = ("", "R", "R1", "R2", "-2", "-2R", "-3", "-3R")


@dataclass(frozen=True)
class Asked:
    """A document to look for: the number that our ledger remembers, and the card whose credit memos may take it back."""

    owner: Owner
    number: str = ""
    card: str = ""

    @property
    def booked_as(self) -> tuple[tuple[str, str], ...]:
        """What our ledger remembers it as; the type depends on its total."""
        return tuple((kind, self.number) for kind in sorted(_SALES)) if self.number and self.is_sale else ()

    @property
    def is_sale(self) -> bool:
        """Whether it is a sales document."""
        return self.owner[0] != "payments"


def documents_outside(
    books: BusinessCentral, asked: Iterable[Asked], found: Books, period: Period, codes: Codes
) -> dict[Owner, tuple[BookDocument, ...]]:
    """Everything that the books hold of these documents on days outside the period, by kind and ServiceTitan id."""
    wanted = {one.owner: one for one in asked}
    if not wanted:
        return {}
    listed = {one.key: one for one in _sales(books, [one for one in wanted.values() if one.is_sale])}
    away = {key: one for key, one in listed.items() if not one.draft and one.on not in period}
    numbers = {number for _, number in away} | {
        f"ST-P{one.owner[1]}{suffix}" for one in wanted.values() if not one.is_sale for suffix in _REVERSALS
    }
    rows = [one for one in _entries(books, sorted(numbers), codes) if one.on not in period]
    known = {**listed, **{one.key: one for one in found.sales_numbers if not one.draft}}
    remembered = {key: one.owner for one in wanted.values() for key in one.booked_as}
    right = [one for one in rows if _same_document(one, away)]
    earlier, later = ([one for one in right if (one.on < period.first) is before] for before in (True, False))
    ours = claimed([*documents(earlier), *documents(later)], known, remembered)
    return {owner: tuple(each) for owner, each in ours.items() if owner in wanted}


def _same_document(one: Entry, away: Mapping[tuple[str, str], SalesNumber]) -> bool:
    """A supplier's invoice can have the number of a sales invoice: the day tells them apart as far as anything does."""
    if one.document_type not in _SALES:
        return True
    known = away.get((one.document_type, one.document_number))
    return known is not None and known.on == one.on


def _sales(books: BusinessCentral, asked: Sequence[Asked]) -> Iterator[SalesNumber]:
    keys = [
        f"ST-{'C' if kind == 'credit_memos' else ''}{source_id}" for kind, source_id in (one.owner for one in asked)
    ]
    externals = [f"{key}{suffix}" for key in keys for suffix in _TAKEN_BACK]
    for field, values in (
        ("externalDocumentNumber", externals),
        ("number", [one.number for one in asked if one.number]),
        ("billToCustomerNumber", [one.card for one in asked if one.card]),
    ):
        for part in _parts(sorted(set(values))):
            yield from sales_documents(books, any_of(field, part))


def _entries(books: BusinessCentral, numbers: Sequence[str], codes: Codes) -> Iterator[Entry]:
    reads = [entries(any_of("documentNumber", part), codes) for part in _parts(numbers)]
    return (entry(row, codes) for rows in books.read_many(reads) for row in rows)


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _PER_READ] for start in range(0, len(values), _PER_READ))
