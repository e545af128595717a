"""A delivery to one's own listener, signed as ServiceTitan would."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import requests

from stsync.config.addresses import host, is_loopback, web_address
from stsync.errors import SystemUnavailable, UsageError
from stsync.http.bundle import unusable_bundle
from stsync.listener.signature import Scheme, signed


def delivery(event: str, record_id: int, *, tenant: int) -> bytes:
    """A CloudEvent (`tn....`) or an older body about one record."""
    if not event.startswith("tn."):
        body = {"event": event, "eventId": str(uuid.uuid4()), "data": {"id": record_id, "tenantId": tenant}}
        return json.dumps(body).encode()
    kind = "payment" if "payment" in event else "invoice"
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "type": event,
            "time": datetime.now(UTC).isoformat(),
            "source": "stsync trigger",
            "userassignedid": str(uuid.uuid4()),
            "datacontenttype": "application/json",
            "data": {kind: {"id": record_id}, "tenantId": tenant},
        }
    ).encode()


def send(url: str, event: str, record_id: int, *, tenant: int, secret: str, scheme: Scheme) -> int:
    """Send it and return the status. Raises UsageError for an address, SystemUnavailable when nobody answers."""
    try:
        address = web_address(url)
    except ValueError as error:
        raise UsageError("listener-address", f"The address {url} {error}.", hint="Give it with --url.") from None
    body = delivery(event, record_id, tenant=tenant)
    headers = {"Content-Type": "application/json", scheme.headers[0]: signed(body, secret, scheme)}
    try:
        status = _posted(address, body, headers)
    except requests.RequestException as error:
        raise SystemUnavailable(
            "listener-unreachable",
            f"No listener answers at {address}.",
            hint="Start it with stsync listen, and give its address with --url.",
            note=type(error).__name__,
        ) from error
    except OSError as error:
        raise unusable_bundle(error) from error
    return status


def _posted(address: str, body: bytes, headers: dict[str, str]) -> int:
    """The status. A redirect would carry the signature to somebody else, and so would a proxy on the way to this machine.

    Any `auth` keeps requests from adding a password out of ~/.netrc (ecosystem section 0, fact 4).
    """
    proxies = {"http": "", "https": ""} if is_loopback(host(address)) else None
    answer = requests.post(
        address,
        data=body,
        headers=headers,
        timeout=(5, 30),
        allow_redirects=False,
        proxies=proxies,
        auth=lambda request: request,
    )
    return answer.status_code
