"""The account of modelled time: what the lower bounds of a run are computed from.

Sums are whole microseconds of the modelled systems. Not modelled: percentiles, histories.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stsync.sandbox.latency import COSTS, ROUND_TRIP_MS, Latency


@dataclass
class _Lane:
    """One company's posting lane. Instants are real, the wait is in modelled seconds."""

    first: float
    last: float
    micros: int = 0
    waited: float = 0.0
    count: int = 0


@dataclass
class Bookings:
    """Counts and sums since the last reset. The caller locks."""

    requests: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    refusals: Counter[tuple[str, int]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    micros: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    queue_seconds: float = 0.0
    lanes: dict[str, _Lane] = field(default_factory=dict)

    def arrive(self, system: str) -> None:
        """An outer request is on its way."""
        self.requests[system] += 1
        self.in_flight[system] += 1
        self.peak[system] = max(self.peak[system], self.in_flight[system])

    def leave(self, system: str) -> None:
        """It has been answered. One that began before a reset must not count below zero."""
        self.in_flight[system] = max(self.in_flight[system] - 1, 0)

    def refuse(self, system: str, status: int) -> None:
        """A limit turned it down."""
        self.refusals[system, status] += 1

    def queue(self, seconds: float) -> None:
        """It stood in the queue."""
        self.queued += 1
        self.queue_seconds += seconds

    def operate(self, kind: str, micros: int) -> None:
        """The server worked on it."""
        self.counts[kind] += 1
        self.micros[kind] += micros

    def post(self, name: str, begin: float, end: float, micros: int, waited: float) -> None:
        """It had the posting lane to itself."""
        lane = self.lanes.setdefault(name, _Lane(begin, end))
        lane.last = max(lane.last, end)
        lane.count += 1
        lane.micros += micros
        lane.waited += waited

    def as_json(self, latency: Latency) -> dict[str, object]:
        """Everything by name; each span as it is in the modelled systems and as it lasted here."""

        def span(count: int, seconds: float) -> dict[str, object]:
            return {
                "count": count,
                "seconds": round(seconds, 6),
                "scaled_seconds": round(seconds * latency.scale, 6),
            }

        def group(name: str) -> dict[str, object]:
            kinds = [kind for kind in self.counts if COSTS[kind].group == name]
            return span(sum(self.counts[k] for k in kinds), sum(self.micros[k] for k in kinds) / 1e6)

        round_trips = {s: span(n, n * ROUND_TRIP_MS[s] / 1000) for s, n in sorted(self.requests.items())}
        return {
            "scale": latency.scale,
            "seed": latency.seed,
            "requests": dict(sorted(self.requests.items())),
            "requests_total": sum(self.requests.values()),
            "operations_total": sum(self.counts.values()),
            "round_trips": round_trips,
            "operations": {k: span(self.counts[k], self.micros[k] / 1e6) for k in sorted(self.counts)},
            "posting": group("posting"),
            "creating": group("creating"),
            "reading": group("reading"),
            "sign_in": group("sign-in"),
            "lanes": {name: self._lane(lane, latency) for name, lane in sorted(self.lanes.items())},
            "queue": span(self.queued, self.queue_seconds),
            "refusals": {f"{system} {status}": n for (system, status), n in sorted(self.refusals.items())},
            "peak_in_flight": dict(sorted(self.peak.items())),
        }

    @staticmethod
    def _lane(lane: _Lane, latency: Latency) -> dict[str, object]:
        return {
            "count": lane.count,
            "seconds": round(lane.micros / 1e6, 6),
            "scaled_seconds": round(lane.micros / 1e6 * latency.scale, 6),
            "waited_seconds": round(lane.waited, 6),
            "span_scaled_seconds": round(lane.last - lane.first, 6),
        }
