"""What the correction of one kind of record has to know: how it is taken back, and by which plan it is made anew."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from stsync.core.plan import About
from stsync.core.reasons import Reason
from stsync.engine.apply.protocol import Protocol as Ledger
from stsync.stages.correction import Correction


@dataclass(frozen=True)
class Taking:
    """What is to be taken back of one record. `number` is what stands in Business Central, and `former_total` what it
    comes to there; `total` is what ServiceTitan shows now."""

    source_id: str
    correction: Correction
    about: About
    number: str
    former_total: Decimal | None
    total: Decimal


class Trade(Protocol):
    """One kind of record."""

    @property
    def kind(self) -> str:
        """Its place in the inbox and the ledger."""

    @property
    def stages(self) -> tuple[str, ...]:
        """What is read of ServiceTitan, and planned, for it."""

    def prepare(self, source_id: str) -> Taking:
        """Read the books and say how the record is taken back."""

    def take_back(self, taking: Taking, ledger: Ledger) -> None:
        """Carry it out. Raises RecordRefused, RecordHeld, OutcomeUnknown."""

    def left_to_apply(self, source_id: str) -> Reason | None:
        """What a person has to apply in the books by now."""
