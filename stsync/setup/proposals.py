"""Which code in the books a name in ServiceTitan most likely means. Pure; a person decides.

A proposal is sure when code or name are the same; a similar name is only ever a suggestion (users' need 10: nothing
goes to an account by a guess).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_SIMILAR = 0.8
_AHEAD = 0.05
_TAX_WORDS = frozenset({"sales", "tax", "taxes", "use", "payable", "liability", "city", "county", "of", "state"})
_CODE_LENGTH = 10


@dataclass(frozen=True)
class Candidate:
    """Something in the books that could be meant."""

    code: str
    name: str


@dataclass(frozen=True)
class Line:
    """One line of a mapping table to be: without a value, or unsure, it is written switched off.

    `alias` is ServiceTitan's name where the key is a number; `note` is the name in the books.
    """

    key: str
    value: str | None = None
    sure: bool = True
    note: str = ""
    alias: str = ""

    @property
    def explanation(self) -> str:
        """What stands behind the line for people: the names, where they say more than the line itself."""
        names = [name for name in dict.fromkeys((self.alias, self.note)) if name and name != self.key]
        return " -> ".join(names)

    @property
    def settled(self) -> bool:
        """Whether the line counts as soon as the file is there."""
        return self.value is not None and self.sure


def propose(name: str, also: Iterable[str | None], candidates: Sequence[Candidate]) -> Line:
    """The line for a ServiceTitan name; `also` are codes that ServiceTitan itself keeps beside the name."""
    own = {text.strip().upper() for text in (name, *also) if text and text.strip()}
    by_code = [one for one in candidates if one.code.upper() in own]
    if len(by_code) == 1:
        return Line(name, by_code[0].code, note=by_code[0].name)
    same = [one for one in candidates if _words(one.name) == _words(name)]
    if len(same) == 1:
        return Line(name, same[0].code, note=same[0].name)
    return _similar(name, candidates)


def propose_tax_account(zone: str, candidates: Sequence[Candidate]) -> Line:
    """The liability account of a tax zone: the one whose name is the zone's, but for words like Sales Tax Payable."""
    wanted = _place(zone)
    same = [one for one in candidates if _place(one.name) == wanted and wanted]
    if len(same) == 1:
        return Line(zone, same[0].code, note=same[0].name)
    return Line(zone)


def journal_code(payment_type: str, taken: Collection[str]) -> str:
    """A code for a new private journal, within Business Central's ten characters: `Credit Card` is ST-CREDIT."""
    word = re.sub(r"[^A-Z0-9]", "", (_words(payment_type) or ("pay",))[0].upper()) or "PAY"
    code = f"ST-{word}"[:_CODE_LENGTH]
    number = 2
    while code in taken:
        code = f"ST-{word}"[: _CODE_LENGTH - len(str(number))] + str(number)
        number += 1
    return code


def _similar(name: str, candidates: Sequence[Candidate]) -> Line:
    ranked = sorted(((_likeness(name, one), one) for one in candidates), key=lambda pair: -pair[0])
    if not ranked or ranked[0][0] < _SIMILAR:
        return Line(name)
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _AHEAD:
        return Line(name)
    best = ranked[0][1]
    return Line(name, best.code, sure=False, note=best.name)


def _likeness(name: str, candidate: Candidate) -> float:
    return SequenceMatcher(None, " ".join(sorted(_words(name))), " ".join(sorted(_words(candidate.name)))).ratio()


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.casefold().replace("&", " and ")))


def _place(text: str) -> tuple[str, ...]:
    return tuple(word for word in _words(text) if word not in _TAX_WORDS)
