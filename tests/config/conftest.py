from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from config_files import LEAST

from stsync.config.load import load
from stsync.config.model import Config
from stsync.errors import ConfigError, ConfigProblem


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write a configuration file from text, by default the smallest valid one plus the given text."""

    def write(more: str = "", *, text: str | None = None) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text((LEAST if text is None else text) + more, encoding="utf-8")
        return path

    return write


@pytest.fixture
def loaded(written: Callable[..., Path]) -> Callable[..., Config]:
    return lambda more="", **kwargs: load(written(more, **kwargs))


@pytest.fixture
def problems(written: Callable[..., Path]) -> Callable[..., list[ConfigProblem]]:
    """The problems of a configuration file that has some."""

    def found(more: str = "", *, text: str | None = None) -> list[ConfigProblem]:
        with pytest.raises(ConfigError) as caught:
            load(written(more, text=text))
        return list(caught.value.problems)

    return found


@pytest.fixture
def problem(problems: Callable[..., list[ConfigProblem]]) -> Callable[..., ConfigProblem]:
    """The only problem of a configuration file that has one."""

    def only(more: str = "", *, text: str | None = None) -> ConfigProblem:
        found = problems(more, text=text)
        assert len(found) == 1, found
        return found[0]

    return only
