"""Which companies were meant, and that none of them is meant twice."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stsync.errors import StsyncError, UsageError

if TYPE_CHECKING:
    from stsync.config.model import Config

_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Company:
    """One configuration file; `name` is what people call it, and no other company here is called the same.

    `tenant` is its ServiceTitan tenant, None where the file could not be read.
    """

    name: str
    path: Path
    tenant: int | None = None


def asks_for_several(configs: Sequence[Path], parallel: int | None) -> bool:
    """Whether more than one company may be meant: then the answer is a summary, however many there are."""
    return len(configs) > 1 or parallel is not None or any(_is_pattern(one) or one.is_dir() for one in configs)


def companies(configs: Sequence[Path]) -> tuple[Company, ...]:
    """One company for each file, in the order given; a folder means its YAML files, a pattern what it matches.

    None given means the usual one. A file that cannot be read or is wrong is a company too: its own run says so, and the
    others run. Raises UsageError 'config-not-found' where nothing is meant, and 'company-twice'.
    """
    from stsync.config.load import find

    paths = [path for one in configs for path in _files(one)] or [find()]
    read = [_config(path) for path in paths]
    _refuse_twice(paths, read)
    names = [config.business_central.company_name if config else None for config in read]
    return tuple(
        Company(
            name if name and names.count(name) == 1 else _by_file(name, path),
            path,
            config.servicetitan.tenant_id if config else None,
        )
        for name, path, config in zip(names, paths, read, strict=True)
    )


def secrets_for_all(companies: Sequence[Company], environ: Mapping[str, str]) -> str:
    """A warning where the environment gives several tenants the same ServiceTitan client: it belongs to one of them, and
    `stsync auth set`, which the refusal of the others would advise, is asked only after the environment."""
    from stsync.credentials.names import SECRETS, SERVICETITAN_CLIENT_ID, SERVICETITAN_CLIENT_SECRET

    tenants = {one.tenant for one in companies if one.tenant is not None}
    ours = [one for one in SECRETS if one.name in {SERVICETITAN_CLIENT_ID, SERVICETITAN_CLIENT_SECRET}]
    given = [name for one in ours for name in (one.variable, one.file_variable) if environ.get(name)]
    if len(tenants) < 2 or not given:
        return ""
    return (
        f"the environment gives every company here {' and '.join(given)}, and these are {len(tenants)} ServiceTitan "
        "tenants: a client belongs to one of them, and the others will be refused. Take it out of the environment, and store "
        "each company's own with: stsync auth set --config FILE"
    )


def _by_file(name: str | None, path: Path) -> str:
    return f"{name} ({path})" if name else str(path)


def _files(given: Path) -> list[Path]:
    """Windows hands a pattern over as it was typed; elsewhere it arrives so when it stands in quotes."""
    path = given.expanduser()
    if path.is_dir():
        return _some(sorted(file for file in path.iterdir() if file.suffix.lower() in _ENDINGS), f"{path} holds")
    if _is_pattern(path):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - takes any path
        return _some([file for file in found if file.is_file()], f"{path} matches")
    return [path]


def _is_pattern(path: Path) -> bool:
    # A file may be called [west].yaml.
    return glob.has_magic(str(path)) and not path.exists()


def _some(files: list[Path], lacking: str) -> list[Path]:
    if files:
        return files
    raise UsageError(
        "config-not-found",
        f"{lacking} no configuration file. Nothing was read or written.",
        hint="Name the files, or a folder with nothing but them, with --config.",
    )


def _config(path: Path) -> Config | None:
    from stsync.config.load import find, load

    try:
        return load(find(path))
    except StsyncError:
        return None


def _refuse_twice(paths: Sequence[Path], read: Sequence[Config | None]) -> None:
    """Two runs of one company at once would only stop each other; a shared state file would mix two companies."""
    seen: dict[str, Path] = {}
    for path, config in zip(paths, read, strict=True):
        for what, identity in _identities(path, config):
            if identity in seen:
                raise _twice(what, seen[identity], path)
            seen[identity] = path


def _identities(path: Path, config: Config | None) -> Iterator[tuple[str, str]]:
    from stsync.credentials.names import Identity

    yield "are the same file", f"file {_real(path)}"
    if config is not None:
        yield "name the same state file", f"state {_real(Path(str(config.state)))}"
        yield "name the same ServiceTitan tenant and Business Central company", Identity.of(config).service


def _real(path: Path) -> str:
    return os.path.normcase(path.expanduser().resolve())


def _twice(what: str, first: Path, second: Path) -> UsageError:
    return UsageError(
        "company-twice",
        f"{first} and {second} {what}. No company was started; nothing was read or written.",
        hint="Each company has one configuration file and one state file of its own. Name each once.",
    )
