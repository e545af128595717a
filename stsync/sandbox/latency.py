"""How long both systems take: one table of costs, a jitter that a seed decides, and a scale.

The facts give limits and no server times. Every duration here is therefore our own assumption: a round figure of the
size that connectors report, meant for comparing two ways of doing the same work, never for promising a time. What is
not assumed: posting is serial per company (BC facts section 13), and the limits (BC facts 11, ServiceTitan facts 1.4).

Not modelled: a cold start, load by others, large answers on a thin line, work that gets slower with the size of the books.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["posting", "creating", "reading", "sign-in"]

JITTER = 0.25
"""The fixed part of a cost varies by at most this share, up or down."""

OPERATION_SECONDS = 480.0
"""One request of Business Central's may run that long (BC facts section 11); then 408, and the rest is not executed."""

ROUND_TRIP_MS = {"business_central": 60, "entra": 60, "servicetitan_api": 40, "servicetitan_auth": 40}
"""Network, there and back, for each outer request by system."""


@dataclass(frozen=True)
class Latency:
    """What the sandbox is asked for.

    Every duration is multiplied by `scale` (0.1 is ten times as fast); windows of rate limits shrink likewise, so that
    a scaled hour meets the limits that an hour meets. Only a Retry-After stays as it is: HTTP knows whole seconds.
    `seed` decides the jitter, and nothing else does: the n-th operation of a kind takes the same time in every run.
    """

    scale: float = 1.0
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"a scale above zero is wanted, not {self.scale}")


@dataclass(frozen=True)
class Cost:
    """What one operation takes on the server: a fixed part, and a part for each thing that `per` names."""

    group: Group
    base_ms: float
    per_ms: float
    per: str
    what: str


COSTS: dict[str, Cost] = {
    "read": Cost("reading", 30, 0.3, "row", "BC: a GET, of one record or a page"),
    "read_expanded": Cost("reading", 30, 3, "row", "BC: a GET with `$expand`"),
    "customer_create": Cost("creating", 150, 0, "", "BC: POST a customer"),
    "document_create": Cost("creating", 150, 50, "nested row", "BC: POST an invoice or credit memo, with its lines"),
    "line_write": Cost("creating", 120, 0, "", "BC: POST or PATCH a line of a draft"),
    "dimension_write": Cost("creating", 60, 0, "", "BC: write a dimension of a line, document, customer or item"),
    "journal_create": Cost("creating", 100, 90, "nested row", "BC: POST a journal, with its lines"),
    "journal_line": Cost("creating", 90, 20, "nested row", "BC: POST or PATCH a line of a journal"),
    "record_change": Cost("creating", 100, 0, "", "BC: any other POST, PATCH or DELETE"),
    "correction_draft": Cost("creating", 150, 50, "line", "BC: `makeCorrectiveCreditMemo`"),
    "document_post": Cost("posting", 600, 40, "line", "BC: post an invoice or credit memo"),
    "document_cancel": Cost("posting", 900, 80, "line", "BC: cancel a posted document, which posts another"),
    "journal_post": Cost("posting", 250, 60, "line", "BC: post a journal"),
    "servicetitan_page": Cost("reading", 80, 0.05, "row", "ServiceTitan: a GET, of one record or a page"),
    "servicetitan_write": Cost("creating", 120, 5, "row", "ServiceTitan: POST, PATCH or PUT"),
    "token": Cost("sign-in", 150, 0, "", "a token from Entra or ServiceTitan"),
}
"""Our assumptions, by kind of operation. The guide shows the same table."""
