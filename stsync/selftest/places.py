"""Where a run can be broken, and by what. Pure.

A faultless run is measured first: its requests in order, each with the kind of thing it does, and how many commits
it makes. Every request and every commit is a place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

COMMIT = "commit"


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
    """One trial: request or commit number `number` (from 1), what happens there, and when the process dies."""

    kind: str = ""
    number: int = 0
    fault: Fault = Fault.NONE
    kill: Kill = Kill.NEVER
    work: Work = Work.SYNC

    @property
    def at_commit(self) -> bool:
        """Whether the number counts commits; otherwise it counts requests."""
        return self.kind == COMMIT

    @property
    def id(self) -> str:
        """The name by which the trial is repeated: sync.r37.mute.committed."""
        return f"{self.work}.{'c' if self.at_commit else 'r'}{self.number}.{self.fault}.{self.kill}"


def places(requests: Sequence[str], commits: int, work: Work = Work.SYNC) -> list[Place]:
    """Every place of a run whose requests are of these kinds, in order, and that makes so many commits."""
    every = range(1, commits + 1)
    found = [Place(COMMIT, number, kill=kill, work=work) for number in every for kill in _AT_A_COMMIT]
    for number, kind in enumerate(requests, start=1):
        found += [Place(kind, number, kill=kill, work=work) for kill in _WITHOUT_A_FAULT]
        found += [Place(kind, number, fault, kill, work) for fault in list(Fault)[1:] for kill in _AFTER_A_FAULT]
    return found


def spread(everywhere: Sequence[Place], count: int, seed: int) -> list[Place]:
    """So many of them, spread evenly over kinds and faults; another seed takes others.

    Kind by kind with a fault that moves on by one at every turn: as many trials as there are kinds, or faults,
    contain each of them.
    """
    draw = Random(seed)
    cells: dict[tuple[str, Fault], list[Place]] = {}
    for place in draw.sample(everywhere, len(everywhere)):
        cells.setdefault((place.kind, place.fault), []).append(place)
    kinds, faults = sorted({kind for kind, _ in cells}), list(Fault)
    turns = [
        (kind, faults[(row + turn) % len(faults)]) for turn in range(len(faults)) for row, kind in enumerate(kinds)
    ]
    chosen: list[Place] = []
    while cells and len(chosen) < count:
        for kind, fault in turns:
            # A commit meets no fault, only kills.
            cell = (kind, fault) if (kind, fault) in cells else (kind, Fault.NONE)
            if cell in cells and len(chosen) < count:
                chosen.append(cells[cell].pop())
                if not cells[cell]:
                    del cells[cell]
    return chosen


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

SERVICETITAN = frozenset(kind for kind, _, form in _KINDS if re.search(r"pricebook|markas|status|tenant", form))


def kind_of(method: str, address: str, body: bytes = b"") -> str:
    """What a request does; its method where none of the known kinds fits. A batch of writes does what its first does."""
    path = address.partition("?")[0]
    if path.endswith("/$batch") and body:
        writes = [one for one in json.loads(body)["requests"] if one["method"] != "GET"]
        return kind_of(writes[0]["method"], f"/{writes[0]['url']}") if writes else "$batch"
    return next((kind for kind, verb, form in _KINDS if verb == method and re.search(form, path)), f"{method} other")
