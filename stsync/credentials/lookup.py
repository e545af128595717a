"""Finding a secret: the places in their documented order, and a full account of where it was not."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from stsync.credentials.encrypted_file import EncryptedFile, EncryptedFileUnusable
from stsync.credentials.keyring_store import KeyringStore, KeyringUnusable
from stsync.credentials.names import Identity, Secret, secret_named
from stsync.credentials.private_files import NotPrivate, read_private, stands
from stsync.errors import CredentialsError
from stsync.http import redact


class Source(StrEnum):
    """The places a secret can come from, in the order they are asked."""

    GIVEN = "given"
    ENVIRONMENT = "environment"
    FILE = "file"
    SYSTEMD = "systemd"
    KEYRING = "keyring"
    ENCRYPTED_FILE = "encrypted-file"


@dataclass(frozen=True)
class Found:
    """A secret and where it was; the value never shows in a representation."""

    value: str = field(repr=False)
    source: Source
    where: str


@dataclass(frozen=True)
class Tried:
    """A place that did not have it. `final`: it was named on purpose and is unusable, so the search stops."""

    where: str
    why: str
    final: bool = False


@dataclass(frozen=True)
class Search:
    """The outcome for one secret: found, or every place that was tried with its reason."""

    secret: Secret
    found: Found | None
    tried: tuple[Tried, ...]


Place = Callable[[Secret], Found | Tried]


class Credentials:
    """The secrets of one identity. Each is looked up once and then kept in memory, never on disk."""

    def __init__(
        self,
        identity: Identity,
        *,
        environ: Mapping[str, str] | None = None,
        keyring: KeyringStore | None = None,
        encrypted_file: EncryptedFile | None = None,
    ) -> None:
        self.identity = identity
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.keyring = keyring or KeyringStore(identity.service)
        self.encrypted_file = encrypted_file or EncryptedFile.standing(identity, self.environ)
        self._searches: dict[str, Search] = {}

    def give(self, name: str, value: str) -> None:
        """Use this value from now on in this process (`init`, before there is an identity to store under)."""
        redact.register(value)
        found = Found(value, Source.GIVEN, "typed in just now")
        self._searches[name] = Search(_known(name), found, ())

    def forget(self, name: str) -> None:
        """Look this secret up afresh next time."""
        self._searches.pop(name, None)

    def search(self, name: str) -> Search:
        """Where the secret is, or where it is not; never raises for a missing one."""
        if name not in self._searches:
            self._searches[name] = self._search(_known(name), (*self._given, self._in_keyring, self._in_encrypted_file))
        return self._searches[name]

    def search_given(self, name: str) -> Search:
        """The same among the places where whoever starts stsync gives a secret; no store is opened or unlocked."""
        return self._search(_known(name), self._given)

    def optional(self, name: str) -> str | None:
        """The value, or None when it is nowhere; raises CredentialsError when a place named on purpose is unusable."""
        search = self.search(name)
        if search.found is not None:
            return search.found.value
        if any(tried.final for tried in search.tried):
            raise missing([search])
        return None

    def value(self, name: str) -> str:
        """The value; raises CredentialsError that lists every place tried."""
        return self.values(name)[0]

    def values(self, *names: str) -> tuple[str, ...]:
        """Several values at once; raises one CredentialsError that names every missing one."""
        searches = [self.search(name) for name in names]
        lacking = [search for search in searches if search.found is None]
        if lacking:
            raise missing(lacking)
        return tuple(search.found.value for search in searches if search.found is not None)

    @property
    def _given(self) -> tuple[Place, ...]:
        return (self._in_environment, self._in_named_file, self._in_systemd)

    def _search(self, secret: Secret, places: Sequence[Place]) -> Search:
        tried: list[Tried] = []
        for look in places:
            outcome = look(secret)
            if isinstance(outcome, Found):
                redact.register(outcome.value)
                return Search(secret, outcome, tuple(tried))
            tried.append(outcome)
            if outcome.final:
                break
        return Search(secret, None, tuple(tried))

    def _in_environment(self, secret: Secret) -> Found | Tried:
        where = f"environment variable {secret.variable}"
        if secret.variable not in self.environ:
            return Tried(where, "not set")
        if not self.environ[secret.variable].strip():
            return Tried(where, "set, but empty")
        return _single_line(self.environ[secret.variable], Source.ENVIRONMENT, where)

    def _in_named_file(self, secret: Secret) -> Found | Tried:
        where = f"file named by {secret.file_variable}"
        named = self.environ.get(secret.file_variable, "").strip()
        if not named:
            return Tried(where, "not set")
        return _in_file(Path(named).expanduser(), Source.FILE, f"{where} ({named})", check_mode=True)

    def _in_systemd(self, secret: Secret) -> Found | Tried:
        where = f"systemd credential {secret.name}"
        folder = self.environ.get("CREDENTIALS_DIRECTORY", "").strip()
        if not folder:
            return Tried(where, "not run by systemd with credentials (CREDENTIALS_DIRECTORY is not set)")
        path = Path(folder) / secret.name
        if not stands(path):
            return Tried(where, "the service unit does not load it")
        # systemd lets the service's user in by an access list, which shows as group rights in the mode.
        return _in_file(path, Source.SYSTEMD, where, check_mode=False)

    def _in_keyring(self, secret: Secret) -> Found | Tried:
        where = f"keyring entry {self.identity.service} / {secret.name}"
        try:
            value = self.keyring.read(secret.name)
        except KeyringUnusable as trouble:
            return Tried(where, trouble.why)
        return Found(value, Source.KEYRING, where) if value else Tried(where, "no such entry")

    def _in_encrypted_file(self, secret: Secret) -> Found | Tried:
        where = f"encrypted file {self.encrypted_file.path}"
        if not self.encrypted_file.exists():
            return Tried(where, "there is none")
        try:
            value = self.encrypted_file.read(secret.name)
        except EncryptedFileUnusable as error:
            return Tried(where, str(error))
        return Found(value, Source.ENCRYPTED_FILE, where) if value else Tried(where, "no such entry")


def missing(searches: Sequence[Search]) -> CredentialsError:
    """The error for secrets that were not found: which, where stsync looked, and what to do."""
    names = ", ".join(search.secret.label for search in searches)
    accounts = "\n".join(_account(search) for search in searches)
    first = searches[0].secret
    plural = len(searches) > 1
    command = "stsync auth set" if plural else f"stsync auth set {first.name}"
    return CredentialsError(
        "secret-missing",
        f"{len(searches)} secrets are missing: {names}." if plural else f"The {names} is missing.",
        hint=(
            f"Store {'them' if plural else 'it'} with: {command} - or, where nobody can type, "
            f"set {first.variable} or {first.file_variable}"
        ),
        context={"looked for": accounts},
    )


def _account(search: Search) -> str:
    places = "; ".join(f"{tried.where}: {tried.why}" for tried in search.tried)
    return f"{search.secret.name} in {places}"


def _known(name: str) -> Secret:
    secret = secret_named(name)
    if secret is None:
        raise KeyError("no secret of that name")
    return secret


def _in_file(path: Path, source: Source, where: str, *, check_mode: bool) -> Found | Tried:
    try:
        content = read_private(path, check_mode=check_mode).decode("utf-8-sig")
    except NotPrivate as error:
        return Tried(where, str(error), final=True)
    except UnicodeDecodeError:
        return Tried(where, "it is not text", final=True)
    except OSError as error:
        return Tried(where, f"it cannot be read: {error.strerror or error}", final=True)
    if not content.strip():
        return Tried(where, "it is empty", final=True)
    return _single_line(content, source, where)


def _single_line(content: str, source: Source, where: str) -> Found | Tried:
    """A secret is one line; blanks and line ends around it come from editors and from `echo`."""
    value = content.strip()
    if not value.isprintable():
        return Tried(where, "it holds more than one line, or characters no secret has", final=True)
    return Found(value, source, where)
