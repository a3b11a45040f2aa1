"""What the worker made, into the scene: in one step that undo takes back, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..bridge.blender import contacts, nla, versions
from ..bridge.blender.armature import take_name
from ..bridge.blender.export import set_rate
from ..bridge.blender.handiwork import fingerprint_as_written
from ..bridge.blender.lasting import with_uid
from ..bridge.blender.modes import in_object_mode
from ..bridge.blender.scene import mark_places
from ..bridge.blender.strip_time import timings
from ..bridge.retarget import RetargetOptions
from ..core.jobs import LiftSettings, MotionLiftError
from ..core.motion import Motion
from . import edited, targets
from .drafting import AnyDraft
from .file_names import file_named
from .lift_jobs import Finished
from .panel_words import in_panel
from .placing import Placing, fit_range, settle
from .preferences import ROOT_PACKAGE
from .properties import TakeProperties
from .sampling import at_rate
from .takes import FOLDER, locate, stored_name, take_folders

SAME_RATE = 1e-3
"""Rates that differ by less are one."""


@dataclass(frozen=True)
class LiftPlan:
    """The payload of a lift: what its motions are put on, the armature that was active then, and how; what was chosen
    about the scene, and the place of the video in the list of those that are lifted unattended; `scene`: the one that
    it belongs to (its `session_uid`; 0: the one at hand in the end). `rig_uid`: the armature's, since it may be
    renamed; 0: it is the one of that name."""

    target: str
    rig: str = ""
    options: RetargetOptions = field(default_factory=RetargetOptions)
    placing: Placing = field(default_factory=Placing)
    batch: str = ""
    scene: int = 0
    rig_uid: int = 0

    @property
    def figure(self) -> bpy.types.Object | None:
        """The armature, whatever it is called by now; None where there is none, or it is gone."""
        return with_uid(bpy.data.objects, self.rig_uid) if self.rig_uid else bpy.data.objects.get(self.rig)


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames a second."""
    return float(scene.render.fps / scene.render.fps_base)


def folders() -> tuple[Path, ...]:
    """Where this file's takes are: see `take_folders`."""
    return take_folders(bpy.data.filepath, versions.user_folder(ROOT_PACKAGE, "takes"))


def take_file(stored: str) -> Path:
    """Where a file that an Action names is now. Raises `MotionLiftError` (`take_missing`)."""
    return locate(file_named(stored), folders())


def shown_action(context: bpy.types.Context) -> bpy.types.Action | None:
    """The Action of the active object that shows a take: its own, else that of its topmost NLA strip with one."""
    figure = context.active_object
    played = nla.played_actions(figure) if figure else []
    return next((action for action in played if action.motionlift.take), None)


def required_action(context: bpy.types.Context) -> bpy.types.Action:
    """`shown_action`, where `poll` has seen that there is one. Raises `MotionLiftError` (`no_take`)."""
    action = shown_action(context)
    if action is None:
        raise MotionLiftError("no_take", "The active object shows no take.", "Select an armature with a lifted Action.")
    return action


def other_rate(context: bpy.types.Context, action: bpy.types.Action) -> str:
    """`Clip 29.97, scene 24` where the two differ or the Action was written for another rate; else empty."""
    clip, written, rate = action.motionlift.clip_fps, action.motionlift.fps, scene_rate(context.scene)
    if not clip or (abs(rate / clip - 1) <= SAME_RATE and abs(rate / written - 1) <= SAME_RATE):
        return ""
    return f"Clip {clip:.5g}, scene {rate:.5g} frames a second"


def take_words(action: bpy.types.Action) -> str:
    """Where the Action's take lies: beside the .blend, or in the user's folder until the file is saved."""
    try:
        path = take_file(action.motionlift.take)
    except MotionLiftError as error:
        return str(error)
    beside = bool(bpy.data.filepath) and path.is_relative_to(Path(bpy.data.filepath).parent)
    where = f"{FOLDER}/{path.parent.name}, beside the .blend" if beside else "the user's folder until the file is saved"
    return f"{path.name} in {where}"


def place_lift(context: bpy.types.Context, finished: Finished, drafts: Sequence[AnyDraft] = ()) -> str:
    """Put a lift's motions on its target, fit the scene to them as chosen, and say what was done. `drafts`: what was
    written beforehand, motion by motion.

    Raises what went wrong; then the scene is as it was.
    """
    plan: LiftPlan = finished.job.payload
    figure = plan.figure
    if plan.target == targets.ACTIVE_ARMATURE and figure is None:
        raise targets.rig_missing(plan.rig)
    name = "" if figure is None else figure.name
    target = targets.target_named(plan.target, name, plan.options, finished.prepared, drafts)
    with in_object_mode(context):
        return _placed(context, finished, plan, target)


def _placed(context: bpy.types.Context, finished: Finished, plan: LiftPlan, target: targets.Target) -> str:
    scene = context.scene
    made: list[bpy.types.Object] = []
    with contextlib.ExitStack() as failing:
        failing.callback(give_rate, scene, scene.render.fps, scene.render.fps_base)
        failing.callback(setattr, scene, "frame_end", scene.frame_end)
        failing.callback(_remove_all, target, made)
        if plan.placing.rate == "SET" and finished.clip_fps:
            set_rate(scene, finished.clip_fps)
        finished = at_rate(finished, scene_rate(scene))
        for number, (path, motion) in enumerate(finished.motions):
            figure = target.write(context, motion, take_name(path))
            made.append(figure)
            report = finished.reports[number] if number < len(finished.reports) else {}
            _introduce(figure, finished, path, motion, report)
        actions = [figure.animation_data.action for figure in made]
        words = target.words(finished.motions[0][1])
        _select(context, made)
        fit_range(scene, actions, plan.placing.range)
        if plan.placing.markers:
            mark(scene, actions)
        settle(made, plan.placing)
        failing.pop_all()
    return summary(finished, [action.name for action in actions], words, scene_rate(scene))


@dataclass(frozen=True)
class ScenePlace:
    """A place to check, in the scene's frames."""

    start: int
    end: int
    words: str


def places_of(scene: bpy.types.Scene, figure: bpy.types.Object | None, action: bpy.types.Action) -> list[ScenePlace]:
    """The places to check of an Action where the scene shows them on `figure`, in order; what strips leave out of the
    Action is left out of them."""
    played = timings(figure, action, scene.frame_current)
    found = []
    for place in action.motionlift.places:
        shown = next(filter(None, (timing.part(place.start, place.end) for timing in played)), None)
        if shown is not None:
            found.append(ScenePlace(round(shown[0]), round(shown[1]), place.words))
    return sorted(found, key=lambda place: place.start)


def shown_places(context: bpy.types.Context) -> list[ScenePlace]:
    """`places_of` the active object's take; none where it shows none."""
    action = shown_action(context)
    return [] if action is None else places_of(context.scene, context.active_object, action)


def _select(context: bpy.types.Context, figures: Sequence[bpy.types.Object]) -> None:
    """Let these be all that is selected, the last of them active, as far as the view layer has them: an animator may
    have left a rig's collection out of it."""
    there = []
    others = list(context.selected_objects)
    for figure in figures:
        with contextlib.suppress(RuntimeError):  # It is not in the view layer.
            figure.select_set(True)
            there.append(figure)
    for other in others if there else ():
        other.select_set(other in there)
    if there:
        context.view_layer.objects.active = there[-1]


def mark(scene: bpy.types.Scene, actions: Sequence[bpy.types.Action]) -> None:
    """Markers in the timeline at the places to check of these Actions: `check L hand hidden`."""
    found = [place for action in actions for place in places_of(scene, animated_by(bpy.context, action), action)]
    mark_places(scene, sorted({(place.start, f"check {_short(place.words)}") for place in found}))


def _short(words: str) -> str:
    """Of a place's words, as short as names of markers should be."""
    return words.replace("left ", "L ").replace("right ", "R ")


def _introduce(
    figure: bpy.types.Object, finished: Finished, path: Path, motion: Motion, report: dict[str, Any]
) -> None:
    """Store in a new Action where it comes from."""
    # What the previous Action had of contacts came along with its other curves.
    contacts.remove(figure)
    action = figure.animation_data.action
    properties: TakeProperties = action.motionlift
    properties.take, properties.video = stored(path), stored(finished.job.video)
    properties.target, properties.own_contacts = finished.job.payload.target, False
    properties.remember_options(finished.job.payload.options)
    properties.first_frame = round(action.frame_start)
    properties.clip_fps = finished.clip_fps or motion.fps
    remember(action, path, motion, finished.job.settings, report, finished.warnings)
    properties.choose_applied()


def refuse_edited(action: bpy.types.Action) -> None:
    """Raises `MotionLiftError` (`edited`) for an Action that someone has changed by hand."""
    # That nobody did is not believed without looking.
    if edited.known(action) or edited.edited(action):
        raise MotionLiftError(
            "edited",
            f"{action.name} was edited by hand, so it is left as it is.",
            "Press Keep My Edits to have them carried over, or clean up into a new Action.",
        )


def summary(finished: Finished, names: Sequence[str], words: str, rate: float) -> str:
    """What was lifted, and what an animator should know: `walk: 312 frames on 21 bones. 2 places to check.`; `words`
    say on what."""
    motion = finished.motions[0][1]
    places = sum(len(report.get("places", ())) for report in finished.reports)
    text = f"{', '.join(names)}: {len(motion)} frames on {words}. {places_words(places)}"
    if finished.clip_fps and abs(rate / finished.clip_fps - 1) > SAME_RATE:
        text += f" Clip {finished.clip_fps:.5g}, scene {rate:.5g} frames a second."
    return text


def places_words(count: int) -> str:
    """How many places there are to check."""
    return "Nothing to check." if not count else f"{count} place{'s' * (count != 1)} to check."


def remember(
    action: bpy.types.Action,
    path: Path,
    motion: Motion,
    settings: LiftSettings,
    report: dict[str, Any] | None,
    warnings: Sequence[str],
) -> None:
    """Store in the Action what it shows; without a report the places to check stay where they are in time."""
    properties: TakeProperties = action.motionlift
    faster = motion.fps / properties.fps if properties.fps else 1.0
    properties.shown, properties.fps = stored(path), motion.fps
    properties.remember_settings(settings)
    properties.fingerprint = fingerprint_as_written(action)
    if report is None:
        for place in properties.places:
            place.start = properties.first_frame + (place.start - properties.first_frame) * faster
            place.end = properties.first_frame + (place.end - properties.first_frame) * faster
        return
    properties.headline = report.get("headline", "")
    properties.notes = in_panel("\n".join([*warnings, *report.get("advice", ())]))
    properties.places.clear()
    for told in report.get("places", ()):
        place = properties.places.add()
        place.start = properties.first_frame + (told["start_s"] - motion.times[0]) * motion.fps
        place.end = properties.first_frame + (told["end_s"] - motion.times[0]) * motion.fps
        place.words = told["words"]


def stored(path: Path) -> str:
    """How a file's path is kept: relative to the .blend where it lies beside it."""
    return stored_name(path, bpy.data.filepath)


def animated_by(context: bpy.types.Context, action: bpy.types.Action | None) -> bpy.types.Object | None:
    """The object that `action` animates, alone or as a strip, the active one first."""
    if action is None:
        return None
    for figure in (context.view_layer.objects.active, *bpy.data.objects):
        if figure is not None and action in nla.played_actions(figure):
            return figure
    return None


def give_rate(scene: bpy.types.Scene, fps: int, base: float) -> None:
    """Let the scene have a rate as Blender writes it."""
    scene.render.fps, scene.render.fps_base = fps, base


def _remove_all(target: targets.Target, made: list[bpy.types.Object]) -> None:
    for figure in reversed(made):
        target.remove(figure)
