"""Business Central's general ledger as values: entries, the documents they belong to, and the chart of accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from stsync.core.money import ZERO


@dataclass(frozen=True)
class Entry:
    """One general ledger entry; `amount` is debit less credit, `dimension` the value of the business unit dimension, `more`
    the values of the others, by dimension.
    """

    number: int
    on: date
    document_type: str
    document_number: str
    account: str
    amount: Decimal
    dimension: str = ""
    description: str = ""
    more: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class BookDocument:
    """All entries of one document type and number within the period."""

    document_type: str
    number: str
    entries: tuple[Entry, ...]

    @property
    def on(self) -> date:
        """Its first posting date."""
        return min(entry.on for entry in self.entries)

    @property
    def description(self) -> str:
        """The first text that stands on it."""
        return next((entry.description for entry in self.entries if entry.description), "")

    @property
    def key(self) -> tuple[str, str]:
        """Type and number."""
        return self.document_type, self.number

    @property
    def title(self) -> str:
        """Type and number, as the general ledger shows them."""
        return f"{self.document_type or 'entry'} {self.number or '(no number)'}"

    def net(self) -> dict[str, Decimal]:
        """Debit less credit by account."""
        amounts: dict[str, Decimal] = {}
        for entry in self.entries:
            amounts[entry.account] = amounts.get(entry.account, ZERO) + entry.amount
        return amounts


def together(documents: Sequence[BookDocument]) -> BookDocument:
    """Several documents as one, under the first one's name: what was undone counts with what undid it."""
    first = documents[0]
    return replace(first, entries=tuple(entry for one in documents for entry in one.entries))


def documents(entries: Iterable[Entry]) -> list[BookDocument]:
    """The documents behind the entries, in the order of their first entry."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.document_type, entry.document_number), []).append(entry)
    return [BookDocument(kind, number, tuple(each)) for (kind, number), each in found.items()]


@dataclass(frozen=True)
class BookAccount:
    """A G/L account; `usable` means that a sales line may name it."""

    number: str
    name: str = ""
    category: str = ""
    direct_posting: bool = True
    usable: bool = True


@dataclass(frozen=True)
class SalesNumber:
    """A sales document by its number; the general ledger shows neither external numbers nor customers (facts 2.16).

    `kind` is the general ledger's document type. An `undone` one was cancelled (status Canceled), or is the credit memo
    that cancelled another (status Corrective). `credits` is the invoice that a credit memo applies to, `total` always
    positive.
    """

    number: str
    external: str
    draft: bool = False
    kind: str = "Invoice"
    undone: bool = False
    customer: str = ""
    credits: str = ""
    on: date | None = None
    total: Decimal = ZERO

    @property
    def key(self) -> tuple[str, str]:
        """Type and number, as a document of the general ledger has them."""
        return self.kind, self.number


@dataclass(frozen=True)
class Books:
    """What was read of Business Central for a period.

    `dimension_values` are codes with their names, `more_values` the codes of the other dimensions; `outside` what the books
    hold of documents of ours on days outside the period, by kind and ServiceTitan id.
    """

    entries: tuple[Entry, ...]
    accounts: Mapping[str, BookAccount]
    sales_numbers: tuple[SalesNumber, ...] = ()
    dimension_values: Mapping[str, str] = field(default_factory=dict)
    more_values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    outside: Mapping[tuple[str, str], tuple[BookDocument, ...]] = field(default_factory=dict)
