"""What changed between two versions of a record, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# It changes with every change, and says nothing by itself.
_STAMPS = frozenset({"modifiedOn", "lastModifiedDateTime"})
_LONGEST = 80


@dataclass(frozen=True)
class Change:
    """One field; `before` or `after` is None where the field was not there. Parts of lists are named by their id."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.before)} -> {_shown(self.after)}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every field that differs, in alphabetical order; 12.5 and 12.50 are the same."""
    old, new = dict(_fields("", before)), dict(_fields("", after))
    return [
        Change(name, old.get(name), new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name) and name not in _STAMPS
    ]


def _fields(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _fields(f"{path}.{name}" if path else name, part)
    elif isinstance(value, list):
        for position, part in enumerate(value, start=1):
            yield from _fields(f"{path}[{_name(part, position)}]", part)
    else:
        yield path, value


def _name(part: Any, position: int) -> str:
    """A line by its id, so that a line put in before it does not change its name."""
    identity = part.get("id") if isinstance(part, Mapping) else None
    return str(identity or position)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "(nothing)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
