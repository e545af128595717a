"""Microsoft's published login addresses, remembered between runs: one request less in each.

MSAL asks for them before its first token and keeps the answer for a day, in memory. A program that is started every few
minutes asks each time, so its makers advise to keep what they call the http cache; theirs is a pickle, this is the one
document in it. There is no token in it and no secret, but it says where the secret goes: what is remembered counts only
while it names the host that the configuration names, so that a state file that somebody changed sends nothing elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from stsync.credentials.token_transport import TokenAnswer, TokenTransport

# Remembers a text under a key when it is given one, and tells what is remembered: `state.notes.note`.
Note = Callable[[str, str | None], str | None]

_KEY = "business central login addresses"
_PATH = "/.well-known/openid-configuration"
# As long as MSAL keeps it.
_FOR = timedelta(days=1)


class PublishedAddresses:
    """What MSAL is given to send with: `transport`, less the question whose answer is remembered."""

    def __init__(self, transport: TokenTransport, note: Note, now: Callable[[], datetime]) -> None:
        self._transport = transport
        self._note = note
        self._now = now

    def get(self, url: str, **options: Any) -> TokenAnswer:
        """The remembered document; any other address, and one that is a day old, is asked for."""
        known = self._remembered(url)
        if known is not None:
            return TokenAnswer(200, known, {})
        answer = self._transport.get(url, **options)
        if answer.status_code == 200 and _speaks_of_its_host(url, answer.text):
            self._note(_KEY, json.dumps({"url": url, "asked_at": self._now().isoformat(), "document": answer.text}))
        return answer

    def post(self, url: str, **options: Any) -> TokenAnswer:
        """Ask for a token. One that is refused may have been asked for at an address that is no more: it is forgotten."""
        answer = self._transport.post(url, **options)
        if answer.status_code != 200:
            self._note(_KEY, "")
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _remembered(self, url: str) -> str | None:
        try:
            kept = json.loads(self._note(_KEY, None) or "{}")
            age = self._now() - datetime.fromisoformat(kept["asked_at"])
            document = str(kept["document"])
        except (ValueError, KeyError, TypeError):
            return None
        fits = kept.get("url") == url and timedelta(0) <= age < _FOR and _speaks_of_its_host(url, document)
        return document if fits else None


def _speaks_of_its_host(url: str, document: str) -> bool:
    """Whether this is the document of a login whose token address lies on the host that was asked."""
    if not urlsplit(url).path.endswith(_PATH):
        return False
    try:
        address = urlsplit(str(json.loads(document)["token_endpoint"]))
    except (ValueError, KeyError, TypeError):
        return False
    return (address.scheme, address.netloc) == ("https", urlsplit(url).netloc)
