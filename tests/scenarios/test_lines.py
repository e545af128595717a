"""Lines and numbers that are easy to carry wrongly: what the general ledger shows of each, after one run over the month."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from office import DEPARTMENT, Office, mapping_of, money

from stsync.sandbox.company.chart import UNITS
from stsync.sandbox.world import World
from stsync.state import State


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The demo month, its invoices carried once."""
    folder = tmp_path_factory.mktemp("month")
    with pytest.MonkeyPatch.context() as monkeypatch, World(invoices=119, folder=folder) as world:
        office = Office(world, world.write_config(folder / "books" / "config.yaml"), monkeypatch)
        office.run("customers", "invoices")
        yield office


def _rows(month: Office, scenario: str) -> list[dict[str, Any]]:
    ids = [one for kind, one in month.world.demo.scenarios[scenario] if kind == "invoices"]
    return [month.world.tenant.invoices[one] for one in ids]


def _row(month: Office, scenario: str) -> dict[str, Any]:
    (row,) = _rows(month, scenario)
    return row


def _posted(month: Office, row: dict[str, Any]) -> Any:
    document = month.invoice(row["id"])
    assert document is not None
    assert document.posted
    assert document.total == money(row["total"])
    return document


def _booked(month: Office, row: dict[str, Any]) -> Counter[tuple[str, str]]:
    """What the invoice brought, by account and department; the receivable, the only debit, aside."""
    receivables = set(month.world.company.receivables_accounts.values())
    found: Counter[tuple[str, str]] = Counter()
    for entry in month.gl(_posted(month, row).number, "Invoice"):
        if entry.account_number not in receivables:
            found[entry.account_number, entry.dimensions[DEPARTMENT]] -= entry.amount
    return Counter({key: amount for key, amount in found.items() if amount})


def _earned(month: Office, row: dict[str, Any]) -> Counter[tuple[str, str]]:
    """The same from ServiceTitan's row and the accountant's tables."""
    tables = mapping_of(month.config)
    units = {unit.id: unit.code for unit in UNITS}
    found: Counter[tuple[str, str]] = Counter()
    for item in row["items"]:
        number = item["generalLedgerAccount"]["number"]
        unit = units[(item["businessUnit"] or row["businessUnit"])["id"]]
        if item["isChargeable"]:
            found[tables["accounts"].get(number, number), unit] += money(item["total"])
    if money(row["salesTax"]):
        zone = tables["tax_zones"][row["salesTaxCode"]["name"]]
        found[zone, units[row["businessUnit"]["id"]]] += money(row["salesTax"])
    return Counter({key: amount for key, amount in found.items() if amount})


def _lines(month: Office, row: dict[str, Any]) -> list[Any]:
    return list(month.world.company.lines_of(_posted(month, row)))


def _reason(month: Office, row: dict[str, Any]) -> Any:
    with State.open_scratch(month.state_file) as state:
        record = state.inbox.find("invoices", str(row["id"]))
    assert record is not None
    assert record.reason is not None
    return record.reason


def test_discounts_and_fees_stand_on_accounts_of_their_own(month: Office) -> None:
    row = _row(month, "discount_and_fee")
    modifiers = [item for item in row["items"] if item["type"] == "PriceModifier"]
    assert sorted(money(item["total"]) for item in modifiers) == [money("-45.00"), money("11.25")]
    assert _booked(month, row) == _earned(month, row)


def test_products_that_round_otherwise_are_carried_as_their_total(month: Office) -> None:
    row = _row(month, "quantities_round_differently")
    assert _booked(month, row) == _earned(month, row)
    carried = {line.description: (line.quantity, line.amount_excluding_tax) for line in _lines(month, row)}
    (whole,) = [value for text, value in carried.items() if "Refrigerant" in text]
    assert whole == (1, money("11.47"))
    assert any(text.startswith("1.125 x 10.2 ") for text in carried)
    (exact,) = [value for text, value in carried.items() if "Sealant" in text]
    assert exact[1] == money("21.02")


def test_what_was_not_charged_brings_nothing(month: Office) -> None:
    row = _row(month, "lines_not_chargeable")
    assert sum(money(item["total"]) for item in row["items"]) > money(row["subTotal"])
    assert _booked(month, row) == _earned(month, row)


def test_three_hundred_lines_are_one_document(month: Office) -> None:
    row = _row(month, "three_hundred_lines")
    assert len(_lines(month, row)) == 300 + bool(money(row["salesTax"]))
    assert _booked(month, row) == _earned(month, row)


def test_hostile_texts_arrive_as_readable_text_within_their_length(month: Office) -> None:
    row = _row(month, "hostile_text")
    texts = [line.description for line in _lines(month, row)]
    assert 'Replaced 5 µF capacitor & contactor Customer said: "finally!"' in texts
    assert any("תיקון מזגן" in text for text in texts)
    for text in texts:
        assert text
        assert len(text) <= 100
        assert "<p>" not in text
        assert not any(unicodedata.category(character) == "Cc" for character in text)
    assert _booked(month, row) == _earned(month, row)


def test_an_account_of_the_same_number_needs_no_line_in_the_mapping(month: Office) -> None:
    row = _row(month, "same_number_in_both_books")
    assert {account for account, _ in _booked(month, row)} >= {"4700", "4710"}
    assert _booked(month, row) == _earned(month, row)


def test_a_line_of_a_closed_unit_keeps_its_value(month: Office) -> None:
    row = _row(month, "closed_business_unit")
    assert "TUC-HVAC" in {unit for _, unit in _booked(month, row)}
    assert _booked(month, row) == _earned(month, row)


def test_free_text_and_returned_parts_are_lines_like_others(month: Office) -> None:
    row = _row(month, "free_text_line")
    assert min(line.quantity for line in _lines(month, row)) == -1
    assert _booked(month, row) == _earned(month, row)


def test_a_line_without_a_unit_takes_the_invoices(month: Office) -> None:
    row = _row(month, "item_without_business_unit")
    assert row["items"][0]["businessUnit"] is None
    assert _booked(month, row) == _earned(month, row)


@pytest.mark.parametrize(
    ("scenario", "reference", "words"),
    [
        ("no_business_unit_at_all", "line-without-business-unit", "no business unit"),
        ("unmapped_business_unit", "dimension-value-missing", "EV-SOLAR"),
        ("unmapped_account", "mapping-missing", "4600"),
        ("item_without_account", "line-without-account", "Line 2"),
        ("unknown_term", "mapping-missing", "When the insurance pays"),
        ("mismatched_total", "total-does-not-add-up", "its total is"),
    ],
)
def test_what_nobody_has_decided_is_held_and_named(month: Office, scenario: str, reference: str, words: str) -> None:
    for row in _rows(month, scenario):
        assert month.standing("invoices", row["id"]) == ("held", reference)
        assert month.invoice(row["id"]) is None
        assert words in _reason(month, row).message


def test_numbers_that_people_see_are_no_key(month: Office) -> None:
    twice = _rows(month, "duplicate_reference_numbers")
    assert len({row["referenceNumber"] for row in twice}) == 1
    rows = [*twice, _row(month, "renumbered"), _row(month, "reference_number_missing")]
    for row in rows:
        seen = _posted(month, row).customer_purchase_order_reference
        assert seen == (row["referenceNumber"] or "")
    assert len({_posted(month, row).number for row in rows}) == 4


@pytest.mark.parametrize("scenario", ["ids_beyond_32_bits", "ids_beyond_53_bits"])
def test_long_ids_are_kept_to_the_last_digit(month: Office, scenario: str) -> None:
    for row in _rows(month, scenario):
        assert _posted(month, row).external_document_number == f"ST-{row['id']}"


def test_a_cancelled_or_pending_invoice_brings_nothing(month: Office) -> None:
    cancelled, pending = _row(month, "voided_before_transfer"), _row(month, "pending_empty_job")
    assert month.standing("invoices", cancelled["id"]) == ("settled", "nothing_to_post")
    assert month.standing("invoices", pending["id"]) == ("settled", "not_ready")
    assert month.invoice(cancelled["id"]) is None
    assert month.invoice(pending["id"]) is None


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"items": [], "subTotal": "0.00", "salesTax": "0.00", "total": "0.00"}, "nothing_to_post"),
        ({"invoiceDate": "2026-03-31T00:00:00Z"}, "before_go_live"),
    ],
    ids=["emptied", "redated"],
)
def test_a_draft_goes_when_its_invoice_belongs_in_the_books_no_more_and_is_not_counted_as_carried(
    office: Office, change: dict[str, Any], outcome: str
) -> None:
    scenarios = {one for refs in office.world.demo.scenarios.values() for _, one in refs}
    row = next(
        one
        for one in office.world.tenant.invoices.values()
        if one["id"] not in scenarios and one["syncStatus"] == "Posted" and money(one["total"]) > 0
    )
    office.edit_config("invoices:\n", "invoices:\n  post: false\n")
    office.run("invoices", only=str(row["id"]))
    assert not office.invoice(row["id"]).posted
    row.update(change)
    office.world.tenant.touch("invoices", row["id"])
    result = office.run("invoices", only=str(row["id"]))
    assert office.standing("invoices", row["id"]) == ("settled", outcome)
    assert office.invoice(row["id"]) is None
    assert "invoices" not in result.carried
