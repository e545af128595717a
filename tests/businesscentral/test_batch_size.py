"""How many writes go into one request follows the time that their kind was seen to take."""

from __future__ import annotations

import pytest

from stsync.businesscentral.batch_size import FIRST, Sizes

DRAFT, CARD = "POST salesInvoices", "POST customers"


def sizes(most: int = 100, seconds: float = 5.0) -> Sizes:
    return Sizes(most, seconds)


def fit(known: Sizes, kind: str = DRAFT) -> int:
    return known.fitting([kind] * 100)


def test_the_first_batch_is_small_and_never_above_the_limit():
    assert fit(sizes()) == FIRST
    assert fit(sizes(most=3)) == 3


def test_a_size_doubles_at_most_and_ends_at_the_time_aimed_at():
    known = sizes()
    grown = []
    for _ in range(6):
        grown.append(fit(known))
        known.took([DRAFT] * grown[-1], 0.08 * grown[-1])
    assert grown == [10, 20, 40, 62, 62, 62]


def test_a_size_ends_at_the_limit_where_the_time_allows_more():
    known = sizes()
    for _ in range(6):
        known.took([DRAFT] * fit(known), 0.0)
    assert fit(known) == 100


def test_a_batch_that_took_too_long_shrinks_the_next_at_once():
    known = sizes()
    known.took([DRAFT] * 10, 25.0)
    assert fit(known) == 2
    known.took([DRAFT] * 2, 400.0)
    assert fit(known) == 1


def test_a_small_batch_says_nothing_about_a_large_one():
    known = sizes()
    known.took([DRAFT] * 2, 0.01)
    assert fit(known) == 10


def test_a_batch_without_an_answer_halves_the_next():
    known = sizes()
    known.halve([DRAFT] * 10)
    assert fit(known) == 5
    for _ in range(5):
        known.halve([DRAFT] * fit(known))
    assert fit(known) == 1


def test_after_somebody_elses_lock_the_next_goes_alone_and_then_it_grows_again():
    known = sizes()
    known.single(DRAFT)
    assert fit(known) == 1
    known.took([DRAFT], 0.1)
    assert fit(known) == 2


def test_each_kind_has_its_own_size():
    known = sizes()
    known.took([DRAFT] * 10, 50.0)
    assert (fit(known, DRAFT), fit(known, CARD)) == (1, 10)


def test_kinds_that_share_a_batch_share_its_time():
    known = sizes()
    known.took([CARD] * 10, 1.0)  # 20 cards, or 10 drafts
    assert known.fitting([CARD] * 10 + [DRAFT] * 10) == 15
    known.took([CARD] * 10 + [DRAFT] * 5, 10.0)
    assert (fit(known, CARD), fit(known, DRAFT)) == (10, 5)


@pytest.mark.parametrize("count", [1, 2])
def test_there_is_always_one(count):
    known = sizes(most=1)
    assert known.fitting([DRAFT] * count) == 1
