"""What a motion is put on. The one place that knows the kinds of targets: another kind is another class here."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import bpy

from ..bridge.adjusting import adjusted
from ..bridge.blender.actions import apply_keys
from ..bridge.blender.armature import FigureDraft, add_figure, is_figure_of, keys_on_figure, rewrite_figure
from ..bridge.blender.drafts import Draft, DraftLost, Keys
from ..bridge.blender.hand_work import called, take_over
from ..bridge.blender.key_curves import names_written
from ..bridge.blender.nla import refuse_tweaked
from ..bridge.blender.rigify import RigifyHuman, add_rigify_human, remove_made
from ..bridge.blender.rigify_draft import HumanDraft, import_rigify
from ..bridge.blender.rigs import check_editable, hindrances, read_rig, switch_values
from ..bridge.blender.test_pose import leave_test_pose
from ..bridge.blender.written import names_in
from ..bridge.correcting import doubled
from ..bridge.retarget import Retargeted, RetargetOptions, retarget
from ..bridge.rig import Rig as ArmatureRig
from ..core.jobs import MotionLiftError
from ..core.motion import Motion
from . import rig_map
from .drafting import AnyDraft
from .prepared import Prepared, Wanted
from .threads import in_thread

AUTOMATIC, NEW_ARMATURE, NEW_RIGIFY, ACTIVE_ARMATURE = "AUTO", "NEW", "RIGIFY", "ACTIVE"


class Target(Protocol):
    """Something that a motion, evenly sampled at the scene's rate, can be written onto."""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """A new Action for `motion` that begins at the scene's first frame; the object that it animates."""
        ...

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int, anew: str = "") -> list[str]:
        """Write `motion` into the Action that animates `figure`, in place of what `write` put there; or into a new one
        of the name `anew`, which takes its place on `figure`. Returns bones and properties left to an animator, whose
        keys are there since before they had a part in the take."""
        ...

    def remove(self, figure: bpy.types.Object) -> None:
        """Take back the last `write`, which gave `figure`."""
        ...

    def words(self, motion: Motion) -> str:
        """What was keyed, and what an animator should know of it: `21 bones`."""
        ...


class NewArmature:
    """An armature made for the motion: one bone a joint."""

    def __init__(
        self,
        options: RetargetOptions | None = None,
        prepared: Prepared | None = None,
        drafts: Sequence[AnyDraft] = (),
    ) -> None:
        self._options = options or RetargetOptions()
        self._prepared, self._drafts = prepared, list(drafts)

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`."""
        draft = self._drafts.pop(0) if self._drafts else None
        return add_figure(context, self._stood(motion), name, draft if isinstance(draft, FigureDraft) else None)

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int, anew: str = "") -> list[str]:
        """See `Target.rewrite`."""
        if not is_figure_of(figure, motion):
            rig = Rig(figure.name, as_rig(self._options), self._prepared, self._drafts)
            return rig.rewrite(figure, motion, first_frame, anew)
        before = figure.animation_data.action
        made = rewrite_figure(figure, self._stood(motion), first_frame, _only(self._drafts), bool(anew))
        _settle(before, made, anew)
        return []

    def remove(self, figure: bpy.types.Object) -> None:
        """See `Target.remove`."""
        bpy.data.actions.remove(figure.animation_data.action)
        bpy.data.armatures.remove(figure.data)

    def words(self, motion: Motion) -> str:
        """See `Target.words`."""
        return f"{len(motion.joint_names)} bones"

    def _stood(self, motion: Motion) -> Motion:
        ready = self._prepared.stood(motion, self._options.adjustment) if self._prepared else None
        return ready or adjusted(motion, self._options.adjustment)


class Rig:
    """A character's armature, the object called `name`: which bone plays which part says `rig_map`."""

    def __init__(
        self,
        name: str,
        options: RetargetOptions | None = None,
        prepared: Prepared | None = None,
        drafts: Sequence[AnyDraft] = (),
    ) -> None:
        self._name = name
        self._options = options or RetargetOptions()
        self._prepared = prepared
        self._draft = _only(drafts)
        self._previous: list[bpy.types.Action | None] = []
        self._words = ""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`. Raises `MotionLiftError`: `rig_missing`, and what matching and retargeting raise."""
        figure = bpy.data.objects.get(self._name)
        if figure is None or figure.type != "ARMATURE":
            raise rig_missing(self._name)
        said = rig_map.properties_of(figure)
        if said.test_pose:
            leave_test_pose(context.scene, figure, said.test_pose)
            said.test_pose = ""
        previous = figure.animation_data.action if figure.animation_data else None
        self._animate(figure, motion, name, context.scene.frame_start)
        self._previous.append(previous)
        kept = f". Previous Action kept: {previous.name}" if previous is not None else ""
        self._words += kept
        return figure

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int, anew: str = "") -> list[str]:
        """See `Target.rewrite`: the Action is made anew and takes the place of the one before."""
        before = figure.animation_data.action
        kept = before.use_fake_user
        done = self._animate(figure, motion, before.name, first_frame, again=True)
        before.use_fake_user = kept
        made = figure.animation_data.action
        _settle(before, made, anew)
        return called(names_written(figure, done) - (names_in(made) or frozenset()))

    def remove(self, figure: bpy.types.Object) -> None:
        """See `Target.remove`: the rig shows again what it showed before."""
        made = figure.animation_data.action
        figure.animation_data.action = self._previous.pop()
        bpy.data.actions.remove(made)

    def words(self, motion: Motion) -> str:
        """See `Target.words`."""
        return self._words

    def _animate(
        self, figure: bpy.types.Object, motion: Motion, name: str, first_frame: int, again: bool = False
    ) -> Retargeted:
        check_editable(figure)
        refuse_tweaked(figure)
        rig = read_rig(figure)
        found = rig_map.match_of(figure)
        ready = self._prepared.of(motion, rig, found.rig_map, self._options) if self._prepared else None
        done: Retargeted = ready or retarget(motion, rig, found.rig_map, self._options)
        switches = switch_values(figure, found.rig_map, self._options.limbs)
        apply_keys(figure, done, name, first_frame, switches, draft=self._draft, again=again)
        turned = [done.rig.names[bone] for bone in done.rotations]
        targets = found.rig_map.ik_targets(self._options.limbs)
        listed = [*done.notes, *hindrances(figure, turned, done.object_location is not None, targets)]
        notes = "".join(f" {note}" for note in listed)
        self._words = f"{len(done.rotations)} bones of {figure.name} ({found.title}).{notes}".rstrip(".")
        return done


class NewRigify:
    """A Rigify human made for the motion, with the person's bone lengths; several people stand as filmed."""

    def __init__(
        self,
        options: RetargetOptions | None = None,
        prepared: Prepared | None = None,
        drafts: Sequence[AnyDraft] = (),
    ) -> None:
        self._options = options or options_for(NEW_RIGIFY, RetargetOptions())
        self._prepared, self._drafts = prepared, list(drafts)
        self._made: list[tuple[bpy.types.ID, ...]] = []
        self._words = ""

    def write(self, context: bpy.types.Context, motion: Motion, name: str) -> bpy.types.Object:
        """See `Target.write`. Raises `MotionLiftError` as `add_rigify_human`. Takes seconds if nothing is prepared."""
        human, keys = self._made_of(context, motion, name)
        try:
            rig = Rig(human.figure.name, self._options, self._prepared, keys)
            rig.write(context, motion, human.figure.name)
        except Exception:
            remove_made(human.made)
            raise
        self._made.append(human.made)
        self._words = ". ".join([rig.words(motion), *(note.rstrip(".") for note in human.notes)])
        return human.figure

    def _made_of(self, context: bpy.types.Context, motion: Motion, name: str) -> tuple[RigifyHuman, list[AnyDraft]]:
        """A Rigify human for the motion, and the draft of its keys: what was made beforehand, if there is any."""
        draft = self._drafts.pop(0) if self._drafts else None
        if isinstance(draft, HumanDraft) and draft.motion is motion:
            with contextlib.suppress(DraftLost):
                return draft.human(context), [] if draft.keys is None else [draft.keys]
        written = self._prepared.human_of(motion) if self._prepared else None
        if written is None:
            return add_rigify_human(context, motion, name), []
        return HumanDraft(written, name, motion, lambda *_: None).human(context), []

    def rewrite(self, figure: bpy.types.Object, motion: Motion, first_frame: int, anew: str = "") -> list[str]:
        """See `Target.rewrite`."""
        rig = Rig(figure.name, self._options, self._prepared, self._drafts)
        return rig.rewrite(figure, motion, first_frame, anew)

    def remove(self, figure: bpy.types.Object) -> None:
        """See `Target.remove`: with the meta-rig, the widgets and all else that Rigify made."""
        remove_made([figure.animation_data.action, *self._made.pop()])

    def words(self, motion: Motion) -> str:
        """See `Target.words`."""
        return self._words


def target_named(
    kind: str,
    rig: str = "",
    options: RetargetOptions | None = None,
    prepared: Prepared | None = None,
    drafts: Sequence[AnyDraft] = (),
) -> Target:
    """The target of a kind that `resolved` returned; for `ACTIVE_ARMATURE` with the armature object's name, `rig`.

    `options` are those of `options_for`; `prepared`: what `prepare` made of `preparation`, where that was done, and
    `drafts` what was made and written of it, motion by motion.
    """
    if kind == NEW_RIGIFY:
        return NewRigify(options, prepared, drafts)
    return Rig(rig, options, prepared, drafts) if kind == ACTIVE_ARMATURE else NewArmature(options, prepared, drafts)


def rig_missing(name: str) -> MotionLiftError:
    """For an armature that is gone."""
    return MotionLiftError(
        "rig_missing", f"There is no armature {name} any more.", "Lift again; the detection is kept."
    )


def _only(drafts: Sequence[AnyDraft]) -> Draft | None:
    """The draft of the one Action of a rig that is there."""
    return next((draft for draft in drafts if isinstance(draft, Draft)), None)


def _settle(before: bpy.types.Action, made: bpy.types.Action, anew: str) -> None:
    """Let the Action that was made be a new one called `anew`, or without a name take the other's place."""
    if anew:
        before.use_fake_user = made.use_fake_user = True
        made.name = anew
    elif made != before:
        kept = before.use_fake_user
        take_over(before, made)
        made.use_fake_user = kept


def options_for(kind: str, chosen: RetargetOptions) -> RetargetOptions:
    """How a take is put on a target of this kind: as `chosen` for a rig that is there; people on rigs that are made for
    them stand as filmed, and of what is chosen only whether feet are planted concerns them."""
    return RetargetOptions(place="filmed", plant_feet=chosen.plant_feet) if kind == NEW_RIGIFY else chosen


def as_rig(options: RetargetOptions) -> RetargetOptions:
    """How a take is put again on an armature that was made for it, with `options`, and that an animator has changed
    since: as on any rig, where it was filmed."""
    return RetargetOptions(place="filmed", plant_feet=options.plant_feet, adjustment=options.adjustment)


def preparation(
    kind: str,
    rig: str,
    options: RetargetOptions,
    motions: Sequence[Motion],
    names: Sequence[str] = (),
    action: bpy.types.Action | None = None,
) -> Wanted | None:
    """What can be worked out in a thread before motions are written onto a target, on a new rig under these names, in
    place of `action`, which may play as a strip; None where nothing can.

    What is wrong with the rig is told when they are written.
    """
    if kind == NEW_ARMATURE:
        return Wanted(tuple(motions), None, None, options)
    if kind == NEW_RIGIFY and bpy.app.binary_path:
        in_thread(import_rigify)
        blender, presets = Path(bpy.app.binary_path), rig_map.presets().known
        return Wanted(tuple(motions), None, None, options, blender=blender, names=tuple(names), presets=presets)
    figure = bpy.data.objects.get(rig)
    if kind != ACTIVE_ARMATURE or figure is None or figure.type != "ARMATURE":
        return None
    try:
        return Wanted(tuple(motions), read_rig(figure, action), rig_map.match_of(figure).rig_map, options)
    except MotionLiftError:
        return None


def human_draft(prepared: Prepared, motion: Motion, name: str, first_frame: int) -> HumanDraft:
    """The Rigify human that was made for one of the prepared motions, and its keys, to be taken in little by little.

    Raises `DraftLost` where there is none.
    """
    written = prepared.human_of(motion)
    if written is None:
        raise DraftLost

    def keys(figure: bpy.types.Object, rig: ArmatureRig) -> Draft | None:
        found, limbs = rig_map.match_of(figure).rig_map, prepared.wanted.options.limbs
        done = prepared.of(motion, rig, found, prepared.wanted.options)
        if done is None:
            return None
        return Draft(figure, Keys.on_rig(figure, done), first_frame, switch_values(figure, found, limbs))

    return HumanDraft(written, name, motion, keys)


def draft_on(figure: bpy.types.Object, prepared: Prepared, first_frame: int, again: bool = False) -> Draft | None:
    """The keys of what was prepared for `figure`, to be written little by little, `again` in place of those of the same
    take; None where something about it has changed, which is told when they are written."""
    if prepared.wanted.rig is None:
        return Draft(figure, keys_on_figure(figure, prepared.stands[0]), first_frame)
    try:
        check_editable(figure)
        wanted, found = prepared.wanted, rig_map.match_of(figure)
    except MotionLiftError:
        return None
    if prepared.of(prepared.motions[0], read_rig(figure), found.rig_map, wanted.options) is None:
        return None
    switches = switch_values(figure, found.rig_map, wanted.options.limbs)
    return Draft(figure, Keys.on_rig(figure, prepared.done[0], again=again), first_frame, switches)


def resolved(kind: str, active: bpy.types.Object | None) -> str:
    """The kind that a choice means now: automatic is the active armature, or a new one where none is active."""
    if kind != AUTOMATIC:
        return kind
    return ACTIVE_ARMATURE if active is not None and active.type == "ARMATURE" else NEW_ARMATURE


def armature_of(kind: str, active: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that is there already and would be animated."""
    if resolved(kind, active) != ACTIVE_ARMATURE or active is None or active.type != "ARMATURE":
        return None
    return active


def target_words(kind: str, active: bpy.types.Object | None) -> str:
    """What a lift goes onto, where `target_trouble` has nothing to say: `Hero: Mixamo, 52 bones`."""
    figure = armature_of(kind, active)
    if resolved(kind, active) == NEW_RIGIFY:
        return "Makes a new Rigify human"
    if figure is None:
        return "Makes a new armature"
    found = rig_map.match_of(figure)
    corrected = ", corrected" if rig_map.properties_of(figure).said() else ""
    return f"{figure.name}: {found.title}, {found.rig_map.count()} bones{corrected}"


def target_trouble(kind: str, active: bpy.types.Object | None) -> str:
    """Why nothing can be written onto a target of this kind; empty where it can."""
    if resolved(kind, active) != ACTIVE_ARMATURE:
        return ""
    if active is None or active.type != "ARMATURE":
        return "Select an armature or choose New Armature"
    try:
        check_editable(active)
        rig_map.match_of(active)
    except MotionLiftError as error:
        return f"{error.message} Say which are which under Bones" if error.code == "not_humanoid" else str(error)
    return doubled(rig_map.properties_of(active).said())
