"""Whether someone has edited an Action since we wrote it."""

from __future__ import annotations

import hashlib

import bpy
import numpy as np

from . import contacts, versions
from .written import written_paths


def fingerprint(action: bpy.types.Action) -> str:
    """A hash of the curves that we wrote into `action`: their keys, interpolation, modifiers and whether they count.

    Handles are left out: those of LINEAR keys bend nothing, and Blender recalculates them. Contacts are left out:
    they are there to be edited. What else an animator has put into the Action is not at stake.
    """
    ours = written_paths(action)
    told = hashlib.sha256()
    for owner in versions.curve_owners(action):
        for curve in sorted(owner.fcurves, key=lambda curve: (curve.data_path, curve.array_index)):
            if contacts.is_ours(curve.data_path) or (ours is not None and curve.data_path not in ours):
                continue
            points = curve.keyframe_points
            keys, kinds = np.empty(2 * len(points), np.float32), np.empty(len(points), np.int32)
            points.foreach_get("co", keys)
            points.foreach_get("interpolation", kinds)
            modifiers = [modifier.type for modifier in curve.modifiers]
            told.update(f"{curve.data_path}[{curve.array_index}] {curve.mute} {modifiers}".encode())
            told.update(keys.tobytes() + kinds.tobytes())
    return told.hexdigest()[:32]
