"""Many reads in one $batch request (BC facts section 10). Pure; no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stsync.businesscentral.odata import Read, next_link
from stsync.http.answers import Answer
from stsync.http.encoding import with_query

LIMIT = 100
# Without continue-on-error BC stops at the first failure; without Accept it answers multipart (facts 10 and 16).
HEADERS = {"Accept": "application/json", "Prefer": "odata.continue-on-error"}

Rows = list[dict[str, Any]]


class NotBatched(Exception):
    """The answer is not the JSON batch that was asked for."""


def inner_requests(reads: Sequence[Read], company: str, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    """The reads as GETs numbered from 0, with URLs relative to the service root."""
    return [
        {
            "id": str(number),
            "method": "GET",
            "url": with_query(f"{company}/{read.entity}", read.params()),
            "headers": dict(headers),
        }
        for number, read in enumerate(reads)
    ]


def complete_rows(answer: Answer, count: int) -> list[Rows | None]:
    """Each read's rows in the order asked; None for one that failed, is missing, or has further pages.

    Raises NotBatched when the answer as a whole is none.
    """
    responses = answer.body.get("responses") if isinstance(answer.body, dict) else None
    if not isinstance(responses, list):
        raise NotBatched(answer.text[:200])
    by_id = {str(each.get("id")): each for each in responses if isinstance(each, dict)}
    return [_rows(by_id.get(str(number))) for number in range(count)]


def _rows(response: Mapping[str, Any] | None) -> Rows | None:
    if response is None or response.get("status") != 200:
        return None
    body = response.get("body")
    if not isinstance(body, dict) or next_link(body):
        return None
    rows = body.get("value")
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None
