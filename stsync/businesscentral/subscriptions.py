"""Being told of changed items: Business Central's subscriptions, three days at a time (facts section 11, webhooks).

They stand beside the companies, not below one, and hold no money: whoever loses one only waits for the next poll.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from stsync.businesscentral.odata import company_path
from stsync.errors import UsageError
from stsync.http.outcomes import Refused
from stsync.http.session import Session

_HEADERS = {"Accept-Language": "en-US"}


@dataclass(frozen=True)
class Subscription:
    """One subscription of ours as Business Central shows it; `ends` is None where it does not say when."""

    id: str
    address: str
    ends: datetime | None
    etag: str

    @classmethod
    def of(cls, row: Mapping[str, Any], etag: str = "") -> Subscription:
        """From an answer; what is missing in it stays empty."""
        return cls(
            str(row.get("subscriptionId") or ""),
            str(row.get("notificationUrl") or ""),
            _instant(row.get("expirationDateTime")),
            str(row.get("@odata.etag") or etag),
        )


class Subscriptions:
    """Those for the items of one company. Raises what the session raises, and UsageError when BC refuses an address."""

    def __init__(self, session: Session, base_url: str, company_id: str) -> None:
        self._session = session
        self._url = f"{base_url.rstrip('/')}/subscriptions"
        self._resource = f"/api/v2.0/{company_path(company_id)}/items"

    def ours(self) -> list[Subscription]:
        """Those for the items of this company, whatever address they go to."""
        body = self._session.read(self._url, headers=_HEADERS).body
        rows = body.get("value") if isinstance(body, dict) else None
        listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return [Subscription.of(row) for row in listed if self._is_ours(row)]

    def make(self, address: str, client_state: str) -> Subscription:
        """Subscribe. Before it answers, BC asks the listener at `address` to repeat a token (facts 11.1)."""
        answer = self._written("POST", self._url, address, client_state, {})
        return Subscription.of(answer.body or {}, answer.headers.get("ETag", ""))

    def renew(self, subscription: Subscription, client_state: str) -> Subscription:
        """Three more days; BC asks the listener again."""
        headers = {"If-Match": subscription.etag or "*"}
        answer = self._written("PATCH", self._of(subscription), subscription.address, client_state, headers)
        return Subscription.of(answer.body or {}, answer.headers.get("ETag", ""))

    def end(self, subscription: Subscription) -> None:
        """Be told no more."""
        self._session.write(
            "DELETE", self._of(subscription), headers={**_HEADERS, "If-Match": subscription.etag or "*"}
        )

    def _of(self, subscription: Subscription) -> str:
        # The key is a string here, in quotation marks (facts 11.2).
        key = quote(subscription.id.replace("'", "''"), safe="")
        return f"{self._url}('{key}')"

    def _is_ours(self, row: Mapping[str, Any]) -> bool:
        # Shown with or without what stands before the company: the facts do not say.
        return str(row.get("resource") or "").lower().endswith(self._resource.removeprefix("/api/v2.0/").lower())

    def _written(self, method: str, url: str, address: str, client_state: str, headers: Mapping[str, str]) -> Any:
        body = {"notificationUrl": address, "resource": self._resource, "clientState": client_state}
        try:
            return self._session.write(method, url, body, {**_HEADERS, **headers})
        except Refused as error:
            raise UsageError(
                "notifications-refused",
                f"Business Central did not subscribe {address} to changed items.",
                hint="stsync listen has to be running and to be reached there over https, with bc-client-state set, "
                "because Business Central asks it first. Open the same address with /health in a browser.",
                note=error.text,
            ) from error


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
