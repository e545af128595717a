"""The benchmark: seven measures, one table, one file of JSON.

    python bench/run.py                                 everything, at sizes that end within forty minutes on two cores
    python bench/run.py --only utilisation,obvious      some of it
    python bench/run.py --sizes 2000,20000,100000       own cost at more sizes; 100,000 takes long, the simulators do too

Both systems are simulated in a process of their own, and stsync runs as a process too, so that what is measured is
what it costs. Where times of the systems matter, they come from the latency model; docs/speed.md says what that
assumes. Linux and macOS only: the cost of a process is asked of the system.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from figures import Failure, Figure, machine, markdown, show, write
from measures import MEASURES
from office import Bench, Options
from place import Failed

RESULTS = Path(__file__).resolve().parent / "results"
ROOM = 10**9


def main() -> int:
    """Take the measures; 1 when one could not be taken. A goal that is not met is a figure like any other."""
    given = _given()
    about = machine()
    out = given.out or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    with _folder(None) as folder, _folder(_memory()) as quick:
        options = _options(given, Path(folder), Path(quick))
        figures, failures, seconds = _take(Bench(options), given.only)
    settings = {name: value for name, value in vars(options).items() if name not in {"folder", "quick"}}
    settings |= {"state_in_memory_while_scaled": _memory() is not None, "seconds_of_measures": seconds}
    write(out, figures, failures, settings, about)
    show(figures)
    if given.markdown:
        print(markdown(figures))
    print(f"\nWritten to {out}")
    return 1 if failures else 0


def _folder(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="stsync-bench-", dir=parent)


def _memory() -> Path | None:
    """A folder whose files are in memory, if there is one with room."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > ROOM else None


def _take(bench: Bench, names: list[str]) -> tuple[list[Figure], list[Failure], dict[str, float]]:
    """Every measure on its own: one that fails does not take the others with it."""
    figures: list[Figure] = []
    failures: list[Failure] = []
    seconds: dict[str, float] = {}
    for number, name in enumerate(names, start=1):
        bench.tell(f"[{number}/{len(names)}] {name}, {sum(seconds.values()):.0f} s so far")
        began = time.monotonic()
        try:
            figures += MEASURES[name](bench)
        except Failed as why:
            failures.append(Failure(name, str(why)))
        except Exception as error:
            failures.append(Failure(name, f"a mistake in the benchmark: {error!r}"))
        if failures and failures[-1].measure == name:
            reason = failures[-1].reason
            bench.tell(f"  could not be taken: {reason}")
            figures.append(Figure(name, name, f"Could not be taken: {reason.splitlines()[-1]}.", None))
        seconds[name] = round(time.monotonic() - began, 1)
    return figures, failures, seconds


def _options(given: argparse.Namespace, folder: Path, quick: Path) -> Options:
    return Options(
        folder,
        quick,
        invoices=given.invoices,
        payments=given.payments,
        customers=given.customers,
        scale=given.scale,
        obvious_scale=given.obvious_scale,
        sizes=tuple(given.sizes),
        seen=tuple(given.seen),
        dry_run=given.dry_run,
        repeats=given.repeats,
    )


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--only", type=_measures, default=list(MEASURES), help=f"some of: {','.join(MEASURES)}")
    parser.add_argument("--invoices", type=int, default=Options.invoices, help="of the month")
    parser.add_argument("--payments", type=int, default=Options.payments, help="of the month")
    parser.add_argument("--customers", type=int, default=Options.customers, help="of the month, all new")
    parser.add_argument("--scale", type=float, default=Options.scale, help="0.1: modelled time runs ten times as fast")
    parser.add_argument(
        "--obvious-scale", type=float, default=Options.obvious_scale, help="the same for the obvious client"
    )
    parser.add_argument("--sizes", type=_numbers, default=Options.sizes, help="documents, for own cost")
    parser.add_argument("--seen", type=_numbers, default=Options.seen, help="documents that a state has seen")
    parser.add_argument("--dry-run", type=int, default=Options.dry_run, help="documents of the dry run")
    parser.add_argument("--repeats", type=int, default=Options.repeats, help="fresh processes for start-up")
    parser.add_argument("--out", type=Path, help="the JSON file; otherwise bench/results/<time>.json")
    parser.add_argument("--markdown", action="store_true", help="print the table for a page too")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.replace("_", "").split(",")]


def _measures(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such measure: {', '.join(unknown)}; known are {', '.join(MEASURES)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
