"""One summary and one exit code for several companies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from stsync.cli.console import OUTPUT, Column, counted, money, one_line, pass_on, say, table
from stsync.cli.many.processes import STOPPED, Outcome
from stsync.errors import ExitCode
from stsync.reports.words import STAGES

# First what somebody has to repair before that company runs at all, then what a further run mends, then what was finished:
# a scheduler that repeats on 69 must not be kept from it by another company's held records, which stay held.
GRAVEST_FIRST = (
    int(ExitCode.BUG),
    int(ExitCode.USAGE),
    int(ExitCode.CREDENTIALS),
    int(ExitCode.GUARD),
    STOPPED,
    int(ExitCode.UNAVAILABLE),
    int(ExitCode.HELD),
    int(ExitCode.LOCKED),
    int(ExitCode.OK),
)
_STATES = {
    ExitCode.OK: "all well",
    ExitCode.BUG: "a mistake in stsync",
    ExitCode.USAGE: "configuration or state file",
    ExitCode.HELD: "finished; records are held",
    ExitCode.GUARD: "refused by a brake",
    ExitCode.UNAVAILABLE: "a system is unavailable",
    ExitCode.LOCKED: "another run is at work",
    ExitCode.CREDENTIALS: "credentials",
}


def gravest(codes: Iterable[int]) -> int:
    """The one exit code: that of the company which is worst off."""
    return min(codes, key=GRAVEST_FIRST.index)


def state(outcome: Outcome) -> str:
    """How a company ended, in a few words."""
    if not outcome.started:
        return "not started"
    if outcome.signal:
        return f"killed (signal {outcome.signal})"
    if outcome.exit_code == STOPPED:
        return "stopped"
    return _STATES[ExitCode(outcome.exit_code)]


def show(outcome: Outcome) -> None:
    """Print what a company's own run printed; a line in between tells the companies apart."""
    text = outcome.printed.read_text(encoding="utf-8", errors="replace")
    if text and not OUTPUT.json:
        pass_on(text + "\n")


def report(outcomes: Sequence[Outcome], *, dry_run: bool, seconds: float) -> None:
    """The summary: every company; under --quiet only those that need a person."""
    code = gravest(one.exit_code for one in outcomes)
    if OUTPUT.json:
        _documents(outcomes, code, seconds)
        return
    wanted = [one for one in outcomes if one.exit_code != ExitCode.OK or not OUTPUT.quiet]
    if wanted:
        columns = [
            Column("company"),
            Column("state"),
            Column("would carry" if dry_run else "carried"),
            Column("held", right=True),
            Column("what to do"),
            Column("seconds", right=True),
            Column("exit code", right=True),
        ]
        table(f"{counted(len(outcomes), 'company', 'companies')}", columns, map(_row, wanted), needed=True)
    say(f"{seconds:.1f} s; the exit code of the whole is {code}.")


def _row(one: Outcome) -> list[str]:
    return [
        one_line(one.company.name),
        state(one),
        "\n".join(_carried(one)),
        f"{one.summary['held']:,}" if one.summary.get("held") else "",
        _advice(one),
        f"{one.seconds:.1f}",
        str(one.exit_code),
    ]


def _carried(one: Outcome) -> list[str]:
    carried = one.summary.get("carried", ())
    return [
        f"{STAGES.get(kind, kind)}: {count:,}" + (f", {money(Decimal(amount))}" if Decimal(amount) else "")
        for kind, count, amount in carried
    ]


def _advice(one: Outcome) -> str:
    error = one.summary.get("error")
    if error and error["reference"] == "config-invalid":
        return f"stsync config check --config {one.company.path}"
    if error:
        return one_line(error["hint"] or error["message"])
    if one.exit_code == ExitCode.HELD:
        return f"stsync held --config {one.company.path}"
    if one.exit_code == ExitCode.GUARD:
        return one_line(one.summary.get("brake") or "")
    if one.exit_code != ExitCode.OK:
        return "run it again: what was sent is recorded and is not sent twice"
    return ""


def _documents(outcomes: Sequence[Outcome], code: int, seconds: float) -> None:
    """One document with each company's own in it, which is copied as it is: it may be larger than the memory."""
    pass_on(f'{{\n  "exit_code": {code},\n  "seconds": {seconds:.1f},\n  "companies": [')
    for number, one in enumerate(outcomes):
        pass_on("," * (number > 0) + "\n" + json.dumps(_head(one)).removesuffix("}") + ', "document": ')
        if one.whole:
            _copy(one.printed)
        else:
            pass_on("null")
        pass_on("}")
    pass_on("\n]}\n")


def _head(one: Outcome) -> dict[str, Any]:
    carried = {kind: {"count": count, "amount": amount} for kind, count, amount in one.summary.get("carried", ())}
    return {
        "company": one.company.name,
        "config": str(one.company.path),
        "state": state(one),
        "exit_code": one.exit_code,
        "signal": one.signal or None,
        "carried": carried,
        "held": one.summary.get("held"),
        "what_to_do": _advice(one),
        "seconds": round(one.seconds, 1),
    }


def _copy(printed: Path) -> None:
    with printed.open(encoding="utf-8") as file:
        while part := file.read(1 << 16):
            pass_on(part)
