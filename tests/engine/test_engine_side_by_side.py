"""What the lanes of a run owe its records: nothing is posted that changed while it waited, and nobody is left without a
word when the run has to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import pytest
from office import Office

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.writes import Outcome, Write
from stsync.engine.lanes import Lanes
from stsync.errors import SystemUnavailable
from stsync.http.outcomes import NotProcessed, Refused
from stsync.sandbox.businesscentral.accounting import sales_documents
from stsync.state import State


def test_a_draft_that_somebody_changed_while_it_waited_for_the_posting_lane_is_not_posted(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, posting, changed = office.world.company, Lanes.posting, []

    @contextmanager
    def busy(lanes: Lanes, look_again: Callable[[], None] = lambda: None) -> Iterator[bool]:
        draft = next((one for one in books.invoices if one.status == "Draft" and not changed), None)
        if draft is not None:
            # It has been compared by now: a bookkeeper adds a line, and only then the lane is free.
            line = {
                "lineType": "Account",
                "lineObjectNumber": books.lines_of(draft)[0].object_number,
                "unitPrice": Decimal(10),
            }
            sales_documents.add_line(books, draft, {**line, "quantity": Decimal(1)})
            changed.append(draft.external_document_number.removeprefix("ST-"))
            look_again()
        with posting(lanes) as waited:
            yield waited

    monkeypatch.setattr(Lanes, "posting", busy)
    office.edit_config("business_central:\n", "business_central:\n  concurrent_requests: 1\n")
    office.run()
    assert office.invoice(changed[0]).status == "Draft"
    assert office.standing("invoices", changed[0]) == ("held", "draft-differs")


def test_what_was_refused_before_the_system_went_down_has_its_reason(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = BusinessCentral.write_many, []

    def answers(books: BusinessCentral, writes: Sequence[Write]) -> list[Outcome]:
        if len(writes) < 3 or writes[0].path != "customers":
            return real(books, writes)
        refused.append(writes[1].body["number"].removeprefix("ST"))
        no = Refused(400, "Application_DialogException", "Not today.", system="Business Central")
        return [NotProcessed("not-processed", "It went down."), no, *real(books, writes[2:])]

    monkeypatch.setattr(BusinessCentral, "write_many", answers)
    with pytest.raises(SystemUnavailable, match="went down"):
        office.run("customers")
    assert office.standing("customers", refused[0])[1]


def test_two_refused_lines_of_one_payment_cost_it_one_attempt(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    real, lines = BusinessCentral.write_many, Counter[str]()

    def answers(books: BusinessCentral, writes: Sequence[Write]) -> list[Outcome]:
        if not writes or not writes[0].path.endswith("/customerPayments"):
            return real(books, writes)
        lines.update(str(one.body["documentNumber"]) for one in writes)
        return [Refused(400, "Application_DialogException", "Not today.", system="Business Central") for _ in writes]

    monkeypatch.setattr(BusinessCentral, "write_many", answers)
    office.run()
    split = [number.removeprefix("ST-P") for number, count in lines.items() if count > 1]
    assert split
    with State.open_scratch(office.state_file) as state:
        assert [row.attempts for row in state.inbox.find_many("payments", split).values()] == [1] * len(split)
