"""Which mapped and unmapped ServiceTitan names the documents use, how many documents, and how much money."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from stsync.config.model import Config
from stsync.core.dimensions import NONE
from stsync.core.mapping import Mapping as Choices
from stsync.core.mapping import folded
from stsync.core.source.fields import Named, UnknownShape
from stsync.core.source.invoice import Invoice, Item
from stsync.core.source.payment import Payment
from stsync.engine.trades import remembered_trades
from stsync.state import InboxRow, State

_STATES = ("pending", "waiting", "held", "dead", "settled")


@dataclass(frozen=True)
class Used:
    """One ServiceTitan name as documents use it.

    `candidates` are what a look-up tries, in its order; `own_code` is what may map to itself where Business Central
    has it; `key` is what a new line in the mapping begins with. `amount` is the money that follows this name. `called` is
    the name of something whose line begins with its number.
    """

    table: str
    candidates: tuple[str, ...]
    key: str
    own_code: str
    documents: int
    amount: Decimal
    called: str = ""

    def entry(self, choices: Choices) -> str | None:
        """The folded key of the mapping entry that takes this name, or None when it is not mapped."""
        entries = choices.tables[self.table]
        return next((folded(one) for one in self.candidates if one and folded(one) in entries), None)


@dataclass
class _Tally:
    counts: dict[tuple[str, tuple[str, ...]], tuple[str, str, str]] = field(default_factory=dict)
    documents: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    amounts: dict[tuple[str, tuple[str, ...]], Decimal] = field(default_factory=dict)

    def add(self, uses: Iterable[_Use]) -> None:
        """Count one document: each name once, its amounts together."""
        seen: set[tuple[str, tuple[str, ...]]] = set()
        for use in uses:
            name = (use.table, use.candidates)
            self.counts.setdefault(name, (use.key, use.own_code, use.called))
            self.amounts[name] = self.amounts.get(name, Decimal(0)) + use.amount
            self.documents[name] = self.documents.get(name, 0) + (name not in seen)
            seen.add(name)

    def result(self) -> list[Used]:
        """Every name, the one with the most money first within its table."""
        found = [
            Used(table, name, key, own, self.documents[table, name], self.amounts[table, name], called)
            for (table, name), (key, own, called) in self.counts.items()
        ]
        return sorted(found, key=lambda one: (one.table, -abs(one.amount), one.key))


@dataclass(frozen=True)
class _Use:
    table: str
    candidates: tuple[str, ...]
    key: str
    own_code: str
    amount: Decimal
    called: str = ""


def usage(state: State, config: Config, choices: Choices) -> list[Used]:
    """What the documents since go-live use; a record of unknown shape is held anyway and counts for nothing here."""
    tally = _Tally()
    with_trades = remembered_trades(state)
    for row in state.inbox.rows("invoices", _STATES):
        tally.add(_invoice_uses(row, config, choices, with_trades))
    for row in state.inbox.rows("payments", _STATES):
        tally.add(_payment_uses(row, config, choices))
    return tally.result()


def _invoice_uses(
    row: InboxRow, config: Config, choices: Choices, with_trades: Callable[[Invoice], Invoice]
) -> Iterator[_Use]:
    try:
        invoice = with_trades(Invoice.parse(row.content))
    except UnknownShape:
        return
    if not _counts(invoice.active, invoice.invoiced_on, config):
        return
    for item in _billed(invoice):
        unit = item.business_unit or invoice.business_unit
        yield from _item_uses(item, unit, config, choices)
        yield from _trade_uses(item, unit, invoice, config)
    yield from _document_uses(invoice, config)
    zone = invoice.tax_zone
    if zone is not None and invoice.sales_tax != 0 and config.invoices.tax.method == "line":
        yield _Use("tax_zones", (zone.id, zone.name), zone.name or zone.id, "", invoice.sales_tax)
    if invoice.term and config.mapping.terms:
        yield _Use("terms", (invoice.term,), invoice.term, invoice.term, invoice.total)


def _billed(invoice: Invoice) -> list[Item]:
    """The lines that need an account: those that make up the subtotal, without the ones that only say something."""
    charged = sum((item.total for item in invoice.charged), Decimal(0)) == invoice.subtotal
    items = invoice.charged if charged else invoice.items
    return [item for item in items if item.total != 0 or item.quantity != 0]


def _item_uses(item: Item, unit: Named | None, config: Config, choices: Choices) -> Iterator[_Use]:
    if item.sku and choices.lookup("items", item.sku) is not None:
        yield _Use("items", (item.sku,), item.sku, "", item.total)
    elif item.account is not None:
        account = item.account
        key = account.number or account.name or account.id
        yield _Use("accounts", (account.id, account.number, account.name), key, account.number, item.total)
    if unit is not None and config.dimensions.business_unit is not None:
        yield _Use("business_units", (unit.id, unit.name), unit.name or unit.id, unit.name, item.total)


def _trade_uses(item: Item, unit: Named | None, invoice: Invoice, config: Config) -> Iterator[_Use]:
    """The trade of a line's unit, as far as a run has read it."""
    if "trades" not in config.dimensions.by_table() or (unit is not None and unit.id not in invoice.trades):
        return
    trade = invoice.trades[unit.id] if unit is not None else None
    yield _named_use("trades", trade, item.total)


def _document_uses(invoice: Invoice, config: Config) -> Iterator[_Use]:
    tables = config.dimensions.by_table()
    if "job_types" in tables:
        yield _named_use("job_types", Named("", invoice.job_type) if invoice.job_type else None, invoice.total)
    if "locations" in tables:
        use = _named_use("locations", invoice.location, invoice.total)
        # Many locations are called alike, so a line names one by its number.
        own = invoice.location
        yield replace(use, key=own.id, called=own.name) if own is not None else use


def _named_use(table: str, named: Named | None, amount: Decimal) -> _Use:
    """A name as documents use it, or that they have none."""
    if named is None:
        return _Use(table, (NONE,), NONE, "", amount)
    return _Use(table, (named.id, named.name), named.name or named.id, named.name, amount)


def _payment_uses(row: InboxRow, config: Config, choices: Choices) -> Iterator[_Use]:
    try:
        payment = Payment.parse(row.content)
    except UnknownShape:
        return
    if _counts(payment.active, payment.paid_on, config):
        yield _Use(
            _table_of(payment, choices),
            (payment.type_id, payment.type_name),
            payment.type_name or payment.type_id,
            "",
            payment.total,
        )


def _table_of(payment: Payment, choices: Choices) -> str:
    """Money paid back has a table of its own, and falls back on the journal that its type is mapped to."""
    names = (payment.type_id, payment.type_name)
    if payment.total >= 0:
        return "payment_types"
    own = choices.lookup("refunds", *names) is not None
    return "refunds" if own or choices.lookup("payment_types", *names) is None else "payment_types"


def _counts(active: bool, day: date | None, config: Config) -> bool:
    return active and (day is None or day >= config.go_live)
