"""The tie-out: ServiceTitan's documents of a period beside Business Central's general ledger, to the cent. Pure.

Every ServiceTitan document is either expected in the books, or named under the reason why it is not. Every document
in the books is compared with its source cell by cell, or named as only in Business Central. Two mistakes that cancel
out in a row are therefore still two findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from stsync.books import places as placing
from stsync.books.expected import UNMAPPED, Rules, amounts, units
from stsync.books.findings import finding, settled_cells
from stsync.books.general_ledger import BookDocument, Books, documents
from stsync.books.matching import Matched, match
from stsync.books.places import Places
from stsync.books.result import Explanation, Finding, Foreign, Row, Share, TieOut, Uncounted, What
from stsync.books.sources import Source, day_of
from stsync.books.values import ANY, Cell, Period, RowKey, Section, Why
from stsync.core.money import ZERO
from stsync.core.plan import TO_APPLY
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment

Amounts = Mapping[Cell, Decimal]
_COUNTED = frozenset({Section.RECEIVABLES, Section.PAYMENTS})
_LINE_CATEGORIES = frozenset({"Income", "Liabilities", ""})


def tie_out(
    period: Period,
    sources: Iterable[Source],
    books: Books,
    rules: Rules,
    *,
    unreadable: Iterable[Uncounted] = (),
) -> TieOut:
    """Compare a period. `books.entries` are all general ledger entries dated in it; `sources` every document that is
    dated in it now or was when it was posted, in any state.
    """
    by_owner = {source.owner: source for source in sources}
    matched = match(documents(books.entries), books.sales_numbers, by_owner)
    sheet = _Sheet(period, rules, books, _places(by_owner, matched, books, rules))
    for owner, source in by_owner.items():
        sheet.count(source)
        sheet.compare(source, matched.first.get(owner))
    for owner, document in matched.again:
        sheet.stray(What.TWICE, by_owner[owner], document)
    for document in matched.unknown:
        sheet.stray(What.UNKNOWN, None, document)
    for document in matched.foreign:
        sheet.foreign(document)
    undated = tuple(
        Uncounted(one.kind, one.now.id, one.record.number, "it has no date in ServiceTitan")
        for one in by_owner.values()
        if one.now.active and day_of(one.now) is None
    )
    return TieOut(period, rules.dimension or "", sheet.rows(), tuple(sheet.findings), tuple(unreadable), undated)


def _places(sources: Mapping[tuple[str, str], Source], matched: Matched, books: Books, rules: Rules) -> Places:
    """The accounts of every section, from the mapping, from the lines and from what stands in the books."""
    cells = [cell for source in sources.values() for each in _contents(source) for cell in amounts(each, rules)]
    lines = _line_accounts(cells, books, rules)
    own = [document for owner, document in matched.first.items() if owner[0] == "invoices"]
    own += [document for _, document in matched.again if document.document_type == "Invoice"]
    received = [document for owner, document in matched.first.items() if owner[0] == "payments"]
    tax = rules.tax_accounts
    if rules.tax_method != "line":
        tax = placing.computed_tax_accounts(own, books.accounts, lines)
    items = [
        document
        for owner, document in matched.first.items()
        if owner[0] == "invoices" and _has_item_lines(sources[owner], rules)
    ]
    revenue = lines | (placing.income_accounts(items, books.accounts) - tax)
    balancing = frozenset(account.upper() for account in rules.journals.values() if account)
    receivables = placing.receivables_accounts(
        own, received, matched.foreign, accounts=books.accounts, lines=revenue | tax, balancing=balancing
    )
    return Places(revenue, tax, receivables, balancing, tax_rows=rules.tax_method == "line")


def _contents(source: Source) -> list[Invoice | Payment]:
    return [source.now] if source.before is None else [source.now, source.before]


def _has_item_lines(source: Source, rules: Rules) -> bool:
    cells = amounts(source.as_posted, rules)
    return any(cell.section == Section.REVENUE and cell.account == ANY for cell in cells)


def _line_accounts(cells: Iterable[Cell], books: Books, rules: Rules) -> frozenset[str]:
    """The accounts that lines stand on, and those that the mapping could send one to.

    Of the mapping, only income and liability accounts: a table that also lists the bank does not make it revenue.
    """
    named = {cell.account for cell in cells if cell.section == Section.REVENUE}
    mapped = {account.upper() for account in rules.choices.tables["accounts"].values()}
    known = {one for one in mapped if one in books.accounts and books.accounts[one].usable}
    usual = {one for one in known if books.accounts[one].category in _LINE_CATEGORIES}
    real = {one for one in named if one != ANY and not one.startswith(UNMAPPED)}
    return frozenset(real | usual) - rules.tax_accounts


@dataclass
class _Tally:
    """A row while it is being added up."""

    servicetitan: Decimal = ZERO
    books: Decimal = ZERO
    shares: dict[Why, list[Share]] = field(default_factory=dict)
    foreign: list[Foreign] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    servicetitan_documents: int = 0
    books_documents: int = 0


class _Sheet:
    """The sheet that both sides are written on."""

    def __init__(self, period: Period, rules: Rules, books: Books, places: Places) -> None:
        self._period = period
        self._rules = rules
        self._books = books
        self._places = places
        self._tallies: dict[RowKey, _Tally] = {}
        self.findings: list[Finding] = []

    def count(self, source: Source) -> None:
        """Add a document to ServiceTitan's own total."""
        if not source.counts_in(self._period):
            return
        for cell, amount in amounts(source.now, self._rules).items():
            tally = self._tally(cell)
            tally.servicetitan += amount
            tally.servicetitan_documents += cell.section in _COUNTED
        self._name_rows(source.now)

    def compare(self, source: Source, document: BookDocument | None) -> None:
        """Explain the document's absence from the books, or compare it with what stands there."""
        now = amounts(source.now, self._rules) if source.counts_in(self._period) else {}
        if document is not None:
            self._compare_booked(source, document, now)
            return
        if source.owner in self._books.elsewhere:
            self._explain(Why.ANOTHER_PERIOD, source, now, {}, f"posted on {self._books.elsewhere[source.owner]}")
            return
        why = None if self._should_be_there(source) else source.standing()
        if why is not None:
            self._explain(why, source, now, {})
            return
        expected = self._due(source)
        self._explain(self._drift(source), source, now, expected)
        self._judge(source, source.number or source.record.number, {}, expected)

    def _compare_booked(self, source: Source, document: BookDocument, now: Amounts) -> None:
        booked: Amounts = self._places.booked(document, payment=source.kind == "payments")
        expected: Amounts = amounts(source.as_posted, self._rules)
        booked, expected = settled_cells(booked, expected)
        now, _ = settled_cells(now, amounts(source.now, self._rules))
        self._book(booked, sorted({cell for cell in expected if cell.section in _COUNTED}))
        self._explain(self._drift(source), source, now, expected)
        self._judge(source, document.number, booked, expected)

    def _should_be_there(self, source: Source) -> bool:
        return source.posted or (source.state == "settled" and source.outcome in {"posted", TO_APPLY})

    def _due(self, source: Source) -> Amounts:
        """What the period should show of a document that is not there."""
        content = source.as_posted if source.posted else source.now
        dated = day_of(content) in self._period and (source.posted or content.active)
        return amounts(content, self._rules) if dated else {}

    def _drift(self, source: Source) -> Why:
        if source.by_hand:
            return Why.BY_HAND
        changed = source.before is not None or not source.now.active
        return Why.CHANGED_AFTER_POSTING if changed else Why.ANOTHER_PERIOD

    def stray(self, what: What, source: Source | None, document: BookDocument) -> None:
        """A document that should not be in the books at all, though it carries a ServiceTitan number."""
        booked = self._places.booked(document, payment=document.document_type != "Invoice")
        self._book(booked, ())
        found = finding(source.record if source else None, document.number, booked, {})
        if found is not None:
            self.findings.append(Finding(what, found.record, found.document, found.differences))

    def foreign(self, document: BookDocument) -> None:
        """Name a document that somebody else made."""
        booked = self._places.booked(document)
        self._book(booked, ())
        for cell, amount in booked.items():
            one = Foreign(document.document_type, document.number, document.on, document.description, amount)
            self._tally(cell).foreign.append(one)

    def _book(self, booked: Amounts, counted: Iterable[Cell]) -> None:
        for cell, amount in booked.items():
            self._tally(cell).books += amount
        for cell in {*counted, *(cell for cell in booked if cell.section in _COUNTED)}:
            self._tally(cell).books_documents += 1

    def _explain(self, why: Why, source: Source, now: Amounts, expected: Amounts, note: str = "") -> None:
        reason = source.reason
        note = note or source.note or (reason.message if reason is not None else "")
        for row, amount in _by_row(now, expected).items():
            absent = not expected and row.section in _COUNTED
            if amount != 0 or absent:
                share = Share(source.record, amount, note, reason.hint if reason is not None else "")
                self._tally(row).shares.setdefault(why, []).append(share)

    def _judge(self, source: Source, document: str, booked: Amounts, expected: Amounts) -> None:
        found = finding(source.record, document, booked, expected)
        if found is not None:
            self.findings.append(found)
        for cell in expected:
            self._tally(cell)

    def _tally(self, key: Cell | RowKey) -> _Tally:
        return self._tallies.setdefault(RowKey(key.section, key.row), _Tally())

    def _name_rows(self, document: Invoice | Payment) -> None:
        """What ServiceTitan calls the rows: business units, tax zones, payment types."""
        if isinstance(document, Payment):
            self._tally(self._rules.payment_cell(document)).names[document.type_name or document.type_id] = None
            return
        for value, name in units(document, self._rules).items():
            key = RowKey(Section.REVENUE, value)
            if key in self._tallies:
                self._tallies[key].names[name] = None
        zone = document.tax_zone
        key = RowKey(Section.SALES_TAX, self._rules.tax_account(zone))
        if zone is not None and key in self._tallies:
            self._tallies[key].names[zone.name or zone.id] = None

    def rows(self) -> tuple[Row, ...]:
        """The rows, sections in their order, rows by code; gaps in the mapping last."""
        order = list(Section)
        keys = sorted(self._tallies, key=lambda key: (order.index(key.section), key.row.startswith(UNMAPPED), key.row))
        return tuple(self._row(key, self._tallies[key]) for key in keys)

    def _row(self, key: RowKey, tally: _Tally) -> Row:
        return Row(
            key=key,
            names=tuple(tally.names),
            book_name=self._book_name(key),
            servicetitan=tally.servicetitan,
            explanations=tuple(Explanation(why, tuple(tally.shares[why])) for why in Why if why in tally.shares),
            books=tally.books,
            only_in_books=tuple(tally.foreign),
            servicetitan_documents=tally.servicetitan_documents,
            books_documents=tally.books_documents,
        )

    def _book_name(self, key: RowKey) -> str:
        if key.section == Section.REVENUE:
            return self._books.dimension_values.get(key.row, "")
        account = self._books.accounts.get(key.row)
        return account.name if account is not None else ""


def _by_row(now: Amounts, expected: Amounts) -> dict[RowKey, Decimal]:
    """ServiceTitan less expected, by row."""
    found: dict[RowKey, Decimal] = {}
    for sign, each in ((1, now), (-1, expected)):
        for cell, amount in each.items():
            key = RowKey(cell.section, cell.row)
            found[key] = found.get(key, ZERO) + sign * amount
    return found
