"""Modelled time in front of the books: what takes how long, who waits for whom, what a limit cuts off."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from bc_client import account_line
from bc_pace import Crowd, OneThread, Paced, Stepped

from stsync.sandbox import pace as pace_module
from stsync.sandbox.latency import COSTS, Latency
from stsync.sandbox.pace import Pace, TooLong

TRIP = 0.06


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "JITTER", 0)


@pytest.fixture
def clock() -> OneThread:
    return OneThread()


@pytest.fixture
def paced(clock: OneThread) -> Paced:
    return Paced(clock)


def taken(clock: OneThread, call: Any) -> float:
    before = clock.now()
    call()
    return round(clock.now() - before, 6)


def draft(paced: Paced, lines: int = 3) -> str:
    made = paced.invoice(*(account_line(10) for _ in range(lines)))
    return f"salesInvoices({made['id']})"


def lines_of(number: int) -> dict[str, Any]:
    return {"customerNumber": "C1", "salesInvoiceLines": [account_line(10) for _ in range(number)]}


def test_each_operation_takes_its_trip_and_its_work(paced: Paced, clock: OneThread) -> None:
    assert taken(clock, lambda: paced.get("customers")) == pytest.approx(TRIP + 0.0303)
    assert taken(clock, lambda: draft(paced, 3)) == pytest.approx(TRIP + 0.150 + 3 * 0.050)
    path = draft(paced, 2)
    assert taken(clock, lambda: paced.post(f"{path}/salesInvoiceLines", account_line(5))) == pytest.approx(TRIP + 0.120)
    assert taken(clock, lambda: paced.act(path)) == pytest.approx(TRIP + 0.600 + 3 * 0.040)
    assert taken(clock, lambda: paced.act(path, "cancel")) == pytest.approx(TRIP + 0.900 + 3 * 0.080)
    expanded = taken(clock, lambda: paced.get("salesInvoices?$expand=salesInvoiceLines"))
    assert expanded == pytest.approx(TRIP + 0.030 + 2 * 0.003)
    assert taken(clock, lambda: paced.post("customers", {"displayName": "Bea"})) == pytest.approx(TRIP + 0.150)


def test_a_journal_takes_time_for_each_of_its_lines(paced: Paced, clock: OneThread) -> None:
    journal = paced.journal()
    line = taken(clock, lambda: paced.payment(journal, customerNumber="C1", amount=-5, documentNumber="P1"))
    assert line == pytest.approx(TRIP + 0.090)
    paced.payment(journal, customerNumber="C1", amount=-5, documentNumber="P2")
    assert taken(clock, lambda: paced.act(f"journals({journal['id']})")) == pytest.approx(TRIP + 0.250 + 2 * 0.060)


def test_operations_of_a_batch_add_up_and_share_one_trip(paced: Paced, clock: OneThread) -> None:
    operations = [paced.inner("POST", "salesInvoices", lines_of(2)), paced.inner("GET", "customers")]
    whole = taken(clock, lambda: paced.batch(*operations, *operations))
    assert whole == pytest.approx(TRIP + 2 * (0.250 + 0.0303))
    figures = paced.figures()
    assert (figures["requests_total"], figures["operations_total"]) == (1, 4)
    assert figures["operations"]["document_create"] == {"count": 2, "seconds": 0.5, "scaled_seconds": 0.5}


def test_a_scale_shortens_every_span_and_every_window() -> None:
    clock = OneThread()
    paced = Paced(clock, Latency(scale=0.1))
    assert taken(clock, lambda: draft(paced, 1)) == pytest.approx((TRIP + 0.200) / 10)
    figures = paced.figures()
    assert figures["creating"] == {"count": 1, "seconds": 0.2, "scaled_seconds": 0.02}
    paced.environment.switches.rate_limit = 2
    assert [paced.get("customers").status for _ in range(2)] == [200, 429]
    clock.seconds += 29
    assert paced.get("customers").status == 429, "five minutes are thirty seconds here"
    clock.seconds += 2
    assert paced.get("customers").status == 200


def test_posting_is_one_at_a_time_per_company_while_drafts_go_on() -> None:
    clock = Stepped()
    paced, crowd = prepared(clock, drafts=2)
    for number, path in enumerate(paced.paths):
        crowd.start(f"post {number}", lambda path=path: paced.act(path))
        clock.settled(number + 1)
    crowd.start("draft", lambda: paced.post("salesInvoices", lines_of(1)))
    clock.settled(3)
    clock.to(1.06, sleepers=3)
    assert sorted(round(wake, 3) for wake in clock.asleep) == [1.26, 1.70, 2.34], "the second post follows the first"
    clock.to(1.26, sleepers=2)
    assert (crowd.answer("draft").status, posted(paced)) == (201, 0)
    clock.to(1.70, sleepers=1)
    # Both came at the same instant: which of them was first is nobody's promise.
    until(lambda: posted(paced) > 0)
    assert posted(paced) == 1
    clock.to(2.34, sleepers=0)
    assert (crowd.answer("post 0").status, crowd.answer("post 1").status, posted(paced)) == (204, 204, 2)
    assert paced.figures()["lanes"][paced.company.id]["waited_seconds"] == pytest.approx(0.64)


def test_companies_post_beside_each_other() -> None:
    clock = Stepped()
    paced, crowd = prepared(clock, drafts=1)
    other = paced.environment.create_company("CRONUS CANADA")
    batch = other.journals.insert(type(next(iter(paced.company.journals)))(template="GENERAL", code="X"))
    crowd.start("here", lambda: paced.act(paced.paths[0]))
    path = f"{paced.root}/companies({other.id})/journals({batch.id})/Microsoft.NAV.post"
    crowd.start("there", lambda: paced.raw("POST", path))
    clock.settled(2)
    clock.to(1.06, sleepers=2)
    assert sorted(round(wake, 2) for wake in clock.asleep) == [1.31, 1.70]
    clock.to(2, sleepers=0)
    # The other company's journal is empty: a posting that fails has held its lane all the same.
    assert (crowd.answer("here").status, crowd.answer("there").status) == (204, 400)


def test_five_run_at_once_the_sixth_waits_and_a_full_queue_refuses() -> None:
    clock = Stepped()
    paced, crowd = prepared(clock)
    paced.environment.switches.queue_length = 1
    for number in range(5):
        crowd.start(f"{number}", lambda: paced.post("customers", {"displayName": "Bea"}))
    clock.settled(5)
    clock.to(1.06, sleepers=5)
    crowd.start("queued", lambda: paced.get("customers?$top=1"))
    clock.settled(6)
    clock.to(1.12, sleepers=5)
    until(lambda: paced.service.limits.peak["client-1"] == 6)
    crowd.start("refused", lambda: paced.get("customers?$top=1"))
    clock.settled(6)
    clock.to(1.18, sleepers=5)
    assert crowd.answer("refused").status == 429
    clock.to(1.21, sleepers=1)
    clock.to(1.25, sleepers=0)
    assert crowd.answer("queued").status == 200
    figures = paced.figures()
    assert figures["queue"]["count"] == 1
    # From 1.12, or a little later where the thread was slow to look at the clock, until 1.21.
    assert 0.029 < figures["queue"]["seconds"] < 0.091
    assert (figures["peak_in_flight"], figures["refusals"]) == ({"business_central": 7}, {"business_central 429": 1})


def test_the_books_are_free_while_somebody_sleeps() -> None:
    clock = Stepped()
    paced, crowd = prepared(clock, drafts=1)
    crowd.start("batch", lambda: paced.batch(paced.inner("POST", f"{paced.paths[0]}/Microsoft.NAV.post")))
    clock.settled(1)
    clock.to(1.06, sleepers=1)
    free = paced.environment.lock.acquire(timeout=0)
    assert free, "a request sleeps on the lock of the books"
    paced.environment.lock.release()
    clock.to(1.7, sleepers=0)
    assert crowd.answer("batch")["responses"][0]["status"] == 204


def test_eight_minutes_end_a_batch_and_what_was_done_before_stays(paced: Paced, monkeypatch: Any) -> None:
    monkeypatch.setitem(COSTS, "customer_create", COSTS["customer_create"].__class__("creating", 200_000, 0, "", ""))
    before = len(paced.company.customers)
    answer = paced.batch(*(paced.inner("POST", "customers", {"displayName": f"N{n}"}) for n in range(4)))
    assert (answer.status, answer.code) == (408, "Internal_OperationTimedOut")
    assert len(paced.company.customers) - before == 2
    assert paced.figures()["refusals"] == {"business_central 408": 1}


def test_eight_minutes_end_a_snapshot_without_a_trace(paced: Paced, clock: OneThread, monkeypatch: Any) -> None:
    monkeypatch.setitem(COSTS, "customer_create", COSTS["customer_create"].__class__("creating", 200_000, 0, "", ""))
    before = len(paced.company.customers)
    operations = [paced.inner("POST", "customers", {"displayName": f"N{n}"}) for n in range(4)]
    assert taken(clock, lambda: paced.batch(*operations, Isolation="snapshot")) == pytest.approx(TRIP + 480)
    assert len(paced.company.customers) == before


def test_a_posting_that_is_cut_off_frees_its_lane_at_the_limit(clock: OneThread) -> None:
    pace = Pace(Latency(), now=clock.now, sleep=clock.sleep)
    with pytest.raises(TooLong):
        pace.book("journal_post", 10_000, 0.0, 480.0, "one")
    assert pace.book("journal_post", 0, 100.0, 580.0, "one") == pytest.approx(480.25)
    with pytest.raises(TooLong):
        pace.book("journal_post", 0, 0.0, 480.0, "one")
    assert pace.book("journal_post", 0, 500.0, 980.0, "one") == pytest.approx(500.25), "it never got to run"
    assert pace.figures()["posting"] == {"count": 2, "seconds": 0.5, "scaled_seconds": 0.5}


def test_every_write_is_booked_as_what_it_is(paced: Paced) -> None:
    company = paced.company
    company.add_dimension("AREA")
    company.add_dimension_value("AREA", "10", "North")
    dimension = {"code": "AREA", "valueCode": "10"}
    path = draft(paced, 1)
    line = paced.get(f"{path}/salesInvoiceLines")["value"][0]["id"]
    customer = next(iter(company.customers)).id

    def kinds(*calls: Any) -> dict[str, int]:
        paced.pace.reset()
        for call in calls:
            assert call().status < 400
        return {kind: told["count"] for kind, told in paced.figures()["operations"].items() if kind != "read"}

    of_line = f"salesInvoiceLines({line})"
    assert kinds(lambda: paced.patch(of_line, {"quantity": 2})) == {"line_write": 1}
    assert kinds(lambda: paced.post(f"{of_line}/dimensionSetLines", dimension)) == {"dimension_write": 1}
    assert kinds(lambda: paced.patch(path, {"externalDocumentNumber": "X"})) == {"record_change": 1}
    assert kinds(lambda: paced.call("DELETE", path, If_Match="*")) == {"record_change": 1}
    assert kinds(lambda: paced.patch(f"customers({customer})", {"email": "a@b.example"})) == {"record_change": 1}
    made = paced.invoice(account_line(5))
    assert kinds(lambda: paced.act(f"salesInvoices({made['id']})")) == {"document_post": 1}
    correct = lambda: paced.act(f"salesInvoices({made['id']})", "makeCorrectiveCreditMemo")  # noqa: E731
    assert kinds(correct) == {"correction_draft": 1}
    assert kinds(lambda: paced.post("journals", {"code": "J", "displayName": "J"})) == {"journal_create": 1}


def test_operations_of_a_batch_can_count_against_the_rate(paced: Paced) -> None:
    switches = paced.environment.switches
    switches.rate_limit, switches.rate_counts_operations = 6, True
    three = [paced.inner("GET", "customers")] * 3
    assert [paced.batch(*three).status for _ in range(3)] == [200, 200, 429]
    switches.rate_counts_operations = False
    paced.token = "client-2"
    assert [paced.batch(*three).status for _ in range(3)] == [200, 200, 200]


def prepared(clock: Stepped, drafts: int = 0) -> tuple[Paced, Crowd]:
    """Books at a pace, with drafts that were made before the clock stood at 1."""
    paced = Paced(OneThread())
    paced.paths = [draft(paced, 1) for _ in range(drafts)]
    paced.serve(clock)
    clock.seconds = 1.0
    return paced, Crowd()


def until(reached: Callable[[], bool]) -> None:
    """Wait until a thread has got there."""
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def posted(paced: Paced) -> int:
    return sum(1 for invoice in paced.company.invoices if invoice.status == "Open")
