"""What the state file holds, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple

from stsync.core.canonical import parse_json
from stsync.core.reasons import Reason
from stsync.state.packing import unpacked

InboxState = Literal["pending", "waiting", "held", "dead", "settled"]
LedgerState = Literal["intended", "done", "refused"]


@dataclass(frozen=True)
class Pin:
    """The one pair of systems a state file belongs to. The company is known by its id; its name may change."""

    st_tenant: str
    st_environment: str
    bc_tenant: str
    bc_environment: str
    bc_company_id: str
    bc_company_name: str


class Cursor(NamedTuple):
    """How far a feed has been read, and when it was last read."""

    feed: str
    token: str | None
    read_at: datetime | None


@dataclass(frozen=True)
class Incoming:
    """One record as a feed delivered it; `modified_at` is the source's own text.

    `parent` is the record it belongs to, for example a contact's customer.
    """

    source_id: str
    modified_at: str | None
    content: Mapping[str, Any]
    parent: str | None = None


class Stored(NamedTuple):
    """What a page of records changed. `older` counts copies older than the one we have: kept, but not acted on.

    `parents` are those of new and changed records.
    """

    new: int
    changed: int
    unchanged: int
    older: int = 0
    parents: frozenset[str] = frozenset()


@dataclass(frozen=True)
class InboxRow:
    """One source record and where it stands."""

    kind: str
    source_id: str
    state: InboxState
    outcome: str | None
    hash: str
    modified_at: str | None
    first_seen_at: datetime
    changed_at: datetime
    last_seen_at: datetime
    attempts: int
    reason: Reason | None
    run_id: str | None
    number: str | None
    amount: Decimal | None
    customer_name: str | None
    on: str | None
    packed_content: bytes = field(repr=False)

    @property
    def content_json(self) -> str:
        """The record as JSON text."""
        return unpacked(self.packed_content)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The record as the source sent it: numbers with a point are Decimals, whole numbers ints."""
        parsed: dict[str, Any] = parse_json(self.content_json)
        return parsed


class Total(NamedTuple):
    """How many, and for how much; records without an amount count as zero money."""

    records: int
    amount: Decimal


@dataclass(frozen=True)
class Version:
    """One content a record has had, and when we first saw it."""

    seen_at: datetime
    modified_at: str | None
    hash: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Intent:
    """One foreign write that is about to be sent. `digest` is the hash of `body`, the JSON text to be sent."""

    key: str
    stage: str
    source_id: str
    verb: str
    entity: str
    natural_key: str
    digest: str
    body: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class Done:
    """A foreign write that surely happened. `request_id` overrides the call's own, for operations of one $batch."""

    key: str
    target_id: str | None = None
    target_number: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True)
class LedgerRow:
    """One foreign write: intended (nobody knows yet), done, or refused (surely not carried out, with the reason)."""

    key: str
    run_id: str
    stage: str
    source_id: str
    verb: str
    entity: str
    natural_key: str
    digest: str
    state: LedgerState
    target_id: str | None
    target_number: str | None
    amount: Decimal | None
    intended_at: datetime
    done_at: datetime | None
    request_id: str | None
    reason: Reason | None
    packed_detail: bytes = field(repr=False)
    packed_body: bytes = field(repr=False)

    @cached_property
    def detail(self) -> dict[str, Any]:
        """What the engine keeps beside the write."""
        parsed: dict[str, Any] = parse_json(unpacked(self.packed_detail))
        return parsed

    @property
    def body(self) -> str:
        """What was sent, or was about to be, as JSON text."""
        return unpacked(self.packed_body)


@dataclass(frozen=True)
class AuditRow:
    """One thing that happened, sealed by a hash over itself and the row before it."""

    id: int
    at: datetime
    run_id: str
    event: str
    stage: str
    source_id: str
    detail: dict[str, Any]
    hash: str


@dataclass(frozen=True)
class RunRow:
    """One run; `finished_at` is None while it runs, and stays None when it was killed."""

    run_id: str
    command: str
    stages: tuple[str, ...]
    dry_run: bool
    pid: int
    host: str
    user: str
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    summary: dict[str, Any]
