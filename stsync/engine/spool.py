"""The plan of a whole run, portion by portion on disk: everything is planned before anything is written, and then carried out.

The guard judges a run as a whole, and a preview shows all of it; neither may take more memory for a longer backlog. The
file has no name, so that nobody else can open it and nothing of it is left when the run ends, however it ends.
"""

from __future__ import annotations

import pickle
import tempfile
import weakref
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from io import SEEK_END
from types import TracebackType
from typing import Self

from stsync.core.operations import Operation
from stsync.core.plan import Decision, Plan, Standing, digest_of
from stsync.engine.guard import Load, load
from stsync.engine.planning import Drawn
from stsync.errors import StateError

# Bytes; a plan of some hundred records never touches the disk.
_IN_MEMORY = 2**22


class Spool:
    """Portions of a plan, read back in their order as often as they are wanted (core/plan.py, Planned).

    `load` is what the guard judges, `acting` how many records of each kind need something sent.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by close
        self._places: list[int] = []
        self._prepared: set[str] = set()
        self._count = 0
        self.load = Load()
        self.acting: Counter[str] = Counter()
        self.close = weakref.finalize(self, self._file.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, drawn: Drawn) -> None:
        """Keep a portion; one that decides nothing is left out. Raises StateError when the disk has no room for it."""
        if not drawn.plan.decisions:
            return
        self.load += load(_each_once(drawn.plan, self._prepared))
        self._count += len(drawn.plan.decisions)
        self.acting.update(one.kind for one in drawn.plan.decisions if one.standing == Standing.ACT)
        self._file.seek(0, SEEK_END)
        self._places.append(self._file.tell())
        try:
            # Nobody but this process reads it, and it holds nothing but our own values.
            pickle.dump(Drawn(drawn.plan, drawn.hashes, drawn.etags), self._file, pickle.HIGHEST_PROTOCOL)
        except OSError as error:
            raise _no_room(error) from error

    def portions(self) -> Iterator[Drawn]:
        """What has to be carried out, in order."""
        for place in self._places:
            self._file.seek(place)
            yield pickle.load(self._file)  # noqa: S301 - written by add

    @property
    def decisions(self) -> Collection[Decision]:
        """All decisions; each look at them reads the file once."""
        return _Decisions(self, self._count)

    def operations(self) -> Iterator[Operation]:
        """Every operation. A journal that several portions need is made once."""
        prepared: set[str] = set()
        for drawn in self.portions():
            yield from _each_once(drawn.plan, prepared)

    def of(self, kind: str, standing: Standing | None = None) -> list[Decision]:
        """The decisions of one kind, or only those of one standing."""
        return [one for drawn in self.portions() for one in drawn.plan.of(kind, standing)]

    @property
    def digest(self) -> str:
        """The same for the same plan, however it was cut."""
        return digest_of(self.operations())


def _no_room(error: OSError) -> StateError:
    folder = tempfile.gettempdir()
    return StateError(
        "plan-does-not-fit",
        f"The plan of this run could not be kept in {folder}, the folder for temporary files. Nothing was sent; the books are "
        "as they were.",
        hint=f"Free some space in {folder}, or let the variable TMPDIR name a folder with more room, and run again.",
        note=error.strerror or str(error),
        context={"folder": folder},
    )


def _each_once(plan: Plan, prepared: set[str]) -> Iterator[Operation]:
    """The operations of a portion, without what an earlier one prepares."""
    yield from (one for one in plan.preparations if one.key not in prepared)
    prepared.update(one.key for one in plan.preparations)
    yield from replace(plan, preparations=()).operations()


@dataclass(frozen=True)
class _Decisions(Collection[Decision]):
    spool: Spool
    count: int

    def __iter__(self) -> Iterator[Decision]:
        for drawn in self.spool.portions():
            yield from drawn.plan.decisions

    def __len__(self) -> int:
        return self.count

    def __contains__(self, decision: object) -> bool:
        return any(one == decision for one in self)
