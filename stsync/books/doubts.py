"""Why a tie-out proves nothing although its figures may agree: what was not looked at cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stsync.books.reading import Reconciliation

_NAMED = 12


def doubts(result: Reconciliation) -> tuple[str, ...]:
    """Sentences, each with what to do; none when both sides were looked at whole."""
    return (*_servicetitan(result), *_books(result))


def proved(result: Reconciliation) -> bool:
    """Whether every cent is explained, by figures that both systems were really asked for."""
    return result.tie_out.exact and not doubts(result)


def _servicetitan(result: Reconciliation) -> Iterator[str]:
    never = [_words(kind) for kind, at in result.servicetitan_read.items() if at is None]
    if never:
        yield f"ServiceTitan's {' and '.join(never)} were never read. Run stsync sync first."
    last = result.tie_out.period.last
    for kind, at in result.servicetitan_read.items():
        if kind in result.broken_off:
            yield (
                f"The last reading of ServiceTitan's {_words(kind)} was broken off before the end, so some may be missing. "
                "Run stsync sync."
            )
        elif at is not None and _day(at) < min(last + timedelta(days=1), _day(result.books_read)):
            yield (
                f"ServiceTitan's {_words(kind)} were last read on {_day(at)}, before the period was over: what was written "
                f"there up to {last} is not in these figures. Run stsync sync."
            )


def _books(result: Reconciliation) -> Iterator[str]:
    tie_out = result.tie_out
    if tie_out.balances_refused:
        yield (
            "Business Central refused to show what customers owe, so receivables by customer were not compared: "
            f"{tie_out.balances_refused} Give the app of stsync a permission set that reads customers and their ledger "
            "entries (page Microsoft Entra Applications)."
        )
    if tie_out.unlisted:
        shown = ", ".join(tie_out.unlisted[:_NAMED])
        more = f" and {len(tie_out.unlisted) - _NAMED} more" if len(tie_out.unlisted) > _NAMED else ""
        yield (
            f"The general ledger has entries of {shown}{more}, but Business Central lists no such sales documents: whose they "
            "are, and whether they stand twice, cannot be seen. Give the app of stsync a permission set that reads posted "
            "sales invoices and credit memos; if single documents are missing, find out who deleted them."
        )


def _day(at: datetime) -> date:
    """The day on the clock of whoever closes the month."""
    return at.astimezone().date()


def _words(kind: str) -> str:
    return kind.replace("_", " ")
