"""Long texts come back as they went in, take little room, and a spoiled one is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_samples import incoming, store

from stsync.core.canonical import canonical_json, sha256_of
from stsync.errors import StateError
from stsync.state import State
from stsync.state.packing import _NAMES, packed, unpacked


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_packed_comes_back(text: str) -> None:
    assert unpacked(packed(text)) == text


def test_a_record_longer_than_the_window_comes_back() -> None:
    text = canonical_json({"items": [{"id": number, "memo": str(number**9)} for number in range(20_000)]})
    assert unpacked(packed(text)) == text


@settings(deadline=None)
@given(st.binary())
def test_anything_else_is_called_damaged(blob: bytes) -> None:
    with pytest.raises(StateError) as told:
        unpacked(blob)
    assert told.value.reference == "state-damaged"


SPOIL = (lambda blob: blob[:-1], lambda blob: blob + b"x", lambda blob: blob[:9] + b"\x55" + blob[10:])


@pytest.mark.parametrize("spoil", SPOIL)
def test_a_spoiled_text_is_noticed(spoil) -> None:
    blob = packed(canonical_json({"id": 7, "name": "Ada", "total": 12, "memo": "x" * 30}))
    with pytest.raises(StateError):
        unpacked(spoil(blob))


def test_a_short_record_takes_less_room_than_as_text() -> None:
    invoice = canonical_json(
        {"active": True, "adjustmentToId": None, "assignedTo": None, "customer": {"id": 7, "name": "A"}}
    )
    assert len(packed(invoice)) < len(invoice) / 2


def test_the_names_are_those_that_files_were_written_with() -> None:
    # They are never edited: without them nobody can read what is in the files of our users.
    assert sha256_of(_NAMES.decode()) == "1232a0f39ace7012471c4bd9b4e2c526641545c34b0605439a45c14ce2dc9a5c"


def test_a_record_that_was_spoiled_in_the_file_is_told_as_damage(state: State) -> None:
    store(state, incoming())
    state._database.execute("UPDATE inbox SET content = x'6862da78'")
    row = state.inbox.find("invoice", "7")
    assert row is not None
    with pytest.raises(StateError, match="damaged"):
        _ = row.content
