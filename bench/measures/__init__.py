"""The seven measures of the benchmark, by the name under which they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from figures import Figure
from office import Bench

from measures import cost, dry_run, growth, obvious, requests_per_document, start_up, utilisation

MEASURES: Mapping[str, Callable[[Bench], list[Figure]]] = {
    "utilisation": utilisation.measure,
    "obvious": obvious.measure,
    "requests": requests_per_document.measure,
    "cost": cost.measure,
    "growth": growth.measure,
    "start-up": start_up.measure,
    "dry-run": dry_run.measure,
}
