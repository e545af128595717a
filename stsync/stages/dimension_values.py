"""The dimension values of a document and of each of its lines: business unit, job type, location, trade, constants.

A line carries its own business unit's value and trade, because one invoice can serve several units (trap 18); job type
and location are the document's, so every line has them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stsync.core.dimensions import NONE, TABLE_OF, Source
from stsync.core.mapping import Gap, identity
from stsync.core.mapping import Mapping as Choices
from stsync.core.reasons import Reason
from stsync.core.snapshot import Snapshot
from stsync.core.source.fields import Named
from stsync.core.source.invoice import Invoice
from stsync.stages.findings import SOURCE_WORDS, Findings


@dataclass(frozen=True)
class Chosen:
    """Which dimensions the configuration fills, by what, and what Business Central has; `findings` takes the gaps."""

    business_unit: str | None
    more: tuple[Source, ...]
    choices: Choices
    snapshot: Snapshot
    findings: Findings


@dataclass(frozen=True)
class _Origin:
    """The thing in ServiceTitan that a value stands for; none when the document has no such thing."""

    table: str
    named: Named | None

    @property
    def key(self) -> str:
        """What a line of the mapping begins with; a location's number, because many are called alike."""
        if self.named is None:
            return NONE
        return self.named.id if self.table == "locations" else self.named.name or self.named.id

    def gap(self, dimension: str) -> Gap:
        """The line that is missing."""
        called = self.named.name if self.named is not None and self.table == "locations" else ""
        return Gap(self.table, self.key, f"{dimension} value", called)

    @property
    def words(self) -> str:
        word = SOURCE_WORDS[self.table]
        return f"{word} '{self.named.name or self.named.id}'" if self.named is not None else f"no {word}"


@dataclass(frozen=True)
class UnitValue:
    """The value for a payment, by which rule, or the reason that there is none."""

    values: Mapping[str, str] = field(default_factory=dict)
    reason: Reason | None = None
    rules: tuple[str, ...] = ()


def dimension_values(where: str, unit: Named | None, invoice: Invoice, chosen: Chosen) -> dict[str, str]:
    """The value of each dimension for one line (`where` is "line 3") or the document."""
    values: dict[str, str] = {}
    if chosen.business_unit is not None:
        values.update(_unit_value(where, chosen.business_unit, unit, chosen))
    for source in chosen.more:
        values.update(_more_value(where, source, unit, invoice, chosen))
    return values


def unit_value(unit: Named | None, dimension: str | None, choices: Choices, snapshot: Snapshot) -> UnitValue:
    """The business unit's value alone, for a document without lines of its own: a payment. No dimension, no value."""
    findings = Findings()
    if dimension is None:
        return UnitValue()
    values = _unit_value("payment", dimension, unit, Chosen(dimension, (), choices, snapshot, findings))
    return UnitValue(values, findings.reason(), tuple(findings.rules))


def header_unit(invoice: Invoice) -> Named | None:
    """The invoice's own unit, else the first line's: the header's link can be null (facts section 3.1)."""
    units = (item.business_unit for item in invoice.items if item.business_unit is not None)
    return invoice.business_unit or next(units, None)


def _unit_value(where: str, dimension: str, unit: Named | None, chosen: Chosen) -> Mapping[str, str]:
    if unit is not None:
        return _mapped(where, dimension, _Origin("business_units", unit), chosen)
    chosen.findings.faults.append(
        Reason(
            "line-without-business-unit",
            f"{where.capitalize()} has no business unit, so its {dimension} is unknown.",
            "Set the business unit on the document in ServiceTitan.",
        )
    )
    return {}


def _more_value(where: str, source: Source, unit: Named | None, invoice: Invoice, chosen: Chosen) -> Mapping[str, str]:
    if source.kind == "constant":
        return _there(where, source.code, source.value, "the constant in dimensions.more", chosen)
    if source.kind == "trade" and unit is not None and unit.id not in invoice.trades:
        chosen.findings.faults.append(_trade_unknown(source, unit))
        return {}
    origin = _Origin(TABLE_OF[source.kind], _named(source.kind, unit, invoice))
    return _mapped(where, source.code, origin, chosen)


def _named(kind: str, unit: Named | None, invoice: Invoice) -> Named | None:
    if kind == "job_type":
        return Named("", invoice.job_type) if invoice.job_type else None
    if kind == "location":
        return invoice.location
    return invoice.trades.get(unit.id) if unit is not None else None


def _mapped(where: str, dimension: str, origin: _Origin, chosen: Chosen) -> Mapping[str, str]:
    """The value by the accountant's table, else by an equal code in Business Central; never guessed."""
    there = chosen.snapshot.dimensions.get(dimension.upper(), frozenset())
    if origin.named is None:
        value = chosen.choices.lookup(origin.table, NONE)
    else:
        value = chosen.choices.lookup(origin.table, origin.named.id, origin.named.name)
        value = value or identity(there, origin.named.name)
    if value is None:
        chosen.findings.gaps.append(origin.gap(dimension))
        return {}
    return _there(where, dimension, value, origin.words, chosen)


def _there(where: str, dimension: str, value: str, whose: str, chosen: Chosen) -> Mapping[str, str]:
    if value.upper() not in chosen.snapshot.dimensions.get(dimension.upper(), frozenset()):
        chosen.findings.faults.append(_no_such_value(dimension, value, whose, chosen.snapshot))
        return {}
    chosen.findings.rules.append(f"{where}: {dimension} {value}, for {whose}")
    return {dimension.upper(): value}


def _no_such_value(dimension: str, value: str, whose: str, snapshot: Snapshot) -> Reason:
    if dimension.upper() not in snapshot.dimensions:
        return Reason(
            "dimension-value-missing",
            f"Business Central has no dimension {dimension}, so it has no value {value} ({whose}).",
            f"Create {dimension} on the page Dimensions, or correct dimensions in the configuration.",
        )
    return Reason(
        "dimension-value-missing",
        f"Dimension {dimension} has no value {value} in Business Central ({whose}).",
        f"Create the value {value} on the Dimension Values page of {dimension}, or change the mapping to another.",
    )


def _trade_unknown(source: Source, unit: Named) -> Reason:
    return Reason(
        "trade-unknown",
        f"The {source.dimension} comes from the trade of business unit '{unit.name or unit.id}', and ServiceTitan's list "
        "of business units does not show it, or may not be read.",
        "Grant the app the scope tn.stt.businessunits:r in ServiceTitan's developer portal (stsync doctor shows whether "
        "the list can be read), or take the source 'trade' out of dimensions.more.",
    )
