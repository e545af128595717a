"""What the books are asked before anything is decided: the counterparts of all that is new.

Whatever is decided about a new document, it is looked for in the books (engine/unknown.py), with the card that it goes to.
So that need not wait for a first round of decisions, which costs as much time as the one that counts. What is left to ask
after that, the plan says (decide.wanted).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from stsync.core.source.credit_memo import CreditMemo
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment
from stsync.engine.records import Records
from stsync.engine.settings import Settings
from stsync.engine.survey import Wanted
from stsync.stages import customers, paper, payment_journals


def foreseen(records: Records, settings: Settings) -> Wanted:
    """The natural keys of new documents and of their customers' cards."""
    new = _New.of(records, settings)
    sales = [*(paper.natural_key(one.id) for one in new.invoices), *(paper.credit_key(one.id) for one in new.memos)]
    buyers = new.buyers(records)
    return Wanted(
        customers=frozenset(records.link("customers", one).number or settings.customers.number(one) for one in buyers),
        invoices=frozenset(sales),
        payments=frozenset(_number(records, one.id) for one in new.payments),
        clues=frozenset(clue for one in buyers for clue in _clues(records, one, settings)),
    )


def without_card(records: Records, settings: Settings) -> list[str]:
    """The customers of new documents who have no card that we know of."""
    buyers = _New.of(records, settings).buyers(records)
    return [one for one in sorted(buyers, key=int) if not records.link("customers", one).exists]


@dataclass(frozen=True)
class _New:
    """The new documents that may go to the books."""

    invoices: Sequence[Invoice]
    memos: Sequence[CreditMemo]
    payments: Sequence[Payment]

    @classmethod
    def of(cls, records: Records, settings: Settings) -> _New:
        def asked(kind: str, source_id: str, on: date | None) -> bool:
            return _is_asked_for(records, kind, source_id, on, settings)

        return cls(
            [one for one in records.invoices if asked("invoices", one.id, one.invoiced_on)],
            [one for one in records.credit_memos if asked("credit_memos", one.id, one.document.invoiced_on)],
            [one for one in records.payments if asked("payments", one.id, one.paid_on)],
        )

    def buyers(self, records: Records) -> set[str]:
        """Whose documents they are, after all merges."""
        documents: tuple[Sequence[Invoice | CreditMemo | Payment], ...] = (self.invoices, self.memos, self.payments)
        named = {one.customer.id for kind in documents for one in kind if one.customer is not None}
        survivors = (customers.survivor(one, records.customers) for one in named)
        return {one for one in survivors if one is not None}


def _is_asked_for(records: Records, kind: str, source_id: str, on: date | None, settings: Settings) -> bool:
    if (kind, source_id) not in records.new or records.link(kind, source_id).posted:
        return False
    return on is None or on >= settings.payments.go_live


def _number(records: Records, payment_id: str) -> str:
    ended = records.link("payments", payment_id).ended
    return payment_journals.natural_key(payment_id, payment_journals.next_issue(ended))


def _clues(records: Records, customer_id: str, settings: Settings) -> Iterable[str]:
    """What a card of the same customer may be found by, where there is no link yet."""
    if records.link("customers", customer_id).exists or customer_id in records.said_new:
        return ()
    customer, reach = records.customers[customer_id], records.reaches[customer_id]
    return customers.clues(customer, reach, settings.customers, records.suspected.get(customer_id, ()))
