"""Dimensions of journal lines: the payment's business unit, set on each line before its journal is posted.

A line is made without dimensions, because the customer's defaults come along and a nested one would then be a second
(trap 18); each value is set by the line's documented path afterwards (facts section 5, dimensions on payments).
"""

from __future__ import annotations

from collections.abc import Sequence

from stsync.businesscentral.odata import Read, entity
from stsync.core.dimensions import held_dimensions, missing
from stsync.core.plan import Decision
from stsync.core.reasons import Reason
from stsync.engine.apply.dimensions import Value, set_values
from stsync.engine.apply.journals import Journals
from stsync.stages.payment_journals import number_of


def put_right(journals: Journals, journal: str, decisions: Sequence[Decision]) -> dict[str, Reason]:
    """Give the unposted lines of these payments their values; returns why it could not be done, by document number.

    Nothing is read where payments carry no dimension.
    """
    wanted = {number_of(one): one for one in decisions if one.kept.get("dimensions")}
    if not wanted:
        return {}
    lines = f"{entity(journals.form.journals, journal)}/{journals.form.lines}"
    values: list[tuple[str, Value]] = []
    for row in journals.books.read(Read(lines, expand="dimensionSetLines")):
        number, held = str(row.get("documentNumber") or ""), held_dimensions(row)
        parent = entity(journals.form.lines, str(row["id"]))
        for code, value in missing(wanted[number].kept["dimensions"], held).items() if number in wanted else ():
            values.append((number, Value(parent, code, value, is_there=code in held)))
    refused: dict[str, list[str]] = {}
    for (number, _), why in zip(values, set_values(journals.books, [one for _, one in values]), strict=True):
        if why:
            refused.setdefault(number, []).append(why)
    return {number: _not_set(wanted[number], "; ".join(why)) for number, why in refused.items()}


def _not_set(decision: Decision, why: str) -> Reason:
    return Reason(
        "payment-dimension-refused",
        f"Payment {decision.about.number} ({decision.about.name}, {decision.about.amount:,.2f}) was not posted: {why}. Its "
        "lines were taken out of the journal again.",
        "Look at the page Default Dimensions of the customer and at Dimension Values, or change mapping.business_units; "
        "the next run makes the lines anew.",
    )
