"""Payment journals of our own: made when they are missing, and posted so many payments at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import Decision
from stsync.core.snapshot import BookJournal, Snapshot

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


def natural_key(payment_id: str) -> str:
    """The document number: from the ServiceTitan id alone."""
    return f"ST-P{payment_id}"


def is_ours(document_number: str) -> bool:
    """Whether a journal line carries a document number of ours."""
    return document_number.startswith("ST-P")


def new_journals(decisions: Iterable[Decision], snapshot: Snapshot, settings: Settings) -> list[Operation]:
    """Journals that the plan needs and Business Central does not have yet."""
    needed = sorted({one.journal for one in decisions if one.journal and one.operations} - set(snapshot.journals))
    return [_new_journal(code, settings.journals[code], snapshot) for code in needed]


def journal_key(code: str, snapshot: Snapshot) -> str:
    """The key of the journal's making; one that was renamed or deleted since is made again under a new key."""
    made = snapshot.journals_made.get(code, 0)
    return f"journals:{code}:create" + (f":{made + 1}" if made else "")


def _new_journal(code: str, choice: JournalChoice, snapshot: Snapshot) -> Operation:
    account = snapshot.accounts[choice.balancing_account or ""]
    return Operation(
        key=journal_key(code, snapshot),
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
    return [
        _posting(code, number, part, snapshot)
        for code, carried in sorted(by_journal.items())
        for number, part in enumerate(_parts(carried, snapshot.journals.get(code), settings.payments_per_posting), 1)
    ]


def _parts(carried: Sequence[Decision], journal: BookJournal | None, size: int) -> list[list[Decision]]:
    """The payments of a journal, so many at a time. Those whose lines stand there already go first and together,
    however many: a posting posts everything in the journal (trap 5)."""
    numbers = {line.document_number for line in journal.lines} if journal is not None else set()
    standing = [one for one in carried if natural_key(one.source_id) in numbers]
    fresh = [one for one in carried if natural_key(one.source_id) not in numbers]
    beside = max(size - len(standing), 0) if standing else 0
    first = [[*standing, *fresh[:beside]]] if standing else []
    return first + [fresh[start : start + size] for start in range(beside, len(fresh), size)]


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
        target=journal.id if journal else Ref(journal_key(code, snapshot)),
        amount=sum((one.about.amount for one in carried if one.about.amount is not None), Decimal(0)),
        facts={"payments": tuple(one.source_id for one in carried)},
    )
