"""The outcome of a tie-out: rows that bridge ServiceTitan to Business Central, and what could not be explained.

For each row: ServiceTitan less every explanation is what the books should show; the books less that and less what
others made there is unexplained. Nothing is ever put on a line called "other".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from stsync.books.values import Cell, Period, Record, RowKey, Section, Why, noun_of
from stsync.core.money import ZERO


@dataclass(frozen=True)
class Share:
    """What one document adds to an explanation; `note` is the reason a person was given, `hint` what to do."""

    record: Record
    amount: Decimal
    note: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Explanation:
    """ServiceTitan less the books for one reason, with the documents behind it."""

    why: Why
    shares: tuple[Share, ...]

    @property
    def amount(self) -> Decimal:
        """All of them together."""
        return sum((share.amount for share in self.shares), ZERO)


@dataclass(frozen=True)
class Foreign:
    """A document that stands only in Business Central: stsync did not make it. `customer` is its card, where shown."""

    document_type: str
    number: str
    on: date
    description: str
    amount: Decimal
    customer: str = ""

    def over(self, amount: Decimal) -> Foreign:
        """The same with this amount."""
        return replace(self, amount=amount)


@dataclass(frozen=True)
class Row:
    """One row of a section; amounts in the company's currency, positive in the section's usual direction.

    `names` are what ServiceTitan calls it. Documents are counted for receivables and payments only. `category` is the
    one of a G/L account: a line on a liability account, such as a deposit, is no revenue yet.
    """

    key: RowKey
    names: tuple[str, ...]
    book_name: str
    servicetitan: Decimal
    explanations: tuple[Explanation, ...]
    books: Decimal
    only_in_books: tuple[Foreign, ...]
    servicetitan_documents: int = 0
    books_documents: int = 0
    category: str = ""

    @property
    def explained(self) -> Decimal:
        """What ServiceTitan has and the books rightly have not."""
        return sum((one.amount for one in self.explanations), ZERO)

    @property
    def expected(self) -> Decimal:
        """What the books should show of ServiceTitan's documents."""
        return self.servicetitan - self.explained

    @property
    def only_in_books_amount(self) -> Decimal:
        """What others made in Business Central."""
        return sum((one.amount for one in self.only_in_books), ZERO)

    @property
    def unexplained(self) -> Decimal:
        """What nothing explains; 0.00 when the two agree."""
        return self.books - self.only_in_books_amount - self.expected


class What(StrEnum):
    """What is wrong with a document in the books."""

    MISSING = "missing"
    TWICE = "twice"
    AMOUNT = "amount"
    DIMENSION = "dimension"
    ACCOUNT = "account"
    CUSTOMER = "customer"
    UNDONE = "undone"
    NUMBER = "number"
    UNKNOWN = "unknown"
    BALANCE = "balance"


@dataclass(frozen=True)
class Difference:
    """One cell of a document in which the books are otherwise."""

    cell: Cell
    expected: Decimal
    found: Decimal

    @property
    def amount(self) -> Decimal:
        """Books less expected."""
        return self.found - self.expected


@dataclass(frozen=True)
class Finding:
    """A document whose entries are not what they must be. `record` is None when ServiceTitan has no such document.

    `note` says what the differences cannot, such as the card that the document stands on.
    """

    what: What
    record: Record | None
    document: str
    differences: tuple[Difference, ...]
    note: str = ""

    @property
    def amount(self) -> Decimal:
        """The differences of the section that shows them best: receivables or payments, else all."""
        totals = {Section.RECEIVABLES, Section.PAYMENTS}
        main = [one for one in self.differences if one.cell.section in totals]
        return sum((one.amount for one in main or self.differences), ZERO)


@dataclass(frozen=True)
class AsOf:
    """What receivables by customer are as of: `last` None says that the balances are those at `read`.

    ServiceTitan's documents count from `first` up to `last`, or up to the last run. `way` says how Business Central
    was asked, in words for a person; `opening` how many cards may carry a balance from before `first`.
    """

    first: date
    last: date | None
    read: datetime
    way: str
    opening: int = 0


@dataclass(frozen=True)
class Uncounted:
    """A record that is in no figure: its shape is unknown, or it has no date."""

    kind: str
    source_id: str
    number: str
    why: str

    @property
    def noun(self) -> str:
        """One of its kind, in words."""
        return noun_of(self.kind)


@dataclass(frozen=True)
class TieOut:
    """A period's tie-out. `undated` belong to no period; `unreadable` could be in this one.

    `owners` are the documents that the period's books show, by kind and id, `undone` those of them that somebody cancelled
    there, `receivables` the accounts that customers
    owe on; `customers` what the receivables by customer are as of, None where they were not compared. `unsettled` are
    documents that other months have a part in, as far as the period tells. `unlisted` are numbers of our documents that
    the general ledger shows, but no list of sales documents; `balances_refused` why Business Central did not tell the
    customers' balances.
    """

    period: Period
    dimension: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    unreadable: tuple[Uncounted, ...] = ()
    undated: tuple[Uncounted, ...] = ()
    owners: frozenset[tuple[str, str]] = frozenset()
    undone: frozenset[tuple[str, str]] = frozenset()
    receivables: frozenset[str] = frozenset()
    customers: AsOf | None = None
    unsettled: frozenset[tuple[str, str]] = frozenset()
    unlisted: tuple[str, ...] = ()
    balances_refused: str = ""

    def of(self, section: Section) -> list[Row]:
        """The rows of one section."""
        return [row for row in self.rows if row.key.section == section]

    @property
    def exact(self) -> bool:
        """Whether every cent is explained: no row is off, no two mistakes hide each other, nothing was left unread."""
        return not (self.findings or self.unreadable) and all(row.unexplained == 0 for row in self.rows)

    def unexplained(self, section: Section) -> Decimal:
        """The unexplained rest of a section."""
        return sum((row.unexplained for row in self.of(section)), ZERO)

    def explanations(self, section: Section) -> Iterator[Explanation]:
        """Every explanation of a section, over its rows: one per reason, one share per document."""
        by_why: dict[Why, dict[tuple[str, str], Share]] = {}
        for row in self.of(section):
            for one in row.explanations:
                shares = by_why.setdefault(one.why, {})
                for share in one.shares:
                    key = (share.record.kind, share.record.source_id)
                    before = shares[key].amount if key in shares else ZERO
                    shares[key] = Share(share.record, before + share.amount, share.note, share.hint)
        for why in Why:
            if why in by_why:
                yield Explanation(why, tuple(by_why[why].values()))

    def foreign(self, section: Section) -> list[Foreign]:
        """Every document of a section that stands only in Business Central, over its rows."""
        found: dict[tuple[str, str], Foreign] = {}
        for row in self.of(section):
            for one in row.only_in_books:
                key = (one.document_type, one.number)
                before = found[key].amount if key in found else ZERO
                found[key] = one.over(before + one.amount)
        return list(found.values())
