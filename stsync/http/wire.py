"""One request over the network, once: bounded in time and size, with every failure named for what it means."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from stsync import __version__
from stsync.errors import SystemUnavailable, UsageError
from stsync.http.bundle import unusable_bundle
from stsync.http.redact import redact

USER_AGENT = f"stsync/{__version__} (accounting sync)"
_CHUNK = 65536


class NeverConnected(Exception):
    """Nothing reached the server."""


class Lost(Exception):
    """The request may have arrived; a complete answer did not."""


class TooLarge(Lost):
    """The answer is larger than any that we expect, so it was not read to its end."""


class CertificateRefused(NeverConnected):
    """The server's TLS certificate could not be verified; nothing was sent."""


@dataclass(frozen=True)
class Outgoing:
    """A request as it will leave; `body` is already encoded."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Incoming:
    """A complete answer, still undecoded."""

    status: int
    headers: requests.structures.CaseInsensitiveDict[str]
    content: bytes


class Wire:
    """One pool of connections: no retries, no redirects, no cookies, no netrc, certificates verified always."""

    def __init__(
        self,
        auth: AuthBase | None,
        *,
        timeout: tuple[float, float],
        deadline: float,
        connections: int,
        max_body_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self._timeout = (timeout[0], min(timeout[1], deadline))
        self._deadline = deadline
        self._limit = max_body_bytes
        self._clock = clock
        # An auth object even where there is nothing to add: without one, requests reads ~/.netrc
        # and replaces our header (ecosystem section 0, fact 4).
        self._auth = auth or _NoAuth()
        self._requests = requests.Session()
        self._environment: dict[str, Mapping[str, Any]] = {}
        self._requests.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._requests.headers["User-Agent"] = USER_AGENT
        adapter = HTTPAdapter(max_retries=0, pool_connections=2, pool_maxsize=connections, pool_block=True)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def mount(self, prefix: str, adapter: requests.adapters.BaseAdapter) -> None:
        """Let another adapter serve these addresses; for simulators inside the process."""
        self._requests.mount(prefix, adapter)

    def close(self) -> None:
        """Close every pooled connection."""
        self._requests.close()

    def send(self, outgoing: Outgoing) -> Incoming:
        """The answer to one request. Raises NeverConnected, Lost, or UsageError for plain http beyond loopback."""
        settings = self._surroundings(outgoing.url)
        until = self._clock() + self._deadline
        prepared = self._prepared(outgoing)
        try:
            response = self._requests.send(prepared, timeout=self._timeout, allow_redirects=False, **settings)
        except requests.RequestException as error:
            raise _failure(error) from error
        except OSError as error:
            raise unusable_bundle(error) from error
        try:
            return Incoming(response.status_code, response.headers, self._content(response, until))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Lost(f"the answer broke off: {described(error)}") from error
        finally:
            response.close()

    def _surroundings(self, url: str) -> dict[str, Any]:
        """Proxy and trusted certificates as the environment names them, asked once for a host.

        requests reads all environment variables twice for each request: a tenth of the time that a run computes.
        Raises UsageError for plain http beyond loopback.
        """
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._environment:
            loopback = checked_loopback(url)
            settings = self._requests.merge_environment_settings(host, {}, True, None, None)
            if loopback:
                settings["proxies"] = {}  # a token never travels in plain text to a proxy elsewhere
            self._environment[host] = settings
        return dict(self._environment[host])

    def _prepared(self, outgoing: Outgoing) -> requests.PreparedRequest:
        # Not by way of the session: merging its settings, which are always the same, and its cookies, which are none, takes
        # 0.06 ms of the 0.6 ms that a request computes. `params` is empty text because asking whether anything else could
        # be read like a file takes requests 0.02 ms.
        prepared = requests.PreparedRequest()
        headers = {**self._requests.headers, **outgoing.headers}
        try:
            prepared.prepare(
                outgoing.method, outgoing.url, headers=headers, data=outgoing.body, params="", auth=self._auth
            )
            return prepared
        except requests.ConnectionError as error:  # the auth object could not reach its token server
            raise NeverConnected(f"no token could be fetched: {described(error)}") from error
        except requests.RequestException as error:
            raise UsageError(
                "address-invalid",
                f"{redact(outgoing.url)} is not an address that can be called.",
                hint="Check api_url in the configuration.",
                note=described(error),
            ) from error

    def _content(self, response: requests.Response, until: float) -> bytes:
        content = bytearray()
        for chunk in chunks(response):
            content += chunk
            if len(content) > self._limit:
                raise TooLarge(f"the answer is larger than {self._limit} bytes")
            # A read timeout alone does not stop a server that drips (ecosystem section 5.1).
            if self._clock() > until:
                raise Lost(f"no complete answer within {self._deadline:.0f} seconds")
        return bytes(content)


def checked_loopback(url: str) -> bool:
    """Whether the address is on this machine. Raises UsageError for plain http anywhere else."""
    parts = urlsplit(url)
    loopback = _is_loopback(parts.hostname or "")
    if parts.scheme == "https" or (parts.scheme == "http" and loopback):
        return loopback
    raise UsageError(
        "plain-http",
        f"{parts.scheme}://{parts.hostname or ''} is not protected by TLS, so no token is sent there.",
        hint="Use an https address; plain http is accepted on this machine only.",
    )


def described(error: BaseException) -> str:
    """A failure in one line, without secrets."""
    return redact(f"{type(error).__name__}: {error}")[:500]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def chunks(response: requests.Response) -> Iterator[bytes]:
    """An unpacked body as it comes, so that its reader can stop. Raises what requests and urllib3 raise."""
    raw = response.raw
    if not isinstance(raw, urllib3.HTTPResponse):
        yield from response.iter_content(_CHUNK)
        return
    while chunk := raw.read1(_CHUNK, decode_content=True):
        yield chunk


def _failure(error: requests.RequestException) -> NeverConnected | Lost | SystemUnavailable:
    if _caused_by(error, ssl.SSLCertVerificationError):
        return CertificateRefused(described(error))
    before = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.ProxyError,
        urllib3.exceptions.ClosedPoolError,
        urllib3.exceptions.EmptyPoolError,
    )
    if isinstance(error, requests.ConnectTimeout) or _caused_by(error, *before):
        return NeverConnected(described(error))
    return Lost(described(error))


def _caused_by(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether one of these kinds is anywhere in the chain of causes, urllib3's `reason` included."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        if isinstance(cause, kinds):
            return True
        seen.add(id(cause))
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return False


class _NoAuth(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request
