"""Every way stsync can stop, and the exit code a scheduler sees.

    StsyncError                      reference, message, context, note (the vendor's words), hint; exit code 1
    ├── UsageError              2    the command line or the configuration is wrong
    │   └── ConfigError         2    the YAML file; carries every problem found, each with line and column
    ├── GuardError              4    a brake refused the plan; nothing was written
    ├── SystemUnavailable      69    a remote system cannot be reached, or is not answering sensibly
    ├── LockHeld               75    another run holds the state file
    ├── CredentialsError       77    a secret is missing, refused or expired
    └── StateError              2    the state file cannot be used as it is (wrong company, damaged, read-only)

A record that cannot go into the books is not an error here: it is held, with a reason, and the run
ends with exit code 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What cron, the Task Scheduler and a person's script can rely on (listed in the README)."""

    OK = 0
    BUG = 1
    USAGE = 2
    HELD = 3
    GUARD = 4
    UNAVAILABLE = 69
    LOCKED = 75
    CREDENTIALS = 77


class StsyncError(Exception):
    """An outcome that a person has to know about.

    `reference` is a stable kebab-case name that the user guide lists; `note` keeps the vendor's
    words beside ours, never instead of them; `hint` says what to do next.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(
        self,
        reference: str,
        message: str,
        *,
        hint: str = "",
        note: str = "",
        context: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reference = reference
        self.message = message
        self.hint = hint
        self.note = note
        self.context = dict(context or {})


class UsageError(StsyncError):
    """The command cannot be carried out as it was typed."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True)
class ConfigProblem:
    """One thing wrong in the configuration file; line and column count from 1, 0 means the whole file."""

    line: int
    column: int
    path: str
    found: str
    message: str
    suggestion: str = ""


class ConfigError(UsageError):
    """The configuration file has problems; all of them are reported together."""

    def __init__(self, file: str, problems: Sequence[ConfigProblem]) -> None:
        count = len(problems)
        super().__init__(
            "config-invalid",
            f"{file} has {count} problem{'' if count == 1 else 's'}; nothing was read or written.",
            hint="Correct these lines, then run: stsync config check",
            context={"file": file},
        )
        self.file = file
        self.problems = tuple(problems)


class GuardError(StsyncError):
    """The plan was refused before anything was written."""

    exit_code = ExitCode.GUARD


class SystemUnavailable(StsyncError):
    """A remote system cannot be reached or answers nothing that can be trusted; nobody's attempts are spent."""

    exit_code = ExitCode.UNAVAILABLE


class LockHeld(StsyncError):
    """Another run works on the same state file."""

    exit_code = ExitCode.LOCKED


class CredentialsError(StsyncError):
    """A secret is missing, refused or expired; the message says which."""

    exit_code = ExitCode.CREDENTIALS


class StateError(StsyncError):
    """The state file cannot be used as it is."""

    exit_code = ExitCode.USAGE
