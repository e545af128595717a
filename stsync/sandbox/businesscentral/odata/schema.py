"""What an entity set is: its properties, navigations, verbs and the behaviour behind them.

Not modelled: `$metadata` annotations, change tracking, open types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar

from stsync.sandbox.businesscentral.core.company import Company
from stsync.sandbox.businesscentral.core.table import Row, Table
from stsync.sandbox.businesscentral.errors import record_not_found
from stsync.sandbox.businesscentral.odata.values import ENCODERS, Kind

Getter = Callable[[Company, Any], Any]


@dataclass(frozen=True)
class Property:
    """One property of an entity: its name and type in the API, and where its value comes from."""

    name: str
    kind: Kind
    get: Getter
    length: int = 0
    options: tuple[str, ...] = ()
    read_only: bool = False
    filterable: bool = True
    attribute: str = ""

    def value(self, company: Company, row: Any) -> Any:
        """The value as the books hold it."""
        return self.get(company, row)

    def encoded(self, company: Company, row: Any) -> Any:
        """The value as the answer shows it."""
        return ENCODERS[self.kind](self.get(company, row))


def prop(
    name: str,
    kind: Kind,
    source: str | Getter,
    *,
    length: int = 0,
    options: tuple[str, ...] = (),
    read_only: bool = False,
    filterable: bool = True,
) -> Property:
    """Declare a property; `source` is an attribute of the row or a function of company and row."""
    if not isinstance(source, str):
        return Property(name, kind, source, length, options, read_only, filterable)
    read = attrgetter(source)
    return Property(name, kind, lambda _company, row: read(row), length, options, read_only, filterable, source)


def text(name: str, source: str | Getter, length: int = 0, **marks: Any) -> Property:
    """A Text field."""
    return prop(name, Kind.TEXT, source, length=length, **marks)


def code(name: str, source: str | Getter, length: int = 20, **marks: Any) -> Property:
    """A Code field: stored upper-case and trimmed."""
    return prop(name, Kind.CODE, source, length=length, **marks)


def guid(name: str, source: str | Getter, **marks: Any) -> Property:
    """A Guid field."""
    return prop(name, Kind.GUID, source, **marks)


def decimal(name: str, source: str | Getter, **marks: Any) -> Property:
    """A Decimal field."""
    return prop(name, Kind.DECIMAL, source, **marks)


def integer(name: str, source: str | Getter, **marks: Any) -> Property:
    """An Integer field."""
    return prop(name, Kind.INTEGER, source, **marks)


def boolean(name: str, source: str | Getter, **marks: Any) -> Property:
    """A Boolean field."""
    return prop(name, Kind.BOOLEAN, source, **marks)


def day(name: str, source: str | Getter, **marks: Any) -> Property:
    """A Date field; None is the blank date."""
    return prop(name, Kind.DATE, source, **marks)


def option(name: str, source: str | Getter, options: tuple[str, ...], **marks: Any) -> Property:
    """An enum field; a blank option is one space."""
    return prop(name, Kind.ENUM, source, options=options, **marks)


def key() -> Property:
    """The `id` of most entities."""
    return guid("id", "id", read_only=True)


def modified() -> Property:
    """The `lastModifiedDateTime` of most entities."""
    return prop("lastModifiedDateTime", Kind.DATETIME, "modified_at", read_only=True)


@dataclass(frozen=True)
class Parent:
    """The record whose navigation led to a set, with the set it belongs to."""

    entity_set: EntitySet
    row: Any


@dataclass
class Payload:
    """A decoded body: values in the order they were sent, and nested collections still undecoded."""

    values: dict[str, Any] = field(default_factory=dict)
    children: dict[str, list[Any]] = field(default_factory=dict)


Action = Callable[[Company, Any], None]


class EntitySet:
    """An entity set. Subclasses name their properties and override what they allow."""

    name: ClassVar[str]
    caption: ClassVar[str]
    properties: ClassVar[tuple[Property, ...]]
    navigations: ClassVar[dict[str, str]] = {}
    """Navigation name to the name of the set it leads to."""
    single: ClassVar[frozenset[str]] = frozenset()
    """Navigations that lead to one record (0..1) rather than to a collection."""
    verbs: ClassVar[frozenset[str]] = frozenset({"GET"})
    order: ClassVar[str] = ""
    """Row attribute of the primary key, which orders lists; blank leaves the order of insertion."""

    def __init__(self) -> None:
        self.by_name = {each.name: each for each in self.properties}

    @property
    def actions(self) -> dict[str, Action]:
        """Bound actions by name."""
        return {}

    def table(self, company: Company) -> Table[Any] | None:
        """The table behind the set when every row of it belongs to the set."""
        del company
        return None

    def rows(self, company: Company, parent: Parent | None) -> Iterable[Any]:
        """All records of the set, or those under a parent."""
        del parent
        return self.table(company) or ()

    def check_list(self, company: Company, parent: Parent | None, pinned: dict[str, Any]) -> None:
        """Refuse a list without what it needs; `pinned` are the fields a filter sets with `eq`."""
        del company, parent, pinned

    def find(self, company: Company, wanted: str, parent: Parent | None) -> Any:
        """The record with this key. Raises Internal_RecordNotFound."""
        table = self.table(company)
        candidates = self.rows(company, parent) if table is None or parent is not None else ()
        row = table.by_id(wanted) if table is not None and parent is None else None
        row = row or next((each for each in candidates if each.id == wanted), None)
        if row is None:
            raise record_not_found(self.caption, wanted)
        return row

    def version(self, row: Any) -> str:
        """What the ETag is made of: it changes when the row is written."""
        return f"'20;{row.version};1;00;'" if isinstance(row, Row) else f"'20;{hash(row)};1;00;'"

    def before_read(self, company: Company, row: Any) -> None:
        """What merely reading a record does to it."""
        del company, row

    def create(self, company: Company, payload: Payload, parent: Parent | None) -> Any:
        """Insert a record and return it."""
        raise NotImplementedError

    def update(self, company: Company, row: Any, payload: Payload, parent: Parent | None) -> Any:
        """Modify a record and return what the answer shows."""
        raise NotImplementedError

    def delete(self, company: Company, row: Any, parent: Parent | None) -> None:
        """Delete a record."""
        raise NotImplementedError
