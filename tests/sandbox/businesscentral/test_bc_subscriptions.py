"""Subscriptions as the facts have them (section 11): handshake, three days, string keys, deleted by a bad answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from bc_client import Answer, Books


class Receiver:
    """An endpoint that repeats tokens and answers notifications as told."""

    def __init__(self) -> None:
        self.status = 200
        self.repeats = True
        self.bodies: list[bytes] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
                self.send_response(200 if token else receiver.status)
                self.end_headers()
                self.wfile.write((token if receiver.repeats else "hello").encode())

            def log_message(self, *_words: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def wanted(books: Books, receiver: Receiver) -> Callable[..., dict[str, str]]:
    def body(name: str = "items") -> dict[str, str]:
        resource = f"/api/v2.0/companies({books.company.id})/{name}"
        return {"notificationUrl": receiver.url, "resource": resource, "clientState": "ours"}

    return body


def asked(books: Books, method: str = "GET", key: str = "", json: object = None, **headers: str) -> Answer:
    address = f"{books.root}/subscriptions" + (f"('{key}')" if key else "")
    return books.raw(method, address, json, **headers)


def subscribed(books: Books, wanted: Callable[..., dict[str, str]]) -> str:
    made = asked(books, "POST", json=wanted())
    assert made.status == 201
    return str(made["subscriptionId"])


def test_the_endpoint_is_asked_before_the_answer(books, receiver, wanted):
    receiver.repeats = False
    refused = asked(books, "POST", json=wanted())
    assert refused.status == 400
    assert asked(books)["value"] == []
    receiver.repeats = True
    key = subscribed(books, wanted)
    assert [one["subscriptionId"] for one in asked(books)["value"]] == [key]


def test_it_ends_after_three_days_unless_renewed_with_its_etag(books, wanted):
    key = subscribed(books, wanted)
    books.clock.advance(days=2)
    assert asked(books, "PATCH", key, wanted()).code == "BadRequest_InvalidToken"
    tag = asked(books, "GET", key).headers["ETag"]
    assert asked(books, "PATCH", key, wanted(), If_Match=tag).status == 200
    stale = asked(books, "PATCH", key, wanted(), If_Match=tag)
    assert (stale.status, stale.code) == (409, "Request_EntityChanged")
    books.clock.advance(days=2)
    assert len(asked(books)["value"]) == 1
    books.clock.advance(days=2)
    assert asked(books)["value"] == []


@pytest.mark.parametrize(("status", "left"), [(200, 1), (503, 1), (429, 1), (408, 1), (404, 0), (401, 0)])
def test_an_answer_that_is_not_repeated_deletes_it(books, receiver, wanted, status, left):
    subscribed(books, wanted)
    receiver.status = status
    assert books.service.subscriptions.notify("items") == [status]
    assert len(asked(books)["value"]) == left


@pytest.mark.parametrize("name", ["customerPayments", "salesInvoiceLines", "taxAreas", "nothing"])
def test_what_cannot_be_told_is_refused(books, wanted, name):
    assert asked(books, "POST", json=wanted(name)).status == 400


def test_two_hundred_are_the_limit(books, wanted):
    for _ in range(200):
        subscribed(books, wanted)
    assert asked(books, "POST", json=wanted()).status == 400
