"""A state file belongs to one ServiceTitan tenant and one Business Central company: never the wrong books."""

from __future__ import annotations

from dataclasses import astuple

from stsync.errors import StateError
from stsync.state.database import Database
from stsync.state.rows import Pin

_COLUMNS = "st_tenant, st_environment, bc_tenant, bc_environment, bc_company_id, bc_company_name"


def pinned(database: Database) -> Pin | None:
    """What the file belongs to, or None while it is new."""
    row = database.one(f"SELECT {_COLUMNS} FROM pin")  # noqa: S608 - constants only
    return Pin(*row) if row else None


def write_pin(database: Database, pin: Pin, where: str) -> None:
    """Give the file to this pair for good; a company that was only renamed keeps its file."""
    with database.transaction():
        check_pin(database, pin, where)
        database.execute(
            f"INSERT OR REPLACE INTO pin (id, {_COLUMNS}) VALUES (1, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants only
            astuple(pin),
        )


def check_pin(database: Database, pin: Pin, where: str) -> None:
    """Raises StateError if the file belongs to another pair; a new file belongs to nobody yet."""
    owner = pinned(database)
    if owner is None or _identity(owner) == _identity(pin):
        return
    raise StateError(
        "state-pinned-elsewhere",
        f"The state file {where} belongs to {_spoken(owner)}, but the configuration names {_spoken(pin)}."
        " Nothing was read or written.",
        hint="Correct the configuration, or give the other company a state file of its own with `state:`.",
        context={"state": where, "pinned": _spoken(owner), "configured": _spoken(pin)},
    )


def _identity(pin: Pin) -> tuple[str, ...]:
    # Ids and environment names are the same in capitals; a company's name is no identity, it can be changed.
    return tuple(text.casefold() for text in astuple(pin)[:-1])


def _spoken(pin: Pin) -> str:
    return (
        f"ServiceTitan tenant {pin.st_tenant} ({pin.st_environment}) and Business Central company"
        f' "{pin.bc_company_name}" ({pin.bc_company_id}) in {pin.bc_tenant}/{pin.bc_environment}'
    )
