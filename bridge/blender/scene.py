"""The take around the character: the camera that filmed it, what is uncertain, what stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ...core.jobs import MotionLiftError
from ...core.motion import Motion
from ...core.rotation import Array, continuous, from_matrix
from ..review import part_confidence, weak_stretches
from . import contacts, versions
from .key_curves import write_curves

CONFIDENCE_GROUP = "MotionLift confidence"
MARKER = "ML: "
"""What our markers' names begin with, so that the next take can replace them."""
SENSOR_MM = 36.0


def add_camera(motion: Motion, world_from_motion: Array, first_frame: int, name: str) -> bpy.types.Object:
    """A camera through which the figure stands on the actor, in the scene's collection; keyed where it moved.

    `world_from_motion` (4, 4) as `Retargeted` has it: a similarity. A camera scales with the figure's way about the
    same point, so that the picture stays the same. The scene's own camera and resolution are not touched.
    """
    data = bpy.data.cameras.new(name)
    camera = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(camera)
    width, height = motion.image_size
    longer = max(width, height)
    data.sensor_fit = "HORIZONTAL" if width >= height else "VERTICAL"
    data.sensor_width = data.sensor_height = SENSOR_MM
    data.lens = float(motion.camera_K[0, 0, 0]) * SENSOR_MM / longer
    data.shift_x = float(width / 2 - motion.camera_K[0, 0, 2]) / longer
    data.shift_y = float(motion.camera_K[0, 1, 2] - height / 2) / longer
    # From 10 cm to a kilometre of what was filmed, whether the rig is built in metres or in centimetres.
    scale = _scale_of(world_from_motion)
    data.clip_start, data.clip_end = 0.1 * scale, 1000.0 * scale
    placed = placed_cameras(motion, world_from_motion)
    camera.matrix_world = Matrix(placed[0].tolist())
    camera.rotation_mode = "QUATERNION"
    camera.rotation_quaternion = from_matrix(placed[0, :3, :3]).tolist()
    camera.location = placed[0, :3, 3].tolist()
    if len(placed) > 1:
        action = bpy.data.actions.new(name)
        curves = versions.assign_action(camera, action)
        frames = first_frame + np.arange(len(placed), dtype=np.float64)
        write_curves(curves, "location", frames, placed[:, :3, 3], "Camera")
        write_curves(curves, "rotation_quaternion", frames, continuous(from_matrix(placed[:, :3, :3])), "Camera")
    return camera


def placed_cameras(motion: Motion, world_from_motion: Array) -> Array:
    """Matrices (1 or F, 4, 4) of Blender's camera, which looks along its -Z with Y up, for the placed motion."""
    placed = world_from_motion @ motion.world_from_camera
    placed[:, :3, :3] /= _scale_of(world_from_motion)
    result: Array = placed @ np.diag([1.0, -1.0, -1.0, 1.0])
    return result


def _scale_of(similarity: Array) -> float:
    return float(np.cbrt(np.linalg.det(similarity[:3, :3])))


def write_review(figure: bpy.types.Object, motion: Motion, first_frame: int) -> int:
    """Confidence as curves and contacts as keys that can be moved, in the figure's Action; markers where to look.

    `motion` at the scene's rate, frame for frame what was keyed. Returns how many places there are to check.
    """
    curves = _curves(figure)
    frames = first_frame + np.arange(len(motion), dtype=np.float64)
    for part, confidence in part_confidence(motion).items():
        path = _property(figure, f"confidence {part}", float(confidence[0]))
        _drop(curves, path)
        write_curves(curves, path, frames, confidence[:, None], CONFIDENCE_GROUP, [0])
    contacts.write_edges(figure, contacts.edges_of(motion), first_frame, motion.fps)
    stretches = weak_stretches(motion)
    mark_places(bpy.context.scene, [(first_frame + stretch.start, stretch.text) for stretch in stretches])
    return len(stretches)


def mark_places(scene: bpy.types.Scene, places: Iterable[tuple[int, str]]) -> None:
    """Markers at frames, with these words, in the scene's timeline, in place of those of ours that are there."""
    remove_marks(scene)
    for frame, words in sorted(places):
        scene.timeline_markers.new(f"{MARKER}{words}", frame=frame)


def remove_marks(scene: bpy.types.Scene) -> None:
    """Take our markers out of the scene's timeline."""
    for marker in marks(scene):
        scene.timeline_markers.remove(marker)


def marks(scene: bpy.types.Scene) -> list[bpy.types.TimelineMarker]:
    """Our markers in the scene's timeline."""
    return [marker for marker in scene.timeline_markers if marker.name.startswith(MARKER)]


def with_edited_contacts(figure: bpy.types.Object, motion: Motion, first_frame: int) -> Motion:
    """The motion with the contacts that the figure's Action has now; those without keys stay.

    What is retargeted from it plants the feet anew.
    """
    edges = contacts.read_edges(figure, first_frame, motion.fps)
    return dataclasses.replace(motion, contacts=contacts.with_edges(motion, edges))


def _property(figure: bpy.types.Object, name: str, value: float) -> str:
    """The path of a custom property from 0 to 1 of the figure, made if needed."""
    figure[name] = value
    figure.id_properties_ui(name).update(min=0.0, max=1.0)
    return f'["{name}"]'


def _drop(curves: Any, path: str) -> None:
    curve = curves.fcurves.find(path, index=0)
    if curve is not None:
        curves.fcurves.remove(curve)


def _curves(figure: bpy.types.Object) -> Any:
    """What holds the curves of the figure's Action. Raises `MotionLiftError` (`no_action`)."""
    curves = versions.current_curves(figure.animation_data) if figure.animation_data else None
    if curves is None:
        raise MotionLiftError("no_action", f"{figure.name} has no Action.", "Put a take on it first.")
    return curves
