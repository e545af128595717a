"""On which day a document is posted: its own, or the first open day when the accountant chose that for closed periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot

Policy = Literal["hold", "first_open_day"]


@dataclass(frozen=True)
class PostingDay:
    """The posting date, and the document's own date when that is another."""

    on: date
    moved_from: date | None = None

    @property
    def remark(self) -> str:
        """What the document says about it; empty when it is posted on its own date."""
        if self.moved_from is None:
            return ""
        return f"ServiceTitan date {self.moved_from}, posted on the first open day {self.on}"


def posting_day(day: date, snapshot: Snapshot, policy: Policy) -> PostingDay | None:
    """The day to post on, or None when a person has to decide.

    Only days before the first open one move: a date in the future is a mistake, or waits for its month to open. The
    company-wide dates count here; a user's own range can be narrower and shows only when Business Central refuses.
    """
    if snapshot.accepts(day):
        return PostingDay(day)
    opens = snapshot.posting_from
    if policy == "first_open_day" and opens is not None and day < opens and snapshot.accepts(opens):
        return PostingDay(opens, moved_from=day)
    return None


def closed(noun: str, day: date, snapshot: Snapshot) -> Reason:
    """Why a document of a closed period is held; `noun` is what people call it."""
    return Reason(
        "posting-date-closed",
        f"The {noun} is dated {day}, but Business Central accepts posting dates "
        f"{snapshot.posting_from or 'any'} to {snapshot.posting_to or 'any'}.",
        "Open the period on the General Ledger Setup page (Allow Posting From/To), date it in ServiceTitan into an open "
        "period, or choose posting_dates.closed: first_open_day in the configuration.",
    )
