"""What people change after a ServiceTitan credit memo was posted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from office import Office
from test_after_posting import drifted, everything, typed

from stsync.sandbox.businesscentral.accountant import Accountant


def carried(office: Office) -> tuple[str, Any]:
    """A credit memo that is in the books, and its sales credit memo there."""
    memos = {one.external_document_number: one for one in office.world.company.credit_memos if one.posted}
    found = next(row for row in office.world.tenant.credit_memos.values() if f"ST-C{row['id']}" in memos)
    return str(found["id"]), memos[f"ST-C{found['id']}"]


def test_a_credit_memo_that_nobody_touched_is_compared_and_shows_nothing(posted: Office) -> None:
    source_id, _ = carried(posted)
    found = drifted(posted, "--only", source_id)
    assert (found["drifted"], found["told"]["looked_at"]) == ({}, 1)


def test_a_credit_memo_voided_after_posting_is_drift_over_its_amount(posted: Office) -> None:
    source_id, memo = carried(posted)
    posted.world.tenant.void_credit_memo(int(source_id))
    books = everything(posted)
    one = drifted(posted)["drifted"][source_id]
    assert Decimal(one["books_less_servicetitan"]) == -memo.total
    assert f"take credit memo {memo.number} back by hand" in one["remedy"]["text"]
    assert one["remedy"]["command"].startswith("stsync ignore credit")
    posted.run(since=posted.world.demo.go_live)
    assert posted.standing("credit_memos", source_id) == ("held", "changed-after-posting")
    assert everything(posted) == books
    assert memo.number in typed(posted, "held").stdout


def test_a_credit_memo_whose_ledger_entry_a_person_recoded_is_drift(posted: Office) -> None:
    source_id, memo = carried(posted)
    entries = [one for one in posted.gl(memo.number, "Credit Memo") if one.dimensions.get("DEPARTMENT")]
    Accountant(posted.world.company).correct_dimension(entries[:1], "DEPARTMENT", "COMM")
    assert source_id in drifted(posted, "--all")["drifted"]
