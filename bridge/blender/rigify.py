"""A new Rigify human for a motion: Rigify's own meta-rig with the person's bone lengths, and the rig generated from it.

As animators have it who make one by hand: the meta-rig stays, hidden, since Rigify regenerates the rig from it; the
widgets are in a hidden collection; Rigify's panel for the rig comes from a text of the file. The add-on Rigify, which
Blender carries, is enabled where it is not.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import addon_utils
import bpy
import numpy as np
from mathutils import Vector

from ...core.jobs import MotionLiftError
from ...core.motion import Motion
from ...core.rotation import rotate
from ..body_fit import fitted
from ..match import chosen
from ..rig import Rig
from .adding import collection_for_new
from .armature import free_name
from .files import open_nothing
from .rigs import read_rig

log = logging.getLogger(__name__)

MODULE = "rigify"
META_FAMILY = "rigify_meta"
ENABLED = "Rigify was enabled for it (Preferences > Add-ons)."
METARIG = "_metarig"
WIDGETS = "motionlift_human_widgets"
"""The custom property of a written rig that tells, as JSON, its bones by the names of their widgets, which are in the
file by themselves; in several parts, to be appended one after the other."""
WIDGETS_A_PART = 24
"""Or a few more: those that share a mesh are not parted."""
_MADE = ("objects", "armatures", "meshes", "collections", "texts", "actions")
"""The kinds of data that Rigify makes."""


@dataclass(frozen=True)
class RigifyHuman:
    """A generated rig, the hidden meta-rig it came from, all data blocks that were made, and what to tell."""

    figure: bpy.types.Object
    metarig: bpy.types.Object
    made: tuple[bpy.types.ID, ...]
    notes: tuple[str, ...]


def add_rigify_human(context: bpy.types.Context, motion: Motion, name: str) -> RigifyHuman:
    """A Rigify human with the bone lengths of `motion`'s person, in `collection_for_new`, at the world's origin.

    The rig is called `free_name(name)`, its meta-rig `..._metarig`. Object Mode is needed; selection, active object
    and collection stay as they were. Takes seconds: see `rigify_draft` for what another Blender can do of it. Raises
    `MotionLiftError` (`no_rigify`, `rigify_failed`), and then nothing remains.
    """
    name = free_name(name)
    before = data_blocks()
    with contextlib.ExitStack() as failing:
        notes = enable(failing)
        failing.callback(lambda: remove_made(made_since(before)))
        with _apart(context):
            metarig, figure = _generate(context, motion, name)
        collection = collection_for_new(context)
        for item in (metarig, figure):
            if item.name not in collection.objects:
                collection.objects.link(item)
                context.scene.collection.objects.unlink(item)
        metarig.hide_set(True)
        failing.pop_all()
    return RigifyHuman(figure, metarig, tuple(made_since(before)), notes)


def write_rigify_human(motion: Motion, path: Path, name: str) -> Rig:
    """Write a .blend with nothing but what `add_rigify_human` makes, over whatever is open, and return its rig. The
    widgets are taken off their bones, as `WIDGETS` says. Raises as that does."""
    open_nothing()
    human = add_rigify_human(bpy.context, motion, name)
    widgets = _taken_off(human)
    # The meta-rig and what hangs from it, not compressed: read in four fifths of the time of a whole file.
    bpy.data.libraries.write(str(path), {human.metarig, *widgets})
    return read_rig(human.figure)


def _taken_off(human: RigifyHuman) -> list[bpy.types.Object]:
    """A human's widgets, out of their collection and off their bones."""
    collection = human.metarig.data.rigify_widgets_collection
    widgets = sorted(collection.objects, key=lambda item: str(item.data.name))
    bones: dict[str, list[str]] = {widget.name: [] for widget in widgets}
    for bone in human.figure.pose.bones:
        if bone.custom_shape is not None:
            bones[bone.custom_shape.name].append(bone.name)
            bone.custom_shape = None
    parts: list[dict[str, list[str]]] = [{}]
    for _, alike in itertools.groupby(widgets, lambda item: item.data):
        if len(parts[-1]) >= WIDGETS_A_PART:
            parts.append({})
        parts[-1] |= {widget.name: bones[widget.name] for widget in alike}
    human.figure[WIDGETS] = json.dumps(parts)
    for widget in widgets:
        collection.objects.unlink(widget)
    return widgets


def data_blocks() -> dict[str, set[bpy.types.ID]]:
    """What there is of the kinds that Rigify makes."""
    return {kind: set(getattr(bpy.data, kind)) for kind in _MADE}


def made_since(before: Mapping[str, set[bpy.types.ID]]) -> list[bpy.types.ID]:
    """The data blocks that were made since `data_blocks` gave those `before`."""
    return [item for kind in _MADE for item in getattr(bpy.data, kind) if item not in before[kind]]


def remove_made(made: Iterable[bpy.types.ID]) -> None:
    """Remove data blocks that `add_rigify_human` made."""
    bpy.data.batch_remove(ids=list(made))


def enable(failing: contextlib.ExitStack) -> tuple[str, ...]:
    """Enable Rigify, unless it is; disabled again by `failing`. Returns what to tell."""
    if addon_utils.check(MODULE)[1]:
        return ()
    with contextlib.redirect_stdout(io.StringIO()):
        module = addon_utils.enable(MODULE, default_set=True)
    if module is None:
        raise MotionLiftError(
            "no_rigify", "Blender's add-on Rigify cannot be enabled here.",
            "Enable Rigify in Preferences > Add-ons, or choose another target.",
        )  # fmt: skip
    failing.callback(addon_utils.disable, MODULE, default_set=True)
    return (ENABLED,)


def _generate(context: bpy.types.Context, motion: Motion, name: str) -> tuple[bpy.types.Object, bpy.types.Object]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            bpy.ops.object.armature_human_metarig_add()
            metarig = context.view_layer.objects.active
            metarig.matrix_world.identity()
            metarig.name = metarig.data.name = name + METARIG
            _set_rest(metarig, fit_metarig(metarig, motion))
            metarig.data.rigify_rig_basename = name
            bpy.ops.pose.rigify_generate()
            figure = metarig.data.rigify_target_rig
    except RuntimeError as error:
        raise MotionLiftError(
            "rigify_failed", f"Rigify could not make a rig: {str(error).strip().removeprefix('Error: ')}",
            "Choose New Armature, or make a rig by hand and choose it.",
        ) from error  # fmt: skip
    finally:
        log.debug("Rigify: %s", said.getvalue())
    if figure is None or "root" not in figure.data.bones:
        raise MotionLiftError("rigify_failed", "Rigify made no rig.", "Choose New Armature.")
    return metarig, figure


def fit_metarig(metarig: bpy.types.Object, motion: Motion) -> Rig:
    """Where the bones of Rigify's human meta-rig belong on the person in `motion`."""
    rig = read_rig(metarig)
    return fitted(rig, chosen(rig, META_FAMILY).rig_map, motion)


def _set_rest(metarig: bpy.types.Object, rig: Rig) -> None:
    bpy.ops.object.mode_set(mode="EDIT")
    up = rotate(rig.rotations, np.array([0.0, 0.0, 1.0]))
    for number, name in enumerate(rig.names):
        bone = metarig.data.edit_bones[name]
        bone.head, bone.tail = rig.heads[number], rig.tails[number]
        bone.align_roll(Vector(up[number]))
    bpy.ops.object.mode_set(mode="OBJECT")


@contextlib.contextmanager
def _apart(context: bpy.types.Context) -> Iterator[None]:
    """What is made in the block goes into the scene's own collection, which is never hidden; afterwards active
    collection, active object and selection are what they were."""
    view_layer = context.view_layer
    collection, active = view_layer.active_layer_collection, view_layer.objects.active
    selected = list(context.selected_objects)
    view_layer.active_layer_collection = view_layer.layer_collection
    try:
        yield
    finally:
        made = view_layer.objects.active
        if made is not None and made.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for item in context.selected_objects:
            item.select_set(False)
        for item in selected:
            item.select_set(True)
        view_layer.objects.active = active
        view_layer.active_layer_collection = collection
