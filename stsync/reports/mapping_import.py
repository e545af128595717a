"""What importing a mapping file would change: before and after, decided before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from stsync.config.mapping_file import Entry
from stsync.config.model import MappingTables
from stsync.core.mapping import TABLES, folded

Name = tuple[str, str]


@dataclass(frozen=True)
class Step:
    """One name before and after; `what` is new, changed, same, kept, removed or in-configuration."""

    table: str
    servicetitan: str
    before: str
    after: str
    what: str


@dataclass(frozen=True)
class Import:
    """The steps, the entries that the mapping file will hold, and what forbids it (sentences by place)."""

    steps: tuple[Step, ...]
    entries: tuple[Entry, ...]
    faults: Mapping[str, str]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change the mapping."""
        return tuple(step for step in self.steps if step.what in {"new", "changed", "removed"})


def compare(
    incoming: Sequence[Entry], present: Sequence[Entry], configured: Mapping[str, Mapping[str, str]], *, replace: bool
) -> Import:
    """Compare the entries of a file with those of the mapping file in use and of the YAML file.

    `configured` are all tables as loaded, those of the mapping file included. With `replace`, names that `incoming`
    does not have leave the mapping file; otherwise they stay.
    """
    in_file = {_name(entry): entry for entry in present}
    in_yaml = {
        (table, folded(key)): value
        for table, entries in configured.items()
        for key, value in entries.items()
        if (table, folded(key)) not in in_file
    }
    steps: list[Step] = []
    result: dict[Name, Entry] = {} if replace else dict(in_file)
    faults: dict[str, str] = {}
    for entry in incoming:
        own = in_yaml.get(_name(entry))
        if own is not None and own.upper() != entry.business_central.upper():
            faults[f"line {entry.line}"] = _contradiction(entry, own)
        elif own is not None:
            steps.append(Step(entry.table, entry.servicetitan, own, own, "in-configuration"))
        else:
            steps.append(_step(entry, in_file.get(_name(entry))))
            result[_name(entry)] = _with_comment(entry, in_file.get(_name(entry)))
    arrived = {_name(entry) for entry in incoming}
    steps += [_left(entry, replace) for name, entry in in_file.items() if name not in arrived]
    entries = tuple(sorted(result.values(), key=lambda one: TABLES.index(one.table)))
    return Import(tuple(steps), entries, faults or _refused(entries))


def _name(entry: Entry) -> Name:
    return entry.table, folded(entry.servicetitan)


def _step(entry: Entry, before: Entry | None) -> Step:
    old = before.business_central if before is not None else ""
    what = "new" if before is None else "same" if old == entry.business_central else "changed"
    return Step(entry.table, entry.servicetitan, old, entry.business_central, what)


def _left(entry: Entry, replace: bool) -> Step:
    after = "" if replace else entry.business_central
    return Step(entry.table, entry.servicetitan, entry.business_central, after, "removed" if replace else "kept")


def _with_comment(entry: Entry, before: Entry | None) -> Entry:
    comment = entry.comment or (before.comment if before is not None else "")
    return Entry(entry.table, entry.servicetitan, entry.business_central, comment)


def _contradiction(entry: Entry, own: str) -> str:
    return (
        f"'{entry.servicetitan}' ({entry.table}) is {entry.business_central} here, but {own} in the configuration "
        "file; keep one of them"
    )


def _refused(entries: Iterable[Entry]) -> dict[str, str]:
    """What the configuration would refuse to load afterwards, for example a journal code that is too long."""
    tables: dict[str, dict[str, str]] = {}
    for entry in entries:
        tables.setdefault(entry.table, {})[entry.servicetitan] = entry.business_central
    try:
        MappingTables.model_validate(tables)
    except ValidationError as error:
        return {" ".join(str(part) for part in one["loc"]): one["msg"] for one in error.errors()}
    return {}
