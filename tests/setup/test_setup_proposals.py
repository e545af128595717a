"""What `init` proposes: certain only where code or name are the same."""

from __future__ import annotations

import pytest

from stsync.errors import UsageError
from stsync.setup.given import lookup, pairs
from stsync.setup.mapping_checks import stands_on_lines
from stsync.setup.proposals import Candidate, journal_code, propose, propose_tax_account
from stsync.setup.questions import listed, one_of

VALUES = [
    Candidate("DRAIN-W", "Drain West"),
    Candidate("HVAC-I", "HVAC Install"),
    Candidate("HVAC-S", "HVAC Service"),
    Candidate("SOLAR", "Solar"),
]


def test_the_same_name_is_certain_whatever_its_capitals_and_signs() -> None:
    line = propose("Drain - WEST", [], VALUES)
    assert (line.value, line.settled) == ("DRAIN-W", True)


def test_the_same_code_is_certain_also_when_servicetitan_keeps_it_beside_the_name() -> None:
    assert propose("solar", [], VALUES).value == "SOLAR"
    assert propose("Installations", [None, "", "hvac-i"], VALUES).value == "HVAC-I"


def test_a_similar_name_is_a_suggestion_only() -> None:
    line = propose("HVAC Installs", [], VALUES)
    assert (line.value, line.settled) == ("HVAC-I", False)


def test_what_two_values_could_mean_is_left_open() -> None:
    twins = [
        Candidate("A", "Phoenix 1"),
        Candidate("B", "Phoenix 2"),
        Candidate("C", "Same"),
        Candidate("D", "Same"),
    ]
    assert propose("Phoenix 3", [], twins).value is None
    assert propose("Same", [], twins).settled is False


def test_nothing_like_it_is_left_open() -> None:
    assert propose("Plumbing", [], VALUES).value is None
    assert propose("Plumbing", [], []).value is None


def test_a_tax_zones_account_is_the_one_named_after_it() -> None:
    accounts = [Candidate("22030", "Sales Tax Payable, City of Mesa"), Candidate("22040", "Sales Tax, Mesa Verde")]
    assert propose_tax_account("Mesa", accounts).value == "22030"
    assert propose_tax_account("Tempe", accounts).value is None
    assert propose_tax_account("Sales Tax", [Candidate("1", "Sales Tax")]).value is None


def test_journal_codes_fit_and_are_never_given_twice() -> None:
    assert journal_code("Credit Card", ()) == "ST-CREDIT"
    assert journal_code("Write-Off", ()) == "ST-WRITE"
    assert journal_code("Refinancing", ()) == "ST-REFINAN"
    assert journal_code("Refinancing", {"ST-REFINAN"}) == "ST-REFINA2"
    assert journal_code("Credit Card", {"ST-CREDIT", "ST-CREDIT2"}) == "ST-CREDIT3"
    assert journal_code("电汇", ()) == "ST-PAY"


@pytest.mark.parametrize(
    ("kind", "on_lines"),
    [("Income", True), ("Liability", True), ("", True), ("Asset", False), ("Cost of Goods Sold", False)],
)
def test_only_kinds_of_accounts_that_lines_carry_are_asked_for(kind: str, on_lines: bool) -> None:
    assert stands_on_lines({"type": kind, "subtype": None}) is on_lines


def test_the_tax_account_of_servicetitan_never_stands_on_a_line() -> None:
    assert not stands_on_lines({"type": "Liability", "defaultAccountType": "SalesTaxPayable"})


def test_a_name_may_hold_an_equals_sign() -> None:
    assert pairs("--account", ["a=b=c"]) == {"a=b": "c"}
    for wrong in ("abc", "=x", "x="):
        with pytest.raises(UsageError, match="NAME=VALUE"):
            pairs("--account", [wrong])
    assert lookup({" Credit card": "X"}, "CREDIT CARD") == "X"


def test_lists_take_codes_first_and_positions_only_where_they_are_numbered() -> None:
    accounts = [Candidate("2", "Two"), Candidate("7", "Seven")]
    assert listed(accounts)("7") == "7"
    with pytest.raises(ValueError, match="not in the list"):
        listed(accounts)("1")
    assert listed(accounts, numbered=True)("1") == "2"
    assert listed(accounts, numbered=True)("2") == "2"


def test_words_may_be_shortened_where_one_is_meant() -> None:
    assert one_of("production", "integration")("prod") == "production"
    for wrong in ("", "x"):
        with pytest.raises(ValueError, match="is not one of"):
            one_of("production", "sandbox")(wrong)
