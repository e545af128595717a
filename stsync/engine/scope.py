"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

STAGES = ("customers", "invoices", "payments", "pricebook")


@dataclass(frozen=True)
class Scope:
    """The stages of a run and the choice among their records.

    `only` is a ServiceTitan id or document number; `since` reads the feeds again from that day; `overwrite` lets the
    items win over what was changed in the pricebook by hand.
    """

    stages: tuple[str, ...] = STAGES
    limit: int | None = None
    only: str | None = None
    since: date | None = None
    overwrite: bool = False

    @property
    def feeds(self) -> tuple[str, ...]:
        """The ServiceTitan feeds these stages read: documents never travel without their customers."""
        documents = tuple(stage for stage in ("invoices", "payments") if stage in self.stages)
        return ("customers", "contacts", *documents) if documents or "customers" in self.stages else ()

    @property
    def pricebook(self) -> bool:
        """Whether items are pushed to the pricebook."""
        return "pricebook" in self.stages
