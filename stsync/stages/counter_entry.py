"""Taking back a posted payment, once a person has said so: an entry of its own, the mirror image to the cent.

What an accountant can rely on:
- Business Central's own Reverse Transaction is an action of its pages, and no part of API v2.0 (facts section 3: the
  actions of journals are one, post); so the counter entry goes through the general journal that carries refunds too;
- it stands on the same customer and is balanced by the account on which the money stood, so that both balances are as if
  the payment had never been; it carries the payment's dimensions;
- its document number is the payment's with an R behind (`ST-P<id>R`), so that the books alone say what it takes back;
- it has the payment's own posting date, or the first open day where that is closed by now;
- it is applied to nothing: posted entries are unapplied and applied by a person, who is told which ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import REVERSAL, Link
from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import TO_APPLY, Decision, Standing
from stsync.core.posting_dates import PostingDay, posting_day
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookJournal, OpenLine, Snapshot
from stsync.core.source.payment import Payment
from stsync.core.text import fit
from stsync.stages import counter_reasons as why
from stsync.stages import refunds
from stsync.stages.correction import Correction
from stsync.stages.payment_case import foreign_lines
from stsync.stages.payment_entry import described, external_number, line_numbers
from stsync.stages.payment_journals import REFUNDS, STAGE, Settings, counter_key, journal_key, new_refund_journal
from stsync.stages.payment_parts import Carried, base
from stsync.stages.payments import fingerprint

_TEXT = 100  # descriptions of journal lines (facts 2.11)
_BALANCE = {"G/L Account": "G_x002F_L_x0020_Account", "Bank Account": "Bank_x0020_Account"}


@dataclass(frozen=True)
class Booked:
    """A posted payment as the general ledger shows it.

    `amount` is signed as ServiceTitan does: money received is positive; it is zero when somebody reversed it there.
    `account` is the G/L account on which the money stands, empty when several could be meant. `countered` is what stands
    under the number of its counter entry, by G/L account, debits positive.
    """

    number: str
    amount: Decimal = Decimal(0)
    account: str = ""
    on: date | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    countered: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Former:
    """A payment that is to be taken back: what ServiceTitan says now, what our ledger knows, and what the books show.

    `customer` is the card that it was posted on, `journal` the payment journal that posted it, if they are known; `made`
    counts the lines that were made for its counter entry so far.
    """

    payment: Payment
    link: Link
    booked: Booked | None
    customer: str = ""
    journal: str = ""
    made: int = 0


def plan(former: Former, snapshot: Snapshot, settings: Settings) -> Correction:
    """How to bring the books back into line with one payment of ServiceTitan."""
    payment, link, booked = former.payment, former.link, former.booked
    if not link.posted and not (booked is not None and booked.countered):
        # An earlier correction that did not get to its end is finished by making the payment anew.
        return Correction() if link.ended and payment.active else Correction(reason=why.NOT_POSTED)
    if booked is None:
        return Correction(reason=why.not_there(link.number))
    if booked.countered and not _is_mirrored(booked):
        return Correction(reason=why.other_entry(booked.number, booked.countered))
    if booked.countered or booked.amount == 0:
        return Correction((_end(former, booked, noted=True),), anew=payment.active)
    known = Carried.of(link)
    if link.fingerprint == fingerprint(payment) or (known is not None and known.only_added(payment)):
        return Correction(reason=why.SAME)
    if known is not None and known.base == base(payment):
        return Correction(reason=why.only_applied(booked.number, former.customer, payment))
    planned = _writes(former, booked, snapshot, settings)
    if isinstance(planned, Reason):
        return Correction(reason=planned)
    return Correction(tuple(planned), anew=payment.active)


def _is_mirrored(booked: Booked) -> bool:
    account = booked.account if booked.account in booked.countered else ""
    return refunds.is_booked(-booked.amount, booked.countered, account)


def _writes(former: Former, booked: Booked, snapshot: Snapshot, settings: Settings) -> Sequence[Operation] | Reason:
    """The journal if it is missing, the line, its posting, and the note in our ledger."""
    code = settings.refunds.code.upper()
    journal = snapshot.general_journals.get(code)
    day = posting_day(booked.on, snapshot, "first_open_day") if booked.on is not None else None
    balance = _balance(former, booked, snapshot)
    reason = foreign_lines(REFUNDS, code, snapshot) or _others(booked, journal)
    if not former.customer:
        reason = why.unclear(booked.number, "its customer")
    if day is None:
        reason = why.no_open_day(booked.number, booked.on, snapshot)
    if isinstance(balance, Reason):
        reason = balance
    if reason is not None or day is None or isinstance(balance, Reason):
        return reason or why.unclear(booked.number, "its posting date")
    body = _body(former, booked, day, balance)
    standing = [one for one in journal.lines if one.document_number == counter_key(booked.number)] if journal else []
    right = next((one for one in standing if _stands_right(one, body)), None)
    place = journal.id if journal is not None else Ref(journal_key(REFUNDS, code, snapshot))
    # A place in the journal that is the payment's alone: a second run at the same moment cannot put its line beside ours.
    free = line_numbers(former.payment.id, {one.number for one in standing})
    line = _line(former, booked, {**body, "lineNumber": free[0]}, place)
    facts = {"former": booked.number, "journal": code, "account": booked.account, "dimensions": dict(booked.dimensions)}
    made = [] if right is not None else [line]
    first = [] if journal is not None else [new_refund_journal(code, snapshot, settings)]
    deletes = [_delete(former, booked, one) for one in standing if one is not right]
    return [*first, *deletes, *made, _post(former, booked, place, made, facts), _end(former, booked)]


@dataclass(frozen=True)
class Balance:
    """The other side of the entry: its type as people call it, and its number."""

    kind: str
    number: str


def _balance(former: Former, booked: Booked, snapshot: Snapshot) -> Balance | Reason:
    """The account on which the money stood. A journal that a bank account balances shows the bank's number (facts 2.8):
    the bank's own ledger has to move too, which a posting on its G/L account would not do."""
    journal = snapshot.journals.get(former.journal)
    number = journal.balancing_account if journal is not None and booked.amount > 0 else ""
    if number and number not in snapshot.accounts:
        return Balance("Bank Account", number)
    account = snapshot.accounts.get(booked.account)
    if account is None:
        return why.unclear(booked.number, "the account on which its money stands")
    if not account.usable:
        return why.account_closed(booked.number, booked.account)
    return Balance("G/L Account", booked.account)


def _body(former: Former, booked: Booked, day: PostingDay, balance: Balance) -> dict[str, Any]:
    """Each type goes before its number, which it would clear (facts 2.11); date and number are always given (trap 8)."""
    moved = f" of {day.moved_from}, posted on the first open day {day.on}" if day.moved_from else ""
    return {
        "accountType": "Customer",
        "accountNumber": former.customer,
        "postingDate": day.on,
        "documentNumber": counter_key(booked.number),
        "externalDocumentNumber": external_number(former.payment),
        "amount": booked.amount,
        "description": fit(f"Takes back {booked.number}{moved}", _TEXT),
        "balanceAccountType": _BALANCE[balance.kind],
        "balancingAccountNumber": balance.number,
    }


def _stands_right(standing: OpenLine, body: Mapping[str, Any]) -> bool:
    said = (standing.customer_number, standing.posting_date, standing.amount, standing.balancing_account)
    return said == (
        body["accountNumber"].upper(),
        body["postingDate"],
        body["amount"],
        body["balancingAccountNumber"],
    )


def _others(booked: Booked, journal: BookJournal | None) -> Reason | None:
    """Other lines of ours: a posting would post them too (trap 5)."""
    numbers = {one.document_number for one in journal.lines} if journal is not None else set()
    others = sorted(numbers - {counter_key(booked.number)})
    return why.others_in_journal(journal.code, others) if others and journal is not None else None


def _line(former: Former, booked: Booked, body: Mapping[str, Any], journal: str | Ref) -> Operation:
    said = f"takes back {booked.number}, balanced by {body['balancingAccountNumber']}; applied to nothing"
    return replace(
        _operation(former, booked, Verb.CREATE, str(former.made + 1)),
        entity=REFUNDS.lines,
        why=said,
        body=body,
        parent=journal,
        after=(journal.key,) if isinstance(journal, Ref) else (),
    )


def _post(
    former: Former, booked: Booked, journal: str | Ref, made: Sequence[Operation], facts: Mapping[str, Any]
) -> Operation:
    return replace(
        _operation(former, booked, Verb.POST, str(former.made + len(made))),
        entity=REFUNDS.journals,
        why="posts the general journal, which holds nothing else",
        target=journal,
        after=tuple(one.key for one in made),
        facts={**facts, "about": replace(described(former.payment), amount=-booked.amount)},
    )


def _delete(former: Former, booked: Booked, standing: OpenLine) -> Operation:
    return replace(
        _operation(former, booked, Verb.DELETE, standing.id),
        entity=REFUNDS.lines,
        why="our own unposted line, outdated",
        target=standing.id,
    )


def _operation(former: Former, booked: Booked, verb: Verb, suffix: str) -> Operation:
    about, external = described(former.payment), counter_key(booked.number)
    return Operation(
        key=f"{STAGE}:{former.payment.id}:{REVERSAL}{verb}:{external}:{suffix}",
        stage=STAGE,
        source_id=former.payment.id,
        verb=verb,
        entity="",
        natural_key=external,
        why="",
        label=f"payment {about.number}, {about.name}, posted as {booked.number}",
        amount=-booked.amount,
    )


def _end(former: Former, booked: Booked, *, noted: bool = False) -> Operation:
    """The end of the former posting in our ledger, with what a person has to apply afterwards."""
    entry = {
        "number": booked.number,
        "memo": counter_key(booked.number),
        "amount": str(booked.amount),
        "customer": former.customer,
    }
    # What somebody reversed in Business Central is unapplied and applied to its mirror image there already.
    by_hand = booked.amount == 0 and not booked.countered
    said = "reversed in Business Central already" if by_hand else "taken back in the books already"
    return replace(
        _operation(former, booked, Verb.CANCEL, ""),
        key=f"{STAGE}:{former.payment.id}:{Verb.CANCEL}:{former.link.revision}",
        entity="customerPayments",
        natural_key=booked.number,
        why=f"{said}; nothing is sent" if noted else "noted as taken back by the counter entry; nothing is sent",
        target=booked.number,
        facts={"number": booked.number, "ended": (booked.number,), "taken_back": None if by_hand else entry},
    )


def carried(link: Link, entry: Mapping[str, str] | None) -> dict[str, Any]:
    """What the ledger keeps until a person has applied it; an earlier taking back that is still to be applied stays."""
    before = [] if link.carried.get("settled") else list(link.carried.get("taken_back", ()))
    return {"taken_back": [*before, *([dict(entry)] if entry else [])]}


def left_to_apply(link: Link) -> Reason | None:
    """What a person still has to apply after a payment was taken back; None once that was said."""
    entries = [] if link.carried.get("settled") else link.carried.get("taken_back", ())
    return why.to_apply(entries) if entries else None


def still_to_apply(decision: Decision, link: Link) -> Decision:
    """The decision about a payment that was taken back, until a person has applied its counter entry."""
    left = left_to_apply(link) if link.ended and decision.outcome in {"posted", "reversed", TO_APPLY} else None
    if left is None:
        return decision
    if decision.standing == Standing.SETTLE:
        return replace(decision, outcome=TO_APPLY, reason=why.both(left, decision.reason))
    kept = {**decision.kept.get("carried", {}), "taken_back": list(link.carried["taken_back"])}
    afterwards = why.both(left, decision.afterwards)
    return replace(decision, afterwards=afterwards, kept={**decision.kept, "carried": kept})
