from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsync.core.canonical import canonical_json, digest, parse_json

numbers = st.decimals(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | numbers,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_what_was_written_is_read_back_equal(value: object) -> None:
    assert parse_json(canonical_json(value)) == value


@given(st.dictionaries(st.text(), numbers | st.text()))
def test_the_order_of_keys_changes_nothing(value: dict[str, object]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


def test_a_decimal_is_written_digit_for_digit() -> None:
    text = canonical_json({"b": Decimal("12345678901234567.890"), "a": Decimal("-0.10"), "c": Decimal("1E+3")})
    assert text == '{"a":-0.10,"b":12345678901234567.890,"c":1E+3}'
    assert str(parse_json(text)["b"]) == "12345678901234567.890"


def test_a_trailing_zero_is_another_text_and_another_digest() -> None:
    assert digest({"total": Decimal("12.5")}) != digest({"total": Decimal("12.50")})


def test_half_a_surrogate_pair_in_a_name_is_carried() -> None:
    value = json.loads('{"name": "\\ud83d"}')
    assert parse_json(canonical_json(value)) == value
    assert canonical_json(value).isascii()


@pytest.mark.parametrize("value", [1.5, {"a": 0.1}, {1: "a"}, {"a": {1, 2}}, [b"x"]])
def test_floats_and_strange_things_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity")])
def test_a_decimal_that_is_no_number_is_refused(value: Decimal) -> None:
    with pytest.raises(ValueError, match="not a number"):
        canonical_json([value])


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", ""])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        parse_json(text)
