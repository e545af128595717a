"""Reading what a tie-out compares: Business Central's ledger now, ServiceTitan's documents as they were last read.

Nothing is written, and nothing is read from ServiceTitan: its side is as of the last run, which the result says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.books.balances import with_customers
from stsync.books.expected import Rules
from stsync.books.general_ledger import BookAccount, Books, Entry, documents
from stsync.books.matching import Owner, match
from stsync.books.others import dated
from stsync.books.result import TieOut
from stsync.books.sales_documents import sales_documents
from stsync.books.servicetitan_side import KINDS, read_sources
from stsync.books.sources import Source
from stsync.books.tieout import tie_out
from stsync.books.values import Period
from stsync.businesscentral.odata import Read, any_of, compare, enum_text
from stsync.core.dimensions import held_dimensions
from stsync.errors import StateError
from stsync.stages import payment_journals

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral
    from stsync.config.model import Config
    from stsync.core.mapping import Mapping as Choices
    from stsync.state import State

_SALES = frozenset({"Invoice", "Credit Memo"})
_KEYS_PER_READ = 40


@dataclass(frozen=True)
class Reconciliation:
    """A tie-out with both as-of moments: when each ServiceTitan feed was last read, and when Business Central was."""

    tie_out: TieOut
    servicetitan_read: Mapping[str, datetime | None]
    books_read: datetime


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
    read_at = {kind: state.cursors.read_at(kind) for kind in KINDS}
    if not any(read_at.values()):
        raise StateError(
            "servicetitan-never-read",
            "stsync has not read ServiceTitan yet, so there is nothing to compare.",
            hint="Run stsync sync first; reconcile compares what the last run has read.",
        )
    books_read = now()
    found, rules = _read_books(books, period, config, choices)
    sources, unreadable = read_sources(state, period, found)
    complete = replace(found, elsewhere=_elsewhere(books, sources, found, period))
    compared = tie_out(period, sources, complete, rules, unreadable=unreadable)
    whole = with_customers(compared, complete.elsewhere, state=state, books=books, config=config, read=books_read)
    return Reconciliation(whole, read_at, books_read)


def _read_books(books: BusinessCentral, period: Period, config: Config, choices: Choices) -> tuple[Books, Rules]:
    dimension = config.dimensions.business_unit
    reads = [
        Read("accounts", select=("number", "displayName", "category", "accountType", "blocked", "directPosting")),
        Read("customerPaymentJournals", select=("code", "balancingAccountNumber")),
    ]
    if dimension:
        reads.append(Read("dimensions", filter=compare("code", "eq", dimension.upper()), expand="dimensionValues"))
    accounts, journals, *dimensions = books.read_many(reads)
    values = [value for rows in dimensions for row in rows for value in row.get("dimensionValues") or ()]
    found = Books(
        entries=tuple(entry(row, dimension) for row in books.read(_entries(period, dimension))),
        accounts={str(row["number"]): _account(row) for row in accounts},
        sales_numbers=sales_documents(books, dated(period.first, period.last)),
        dimension_values={str(value["code"]): str(value.get("displayName") or "") for value in values},
    )
    rules = Rules(
        choices=choices,
        dimension=dimension,
        tax_method=config.invoices.tax.method,
        journals=_journals(config, journals),
        accounts=found.accounts,
        dimension_values=found.dimension_values,
        redates=_redates(config),
    )
    return found, rules


def _redates(config: Config) -> bool:
    """Whether documents of a closed period go onto the first open day."""
    return config.posting_dates.closed == "first_open_day"


def _entries(period: Period, dimension: str | None) -> Read:
    fields = (
        "entryNumber", "postingDate", "documentNumber", "documentType", "accountNumber", "description",
        "debitAmount", "creditAmount",
    )  # fmt: skip
    return Read(
        "generalLedgerEntries",
        filter=dated(period.first, period.last),
        select=fields,
        expand="dimensionSetLines" if dimension else "",
        orderby="entryNumber",
    )


def entry(row: Mapping[str, Any], dimension: str | None) -> Entry:
    """A general ledger entry with its value of that dimension."""
    values = held_dimensions(row)
    return Entry(
        number=int(row["entryNumber"]),
        on=date.fromisoformat(str(row["postingDate"])[:10]),
        document_type=enum_text(str(row.get("documentType") or "")),
        document_number=str(row.get("documentNumber") or ""),
        account=str(row["accountNumber"]),
        amount=Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0),
        dimension=values.get((dimension or "").upper(), ""),
        description=str(row.get("description") or ""),
    )


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


def _elsewhere(books: BusinessCentral, sources: Sequence[Source], found: Books, period: Period) -> dict[Owner, date]:
    """Our posted documents that are not in the period's ledger, looked up by number: they may carry another date."""
    there = match(documents(found.entries), found.sales_numbers, {one.owner: one for one in sources}).first
    missing = {
        _number(one): one
        for one in sources
        if one.owner not in there and (one.posted or one.outcome in {"posted", "to_apply"}) and _number(one)
    }
    numbers = sorted(missing)
    reads = [
        Read(
            "generalLedgerEntries",
            filter=any_of("documentNumber", numbers[start : start + _KEYS_PER_READ]),
            select=("entryNumber", "postingDate", "documentNumber", "documentType"),
        )
        for start in range(0, len(numbers), _KEYS_PER_READ)
    ]
    dates: dict[Owner, date] = {}
    for row in (row for rows in books.read_many(reads) for row in rows):
        source = missing[str(row["documentNumber"])]
        document_type = enum_text(str(row.get("documentType") or ""))
        same = document_type == source.document_type or (source.kind == "payments" and document_type not in _SALES)
        on = date.fromisoformat(str(row["postingDate"])[:10])
        if same and on not in period:
            dates.setdefault(source.owner, on)
    return dates


def _number(source: Source) -> str:
    return payment_journals.natural_key(source.now.id) if source.kind == "payments" else source.number
