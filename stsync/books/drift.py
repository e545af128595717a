"""What changed on either side after stsync had posted a document, field by field, and what a person does about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from stsync.core.money import ZERO


class Side(StrEnum):
    """Where it changed."""

    SERVICETITAN = "servicetitan"
    BOOKS = "business_central"


class What(StrEnum):
    """What kind of change it is: the remedy follows from it."""

    FIELD = "field"  # a value is another
    NAME = "name"  # a value that no amount, account or date in the books depends on
    VOIDED = "voided"  # cancelled in ServiceTitan
    APPLIED = "applied"  # applied since, and to nothing before
    CANCELLED = "cancelled"  # cancelled in Business Central
    CREDITED = "credited"  # a posted credit memo of somebody else stands against it
    CREDIT_DRAFT = "credit_draft"  # such a credit memo that is not posted
    REVERSED = "reversed"  # the entries of a payment were reversed
    GONE = "gone"  # neither document nor entries
    ERASED = "erased"  # the document is gone, its entries stand
    LEDGER = "ledger"  # the general ledger says otherwise than the document that was sent
    TWICE = "twice"  # a second document of the same number


# Worth knowing, but nobody has to do anything in the books.
_FOR_INFORMATION = frozenset({What.NAME, What.APPLIED})


@dataclass(frozen=True)
class Change:
    """One field. `effect` is how far it moved the books away from ServiceTitan: the books less ServiceTitan."""

    side: Side
    what: What
    field: str
    before: str
    after: str
    effect: Decimal = ZERO


@dataclass(frozen=True)
class Remedy:
    """What to do, and the command that prepares it; empty where it can only be done by hand."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class Drifted:
    """One document that is not as it was posted. Amounts in the document's currency.

    `book_number` is its number in Business Central; `serious` is false when nobody has to do anything.
    """

    kind: str
    source_id: str
    number: str
    name: str
    on: date | None
    book_number: str
    changes: tuple[Change, ...]
    remedy: Remedy

    @property
    def serious(self) -> bool:
        """Whether the two systems disagree about it."""
        return any(one.what not in _FOR_INFORMATION for one in self.changes) and not self.agrees_again

    @property
    def agrees_again(self) -> bool:
        """Whether both sides were undone, so that they say the same once more."""
        return undone_on_both_sides(self.changes)

    @property
    def effect(self) -> Decimal:
        """How far the books are from ServiceTitan because of it: the books less ServiceTitan."""
        return sum((one.effect for one in self.changes), ZERO)


@dataclass(frozen=True)
class Merged:
    """A customer with a card of its own that was merged into another in ServiceTitan; no amount moves."""

    source_id: str
    name: str
    card: str
    survivor: str
    survivor_name: str
    documents: int


@dataclass(frozen=True)
class Drift:
    """The whole answer. `looked_at` counts the posted documents that were compared, `by_hand` those left out because a
    person said that they are dealt with; `complete` is false when only what changed since the last look was compared.
    """

    documents: tuple[Drifted, ...]
    merged: tuple[Merged, ...]
    looked_at: int
    complete: bool
    books_read: datetime
    servicetitan_read: datetime | None
    by_hand: int = 0
    unreadable: tuple[str, ...] = field(default=())

    @property
    def serious(self) -> list[Drifted]:
        """The documents about which the two systems disagree."""
        return [one for one in self.documents if one.serious]

    @property
    def for_information(self) -> list[Drifted]:
        """The others: nothing has to be done."""
        return [one for one in self.documents if not one.serious]


def undone_on_both_sides(changes: Iterable[Change]) -> bool:
    """Cancelled in ServiceTitan, and cancelled, credited or reversed for the same amount in Business Central."""
    told = tuple(changes)
    kinds = {one.what for one in told}
    undone = kinds & {What.CANCELLED, What.CREDITED, What.REVERSED}
    return What.VOIDED in kinds and bool(undone) and sum((one.effect for one in told), ZERO) == 0
