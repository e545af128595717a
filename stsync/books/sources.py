"""ServiceTitan's side of a tie-out: each document as it is now, as it was posted, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.books.values import Period, Record, Why
from stsync.core.reasons import Reason
from stsync.core.source.invoice import Invoice
from stsync.core.source.payment import Payment

Document = Invoice | Payment

_OUTCOMES = {
    "not_ready": Why.NOT_POSTED_IN_SERVICETITAN,
    "exported_elsewhere": Why.EXPORTED_ELSEWHERE,
    "before_go_live": Why.BEFORE_GO_LIVE,
    "draft": Why.DRAFT,
    "by_hand": Why.BY_HAND,
}
_STATES = {
    "held": Why.HELD,
    "waiting": Why.WAITING,
    "dead": Why.REFUSED,
    "pending": Why.NOT_CARRIED_YET,
}


@dataclass(frozen=True)
class Source:
    """One document. `state`, `outcome` and `reason` are the inbox's; `posted` and `number` what the ledger remembers.

    `before` is the content that was posted, where it differs from the present one; `note` what a person said who dealt
    with it by hand; `card` the customer card that the document went to. `of` is the inbox kind where the content does not
    tell: a credit memo of ServiceTitan's own reads like an invoice below zero.
    """

    now: Document
    state: str
    outcome: str = ""
    reason: Reason | None = None
    posted: bool = False
    number: str = ""
    draft: bool = False
    before: Document | None = None
    note: str = ""
    card: str = ""
    of: str = ""

    @property
    def kind(self) -> str:
        """The inbox kind."""
        return self.of or ("invoices" if isinstance(self.now, Invoice) else "payments")

    @property
    def document_type(self) -> str:
        """How the general ledger calls what the document becomes: an invoice below zero is a credit memo there."""
        if isinstance(self.as_posted, Payment):
            return "Payment"
        return "Invoice" if self.as_posted.total >= 0 else "Credit Memo"

    @property
    def booked_as(self) -> tuple[str, str]:
        """Type and number of the document that the ledger remembers."""
        return self.document_type, self.number

    @property
    def lowers_balance(self) -> bool:
        """Whether a positive total lowers what the customer owes."""
        return isinstance(self.now, Payment)

    @property
    def owner(self) -> tuple[str, str]:
        """Kind and ServiceTitan id: what documents in the books are matched by."""
        return self.kind, self.now.id

    @property
    def as_posted(self) -> Document:
        """The content that the books should show."""
        return self.before or self.now

    @property
    def record(self) -> Record:
        """How people know it."""
        now = self.now
        name = now.customer.name if now.customer else ""
        return Record(self.kind, now.id, now.number or now.id, name, day_of(now), now.total)

    def counts_in(self, period: Period) -> bool:
        """Whether ServiceTitan's own total of the period has it: cancelled documents are in no total."""
        return self.now.active and day_of(self.now) in period

    @property
    def by_hand(self) -> bool:
        """Whether a person said that it was dealt with by hand, and it has not changed since."""
        return self.state == "settled" and self.outcome == "by_hand"

    def standing(self) -> Why | None:
        """Why a document that is not posted is not; None when nothing explains it."""
        if self.state == "settled":
            return self._settled()
        if self.state == "pending" and self.draft:
            return Why.DRAFT
        return _STATES.get(self.state)

    def _settled(self) -> Why | None:
        if self.outcome == "nothing_to_post":
            return Why.NOTHING_TO_POST if _empty(self.now) else None
        return _OUTCOMES.get(self.outcome)


def day_of(document: Document) -> date | None:
    """The accounting date: invoice date or payment date; None when ServiceTitan has none."""
    return document.invoiced_on if isinstance(document, Invoice) else document.paid_on


def _empty(document: Document) -> bool:
    """Whether there is indeed nothing on it; an outcome alone is not believed."""
    if not document.active:
        return True
    items = document.items if isinstance(document, Invoice) else ()
    return document.total == Decimal(0) and all(item.total == 0 for item in items)
