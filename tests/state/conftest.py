from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from state_samples import Clock

from stsync.state import State


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books" / "state.db"


@pytest.fixture
def state(path: Path, clock: Clock) -> Iterator[State]:
    with State.open(path, now=clock) as opened:
        yield opened
