"""What others made on customers' accounts in Business Central, as far as its interface shows whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.books.general_ledger import SalesNumber
from stsync.books.matching import is_payment_key, is_sales_key
from stsync.books.result import Foreign
from stsync.books.sales_documents import sales_documents
from stsync.businesscentral.odata import Read, all_of, any_of, compare, enum_text

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral

_CARDS_PER_READ = 40
_SALES = frozenset({"Invoice", "Credit Memo"})
_ENTRY = (
    "postingDate",
    "documentNumber",
    "documentType",
    "accountNumber",
    "description",
    "debitAmount",
    "creditAmount",
)
_BY_AMOUNT = "matched by its amount: Business Central does not show whose it is"


def of_cards(
    books: BusinessCentral, cards: Iterable[str], first: date, last: date | None, ours: set[tuple[str, str]]
) -> dict[str, list[Foreign]]:
    """Sales documents of these cards that stsync did not make; `ours` are the type and number of those it did."""
    found: dict[str, list[Foreign]] = {}
    ordered = sorted(cards)
    for start in range(0, len(ordered), _CARDS_PER_READ):
        part = any_of("billToCustomerNumber", ordered[start : start + _CARDS_PER_READ])
        listed = sales_documents(books, all_of(part, dated(first, last)))
        known = ours | {one.key for one in listed if is_sales_key(one.external)}
        cancelled = {(one.customer, one.total) for one in listed if one.undone and one.key in known}
        for one in listed:
            if not (one.draft or one.key in known or _cancels(one, known, cancelled)):
                found.setdefault(one.customer, []).append(_foreign(one, first))
    return found


def _cancels(one: SalesNumber, known: set[tuple[str, str]], cancelled: set[tuple[str, Decimal]]) -> bool:
    """Whether it is what cancelled a document of ours; it may carry no number of it (facts section 3)."""
    if not one.undone:
        return False
    return ("Invoice", one.credits) in known if one.credits else (one.customer, one.total) in cancelled


def _foreign(one: SalesNumber, first: date) -> Foreign:
    amount = one.total if one.kind == "Invoice" else -one.total
    text = f"credits {one.credits}" if one.credits else one.external
    return Foreign(one.kind, one.number, one.on or first, text, amount, one.customer)


def receipts_by_amount(
    books: BusinessCentral, rests: Mapping[str, Decimal], accounts: Iterable[str], first: date, last: date | None
) -> Iterator[tuple[str, Foreign]]:
    """Journal entries of others on the receivables accounts that are exactly what is left of a card.

    Only where as many entries as cards have the amount: anything else would be a guess.
    """
    entries = _journal_entries(books, accounts, first, last)
    for amount in sorted(set(rests.values())):
        cards = sorted(card for card, rest in rests.items() if rest == amount)
        same = [one for one in entries if one.amount == amount]
        if len(cards) == len(same):
            yield from zip(cards, same, strict=True)


def _journal_entries(books: BusinessCentral, accounts: Iterable[str], first: date, last: date | None) -> list[Foreign]:
    owing = set(accounts)
    found: list[Foreign] = []
    for account in sorted(owing):
        wanted = all_of(compare("accountNumber", "eq", account), dated(first, last))
        found += (_entry(row) for row in books.stream(Read("generalLedgerEntries", filter=wanted, select=_ENTRY)))
    others = [one for one in found if one.document_type not in _SALES and not is_payment_key(one.number)]
    return _standing(books, others, owing)


def _entry(row: Mapping[str, Any]) -> Foreign:
    kind, number = enum_text(str(row.get("documentType") or "")), str(row.get("documentNumber") or "")
    amount = Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0)
    on = date.fromisoformat(str(row["postingDate"])[:10])
    return Foreign(kind, number, on, f"{row.get('description') or ''} ({_BY_AMOUNT})".strip(), amount)


def _standing(books: BusinessCentral, entries: Iterable[Foreign], owing: set[str]) -> list[Foreign]:
    """Without what was reversed: its two entries would each explain a difference that they have no part in.

    A reversal has the number of what it reverses. A transfer between two customers looks the same on the receivables
    account, but touches no other one, and stays.
    """
    documents: dict[tuple[str, str], list[Foreign]] = {}
    for one in entries:
        documents.setdefault((one.document_type, one.number), []).append(one)
    paired = {key for key, each in documents.items() if len(_unpaired(each)) < len(each)}
    reversed_ones = paired & _touching_others(books, sorted({number for _, number in paired}), owing)
    return [one for key, each in documents.items() for one in (_unpaired(each) if key in reversed_ones else each)]


def _touching_others(books: BusinessCentral, numbers: Sequence[str], owing: set[str]) -> set[tuple[str, str]]:
    """Which of these documents have an entry on another account than those that customers owe on."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(numbers), _CARDS_PER_READ):
        wanted = any_of("documentNumber", numbers[start : start + _CARDS_PER_READ])
        rows = books.read(Read("generalLedgerEntries", filter=wanted, select=_ENTRY))
        found |= {(one.document_type, one.number) for one in map(_entry, _elsewhere(rows, owing))}
    return found


def _elsewhere(rows: Iterable[Mapping[str, Any]], owing: set[str]) -> Iterator[Mapping[str, Any]]:
    return (row for row in rows if str(row["accountNumber"]) not in owing)


def _unpaired(entries: Iterable[Foreign]) -> list[Foreign]:
    """What is left when entries that take each other back are gone."""
    left: list[Foreign] = []
    for one in entries:
        mirror = next((other for other in left if other.amount == -one.amount), None)
        if mirror is None:
            left.append(one)
        else:
            left.remove(mirror)
    return left


def dated(first: date, last: date | None) -> str:
    """The filter for posting dates from `first` to `last`, or without an end."""
    until = compare("postingDate", "le", last) if last is not None else ""
    return all_of(compare("postingDate", "ge", first), until)
