"""Text from outside on its way out: terminal, spreadsheet, filters and log. It stays text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections import Counter

from fuzzing import fuzzed
from hypothesis import assume, given
from hypothesis import strategies as st
from twisting import AWKWARD_TEXT

from stsync.businesscentral.odata import literal
from stsync.cli.console import clean
from stsync.core.mapping import csv_line, from_spreadsheet, spreadsheet_safe
from stsync.core.text import one_line, plain
from stsync.http.redact import MASK, redact, register
from stsync.sandbox.businesscentral.odata.lexer import tokens

TEXT = st.one_of(st.text(max_size=80), AWKWARD_TEXT)
# A cell that begins so is a formula in Excel, LibreOffice or Google Sheets.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@fuzzed
@given(text=TEXT)
def test_nothing_steers_a_terminal(seen: Counter[str], text: str) -> None:
    for shown in (clean(text), clean(one_line(text))):
        steering = [one for one in shown if unicodedata.category(one) == "Cc" and one not in "\n\t"]
        assert not steering
        assert not any(one in shown for one in "\u202e\u2066\u200f\u061c\x9b")
    seen["shown"] += 1


@fuzzed
@given(cells=st.lists(TEXT, min_size=1, max_size=4))
def test_no_cell_is_a_formula_and_each_comes_back(seen: Counter[str], cells: list[str]) -> None:
    kept = [plain(cell) for cell in cells]
    (row,) = list(csv.reader(io.StringIO(csv_line(kept), newline="")))
    for cell, written in zip(kept, row, strict=True):
        assert not written.startswith(FORMULA_SIGNS)
        assert not spreadsheet_safe(cell).startswith(FORMULA_SIGNS)
        assert from_spreadsheet(written) == cell
    seen["kept"] += 1


@fuzzed
@given(text=st.text(st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_a_text_in_a_filter_stays_one_text(seen: Counter[str], text: str) -> None:
    (only,) = tokens(literal(text))
    assert only.kind == "string"
    assert only.text[1:-1].replace("''", "'") == text
    seen["one token"] += 1


@fuzzed
@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40), around=TEXT)
def test_a_known_secret_is_gone_in_every_form(seen: Counter[str], secret: str, around: str) -> None:
    assume(secret not in MASK)
    assume(secret not in around)
    register(secret)
    for form in (secret, json.dumps({"x": secret}), f"https://a/?k={secret}"):
        assert secret not in redact(f"{around}{form}{around}")
    seen["gone"] += 1
