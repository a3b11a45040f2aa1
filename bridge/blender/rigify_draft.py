"""A Rigify human that another Blender has made, taken in little by little and shown when it and its keys are whole.

Each step costs Blender a few hundredths of a second: Rigify is enabled, the rig appended, then its widgets part by part
and put onto the bones, its panel registered, then keys are written as for any rig (`drafts.py`). Until it is shown
nobody sees it, it is in no scene, and what is held of it is looked up by name.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import addon_utils
import bpy

from ...core.jobs import MotionLiftError
from ...core.motion import Motion
from ..rig import Rig
from .adding import collection_for_new
from .armature import free_name
from .drafts import Draft, DraftLost
from .rigify import METARIG, MODULE, WIDGETS, RigifyHuman, data_blocks, enable, made_since, remove_made
from .rigs import read_rig

log = logging.getLogger(__name__)

MARK = "motionlift_human_draft"
"""The custom property of a rig that is not shown yet: its data blocks' names by kind, as JSON."""


def import_rigify() -> None:
    """Import the add-on Rigify without enabling it, which then takes half the time. For a thread: it takes as long as a
    picture. What goes wrong shows again when it is enabled."""
    if addon_utils.check(MODULE)[1]:
        return
    try:
        module = importlib.import_module(MODULE)
        # As Blender marks a module that it has imported: not enabled, and of which time it is.
        module.__dict__.update(__addon_enabled__=False, __time__=os.path.getmtime(str(module.__file__)))
    except Exception:
        log.exception("importing Rigify")


class HumanDraft:
    """The Rigify human that `write_rigify_human` wrote for `motion` into the file `written`, under `free_name(name)`.

    `write` begins the keys of the rig, which it is given as an object and as read; None where they come later.
    """

    def __init__(
        self, written: Path, name: str, motion: Motion, write: Callable[[bpy.types.Object, Rig], Draft | None]
    ) -> None:
        self.motion = motion
        self.keys: Draft | None = None
        self._written, self._name, self._write = written, name, write
        self._notes: tuple[str, ...] = ()
        self._enabled = contextlib.ExitStack()
        self._left = self._steps()

    @property
    def weighty(self) -> bool:
        """Whether the next step takes long enough to be the only one of a tick."""
        return self.keys is None

    def advance(self) -> bool:
        """Do some more, for a few hundredths of a second at most; whether all is done then.

        Raises `DraftLost`, `MotionLiftError` (`no_rigify`, `rigify_failed`), and what `write` raises.
        """
        return next(self._left, True) is True

    def human(self, context: bpy.types.Context) -> RigifyHuman:
        """Do what is left and put the human into `collection_for_new`, its widgets into one that is hidden. Object
        Mode is needed; selection and active object stay. Raises as `advance`; then there is no draft any more."""
        try:
            while not self.advance():
                pass
            figure = self._found()
        except Exception:
            self.discard()
            raise
        made, metarig = tuple(_named(figure)), _metarig(figure)
        widgets = metarig.data.rigify_widgets_collection
        collection = collection_for_new(context)
        for item in (metarig, figure):
            collection.objects.link(item)
        context.scene.collection.children.link(widgets)
        context.view_layer.layer_collection.children[widgets.name].exclude = True
        metarig.hide_set(True)
        del figure[MARK], figure[WIDGETS]
        self._enabled.pop_all()
        return RigifyHuman(figure, metarig, made, self._notes)

    def discard(self) -> None:
        """Throw away what there is of it, and disable Rigify again if this enabled it."""
        if self.keys is not None:
            self.keys.discard()
        _discard(bpy.data.objects.get(self._name))
        self._enabled.close()

    def _steps(self) -> Iterator[bool]:
        self._notes = enable(self._enabled)
        yield False
        self._name = free_name(self._name)
        _append_rig(self._written, self._name)
        yield False
        for part in json.loads(self._found()[WIDGETS]):
            _append_widgets(self._written, self._found(), part)
            yield False
        _register_panel(self._found())
        yield False
        rig = read_rig(self._found())
        yield False
        self.keys = self._write(self._found(), rig)
        while self.keys is not None and not self.keys.advance():
            yield False

    def _found(self) -> bpy.types.Object:
        figure = bpy.data.objects.get(self._name)
        if figure is None or MARK not in figure:
            raise DraftLost
        return figure


def discard_lost_humans() -> None:
    """Throw away those that undo has brought back: nobody goes on with them."""
    for figure in [figure for figure in bpy.data.objects if MARK in figure]:
        _discard(figure)


def _append(path: Path, wanted: Callable[[Sequence[str]], Sequence[str]]) -> list[bpy.types.Object]:
    """Those objects of the file, in no scene, with all that hangs from them."""
    libraries = set(bpy.data.libraries)
    try:
        with bpy.data.libraries.load(str(path), link=False) as (there, here):
            here.objects = wanted(there.objects)
    except OSError as error:
        raise MotionLiftError("rigify_failed", f"The rig in {path} cannot be read: {error}", "Lift again.") from error
    finally:
        # Nothing is linked to the file, which goes.
        bpy.data.batch_remove(ids=set(bpy.data.libraries) - libraries)
    return list(here.objects)


def _append_rig(path: Path, name: str) -> None:
    """Meta-rig and rig, without widgets, the latter marked as a draft."""
    before = data_blocks()
    metarig = next(iter(_append(path, lambda there: [each for each in there if each.endswith(METARIG)])), None)
    if metarig is None or metarig.data.rigify_target_rig is None:
        remove_made(made_since(before))
        raise MotionLiftError("rigify_failed", "Rigify made no rig.", "Choose New Armature.")
    figure = metarig.data.rigify_target_rig
    for item, called in ((metarig, name + METARIG), (figure, name)):
        item.name = item.data.name = called
    metarig.data.rigify_rig_basename = name
    _mark(figure, before)


def _append_widgets(path: Path, figure: bpy.types.Object, bones: Mapping[str, Sequence[str]]) -> None:
    """Widgets by their names in the file, onto these bones of the figure."""
    before = data_blocks()
    widgets = _append(path, lambda there: list(bones))
    _mark(figure, before)
    collection = _metarig(figure).data.rigify_widgets_collection
    for widget, names in zip(widgets, bones.values(), strict=True):
        collection.objects.link(widget)
        for name in names:
            figure.pose.bones[name].custom_shape = widget


def _mark(figure: bpy.types.Object, before: Mapping[str, set[bpy.types.ID]]) -> None:
    """Note in the figure's mark what was made since then."""
    made = json.loads(figure.get(MARK, "{}"))
    for kind, known in before.items():
        made[kind] = [*made.get(kind, []), *(item.name for item in getattr(bpy.data, kind) if item not in known)]
    figure[MARK] = json.dumps(made)


def _register_panel(figure: bpy.types.Object) -> None:
    """Rigify's panel for the rig."""
    panel = next(item for item in _named(figure) if isinstance(item, bpy.types.Text))
    # As Rigify does with the text that it has just written; without what this module asks of the future.
    exec(compile(panel.as_string(), panel.name, "exec", dont_inherit=True), {})


def _named(figure: bpy.types.Object) -> list[bpy.types.ID]:
    """The data blocks that a draft's mark names, as far as they are there."""
    made = json.loads(figure[MARK]).items()
    found = (getattr(bpy.data, kind).get(name) for kind, names in made for name in names)
    return [item for item in found if item is not None]


def _metarig(figure: bpy.types.Object) -> bpy.types.Object:
    """A draft's. Not by its name, which may have been another's already."""
    return next(item for item in _named(figure) if getattr(item, "type", "") == "ARMATURE" and item != figure)


def _discard(figure: bpy.types.Object | None) -> None:
    if figure is not None and MARK in figure:
        remove_made(_named(figure))
