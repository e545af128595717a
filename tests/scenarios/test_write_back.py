"""ServiceTitan is told what is in the books: read from the tenant's rows, the request log and Business Central's books."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kept_month import Month, book_one_more, keep_month, move_in
from office import Office
from test_engine_month import _promised, _sent
from typer.testing import CliRunner

from stsync.cli.app import app
from stsync.cli.console import OUTPUT
from stsync.engine.run import Result
from stsync.errors import ExitCode
from stsync.sandbox import faults
from stsync.sandbox.requestlog import Entry
from stsync.sandbox.world import World
from stsync.state import State

MARK = r"/(invoices|credit-memos)/markasexported|/payments/status"


def switch_on(office: Office, *kinds: str) -> Office:
    """What the bookkeeper writes into the configuration."""
    lines = "".join(f"  {kind}: yes\n" for kind in kinds or ("invoices", "payments"))
    office.edit_config("pricebook:\n", f"write_back:\n{lines}pricebook:\n")
    return office


@dataclass(frozen=True)
class Told:
    """A month of which ServiceTitan was told while it was carried, with what led to it."""

    office: Office
    before: dict[str, set[int]]
    """What showed as exported before, by table."""
    preview: Result
    written_by_preview: int
    kept: Month


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The month carried and told in one run, after a preview of it; for tests that only look."""
    folder = tmp_path_factory.mktemp("told")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=119, folder=folder) as world:
        office = switch_on(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch))
        before = {table: exported(office, table) for table in ("invoices", "payments")}
        preview = office.run(dry_run=True)
        written = len(office.writes())
        office.run()
        yield Told(office, before, preview, written, keep_month(office, folder))


@pytest.fixture
def after_telling(office: Office, told: Told) -> Office:
    """An office of one's own whose month is in the books, and ServiceTitan knows."""
    return switch_on(move_in(office, told.kept))


@pytest.fixture
def telling(posted: Office) -> Office:
    """An office that is to tell ServiceTitan of a month in the next run, which also posts two documents of its own."""
    book_one_more(posted)
    return switch_on(posted)


def in_books(office: Office) -> dict[int, str]:
    """The posted invoices, credits among them, by ServiceTitan id: their number in Business Central."""
    documents = [*office.world.company.invoices, *office.world.company.credit_memos]
    numbers = {one.external_document_number: one.number for one in documents if one.posted}
    return {
        row["id"]: numbers[f"ST-{row['id']}"]
        for row in office.world.tenant.invoices.values()
        if f"ST-{row['id']}" in numbers
    }


def paid_in(office: Office) -> set[int]:
    """The payments that stand in the customer ledger, by ServiceTitan id."""
    numbers = {one.document_number for one in office.world.company.customer_ledger}
    return {row["id"] for row in office.world.tenant.payments.values() if f"ST-P{row['id']}" in numbers}


def exported(office: Office, table: str) -> set[int]:
    rows = office.world.tenant.tables[table].values()
    return {row["id"] for row in rows if row["syncStatus"] == "Exported"}


def marks(office: Office) -> list[tuple[str, Any]]:
    """Each row that ServiceTitan was told: the resource, and what was said of one record."""
    return [row for one in office.writes() if one.system == "servicetitan_api" for row in rows_of(one)]


def rows_of(entry: Entry) -> list[tuple[str, Any]]:
    body = json.loads(entry.body) if entry.body else None
    if entry.target.endswith("/markasexported"):
        return [(entry.target.rsplit("/", 2)[1], row) for row in body]
    if entry.target.endswith("/payments/status"):
        return [("payments", {"paymentId": one, "status": body["status"]}) for one in body["paymentIds"]]
    return []


def stsync(office: Office, *arguments: str) -> Any:
    OUTPUT.json = OUTPUT.quiet = False
    return CliRunner().invoke(app, [*arguments, "--config", str(office.config)], terminal_width=160)


def test_servicetitan_shows_every_posted_document_as_exported_and_no_other(told: Told) -> None:
    assert len(in_books(told.office)) > 60
    assert exported(told.office, "invoices") - told.before["invoices"] == set(in_books(told.office))
    assert exported(told.office, "payments") - told.before["payments"] == paid_in(told.office)


def test_each_invoice_is_marked_with_its_own_number_in_the_books(told: Told) -> None:
    rows = {row["invoiceId"]: row["externalId"] for resource, row in marks(told.office) if resource == "invoices"}
    assert rows == in_books(told.office)
    assert all(told.office.world.tenant.invoices[one]["exportId"] == number for one, number in rows.items())


def test_nothing_is_told_before_the_books_have_confirmed_the_posting(told: Told) -> None:
    writes = told.office.writes()
    posted = max(n for n, one in enumerate(writes) if "Microsoft.NAV.post" in one.target)
    first = min(n for n, one in enumerate(writes) if rows_of(one))
    assert posted < first


def test_a_document_that_is_held_is_not_marked(told: Told) -> None:
    with State.open_scratch(told.office.state_file) as state:
        held = {row.source_id for row in state.inbox.rows("invoices", ("held",))}
    assert held
    assert not held & {str(row["invoiceId"]) for resource, row in marks(told.office) if resource == "invoices"}


def test_nothing_is_told_unless_it_was_switched_on(office: Office, month_kept: Month) -> None:
    tables = ("invoices", "payments", "credit_memos")
    before = {table: exported(office, table) for table in tables}
    posted = move_in(office, month_kept)
    assert len(in_books(posted)) > 60
    assert {table: exported(posted, table) for table in tables} == before, "carrying the month told ServiceTitan"
    book_one_more(posted)
    posted.run()
    assert posted.writes()
    assert marks(posted) == []


def test_what_was_posted_before_the_switch_is_told_after_it(posted: Office) -> None:
    switch_on(posted, "invoices").run()
    assert {row["invoiceId"] for _, row in marks(posted)} == set(in_books(posted))
    assert {one.target.rsplit("/", 1)[1] for one in posted.writes()} == {"markasexported"}


def test_the_preview_is_what_the_run_sends_marks_included(told: Told) -> None:
    assert told.written_by_preview == 0
    operations = [one for one in told.preview.plan.operations() if one.verb != "adopt"]
    assert sum(one.verb == "mark" for one in operations) > 100
    promised = Counter(_promised_mark(one) if one.verb == "mark" else _promised(one) for one in operations)
    sent = Counter(row for one in told.office.writes() for row in _rows_sent(told.office, one))
    assert promised - sent == Counter(), "shown, but not sent"
    assert sent - promised == Counter(), "sent, but not shown"


def _promised_mark(operation: Any) -> tuple[str, ...]:
    """A mark of the preview; the number that only the posting brings stands in it as a reference to that posting."""
    body = {name: str(value) for name, value in operation.body.items()}
    if body.get("externalId", "").startswith("<number from invoices:"):
        body["externalId"] = f"ST-{body['externalId'].split(':')[1]}"
    return "mark", operation.entity, json.dumps(body, sort_keys=True)


def _rows_sent(office: Office, entry: Entry) -> list[tuple[str, ...]]:
    rows = rows_of(entry) if entry.system == "servicetitan_api" else []
    if not rows:
        return [_sent(office, entry)]
    documents = [*office.world.company.invoices, *office.world.company.credit_memos]
    keys = {one.number: one.external_document_number for one in documents if one.posted}
    told = []
    for resource, row in rows:
        body = {name: str(value) for name, value in row.items()}
        if "externalId" in body:
            body["externalId"] = keys[body["externalId"]]
        told.append(("mark", resource, json.dumps(body, sort_keys=True)))
    return told


def test_what_comes_back_as_exported_changes_nothing(after_telling: Office) -> None:
    books = len(after_telling.world.company.gl_entries)
    result = after_telling.run()
    assert after_telling.writes() == []
    assert len(after_telling.world.company.gl_entries) == books
    assert result.carried == {}
    assert {after_telling.standing("invoices", one) for one in in_books(after_telling)} == {("settled", "posted")}


def test_a_row_that_servicetitan_refuses_is_held_and_tried_again_and_the_posting_stands(posted: Office) -> None:
    unposted = min(in_books(posted))
    posted.world.tenant.switches.mark_exported_needs_posted = True
    posted.world.tenant.unpost([unposted])
    books = len(posted.world.company.gl_entries)
    switch_on(posted, "invoices")
    assert posted.run("invoices").exit_code == ExitCode.HELD
    mark = f"invoice-{unposted}"
    assert posted.standing("write_backs", mark) == ("held", "not-posted-in-servicetitan")
    assert posted.standing("invoices", unposted) == ("settled", "posted")
    assert exported(posted, "invoices") >= set(in_books(posted)) - {unposted}

    posted.world.tenant.post_batch([unposted])
    posted.world.sandbox.log.clear()
    posted.run("invoices")
    assert [row["invoiceId"] for _, row in marks(posted)] == [unposted]
    assert posted.standing("write_backs", mark) == ("settled", "told")
    assert len(posted.world.company.gl_entries) == books


def test_a_mark_spends_its_own_attempts_and_can_be_replayed(posted: Office) -> None:
    unposted = min(in_books(posted))
    posted.world.tenant.switches.mark_exported_needs_posted = True
    posted.world.tenant.unpost([unposted])
    switch_on(posted, "invoices")
    for _ in range(6):
        posted.run("invoices")
    assert posted.standing("write_backs", f"invoice-{unposted}")[0] == "dead"
    assert posted.standing("invoices", unposted) == ("settled", "posted")
    posted.world.tenant.post_batch([unposted])
    assert stsync(posted, "replay", "--stage", "write_backs").exit_code == 0
    posted.run("invoices")
    assert posted.standing("write_backs", f"invoice-{unposted}") == ("settled", "told")


def test_one_unknown_payment_does_not_keep_the_others_from_being_told(posted: Office) -> None:
    lost, *others = sorted(paid_in(posted))
    # payments/status speaks for all or none, so one bad payment refuses the whole request (trap 3).
    errors = {"paymentIds": [f"Payment {lost} was not found."]}
    envelope = {"type": "", "title": "Invalid", "status": 400, "traceId": "t", "errors": errors, "data": {}}
    refusal = faults.answer(400, envelope)
    posted.world.sandbox.faults.add(refusal, path="payments/status", body=str(lost), count=None)
    switch_on(posted, "payments").run("payments")
    assert set(others) <= exported(posted, "payments")
    assert posted.standing("write_backs", f"payment-{lost}")[0] == "held"
    assert posted.standing("payments", lost) == ("settled", "posted")
    assert lost not in exported(posted, "payments")


@pytest.mark.parametrize("fault", [faults.DROP_ANSWER, faults.DROP, faults.TRUNCATE, faults.HTML_500])
def test_a_lost_answer_is_told_again_and_posts_nothing_again(telling: Office, fault: Any) -> None:
    rule = telling.world.sandbox.faults.add(fault, system="servicetitan_api", method="POST", path=MARK, nth=1)
    telling.run()
    assert rule.fired
    telling.world.sandbox.faults.clear()
    books = len(telling.world.company.gl_entries)
    result = telling.run()
    assert result.in_doubt == 0
    assert exported(telling, "invoices") >= set(in_books(telling))
    assert exported(telling, "payments") >= paid_in(telling)
    assert len(telling.world.company.gl_entries) == books


def test_a_mark_that_shows_with_our_number_is_not_sent_again(telling: Office) -> None:
    rule = telling.world.sandbox.faults.add(faults.DROP_ANSWER, method="POST", path="invoices/markasexported")
    telling.run()
    assert rule.fired
    told = exported(telling, "invoices") & set(in_books(telling))
    telling.world.sandbox.log.clear()
    result = telling.run()
    assert marks(telling) == []
    assert result.in_doubt == 0
    assert {telling.standing("write_backs", f"invoice-{one}") for one in told} == {("settled", "told")}


def test_a_mark_that_shows_with_another_number_is_sent_again(telling: Office) -> None:
    telling.world.sandbox.faults.add(faults.DROP_ANSWER, method="POST", path="invoices/markasexported")
    telling.run()
    [other, *_] = sorted(exported(telling, "invoices") & set(in_books(telling)))
    telling.world.tenant.edit_invoice(other, exportId="another integration's")
    telling.world.sandbox.log.clear()
    telling.run()
    assert [row["invoiceId"] for _, row in marks(telling)] == [other]
    assert telling.world.tenant.invoices[other]["exportId"] == in_books(telling)[other]


def test_a_row_that_the_answer_does_not_mention_is_told_again(telling: Office) -> None:
    rule = telling.world.sandbox.faults.add(
        faults.answer(200, []), system="servicetitan_api", method="POST", path="invoices/markasexported", nth=1
    )
    telling.run()
    assert rule.fired
    silent = {one for one in in_books(telling) if one not in exported(telling, "invoices")}
    assert silent
    assert {telling.standing("write_backs", f"invoice-{one}") for one in silent} == {("waiting", "mark-unanswered")}
    telling.world.sandbox.faults.clear()
    telling.run()
    assert silent <= exported(telling, "invoices")


def test_a_missing_scope_holds_the_marks_and_nothing_else(telling: Office) -> None:
    missing = faults.answer(403, {"title": "Scope missing"})
    telling.world.sandbox.faults.add(missing, method="POST", path="markasexported", count=None)
    result = telling.run()
    assert result.exit_code == ExitCode.HELD
    assert {telling.standing("write_backs", f"invoice-{one}") for one in in_books(telling)} == {
        ("held", "write-back-not-permitted")
    }
    assert exported(telling, "payments") >= paid_in(telling)


def test_payments_that_show_exported_already_are_not_told_again(posted: Office) -> None:
    told = min(paid_in(posted))
    posted.world.tenant.bypass(payment_ids=[told])
    switch_on(posted, "payments").run()
    office_told = {row["paymentId"] for _, row in marks(posted)}
    assert office_told == paid_in(posted) - {told}
    assert posted.standing("write_backs", f"payment-{told}") == ("settled", "told")


def test_requests_carry_a_hundred_rows_at_most(posted: Office) -> None:
    switch_on(posted).run()
    sizes = [len(rows_of(one)) for one in posted.writes()]
    assert sum(sizes) == len(in_books(posted)) + len(paid_in(posted))
    assert max(sizes) <= 100
    assert len(sizes) <= 4


def test_a_document_issued_anew_is_marked_with_its_new_number(after_telling: Office) -> None:
    source_id, number = next(iter(in_books(after_telling).items()))
    with State.open(after_telling.state_file) as state:
        _issued_anew(state, str(source_id), "PSI-NEW")
    after_telling.run("invoices")
    assert [row["externalId"] for _, row in marks(after_telling)] == ["PSI-NEW"]
    assert after_telling.world.tenant.invoices[source_id]["exportId"] == "PSI-NEW" != number
    after_telling.run("invoices")
    assert len(marks(after_telling)) == 1


def _issued_anew(state: State, source_id: str, number: str) -> None:
    """What the ledger holds after a correction: the invoice was posted once more, under another number."""
    from stsync.state import Done, Intent

    key = f"invoices:{source_id}:post:2"
    intent = Intent(key, "invoices", source_id, "post", "salesInvoices", f"ST-{source_id}", "d", "{}")
    run_id = state.runs.last(1)[0].run_id
    state.ledger.intend([intent], run_id)
    state.ledger.done(Done(key, "new-id", number), run_id=run_id)


def test_a_document_that_a_person_put_aside_is_not_marked(posted: Office) -> None:
    changed = min(in_books(posted))
    row = posted.world.tenant.invoices[changed]
    row["total"] = "1.23"
    posted.world.tenant.touch("invoices", changed)
    posted.run("invoices")
    assert posted.standing("invoices", changed) == ("held", "changed-after-posting")
    switch_on(posted, "invoices").run("invoices")
    assert changed not in exported(posted, "invoices")
    ignored = stsync(posted, "ignore", "invoice", str(changed), "--reason", "credited by hand")
    assert ignored.exit_code == 0
    posted.run("invoices")
    assert changed not in exported(posted, "invoices")
    assert len(exported(posted, "invoices") & set(in_books(posted))) == len(in_books(posted)) - 1


def test_a_lost_state_takes_on_what_was_told_and_posts_nothing_twice(
    after_telling: Office, another: Callable[[Office, str], Office]
) -> None:
    books = len(after_telling.world.company.gl_entries)
    lost = switch_on(another(after_telling, "new computer"))
    lost.run()
    assert len(after_telling.world.company.gl_entries) == books
    settled = {("settled", "posted"), ("settled", "to_apply")}
    assert {lost.standing("invoices", one) for one in in_books(lost)} <= settled
    assert {lost.standing("payments", one) for one in paid_in(lost)} <= settled
    after_telling.world.sandbox.log.clear()
    lost.run()
    assert after_telling.writes() == []


def test_switching_it_off_puts_open_marks_aside(posted: Office) -> None:
    posted.world.sandbox.faults.add(faults.answer(403, {}), system="servicetitan_api", method="POST", path=MARK)
    switch_on(posted, "invoices").run("invoices")
    one = f"invoice-{min(in_books(posted))}"
    assert posted.standing("write_backs", one)[0] == "held"
    posted.edit_config("  invoices: yes\n", "  invoices: no\n")
    posted.world.sandbox.faults.clear()
    posted.run("invoices")
    assert posted.standing("write_backs", one) == ("settled", "ignored")
    posted.edit_config("  invoices: no\n", "  invoices: yes\n")
    posted.run("invoices")
    assert posted.standing("write_backs", one) == ("settled", "told")


def test_people_see_what_was_told(posted: Office) -> None:
    unposted = min(in_books(posted))
    posted.world.tenant.switches.mark_exported_needs_posted = True
    posted.world.tenant.unpost([unposted])
    switch_on(posted, "invoices")
    assert "told ServiceTitan" in stsync(posted, "sync", "--dry-run").output
    assert "told ServiceTitan" in stsync(posted, "sync").output
    held = stsync(posted, "held", "--stage", "write_backs").output
    assert "is in the books, but ServiceTitan was not told" in held
    assert "The books are right" in held
    assert "told ServiceTitan" in stsync(posted, "status").output
    life = stsync(posted, "trace", "write-back", f"invoice-{unposted}")
    assert life.exit_code == 0
    assert "ServiceTitan" in life.output
    put_aside = stsync(posted, "ignore", "write-back", f"invoice-{unposted}", "--reason", "told by hand")
    assert put_aside.exit_code == 0
    posted.run("invoices")
    assert posted.standing("write_backs", f"invoice-{unposted}") == ("settled", "by_hand")
