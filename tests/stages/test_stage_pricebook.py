"""One field of a pricebook entry, seen from three sides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from stsync.stages.pricebook_fields import Fate, Field

AGREED = {"ours": "10", "theirs": "10"}


@pytest.mark.parametrize(
    ("base", "theirs", "ours", "fate"),
    [
        (AGREED, "10", "10.00", Fate.IN_STEP),
        (AGREED, "10", "11", Fate.WRITE),
        (AGREED, "12", "10", Fate.KEEP),
        (AGREED, "12", "11", Fate.CONFLICT),
        (AGREED, "11", "11", Fate.IN_STEP),
        (None, "12", "11", Fate.WRITE),
        ({"ours": "10.004", "theirs": "10"}, "10.00", "10.004", Fate.KEEP),
        ({"ours": "10.004", "theirs": "10"}, "10.00", "11", Fate.WRITE),
        ({"ours": "10.004", "theirs": "10"}, "12", "11", Fate.CONFLICT),
    ],
)
def test_who_changed_a_cost_decides_what_becomes_of_it(base: Any, theirs: str, ours: str, fate: Fate) -> None:
    assert Field("cost", base, Decimal(theirs), Decimal(ours)).fate == fate


def test_a_kept_edit_leaves_the_base_so_that_a_later_change_here_is_a_conflict() -> None:
    kept = Field("cost", AGREED, Decimal(12), Decimal(10))
    later = Field("cost", kept.base_after(()), Decimal(12), Decimal(11))
    assert later.fate == Fate.CONFLICT


def test_both_sides_changed_to_the_same_value_agree_again() -> None:
    base = Field("cost", AGREED, Decimal(12), Decimal(12)).base_after(())
    assert Field("cost", base, Decimal(12), Decimal(13)).fate == Fate.WRITE
