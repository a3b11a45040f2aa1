"""Which bones of an armature play which part: what was found, and what a person said. Kept on the armature's object."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import bpy
import numpy as np

from ..bridge import match as matching
from ..bridge.blender import versions
from ..bridge.blender.rigs import read_tree
from ..bridge.correcting import CHAINS, Rows, corrected, rows_of
from ..bridge.humanoid import in_words
from ..bridge.match import Match
from ..bridge.preset_files import SUFFIX, Presets, read_preset, read_presets
from ..bridge.rig import Rig, make_rig
from ..core.jobs import MotionLiftError
from .file_names import file_named
from .preferences import ROOT_PACKAGE

AUTO = "auto"
OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


def _bone_changed(self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """Keep an empty row at the end of a chain, for one more bone."""
    figure = self.id_data
    rows = properties_of(figure).rows
    places = [place for place, row in enumerate(rows) if row.role == self.role]
    if self.role in CHAINS and all(rows[place].bone for place in places):
        rows.add().role = self.role
        rows.move(len(rows) - 1, places[-1] + 1)
    properties_of(figure).keep()


class BoneRow(bpy.types.PropertyGroup):
    """A bone that plays a role; several rows of one role are bones in a row."""

    role: bpy.props.StringProperty(override=OVERRIDABLE)
    bone: bpy.props.StringProperty(
        name="Bone",
        description="The bone that plays this part; empty: none does",
        override=OVERRIDABLE,
        update=_bone_changed,
    )

    @property
    def words(self) -> str:
        """The role as one says it."""
        return in_words(self.role)


class RigProperties(bpy.types.PropertyGroup):
    """On an armature's object: what was said about its bones. `preset`: `auto`, a family, or a preset's file; `rows`
    count instead of its bones where there are any; `test_pose`: the pose to go back to, while it stands in the test
    pose.

    `kept` is the rows as JSON: of a library override Blender keeps text, but no rows that were added to a list.
    """

    preset: bpy.props.StringProperty(
        description="The preset for this rig: a family, a file, or auto", default=AUTO, override=OVERRIDABLE
    )
    rows: bpy.props.CollectionProperty(type=BoneRow, override=OVERRIDABLE | {"USE_INSERTION"})
    kept: bpy.props.StringProperty(description="The bones that were corrected, as JSON", override=OVERRIDABLE)
    row: bpy.props.IntProperty(name="Row", description="The row that is looked at", override=OVERRIDABLE)
    fingers: bpy.props.BoolProperty(
        name="Fingers", description="List the fingers too", default=False, override=OVERRIDABLE
    )
    test_pose: bpy.props.StringProperty(
        description="The pose before the test pose, as JSON; empty out of it", override=OVERRIDABLE
    )

    def said(self) -> Rows:
        """The rows as a person left them."""
        return tuple((row.role, row.bone) for row in self.rows if row.role)

    def keep(self) -> None:
        """Have the rows come back with the file, whatever becomes of them in a library override."""
        self.kept = json.dumps(self.said())

    def forget(self) -> None:
        """Take the rows away."""
        self.fill(())

    def fill(self, rows: Rows) -> None:
        """Have these rows instead."""
        self.rows.clear()
        # Those of the library stay in an override: they are used, or left without a role, and count for nothing.
        while len(self.rows) < len(rows):
            self.rows.add()
        for place, row in enumerate(self.rows):
            # In this order: a bone that comes into a chain makes room for another.
            row.role = ""
            row.bone, row.role = rows[place][::-1] if place < len(rows) else ("", "")
        self.keep()

    def restore(self) -> None:
        """Put back rows that Blender did not keep."""
        kept = tuple((role, bone) for role, bone in json.loads(self.kept or "[]"))
        if self.kept and kept != self.said():
            self.fill(kept)


def properties_of(figure: bpy.types.Object) -> RigProperties:
    """The properties of an armature's object."""
    found: RigProperties = figure.motionlift
    return found


def preset_folder() -> Path:
    """Where a person's own presets are: they are found like those that we ship."""
    return versions.user_folder(ROOT_PACKAGE, "presets")


def presets() -> Presets:
    """Ours and the person's own."""
    return _loaded(_own_files())


def match_of(figure: bpy.types.Object) -> Match:
    """The map of an armature as it stands: found, chosen or corrected. Quick when nothing has changed.

    Raises `MotionLiftError` as `match.match` and `read_preset`.
    """
    said = properties_of(figure)
    tree = read_tree(figure)
    files = _own_files()
    if said.preset.lower().endswith(SUFFIX):
        chosen = file_named(said.preset)
        files = (*files, (str(chosen), chosen.stat().st_mtime_ns if chosen.is_file() else 0))
    found = _found(tree.names, tuple(map(int, tree.parents)), said.preset, said.said(), files)
    if isinstance(found, MotionLiftError):
        raise found
    return found


def correct_from(figure: bpy.types.Object, found: Match) -> None:
    """Fill the rows with what a match has, for a person to go on from."""
    properties_of(figure).fill(rows_of(found.rig_map))


def restore_overrides() -> None:
    """Put back the rows of library overrides, after a file was opened."""
    for figure in bpy.data.objects:
        if figure.type == "ARMATURE" and figure.override_library is not None:
            properties_of(figure).restore()


@lru_cache(maxsize=16)
def _found(
    names: tuple[str, ...], parents: tuple[int, ...], preset: str, rows: Rows, files: tuple[tuple[str, int], ...]
) -> Match | MotionLiftError:
    """What raises is remembered too: a panel asks again with every drawing."""
    points = np.zeros((len(names), 3))
    try:
        rig = make_rig(names, list(parents), points, points)
        found = _base(rig, preset, files, bool(rows))
        return corrected(found, rows) if rows else found
    except MotionLiftError as error:
        return error


def _base(rig: Rig, preset: str, files: tuple[tuple[str, int], ...], by_hand: bool) -> Match:
    """What is corrected `by_hand`, or not."""
    try:
        if preset.lower().endswith(SUFFIX):
            return matching.with_preset(rig, read_preset(file_named(preset)))
        found = _loaded(files)
        found.check(preset)
        return matching.match(rig, found.known, preset)
    except MotionLiftError as error:
        if by_hand and error.code == "not_humanoid":
            return matching.unknown()
        raise


@lru_cache(maxsize=2)
def _loaded(files: tuple[tuple[str, int], ...]) -> Presets:
    return read_presets([preset_folder()])


def _own_files() -> tuple[tuple[str, int], ...]:
    """The person's own presets and when they were changed."""
    return tuple((path.name, path.stat().st_mtime_ns) for path in sorted(preset_folder().glob(f"*{SUFFIX}")))


CLASSES = (BoneRow, RigProperties)
