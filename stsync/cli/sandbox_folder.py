"""The folder of a rehearsal: a ready configuration, the demo secrets, stsync's state, and the sandbox's own part.

config.yaml     ready to use; a person edits it
demo.env        the variables to export
stsync.db       what stsync remembers, made by the first run
sandbox/        certificate authority, the systems as they stand between two runs, addresses while it runs
"""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from stsync.errors import UsageError

if TYPE_CHECKING:
    from stsync.sandbox.keeping import Kept
    from stsync.sandbox.latency import Latency
    from stsync.sandbox.world import World

USUAL_PORT = 8750
PORTS = 5
SECONDS_OF_QUIET = 1.0


class SandboxFolder:
    """The paths of one rehearsal, and what is read from and written to them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "config.yaml"
        self.variables = root / "demo.env"
        self.inner = root / "sandbox"
        self.books = self.inner / "systems"
        self.addresses = self.inner / "sandbox.json"

    @property
    def used(self) -> bool:
        """Whether a rehearsal was kept here."""
        return self.books.exists()

    def new_world(self, invoices: int, seed: int, port: int, latency: Latency | None = None) -> World:
        """A company from the seed. Raises UsageError where the folder holds something that is not a rehearsal."""
        from stsync.sandbox.world import World

        if self.config.exists() and not self.inner.exists():
            raise UsageError(
                "sandbox-folder-in-use",
                f"{self.root} holds a configuration that no sandbox wrote; it is left alone.",
                hint="Choose another folder with --folder.",
            )
        return World(invoices, seed, folder=self.inner, port_base=free_ports(port), history=True, latency=latency)

    def start_over(self) -> None:
        """Make room for a new rehearsal. A configuration is kept beside the new one, because it may have been edited."""
        self.forget()
        self.root.mkdir(parents=True, exist_ok=True)
        if self.config.exists():
            self.config.replace(self.root / "config.before.yaml")

    def refuse_if_served(self) -> None:
        """Raises UsageError while another process serves this folder: two would overwrite each other's books."""
        if self.admin_url() is not None:
            raise UsageError(
                "sandbox-is-running",
                f"A sandbox already serves {self.root}.",
                hint="Use that one, or stop it with Ctrl-C first.",
            )

    def admin_url(self) -> str | None:
        """Where the sandbox that serves this folder now is told things; None when none does."""
        import json

        import requests

        if not self.addresses.exists():
            return None
        address = str(json.loads(self.addresses.read_text("utf-8"))["admin_url"])
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.get(f"{address}/health", timeout=5).raise_for_status()
        except requests.RequestException:
            # It was killed and could not take its addresses away.
            return None
        return address

    def kept_world(self, port: int | None, latency: Latency | None = None) -> World:
        """The company as it was left, on the addresses that the configuration names unless `port` says otherwise."""
        from stsync.sandbox.keeping import restored

        content = self.content()
        wanted = port or content.port_base
        free = wanted if ports_are_free(wanted) else free_ports(wanted)
        return restored(content, self.inner, port_base=free, latency=latency)

    def write_for_people(self, world: World) -> None:
        """Write the configuration, or bring the addresses in it up to date; and the variables."""
        fresh = world.config_text(self.root.resolve(), extended=True, write_back=True)
        text = fresh if not self.config.exists() else _readdressed(self.config.read_text("utf-8"), fresh)
        self.config.write_text(text, encoding="utf-8")
        lines = [f"export {name}={_quoted(value)}\n" for name, value in self.environment(world).items()]
        with os.fdopen(os.open(self.variables, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.writelines(lines)

    def environment(self, world: World) -> dict[str, str]:
        """All variables with which every command works on this rehearsal without further options."""
        variables = {**world.environment_variables(), "STSYNC_CONFIG": str(self.config.resolve())}
        if any(name.lower() in {"http_proxy", "https_proxy", "all_proxy"} for name in os.environ):
            # A proxy cannot reach this machine's own loopback.
            known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
            variables["NO_PROXY"] = variables["no_proxy"] = ",".join(filter(None, [known, "127.0.0.1"]))
        return variables

    def keep(self, world: World, port_base: int) -> None:
        """Write down both systems as they stand."""
        from stsync.sandbox.keeping import keep

        keep(world, self.books, port_base=port_base)

    def forget(self, *, systems: bool = True, state: bool = True) -> None:
        """Remove the kept systems, what stsync remembers, or both. The configuration and the certificates stay."""
        made = [self.books, self.addresses] if systems else []
        remembered = list(self.root.glob("stsync.db*")) if state else []
        for file in (*made, *remembered):
            file.unlink(missing_ok=True)

    def content(self) -> Kept:
        """What was kept. Raises UsageError when it cannot be used."""
        from stsync.sandbox.keeping import NotKept, kept

        try:
            return kept(self.books)
        except NotKept as error:
            raise UsageError(
                "sandbox-not-readable",
                f"The sandbox kept in {self.root} cannot be used: {error}.",
                hint=f"Start over with: stsync sandbox reset --folder {self.root}",
            ) from None


class Keeper:
    """Keeps the systems in the background: after every burst of requests, and when it is told to stop."""

    def __init__(self, folder: SandboxFolder, world: World, port_base: int) -> None:
        self._folder, self._world, self._port_base = folder, world, port_base
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Keep the systems once, then watch."""
        self._folder.keep(self._world, self._port_base)
        self._thread.start()

    def finish(self) -> None:
        """Stop watching and keep the systems for the last time."""
        self._stop.set()
        self._thread.join()
        self._folder.keep(self._world, self._port_base)

    def _watch(self) -> None:
        kept = seen = self._state()
        while not self._stop.wait(SECONDS_OF_QUIET):
            now = self._state()
            # Not while requests come in: keeping holds up both systems for a moment.
            if now == seen and now != kept:
                self._folder.keep(self._world, self._port_base)
                kept = now
            seen = now

    def _state(self) -> tuple[int, int]:
        return id(self._world.tenant), len(self._world.sandbox.log.entries())


def program() -> str:
    """How a person calls stsync from here: by its name, or by the path of this installation."""
    import shutil
    import sys

    beside = Path(sys.executable).with_name("stsync")
    found = shutil.which("stsync")
    if found is not None or not beside.exists():
        return "stsync"
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return str(beside)


def ports_are_free(first: int) -> bool:
    """Whether the sandbox's consecutive ports can be opened on loopback."""
    for port in range(first, first + PORTS):
        with socket.socket() as attempt:
            if os.name == "posix":
                # As the servers do it: a port that was closed a moment ago counts as free.
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def free_ports(wanted: int) -> int:
    """The first of the next free consecutive ports. Raises UsageError when there are none nearby."""
    for first in range(wanted, min(wanted + 20 * 10, 65536 - PORTS), 10):
        if ports_are_free(first):
            return first
    raise UsageError(
        "sandbox-ports-taken",
        f"The sandbox needs {PORTS} free ports in a row; from {wanted} on all are taken.",
        hint="Choose others with --port, or stop the sandbox that is running.",
    )


def _readdressed(text: str, fresh: str) -> str:
    """The person's configuration with the present addresses; everything else stays as it was written."""
    keys = ("api_url", "auth_url", "authority")
    addresses = iter([line for line in fresh.splitlines() if line.strip().partition(":")[0] in keys])
    lines = text.splitlines()
    theirs = [number for number, line in enumerate(lines) if line.strip().partition(":")[0] in keys]
    present = list(addresses)
    if len(theirs) != len(present):
        return text
    for number, address in zip(theirs, present, strict=True):
        lines[number] = address
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
