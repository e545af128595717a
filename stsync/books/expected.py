"""What a ServiceTitan document must come to in the general ledger, worked out apart from the code that carried it.

Revenue and tax are credits, receivables and money received debits; all four are positive here in their usual
direction. The rules are design section 2's; nothing of a plan or a draft is used, so that a mistake there shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from stsync.books.general_ledger import BookAccount
from stsync.books.sources import Document
from stsync.books.values import ANY, Cell, Section, added, more_cell
from stsync.core.dimensions import NONE, TABLE_OF, Source
from stsync.core.mapping import Mapping as Choices
from stsync.core.mapping import identity
from stsync.core.money import ZERO
from stsync.core.source.fields import Named
from stsync.core.source.invoice import Invoice, Item
from stsync.core.source.payment import Payment

Amounts = dict[Cell, Decimal]
UNMAPPED = "not mapped: "
LINES = frozenset({Section.REVENUE, Section.DIMENSIONS})


@dataclass(frozen=True)
class Rules:
    """The accountant's choices, and the codes that Business Central has itself.

    `dimension` is the code of the business unit dimension; `journals` gives each payment journal's balancing G/L
    account, none for a journal that a bank account balances. `redates`: documents of a closed period are posted on the
    first open day. `more` are the dimensions beside the business unit's that can be told from a document, `more_values`
    the codes that Business Central has for them.
    """

    choices: Choices
    dimension: str | None = None
    tax_method: str = "line"
    journals: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, BookAccount] = field(default_factory=dict)
    dimension_values: Mapping[str, str] = field(default_factory=dict)
    redates: bool = False
    more: tuple[Source, ...] = ()
    more_values: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def unit_value(self, unit: Named | None) -> str:
        """The dimension value of a business unit, or a name for the gap."""
        if self.dimension is None:
            return ANY
        if unit is None:
            return f"{UNMAPPED}no business unit"
        value = self.choices.lookup("business_units", unit.id, unit.name)
        value = value or identity(self.dimension_values, unit.name)
        return value.upper() if value else f"{UNMAPPED}{unit.name or unit.id}"

    def more_cells(self, invoice: Invoice, account: str) -> list[Cell]:
        """The places of a line by its other dimensions."""
        return [self._more_cell(source, invoice, account) for source in self.more]

    def _more_cell(self, source: Source, invoice: Invoice, account: str) -> Cell:
        if source.kind == "constant":
            return more_cell(source.code, source.value.upper(), account)
        named = invoice.location if source.kind == "location" else Named("", invoice.job_type)
        table = TABLE_OF[source.kind]
        if named is None or not (named.id or named.name):
            value = self.choices.lookup(table, NONE)
        else:
            value = self.choices.lookup(table, named.id, named.name)
            value = value or identity(self.more_values.get(source.code, frozenset()), named.name)
        if value is None:
            shown = (named.name or named.id) if named is not None else ""
            return Cell(Section.DIMENSIONS, f"{UNMAPPED}{source.code} {shown or NONE}", account)
        return more_cell(source.code, value.upper(), account)

    def line_account(self, item: Item) -> str:
        """The G/L account of a line; ANY for a line posted as an item, whose account is Business Central's set-up."""
        if item.sku and self.choices.lookup("items", item.sku) is not None:
            return ANY
        account = item.account
        if account is None:
            return f"{UNMAPPED}no account"
        found = self.choices.lookup("accounts", account.id, account.number, account.name)
        found = (found or identity(self.accounts, account.number) or "").upper()
        known = self.accounts.get(found)
        return found if known is not None and known.usable else f"{UNMAPPED}{account.number or account.name}"

    @cached_property
    def tax_accounts(self) -> frozenset[str]:
        """The accounts of the tax zones, where ServiceTitan's tax is a line of its own."""
        if self.tax_method != "line":
            return frozenset()
        return frozenset(account.upper() for account in self.choices.tables["tax_zones"].values())

    @cached_property
    def placed(self) -> dict[int, tuple[Invoice, Amounts]]:
        """The invoices that were placed already, by identity: a tie-out asks for each half a dozen times."""
        return {}

    def tax_account(self, zone: Named | None) -> str:
        """The tax liability account of a zone, or a name for the gap."""
        if self.tax_method != "line":
            return ANY
        if zone is None:
            return f"{UNMAPPED}no tax zone"
        account = self.choices.lookup("tax_zones", zone.id, zone.name)
        return account.upper() if account else f"{UNMAPPED}{zone.name or zone.id}"

    def payment_cell(self, payment: Payment) -> Cell:
        """Where the money of a payment arrives, or leaves from: a refund may have an account of its own."""
        refunds = "refunds" if payment.total < 0 and "refunds" in self.choices.tables else ""
        account = self.choices.lookup(refunds, payment.type_id, payment.type_name) if refunds else None
        if account is not None:
            return Cell(Section.PAYMENTS, account.upper(), account.upper())
        code = self.choices.lookup("payment_types", payment.type_id, payment.type_name)
        if code is None:
            row = f"{UNMAPPED}{payment.type_name or payment.type_id}"
            return Cell(Section.PAYMENTS, row, row)
        account = self.journals.get(code.upper(), "").upper()
        return Cell(Section.PAYMENTS, account or f"journal {code.upper()}", account or ANY)


def amounts(document: Document, rules: Rules) -> Amounts:
    """The document's amounts by cell. Every document has its receivables or payments cell, even at 0.00.

    Where one line is posted as an item, no line has an account: the books may put both on the same one.
    """
    found = cells(document, rules)
    if any(cell.section == Section.REVENUE and cell.account == ANY for cell in found):
        return folded(found, without_revenue_account)
    return found


def cells(document: Document, rules: Rules) -> Amounts:
    """The same with the account of every line that has one."""
    if isinstance(document, Payment):
        return {rules.payment_cell(document): document.total}
    # The invoice is kept beside its amounts, so that its identity is not given to another one.
    if id(document) not in rules.placed:
        rules.placed[id(document)] = document, _invoice(document, rules)
    return dict(rules.placed[id(document)][1])


def item_room(document: Document, rules: Rules) -> dict[str, tuple[Decimal, Decimal]]:
    """By dimension value, the least and the most that lines posted as items can bring onto one account."""
    room: dict[str, tuple[Decimal, Decimal]] = {}
    if isinstance(document, Payment):
        return room
    header = document.business_unit
    for item in billed(document):
        if rules.line_account(item) == ANY:
            unit = rules.unit_value(item.business_unit or header)
            least, most = room.get(unit, (ZERO, ZERO))
            room[unit] = least + min(item.total, ZERO), most + max(item.total, ZERO)
    return room


def folded(amounts: Mapping[Cell, Decimal], place: Callable[[Cell], Cell]) -> Amounts:
    """The amounts at other places, added up where several come to the same."""
    found: Amounts = {}
    for cell, amount in amounts.items():
        added(found, place(cell), amount)
    return found


def without_revenue_account(cell: Cell) -> Cell:
    """The place of a line whose account only Business Central knows."""
    return Cell(cell.section, cell.row, ANY) if cell.section in LINES else cell


def payment_type(document: Document) -> str:
    """What ServiceTitan calls the type of a payment; nothing for other documents."""
    return document.type_name or document.type_id if isinstance(document, Payment) else ""


def billed(invoice: Invoice) -> tuple[Item, ...]:
    """The items that add up to the subtotal; that only chargeable ones do is inferred (trap 36), so both are tried."""
    for items in (invoice.charged, invoice.items):
        if sum((item.total for item in items), ZERO) == invoice.subtotal:
            return items
    return invoice.charged


def units(invoice: Invoice, rules: Rules) -> dict[str, str]:
    """The business unit names that stand behind dimension values on this invoice."""
    found = [item.business_unit or invoice.business_unit for item in billed(invoice)]
    return {rules.unit_value(unit): unit.name for unit in found if unit is not None}


def _invoice(invoice: Invoice, rules: Rules) -> Amounts:
    found: Amounts = {Cell(Section.RECEIVABLES, ANY, ANY): invoice.total}
    for item in billed(invoice):
        if item.total != 0:
            unit = rules.unit_value(item.business_unit or invoice.business_unit)
            cell = _line_cell(rules.line_account(item), unit, rules)
            added(found, cell, item.total)
            if cell.section == Section.REVENUE:
                for more in rules.more_cells(invoice, cell.account):
                    added(found, more, item.total)
    if invoice.sales_tax != 0:
        account = rules.tax_account(invoice.tax_zone)
        added(found, Cell(Section.SALES_TAX, account, account), invoice.sales_tax)
    return found


def _line_cell(account: str, unit: str, rules: Rules) -> Cell:
    """A line on a tax liability account counts as tax, because the general ledger shows it there."""
    if account in rules.tax_accounts:
        return Cell(Section.SALES_TAX, account, account)
    return Cell(Section.REVENUE, unit, account)
