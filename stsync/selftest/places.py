"""Where a run can be broken, and by what. Pure.

A faultless run is measured first, in one lane: its requests in order, each with the kind of thing it does, and how many
commits it makes. Every request and every commit is a place. With several lanes no two runs send the same requests in the
same order: there a place is the same as in one lane, counted among the requests of its kind, as they come.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from random import Random

COMMIT = "commit"
# As many as `business_central.concurrent_requests` allows.
LANES = (1, 2, 3, 4, 5)


class Work(StrEnum):
    """What is broken: the run that a scheduler starts, or the correction that a person orders."""

    SYNC = "sync"
    CORRECT = "correct"


class Fault(StrEnum):
    """What happens to one request on the way. The value is what a trial's id calls it."""

    NONE = "none"
    LOST = "lost"  # before the server has it
    ANSWER_LOST = "mute"  # the server has done it, and the connection is gone; of a $batch as of everything else
    RESET = "cut"  # in the middle of the answer
    ROLLED_BACK = "408"  # BC facts 11: the session is cancelled, the transaction rolled back
    GATEWAY = "504"  # BC facts 11: after 10 minutes; the work was done
    THROTTLED = "429"  # without Retry-After, as Business Central sends it (facts 7.1)
    THROTTLED_AFTER = "429r"  # with Retry-After
    UNAVAILABLE = "503"
    CONFLICT = "409"  # Request_EntityChanged
    DEADLOCK = "lock"  # BC facts 13
    HTML = "html"  # 500 with a gateway's page
    TRUNCATED = "half"  # half of the JSON, as if it were all
    BAD_GZIP = "gzip"  # done, and the answer's compression is none
    TOKEN = "401"  # noqa: S105 - the token expires in the middle of the run


class Kill(StrEnum):
    """When the process is killed, seen from the place's request. Where nothing follows, at the end of the run."""

    NEVER = "alive"
    LEAVING = "leaving"  # before the request leaves
    SERVED = "served"  # the server has done it and not answered yet
    ANSWERED = "answered"  # the answer, or its failure, is there; nothing is written down
    COMMITTING = "committing"  # before the next commit
    COMMITTED = "committed"  # right after the next commit
    NEXT = "next"  # before the next request leaves


# A fault decides by itself what the server does and how the answer comes, so the first two add nothing to it.
_AFTER_A_FAULT = (Kill.NEVER, Kill.ANSWERED, Kill.COMMITTING, Kill.COMMITTED, Kill.NEXT)
_WITHOUT_A_FAULT = (Kill.LEAVING, Kill.SERVED, Kill.ANSWERED)
_AT_A_COMMIT = (Kill.COMMITTING, Kill.COMMITTED)


@dataclass(frozen=True)
class Place:
    """One trial: request or commit number `number` (from 1), what happens there, and when the process dies.

    The request is number `nth` of its kind; in a run with one lane, which always sends the same, that is number `number`.
    """

    kind: str = ""
    number: int = 0
    fault: Fault = Fault.NONE
    kill: Kill = Kill.NEVER
    work: Work = Work.SYNC
    lanes: int = 1
    nth: int = 1

    @property
    def at_commit(self) -> bool:
        """Whether the number counts commits; otherwise it counts requests."""
        return self.kind == COMMIT

    @property
    def id(self) -> str:
        """The name by which the trial is repeated: sync.r37.mute.committed, and in four lanes sync.r37.mute.committed.x4."""
        side_by_side = f".x{self.lanes}" if self.lanes > 1 else ""
        return f"{self.work}.{'c' if self.at_commit else 'r'}{self.number}.{self.fault}.{self.kill}{side_by_side}"


def places(requests: Sequence[str], commits: int, work: Work, lanes: Iterable[int]) -> list[Place]:
    """Every place of a run whose requests are of these kinds, in order, and that makes so many commits."""
    return [place for number in lanes for place in _with_lanes(requests, commits, work, number)]


def _with_lanes(requests: Sequence[str], commits: int, work: Work, lanes: int) -> Iterator[Place]:
    for number in range(1, commits + 1):
        yield from (Place(COMMIT, number, Fault.NONE, kill, work, lanes, number) for kill in _AT_A_COMMIT)
    for number, kind in enumerate(requests, start=1):
        nth = requests[:number].count(kind)
        yield from (Place(kind, number, Fault.NONE, kill, work, lanes, nth) for kill in _WITHOUT_A_FAULT)
        for fault in list(Fault)[1:]:
            yield from (Place(kind, number, fault, kill, work, lanes, nth) for kill in _AFTER_A_FAULT)


def spread(everywhere: Sequence[Place], seed: int) -> Iterator[Place]:
    """All of them, one after another, spread evenly over kinds, faults and lanes; another seed begins with others.

    Kind by kind with a fault and a number of lanes that move on at every turn: as many trials as there are kinds, or
    faults, contain each of them.
    """
    draw = Random(seed)
    cells: dict[tuple[str, Fault], list[Place]] = {}
    for place in draw.sample(everywhere, len(everywhere)):
        cells.setdefault((place.kind, place.fault), []).append(place)
    kinds, lanes = sorted({kind for kind, _ in cells}), sorted({place.lanes for place in everywhere})
    for turn, row in ((turn, row) for turn in count() for row in range(len(kinds))):
        if not cells:
            return
        fault = list(Fault)[(row + turn) % len(Fault)]
        # A commit meets no fault, only kills.
        cell = (kinds[row], fault) if (kinds[row], fault) in cells else (kinds[row], Fault.NONE)
        if cell in cells:
            # Neither in step with the kinds nor with the faults, so that each of them meets every number of lanes.
            yield _taken(cells[cell], lanes[(row + 2 * turn + turn // len(Fault)) % len(lanes)])
            if not cells[cell]:
                del cells[cell]


def _taken(cell: list[Place], lanes: int) -> Place:
    """One of these, with so many lanes if there is one."""
    return cell.pop(next((index for index, place in enumerate(cell) if place.lanes == lanes), 0))


# What a request does, by method and address; the first that fits names it.
_KINDS = (
    ("customer create", "POST", r"/customers$"),
    ("customer update", "PATCH", r"/customers\("),
    ("invoice create", "POST", r"/salesInvoices$"),
    ("invoice post", "POST", r"/salesInvoices\(.*\.post$"),
    ("invoice cancel", "POST", r"/salesInvoices\(.*\.cancel$"),
    ("credit memo create", "POST", r"/salesCreditMemos$"),
    ("credit memo post", "POST", r"/salesCreditMemos\(.*\.post$"),
    ("payment journal create", "POST", r"/customerPaymentJournals$"),
    ("payment line", "POST", r"/customerPayments$"),
    ("general journal create", "POST", r"/journals$"),
    ("general journal line", "POST", r"/journalLines$"),
    ("journal post", "POST", r"/journals\(.*\.post$"),
    ("pricebook create", "POST", r"/pricebook/"),
    ("pricebook patch", "PATCH", r"/pricebook/"),
    ("mark invoices", "POST", r"/invoices/markasexported$"),
    ("mark credit memos", "POST", r"/credit-memos/markasexported$"),
    ("mark payments", "POST", r"/payments/status$"),
    ("$batch", "POST", r"/\$batch$"),
    ("read the books", "GET", r"/companies"),
    ("read ServiceTitan", "GET", r"/tenant/"),
)


def kind_of(method: str, address: str, body: bytes = b"") -> str:
    """What a request does; its method where none of the known kinds fits. A batch of writes does what its first does."""
    path = address.partition("?")[0]
    if path.endswith("/$batch") and body:
        writes = [one for one in json.loads(body)["requests"] if one["method"] != "GET"]
        return kind_of(writes[0]["method"], f"/{writes[0]['url']}") if writes else "$batch"
    return next((kind for kind, verb, form in _KINDS if verb == method and re.search(form, path)), f"{method} other")
