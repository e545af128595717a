"""How a secret gets in: typed hidden on a terminal, or one line through a pipe; never as an argument."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

from stsync.credentials.expiry import day
from stsync.credentials.names import BC_CLIENT_SECRET, SECRETS, Secret, secret_named
from stsync.errors import UsageError

_GUID_LENGTH = 36


def named(name: str) -> Secret:
    """The secret a person means; the error does not repeat what was typed, it might be a secret."""
    secret = secret_named(name)
    if secret is None:
        raise UsageError(
            "unknown-secret",
            "There is no secret of that name.",
            hint="The names are: " + ", ".join(known.name for known in SECRETS),
        )
    return secret


def refuse_arguments(words: Sequence[str] | None) -> None:
    """Stop when something follows the name: it is probably the secret, now visible to others."""
    if words:
        raise UsageError(
            "secret-as-argument",
            "A secret is never given as an argument: other people on this machine can see it there, and the "
            "shell keeps it in its history.",
            hint="Run the command without it and type it when asked, or pipe it in with --stdin. "
            "If what you typed was a secret, make a new one.",
        )


def typed(secret: Secret, note: str = "") -> str:
    """The secret as typed, hidden; empty when only Enter was pressed. Raises UsageError without a terminal."""
    refuse_without_terminal(secret)
    import getpass

    shown = f"{secret.label}{f' [{note}]' if note else ''}: "
    try:
        return one_line(getpass.getpass(shown))
    except EOFError:
        return ""


def refuse_without_terminal(secret: Secret) -> None:
    """Stop when nobody is there to type."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "no-terminal",
            f"There is no terminal here to ask for the {secret.label}.",
            hint=f"Set {secret.variable} (or {secret.file_variable}) for the run, or store it through a pipe: "
            f"stsync auth set {secret.name} --stdin < file",
        )


def piped() -> str:
    """One line from standard input; raises UsageError when that is a terminal, which would show it."""
    if sys.stdin.isatty():
        raise UsageError(
            "stdin-is-a-terminal",
            "--stdin is for a pipe or a file; on a terminal the secret would be visible while you type.",
            hint="Leave --stdin out; the secret is then asked for hidden.",
        )
    value = one_line(sys.stdin.readline())
    if not value:
        raise UsageError("nothing-on-stdin", "Standard input held no secret; nothing was stored.")
    return value


def one_line(text: str) -> str:
    """The text without blanks around it; raises UsageError for characters no secret has."""
    value = text.strip().removeprefix("\ufeff")
    if not value.isprintable():
        raise UsageError("secret-unprintable", "That holds characters no secret has; nothing was stored.")
    return value


def expiry_day(text: str, today: date) -> date:
    """The day a secret ends; raises UsageError when it is no date or already past."""
    on = day(text)
    if on is None:
        raise UsageError(
            "bad-date", "The expiry is not a date.", hint="Write it as YYYY-MM-DD, for example 2027-05-31."
        )
    if on < today:
        raise UsageError("expiry-past", f"A secret that ended on {on} is of no use.", hint="Check the year.")
    return on


def asked_expiry(secret: Secret, today: date) -> date | None:
    """Ask on the terminal for the day the Entra secret ends; None when unknown or for other secrets."""
    if secret.name != BC_CLIENT_SECRET:
        return None
    sys.stderr.write("  It ends on (YYYY-MM-DD, Enter when you do not know): ")
    sys.stderr.flush()
    text = sys.stdin.readline().strip()
    return expiry_day(text, today) if text else None


def doubts(secret: Secret, value: str) -> str:
    """A warning when the value looks like another thing than this secret; empty when it looks right."""
    looks_like_guid = len(value) == _GUID_LENGTH and value.count("-") == 4
    if secret.name == BC_CLIENT_SECRET and looks_like_guid:
        return "This looks like the Secret ID. Entra accepts only the secret's Value, which it shows once."
    # ServiceTitan facts 1.2: app keys look like ak1.…, client secrets like cs1.…
    if secret.name == "servicetitan-client-secret" and value.startswith("ak1."):
        return "This looks like the app key, not the client secret."
    if secret.name == "servicetitan-app-key" and value.startswith("cs1."):
        return "This looks like a client secret, not the app key."
    return ""
