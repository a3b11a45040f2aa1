"""What the worker made, into the scene: in one step that undo takes back, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..bridge.blender import versions
from ..bridge.blender.armature import free_name, take_name
from ..bridge.blender.handiwork import fingerprint, fingerprint_as_written
from ..core.jobs import LiftSettings, MotionLiftError
from ..core.motion import Motion
from . import targets
from .lift_queue import Finished
from .preferences import ROOT_PACKAGE
from .properties import TakeProperties
from .takes import locate, take_folders

SAME_RATE = 1e-3
"""Rates that differ by less are one."""


@dataclass(frozen=True)
class LiftPlan:
    """The payload of a lift: what its motions are put on, and the armature that was active then."""

    target: str
    rig: str = ""


@dataclass(frozen=True)
class CleanUpPlan:
    """The payload of a clean-up: the Action, and whether a new one is made of it."""

    action: str
    new_action: bool


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames a second."""
    return float(scene.render.fps / scene.render.fps_base)


def folders() -> tuple[Path, ...]:
    """Where this file's takes are: see `take_folders`."""
    return take_folders(bpy.data.filepath, versions.user_folder(ROOT_PACKAGE, "takes"))


def take_file(stored: str) -> Path:
    """Where a file that an Action names is now. Raises `MotionLiftError` (`take_missing`)."""
    return locate(Path(bpy.path.abspath(stored)), folders())


def shown_action(context: bpy.types.Context) -> bpy.types.Action | None:
    """The Action of the active object, if it shows a take."""
    figure = context.active_object
    animation = figure.animation_data if figure else None
    action = animation.action if animation else None
    return action if action is not None and action.motionlift.take else None


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


def edited(action: bpy.types.Action) -> bool:
    """Whether someone has changed the curves since we wrote them."""
    return bool(action.motionlift.fingerprint != fingerprint(action))


def place_lift(context: bpy.types.Context, finished: Finished) -> str:
    """Put a lift's motions on its target, extend the scene's range to them, and say what was done.

    Raises what went wrong; then the scene is as it was.
    """
    plan: LiftPlan = finished.job.payload
    target = targets.target_named(plan.target, plan.rig)
    made: list[bpy.types.Object] = []
    actions: list[bpy.types.Action] = []
    with _removed_on_failure(target, made):
        for number, (path, motion) in enumerate(finished.motions):
            figure = target.write(context, motion, take_name(path))
            made.append(figure)
            action = figure.animation_data.action
            actions.append(action)
            properties = action.motionlift
            properties.take = _stored(path)
            properties.target = plan.target
            properties.first_frame = round(action.frame_start)
            report = finished.reports[number] if number < len(finished.reports) else {}
            properties.clip_fps = finished.clip_fps or motion.fps
            _remember(action, path, motion, finished.job.settings, report, finished.warnings)
    for figure in context.selected_objects:
        figure.select_set(False)
    for figure in made:
        figure.select_set(True)
        context.view_layer.objects.active = figure
    scene = context.scene
    scene.frame_end = max(scene.frame_end, *(int(action.frame_end) for action in actions))
    words = target.words(finished.motions[0][1])
    return summary(finished, [action.name for action in actions], words, scene_rate(scene))


def place_clean_up(context: bpy.types.Context, finished: Finished) -> str:
    """Write another solve into its Action, or into a copy, and say what was done.

    Raises `MotionLiftError`: `action_missing` where it is gone, `edited` where someone changed it by hand.
    """
    plan: CleanUpPlan = finished.job.payload
    action = bpy.data.actions.get(plan.action)
    figure = _animated_by(context, action)
    if action is None or figure is None:
        raise MotionLiftError("action_missing", f"Nothing uses the Action {plan.action} any more.", "Lift again.")
    if plan.new_action:
        name = free_name(take_name(take_file(action.motionlift.take)))
        action = action.copy()
        action.name, action.use_fake_user = name, True
        versions.reuse_action(figure, action)
    else:
        refuse_edited(action)
    ((path, motion),) = finished.motions
    target = targets.target_named(action.motionlift.target, figure.name)
    target.rewrite(figure, motion, action.motionlift.first_frame)
    # A rig's Action is made anew, under its name.
    action = figure.animation_data.action
    _remember(action, path, motion, finished.job.settings, finished.reports[0], finished.warnings)
    return f"{action.name}: cleaned up. {places_words(len(action.motionlift.places))}"


def refuse_edited(action: bpy.types.Action) -> None:
    """Raises `MotionLiftError` (`edited`) for an Action that someone has changed by hand."""
    if edited(action):
        raise MotionLiftError(
            "edited",
            f"{action.name} was edited by hand, so it is left as it is.",
            "Clean up into a new Action instead.",
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


def _remember(
    action: bpy.types.Action,
    path: Path,
    motion: Motion,
    settings: LiftSettings,
    report: dict[str, Any],
    warnings: Sequence[str],
) -> None:
    """Store in the Action what it shows."""
    properties: TakeProperties = action.motionlift
    properties.shown, properties.fps = _stored(path), motion.fps
    properties.show(settings)
    properties.headline = report.get("headline", "")
    properties.notes = "\n".join([*warnings, *report.get("advice", ())])
    properties.places.clear()
    for told in report.get("places", ()):
        place = properties.places.add()
        place.start = properties.first_frame + (told["start_s"] - motion.times[0]) * motion.fps
        place.end = properties.first_frame + (told["end_s"] - motion.times[0]) * motion.fps
        place.words = told["words"]
    properties.fingerprint = fingerprint_as_written(action)


def _stored(path: Path) -> str:
    """How a file's path is kept: relative to the .blend where it lies beside it."""
    if bpy.data.filepath and path.is_relative_to(Path(bpy.data.filepath).parent):
        return str(bpy.path.relpath(str(path)))
    return str(path)


def _animated_by(context: bpy.types.Context, action: bpy.types.Action | None) -> bpy.types.Object | None:
    """The object that `action` animates, the active one first."""
    if action is None:
        return None
    for figure in (context.view_layer.objects.active, *bpy.data.objects):
        if figure is not None and figure.animation_data and figure.animation_data.action == action:
            return figure
    return None


@contextlib.contextmanager
def _removed_on_failure(target: targets.Target, made: list[bpy.types.Object]) -> Iterator[None]:
    with contextlib.ExitStack() as failing:
        failing.callback(_remove_all, target, made)
        yield
        failing.pop_all()


def _remove_all(target: targets.Target, made: list[bpy.types.Object]) -> None:
    for figure in reversed(made):
        target.remove(figure)
