"""What the ledger remembers of one source record: its counterpart in the books and how far it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from stsync.core.canonical import parse_json
from stsync.core.operations import Verb
from stsync.core.reasons import Reason


class LedgerEntry(Protocol):
    """The part of a ledger row that a decision looks at."""

    @property
    def key(self) -> str: ...
    @property
    def verb(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def target_id(self) -> str | None: ...
    @property
    def target_number(self) -> str | None: ...
    @property
    def digest(self) -> str: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def body(self) -> str: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...
    @property
    def reason(self) -> Reason | None: ...


BASELINE = "baseline"
# Marks the keys of writes that take a posted document back: they make no counterpart of the record.
REVERSAL = "reversal-"


def is_reversal(key: str) -> bool:
    """Whether this is the key of a write on the credit memo or line that takes a posted document back."""
    return key.split(":", 3)[2].startswith(REVERSAL) if key.count(":") > 2 else False


@dataclass(frozen=True)
class Link:
    """One record's counterpart. `fingerprint` is the source as it was when it was carried over, `customer` the number
    of the card that the document went to.

    `base` holds, for pricebook entries, each field as both systems had it when they were last looked at, `sent`
    what the write said whose answer never came.
    `revision` numbers the next create or update, so that no key is ever used for two different writes;
    `attempt` goes up each time something of ours was deleted to be made anew.
    `refusal` is why Business Central last refused to post it; a draft made anew keeps it in mind.
    `settled` is false while a write was sent whose answer never came; `entity` is the set that holds the counterpart.
    `ended` are the ids of former counterparts that a person had taken back (stsync correct): they stand for nothing.
    `origin` is "baseline" for an invoice from before go_live that a person linked to its opening document. Where that
    was posted through a journal there is no sales invoice: `id` is then empty, and `number` is its document number.
    `carried` are a customer's fields as ServiceTitan had them when they were last carried over, or linked; of a payment,
    how it reached the books (stages/payment_parts.py); of an invoice, what took its former counterpart back.
    """

    id: str = ""
    number: str = ""
    fingerprint: str = ""
    digest: str = ""
    total: Decimal | None = None
    customer: str = ""
    posted: bool = False
    settled: bool = True
    revision: int = 1
    attempt: int = 1
    base: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    entity: str = ""
    ended: frozenset[str] = frozenset()
    carried: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""

    @property
    def is_baseline(self) -> bool:
        """Whether the counterpart is an opening document, which stsync did not make."""
        return self.origin == BASELINE

    @property
    def exists(self) -> bool:
        """Whether the books surely hold a counterpart."""
        return bool(self.id)


def link(entries: Iterable[LedgerEntry]) -> Link:
    """Read a record's ledger rows, oldest first, into its present link."""
    state = Link()
    for entry in entries:
        state = _after(state, entry)
    return state


def _after(state: Link, entry: LedgerEntry) -> Link:
    if is_reversal(entry.key):
        return state
    if entry.state == "refused":
        refused = entry.verb == Verb.POST and entry.reason is not None
        return replace(state, refusal=entry.reason.reference) if refused and entry.reason else state
    if entry.state == "intended":
        return replace(state, settled=False, sent=parse_json(entry.body))
    carried = entry.detail.get("carried") or state.carried
    if entry.verb == Verb.CONFIRM:
        return replace(state, carried=carried)
    revision = state.revision + (entry.verb != Verb.POST)
    if entry.verb == Verb.DELETE:
        return Link(revision=revision, attempt=state.attempt + 1, ended=state.ended, refusal=state.refusal)
    if entry.verb == Verb.CANCEL:
        # A cancellation that failed halfway leaves a credit memo of the same number that stands for nothing either.
        gone = {entry.target_id or state.id, *entry.detail.get("ended", ())}
        return Link(revision=revision, attempt=state.attempt + 1, ended=state.ended | gone, carried=carried)
    if entry.verb == Verb.POST:
        # What was posted is the source as it was then: it may have changed since the draft without changing its body.
        fingerprint = str(entry.detail.get("fingerprint") or state.fingerprint)
        number = entry.target_number or state.number
        return replace(state, posted=True, number=number, fingerprint=fingerprint, carried=carried)
    return replace(
        state,
        id=entry.target_id or state.id,
        number=entry.target_number or state.number,
        fingerprint=str(entry.detail.get("fingerprint", state.fingerprint)),
        digest=entry.digest,
        total=entry.amount,
        customer=str(entry.detail.get("customer") or state.customer),
        base=entry.detail.get("base") or state.base,
        posted=state.posted or bool(entry.detail.get("posted")),
        origin=str(entry.detail.get("origin") or state.origin),
        revision=revision,
        entity=entry.entity,
        carried=carried,
    )
