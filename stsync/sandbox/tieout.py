"""ServiceTitan's month against the books, counted in both systems themselves and in nothing that stsync remembers.

A line of ServiceTitan belongs to its business unit, a ledger entry of Business Central to its department. What is in
ServiceTitan and not in the books is shown apart; the rest must agree to the cent. Every entry of a posted sales
invoice counts, so a document that was posted twice shows as a difference.

Not modelled: credit memos and refunds in the books, documents that somebody else entered there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from stsync.sandbox.company import DIMENSION
from stsync.sandbox.company.chart import UNITS, ZONES
from stsync.sandbox.company.values import Row
from stsync.sandbox.world import World

ZERO = Decimal("0.00")
TAX = "Sales tax"
PAYMENTS = "Payments received"


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
    """Revenue by business unit with the sales tax below it, the payments, and the documents not in the books."""

    revenue: tuple[Tie, ...]
    payments: Tie
    invoices_outside: frozenset[int]
    payments_outside: frozenset[int]

    @property
    def total(self) -> Tie:
        """All revenue and tax: what the invoices come to."""
        return Tie(
            "All invoices",
            sum((tie.servicetitan for tie in self.revenue), ZERO),
            sum((tie.outside for tie in self.revenue), ZERO),
            sum((tie.books for tie in self.revenue), ZERO),
        )

    @property
    def exact(self) -> bool:
        """Whether every line agrees to the cent."""
        return all(tie.difference == 0 for tie in (*self.revenue, self.payments))


def tie_out(world: World) -> TieOut:
    """Count both systems. ServiceTitan's side are the active, posted documents from go-live on."""
    invoices = _in_scope(world, world.tenant.invoices.values(), "invoiceDate")
    entered = {document.external_document_number for document in world.company.invoices if document.posted}
    outside = [row for row in invoices if f"ST-{row['id']}" not in entered]
    theirs, missing, ours = _by_unit(invoices), _by_unit(outside), _books_by_unit(world)
    names = [*(unit.name for unit in UNITS), TAX]
    names += sorted((set(theirs) | set(ours)) - set(names))
    payments, payments_outside = _payments(world)
    return TieOut(
        tuple(Tie(name, theirs[name], missing[name], ours[name]) for name in names if name in {*theirs, *ours}),
        payments,
        frozenset(row["id"] for row in outside),
        payments_outside,
    )


def _in_scope(world: World, rows: Iterable[Row], dated: str) -> list[Row]:
    begins = world.demo.go_live.isoformat()
    return [
        row
        for row in rows
        if row["active"] and row["syncStatus"] == "Posted" and row[dated] is not None and row[dated][:10] >= begins
    ]


def _by_unit(invoices: Iterable[Row]) -> defaultdict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in invoices:
        for item in row["items"] or ():
            if item["isChargeable"] is not False:
                unit = item["businessUnit"] or row["businessUnit"]
                sums[unit["name"] if unit else "No business unit"] += Decimal(item["total"])
        sums[TAX] += Decimal(row["salesTax"])
    return sums


def _books_by_unit(world: World) -> defaultdict[str, Decimal]:
    units = {unit.code: unit.name for unit in UNITS}
    tax_accounts = {zone.books_account for zone in ZONES}
    receivables = set(world.company.receivables_accounts.values())
    sums: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in world.company.gl_entries:
        if entry.document_type != "Invoice" or entry.account_number in receivables:
            continue
        department = entry.dimensions.get(DIMENSION, "")
        name = TAX if entry.account_number in tax_accounts else units.get(department, f"Department '{department}'")
        sums[name] -= entry.amount
    return sums


def _payments(world: World) -> tuple[Tie, frozenset[int]]:
    rows = _in_scope(world, world.tenant.payments.values(), "date")
    # Money paid back stands in a general journal, whose lines have no document type (BC facts 2.11).
    entries = [
        entry
        for entry in world.company.customer_ledger
        if entry.document_type == "Payment" or (entry.document_type == " " and entry.document_number.startswith("ST-P"))
    ]
    entered = {entry.document_number for entry in entries}
    outside = [row for row in rows if f"ST-P{row['id']}" not in entered]
    tie = Tie(
        PAYMENTS,
        sum((Decimal(row["total"]) for row in rows), ZERO),
        sum((Decimal(row["total"]) for row in outside), ZERO),
        -sum((entry.amount for entry in entries), ZERO),
    )
    return tie, frozenset(row["id"] for row in outside)
