"""The model's keys: which exist, where, and what each is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from stsync.config.model import Config
from stsync.config.section import Section
from stsync.config.tree import Path


def section_at(path: Path) -> type[Section] | None:
    """The section that a path in the file leads to; None where it leads to a plain value or nowhere."""
    kind: Any = Config
    for part in path:
        kind = _inside(kind, part)
        if kind is None:
            return None
    return kind if _is_section(kind) else None


def _inside(kind: Any, part: str | int) -> Any:
    if _is_section(kind):
        known = kind.model_fields.get(part)
        return None if known is None else _core(known.annotation)
    origin = get_origin(kind)
    if origin is dict:
        return _core(get_args(kind)[1])
    return _core(get_args(kind)[0]) if origin is tuple else None


def _core(annotation: Any) -> Any:
    """The type without Annotated around it."""
    return _core(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def field_section(field: FieldInfo) -> type[Section] | None:
    """The section that a key holds, if it holds one."""
    kind = _core(field.annotation)
    return kind if _is_section(kind) else None


def entry_section(field: FieldInfo) -> type[Section] | None:
    """The section of each entry, for a key that holds a table or list of sections."""
    kind = _core(field.annotation)
    inner = _inside(kind, "") if get_origin(kind) in {dict, tuple} else None
    return inner if _is_section(inner) else None


def choices(path: Path) -> tuple[str, ...]:
    """The values that a key accepts, for a key with a fixed list of them."""
    *above, last = path
    if isinstance(last, int):
        return choices(tuple(above))
    section = section_at(tuple(above))
    known = section.model_fields.get(last) if section else None
    return tuple(_literals(known.annotation)) if known else ()


def _literals(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
        return
    for inner in get_args(annotation):
        yield from _literals(inner)


def places_of(key: str) -> list[str]:
    """Every dotted path at which the model has this key."""
    return [path for path in _paths(Config, "") if path.rpartition(".")[2] == key]


def _paths(section: type[Section], above: str) -> Iterator[str]:
    for name, known in section.model_fields.items():
        path = f"{above}{name}"
        yield path
        inner = field_section(known)
        if inner is not None:
            yield from _paths(inner, f"{path}.")
