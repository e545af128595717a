"""What the ledger remembers when a system goes away in the middle of a write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stsync.businesscentral.problems import reason_for
from stsync.core.operations import Operation, Verb
from stsync.engine.apply.protocol import Protocol, Sent
from stsync.errors import SystemUnavailable
from stsync.state import State

CREATE = Operation("invoices:5:create", "invoices", "5", Verb.CREATE, "salesInvoices", "ST-5", "new", body={"a": 1})


def test_a_write_that_stopped_halfway_stays_an_intent_and_is_taken_up_under_the_same_key(tmp_path: Path) -> None:
    def halfway(_body: dict[str, Any], _target: str, _parent: str) -> Sent:
        # The draft was made; reading its lines found nobody at home.
        raise SystemUnavailable("system-unavailable", "down")

    with State.open(tmp_path / "stsync.db") as state:
        protocol = Protocol(state, "run-1", explain=reason_for)
        with pytest.raises(SystemUnavailable):
            protocol.perform(CREATE, halfway)
        assert [row.key for row in state.ledger.intended()] == [CREATE.key]
        protocol.perform(CREATE, lambda _body, _target, _parent: Sent("guid", "1001"))
        assert list(state.ledger.intended()) == []
        row = state.ledger.find(CREATE.key)
        assert row is not None
        assert (row.state, row.target_id) == ("done", "guid")
