"""A preview of a large backlog: nothing is written, everything is shown."""

from __future__ import annotations

from figures import Figure
from office import Bench


def measure(bench: Bench) -> list[Figure]:
    """Time and memory of `stsync sync --dry-run`."""
    documents = bench.options.dry_run
    bench.tell(f"dry run of {documents:,} documents, latency model off")
    with bench.place("dry-run", documents=documents) as place:
        ran = place.stsync("sync", "--dry-run", name="stsync sync --dry-run").insist("the dry run")
        requests = place.ask("counts")["requests"]
    what = f"stsync sync --dry-run of {documents:,} documents that are all new, latency model off"
    return [
        Figure("dry-run", "dry run, time", f"Wall time of {what}.", ran.wall, "s", note=f"{requests} requests."),
        Figure("dry-run", "dry run, processor time", f"User and system time of {what}.", ran.cpu, "s"),
        Figure("dry-run", "dry run, peak memory", f"The most memory resident during {what}.", ran.peak_mb, "MB"),
    ]
