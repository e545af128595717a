"""`stsync config`: check the configuration file, show what it comes to, and help to write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stsync.cli.options import ConfigOption, JsonOption, answering

if TYPE_CHECKING:
    from stsync.config.model import Config

app = typer.Typer(
    name="config",
    help="Check the configuration file, show what it comes to, and help to write it.",
    no_args_is_help=True,
)


@app.command()
@answering
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read the configuration file and list everything that is wrong in it, with its line."""
    from stsync.cli.console import emit_json, say

    path, loaded = _loaded(config)
    entries = {name: len(table) for name, table in loaded.mapping.tables().items()}
    if as_json:
        emit_json({"file": str(path), "problems": [], "mapping_entries": entries})
        return
    say(f"{path} is in order: {_direction(loaded)}, from {loaded.go_live}.")
    say("Mapping entries: " + ", ".join(f"{name} {count}" for name, count in entries.items()) + ".")


@app.command()
@answering
def schema(as_json: JsonOption = False) -> None:
    """Print the JSON Schema of the configuration file, for editors that help while one types."""
    from stsync.cli.console import emit_json
    from stsync.config.schema import json_schema

    emit_json(json_schema())


@app.command()
@answering
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show which systems, which company and which addresses the configuration comes to; no secrets."""
    from stsync.cli.console import emit_json, say
    from stsync.config.summary import summary

    path, loaded = _loaded(config)
    lines = summary(path, loaded)
    if as_json:
        emit_json(lines)
        return
    width = max(len(name) for name in lines)
    for name, value in lines.items():
        say(f"{name.replace('_', ' '):<{width}}  {value}")


@app.command()
@answering
def example() -> None:
    """Print a complete configuration file with every key explained, to start from."""
    from stsync.config.example import example as text

    typer.echo(text(), nl=False)


def _loaded(named: Path | None) -> tuple[Path, Config]:
    from stsync.config.load import find, load

    path = find(named)
    return path.resolve(), load(path)


def _direction(config: Config) -> str:
    titan, books = config.servicetitan, config.business_central
    return (
        f"ServiceTitan {titan.environment.upper()} tenant {titan.tenant_id} → Business Central "
        f"{(books.environment_type or 'unknown').upper()} {books.environment} / "
        f"{books.company_name or books.company_id}"
    )
