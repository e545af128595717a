"""Business Central's side of drift: what stsync posted against what stands there now. Pure.

A posted document cannot be edited there, so what can differ is few: it was cancelled, credited or deleted, its entries
were reversed, or the dimensions of its entries were corrected (facts sections 3 and 4). What stsync itself corrected is
not among it: the record's link ends with its own cancellation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from stsync.books.drift import Change, Side, What
from stsync.core.money import ZERO

_DRAFTS = frozenset({"Draft", "In Review"})


@dataclass(frozen=True)
class SentLine:
    """A line as stsync sent it: account, amount, and its dimension values by code."""

    account: str
    amount: Decimal
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Posted:
    """What stsync posted. `lines` is None where they are not known, or where an item decides the account; `dimensions`
    are those that every line of a payment was given."""

    book_id: str
    number: str
    customer: str
    total: Decimal
    posting_on: date | None = None
    lines: tuple[SentLine, ...] | None = None
    credit: bool = False
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BookRow:
    """A sales invoice or credit memo as Business Central lists it; `applies_to` is the number of the invoice it credits."""

    id: str
    number: str
    customer: str
    status: str
    total: Decimal
    posting_on: date | None
    applies_to: str = ""


@dataclass(frozen=True)
class BookEntry:
    """A general ledger entry, debit positive."""

    account: str
    amount: Decimal
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class InBooks:
    """All that Business Central shows of one document: rows of its natural key, credit memos against it, its entries."""

    rows: tuple[BookRow, ...] = ()
    memos: tuple[BookRow, ...] = ()
    entries: tuple[BookEntry, ...] = ()


def document_changes(posted: Posted, there: InBooks) -> list[Change]:
    """How a sales document differs from what was posted."""
    own = next((row for row in there.rows if row.id == posted.book_id), None)
    if own is None:
        own = next((row for row in there.rows if row.number == posted.number), None)
    if own is None:
        return [_missing(posted, there)]
    restored = next((row for row in there.rows if row.status == "Corrective" and not posted.credit), None)
    if own.status == "Canceled" and restored is not None:
        said = f"cancelled, and restored as {restored.number}"
        return [_change(What.NAME, "number", posted.number, said), *_restored_changes(posted, restored)]
    if own.status == "Canceled":
        by = _numbers(one for one in there.memos if one.status == "Corrective")
        return [_change(What.CANCELLED, "status", "posted", f"cancelled{by}", _less(posted, posted.total))]
    return [
        *_header_changes(posted, own),
        *_credits(there.memos),
        *_seconds(posted, own, there.rows),
        *_ledger_changes(posted, there.entries),
    ]


def payment_changes(posted: Posted, entries: Iterable[BookEntry]) -> list[Change]:
    """How a payment's entries differ from what was posted: they are gone, reversed, or of another amount."""
    found = tuple(entries)
    amount = abs(posted.total)
    if not found:
        gone = "no entries in the general ledger"
        return [_change(What.GONE, "entries", f"{amount:,.2f}", gone, -posted.total)]
    booked = sum((net for net in _by_account(found).values() if net > 0), ZERO)
    if booked == amount:
        return list(_recoded(posted, found))
    what, words = (What.REVERSED, "reversed") if booked == 0 else (What.LEDGER, f"{booked:,.2f}")
    sign = 1 if posted.total >= 0 else -1
    return [_change(what, "amount in the general ledger", f"{amount:,.2f}", words, sign * (booked - amount))]


def _recoded(posted: Posted, entries: Iterable[BookEntry]) -> Iterator[Change]:
    """Dimension values of a payment's entries that somebody corrected."""
    for code, value in posted.dimensions.items():
        held = {one.dimensions.get(code, "").upper() or "(none)" for one in entries}
        if held - {value.upper()}:
            yield _change(What.LEDGER, f"dimension {code}", value, ", ".join(sorted(held)))


def _missing(posted: Posted, there: InBooks) -> Change:
    if there.entries:
        return _change(What.ERASED, "document", f"posted as {posted.number}", "deleted; its ledger entries stand")
    return _change(What.GONE, "document", f"posted as {posted.number}", "not there", _less(posted, posted.total))


def _header_changes(posted: Posted, own: BookRow) -> Iterator[Change]:
    if own.number != posted.number and posted.number:
        yield _change(What.FIELD, "number", posted.number, own.number)
    if posted.customer and own.customer != posted.customer.upper():
        yield _change(What.FIELD, "customer", posted.customer, own.customer)
    if posted.posting_on is not None and own.posting_on != posted.posting_on:
        yield _change(What.FIELD, "posting date", str(posted.posting_on), str(own.posting_on))
    if own.total != posted.total:
        yield _change(
            What.FIELD, "total", f"{posted.total:,.2f}", f"{own.total:,.2f}", -_less(posted, own.total - posted.total)
        )


def _restored_changes(posted: Posted, restored: BookRow) -> Iterator[Change]:
    """An invoice whose cancellation somebody cancelled: the new one has a number of its own (facts section 4)."""
    return _header_changes(replace(posted, number=""), restored)


def _credits(memos: Iterable[BookRow]) -> Iterator[Change]:
    for memo in memos:
        if memo.status in _DRAFTS:
            after = f"draft {memo.number} over {memo.total:,.2f}"
            yield _change(What.CREDIT_DRAFT, "credit memo", "none", after)
        elif memo.status not in {"Canceled", "Corrective"}:
            yield _change(What.CREDITED, "credit memo", "none", f"{memo.number} over {memo.total:,.2f}", -memo.total)


def _seconds(posted: Posted, own: BookRow, rows: Iterable[BookRow]) -> Iterator[Change]:
    """Further live documents under the same natural key: nobody but a person, or another program, made them."""
    for row in rows:
        if row.id != own.id and row.status not in {"Canceled", "Corrective"} | _DRAFTS:
            after = f"also {row.number} over {row.total:,.2f}"
            yield _change(What.TWICE, "document", posted.number, after, -_less(posted, row.total))


def _ledger_changes(posted: Posted, entries: tuple[BookEntry, ...]) -> Iterator[Change]:
    if not entries:
        if posted.total != 0:
            gone = "no entries in the general ledger"
            yield _change(What.GONE, "entries", f"{posted.total:,.2f}", gone, _less(posted, posted.total))
        return
    if posted.lines is None:
        return
    codes = frozenset(code for line in posted.lines for code in line.dimensions)
    sign = 1 if posted.credit else -1
    wanted = _grouped(((line.account, sign * line.amount, line.dimensions) for line in posted.lines), codes)
    accounts = {account for account, _ in wanted}
    held = ((one.account, one.amount, one.dimensions) for one in entries if one.account in accounts)
    found = _grouped(held, codes)
    for account in sorted(accounts):
        old, new = _of(account, wanted), _of(account, found)
        if old == new:
            continue
        moved = sum(new.values(), ZERO) - sum(old.values(), ZERO)
        name = f"account {account}" if moved else f"dimension on account {account}"
        yield _change(What.LEDGER, name, _amounts(old, sign), _amounts(new, sign), -moved)


Groups = dict[tuple[str, str], Decimal]


def _grouped(lines: Iterable[tuple[str, Decimal, Mapping[str, str]]], codes: frozenset[str]) -> Groups:
    """Amounts by account and by the values of those dimensions; other dimensions are none of our business."""
    sums: Groups = defaultdict(lambda: ZERO)
    for account, amount, dimensions in lines:
        values = ", ".join(f"{code} {dimensions.get(code, '').upper() or '(none)'}" for code in sorted(codes))
        sums[account, values] += amount
    return {key: amount for key, amount in sums.items() if amount != 0}


def _of(account: str, groups: Groups) -> dict[str, Decimal]:
    return {values: amount for (one, values), amount in groups.items() if one == account}


def _amounts(groups: Mapping[str, Decimal], sign: int) -> str:
    """In the document's own direction: revenue of an invoice reads as a positive amount."""
    parts = [
        f"{values}: {sign * amount:,.2f}" if values else f"{sign * amount:,.2f}"
        for values, amount in sorted(groups.items())
    ]
    return "; ".join(parts) or "0.00"


def _by_account(entries: Iterable[BookEntry]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in entries:
        sums[one.account] += one.amount
    return sums


def _less(posted: Posted, amount: Decimal) -> Decimal:
    """What the books lose when so much of the document is not there: a credit memo's going makes them more."""
    return amount if posted.credit else -amount


def _numbers(memos: Iterable[BookRow]) -> str:
    numbers = ", ".join(one.number for one in memos)
    return f" by credit memo {numbers}" if numbers else ""


def _change(what: What, name: str, before: str, after: str, effect: Decimal = ZERO) -> Change:
    return Change(Side.BOOKS, what, name, before, after, effect)
