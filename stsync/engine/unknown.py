"""Records that the ledger knows nothing of: the books are asked for them, whatever is decided about them.

After a lost or an older state file a document can stand in the books that this run would hold, leave waiting or leave
alone: its mapping was taken away since, its period was closed, it was voided or unposted in ServiceTitan. It is asked for
once, when it is new to the state file; a record that is to be written is looked up in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stsync.core.links import Link
from stsync.core.plan import Decision, Standing

# Never in the books through us, and as many as there are documents in the month before the first one that is carried.
_NEVER_OURS = frozenset({"before_go_live"})
_CHANGED = "changed-after-posting"


def asking(decision: Decision, key: str, link: Link, *, is_new: bool, more: Iterable[str] = ()) -> Decision:
    """The decision with what the books must be asked before it stands: its natural key, and `more` keys."""
    asks = {*decision.asks, *more}
    if is_new and decision.standing != Standing.ACT and _may_be_there(decision, link):
        asks.add(key)
    return replace(decision, asks=tuple(sorted(asks))) if asks != set(decision.asks) else decision


def _may_be_there(decision: Decision, link: Link) -> bool:
    """Unknown to the ledger; or known otherwise than it is, and a correction that the ledger missed may explain it."""
    if link.is_baseline or decision.outcome in _NEVER_OURS:
        return False
    changed = decision.reason is not None and decision.reason.reference == _CHANGED
    return not link.posted or changed
