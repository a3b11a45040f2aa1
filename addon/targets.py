"""What a motion is put on. The one place that knows the kinds of targets: another kind is another class here."""

from __future__ import annotations

from typing import Protocol

import bpy

from ..bridge import match as matching
from ..bridge.blender.actions import apply_keys
from ..bridge.blender.armature import add_figure, rewrite_figure
from ..bridge.blender.rigify import add_rigify_human, remove_made
from ..bridge.blender.rigs import check_editable, read_rig, switch_values
from ..bridge.retarget import Retargeted, RetargetOptions, retarget
from ..core.jobs import MotionLiftError
from ..core.motion import Motion

NEW_ARMATURE, NEW_RIGIFY, ACTIVE_ARMATURE = "NEW", "RIGIFY", "ACTIVE"


class Target(Protocol):
    """Something that a motion, evenly sampled at the scene's rate, can be written onto."""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """A new Action for `motion` that begins at the scene's first frame; the object that it animates."""
        ...

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
        """Write `motion` into the Action that animates `figure`, in place of what `write` put there."""
        ...

    def remove(self, figure: bpy.types.Object) -> None:
        """Take back the last `write`, which gave `figure`."""
        ...

    def words(self, motion: Motion) -> str:
        """What was keyed, and what an animator should know of it: `21 bones`."""
        ...


class NewArmature:
    """An armature made for the motion: one bone a joint."""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`."""
        return add_figure(context, motion, name)

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
        """See `Target.rewrite`."""
        rewrite_figure(figure, motion, first_frame)

    def remove(self, figure: bpy.types.Object) -> None:
        """See `Target.remove`."""
        bpy.data.actions.remove(figure.animation_data.action)
        bpy.data.armatures.remove(figure.data)

    def words(self, motion: Motion) -> str:
        """See `Target.words`."""
        return f"{len(motion.joint_names)} bones"


class Rig:
    """A character's armature, the object called `name`: its bones are matched with a preset or by their names."""

    def __init__(self, name: str, options: RetargetOptions | None = None) -> None:
        self._name = name
        self._options = options or RetargetOptions()
        self._previous: list[bpy.types.Action | None] = []
        self._words = ""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`. Raises `MotionLiftError`: `rig_missing`, and what matching and retargeting raise."""
        figure = bpy.data.objects.get(self._name)
        if figure is None or figure.type != "ARMATURE":
            raise MotionLiftError(
                "rig_missing", f"There is no armature {self._name} any more.", "Lift again; the detection is kept."
            )
        previous = figure.animation_data.action if figure.animation_data else None
        self._animate(figure, motion, name, context.scene.frame_start)
        self._previous.append(previous)
        kept = f" Previous Action kept: {previous.name}." if previous is not None else ""
        self._words += kept
        return figure

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
        """See `Target.rewrite`: what holds our keys unchanged is written anew, under its name."""
        self._animate(figure, motion, figure.animation_data.action.name, first_frame, replace=True)

    def remove(self, figure: bpy.types.Object) -> None:
        """See `Target.remove`: the rig shows again what it showed before."""
        made = figure.animation_data.action
        figure.animation_data.action = self._previous.pop()
        bpy.data.actions.remove(made)

    def words(self, motion: Motion) -> str:
        """See `Target.words`."""
        return self._words

    def _animate(
        self, figure: bpy.types.Object, motion: Motion, name: str, first_frame: int, replace: bool = False
    ) -> None:
        check_editable(figure)
        rig = read_rig(figure)
        found = matching.chosen(rig, "auto")
        done: Retargeted = retarget(motion, rig, found.rig_map, self._options)
        switches = switch_values(figure, found.rig_map, self._options.limbs)
        apply_keys(figure, done, name, first_frame, switches, replace)
        notes = "".join(f" {note}" for note in done.notes)
        self._words = f"{len(done.rotations)} bones of {figure.name} ({found.title}).{notes}".rstrip(".")


class NewRigify:
    """A Rigify human made for the motion, with the person's bone lengths; several people stand as filmed."""

    _OPTIONS = RetargetOptions(place="filmed")

    def __init__(self) -> None:
        self._made: list[tuple[bpy.types.ID, ...]] = []
        self._words = ""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`. Raises `MotionLiftError` as `add_rigify_human`. Takes seconds."""
        human = add_rigify_human(context, motion, name)
        rig = Rig(human.figure.name, self._OPTIONS)
        try:
            rig.write(context, motion, human.figure.name)
        except Exception:
            remove_made(human.made)
            raise
        self._made.append(human.made)
        self._words = ". ".join([rig.words(motion), *(note.rstrip(".") for note in human.notes)])
        return human.figure

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int) -> None:
        """See `Target.rewrite`."""
        Rig(figure.name, self._OPTIONS).rewrite(figure, motion, first_frame)

    def remove(self, figure: bpy.types.Object) -> None:
        """See `Target.remove`: with the meta-rig, the widgets and all else that Rigify made."""
        remove_made([figure.animation_data.action, *self._made.pop()])

    def words(self, motion: Motion) -> str:
        """See `Target.words`."""
        return self._words


def target_named(kind: str, rig: str = "") -> Target:
    """The target of a kind that `target_trouble` accepts; `rig`: the armature object's name, for `ACTIVE_ARMATURE`."""
    if kind == NEW_RIGIFY:
        return NewRigify()
    return Rig(rig) if kind == ACTIVE_ARMATURE else NewArmature()


def target_trouble(kind: str, active: bpy.types.Object | None) -> str:
    """Why nothing can be written onto a target of this kind; empty where it can."""
    if kind != ACTIVE_ARMATURE:
        return ""
    if active is None or active.type != "ARMATURE":
        return "Select an armature or choose New Armature"
    try:
        check_editable(active)
    except MotionLiftError as error:
        return str(error)
    return ""
