"""From open records and a snapshot of the books to a plan: pure, and called twice.

The first time nothing is known of counterparts, and the plan says which natural keys have to be looked up;
the second time it is the plan that is shown or carried out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import chain

from stsync.core.likeness import Register
from stsync.core.links import Link
from stsync.core.operations import Ref, Verb
from stsync.core.plan import About, Decision, Plan, Standing, hold
from stsync.core.posting_dates import posting_day
from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.invoice import Invoice
from stsync.core.source.item import Item, Sku
from stsync.core.source.payment import Payment
from stsync.engine import absent
from stsync.engine.originals import Originals, Stand, using_up
from stsync.engine.records import Records
from stsync.engine.refused import card_named, unless_refused
from stsync.engine.scope import Scope
from stsync.engine.settings import Settings
from stsync.engine.survey import Wanted
from stsync.engine.unknown import asking
from stsync.stages import (
    correction,
    counter_entry,
    credit_memos,
    customers,
    invoices,
    paper,
    payment_journals,
    payments,
    pricebook,
    reversal,
    taken_back,
    write_back,
)
from stsync.stages.buyer import Buyer
from stsync.stages.customers import Alike
from stsync.stages.payment_entry import Payable


@dataclass(frozen=True)
class Elsewhere:
    """Where invoices stand that payments and credits name and that are not open in this run, by id.

    `empty` are those with nothing to pay on them. `waits` and `holds` say where one stands in the words of a payment,
    `stands` as it is.
    """

    waits: Mapping[str, Reason] = field(default_factory=dict)
    holds: Mapping[str, Reason] = field(default_factory=dict)
    invoices: Mapping[str, Invoice] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    stands: Mapping[str, Stand] = field(default_factory=dict)


def plan(
    records: Records,
    snapshot: Snapshot,
    settings: Settings,
    scope: Scope,
    *,
    elsewhere: Elsewhere,
    skus: Mapping[str, Sequence[Sku]] | None = None,
    marks: write_back.Known | None = None,
    left: Mapping[str, int] | None = None,
    likeness: Register | None = None,
) -> Plan:
    """Decide about every open record; `left` says how many of each kind may still be acted on, where that is limited.

    `likeness` is the snapshot's register, where there is one already.
    """
    desk = _Desk(records, snapshot, settings, likeness or register(snapshot))
    limits = limits_of(scope) if left is None else left
    invoice_decisions, memo_decisions = desk.sales(limits, elsewhere)
    payables = desk.payables(invoice_decisions, elsewhere)
    payment_decisions = _limited(desk.payments(payables), limits.get("payments"))
    carried = [*invoice_decisions, *memo_decisions, *payment_decisions]
    needed = customers_behind(carried)
    customer_decisions = _limited(desk.customers(needed), limits.get("customers"), keep=needed)
    item_decisions = _limited(desk.items(skus or {}, overwrite=scope.overwrite), limits.get("pricebook"))
    told = _limited(write_back.plan(carried, marks or write_back.Known()), limits.get(write_back.STAGE))
    unreadable = [hold(one.kind, one.source_id, About(number=one.source_id), one.reason) for one in records.unreadable]
    return Plan(
        decisions=(
            *unreadable,
            *customer_decisions,
            *invoice_decisions,
            *memo_decisions,
            *payment_decisions,
            *item_decisions,
            *told,
        ),
        preparations=tuple(payment_journals.new_journals(payment_decisions, snapshot, settings.payments)),
        postings=tuple(payment_journals.postings(payment_decisions, snapshot, settings.payments)),
    )


def register(snapshot: Snapshot) -> Register:
    """The cards that belong to nobody, by what could make a customer's alike."""
    return Register({number: customers.card_traits(one) for number, one in snapshot.strangers.items()})


def wanted(drawn: Plan) -> Wanted:
    """The natural keys of everything a plan would write, and of what it asks the books about."""
    keys: dict[str, set[str]] = {"customers": set(), "invoices": set(), "payments": set(), "clues": set()}
    for decision in drawn.decisions:
        # Credit memos are sales documents like invoices.
        kind = "invoices" if decision.kind == "credit_memos" else decision.kind
        if kind in keys:
            for key in decision.asks:
                # Payments also ask about the invoices that they are applied to.
                own = kind != "payments" or payment_journals.is_ours(key)
                keys[kind if own else "invoices"].add(key)
        if decision.standing == Standing.ACT and kind in keys:
            keys[kind] |= {one.natural_key for one in decision.operations}
            keys["clues"] |= {clue for one in decision.operations for clue in one.facts.get("clues", ())}
            # The card that a document goes to may have been blocked or deleted since.
            keys["customers"] |= {card_named(one) for one in decision.operations} - {""}
    for posting in drawn.postings:
        keys["payments"] |= set(posting.facts["numbers"])
    return Wanted(**{kind: frozenset(found) for kind, found in keys.items()})


def customers_behind(decisions: Iterable[Decision]) -> set[str]:
    """The customers whose card must be made before these documents can be."""
    keys = chain.from_iterable(one.after for decision in decisions for one in decision.operations)
    return {key.split(":")[1] for key in keys if key.startswith("customers:")}


def limits_of(scope: Scope) -> dict[str, int]:
    """How many records of each kind a run may act on; empty without --limit."""
    kinds = ("customers", "invoices", "credit_memos", "payments", "pricebook", write_back.STAGE)
    return {} if scope.limit is None else dict.fromkeys(kinds, scope.limit)


def acted_on(drawn: Plan) -> Counter[str]:
    """How many records of each kind a plan takes off what is left of the limits; cards that documents need are free."""
    acting = [one for one in drawn.decisions if one.standing == Standing.ACT]
    needed = customers_behind(acting)
    return Counter(one.kind for one in acting if one.kind != "customers" or one.source_id not in needed)


def _limited(decisions: Iterable[Decision], limit: int | None, keep: Iterable[str] = ()) -> list[Decision]:
    """At most `limit` records to act on; the rest stays open for the next run."""
    if limit is None:
        return list(decisions)
    kept, acting, always = [], 0, set(keep)
    for decision in decisions:
        acting += decision.standing == Standing.ACT and decision.source_id not in always
        if decision.standing != Standing.ACT or acting <= limit or decision.source_id in always:
            kept.append(decision)
    return kept


class _Desk:
    """One sitting: records, books and settings side by side."""

    def __init__(self, records: Records, snapshot: Snapshot, settings: Settings, strangers: Register) -> None:
        self._records = records
        self._snapshot = snapshot
        self._settings = settings
        self._decided: dict[str, Decision] = {}
        self._links: dict[str, Link] = {}
        self._strangers = strangers
        self._unreadable = {one.source_id: one.reason for one in records.unreadable if one.kind == "customers"}

    def sales(self, limits: Mapping[str, int], elsewhere: Elsewhere) -> tuple[list[Decision], list[Decision]]:
        """Invoices and credit memos: credits after the invoices that they reduce, because these are posted first."""
        limit = limits.get("invoices")
        known = {**elsewhere.invoices, **{one.id: one for one in self._records.invoices}}
        nothing = Originals(self._records)
        credits_ = [one for one in self._records.invoices if one.adjustment_to is not None and one.total < 0]
        later = {one.id for one in credits_}
        plain = _limited((self.invoice(one, nothing) for one in self._records.invoices if one.id not in later), limit)
        receipts = [one for one in self._records.payments if payments.may_be_carried(one, self._settings.payments)]
        originals = Originals(self._records, elsewhere.stands, known, {one.source_id: one for one in plain}, receipts)
        acting = sum(one.standing == Standing.ACT for one in plain)
        left = None if limit is None else limit - acting
        adjustments = _limited((using_up(originals, self.invoice(one, originals)) for one in credits_), left)
        memos = _limited(
            (using_up(originals, self.credit_memo(one, originals)) for one in self._records.credit_memos),
            limits.get("credit_memos"),
        )
        return [*plain, *adjustments], memos

    def invoice(self, invoice: Invoice, originals: Originals) -> Decision:
        known = self._records.link("invoices", invoice.id)
        key = invoices.natural_key(invoice.id)
        as_known = known.posted and known.fingerprint == invoices.fingerprint(invoice)
        pairs = [] if as_known else taken_back.found(invoice.id, self._snapshot, known)
        link = self._links[invoice.id] = taken_back.link_after(known, pairs)
        decision = invoices.plan(
            invoice,
            link=link,
            buyer=self._buyer(invoice.customer.id if invoice.customer else None, "invoice"),
            originals=originals.of_adjustment(invoice),
            choices=self._settings.choices,
            snapshot=correction.without_ended(self._snapshot, key, link),
            settings=self._settings.invoices,
        )
        decision = correction.unless_cancelled_there(decision, self._snapshot.invoices.get(key, ()), link)
        decision = reversal.still_to_apply(decision, link)
        decision = taken_back.written_down(decision, invoice, known, pairs)
        more = () if as_known else taken_back.asks(invoice.id, self._snapshot, known)
        is_new = ("invoices", invoice.id) in self._records.new
        return asking(self._unless_refused(decision), key, known, is_new=is_new, more=more)

    def credit_memo(self, memo: CreditMemo, originals: Originals) -> Decision:
        link = self._records.link(credit_memos.STAGE, memo.id)
        decision = credit_memos.plan(
            memo,
            link=link,
            buyer=self._buyer(memo.customer.id if memo.customer else None, "credit memo"),
            originals=originals.of(memo.applications),
            choices=self._settings.choices,
            snapshot=self._snapshot,
            settings=self._settings.invoices,
        )
        is_new = (credit_memos.STAGE, memo.id) in self._records.new
        return asking(self._unless_refused(decision), paper.credit_key(memo.id), link, is_new=is_new)

    def _unless_refused(self, decision: Decision) -> Decision:
        return unless_refused(decision, self._snapshot, self._records.refused.get((decision.kind, decision.source_id)))

    def payments(self, payables: Mapping[str, Payable]) -> Iterator[Decision]:
        """Every open payment; each sees what those before it leave to pay of its invoices."""
        left = dict(payables)
        for one in self._records.payments:
            decision = self._payment(one, left)
            _use_up(left, decision)
            yield decision

    def _payment(self, payment: Payment, payables: Mapping[str, Payable]) -> Decision:
        link = self._records.link("payments", payment.id)
        decision = payments.plan(
            payment,
            link=link,
            payer=self._buyer(payment.customer.id if payment.customer else None, "payment"),
            payables=payables,
            choices=self._settings.choices,
            snapshot=self._snapshot,
            settings=self._settings.payments,
            original=self._records.link("payments", payment.refunded_payment or ""),
        )
        is_new = ("payments", payment.id) in self._records.new
        key = decision.document or payment_journals.natural_key(payment.id)
        decision = self._unless_refused(counter_entry.still_to_apply(decision, link))
        return asking(decision, key, link, is_new=is_new)

    def customers(self, needed: Iterable[str]) -> list[Decision]:
        chosen = set(needed)
        if self._settings.transfer_all_customers:
            chosen |= set(self._records.pending_customers)
        else:
            chosen |= {one for one in self._records.pending_customers if self._records.link("customers", one).exists}
        # Whoever holds a document is listed too, wherever it was read.
        chosen |= {one for one, made in self._decided.items() if made.standing == Standing.HOLD}
        return [self._customer(one, one in needed) for one in sorted(chosen, key=int) if one in self._records.customers]

    def items(self, skus: Mapping[str, Sequence[Sku]], *, overwrite: bool) -> list[Decision]:
        by_id = {sku.id: sku for same_code in skus.values() for sku in same_code}
        return [self._item(item, skus.get(item.number.upper(), ()), by_id, overwrite) for item in self._records.items]

    def _item(self, item: Item, skus: Sequence[Sku], by_id: Mapping[str, Sku], overwrite: bool) -> Decision:
        link = self._records.link("pricebook", item.id)
        return pricebook.plan(
            item,
            skus=skus,
            link=link,
            settings=self._settings.pricebook,
            own=by_id.get(link.id),
            overwrite=overwrite,
        )

    def payables(self, decided: Sequence[Decision], elsewhere: Elsewhere) -> dict[str, Payable]:
        """Every invoice that an open payment names, as something that can be paid, or why not yet."""
        decisions = {one.source_id: one for one in decided}
        known = {**elsewhere.invoices, **{one.id: one for one in self._records.invoices}}
        named = {one.invoice_id for payment in self._records.payments for one in payment.applications}
        return {one: self._payable(one, decisions.get(one), known.get(one), elsewhere) for one in named}

    def _payable(
        self, invoice_id: str, decision: Decision | None, invoice: Invoice | None, elsewhere: Elsewhere
    ) -> Payable:
        link = self._links.get(invoice_id) or self._records.link("invoices", invoice_id)
        buyer = self._buyer(invoice.customer.id) if invoice and invoice.customer else Buyer()
        payable = Payable(
            # After a merge ServiceTitan names the survivor; the books still hold the invoice on the card it went to.
            customer_number=link.customer or buyer.number,
            posting_date=self._posting_date(invoice),
            credit=invoice is not None and invoice.total < 0,
            total=invoice.total if invoice is not None else None,
            balance=invoice.balance if invoice is not None else None,
            as_of=invoice.modified_on if invoice is not None else "",
        )
        if link.posted:
            return self._in_books(invoice_id, link, replace(payable, id=link.id, number=link.number))
        if decision is not None and decision.standing == Standing.ACT and decision.outcome == "posted":
            made = replace(payable, id=_made_id(decision), comes_first=(decision.operations[-1].key,))
            return self._in_books(invoice_id, link, replace(made, remaining=made.total))
        if invoice_id in elsewhere.empty or _is_empty(decision, invoice):
            return replace(payable, nothing=True)
        if invoice_id in elsewhere.holds:
            return replace(payable, holds=elsewhere.holds[invoice_id])
        never = absent.never_there(decision.about.number, decision.outcome) if decision is not None else None
        if never is not None:
            return replace(payable, holds=never)
        return replace(payable, waits=elsewhere.waits.get(invoice_id) or _not_there(decision, invoice_id))

    def _posting_date(self, invoice: Invoice | None) -> date | None:
        """The day on which an invoice is posted, as far as it is not in the books yet."""
        if invoice is None or invoice.invoiced_on is None:
            return None
        day = posting_day(invoice.invoiced_on, self._snapshot, self._settings.invoices.closed_periods)
        return day.on if day is not None else invoice.invoiced_on

    def _in_books(self, invoice_id: str, link: Link, payable: Payable) -> Payable:
        """With what the books say of it: a person may have applied, cancelled or issued it anew meanwhile."""
        key = invoices.natural_key(invoice_id)
        if link.is_baseline or payable.credit:
            return payable
        asked = replace(payable, can_be_asked=link.posted)
        posted = [one for one in self._snapshot.invoices.get(key, ()) if one.posted]
        live = [one for one in posted if one.live and one.id not in link.ended]
        if not live:
            return replace(asked, remaining=Decimal(0)) if posted else asked
        found = next((one for one in live if one.id == link.id), live[0])
        return replace(
            asked,
            id=found.id,
            number=found.number,
            posting_date=found.posting_date or asked.posting_date,
            remaining=found.remaining if found.open else Decimal(0),
            total=found.total,
        )

    def _buyer(self, customer_id: str | None, document: str = "document") -> Buyer:
        if customer_id is None:
            return Buyer(reason=_NO_CUSTOMER)
        survivor = customers.survivor(customer_id, self._records.customers)
        if survivor is None:
            chain = customers.merges(customer_id, self._records.customers)
            return Buyer(reason=self._unreadable.get(customer_id) or _unknown_customer(chain))
        link = self._records.link("customers", survivor)
        if link.exists:
            return self._known_buyer(survivor, link, document)
        decision = self._customer(survivor, needed=True)
        if decision.standing == Standing.HOLD:
            return Buyer(reason=_customer_held(decision))
        key = decision.operations[-1].key if decision.operations else ""
        number = self._settings.customers.number(survivor)
        blocked = customers.blocked(number, decision.about.name, self._snapshot.customers.get(number.upper()), document)
        return Buyer(number=number, comes_first=(key,) if key else (), reason=blocked)

    def _known_buyer(self, customer_id: str, link: Link, document: str) -> Buyer:
        """The card of a customer that was carried or linked earlier, as it stands in the books now if it was looked up."""
        card = self._snapshot.customers.get(link.number.upper())
        name = self._records.customers[customer_id].name
        if card is None and link.number in self._snapshot.probed:
            return Buyer(number=link.number, reason=customers.card_gone(link, name))
        return Buyer(number=link.number, reason=customers.blocked(link.number, name, card, document))

    def _customer(self, customer_id: str, needed: bool) -> Decision:
        if customer_id in self._decided:
            return self._decided[customer_id]
        link = self._records.link("customers", customer_id)
        number = (link.number or self._settings.customers.number(customer_id)).upper()
        decision = customers.plan(
            self._records.customers[customer_id],
            self._records.reaches[customer_id],
            link=link,
            found=self._snapshot.customers.get(number),
            probed=number in self._snapshot.probed,
            settings=self._settings.customers,
            needed=needed,
            alike=() if link.exists else self._alike(customer_id),
            said_new=customer_id in self._records.said_new,
            suspected=self._records.suspected.get(customer_id, ()),
        )
        if needed or decision.outcome != "ignored":
            self._decided[customer_id] = decision
        return decision

    def _alike(self, customer_id: str) -> list[Alike]:
        """Cards of nobody we know that may be this customer, those with the most reasons first."""
        own = customers.traits(self._records.customers[customer_id], self._records.reaches[customer_id])
        found = self._strangers.alike(own)
        ordered = sorted(found, key=lambda number: (-len(found[number]), number))
        return [Alike(self._snapshot.strangers[number], found[number]) for number in ordered]


def _use_up(left: dict[str, Payable], decision: Decision) -> None:
    """Take what a payment of this plan applies off its invoices; one that the books hold already is off them by now."""
    stands_unposted = decision.standing == Standing.SETTLE and decision.outcome == "draft"
    booked = any(one.verb == Verb.ADOPT for one in decision.operations)
    if booked or not (stands_unposted or decision.standing == Standing.ACT):
        return
    for invoice_id, amount in decision.kept.get("carried", {}).get("applied", {}).items():
        payable = left[invoice_id]
        if payable.remaining is not None:
            left[invoice_id] = replace(payable, remaining=payable.remaining - amount)


def _is_empty(decision: Decision | None, invoice: Invoice | None) -> bool:
    """An invoice with nothing on it: it has no counterpart, and a payment on it is money on account."""
    return decision is not None and decision.outcome == "nothing_to_post" and invoice is not None and invoice.active


def _made_id(decision: Decision) -> str | Ref:
    """The id a posted invoice will have: the draft's own, because it survives posting (facts section 4)."""
    return decision.operations[-1].target


def _not_there(decision: Decision | None, invoice_id: str) -> Reason:
    if decision is None:
        return absent.not_read("The payment is applied to", invoice_id)
    return absent.waits_for("payment", decision.about.number, decision.outcome, decision.reason)


_NO_CUSTOMER = Reason(
    "document-without-customer",
    "The document names no customer in ServiceTitan.",
    "Set the customer on the document in ServiceTitan.",
)


def _unknown_customer(chain: Sequence[str]) -> Reason:
    customer_id = chain[0]
    if chain[-1] in chain[:-1]:
        return Reason(
            "customer-merged-in-a-circle",
            f"ServiceTitan says that customer {customer_id} was merged in a circle: {' into '.join(chain)}. So nobody "
            "can tell whose document it is; nothing was sent.",
            "Open these customers in ServiceTitan and have its support undo one of the merges; the next sync follows.",
        )
    return Reason(
        "customer-unknown",
        f"ServiceTitan customer {customer_id} cannot be read, or was merged into one that cannot.",
        "Look the customer up in ServiceTitan; if it is there, the next run will find it.",
    )


def _customer_held(decision: Decision) -> Reason:
    reason = decision.reason
    message = reason.message if reason is not None else ""
    return Reason(
        "customer-held",
        f"Its customer {decision.about.name} is held: {message}",
        reason.hint if reason is not None else "",
    )
