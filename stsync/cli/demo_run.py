"""What the demo types, and what it checks afterwards in the systems' own records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, say
from stsync.cli.sandbox_folder import program
from stsync.errors import ExitCode

if TYPE_CHECKING:
    from stsync.cli.sandbox_folder import SandboxFolder
    from stsync.sandbox.tieout import TieOut
    from stsync.sandbox.world import World

# Records that a person has to look at are part of the demo month.
EXPECTED = (ExitCode.OK, ExitCode.HELD)


@dataclass(frozen=True)
class Promise:
    """One thing that stsync claims, and whether the demo found it true."""

    name: str
    kept: bool
    sentence: str


@dataclass(frozen=True)
class Step:
    """A command line and why a person would type it."""

    words: tuple[str, ...]
    why: str


PREVIEW = Step(("sync", "--dry-run"), "First look at what would happen. Nothing is written anywhere.")
TRANSFER = Step(("sync",), "Now do it.")
STATUS = Step(("status",), "Where does every record stand?")
HELD = Step(("held",), "What is not in the books, why, and what to do about it?")
AGAIN = Step(("sync",), "Once more, as the scheduler would. Nothing is new, so nothing may be sent.")
RECONCILE = Step(
    ("reconcile", "--month", "2026-06"), "Month-end: does the general ledger say what ServiceTitan says, to the cent?"
)
STEPS = (PREVIEW, TRANSFER, STATUS, HELD, AGAIN, RECONCILE)


@dataclass
class DemoRun:
    """The commands of one demo with what the systems saw of them."""

    place: SandboxFolder
    world: World
    _writes: dict[Step, int] = field(default_factory=dict)
    _codes: dict[Step, int] = field(default_factory=dict)
    _state_after_preview: bool = False
    _tied: TieOut | None = None
    _promises: list[Promise] | None = None

    def type_the_commands(self) -> None:
        """Run every step as a process of its own, so that what is seen is what a person would see."""
        for step in STEPS:
            before = len(self.world.sandbox.log.writes())
            self._codes[step] = self._type(step)
            self._writes[step] = len(self.world.sandbox.log.writes()) - before
            if step is PREVIEW:
                self._state_after_preview = (self.place.root / "stsync.db").exists()

    def tie_out(self) -> TieOut:
        """Both systems counted against each other."""
        from stsync.sandbox.tieout import tie_out

        if self._tied is None:
            self._tied = tie_out(self.world)
        return self._tied

    def promises(self) -> list[Promise]:
        """What was claimed, checked against the request log and the books of the sandbox."""
        if self._promises is None:
            self._promises = self._checked()
        return self._promises

    def _checked(self) -> list[Promise]:
        tied, total = self.tie_out(), self.tie_out().total
        previewed, sent, again = (self._writes[step] for step in (PREVIEW, TRANSFER, AGAIN))
        codes = sorted({code for code in self._codes.values() if code not in EXPECTED})
        silent = self._without_reason()
        ended = "every command ended well" if not codes else f"exit codes that nobody wants: {codes}"
        carried = f"{total.books:,.2f} is in the books"
        return [
            Promise("ended-well", not codes, f"Commands: {ended}."),
            Promise(
                "preview-writes-nothing",
                previewed == 0 and not self._state_after_preview,
                f"Preview: {previewed} writes to the two systems, and no state file.",
            ),
            Promise("carried", sent > 0 and total.books > 0, f"Transfer: {sent:,} writing requests; {carried}."),
            Promise("once", again == 0, f"Second transfer: {again} writes."),
            Promise(
                "to-the-cent",
                # Exit code 3 of reconcile means a difference, not a held record.
                tied.exact and self._codes[RECONCILE] == ExitCode.OK,
                "Tie-out: every business unit, the tax, payments, refunds and what each customer owes agree to the cent, in "
                "both countings.",
            ),
            Promise("nothing-silent", not silent, _told(silent)),
        ]

    def _type(self, step: Step) -> int:
        say()
        say(f"# {step.why}")
        say(f"$ {program()} {' '.join(step.words)}")
        sys.stdout.flush()
        output = subprocess.DEVNULL if OUTPUT.json or OUTPUT.quiet else None
        return self._run(*step.words, output=output).returncode

    def _without_reason(self) -> list[str]:
        """Documents with an amount that are neither in the books nor listed with a reason."""
        answer = self._run("held", "--waiting", "--all", "--json", output=subprocess.PIPE).stdout
        listed = {
            (cause["stage"], str(record["source_id"]))
            for causes in json.loads(answer or b"{}").values()
            if isinstance(causes, list)
            for cause in causes
            for record in cause["records"]
        }
        tied, tenant = self.tie_out(), self.world.tenant
        outside = [("invoices", row_id, tenant.invoices[row_id]) for row_id in tied.invoices_outside]
        outside += [("payments", row_id, tenant.payments[row_id]) for row_id in tied.payments_outside]
        outside += [("credit_memos", row_id, tenant.credit_memos[row_id]) for row_id in tied.credit_memos_outside]
        return sorted(
            f"{stage} {row_id}"
            for stage, row_id, row in outside
            if (stage, str(row_id)) not in listed and row["total"] != "0.00"
        )

    def _run(self, *words: str, output: int | None) -> subprocess.CompletedProcess[bytes]:
        line = [sys.executable, "-m", "stsync", *words]
        return subprocess.run(line, env=self._environment(), stdout=output, check=False)  # noqa: S603 - our own words

    def _environment(self) -> dict[str, str]:
        # Nothing that points at real systems may leak in from the person's own environment.
        outer = {name: value for name, value in os.environ.items() if not name.startswith("STSYNC_")}
        return {**outer, **self.place.environment(self.world)}


def _told(silent: list[str]) -> str:
    if not silent:
        return "Nothing silent: whatever has an amount and is not in the books is listed with a reason."
    return f"Not in the books and without a reason: {', '.join(silent[:10])}."
