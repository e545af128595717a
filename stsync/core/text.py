"""Text from the field made fit for the books: shortened by rule, and never without a word."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"<[^<>]{0,2000}>")
_BREAK = re.compile(r"<\s*(br|/p|/div|/li)\b[^<>]{0,200}>", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:+-]+")
_EMAIL = re.compile(r"[^@\s;,<>()\[\]]+@[^@\s;,<>()\[\]]+\.[A-Za-z0-9-]{2,}")


def plain(text: str | None) -> str:
    """One line of readable text: ServiceTitan descriptions are HTML (facts section 3.2), and names can hold anything."""
    if not text:
        return ""
    without_tags = _TAG.sub(" ", _BREAK.sub(" ", text)) if "<" in text else text
    return one_line(html.unescape(without_tags))


def one_line(text: str) -> str:
    """One line of readable text that is no HTML: what stands between < and > belongs to it, as in a filter's <16x20>."""
    # Nearly all text is printable throughout; only the rest is looked at sign by sign.
    if not text.isprintable():
        text = "".join(" " if _unprintable(character) else character for character in text)
    return _SPACES.sub(" ", text).strip()


def as_html(text: str) -> str:
    """The text for a field of HTML: as it is, unless it would be read as something else there."""
    return text if plain(text) == text else html.escape(text, quote=False)


def _unprintable(character: str) -> bool:
    # Cf holds the zero-width joiner that emoji need; direction marks of the same class steer a screen.
    category = unicodedata.category(character)
    return category in {"Cc", "Cs", "Co", "Zl", "Zp"} or (category == "Cf" and character != "\u200d")


def utf16_length(text: str) -> int:
    """Length as Business Central counts it: .NET strings count UTF-16 units, so an emoji counts twice."""
    return len(text.encode("utf-16-le")) // 2


def fit(text: str, length: int) -> str:
    """The text cut to a field's length, at a word's end where one is near, with an ellipsis that shows the cut."""
    if utf16_length(text) <= length:
        return text
    kept = text
    while utf16_length(kept) > length - 1:
        kept = kept[:-1]
    at_word = kept.rsplit(" ", 1)[0]
    if len(at_word) >= len(kept) * 3 // 4:
        kept = at_word
    return kept.rstrip(" \u200d") + "…"


def typed(code: str) -> str:
    """A code as it is typed on a command line, in quotes where it has blanks or signs that a shell would take."""
    return code if _PLAIN_WORD.fullmatch(code) else f'"{code}"'


def phone(text: str | None) -> str:
    """A phone number Business Central accepts, or nothing: letters are refused there (facts section 2.2)."""
    cleaned = plain(text)
    if not cleaned or any(character.isalpha() for character in cleaned):
        return ""
    return cleaned if len(cleaned) <= 30 else ""


def email(text: str | None) -> str:
    """An e-mail address Business Central accepts, or nothing: its syntax is validated there (facts section 2.2)."""
    cleaned = plain(text)
    return cleaned if len(cleaned) <= 80 and _EMAIL.fullmatch(cleaned) else ""
