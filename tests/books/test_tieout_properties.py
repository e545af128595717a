"""Whatever happens to documents, honest books leave nothing unexplained, and a falsified entry never hides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from ledger_world import (
    CARD,
    CHECK,
    EAST,
    LABOR,
    MEMBERSHIP,
    WEST,
    Ledger,
    compared,
    held,
    invoice,
    item,
    money,
    payment,
    posted,
)  # fmt: skip

from stsync.books.sources import Source
from stsync.core.source.invoice import Invoice

amounts = st.decimals("-500", "900", places=2)
items = st.builds(
    item,
    amounts,
    st.sampled_from([WEST, EAST, None]),
    st.sampled_from([LABOR, MEMBERSHIP]),
    chargeable=st.sampled_from([True, True, True, False]),
)
UNPOSTED = [
    ("held", ""), ("waiting", ""), ("dead", ""), ("pending", ""), ("settled", "not_ready"),
    ("settled", "exported_elsewhere"), ("settled", "before_go_live"), ("settled", "draft"),
]  # fmt: skip


@st.composite
def months(draw) -> tuple[list[Source], Ledger]:
    ledger = Ledger()
    sources = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        one = invoice(number, *draw(st.lists(items, min_size=1, max_size=4)), tax=draw(st.sampled_from(["0", "3.17"])))
        sources.append(_placed(draw, one, ledger))
    for number in range(1, draw(st.integers(0, 4)) + 1):
        one = payment(number, draw(st.decimals("0.01", "900", places=2)), draw(st.sampled_from([CARD, CHECK])))
        sources.append(_placed(draw, one, ledger))
    return sources, ledger


def _placed(draw, one, ledger: Ledger) -> Source:
    fate = draw(st.sampled_from(["posted", "posted", "unposted", "cancelled", "edited"]))
    if one.total < 0:
        return held(one)  # Business Central posts no invoice below zero (facts section 6)
    if fate == "unposted":
        return Source(one, *draw(st.sampled_from(UNPOSTED)))
    if fate == "cancelled":
        return Source(replace(one, active=False), "settled", "nothing_to_post")
    (ledger.invoice if isinstance(one, Invoice) else ledger.payment)(one)
    if fate == "posted":
        return posted(one)
    now = replace(one, total=one.total + 1)
    if isinstance(one, Invoice):
        now = replace(now, subtotal=one.subtotal + 1, items=(*one.items, item("1.00", EAST)))
    return posted(now, state="held", before=one)


@given(months())
def test_any_assignment_of_states_leaves_nothing_unexplained(month):
    sources, ledger = month
    result = compared(sources, ledger)
    assert result.findings == ()
    assert result.exact


@given(months(), st.data())
def test_a_falsified_entry_is_found_on_its_document(month, data):
    sources, ledger = month
    if not ledger.entries:
        return
    at = data.draw(st.integers(0, len(ledger.entries) - 1))
    entry = ledger.entries[at]
    ledger.change(at, amount=entry.amount + data.draw(st.sampled_from([Decimal("0.01"), money(-7), entry.amount])))
    result = compared(sources, ledger)
    if entry.document_type == "Payment" and entry.account == "12100":
        return  # a payment is judged by its money side; an unbalanced one cannot exist in Business Central
    assert entry.document_number in {one.document for one in result.findings}


@given(months(), st.data())
def test_a_removed_entry_is_found_on_its_document(month, data):
    sources, ledger = month
    if not ledger.entries:
        return
    entry = ledger.entries.pop(data.draw(st.integers(0, len(ledger.entries) - 1)))
    if entry.document_type == "Payment" and entry.account == "12100":
        return
    result = compared(sources, ledger)
    assert entry.document_number in {one.document for one in result.findings} or _by_record(entry, result)


def _by_record(entry, result) -> bool:
    wanted = {f"PS{one.record.source_id}" for one in result.findings if one.record}
    wanted |= {f"ST-P{one.record.source_id}" for one in result.findings if one.record}
    return entry.document_number in wanted
