"""Payments: a ServiceTitan payment becomes lines in a customer payment journal that belongs to stsync alone.

What a bookkeeper can rely on:
- one line for each invoice the payment is applied to, and one for an unapplied rest; together they are the payment;
- all lines of a payment carry the document number `ST-P<id>`, so that the books alone can answer for it;
- a payment waits, without an error, until its invoices are posted;
- a payment of a type without a journal is held and names the line to add; nothing goes to a default account;
- a payment that was changed or applied otherwise after posting is held, never carried over silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.mapping import Gap
from stsync.core.mapping import Mapping as Choices
from stsync.core.operations import Operation, Ref, Verb, digest
from stsync.core.plan import About, Decision, act, hold, settle, wait
from stsync.core.reasons import Reason
from stsync.core.snapshot import BookJournal, OpenLine, Snapshot
from stsync.core.source.payment import Application, Payment
from stsync.core.text import fit
from stsync.stages.invoices import Buyer
from stsync.stages.sales_lines import unmapped

STAGE = "payments"


@dataclass(frozen=True)
class JournalChoice:
    """A payment journal as the configuration describes it; `balancing_account` is a G/L account number."""

    balancing_account: str | None = None
    name: str = ""


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration."""

    go_live: date
    journals: Mapping[str, JournalChoice]
    status: str = "Posted"
    post: bool = True
    payments_per_posting: int = 100


@dataclass(frozen=True)
class Payable:
    """An invoice that a payment is applied to: the id it has in the books, or why it cannot be paid there yet."""

    id: str | Ref = ""
    comes_first: tuple[str, ...] = ()
    customer_number: str = ""
    posting_date: date | None = None
    waits: Reason | None = None
    holds: Reason | None = None


@dataclass(frozen=True)
class JournalLine:
    """One line to be: a negative amount is money received (trap 3)."""

    amount: Decimal
    applies_to: str | Ref | None
    comes_first: tuple[str, ...] = ()


def natural_key(payment_id: str) -> str:
    """The document number: from the ServiceTitan id alone."""
    return f"ST-P{payment_id}"


def fingerprint(payment: Payment) -> str:
    """A hash of everything that went, or would go, into the books."""
    return digest(
        [
            payment.active,
            payment.paid_on,
            payment.total,
            payment.type_id or payment.type_name,
            payment.customer.id if payment.customer else None,
            [[one.invoice_id, one.amount] for one in payment.applications],
        ]
    )


def plan(
    payment: Payment,
    *,
    link: Link,
    payer: Buyer,
    payables: Mapping[str, Payable],
    choices: Choices,
    snapshot: Snapshot,
    settings: Settings,
) -> Decision:
    """Decide about one payment, in the order a clerk would ask."""
    about = _about(payment)
    if link.posted:
        return _already_posted(payment, link, about)
    early = _not_for_us(payment, link, about, settings)
    if early is not None:
        return early
    code = choices.lookup("payment_types", payment.type_id, payment.type_name)
    reason = payer.reason or _not_bookable(payment, code, snapshot, settings)
    if reason is not None or code is None:
        return hold(STAGE, payment.id, about, reason or unmapped([_type_gap(payment)]))
    applied = [payables[one.invoice_id] for one in payment.applications]
    obstacle = _application_obstacle(payment, payer, applied)
    if obstacle is not None:
        return hold(STAGE, payment.id, about, obstacle)
    waits = next((one.waits for one in applied if one.waits is not None), None)
    if waits is not None:
        return wait(STAGE, payment.id, about, waits)
    rule = f"journal {code}, for payment type '{payment.type_name}'"
    return _carry(payment, payer, applied, code.upper(), link=link, snapshot=snapshot, settings=settings, rule=rule)


def _about(payment: Payment) -> About:
    name = payment.customer.name if payment.customer else ""
    return About(number=payment.number or payment.id, name=name, on=payment.paid_on, amount=payment.total)


def _already_posted(payment: Payment, link: Link, about: About) -> Decision:
    if link.fingerprint == fingerprint(payment):
        return settle(STAGE, payment.id, about, "posted")
    what = "changed or applied to other invoices" if payment.active else "voided"
    return hold(
        STAGE,
        payment.id,
        about,
        Reason(
            "changed-after-posting",
            f"Payment {about.number} was {what} in ServiceTitan after it was posted as {natural_key(payment.id)}.",
            f"Nothing was changed in the books. Unapply, re-apply or reverse {natural_key(payment.id)} on the Customer "
            "Ledger Entries page in Business Central, or undo the change in ServiceTitan.",
        ),
    )


def _not_for_us(payment: Payment, link: Link, about: About, settings: Settings) -> Decision | None:
    """Payments that do not belong in the books, or not yet."""
    if not payment.active:
        return _voided(payment, link, about)
    if payment.status != settings.status:
        return settle(STAGE, payment.id, about, "not_ready" if payment.status == "Pending" else "exported_elsewhere")
    if payment.paid_on is None:
        return hold(STAGE, payment.id, about, _NO_DATE)
    if payment.paid_on < settings.go_live:
        return settle(STAGE, payment.id, about, "before_go_live")
    if payment.total == 0 and not payment.applications:
        return settle(STAGE, payment.id, about, "nothing_to_post")
    if payment.total < 0:
        return hold(STAGE, payment.id, about, _REFUND)
    return None


def _voided(payment: Payment, link: Link, about: About) -> Decision:
    if not link.exists:
        return settle(STAGE, payment.id, about, "nothing_to_post", notes=("voided in ServiceTitan before transfer",))
    return hold(
        STAGE,
        payment.id,
        about,
        Reason(
            "voided-before-posting",
            f"Payment {about.number} was voided in ServiceTitan while its lines stand unposted in a payment journal.",
            f"Delete the lines with document number {natural_key(payment.id)} from the journal.",
        ),
    )


_NO_DATE = Reason(
    "payment-without-date",
    "The payment has no date in ServiceTitan, so it belongs to no period.",
    "Set the payment date in ServiceTitan.",
)
_REFUND = Reason(
    "refund-not-carried",
    "This is money paid back (a refund or a returned payment); refunds are not carried over by this version.",
    "Enter it in a general journal in Business Central by hand.",
)


def _type_gap(payment: Payment) -> Gap:
    return Gap("payment_types", payment.type_name or payment.type_id, "payment journal code")


def _not_bookable(payment: Payment, code: str | None, snapshot: Snapshot, settings: Settings) -> Reason | None:
    """What stands in the way before any invoice is looked at."""
    if code is None:
        return unmapped([_type_gap(payment)])
    if len(natural_key(payment.id)) > 20:
        return Reason(
            "payment-number-too-long",
            f"The document number {natural_key(payment.id)} is longer than the 20 characters of Business Central.",
            "Enter this payment by hand, and tell the makers of stsync.",
        )
    if payment.paid_on is not None and not snapshot.accepts(payment.paid_on):
        return Reason(
            "posting-date-closed",
            f"The payment is dated {payment.paid_on}, but Business Central accepts posting dates "
            f"{snapshot.posting_from or 'any'} to {snapshot.posting_to or 'any'}.",
            "Open the period on the General Ledger Setup page (Allow Posting From/To).",
        )
    return _journal_obstacle(code.upper(), snapshot, settings)


def _journal_obstacle(code: str, snapshot: Snapshot, settings: Settings) -> Reason | None:
    journal = snapshot.journals.get(code)
    choice = settings.journals.get(code)
    if journal is None and (choice is None or choice.balancing_account is None):
        return Reason(
            "journal-missing",
            f"Business Central has no customer payment journal {code}.",
            f"Create the batch {code} on the Cash Receipt Journals page with the bank as balancing account, or add to "
            f'the configuration:\npayments.journals:  {code}: {{balancing_account: "<G/L account number>"}}',
        )
    if journal is None and choice is not None and choice.balancing_account not in snapshot.accounts:
        return Reason(
            "account-not-usable",
            f"The balancing account {choice.balancing_account} of journal {code} does not exist in Business Central.",
            f"Correct payments.journals.{code}.balancing_account in the configuration.",
        )
    foreign = _foreign(journal)
    if foreign:
        return Reason(
            "foreign-lines-in-journal",
            f"The payment journal {code} holds {len(foreign)} lines that stsync did not make "
            f"(document number {foreign[0].document_number or 'blank'}). Posting it would post them too.",
            f"Post, move or delete those lines in Business Central; the journal {code} must belong to stsync alone.",
        )
    return None


def _foreign(journal: BookJournal | None) -> list[OpenLine]:
    lines = journal.lines if journal is not None else ()
    return [line for line in lines if not line.document_number.startswith("ST-P")]


def _application_obstacle(payment: Payment, payer: Buyer, applied: Sequence[Payable]) -> Reason | None:
    if payment.unapplied < 0 or any(one.amount < 0 for one in payment.applications):
        return Reason(
            "applied-more-than-paid",
            f"ServiceTitan applies {payment.applied:,.2f} of a payment of {payment.total:,.2f}.",
            "Correct the applications of the payment in ServiceTitan.",
        )
    for application, payable in zip(payment.applications, applied, strict=True):
        reason = payable.holds or _mismatch(payment, payer, application, payable)
        if reason is not None:
            return reason
    return None


def _mismatch(payment: Payment, payer: Buyer, application: Application, payable: Payable) -> Reason | None:
    if payable.waits is not None:
        return None
    if payable.customer_number and payable.customer_number != payer.number:
        return Reason(
            "payment-by-another-customer",
            f"The payment is from customer {payer.number}, but invoice {application.invoice_number} belongs to "
            f"{payable.customer_number}; Business Central applies payments within one customer only.",
            "Correct the payment in ServiceTitan, or enter it in Business Central by hand.",
        )
    if payable.posting_date and payment.paid_on and payment.paid_on < payable.posting_date:
        # Business Central refuses such a line as soon as the journal has a balancing account (facts section 5).
        return Reason(
            "payment-before-invoice",
            f"The payment is dated {payment.paid_on}, before its invoice {application.invoice_number} of "
            f"{payable.posting_date}; Business Central does not apply to a later entry through its interface.",
            "Enter the payment in Business Central by hand, or correct one of the two dates in ServiceTitan.",
        )
    return None


def _carry(
    payment: Payment,
    payer: Buyer,
    applied: Sequence[Payable],
    code: str,
    *,
    link: Link,
    snapshot: Snapshot,
    settings: Settings,
    rule: str,
) -> Decision:
    """New, found again, or half made: the writes for a payment that may be carried over."""
    about = _about(payment)
    more: dict[str, Any] = {"fingerprint": fingerprint(payment), "rules": (rule,), "journal": code}
    number = natural_key(payment.id)
    if number in snapshot.posted_payments:
        return _found_posted(payment, snapshot.posted_payments[number], link, about, more)
    entry = _Entry(payment, payer, code, snapshot.journals.get(code), link)
    missing, surplus = unmatched(journal_lines(payment, applied), _own_lines(snapshot, number))
    operations = [*entry.deletions(surplus), *entry.creations(missing, after_deletions=bool(surplus))]
    if not settings.post and not operations:
        return settle(STAGE, payment.id, about, "draft", **more)
    return act(STAGE, payment.id, about, operations, outcome="posted" if settings.post else "draft", **more)


def _own_lines(snapshot: Snapshot, number: str) -> list[OpenLine]:
    return [line for journal in snapshot.journals.values() for line in journal.lines if line.document_number == number]


def _found_posted(payment: Payment, booked: Decimal, link: Link, about: About, more: Mapping[str, Any]) -> Decision:
    if booked != payment.total:
        reason = Reason(
            "posted-with-other-total",
            f"Business Central has posted {booked:,.2f} under {natural_key(payment.id)}; ServiceTitan's payment is "
            f"{payment.total:,.2f}.",
            "Compare both; correct the entry in Business Central, or the payment in ServiceTitan.",
        )
        return hold(STAGE, payment.id, about, reason, **more)
    adopt = Operation(
        key=f"{STAGE}:{payment.id}:adopt:{link.revision}",
        stage=STAGE,
        source_id=payment.id,
        verb=Verb.ADOPT,
        entity="customerPayments",
        natural_key=natural_key(payment.id),
        label=f"payment {about.number}, {about.name}",
        why="already posted in Business Central; nothing is sent",
        target=natural_key(payment.id),
        amount=payment.total,
        facts={"posted": True, "number": natural_key(payment.id)},
    )
    return act(STAGE, payment.id, about, [adopt], outcome="posted", **{**more, "journal": ""})


def journal_lines(payment: Payment, applied: Sequence[Payable]) -> list[JournalLine]:
    """One line for each invoice, one for an unapplied rest; they always add up to the payment."""
    lines = [
        JournalLine(-application.amount, payable.id, payable.comes_first)
        for application, payable in zip(payment.applications, applied, strict=True)
    ]
    rest = [JournalLine(-payment.unapplied, None)] if payment.unapplied > 0 else []
    return lines + rest


def unmatched(
    wanted: Sequence[JournalLine], standing: Iterable[OpenLine]
) -> tuple[list[tuple[int, JournalLine]], list[OpenLine]]:
    """The wanted lines (with their position from 1) that do not stand in the journal yet, and those there too many."""
    rest = list(standing)
    missing: list[tuple[int, JournalLine]] = []
    for position, line in enumerate(wanted, start=1):
        match = next(
            (one for one in rest if one.amount == line.amount and one.applies_to_id == (line.applies_to or "")), None
        )
        if match is None:
            missing.append((position, line))
        else:
            rest.remove(match)
    return missing, rest


@dataclass(frozen=True)
class _Entry:
    """The writes for one payment in its journal."""

    payment: Payment
    payer: Buyer
    code: str
    journal: BookJournal | None
    link: Link

    def deletions(self, lines: Iterable[OpenLine]) -> list[Operation]:
        return [
            self._operation(
                f"delete:{position}:{self.link.attempt}", Verb.DELETE, "our own unposted line, outdated", target=line.id
            )
            for position, line in enumerate(lines, start=1)
        ]

    def creations(self, lines: Iterable[tuple[int, JournalLine]], *, after_deletions: bool) -> list[Operation]:
        attempt = self.link.attempt + after_deletions
        suffix = f":{attempt}" if attempt > 1 else ""
        parent = self.journal.id if self.journal else Ref(f"journals:{self.code}:create")
        first = () if self.journal else (f"journals:{self.code}:create",)
        return [
            self._operation(
                f"line:{position}{suffix}",
                Verb.CREATE,
                "applied to an invoice" if line.applies_to else "on account, applied to nothing yet",
                body=self._body(line),
                parent=parent,
                after=(*first, *self.payer.comes_first, *line.comes_first),
                amount=-line.amount,
            )
            for position, line in lines
        ]

    def _body(self, line: JournalLine) -> dict[str, Any]:
        payment = self.payment
        body: dict[str, Any] = {
            "customerNumber": self.payer.number,
            "postingDate": payment.paid_on,
            "documentNumber": natural_key(payment.id),
            "externalDocumentNumber": fit(payment.check_number or payment.number or payment.id, 35),
            "amount": line.amount,
        }
        if line.applies_to is not None:
            body["appliesToInvoiceId"] = line.applies_to
        body["description"] = fit(f"{payment.type_name} {payment.number}".strip() or natural_key(payment.id), 100)
        return body

    def _operation(self, name: str, verb: Verb, why: str, **more: Any) -> Operation:
        about = _about(self.payment)
        return Operation(
            key=f"{STAGE}:{self.payment.id}:{name}",
            stage=STAGE,
            source_id=self.payment.id,
            verb=verb,
            entity="customerPayments",
            natural_key=natural_key(self.payment.id),
            label=f"payment {about.number}, {about.name}",
            why=why,
            **more,
        )


def new_journals(decisions: Iterable[Decision], snapshot: Snapshot, settings: Settings) -> list[Operation]:
    """Journals that the plan needs and Business Central does not have yet."""
    needed = sorted({one.journal for one in decisions if one.journal and one.operations} - set(snapshot.journals))
    return [_new_journal(code, settings.journals[code], snapshot) for code in needed]


def _new_journal(code: str, choice: JournalChoice, snapshot: Snapshot) -> Operation:
    account = snapshot.accounts[choice.balancing_account or ""]
    return Operation(
        key=f"journals:{code}:create",
        stage=STAGE,
        source_id=code,
        verb=Verb.CREATE,
        entity="customerPaymentJournals",
        natural_key=code,
        label=f"payment journal {code}",
        why=f"a payment journal that belongs to stsync, balanced by account {account.number}",
        body={"code": code, "displayName": choice.name or f"stsync {code}", "balancingAccountId": account.id},
    )


def postings(decisions: Iterable[Decision], snapshot: Snapshot, settings: Settings) -> list[Operation]:
    """The posting of each journal, so many payments at a time; a posting always posts whole payments."""
    if not settings.post:
        return []
    by_journal: dict[str, list[Decision]] = {}
    for decision in decisions:
        if decision.journal:
            by_journal.setdefault(decision.journal, []).append(decision)
    size = settings.payments_per_posting
    return [
        _posting(code, number, carried[start : start + size], snapshot)
        for code, carried in sorted(by_journal.items())
        for number, start in enumerate(range(0, len(carried), size), start=1)
    ]


def _posting(code: str, number: int, carried: Sequence[Decision], snapshot: Snapshot) -> Operation:
    journal = snapshot.journals.get(code)
    return Operation(
        key=f"{STAGE}:{code}:post:{number}",
        stage=STAGE,
        source_id=code,
        verb=Verb.POST,
        entity="journals",
        natural_key=code,
        label=f"payment journal {code}",
        why=f"post {len(carried)} payments",
        target=journal.id if journal else Ref(f"journals:{code}:create"),
        amount=sum((one.about.amount for one in carried if one.about.amount is not None), Decimal(0)),
        facts={"payments": tuple(one.source_id for one in carried)},
    )
