"""One line of the checklist, and what a whole checklist comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stsync.errors import ExitCode, StsyncError

Group = Literal[
    "program",
    "config",
    "secrets",
    "ServiceTitan",
    "Business Central",
    "journals",
    "mapping",
    "state",
    "clock",
]
Status = Literal["ok", "warn", "fail", "unknown"]

GROUPS: tuple[Group, ...] = (
    "program",
    "config",
    "secrets",
    "ServiceTitan",
    "Business Central",
    "journals",
    "mapping",
    "state",
    "clock",
)
# The first of these that any failure carries is how doctor ends (design section 5).
_URGENCY = (ExitCode.USAGE, ExitCode.CREDENTIALS, ExitCode.UNAVAILABLE)


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, and what a person should do about it.

    `unknown` is for what Business Central or ServiceTitan does not show; it is never passed off as ok.
    `ends_with` is the exit code that this failure deserves.
    """

    group: Group
    name: str
    status: Status
    found: str
    todo: str = ""
    ends_with: ExitCode = ExitCode.HELD

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to act on it."""
        return self.status in {"warn", "fail"}


def ok(group: Group, name: str, found: str) -> Check:
    """A line that is in order."""
    return Check(group, name, "ok", found)


def warn(group: Group, name: str, found: str, todo: str) -> Check:
    """Works today, but somebody should look."""
    return Check(group, name, "warn", found, todo)


def fail(group: Group, name: str, found: str, todo: str) -> Check:
    """Keeps records out of the books."""
    return Check(group, name, "fail", found, todo)


def unknown(group: Group, name: str, found: str, todo: str = "") -> Check:
    """Nobody but a person in the other system can see it."""
    return Check(group, name, "unknown", found, todo)


def problem(group: Group, name: str, error: StsyncError) -> Check:
    """A failure as the error tells it, with the vendor's words and the error's own exit code."""
    said = f" They said: {error.note}" if error.note else ""
    code = error.exit_code if error.exit_code in _URGENCY else ExitCode.HELD
    return Check(group, name, "fail", f"{error.message}{said}", error.hint, ExitCode(code))


def exit_code(checks: Iterable[Check]) -> ExitCode:
    """0 without failures; 2 for the configuration, 77 for a login, 69 for a system that is down, otherwise 3."""
    failures = {check.ends_with for check in checks if check.status == "fail"}
    if not failures:
        return ExitCode.OK
    return next((code for code in _URGENCY if code in failures), ExitCode.HELD)
