"""config.example.yaml, written from the model so that no key and no comment can go stale.

A comment has a space after its #. A setting that is switched off has none, so that taking the # away
switches it on.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from stsync.config.model import Config
from stsync.config.section import Section
from stsync.config.shape import entry_section, field_section
from stsync.core.mapping import yaml_text

WIDTH = 100
STEP = "  "
OPENING = """\
# stsync: one ServiceTitan tenant into the books of one Business Central company.
#
# Copy this file to config.yaml and fill it in; `stsync init` does it by asking you. Lines that begin with
# a # and a space explain; take away a # without a space to use the line behind it. Indent with spaces,
# never with tabs. `stsync config check` finds every mistake and says in which line it is.
#
# No password or secret belongs in this file: `stsync auth set` keeps them safe.
# For help while typing, run `stsync config schema > config.schema.json` and make this the first line:
#   # yaml-language-server: $schema=config.schema.json
"""
# Words that YAML readers other than ours would take for something else than text.
NOT_PLAIN = frozenset({"", "yes", "no", "on", "off", "true", "false", "null", "~"})


def example() -> str:
    """A complete, valid configuration file with every key explained."""
    return OPENING + "\n".join(_section(Config, "")) + "\n"


def _section(section: type[Section], indent: str) -> Iterator[str]:
    for name, known in section.model_fields.items():
        if not indent:
            yield ""
        yield from _comment(known, indent)
        yield from _setting(name, known, indent)


def _is_off(known: FieldInfo) -> bool:
    return not known.is_required() and known.default is None


def _comment(known: FieldInfo, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        known.description or "", WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
    )


def _setting(name: str, known: FieldInfo, indent: str) -> Iterator[str]:
    inner = field_section(known)
    if inner is not None:
        yield f"{indent}{name}:"
        yield from _section(inner, indent + STEP)
        return
    shown = _shown(known)
    mark = "#" if _is_off(known) else ""
    if not isinstance(shown, dict | list):
        yield f"{indent}{mark}{name}: {_scalar(shown)}"
        return
    entry = entry_section(known)
    if entry is None and isinstance(shown, list):
        yield f"{indent}{mark}{name}: [{', '.join(_scalar(each) for each in shown)}]"
        return
    yield f"{indent}{name}:"
    yield from _entries(shown, entry, indent + STEP)


def _shown(known: FieldInfo) -> Any:
    """The example value if there is one, otherwise the default."""
    if known.examples:
        return known.examples[0]
    default = known.get_default()
    if default is PydanticUndefined:
        raise ValueError("a required key has no example")
    return list(default) if isinstance(default, tuple) else default


def _entries(shown: dict[str, Any] | list[Any], entry: type[Section] | None, indent: str) -> Iterator[str]:
    """Sample entries, all switched off: an example must not map anything by accident."""
    pairs = shown.items() if isinstance(shown, dict) else [("-", each) for each in shown]
    for key, value in pairs:
        if entry is None:
            yield f"{indent}#{_scalar(key)}: {_scalar(value)}"
        elif key == "-":
            yield from _entry(value, entry, indent, "- ")
        else:
            yield f"{indent}#{_scalar(key)}:"
            yield from _entry(value, entry, indent + STEP, "")


def _entry(value: dict[str, Any], entry: type[Section], indent: str, bullet: str) -> Iterator[str]:
    for name, each in value.items():
        yield from _comment(entry.model_fields[name], indent)
        yield f"{indent}#{bullet}{name}: {_scalar(each)}"
        indent += " " * len(bullet)
        bullet = ""


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return str(value)
    text = str(value)
    plain = text.replace("-", "").replace(".", "").replace(":", "").replace("/", "")
    is_word = plain.isascii() and plain.isalnum() and not plain.isdigit() and text.lower() not in NOT_PLAIN
    is_date = len(text) == 10 and text[4] == "-" == text[7]
    return text if (is_word and ": " not in text) or is_date else yaml_text(text)
