"""Closing intents whose meaning is known by now, so that the outbox holds only what nobody knows."""

from __future__ import annotations

from stsync.core.links import is_reversal
from stsync.core.operations import Verb
from stsync.state import Done, LedgerRow, State

_NOTE = {"note": "closed: what it meant was found, or is planned anew, record by record"}


def sweep(state: State, run_id: str) -> None:
    """Close open intents of records that are settled, and of journals, whose payments are looked up one by one."""
    closed = [row for row in state.ledger.intended() if _known(state, row)]
    state.ledger.done([Done(row.key, row.target_id, row.target_number, _NOTE) for row in closed], run_id=run_id)


def _known(state: State, row: LedgerRow) -> bool:
    if is_reversal(row.key):
        return False
    if row.entity in {"journals", "customerPaymentJournals"}:
        return True
    record = state.inbox.find(row.stage, row.source_id)
    if record is None or record.state != "settled":
        return False
    # A record can settle for another reason (unposted again in ServiceTitan, posting switched off) while nobody knows
    # whether its posting happened: that stays open, and is looked up when the record comes back.
    # Whether a document was taken back is asked of the books by the next stsync correct.
    return row.verb != Verb.CANCEL and (row.verb != Verb.POST or record.outcome == "posted")
