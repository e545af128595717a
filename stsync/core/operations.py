"""What a run is going to write, as values: the same objects are shown by a dry run and carried out by a run.

One operation is one foreign write and one ledger row. Creating a draft and posting it are two, so a
crash between them is an ordinary restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from stsync.core import canonical

Body = Mapping[str, Any]


class Verb(StrEnum):
    """What is done to one thing in the target system."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"  # found in the target, made by an earlier run whose answer or state was lost; nothing is sent
    DELETE = "delete"  # only ever our own draft or our own unposted journal line
    POST = "post"
    CANCEL = "cancel"  # ends a posted counterpart; only ever because a person said so (stsync correct)
    CONFIRM = "confirm"  # a person says that it was done in the target; nothing is sent
    MARK = "mark"  # ServiceTitan is told that a document is in the books


@dataclass(frozen=True)
class Ref:
    """Something an earlier operation of the plan makes; apply puts its id, or its number, in from the ledger."""

    key: str
    part: Literal["id", "number"] = "id"

    def __str__(self) -> str:
        return f"<{self.part} from {self.key}>"


@dataclass(frozen=True)
class Operation:
    """One write. `key` is our name for it (`stage:source id:verb[:revision]`), `natural_key` its name in the target.

    `before` holds the values an update replaces; `after` the keys that must be done first; `why` a few words for people.
    """

    key: str
    stage: str
    source_id: str
    verb: Verb
    entity: str
    natural_key: str
    why: str
    label: str = ""
    body: Body = field(default_factory=dict)
    before: Body = field(default_factory=dict)
    target: str | Ref = ""
    parent: str | Ref = ""
    etag: str = ""
    after: tuple[str, ...] = ()
    amount: Decimal | None = None
    facts: Body = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """A hash of what is sent; the same key with another digest is never sent by accident."""
        return digest(self.body)


def digest(value: object) -> str:
    """A stable hash of plain values; 12.5 and 12.50 are the same amount."""
    return canonical.digest(shown(value))


def shown(value: object) -> Any:
    """A body as plain values for people and files: references by name, amounts as text."""
    # Called for every part of every body: what is plain already goes first, the slow question for a Mapping last.
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, (list, tuple)):
        return [shown(part) for part in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, Mapping)):
        return {name: shown(part) for name, part in value.items()}
    return str(value) if isinstance(value, Ref) else value
