"""A control rig as the plain skeleton that it deforms with, for games: one root, no controls, no constraints.

Exporting "only deform bones" of a control rig still writes what those hang on, and leaves some without a parent. Here
the deforming bones become an armature of their own, each hung on the nearest deforming bone above it, with the pose
that Blender evaluates baked onto it.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...core.jobs import MotionLiftError
from ...core.rotation import Array, conjugate, continuous, from_matrix, multiply, normalise, rotate
from ..rig import keyed_locations, keyed_rotations
from . import versions
from .key_curves import write_curves
from .rigs import read_rig
from .visible import selectable

ORIGINAL, DEFORMING = "ORG-", "DEF-"
"""Rigify's names: what a deforming bone hangs on is often the original of another one."""


def baked_skeleton(figure: bpy.types.Object, first_frame: int, frames: int) -> bpy.types.Object:
    """A new armature object, in the place of `figure` and with its name, that moves as its deforming bones do.

    What `figure` deforms is deformed by the new armature. For a file that is exported and not saved. Raises
    `MotionLiftError` (`no_deform_bones`).
    """
    bones = figure.data.bones
    parents = deform_parents(figure.data)
    if not parents:
        raise MotionLiftError("no_deform_bones", f"{figure.name} has no bone that deforms.", "Export it as .blend.")
    rests = {name: bones[name].matrix_local.copy() for name in parents}
    lengths = {name: bones[name].length for name in parents}
    with selectable([figure]):
        poses = _evaluated(figure, list(parents), first_frame, frames)
    name, data_name = figure.name, figure.data.name
    figure.name, figure.data.name = f"{name}.controls", f"{data_name}.controls"
    skeleton = bpy.data.objects.new(name, bpy.data.armatures.new(data_name))
    bpy.context.scene.collection.objects.link(skeleton)
    skeleton.matrix_world = figure.matrix_world
    bpy.context.view_layer.objects.active = skeleton
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, parent in parents.items():
        made = skeleton.data.edit_bones.new(bone)
        made.length = lengths[bone]
        made.matrix = rests[bone]
        made.parent = skeleton.data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in parents:
        skeleton.data.bones[bone].use_deform = bones[bone].use_deform
    _key(skeleton, poses, list(parents), first_frame)
    for item in bpy.data.objects:
        if item.parent == figure and item.type == "MESH":
            item.parent = skeleton
        for modifier in item.modifiers:
            if modifier.type == "ARMATURE" and modifier.object == figure:
                modifier.object = skeleton
    return skeleton


def drop_controls(figure: bpy.types.Object) -> None:
    """Remove a control rig that `baked_skeleton` has replaced, unless something else still looks at it (a driver of a
    corrective shape, a constraint).

    Exporters evaluate every frame, and its hundreds of bones are what costs; and glTF's of 4.2 leaves the meshes that
    they are drawn with in a state in which Blender crashes.
    """
    holders = (bpy.types.Scene, bpy.types.Collection, bpy.types.Armature)
    users = bpy.data.user_map(subset=[figure])[figure]
    if all(user == figure or isinstance(user, holders) for user in users):
        bpy.data.objects.remove(figure)
        bpy.context.view_layer.update()


def deform_parents(armature: bpy.types.Armature) -> dict[str, str]:
    """For each deforming bone, parents first, the one that it hangs on; all on one root, which is the rig's own where
    several have none."""
    bones = armature.bones
    deforming = [bone.name for bone in bones if bone.use_deform]
    found = {name: _above(bones, name) for name in deforming}
    orphans = [name for name, parent in found.items() if not parent]
    if len(orphans) > 1:
        root = next((bone.name for bone in bones if bone.name.lower() == "root" and bone.parent is None), orphans[0])
        found |= {name: root for name in orphans if name != root}
        found[root] = ""
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        if name and name not in ordered:
            add(found[name])
            ordered[name] = found[name]

    for name in found:
        add(name)
    return ordered


def _above(bones: bpy.types.bpy_prop_collection, name: str) -> str:
    bone = bones[name].parent
    while bone is not None:
        if bone.use_deform:
            return str(bone.name)
        twin = bones.get(DEFORMING + bone.name.removeprefix(ORIGINAL)) if bone.name.startswith(ORIGINAL) else None
        if twin is not None and twin.use_deform and twin.name != name:
            return str(twin.name)
        bone = bone.parent
    return ""


def _evaluated(figure: bpy.types.Object, names: list[str], first_frame: int, frames: int) -> Array:
    """The bones' pose matrices (F, B, 4, 4) in armature space."""
    scene = bpy.context.scene
    poses = np.empty((frames, len(names), 4, 4))
    for frame in range(frames):
        scene.frame_set(first_frame + frame)
        posed = figure.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        poses[frame] = [posed[name].matrix for name in names]
    return poses


def _key(skeleton: bpy.types.Object, poses: Array, names: list[str], first_frame: int) -> None:
    rig = read_rig(skeleton)
    order = [names.index(name) for name in rig.names]
    poses = poses[:, order]
    heads = poses[..., :3, 3]
    axes = np.swapaxes(normalise(np.swapaxes(poses[..., :3, :3], -1, -2)), -1, -2)
    turns = multiply(from_matrix(axes), conjugate(rig.rotations))
    action = bpy.data.actions.new(f"{skeleton.name}.baked")
    curves = versions.assign_action(skeleton, action)
    times = np.arange(first_frame, first_frame + len(poses), dtype=np.float64)
    still = np.broadcast_to(np.array([1.0, 0.0, 0.0, 0.0]), turns[:, 0].shape)
    for bone, parent in enumerate(rig.parents):
        parent_turn = still if parent < 0 else turns[:, parent]
        carried = np.broadcast_to(rig.heads[bone], heads[:, bone].shape)
        if parent >= 0:
            carried = heads[:, parent] + rotate(parent_turn, rig.heads[bone] - rig.heads[parent])
        path = skeleton.pose.bones[rig.names[bone]].path_from_id()
        rotations = continuous(keyed_rotations(rig, bone, turns[:, bone], parent_turn))
        locations = keyed_locations(rig, bone, heads[:, bone], carried, parent_turn)
        write_curves(curves, f"{path}.rotation_quaternion", times, rotations, rig.names[bone])
        write_curves(curves, f"{path}.location", times, locations, rig.names[bone])
