"""Drawing the plan of a run: open records, reference data, counterparts in the books, decisions; portion by portion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain, islice

from stsync.config.model import Config
from stsync.core.likeness import Register
from stsync.core.links import Link
from stsync.core.plan import TO_APPLY, Plan, Standing
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookCustomer, Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.item import Sku
from stsync.engine import absent, decide, portions
from stsync.engine.foreseen import foreseen, without_card
from stsync.engine.items import are_due, skus_by_code
from stsync.engine.merged import as_posted
from stsync.engine.originals import Stand
from stsync.engine.read import read_missing_contacts, read_missing_customers, read_old_invoices, with_zone_names
from stsync.engine.records import ITEMS, Records, add_customers, add_links, add_reaches, open_records, open_rows, parsed
from stsync.engine.reference import Reference
from stsync.engine.scope import Scope
from stsync.engine.settings import Settings
from stsync.engine.strangers import remember_suspected, without_owned
from stsync.engine.survey import CLUES_BEFORE_ALL, Wanted, look_up
from stsync.engine.told import Marks
from stsync.engine.trades import with_trades
from stsync.servicetitan.client import ServiceTitan
from stsync.stages import invoices, payment_journals, payments, write_back
from stsync.state import Groups, InboxRow, State
from stsync.wiring import Systems


@dataclass(frozen=True)
class Drawn:
    """A plan, the content of every record it was drawn from, and the ETags of the cards that were looked up, by number.

    `known` is what the books said, `links` what the ledger did, `invoices` the open invoices by id.
    """

    plan: Plan
    hashes: Mapping[tuple[str, str], str]
    etags: Mapping[str, str] = field(default_factory=dict)
    known: Snapshot = field(default_factory=Snapshot)
    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)
    invoices: Mapping[str, Invoice] = field(default_factory=dict)


_NO_SKUS: Mapping[str, Sequence[Sku]] = {}


@dataclass
class Planner:
    """Draws the plan of one run; `tell` hears what it does, `planned` how many records of how many are decided about.

    `trust_marks`: what ServiceTitan shows as exported and the books hold under our number was told by us.
    """

    config: Config
    settings: Settings
    state: State
    systems: Systems
    scope: Scope
    now: Callable[[], datetime]
    tell: Callable[[str], None]
    planned: Callable[[int, int], None] = lambda _done, _total: None
    trust_marks: bool = False

    def __post_init__(self) -> None:
        self._pricebook = self.scope.pricebook and bool(self.config.pricebook.rules)
        self._reference = Reference(
            self.config, self.settings, self.state, self.systems, pricebook=self._pricebook, now=self.now
        )
        self._left = decide.limits_of(self.scope)
        self._postings: Counter[str] = Counter()
        self._clues = 0
        self._in_turn = False
        self._strangers: Mapping[str, BookCustomer] | None = None
        self._likeness: tuple[Mapping[str, BookCustomer], Register] | None = None

    def everything(self) -> Drawn:
        """The plan in one piece."""
        self.tell("reading what is open")
        marks = self._marks()
        records = open_records(self.state, self.scope)
        self._read_what_is_named(records)
        elsewhere = self._completed(records)
        known = self._reference.with_half_done(records)
        skus: Mapping[str, Sequence[Sku]] = {}
        if self._items_are_due():
            items = parsed(open_rows(self.state, self.scope, ITEMS))
            records.items = items.items
            records.unreadable += items.unreadable
            records.hashes |= items.hashes
            add_links(self.state, records)
            skus = skus_by_code(self.systems.servicetitan) if items.items else {}
        return self._decided(records, known, elsewhere, marks.everything(records), skus)

    def portions(self, size: int | None = None) -> Iterator[Drawn]:
        """The plan in portions, none of which needs another to be decided; what stands half done in the books comes first.

        Documents with their customers and marks are first, then items, then the marks that no open document brings.
        """
        size = size or portions.SIZE
        self.tell("reading what is open")
        marks = self._marks()
        for records in self._documents(size):
            # A handful of other marks travels with them, in the same requests.
            alone = not self._in_turn and len(marks) <= size
            yield self._portion(records, marks.everything(records) if alone else marks.of(records))
        if self._items_are_due():
            yield from self._items(size)
        for some in marks.rest(size):
            yield self._portion(Records(), some)

    def _marks(self) -> Marks:
        return Marks(self.state, self.scope, self.settings.write_back, trusted=self.trust_marks)

    def _documents(self, size: int) -> Iterator[Records]:
        """What is open, in one portion where it is not much; nothing open is a portion too, which reads changed items."""
        whole = portions.in_one(self.state, self.scope, size)
        if whole is not None:
            self._read_what_is_named(whole)
            yield whole
            return
        self._in_turn = True
        with Groups() as groups:
            gathering = portions.Gathering(self.systems.servicetitan, self.state, self.config.go_live, self.now)
            total, done = gathering.into(groups, self.scope), 0
            known = self._reference.for_all(self.scope)
            first = _standing(known) if self.settings.payments.post else ()
            for records in portions.in_turn(groups, self.state, first, size):
                count = len(records.hashes)
                yield records
                done += count
                self.planned(done, total)

    def _items(self, size: int) -> Iterator[Drawn]:
        rows = open_rows(self.state, self.scope, ITEMS)
        skus: Mapping[str, Sequence[Sku]] | None = None
        while page := list(islice(rows, size)):
            skus = skus_by_code(self.systems.servicetitan) if skus is None else skus
            yield self._portion(parsed(page), write_back.Known(), skus)

    def _items_are_due(self) -> bool:
        return self._pricebook and are_due(self.state, self.scope)

    def _portion(
        self, records: Records, marks: write_back.Known, skus: Mapping[str, Sequence[Sku]] = _NO_SKUS
    ) -> Drawn:
        elsewhere = self._completed(records)
        known = self._reference.with_half_done(records)
        drawn = self._decided(records, known, elsewhere, marks, skus)
        postings = payment_journals.numbered_on(drawn.plan.postings, self._postings)
        for kind, count in decide.acted_on(drawn.plan).items():
            if kind in self._left:
                self._left[kind] -= count
        return replace(drawn, plan=replace(drawn.plan, postings=tuple(postings)))

    def _read_what_is_named(self, records: Records) -> None:
        """Read what new documents name and no feed has brought; a customer that appears later comes by its feed."""
        named = records.paid_by_new() | records.reduced(new=True)
        titan, state, now = self.systems.servicetitan, self.state, self.now
        read_old_invoices(titan, state, named, go_live=self.config.go_live, now=now)
        read_missing_customers(titan, state, records.named_by_new(), now=now)

    def _completed(self, records: Records) -> decide.Elsewhere:
        """Give the records what stands beside them: names, customers, links; and say where other invoices stand."""
        _name_zones_and_trades(self.systems.servicetitan, self.state, records, self.settings)
        elsewhere = _elsewhere(self.state, records)
        _complete_customers(self.state, records, elsewhere)
        return elsewhere

    def _decided(
        self,
        records: Records,
        known: Snapshot,
        elsewhere: decide.Elsewhere,
        marks: write_back.Known,
        skus: Mapping[str, Sequence[Sku]],
    ) -> Drawn:
        def decided(known: Snapshot) -> Plan:
            return decide.plan(
                records,
                known,
                self.settings,
                self.scope,
                elsewhere=elsewhere,
                skus=skus,
                marks=marks,
                left=self._left,
                likeness=self._register(known),
            )

        self._say(f"deciding about {len(records.invoices):,} invoices and {len(records.payments):,} payments")
        if expected := self._foreseen(records).without(known.probed):
            self._say(f"looking for {len(expected.keys):,} records in Business Central")
            known = self._looked_up(known, expected)
        drawn = decided(known)
        # What the books answer can let other records move up (under a limit, or a payment whose invoice was found posted):
        # they are looked up too, so that nothing is ever made unprobed.
        while True:
            if self._complete_contacts(records, (one.source_id for one in drawn.of("customers", Standing.ACT))):
                # A telephone or e-mail that became known is one more thing to look for.
                drawn = decided(known)
            wanted = decide.wanted(drawn).without(known.probed)
            if not wanted:
                break
            self._say(f"looking for {len(wanted.keys):,} records in Business Central")
            known = self._looked_up(known, wanted)
            drawn = decided(known)
        remember_suspected(self.state, drawn)
        etags = {number: card.etag for number, card in known.customers.items()}
        by_id = {one.id: one for one in records.invoices}
        return Drawn(drawn, records.hashes, etags, known, records.links, by_id)

    def _looked_up(self, known: Snapshot, wanted: Wanted) -> Snapshot:
        """With the counterparts of these keys. Cards that may be a new customer's are asked for one by one, until they are
        so many in this run that reading all is less; the portions after it share them."""
        shared = self._strangers if wanted.clues else None
        if shared is not None:
            known = replace(known, strangers={}, probed=known.probed | wanted.clues)
            wanted = replace(wanted, clues=frozenset())
        self._clues += len(wanted.clues)
        everyone = bool(wanted.clues) and self._clues > CLUES_BEFORE_ALL
        found = without_owned(self.state, self.settings, look_up(self.systems.books, known, wanted, everyone=everyone))
        if everyone:
            self._strangers = found.strangers
        return found if shared is None else replace(found, strangers=shared)

    def _register(self, known: Snapshot) -> Register:
        """The strangers by what could make them alike, made once for those that portions share."""
        if self._likeness is None or self._likeness[0] is not known.strangers:
            self._likeness = known.strangers, decide.register(known)
        return self._likeness[1]

    def _say(self, step: str) -> None:
        """Tell what is being done, unless the records are counted."""
        if not self._in_turn:
            self.tell(step)

    def _foreseen(self, records: Records) -> Wanted:
        """What is asked before anything is decided; nothing with --limit, when only a few of them will be written."""
        if self.scope.limit is not None:
            return Wanted()
        self._complete_contacts(records, without_card(records, self.settings))
        return foreseen(records, self.settings)

    def _complete_contacts(self, records: Records, new: Iterable[str]) -> bool:
        """Contacts of customers that may get a card in this run and of whom no contact is known; whether there were any."""
        without = [one for one in new if records.reaches[one].blank and not records.link("customers", one).exists]
        wanted = set(without) - records.asked_contacts
        if not wanted:
            return False
        records.asked_contacts |= wanted
        read_missing_contacts(self.systems.servicetitan, self.state, wanted, now=self.now)
        add_reaches(self.state, records)
        return any(not records.reaches[one].blank for one in wanted)


def draw_plan(
    config: Config,
    settings: Settings,
    state: State,
    systems: Systems,
    scope: Scope,
    *,
    now: Callable[[], datetime],
    tell: Callable[[str], None],
    trust_marks: bool = False,
) -> Drawn:
    """Read what is needed of both systems and decide about every open record in one piece, whatever its size."""
    return Planner(config, settings, state, systems, scope, now, tell, trust_marks=trust_marks).everything()


def _standing(known: Snapshot) -> set[str]:
    """The payments whose lines stand in a journal. A journal is posted as a whole, so they are planned together (trap 5)."""
    journals = chain(known.journals.values(), known.general_journals.values())
    numbers = {line.document_number for journal in journals for line in journal.lines}
    return {one for one in map(payment_journals.payment_of, numbers) if one}


def _name_zones_and_trades(servicetitan: ServiceTitan, state: State, records: Records, settings: Settings) -> None:
    """Give invoices and credit memos what they name by id only: the tax zone's name, and the trades of their units."""
    is_mapped = settings.choices.tables["tax_zones"].__contains__
    credited = [one.document for one in records.credit_memos]
    named = with_zone_names(servicetitan, state, [*records.invoices, *credited], is_mapped)
    whole = with_trades(servicetitan, state, named, settings.invoices.lines)
    records.invoices, documents = whole[: len(records.invoices)], whole[len(records.invoices) :]
    records.credit_memos = [
        replace(memo, document=document) for memo, document in zip(records.credit_memos, documents, strict=True)
    ]


def _elsewhere(state: State, records: Records) -> decide.Elsewhere:
    """Invoices that open payments and credits name and that are not open themselves."""
    named = {one.invoice_id for payment in records.payments for one in payment.applications} | records.reduced()
    rows = state.inbox.find_many("invoices", named - {invoice.id for invoice in records.invoices})
    stands: dict[str, Stand] = {}
    waits: dict[str, Reason] = {}
    holds: dict[str, Reason] = {}
    known: dict[str, Invoice] = {}
    empty: set[str] = set()
    for invoice_id, row in rows.items():
        stands[invoice_id] = Stand(row.number or invoice_id, row.outcome or "", row.reason)
        known_row = _read_invoice(row)
        if known_row is not None:
            known[invoice_id] = known_row
        if row.outcome == "nothing_to_post" and known_row is not None and known_row.active:
            empty.add(invoice_id)
        void = row.outcome == TO_APPLY and known_row is not None and not known_row.active
        never = absent.never_there(row.number or invoice_id, "reversed" if void else row.outcome)
        if never is not None:
            holds[invoice_id] = never
        else:
            waits[invoice_id] = absent.waits_for("payment", row.number or invoice_id, row.outcome, row.reason)
    return decide.Elsewhere(waits, holds, known, frozenset(empty), stands)


def _read_invoice(row: InboxRow) -> Invoice | None:
    """The invoice; None for one that cannot be read: its own decision says so, and the payment waits for it."""
    try:
        return Invoice.parse(row.content)
    except UnknownShape:
        return None


def _complete_customers(state: State, records: Records, elsewhere: decide.Elsewhere) -> None:
    named = records.named_customers() | {one.customer.id for one in elsewhere.invoices.values() if one.customer}
    add_customers(state, records, named)
    add_reaches(state, records)
    add_links(state, records)
    records.invoices = as_posted(
        state, "invoices", records.invoices, partial(records.link, "invoices"), invoices.fingerprint
    )
    memos = as_posted(
        state,
        "credit_memos",
        [one.document for one in records.credit_memos],
        partial(records.link, "credit_memos"),
        invoices.fingerprint,
    )
    records.credit_memos = [
        replace(one, document=document) for one, document in zip(records.credit_memos, memos, strict=True)
    ]
    records.payments = as_posted(
        state, "payments", records.payments, partial(records.link, "payments"), payments.fingerprint
    )
