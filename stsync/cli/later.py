"""Commands whose modules are imported when they are typed, and not before.

Importing all of them and putting their options together cost 90 ms of every start, which a person waits for at each
Tab. The list of commands needs no more than a name and a line for each.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from stsync.cli.options import refuse_second_config

if TYPE_CHECKING:
    from typer._click import Command


@dataclass(frozen=True)
class Later:
    """A command as the list shows it, and where it is: `sync.sync_customers` is a function, or a group, of cli/sync.py.

    `epilog` names what stands below its help, in the same module.
    """

    name: str
    short_help: str
    where: str
    epilog: str | None = None

    @functools.cached_property
    def command(self) -> Command:
        """The command itself, with its options."""
        module_name, name = self.where.split(".")
        module = importlib.import_module(f"stsync.cli.{module_name}")
        found = getattr(module, name)
        around = typer.Typer(rich_markup_mode=None, add_completion=False)
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=self.name, short_help=self.short_help)
        else:
            epilog = getattr(module, self.epilog) if self.epilog else None
            around.command(self.name, short_help=self.short_help, epilog=epilog)(found)
        return get_group(around).commands[self.name]


def group_of(entries: tuple[Later, ...]) -> type[TyperGroup]:
    """A group of these commands, for `typer.Typer(cls=...)`."""
    by_name = {entry.name: entry for entry in entries}

    class Group(TyperGroup):
        """Lists its commands by name and line, and loads the one that is typed."""

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = {one.name: TyperCommand(one.name, short_help=one.short_help) for one in entries}

        def get_params(self, ctx: Any) -> list[Any]:
            found: list[Any] = super().get_params(ctx)
            for one in found:
                if one.is_flag and one.default is None:
                    # typer's own two flags. It loads pydantic (0.07 s) to learn what None is as a yes or no.
                    one.default = False
            return found

        def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
            name, _, rest = super().resolve_command(ctx, args)
            refuse_second_config(name, rest)
            return name, by_name[name].command if name else None, rest

    return Group
