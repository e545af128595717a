from __future__ import annotations

import csv
import dataclasses

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stsync.core.mapping import TABLES, Gap, Mapping, identity, yaml_text

MAPPING = Mapping.of(
    {
        "accounts": {"4000": "40100", "HVAC Install": "40200", "77": "40300"},
        "business_units": {" Drain - West ": "DRAIN-W"},
    }
)


def test_candidates_are_tried_in_the_order_given():
    assert MAPPING.lookup("accounts", "77", "4000", "HVAC Install") == "40300"
    assert MAPPING.lookup("accounts", "78", "4000", "HVAC Install") == "40100"
    assert MAPPING.lookup("accounts", 77, "4000") == "40300"


def test_names_are_found_whatever_their_capitals_and_outer_space():
    assert MAPPING.lookup("accounts", "hvac install ") == "40200"
    assert MAPPING.lookup("business_units", "DRAIN - WEST") == "DRAIN-W"


def test_what_is_not_mapped_is_never_guessed():
    assert MAPPING.lookup("accounts", "HVAC Instal", "40", None, "") is None
    assert MAPPING.lookup("terms", "Net 30") is None
    assert Mapping.of({"items": {"": "X"}}).lookup("items", None, "") is None


def test_an_unknown_table_is_a_bug_and_says_so():
    with pytest.raises(KeyError):
        MAPPING.lookup("account", "4000")
    with pytest.raises(ValueError, match="unknown mapping table"):
        Mapping.of({"account": {}})


def test_two_keys_that_compare_equal_may_not_disagree():
    assert Mapping.of({"items": {"a": "1", "A ": "1"}}).lookup("items", "a") == "1"
    with pytest.raises(ValueError, match="twice"):
        Mapping.of({"items": {"a": "1", "A ": "2"}})


def test_a_mapping_cannot_change_after_it_was_made():
    tables = {"items": {"a": "1"}}
    mapping = Mapping.of(tables)
    tables["items"]["a"] = "2"
    assert mapping.lookup("items", "a") == "1"
    with pytest.raises(dataclasses.FrozenInstanceError):
        mapping.tables = {}
    with pytest.raises(TypeError):
        mapping.tables["items"]["a"] = "2"


def test_the_digest_tells_mappings_apart_by_what_they_answer():
    same = Mapping.of(
        {
            "business_units": {"drain - west": "DRAIN-W"},
            "accounts": {"77": "40300", "hvac install": "40200", "4000": "40100"},
        }
    )
    assert same.digest() == MAPPING.digest()
    assert Mapping.of({**MAPPING.tables, "terms": {"net 30": "30D"}}).digest() != MAPPING.digest()
    assert Mapping.of({"terms": {"a": "1"}}).digest() != Mapping.of({"items": {"a": "1"}}).digest()


def test_a_gap_names_the_exact_line_to_add():
    gap = Gap("business_units", "Drain - West", wanted="DEPARTMENT value")
    assert gap.config_line == 'mapping.business_units:  "Drain - West": <DEPARTMENT value>'
    assert gap.csv_line == "business_units,Drain - West,<DEPARTMENT value>,"
    assert Gap("accounts", "4000").entry == '"4000": <G/L account>'


@pytest.mark.parametrize("table", TABLES)
def test_every_table_says_what_has_to_stand_there(table):
    assert Gap(table, "x").placeholder.strip("<>")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40))
def test_the_line_to_add_means_exactly_the_name_that_was_missing(name):
    assert yaml.load(f"{yaml_text(name)}: x", Loader=yaml.BaseLoader) == {name: "x"}
    if "\r" not in name and "\n" not in name:
        cell = next(csv.reader([Gap("items", name).csv_line]))[1]
        assert cell in {name, f"'{name}"}


def test_a_name_that_a_spreadsheet_would_run_is_made_text():
    assert Gap("items", "=cmd|' /C calc'!A0").csv_line.startswith("items,'=cmd")


def test_equal_numbers_mean_themselves_only_where_the_books_have_them():
    accounts = frozenset({"40100", "HVAC"})
    assert identity(accounts, "40100") == "40100"
    assert identity(accounts, None, "", " hvac ") == "HVAC"
    assert identity(accounts, "40200") is None
    assert identity(frozenset({""}), "") is None
