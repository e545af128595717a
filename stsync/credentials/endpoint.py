"""Which addresses a secret may be sent to: https anywhere, plain http only to this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from stsync.config.addresses import is_loopback
from stsync.errors import UsageError


def on_loopback(url: str) -> bool:
    """Whether the address names this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def safe_address(url: str, setting: str) -> str:
    """The address itself; raises UsageError 'plain-http' or 'bad-address' naming the configuration key."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and on_loopback(url):
        return url
    if parts.scheme == "http":
        raise UsageError(
            "plain-http",
            f"{setting} is {url}: stsync sends no secret over a connection that is not encrypted.",
            hint="Write https:// instead. Plain http is accepted for this machine only (127.0.0.1, localhost).",
        )
    raise UsageError("bad-address", f"{setting} is {url}, which is not a web address.", hint="Start it with https://")
