"""Likeness of customers: the same on either side, whatever way people write a telephone number, a name or a street."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsync.core.likeness import (
    ADDRESS,
    EMAIL,
    NAME,
    NAME_AND_PLACE,
    PHONE,
    Register,
    Traits,
    is_exact,
    is_name_alone,
    last_digits,
    phone_digits,
    reasons,
    same_phone,
)

NATIONAL = st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True).filter(lambda text: len(set(text)) > 1)
FORMATS = (
    "{a}{b}{c}", "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "+1 {a} {b} {c}", "1-{a}-{b}-{c}", "001{a}{b}{c}",
    "{a} {b} {c} x42", "{a}-{b}-{c} ext. 7",
)  # fmt: skip
WORDS = st.lists(
    st.sampled_from(["Maria", "Garza", "Desert", "Ridge", "Dental", "Group", "LLC", "The", "Inc"]), max_size=5
)
TRAITS = st.builds(
    Traits,
    name=WORDS.map(" ".join),
    street=st.sampled_from(["", "12 North Main Street", "12 N. Main St", "8 Elm Ave"]),
    postal_code=st.sampled_from(["", "85001", "85001-1234", "85281"]),
    phone=st.one_of(st.just(""), NATIONAL, st.text(alphabet="0123456789+-() ", max_size=16)),
    email=st.sampled_from(["", "a@b.com", "A@B.com", "c@d.org; a@b.com", "not an address"]),
)


@given(NATIONAL, st.sampled_from(FORMATS), st.sampled_from(FORMATS))
def test_a_number_is_the_same_in_every_way_of_writing_it(digits: str, one: str, other: str) -> None:
    parts = {"a": digits[:3], "b": digits[3:6], "c": digits[6:]}
    assert same_phone(one.format(**parts), other.format(**parts))
    assert last_digits(one.format(**parts)) == digits[6:]


@given(NATIONAL, NATIONAL)
def test_two_numbers_of_one_country_are_the_same_only_digit_for_digit(one: str, other: str) -> None:
    assert same_phone(one, "+1" + other) == (one == other)


@given(TRAITS, TRAITS)
def test_likeness_is_symmetric(one: Traits, other: Traits) -> None:
    assert reasons(one, other) == reasons(other, one)
    assert same_phone(one.phone, other.phone) == same_phone(other.phone, one.phone)


@given(TRAITS, st.dictionaries(st.sampled_from(["C1", "C2", "C3"]), TRAITS))
def test_the_register_finds_exactly_what_comparing_one_by_one_finds(one: Traits, cards: dict[str, Traits]) -> None:
    assert Register(cards).alike(one) == {name: why for name, card in cards.items() if (why := reasons(one, card))}


@pytest.mark.parametrize("text", ["", "none", "555", "000-000-0000", "0000000", "see memo"])
def test_a_number_that_names_nobody_is_none(text: str) -> None:
    assert phone_digits(text) == ""
    assert not same_phone(text, text)


def test_a_local_number_is_not_taken_for_one_with_an_area() -> None:
    assert not same_phone("555-0134", "(602) 555-0134")
    assert same_phone("020 7946 0958", "+44 20 7946 0958")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Garza, Maria", "Maria Garza"),
        ("MARIA  GARZA", "maria garza"),
        ("The O'Brien Company, LLC", "OBrien Co"),
        ("Café Zoë Inc.", "Cafe Zoe"),
        ("Smith & Sons", "Smith Sons"),
    ],
)
def test_a_name_is_the_same_in_other_spellings(one: str, other: str) -> None:
    assert reasons(Traits(one), Traits(other)) == (NAME,)


def test_names_of_two_people_of_one_family_are_not_alike() -> None:
    assert reasons(Traits("Maria Garza"), Traits("Mario Garza")) == ()


def test_the_reasons_say_what_agrees_and_what_it_is_worth() -> None:
    titan = Traits("Maria Garza", "12 North Main Street", "85001-1234", "(602) 555-0134", "Maria@Example.com")
    assert reasons(titan, Traits("Garza Maria", "12 N Main St.", "85001")) == (ADDRESS,)
    assert reasons(titan, Traits("Maria Garza", "8 Elm Ave", "85001")) == (NAME_AND_PLACE,)
    assert reasons(titan, Traits("M. Garza", phone="6025550134", email="maria@example.com")) == (EMAIL, PHONE)
    assert is_exact((ADDRESS,))
    assert is_exact((EMAIL, NAME))
    assert not is_exact((EMAIL, PHONE))
    assert not is_exact((NAME_AND_PLACE,))
    assert is_name_alone((NAME,))
    assert not is_name_alone((NAME, PHONE))
