"""The sandbox as servers: https on loopback, one port per system, with an admin port beside them.

Ecosystem section 6: a naive `http.server` answers 23 requests a second; two class attributes make it 6 000.

Not modelled: HTTP/2, chunked requests, anything a hostile client would send. It listens on loopback only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from stsync.sandbox.faults import Faults
from stsync.sandbox.pace import Pace
from stsync.sandbox.requestlog import RequestLog
from stsync.sandbox.tls import server_context
from stsync.sandbox.wsgi import App, ConnectionDropped, Request, Response

SYSTEMS = ("servicetitan_api", "servicetitan_auth", "business_central", "entra")
_IDLE_SECONDS = 120


class _Handler(BaseHTTPRequestHandler):
    """Turns one socket's requests into calls of the server's app."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: _Server

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            # Here and not in accept(): a slow handshake must hold up its own thread only.
            self.request.settimeout(_IDLE_SECONDS)
            self.request.do_handshake()
        super().setup()

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        scheme = "https" if self.server.encrypted else "http"
        request = Request.decoded(
            method=self.command,
            path=unquote(path),
            raw_query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
            base_url=f"{scheme}://{self.headers.get('Host', 'localhost')}",
        )
        try:
            self._send(self.server.app(request))
        except ConnectionDropped:
            self._cut()
        except Exception as error:
            # A mistake in a simulator must be seen, not look like a network that fails.
            self.server.handle_error(self.request, self.client_address)
            self._send(Response(500, text=f"the sandbox itself failed: {error!r}"))

    def _send(self, response: Response) -> None:
        payload = response.encoded()
        self.send_response(response.status)
        for name, value in response.with_content_type().items():
            self.send_header(name, value)
        # RFC 9110: neither 204 nor 304 may carry a length of content.
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload if response.cut_after is None else payload[: response.cut_after])
        self.wfile.flush()
        if response.cut_after is not None:
            self._cut()

    def _cut(self) -> None:
        # A real cut: no close_notify, no leftovers from the buffer, the client sees the peer vanish.
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    # The base class looks for one method per verb, under these names.
    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815 - see above

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent: the request log is the record."""


class _Server(ThreadingHTTPServer):
    """A threaded server for one app, over TLS when it is given a context."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App, context: ssl.SSLContext | None) -> None:
        self._open: set[Any] = set()
        super().__init__(address, _Handler)
        self.app = app
        self.encrypted = context is not None
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection: it may outlive the listening socket."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is done."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and hang up on clients that kept their connections."""
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up or distrust us; report everything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Sandbox:
    """All servers of the sandbox; a context manager.

    `urls` has one https address per given app, `admin_url` the plain one beside them, `ca_file` the certificate to
    trust (`REQUESTS_CA_BUNDLE`), `port_base` the first of its ports or 0. `log` is the request log, `faults` the
    scripted misbehaviour.
    """

    def __init__(
        self,
        apps: Mapping[str, App],
        folder: Path | str,
        host: str = "127.0.0.1",
        port_base: int = 0,
        *,
        reset: Callable[[], Mapping[str, App]] | None = None,
        faults: Faults | None = None,
        plain: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """`port_base` 0 takes free ports, otherwise consecutive ones; `reset` makes the apps anew.

        `plain` answers over http without TLS, for trials in which every millisecond is repeated a thousand times.
        `pace` is the latency model that the apps were given, for its account.
        """
        unknown = set(apps) - set(SYSTEMS)
        if unknown:
            raise ValueError(f"no such system: {', '.join(sorted(unknown))}; known are {', '.join(SYSTEMS)}")
        self.folder = Path(folder)
        self.ca_file = self.folder / "ca.pem"
        self.log = RequestLog()
        self.faults = faults or Faults()
        self.pace = pace
        self.urls: dict[str, str] = {}
        self.admin_url = ""
        self._apps = dict(apps)
        self._reset = reset
        self._host = host
        self.port_base = port_base
        self._plain = plain
        self._servers: list[_Server] = []
        self._answering = False

    def start(self) -> None:
        """Open all ports and answer on them from background threads."""
        self.bind()
        self.answer()

    def bind(self) -> None:
        """Open all ports: clients may connect, and are kept waiting until `answer`, here or in a forked process."""
        context = None if self._plain else server_context(self.folder, self._host)
        try:
            for offset, name in enumerate(SYSTEMS):
                if name in self._apps:
                    self.urls[name] = self._open(offset, self._entrance(name), context)
            self.admin_url = self._open(len(SYSTEMS), self._admin, None)
        except OSError:
            self.stop()
            raise

    def answer(self) -> None:
        """Answer on the open ports from background threads."""
        self._answering = True
        for server in self._servers:
            # The poll only bounds how long stop() takes.
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close all ports."""
        for server in self._servers:
            if self._answering:
                server.shutdown()
            server.server_close()
        self._servers.clear()
        self._answering = False

    def reset(self) -> None:
        """Start over: fresh apps where the maker was given, no faults, an empty log, nothing booked."""
        self.faults.clear()
        if self._reset is not None:
            self._apps.update(self._reset())
        if self.pace is not None:
            self.pace.reset()
        self.log.clear()

    @property
    def apps(self) -> dict[str, App]:
        """What answers behind each address now."""
        return dict(self._apps)

    def exchange(self, apps: Mapping[str, App]) -> None:
        """Answer with these apps from now on, on the same addresses."""
        self._apps.update(apps)

    def serve_until_stopped(self, ready: Callable[[Sandbox], None] | None = None) -> None:
        """Run in the foreground until SIGINT or SIGTERM; `sandbox.json` in the folder names the addresses."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with self:
            self._write_addresses()
            if ready is not None:
                ready(self)
            stop.wait()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _entrance(self, name: str) -> App:
        # Looks the app up on every call, so that a reset can exchange it under an open port.
        def current(request: Request) -> Response:
            return self._apps[name](request)

        return self.log.recording(name, self.faults.wrap(name, current))

    def _open(self, offset: int, app: App, context: ssl.SSLContext | None) -> str:
        port = self.port_base + offset if self.port_base else 0
        server = _Server((self._host, port), app, context)
        self._servers.append(server)
        return f"http{'s' if context else ''}://{self._host}:{server.server_port}"

    def _write_addresses(self) -> None:
        addresses = {
            "pid": os.getpid(),
            "urls": self.urls,
            "admin_url": self.admin_url,
            "ca_file": str(self.ca_file.resolve()),
        }
        scratch = self.folder / "sandbox.json.new"
        scratch.write_text(json.dumps(addresses, indent=2) + "\n", encoding="utf-8")
        scratch.replace(self.folder / "sandbox.json")

    def _admin(self, request: Request) -> Response:
        from stsync.sandbox.admin import admin_answer

        return admin_answer(self, request)


@contextlib.contextmanager
def served(app: App) -> Iterator[str]:
    """One app over plain http on a free loopback port, for a test that needs a socket and nothing else."""
    server = _Server(("127.0.0.1", 0), app, None)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
