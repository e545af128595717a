"""Inventing JSON, and twisting JSON that was sound."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

AWKWARD_TEXT = st.sampled_from(
    [
        "",
        " ",
        "0",
        "-1",
        "NaN",
        "1e999",
        "0001-01-01",
        "9999-12-31T23:59:59.9999999Z",
        "2026-02-30",
        "2026-06-30T23:59:59.9999999-12:00",
        "=1+1",
        "'; DROP TABLE inbox; --",
        "' or 1 eq 1",
        "../../etc/passwd",
        "[bold red]x[/]",
        "\x1b[2J\x1b]0;x\x07",
        "\u202egnp.exe",
        "\x00",
        "\ud800",
        "a" * 5000,
    ]
)
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(-(10**15), 10**15, allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal("1e400"), Decimal("-0.005"), Decimal("0.1") ** 30, 2**63, 10**40]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=40), AWKWARD_TEXT)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def twisted(draw: st.DrawFn, sound: st.SearchStrategy[Any]) -> Any:
    """Something sound in which one to three places were replaced, doubled or taken away."""
    value = copy.deepcopy(draw(sound))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = _place(draw, value)
        if holder is None:
            return draw(JSON)
        what = draw(st.sampled_from(["replace", "replace", "replace", "remove", "double"]))
        if what == "remove":
            del holder[key]
        elif what == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = draw(JSON)
    return value


def _place(draw: st.DrawFn, value: Any) -> tuple[Any, Any]:
    """A place somewhere inside, each level as likely as the next."""
    holder, key = None, None
    while isinstance(value, dict | list) and value:
        holder = value
        key = draw(st.sampled_from(sorted(value))) if isinstance(value, dict) else draw(st.integers(0, len(value) - 1))
        value = value[key]
        if draw(st.booleans()):
            break
    return holder, key
