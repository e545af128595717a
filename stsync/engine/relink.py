"""Links that an ordinary plan does not make: of posted documents that ServiceTitan has changed since, and of cards that
belong to a customer only because its documents stand on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from stsync.businesscentral.client import BusinessCentral
from stsync.core.links import Link
from stsync.core.operations import Operation, Verb, digest
from stsync.core.plan import Decision, Standing
from stsync.core.snapshot import BookCustomer, BookInvoice, Snapshot
from stsync.core.source.customer import Customer, reach
from stsync.core.source.fields import UnknownShape
from stsync.engine.planning import Drawn
from stsync.engine.settings import Settings
from stsync.engine.strangers import id_in
from stsync.engine.survey import Wanted, look_up
from stsync.stages import customers, paper, payment_journals, taken_back
from stsync.state import Done, Intent, State

# Equal to the fingerprint of no content: whatever was posted is not what ServiceTitan shows now.
NOT_KNOWN = "not known any more"
_OTHERWISE = frozenset({"posted-with-other-total", "changed-after-posting"})
_STATES = ("pending", "waiting", "held", "dead", "settled")


@dataclass(frozen=True)
class Otherwise:
    """A held record whose counterpart is posted: `ended` are former ones that were taken back, `adopt` takes on the live."""

    decision: Decision
    ended: tuple[Operation, ...]
    adopt: Operation
    fingerprint: str = NOT_KNOWN


def otherwise(drawn: Drawn) -> list[Otherwise]:
    """What stands posted in the books, and otherwise in ServiceTitan, and is not linked yet."""
    held = [one for one in drawn.plan.decisions if one.standing == Standing.HOLD and one.reason is not None]
    wanted = [one for one in held if one.reason and one.reason.reference in _OTHERWISE]
    found = (_otherwise(one, drawn) for one in wanted if not drawn.links.get((one.kind, one.source_id), Link()).posted)
    return [one for one in found if one is not None]


def _otherwise(decision: Decision, drawn: Drawn) -> Otherwise | None:
    if decision.kind == "payments":
        return _payment(decision, drawn.known)
    if decision.kind == "credit_memos":
        return _document(decision, drawn.known.documents(paper.credit_key(decision.source_id)), Link(), ())
    invoice = drawn.invoices.get(decision.source_id)
    if invoice is None:
        return None
    pairs = taken_back.found(invoice.id, drawn.known, Link())
    link = taken_back.link_after(Link(), pairs)
    there = [one for one in drawn.known.documents(paper.natural_key(invoice.id)) if one.id not in link.ended]
    acting = replace(decision, standing=Standing.ACT, operations=())
    ended = taken_back.written_down(acting, invoice, Link(), pairs).operations
    return _document(decision, there, link, ended)


def _document(
    decision: Decision, there: Iterable[BookInvoice], link: Link, ended: tuple[Operation, ...]
) -> Otherwise | None:
    found = list(there)
    if len(found) != 1 or not found[0].posted:
        return None
    one = found[0]
    facts = {"number": one.number, "posted": True, "customer": one.customer_number}
    key = paper.credit_key if decision.kind == "credit_memos" else paper.natural_key
    adopt = _adopt(decision, (one.entity, key(decision.source_id)), one.id, one.total, link)
    return Otherwise(decision, ended, replace(adopt, facts=facts))


def _payment(decision: Decision, known: Snapshot) -> Otherwise | None:
    number = payment_journals.number_of(decision)
    refund = max(known.posted_refunds.get(number, {}).values(), default=None)
    booked = known.posted_payments.get(number, refund)
    if booked is None:
        return None
    is_refund = number not in known.posted_payments
    entity = payment_journals.REFUNDS.lines if is_refund else payment_journals.RECEIPTS.lines
    adopt = _adopt(decision, (entity, number), number, -booked if is_refund else booked, Link())
    return Otherwise(decision, (), replace(adopt, facts={"number": number, "posted": True}))


def _adopt(decision: Decision, name: tuple[str, str], target: str, amount: Decimal, link: Link) -> Operation:
    """`name` is the set and the natural key."""
    return Operation(
        key=f"{decision.kind}:{decision.source_id}:adopt:{link.revision}",
        stage=decision.kind,
        source_id=decision.source_id,
        verb=Verb.ADOPT,
        entity=name[0],
        natural_key=name[1],
        label=f"{decision.about.number}, {decision.about.name}",
        why="posted in Business Central; ServiceTitan shows something else now",
        target=target,
        amount=amount,
    )


def link_cards(state: State, books: BusinessCentral, settings: Settings, run_id: str) -> dict[str, str]:
    """Link customers to the card that their documents stand on, where it is one card and nobody else's; id to number.

    A person may have linked them to a card with a number of its own (stsync link), which no system says but the documents.
    The losers of merges keep the card that they had.
    """
    named = {**_by_own_number(state, settings), **_named_by_documents(state)}
    unlinked = {one: cards for one, cards in named.items() if not state.ledger.by_source(customers.STAGE, one)}
    wanted = {one: next(iter(cards)) for one, cards in unlinked.items() if len(cards) == 1}
    numbers = frozenset(wanted.values())
    cards = look_up(books, Snapshot(), Wanted(customers=numbers)).customers if numbers else {}
    taken = state.ledger.card_owners(card.id for card in cards.values())
    linked: dict[str, str] = {}
    for customer_id, number in sorted(wanted.items()):
        card = cards.get(number)
        others = [one for one, wants in wanted.items() if wants == number and one != customer_id]
        if card is None or card.id in taken or others or id_in(number, settings) not in {"", customer_id}:
            continue
        if _link(state, customer_id, card, settings, run_id):
            linked[customer_id] = number
    return linked


def _named_by_documents(state: State) -> dict[str, set[str]]:
    """The cards that posted documents of each customer stand on."""
    named: dict[str, set[str]] = {}
    for kind in ("invoices", "credit_memos"):
        cards = {
            row.source_id: str(row.detail.get("customer") or "")
            for row in state.ledger.links(kind)
            if row.verb == Verb.ADOPT and row.detail.get("posted")
        }
        for source_id, found in state.inbox.find_many(kind, cards).items():
            customer = found.content.get("customer")
            if isinstance(customer, Mapping) and customer.get("id") and cards[source_id]:
                named.setdefault(str(customer["id"]), set()).add(cards[source_id])
    return named


def _by_own_number(state: State, settings: Settings) -> dict[str, set[str]]:
    """The numbers that cards would have: of the losers of merges, and of whoever has paid something that is posted.

    Neither is looked at in the plan: the one gets no card any more, and the other needs none for a payment that is there.
    """
    ids = {row.source_id for row in state.inbox.rows(customers.STAGE, _STATES) if row.content.get("mergedToId")}
    paid = {row.source_id for row in state.ledger.links("payments") if row.verb == Verb.ADOPT}
    for found in state.inbox.find_many("payments", paid).values():
        customer = found.content.get("customer")
        if isinstance(customer, Mapping) and customer.get("id"):
            ids.add(str(customer["id"]))
    return {one: {settings.customers.number(one).upper()} for one in ids}


def _link(state: State, customer_id: str, card: BookCustomer, settings: Settings, run_id: str) -> bool:
    """An adoption in the ledger. ServiceTitan's values of today are the base: what is on the card stays until they change."""
    row = state.inbox.find(customers.STAGE, customer_id)
    contacts = state.inbox.children("contacts", [customer_id]).get(customer_id, ())
    try:
        customer = Customer.parse(row.content) if row is not None else None
    except UnknownShape:
        return False
    if customer is None:
        return False
    fields, _ = customers.card(customer, reach(one.content for one in contacts), settings.customers)
    key = f"{customers.STAGE}:{customer_id}:adopt:1"
    why = "its documents stand on this card in Business Central"
    detail = {"fingerprint": digest(fields), "carried": fields, "why": why}
    intent = Intent(key, customers.STAGE, customer_id, Verb.ADOPT, "customers", card.number, digest({}), "{}")
    with state.transaction():
        state.ledger.intend([intent], run_id)
        state.ledger.done(Done(key, card.id, card.number, detail), run_id=run_id)
        state.inbox.reopen(customers.STAGE, [customer_id])
        state.inbox.replay(kind=customers.STAGE, source_id=customer_id)
    return True
