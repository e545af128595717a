"""The life of one record in time order: what was read, decided, sent and answered, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stsync.core.canonical import parse_json
from stsync.core.links import Link, link
from stsync.reports.changes import Change, changes
from stsync.reports.entries import sentence
from stsync.reports.words import ONE, outcome_words
from stsync.stages.payment_journals import natural_key, next_issue
from stsync.state import AuditRow, InboxRow, LedgerRow, State, Version

# An answer is written down at most this long after its request; no search goes further.
_LATEST_ANSWER = timedelta(hours=1)
_NEXT_AFTER = {
    (
        "draft",
        "invoices",
    ): "A person posts it in Business Central, page Sales Invoices; the next sync takes note of it.",
    (
        "draft",
        "payments",
    ): "A person posts it in Business Central, page Cash Receipt Journals; the next sync takes note of it.",
}
_FIRST_SHOWN = ("syncStatus", "invoiceDate", "date", "total", "type", "name", "displayName", "number")


@dataclass(frozen=True)
class Event:
    """One thing that happened. `lines` say more; `detail` is everything that was written down about it."""

    at: datetime
    event: str
    text: str
    lines: tuple[str, ...]
    run_id: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Life:
    """A record, everything that happened to it, and what comes next."""

    row: InboxRow
    link: Link
    stands: str
    next: str
    events: tuple[Event, ...]
    writes: tuple[LedgerRow, ...]
    versions: tuple[Version, ...]

    @property
    def number(self) -> str:
        """The number that Business Central shows; empty while the books surely hold nothing."""
        return _book_number(self.row, self.link)


def life(state: State, row: InboxRow) -> Life:
    """Collect the life of a record from inbox, ledger and audit."""
    writes = state.ledger.by_source(row.kind, row.source_id)
    versions = state.inbox.versions(row.kind, row.source_id)
    known = link(writes)
    own = [*state.audit.rows(stage=row.kind, source_id=row.source_id), *_journal_postings(state, row, writes)]
    audited = sorted([*own, *_sent(state, own, writes)], key=lambda one: one.id)
    told = [*_read(row.kind, versions), *(_event(one) for one in audited)]
    return Life(
        row=row,
        link=known,
        stands=_stands(row, known),
        next=_next(row, known),
        events=tuple(sorted(told, key=lambda one: one.at)),
        writes=tuple(writes),
        versions=tuple(versions),
    )


def _event(row: AuditRow) -> Event:
    text, lines = sentence(row)
    return Event(row.at, row.event, text, lines, row.run_id, row.detail)


def _read(kind: str, versions: Iterable[Version]) -> Iterator[Event]:
    """The versions as events; a copy that a feed brought late, and that changed nothing, is told as such."""
    source = "Business Central" if kind == "pricebook" else "ServiceTitan"
    current: Version | None = None
    for version in sorted(versions, key=lambda one: one.seen_at):
        stamp = {"modified_at": version.modified_at, "hash": version.hash}
        if current is None and kind == "write_backs":
            yield Event(version.seen_at, "read", "In the books; ServiceTitan is to be told.", (), "", stamp)
        elif current is None:
            lines = tuple(f"{name}: {version.content[name]}" for name in _FIRST_SHOWN if version.content.get(name))
            yield Event(version.seen_at, "read", f"Read from {source}.", lines, "", stamp)
        elif _is_older(version, current):
            text = f"An older copy came late from {source}; it was kept, not used."
            yield Event(version.seen_at, "older-copy", text, (), "", stamp)
            continue
        else:
            found = changes(current.content, version.content)
            yield _changed(version, source, found, stamp)
        current = version


def _changed(version: Version, source: str, found: list[Change], stamp: dict[str, Any]) -> Event:
    lines = tuple(str(one) for one in found) or ("only the time of the last change",)
    detail = {**stamp, "changes": [asdict(one) for one in found]}
    return Event(version.seen_at, "changed", f"Changed in {source}.", lines, "", detail)


def _is_older(one: Version, other: Version) -> bool:
    first, second = _moment(one.modified_at), _moment(other.modified_at)
    return first is not None and second is not None and first < second


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _journal_postings(state: State, row: InboxRow, writes: Iterable[LedgerRow]) -> Iterator[AuditRow]:
    """The postings of the whole journal that this payment was in; they stand under the journal's own code."""
    if row.kind != "payments":
        return
    # Without a word which journal it was, every posting has to be asked.
    codes = {str(one.detail["journal"]) for one in writes if one.detail.get("journal")}
    named = [one for code in sorted(codes) for one in state.ledger.by_source("payments", code) if one.state == "done"]
    for posting in named if codes else state.ledger.links("payments"):
        if posting.entity == "journals" and row.source_id in posting.detail.get("payments", ()):
            entries = state.audit.rows(stage="payments", source_id=posting.source_id)
            yield from (entry for entry in entries if entry.detail.get("key") == posting.key)


def _sent(state: State, own: Iterable[AuditRow], writes: Iterable[LedgerRow]) -> Iterator[AuditRow]:
    """The requests on the wire that belong to the record, known by their request id or by the id in their address."""
    entries = [one for one in own if one.event in {"intended", "done", "refused", "dimension-set"}]
    if not entries:
        return
    requests = {str(one.detail["request_id"]) for one in entries if one.detail.get("request_id")}
    targets = {row.target_id for row in writes if row.target_id and len(row.target_id) == 36}
    last = max(one.at for one in entries) + _LATEST_ANSWER
    before: AuditRow | None = None
    intents = {one.id for one in entries if one.event == "intended"}
    for row in state.audit.rows(since=min(one.at for one in entries), after=min(one.id for one in entries) - 1):
        if row.at > last:
            return
        if row.event != "sent":
            before = row
            continue
        ids = {str(row.detail.get("request_id")), str(row.detail.get("correlation_id"))}
        url = str(row.detail.get("url", ""))
        if ids & requests or any(target in url for target in targets):
            yield row
        elif before is not None and before.id in intents and _unanswered(row, before):
            yield replace(row, detail={**row.detail, "by_place": True})


def _unanswered(row: AuditRow, intent: AuditRow) -> bool:
    """A request without a good answer, right after an intent for the same kind of thing: no id ties the two."""
    status = row.detail.get("status") or 0
    return (status == 0 or status >= 500) and str(intent.detail.get("entity")) in str(row.detail.get("url", ""))


def _book_number(row: InboxRow, known: Link) -> str:
    """A payment's lines carry its own document number; what Business Central gives a line is no number to people."""
    if row.kind == "payments" and known.exists:
        return known.number if known.posted else natural_key(row.source_id, next_issue(known.ended))
    return known.number


def _stands(row: InboxRow, known: Link) -> str:
    number = f" as {_book_number(row, known)}" if _book_number(row, known) else ""
    if not known.settled and row.state != "settled":
        return "In doubt: a write was sent, or was about to be, and its end is not known."
    if row.outcome == "draft":
        what = "in the payment journal" if row.kind == "payments" else "as a draft"
        return f"In Business Central {what}{number.replace(' as', ',')}: left for a person to post."
    if row.state == "settled":
        return f"Settled: {outcome_words(row.outcome)}{number if known.exists or known.posted else ''}."
    if row.state == "pending":
        earlier = f" Business Central holds an earlier version{number}." if known.exists else ""
        return f"New or changed: the next sync decides about it.{earlier}"
    message = row.reason.message if row.reason else ""
    if row.state == "dead":
        return f"Dead after {row.attempts} refusal{'' if row.attempts == 1 else 's'}: {message}"
    return f"{row.state.capitalize()}: {message}"


def _next(row: InboxRow, known: Link) -> str:
    hint = row.reason.hint if row.reason else ""
    if row.kind == "write_backs" and row.state in {"waiting", "pending"}:
        return "The next sync tells ServiceTitan, again if need be; that does no harm."
    if not known.settled and row.state != "settled":
        return "The next sync looks in the books by its number before anything is repeated."
    if row.state == "settled":
        if row.outcome == "not_ready":
            return "It follows by itself once ServiceTitan has posted it."
        if row.outcome == "to_apply" and row.reason is not None:
            return f"{row.reason.message} {hint}"
        if row.outcome == "by_hand":
            again = f"stsync ignore {ONE[row.kind]} {row.source_id} --undo"
            return f"Nothing, unless it changes in ServiceTitan. To put it back in the queue: {again}"
        return _NEXT_AFTER.get((row.outcome or "", row.kind)) or "Nothing, unless it changes."
    if row.state == "pending":
        return "Run stsync sync; stsync sync --dry-run shows what it would do."
    if row.state == "dead":
        again = f"stsync replay --stage {row.kind} --id {row.source_id}"
        return f"{hint} Then run: {again}".strip()
    return hint or "The next sync looks at it again."


def document(answer: Life) -> dict[str, Any]:
    """The whole life for --json."""
    row = answer.row
    return {
        "kind": ONE[row.kind],
        "source_id": row.source_id,
        "number": row.number,
        "customer": row.customer_name,
        "dated": row.on,
        "amount": row.amount,
        "state": row.state,
        "outcome": row.outcome,
        "attempts": row.attempts,
        "reason": asdict(row.reason) if row.reason else None,
        "stands": answer.stands,
        "next": answer.next,
        "in_books": {"id": answer.link.id, "number": answer.number, "posted": answer.link.posted},
        "events": [asdict(event) for event in answer.events],
        "writes": [_write_document(write) for write in answer.writes],
        "versions": [asdict(version) for version in answer.versions],
    }


def _write_document(row: LedgerRow) -> dict[str, Any]:
    fields = asdict(row)
    return {**fields, "body": parse_json(row.body) if row.body else None}
