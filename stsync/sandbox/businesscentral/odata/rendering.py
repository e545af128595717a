"""Answers: a row as JSON with its ETag, the chosen properties and the expanded navigations.

Not modelled: `odata.metadata=full` annotations.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.errors import bad_request
from stsync.sandbox.businesscentral.odata.query import Query
from stsync.sandbox.businesscentral.odata.reading import matching
from stsync.sandbox.businesscentral.odata.schema import EntitySet, Parent, Property


def etag(entity_set: EntitySet, row: Any) -> str:
    """The weak ETag of a row: base64 of a versioned string."""
    return f'W/"{b64encode(entity_set.version(row).encode()).decode()}"'


class Renderer:
    """Turns rows of one company into answers. `sets` finds the target of a navigation by set name."""

    def __init__(self, company: Company, sets: dict[str, EntitySet], *, metadata: bool = True) -> None:
        self._company = company
        self._sets = sets
        self._metadata = metadata

    def row(self, entity_set: EntitySet, row: Any, query: Query) -> dict[str, Any]:
        """One row with the selected properties and expanded navigations."""
        company = self._company
        answer: dict[str, Any] = {"@odata.etag": etag(entity_set, row)} if self._metadata else {}
        for prop in self._selected(entity_set, query):
            answer[prop.name] = prop.encoded(company, row)
        for name, inner in query.expand.items():
            answer[name] = self._expanded(entity_set, row, name, inner)
        return answer

    def _selected(self, entity_set: EntitySet, query: Query) -> tuple[Property, ...]:
        if query.select is None:
            return entity_set.properties
        known = entity_set.by_name
        for name in query.select:
            if name not in known and name not in entity_set.navigations:
                raise bad_request(
                    f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity_set.name}'."
                )
        return tuple(known[name] for name in query.select if name in known)

    def _expanded(self, entity_set: EntitySet, row: Any, name: str, query: Query) -> Any:
        if name not in entity_set.navigations:
            raise bad_request(f"Could not find a property named '{name}' on type 'Microsoft.NAV.{entity_set.name}'.")
        target = self._sets[entity_set.navigations[name]]
        rows = matching(self._company, target, Parent(entity_set, row), query)
        if name in entity_set.single:
            return self.row(target, rows[0], query) if rows else None
        chosen = rows[query.skip :]
        chosen = chosen if query.top is None else chosen[: query.top]
        return [self.row(target, each, query) for each in chosen]
