"""Reading what a tie-out compares: Business Central's ledger now, ServiceTitan's documents as they were last read.

Nothing is written, and nothing is read from ServiceTitan: its side is as of the last run, which the result says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from stsync.books.balances import with_customers
from stsync.books.expected import Rules
from stsync.books.general_ledger import BookAccount, BookDocument, Books
from stsync.books.ledger_entries import Codes, entries, entry
from stsync.books.matching import Owner
from stsync.books.others import dated
from stsync.books.outside import Asked, documents_outside
from stsync.books.result import TieOut
from stsync.books.sales_documents import sales_documents
from stsync.books.servicetitan_side import KINDS, read_sources
from stsync.books.sources import Source
from stsync.books.tieout import tie_out
from stsync.books.values import Period
from stsync.businesscentral.odata import Read, any_of, enum_text
from stsync.core.dimensions import Source as Dimension
from stsync.core.operations import Verb
from stsync.core.plan import TO_APPLY
from stsync.errors import StateError

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral
    from stsync.config.model import Config
    from stsync.core.mapping import Mapping as Choices
    from stsync.state import State

_EXAMPLES = 20


@dataclass(frozen=True)
class Reconciliation:
    """A tie-out with both as-of moments: when each ServiceTitan feed was last read, and when Business Central was.

    `broken_off` are kinds whose last reading did not come to its end. Kinds that are not carried over are not named.
    """

    tie_out: TieOut
    servicetitan_read: Mapping[str, datetime | None]
    books_read: datetime
    go_live: date | None = None
    broken_off: frozenset[str] = frozenset()


def reconcile(
    period: Period,
    *,
    state: State,
    books: BusinessCentral,
    config: Config,
    choices: Choices,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Reconciliation:
    """Read both sides and compare them.

    Raises StateError when ServiceTitan was never read, and what the client's reads raise.
    """
    kinds = [kind for kind in KINDS if kind != "credit_memos" or config.credit_memos.transfer]
    read_at = {kind: state.cursors.read_at(kind) for kind in kinds}
    if not any(read_at.values()):
        raise StateError(
            "servicetitan-never-read",
            "stsync has not read ServiceTitan yet, so there is nothing to compare.",
            hint="Run stsync sync first; reconcile compares what the last run has read.",
        )
    books_read = now()
    found, rules = _read_books(books, period, config, choices)
    sources, unreadable = read_sources(state, period, found)
    # Drawn twice: only what the period alone does not settle is looked up in other months.
    first = tie_out(period, sources, found, rules)
    outside = _outside(first, sources, found, books=books, state=state, codes=_codes(config))
    compared = tie_out(period, sources, replace(found, outside=outside), rules, unreadable=unreadable)
    whole = with_customers(compared, outside, state=state, books=books, config=config, read=books_read)
    broken_off = frozenset(kind for kind in kinds if state.cursors.broken_off(kind))
    return Reconciliation(whole, read_at, books_read, config.go_live, broken_off)


def _read_books(books: BusinessCentral, period: Period, config: Config, choices: Choices) -> tuple[Books, Rules]:
    codes = _codes(config)
    reads = [
        Read("accounts", select=("number", "displayName", "category", "accountType", "blocked", "directPosting")),
        Read("customerPaymentJournals", select=("code", "balancingAccountNumber")),
    ]
    if codes.all:
        reads.append(Read("dimensions", filter=any_of("code", codes.all), expand="dimensionValues"))
    accounts, journals, *dimensions = books.read_many(reads)
    values = {str(row["code"]): _values(row) for rows in dimensions for row in rows}
    found = Books(
        entries=tuple(entry(row, codes) for row in books.read(entries(dated(period.first, period.last), codes))),
        accounts={str(row["number"]): _account(row) for row in accounts},
        sales_numbers=sales_documents(books, dated(period.first, period.last)),
        dimension_values=values.get((codes.unit or "").upper(), {}),
        more_values={code: frozenset(values.get(code, ())) for code in codes.more},
    )
    rules = Rules(
        choices=choices,
        dimension=codes.unit,
        tax_method=config.invoices.tax.method,
        journals=_journals(config, journals),
        accounts=found.accounts,
        dimension_values=found.dimension_values,
        redates=_redates(config),
        more=_more(config),
        more_values=found.more_values,
    )
    return found, rules


def _codes(config: Config) -> Codes:
    return Codes(config.dimensions.business_unit, tuple(one.code for one in _more(config)))


def _more(config: Config) -> tuple[Dimension, ...]:
    """The other dimensions that a document tells by itself. The trade of a business unit is not in what was read."""
    told = (one for one in config.dimensions.more if one.source != "trade")
    return tuple(Dimension(one.dimension, one.source, one.value or "") for one in told)


def _values(row: Mapping[str, Any]) -> dict[str, str]:
    return {str(one["code"]): str(one.get("displayName") or "") for one in row.get("dimensionValues") or ()}


def _redates(config: Config) -> bool:
    """Whether documents of a closed period go onto the first open day."""
    return config.posting_dates.closed == "first_open_day"


def _account(row: Mapping[str, Any]) -> BookAccount:
    direct = bool(row.get("directPosting", True))
    posting = enum_text(str(row.get("accountType", "Posting"))) == "Posting"
    return BookAccount(
        number=str(row["number"]),
        name=str(row.get("displayName") or ""),
        category=enum_text(str(row.get("category") or "")),
        direct_posting=direct,
        usable=direct and posting and not row.get("blocked", False),
    )


def _journals(config: Config, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each journal's balancing account: the configuration's, else the one that Business Central has (a bank has none)."""
    found = {str(row["code"]).upper(): str(row.get("balancingAccountNumber") or "") for row in rows}
    configured = {code.upper(): one.balancing_account for code, one in config.payments.journals.items()}
    return {**found, **{code: account for code, account in configured.items() if account}}


def _outside(
    compared: TieOut,
    sources: Sequence[Source],
    found: Books,
    *,
    books: BusinessCentral,
    state: State,
    codes: Codes,
) -> dict[Owner, tuple[BookDocument, ...]]:
    """What the books hold in other months of the documents that the period alone does not settle."""
    named = {(one.record.kind, one.record.source_id) for one in compared.findings if one.record is not None}
    named |= compared.unsettled
    asked = [
        Asked(one.owner, one.number if one.posted else "", one.card if one.owner in compared.unsettled else "")
        for one in sources
        if one.owner in named or (one.owner not in compared.owners and _perhaps_booked(one))
    ]
    if not compared.receivables:
        asked += _of_other_months(state, {one.owner for one in asked})
    return documents_outside(books, asked, found, compared.period, codes)


def _perhaps_booked(source: Source) -> bool:
    return source.posted or source.outcome in {"posted", TO_APPLY}


def _of_other_months(state: State, but: set[Owner]) -> Iterator[Asked]:
    """A few documents of ours, whatever their month: they show which accounts customers owe on."""
    for kind in KINDS:
        rows = (row for row in state.ledger.links(kind) if row.verb == Verb.POST and row.target_number)
        for row in islice(rows, _EXAMPLES):
            if (kind, row.source_id) not in but:
                yield Asked((kind, row.source_id), str(row.target_number))
