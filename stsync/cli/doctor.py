"""`stsync doctor`: the first command after installing, and when something is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stsync.cli.console import OUTPUT, emit_json, insist, say
from stsync.cli.options import ConfigOption, JsonOption, QuietOption, answering
from stsync.errors import ExitCode

if TYPE_CHECKING:
    from stsync.setup.checks import Check

EPILOG = (
    "Example: stsync doctor --quiet prints only what somebody has to act on. "
    "Ends with 0 when nothing fails, 2 for the configuration, 77 for a login or a permission, 69 when a system is "
    "down, and 3 for anything else that fails."
)
_MARKS = {"ok": "ok", "warn": "WARN", "fail": "FAIL", "unknown": "?"}
_WIDTH = 34


@answering
def doctor(config: ConfigOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> ExitCode:
    """Go through everything that a run needs, and say what to do about each thing that is not in order.

    Looks at the configuration, the secrets, both systems and their permissions, the company's accounts, dimensions,
    journals and posting dates, the mapping, the state file and the clock. It only reads.
    """
    from stsync.setup.checks import exit_code
    from stsync.setup.examination import examine

    checks: list[Check] = []
    group = ""
    for check in examine(config):
        checks.append(check)
        if check.group != group:
            group = check.group
            say(f"\n{group}")
        _show(check)
    code = exit_code(checks)
    if OUTPUT.json:
        emit_json({"checks": [_document(check) for check in checks], "counts": _counts(checks), "exit_code": int(code)})
    _conclude(checks, code)
    return code


def _show(check: Check) -> None:
    label = f"{check.group}: {check.name}" if OUTPUT.quiet else check.name
    line = f"  {_MARKS[check.status]:<5} {label:<{_WIDTH}} {check.found}"
    speak = insist if check.needs_a_person else say
    speak(line)
    if check.todo and check.status != "ok":
        speak(f"        {'What to do:' if check.needs_a_person else 'To be sure:'} {check.todo}")


def _document(check: Check) -> dict[str, str]:
    return {
        "group": check.group,
        "name": check.name,
        "status": check.status,
        "found": check.found,
        "todo": check.todo,
    }


def _counts(checks: Iterable[Check]) -> dict[str, int]:
    counted = Counter(check.status for check in checks)
    return {status: counted[status] for status in ("ok", "warn", "fail", "unknown")}


def _conclude(checks: list[Check], code: ExitCode) -> None:
    counts = _counts(checks)
    shown = (
        f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed, {counts['unknown']} not to be seen"
    )
    say(f"\n{shown}. Nothing was changed.")
    if code == ExitCode.OK:
        say("Next: stsync sync --dry-run")
    else:
        say(f"Mend what failed, then run stsync doctor again (exit code {int(code)}).")
