"""Requests counted by system and by what they are about, without keeping a single body.

The sandbox's own log keeps every request; at 100,000 documents that would be the larger part of the server's memory.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable

from stsync.sandbox.requestlog import TOKEN_SYSTEMS, RequestLog
from stsync.sandbox.wsgi import Request

CUSTOMER, INVOICE, PAYMENT, OTHER, LOGIN = "customer", "invoice", "payment", "other", "login"
_KIND_OF_SET = {
    "customers": CUSTOMER,
    "contacts": CUSTOMER,
    "salesInvoices": INVOICE,
    "salesInvoiceLines": INVOICE,
    "invoices": INVOICE,
    "customerPaymentJournals": PAYMENT,
    "customerPayments": PAYMENT,
    "journals": PAYMENT,
    "journalLines": PAYMENT,
    "payments": PAYMENT,
    # Nothing else tells whether a payment was posted (facts section 5).
    "generalLedgerEntries": PAYMENT,
}
_OF_COMPANY = re.compile(r"companies\([^)]*\)/(\w+)")
_OF_TENANT = re.compile(r"/v2/tenant/[^/]+/(?:export/)?([\w-]+)")


class Tally(RequestLog):
    """How many requests came: by system, by kind of document, and how many operations they stood for."""

    def __init__(self) -> None:
        super().__init__()
        self._counting = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Count from zero."""
        super().clear()
        with self._counting:
            self._systems: Counter[str] = Counter()
            self._kinds: dict[str, float] = defaultdict(float)
            self._statuses: Counter[str] = Counter()
            self._operations: Counter[str] = Counter()

    def counts(self) -> dict[str, object]:
        """Everything counted so far, as plain JSON."""
        with self._counting:
            return {
                "requests": sum(self._systems.values()),
                "by_system": dict(self._systems),
                "by_kind": {kind: round(share, 3) for kind, share in sorted(self._kinds.items())},
                "by_status": dict(self._statuses),
                "operations": dict(self._operations),
            }

    def _note(self, system: str, request: Request, status: int, *_: object) -> None:
        kinds = [LOGIN] if system in TOKEN_SYSTEMS else _kinds(request)
        with self._counting:
            self._systems[system] += 1
            self._statuses[str(status)] += 1
            self._operations[system] += len(kinds)
            # A batch is one request, and belongs to each of its operations by an equal part.
            for kind in kinds:
                self._kinds[kind] += 1 / len(kinds)


def _kinds(request: Request) -> list[str]:
    """What a request is about; a batch is about as many things as it has operations."""
    if request.path.endswith("/$batch"):
        return [_kind(one) for one in _inner(request.body)] or [OTHER]
    return [_kind(request.path)]


def _inner(body: bytes) -> Iterable[str]:
    try:
        return [str(one["url"]) for one in json.loads(body)["requests"]]
    except (ValueError, KeyError, TypeError):
        return []


def _kind(path: str) -> str:
    found = _OF_COMPANY.search(path) or _OF_TENANT.search(path)
    return _KIND_OF_SET.get(found[1], OTHER) if found else OTHER
