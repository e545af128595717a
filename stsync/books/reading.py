"""Reading what a tie-out compares: Business Central's ledger now, ServiceTitan's documents as they were last read.

Nothing is written, and nothing is read from ServiceTitan: its side is as of the last run, which the result says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.books.expected import Rules
from stsync.books.general_ledger import BookAccount, Books, Entry, SalesNumber, documents
from stsync.books.matching import Owner, match, owners
from stsync.books.result import TieOut, Uncounted
from stsync.books.sources import Document, Source, day_of
from stsync.books.tieout import tie_out
from stsync.books.values import Period
from stsync.businesscentral.odata import Read, all_of, any_of, compare, enum_text
from stsync.core.links import Link, link
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.errors import StateError
from stsync.stages import invoices, payment_journals, payments

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral
    from stsync.config.model import Config
    from stsync.core.mapping import Mapping as Choices
    from stsync.state import InboxRow, State

_STATES = ("pending", "waiting", "held", "dead", "settled")
_SALES = frozenset({"Invoice", "Credit Memo"})
_KEYS_PER_READ = 40
_IDS_PER_LOOK = 500
PARSE: dict[str, Callable[[Mapping[str, Any]], Document]] = {"invoices": Invoice.parse, "payments": Payment.parse}
_DATE_FIELD = {"invoices": "invoiceDate", "payments": "date"}


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
    read_at = {kind: state.cursors.read_at(kind) for kind in PARSE}
    if not any(read_at.values()):
        raise StateError(
            "servicetitan-never-read",
            "stsync has not read ServiceTitan yet, so there is nothing to compare.",
            hint="Run stsync sync first; reconcile compares what the last run has read.",
        )
    books_read = now()
    found, rules = _read_books(books, period, config, choices)
    sources, unreadable = _read_sources(state, period, found)
    complete = replace(found, elsewhere=_elsewhere(books, sources, found, period))
    return Reconciliation(tie_out(period, sources, complete, rules, unreadable=unreadable), read_at, books_read)


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
        sales_numbers=sales_documents(books, _dated(period)),
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
    policy = getattr(config, "posting_dates", None)
    return getattr(policy, "closed", "hold") == "first_open_day"


def _dated(period: Period) -> str:
    return all_of(compare("postingDate", "ge", period.first), compare("postingDate", "le", period.last))


def _entries(period: Period, dimension: str | None) -> Read:
    fields = (
        "entryNumber", "postingDate", "documentNumber", "documentType", "accountNumber", "description",
        "debitAmount", "creditAmount",
    )  # fmt: skip
    return Read(
        "generalLedgerEntries",
        filter=_dated(period),
        select=fields,
        expand="dimensionSetLines" if dimension else "",
        orderby="entryNumber",
    )


def sales_documents(books: BusinessCentral, filter_text: str) -> tuple[SalesNumber, ...]:
    """The sales invoices and credit memos that the filter lets through, drafts among them."""
    common = ("id", "number", "externalDocumentNumber", "status", "postingDate", "customerNumber", "billToCustomerNumber")
    invoices = Read("salesInvoices", filter=filter_text, select=(*common, "totalAmountIncludingTax"))
    memos = Read("salesCreditMemos", filter=filter_text, select=(*common, "totalAmountIncludingTax", "invoiceNumber"))
    return (
        *(_sales_number(row, "Invoice") for row in books.read(invoices)),
        *(_sales_number(row, "Credit Memo") for row in books.read(memos)),
    )


def entry(row: Mapping[str, Any], dimension: str | None) -> Entry:
    """A general ledger entry with its value of that dimension."""
    values = {str(one["code"]): str(one["valueCode"]) for one in row.get("dimensionSetLines") or ()}
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


def _sales_number(row: Mapping[str, Any], kind: str) -> SalesNumber:
    status = enum_text(str(row.get("status") or ""))
    return SalesNumber(
        number=str(row["number"]),
        external=str(row.get("externalDocumentNumber") or ""),
        draft=status in {"Draft", "In Review"},
        kind=kind,
        undone=status in {"Canceled", "Corrective"},
        # The bill-to customer owes the money.
        customer=str(row.get("billToCustomerNumber") or row.get("customerNumber") or ""),
        credits=str(row.get("invoiceNumber") or "") if kind == "Credit Memo" else "",
        on=_day(row.get("postingDate")),
        total=Decimal(row.get("totalAmountIncludingTax") or 0),
    )


def _day(value: object) -> date | None:
    # 0001-01-01 is Business Central's empty date (facts section 1, dates).
    return None if not isinstance(value, str) or value.startswith("0001") else date.fromisoformat(value[:10])


def _journals(config: Config, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each journal's balancing account: the configuration's, else the one that Business Central has (a bank has none)."""
    found = {str(row["code"]).upper(): str(row.get("balancingAccountNumber") or "") for row in rows}
    configured = {code.upper(): one.balancing_account for code, one in config.payments.journals.items()}
    return {**found, **{code: account for code, account in configured.items() if account}}


def _read_sources(state: State, period: Period, books: Books) -> tuple[list[Source], list[Uncounted]]:
    named = owners(documents(books.entries), books.sales_numbers)
    found: list[Source] = []
    unreadable: list[Uncounted] = []
    for kind in PARSE:
        ids = {source_id for one, source_id in named if one == kind}
        ids |= _remembered(state, kind, books)
        rows = [(row, _parsed(kind, row, period, unreadable)) for row in _candidates(state, kind, period, ids)]
        wanted = [
            (row, now)
            for row, now in rows
            if now is not None and (row.source_id in ids or day_of(now) is None or day_of(now) in period)
        ]
        links = _links(state, kind, [row.source_id for row, _ in wanted])
        said = _said(state, kind)
        sources = [_source(state, row, now, links.get(row.source_id, Link())) for row, now in wanted]
        found += [replace(one, note=said.get(one.now.id, "")) if one.by_hand else one for one in sources]
    return found, unreadable


def _said(state: State, kind: str) -> dict[str, str]:
    """What people said when they dealt with records by hand, the last word of each."""
    rows = state.audit.rows(event="ignored", stage=kind)
    return {row.source_id: f"{row.detail['reason']} ({row.detail['operator']}, {row.at:%Y-%m-%d})" for row in rows}


def _remembered(state: State, kind: str, books: Books) -> set[str]:
    """Sales documents that our ledger posted under numbers of this period, should their external number be lost."""
    if kind == "payments":
        return set()
    numbers = {one.document_number for one in books.entries if one.document_type in {"Invoice", "Credit Memo"}}
    return {row.source_id for row in state.ledger.links(kind) if row.verb == "post" and row.target_number in numbers}


def _candidates(state: State, kind: str, period: Period, ids: set[str]) -> Iterator[InboxRow]:
    """Every record that may belong to the period; a settled one is described by its date, others may have changed."""
    for row in state.inbox.rows(kind, _STATES):
        outside = row.state == "settled" and row.on and date.fromisoformat(row.on) not in period
        if not outside or row.source_id in ids:
            yield row


def _parsed(kind: str, row: InboxRow, period: Period, unreadable: list[Uncounted]) -> Document | None:
    try:
        return PARSE[kind](row.content)
    except UnknownShape as error:
        if _perhaps_in(kind, row, period):
            number = str(row.content.get("referenceNumber") or row.source_id)
            unreadable.append(Uncounted(kind, row.source_id, number, str(error)))
        return None


def _perhaps_in(kind: str, row: InboxRow, period: Period) -> bool:
    """Whether a record that cannot be read could belong to the period; only a plain date outside says no."""
    try:
        return date.fromisoformat(str(row.content.get(_DATE_FIELD[kind]))[:10]) in period
    except ValueError:
        return True


def _links(state: State, kind: str, ids: Sequence[str]) -> dict[str, Link]:
    found: dict[str, Link] = {}
    for start in range(0, len(ids), _IDS_PER_LOOK):
        rows = state.ledger.by_sources(kind, ids[start : start + _IDS_PER_LOOK])
        found.update({source_id: link(each) for source_id, each in rows.items()})
    return found


def _source(state: State, row: InboxRow, now: Document, known: Link) -> Source:
    if known.is_baseline:
        known = Link()  # an opening document is not ours: the books hold it under another name and date
    return Source(
        now=now,
        state=row.state,
        outcome=row.outcome or "",
        reason=row.reason,
        posted=known.posted,
        number=known.number if known.posted else "",
        draft=known.exists and not known.posted,
        before=_content_before(state, row, now, known) if known.posted else None,
        card=known.customer,
    )


def _content_before(state: State, row: InboxRow, now: Document, known: Link) -> Document | None:
    """The content that was posted, if the record has changed since; None if it has not, or if it cannot be told."""
    if known.fingerprint in {"", _fingerprint(now)}:
        return None
    for version in reversed(state.inbox.versions(row.kind, row.source_id)):
        try:
            content = PARSE[row.kind](version.content)
        except UnknownShape:
            continue
        if _fingerprint(content) == known.fingerprint:
            return content
    return None


def _fingerprint(document: Document) -> str:
    return invoices.fingerprint(document) if isinstance(document, Invoice) else payments.fingerprint(document)


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
