"""Secrets out of any text, before it is printed, logged or stored (design promise 7)."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "[secret]"
_SHORTEST = 4  # shorter values would blank ordinary words; no vendor issues such secrets

_known: set[str] = set()
_lock = threading.Lock()

_NAMED = (
    r"client[_-]?secret|client[_-]?assertion|access[_-]?token|refresh[_-]?token|id[_-]?token|app[_-]?key|"
    r"servicetitanapplicationkey|st-app-key|passphrase|password|webhook[_-]?secret|authorization"
)
_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b(?P<keep>Bearer|Basic)\s+(?!\[secret\])[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),
    re.compile(r"\b(?:ak|cs)\d\.[A-Za-z0-9._~+/=-]{6,}"),
    re.compile(
        rf"(?P<keep>\b(?:{_NAMED})[\"']?\s*[=:]\s*[\"']?)(?!Bearer\b|Basic\b|\[secret\])[^\s\"'&,;}}]+",
        re.IGNORECASE,
    ),
)


def register(value: str) -> None:
    """Make `redact` remove this value, and the forms it takes in URLs, JSON and Basic credentials."""
    if len(value) >= _SHORTEST:
        with _lock:
            _known.update(form for form in _forms(value) if len(form) >= _SHORTEST)


def redact(text: str) -> str:
    """The text without known secret values, bearer tokens, JWTs, app keys, client secrets and private keys."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)
    for value in known:
        text = text.replace(value, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    kept = found.groupdict().get("keep") or ""
    return f"{kept} {MASK}" if kept.isalpha() else f"{kept}{MASK}"


def _forms(value: str) -> set[str]:
    return {
        value,
        quote(value, safe=""),
        quote(value),
        html.escape(value),
        quote_plus(value),
        # Microsoft's servers write %2f where ours write %2F.
        _small_percent(quote(value, safe="")),
        _small_percent(quote_plus(value)),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        base64.b64encode(value.encode()).decode().rstrip("="),
    }


def _small_percent(encoded: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found.group().lower(), encoded)
