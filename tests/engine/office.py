"""A contractor's office for end-to-end tests: both systems served, a configuration, and stsync run against them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stsync.engine.run import Order, Result, run
from stsync.engine.scope import STAGES, Scope
from stsync.engine.switches import Allowed
from stsync.sandbox.requestlog import Entry
from stsync.sandbox.world import World
from stsync.state import State, connect
from stsync.wiring import wire

# Written by hand from the demo configuration, so that the tests do not lean on stsync's own mapping code.
DEPARTMENT = "DEPARTMENT"


@dataclass
class Office:
    """One world with its configuration file."""

    world: World
    config: Path
    monkeypatch: pytest.MonkeyPatch
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Two commits for each write would wait for the disk: half of a test's time. What a power cut may take is for
        # tests/state to say; a killed process loses nothing either way.
        self.monkeypatch.setattr(connect, "SYNCHRONOUS", "OFF")
        self.monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
        for name, value in self.world.environment_variables().items():
            self.monkeypatch.setenv(name, value)

    def run(self, *stages: str, dry_run: bool = False, allowed: Allowed | None = None, **scope: Any) -> Result:
        """Run stsync as a command would."""
        order = Order(Scope(stages or STAGES, **scope), "stsync sync", dry_run=dry_run, allowed=allowed or Allowed())
        return run(wire(self.config), order)

    def edit_config(self, old: str, new: str) -> None:
        """What a bookkeeper does with an editor."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in the configuration"
        self.config.write_text(text.replace(old, new, 1), encoding="utf-8")

    @property
    def state_file(self) -> Path:
        return self.config.parent / "stsync.db"

    def standing(self, kind: str, source_id: object) -> tuple[str, str]:
        """Where a record stands: its state, and its outcome or the reference of its reason."""
        with State.open_scratch(self.state_file) as state:
            row = state.inbox.find(kind, str(source_id))
            assert row is not None, f"{kind} {source_id} was never read"
            return row.state, row.outcome or (row.reason.reference if row.reason else "")

    def writes(self) -> list[Entry]:
        """Everything that was written in either system, as the servers saw it."""
        return self.world.sandbox.log.writes()

    def requests(self) -> int:
        """How many requests the servers saw, logins included."""
        return len(self.world.sandbox.log.entries())

    def invoice(self, source_id: object) -> Any:
        """The sales invoice that carries a ServiceTitan id, as it stands in the books; None if there is none."""
        found = [one for one in self.world.company.invoices if one.external_document_number == f"ST-{source_id}"]
        assert len(found) <= 1, f"invoice {source_id} is in the books {len(found)} times"
        return found[0] if found else None

    def gl(self, document_number: str, document_type: str) -> list[Any]:
        """The general ledger entries of one document."""
        return [
            entry
            for entry in self.world.company.gl_entries
            if (entry.document_number, entry.document_type) == (document_number, document_type)
        ]


def mapping_of(config: Path) -> dict[str, dict[str, str]]:
    """The mapping tables as the YAML file has them, read with nothing but regular expressions."""
    tables: dict[str, dict[str, str]] = {}
    table: dict[str, str] | None = None
    inside = False
    for line in config.read_text(encoding="utf-8").splitlines():
        if re.match(r"\S", line):
            inside = line.startswith("mapping:")
        elif inside and (found := re.match(r"  (\w+):\s*$", line)):
            table = tables.setdefault(found.group(1), {})
        elif inside and table is not None and (found := re.match(r'    "?([^"]+?)"?: "?([^"#]+?)"?\s*(#.*)?$', line)):
            table[found.group(1)] = found.group(2)
    return tables


def money(value: object) -> Decimal:
    """An amount as the simulators keep it."""
    return Decimal(str(value))
