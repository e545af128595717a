"""A correction that the state file knows nothing of: lost since, or put back from a backup of before. The books are read."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from office import Office
from test_after_posting import corrected, drifted, everything, owed, typed
from test_corrections import ending, memos, paid_invoice

from stsync.state.copies import backup

Another = Callable[[Office, str], Office]


@pytest.fixture
def edited(posted: Office) -> tuple[Office, str]:
    """A paid invoice that was edited, taken back by a credit memo and made anew: its number is in the books twice."""
    source_id, _ = paid_invoice(posted)
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    assert corrected(posted, source_id).exit_code == 0
    return posted, source_id


def live(office: Office, source_id: str) -> str:
    """The number of the newest document under this id."""
    return [one for one in office.world.company.invoices if one.external_document_number == f"ST-{source_id}"][
        -1
    ].number


def test_a_lost_state_after_a_reversal_knows_which_of_the_two_invoices_stands(
    edited: tuple[Office, str], another: Another
) -> None:
    office, source_id = edited
    before, books = ending(office), everything(office)
    lost = another(office, "new computer")
    lost.run()
    assert everything(lost) == books
    assert lost.standing("invoices", source_id) == ("settled", "to_apply")
    assert live(office, source_id) in typed(lost, "trace", "invoice", source_id).stdout
    assert drifted(lost, "--all")["drifted"] == {}
    assert ending(lost) == before


def test_a_second_correction_after_a_lost_state_takes_back_the_second_invoice(
    edited: tuple[Office, str], another: Another
) -> None:
    office, source_id = edited
    lost = another(office, "new computer")
    lost.run()
    debt = owed(lost, memos(lost, source_id)[0].customer_number)
    lost.world.tenant.correct_tax(int(source_id), Decimal("-1.00"))
    told = corrected(lost, source_id)
    assert told.exit_code == 0, told.output
    # The first is taken back by stsync's memo, the second by Business Central's own cancellation: it was not paid.
    (memo,) = memos(lost, source_id)
    first, second, third = [
        one for one in office.world.company.invoices if one.external_document_number == f"ST-{source_id}"
    ]
    assert (first.total, second.status, third.posted) == (memo.total, "Canceled", True)
    assert owed(lost, first.customer_number) == debt + third.total - second.total
    assert drifted(lost, "--all")["drifted"] == {}


def test_a_lost_state_after_a_reversal_without_a_new_invoice_makes_none(posted: Office, another: Another) -> None:
    source_id, _ = paid_invoice(posted)
    posted.world.tenant.void_invoice(int(source_id))
    assert corrected(posted, source_id).exit_code == 0
    books = everything(posted)
    lost = another(posted, "new computer")
    lost.run()
    lost.run()
    assert everything(lost) == books
    assert lost.standing("invoices", source_id) == ("settled", "to_apply")
    assert drifted(lost, "--all")["drifted"] == {}


def test_a_backup_from_before_a_correction_ends_in_the_same_books(posted: Office) -> None:
    source_id, _ = paid_invoice(posted)
    old = posted.state_file.with_name("last-week.db")
    backup(posted.state_file, old)
    posted.world.tenant.correct_tax(int(source_id), Decimal("1.00"))
    assert corrected(posted, source_id).exit_code == 0
    before, books = ending(posted), everything(posted)
    assert typed(posted, "state", "restore", str(old)).exit_code == 0
    posted.run()
    assert everything(posted) == books
    assert posted.standing("invoices", source_id) == ("settled", "to_apply")
    assert drifted(posted, "--all")["drifted"] == {}
    assert ending(posted) == before
