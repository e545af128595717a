"""Dimensions of a draft: its values put right where Business Central set others, and its posting rules looked at.

Each value is written by its documented path: POST, or PATCH where a default brought the dimension along (trap 18).
Values of dimensions that the configuration does not speak of stay as the defaults of customer or item set them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from stsync.businesscentral.client import BusinessCentral
from stsync.businesscentral.odata import Read, any_of, entity, enum_text
from stsync.businesscentral.problems import reason_for
from stsync.businesscentral.writes import Write
from stsync.core.dimensions import FORBIDDEN, MANDATORY, Breach, DefaultDimension, broken, missing
from stsync.core.plan import About
from stsync.core.reasons import Reason
from stsync.core.sales import Draft, Expected, SalesLine
from stsync.engine.apply.protocol import RecordHeld
from stsync.engine.survey import KEYS_PER_READ
from stsync.errors import CredentialsError, UsageError
from stsync.http.outcomes import Refused

Tell = Callable[[Mapping[str, Any]], None]


class DefaultsRead:
    """The default dimensions of customers and items, each asked for once in a run."""

    def __init__(self, books: BusinessCentral) -> None:
        self._books = books
        self._known: dict[str, dict[str, list[DefaultDimension]]] = {"customers": {}, "items": {}}
        self._lock = Lock()

    def of_all(self, expected: Iterable[Expected]) -> None:
        """Read those of every customer and item on these documents, in one request where batches are taken.

        Nothing is asked where documents carry no dimensions. What we may not read stays unknown: then Business Central
        itself says at posting which rule is broken.
        """
        documents = [one for one in expected if one.dimensions]
        with self._lock:
            self._read(documents)

    def _read(self, documents: Sequence[Expected]) -> None:
        wanted = {
            "customers": {one.customer_number.upper() for one in documents},
            "items": {line.number.upper() for one in documents for line in one.lines if line.kind == "Item"},
        }
        new = {name: sorted(numbers - self._known[name].keys()) for name, numbers in wanted.items()}
        reads = [read for name, numbers in new.items() for read in _defaults_reads(name, numbers)]
        for name, numbers in new.items():
            self._known[name] |= {number: [] for number in numbers}
        with suppress(Refused, CredentialsError, UsageError):
            for read, rows in zip(reads, self._books.read_many(reads), strict=True):
                self._known[read.entity] |= {str(row["number"]).upper(): _defaults(row) for row in rows}

    def customer(self, number: str) -> Sequence[DefaultDimension]:
        """A customer's default dimensions."""
        return self._known["customers"].get(number.upper(), ())

    def item(self, number: str) -> Sequence[DefaultDimension]:
        """An item's default dimensions."""
        return self._known["items"].get(number.upper(), ())


def _defaults_reads(name: str, numbers: Sequence[str]) -> list[Read]:
    parts = [numbers[start : start + KEYS_PER_READ] for start in range(0, len(numbers), KEYS_PER_READ)]
    return [
        Read(name, filter=any_of("number", part), select=("id", "number"), expand="defaultDimensions") for part in parts
    ]


def _defaults(row: Mapping[str, Any]) -> list[DefaultDimension]:
    return [
        DefaultDimension(
            str(one.get("dimensionCode") or ""),
            str(one.get("dimensionValueCode") or ""),
            enum_text(str(one.get("postingValidation") or "")),
        )
        for one in row.get("defaultDimensions") or ()
    ]


def held_by_rules(about: About, expected: Expected, draft: Draft, defaults: DefaultsRead) -> None:
    """Raise RecordHeld when posting would be refused for the rule of a default dimension.

    The document answers for the customer's rules, each line for its item's (facts 2.14); what a default set and we do
    not speak of counts as it stands in the draft. Rules of G/L accounts are not shown to programs.
    """
    if not expected.dimensions:
        return
    customer = expected.customer_number
    found = broken(defaults.customer(customer), {**draft.dimensions, **_upper(expected.dimensions)})
    if found:
        raise RecordHeld(_rule_broken(about, f"customer {customer} ({about.name})", "Customer Card", found[0]))
    for want, have in _pairs(expected, draft):
        rules = defaults.item(want.number) if want.kind == "Item" else ()
        found = broken(rules, {**have.dimensions, **_upper(want.dimensions)})
        if found:
            raise RecordHeld(_rule_broken(about, f"item {want.number}", "Item Card", found[0]))


def _upper(values: Mapping[str, str]) -> dict[str, str]:
    return {code: value.upper() for code, value in values.items()}


def _pairs(expected: Expected, draft: Draft) -> list[tuple[SalesLine, Any]]:
    wanted = [line for line in expected.lines if line.kind != "Comment"]
    held = [line for line in draft.lines if line.kind != "Comment"]
    return list(zip(wanted, held, strict=True))


def _rule_broken(about: About, owner: str, card: str, breach: Breach) -> Reason:
    amount = f"{about.amount:,.2f}" if about.amount is not None else "no amount"
    return Reason(
        "dimension-rule-broken",
        f"{about.number} ({about.name}, {amount}) would be refused: {owner} {_demand(breach)}, and it has "
        f"{breach.held or 'no value'}. Nothing was posted.",
        f"On the {card} of {owner}, open Dimensions (page Default Dimensions) and change the value or Value Posting of "
        f"{breach.dimension}; or change what the mapping gives it. The next run posts it.",
    )


def _demand(breach: Breach) -> str:
    if breach.rule == MANDATORY:
        return f"demands a value of the dimension {breach.dimension} (Code Mandatory)"
    if breach.rule == FORBIDDEN:
        return f"accepts no value of the dimension {breach.dimension} (No Code)"
    return f"accepts only {breach.wanted or 'a blank value'} in the dimension {breach.dimension} (Same Code)"


def mended(books: BusinessCentral, entity_set: str, expected: Expected, draft: Draft, tell: Tell) -> list[str]:
    """Give the draft and its lines their dimension values; returns what could not be set, in words.

    `entity_set` is salesInvoices or salesCreditMemos. The lines come by themselves, since what the document is given
    now does not reach them (trap 19).
    """
    lines = entity_set.removesuffix("s") + "Lines"
    places = [(0, entity(entity_set, draft.id), expected.dimensions, draft.dimensions)]
    for position, (want, have) in enumerate(_pairs(expected, draft), start=1):
        places.append((position, entity(lines, have.id), want.dimensions, have.dimensions))
    values = [
        (position, Value(parent, code, value, is_there=code in present))
        for position, parent, wanted, present in places
        for code, value in missing(wanted, present).items()
    ]
    found: list[str] = []
    for (position, value), refused in zip(values, set_values(books, [one for _, one in values]), strict=True):
        if refused:
            found.append(f"{f'line {position}' if position else 'document'}: {refused}")
        else:
            tell({"line": position, "code": value.code, "value": value.value})
    return found


@dataclass(frozen=True)
class Value:
    """A dimension value for a document or line (`parent` is its path).

    `is_there` is whether the dimension stood there when it was read; somebody may have taken it out since.
    """

    parent: str
    code: str
    value: str
    is_there: bool


def set_values(books: BusinessCentral, values: Sequence[Value]) -> list[str]:
    """Write them; for each why it could not be, or nothing. Raises OutcomeUnknown and whatever ends the run."""
    fresh = [one for one in values if not one.is_there]
    writes = [
        Write.create(f"{one.parent}/dimensionSetLines", {"code": one.code, "valueCode": one.value}) for one in fresh
    ]
    answers = dict(zip(fresh, books.write_many(writes), strict=True)) if fresh else {}
    for answer in answers.values():
        if isinstance(answer, Exception) and not isinstance(answer, Refused):
            raise answer
    refusals = {one: answer for one, answer in answers.items() if isinstance(answer, Refused)}
    return [_not_set(one, refusals.get(one)) if not one.is_there else _changed(books, one) for one in values]


def _changed(books: BusinessCentral, value: Value) -> str:
    """A dimension that a default brought along takes another value by PATCH (trap 18)."""
    path = f"{value.parent}/dimensionSetLines"
    try:
        row = next((one for one in books.read(Read(path)) if one.get("code") == value.code), None)
        if row is not None:
            books.update(entity(path, str(row["id"])), {"valueCode": value.value}, "*")
        else:
            books.create(path, {"code": value.code, "valueCode": value.value})
    except Refused as error:
        return _not_set(value, error)
    return ""


def _not_set(value: Value, error: Refused | None) -> str:
    if error is None:
        return ""
    return f"{value.code} could not be set to {value.value} ({reason_for(error).message} {error.text})"
