"""The tie-out: ServiceTitan's documents of a period beside Business Central's general ledger, to the cent. Pure.

Every ServiceTitan document is either expected in the books, or named under the reason why it is not. Every document
in the books is compared with its source cell by cell, or named as only in Business Central. Two mistakes that cancel
out in a row are therefore still two findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from stsync.books import places as placing
from stsync.books.expected import UNMAPPED, Rules, amounts, cells, item_room, payment_type, units
from stsync.books.findings import finding, misplaced, outside_item_room, settled_cells
from stsync.books.general_ledger import BookDocument, Books, SalesNumber, documents
from stsync.books.general_ledger import together as whole_document
from stsync.books.matching import Matched, carries_key, match
from stsync.books.places import Places
from stsync.books.result import Finding, Share, TieOut, Uncounted, What
from stsync.books.set_right import booked_for, set_right
from stsync.books.sheet import Amounts, Sheet, described
from stsync.books.sources import Document, Source, day_of
from stsync.books.values import ANY, Cell, Period, RowKey, Section, Why, less, together
from stsync.books.words import WHAT
from stsync.core.plan import TO_APPLY
from stsync.core.source.payment import Payment

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
    places = _places(by_owner, matched, books, rules)
    comparison = _Comparison(period, rules, books, places, matched)
    comparison.put_together(by_owner)
    for owner, source in by_owner.items():
        comparison.count(source)
        comparison.compare(source, matched.first.get(owner))
    for owner, document in comparison.again:
        comparison.stray(What.TWICE, by_owner[owner], document)
    for document in matched.unknown:
        comparison.stray(What.UNKNOWN, None, document)
    comparison.foreigners(by_owner)
    undated = tuple(
        Uncounted(one.kind, one.now.id, one.record.number, "it has no date in ServiceTitan")
        for one in by_owner.values()
        if one.now.active and day_of(one.now) is None
    )
    rows, findings = comparison.sheet.rows(), tuple(comparison.findings)
    return TieOut(
        period,
        rules.dimension or "",
        rows,
        findings,
        tuple(unreadable),
        undated,
        owners=frozenset(matched.first),
        undone=frozenset(matched.undone),
        receivables=places.receivables,
        unsettled=frozenset(comparison.unsettled),
        unlisted=_unlisted(matched),
    )


def _places(sources: Mapping[tuple[str, str], Source], matched: Matched, books: Books, rules: Rules) -> Places:
    """The accounts of every section, from the mapping, from the lines and from what stands in the books."""
    named = {cell for source in sources.values() for each in _contents(source) for cell in cells(each, rules)}
    lines = _line_accounts(named, books, rules)
    own = [document for owner, document in matched.first.items() if owner[0] != "payments"]
    own += [document for _, document in matched.again if document.document_type != "Payment"]
    received = [document for owner, document in matched.first.items() if owner[0] == "payments"]
    for owner, each in books.outside.items():
        (received if owner[0] == "payments" else own).extend(each)
    tax = rules.tax_accounts
    if rules.tax_method != "line":
        tax = placing.computed_tax_accounts(own, books.accounts, lines)
    items = [
        document
        for owner, document in matched.first.items()
        if owner[0] != "payments" and _has_item_lines(sources[owner], rules)
    ]
    revenue = lines | (placing.income_accounts(items, books.accounts) - tax)
    money = (*rules.journals.values(), *rules.choices.tables.get("refunds", {}).values())
    balancing = frozenset(account.upper() for account in money if account)
    receivables = placing.receivables_accounts(
        own, received, matched.foreign, accounts=books.accounts, lines=revenue | tax, balancing=balancing
    )
    more = tuple(source.code for source in rules.more)
    return Places(revenue, tax, receivables, balancing, tax_rows=rules.tax_method == "line", more=more)


def _unlisted(matched: Matched) -> tuple[str, ...]:
    """Sales documents that only our ledger knows as ours: without permission, Business Central lists none, without a
    word (facts 2.5).
    """
    ours = (document for owner, document in matched.first.items() if owner[0] != "payments")
    return tuple(sorted(one.number for one in ours if one.key not in matched.sales))


def _contents(source: Source) -> list[Document]:
    return [source.now] if source.before is None else [source.now, source.before]


def _has_item_lines(source: Source, rules: Rules) -> bool:
    return any(one.section == Section.REVENUE and one.account == ANY for one in amounts(source.as_posted, rules))


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


class _Comparison:
    """Each document against its source, written on one sheet."""

    def __init__(self, period: Period, rules: Rules, books: Books, places: Places, matched: Matched) -> None:
        self._period = period
        self._rules = rules
        self._books = books
        self._places = places
        self._matched = matched
        self.sheet = Sheet(books)
        self.findings: list[Finding] = []
        self.unsettled: set[tuple[str, str]] = set()
        self.again = list(matched.again)
        self._alike: dict[tuple[str, str, Decimal], list[str]] = {}

    def put_together(self, sources: Mapping[tuple[str, str], Source]) -> None:
        """Take several documents of one source as one where they come to what they should: one corrects the other."""
        for owner in {owner for owner, _ in self.again}:
            each = [self._matched.first[owner], *(document for one, document in self.again if one == owner)]
            whole = whole_document(each)
            booked = self._booked(sources[owner], [whole])
            if finding(None, "", *settled_cells(booked, amounts(sources[owner].as_posted, self._rules))) is None:
                self._matched.first[owner] = whole
                self.again = [one for one in self.again if one[0] != owner]

    def count(self, source: Source) -> None:
        """Add a document to ServiceTitan's own total."""
        if source.card and source.kind != "payments":
            key = (source.document_type, source.card, abs(source.as_posted.total))
            self._alike.setdefault(key, []).append(f"{source.record.noun} {source.record.number}")
        if source.counts_in(self._period):
            self.sheet.count(amounts(source.now, self._rules), payment_type(source.now))
            self._name_rows(source.now)

    def compare(self, source: Source, document: BookDocument | None) -> None:
        """Explain the document's absence from the books, or compare it with what stands there."""
        now = amounts(source.now, self._rules) if source.counts_in(self._period) else {}
        if document is not None:
            self._compare_booked(source, document, now)
            return
        elsewhere = self._books.outside.get(source.owner)
        if elsewhere:
            self._explain(self._timing(source), source, now, {}, f"posted on {min(one.on for one in elsewhere)}")
            return
        why = None if self._should_be_there(source) else source.standing()
        if why is not None:
            self._explain(why, source, now, {})
            return
        expected = self._due(source)
        self._explain(self._drift(source), source, now, expected)
        self._judge(source, source.number or source.record.number, {}, expected)

    def _compare_booked(self, source: Source, document: BookDocument, now: Amounts) -> None:
        """Compare what the books hold of it up to the last day of the period; later days are judged with their month."""
        expected: Amounts = amounts(source.as_posted, self._rules)
        booked, earlier, later = (
            settled_cells(self._booked(source, each), expected)[0] for each in self._by_time(source, document)
        )
        total = together(booked, earlier)
        if not total and not later and (source.by_hand or not source.now.active):
            # Taken back in both systems: its entries are there, and nothing is left of them.
            expected = {}
        _, expected = settled_cells({}, expected)
        due = booked if later else less(expected, earlier)
        now, _ = settled_cells(now, amounts(source.now, self._rules))
        self.sheet.book(booked, due, payment_type(source.now))
        timing = (not now or earlier or later) and source.before is None and source.now.active
        if timing or source.owner in self._matched.half_undone:
            self.unsettled.add(source.owner)
        self._explain(self._timing(source) if timing else self._drift(source), source, now, due, self._parts(source))
        if later:
            return
        found = self._judge(source, document.number, total, expected, gone=not total)
        known = self._matched.sales.get(document.key)
        wrong = None if found else misplaced(source, document, known, keyed=carries_key(document, self._matched.sales))
        if wrong is None and not found and source.now.active and not source.by_hand:
            wrong = self._cancelled(source, document) or self._among_items(source, document)
        if wrong is not None:
            self.findings.append(wrong)

    def _cancelled(self, source: Source, document: BookDocument) -> Finding | None:
        """Business Central says that it was cancelled, though nothing in the books takes it back."""
        if source.owner not in self._matched.half_undone or self._books.outside.get(source.owner):
            return None
        note = "Its status is Canceled, but the credit memo that cancelled it carries neither of its numbers."
        return Finding(What.UNDONE, source.record, document.number, (), note)

    def _among_items(self, source: Source, document: BookDocument) -> Finding | None:
        room = item_room(source.as_posted, self._rules)
        if not room or self._books.outside.get(source.owner):
            return None
        booked = self._places.booked(document)
        return outside_item_room(source, document, booked, cells(source.as_posted, self._rules), room)

    def _by_time(self, source: Source, document: BookDocument) -> tuple[list[BookDocument], ...]:
        """What stands in the period, before it and after it."""
        elsewhere = self._books.outside.get(source.owner, ())
        earlier = [one for one in elsewhere if one.on < self._period.first]
        return [document], earlier, [one for one in elsewhere if one.on > self._period.last]

    def _booked(self, source: Source, documents: Iterable[BookDocument]) -> Amounts:
        found: Amounts = {}
        for one in documents:
            found = together(found, self._places.booked(one, payment=source.kind == "payments"))
        return found

    def _parts(self, source: Source) -> str:
        """Where the rest of it stands, in words."""
        elsewhere = self._books.outside.get(source.owner, ())
        return "in the books also " + ", ".join(f"{one.title} of {one.on}" for one in elsewhere) if elsewhere else ""

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

    def _timing(self, source: Source) -> Why:
        """Why a document stands in another month in the books than in ServiceTitan."""
        ours = self._rules.redates and source.before is None
        return Why.RE_DATED if ours else Why.ANOTHER_PERIOD

    def stray(self, what: What, source: Source | None, document: BookDocument) -> None:
        """A document that should not be in the books at all, though it carries a ServiceTitan number."""
        booked = self._places.booked(document, payment=document.document_type not in {"Invoice", "Credit Memo"})
        self.sheet.book(booked, (), payment_type(source.now) if source else "")
        found = finding(source.record if source else None, document.number, booked, {})
        if found is not None:
            self.findings.append(Finding(what, found.record, found.document, found.differences))

    def foreigners(self, sources: Mapping[tuple[str, str], Source]) -> None:
        """Name what others made; what takes a finding back explains it."""
        right = set_right(self.findings, self._matched.foreign, sources, self._matched.sales, self._places)
        corrects: dict[tuple[str, str], Finding] = {}
        for position, document in right.items():
            found = self.findings[position]
            corrects[document.key] = found
            self._set_right(sources, found, document)
        self.findings = [one for position, one in enumerate(self.findings) if position not in right]
        for document in self._matched.foreign:
            self._foreign(document, corrects.get(document.key))

    def _set_right(self, sources: Mapping[tuple[str, str], Source], found: Finding, document: BookDocument) -> None:
        if found.record is None:
            return
        note = f"{found.document} {WHAT[found.what]}; set right by {document.title} of {document.on}"
        share = Share(found.record, found.record.total, note)
        wrong = {each.cell: each.amount for each in found.differences}
        source = sources[found.record.kind, found.record.source_id]
        self.sheet.explain(Why.SET_RIGHT, share, {}, wrong, payment_type(source.now))

    def _foreign(self, document: BookDocument, corrects: Finding | None) -> None:
        wanted = [each.cell for each in corrects.differences] if corrects is not None else []
        booked = booked_for(document, wanted, self._places)
        self.sheet.book(booked, (), "")
        known = self._matched.sales.get(document.key)
        text = document.description
        if known is not None and known.credits:
            text = f"{text}; credits {known.credits}".lstrip("; ")
        if corrects is not None:
            text = f"{text}; sets {corrects.document} right".lstrip("; ")
        if known is not None:
            text = f"{text}{self._looks_like(document.document_type, known)}".lstrip("; ")
        customer = known.customer if known is not None else ""
        self.sheet.foreign(booked, described(document.document_type, document.number, document.on, text, customer))

    def _looks_like(self, document_type: str, known: SalesNumber) -> str:
        """Which documents of ServiceTitan it may be, typed by hand: the same customer, the same amount."""
        same = self._alike.get((document_type, known.customer, known.total), [])
        return f"; same customer and amount as {', '.join(same[:3])}: entered twice?" if same else ""

    def _explain(self, why: Why, source: Source, now: Amounts, expected: Amounts, note: str = "") -> None:
        reason = source.reason
        note = note or source.note or (reason.message if reason is not None else "")
        share = Share(source.record, source.now.total, note, reason.hint if reason is not None else "")
        self.sheet.explain(why, share, now, expected, payment_type(source.now))

    def _judge(self, source: Source, document: str, booked: Amounts, expected: Amounts, *, gone: bool = False) -> bool:
        """Write down what is wrong, if anything is. `gone`: its entries are there, and take each other back."""
        found = finding(source.record, document, booked, expected)
        if found is None:
            return False
        what = What.UNDONE if gone or source.owner in self._matched.undone else found.what
        found = replace(found, what=what, note=self._parts(source))
        self.findings.append(found)
        self.sheet.show(expected, payment_type(source.now))
        return True

    def _name_rows(self, document: Document) -> None:
        """What ServiceTitan calls the rows: business units, accounts, tax zones, payment types."""
        if isinstance(document, Payment):
            cell = self._rules.payment_cell(document)
            self.sheet.name(RowKey(cell.section, cell.row), payment_type(document))
            return
        for value, name in units(document, self._rules).items():
            self.sheet.name(RowKey(Section.REVENUE, value), name)
        zone = document.tax_zone
        if zone is not None:
            key = RowKey(Section.SALES_TAX, self._rules.tax_account(zone))
            self.sheet.name(key, zone.name or zone.id)
