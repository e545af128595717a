"""Reading what a plan has to know of Business Central: reference data in one go, counterparts in bulk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_ending, any_of, any_spelt, compare, enum_text
from stsync.core.sales import Draft
from stsync.core.sales_form import FORMS, SALES_CREDIT_MEMO, SALES_INVOICE, Form
from stsync.core.snapshot import Account, BookCustomer, BookInvoice, BookJournal, OpenLine, Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.item import Item
from stsync.engine.bookrows import day, draft_of, with_lines
from stsync.errors import CredentialsError, UsageError
from stsync.http.outcomes import Refused
from stsync.stages.reversal import is_taking_back

Row = Mapping[str, Any]
Postings = frozenset[tuple[str, date | None, Decimal]]

# How many natural keys one filter asks for, and how long they may be in an address: both keep it below a proxy's limit.
# A name of a hundred Chinese characters takes nine hundred there.
KEYS_PER_READ = 40
# With more clues than this, reading all customer cards at once takes fewer requests than asking for each (a page has 20,000).
CLUES_BEFORE_ALL = 10 * KEYS_PER_READ
_LONGEST_KEYS = 3000
_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Needs:
    """Which reference data a run needs; nothing that is not needed is read, and of items only the numbers of the mapping.

    None of it is kept for the next run. It is one request together with what has to be asked in any case, so that a copy
    would save none; and what is in it may be blocked or be gone by then: Business Central never tells what was deleted
    (facts section 9), so that the preview would promise what Business Central refuses.
    """

    documents: bool = False
    payments: bool = False
    dimensions: tuple[str, ...] = ()
    refund_journal: str = "STREFUND"
    terms: bool = False
    items: frozenset[str] = frozenset()


def reference_reads(needs: Needs) -> dict[str, Read]:
    """The reads of the reference data, by name."""
    reads: dict[str, Read] = {}
    if needs.documents or needs.payments:
        fields = ("id", "number", "displayName", "accountType", "blocked", "directPosting")
        reads["accounts"] = Read("accounts", select=fields)
        reads["setup"] = Read("generalLedgerSetup")
    if needs.dimensions:
        codes = [one.upper() for one in needs.dimensions]
        reads["dimensions"] = Read("dimensions", filter=any_of("code", codes), expand="dimensionValues")
    if needs.documents and needs.terms:
        reads["terms"] = Read("paymentTerms", select=("id", "code"))
    if needs.documents:
        reads |= _parts("items", "items", "number", needs.items, _ITEM_FIELDS)
    if needs.payments:
        reads["journals"] = Read("customerPaymentJournals", expand="customerPayments")
        code = compare("code", "eq", needs.refund_journal.upper())
        reads["general journals"] = Read("journals", filter=code, expand="journalLines")
    return reads


def read_all(books: BusinessCentral, reads: Mapping[str, Read]) -> dict[str, list[dict[str, Any]]]:
    """Read them all, in one batch where that is possible; a set that this version of Business Central lacks is empty."""
    try:
        return dict(zip(reads, books.read_many(list(reads.values())), strict=True))
    except (Refused, CredentialsError, UsageError):
        return {name: _tolerated(books, name, read) for name, read in reads.items()}


def _tolerated(books: BusinessCentral, name: str, read: Read) -> list[dict[str, Any]]:
    try:
        return books.read(read)
    except (Refused, CredentialsError, UsageError) as error:
        # Only the posting window may be missing: without it a closed period shows when Business Central refuses.
        if name == "setup" and error.reference in _NOT_SERVED:
            return []
        raise


# Refused, not permitted, or a 404 without Business Central's envelope, as a gateway answers.
_NOT_SERVED = frozenset({"refused", "permission-missing", "environment-not-found"})


def snapshot(rows: Mapping[str, Sequence[Row]]) -> Snapshot:
    """The reference data as a snapshot; natural keys are looked up later."""
    setup = rows.get("setup", ())
    return Snapshot(
        accounts={str(row["number"]): _account(row) for row in rows.get("accounts", ())},
        dimensions={
            str(row["code"]): frozenset(str(value["code"]) for value in row.get("dimensionValues") or ())
            for row in rows.get("dimensions", ())
        },
        payment_terms={str(row["code"]): str(row["id"]) for row in rows.get("terms", ())},
        items=_items(_named("items", rows)),
        posting_from=day(setup[0].get("allowPostingFrom")) if setup else None,
        posting_to=day(setup[0].get("allowPostingTo")) if setup else None,
        journals={str(row["code"]).upper(): _journal(row, "customerPayments") for row in rows.get("journals", ())},
        general_journals={
            str(row["code"]).upper(): _journal(row, "journalLines") for row in rows.get("general journals", ())
        },
    )


def _items(rows: Iterable[Row]) -> dict[str, Item]:
    """Items by number; one of a shape that we do not know counts as not there, so that only its own lines are held."""
    items: dict[str, Item] = {}
    for row in rows:
        try:
            items[str(row["number"])] = Item.parse(row)
        except UnknownShape:
            continue
    return items


def _account(row: Row) -> Account:
    return Account(
        number=str(row["number"]),
        name=str(row.get("displayName") or ""),
        id=str(row["id"]),
        posting=enum_text(str(row.get("accountType", "Posting"))) == "Posting",
        blocked=bool(row.get("blocked", False)),
        direct_posting=bool(row.get("directPosting", True)),
    )


def _journal(row: Row, lines: str) -> BookJournal:
    return BookJournal(
        id=str(row["id"]),
        code=str(row["code"]).upper(),
        balancing_account=str(row.get("balancingAccountNumber") or ""),
        lines=open_lines(row.get(lines) or ()),
    )


def open_lines(rows: Iterable[Row]) -> tuple[OpenLine, ...]:
    """The lines of a journal that say something.

    Posting leaves an empty line behind (trap 8). It should not show here, and is posted as nothing if it does.
    """
    lines = (open_line(row) for row in rows)
    return tuple(line for line in lines if line.customer_number or line.amount)


def open_line(row: Row) -> OpenLine:
    """An unposted line of a customer payment journal, or of a general journal (whose account is the customer)."""
    applies_to = str(row.get("appliesToInvoiceId") or _NO_ID)
    general = "accountNumber" in row
    return OpenLine(
        id=str(row["id"]),
        document_number=str(row.get("documentNumber") or ""),
        customer_number=str(row.get("accountNumber" if general else "customerNumber") or ""),
        amount=Decimal(row.get("amount") or 0),
        applies_to_id="" if applies_to == _NO_ID else applies_to,
        posting_date=day(row.get("postingDate")),
        applies_to_number=str(row.get("appliesToInvoiceNumber") or ""),
        balancing_account=str(row.get("balancingAccountNumber") or ""),
        entity="journalLines" if general else "customerPayments",
        number=int(row.get("lineNumber") or 0),
    )


@dataclass(frozen=True)
class Wanted:
    """Natural keys whose counterparts a plan must know before it may create anything.

    `invoices` are the keys of all sales documents: each is looked for among invoices and among credit memos, because
    the sign of a total can change.
    `proven` are ids of documents that our own ledger knows to be posted, so that the general ledger need not be asked.
    """

    customers: frozenset[str] = frozenset()
    invoices: frozenset[str] = frozenset()
    payments: frozenset[str] = frozenset()
    clues: frozenset[str] = frozenset()  # `field=value` of customers that are to get a card
    proven: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.keys)

    def without(self, known: frozenset[str]) -> Wanted:
        """Those that were not looked up yet."""
        return Wanted(self.customers - known, self.invoices - known, self.payments - known, self.clues - known)

    @property
    def keys(self) -> frozenset[str]:
        """All of them."""
        return self.customers | self.invoices | self.payments | self.clues


@dataclass(frozen=True)
class Lookup:
    """The reads that answer for natural keys; they can travel with other reads in one batch.

    `lines` reads sales documents together with their lines, which tell why a draft of ours could not be posted;
    `everyone` reads all customer cards instead of asking for each clue.
    """

    wanted: Wanted
    lines: bool = False
    everyone: bool = False

    def reads(self) -> dict[str, Read]:
        """The reads, by a name of their own."""
        return {
            **_parts("customers", "customers", "number", self.wanted.customers),
            **self._documents(SALES_INVOICE),
            **self._documents(SALES_CREDIT_MEMO),
            **_parts("payments", "generalLedgerEntries", "documentNumber", self.wanted.payments, _LEDGER_FIELDS),
            **_clue_reads(self.wanted.clues, everyone=self.everyone),
        }

    def _documents(self, form: Form) -> dict[str, Read]:
        expand = with_lines(form) if self.lines else ""
        return _parts(form.entity, form.entity, "externalDocumentNumber", self.wanted.invoices, expand=expand)

    def added(self, books: BusinessCentral, known: Snapshot, rows: Mapping[str, Sequence[Row]]) -> Snapshot:
        """The snapshot with these counterparts, or the certainty that there are none."""
        documents = {form: _named(form.entity, rows) for form in FORMS.values()}
        posted = _proven(books, documents, self.wanted.proven)
        paid = _named("payments", rows)
        payments = [row for row in paid if enum_text(str(row["documentType"])) == "Payment"]
        return replace(
            known,
            customers={
                **known.customers,
                **{str(row["number"]): book_customer(row) for row in _named("customers", rows)},
            },
            strangers={**known.strangers, **{str(row["number"]): book_customer(row) for row in _named("alike", rows)}},
            invoices={**known.invoices, **_by_external_number(documents[SALES_INVOICE], SALES_INVOICE, posted)},
            credit_memos={
                **known.credit_memos,
                **_by_external_number(documents[SALES_CREDIT_MEMO], SALES_CREDIT_MEMO, posted),
            },
            drafts={**known.drafts, **_with_lines(documents)},
            posted_payments={**known.posted_payments, **_booked(payments)},
            posted_refunds={**known.posted_refunds, **_by_account(paid)},
            probed=known.probed | self.wanted.keys,
        )


_ITEM_FIELDS = (
    *("id", "number", "displayName", "type", "itemCategoryCode"),
    *("blocked", "unitPrice", "unitCost", "baseUnitOfMeasureCode"),
)
_LEDGER_FIELDS = ("documentNumber", "documentType", "accountNumber", "debitAmount", "creditAmount", "postingDate")
# A line of a general journal has no document type; people may choose Refund on theirs.
_REFUND_TYPES = ("", "Refund")


def _parts(
    name: str,
    entity: str,
    field: str,
    keys: Iterable[str],
    fields: tuple[str, ...] = (),
    *,
    expand: str = "",
) -> dict[str, Read]:
    return {
        f"{name} {place}": Read(entity, filter=any_of(field, part), select=fields, expand=expand)
        for place, part in enumerate(_portions(keys))
    }


@dataclass(frozen=True)
class _Posted:
    """What proves that documents are posted: the general ledger's entries by form, and ids that our own ledger knows."""

    ledger: Mapping[Form, Postings]
    ids: frozenset[str]


def _proven(books: BusinessCentral, documents: Mapping[Form, Sequence[Row]], ids: frozenset[str]) -> _Posted:
    """The postings behind documents that are Open: a released draft is Open too, and only the general ledger proves a
    posting (trap 1)."""
    is_open = [row for rows in documents.values() for row in rows if enum_text(str(row["status"])) == "Open"]
    unproven = {str(row["number"]) for row in is_open if str(row["id"]) not in ids}
    ledger = _ledger(books, {form.ledger_type for form in documents}, unproven)
    by_form = {
        form: _postings(row for row in ledger if enum_text(str(row["documentType"])) == form.ledger_type)
        for form in documents
    }
    return _Posted(by_form, ids)


def _with_lines(documents: Mapping[Form, Sequence[Row]]) -> dict[str, Draft]:
    return {
        str(row["id"]): draft_of(form, row) for form, rows in documents.items() for row in rows if form.lines in row
    }


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in an order that stays, as many together as one address can carry."""
    part: list[str] = []
    length = 0
    for key in sorted(keys):
        size = len(quote(key))
        if part and (len(part) == KEYS_PER_READ or length + size > _LONGEST_KEYS):
            yield part
            part, length = [], 0
        part.append(key)
        length += size
    if part:
        yield part


_ALIKE_FIELDS = ("id", "number", "displayName", "addressLine1", "postalCode", "phoneNumber", "email", "blocked")


def _clue_reads(clues: Iterable[str], *, everyone: bool) -> dict[str, Read]:
    """Cards of the same name, e-mail or telephone: one filter each, since `or` joins one field only (trap 26).

    A telephone is looked for by its last digits, because everybody writes the rest differently.
    """
    reads: dict[str, Read] = {}
    found = set(clues)
    if everyone:
        return {"alike all": Read("customers", select=_ALIKE_FIELDS)}
    comparisons: tuple[tuple[str, Callable[[str, Iterable[str]], str]], ...] = (
        ("displayName", any_spelt),
        ("email", any_spelt),
        ("phoneNumber", any_ending),
        ("number", any_of),
    )
    for field, comparison in comparisons:
        values = [clue.partition("=")[2] for clue in found if clue.startswith(f"{field}=")]
        for place, part in enumerate(_portions(values)):
            reads[f"alike {field} {place}"] = Read("customers", filter=comparison(field, part), select=_ALIKE_FIELDS)
    return reads


def _named(name: str, rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    return [row for key, part in rows.items() if key.startswith(f"{name} ") for row in part]


def look_up(books: BusinessCentral, known: Snapshot, wanted: Wanted, *, everyone: bool = False) -> Snapshot:
    """Ask for the counterparts of these keys; of credit memos that take something back also what their lines say."""
    lookup = Lookup(wanted, lines=any(map(is_taking_back, wanted.invoices)), everyone=everyone)
    return lookup.added(books, known, read_all(books, lookup.reads()))


def book_customer(row: Row) -> BookCustomer:
    """A customer card."""
    fields = {name: value for name, value in row.items() if isinstance(value, str | bool)}
    fields["type"] = enum_text(str(row.get("type", "")))
    return BookCustomer(
        id=str(row["id"]),
        number=str(row["number"]),
        etag=str(row.get("@odata.etag") or "*"),
        blocked=enum_text(str(row.get("blocked", ""))),
        fields=fields,
    )


def _by_external_number(rows: Iterable[Row], form: Form, posted: _Posted) -> dict[str, tuple[BookInvoice, ...]]:
    found: dict[str, tuple[BookInvoice, ...]] = {}
    for row in rows:
        key = str(row["externalDocumentNumber"]).strip().upper()
        found[key] = (*found.get(key, ()), book_invoice(row, posted.ledger[form], posted.ids, form))
    return found


def book_invoice(
    row: Row, posted: Postings, proven: frozenset[str] = frozenset(), form: Form = SALES_INVOICE
) -> BookInvoice:
    """A sales document; `posted` are the entries of its kind in the general ledger, `proven` ids known to be posted."""
    status = enum_text(str(row["status"]))
    total = Decimal(row["totalAmountIncludingTax"])
    # Numbers of drafts and of posted invoices can be the same (facts section 4), so date and amount must fit too.
    proof = (str(row["number"]), day(row.get("postingDate")), total)
    is_posted = proof in posted or str(row["id"]) in proven
    return BookInvoice(
        id=str(row["id"]),
        number=str(row["number"]),
        customer_number=str(row.get("customerNumber") or ""),
        total=form.signed(total),
        status=status,
        posted=status in {"Paid", "Canceled", "Corrective"} or (status == "Open" and is_posted),
        posting_date=day(row.get("postingDate")),
        etag=str(row.get("@odata.etag") or ""),
        remaining=Decimal(row["remainingAmount"]) if row.get("remainingAmount") is not None else None,
        entity=form.entity,
        applies_to=_applies_to(row),
    )


def _applies_to(row: Row) -> str:
    """The invoice that a credit memo names: its id, or its number where it is no sales invoice."""
    identity = str(row.get("invoiceId") or _NO_ID)
    return identity if identity != _NO_ID else str(row.get("invoiceNumber") or "")


def _ledger(books: BusinessCentral, document_types: Collection[str], numbers: Iterable[str]) -> list[Row]:
    return [row for row in _entries(books, numbers) if enum_text(str(row["documentType"])) in document_types]


def _entries(books: BusinessCentral, numbers: Iterable[str]) -> list[Row]:
    reads = _parts("ledger", "generalLedgerEntries", "documentNumber", numbers, _LEDGER_FIELDS)
    return [row for part in (read_all(books, reads).values() if reads else ()) for row in part]


def _postings(rows: Iterable[Row]) -> Postings:
    """Number, date and amount of each debit; one of an invoice's is its receivable, and an invoice over nothing has none.

    A credit memo's receivable is a credit, so both sides count.
    """
    found: set[tuple[str, date | None, Decimal]] = set()
    for row in rows:
        number, on = str(row["documentNumber"]), day(row.get("postingDate"))
        sides = {Decimal(row.get("debitAmount") or 0), Decimal(row.get("creditAmount") or 0), Decimal(0)}
        found |= {(number, on, amount) for amount in sides}
    return frozenset(found)


def _booked(rows: Iterable[Row]) -> dict[str, Decimal]:
    """What stands under each payment number: entries balance, so the accounts that were debited have the payment.

    Reverse Transaction posts the mirror image under the same number: then nothing does.
    """
    return {
        number: sum((net for net in accounts.values() if net > 0), Decimal(0))
        for number, accounts in _nets(rows).items()
    }


def booked_payments(books: BusinessCentral, numbers: Iterable[str]) -> dict[str, Decimal]:
    """The payments among these document numbers that the general ledger knows, with their amounts."""
    return _booked(_ledger(books, {"Payment"}, numbers))


def _by_account(rows: Iterable[Row]) -> dict[str, dict[str, Decimal]]:
    """What was posted without a document type under each number, by G/L account: debits less credits."""
    return _nets(row for row in rows if enum_text(str(row["documentType"])) in _REFUND_TYPES)


def _nets(rows: Iterable[Row]) -> dict[str, dict[str, Decimal]]:
    """Debits less credits by document number and G/L account."""
    found: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        accounts = found.setdefault(str(row["documentNumber"]), {})
        moved = Decimal(row.get("debitAmount") or 0) - Decimal(row.get("creditAmount") or 0)
        account = str(row.get("accountNumber") or "")
        accounts[account] = accounts.get(account, Decimal(0)) + moved
    return found


def entered(books: BusinessCentral, numbers: Iterable[str]) -> set[str]:
    """The document numbers among these under which the general ledger holds a payment or a refund."""
    kinds = {"Payment", *_REFUND_TYPES}
    return {str(row["documentNumber"]) for row in _ledger(books, kinds, numbers)}


def booked_refunds(books: BusinessCentral, numbers: Iterable[str]) -> dict[str, dict[str, Decimal]]:
    """What the general ledger holds under these document numbers without a document type, by G/L account."""
    return _by_account(_entries(books, numbers))
