"""A `Motion` as an armature of its own, keyed bone by bone.

Each joint becomes a bone from the joint to its tail, at rest in the T-pose; armature space is the motion's world.
A joint's frame is parallel to the world at rest while a bone has axes R of its own (Y along the bone), so a local
rotation L of the joint is R^-1 L R of the bone, and the root's way is turned by R^-1: with G the joint's world
rotation the bone stands at G R, and Blender composes it as (G_parent R_parent)(R_parent^-1 R) B.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ...core.motion import SUFFIX, Motion
from ...core.rotation import Array, conjugate, continuous, from_matrix, multiply, rotate
from ..bvh import evenly_sampled
from ..rig import QUATERNION
from . import versions
from .key_curves import write_curves
from .written import remember

SAME_SIZE = 2e-3
"""Figures whose bones are that nearly as long, as a share, are of one size."""
SHORTEST_BONE = 1e-3
"""Blender removes bones of no length without a word."""
LONGEST_NAME = 56
"""Bytes; Blender before 5.0 holds 63, and a number follows."""
STUB = (0.0, 0.0, 0.05)
FRONT, UP = (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)


def take_name(path: Path) -> str:
    """What to call the object and the Action of a motion file: its name without `.motion.npz`."""
    return path.name[: -len(SUFFIX)] if path.name.lower().endswith(SUFFIX) else path.stem


def free_name(name: str) -> str:
    """`name`, or `name_t02`, `name_t03` ... where an object, an armature or an Action has it already.

    Cut to what the data names of every version hold.
    """
    name = name.encode()[:LONGEST_NAME].decode(errors="ignore")
    taken = {*bpy.data.objects.keys(), *bpy.data.armatures.keys(), *bpy.data.actions.keys()}
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name}_t{count:02d}"
    return free


def add_figure(context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
    """A new armature object in the active collection that moves as `motion` does, from the scene's first frame on.

    The motion is resampled to the scene's rate where it has another. Object, armature and Action are called
    `free_name(name)`. Object Mode is needed; selection, active object, frame, range and rate of the scene stay as
    they were, and when something fails nothing remains.
    """
    scene = context.scene
    motion = evenly_sampled(motion, scene.render.fps / scene.render.fps_base)
    name = free_name(name)
    with contextlib.ExitStack() as failing:
        failing.callback(_remove, name)
        figure = bpy.data.objects.new(name, bpy.data.armatures.new(name))
        _build_bones(context, figure, motion)
        _animate(figure, motion, scene.frame_start)
        context.collection.objects.link(figure)
        failing.pop_all()
    return figure


def _build_bones(context: bpy.types.Context, figure: bpy.types.Object, motion: Motion) -> None:
    heads = np.zeros_like(motion.rest_offsets)
    with _edited(context, figure):
        bones = figure.data.edit_bones
        for joint, (name, parent) in enumerate(zip(motion.joint_names, motion.parents, strict=True)):
            heads[joint] = motion.rest_offsets[joint] + (heads[parent] if parent >= 0 else 0.0)
            tail = motion.rest_tails[joint]
            if np.linalg.norm(tail) < SHORTEST_BONE:
                tail = np.array(STUB)
            bone = bones.new(name)
            bone.head, bone.tail = heads[joint], heads[joint] + tail
            # Z to the front, so that knees and the spine bend about X; up for bones that point to the front.
            bone.align_roll(UP if abs(tail[1]) > 0.7 * np.linalg.norm(tail) else FRONT)
            bone.parent = bones[motion.joint_names[parent]] if parent >= 0 else None


def rewrite_figure(figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
    """Give the Action of a figure that `add_figure` made the keys of `motion`, of the same joints, and its range.

    The bones stay as they are where the motion's figure is as large: another solve changes their lengths by a
    millimetre at most; else they are scaled to its size. Curves that we do not write stay too.
    """
    _resize(figure, motion)
    curves, action = versions.current_curves(figure.animation_data), figure.animation_data.action
    roots = [name for name, parent in zip(motion.joint_names, motion.parents, strict=True) if parent < 0]
    ours = {f"{figure.pose.bones[name].path_from_id()}.rotation_quaternion" for name in motion.joint_names}
    ours |= {f"{figure.pose.bones[name].path_from_id()}.location" for name in roots}
    for curve in list(curves.fcurves):
        if curve.data_path in ours:
            curves.fcurves.remove(curve)
    _key(figure, action, curves, motion, first_frame)


def _resize(figure: bpy.types.Object, motion: Motion) -> None:
    """Scale the figure's bones to the size of the motion's, where that is another."""
    bones = figure.data.bones
    ratios = [
        float(np.linalg.norm(motion.rest_offsets[joint])) / length
        for joint, (name, parent) in enumerate(zip(motion.joint_names, motion.parents, strict=True))
        if parent >= 0
        and (length := (bones[name].head_local - bones[motion.joint_names[parent]].head_local).length) > SHORTEST_BONE
    ]
    size = float(np.median(ratios))
    if abs(size - 1) > SAME_SIZE:
        figure.data.transform(Matrix.Scale(size, 4))
        # Blender does not notice by itself.
        figure.data.update_tag()


def _animate(figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
    action = bpy.data.actions.new(figure.name)
    action.use_fake_user = True
    curves = versions.assign_action(figure, action)
    for name in motion.joint_names:
        figure.pose.bones[name].rotation_mode = "QUATERNION"
    _key(figure, action, curves, motion, first_frame)


def _key(figure: bpy.types.Object, action: bpy.types.Action, curves: Any, motion: Motion, first_frame: int) -> None:
    frames: Array = np.arange(first_frame, first_frame + len(motion), dtype=np.float64)
    action.use_frame_range = True
    action.frame_start, action.frame_end = frames[0], frames[-1]
    listed: list[tuple[str, int, str]] = []
    for joint, name in enumerate(motion.joint_names):
        bone = figure.pose.bones[name]
        rest = bone.bone.matrix_local
        turn = from_matrix(np.array(rest.to_3x3(), float))
        path = bone.path_from_id()
        if motion.parents[joint] < 0:
            way: Array = rotate(conjugate(turn), motion.root_translation - np.array(rest.translation, float))
            write_curves(curves, f"{path}.location", frames, way, name)
            listed += [(f"{path}.location", index, "") for index in range(3)]
        rotations = continuous(multiply(multiply(conjugate(turn), motion.local_rotations[:, joint]), turn))
        write_curves(curves, f"{path}.rotation_quaternion", frames, rotations, name)
        listed += [(f"{path}.rotation_quaternion", index, QUATERNION) for index in range(4)]
    remember(action, curves, listed, {}, first_frame, len(motion), motion.fps)


@contextlib.contextmanager
def _edited(context: bpy.types.Context, figure: bpy.types.Object) -> Iterator[None]:
    """Edit Mode on `figure` alone, which is in the scene for as long as the block lasts.

    In the scene's own collection, which is never hidden: a hidden object cannot be edited.
    """
    objects, collection = context.view_layer.objects, context.scene.collection
    active, selected = objects.active, list(context.selected_objects)
    collection.objects.link(figure)
    try:
        for other in selected:
            other.select_set(False)
        objects.active = figure
        bpy.ops.object.mode_set(mode="EDIT")
        yield
    finally:
        if figure.mode == "EDIT":
            bpy.ops.object.mode_set(mode="OBJECT")
        collection.objects.unlink(figure)
        for other in selected:
            other.select_set(True)
        objects.active = active


def _remove(name: str) -> None:
    for items in (bpy.data.objects, bpy.data.armatures, bpy.data.actions):
        if name in items:
            items.remove(items[name])
