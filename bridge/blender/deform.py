"""A control rig as the plain skeleton that it deforms with, for games: one root, no controls, no constraints.

Exporting "only deform bones" of a control rig still writes what those hang on, and leaves some without a parent. Here
the deforming bones become an armature of their own, each hung on the nearest deforming bone above it, with the pose
that Blender evaluates baked onto it. Bones that carry a mesh (a hat on the head's control) come along.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np
from mathutils import Matrix

from ...core.jobs import MotionLiftError
from ...core.rotation import Array, conjugate, continuous, from_scaled, multiply, rotate
from ..rig import keyed_locations, keyed_rotations
from . import versions
from .key_curves import OBJECT_GROUP, write_curves
from .rigs import read_rig
from .visible import selectable

ORIGINAL, DEFORMING = "ORG-", "DEF-"
"""Rigify's names: what a deforming bone hangs on is often the original of another one."""
TWIN_APART = 0.02
"""By how much of its length a control may lie apart at rest from the deforming bone that it stands for."""


def baked_skeleton(figure: bpy.types.Object, first_frame: int, frames: int) -> bpy.types.Object:
    """A new armature object, in the place of `figure` and with its name, that moves as its deforming bones do.

    What `figure` deforms and carries is deformed and carried by the new armature, whose object goes where that of
    `figure` goes. For a file that is exported and not saved. Raises `MotionLiftError` (`no_deform_bones`).
    """
    bones = figure.data.bones
    parents = deform_parents(figure.data, _carrying(figure))
    if not parents:
        raise MotionLiftError("no_deform_bones", f"{figure.name} has no bone that deforms.", "Export it as .blend.")
    rests = {name: bones[name].matrix_local.copy() for name in parents}
    lengths = {name: bones[name].length for name in parents}
    with selectable([figure]):
        poses, places = _evaluated(figure, list(parents), first_frame, frames)
    name, data_name = figure.name, figure.data.name
    figure.name, figure.data.name = f"{name}.controls", f"{data_name}.controls"
    skeleton = bpy.data.objects.new(name, bpy.data.armatures.new(data_name))
    bpy.context.scene.collection.objects.link(skeleton)
    skeleton.rotation_mode = "QUATERNION"
    skeleton.matrix_world = Matrix(places[0])
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
    _key(skeleton, poses, list(parents), places, first_frame)
    for item in bpy.data.objects:
        if item.parent == figure and item.type == "MESH":
            item.parent = skeleton
        for modifier in item.modifiers:
            if modifier.type == "ARMATURE" and modifier.object == figure:
                modifier.object = skeleton
    return skeleton


def drop_controls(figure: bpy.types.Object) -> bool:
    """Remove a control rig that `baked_skeleton` has replaced, unless something else still looks at it (a driver of a
    corrective shape, a constraint). Returns whether it is gone.

    Exporters evaluate every frame, and its hundreds of bones are what costs; and glTF's of 4.2 leaves the meshes that
    they are drawn with in a state in which Blender crashes.
    """
    holders = (bpy.types.Scene, bpy.types.Collection, bpy.types.Armature)
    users = bpy.data.user_map(subset=[figure])[figure]
    if not all(user == figure or isinstance(user, holders) for user in users):
        return False
    bpy.data.objects.remove(figure)
    bpy.context.view_layer.update()
    return True


def _carrying(figure: bpy.types.Object) -> list[str]:
    """The bones that meshes hang on."""
    hung = (item for item in bpy.data.objects if item.parent == figure and item.type == "MESH")
    return sorted({item.parent_bone for item in hung if item.parent_type == "BONE"} & set(figure.data.bones.keys()))


def deform_parents(armature: bpy.types.Armature, kept: Iterable[str] = ()) -> dict[str, str]:
    """For each deforming bone, and each of `kept`, parents first, the deforming one that it hangs on; all on one root,
    which is the rig's own where several have none."""
    bones = armature.bones
    deforming = [bone.name for bone in bones if bone.use_deform]
    if not deforming:
        return {}
    found = {name: _above(bones, name) for name in deforming}
    orphans = [name for name, parent in found.items() if not parent]
    if len(orphans) > 1:
        root = next((bone.name for bone in bones if bone.name.lower() == "root" and bone.parent is None), orphans[0])
        found |= {name: root for name in orphans if name != root}
        found[root] = ""
    top = next(name for name, parent in found.items() if not parent)
    found |= {name: _twin(bones, name) or _above(bones, name) or top for name in kept if name not in found}
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        if name and name not in ordered:
            add(found[name])
            ordered[name] = found[name]

    for name in found:
        add(name)
    return ordered


def _twin(bones: bpy.types.bpy_prop_collection, name: str) -> str:
    """The deforming bone that lies where a control lies at rest, and so moves with it."""
    control = bones[name]
    for bone in bones:
        apart = (bone.head_local - control.head_local).length + (bone.tail_local - control.tail_local).length
        if bone.use_deform and apart < TWIN_APART * control.length:
            return str(bone.name)
    return ""


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


def _evaluated(figure: bpy.types.Object, names: list[str], first_frame: int, frames: int) -> tuple[Array, Array]:
    """The bones' pose matrices (F, B, 4, 4) in armature space, and where the object is (F, 4, 4)."""
    scene = bpy.context.scene
    poses, places = np.empty((frames, len(names), 4, 4)), np.empty((frames, 4, 4))
    for frame in range(frames):
        scene.frame_set(first_frame + frame)
        evaluated = figure.evaluated_get(bpy.context.evaluated_depsgraph_get())
        poses[frame] = [evaluated.pose.bones[name].matrix for name in names]
        places[frame] = evaluated.matrix_world
    return poses, places


def _key(skeleton: bpy.types.Object, poses: Array, names: list[str], places: Array, first_frame: int) -> None:
    rig = read_rig(skeleton)
    order = [names.index(name) for name in rig.names]
    poses = poses[:, order]
    heads = poses[..., :3, 3]
    turns = multiply(from_scaled(poses[..., :3, :3]), conjugate(rig.rotations))
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
    if np.ptp(places, axis=0).max() > 1e-6:
        write_curves(curves, "location", times, places[:, :3, 3], OBJECT_GROUP)
        write_curves(curves, "rotation_quaternion", times, continuous(from_scaled(places[:, :3, :3])), OBJECT_GROUP)
