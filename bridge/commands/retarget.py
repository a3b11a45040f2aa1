"""`motionlift retarget`: a motion or any BVH onto another skeleton or a character's rig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol

import typer

from ...core.bvh import SUFFIX as BVH_SUFFIX
from ...core.bvh import BvhClip, BvhOptions, read_bvh, write_bvh
from ...core.files import check_output
from ...core.jobs import MotionLiftError, UsageError
from ...core.motion import SUFFIX as MOTION_SUFFIX
from ...core.motion import Motion
from ..bvh import evenly_sampled
from ..bvh_rig import ContactFinder, keyed_bvh, motion_of_bvh, rig_of_bvh, sized
from ..footage import Footage, Preparer, proxy_path
from ..match import Match
from ..outside import retarget_in_blender
from ..places import NEW_RIGIFY, split_place
from ..retarget import RetargetOptions
from ..retarget import retarget as retarget_motion
from ..zero_pose import stood
from .ahead import check_character
from .blend import need_bpy
from .handed import CONTACT_FINDER, FOOTAGE_PREPARER
from .presets import PresetFolder, chosen, folders, known_preset

DEFAULTS = RetargetOptions()
BLENDER_SUFFIXES = (".blend", ".fbx", ".glb", ".usd", ".usdc", ".abc", BVH_SUFFIX)


def retarget(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A .motion.npz, or any .bvh.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="What to write: .bvh; with --rig also .blend, .fbx, .glb, .usd, .abc."),
    ],
    skeleton: Annotated[Path | None, typer.Option(help="A .bvh whose hierarchy shall move.")] = None,
    rig: Annotated[
        str | None,
        typer.Option(
            help="A .blend with the character, or .blend:Armature; rigify makes a new Rigify human with the person's "
            "bone lengths (needs Blender's bpy)."
        ),
    ] = None,
    preset: Annotated[str, typer.Option(help="The target's: auto, a family's name, or a preset file.")] = "auto",
    source_preset: Annotated[str, typer.Option(help="The same for a .bvh that is the source.")] = "auto",
    folder: PresetFolder = None,
    travel: Annotated[
        str, typer.Option(help="What carries the way: auto, hips, in_place, root or object.")
    ] = DEFAULTS.travel,
    scale: Annotated[str, typer.Option(help="The way's size by: legs, hips, or none.")] = DEFAULTS.scale,
    place: Annotated[str, typer.Option(help="Begin at the rig's rest, or as filmed.")] = DEFAULTS.place,
    plant_feet: Annotated[bool, typer.Option(help="Keep standing feet still on the target.")] = DEFAULTS.plant_feet,
    hands: Annotated[
        str,
        typer.Option(help="hold (where they carry weight), free, body (where they were against the body) or world."),
    ] = DEFAULTS.hands,
    fingers: Annotated[bool, typer.Option(help="Move fingers where the source has them.")] = DEFAULTS.fingers,
    limbs: Annotated[str, typer.Option(help="Posed by: auto (as the preset has it), fk or ik.")] = DEFAULTS.limbs,
    fps: Annotated[float | None, typer.Option(show_default="the source's", help="Frames a second.")] = None,
    reduce: Annotated[
        bool, typer.Option("--reduce", help="With --rig: fewer keys, within 0.5 degrees and 2 mm.")
    ] = False,
    footage: Annotated[
        Path | None,
        typer.Option(
            help="With --rig, into a .blend: the video, with its sound, behind the figure through the camera that "
            "filmed it. What would drift is written anew beside the .blend."
        ),
    ] = None,
    blender: Annotated[
        Path | None, typer.Option(show_default="bpy", help="With --rig: the Blender program to do it in.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Move a motion onto another skeleton."""
    options = RetargetOptions(travel, scale, place, plant_feet, hands, fingers, limbs)  # type: ignore[arg-type]
    if (skeleton is None) == (rig is None):
        raise UsageError(
            "no_target", "Say onto what: --skeleton a .bvh, or --rig a .blend or rigify.", "One of the two."
        )
    wanted = (BVH_SUFFIX,) if skeleton else BLENDER_SUFFIXES
    if output.suffix.lower() not in wanted:
        raise UsageError(
            "unknown_suffix", f"{output.name} is none of {', '.join(wanted)}.", "Name one of these with -o."
        )
    if footage is not None and (rig is None or output.suffix.lower() != ".blend"):
        raise UsageError("footage_without_scene", "Footage can only be put into a .blend.", "Name a .blend with -o.")
    check_output(output, overwrite)
    if rig is not None and blender is None:
        need_bpy()
    motion = read_source(source, source_preset, folder, context.meta.get(CONTACT_FINDER))
    if skeleton is not None:
        motion = evenly_sampled(motion, fps or motion.fps)
        found, clip = _onto_bvh(motion, read_bvh(skeleton), preset, folder, options, output)
        _say(output, len(clip), found.rig_map.count(), found.title, found.sure)
        return
    shown = None
    if footage is not None:
        shown = _shown(motion, footage, output, fps, overwrite, context.meta[FOOTAGE_PREPARER])
    if blender is not None:
        folders(folder)
        answer = retarget_in_blender(
            blender, motion, str(rig), preset, folder, options, output, fps, take_of(source), reduce, shown
        )
        _say(output, answer.frames, answer.bones, answer.title, answer.sure, answer.notes)
        return
    from ..blender.export import animate_and_export

    done = animate_and_export(
        motion,
        str(rig),
        lambda read: chosen(read, preset, folder),
        options,
        output,
        fps,
        take_of(source),
        reduce,
        shown,
    )
    _say(output, done.frames, done.bones, done.found.title, done.found.sure, done.notes)


class Exporter(Protocol):
    """Writes a motion as a file of some format."""

    def __call__(self, motion: Motion, path: Path, options: BvhOptions) -> None: ...


def rig_exporters(
    rig: str, preset: str, footage: Path | None = None, overwrite: bool = False, prepare: Preparer | None = None
) -> Mapping[str, Exporter]:
    """What `motionlift lift --rig` writes with, by suffix; with `footage`, into a .blend, the video with it. Raises
    `MotionLiftError` before any work is done: `no_bpy`, and as `check_character` for what is wrong with the character
    or the preset."""
    need_bpy()
    known_preset(preset)
    if rig != NEW_RIGIFY:
        if not (place := split_place(rig)[0]).is_file():
            raise MotionLiftError("no_file", f"There is no file {place}.", "Check the name.")
        if footage is None:  # with it, they are made once more, for each video
            check_character(rig, preset)

    def write(motion: Motion, path: Path, options: BvhOptions) -> None:
        from ..blender.export import animate_and_export

        shown = None
        if footage is not None and prepare is not None and path.suffix.lower() == ".blend":
            shown = _shown(motion, footage, path, options.fps, overwrite, prepare)
        done = animate_and_export(
            motion, rig, lambda read: chosen(read, preset, None), DEFAULTS, path, options.fps, path.stem, footage=shown
        )
        for note in done.notes:
            typer.echo(f"Note: {note}", err=True)

    return dict.fromkeys(BLENDER_SUFFIXES, write)


def _shown(motion: Motion, video: Path, output: Path, fps: float | None, overwrite: bool, prepare: Preparer) -> Footage:
    """The footage in step with what will be keyed."""
    motion = evenly_sampled(motion, fps or motion.fps)
    return prepare(motion, video, proxy_path(output.parent, output.stem, motion.fps), overwrite)


def take_of(path: Path) -> str:
    """A take's name: the file's, without its suffix."""
    return path.name[: -len(MOTION_SUFFIX)] if path.name.lower().endswith(MOTION_SUFFIX) else path.stem


def read_source(path: Path, preset: str, folder: Path | None, find_contacts: ContactFinder | None) -> Motion:
    """The motion in a file, or the one that a BVH's figure makes. Raises as `Motion.load`, `read_bvh` and `match`."""
    if not path.name.lower().endswith(BVH_SUFFIX):
        return Motion.load(path)
    clip = read_bvh(path)
    raw = rig_of_bvh(clip)
    rig_map = chosen(raw, preset, folder).rig_map
    return motion_of_bvh(clip, sized(raw, rig_map), rig_map, find_contacts)


def _onto_bvh(
    motion: Motion, clip: BvhClip, preset: str, folder: Path | None, options: RetargetOptions, output: Path
) -> tuple[Match, BvhClip]:
    if options.travel == "object":
        raise UsageError("bad_retarget_option", "A BVH has no object that could travel.", "Use hips or root.")
    raw = rig_of_bvh(clip)
    found = chosen(raw, preset, folder)
    upright = stood(clip, raw, found.rig_map)
    done = retarget_motion(motion, sized(rig_of_bvh(upright.clip), found.rig_map), found.rig_map, options)
    for note in done.notes:
        typer.echo(f"Note: {note}", err=True)
    result = upright.as_it_was(keyed_bvh(done, upright.clip, motion.fps))
    write_bvh(output, result)
    return found, result


def _say(output: Path, frames: int, bones: int, title: str, sure: float, notes: Sequence[str] = ()) -> None:
    typer.echo(f"{output}: {frames} frames on {bones} bones ({title}, {sure:.0%} sure)")
    for note in notes:
        typer.echo(f"Note: {note}", err=True)
