"""Lines that are easy to carry wrongly: units, modifiers, rounding, lines that count for nothing, hostile text."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stsync.sandbox.company.billing import Heading, invoice
from stsync.sandbox.company.crm import customer
from stsync.sandbox.company.lines import Line, labor, part
from stsync.sandbox.company.office import Office, june
from stsync.sandbox.company.receipts import payment
from stsync.sandbox.company.values import Ref, of


def several_business_units(office: Office) -> list[Ref]:
    """One invoice whose lines belong to three business units; the header names only one of them (trap 18)."""
    lines = [
        labor("389.00", "Compressor start kit"),
        labor("240.00", "Water heater flush", account="4200", unit="Phoenix Plumbing Service"),
        part("128.40", "Breaker, 40 A", account="4300", unit="Phoenix Electrical"),
    ]
    return of("invoices", invoice(office, customer(office), june(4), lines))


def discount_and_fee(office: Office) -> list[Ref]:
    """A member discount below zero and a card fee above, both PriceModifier lines with accounts of their own."""
    discount = replace(labor("-45.00", "Member discount", account="4800"), kind="PriceModifier")
    fee = replace(labor("11.25", "Card fee", account="4810"), kind="PriceModifier")
    return of("invoices", invoice(office, customer(office), june(5), [labor("450.00"), discount, fee]))


def quantities_round_differently(office: Office) -> list[Ref]:
    """Quantities of four decimals; two of the four products round to a cent more than ServiceTitan shows."""
    lines = [
        part("10.20", "Refrigerant, pounds", quantity="1.1250", total="11.47"),
        part("0.1375", "Wire, feet", quantity="250", total="34.37"),
        part("99.95", "Pipe, lengths", quantity="0.3333", total="33.31"),
        part("7.0050", "Sealant, ounces", quantity="3.0001", total="21.02"),
    ]
    return of("invoices", invoice(office, customer(office), june(8), lines))


def lines_not_chargeable(office: Office) -> list[Ref]:
    """Material used but not billed: it shows a price, once even a total, and adds nothing (trap 36)."""
    unbilled = replace(part("45.00", "Shop supplies"), chargeable=False)
    silent = replace(part("18.75", "Filter from stock", total="0.00"), chargeable=False)
    return of("invoices", invoice(office, customer(office), june(9), [labor("310.00"), unbilled, silent]))


def three_hundred_lines(office: Office) -> list[Ref]:
    """A project invoice of 300 lines, the most the facts expect."""
    builder = customer(office, commercial=True, zone="Tempe")
    lines = [
        part(f"{12 + position % 90}.{position % 100:02d}", f"Room {position}", account="4400")
        for position in range(1, 301)
    ]
    heading = Heading(
        unit="Commercial Services", zone="Tempe", term="Net 30", configuration="ProjectInvoice", kind="Project"
    )
    row = invoice(office, builder, june(12), lines, heading)
    row["projectId"] = 48_100
    return of("invoices", row)


HOSTILE_TEXTS = (
    "<p>Replaced <b>5 µF</b> capacitor &amp; contactor<br/>Customer said: &quot;finally!&quot;</p>",
    "All good \U0001f44d\U0001f3fd\u200d\U0001f527 \U0001f1fa\U0001f1f8",
    "\u05ea\u05d9\u05e7\u05d5\u05df \u05de\u05d6\u05d2\u05df \u202eABC 123\u202c \u0645\u0643\u064a\u0641",
    "Tab\there,\r\nbell \x07, vertical tab \x0b, zero width \u200b\ufeff end",
    "<script>alert('x')</script>=HYPERLINK(\"http://bad.example\")",
    "",
    "e\u0301 and \u00e9, " + "very long " * 60,
)


def hostile_text(office: Office) -> list[Ref]:
    """HTML, emoji, right-to-left and control characters, a spreadsheet formula, an empty and a very long text."""
    owner = customer(office, "Zo\u00eb \U0001f33b O'Hara & Sons <Ltd>\x07")
    row = invoice(office, owner, june(10), [labor("25.00", text) for text in HOSTILE_TEXTS])
    row["summary"] = "".join(HOSTILE_TEXTS[:4])
    row["items"][-1]["description"] = None
    return [*of("customers", owner), *of("invoices", row)]


def same_number_in_both_books(office: Office) -> list[Ref]:
    """Permit and trip charges on accounts that have the same number in both systems and need no mapping line."""
    lines = [labor("165.00", "City permit", account="4700"), labor("49.00", "Trip charge", account="4710")]
    return of("invoices", invoice(office, customer(office), june(11), lines))


def closed_business_unit(office: Office) -> list[Ref]:
    """A line of a business unit that is inactive in ServiceTitan; its dimension value still exists."""
    lines = [labor("200.00"), labor("75.00", "Warranty help, Tucson", unit="Tucson HVAC")]
    owner = customer(office)
    row = invoice(office, owner, june(15), lines)
    receipt = payment(office, owner, june(15), Decimal("275.00"), "Check", applied=[(row, Decimal("275.00"))])
    return [*of("invoices", row), *of("payments", receipt)]


def free_text_line(office: Office) -> list[Ref]:
    """A line that is no pricebook item (type Unspecified, SKU 0) beside one of quantity minus one."""
    lines: list[Line] = [
        replace(labor("95.00", "As agreed on the phone"), kind="Unspecified"),
        part("60.00", "Returned part", quantity="-1"),
        labor("140.00"),
    ]
    return of("invoices", invoice(office, customer(office), june(16), lines))


ALL = (
    several_business_units,
    discount_and_fee,
    quantities_round_differently,
    lines_not_chargeable,
    three_hundred_lines,
    hostile_text,
    same_number_in_both_books,
    closed_business_unit,
    free_text_line,
)
