from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stsync.config.tree import dotted, read_marked
from stsync.core.mapping import yaml_text


def test_every_value_stays_the_text_that_was_written():
    marked = read_marked("a: 01200\nb: NO\nc: 12:30\nd: 1e3\ne: 2026-01-01\nf: 'null'\ng: ~\nh:\n")
    assert marked.value == {
        "a": "01200", "b": "NO", "c": "12:30", "d": "1e3", "e": "2026-01-01", "f": "null", "g": None, "h": None,
    }  # fmt: skip


def test_every_key_and_entry_has_its_place():
    marked = read_marked("a:\n  b:\n    - x\n    - y: 1\n")
    assert (marked.mark(("a", "b")).line, marked.mark(("a", "b")).column) == (2, 3)
    assert (marked.mark(("a", "b", 1, "y")).line, marked.mark(("a", "b", 1, "y")).column) == (4, 7)
    assert marked.mark(("a", "nowhere", "deeper")).line == 1


def test_a_key_that_stands_twice_is_told_with_both_lines():
    marked = read_marked("a:\n  b: 1\n  c: 2\n  b: 3\n  b: 4\n")
    assert marked.value == {"a": {"b": "1", "c": "2"}}
    assert [(p.line, p.message) for p in marked.problems] == [
        (4, "'b' stands here a second time; the first is in line 2"),
        (5, "'b' stands here a second time; the first is in line 2"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a: &x 1\n", 1, 4, "'&x'"),
        ("a: 1\nb: *x\n", 2, 4, "'*x'"),
        ("<<: *x\n", 1, 5, "'*x'"),
        ("a: !!int 1\n", 1, 4, "'!'"),
        ("a: !secret x\n", 1, 4, "'!'"),
        ("a: !!python/object/apply:os.system [x]\n", 1, 4, "'!'"),
        ("&x a: 1\n", 1, 1, "'&x'"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a:\n\tb: 1\n", 2, 1, "tab"),
        ("a: b: c\n", 1, 5, "needs quotes"),
        ('a: "b\n', 2, 1, "never closed"),
        ("a: @b\n", 1, 4, "in quotes"),
        ("a: [1\nb: 2\n", 2, 2, "not closed with ]"),
        ("- a\nb: 1\n", 2, 1, "indentation"),
        ("a: 1\nb: \x07\n", 2, 1, "control character"),
        ("? [a, b]\n: 1\n", 1, 3, "a name has to stand here"),
    ],
)
def test_what_this_file_does_not_allow_is_refused_politely(text, line, column, word):
    problem = read_marked(text).problems[0]
    assert (problem.line, problem.column) == (line, column)
    assert word in problem.message


def test_nesting_without_end_is_refused_without_following_it():
    marked = read_marked("a: " + "[" * 500 + "]" * 500 + "\nb: 2\n")
    assert ["nested deeper" in p.message for p in marked.problems] == [True]
    assert marked.value["b"] == "2"
    without_end = read_marked("a: " + "[" * 100_000)
    assert ["nested deeper" in p.message for p in without_end.problems] == [True]
    assert without_end.is_spoiled(("b",)), "what was not read must not be told as missing"


def test_an_anchor_is_never_followed_however_often_it_is_repeated():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    marked = read_marked(bomb)
    assert len(marked.problems) == 10 + 81


def test_paths_are_written_as_people_read_them():
    assert dotted(("mapping", "business_units", "Drain - West")) == 'mapping.business_units."Drain - West"'
    assert dotted(("pricebook", "rules", 1, "kind")) == "pricebook.rules #2.kind"
    assert dotted(("payments", "journals", "")) == 'payments.journals.""'


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_at_all_makes_the_reader_fall_over(text):
    read_marked(text)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda t: t.isprintable()))
def test_a_name_quoted_for_the_file_is_read_back_as_it_is(name):
    assert read_marked(f"{yaml_text(name)}: {yaml_text(name)}\n").value == {name: name}
