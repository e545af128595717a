"""ServiceTitan's refusals in plain words."""

from __future__ import annotations

import pytest

from stsync.http.outcomes import Refused
from stsync.servicetitan.problems import reason, reason_for, row_reason


@pytest.mark.parametrize(
    ("status", "text", "reference"),
    [
        (400, "A service with code ABC already exists.", "code-taken"),
        (409, "Duplicate code", "code-taken"),
        (400, "The accounting period is closed.", "period-closed"),
        (400, "Invoice must be posted before it can be exported.", "not-posted-in-servicetitan"),
        (400, "Account 'Sales' was not found", "account-unknown-in-servicetitan"),
        (400, "Category 12 does not exist", "category-unknown"),
        (409, "Location has unknown tax zone", "in-conflict"),
        (404, "Not found", "not-in-servicetitan"),
        (400, "Validation failed. price: must be positive", "invalid-in-servicetitan"),
        (418, "Teapot", "servicetitan-refused"),
    ],
)
def test_each_refusal_has_its_reason_and_a_next_step(status, text, reference):
    found = reason(status, text, "trace-1")
    assert found.reference == reference
    assert found.hint
    assert found.note == f"{text} (traceId trace-1)"


def test_a_refusal_keeps_the_vendors_words():
    assert reason_for(Refused(400, "", "price: bad", "t")).note == "price: bad (traceId t)"


def test_a_failed_row_without_words_says_so():
    assert row_reason("").note == "ServiceTitan gave no reason."
