"""What all measures share: the options, a folder, somebody to tell how far it is, and the month that several look at."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from place import Failed, Place, Ran


@dataclass(frozen=True)
class Options:
    """What was asked for. `scale` is how fast modelled time runs: 0.1 is ten times as fast as the clock.

    The obvious client has a scale of its own, because it takes several times as long, and because it does one thing after
    another: what it waited for and what it computed can be told apart at any scale.

    `quick` is where the state file lies while time is scaled: in memory, where the system has such a folder. A disk does
    not become ten times as fast with the clock, and its waits would count for ten times what they are.
    """

    folder: Path
    quick: Path
    invoices: int = 2000
    payments: int = 2000
    customers: int = 400
    scale: float = 0.25
    obvious_scale: float = 0.05
    sizes: tuple[int, ...] = (2_000, 20_000)
    seen: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    dry_run: int = 20_000
    repeats: int = 10
    lanes: int = 4

    @property
    def documents(self) -> int:
        """Invoices and payments of the month."""
        return self.invoices + self.payments

    @property
    def entries(self) -> int:
        """About how many entries customers get: one for an invoice, one for each part of a payment."""
        return self.invoices + self.payments * 108 // 100


@dataclass(frozen=True)
class Carried:
    """A month that stsync carried under the latency model, and what followed."""

    config: Path
    environment: dict[str, str]
    bulk: Ran
    bulk_counts: dict[str, Any]
    booked: dict[str, Any]
    books: dict[str, Any]
    idle: Ran
    idle_counts: dict[str, Any]
    steady: Ran
    steady_counts: dict[str, Any]
    steady_documents: int


STEADY = 20


@dataclass
class Bench:
    """One run of the benchmark."""

    options: Options
    _carried: Carried | Failed | None = None
    _began: float = field(default_factory=time.monotonic)

    def tell(self, words: str) -> None:
        """Say how far it is; never silence for long."""
        sys.stderr.write(words + "\n")
        sys.stderr.flush()

    def place(self, name: str, *, documents: int | None = None, latency: float | None = None) -> Place:
        """Both systems with a plain month of that many documents, or with the month of the options.

        `latency` is the scale of the latency model; None has them answer at once and enforce nothing.
        """
        at = self.options
        size = (at.invoices, at.payments, at.customers)
        if documents is not None:
            size = (documents - documents // 2, documents // 2, max(1, documents // 10))
        return Place(
            (at.quick if latency else at.folder) / name, *size, latency=at.scale if latency else None, tell=self.tell
        )

    def carried(self) -> Carried:
        """The month under the latency model, carried once for all measures that look at it. Raises Failed."""
        if self._carried is None:
            try:
                self._carried = self._carry()
            except Failed as why:
                self._carried = why
        if isinstance(self._carried, Failed):
            raise self._carried
        return self._carried

    def _carry(self) -> Carried:
        at = self.options
        with self.place("month", latency=at.scale) as place:
            self.tell(f"a month of {at.invoices:,} invoices and {at.payments:,} payments, at a scale of {at.scale:g}")
            place.ask("forget")
            bulk = place.stsync("sync", name="stsync sync", entries=at.entries).insist("stsync sync")
            bulk_counts, booked, books = place.ask("counts"), place.ask("booked"), place.ask("books")
            insist_all_posted(books, at.invoices, at.payments)
            place.ask("forget")
            idle = place.stsync("sync").insist("a run with nothing new")
            idle_counts = place.ask("counts")
            steady_documents = place.ask("more", documents=STEADY)["documents"]
            place.ask("forget")
            steady = place.stsync("sync").insist("a run with a few documents")
            return Carried(
                config=place.config,
                environment=place.environment,
                bulk=bulk,
                bulk_counts=bulk_counts,
                booked=booked,
                books=books,
                idle=idle,
                idle_counts=idle_counts,
                steady=steady,
                steady_counts=place.ask("counts"),
                steady_documents=steady_documents,
            )


def insist_all_posted(books: dict[str, Any], invoices: int, payments: int) -> None:
    """A run that left something out would be quick for nothing. Raises Failed."""
    found = (books["posted_invoices"], books["payments"], books["drafts"])
    if found != (invoices, payments, 0):
        raise Failed(
            f"of {invoices} invoices and {payments} payments, {found[0]} and {found[1]} are posted; {found[2]} drafts"
        )
