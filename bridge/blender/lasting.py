"""Data blocks that are held while Blender goes on: a name may become another's, and undo makes everything anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import bpy

Block = TypeVar("Block", bound=bpy.types.ID)


def with_uid(blocks: Iterable[Block], uid: int) -> Block | None:
    """The one of `blocks` with this `session_uid`, which no other gets as long as the file is open, and which undo
    keeps; None where it is gone, and for 0, which none has."""
    return next((block for block in blocks if block.session_uid == uid), None) if uid else None
