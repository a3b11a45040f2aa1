"""The footage of a take around the figure: behind it through the camera that filmed it, its sound on the timeline."""

from __future__ import annotations

import logging
from pathlib import Path

import bpy

from ...core.jobs import MotionLiftError
from ..footage import Footage
from . import versions

log = logging.getLogger(__name__)

SOUND_OF = "motionlift_sound"
"""The custom property of a sound strip of ours that names the take."""


def add_footage(
    camera: bpy.types.Object, footage: Footage, frames: int, first_frame: int, name: str, take: str = ""
) -> None:
    """`footage` of the take `name` behind the figure, and its sound: `show_footage` and `add_sound` in the scene at
    hand. Raises `MotionLiftError` (`no_file`, `no_sound`)."""
    show_footage(camera, footage, frames, first_frame)
    add_sound(bpy.context.scene, footage, frames, first_frame, name, take)


def show_footage(camera: bpy.types.Object, footage: Footage, frames: int, first_frame: int) -> None:
    """`footage` as the background of `camera`, its pictures at the take's `frames` from `first_frame` on.

    Raises `MotionLiftError` (`no_file`).
    """
    image = bpy.data.images.load(_existing(footage.path), check_existing=True)
    image.source = "MOVIE"
    data = camera.data
    data.show_background_images = True
    background = data.background_images.new()
    background.image = image
    background.frame_method = "FIT"
    user = background.image_user
    user.frame_start, user.frame_duration, user.frame_offset = first_frame, frames, footage.skipped
    user.use_cyclic, user.use_auto_refresh = False, True


def add_sound(
    scene: bpy.types.Scene, footage: Footage, frames: int, first_frame: int, name: str, take: str = ""
) -> bpy.types.bpy_struct | None:
    """The footage's sound as a strip of the sequencer, in the lowest channel that is free there, for as long as the
    take; a strip of ours of the same name, or of the same `take` under another one, is replaced. None where there is no
    sound, or Blender can have none.

    Raises `MotionLiftError` (`no_file`).
    """
    for mark in {name, take or name}:
        remove_sound(scene, mark)
    if footage.sound is None:
        return None
    if not bpy.app.build_options.audaspace:
        log.warning("this Blender was built without sound: the take has its pictures only")
        return None
    path = _existing(footage.sound)
    strips = versions.sequence_strips(scene)
    taken = {
        strip.channel
        for strip in strips
        if strip.frame_final_start < first_frame + frames and strip.frame_final_end > first_frame
    }
    channel = next(number for number in range(1, len(taken) + 2) if number not in taken)
    try:
        strip = strips.new_sound(name, path, channel, first_frame)
    except RuntimeError as error:
        raise MotionLiftError("no_sound", f"Blender cannot read the sound of {footage.sound.name}: {error}") from error
    strip[SOUND_OF] = take or name
    rate = scene.render.fps / scene.render.fps_base
    # The strip's own start lies before the take where the take begins later: what is before is cut off. It lies on a
    # whole frame, and Blender would cut, not round.
    begins = round(first_frame - footage.start_s * rate)
    strip.frame_start, strip.frame_offset_start = begins, first_frame - begins
    if strip.frame_final_end > first_frame + frames:
        strip.frame_final_end = first_frame + frames
    return strip


def remove_sound(scene: bpy.types.Scene, name: str) -> None:
    """Remove the strips of ours of the take `name`, and sounds that nothing uses any more."""
    if scene.sequence_editor is None:
        return
    strips = versions.sequence_strips(scene)
    for strip in [strip for strip in strips if strip.get(SOUND_OF) == name]:
        sound = strip.sound
        strips.remove(strip)
        if sound is not None and not sound.users:
            bpy.data.sounds.remove(sound)


def keep_relative(footage: Footage, folder: Path) -> None:
    """Name the files of `footage` that lie in `folder` relatively, in a file that is about to be saved there."""
    items = [(image, footage.path) for image in bpy.data.images] + [(sound, footage.sound) for sound in bpy.data.sounds]
    for item, path in items:
        if path is None or path.parent.resolve() != folder.resolve() or Path(bpy.path.abspath(item.filepath)) != path:
            continue
        # Saving takes relative names for those of the file that is open, if one is.
        item.filepath = bpy.path.relpath(str(path)) if bpy.data.filepath else f"//{path.name}"


def _existing(path: Path) -> str:
    if not path.is_file():
        raise MotionLiftError("no_file", f"The footage {path} is not there.", "Locate it, or lift it again.")
    return str(path)
