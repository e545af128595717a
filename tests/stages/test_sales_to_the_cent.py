"""Generated documents, through the plan and the simulator's own arithmetic: ServiceTitan's total to the cent, or held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from samples import BUYER, CHOICES, INVOICES, PLUMBING, SNAPSHOT, invoice, item

from stsync.core.links import Link
from stsync.core.plan import Decision, Standing
from stsync.core.sales import Draft, DraftLine, Expected, differences
from stsync.core.sales_form import FORMS
from stsync.core.source.fields import Named
from stsync.core.source.invoice import Invoice, Item
from stsync.core.tax_cause import causes
from stsync.sandbox.businesscentral.accounting import tax
from stsync.sandbox.businesscentral.accounting.sales_lines import compute_amounts
from stsync.sandbox.businesscentral.core.amounts import to_five_places
from stsync.sandbox.businesscentral.core.document_records import SalesDocument, SalesLine
from stsync.stages import invoices

CENT = Decimal("0.01")
RATE = Decimal("8.05")
GROUPS = {"TAX": RATE, "NONTAX": Decimal(0)}

quantities = st.integers(-50_000, 500_000).map(lambda value: Decimal(value) / 10_000)
prices = st.integers(-90_000, 900_000).map(lambda value: Decimal(value) / 1_000)
units = st.sampled_from([PLUMBING, Named("4", "Solar")])


@st.composite
def lines(draw: st.DrawFn) -> Item:
    """A line as an office writes it: mostly quantity times price, now and then a total of its own, a discount or a fee."""
    quantity, price = draw(quantities), draw(prices)
    total = (quantity * price).quantize(CENT) + draw(st.sampled_from([Decimal(0)] * 6 + [CENT, -CENT, Decimal(-40)]))
    return item(
        str(total),
        quantity=str(quantity),
        price=str(price),
        taxable=draw(st.booleans()),
        chargeable=draw(st.sampled_from([True, True, True, False])),
        business_unit=draw(units),
    )


@st.composite
def documents(draw: st.DrawFn) -> Invoice:
    """An invoice or credit; its tax follows from the rate line by line, from the sum, or from nothing at all."""
    items = draw(st.lists(lines(), min_size=1, max_size=7))
    taxed = [one.total for one in items if one.taxable and one.chargeable]
    whole = (sum(taxed, Decimal(0)) * RATE / 100).quantize(CENT)
    by_line = sum(((one * RATE / 100).quantize(CENT) for one in taxed), Decimal(0))
    by_hand = Decimal(draw(st.integers(-2_000, 2_000))) / 100
    return invoice(*items, tax=str(draw(st.sampled_from([whole, by_line, by_hand, Decimal("0.00")]))))


def decided(record: Invoice, method: str) -> Decision:
    chosen = replace(INVOICES.lines, tax_method=method, taxable_code="TAX", exempt_code="NONTAX")
    snapshot = replace(SNAPSHOT, dimensions={"DEPARTMENT": frozenset({"PLUMB", "SOLAR"})})
    return invoices.plan(
        record,
        link=Link(),
        buyer=BUYER,
        choices=CHOICES,
        snapshot=snapshot,
        settings=replace(INVOICES, lines=chosen),
    )


def in_books(body: Mapping[str, Any], lines_name: str) -> Draft:
    """The draft as the simulated Business Central computes it from what would be sent."""
    document = SalesDocument(kind="Invoice", tax_liable=True)
    held: list[SalesLine] = []
    for sent in body[lines_name]:
        line = SalesLine(document_id=document.id, line_type=sent["lineType"])
        if sent["lineType"] != "Comment":
            line.object_number = sent["lineObjectNumber"]
            line.quantity, line.unit_price = to_five_places(sent["quantity"]), to_five_places(sent["unitPrice"])
            line.tax_group = sent["taxCode"]
            line.tax_percent = GROUPS[line.tax_group]
        compute_amounts(document, line)
        held.append(line)
    totals = tax.totals_by_group(held).values()
    net, taxes = sum((one for one, _ in totals), Decimal(0)), sum((one for _, one in totals), Decimal(0))
    return Draft(
        id="1",
        number="1001",
        customer_number="ST7",
        status="Draft",
        total=net + taxes,
        tax=taxes,
        lines=[
            DraftLine(
                one.line_type, one.object_number, one.amount_excluding_tax, {}, "", one.tax_amount, one.tax_percent
            )
            for one in held
        ],
        posting_on=date(2026, 6, 3),
    )


def posted_or_held(record: Invoice, method: str) -> str:
    """What becomes of a record; asserts that nothing is posted that differs from ServiceTitan by a cent."""
    decision = decided(record, method)
    if decision.standing != Standing.ACT:
        assert decision.standing == Standing.SETTLE or decision.reason is not None
        return decision.outcome or "held before anything was sent"
    create, post = decision.operations
    form, expected = FORMS[create.entity], post.facts["expected"]
    assert isinstance(expected, Expected)
    draft = in_books(create.body, form.lines)
    found = differences(expected, draft)
    if found:
        assert causes(expected, draft) or any("line" in one for one in found), found
        return "held with its draft"
    assert form.signed(draft.total) == record.total
    assert draft.total >= 0
    if method == "business_central":
        assert form.signed(draft.tax) == record.sales_tax
    return "posted"


@given(documents())
@settings(max_examples=150, deadline=None)
def test_with_a_tax_line_every_document_that_adds_up_is_posted_to_the_cent(record: Invoice) -> None:
    assert posted_or_held(record, "line") in {"posted", "nothing_to_post"}


@given(documents())
@settings(max_examples=150, deadline=None)
def test_with_business_centrals_tax_a_document_agrees_to_the_cent_or_is_held(record: Invoice) -> None:
    assert posted_or_held(record, "business_central") in {"posted", "nothing_to_post", "held with its draft"}


def test_tax_rounded_line_by_line_is_held_and_the_cause_is_named() -> None:
    twelve = [item("0.31") for _ in range(12)]
    by_line = sum(((one.total * RATE / 100).quantize(CENT) for one in twelve), Decimal(0))
    record = replace(invoice(*twelve, tax=str(by_line)), tax_rate=RATE / 100)
    create, post = decided(record, "business_central").operations
    draft = in_books(create.body, "salesInvoiceLines")
    assert differences(post.facts["expected"], draft)
    (cause,) = causes(post.facts["expected"], draft)
    assert "rounded line by line" in cause


def test_a_tax_edited_by_hand_is_told_with_the_rate_it_comes_to() -> None:
    record = replace(invoice(item("120.00"), tax="12.00"), tax_rate=RATE / 100)
    create, post = decided(record, "business_central").operations
    (cause,) = causes(post.facts["expected"], in_books(create.body, "salesInvoiceLines"))
    assert "edited by hand" in cause
    assert "10.000 percent" in cause


def test_another_rate_in_the_books_is_told_with_both_rates() -> None:
    record = replace(invoice(item("120.00"), tax="10.32"), tax_rate=Decimal("0.086"))
    create, post = decided(record, "business_central").operations
    (cause,) = causes(post.facts["expected"], in_books(create.body, "salesInvoiceLines"))
    assert "8.05 percent" in cause
    assert "8.6" in cause


def test_an_exempt_customer_that_the_books_tax_is_named() -> None:
    create, post = decided(invoice(item("250.00")), "business_central").operations
    (cause,) = causes(post.facts["expected"], in_books(create.body, "salesInvoiceLines"))
    assert "ST7" in cause
    assert "exempt in ServiceTitan" in cause
