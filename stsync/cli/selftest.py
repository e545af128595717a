"""`stsync selftest`: runs are broken on this machine, and must leave the books of a run in which nothing goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsync.cli.console import OUTPUT, emit_json, insist, say
from stsync.cli.options import JsonOption, QuietOption, answering
from stsync.cli.progress import counting
from stsync.errors import ExitCode

if TYPE_CHECKING:
    from stsync.selftest.campaign import Figures
    from stsync.selftest.trial import Verdict

EPILOG = "Example: stsync selftest --chaos 2000"
_PROBLEMS_SHOWN = 6


@answering
def selftest(
    chaos: Annotated[int, typer.Option("--chaos", min=1, metavar="N", help="How many trials to make.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Another number chooses other trials.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, metavar="N", help="How many at the same time.")] = 2,
    lanes: Annotated[
        int | None,
        typer.Option("--lanes", min=1, max=5, metavar="N", help="Only runs with so many lanes, not 1 to 5 in turn."),
    ] = None,
    trial: Annotated[
        str | None, typer.Option("--trial", metavar="ID", help="One trial alone, by the name a failed one printed.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> ExitCode:
    """Break runs in every way we know, run again, and compare both systems with a run in which nothing went wrong.

    Everything happens on this machine, in both systems of the sandbox; your configuration is not read. A run is killed
    or an answer is spoilt at one of its requests or commits. After the runs that follow nothing may stand twice in
    the books, nothing be missing, and nothing be left open. Exit code 1 means that a trial failed.
    """
    from stsync.selftest.campaign import campaign
    from stsync.selftest.places import LANES

    with counting("trials") as told:
        figures = campaign(
            chaos,
            seed=seed,
            workers=workers,
            lanes=LANES if lanes is None else (lanes,),
            only=trial,
            tell=lambda so_far, all_: told(len(so_far.verdicts), all_),
        )
    if OUTPUT.json:
        emit_json(_document(figures))
    else:
        _show(figures)
    return ExitCode.BUG if figures.failed or figures.too_many_missed else ExitCode.OK


def _show(figures: Figures) -> None:
    if len(figures.verdicts) > 1:
        _grid(figures)
    for verdict in figures.failed:
        _tell_failure(verdict)
    count, failed = len(figures.verdicts), len(figures.failed)
    for run in figures.faultless:
        say(f"Broken: stsync {run.work}, {len(run.requests)} requests and {run.commits} commits.")
    say(
        f"{count:,} of {figures.possible:,} possible trials in {figures.seconds:,.0f} s; "
        f"{figures.processor_seconds / max(1, count):.2f} s of processor time each."
    )
    _tell_missed(figures)
    insist(f"{count - failed:,} ended with the books of a faultless run, {failed:,} did not.")


def _tell_missed(figures: Figures) -> None:
    if not figures.missed:
        return
    tell = insist if figures.too_many_missed else say
    tell(
        f"{len(figures.missed):,} more never came to their place, because their lanes had less to send; they show nothing and "
        + ("are too many for these figures to be trusted." if figures.too_many_missed else "are not counted.")
    )


def _tell_failure(verdict: Verdict) -> None:
    insist(f"FAILED  {verdict.place.id}  ({verdict.place.kind})")
    for problem in verdict.problems[:_PROBLEMS_SHOWN]:
        insist(f"    {problem}")
    if len(verdict.problems) > _PROBLEMS_SHOWN:
        insist(f"    ... and {len(verdict.problems) - _PROBLEMS_SHOWN} more")
    insist(f"    again: stsync selftest --trial {verdict.place.id}")


def _grid(figures: Figures) -> None:
    """Trials by kind of place and fault."""
    from stsync.selftest.places import COMMIT, LANES, Fault

    cells = figures.cells()
    kinds = list(dict.fromkeys([*(kind for run in figures.faultless for kind in run.requests), COMMIT]))
    say(_line("broken at", [*(fault.value for fault in Fault), "trials"]))
    for kind in kinds:
        counts = [cells[kind, fault.value] for fault in Fault]
        say(_line(kind, [*(count or "" for count in counts), sum(counts)]))
    totals = [sum(cells[kind, fault.value] for kind in kinds) for fault in Fault]
    say(_line("all", [*totals, sum(totals)]))
    say()
    say(_line("lanes", [*LANES, "all"]))
    for name, verdicts in (("trials", figures.verdicts), ("never at their place", figures.missed)):
        say(_line(name, [*(sum(one.place.lanes == lanes for one in verdicts) for lanes in LANES), len(verdicts)]))
    say()


def _line(name: str, cells: Sequence[object]) -> str:
    return f"{name:<23}" + "".join(f"{cell:>5}" for cell in cells[:-1]) + f"{cells[-1]:>8}"


def _document(figures: Figures) -> dict[str, Any]:
    return {
        "trials": len(figures.verdicts),
        "failed": len(figures.failed),
        "missed": [one.place.id for one in figures.missed],
        "possible": figures.possible,
        "broken": [
            {"work": run.work, "requests": list(run.requests), "commits": run.commits} for run in figures.faultless
        ],
        "seconds": round(figures.seconds, 1),
        "processor_seconds": round(figures.processor_seconds, 1),
        "cells": [{"at": kind, "fault": fault, "trials": n} for (kind, fault), n in sorted(figures.cells().items())],
        "verdicts": [_verdict(one) for one in figures.verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "trial": verdict.place.id,
        "at": verdict.place.kind,
        "lanes": verdict.place.lanes,
        "problems": list(verdict.problems),
        "runs": verdict.runs,
        "seconds": round(verdict.seconds, 2),
    }
