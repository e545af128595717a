"""Drawing the plan of a run: open records, reference data, counterparts in the books, decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from stsync.businesscentral.odata import Read, compare
from stsync.config.model import Config
from stsync.core.links import Link
from stsync.core.operations import Verb
from stsync.core.plan import TO_APPLY, Plan, Standing
from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.core.source.fields import UnknownShape
from stsync.core.source.invoice import Invoice
from stsync.core.source.item import Item, Sku
from stsync.engine import absent, decide
from stsync.engine.merged import as_posted
from stsync.engine.originals import Stand
from stsync.engine.read import read_missing_contacts, read_missing_customers, read_old_invoices, with_zone_names
from stsync.engine.records import Records, add_customers, add_links, add_reaches, chosen, open_records
from stsync.engine.scope import Scope
from stsync.engine.settings import Settings
from stsync.engine.strangers import remember_suspected, without_owned
from stsync.engine.survey import Lookup, Needs, Wanted, look_up, read_all, reference_reads, snapshot
from stsync.engine.told import known_marks
from stsync.engine.trades import with_trades
from stsync.servicetitan.client import ServiceTitan
from stsync.servicetitan.query import PRICEBOOK
from stsync.stages import invoices, paper, payment_journals, payments
from stsync.state import InboxRow, Incoming, State
from stsync.wiring import Systems

# Rows of Business Central commit later than they are stamped, so the last minutes are read again (facts section 9).
OVERLAP = timedelta(minutes=5)


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
    """Read what is needed of both systems and decide about every open record; `tell` hears how far it is.

    `trust_marks`: what ServiceTitan shows as exported and the books hold under our number was told by us.
    """
    tell("reading what is open")
    pricebook = scope.pricebook and bool(config.pricebook.rules)
    records = open_records(state, scope)
    _name_zones_and_trades(systems.servicetitan, state, records, settings)
    named = records.paid_by_new() | records.reduced(new=True)
    read_old_invoices(systems.servicetitan, state, named, go_live=config.go_live, now=now)
    elsewhere = _elsewhere(state, records)
    _complete_customers(systems.servicetitan, state, records, elsewhere, now)
    known = _reference(config, settings, state, systems, records, pricebook=pricebook, now=now)
    skus: dict[str, list[Sku]] = {}
    if pricebook:
        records.items = _items(state, records, scope)
        skus = _skus(systems.servicetitan) if records.items else {}
    marks = known_marks(state, records, scope, settings.write_back, trusted=trust_marks)
    tell(f"deciding about {len(records.invoices):,} invoices and {len(records.payments):,} payments")
    drawn = decide.plan(records, known, settings, scope, elsewhere=elsewhere, skus=skus, marks=marks)
    # What the books answer can let other records move up (under a limit, or a payment whose invoice was found posted):
    # they are looked up too, so that nothing is ever made unprobed.
    while wanted := decide.wanted(drawn).without(known.probed):
        if _complete_contacts(systems.servicetitan, state, records, drawn, now):
            # A telephone or e-mail that became known is one more thing to look for.
            drawn = decide.plan(records, known, settings, scope, elsewhere=elsewhere, skus=skus, marks=marks)
            wanted = decide.wanted(drawn).without(known.probed)
        tell(f"looking for {len(wanted.keys):,} records in Business Central")
        known = without_owned(state, settings, look_up(systems.books, known, wanted))
        drawn = decide.plan(records, known, settings, scope, elsewhere=elsewhere, skus=skus, marks=marks)
    remember_suspected(state, drawn)
    etags = {number: card.etag for number, card in known.customers.items()}
    by_id = {one.id: one for one in records.invoices}
    return Drawn(drawn, records.hashes, etags, known, records.links, by_id)


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


def _complete_customers(
    servicetitan: ServiceTitan,
    state: State,
    records: Records,
    elsewhere: decide.Elsewhere,
    now: Callable[[], datetime],
) -> None:
    named = records.named_customers() | {one.customer.id for one in elsewhere.invoices.values() if one.customer}
    # Asked for once, when the document is new: a customer that appears later comes by its feed.
    read_missing_customers(servicetitan, state, records.named_by_new(), now=now)
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


def _complete_contacts(
    servicetitan: ServiceTitan, state: State, records: Records, first: Plan, now: Callable[[], datetime]
) -> bool:
    """Contacts of customers that get a card in this run and of whom no contact is known; whether there were any."""
    new = [one.source_id for one in first.of("customers", Standing.ACT)]
    without = [one for one in new if records.reaches[one].blank and not records.link("customers", one).exists]
    wanted = set(without) - records.asked_contacts
    records.asked_contacts |= wanted
    read_missing_contacts(servicetitan, state, wanted, now=now)
    add_reaches(state, records)
    return any(not records.reaches[one].blank for one in wanted)


def _reference(
    config: Config,
    settings: Settings,
    state: State,
    systems: Systems,
    records: Records,
    *,
    pricebook: bool,
    now: Callable[[], datetime],
) -> Snapshot:
    """Reference data and changed items in one batch; nothing is asked when nothing is open."""
    needs = Needs(
        documents=bool(records.invoices or records.credit_memos),
        payments=bool(records.payments),
        dimensions=_dimensions(settings, records),
        refund_journal=settings.payments.refunds.code,
        terms=bool(config.mapping.terms),
        items=frozenset(config.mapping.items.values()),
    )
    # What stands half done in the books is asked for with the rest: a run with nothing new then costs one request.
    lookup = Lookup(_half_done(records), lines=True)
    reads = {**reference_reads(needs), **lookup.reads()}
    if pricebook:
        reads["changed items"] = _changed_items(state.cursors.token("items"))
    rows = read_all(systems.books, reads) if reads else {}
    if pricebook:
        _store_items(state, rows.pop("changed items"), now())
    known = replace(snapshot(rows), journals_made=_journals_made(state, settings))
    return lookup.added(systems.books, known, rows)


def _dimensions(settings: Settings, records: Records) -> tuple[str, ...]:
    """The dimensions whose values decide about the open records."""
    if records.invoices or records.credit_memos:
        return settings.invoices.lines.dimensions
    unit = settings.payments.unit_dimension
    return (unit,) if records.payments and unit is not None else ()


def _journals_made(state: State, settings: Settings) -> dict[str, int]:
    """How often our ledger says that a journal was made, by code; the general journal's is marked as such."""
    codes = {*settings.payments.journals, settings.payments.refunds.code}
    made: dict[str, int] = {}
    for code, rows in state.ledger.by_sources(payment_journals.STAGE, codes).items():
        for form in (payment_journals.RECEIPTS, payment_journals.REFUNDS):
            own = [row for row in rows if (row.verb, row.state, row.entity) == (Verb.CREATE, "done", form.journals)]
            made[f"{form.mark}{code}"] = len(own)
    return made


def _half_done(records: Records) -> Wanted:
    """Drafts and journal lines of ours that are not posted, as far as the ledger knows, and the invoices that posted
    payments and credits have yet to be applied to."""
    drafts = [paper.natural_key(one.id) for one in records.invoices if _unposted(records.link("invoices", one.id))]
    memos = [
        paper.credit_key(one.id) for one in records.credit_memos if _unposted(records.link("credit_memos", one.id))
    ]
    links = [(one.id, records.link("payments", one.id)) for one in records.payments]
    lines = [
        payment_journals.natural_key(one, payment_journals.next_issue(link.ended))
        for one, link in links
        if _unposted(link)
    ]
    targets = {one: records.link("invoices", one) for one in _to_be_applied_to(records)}
    posted = {one: link for one, link in targets.items() if link.posted and not link.is_baseline}
    credited = _to_be_credited(records)
    return Wanted(
        invoices=frozenset([*drafts, *memos, *(paper.natural_key(one) for one in posted), *credited]),
        payments=frozenset(lines),
        proven=frozenset(link.id for link in [*posted.values(), *credited.values()] if link.posted),
    )


def _to_be_credited(records: Records) -> dict[str, Link]:
    """The keys of posted credits that a person may have to apply, and of what they reduce, with what the ledger knows."""
    credits_ = [
        (paper.natural_key(one.id), records.link("invoices", one.id), [one.adjustment_to])
        for one in records.invoices
        if one.adjustment_to is not None and one.total < 0
    ]
    credits_ += [
        (paper.credit_key(one.id), records.link("credit_memos", one.id), [each.invoice_id for each in one.applications])
        for one in records.credit_memos
        if one.applications
    ]
    found: dict[str, Link] = {}
    for key, own, reduced in credits_:
        if own.posted:
            found[key] = own
            links = {one: records.link("invoices", one) for one in reduced}
            found |= {paper.natural_key(one): link for one, link in links.items() if not link.is_baseline}
    return found


def _to_be_applied_to(records: Records) -> set[str]:
    """The invoices that posted payments are applied to in ServiceTitan, and not through their journal."""
    found: set[str] = set()
    for payment in records.payments:
        link = records.link("payments", payment.id)
        if link.posted and link.carried:
            found |= {one.invoice_id for one in payment.applications} - set(link.carried.get("applied", ()))
    return found


def _unposted(link: Link) -> bool:
    """Ours and not posted, or sent without a trustworthy answer."""
    return not link.posted and (link.exists or not link.settled)


def _changed_items(cursor: str | None) -> Read:
    if cursor is None:
        return Read("items")
    since = datetime.fromisoformat(cursor) - OVERLAP
    return Read("items", filter=compare("lastModifiedDateTime", "ge", since))


def _store_items(state: State, rows: Sequence[dict[str, Any]], seen_at: datetime) -> None:
    incoming = [Incoming(str(row["id"]), str(row["lastModifiedDateTime"]), _without_tokens(row)) for row in rows]
    stamps = [str(row["lastModifiedDateTime"]) for row in rows]
    newest = max(stamps, key=datetime.fromisoformat, default=None)
    cursor = state.cursors.token("items")
    if cursor is not None and (newest is None or datetime.fromisoformat(newest) < datetime.fromisoformat(cursor)):
        newest = cursor
    state.inbox.store("pricebook", incoming, feed="items", token=newest, seen_at=seen_at)


def _without_tokens(row: Mapping[str, Any]) -> dict[str, Any]:
    """Without OData's own fields and the stock on hand, which are no change of the item."""
    return {name: value for name, value in row.items() if not name.startswith("@") and name != "inventory"}


def _items(state: State, records: Records, scope: Scope) -> list[Item]:
    """Items that wait for a person's decision are looked at again only together with others, or when one is named: it
    takes the whole pricebook.

    One that is to be overwritten may have been put aside, with ServiceTitan's edit left as it was: it is opened again.
    """
    if scope.overwrite and scope.only is not None:
        aside = ("settled", "dead")
        for row in [one for one in state.inbox.rows("pricebook", aside) if chosen(one, scope.only)]:
            state.inbox.replay(kind="pricebook", source_id=row.source_id, states=aside)
    if scope.only is None and not _items_due(state):
        return []
    items = open_records(state, Scope(stages=("pricebook",), only=scope.only))
    records.hashes.update(items.hashes)
    records.unreadable += items.unreadable
    records.items = items.items
    add_links(state, records)
    return items.items


def _items_due(state: State) -> bool:
    """Whether there is something new, or something that ServiceTitan refused: that is tried again until it is dead."""
    if next(state.inbox.rows("pricebook", ("pending", "waiting")), None) is not None:
        return True
    return any(row.attempts for row in state.inbox.rows("pricebook", ("held",)))


def _skus(servicetitan: ServiceTitan) -> dict[str, list[Sku]]:
    """The pricebook by code, all three kinds, inactive entries included.

    Business Central's numbers are capitals; whether ServiceTitan tells codes apart by case is not published.
    """
    skus: dict[str, list[Sku]] = {}
    for kind, name in PRICEBOOK.items():
        for code, rows in servicetitan.pricebook(name).items():
            skus.setdefault(code.strip().upper(), []).extend(_sku(kind, row) for row in rows)
    return skus


def _sku(kind: str, row: Mapping[str, Any]) -> Sku:
    """One entry; one that cannot be read keeps its code taken, so that only the item of that code is held."""
    try:
        return Sku.parse(kind, row)
    except UnknownShape:
        return Sku.unreadable(kind, row)
