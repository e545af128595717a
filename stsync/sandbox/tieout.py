"""ServiceTitan's month against the books, counted in both systems themselves and in nothing that stsync remembers.

A line of ServiceTitan belongs to its business unit, a ledger entry of Business Central to its department. What is in
ServiceTitan and not in the books is shown apart; the rest must agree to the cent. Every entry of a document that
carries ServiceTitan's number counts, so a document that was posted twice shows as a difference; what came into the
books without such a number (by hand, or brought over before go-live) is listed and left out of the count.

How documents are told apart is the design's numbering: `ST-<id>` an invoice or, below zero, a credit memo,
`ST-C<id>` a ServiceTitan credit memo, `ST-P<id>` a payment or refund, with a suffix for what corrects it.

Not modelled: applications between documents other than through what each customer owes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from stsync.sandbox.businesscentral.core.document_records import CustomerLedgerEntry, SalesDocument
from stsync.sandbox.company import DIMENSION
from stsync.sandbox.company.chart import UNITS, ZONES
from stsync.sandbox.company.values import Row
from stsync.sandbox.world import World

ZERO = Decimal("0.00")
TAX = "Sales tax"
PAYMENTS = "Payments received"
REFUNDS = "Refunds and returned checks"
_SALES_NUMBER = re.compile(r"ST-(C?)(\d+)(?:-C\d+)?")
_MONEY_NUMBER = re.compile(r"ST-P(\d+)R*")


@dataclass(frozen=True)
class Tie:
    """One line: what ServiceTitan has, what of it is not in the books, and what the books have."""

    name: str
    servicetitan: Decimal = ZERO
    outside: Decimal = ZERO
    books: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """What nobody can explain; nothing but zero will do."""
        return self.servicetitan - self.outside - self.books


@dataclass(frozen=True)
class TieOut:
    """Revenue by business unit with the sales tax below it, the money, and the documents not in the books.

    `revenue` counts invoices less credits. `receivables` are what each customer owes by the documents that are in the
    books on both sides. `redated` are documents on another posting date than ServiceTitan's date, `by_hand` the
    numbers of documents in the books that are not ServiceTitan's.
    """

    revenue: tuple[Tie, ...]
    payments: Tie
    invoices_outside: frozenset[int]
    payments_outside: frozenset[int]
    refunds: Tie = Tie(REFUNDS)
    credit_memos_outside: frozenset[int] = frozenset()
    receivables: tuple[Tie, ...] = ()
    redated: frozenset[str] = frozenset()
    by_hand: frozenset[str] = frozenset()

    @property
    def total(self) -> Tie:
        """All revenue and tax: what the invoices less the credits come to."""
        return Tie(
            "All invoices less credits",
            sum((tie.servicetitan for tie in self.revenue), ZERO),
            sum((tie.outside for tie in self.revenue), ZERO),
            sum((tie.books for tie in self.revenue), ZERO),
        )

    @property
    def owed(self) -> Tie:
        """What all customers owe by the documents since go-live."""
        return Tie(
            "What customers owe",
            sum((tie.servicetitan for tie in self.receivables), ZERO),
            sum((tie.outside for tie in self.receivables), ZERO),
            sum((tie.books for tie in self.receivables), ZERO),
        )

    @property
    def exact(self) -> bool:
        """Whether every line agrees to the cent."""
        lines = (*self.revenue, self.payments, self.refunds, *self.receivables)
        return all(tie.difference == 0 for tie in lines)


def tie_out(world: World) -> TieOut:
    """Count both systems. ServiceTitan's side are the active, posted documents from go-live on."""
    numbers = _numbers_in_the_books(world)
    live = {document.external_document_number for document in _documents(world) if _live(document)}
    entered = {entry.document_number for entry in world.company.customer_ledger}
    invoices = _in_scope(world, "invoices", "invoiceDate", "ST-", live)
    memos = _in_scope(world, "credit_memos", "date", "ST-C", live)
    money = _in_scope(world, "payments", "date", "ST-P", entered)
    outside = [row for row in invoices if f"ST-{row['id']}" not in live]
    memos_outside = [row for row in memos if f"ST-C{row['id']}" not in live]
    money_outside = [row for row in money if f"ST-P{row['id']}" not in entered]
    theirs, missing = _by_unit(world, invoices, memos), _by_unit(world, outside, memos_outside)
    ours = _books_by_unit(world, numbers)
    names = [*(unit.name for unit in UNITS), TAX]
    names += sorted((set(theirs) | set(ours)) - set(names))
    inside = _owed(world, invoices, memos, money)
    return TieOut(
        tuple(Tie(name, theirs[name], missing[name], ours[name]) for name in names if name in {*theirs, *ours}),
        _money(world, PAYMENTS, money, money_outside),
        frozenset(row["id"] for row in outside),
        frozenset(row["id"] for row in money_outside),
        refunds=_money(world, REFUNDS, money, money_outside),
        credit_memos_outside=frozenset(row["id"] for row in memos_outside),
        receivables=_receivables(world, inside, _owed(world, outside, memos_outside, money_outside), numbers),
        redated=_redated(world, invoices, memos),
        by_hand=_by_hand(world, numbers),
    )


Numbers = dict[tuple[str, str], str]
"""Document type and number in the books to the ServiceTitan number that the document carries, or corrects."""


def _numbers_in_the_books(world: World) -> Numbers:
    carried = {document.id: document.external_document_number for document in _documents(world)}
    numbers: Numbers = {}
    for document in _documents(world):
        # A cancel's credit memo may or may not carry the number of what it corrects: not in the facts.
        number = carried.get(document.corrects_id) or document.external_document_number
        if document.posted and _SALES_NUMBER.fullmatch(number):
            numbers[document.kind, document.number] = number
    return numbers


def _documents(world: World) -> list[SalesDocument]:
    return [*world.company.invoices, *world.company.credit_memos]


def _live(document: SalesDocument) -> bool:
    return document.posted and document.status not in {"Canceled", "Corrective"}


def _in_scope(world: World, table: str, dated: str, prefix: str, entered: set[str]) -> list[Row]:
    """Active and posted since go-live. An exported row counts when it is in the books: stsync may have marked it."""
    begins = world.demo.go_live.isoformat()
    return [
        row
        for row in world.tenant.tables[table].values()
        if row["active"]
        and (row["syncStatus"] == "Posted" or (row["syncStatus"] == "Exported" and f"{prefix}{row['id']}" in entered))
        and row[dated] is not None
        and row[dated][:10] >= begins
    ]


def _by_unit(world: World, invoices: Iterable[Row], memos: Iterable[Row]) -> defaultdict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in invoices:
        for item in row["items"] or ():
            if item["isChargeable"] is not False:
                sums[_unit_name(item, row)] += Decimal(item["total"])
        sums[TAX] += Decimal(row["salesTax"])
    lines: defaultdict[int, list[Row]] = defaultdict(list)
    for item in world.tenant.tables["credit_memo_items"].values():
        lines[item["creditMemoId"]].append(item)
    for row in memos:
        for item in lines[row["id"]]:
            sums[_unit_name(item, row)] -= Decimal(item["total"])
        sums[TAX] -= Decimal(row["salesTax"])
    return sums


def _unit_name(item: Row, row: Row) -> str:
    unit = item["businessUnit"] or row["businessUnit"]
    return str(unit["name"]) if unit else "No business unit"


def _books_by_unit(world: World, numbers: Numbers) -> defaultdict[str, Decimal]:
    units = {unit.code: unit.name for unit in UNITS}
    tax_accounts = {zone.books_account for zone in ZONES}
    receivables = set(world.company.receivables_accounts.values())
    sums: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in world.company.gl_entries:
        if (entry.document_type, entry.document_number) not in numbers or entry.account_number in receivables:
            continue
        department = entry.dimensions.get(DIMENSION, "")
        name = TAX if entry.account_number in tax_accounts else units.get(department, f"Department '{department}'")
        sums[name] -= entry.amount
    return sums


def _money(world: World, name: str, rows: Iterable[Row], outside: Iterable[Row]) -> Tie:
    """Receipts, or what was given back, by the sign in ServiceTitan; a correction counts with what it corrects."""
    sign = 1 if name == PAYMENTS else -1
    signs = {row["id"]: 1 if Decimal(row["total"]) >= 0 else -1 for row in world.tenant.payments.values()}
    booked = ZERO
    for entry in world.company.customer_ledger:
        found = _MONEY_NUMBER.fullmatch(entry.document_number)
        if found and signs.get(int(found[1]), 1) == sign:
            booked -= entry.amount
    return Tie(
        name,
        sum((Decimal(row["total"]) for row in rows if signs[row["id"]] == sign), ZERO),
        sum((Decimal(row["total"]) for row in outside if signs[row["id"]] == sign), ZERO),
        booked,
    )


def _owed(world: World, invoices: list[Row], memos: list[Row], money: list[Row]) -> defaultdict[int, Decimal]:
    """What customers owe by these documents: invoices less credits less payments; the survivor of a merge owes all."""
    sums: defaultdict[int, Decimal] = defaultdict(lambda: ZERO)
    for rows, sign in ((invoices, 1), (memos, -1), (money, -1)):
        for row in rows:
            sums[_owner(world, row)] += sign * Decimal(row["total"])
    return sums


def _receivables(
    world: World, theirs: Mapping[int, Decimal], missing: Mapping[int, Decimal], numbers: Numbers
) -> tuple[Tie, ...]:
    """What each customer owes by documents since go-live, on both sides.

    A card in the books stands for the customer that most of its entries name, whatever number the card has; so an
    entry that lies on somebody else's card shows with both of them.
    """
    owners: defaultdict[str, Counter[int]] = defaultdict(Counter)
    amounts: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in world.company.customer_ledger:
        row = _row_behind(world, entry, numbers)
        if row is not None:
            owners[entry.customer_number][_owner(world, row)] += 1
            amounts[entry.customer_number] += entry.amount
    ours: defaultdict[int, Decimal] = defaultdict(lambda: ZERO)
    for card, votes in owners.items():
        ours[votes.most_common(1)[0][0]] += amounts[card]
    return tuple(
        Tie(_name(world, one), theirs.get(one, ZERO), missing.get(one, ZERO), ours[one])
        for one in sorted({*theirs, *ours})
    )


def _row_behind(world: World, entry: CustomerLedgerEntry, numbers: Numbers) -> Row | None:
    """The document of ServiceTitan that a customer ledger entry names."""
    tables: dict[str, Mapping[int, Row]] = {"": world.tenant.invoices, "C": world.tenant.credit_memos}
    paid = _MONEY_NUMBER.fullmatch(entry.document_number)
    if paid:
        return world.tenant.payments.get(int(paid[1]))
    sales = _SALES_NUMBER.fullmatch(numbers.get((entry.document_type, entry.document_number), ""))
    return tables[sales[1]].get(int(sales[2])) if sales else None


def _owner(world: World, row: Row) -> int:
    """The ServiceTitan customer that a document belongs to today; 0 for none."""
    return _survivor(world, row["customer"]["id"]) if row["customer"] else 0


def _survivor(world: World, customer_id: int) -> int:
    row = world.tenant.customers.get(customer_id)
    return customer_id if row is None or not row["mergedToId"] else _survivor(world, row["mergedToId"])


def _name(world: World, customer_id: int) -> str:
    row = world.tenant.customers.get(customer_id)
    return f"{row['name']} ({customer_id})" if row else f"Customer {customer_id}"


def _redated(world: World, invoices: Iterable[Row], memos: Iterable[Row]) -> frozenset[str]:
    dates = {f"ST-{row['id']}": row["invoiceDate"][:10] for row in invoices}
    dates |= {f"ST-C{row['id']}": row["date"][:10] for row in memos}
    return frozenset(
        number
        for document in _documents(world)
        if _live(document)
        and (number := document.external_document_number) in dates
        and document.posting_date is not None
        and document.posting_date.isoformat() != dates[number]
    )


def _by_hand(world: World, numbers: Numbers) -> frozenset[str]:
    """Documents since go-live that carry no number of ServiceTitan's."""
    return frozenset(
        entry.document_number
        for entry in world.company.gl_entries
        if entry.posting_date >= world.demo.go_live
        and (entry.document_type, entry.document_number) not in numbers
        and not _MONEY_NUMBER.fullmatch(entry.document_number)
    )
