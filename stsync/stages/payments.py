"""Payments: a ServiceTitan payment becomes lines in a journal that belongs to stsync alone.

What a bookkeeper can rely on:
- one line for each invoice the payment is applied to, and one for each part that stands on account; together they are
  the payment; money paid back is one line of a general journal (stages/refunds.py);
- all lines of a payment carry the document number `ST-P<id>`, so that the books alone can answer for it;
- a payment waits, without an error, until its invoices are posted;
- a payment of a type without a journal is held and names the line to add; nothing goes to a default account;
- what only a person can apply is listed for a person, until the books show it as applied;
- a payment that was changed or moved to other invoices after posting is held, never carried over silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from stsync.core.links import Link
from stsync.core.mapping import Mapping as Choices
from stsync.core.operations import Operation, Verb, digest
from stsync.core.plan import TO_APPLY, Decision, act, hold, settle, wait
from stsync.core.posting_dates import PostingDay, posting_day
from stsync.core.reasons import Reason
from stsync.core.snapshot import OpenLine, Snapshot
from stsync.core.source.payment import Payment
from stsync.stages import refunds
from stsync.stages.buyer import Buyer
from stsync.stages.dimension_values import unit_value
from stsync.stages.invoices import readiness
from stsync.stages.payment_case import Case, application_obstacle, foreign_lines, journal_obstacle, not_bookable
from stsync.stages.payment_entry import Entry, Payable, receipt_body, standing_lines
from stsync.stages.payment_journals import RECEIPTS, REFUNDS, STAGE, Settings, counter_key, natural_key
from stsync.stages.payment_parts import (
    Carried,
    Part,
    carried,
    lines,
    not_applied_notes,
    open_parts,
    parts,
    surely_open,
    to_apply,
)


def fingerprint(payment: Payment) -> str:
    """A hash of everything that went, or would go, into the books."""
    return digest(
        [
            payment.active,
            payment.paid_on,
            payment.total,
            payment.type_id or payment.type_name,
            payment.customer.id if payment.customer else None,
            payment.business_unit.id if payment.business_unit else None,
            [[one.invoice_id, one.amount] for one in payment.applications],
        ]
    )


def may_be_carried(payment: Payment, settings: Settings) -> bool:
    """Whether money received belongs in the books, and may take its part of an invoice there."""
    return payment.total > 0 and not _put_aside(payment, settings)


def plan(
    payment: Payment,
    *,
    link: Link,
    payer: Buyer,
    payables: Mapping[str, Payable],
    choices: Choices,
    snapshot: Snapshot,
    settings: Settings,
    original: Link | None = None,
) -> Decision:
    """Decide about one payment, in the order a clerk would ask."""
    case = Case(payment, link, payer, payables, choices, snapshot, settings, original or Link())
    if link.posted:
        return _already_posted(case)
    if case.is_taken_back:
        return _taken_back(case)
    if _may_be_ours(payment, settings) and case.is_booked:
        return _found_posted(case)
    early = _not_for_us(case)
    if early is not None:
        return early
    if case.is_booked:
        return _found_posted(case)
    day = posting_day(payment.paid_on, snapshot, settings.closed_periods) if payment.paid_on is not None else None
    unit = unit_value(payment.business_unit, settings.unit_dimension, choices, snapshot)
    reason = payer.reason or not_bookable(case, day) or unit.reason
    if reason is not None or day is None:
        return hold(STAGE, payment.id, case.about, reason or _NO_DATE)
    decision = _refund(case, day) if case.is_refund else _receipt(case, day)
    kept = {**decision.kept, "dimensions": dict(unit.values)} if unit.values else decision.kept
    return replace(decision, kept=kept, rules=(*decision.rules, *unit.rules))


def _already_posted(case: Case) -> Decision:
    payment, link = case.payment, case.link
    known = Carried.of(link)
    unchanged = link.fingerprint == fingerprint(payment)
    if known is None and unchanged and not case.is_refund:
        return settle(STAGE, payment.id, case.about, "posted")
    if known is None or not known.only_added(payment):
        return hold(STAGE, payment.id, case.about, _changed_after_posting(case))
    return _standing(case, known)


def _standing(case: Case, known: Carried) -> Decision:
    """A payment that is right in the books: is everything applied there that ServiceTitan applies?"""
    payment, about = case.payment, case.about
    left = open_parts(payment, known, case.payables)
    waits = next((one.payable.waits for one in left if one.payable.waits is not None), None)
    if waits is not None and not case.is_refund:
        return wait(STAGE, payment.id, about, waits)
    reason = _afterwards(case, known, left)
    asks = case.payable_keys if left else ()
    if reason is None:
        return settle(STAGE, payment.id, about, "posted", asks=asks)
    return settle(STAGE, payment.id, about, TO_APPLY, reason=reason, asks=asks)


def _afterwards(case: Case, known: Carried, left: list[Part]) -> Reason | None:
    number = case.link.customer or case.payer.number
    if case.is_refund:
        return refunds.to_apply(case.payment, number, case.original, known, case.payables, entry=case.number)
    return to_apply(case.payment, case.number, number, left)


def _changed_after_posting(case: Case) -> Reason:
    payment, number = case.payment, case.number
    what = "changed or applied to other invoices" if payment.active else "voided"
    return Reason(
        "changed-after-posting",
        f"Payment {case.about.number} was {what} in ServiceTitan after it was posted as {number}.",
        f"Nothing was changed in the books. To see every field and the way out, run: stsync drift --only {number}\n"
        f"To correct the books, undo the change in ServiceTitan, or run: stsync correct payment {payment.id}",
    )


def _not_for_us(case: Case) -> Decision | None:
    """Payments that do not belong in the books, or not yet."""
    payment, about, settings = case.payment, case.about, case.settings
    outcome = _put_aside(payment, settings)
    if not outcome:
        return None
    left = _left_in_books(case, outcome)
    if left is not None:
        more: dict[str, Any] = {"document": case.number, "asks": (counter_key(case.number),)}
        return hold(STAGE, payment.id, about, left, **more)
    if not payment.active and case.link.ended:
        return settle(STAGE, payment.id, about, "reversed")
    notes = () if payment.active else ("voided in ServiceTitan before transfer",)
    asks = (case.number,) if _may_be_ours(payment, settings) else ()
    return settle(STAGE, payment.id, about, outcome, notes=notes, asks=asks)


def _put_aside(payment: Payment, settings: Settings) -> str:
    """How a payment settles that is not to be carried; empty for one that is."""
    if not payment.active or (payment.total == 0 and not payment.applications):
        return "nothing_to_post"
    early = payment.paid_on is not None and payment.paid_on < settings.go_live
    return readiness(payment.status, settings.status) or ("before_go_live" if early else "")


def _taken_back(case: Case) -> Decision:
    """The books hold an entry that takes the payment back, as a person ordered, and the state that knew it is lost."""
    payment = case.payment
    if case.is_booked:
        return _found_posted(case)
    if not payment.active:
        return settle(STAGE, payment.id, case.about, "reversed", asks=(case.number,))
    return hold(STAGE, payment.id, case.about, _taken_back_there(case), asks=(case.number,))


def _taken_back_there(case: Case) -> Reason:
    entry = counter_key(natural_key(case.payment.id))
    return Reason(
        "taken-back-in-business-central",
        f"Payment {case.about.number} of {case.payment.total:,.2f} was taken back in the books by entry {entry}, and "
        "ServiceTitan still shows it. Nothing was carried.",
        "If that was right, void the payment in ServiceTitan too. If it is to stand in the books as ServiceTitan has it "
        f"now, run: stsync correct payment {case.payment.id}",
    )


def _may_be_ours(payment: Payment, settings: Settings) -> bool:
    """Whether a payment that shows Exported may have been carried by us: the write-back marks so what we posted, and the
    state file that knew of it may be lost."""
    exported = readiness(payment.status, settings.status) == "exported_elsewhere"
    return payment.active and exported and (payment.paid_on or settings.go_live) >= settings.go_live


def _left_in_books(case: Case, outcome: str) -> Reason | None:
    """What a payment that is not to be carried any more has left behind: the books are asked, not the ledger."""
    payment, number = case.payment, case.number
    # What was posted before go_live moved on is as right as it was.
    if case.is_booked and outcome != "before_go_live":
        return _changed_after_posting(case)
    standing = standing_lines(case.snapshot, number)
    if not standing:
        return None
    if outcome == "exported_elsewhere":
        return _exported_with_lines(case, standing[0][0])
    what = _BECAME[outcome] if payment.active else "voided"
    return Reason(
        "voided-before-posting",
        f"Payment {case.about.number} was {what} in ServiceTitan while its lines stand unposted in journal "
        f"{standing[0][0]}.",
        f"Delete the lines with document number {number} from the journal.",
    )


_BECAME = {"not_ready": "unposted", "before_go_live": "dated before go_live", "nothing_to_post": "set to nothing"}


def _exported_with_lines(case: Case, journal: str) -> Reason:
    """Exported by whom? Lines under our number stand in the books."""
    return Reason(
        "exported-with-draft",
        f"ServiceTitan shows payment {case.about.number} as exported, and its lines stand unposted in journal {journal} of "
        "Business Central. Nothing was posted.",
        f"If another program put it into the books, delete the lines with document number {case.number} from the journal; "
        "if none did, post them in Business Central. The next run sees either.",
    )


_NO_DATE = Reason(
    "payment-without-date",
    "The payment has no date in ServiceTitan, so it belongs to no period.",
    "Set the payment date in ServiceTitan.",
)


def _notes(day: PostingDay) -> tuple[str, ...]:
    return (day.remark,) if day.remark else ()


def _refund(case: Case, day: PostingDay) -> Decision:
    """Money paid back: one line; nothing is waited for, because nothing can be applied with it."""
    payment, code = case.payment, case.settings.refunds.code.upper()
    origin = refunds.source(payment, case.choices, case.snapshot, case.settings)
    reason = origin.reason or foreign_lines(REFUNDS, code, case.snapshot)
    if reason is not None:
        return hold(STAGE, payment.id, case.about, reason)
    known = carried(payment, ())
    right = partial(refunds.stands_right, journal=code, day=day, payer=case.payer, account=origin.account)
    body = partial(refunds.body, payment, case.number, case.payer, day, account=origin.account)
    entry = Entry(payment, case.number, case.payer, code, REFUNDS, case.snapshot, case.link, body)
    return _sent(
        case,
        entry.operations([refunds.line(payment)], right),
        journal=code,
        rules=(f"general journal {code}, {origin.rule}",),
        notes=_notes(day),
        kept={**known.shown(), "account": origin.account},
        afterwards=refunds.to_apply(payment, case.payer.number, case.original, known, case.payables, entry=case.number),
    )


def _receipt(case: Case, day: PostingDay) -> Decision:
    """Money received: held, waiting for its invoices, or carried with what it can be applied to."""
    payment = case.payment
    found = case.choices.lookup("payment_types", payment.type_id, payment.type_name)
    code = (found or "").upper()
    reason = journal_obstacle(case, code) or application_obstacle(case)
    if reason is not None:
        return hold(STAGE, payment.id, case.about, reason)
    payables = [case.payables[one.invoice_id] for one in payment.applications]
    waits = next((one.waits for one in payables if one.waits is not None), None)
    if waits is not None:
        return wait(STAGE, payment.id, case.about, waits)
    divided = parts(payment, case.payables, day.on)
    body = partial(receipt_body, payment, case.number, case.payer, day)
    entry = Entry(payment, case.number, case.payer, code, RECEIPTS, case.snapshot, case.link, body)
    return _sent(
        case,
        entry.operations(lines(payment, divided), partial(_stands_right, case, code, day)),
        journal=code,
        rules=(f"journal {code}, for payment type '{payment.type_name}'",),
        notes=(*_notes(day), *not_applied_notes(divided)),
        kept={**carried(payment, divided).shown(), "journal": code},
        afterwards=to_apply(payment, case.number, case.payer.number, divided),
        asks=case.payable_keys,
    )


def _stands_right(case: Case, code: str, day: PostingDay, journal: str, line: OpenLine) -> bool:
    """Whether a line in a journal belongs there, its amount and application apart."""
    right = (RECEIPTS.lines, code, day.on, case.payer.number.upper())
    return (line.entity, journal, line.posting_date, line.customer_number) == right


def _sent(case: Case, operations: list[Operation], **more: Any) -> Decision:
    """The decision to write, or to leave lines that stand there already for a person to post."""
    payment, settings = case.payment, case.settings
    more |= {"fingerprint": fingerprint(payment), "document": case.number}
    if not settings.post and not operations:
        return settle(STAGE, payment.id, case.about, "draft", **more)
    return act(STAGE, payment.id, case.about, operations, outcome="posted" if settings.post else "draft", **more)


def _found_posted(case: Case) -> Decision:
    """What the books hold already is taken on if it is this payment; no journal has to be posted for it."""
    payment = case.payment
    # Whether an entry takes it back is asked only of what is there: one more look in the rare case, none in the others.
    asks = (counter_key(case.number), *case.payable_keys)
    more: dict[str, Any] = {"fingerprint": fingerprint(payment), "document": case.number, "asks": asks}
    known = Carried.of(case.link)
    changed = case.link.exists and case.link.fingerprint != more["fingerprint"]
    if changed and (known is None or not known.only_added(payment)):
        return hold(STAGE, payment.id, case.about, _changed_after_posting(case), **more)
    otherwise = _posted_otherwise(case)
    if otherwise is not None:
        return hold(STAGE, payment.id, case.about, otherwise, **more)
    left = open_parts(payment, known, case.payables) if known else surely_open(payment, case.payables)
    known = known or _as_found(payment, left)
    return act(
        STAGE,
        payment.id,
        case.about,
        [_adoption(case)],
        outcome="posted",
        kept=known.shown(),
        afterwards=_afterwards(case, known, left),
        **more,
    )


def _as_found(payment: Payment, left: list[Part]) -> Carried:
    """How a payment stands that the books hold and our ledger does not know: nothing of a refund is known as applied."""
    if payment.total < 0:
        return carried(payment, ())
    still = {one.application.invoice_id for one in left}
    found = carried(payment, ())
    applied = {one.invoice_id: one.amount for one in payment.applications if one.invoice_id not in still}
    return Carried(found.base, applied)


def _posted_otherwise(case: Case) -> Reason | None:
    payment, snapshot = case.payment, case.snapshot
    if case.is_refund:
        by_account = snapshot.posted_refunds.get(case.number, {})
        booked = max(by_account.values(), default=snapshot.posted_payments.get(case.number, payment.total * 0))
        same = refunds.is_booked(payment.total, by_account, _account_sent(case))
    else:
        booked = snapshot.posted_payments.get(case.number, payment.total * 0)
        same = booked == payment.total and case.number not in snapshot.posted_refunds
    if same:
        return None
    return Reason(
        "posted-with-other-total",
        f"Business Central has posted {booked:,.2f} under {case.number}, which is not this "
        f"{'refund' if case.is_refund else 'payment'}; ServiceTitan's is {payment.total:,.2f}.",
        "Compare both; correct the entry in Business Central, or the payment in ServiceTitan.",
    )


def _account_sent(case: Case) -> str:
    """The account that the refund leaves: as the mapping says now, since the books do not say what was meant."""
    return refunds.source(case.payment, case.choices, case.snapshot, case.settings).account


def _adoption(case: Case) -> Operation:
    about = case.about
    return Operation(
        key=f"{STAGE}:{case.payment.id}:adopt:{case.link.revision}",
        stage=STAGE,
        source_id=case.payment.id,
        verb=Verb.ADOPT,
        entity="journalLines" if case.is_refund else "customerPayments",
        natural_key=case.number,
        label=f"{'refund' if case.is_refund else 'payment'} {about.number}, {about.name}",
        why="already posted in Business Central; nothing is sent",
        target=case.number,
        amount=case.payment.total,
        facts={"posted": True, "number": case.number},
    )
