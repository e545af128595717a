"""Fixtures around the scripted server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from scripted_server import Clock, Login, Script

from stsync.http.session import Session


@pytest.fixture
def server() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536
        disable_nagle_algorithm = True

        def play(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.seen.append((self.command, self.path, dict(self.headers.items()), body))
            script.next()(self)

        do_GET = do_POST = do_PATCH = do_DELETE = play  # noqa: N815 - http.server's own names

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    script.base = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield script
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def login() -> Login:
    return Login()


@pytest.fixture
def opened(clock: Clock, login: Login) -> Iterator[Callable[..., Session]]:
    made: list[Session] = []

    def build(system: Any = "Business Central", **options: Any) -> Session:
        settings = {
            "auth": login,
            "timeout": (2.0, 2.0),
            "per_second": 1000,
            "concurrent": 4,
            "sleep": clock.sleep,
            "clock": clock,
        }
        made.append(Session(system, **{**settings, **options}))
        return made[-1]

    yield build
    for session in made:
        session.close()
