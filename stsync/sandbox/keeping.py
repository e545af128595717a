"""Keeps a world in a file between two runs of the sandbox: the same documents, the same books, the same ids.

The file is Python's own serialisation, written and read by nobody else. Because reading such a file can run code,
it is taken only from its owner's hand (mode 0600 where the system has modes) and may name nothing but the
simulators' own classes and plain values.

Not modelled: versions. A file that another version of stsync wrote may be refused; a reset starts over.
"""

from __future__ import annotations

import io
import os
import pickle
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stsync.sandbox.businesscentral import Environment
from stsync.sandbox.company import Demo
from stsync.sandbox.latency import Latency
from stsync.sandbox.servicetitan import Tenant
from stsync.sandbox.world import World

_MARK = b"stsync sandbox 1\n"
_PLAIN = frozenset(
    {
        ("builtins", "dict"),
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("threading", "RLock"),
    }
)
_LOCK = type(threading.RLock())


class NotKept(Exception):
    """The file cannot be taken: damaged, of another version, or not in its owner's hand alone."""


@dataclass(frozen=True)
class Kept:
    """What the file holds, beside the size, seed and history that a reset needs."""

    invoices: int
    seed: int
    port_base: int
    demo: Demo
    tenant: Tenant
    environment: Environment
    history: bool = False


def keep(world: World, file: Path, *, port_base: int) -> None:
    """Write the world as it is between two requests. The file appears at once and whole, for its owner only."""
    with world.tenant.lock, world.environment.lock:
        payload = io.BytesIO()
        payload.write(_MARK)
        _Writer(payload, protocol=5).dump(
            Kept(world.invoices, world.seed, port_base, world.demo, world.tenant, world.environment, world.history)
        )
    scratch = file.with_name(file.name + ".new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(payload.getbuffer())
    scratch.replace(file)


def kept(file: Path) -> Kept:
    """Read what `keep` wrote. Raises NotKept."""
    with file.open("rb") as source:
        _check_owner(source.fileno())
        if source.read(len(_MARK)) != _MARK:
            raise NotKept("it was not written by this version of the sandbox")
        try:
            found = _Reader(source).load()
        except (pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, TypeError) as error:
            raise NotKept(f"it is damaged, or another version of the sandbox wrote it: {error}") from None
    if not isinstance(found, Kept):
        raise NotKept("it holds something else")
    return found


def restored(content: Kept, folder: Path, *, port_base: int, latency: Latency | None = None) -> World:
    """A world that goes on where the kept one stopped; not started yet. The latency is not kept: it is asked for."""
    world = World(
        content.invoices, content.seed, folder=folder, port_base=port_base, history=content.history, latency=latency
    )
    world.adopt(content.demo, content.tenant, content.environment)
    return world


class _Writer(pickle.Pickler):
    def reducer_override(self, thing: Any) -> Any:
        # A lock has no content; a fresh one takes its place.
        return (threading.RLock, ()) if isinstance(thing, _LOCK) else NotImplemented


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """A class by its name, if the file may name it."""
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        # No dots: "serve"."os.system" would reach through a module into another one.
        if module.startswith("stsync.sandbox.") and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} has no place in it")


def _check_owner(descriptor: int) -> None:
    if os.name != "posix":
        return
    facts = os.fstat(descriptor)
    if facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o077:
        raise NotKept("it belongs to somebody else, or others may write or read it")
