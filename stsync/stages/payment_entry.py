"""A payment as lines of a journal: what they say, and which of them stand there already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

from stsync.core.links import Link
from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import About
from stsync.core.posting_dates import PostingDay
from stsync.core.reasons import Reason
from stsync.core.snapshot import OpenLine, Snapshot
from stsync.core.source.payment import Payment
from stsync.core.text import fit
from stsync.stages.buyer import Buyer
from stsync.stages.payment_journals import STAGE, JournalForm, journal_key, natural_key, standing_journals


@dataclass(frozen=True)
class Payable:
    """An invoice that a payment is applied to: the id it has in the books, or why it cannot be paid there yet.

    An opening balance that was posted through a journal has no id but a document `number`: a payment then names it by
    appliesToInvoiceNumber (facts section 5: an unknown number is accepted, and posting looks for the open entry).
    `nothing` is an invoice with nothing to pay on it, which has no counterpart; `credit` one that stands as a credit.
    `remaining` is what is left to pay of it in the books, less what this plan applies before; None when nobody knows.
    `balance` is what ServiceTitan counted as unpaid at `as_of`; `can_be_asked` that the books know it by its own key.
    """

    id: str | Ref = ""
    number: str = ""
    comes_first: tuple[str, ...] = ()
    customer_number: str = ""
    posting_date: date | None = None
    waits: Reason | None = None
    holds: Reason | None = None
    nothing: bool = False
    credit: bool = False
    remaining: Decimal | None = None
    total: Decimal | None = None
    balance: Decimal | None = None
    as_of: str = ""
    can_be_asked: bool = False


@dataclass(frozen=True)
class JournalLine:
    """One line to be: a negative amount is money received (trap 3).

    `applies_to` is the invoice's id, `applies_to_number` the document number of an opening entry that has no id.
    """

    amount: Decimal
    applies_to: str | Ref = ""
    applies_to_number: str = ""
    comes_first: tuple[str, ...] = ()

    def is_at(self, line: OpenLine) -> bool:
        """Whether a line that stands in the journal is this one."""
        # Business Central shows the document number beside the id, and the id alone is never wrong.
        same = line.applies_to_id == self.applies_to if self.applies_to else line.applies_to_id == ""
        return same and line.amount == self.amount and (bool(self.applies_to) or self._same_number(line))

    def _same_number(self, line: OpenLine) -> bool:
        return line.applies_to_number == self.applies_to_number.upper()


# A line's number is an Int32 (facts 2.9). Ours lie above what counting by ten thousands reaches, and below its end.
_FIRST_NUMBER = 1_000_000_000
_NUMBERS = 1_000_000_000
_LINES_PER_PAYMENT = 50


def line_numbers(payment_id: str, taken: Collection[int]) -> list[int]:
    """The free places in a journal that belong to one payment, from its id alone: a journal has no two lines of one number,
    so that a second run cannot put the same payment beside the first one's (facts section 5: nothing else stops it)."""
    first = int(payment_id) * _LINES_PER_PAYMENT if payment_id.isdigit() else 0
    numbers = (_FIRST_NUMBER + (first + place) % _NUMBERS for place in range(_LINES_PER_PAYMENT))
    return [one for one in numbers if one not in taken]


def _numbered(number: int | None) -> dict[str, int]:
    return {} if number is None else {"lineNumber": number}


Body = Callable[[JournalLine], Mapping[str, Any]]


def described(payment: Payment) -> About:
    """How people know a payment."""
    name = payment.customer.name if payment.customer else ""
    return About(number=payment.number or payment.id, name=name, on=payment.paid_on, amount=payment.total)


def external_number(payment: Payment) -> str:
    """What people look for: the check's number, else the payment's."""
    return fit(payment.check_number or payment.number or payment.id, 35)


def description(payment: Payment, day: PostingDay) -> str:
    """What the entry says of itself, with ServiceTitan's date where it is posted on another."""
    said = f"{payment.type_name} {payment.number}".strip() or natural_key(payment.id)
    return fit("; ".join(one for one in (said, day.remark) if one), 100)


def receipt_body(payment: Payment, number: str, payer: Buyer, day: PostingDay, line: JournalLine) -> dict[str, Any]:
    """A line of a payment journal; date and number are always given, never left to the journal's last line (trap 8)."""
    body: dict[str, Any] = {
        "customerNumber": payer.number,
        "postingDate": day.on,
        "documentNumber": number,
        "externalDocumentNumber": external_number(payment),
        "amount": line.amount,
    }
    if line.applies_to:
        body["appliesToInvoiceId"] = line.applies_to
    elif line.applies_to_number:
        body["appliesToInvoiceNumber"] = line.applies_to_number
    body["description"] = description(payment, day)
    return body


def standing_lines(snapshot: Snapshot, number: str) -> list[tuple[str, OpenLine]]:
    """The unposted lines with this document number in journals of either form, each with its journal's code."""
    journals = chain(snapshot.journals.values(), snapshot.general_journals.values())
    return [(one.code, line) for one in journals for line in one.lines if line.document_number == number]


def own_lines(
    snapshot: Snapshot, number: str, *, right: Callable[[str, OpenLine], bool]
) -> tuple[list[OpenLine], list[OpenLine]]:
    """Our lines of a payment that may be posted, and those in another journal or with another date or customer."""
    good: list[OpenLine] = []
    bad: list[OpenLine] = []
    for code, line in standing_lines(snapshot, number):
        (good if right(code, line) else bad).append(line)
    return good, bad


def unmatched(
    wanted: Sequence[JournalLine], standing: Iterable[OpenLine]
) -> tuple[list[tuple[int, JournalLine]], list[OpenLine]]:
    """The wanted lines (with their position from 1) that do not stand in the journal yet, and those there too many."""
    rest = list(standing)
    missing: list[tuple[int, JournalLine]] = []
    for position, line in enumerate(wanted, start=1):
        match = next((one for one in rest if line.is_at(one)), None)
        if match is None:
            missing.append((position, line))
        else:
            rest.remove(match)
    return missing, rest


@dataclass(frozen=True)
class Entry:
    """The writes for one payment in its journal, under its document number; `body` says what a line carries."""

    payment: Payment
    number: str
    payer: Buyer
    code: str
    form: JournalForm
    snapshot: Snapshot
    link: Link
    body: Body

    def operations(self, wanted: Sequence[JournalLine], right: Callable[[str, OpenLine], bool]) -> list[Operation]:
        """What has to be sent so that the journal holds exactly these lines; nothing when it does."""
        good, bad = own_lines(self.snapshot, self.number, right=right)
        missing, surplus = unmatched(wanted, good)
        return [*self._deletions([*bad, *surplus]), *self._creations(missing, {one.number for one in [*good, *bad]})]

    def _deletions(self, lines: Iterable[OpenLine]) -> list[Operation]:
        return [
            self._operation(
                f"delete:{position}:{self.link.attempt}",
                Verb.DELETE,
                line.entity,
                "our own unposted line, outdated",
                target=line.id,
            )
            for position, line in enumerate(lines, start=1)
        ]

    def _creations(self, lines: Iterable[tuple[int, JournalLine]], taken: set[int]) -> list[Operation]:
        # Numbered by everything done so far: a line that a person took out is made again under a key of its own.
        suffix = f":{self.link.revision}" if self.link.revision > 1 else ""
        journal = standing_journals(self.form, self.snapshot).get(self.code)
        key = journal_key(self.form, self.code, self.snapshot)
        first = () if journal else (key,)
        free = iter(line_numbers(self.payment.id, taken))
        return [
            self._operation(
                f"line:{position}{suffix}",
                Verb.CREATE,
                self.form.lines,
                self._why(line),
                body={**self.body(line), **_numbered(next(free, None))},
                parent=journal.id if journal else Ref(key),
                after=(*first, *self.payer.comes_first, *line.comes_first),
                amount=-line.amount,
            )
            for position, line in lines
        ]

    def _why(self, line: JournalLine) -> str:
        if line.amount > 0:
            return "paid back; a person applies it"
        applied = line.applies_to or line.applies_to_number
        return "applied to an invoice" if applied else "on account, applied to nothing yet"

    def _operation(self, name: str, verb: Verb, entity: str, why: str, **more: Any) -> Operation:
        about = described(self.payment)
        return Operation(
            key=f"{STAGE}:{self.payment.id}:{name}",
            stage=STAGE,
            source_id=self.payment.id,
            verb=verb,
            entity=entity,
            natural_key=self.number,
            label=f"{'refund' if self.payment.total < 0 else 'payment'} {about.number}, {about.name}",
            why=why,
            **more,
        )
