"""`motionlift presets` and `motionlift match`: rig families, and what one rig is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ...core.bvh import SUFFIX as BVH_SUFFIX
from ...core.bvh import read_bvh
from ...core.files import check_output
from ...core.jobs import MotionLiftError, UsageError
from .. import match as matching
from ..bvh_rig import rig_of_bvh
from ..humanoid import in_words
from ..match import Match
from ..preset import Preset
from ..preset_files import SUFFIX, load_presets, read_preset, read_presets, save_preset
from ..preset_text import preset_of
from ..rig import Rig
from .blend import read_blend_rig

presets = typer.Typer(no_args_is_help=True, help="The rig families that MotionLift knows, and your own.")

PresetFolder = Annotated[
    Path | None, typer.Option("--presets", help="A folder of presets of your own, which come before ours.")
]


def folders(folder: Path | None) -> Sequence[Path]:
    """The user's folder as `load_presets` wants it. Raises `UsageError` (`no_folder`)."""
    if folder is not None and not folder.is_dir():
        raise UsageError("no_folder", f"There is no folder {folder}.", "Check the name.")
    return [] if folder is None else [folder]


def chosen(rig: Rig, preset: str, folder: Path | None) -> Match:
    """The map of a rig by `--preset` and `--presets`. Raises as `match.chosen` and `folders`."""
    folders(folder)
    return matching.chosen(rig, preset, folder)


def known_preset(preset: str) -> None:
    """Raises `MotionLiftError` for a `--preset` that is not there, or not right."""
    if preset.lower().endswith(SUFFIX):
        read_preset(Path(preset))
    elif preset != "auto" and preset not in load_presets():
        raise MotionLiftError(
            "no_preset", f"There is no preset {preset}.", f"There are: auto, {', '.join(sorted(load_presets()))}."
        )


@presets.command("list")
def list_presets(folder: PresetFolder = None) -> None:
    """Name the families."""
    known = load_presets(folders(folder))
    width = max(len(family) for family in known)
    for family, preset in sorted(known.items()):
        own = "" if preset.path is None or not folder or preset.path.parent != folder else "   (yours)"
        typer.echo(f"{family:<{width}}  {preset.title}{own}")


@presets.command("show")
def show_preset(family: Annotated[str, typer.Argument(help="A family's name.")], folder: PresetFolder = None) -> None:
    """Print a preset's file, to be changed and kept as one of your own."""
    read_presets(folders(folder)).check(family)
    known = load_presets(folders(folder))
    if family not in known:
        raise UsageError("no_preset", f"There is no preset {family}.", f"There are: {', '.join(sorted(known))}.")
    typer.echo(_text(known[family]), nl=False)


def _text(preset: Preset) -> str:
    return preset.path.read_text(encoding="utf-8") if preset.path else ""


@presets.command("check")
def check_preset(files: Annotated[list[Path], typer.Argument(help="Preset files.", metavar="FILE")]) -> None:
    """Say whether preset files are right."""
    for path in files:
        preset = read_preset(path)
        typer.echo(f"{path}: right, {preset.title}, {sum(len(names) for names in preset.bones.values())} names")


def match(
    file: Annotated[Path, typer.Argument(help="A .bvh, or a .blend[:Armature] (needs Blender's bpy).")],
    preset: Annotated[str, typer.Option(help="auto, a family's name, or a preset file.")] = "auto",
    folder: PresetFolder = None,
    save: Annotated[Path | None, typer.Option(help="Keep the map as a preset of your own, a .toml.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Show which bones of a rig play which part, and how sure that is."""
    rig = read_rig(file)
    found = chosen(rig, preset, folder)
    typer.echo(f"{found.title} ({found.family}): {found.rig_map.count()} of {len(rig)} bones, {found.sure:.0%} sure")
    if found.others:
        typer.echo(f"Fits as well: {', '.join(found.others)}")
    rows = list(matching.describe(found))
    width = max(len(part) for part, _ in rows)
    for part, names in rows:
        typer.echo(f"  {part:<{width}}  {names}")
    if found.missing:
        typer.echo(f"No bone for: {', '.join(in_words(role) for role in found.missing)}")
    if save is not None:
        if save.suffix.lower() != SUFFIX:
            raise UsageError("unknown_suffix", f"{save.name} does not end in {SUFFIX}.", f"Name a {SUFFIX} file.")
        check_output(save, overwrite)
        save_preset(preset_of(found.rig_map, save.stem), save)
        typer.echo(f"{save}")


def read_rig(file: Path) -> Rig:
    """The rig in a `.bvh`, or in a `.blend` or `.blend:Armature`."""
    if file.name.lower().endswith(BVH_SUFFIX):
        return rig_of_bvh(read_bvh(file))
    if ".blend" in file.name.lower():
        return read_blend_rig(str(file))
    raise UsageError("unknown_suffix", f"{file.name} is neither a .bvh nor a .blend.", "Name one of these.")
