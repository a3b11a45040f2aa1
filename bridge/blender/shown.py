"""Writing what an armature shows to a file, from a scene that someone works in: afterwards it is as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import bpy

from ...core.files import written_beside
from . import nla
from .deform import baked_skeleton
from .export import ENGINE_SUFFIXES, export
from .modes import in_object_mode
from .visible import selectable


def export_shown(figure: bpy.types.Object, action: bpy.types.Action, path: Path, controls: bool = False) -> None:
    """Write `figure`, what it deforms and `action`, which it plays, to `path`; the suffix says how.

    Written are the frames of the Action, with all edits. `controls`: the rig has controls, which mean nothing
    elsewhere; written is the plain skeleton that deforms. Raises `MotionLiftError` as `export`, `baked_skeleton` and
    `in_object_mode`.
    """
    first, last = shown_frames(action)
    with selectable([figure]), in_object_mode(bpy.context), _as_before(), nla.alone(figure, action):
        scene = bpy.context.scene
        scene.frame_start, scene.frame_end = first, last
        with contextlib.ExitStack() as undoing:
            written = figure
            if controls and path.suffix.lower() in ENGINE_SUFFIXES:
                written = undoing.enter_context(_baked(figure, first, last - first + 1, action.name))
            with written_beside(path) as temporary:
                export(written, temporary, action.name)


def shown_frames(action: bpy.types.Action) -> tuple[int, int]:
    """The first and the last frame of what is written of `action`: its range."""
    first, last = action.frame_range
    return round(first), round(last)


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Scene, selection and active object as they were, whatever an exporter does to them."""
    scene, objects = bpy.context.scene, bpy.context.view_layer.objects
    told = (scene.name, scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe)
    active, selected = objects.active, [item for item in objects if item.select_get()]
    try:
        yield
    finally:
        scene.name, scene.frame_start, scene.frame_end = told[:3]
        scene.frame_set(told[3], subframe=told[4])
        for item in objects:
            item.select_set(item in selected)
        objects.active = active


@contextlib.contextmanager
def _baked(figure: bpy.types.Object, first: int, frames: int, name: str) -> Iterator[bpy.types.Object]:
    """The plain skeleton of a control rig as long as the block lasts, with an Action called `name`."""
    names = figure.name, figure.data.name
    action = figure.animation_data.action
    parents = {item: item.parent for item in bpy.data.objects if item.parent == figure}
    modifiers = [
        modifier
        for item in bpy.data.objects
        for modifier in item.modifiers
        if modifier.type == "ARMATURE" and modifier.object == figure
    ]
    skeleton = None
    try:
        skeleton = baked_skeleton(figure, first, frames)
        action.name = f"{name}.controls"
        skeleton.animation_data.action.name = name
        yield skeleton
    finally:
        for item, parent in parents.items():
            item.parent = parent
        for modifier in modifiers:
            modifier.object = figure
        if skeleton is not None:
            made, data = skeleton.animation_data.action, skeleton.data
            bpy.data.objects.remove(skeleton)
            bpy.data.armatures.remove(data)
            bpy.data.actions.remove(made)
        action.name = name
        figure.name, figure.data.name = names
