"""A plain month in both systems, served in a process of its own, so that what stsync costs is stsync's alone.

    python bench/served.py --folder DIR --invoices 2000 --payments 2000 --customers 400 [--latency 0.1]

The first line that it prints says how to reach it; then it answers each line that it reads with one line, both JSON:
{"do": "counts"}, {"do": "more", "documents": 20} and so on (see `_Desk`). It ends when its input ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from plain_month import PlainWorld, Size
from tally import Tally


def main() -> None:
    """Serve until the input ends."""
    options = _options()
    folder = Path(options.folder)
    size = Size(options.invoices, options.payments, options.customers)
    world = PlainWorld(size, folder=folder, seed=options.seed, **_latency(options))
    tally = Tally()
    world.sandbox.log = tally
    if options.no_limits:
        world.environment.switches.rate_limit = sys.maxsize
        world.tenant.switches.calls_per_second = None
    desk = _Desk(world, tally)
    with world:
        config = world.write_config(folder / "books" / "config.yaml")
        _say(
            {"config": str(config), "environment": world.environment_variables(), "admin_url": world.sandbox.admin_url}
        )
        for line in sys.stdin:
            order = json.loads(line)
            _say(getattr(desk, order.pop("do"))(**order))


class _Desk:
    """What the benchmark may ask of the two systems; one method for each word."""

    def __init__(self, world: PlainWorld, tally: Tally) -> None:
        self._world = world
        self._tally = tally

    def counts(self) -> dict[str, Any]:
        """Requests since the last `forget`, and the processor time of this server."""
        return {**self._tally.counts(), "server_cpu": time.process_time()}

    def forget(self) -> dict[str, Any]:
        """Count from zero, requests and modelled time."""
        self._tally.clear()
        if self._world.pace is not None:
            self._world.pace.reset()
        return {}

    def progress(self) -> dict[str, Any]:
        """How many entries customers have in the books; cheap enough to be asked while a run is under way."""
        return {"entries": len(self._world.company.customer_ledger)}

    def booked(self) -> dict[str, Any]:
        """What the latency model booked, in modelled seconds."""
        return dict(self._world.pace.figures()) if self._world.pace is not None else {}

    def more(self, documents: int) -> dict[str, Any]:
        """Book further documents in ServiceTitan."""
        self._world.more(documents)
        return {"documents": Size.of(documents).documents}

    def books(self) -> dict[str, Any]:
        """What stands in the books: totals by account and department, what customers owe, and how many documents."""
        company = self._world.company
        ledger: dict[str, Decimal] = defaultdict(Decimal)
        for entry in company.gl_entries:
            department = entry.dimensions.get("DEPARTMENT", "")
            ledger[f"{entry.account_number} {department}".strip()] += entry.amount
        owed: dict[str, Decimal] = defaultdict(Decimal)
        for one in company.customer_ledger:
            owed[one.customer_number] += one.remaining
        return {
            "general_ledger": {key: str(total) for key, total in sorted(ledger.items()) if total},
            "receivables": {key: str(total) for key, total in sorted(owed.items()) if total},
            "customers": len(list(company.customers)),
            "posted_invoices": sum(1 for one in company.invoices if one.posted),
            "drafts": sum(1 for one in company.invoices if not one.posted),
            "payments": len({one.document_number for one in company.customer_ledger if one.document_type == "Payment"}),
        }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--invoices", type=int, required=True)
    parser.add_argument("--payments", type=int, required=True)
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=float, help="serve with the latency model at this scale; without, at once")
    parser.add_argument("--no-limits", action="store_true", help="admit any number of requests")
    return parser.parse_args()


def _latency(options: argparse.Namespace) -> dict[str, Any]:
    if options.latency is None:
        return {}
    from stsync.sandbox.latency import Latency

    return {"latency": Latency(scale=options.latency, seed=options.seed)}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
