"""The small web layer under every simulator: request and response values, a router, exact JSON, WSGI.

A simulator is plain Python state plus an `App`, a function from `Request` to `Response`. Tests call the
function directly; `as_wsgi` turns it into what a server can host.

Not modelled: chunked request bodies, streaming, compression, cookies.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class BadJson(ValueError):
    """The body of a request is not JSON."""


class ConnectionDropped(Exception):
    """Raised by an app that wants the socket cut without an answer.

    A server of `serve.py` closes the connection; whoever calls the app in-process sees the exception itself.
    """


def parse_json(text: bytes | str) -> Any:
    """Parse JSON with fractions as `Decimal`. Raises `BadJson`, also for NaN and Infinity."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# json.dumps can only write a fraction through binary float. Decimals therefore leave as marked strings, and
# the marks are taken off afterwards. The mark is random per process: no text of a user can imitate it.
_MARK = uuid.uuid4().hex
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def _mark_decimal(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON: {value!r}")
    if not value.is_finite():
        raise ValueError(f"{value} is not a JSON number")
    return f"{_MARK}{value:f}"


def dump_json(value: object) -> str:
    """Write JSON with each `Decimal` as the number that it is, digit for digit (10.10 stays 10.10)."""
    marked = json.dumps(value, default=_mark_decimal, ensure_ascii=False, separators=(",", ":"))
    return _MARKED.sub(r"\1", marked)


@dataclass(frozen=True)
class Request:
    """One HTTP request as the simulators see it.

    `path` is decoded; `raw_query` is not. In `query` a `+` has become a space, as ServiceTitan reads it.
    Business Central's app reads `raw_query` itself (ecosystem section 0, fact 3: a `+` in a filter).
    `base_url` is scheme and host as the client addressed them, for links in answers.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    query_all: dict[str, list[str]] = field(default_factory=dict)
    raw_query: str = ""
    base_url: str = "https://localhost"

    @classmethod
    def build(
        cls,
        method: str,
        url: str,
        *,
        json: object = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        base_url: str = "https://localhost",
    ) -> Request:
        """Make a request from a URL or a path with its query; `json` is encoded unless it is None."""
        parts = urlsplit(url)
        names = {name.lower(): value for name, value in (headers or {}).items()}
        if json is not None:
            body = dump_json(json).encode()
            names.setdefault("content-type", "application/json")
        return cls.decoded(
            method=method,
            path=unquote(parts.path),
            raw_query=parts.query,
            headers=names,
            body=body,
            base_url=f"{parts.scheme}://{parts.netloc}" if parts.netloc else base_url,
        )

    @classmethod
    def decoded(
        cls, *, method: str, path: str, raw_query: str, headers: dict[str, str], body: bytes, base_url: str
    ) -> Request:
        """Make a request whose two query mappings come from `raw_query` (the last value of a name wins)."""
        every = parse_qs(raw_query, keep_blank_values=True)
        return cls(
            method=method.upper(),
            path=path,
            query={name: values[-1] for name, values in every.items()},
            headers=headers,
            body=body,
            query_all=every,
            raw_query=raw_query,
            base_url=base_url,
        )

    @property
    def target(self) -> str:
        """The path with its query, as a log shows it."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    def header(self, name: str, default: str = "") -> str:
        """A header by name, whatever its case."""
        return self.headers.get(name.lower(), default)

    def json(self) -> Any:
        """The body as JSON with `Decimal` fractions. Raises `BadJson`."""
        return parse_json(self.body)

    def form(self) -> dict[str, str]:
        """The body as a web form (the last value of a name wins)."""
        fields = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}


@dataclass(frozen=True)
class Response:
    """One answer: JSON unless `text` is given, or `raw` bytes for answers that are broken on purpose.

    `cut_after` closes the connection after that many bytes although Content-Length promised all of them.
    """

    status: int
    body: object | None = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    raw: bytes | None = None
    cut_after: int | None = None

    @classmethod
    def empty(cls, status: int = 204, headers: dict[str, str] | None = None) -> Response:
        """An answer without a body."""
        return cls(status, headers=headers or {}, raw=b"")

    def header(self, name: str, default: str = "") -> str:
        """A header by name, whatever its case."""
        return next((v for n, v in self.headers.items() if n.lower() == name.lower()), default)

    def encoded(self) -> bytes:
        """The bytes of the body. A `body` of None without text is JSON's null."""
        if self.raw is not None:
            return self.raw
        if self.text is not None:
            return self.text.encode()
        return dump_json(self.body).encode()

    def json(self) -> Any:
        """The body as a client would read it: through JSON, with `Decimal` fractions."""
        return parse_json(self.encoded())

    def with_content_type(self) -> dict[str, str]:
        """The headers, with the content type that the kind of body implies unless one was given."""
        if self.header("content-type") or self.raw == b"":
            return dict(self.headers)
        kind = "text/html; charset=utf-8" if self.text is not None else "application/json; charset=utf-8"
        return {"Content-Type": kind, **self.headers}


App = Callable[[Request], Response]
Handler = Callable[[Request, dict[str, str]], Response]


class Router:
    """An `App` that picks a handler by method and path template.

    `{name}` in a template stands for one or more characters other than `/`, `(` and `)`, so that both
    `/invoices/{id}` and `/companies({company})/items({item})` can be written. The first added route wins.
    """

    def __init__(self, not_found: App | None = None, wrong_method: App | None = None) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._not_found = not_found or (lambda request: Response(404, {"error": f"no such path {request.path}"}))
        self._wrong_method = wrong_method or (lambda request: Response(405, {"error": request.method}))

    def add(self, method: str, template: str, handler: Handler) -> None:
        """Route one method and path template to a handler."""
        pieces = re.split(r"\{(\w+)\}", template)
        pattern = "".join(f"(?P<{p}>[^/()]+)" if i % 2 else re.escape(p) for i, p in enumerate(pieces))
        self._routes.append((method.upper(), re.compile(pattern), handler))

    def route(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """`add` as a decorator."""

        def register(handler: Handler) -> Handler:
            self.add(method, template, handler)
            return handler

        return register

    def __call__(self, request: Request) -> Response:
        path_known = False
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            path_known = True
            if method == request.method:
                return handler(request, match.groupdict())
        return self._wrong_method(request) if path_known else self._not_found(request)


def _read_request(environ: dict[str, Any]) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    headers = {k[5:].replace("_", "-").lower(): str(v) for k, v in environ.items() if k.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    # PEP 3333 hands paths over as latin-1 whatever they were; the bytes underneath are UTF-8.
    path = str(environ.get("PATH_INFO") or "/").encode("latin-1").decode("utf-8", "replace")
    host = headers.get("host") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}"
    return Request.decoded(
        method=str(environ["REQUEST_METHOD"]),
        path=path,
        raw_query=str(environ.get("QUERY_STRING") or ""),
        headers=headers,
        body=environ["wsgi.input"].read(length) if length else b"",
        base_url=f"{environ.get('wsgi.url_scheme', 'http')}://{host}",
    )


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def as_wsgi(app: App) -> WsgiApp:
    """Host an app behind WSGI. `ConnectionDropped` passes through to the server, which cuts the socket."""

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        response = app(_read_request(environ))
        payload = response.encoded()
        headers = {**response.with_content_type(), "Content-Length": str(len(payload))}
        start_response(f"{response.status} {_reason(response.status)}", list(headers.items()))
        if response.cut_after is None:
            return [payload]
        return _cut(payload[: response.cut_after])

    return wsgi


def _cut(payload: bytes) -> Iterable[bytes]:
    yield payload
    raise ConnectionDropped
