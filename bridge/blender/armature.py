"""A `Motion` as an armature of its own, keyed bone by bone.

Each joint becomes a bone from the joint to its tail, at rest in the T-pose; armature space is the motion's world.
A joint's frame is parallel to the world at rest while a bone has axes R of its own (Y along the bone), so a local
rotation L of the joint is R^-1 L R of the bone, and the root's way is turned by R^-1: with G the joint's world
rotation the bone stands at G R, and Blender composes it as (G_parent R_parent)(R_parent^-1 R) B.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ...core.motion import SUFFIX, Motion
from ...core.rotation import Array, conjugate, continuous, from_matrix, multiply, rotate
from ..bvh import evenly_sampled
from ..rig import QUATERNION
from ..take_names import untaken
from .adding import collection_for_new
from .drafts import MARK, Draft, Keys, write_over
from .key_curves import Channel

SAME_SIZE = 2e-3
"""Figures whose bones are that nearly as long, as a share, are of one size."""
SHORTEST_BONE = 1e-3
"""Blender removes bones of no length without a word."""
LONGEST_NAME = 56
"""Bytes; Blender before 5.0 holds 63, and a number follows."""
SAME_WAY = 0.985
"""The cosine of 10 degrees: bones at rest whose ways differ by less are in one rest pose, whoever was lifted."""
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
    return untaken(name, taken.__contains__)


class FigureDraft(Draft):
    """The keys of `motion` for a figure of its own, which is made with it and which nobody sees until it is shown.

    Object Mode is needed, as for `add_figure`.
    """

    def __init__(self, context: bpy.types.Context, motion: Motion, name: str) -> None:
        figure = _new_figure(context, motion, free_name(name))
        figure[MARK] = True
        super().__init__(figure, keys_on_figure(figure, motion), context.scene.frame_start)

    def discard(self) -> None:
        """Throw away keys and figure, if they are still there."""
        super().discard()
        discard_lost_figures(self.figure)


def discard_lost_figures(name: str = "") -> None:
    """Throw away figures that were made for drafts and never shown: that called `name`, else all of them."""
    for figure in [bpy.data.objects.get(name)] if name else list(bpy.data.objects):
        if figure is not None and MARK in figure:
            bpy.data.armatures.remove(figure.data)


def add_figure(
    context: bpy.types.Context, motion: Motion, name: str, draft: FigureDraft | None = None
) -> bpy.types.Object:
    """A new armature object in `collection_for_new` that moves as `motion` does, from the scene's first frame on.

    The motion is resampled to the scene's rate where it has another. Object, armature and Action are called
    `free_name(name)`. Object Mode is needed; selection, active object, frame, range and rate of the scene stay as
    they were, and when something fails nothing remains. `draft`: where figure and keys were made beforehand, if they
    still fit.
    """
    scene = context.scene
    motion = evenly_sampled(motion, scene.render.fps / scene.render.fps_base)
    figure = None if draft is None else bpy.data.objects.get(draft.figure)
    if figure is None or draft is None or not draft.fits(figure, motion, scene.frame_start, {}):
        figure = _new_figure(context, motion, free_name(name))
        draft = None
    with contextlib.ExitStack() as failing:
        failing.callback(_remove, figure.name)
        shown = draft or Draft(figure, keys_on_figure(figure, motion), scene.frame_start)
        shown.show(figure).name = figure.name
        if MARK in figure:
            del figure[MARK]
        collection_for_new(context).objects.link(figure)
        failing.pop_all()
    return figure


def _new_figure(context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
    """An armature object with the bones of `motion`, in no collection."""
    with contextlib.ExitStack() as failing:
        failing.callback(_remove, name)
        figure = bpy.data.objects.new(name, bpy.data.armatures.new(name))
        _build_bones(context, figure, motion)
        for joint in motion.joint_names:
            figure.pose.bones[joint].rotation_mode = "QUATERNION"
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


def rewrite_figure(
    figure: bpy.types.Object, motion: Motion, first_frame: int, draft: Draft | None = None, anew: bool = False
) -> bpy.types.Action:
    """Give a figure that `add_figure` made the keys of `motion`, of the same joints, and return the Action that has
    them: the one that it had, written over, or with `draft` or `anew` another like that in all that we do not write.

    The bones stay as they are where the motion's figure is as large: another solve changes their lengths by a
    millimetre at most; else they are scaled to its size. `draft`: where the keys were written beforehand, if they fit.
    """
    if draft is not None and not draft.fits(figure, motion, first_frame, {}):
        draft = None
    keys, size = keys_on_figure(figure, motion), _size(figure, motion)
    if size != 1.0:
        figure.data.transform(Matrix.Scale(size, 4))
        # Blender does not notice by itself.
        figure.data.update_tag()
    if draft is None and not anew:
        return write_over(figure, keys, first_frame)
    return (draft or Draft(figure, keys, first_frame)).show(figure)


def is_figure_of(figure: bpy.types.Object, motion: Motion) -> bool:
    """Whether an armature is as `add_figure` makes it for such a motion, but for its size: nobody has renamed a bone,
    removed it, hung it elsewhere or applied another pose as its rest pose."""
    bones = figure.data.bones
    for name, parent, offset in zip(motion.joint_names, motion.parents, motion.rest_offsets, strict=True):
        bone, mother = bones.get(name), motion.joint_names[parent] if parent >= 0 else None
        if bone is None or (bone.parent.name if bone.parent else None) != mother:
            return False
        if mother is not None:
            way = np.array(bone.head_local - bone.parent.head_local)
            if way @ offset < SAME_WAY * np.linalg.norm(way) * np.linalg.norm(offset):
                return False
    return True


def keys_on_figure(figure: bpy.types.Object, motion: Motion) -> Keys:
    """The keys of `motion` for a figure that `add_figure` made, scaled to the motion's size where that is another."""
    size, paths, names = _size(figure, motion), [], set()
    for name, parent in zip(motion.joint_names, motion.parents, strict=True):
        bone = figure.pose.bones[name]
        path = bone.path_from_id()
        rest = np.array(bone.bone.matrix_local, float)
        paths.append((path, from_matrix(rest[:3, :3]), size * rest[:3, 3]))
        names |= {(f"{path}.rotation_quaternion", index) for index in range(4)}
        if parent < 0:
            names |= {(f"{path}.location", index) for index in range(3)}
    return Keys(motion, _channels(motion, paths), frozenset(names), len(motion), motion.fps)


def _channels(motion: Motion, paths: Sequence[tuple[str, Array, Array]]) -> Iterator[Channel]:
    """`paths`: of each joint's bone, with the rotation of its axes at rest and the place of its head."""
    for joint, (path, turn, head) in enumerate(paths):
        name = motion.joint_names[joint]
        if motion.parents[joint] < 0:
            way: Array = rotate(conjugate(turn), motion.root_translation - head)
            yield Channel(f"{path}.location", range(3), way, name)
        rotations = continuous(multiply(multiply(conjugate(turn), motion.local_rotations[:, joint]), turn))
        yield Channel(f"{path}.rotation_quaternion", range(4), rotations, name, mode=QUATERNION)


def _size(figure: bpy.types.Object, motion: Motion) -> float:
    """How large the motion's figure is beside `figure`; 1 where they are of one size."""
    bones = figure.data.bones
    ratios = [
        float(np.linalg.norm(motion.rest_offsets[joint])) / length
        for joint, (name, parent) in enumerate(zip(motion.joint_names, motion.parents, strict=True))
        if parent >= 0
        and (length := (bones[name].head_local - bones[motion.joint_names[parent]].head_local).length) > SHORTEST_BONE
    ]
    size = float(np.median(ratios))
    return size if abs(size - 1) > SAME_SIZE else 1.0


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
