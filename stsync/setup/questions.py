"""How `init` gets an answer: from an option, else from a person, else it names the option that is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

from stsync.config.addresses import web_address
from stsync.config.endpoints import SHARED_TENANTS
from stsync.credentials import Secret
from stsync.errors import UsageError
from stsync.setup.proposals import Candidate

Check = Callable[[str], str]


class Person(Protocol):
    """Who sits at the terminal, if anybody does."""

    @property
    def present(self) -> bool:
        """Whether questions can be asked."""

    def ask(self, question: str) -> str:
        """The answer, without blanks around it; empty when only Enter was pressed."""

    def tell(self, text: str) -> None:
        """Say something on the way."""

    def secret(self, secret: Secret) -> str:
        """A secret, typed hidden; empty when only Enter was pressed."""


def answered(
    person: Person, question: str, option: str, given: str | None, check: Check, *, default: str | None = None
) -> str:
    """The checked answer; a person is asked again until it is right. Raises UsageError for a wrong or missing option."""
    if given is not None:
        return _checked_option(option, given, check)
    if not person.present:
        raise missing([option])
    while True:
        typed = person.ask(f"{question}{f' [{default}]' if default else ''}: ") or default or ""
        try:
            return check(typed)
        except ValueError as error:
            person.tell(f"  '{typed}' {error}." if typed else "  An answer is needed.")


def _checked_option(option: str, given: str, check: Check) -> str:
    try:
        return check(given.strip())
    except ValueError as error:
        raise UsageError("option-invalid", f"{option}: '{given}' {error}.") from None


def agreed(person: Person, question: str, *, default: bool) -> bool:
    """Yes or no; without anybody there, the default."""
    if not person.present:
        return default
    typed = person.ask(f"{question} [{'Y/n' if default else 'y/N'}]: ").casefold()
    return default if not typed else typed.startswith("y")


def missing(options: Sequence[str], hint: str = "") -> UsageError:
    """The error for answers that nobody can be asked for."""
    named = ", ".join(options)
    return UsageError(
        "answer-missing",
        f"There is no terminal here to ask at, and {'these are' if len(options) > 1 else 'this is'} missing: {named}.",
        hint=hint or f"Add {named} to the command, or run stsync init in a terminal.",
    )


def one_of(*allowed: str) -> Check:
    """One of these words; the beginning of one is enough."""

    def check(text: str) -> str:
        found = [word for word in allowed if text and word.startswith(text.casefold())]
        if len(found) != 1 and text.casefold() not in allowed:
            raise ValueError(f"is not one of: {', '.join(allowed)}")
        return text.casefold() if text.casefold() in allowed else found[0]

    return check


def listed(candidates: Sequence[Candidate], *, numbered: bool = False) -> Check:
    """A code of the list in any capitals; `numbered` lists also take the position, counted from 1."""
    by_code = {one.code.upper(): one.code for one in candidates}

    def check(text: str) -> str:
        if text.upper() in by_code:
            return by_code[text.upper()]
        if numbered and text.isdecimal() and 1 <= int(text) <= len(candidates):
            return candidates[int(text) - 1].code
        raise ValueError("is not in the list")

    return check


def filled(text: str) -> str:
    """Anything but nothing."""
    if not text:
        raise ValueError("is empty")
    return text


def whole_number(text: str) -> str:
    """A number above zero, digits only."""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ValueError("is not a whole number")
    return text


def entra_tenant(text: str) -> str:
    """A tenant of one's own."""
    if filled(text).lower() in SHARED_TENANTS:
        raise ValueError("is not a tenant of yours; give the tenant's id or domain")
    return text


def address(text: str) -> str:
    """A web address that a secret may be sent to."""
    return web_address(filled(text))


def calendar_day(text: str) -> str:
    """A date as 2026-07-01."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("is not a date like 2026-07-01") from None
