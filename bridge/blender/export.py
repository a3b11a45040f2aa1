"""A motion on a character in a .blend file, written as any of the formats that Blender exports in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np

from ...core.bvh import UNITS, BvhOptions, read_bvh, write_bvh
from ...core.files import written_beside
from ...core.jobs import MotionLiftError
from ...core.motion import Motion
from ...core.rotation import Array
from ..bvh import evenly_sampled, file_from_world
from ..bvh_turns import carried_bvh, turned_bvh
from ..footage import Footage
from ..match import Match
from ..places import NEW_RIGIFY
from ..reduce import reduce_keys
from ..retarget import RetargetOptions, retarget
from ..review import contact_edges
from ..rig import Rig
from .actions import apply_keys
from .deform import baked_skeleton, drop_controls
from .edits import HandEdits, apply_edits
from .files import open_nothing, opened_armature
from .footage import add_footage, keep_relative
from .rigify import add_rigify_human
from .rigs import check_editable, hindrances, read_rig, switch_values
from .scene import add_camera, write_review
from .visible import selectable

log = logging.getLogger(__name__)

ENGINE_SUFFIXES = (".fbx", ".glb", ".usd", ".usdc", ".bvh")
"""Formats for which a control rig becomes the skeleton that it deforms with."""
MESH_SUFFIXES = (".abc",)
"""Formats that hold no bones, only what these move."""
SCENE_SUFFIX = ".blend"
"""The format that holds the scene as it is."""


@dataclass(frozen=True)
class Animated:
    """What became of a motion on a rig. `motion`: as keyed, at the scene's rate; `world_from_motion` (4, 4): see
    `Retargeted`."""

    action: str
    frames: int
    bones: int
    found: Match
    notes: tuple[str, ...]
    motion: Motion
    world_from_motion: Array


def animate(
    figure: bpy.types.Object,
    motion: Motion,
    choose: Callable[[Rig], Match],
    options: RetargetOptions,
    name: str,
    overwrite: bool = False,
    reduce: bool = False,
    edits: HandEdits | None = None,
) -> Animated:
    """Retarget `motion` onto `figure` in the current scene, from its first frame on, at its rate.

    `reduce` keys as few frames as its bounds allow; `edits` (see `hand_edits`) are applied on top. The scene's end is
    extended to the motion's, never shortened; frame, selection and mode stay. Raises as `check_editable`, `read_rig`,
    `choose` and `retarget`, and then nothing has changed.
    """
    check_editable(figure)
    scene = bpy.context.scene
    rig = read_rig(figure)
    found = choose(rig)
    motion = evenly_sampled(motion, scene.render.fps / scene.render.fps_base)
    done = retarget(motion, rig, found.rig_map, options)
    edges = {frame for contacts in motion.contacts.T for frame, _ in contact_edges(contacts)}
    reduced = reduce_keys(done, keep=edges) if reduce else None
    keyed = [done.rig.names[bone] for bone in {*done.rotations, *done.locations}]
    turned = [done.rig.names[bone] for bone in done.rotations]
    targets = found.rig_map.ik_targets(options.limbs)
    notes = [*done.notes, *hindrances(figure, turned, done.object_location is not None, targets)]
    action = apply_keys(
        figure, done, name, scene.frame_start, switch_values(figure, found.rig_map, options.limbs), overwrite, reduced
    )
    if edits:
        apply_edits(figure, edits)
    scene.frame_end = max(scene.frame_end, round(action.frame_end))
    return Animated(action.name, len(done), len(keyed), found, tuple(notes), motion, done.world_from_motion)


def animate_and_export(
    motion: Motion,
    place: str,
    choose: Callable[[Rig], Match],
    options: RetargetOptions,
    output: Path,
    fps: float | None,
    name: str,
    reduce: bool = False,
    footage: Footage | None = None,
) -> Animated:
    """Open `file.blend[:Armature]`, or make a new rig (`rigify`), animate it and write `output`; the file itself is
    not touched.

    The scene gets the rate `fps`, by default the motion's, and exactly the motion's frames; with `footage`, made for
    the motion at that rate, also its camera, sound, confidence and contacts (for .blend). Raises as `opened_armature`
    and `animate`, as `add_rigify_human`, and `export_failed`.
    """
    if place == NEW_RIGIFY:
        open_nothing()
        figure = add_rigify_human(bpy.context, motion, name).figure
        render = bpy.context.scene.render
        render.resolution_x, render.resolution_y = motion.image_size
    else:
        figure = opened_armature(place)
    if output.suffix.lower() != SCENE_SUFFIX:
        # Exporters write what is seen.
        figure.data.pose_position = "POSE"
    scene = bpy.context.scene
    set_rate(scene, fps or motion.fps)
    for_engine = output.suffix.lower() in ENGINE_SUFFIXES
    if for_engine:
        # IK controls would only add what their solvers change.
        options = replace(options, limbs="fk")
    animated = animate(figure, motion, choose, options, name, reduce=reduce)
    scene.frame_end = scene.frame_start + animated.frames - 1
    if for_engine and animated.found.rig_map.all_switches(options.limbs):
        # Controls mean nothing elsewhere.
        controls, action = figure, figure.animation_data.action
        figure = baked_skeleton(controls, scene.frame_start, animated.frames)
        if drop_controls(controls):
            bpy.data.actions.remove(action)
        else:
            action.name = f"{animated.action}.controls"
        figure.animation_data.action.name = animated.action
    if footage is not None:
        camera = add_camera(animated.motion, animated.world_from_motion, scene.frame_start, f"{animated.action} camera")
        add_footage(camera, footage, animated.frames, scene.frame_start, animated.action)
        keep_relative(footage, output.parent)
        write_review(figure, animated.motion, scene.frame_start)
        scene.camera = camera
    with written_beside(output) as temporary:
        export(figure, temporary, animated.action)
    return animated


def set_rate(scene: bpy.types.Scene, fps: float) -> None:
    """29.97 is 30 / 1.001 to Blender."""
    whole = round(fps) if abs(fps - round(fps)) < 1e-6 else round(fps * 1.001)
    scene.render.fps = max(whole, 1)
    scene.render.fps_base = max(whole, 1) / fps


def export(figure: bpy.types.Object, path: Path, name: str) -> None:
    """Write `figure`, what it deforms and its animation to `path`; the suffix says how.

    Raises `MotionLiftError` (`export_failed`, `unknown_suffix`, `no_mesh`).
    """
    writers = {
        SCENE_SUFFIX: _blend, ".fbx": _fbx, ".glb": _glb, ".usd": _usd, ".usdc": _usd, ".abc": _abc, ".bvh": _bvh,
    }  # fmt: skip
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise MotionLiftError("unknown_suffix", f"{path.name}: no such format.", f"Use {', '.join(writers)}.")
    layer = bpy.context.view_layer
    deformed = [item for item in bpy.context.scene.objects if _deformed_by(item, figure)]
    # Other clothes and coarse doubles lie hidden beside what is seen; where all is hidden, nothing tells them apart.
    deformed = [item for item in deformed if not _is_put_away(item)] or deformed
    if path.suffix.lower() in MESH_SUFFIXES and not deformed:
        raise MotionLiftError(
            "no_mesh", f"{figure.name} moves no mesh, and {path.suffix[1:]} holds nothing else.",
            "Choose a format that holds bones, such as .fbx or .glb.",
        )  # fmt: skip
    try:
        chosen = [figure, *deformed]
        # A .blend holds all, as it is. In local view what else is selected would not be in the context.
        with selectable([] if writer is _blend else chosen), bpy.context.temp_override(selected_objects=chosen):
            if figure.name in layer.objects:
                for item in layer.objects:
                    item.select_set(item in chosen)
                layer.objects.active = figure
            writer(path, name)
    except AttributeError as error:
        kind, version = path.suffix[1:], bpy.app.version_string
        raise MotionLiftError(
            "export_failed", f"This Blender ({version}) was built without {kind}: {error}", "Choose another format."
        ) from error
    except RuntimeError as error:
        raise MotionLiftError("export_failed", f"Blender could not write {path.suffix[1:]}: {error}") from error
    if not path.stat().st_size:
        raise MotionLiftError("export_failed", f"Blender wrote nothing as {path.suffix[1:]}.")


def _is_put_away(item: bpy.types.Object) -> bool:
    """Whether an object is hidden itself, or left out of the view layer."""
    return bool(item.hide_viewport or item.name not in bpy.context.view_layer.objects or item.hide_get())


def _deformed_by(item: bpy.types.Object, figure: bpy.types.Object) -> bool:
    if item.type != "MESH":
        return False
    return item.parent == figure or any(m.type == "ARMATURE" and m.object == figure for m in item.modifiers)


def _blend(path: Path, name: str) -> None:
    path.unlink()  # else Blender would keep the empty file as a backup
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=True)


def _fbx(path: Path, name: str) -> None:
    # The exporter names the take after the scene.
    bpy.context.scene.name = name
    bpy.ops.export_scene.fbx(
        filepath=str(path),
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        add_leaf_bones=False,
        bake_anim=True,
        bake_anim_use_all_actions=False,
        bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,
        bake_anim_force_startend_keying=True,
        apply_scale_options="FBX_SCALE_ALL",
    )


def _glb(path: Path, name: str) -> None:
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        export_animations=True,
        export_animation_mode="ACTIVE_ACTIONS",
        export_nla_strips_merged_animation_name=name,
        export_anim_single_armature=False,
        export_anim_slide_to_zero=True,
        export_force_sampling=True,
        export_optimize_animation_size=False,
    )


def _usd(path: Path, name: str) -> None:
    bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True, export_animation=True)


def _abc(path: Path, name: str) -> None:
    bpy.ops.wm.alembic_export(filepath=str(path), selected=True, as_background_job=False)


def _bvh(path: Path, name: str) -> None:
    scene, figure = bpy.context.scene, bpy.context.view_layer.objects.active
    carriers: dict[int, Array] = {}

    def note(scene: bpy.types.Scene, _: bpy.types.Depsgraph) -> None:
        carriers[scene.frame_current] = np.array(figure.matrix_world, float)

    # Blender leaves out where the object is. It steps through the frames: what it evaluates is noted on the way.
    bpy.app.handlers.frame_change_post.append(note)
    try:
        bpy.ops.export_anim.bvh(filepath=str(path), frame_start=scene.frame_start, frame_end=scene.frame_end)
    finally:
        bpy.app.handlers.frame_change_post.remove(note)
    carrier = np.array([carriers[frame] for frame in range(scene.frame_start, scene.frame_end + 1)])
    # Blender writes its own axes and unit; readers of BVH expect Y up and centimetres, as our other files have.
    options = BvhOptions()
    written = carried_bvh(read_bvh(path), carrier)
    # Blender rounds it to a millionth of a second, which in an hour is a frame.
    written = replace(written, frame_time=scene.render.fps_base / scene.render.fps)
    write_bvh(path, turned_bvh(written, file_from_world(options), UNITS[options.unit]))
