"""What of a customer card is written: the fields that changed in ServiceTitan since they were last carried over.

Three values meet in each field: ServiceTitan's then, ServiceTitan's now, and the card's. Nothing is written where
ServiceTitan did not change; where it did, its value is written, because name, address, telephone and e-mail are looked
after there. Two things are kept from that: a value that a person put where ServiceTitan now has none, and the
knowledge of what was there before, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stsync.core.likeness import last_digits

WORDS = {
    "displayName": "name",
    "type": "type",
    "addressLine1": "address",
    "addressLine2": "address line 2",
    "postalCode": "postal code",
    "city": "city",
    "state": "state",
    "phoneNumber": "telephone",
    "email": "e-mail",
    "country": "country",
    "taxLiable": "tax liable",
}
# Business Central rewrites these when the postal code is set (trap 15), so ServiceTitan's follow it in the same write.
_WITH_POSTAL_CODE = ("city", "state")


@dataclass(frozen=True)
class Change:
    """The values to write, what people are told of each, and what was kept although ServiceTitan changed."""

    values: Mapping[str, Any]
    told: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass
class _Draft:
    values: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def change(fields: Mapping[str, Any], *, base: Mapping[str, Any], found: Mapping[str, Any]) -> Change:
    """Compare ServiceTitan now with ServiceTitan then (`base`) and with the card (`found`).

    Without a base, every field that differs from the card counts as changed.
    """
    draft = _Draft()
    for name, value in fields.items():
        there = found.get(name, "")
        if (name in base and base[name] == value) or value == there:
            continue
        edited = name in base and there != base[name]
        if value == "" and edited:
            draft.kept.append(f"{WORDS[name]} '{there}' stays: ServiceTitan has none any more, and a person changed it")
            continue
        draft.values[name] = value
        by = " (edited in Business Central since)" if edited else ""
        draft.told.append(f"{WORDS[name]} '{there}'{by} -> '{value}'")
    if "postalCode" in draft.values:
        draft.values |= {name: fields[name] for name in _WITH_POSTAL_CODE if fields.get(name)}
    ordered = {name: draft.values[name] for name in fields if name in draft.values}
    return Change(ordered, tuple(draft.told), tuple(draft.kept))


def rewritten(sent: Mapping[str, Any], answered: Mapping[str, Any], country: str | None) -> list[str]:
    """What Business Central made of a write: fields that hold something else than was sent, in words.

    `country` is the one that stood on the card before; a postal code rewrites it too.
    """
    before = dict(sent)
    if country is not None:
        before["country"] = country
    return [
        f"Business Central rewrote the {WORDS[name]}: '{value}' became '{answered[name]}'"
        for name, value in before.items()
        if name in WORDS and name in answered and _plain(answered[name]) != _plain(value)
    ]


def _plain(value: Any) -> Any:
    """Codes come back in capitals without spaces around them (facts, how to read field tables)."""
    return value.strip().upper() if isinstance(value, str) else value


def clues(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """What cards of the same customer are looked for by: `field=value`; of a telephone its last digits. Without capitals."""
    values = [
        ("displayName", str(fields.get("displayName") or "").lower()),
        ("email", str(fields.get("email") or "").lower()),
        ("phoneNumber", last_digits(str(fields.get("phoneNumber") or ""))),
    ]
    return tuple(dict.fromkeys(f"{name}={value}" for name, value in values if value))
