"""Two computers on one company, each with a state file of its own: whichever way they interleave, nothing is twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from office import Office
from test_engine_faults import few_days

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.writes import Write
from stsync.core.operations import Operation, Verb
from stsync.core.sales import Draft
from stsync.engine.apply import another
from stsync.errors import LockHeld, StsyncError, SystemUnavailable
from stsync.sandbox.world import World

Second = tuple[Office, Office]


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Second]:
    """Two offices with one pair of systems and a few days' documents."""
    with World(invoices=119, folder=tmp_path) as world:
        made = [Office(world, world.write_config(tmp_path / name / "config.yaml"), monkeypatch) for name in ("a", "b")]
        yield few_days(made[0]), few_days(made[1])


@dataclass
class Moment:
    """The n-th write of a kind: right before the first run's leaves, alone or with others, the other computer runs.

    With `stops_at` the other one goes down when it is about to send a request of that kind.
    """

    method: str
    path: str
    nth: int
    stops_at: tuple[str, str] | None = None
    seen: int = 0
    happened: bool = False
    other_runs: bool = False

    def watch(self, monkeypatch: pytest.MonkeyPatch, other: Callable[[], Any]) -> None:
        for name in ("create", "action"):
            monkeypatch.setattr(BusinessCentral, name, self._watched(name, getattr(BusinessCentral, name), other))
        together = BusinessCentral.write_many

        def call(books: BusinessCentral, writes: Sequence[Write]) -> Any:
            for one in writes:
                kind = "action" if "Microsoft.NAV" in one.path else {"POST": "create"}.get(one.method, "")
                self._reached(kind, one.path, other)
            return together(books, writes)

        monkeypatch.setattr(BusinessCentral, "write_many", call)

    def _watched(self, name: str, real: Callable[..., Any], other: Callable[[], Any]) -> Callable[..., Any]:
        def call(books: BusinessCentral, where: str, *more: Any) -> Any:
            self._reached(name, where, other)
            return real(books, where, *more)

        return call

    def _reached(self, kind: str, where: str, other: Callable[[], Any]) -> None:
        if self.other_runs and self.stops_at and kind == self.stops_at[0] and self.stops_at[1] in where:
            raise SystemUnavailable("system-unavailable", "the other computer went down")
        if not self.other_runs and kind == self.method and self.path in where:
            self.seen += 1
            if self.seen == self.nth:
                self._let(other)

    def _let(self, other: Callable[[], Any]) -> None:
        self.other_runs = self.happened = True
        with suppress(StsyncError):
            other()
        self.other_runs = False


def twice(office: Office) -> dict[str, int]:
    """What stands more than once in the books: live documents, and payments by customer ledger entry or open line."""
    company = office.world.company
    found: Counter[str] = Counter()
    for one in [*company.invoices, *company.credit_memos]:
        if one.external_document_number.startswith("ST-") and one.status not in {"Canceled", "Corrective"}:
            found[one.external_document_number] += 1
    paid: Counter[tuple[str, str]] = Counter()
    for entry in company.customer_ledger:
        if entry.document_number.startswith("ST-P"):
            paid[entry.document_number, str(entry.amount)] += 1
    found += Counter({f"{number} {amount}": count for (number, amount), count in paid.items()})
    for line in company.journal_lines:
        if line.document_number.startswith("ST-P"):
            found[f"line {line.document_number} {line.amount} {line.applies_to_number}"] += 1
    found += Counter(card.display_name for card in company.customers if card.number.startswith("ST"))
    return {name: count for name, count in found.items() if count > 1}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What one computer alone leaves: payments and documents that legitimately look alike, and the totals by account."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=119, folder=folder) as world:
        office = few_days(Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch))
        office.run()
        yield {"twice": twice(office), "books": by_account(office)}


def by_account(office: Office) -> dict[tuple[str, str], Any]:
    sums: dict[tuple[str, str], Any] = {}
    for one in office.world.company.gl_entries:
        key = (one.account_number, one.external_document_number)
        sums[key] = sums.get(key, 0) + one.amount
    return {key: amount for key, amount in sums.items() if amount}


POSTS_DOCUMENTS, POSTS_JOURNALS = ("action", "salesInvoices"), ("action", "journals")
MOMENTS = [
    Moment("create", "customers", 1),
    Moment("create", "salesInvoices", 3),
    Moment("create", "salesInvoices", 3, POSTS_DOCUMENTS),
    Moment("action", "salesInvoices", 1, POSTS_DOCUMENTS),
    Moment("action", "salesInvoices", 4),
    Moment("create", "salesCreditMemos", 1),
    Moment("create", "customerPayments", 1, POSTS_JOURNALS),
    Moment("create", "customerPayments", 3),
    Moment("create", "customerPayments", 3, POSTS_JOURNALS),
    Moment("create", "journalLines", 1, POSTS_JOURNALS),
    Moment("action", "journals", 1),
    Moment("action", "journals", 1, POSTS_JOURNALS),
]


@pytest.mark.parametrize(("number", "moment"), [*enumerate(MOMENTS)], ids=str)
def test_a_second_computer_at_any_moment_doubles_nothing(
    two: Second, alone: dict[str, Any], monkeypatch: pytest.MonkeyPatch, number: int, moment: Moment
) -> None:
    first, second = two
    first.edit_config("business_central:\n", f"business_central:\n  concurrent_requests: {1 + number % 5}\n")
    moment = replace(moment)
    with monkeypatch.context() as watched:
        moment.watch(watched, second.run)
        with suppress(StsyncError):
            first.run()
    assert moment.happened, "the other computer never ran, so this shows nothing"
    assert {name for name in twice(first) if not name.startswith("line ")} == set(alone["twice"])
    again(first, second)
    assert twice(first) == alone["twice"]
    assert by_account(first) == alone["books"]


def test_the_one_that_comes_second_says_so_and_stops(two: Second, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    with monkeypatch.context() as watched:
        Moment("create", "salesInvoices", 3, POSTS_DOCUMENTS).watch(watched, second.run)
        with pytest.raises(LockHeld) as stopped:
            first.run()
    assert stopped.value.reference == "another-run-on-company"
    assert stopped.value.exit_code == 75
    assert "was deleted again" in stopped.value.message
    assert twice(first) == {}


def again(*offices: Office) -> None:
    """Both run on, one after the other."""
    for office in (*offices, *offices):
        with suppress(LockHeld):
            office.run()


@pytest.mark.parametrize(
    ("status", "entity", "counts"),
    [
        ("Corrective", "salesInvoices", True),
        ("Corrective", "salesCreditMemos", False),
        ("Canceled", "salesInvoices", False),
        ("Open", "salesInvoices", True),
    ],
)
def test_an_invoice_that_restores_a_cancelled_one_stands_before_a_posting(
    status: str, entity: str, counts: bool
) -> None:
    """A corrective invoice takes a cancellation back (facts section 4): beside it, ours would be a second one."""
    posting = Operation("k", "invoices", "5", Verb.POST, entity, "ST-5", "")
    other = Draft("theirs", "PS-1", "ST7", status, Decimal(100), Decimal(0), [], "*", key="ST-5")
    assert bool(another.twins(posting, "ours", {"theirs": other})) is counts
