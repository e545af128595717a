"""Write-back: ServiceTitan is told which documents are in the books, and under which number.

What a bookkeeper can rely on:
- nothing is marked before Business Central has confirmed its posting (users' need 20);
- a document that was corrected and issued anew is marked again, with its new number;
- a document that a person put aside, or whose change after posting is still to be settled, is not marked;
- a mark that fails is a record of its own: it is tried again, and the document in the books is not touched by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import TO_APPLY, About, Decision, Standing, act, settle
from stsync.stages.payment_journals import number_of

STAGE = "write_backs"
TOLD = "told"
MESSAGE = "Posted in Business Central by stsync"
# The records that can be marked, as ServiceTitan's resources and as people call them.
RESOURCES = MappingProxyType({"invoices": "invoices", "credit_memos": "credit-memos", "payments": "payments"})
ONE = MappingProxyType({"invoices": "invoice", "credit_memos": "credit-memo", "payments": "payment"})
_ID_FIELD = MappingProxyType({"invoices": "invoiceId", "credit_memos": "creditMemoId"})
_IN_BOOKS = frozenset({"posted", TO_APPLY})
_OPEN = frozenset({"pending", "waiting", "held"})
Key = tuple[str, str]


@dataclass(frozen=True)
class InBooks:
    """A document that is in the books. `number` is its number there, or a reference to the posting that brings it.

    `here` is true when this very plan posts it; `settled` when nothing about it is left for a person to decide.
    """

    kind: str
    id: str
    number: str | Ref
    about: About
    settled: bool = True
    here: bool = False


@dataclass(frozen=True)
class Mark:
    """What was told so far: `number` is what the mark was about last, `told` what ServiceTitan surely knows."""

    state: str = ""
    outcome: str = ""
    number: str = ""
    told: str = ""
    revision: int = 1


@dataclass(frozen=True)
class Known:
    """All that decides about marks besides the plan's own decisions.

    `kinds` are the records to be marked, `looked_at` those that this run speaks of; `posted` are documents that the
    ledger knows and ServiceTitan may not; `exported` show Exported in ServiceTitan already, with the number that they
    show (`exportId`), empty where there is none; with `trusted` they were told so by us.
    """

    kinds: Collection[str] = ()
    looked_at: Collection[str] = ()
    posted: Iterable[InBooks] = ()
    marks: Mapping[str, Mark] = field(default_factory=dict)
    exported: Mapping[Key, str] = field(default_factory=dict)
    trusted: bool = False


def source_id(kind: str, record_id: str) -> str:
    """The mark's own name: invoice-71000001."""
    return f"{ONE[kind]}-{record_id}"


def record_of(mark_id: str) -> Key:
    """The document that a mark is about."""
    one, record_id = mark_id.rsplit("-", 1)
    return next(kind for kind, name in ONE.items() if name == one), record_id


def plan(decided: Iterable[Decision], known: Known) -> list[Decision]:
    """Decide about every mark; `decided` are the plan's decisions about the documents themselves."""
    decisions = {(one.kind, one.source_id): one for one in decided}
    documents = {(one.kind, one.id): one for one in known.posted if one.kind in known.kinds}
    posting = (one for one in decisions.values() if one.kind in known.kinds and _posts(one))
    documents.update({(one.kind, one.source_id): _posted_here(one) for one in posting})
    told = [_decide(one, decisions.get(key), known) for key, one in documents.items()]
    return [*_put_aside(documents, known), *(one for one in told if one is not None)]


def _posts(decision: Decision) -> bool:
    return decision.standing == Standing.ACT and decision.outcome == "posted"


def _posted_here(decision: Decision) -> InBooks:
    return InBooks(decision.kind, decision.source_id, _number(decision), decision.about, here=True)


def _number(decision: Decision) -> str | Ref:
    if decision.kind == "payments":
        return number_of(decision)
    last = decision.operations[-1]
    return Ref(last.key, "number") if last.verb == Verb.POST else str(last.facts.get("number") or last.natural_key)


def _decide(document: InBooks, decision: Decision | None, known: Known) -> Decision | None:
    mark_id = source_id(document.kind, document.id)
    mark = known.marks.get(mark_id, Mark())
    if mark.state == "dead" or (mark.outcome == "by_hand" and document.number == mark.number):
        return None
    if not _at_rest(document, decision) or document.number == mark.told:
        return settle(STAGE, mark_id, _about(document), _aside(mark)) if mark.state in _OPEN else None
    write = _mark(document, mark_id, mark.revision, Verb.ADOPT if _shows_it(document, known) else Verb.MARK)
    return act(STAGE, mark_id, _about(document), [write], outcome=TOLD)


def _shows_it(document: InBooks, known: Known) -> bool:
    """Whether ServiceTitan shows already what it would be told: after a lost answer or a lost state.

    A payment's mark has no room for a number, so one that shows Exported has nothing left to learn. That a mark's number
    comes back as `exportId` is not written anywhere (facts section 3.1 has the field): where it does not, the mark is
    sent once more, and sets the same state and the same number.
    """
    shown = known.exported.get((document.kind, document.id))
    return shown is not None and (document.kind == "payments" or known.trusted or shown == document.number)


def _aside(mark: Mark) -> str:
    """How an open mark ends without being sent: it was told, and a crash came before that was noted; or it is not due."""
    return TOLD if mark.told and mark.told == mark.number else "ignored"


def _at_rest(document: InBooks, decision: Decision | None) -> bool:
    if decision is None:
        return document.settled
    return _posts(decision) or (decision.standing == Standing.SETTLE and decision.outcome in _IN_BOOKS)


def _put_aside(documents: Collection[Key], known: Known) -> Iterator[Decision]:
    """Open marks of documents that are not to be marked any more: switched off, or no longer in the books."""
    for mark_id, mark in known.marks.items():
        kind, record_id = record_of(mark_id)
        if mark.state in _OPEN and kind in known.looked_at and (kind, record_id) not in documents:
            yield settle(STAGE, mark_id, About(number=f"{ONE[kind]} {record_id}"), _aside(mark))


def _about(document: InBooks) -> About:
    return About(
        number=f"{ONE[document.kind]} {document.about.number or document.id}",
        name=document.about.name,
        on=document.about.on,
    )


def _mark(document: InBooks, mark_id: str, revision: int, verb: Verb) -> Operation:
    suffix = f":{revision}" if revision > 1 else ""
    number = document.number
    told = verb == Verb.ADOPT
    return Operation(
        key=f"{STAGE}:{mark_id}:{verb}{suffix}",
        stage=STAGE,
        source_id=mark_id,
        verb=verb,
        entity=RESOURCES[document.kind],
        natural_key=mark_id,
        label=f"{_about(document).number}, {document.about.name}",
        why="shows as exported already; nothing is sent" if told else _why(number),
        body={} if told else _body(document),
        target=document.id,
        after=(number.key,) if isinstance(number, Ref) else (),
        facts={"record": [document.kind, document.id], "number": number, "here": document.here},
    )


def _why(number: str | Ref) -> str:
    return f"in the books as {number}" if isinstance(number, str) else "in the books, once it is posted"


def _body(document: InBooks) -> dict[str, Any]:
    """One row of the request; a payment's mark has no room for a number (facts section 4)."""
    if document.kind == "payments":
        return {"paymentId": int(document.id), "status": "Exported"}
    return {_ID_FIELD[document.kind]: int(document.id), "externalId": document.number, "externalMessage": MESSAGE}
