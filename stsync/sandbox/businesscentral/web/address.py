"""Addresses: from a path below `/api/v2.0/` to a set, a record, an action or a count.

Not modelled: alternate keys, `$ref`, `$value`, type casts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.errors import segment_not_found, url_not_found
from stsync.sandbox.businesscentral.odata.query import invalid_url
from stsync.sandbox.businesscentral.odata.schema import EntitySet, Parent
from stsync.sandbox.businesscentral.odata.values import GUID
from stsync.sandbox.businesscentral.sets.registry import SETS

_SEGMENT = re.compile(r"(?P<name>[^()]+)(?:\((?P<key>[^()]*)\))?")
ACTION_PREFIX = "Microsoft.NAV."


@dataclass(frozen=True)
class Segment:
    """One piece of a path: a name, and a key in brackets if it has one."""

    name: str
    key: str | None


@dataclass(frozen=True)
class Target:
    """What a URL names. `row` is None for a collection; `action` and `count` are set by the last segment."""

    entity_set: EntitySet
    path: str
    parent: Parent | None = None
    row: Any = None
    action: str = ""
    count: bool = False


def split_path(path: str) -> list[Segment]:
    """The segments of a path. Raises BadRequest_InvalidRequestUrl on brackets that do not match."""
    segments = []
    for piece in path.strip("/").split("/"):
        match = _SEGMENT.fullmatch(piece)
        if match is None:
            raise invalid_url()
        segments.append(Segment(match["name"], match["key"]))
    return segments


def guid_key(text: str) -> str:
    """A key as the books write it. Quoted or malformed keys are a bad URL (BC facts section 1)."""
    if GUID.fullmatch(text) is None:
        raise invalid_url()
    return text.lower()


def resolve(company: Company, segments: list[Segment], uri: str) -> Target:
    """Walk the segments after the company. Raises the 404s of unknown sets, records and navigations."""
    first = segments[0]
    if first.name not in SETS:
        raise url_not_found(uri)
    target = _entered(company, SETS[first.name], first, None, first.name)
    for segment in segments[1:]:
        target = _step(company, target, segment, uri)
    return target


def _entered(company: Company, entity_set: EntitySet, segment: Segment, parent: Parent | None, path: str) -> Target:
    if segment.key is None:
        return Target(entity_set, path, parent)
    row = entity_set.find(company, guid_key(segment.key), parent)
    return Target(entity_set, f"{path}({segment.key})", parent, row)


def _step(company: Company, target: Target, segment: Segment, uri: str) -> Target:
    if segment.name == "$count" and target.row is None:
        return Target(target.entity_set, target.path, target.parent, count=True)
    if target.row is None or target.action:
        raise segment_not_found(segment.name)
    if segment.name.startswith(ACTION_PREFIX):
        action = segment.name.removeprefix(ACTION_PREFIX)
        return Target(target.entity_set, target.path, target.parent, target.row, action=action)
    if segment.name not in target.entity_set.navigations:
        raise segment_not_found(segment.name)
    entity_set = SETS[target.entity_set.navigations[segment.name]]
    parent = Parent(target.entity_set, target.row)
    path = f"{target.path}/{segment.name}"
    if segment.name in target.entity_set.single and segment.key is None:
        row = next(iter(entity_set.rows(company, parent)), None)
        if row is None:
            raise url_not_found(uri)
        return Target(entity_set, path, parent, row)
    return _entered(company, entity_set, segment, parent, path)
