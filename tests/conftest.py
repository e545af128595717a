from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
import typer.testing


@pytest.fixture(scope="session")
def month_kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A month that was carried once for all tests: both systems as the sandbox keeps them, and our notes."""
    from kept_month import carry_once  # half of the tests never need the two systems

    return carry_once(tmp_path_factory.mktemp("carried"))


@pytest.fixture(scope="session", autouse=True)
def _commands_made_once() -> Iterator[None]:
    """A process makes the tree of commands once; here one process types hundreds of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", functools.lru_cache(maxsize=8)(typer.main.get_command))
        yield
