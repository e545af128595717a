"""How token servers are reached: with time-outs, patience, verified TLS, and nothing from ~/.netrc.

One transport serves both systems. It is also the `http_client` that MSAL is given, because MSAL's own
has no time-out (ecosystem section 0, fact 10). Asking for a token changes nothing, so it may be repeated.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stsync.credentials.endpoint import on_loopback, safe_address
from stsync.http.bundle import unusable_bundle

if TYPE_CHECKING:
    import requests

TIMEOUT = (5, 30)
ATTEMPTS = 4
LONGEST_WAIT = 60.0
MAX_BODY_BYTES = 10_000_000
BODY_SECONDS = 60.0
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class TokenAnswer:
    """What a token server said, in the shape MSAL reads."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """The JSON object, or an empty one when the body is anything else (HTML of a proxy, nothing)."""
        try:
            body = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}


class TokenTransport:
    """Sends token requests; `setting` is the configuration key that errors about the address name.

    MSAL accepts https only (ecosystem section 2.1). When the configured authority is plain http on this
    machine, `plain_host` is its host and port: https requests to it go out as http, and the addresses in
    its answers are shown to MSAL as https.
    """

    def __init__(
        self,
        setting: str,
        *,
        plain_host: str | None = None,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._setting = setting
        self._plain_host = plain_host
        self._session = session
        self._sleep = sleep
        self.sent = 0

    def get(self, url: str, **options: Any) -> TokenAnswer:
        """GET; raises requests' exceptions when no answer came after all attempts."""
        return self._patiently("GET", url, options)

    def post(self, url: str, **options: Any) -> TokenAnswer:
        """POST; raises requests' exceptions when no answer came after all attempts."""
        return self._patiently("POST", url, options)

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def _patiently(self, method: str, url: str, options: Mapping[str, Any]) -> TokenAnswer:
        attempt = 1
        while True:
            wait = self._backoff(attempt)
            try:
                answer = self._send(method, url, options)
            except Exception as error:
                if attempt == ATTEMPTS or not _curable(error):
                    raise
            else:
                asked = _asked_wait(answer)
                wait = wait if asked is None else asked
                if answer.status_code not in _AGAIN or attempt == ATTEMPTS or wait > LONGEST_WAIT:
                    return answer
            self._sleep(wait)
            attempt += 1

    def _send(self, method: str, url: str, options: Mapping[str, Any]) -> TokenAnswer:
        url = safe_address(self._real(url), self._setting)
        self.sent += 1
        wanted = {key: value for key, value in options.items() if key in {"params", "data", "headers"}}
        if on_loopback(url):
            # A company's proxy setting must not catch traffic to this machine.
            wanted["proxies"] = {"http": "", "https": ""}
        response = self._exchanged(method, url, wanted)
        with response:
            text = _text(response)
        return TokenAnswer(response.status_code, self._as_https(text), dict(response.headers))

    def _exchanged(self, method: str, url: str, wanted: Mapping[str, Any]) -> requests.Response:
        import requests

        try:
            return self._opened().request(
                method, url, timeout=TIMEOUT, allow_redirects=False, auth=_no_netrc, stream=True, **wanted
            )
        except requests.RequestException:
            raise
        except OSError as error:
            raise unusable_bundle(error) from error

    def _opened(self) -> requests.Session:
        if self._session is None:
            import requests

            from stsync import __version__

            self._session = requests.Session()
            self._session.headers["User-Agent"] = f"stsync/{__version__} (accounting sync)"
        return self._session

    def _real(self, url: str) -> str:
        if self._plain_host is not None and urlsplit(url).netloc == self._plain_host:
            return "http://" + url.partition("://")[2]
        return url

    def _as_https(self, text: str) -> str:
        if self._plain_host is None:
            return text
        return text.replace(f"http://{self._plain_host}", f"https://{self._plain_host}")

    @staticmethod
    def _backoff(attempt: int) -> float:
        return random.uniform(0.5, 1.0) * float(1 << (attempt - 1))


def _text(response: requests.Response) -> str:
    """The body, read no further than any sensible answer goes: a small one may unpack to a huge one, or never end."""
    import requests
    import urllib3

    from stsync.http.wire import chunks

    content, until = bytearray(), time.monotonic() + BODY_SECONDS
    try:
        for chunk in chunks(response):
            content += chunk
            if len(content) > MAX_BODY_BYTES:
                raise requests.RequestException(f"the answer is larger than {MAX_BODY_BYTES} bytes")
            if time.monotonic() > until:
                raise requests.Timeout(f"no complete answer within {BODY_SECONDS:.0f} seconds")
    except requests.RequestException:
        raise
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.ConnectionError(f"the answer broke off: {type(error).__name__}") from error
    return content.decode("utf-8-sig", "replace")


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Any `auth` keeps requests from adding Basic credentials out of ~/.netrc (ecosystem section 0, fact 4)."""
    return request


def _curable(error: Exception) -> bool:
    """Whether another attempt may help. A certificate that does not verify stays unverified."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return False
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _asked_wait(answer: TokenAnswer) -> float | None:
    """Seconds the server asks us to wait: Retry-After, or the second-last word of ServiceTitan's title (facts 1.3)."""
    if answer.status_code not in _AGAIN:
        return None
    headers = {key.lower(): value.strip() for key, value in answer.headers.items()}
    given = headers.get("retry-after", "")
    if given.isdecimal():
        return float(given)
    if given:
        return _until(given)
    words = str(answer.document().get("title", "")).split()
    return float(words[-2]) if len(words) > 1 and words[-2].isdecimal() else None


def _until(http_date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(http_date).timestamp() - time.time())
    except ValueError:
        return None
