"""What a journal shows beside our lines, and what a reference list shows beside what we understand."""

from __future__ import annotations

from decimal import Decimal

from stsync.engine.survey import open_lines, snapshot

SEED = {"id": "a", "documentNumber": "ST-P13", "customerNumber": "", "amount": Decimal(0), "postingDate": "2026-06-03"}
LINE = {**SEED, "id": "b", "documentNumber": "ST-P12", "customerNumber": "ST1", "amount": Decimal("-10.00")}


def test_the_empty_line_that_a_posting_leaves_behind_is_nobodys() -> None:
    assert [line.document_number for line in open_lines([SEED, LINE])] == ["ST-P12"]
    journal = {"id": "j", "code": "ST-CARD", "customerPayments": [SEED, LINE]}
    assert len(snapshot({"journals": [journal]}).journals["ST-CARD"].lines) == 1


def test_a_line_of_somebody_else_is_seen_even_without_an_amount() -> None:
    foreign = {**SEED, "customerNumber": "C00010"}
    no_customer = {**SEED, "amount": Decimal(5)}
    assert len(open_lines([foreign, no_customer])) == 2


def test_an_item_of_an_unknown_shape_counts_as_not_there() -> None:
    good = {"id": "i", "number": "A", "displayName": "A", "unitPrice": 1, "unitCost": 1, "type": "Service"}
    found = snapshot({"items 0": [good, {**good, "number": "B", "unitPrice": "much"}]}).items
    assert set(found) == {"A"}
