"""Held, dead and waiting records, grouped by cause: one cause is one thing to do, however many documents it stops."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from stsync.businesscentral.problems import comparable
from stsync.core.reasons import Reason
from stsync.reports.meanings import meaning
from stsync.reports.words import KINDS
from stsync.state import InboxRow, State

# What differs between two records with one cause: amounts, days, positions and the numbers of documents.
_AMOUNT = re.compile(r"(?<![\w-])-?\d[\d,]*\.\d{2}\b")
_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_POSITION = re.compile(r"\bline \d+")
_GUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_NUMBER = re.compile(
    r"\b(invoices?|drafts?|payments?|customers?|document number|posted as|correct) (?=[\w./-]*\d)[\w/-]+(?:\.[\w/-]+)*",
    re.IGNORECASE,
)
_CONFIG_LINE = re.compile(r"[a-z_]+\.[a-z_.]+:\s")
_NOT_READY = Reason(
    "not-ready", "Not posted in ServiceTitan yet.", "Nothing to do here: it follows once ServiceTitan has posted it."
)


@dataclass(frozen=True)
class Record:
    """One record that is not in the books, as people know it; `reason` is its own, word for word."""

    stage: str
    source_id: str
    number: str
    customer: str
    dated: str
    amount: Decimal | None
    attempts: int
    changed_at: datetime
    reason: Reason


@dataclass(frozen=True)
class Cause:
    """Records of one stage and state with one cause.

    `message` and `hint` have … where the records differ; `config_lines` are the lines to add, each once.
    """

    state: str
    stage: str
    reference: str
    message: str
    meaning: str
    hint: str
    config_lines: tuple[str, ...]
    records: tuple[Record, ...]

    @property
    def amount(self) -> Decimal:
        """All its records' money."""
        return sum((one.amount for one in self.records if one.amount is not None), Decimal(0))

    @property
    def vendor_words(self) -> tuple[str, ...]:
        """What the vendor said, each sentence once; correlation ids stay with the records."""
        return tuple(dict.fromkeys(comparable(one.reason.note) for one in self.records if one.reason.note))

    @property
    def differ(self) -> bool:
        """Whether the records' own messages say more than the common one."""
        return any(one.reason.message != self.message for one in self.records)


def causes(state: State, states: Collection[str], stages: Collection[str] = KINDS) -> list[Cause]:
    """The causes behind all records in these inbox states, most money first."""
    found = [
        cause for stage in KINDS if stage in stages for cause in _grouped(state.inbox.rows(stage, states), _own_reason)
    ]
    return sorted(found, key=_weight)


def not_ready(state: State, stages: Collection[str] = KINDS) -> list[Cause]:
    """The documents that ServiceTitan has not posted yet."""
    rows = (
        row
        for stage in KINDS
        if stage in stages
        for row in state.inbox.rows(stage, ("settled",))
        if row.outcome == "not_ready"
    )
    return sorted(_grouped(rows, lambda _: _NOT_READY), key=_weight)


def _weight(cause: Cause) -> tuple[Decimal, int, str, str]:
    return (-abs(cause.amount), -len(cause.records), cause.stage, cause.message)


def _own_reason(row: InboxRow) -> Reason:
    return row.reason or Reason("unknown", "No reason was noted.", "Run: stsync sync")


def _grouped(rows: Iterable[InboxRow], reason_of: Any) -> Iterator[Cause]:
    keyed = []
    for row in rows:
        reason: Reason = reason_of(row)
        record = _record(row, reason)
        prose, lines = split_hint(reason.hint)
        pattern = (row.kind, row.state, reason.reference, common(reason.message, record), common(prose, record))
        keyed.append((pattern, record, lines))
    keyed.sort(key=lambda one: one[0])
    for (stage, where, reference, message, hint), group in groupby(keyed, key=lambda one: one[0]):
        members = list(group)
        records = [record for _, record, _ in members]
        yield Cause(
            state=where,
            stage=stage,
            reference=reference,
            message=_said_by_all([one.reason.message for one in records], message),
            meaning=meaning(reference, stage, where),
            hint=_said_by_all([split_hint(one.reason.hint)[0] for one in records], hint),
            config_lines=tuple(dict.fromkeys(line for _, _, lines in members for line in lines)),
            records=tuple(sorted(records, key=lambda one: (-abs(one.amount or Decimal(0)), one.number))),
        )


def _record(row: InboxRow, reason: Reason) -> Record:
    return Record(
        stage=row.kind,
        source_id=row.source_id,
        number=row.number or row.source_id,
        customer=row.customer_name or "",
        dated=row.on or "",
        amount=row.amount,
        attempts=row.attempts,
        changed_at=row.changed_at,
        reason=reason,
    )


def _said_by_all(texts: list[str], pattern: str) -> str:
    return texts[0] if len(set(texts)) == 1 else pattern


def common(text: str, record: Record) -> str:
    """The part of a message that other records with the same cause share; the rest is an ellipsis."""
    for own in (record.customer, record.number, f"ST-{record.source_id}", f"ST-P{record.source_id}"):
        if len(own) > 2:
            text = re.sub(rf"(?<![\w-]){re.escape(own)}(?![\w-])", "…", text)
    for pattern in (_GUID, _AMOUNT, _DAY):
        text = pattern.sub("…", text)
    text = _NUMBER.sub(lambda match: f"{match.group(1)} …", text)
    return _POSITION.sub("line …", text)


def split_hint(hint: str) -> tuple[str, list[str]]:
    """A hint as prose, and the lines to add to the configuration."""
    lines = hint.split("\n")
    prose = [line for line in lines if not _CONFIG_LINE.match(line)]
    return "\n".join(prose).strip(), [line.strip() for line in lines if _CONFIG_LINE.match(line)]


def document(cause: Cause) -> dict[str, Any]:
    """A cause for --json, with every record and its own words."""
    return {
        "state": cause.state,
        "stage": cause.stage,
        "reference": cause.reference,
        "message": cause.message,
        "meaning": cause.meaning,
        "hint": cause.hint,
        "config_lines": list(cause.config_lines),
        "vendor_words": list(cause.vendor_words),
        "count": len(cause.records),
        "amount": cause.amount,
        "records": [asdict(record) for record in cause.records],
    }
