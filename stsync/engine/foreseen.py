"""What the books are asked before anything is decided: the counterparts of all that is new.

Whatever is decided about a new document, it is looked for in the books (engine/unknown.py), with the card that it goes to.
So that need not wait for a first round of decisions, which costs as much time as the one that counts. What is left to ask
after that, the plan says (decide.wanted).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from stsync.core.source.fields import Named
from stsync.engine.records import Records
from stsync.engine.settings import Settings
from stsync.engine.survey import Wanted
from stsync.stages import customers, paper, payment_journals


def foreseen(records: Records, settings: Settings) -> Wanted:
    """The natural keys of new documents and of their customers' cards."""
    invoices = [
        one for one in records.invoices if _is_asked_for(records, "invoices", one.id, one.invoiced_on, settings)
    ]
    memos = [
        one
        for one in records.credit_memos
        if _is_asked_for(records, "credit_memos", one.id, one.document.invoiced_on, settings)
    ]
    payments = [one for one in records.payments if _is_asked_for(records, "payments", one.id, one.paid_on, settings)]
    named = [one.customer for one in invoices] + [one.customer for one in memos] + [one.customer for one in payments]
    buyers = set(_buyers(records, named))
    return Wanted(
        customers=frozenset(records.link("customers", one).number or settings.customers.number(one) for one in buyers),
        invoices=frozenset(
            [*(paper.natural_key(one.id) for one in invoices), *(paper.credit_key(one.id) for one in memos)]
        ),
        payments=frozenset(_number(records, one.id) for one in payments),
        clues=frozenset(clue for one in buyers for clue in _clues(records, one, settings)),
    )


def _is_asked_for(records: Records, kind: str, source_id: str, on: date | None, settings: Settings) -> bool:
    if (kind, source_id) not in records.new or records.link(kind, source_id).posted:
        return False
    return on is None or on >= settings.payments.go_live


def _number(records: Records, payment_id: str) -> str:
    ended = records.link("payments", payment_id).ended
    return payment_journals.natural_key(payment_id, payment_journals.next_issue(ended))


def _buyers(records: Records, named: Iterable[Named | None]) -> Iterator[str]:
    for one in named:
        survivor = customers.survivor(one.id, records.customers) if one is not None else None
        if survivor is not None:
            yield survivor


def _clues(records: Records, customer_id: str, settings: Settings) -> Iterable[str]:
    """What a card of the same customer may be found by, where there is no link yet."""
    if records.link("customers", customer_id).exists or customer_id in records.said_new:
        return ()
    customer, reach = records.customers[customer_id], records.reaches[customer_id]
    return customers.clues(customer, reach, settings.customers, records.suspected.get(customer_id, ()))
