"""Whether someone has edited an Action since we wrote it."""

from __future__ import annotations

import bpy

from . import contacts, versions
from .curve_prints import joined, prints_of
from .written import PRINT, owner_in, written_paths


def fingerprint(action: bpy.types.Action) -> str:
    """A hash of the curves that we wrote into `action`, of all curves where we wrote none: see `curve_print`.

    Contacts are left out: they are there to be edited. What else an animator has put into the Action is not at stake.
    """
    paths = written_paths(action)
    if paths is not None:
        return joined(prints_of(owner_in(action, paths), paths))
    prints = {name: each for owner in versions.curve_owners(action) for name, each in prints_of(owner).items()}
    return joined({name: each for name, each in prints.items() if not contacts.is_ours(name[0])})


def fingerprint_as_written(action: bpy.types.Action) -> str:
    """What `fingerprint` was when we wrote the Action; of one that we did not write, what it is now."""
    stored = action.get(PRINT)
    return stored if isinstance(stored, str) else fingerprint(action)


def is_as_written(action: bpy.types.Action) -> bool:
    """Whether an Action of ours holds our keys unchanged; one that is not ours does not."""
    stored = action.get(PRINT)
    return isinstance(stored, str) and stored == fingerprint(action)
