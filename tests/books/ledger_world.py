"""A small world for tie-outs: ServiceTitan documents, and the entries an honest Business Central would hold for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from stsync.books.expected import Rules
from stsync.books.general_ledger import BookAccount, BookDocument, Books, Entry, SalesNumber
from stsync.books.result import TieOut
from stsync.books.sources import Source
from stsync.books.tieout import tie_out
from stsync.books.values import Period, Section, rows_of
from stsync.core.mapping import Mapping
from stsync.core.reasons import Reason
from stsync.core.source.fields import Address, Named
from stsync.core.source.invoice import Invoice, Item, LineAccount
from stsync.core.source.payment import Application, Payment

JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))
DAY = date(2026, 6, 15)
WEST, EAST, SOLAR = Named("11", "Drain - West"), Named("12", "Drain - East"), Named("13", "Solar")
UNITS = {"11": "DRAIN-W", "12": "DRAIN-E"}
LABOR, MEMBERSHIP, RENTAL = (
    LineAccount("1", "4100", "Labor"),
    LineAccount("2", "2400", "Dues"),
    LineAccount("3", "9", "?"),
)
ACCOUNTS = {"4100": "40100", "2400": "22600"}
PHOENIX = Named("701", "Phoenix")
CARD, CHECK, APP = "33", "32", "39"

CHART = {
    one.number: one
    for one in (
        BookAccount("10500", "Undeposited", "Assets"),
        BookAccount("10600", "Cards", "Assets"),
        BookAccount("12100", "Receivables", "Assets", direct_posting=False, usable=False),
        BookAccount("14100", "Inventory", "Assets", direct_posting=False, usable=False),
        BookAccount("22010", "Tax Phoenix", "Liabilities"),
        BookAccount("22600", "Deferred", "Liabilities"),
        BookAccount("40100", "Labor", "Income"),
        BookAccount("40900", "Other sales", "Income"),
        BookAccount("50100", "Materials", "Cost of Goods Sold"),
        BookAccount("60000", "Rent", "Expense"),
    )
}
VALUES = {"DRAIN-W": "Drain West", "DRAIN-E": "Drain East"}
RULES = Rules(
    choices=Mapping.of(
        {
            "business_units": UNITS,
            "accounts": ACCOUNTS,
            "tax_zones": {"Phoenix": "22010"},
            "payment_types": {CARD: "STCARD", CHECK: "STCHECK"},
            "items": {"FILTER": "1906-S"},
        }
    ),
    dimension="DEPARTMENT",
    journals={"STCARD": "10600", "STCHECK": "10500"},
    accounts=CHART,
    dimension_values=VALUES,
)


def money(value: str | int | Decimal) -> Decimal:
    return Decimal(value).quantize(Decimal("0.01"))


def item(
    total: str | Decimal, unit: Named | None = WEST, account: LineAccount | None = LABOR, *, chargeable=True, sku=""
) -> Item:
    return Item("1", "Work", Decimal(1), money(total), money(total), sku, chargeable, False, account, unit)


def invoice(number: int, *items: Item, tax: str | Decimal = 0, on: date | None = DAY, active: bool = True) -> Invoice:
    items = items or (item("100.00"),)
    subtotal = sum((one.total for one in items if one.chargeable), Decimal(0))
    return Invoice(
        id=str(number), number=f"N{number}", status="Posted", active=active, invoiced_on=on, due_on=None,
        subtotal=subtotal, sales_tax=money(tax), total=subtotal + money(tax), tax_zone=PHOENIX,
        customer=Named("5", "Ann"), location=None, location_address=Address(), business_unit=WEST, term="",
        adjustment_to=None, items=items,
    )  # fmt: skip


def payment(
    number: int, total: str | Decimal = "50.00", kind: str = CARD, *, on: date | None = DAY, active: bool = True
) -> Payment:
    return Payment(
        id=str(number), number=f"R{number}", status="Posted", active=active, paid_on=on, total=money(total),
        type_id=kind, type_name={CARD: "Card", CHECK: "Check"}.get(kind, "App"), customer=Named("5", "Ann"),
        applications=(Application("1", "N1", money(total)),), refunded_payment=None, check_number="", memo="",
    )  # fmt: skip


def posted(document: Invoice | Payment, **more) -> Source:
    number = f"PS{document.id}" if isinstance(document, Invoice) else ""
    return Source(document, **{"state": "settled", "outcome": "posted", "posted": True, "number": number, **more})


def held(document: Invoice | Payment) -> Source:
    return Source(document, "held", reason=Reason("mapping-missing", "Not mapped yet.", "Map it."))


class Ledger:
    """Business Central's general ledger while a test fills it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.numbers: list[SalesNumber] = []

    def book(  # noqa: PLR0917 - the columns of an entry
        self, kind: str, number: str, account: str, amount: Decimal, dimension: str = "", on: date = DAY
    ) -> None:
        if amount != 0:
            self.entries.append(Entry(len(self.entries) + 1, on, kind, number, account, amount, dimension, "text"))

    def invoice(self, one: Invoice, number: str = "") -> None:
        number = number or f"PS{one.id}"
        on = one.invoiced_on or DAY
        self.numbers.append(SalesNumber(number, f"ST-{one.id}"))
        self.book("Invoice", number, "12100", one.total, on=on)
        for line in one.items:
            if line.chargeable:
                account = "40900" if line.sku == "FILTER" else ACCOUNTS[line.account.number]
                self.book("Invoice", number, account, -line.total, UNITS[(line.business_unit or WEST).id], on)
        self.book("Invoice", number, "22010", -one.sales_tax, on=on)

    def payment(self, one: Payment) -> None:
        account = {CARD: "10600", CHECK: "10500"}[one.type_id]
        self.book("Payment", f"ST-P{one.id}", "12100", -one.total, on=one.paid_on)
        self.book("Payment", f"ST-P{one.id}", account, one.total, on=one.paid_on)

    def change(self, position: int, **changes) -> Entry:
        self.entries[position] = replace(self.entries[position], **changes)
        return self.entries[position]

    def books(self, **more) -> Books:
        inside = tuple(entry for entry in self.entries if entry.on in JUNE)
        return Books(inside, CHART, tuple(self.numbers), VALUES, **more)


def stood(number: str, on: date, amount: str = "100.00", kind: str = "Invoice") -> BookDocument:
    """A document over one line of labor, on a day outside the period."""
    ledger = Ledger()
    ledger.book(kind, number, "12100", money(amount), on=on)
    ledger.book(kind, number, "40100", -money(amount), "DRAIN-W", on)
    return BookDocument(kind, number, tuple(ledger.entries))


def compared(sources: Iterable[Source], ledger: Ledger, rules: Rules = RULES, **more) -> TieOut:
    result = tie_out(JUNE, sources, ledger.books(**more), rules)
    check_sums(result)
    return result


def check_sums(result: TieOut) -> None:
    """Rows and findings are worked out apart: the unexplained rest of a row is the sum of its findings."""
    for row in result.rows:
        if row.key.section in {Section.PAYMENT_TYPES, Section.CUSTOMERS}:
            continue  # a difference does not say the type, or the card
        of_findings = sum(
            (each.amount for one in result.findings for each in one.differences if row.key in rows_of(each.cell)),
            Decimal(0),
        )
        assert row.unexplained == of_findings, row.key


def row(result: TieOut, section: str, code: str = ""):
    return next(one for one in result.rows if (one.key.section, one.key.row) == (section, code))


def told(result: TieOut, section: str) -> dict[str, Sequence[str]]:
    """The record numbers behind each reason of a section."""
    return {str(one.why): [share.record.number for share in one.shares] for one in result.explanations(section)}
