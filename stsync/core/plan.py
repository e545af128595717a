"""The decision about every record, and the operations that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from stsync.core.operations import Operation, Verb, digest, shown
from stsync.core.reasons import Reason

# How a document settles that is right in the books, except that a person has to apply it there: posted entries cannot be
# applied through the API (facts section 5, "No ledger entity").
TO_APPLY = "to_apply"


class Standing(StrEnum):
    """Where a record stands after planning."""

    ACT = "act"  # operations will be sent
    SETTLE = "settle"  # nothing to send, and that is right
    WAIT = "wait"  # something else must happen first; no error
    HOLD = "hold"  # a person must decide or repair something


@dataclass(frozen=True)
class About:
    """How people know a record."""

    number: str = ""
    name: str = ""
    on: date | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class Decision:
    """What happens to one record, and by which rules.

    `outcome` names how it settles, when it does; `journal` is the journal that posts it, `document` the document number
    that its lines bear there; `fingerprint` is the source as
    it will have been carried over; `asks` are natural keys that must be looked up in the books before the decision
    stands, though it writes nothing; `afterwards` is what a person has to do in the books once it stands there; `kept` is
    what the ledger keeps of it beside each of its writes.
    """

    kind: str
    source_id: str
    standing: Standing
    about: About
    operations: tuple[Operation, ...] = ()
    reason: Reason | None = None
    outcome: str = ""
    rules: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    journal: str = ""
    document: str = ""
    asks: tuple[str, ...] = ()
    afterwards: Reason | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


def act(kind: str, source_id: str, about: About, operations: Iterable[Operation], **more: object) -> Decision:
    """A record whose operations will be sent."""
    return Decision(kind, source_id, Standing.ACT, about, operations=tuple(operations), **more)  # type: ignore[arg-type]


def hold(kind: str, source_id: str, about: About, reason: Reason, **more: object) -> Decision:
    """A record that a person must look at."""
    return Decision(kind, source_id, Standing.HOLD, about, reason=reason, **more)  # type: ignore[arg-type]


def wait(kind: str, source_id: str, about: About, reason: Reason, **more: object) -> Decision:
    """A record that waits for another one."""
    return Decision(kind, source_id, Standing.WAIT, about, reason=reason, **more)  # type: ignore[arg-type]


def settle(kind: str, source_id: str, about: About, outcome: str, **more: object) -> Decision:
    """A record that needs nothing sent."""
    return Decision(kind, source_id, Standing.SETTLE, about, outcome=outcome, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Plan:
    """All decisions of a run, in the order they will be carried out."""

    decisions: tuple[Decision, ...]
    preparations: tuple[Operation, ...] = ()
    postings: tuple[Operation, ...] = ()

    def operations(self) -> Iterator[Operation]:
        """Every operation: journals to be made, each record's own, then the postings that carry many payments."""
        yield from self.preparations
        for decision in self.decisions:
            yield from decision.operations
        yield from self.postings

    def of(self, kind: str, standing: Standing | None = None) -> list[Decision]:
        """The decisions of one kind, or only those of one standing."""
        return [one for one in self.decisions if one.kind == kind and standing in (None, one.standing)]

    @property
    def digest(self) -> str:
        """A hash of everything that would be sent, for comparing a preview with a run."""
        return digest_of(self.operations())


class Planned(Protocol):
    """A plan as it is read: of one sitting (Plan), or of a whole run, kept on disk in portions (engine/spool.py)."""

    @property
    def decisions(self) -> Collection[Decision]: ...
    @property
    def digest(self) -> str: ...
    def operations(self) -> Iterator[Operation]: ...
    def of(self, kind: str, standing: Standing | None = None) -> list[Decision]: ...


def digest_of(operations: Iterable[Operation]) -> str:
    """A hash of everything that these operations send, whatever their order and however payments share a posting.

    How a plan is cut into portions decides about both, and changes nothing in the books. The hashes are added up, so that
    none has to be kept: nobody looks for another plan with the same sum.
    """
    total = sum(int(digest(part), 16) for operation in operations for part in _sent(operation))
    return f"{total % 2**256:064x}"


def _sent(operation: Operation) -> Iterator[list[Any]]:
    """What an operation says, in parts: a posting of a journal is one for each payment."""
    numbers = operation.facts.get("numbers", ()) if operation.verb == Verb.POST else ()
    yield from ([operation.stage, operation.verb, operation.natural_key, number] for number in numbers)
    if not numbers:
        yield [operation.key, operation.verb, operation.entity, shown(operation.body)]
