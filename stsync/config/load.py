"""The configuration file: where it is, and its content as a Config or as every problem at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stsync.config.checks import contradictions
from stsync.config.endpoints import environment_type
from stsync.config.merge import merge_mapping_file
from stsync.config.model import Config
from stsync.config.problems import model_problems, shown
from stsync.config.tree import Marked, read_marked
from stsync.errors import ConfigError, ConfigProblem, UsageError

VARIABLE = "STSYNC_CONFIG"
FILE_NAME = "config.yaml"
STATE_NAME = "stsync.db"
LARGEST = 5_000_000


def find(named: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file to use: `--config`, then STSYNC_CONFIG, then the usual places.

    Raises UsageError 'config-not-found', saying where was looked.
    """
    given = named or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if given is not None:
        path = given.expanduser()
        if path.is_file():
            return path
        raise _not_found(f"There is no configuration file {path}.")
    places = usual_places()
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = " and ".join(str(place) for place in places)
        raise _not_found(f"There is no configuration file; looked for {looked}.")
    return found


def usual_places() -> tuple[Path, Path]:
    """Where a configuration file is looked for when nobody names one."""
    from platformdirs import user_config_path

    return Path(FILE_NAME), user_config_path("stsync", appauthor=False) / FILE_NAME


def _not_found(message: str) -> UsageError:
    hint = f"Run stsync init to make one, or name it with --config or {VARIABLE}."
    return UsageError("config-not-found", message, hint=hint)


def load(path: Path) -> Config:
    """The configuration in this file, with its paths absolute and its defaults filled in.

    Relative paths count from the file's own folder; the state file lies beside it unless the file says
    otherwise. Raises ConfigError with every problem found, in the order of the file.
    """
    folder = path.resolve().parent
    marked = read_marked(_text(path))
    config = _checked(marked, folder, path.name)
    if config is None or marked.problems:
        ordered = sorted(set(marked.problems), key=lambda p: (p.line, p.column, p.path, p.message))
        raise ConfigError(str(path), ordered)
    return _completed(config, folder)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"The configuration file {path} cannot be read: {error.strerror}."
        raise UsageError("config-unreadable", message, hint="Check its name and its permissions.") from error
    if len(content) > LARGEST:
        raise ConfigError(str(path), [ConfigProblem(0, 0, "", "", "is larger than 5 MB, so it is not our file")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = "this line is not UTF-8 text; save the file with the encoding UTF-8"
        raise ConfigError(str(path), [ConfigProblem(line, 1, "", "", sentence)]) from error


def _checked(marked: Marked, folder: Path, name: str) -> Config | None:
    """The validated file; the problems are left in `marked`."""
    if () in marked.spoiled:
        return None
    tree = {} if marked.value is None else marked.value
    if not isinstance(tree, dict):
        marked.problems.append(marked.problem((), "the file has to consist of sections such as 'servicetitan:'"))
        return None
    merge_mapping_file(marked, folder, name)
    for finding in contradictions(tree):
        if not marked.is_spoiled(finding.path):
            sentence = f"'{shown(finding.found)}' {finding.sentence}"
            marked.problems.append(marked.problem(finding.path, sentence, shown(finding.found)))
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        marked.problems.extend(model_problems(error, marked))
        return None


def _completed(config: Config, folder: Path) -> Config:
    books = config.business_central
    changed: dict[str, Any] = {
        "state": _absolute(folder, config.state or STATE_NAME),
        "business_central": books.model_copy(
            update={
                "environment_type": environment_type(books),
                "certificate_file": _absolute(folder, books.certificate_file),
                "budget_folder": _absolute(folder, books.budget_folder),
            }
        ),
        "mapping": config.mapping.model_copy(update={"file": _absolute(folder, config.mapping.file)}),
    }
    return config.model_copy(update=changed)


def _absolute(folder: Path, given: str | None) -> str | None:
    return None if given is None else str(folder / Path(given).expanduser())
