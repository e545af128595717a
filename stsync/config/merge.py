"""The mapping file's entries among the tables of the YAML file; a contradiction names both places."""

from __future__ import annotations

from pathlib import Path

from stsync.config.mapping_file import Entry, read_entries
from stsync.config.problems import value_at
from stsync.config.tree import Marked, Value
from stsync.config.tree import Path as TreePath
from stsync.core.mapping import folded


def merge_mapping_file(marked: Marked, folder: Path, config_name: str) -> None:
    """Add what `mapping.file` holds to the tables in the tree, and note what cannot be added."""
    root = marked.value
    mapping = root.get("mapping") if isinstance(root, dict) else None
    named = mapping.get("file") if isinstance(mapping, dict) else None
    if not isinstance(mapping, dict) or not isinstance(named, str) or marked.is_spoiled(("mapping", "file")):
        return
    contents = read_entries(folder / Path(named.strip()).expanduser())
    for fault in contents.faults:
        place = f"{named} line {fault.line}" if fault.line else named
        marked.problems.append(marked.problem(("mapping", "file"), f"{place}: {fault.sentence}", fault.found))
    keys = {(name, folded(key)): key for name, table in mapping.items() if isinstance(table, dict) for key in table}
    for entry in contents.entries:
        own = keys.get((entry.table, folded(entry.servicetitan)))
        if own is None:
            _add(marked, mapping, entry, named)
        else:
            _compare(marked, ("mapping", entry.table, own), entry, f"{named} line {entry.line}", config_name)


def _add(marked: Marked, mapping: dict[str, Value], entry: Entry, named: str) -> None:
    table = mapping.get(entry.table)
    if table is None:
        table = mapping[entry.table] = {}
    if not isinstance(table, dict):
        return  # the table itself is refused with its own line
    table[entry.servicetitan] = entry.business_central
    path = ("mapping", entry.table, entry.servicetitan)
    marked.marks[path] = marked.mark(("mapping", "file"))
    marked.origins[path] = f"{named} line {entry.line}"


def _compare(marked: Marked, path: TreePath, entry: Entry, place: str, config_name: str) -> None:
    value = value_at(marked.value, path)
    if not isinstance(value, str) or value.strip().upper() == entry.business_central.upper():
        return
    sentence = (
        f"'{path[-1]}' is {value} in {config_name} line {marked.mark(path).line}, "
        f"but {entry.business_central} in {place}; keep one of them"
    )
    marked.problems.append(marked.problem(path, sentence, value))
