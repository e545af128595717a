"""Writes the tables of docs/configuration.md from the model, so that no key and no default can go stale.

Run it after a change of the model: python docs/write_configuration.py (tests/test_docs.py says when it is due).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from stsync.config.model import Config
from stsync.config.section import Section
from stsync.config.shape import entry_section, field_section

PAGE = Path(__file__).with_name("configuration.md")
BEGIN = "<!-- written by docs/write_configuration.py: begin -->\n"
END = "<!-- written by docs/write_configuration.py: end -->\n"
# What stands between a table's name and the settings of one of its entries.
ENTRY = {"payments.journals": "<CODE>", "pricebook.rules": "-", "dimensions.more": "-"}


def tables() -> str:
    """One table for each section of the configuration file, in the file's order."""
    return "\n".join(_section(Config, "")) + "\n"


def page(text: str) -> str:
    """The page with its tables as the model has them now."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def _section(section: type[Section], path: str) -> Iterator[str]:
    inner = [(name, known) for name, known in section.model_fields.items() if _below(known)]
    plain = [(name, known) for name, known in section.model_fields.items() if field_section(known) is None]
    if plain:
        yield f"\n### {f'`{path}`' if path else 'At the top of the file'}\n"
        yield "| Setting | What it means | Default |"
        yield "|---|---|---|"
        yield from (_row(f"{path}.{name}" if path else name, known) for name, known in plain)
    for name, known in inner:
        under = f"{path}.{name}" if path else name
        entry = entry_section(known)
        below = field_section(known) or entry
        assert below is not None
        yield from _section(below, f"{under}.{ENTRY[under]}" if entry else under)


def _below(known: FieldInfo) -> bool:
    return field_section(known) is not None or entry_section(known) is not None


def _row(path: str, known: FieldInfo) -> str:
    return f"| `{path}` | {(known.description or '').replace('|', '/')} | {_default(known)} |"


def _default(known: FieldInfo) -> str:
    if known.is_required():
        return "must be given"
    return _said(known.default)


def _said(value: Any) -> str:
    if value is None or value in ({}, ()):
        return "–"
    if isinstance(value, bool):
        return "`yes`" if value else "`no`"
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    return f"`{value.normalize():f}`" if isinstance(value, Decimal) else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
