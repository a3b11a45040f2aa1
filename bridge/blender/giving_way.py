"""Which curves of an Action give way to a take, and which an animator made stay where the take would be written.

A first take has the bones that it keys to itself: the Action before stays as it was. A take that is written again takes
the place of what we wrote before; whatever an animator added since comes along, also on bones of the take.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from ..channels import ROTATIONS
from .curve_prints import CurveName, name_of
from .edits import SAME
from .written import Written, names_in, sampled, written_in

NO_CURVES: frozenset[CurveName] = frozenset()


@dataclass(frozen=True)
class GivingWay:
    """dropped: the curves that give way; theirs: those that are not written, because an animator's own are there."""

    dropped: frozenset[CurveName]
    theirs: frozenset[CurveName] = NO_CURVES


def before_another_solve(action: bpy.types.Action | None, curves: Any, wanted: Collection[CurveName]) -> GivingWay:
    """Of `action`, whose curves lie in `curves`, where the curves `wanted` are about to be written again.

    A bone that an animator keyed before it had a part in the take stays theirs. In a rotation mode that was changed
    since, their keys are edits of what we wrote, and give way as those do: whoever is here has them, or was refused.
    Curves of ours that the take no longer has go too, unless they were edited by hand.
    """
    ours = None if action is None else names_in(action)
    if action is None or curves is None or ours is None:
        return GivingWay(frozenset(wanted))
    there = {name_of(curve) for curve in curves.fcurves}
    paths, parts = {path for path, _ in ours}, {_part(path) for path, _ in ours}
    strange = (there - ours) & set(wanted)
    own = {path for path, _ in strange if _part(path) not in parts}
    theirs = {name for name in wanted if name[0] in own or (name in strange and name[0] in paths)}
    replaced = {_part(path) for path, _ in set(wanted) - theirs}
    left = {path for path, _ in ours - set(wanted) if _part(path) not in replaced}
    written = written_in(action) if left else None
    stays = {path for path in left if written is not None and _is_edited(path, curves, written)}
    dropped = {name for name in ours if name[0] not in stays} | (set(wanted) - theirs)
    return GivingWay(frozenset(dropped), frozenset(theirs))


def _part(path: str) -> str:
    """What a path moves: all rotations of a bone are one."""
    owner, _, name = path.rpartition(".")
    return f"{owner}.rotation" if name in ROTATIONS else path


def _is_edited(path: str, curves: Any, written: Written) -> bool:
    """Whether some curve of ours on `path` is not what we wrote."""
    values: Mapping[CurveName, Array] = {
        **{(path, index): row for (other, index, _), row in zip(written.curves, written.values, strict=True)
           if other == path},
        **{(switch, 0): np.array([value]) for switch, value in written.switches.items() if switch == path},
    }  # fmt: skip
    for (_, index), expected in values.items():
        curve = curves.fcurves.find(path, index=index)
        if curve is None:
            continue
        ends = [curve.keyframe_points[end].co[0] for end in (0, -1)] if len(curve.keyframe_points) else []
        if any(not written.first_frame - 0.5 <= frame <= written.first_frame + len(expected) - 0.5 for frame in ends):
            return True
        if np.abs(sampled(curve, written.first_frame, len(expected)) - expected).max() > SAME:
            return True
    return False
