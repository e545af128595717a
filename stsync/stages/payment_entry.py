"""A payment as lines of a payment journal: what they say, and which of them stand there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import About
from stsync.core.reasons import Reason
from stsync.core.snapshot import OpenLine, Snapshot
from stsync.core.source.payment import Payment
from stsync.core.text import fit
from stsync.stages.invoices import Buyer
from stsync.stages.payment_journals import STAGE, journal_key, natural_key


@dataclass(frozen=True)
class Payable:
    """An invoice that a payment is applied to: the id it has in the books, or why it cannot be paid there yet.

    An opening balance that was posted through a journal has no id but a document `number`: a payment then names it by
    appliesToInvoiceNumber (facts section 5: an unknown number is accepted, and posting looks for the open entry).
    """

    id: str | Ref = ""
    number: str = ""
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


def described(payment: Payment) -> About:
    """How people know a payment."""
    name = payment.customer.name if payment.customer else ""
    return About(number=payment.number or payment.id, name=name, on=payment.paid_on, amount=payment.total)


def own_lines(
    snapshot: Snapshot, number: str, code: str, payment: Payment, payer: Buyer
) -> tuple[list[OpenLine], list[OpenLine]]:
    """Our lines of a payment that may be posted, and those in another journal or with another date or customer."""
    good: list[OpenLine] = []
    bad: list[OpenLine] = []
    for journal in snapshot.journals.values():
        for line in journal.lines:
            right = (code, payment.paid_on, payer.number.upper())
            if line.document_number == number:
                fits = (journal.code, line.posting_date, line.customer_number) == right
                (good if fits else bad).append(line)
    return good, bad


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
class Entry:
    """The writes for one payment in its journal."""

    payment: Payment
    payer: Buyer
    code: str
    snapshot: Snapshot
    link: Link

    def deletions(self, lines: Iterable[OpenLine]) -> list[Operation]:
        return [
            self._operation(
                f"delete:{position}:{self.link.attempt}", Verb.DELETE, "our own unposted line, outdated", target=line.id
            )
            for position, line in enumerate(lines, start=1)
        ]

    def creations(self, lines: Iterable[tuple[int, JournalLine]]) -> list[Operation]:
        # Numbered by everything done so far: a line that a person took out is made again under a key of its own.
        suffix = f":{self.link.revision}" if self.link.revision > 1 else ""
        journal, key = self.snapshot.journals.get(self.code), journal_key(self.code, self.snapshot)
        parent = journal.id if journal else Ref(key)
        first = () if journal else (key,)
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
        about = described(self.payment)
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
