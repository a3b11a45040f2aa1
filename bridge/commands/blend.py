"""What commands do with .blend files: Blender's `bpy` is asked for only here, and only when it is needed."""

from __future__ import annotations

import importlib.util

from ...core.jobs import MotionLiftError
from ..rig import Rig


def need_bpy() -> None:
    """Raises `MotionLiftError` (`no_bpy`) where Blender's module is not installed."""
    if importlib.util.find_spec("bpy") is None:
        raise MotionLiftError(
            "no_bpy",
            "This needs Blender's module bpy, which is not installed here.",
            'Run pip install "motionlift[blender]", or retarget onto a BVH with --skeleton, which needs no Blender.',
        )


def read_blend_rig(place: str) -> Rig:
    """The rig of `file.blend` or `file.blend:Armature`. Raises `MotionLiftError`: see `blender.files`."""
    need_bpy()
    from ..blender.files import opened_armature
    from ..blender.rigs import read_rig

    return read_rig(opened_armature(place))
