"""An armature object of Blender as a `Rig`."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

import bpy
import numpy as np

from ...core.jobs import MotionLiftError
from ...core.rotation import from_matrix
from ..humanoid import RigMap
from ..keying import location_locked
from ..rig import Rig, checked_rig, make_rig
from .untouched import untouched_world
from .versions import current_curves

FIGHTING = {
    "COPY_ROTATION", "COPY_TRANSFORMS", "TRANSFORM", "DAMPED_TRACK", "TRACK_TO", "LOCKED_TRACK", "IK", "SPLINE_IK",
    "ARMATURE", "ACTION", "STRETCH_TO",
}  # fmt: skip
"""Constraints that decide how a bone is turned, whatever it is keyed to."""


TURNS = {"rotation_quaternion", "rotation_euler", "rotation_axis_angle"}
MOST_NAMED = 6

SOLVER_STRETCH = "ik_stretch"
"""The one switch that is no custom property: how much Blender's IK solver may change a bone's length."""


def read_rig(figure: bpy.types.Object, action: bpy.types.Action | None = None) -> Rig:
    """The armature at rest, where it stands without its take, with what may be keyed on it. `action`: the take, where
    it plays as a strip.

    Raises `MotionLiftError`: `no_armature` for another kind of object, and as `checked_rig`.
    """
    if figure is None or figure.type != "ARMATURE":
        raise MotionLiftError("no_armature", "There is no armature to animate.", "Select an armature.")
    bones = figure.data.bones
    names = [bone.name for bone in bones]
    place = {name: index for index, name in enumerate(names)}
    posed = [figure.pose.bones[name] for name in names]
    matrices = np.array([np.array(bone.matrix_local) for bone in bones], float).reshape(-1, 4, 4)
    return checked_rig(
        Rig(
            names=tuple(names),
            parents=np.array([place[bone.parent.name] if bone.parent else -1 for bone in bones], np.int64),
            heads=matrices[:, :3, 3],
            tails=np.array([bone.tail_local for bone in bones], float).reshape(-1, 3),
            rotations=from_matrix(matrices[:, :3, :3]),
            world=untouched_world(figure, action),
            rotation_modes=tuple(bone.rotation_mode for bone in posed),
            locked_location=np.array([bone.lock_location for bone in posed], bool).reshape(-1, 3),
            locked_rotation=np.array([_rotation_locks(bone) for bone in posed], bool).reshape(-1, 4),
            connected=np.array([bone.use_connect and bone.parent is not None for bone in bones], bool),
            inherits_rotation=np.array([bone.use_inherit_rotation for bone in bones], bool),
            local_location=np.array([bone.use_local_location for bone in bones], bool),
            end_points=np.ones(len(names), bool),
        )
    )


def read_tree(figure: bpy.types.Object) -> Rig:
    """The names and parents of the armature's bones alone, at the origin: what matching needs, and quick."""
    bones = figure.data.bones
    place = {name: index for index, name in enumerate(bones.keys())}
    parents = [place[bone.parent.name] if bone.parent else -1 for bone in bones]
    points = np.zeros((len(place), 3))
    return make_rig(tuple(place), parents, points, points)


def _rotation_locks(bone: bpy.types.PoseBone) -> list[bool]:
    """w, x, y, z; w only counts where rotations are locked by their four numbers."""
    return [bone.lock_rotations_4d and bone.lock_rotation_w, *bone.lock_rotation]


def check_editable(figure: bpy.types.Object) -> None:
    """Raises `MotionLiftError` where keys cannot be written: `edit_mode`, `linked_rig`."""
    if figure.mode == "EDIT":
        raise MotionLiftError(
            "edit_mode", f"{figure.name} is in Edit Mode.", "Leave Edit Mode (Tab), then it can be animated."
        )
    if figure.library is not None:
        raise MotionLiftError(
            "linked_rig", f"{figure.name} is linked from {figure.library.filepath} and cannot be animated here.",
            "Make a library override first (Object > Library Override > Make).",
        )  # fmt: skip
    override = figure.override_library
    if override is not None and override.is_system_override:
        raise MotionLiftError(
            "linked_rig", f"The library override of {figure.name} cannot be edited.",
            "Make it editable: in the Outliner, right-click > Library Override > Make > Selected & Content.",
        )  # fmt: skip


def hindrances(
    figure: bpy.types.Object, turned: Iterable[str], travels: bool, targets: Container[str] = ()
) -> list[str]:
    """Why `figure` will not be seen doing what is keyed, in words. `turned`: the bones with keyed rotations; `travels`:
    whether the object shall go; `targets`: bones that are keyed so that IK to them, or to what hangs on them, does what
    the limb's own keys do."""
    found = []
    if figure.data.pose_position == "REST":
        found.append(f"{figure.name} is in Rest Position and shows no pose: choose Pose Position in its armature.")
    if travels and any(figure.lock_location):
        found.append(location_locked(figure.name, figure.lock_location))
    if overruled := _overruled(figure, turned, targets):
        listed = [f"{bone} ({', '.join(why)})" for bone, why in list(overruled.items())[:MOST_NAMED]]
        more = f" and {len(overruled) - MOST_NAMED} more" if len(overruled) > MOST_NAMED else ""
        found.append(f"These bones do not show their keys until you mute what holds them: {', '.join(listed)}{more}.")
    return found


def _overruled(figure: bpy.types.Object, names: Iterable[str], targets: Container[str]) -> dict[str, list[str]]:
    """The constraints and drivers that decide how bones are turned, by bone, among those called `names`. A constraint
    whose influence is keyed or driven is a switch, which stands as the take wants it."""
    animation = figure.animation_data
    drivers = [] if animation is None else [curve for curve in animation.drivers if not curve.mute]
    curves = None if animation is None else current_curves(animation)
    moved = {curve.data_path for curve in (*drivers, *(curves.fcurves if curves is not None else ()))}
    driven = {path for path, _, channel in (curve.data_path.rpartition(".") for curve in drivers) if channel in TURNS}
    found: dict[str, list[str]] = {}
    for name in names:
        bone = figure.pose.bones[name]
        why = [
            constraint.name
            for constraint in bone.constraints
            if constraint.type in FIGHTING and constraint.is_valid and not constraint.mute and constraint.influence > 0
            and not _goes_to(figure, constraint, targets)
            and moved.isdisjoint(f"{constraint.path_from_id()}.{switch}" for switch in ("influence", "mute", "enabled"))
        ]  # fmt: skip
        if why := [*why, *["driver"] * (bone.path_from_id() in driven)]:
            found[name] = why
    return found


def _goes_to(figure: bpy.types.Object, constraint: bpy.types.Constraint, targets: Container[str]) -> bool:
    """Whether it is IK to one of the `targets` or to what hangs on one."""
    if constraint.type != "IK" or constraint.target != figure:
        return False
    goal = figure.data.bones.get(constraint.subtarget)
    return goal is not None and any(bone.name in targets for bone in (goal, *goal.parent_recursive))


def switch_values(figure: bpy.types.Object, rig_map: RigMap, limbs: str) -> Mapping[str, float]:
    """The values of the switches that the rig has, by the property's data path; `limbs` as in `RetargetOptions`."""
    values: dict[str, float] = {}
    for switch in rig_map.all_switches(limbs):
        bone: Any = figure.pose.bones.get(switch.bone)
        if bone is not None and switch.name in bone:
            values[f'{bone.path_from_id()}["{bpy.utils.escape_identifier(switch.name)}"]'] = switch.value
        elif bone is not None and switch.name == SOLVER_STRETCH:
            values[f"{bone.path_from_id()}.{SOLVER_STRETCH}"] = switch.value
    return values
