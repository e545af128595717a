"""Two runs at the same moment on one company, each with a state file of its own (two computers): neither posts twice.

Business Central refuses no second draft of an external document number and no second payment of a document number (facts
section 5), so the lock on the state file is no help. What holds instead: each run looks once more after it has made its
draft or line, and before it posts. Whoever came second surely sees the other's, and does not post. If both see both,
neither posts, the younger draft is deleted by the run that made it, and the next run goes on with the older.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stsync.core.operations import Operation, Verb
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.core.sales import Draft
from stsync.core.snapshot import stands
from stsync.errors import LockHeld

_DRAFTS = frozenset({"Draft", "In Review"})
_REFERENCE = "made-by-another-run"


def twins(posting: Operation, target: str, drafts: Mapping[str, Draft]) -> list[Draft]:
    """Documents with the number of the one that is to be posted, apart from itself and from those that stand for nothing."""
    ended = posting.facts.get("ended", ())
    return [
        one
        for one in drafts.values()
        if one.key == posting.natural_key
        and one.id != target
        and one.id not in ended
        and stands(one.status, posting.entity)
    ]


def gives_way(own: Draft, others: Iterable[Draft]) -> bool:
    """Whether ours goes: the other is posted (or released by a person), or was made before it, as the numbers tell."""
    return any(one.status not in _DRAFTS or _age(one) < _age(own) for one in others)


def _age(draft: Draft) -> tuple[int, str, str]:
    """Numbers of one series count up; the id settles what two series leave open, so that both runs say the same."""
    return len(draft.number), draft.number, draft.id


def deletion(posting: Operation, own: Draft) -> Operation:
    """Our own draft, not posted, if it still is as it was read."""
    return Operation(
        key=f"{posting.stage}:{posting.source_id}:delete:twin:{own.id}",
        stage=posting.stage,
        source_id=posting.source_id,
        verb=Verb.DELETE,
        entity=posting.entity,
        natural_key=posting.natural_key,
        label=posting.label,
        why=f"our own draft {own.number}: another run made the same document at the same moment",
        target=own.id,
        etag=own.etag or "*",
    )


def documents(decision: Decision, key: str, own: str, others: Iterable[Draft], *, gone: bool) -> Reason:
    """Why an invoice or credit memo waits."""
    numbers = ", ".join(one.number for one in others)
    became = f"Ours, draft {own}, was deleted again" if gone else f"Ours, draft {own}, stands and was not posted"
    return _reason(
        f"{decision.kind.removesuffix('s').replace('_', ' ').capitalize()} {decision.about.number}, {decision.about.name}, "
        f"was made by another run of stsync at the same moment: Business Central holds {numbers} under {key} too. {became}."
    )


def line(document_number: str, journal: str) -> Reason:
    """Why a payment waits whose line stands in the journal already."""
    return _reason(
        f"Another run of stsync put payment {document_number} into the journal {journal} at the same moment. It was not put "
        "there a second time."
    )


def posted(document_number: str, journal: str) -> Reason:
    """Why a payment waits that was posted while our line was being made."""
    return _reason(
        f"Another run of stsync posted payment {document_number} while it was being put into the journal {journal} here; our "
        "line was taken out again."
    )


def _reason(message: str) -> Reason:
    return Reason(_REFERENCE, f"{message} Nothing is twice in the books.", _HINT)


_HINT = (
    "Find the other computer, or the other state file, with which stsync runs for this company, and stop one of the two "
    "(Business Central does not say which it is). The next run takes on what is there."
)


def stopped(reason: Reason, count: int) -> LockHeld:
    """Why the whole run ends: the other one does the work."""
    more = f" The same happened to {count - 1:,} more." if count > 1 else ""
    return LockHeld(
        "another-run-on-company",
        f"Another run of stsync is at work on the same company in Business Central, with a state file of its own, so this "
        f"one stopped. {reason.message}{more}",
        hint=reason.hint,
    )
