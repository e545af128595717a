"""Payment journals of our own: made when they are missing, and posted so many payments at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from stsync.core.operations import Operation, Ref, Verb
from stsync.core.plan import Decision
from stsync.core.posting_dates import Policy
from stsync.core.snapshot import BookJournal, Snapshot

STAGE = "payments"
_NUMBER = re.compile(r"ST-P([0-9]+)(?:-([0-9]+))?R?")


@dataclass(frozen=True)
class JournalForm:
    """One of the two kinds of journal, by what Business Central calls its batches and its lines.

    `mark` sets its ledger keys apart: a general journal may have the code of a payment journal, being of another template.
    """

    journals: str
    lines: str
    noun: str
    mark: str = ""


RECEIPTS = JournalForm("customerPaymentJournals", "customerPayments", "payment journal")
REFUNDS = JournalForm("journals", "journalLines", "general journal", "general:")


def journal_form(amount: Decimal | None) -> JournalForm:
    """Money received goes through a payment journal, money paid back (negative) through a general journal."""
    return REFUNDS if amount is not None and amount < 0 else RECEIPTS


@dataclass(frozen=True)
class JournalChoice:
    """A payment journal as the configuration describes it; `balancing_account` is a G/L account number."""

    balancing_account: str | None = None
    name: str = ""


@dataclass(frozen=True)
class RefundJournal:
    """The general journal for money paid back."""

    code: str = "STREFUND"
    name: str = "ServiceTitan refunds"


@dataclass(frozen=True)
class Settings:
    """The choices made in the configuration."""

    go_live: date
    journals: Mapping[str, JournalChoice]
    status: str = "Posted"
    post: bool = True
    payments_per_posting: int = 100
    refunds: RefundJournal = field(default_factory=RefundJournal)
    closed_periods: Policy = "hold"
    unit_dimension: str | None = None


def natural_key(payment_id: str, issue: int = 1) -> str:
    """The document number: from the ServiceTitan id alone. A payment that a person had taken back and made anew is the
    next issue, `ST-P<id>-2`: Business Central refuses no number that was used (facts section 5), so each is used once."""
    return f"ST-P{payment_id}" if issue == 1 else f"ST-P{payment_id}-{issue}"


def counter_key(number: str) -> str:
    """The document number of the entry that takes a posted payment back."""
    return f"{number}R"


def payment_of(document_number: str) -> str:
    """The id of the payment whose document number this is, in any issue, or whose counter entry; else empty."""
    found = _NUMBER.fullmatch(document_number)
    return found[1] if found else ""


def next_issue(taken_back: Iterable[str]) -> int:
    """Which issue comes after the numbers that were taken back."""
    issues = [int(found[2] or 1) for one in taken_back if (found := _NUMBER.fullmatch(one))]
    return 1 + max(issues, default=0)


def number_of(decision: Decision) -> str:
    """The document number under which a payment's lines stand."""
    return decision.document or natural_key(decision.source_id)


def is_ours(document_number: str) -> bool:
    """Whether a journal line carries a document number of ours."""
    return document_number.startswith("ST-P")


def standing_journals(form: JournalForm, snapshot: Snapshot) -> Mapping[str, BookJournal]:
    """The journals of this form that Business Central has, by code."""
    return snapshot.general_journals if form == REFUNDS else snapshot.journals


def new_journals(decisions: Iterable[Decision], snapshot: Snapshot, settings: Settings) -> list[Operation]:
    """Journals that the plan needs and Business Central does not have yet."""
    needed = {(journal_form(one.about.amount), one.journal) for one in decisions if one.journal and one.operations}
    missing = [(form, code) for form, code in needed if code not in standing_journals(form, snapshot)]
    return [_new_journal(form, code, snapshot, settings) for form, code in sorted(missing, key=lambda one: one[1])]


def journal_key(form: JournalForm, code: str, snapshot: Snapshot) -> str:
    """The key of the journal's making; one that was renamed or deleted since is made again under a new key."""
    made = snapshot.journals_made.get(f"{form.mark}{code}", 0)
    return f"journals:{form.mark}{code}:create" + (f":{made + 1}" if made else "")


def new_refund_journal(code: str, snapshot: Snapshot, settings: Settings) -> Operation:
    """The general journal of our own, where Business Central has none yet."""
    return _new_journal(REFUNDS, code, snapshot, settings)


def _new_journal(form: JournalForm, code: str, snapshot: Snapshot, settings: Settings) -> Operation:
    why, body = _refund_journal(code, settings) if form == REFUNDS else _payment_journal(code, snapshot, settings)
    return Operation(
        key=journal_key(form, code, snapshot),
        stage=STAGE,
        source_id=code,
        verb=Verb.CREATE,
        entity=form.journals,
        natural_key=code,
        label=f"{form.noun} {code}",
        why=why,
        body=body,
    )


def _payment_journal(code: str, snapshot: Snapshot, settings: Settings) -> tuple[str, dict[str, Any]]:
    choice = settings.journals[code]
    account = snapshot.accounts[choice.balancing_account or ""]
    why = f"a payment journal that belongs to stsync, balanced by account {account.number}"
    return why, {"code": code, "displayName": choice.name or f"stsync {code}", "balancingAccountId": account.id}


def _refund_journal(code: str, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Without a template it goes into the first general one (facts 2.10), and each line names its own account."""
    why = "a general journal that belongs to stsync; each line is balanced by its own account"
    return why, {"code": code, "displayName": settings.refunds.name}


def postings(decisions: Iterable[Decision], snapshot: Snapshot, settings: Settings) -> list[Operation]:
    """The posting of each journal, so many payments at a time; a posting always posts whole payments."""
    if not settings.post:
        return []
    by_journal: dict[tuple[JournalForm, str], list[Decision]] = {}
    for decision in decisions:
        if decision.journal:
            by_journal.setdefault((journal_form(decision.about.amount), decision.journal), []).append(decision)
    found: list[Operation] = []
    for (form, code), carried in sorted(by_journal.items(), key=lambda entry: (entry[0][0].mark, entry[0][1])):
        journal = standing_journals(form, snapshot).get(code)
        parts = _parts(carried, journal, settings.payments_per_posting)
        found += [_posting(form, code, number, part, snapshot) for number, part in enumerate(parts, start=1)]
    return found


def numbered_on(postings: Iterable[Operation], before: Counter[str]) -> list[Operation]:
    """The postings of a portion, numbered on from those of the portions `before`: no key may name two postings of a run."""
    found: list[Operation] = []
    for posting in postings:
        journal, _, _ = posting.key.rpartition(":")
        before[journal] += 1
        found.append(replace(posting, key=f"{journal}:{before[journal]}"))
    return found


def _parts(carried: Sequence[Decision], journal: BookJournal | None, size: int) -> list[list[Decision]]:
    """The payments of a journal, so many at a time. Those whose lines stand there already go first and together,
    however many: a posting posts everything in the journal (trap 5)."""
    numbers = {line.document_number for line in journal.lines} if journal is not None else set()
    standing = [one for one in carried if number_of(one) in numbers]
    fresh = [one for one in carried if number_of(one) not in numbers]
    beside = max(size - len(standing), 0) if standing else 0
    first = [[*standing, *fresh[:beside]]] if standing else []
    return first + [fresh[start : start + size] for start in range(beside, len(fresh), size)]


def _posting(form: JournalForm, code: str, number: int, carried: Sequence[Decision], snapshot: Snapshot) -> Operation:
    journal = standing_journals(form, snapshot).get(code)
    what = "refund" if form == REFUNDS else "payment"
    return Operation(
        key=f"{STAGE}:{form.mark}{code}:post:{number}",
        stage=STAGE,
        source_id=code,
        verb=Verb.POST,
        entity="journals",
        natural_key=code,
        label=f"{form.noun} {code}",
        why=f"post {len(carried)} {what}{'' if len(carried) == 1 else 's'}",
        target=journal.id if journal else Ref(journal_key(form, code, snapshot)),
        amount=sum((one.about.amount for one in carried if one.about.amount is not None), Decimal(0)),
        facts={
            "payments": tuple(one.source_id for one in carried),
            "numbers": tuple(number_of(one) for one in carried),
        },
    )
