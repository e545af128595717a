"""Whether two customer cards may be the same customer: by number, e-mail, telephone, name and address. Pure.

What is compared is what stays when people spell the same thing differently: digits of a telephone number without the
country's prefix, names without capitals, signs and legal form, streets without the ways to shorten them.
Every comparison is symmetric.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

# Told to people in this order, the strongest first.
NUMBER, EMAIL, PHONE, ADDRESS = "same number", "same e-mail", "same telephone", "same name and address"
NAME_AND_PLACE, NAME = "same name and postal code", "same name"

_EXTENSION = re.compile(r"(?:\bext\b|\bx|#|;).*$", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")
# Words that say what kind of company it is, and that one of two systems often leaves out.
_FORMS = frozenset(
    {"the", "and", "inc", "incorporated", "llc", "llp", "lp", "ltd", "limited", "corp", "corporation", "co", "company"}
)
_STREETS = {
    "street": "st", "avenue": "ave", "av": "ave", "road": "rd", "boulevard": "blvd", "drive": "dr", "lane": "ln",
    "court": "ct", "place": "pl", "highway": "hwy", "parkway": "pkwy", "circle": "cir", "terrace": "ter",
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw", "suite": "ste", "apartment": "apt", "building": "bldg", "floor": "fl",
}  # fmt: skip
_SHORTEST_PHONE = 7
_COUNTRY_PREFIX = 3  # digits; no country has a longer one
_LAST_DIGITS = 4


@dataclass(frozen=True)
class Traits:
    """What is known of one customer in either system, as written there."""

    name: str = ""
    street: str = ""
    postal_code: str = ""
    phone: str = ""
    email: str = ""

    @cached_property
    def name_key(self) -> tuple[str, ...]:
        """The name's words in no order: "Garza, Maria" is Maria Garza."""
        words = _words(self.name)
        return tuple(sorted(word for word in words if word not in _FORMS) or sorted(words))

    @cached_property
    def street_key(self) -> tuple[str, ...]:
        """The street's words, shortened as the post does."""
        return tuple(_STREETS.get(word, word) for word in _words(self.street))

    @cached_property
    def place_key(self) -> str:
        """The postal code without signs; of an American ZIP+4 the first five digits."""
        code = "".join(_words(self.postal_code)).upper()
        return code[:5] if code.isdigit() and len(code) == 9 else code

    @cached_property
    def phone_key(self) -> str:
        """The digits of the telephone number; empty for none, or for one that is surely invented."""
        return phone_digits(self.phone)

    @cached_property
    def emails(self) -> frozenset[str]:
        """The addresses in small letters; Business Central takes several with semicolons (facts section 2.2)."""
        return frozenset(part.strip().casefold() for part in re.split(r"[;,]", self.email) if "@" in part)


def phone_digits(text: str) -> str:
    """The digits of a number without its extension and international prefix, or nothing that could name anybody."""
    digits = "".join(sign for sign in _EXTENSION.sub("", text) if sign.isascii() and sign.isdigit())
    digits = digits.removeprefix("00") if digits.startswith("00") else digits
    return digits if len(digits) >= _SHORTEST_PHONE and len(set(digits)) > 1 else ""


def same_phone(one: str, other: str) -> bool:
    """Whether two telephone numbers are one; either may carry its country's prefix, or the zero before the area."""
    short, long = sorted((phone_digits(one), phone_digits(other)), key=len)
    if not short or len(short) == len(long):
        return bool(short) and short == long
    national = short.removeprefix("0")
    # A local number without its area is no proof: 555-0100 is somebody else's in every town.
    enough = len(national) > _SHORTEST_PHONE
    return enough and long.endswith(national) and len(long) - len(national) <= _COUNTRY_PREFIX


def last_digits(phone: str) -> str:
    """The last four digits, as they stand together in nearly every way of writing a number; empty for no number."""
    digits = phone_digits(phone)
    return digits[-_LAST_DIGITS:] if digits and digits[-_LAST_DIGITS:] in phone else ""


def reasons(one: Traits, other: Traits) -> tuple[str, ...]:
    """Why the two may be the same customer, the strongest reason first; none when nothing speaks for it."""
    found = [EMAIL] if one.emails & other.emails else []
    found += [PHONE] if same_phone(one.phone, other.phone) else []
    if one.name_key and one.name_key == other.name_key:
        found.append(_by_name(one, other))
    return tuple(found)


def _by_name(one: Traits, other: Traits) -> str:
    if one.street_key and one.street_key == other.street_key:
        return ADDRESS
    return NAME_AND_PLACE if one.place_key and one.place_key == other.place_key else NAME


def is_exact(why: Iterable[str]) -> bool:
    """Whether the reasons leave no doubt worth a person's time: the number, the name with its address, or two of three."""
    found = set(why)
    named = bool(found & {NAME, NAME_AND_PLACE, ADDRESS})
    return bool(found & {NUMBER, ADDRESS}) or (named and bool(found & {EMAIL, PHONE}))


def nothing_alike(one: Traits, other: Traits) -> bool:
    """Whether they are surely two: no word of the name, no e-mail, telephone or street in common."""
    names = set(one.name_key), set(other.name_key)
    if not all(names):
        return False  # a name without a word tells nothing
    same_street = bool(one.street_key) and one.street_key == other.street_key
    return not (names[0] & names[1] or one.emails & other.emails or same_phone(one.phone, other.phone) or same_street)


def is_name_alone(why: Iterable[str]) -> bool:
    """Whether nothing but the name speaks for it; two customers of one name are common."""
    return set(why) == {NAME}


class Register:
    """Many cards by what could make them alike, so that each customer is compared with a few of them only."""

    def __init__(self, cards: Mapping[str, Traits]) -> None:
        self._cards = cards
        self._by_clue: dict[tuple[str, object], set[str]] = {}
        for number, traits in cards.items():
            for clue in _clues(traits):
                self._by_clue.setdefault(clue, set()).add(number)

    def alike(self, traits: Traits) -> dict[str, tuple[str, ...]]:
        """The cards that may be this customer, with the reasons."""
        numbers = {number for clue in _clues(traits) for number in self._by_clue.get(clue, ())}
        found = {number: reasons(traits, self._cards[number]) for number in sorted(numbers)}
        return {number: why for number, why in found.items() if why}


def _clues(traits: Traits) -> set[tuple[str, object]]:
    clues: set[tuple[str, object]] = {("e-mail", email) for email in traits.emails}
    if traits.name_key:
        clues.add(("name", traits.name_key))
    if traits.phone_key:
        clues.add(("telephone", traits.phone_key[-_SHORTEST_PHONE:]))
    return clues


def _words(text: str) -> list[str]:
    bare = unicodedata.normalize("NFKD", text.replace("'", "").replace("\u2019", "")).casefold()
    return _WORDS.findall("".join(sign for sign in bare if not unicodedata.combining(sign)))
