"""The customer card of a document."""

from __future__ import annotations

from dataclasses import dataclass

from stsync.core.reasons import Reason


@dataclass(frozen=True)
class Buyer:
    """The card that an invoice, credit memo or payment goes to; `reason` says why there is none.

    `comes_first` is the write that makes the card, if it has yet to be made.
    """

    number: str = ""
    comes_first: tuple[str, ...] = ()
    reason: Reason | None = None
