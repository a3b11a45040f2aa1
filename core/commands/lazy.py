"""Commands whose modules are imported when they are asked for: together they take as long as all else at the start."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

ROOT = __package__.removesuffix(".core.commands")


def group_of(places: Mapping[str, str], unlisted: frozenset[str] = frozenset()) -> type[TyperGroup]:
    """A group of the commands at `places`, by name: `module:name`, below our package, of a function, or of a `Typer`
    with commands of its own. Those of `unlisted` are not told in its help."""

    class LazyGroup(TyperGroup):
        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in places and cmd_name not in self.commands:
                self.commands[cmd_name] = _loaded(cmd_name, places[cmd_name])
            return super().get_command(ctx, cmd_name)

        def list_commands(self, ctx: Any) -> list[str]:
            return [name for name in places if name not in unlisted]

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            if args and args[0] not in places:
                # What the library guesses was meant are names that it has.
                for name in self.list_commands(ctx):
                    self.get_command(ctx, name)
            return super().resolve_command(ctx, args)

    return LazyGroup


def _loaded(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(f"{ROOT}.{module}"), attribute)
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(found)
    return get_command(alone)
