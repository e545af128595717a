"""Web addresses that the configuration may name: https everywhere, plain http only on this machine."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "localhost."})


def web_address(text: str) -> str:
    """The address without a trailing slash; ValueError says in plain words what is wrong with it.

    Plain http is refused off this machine because tokens and invoices would travel readable
    (design section 5). A user name in the address is refused because it would be a secret in a file.
    """
    if re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise ValueError("contains a space or a character that no web address has")
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a web address; it has to begin with https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries a user name or password, which this file must not hold")
    if parts.query or parts.fragment:
        raise ValueError("has a part after ? or #, which an address here cannot have")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("begins with http://, which is allowed only on this machine; use https://")
    return text.rstrip("/")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise ValueError("is not a web address") from error
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def segments(url: str) -> list[str]:
    """The parts of an address's path, without empty ones."""
    return [part for part in urlsplit(url).path.split("/") if part]


def host(url: str) -> str:
    """The host of an address, in small letters."""
    return (urlsplit(url).hostname or "").lower()
