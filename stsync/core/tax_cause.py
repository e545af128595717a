"""Why a draft in the books comes to another amount than ServiceTitan's document, narrowed down as far as it shows.

Sales tax is where the cents differ: Business Central computes it once over the document for each tax group (facts
section 6), ServiceTitan may round it line by line or authority by authority, and people edit it by hand (trap 20).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from stsync.core import money
from stsync.core.reasons import Reason
from stsync.core.sales import Draft, DraftLine, Expected
from stsync.core.sales_form import Form

_ZERO = Decimal(0)
# So much can rounding line by line or authority by authority make: beyond it, somebody meant another tax.
_ROUNDING = Decimal("0.005")
_AUTHORITIES = 6


def causes(expected: Expected, draft: Draft) -> list[str]:
    """What most likely made the difference, in words; empty when the draft shows no cause."""
    return [*_added_lines(expected, draft), *_tax_causes(expected, draft)]


def _added_lines(expected: Expected, draft: Draft) -> Iterator[str]:
    """Lines that nobody sent: invoice rounding, or a person's."""
    wanted = [(line.number.upper(), line.amount) for line in expected.lines if line.kind != "Comment"]
    for line in (one for one in draft.lines if one.kind != "Comment"):
        if (line.number, line.amount) in wanted:
            wanted.remove((line.number, line.amount))
        elif len(draft.lines) > len(expected.lines):
            small = abs(line.amount) < 1
            why = "invoice rounding (page Currencies, Invoice Rounding Precision)" if small else "a line added by hand"
            yield f"there is a line of {line.amount:,.2f} on {line.number} that ServiceTitan does not have: {why}"


def _tax_causes(expected: Expected, draft: Draft) -> list[str]:
    if draft.tax == expected.tax:
        return []
    if expected.tax_method != "business_central":
        return [_taxed_by_mistake(expected, draft)]
    return [_computed_otherwise(expected, draft)]


def _taxed_by_mistake(expected: Expected, draft: Draft) -> str:
    """Method `line`: every line must be untaxed, because ServiceTitan's tax is a line of its own."""
    where = _taxed(draft)
    lines = "; ".join(
        f"line {position} ({line.number}) at {line.tax_percent.normalize():f} percent" for position, line in where[:5]
    )
    return (
        f"Business Central taxes {lines or 'the document'}, {draft.tax:,.2f} in all, beside ServiceTitan's own tax line. "
        "With tax method 'line' every line must be untaxed: check invoices.tax.exempt_code, and that this tax group "
        f"has no rate in the tax area of customer {expected.customer_number}"
    )


def _taxed(draft: Draft) -> list[tuple[int, DraftLine]]:
    lines = [line for line in draft.lines if line.kind != "Comment"]
    return [(position, line) for position, line in enumerate(lines, start=1) if line.tax_percent or line.tax]


def _computed_otherwise(expected: Expected, draft: Draft) -> str:
    """Method `business_central`: who applied which rate to what."""
    taxed = [line for _, line in _taxed(draft)]
    rates = sorted({line.tax_percent for line in taxed if line.tax_percent})
    if not rates:
        return _nothing_taxed(expected)
    if expected.tax == 0:
        return _exempt_in_servicetitan(expected, rates)
    if len(rates) > 1:
        return (
            f"Business Central taxes at {_listed(rates)} percent and comes to {draft.tax:,.2f}, ServiceTitan to "
            f"{expected.tax:,.2f}{_zone(expected)}"
        )
    return _one_rate(expected, draft, taxed, rates[0])


def _one_rate(expected: Expected, draft: Draft, taxed: Sequence[DraftLine], rate: Decimal) -> str:
    base = sum((line.amount for line in taxed), _ZERO)
    by_line = sum((money.cents(line.amount * rate / 100) for line in taxed), _ZERO)
    gap = abs(expected.tax - draft.tax)
    if by_line == expected.tax:
        return (
            f"at {rate.normalize():f} percent, ServiceTitan's {expected.tax:,.2f} is the tax rounded line by line; Business "
            f"Central rounds once over the document and comes to {draft.tax:,.2f}"
        )
    if expected.zone_percent is not None and expected.zone_percent != rate:
        return (
            f"Business Central taxes at {rate.normalize():f} percent; the rate of ServiceTitan's zone{_name(expected)} is "
            f"{expected.zone_percent.normalize():f}. The tax area on the card of {expected.customer_number} is another "
            "place, or one of the two has an old rate"
        )
    if gap <= _ROUNDING * max(len(taxed), _AUTHORITIES):
        return (
            f"both tax {base:,.2f} at {rate.normalize():f} percent and round it differently (ServiceTitan to "
            f"{expected.tax:,.2f}, Business Central to {draft.tax:,.2f}): several authorities each round their own part"
        )
    return (
        f"{rate.normalize():f} percent of {base:,.2f} is {draft.tax:,.2f}; ServiceTitan's {expected.tax:,.2f} is "
        f"{_effective(expected.tax, base)} percent, so its tax was edited by hand, or taxes other lines"
    )


def _nothing_taxed(expected: Expected) -> str:
    return (
        f"ServiceTitan charged {expected.tax:,.2f} tax{_zone(expected)}; Business Central found no rate: customer "
        f"{expected.customer_number} is exempt there (Tax Liable off, or no Tax Area Code on the card), the taxed lines' "
        "tax group has no rate, or no line is marked taxable in ServiceTitan"
    )


def _exempt_in_servicetitan(expected: Expected, rates: Sequence[Decimal]) -> str:
    return (
        f"ServiceTitan charged no tax; Business Central taxes at {_listed(rates)} percent: customer "
        f"{expected.customer_number} is exempt in ServiceTitan and Tax Liable in Business Central, or the tax was taken "
        "off by hand"
    )


def _effective(tax: Decimal, base: Decimal) -> str:
    return f"{(tax / base * 100).quantize(Decimal('0.001')):f}" if base else "no"


def _listed(rates: Sequence[Decimal]) -> str:
    return ", ".join(f"{rate.normalize():f}" for rate in rates)


def _zone(expected: Expected) -> str:
    if expected.zone_percent is None:
        return ""
    return f" (zone{_name(expected)}, {expected.zone_percent.normalize():f} percent)"


def _name(expected: Expected) -> str:
    return f" {expected.zone}" if expected.zone else ""


def not_equal(form: Form, number: str, found: Sequence[str], why: Sequence[str]) -> Reason:
    """Why a draft was not posted: what differs, and what most likely made it so."""
    cause = f" Most likely: {'; '.join(why)}." if why else ""
    return Reason(
        "draft-differs",
        f"Draft {number} in Business Central differs from ServiceTitan: {'; '.join(found)}. Nothing was posted.{cause}",
        f"Open draft {number} on the page {form.page} and compare it line by line. Correct the tax in ServiceTitan, and the "
        "next run looks again. Or correct the rate or the customer's tax area in Business Central, and then delete draft "
        f"{number}, which keeps the old ones; the next run makes it anew. With tax method 'line', ServiceTitan's tax is "
        "carried as it is.",
    )
