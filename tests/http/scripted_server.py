"""A small server that plays a script, and a clock that only moves when told."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from requests.auth import AuthBase


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Login(AuthBase):
    """Tokens named after how often they were renewed."""

    def __init__(self) -> None:
        self.renewals = 0

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer token-number-{self.renewals}"
        return request

    def renew(self) -> None:
        self.renewals += 1


Step = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: Any = None, headers: dict[str, str] | None = None, raw: bytes | None = None) -> Step:
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            handler.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return play


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Read the request, and say nothing."""
    handler.close_connection = True


class Script:
    """Answers in the order given; the last one again and again."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.base = ""

    def plays(self, *steps: Step) -> None:
        self.steps = list(steps)

    def next(self) -> Step:
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
