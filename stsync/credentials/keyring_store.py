"""The operating system's keyring, asked with patience but never for ever.

With a desktop, a locked keyring shows a dialog and blocks (ecosystem section 3.1), so every call runs
in a worker thread and is given up after ten seconds: a scheduled run must not hang.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
# Only `auth set` and `auth remove` write; their person may first have to type the keyring's password.
WRITING_PATIENCE_SECONDS = 60.0
# Credential Manager: 2,560 bytes of UTF-16 (ecosystem section 3.3); more ends in error 1783.
WINDOWS_LIMIT = 1280


class Trouble(StrEnum):
    """Why the keyring gave no answer; each needs another remedy."""

    ABSENT = "absent"
    LOCKED = "locked"
    SLOW = "slow"
    PLAIN = "plain"
    TOO_LONG = "too-long"
    FAILED = "failed"


class KeyringUnusable(Exception):
    """The keyring could not be read or written; `why` is a sentence for a person."""

    def __init__(self, trouble: Trouble, why: str) -> None:
        super().__init__(why)
        self.trouble = trouble
        self.why = why


class KeyringStore:
    """The entries of one identity (`service`) in the keyring of the user who runs stsync."""

    def __init__(self, service: str, *, patience: float = PATIENCE_SECONDS) -> None:
        self._service = service
        self._patience = patience
        self._trouble: KeyringUnusable | None = None

    def read(self, name: str) -> str | None:
        """The stored value, None when there is no entry; raises KeyringUnusable.

        A keyring that once failed is not asked again in this process: seven secrets must not wait
        seven times.
        """
        if self._trouble is not None:
            raise self._trouble
        try:
            return self._bounded(lambda keyring: keyring.get_password(self._service, name), self._patience)
        except KeyringUnusable as trouble:
            self._trouble = trouble
            raise

    def write(self, name: str, value: str) -> None:
        """Store a value; raises KeyringUnusable, also when this keyring would keep it in plain text."""

        def store(keyring: KeyringBackend) -> None:
            refuse_plain_text(keyring)
            refuse_too_long(keyring, value)
            keyring.set_password(self._service, name, value)

        self._trouble = None
        self._bounded(store, WRITING_PATIENCE_SECONDS)

    def remove(self, name: str) -> bool:
        """Delete the entry; False when there was none; raises KeyringUnusable."""

        def delete(keyring: KeyringBackend) -> bool:
            if keyring.get_password(self._service, name) is None:
                return False
            keyring.delete_password(self._service, name)
            return True

        return self._bounded(delete, WRITING_PATIENCE_SECONDS)

    def _bounded(self, work: Callable[[KeyringBackend], T], patience: float) -> T:
        answer: queue.Queue[T | KeyringUnusable] = queue.Queue()
        threading.Thread(target=lambda: answer.put(_answer(work)), daemon=True, name="keyring").start()
        try:
            outcome = answer.get(timeout=patience)
        except queue.Empty:
            why = (
                f"the keyring did not answer within {patience:g} seconds; "
                "it is probably waiting for somebody to unlock it"
            )
            raise KeyringUnusable(Trouble.SLOW, why) from None
        if isinstance(outcome, KeyringUnusable):
            raise outcome
        return outcome


def _answer(work: Callable[[KeyringBackend], T]) -> T | KeyringUnusable:
    """Run in the worker thread. Backends leak errors of their own (D-Bus, sockets), so all are caught."""
    import keyring
    import keyring.errors

    try:
        return work(keyring.get_keyring())
    except KeyringUnusable as trouble:
        return trouble
    except keyring.errors.NoKeyringError:
        return KeyringUnusable(
            Trouble.ABSENT, "there is no keyring here (no desktop session, or no service that keeps secrets)"
        )
    except keyring.errors.KeyringLocked:
        return KeyringUnusable(Trouble.LOCKED, "the keyring is locked; it opens when its owner logs in")
    except keyring.errors.InitError:
        return KeyringUnusable(
            Trouble.LOCKED, "the keyring has never been opened here, and nobody is there to choose its password"
        )
    except Exception as error:
        # Only the kind: a backend may put what it was given into its text.
        return KeyringUnusable(Trouble.FAILED, f"the keyring failed ({type(error).__name__})")


def refuse_plain_text(keyring: KeyringBackend) -> None:
    """Raise when this backend keeps secrets readable, unless a person chose it by PYTHON_KEYRING_BACKEND.

    Merely installing keyrings.alt changes the automatic backend to one that may store in clear
    (ecosystem section 3.2).
    """
    if os.environ.get("PYTHON_KEYRING_BACKEND"):
        return
    members = getattr(keyring, "backends", None) or [keyring]
    plain = [member for member in members if _keeps_plain_text(member)]
    if plain:
        name = type(plain[0]).__name__
        why = f"the keyring of this machine ({name}) would keep secrets in plain text, so nothing was stored"
        raise KeyringUnusable(Trouble.PLAIN, why)


def _keeps_plain_text(keyring: object) -> bool:
    kind = type(keyring)
    return kind.__module__.startswith("keyrings.alt") or "plaintext" in kind.__name__.lower()


def refuse_too_long(keyring: KeyringBackend, value: str) -> None:
    """Raise when the Windows Credential Manager could not hold the value."""
    members = getattr(keyring, "backends", None) or [keyring]
    on_windows = any(type(member).__module__ == "keyring.backends.Windows" for member in members)
    length = len(value.encode("utf-16-le")) // 2
    if on_windows and length > WINDOWS_LIMIT:
        why = (
            f"the Windows Credential Manager holds at most {WINDOWS_LIMIT:,} characters, "
            f"and this value has {length:,}; nothing was stored"
        )
        raise KeyringUnusable(Trouble.TOO_LONG, why)
