"""`…/api/v2.0/subscriptions`: who is told of changes, for three days at a time (BC facts section 11, webhooks).

A notification has no content beside the resource. It is sent when `notify` is called, not by a clock: the real one
comes about 30 seconds after the first change. Not modelled: the 36 hours for which a delivery that was answered 408,
429 or 5xx is repeated, `collection` notifications, `webhookSupportedResources`.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from stsync.sandbox.businesscentral import errors
from stsync.sandbox.businesscentral.environment import Environment
from stsync.sandbox.businesscentral.odata.values import format_datetime
from stsync.sandbox.wsgi import BadJson, Request, Response, parse_json

LIFE = timedelta(days=3)
LIMIT = 200
_KEPT = frozenset({408, 429})
_SECONDS = 5
_KEY = re.compile(r"subscriptions(?:\('(?P<key>[^']*)'\))?")
_RESOURCE = re.compile(r"/?api/v2\.0/companies\((?P<company>[0-9a-fA-F-]{36})\)/(?P<name>\w+)")
# Line, tax area, dimension set and aged tables have no notifications, and customerPayments are not listed (fact 5).
_TOLD = frozenset({"customers", "items", "accounts", "salesInvoices", "salesCreditMemos", "journals", "dimensions"})
_FIELDS = ("notificationUrl", "resource", "clientState")


@dataclass
class Subscription:
    """One entry; the key is a string, not a guid type, in the address (fact 2)."""

    notification_url: str
    resource: str
    client_state: str
    user: str
    expires: datetime
    modified: datetime
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every renewal."""
        return f"W/\"'{self.id}-{self.version}'\""


class Subscriptions:
    """The subscriptions of one environment."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._entries: list[Subscription] = []

    @staticmethod
    def named(path: str) -> bool:
        """Whether a path below `/api/v2.0/` is ours."""
        return _KEY.fullmatch(path) is not None

    def live(self) -> list[Subscription]:
        """What has not run out."""
        now = self._environment.store.now()
        self._entries = [one for one in self._entries if one.expires > now]
        return list(self._entries)

    def answer(self, request: Request, path: str, user: str) -> Response:
        """One request. The handshake happens here, before the answer (fact 1)."""
        match = _KEY.fullmatch(path)
        key = match["key"] if match else None
        if key is None:
            return self._collection(request, user)
        entry = next((one for one in self.live() if one.id == key), None)
        if entry is None:
            raise errors.record_not_found("Webhook Subscription", key)
        if request.method == "GET":
            return _shown(200, entry)
        if request.method not in {"PATCH", "DELETE"}:
            raise errors.method_not_allowed(request.method, "subscriptions")
        _check_token(request, entry)
        if request.method == "DELETE":
            self._entries.remove(entry)
            return Response.empty(204)
        return self._renewed(request, entry)

    def notify(self, set_name: str, change: str = "updated") -> list[int]:
        """Tell every subscriber of a set, and return what each answered; 0 is no answer at all."""
        chosen = [one for one in self.live() if one.resource.endswith(f"/{set_name}")]
        answered = []
        for entry in chosen:
            status = self._told(entry, change)
            if not (200 <= status < 300 or status in _KEPT or status >= 500 or status == 0):
                self._entries.remove(entry)
            answered.append(status)
        return answered

    def _collection(self, request: Request, user: str) -> Response:
        if request.method == "GET":
            return Response(200, {"value": [_row(one) for one in self.live()]})
        if request.method != "POST":
            raise errors.method_not_allowed(request.method, "subscriptions")
        if len(self.live()) >= LIMIT:
            raise errors.dialog("The maximum number of webhook subscriptions has been reached.")
        given = _fields(request)
        self._check_resource(given["resource"])
        _shake_hands(given["notificationUrl"])
        now = self._environment.store.now()
        entry = Subscription(
            given["notificationUrl"], given["resource"], given.get("clientState", ""), user, now + LIFE, now
        )
        self._entries.append(entry)
        return _shown(201, entry)

    def _renewed(self, request: Request, entry: Subscription) -> Response:
        given = _fields(request)
        self._check_resource(given["resource"])
        _shake_hands(given["notificationUrl"])
        now = self._environment.store.now()
        entry.notification_url, entry.resource = given["notificationUrl"], given["resource"]
        entry.client_state = given.get("clientState", "")
        entry.expires, entry.modified, entry.version = now + LIFE, now, entry.version + 1
        return _shown(200, entry)

    def _check_resource(self, resource: str) -> None:
        match = _RESOURCE.fullmatch(resource)
        if match is None or match["name"] not in _TOLD or self._environment.company(match["company"]) is None:
            raise errors.bad_request(f"The resource '{resource}' does not support webhook notifications.")

    def _told(self, entry: Subscription, change: str) -> int:
        note = {
            "subscriptionId": entry.id,
            "clientState": entry.client_state,
            "expirationDateTime": format_datetime(entry.expires),
            "resource": f"{entry.resource.strip('/')}({uuid.uuid4()})",
            "changeType": change,
            "lastModifiedDateTime": format_datetime(self._environment.store.now()),
        }
        try:
            return requests.post(entry.notification_url, json={"value": [note]}, timeout=_SECONDS).status_code
        except requests.RequestException:
            return 0


def _fields(request: Request) -> dict[str, str]:
    try:
        body = parse_json(request.body)
    except BadJson:
        raise errors.bad_request("Invalid Request Body") from None
    if not isinstance(body, dict) or not all(isinstance(body.get(name, ""), str) for name in _FIELDS):
        raise errors.bad_request("Invalid Request Body")
    for name in body:
        if name not in _FIELDS:
            raise errors.bad_request(f"The property '{name}' does not exist on type 'Microsoft.NAV.subscriptions'.")
    if not body.get("notificationUrl") or not body.get("resource"):
        raise errors.bad_request("notificationUrl and resource must be specified.")
    if len(body.get("clientState", "")) > 2048:
        raise errors.too_long(body["clientState"], 2048)
    return body


def _shake_hands(url: str) -> None:
    """The endpoint has to answer 200 with the raw token in the body, on create and on each renewal (fact 1)."""
    token = uuid.uuid4().hex
    try:
        answer = requests.post(url, params={"validationToken": token}, timeout=_SECONDS)
        shaken = answer.status_code == 200 and answer.text == token
    except requests.RequestException:
        shaken = False
    if not shaken:
        raise errors.bad_request("Failed to validate the notification URL.")


def _check_token(request: Request, entry: Subscription) -> None:
    sent = request.header("if-match").strip()
    if not sent:
        raise errors.invalid_token()
    if sent not in {"*", entry.etag}:
        raise errors.entity_changed()


def _shown(status: int, entry: Subscription) -> Response:
    return Response(status, _row(entry), {"ETag": entry.etag})


def _row(entry: Subscription) -> dict[str, Any]:
    return {
        "@odata.etag": entry.etag,
        "subscriptionId": entry.id,
        "notificationUrl": entry.notification_url,
        "resource": entry.resource,
        "userId": entry.user,
        "clientState": entry.client_state,
        "expirationDateTime": format_datetime(entry.expires),
        "lastModifiedDateTime": format_datetime(entry.modified),
    }
