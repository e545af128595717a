"""ServiceTitan's credit memos: each becomes one posted sales credit memo, found by its external number `ST-C<id>`.

What a bookkeeper can rely on:
- the same rules as for invoices: go-live, status, mapping, dimensions, compared to the cent before it is posted;
- one that ServiceTitan applied as a whole to one invoice is applied to it in the books where the API allows that;
- one that is applied in parts, or to several, is posted open, and listed for a person to apply;
- an application that is added later is listed too; one that was moved is held, because posted is posted.
"""

from __future__ import annotations

from collections.abc import Sequence

from stsync.core.links import Link
from stsync.core.mapping import Mapping as Choices
from stsync.core.plan import Decision
from stsync.core.snapshot import Snapshot
from stsync.core.source.credit_memo import CreditMemo
from stsync.stages.buyer import Buyer
from stsync.stages.credits import Original
from stsync.stages.invoices import Settings, plan_paper
from stsync.stages.paper import Paper, credit_key

STAGE = "credit_memos"


def plan(
    memo: CreditMemo,
    *,
    link: Link,
    buyer: Buyer,
    originals: Sequence[Original],
    choices: Choices,
    snapshot: Snapshot,
    settings: Settings,
) -> Decision:
    """Decide about one credit memo; `originals` are the invoices that it is applied to."""
    paper = Paper(STAGE, "credit memo", credit_key(memo.id), memo.document)
    return plan_paper(
        paper, link=link, buyer=buyer, originals=originals, choices=choices, snapshot=snapshot, settings=settings
    )
