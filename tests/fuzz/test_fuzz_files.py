"""Files that people write, twisted: the configuration, mapping sheets, reviewed sheets. Read, or every fault named."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from fuzzing import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from twisting import AWKWARD_TEXT

from stsync.config.example import example
from stsync.config.load import load
from stsync.config.mapping_file import read_entries
from stsync.config.sheet import Fault, UnusableFile, read_rows
from stsync.errors import ConfigError, UsageError
from stsync.setup.review_file import read_review

LINES = example().splitlines()
BITS = st.one_of(
    AWKWARD_TEXT.filter(lambda text: "\ud800" not in text),
    st.text(max_size=20),
    st.sampled_from(
        [
            "!!python/object/apply:os.system [ls]",
            "&a [*a]",
            "<<: *x",
            "{",
            "]",
            "- " * 40,
            "? :",
            "%YAML 9",
            "\t",
            "---",
            "1e999",
        ]
    ),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@fuzzed
@given(data=st.data())
def test_a_configuration_is_loaded_or_all_its_problems_are_named(
    place: Path, seen: Counter[str], data: st.DataObject
) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _value = lines[at].partition(":")
        bit = data.draw(BITS)
        lines[at] = data.draw(st.sampled_from([bit, f"{key}{colon} {bit}", f"{lines[at].lstrip('# ')}", ""]))
    file = place / "config.yaml"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        load(file)
        seen["loaded"] += 1
        return
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(one.message for one in problems)
    seen["problems named"] += 1


@fuzzed
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_configuration_or_refused(place: Path, seen: Counter[str], content: bytes) -> None:
    file = place / "bytes.yaml"
    file.write_bytes(content)
    try:
        load(file)
    except UsageError as error:
        seen[error.reference] += 1
        return
    raise AssertionError("bytes without the required keys cannot be a configuration")


@fuzzed
@given(data=st.data())
def test_a_sheet_is_read_or_its_faults_are_named(place: Path, seen: Counter[str], data: st.DataObject) -> None:
    cells = st.lists(BITS.map(lambda text: text.replace("\r", " ")), min_size=1, max_size=5)
    body = data.draw(st.lists(cells, max_size=6))
    head = data.draw(
        st.sampled_from([["table", "servicetitan", "business_central", "comment"], ["decision", "id"], []])
    )
    sign = data.draw(st.sampled_from([",", ";", "\t"]))
    content = "\n".join(sign.join(line) for line in [head, *body]).encode("utf-8", "surrogatepass")
    file = place / "sheet.csv"
    file.write_bytes(data.draw(st.sampled_from([content, b"\xef\xbb\xbf" + content, content[::-1]])))
    contents = read_entries(file)
    lines, problems = read_review(file, ("id",), ("yes", "no"))
    assert all(one.decision in {"yes", "no"} for one in lines)
    assert all(problems.values())
    seen["faults named" if contents.faults or problems else "read"] += 1


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["table", "servicetitan", "business_central"])
    book.active.append(["accounts", "4000", "40000"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


WORKBOOK = _workbook()


@fuzzed
@given(data=st.data())
def test_a_damaged_workbook_is_read_or_refused(place: Path, seen: Counter[str], data: st.DataObject) -> None:
    content = bytearray(WORKBOOK)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = place / "sheet.xlsx"
    file.write_bytes(bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))]))
    faults: list[Fault] = []
    try:
        read_rows(file, faults)
        seen["read"] += 1
        return
    except UnusableFile as unusable:
        why = str(unusable)
    assert why
    seen["refused"] += 1
