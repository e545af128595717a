"""Business Central's documents and ledger entries for drift: read by their numbers, many in one request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from stsync.books.drift_books import BookEntry, BookRow, InBooks, Posted, SentLine
from stsync.books.drift_memory import Memory
from stsync.businesscentral.odata import Read, any_of, compare, enum_text
from stsync.core.canonical import parse_json
from stsync.core.dimensions import held_dimensions
from stsync.core.links import Link
from stsync.core.money import cents
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.stages import invoices, payment_journals
from stsync.stages.correction import is_of_stsync

if TYPE_CHECKING:
    from stsync.businesscentral.client import BusinessCentral
    from stsync.state import LedgerRow

Row = Mapping[str, Any]

_KEYS_PER_READ = 40
# Rows commit later than they are stamped (facts section 9, polling): the last minutes are read again.
_OVERLAP = timedelta(minutes=5)
_FIELDS = (
    "id", "number", "externalDocumentNumber", "customerNumber", "postingDate", "status", "totalAmountIncludingTax",
    "lastModifiedDateTime",
)  # fmt: skip
_ENTRY_FIELDS = (
    "entryNumber", "documentNumber", "documentType", "accountNumber", "debitAmount", "creditAmount",
    "lastModifiedDateTime",
)  # fmt: skip
_DIMENSIONS = "dimensionSetLines"
_PAYMENT_TYPES = frozenset({"Payment", "Refund", ""})


@dataclass(frozen=True)
class InLedger:
    """What Business Central shows: documents and payment entries by ServiceTitan id, and the newest stamp among them.

    `owners` are the records that changed since a moment.
    """

    documents: Mapping[str, InBooks] = field(default_factory=dict)
    payment_entries: Mapping[str, tuple[BookEntry, ...]] = field(default_factory=dict)
    owners: frozenset[tuple[str, str]] = frozenset()
    stamp: datetime | None = None

    def posted(self, link: Link, writes: Sequence[LedgerRow], document: Invoice | Payment) -> Posted:
        """What stsync posted for a record, as its ledger has it."""
        body = _sent_body(writes, link)
        on = body.get("postingDate")
        return Posted(
            book_id=link.id,
            number=link.number,
            customer=link.customer,
            total=abs(document.total) if entity_of(link) == "salesCreditMemos" else _total(link, document),
            posting_on=date.fromisoformat(on) if isinstance(on, str) else None,
            lines=_sent_lines(body),
            credit=entity_of(link) == "salesCreditMemos",
            dimensions=dimensions_of_payment(writes, document),
        )


def dimensions_of_payment(writes: Sequence[LedgerRow], document: Invoice | Payment) -> dict[str, str]:
    """What stsync gave every line of a payment (engine/apply/dimension_payments.py); none for one that was taken on."""
    if isinstance(document, Invoice):
        return {}
    last = next((row for row in reversed(writes) if row.verb == "post" and row.state == "done"), None)
    return dict(last.detail.get("dimensions") or {}) if last is not None else {}


def _total(link: Link, document: Invoice | Payment) -> Decimal:
    known = link.total if isinstance(document, Invoice) else None
    return document.total if known is None else known


def entity_of(link: Link) -> str:
    """The entity set that holds a document."""
    return link.entity if link.entity == "salesCreditMemos" else "salesInvoices"


def touched(books: BusinessCentral, memory: Memory) -> InLedger:
    """The records whose documents or entries changed since the last look; a partial payment changes neither (facts
    section 4), a cancellation does."""
    if memory.stamp is None:
        return InLedger()
    since = compare("lastModifiedDateTime", "ge", memory.stamp - _OVERLAP)
    sales, memos, entries = books.read_many(
        [
            Read("salesInvoices", filter=since, select=_FIELDS),
            Read("salesCreditMemos", filter=since, select=(*_FIELDS, "invoiceNumber")),
            Read(
                "generalLedgerEntries", filter=since, select=("documentNumber", "documentType", "lastModifiedDateTime")
            ),
        ]
    )
    numbers = {str(row.get("invoiceNumber") or "") for row in memos}
    numbers |= {str(row.get("documentNumber") or "") for row in entries}
    numbers -= {str(row["number"]) for row in sales} | {""}
    paid = {number for number in numbers if payment_journals.payment_of(number)}
    others = _numbered(books, numbers - paid)
    owners = {_owner(row) for row in (*sales, *memos, *others)} | {
        ("payments", payment_journals.payment_of(one)) for one in paid
    }
    return InLedger(
        owners=frozenset(one for one in owners if one is not None), stamp=_newest([*sales, *memos, *entries])
    )


def _numbered(books: BusinessCentral, numbers: Iterable[str]) -> list[Row]:
    reads = _reads("salesInvoices", "number", numbers, ("id", "number", "externalDocumentNumber"))
    return [row for rows in books.read_many(reads) for row in rows]


def _owner(row: Row) -> tuple[str, str] | None:
    external = str(row.get("externalDocumentNumber") or "").upper()
    key = re.fullmatch(r"ST-(C?)([0-9]+)", external)
    return ("credit_memos" if key[1] else "invoices", key[2]) if key else None


def read_documents(books: BusinessCentral, links: Mapping[str, Link]) -> InLedger:
    """The documents of these invoices by their natural key, and the credit memos against them.

    `links` go by what follows `ST-` in the key: an invoice's id, or C and that of a credit memo of ServiceTitan's own.
    """
    keys = {invoices.natural_key(source_id): source_id for source_id in links}
    numbers = {known.number: source_id for source_id, known in links.items() if known.number}
    credit_fields = (*_FIELDS, "invoiceNumber")
    credited = [source_id for source_id, known in links.items() if entity_of(known) == "salesCreditMemos"]
    sales = _reads("salesInvoices", "externalDocumentNumber", keys, _FIELDS)
    own = _reads("salesCreditMemos", "externalDocumentNumber", map(invoices.natural_key, credited), credit_fields)
    against = _reads("salesCreditMemos", "invoiceNumber", numbers, credit_fields)
    found = books.read_many([*sales, *own, *against])
    rows = [row for part in found for row in part]
    by_id: dict[str, InBooks] = {}
    for row in (row for part in found[: len(sales)] for row in part):
        _add(by_id, keys.get(str(row["externalDocumentNumber"]).upper()), row=_book_row(row))
    for row in (row for part in found[len(sales) : len(sales) + len(own)] for row in part):
        source_id = keys.get(str(row["externalDocumentNumber"]).upper())
        if source_id in credited:
            _add(by_id, source_id, row=_book_row(row))
    for row in (row for part in found[len(sales) + len(own) :] for row in part):
        source_id = numbers.get(str(row["invoiceNumber"]))
        # An adjustment below zero, or a credit memo, is a document of its own that stsync carried: no drift of this one.
        if source_id and not is_of_stsync(str(row["externalDocumentNumber"]), invoices.natural_key(source_id)):
            _add(by_id, source_id, memo=_book_row(row))
    return InLedger(documents=by_id, stamp=_newest(rows))


def _add(
    by_id: dict[str, InBooks], source_id: str | None, *, row: BookRow | None = None, memo: BookRow | None = None
) -> None:
    if source_id is None:
        return
    before = by_id.get(source_id, InBooks())
    rows = (*before.rows, row) if row is not None else before.rows
    memos = (*before.memos, memo) if memo is not None else before.memos
    by_id[source_id] = replace(before, rows=rows, memos=memos)


def read_entries(
    books: BusinessCentral, found: InLedger, links: Mapping[str, Link], paid: Mapping[str, Link], *, dimensions: bool
) -> InLedger:
    """The general ledger entries of these documents, with their dimensions, and of these payments, together with those
    of their counter entries; of payments with `dimensions` where stsync gave them some."""
    numbers = {known.number: source_id for source_id, known in links.items() if known.number}
    receipts = {known.number: source_id for source_id, known in paid.items()}
    receipts |= {payment_journals.counter_key(number): source_id for number, source_id in receipts.items()}
    reads = [
        *_reads("generalLedgerEntries", "documentNumber", numbers, _ENTRY_FIELDS, expand=_DIMENSIONS),
        *_reads(
            "generalLedgerEntries", "documentNumber", receipts, _ENTRY_FIELDS, expand=_DIMENSIONS if dimensions else ""
        ),
    ]
    rows = [row for part in books.read_many(reads) for row in part]
    documents, payments = dict(found.documents), dict(found.payment_entries)
    for row in rows:
        number, sort = str(row["documentNumber"]), enum_text(str(row.get("documentType") or "")).strip()
        if number in receipts and sort in _PAYMENT_TYPES:
            payments[receipts[number]] = (*payments.get(receipts[number], ()), _entry(row))
        elif number in numbers and sort == _document_type(links[numbers[number]]):
            before = documents.get(numbers[number], InBooks())
            documents[numbers[number]] = replace(before, entries=(*before.entries, _entry(row)))
    stamps = [one for one in (found.stamp, _newest(rows)) if one is not None]
    return InLedger(documents, payments, found.owners, max(stamps, default=None))


def _document_type(link: Link) -> str:
    return "Credit Memo" if entity_of(link) == "salesCreditMemos" else "Invoice"


def _reads(entity: str, name: str, keys: Iterable[str], fields: tuple[str, ...], expand: str = "") -> list[Read]:
    ordered = sorted(set(keys))
    return [
        Read(entity, filter=any_of(name, ordered[start : start + _KEYS_PER_READ]), select=fields, expand=expand)
        for start in range(0, len(ordered), _KEYS_PER_READ)
    ]


def _newest(rows: Iterable[Row]) -> datetime | None:
    stamps = (str(row.get("lastModifiedDateTime") or "") for row in rows)
    return max((datetime.fromisoformat(one) for one in stamps if one), default=None)


def _book_row(row: Row) -> BookRow:
    on = str(row.get("postingDate") or "0001")
    return BookRow(
        id=str(row["id"]),
        number=str(row["number"]),
        customer=str(row.get("customerNumber") or ""),
        status=enum_text(str(row["status"])),
        total=Decimal(row["totalAmountIncludingTax"]),
        posting_on=None if on.startswith("0001") else date.fromisoformat(on[:10]),
        applies_to=str(row.get("invoiceNumber") or ""),
    )


def _entry(row: Row) -> BookEntry:
    return BookEntry(
        account=str(row["accountNumber"]),
        amount=Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0),
        dimensions=held_dimensions(row),
    )


def _sent_body(writes: Sequence[LedgerRow], link: Link) -> dict[str, Any]:
    """The body of the draft that became the posted document; empty for one that was taken on."""
    made = [row for row in writes if row.verb == "create" and row.state == "done" and row.target_id == link.id]
    body = parse_json(made[-1].body) if made else {}
    return body if isinstance(body, dict) else {}


def _sent_lines(body: Mapping[str, Any]) -> tuple[SentLine, ...] | None:
    rows = body.get("salesInvoiceLines") or body.get("salesCreditMemoLines")
    if not rows:
        return None
    lines = [row for row in rows if row.get("lineType") != "Comment"]
    if any(row.get("lineType") != "Account" for row in lines):
        return None  # an item's posting groups decide on its account, and they are not shown (facts 2.16)
    return tuple(_sent_line(row) for row in lines)


def _sent_line(row: Row) -> SentLine:
    dimensions = held_dimensions(row)
    amount = cents(Decimal(row["quantity"]) * Decimal(row["unitPrice"]))
    return SentLine(str(row["lineObjectNumber"]), amount, dimensions)
