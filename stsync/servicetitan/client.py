"""What stsync reads and writes in ServiceTitan, in ServiceTitan's own nouns.

Every method raises what its session raises: Refused and CredentialsError; for reads SystemUnavailable; for writes
NotProcessed and OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from stsync.errors import SystemUnavailable
from stsync.http.answers import Answer
from stsync.http.outcomes import OutcomeUnknown
from stsync.http.session import Session
from stsync.servicetitan.feeds import FeedPage, FeedTokenRefused, Row, pages
from stsync.servicetitan.query import FEEDS, LISTINGS, address, parameters

__all__ = ["FeedPage", "FeedTokenRefused", "Marked", "Row", "ServiceTitan", "each_once"]

IDS_PER_CALL = 50  # the most that most endpoints take in one `ids` (facts 1.5)
MARKABLE = {"invoices": "invoiceId", "credit-memos": "creditMemoId"}
PAGE_SIZE = 1000  # 5000 is allowed, 1000 stays clear of the 100 s limit (facts 1.5)


@dataclass(frozen=True)
class Marked:
    """What markasexported said of one record; `success` is None for one that the answer does not mention."""

    id: int
    success: bool | None
    error: str


class ServiceTitan:
    """One tenant; `base_url` is the API's host. Safe to share between threads."""

    def __init__(self, session: Session, base_url: str, tenant_id: int) -> None:
        self._session = session
        self._base = base_url
        self._tenant = tenant_id

    @property
    def session(self) -> Session:
        """The session underneath, for its counts."""
        return self._session

    def feed(
        self, name: str, token: str | None, *, start_from: date | None = None, recent: bool = True
    ) -> Iterator[FeedPage]:
        """An export feed from a stored token, else from a date, else from the first record ever.

        `recent` includes the last fifteen minutes, at the price of repeated rows (traps 7 and 8).
        Raises KeyError for an unknown feed; see feeds.pages for the rest.
        """
        path = FEEDS[name]
        return pages(lambda params: self._read(path, params), token, start_from=start_from, recent=recent)

    def listed(self, path: str, **filters: object) -> Iterator[Row]:
        """Every row of a list such as `accounting/tax-zones`, following hasMore (trap 10).

        `page` and `pageSize` may be among the filters; journal entries take 500 at most.
        """
        size = int(str(filters.pop("pageSize", PAGE_SIZE)))
        number = int(str(filters.pop("page", 1)))
        previous: list[Row] = []
        while True:
            answer = self._read(path, {**filters, "page": number, "pageSize": size})
            rows, has_more = _page(answer, size)
            if has_more and rows and rows == previous:
                raise _same_page(path, number)
            yield from rows
            if not has_more:
                return
            previous, number = rows, number + 1

    def by_ids(self, kind: str, ids: Sequence[int]) -> list[Row]:
        """These records, inactive ones included; ids that ServiceTitan does not have are simply not among them.

        `kind` is a name from query.LISTINGS; for `contacts` the ids are those of customers.
        """
        listing = LISTINGS[kind]
        wanted = list(dict.fromkeys(ids))
        rows: list[Row] = []
        for start in range(0, len(wanted), IDS_PER_CALL):
            part = wanted[start : start + IDS_PER_CALL]
            rows += self.listed(listing.path, **{listing.ids: part}, **listing.everything)
        return each_once(rows)

    def everything(self, kind: str) -> list[Row]:
        """A whole reference list, inactive rows included, since old documents still name them."""
        listing = LISTINGS[kind]
        return each_once(self.listed(listing.path, **listing.everything))

    def business_units(self) -> list[Row]:
        """Every business unit, also the retired."""
        return self.everything("business-units")

    def gl_accounts(self) -> list[Row]:
        """ServiceTitan's own list of accounts (not the books' chart)."""
        return self.everything("gl-accounts")

    def payment_types(self) -> list[Row]:
        """Every payment type of the tenant."""
        return self.everything("payment-types")

    def payment_terms(self) -> list[Row]:
        """Every payment term; this list has no active filter."""
        return self.everything("payment-terms")

    def tax_zones(self) -> list[Row]:
        """Every tax zone with its present rates."""
        return self.everything("tax-zones")

    def pricebook(self, kind: str) -> dict[str, list[Row]]:
        """Services, materials or equipment by code; a list each, since no contract makes codes unique (facts 3.9)."""
        by_code: dict[str, list[Row]] = {}
        for row in self.everything(kind):
            by_code.setdefault(str(row.get("code") or ""), []).append(row)
        return by_code

    def create_sku(self, kind: str, body: Mapping[str, Any]) -> Row:
        """A new pricebook entry (`services`, `materials` or `equipment`), as ServiceTitan stored it."""
        answer = self._write("POST", LISTINGS[kind].path, body)
        if isinstance(answer.body, dict) and "id" in answer.body:
            return answer.body
        raise _unproven(answer, "the new entry's id")

    def patch_sku(self, kind: str, sku_id: int, body: Mapping[str, Any]) -> Row:
        """Change the named fields; arrays replace, and null is no way to clear (facts 3.9).

        Returns the entry as ServiceTitan stored it, empty when the answer does not show it.
        """
        answer = self._write("PATCH", f"{LISTINGS[kind].path}/{sku_id}", body)
        return answer.body if isinstance(answer.body, dict) else {}

    def mark_exported(self, resource: str, rows: Sequence[Mapping[str, Any]]) -> list[Marked]:
        """Mark `invoices` or `credit-memos` with their numbers in the books; 200 is no success, each row is (trap 3).

        A row is `invoiceId` or `creditMemoId`, `externalId`, `externalMessage` (facts section 4).
        Raises OutcomeUnknown when the answer does not speak row by row.
        """
        if not rows:
            return []
        key = MARKABLE[resource]
        answer = self._write("POST", f"accounting/{resource}/markasexported", list(rows))
        if not isinstance(answer.body, list) or not all(isinstance(row, dict) for row in answer.body):
            raise _unproven(answer, "a result for each record")
        said = {str(row.get(key)): row for row in answer.body}
        return [_marked(int(row[key]), said.get(str(row[key]))) for row in rows]

    def set_payments_status(self, ids: Sequence[int], status: str) -> None:
        """Set Pending, Posted or Exported on payments; a POST, and the answer is empty (trap 3)."""
        if ids:
            self._write("POST", "accounting/payments/status", {"paymentIds": list(ids), "status": status})

    def _read(self, path: str, filters: Mapping[str, object]) -> Answer:
        return self._session.read(address(self._base, self._tenant, path), parameters(filters))

    def _write(self, method: str, path: str, body: Any) -> Answer:
        return self._session.write(method, address(self._base, self._tenant, path), body)


def each_once(rows: Iterable[Row]) -> list[Row]:
    """Each record once, as it came last: while rows change, two pages can show the same one (facts 1.5, offset drift)."""
    found: dict[object, Row] = {}
    for position, row in enumerate(rows):
        identity = row.get("id")
        found[str(identity) if identity is not None else position] = row
    return list(found.values())


def _page(answer: Answer, size: int) -> tuple[list[Row], bool]:
    """A page's rows and whether there are more; a bare array goes on while it is full (trap 4), as does a silent page."""
    body = answer.body
    rows = body.get("data") if isinstance(body, dict) else body
    has_more = body.get("hasMore") if isinstance(body, dict) else None
    if has_more is None and isinstance(rows, list):
        has_more = len(rows) >= size
    if isinstance(has_more, bool) and isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return rows, has_more
    raise SystemUnavailable(
        "unreadable-answer",
        "ServiceTitan answered a list in a shape that is not its own.",
        hint="Run again later. If it stays so, please report it.",
        note=answer.text[:200],
    )


def _same_page(path: str, number: int) -> SystemUnavailable:
    return SystemUnavailable(
        "paging-stuck",
        f"ServiceTitan keeps sending the same page of {path}.",
        hint="Run again later. If it stays so, please report it.",
        note=f"page {number}",
    )


def _marked(record_id: int, said: Mapping[str, Any] | None) -> Marked:
    if said is None or not isinstance(said.get("success"), bool):
        return Marked(record_id, None, "ServiceTitan did not say what became of this record.")
    return Marked(record_id, said["success"], str(said.get("errorMessage") or ""))


def _unproven(answer: Answer, wanted: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{answer.status}, but without {wanted}",
        system="ServiceTitan",
        context={"request id": answer.request_id},
    )
