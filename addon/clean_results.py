"""Another solve of a take into its Action, or into a copy, with all that an animator did to it."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import bpy

from ..bridge.adjusting import Adjustment
from ..bridge.blender import contacts, nla
from ..bridge.blender.armature import FigureDraft, free_name, is_figure_of, take_name
from ..bridge.blender.export import set_rate
from ..bridge.blender.hand_work import put_back
from ..bridge.blender.lasting import with_uid
from ..bridge.blender.modes import in_object_mode
from ..bridge.blender.scene import marks
from ..bridge.blender.strip_time import timing
from ..bridge.retarget import RetargetOptions
from ..core.jobs import LiftSettings, MotionLiftError
from ..core.motion import Motion
from . import edited, targets
from .drafting import AnyDraft, Drafting
from .lift_jobs import Finished
from .lift_scene import scene_of
from .prepared import Wanted, with_contacts
from .properties import TakeProperties
from .results import (
    LiftPlan,
    animated_by,
    give_rate,
    mark,
    places_words,
    refuse_edited,
    remember,
    scene_rate,
    take_file,
)  # fmt: skip
from .sampling import at_rate

MOST_NAMED = 4
"""Edited bones that are named in a message."""


@dataclass(frozen=True)
class CleanUpPlan:
    """The payload of a clean-up: the Action, whether a new one is made of it, whether edits by hand are carried over,
    whether feet are planted at the keyed contacts, the settings to remember (the job's, but for those feet), and what
    is set right about the whole take; the scene (`session_uid`; 0: the one at hand), and whether that gets the clip's
    rate. `uid`: the Action's `session_uid`, since it may be renamed."""

    action: str
    new_action: bool
    keep_edits: bool
    contacts: bool
    settings: LiftSettings
    adjustment: Adjustment
    scene: int = 0
    clip_rate: bool = False
    uid: int = 0

    @property
    def found(self) -> bpy.types.Action | None:
        """The Action, whatever it is called by now; one that another solve has made anew has its name."""
        return with_uid(bpy.data.actions, self.uid) or bpy.data.actions.get(self.action)

    @property
    def called(self) -> str:
        """The Action's name by now, or its last one."""
        return self.action if self.found is None else str(self.found.name)


def place_clean_up(
    context: bpy.types.Context, finished: Finished, drafts: Sequence[AnyDraft] = (), checked: bool = False
) -> str:
    """Write another solve into its Action, or into a copy, and say what was done.

    Raises `MotionLiftError`: `action_missing` where it is gone, `edited` where someone changed it by hand and that is
    not to be carried over, `tweak_mode` while a strip of its rig is in Tweak Mode.
    `drafts`: its keys, if they were written beforehand; `checked`: nobody did, as is known.
    """
    scene = scene_of(finished) or context.scene
    with contextlib.ExitStack() as failing:
        failing.callback(give_rate, scene, scene.render.fps, scene.render.fps_base)
        end = scene.frame_end
        if fps := _clip_rate(finished):
            end = _end_at(context, scene, finished, fps)
            set_rate(scene, fps)
        words = _cleaned_up(context, scene, at_rate(finished, scene_rate(scene)), drafts, checked)
        failing.pop_all()
    scene.frame_end = max(scene.frame_end, end)
    return words


def _end_at(context: bpy.types.Context, scene: bpy.types.Scene, finished: Finished, fps: float) -> int:
    """Where the scene ends at `fps`, so that what was seen of the take to its end is."""
    action = finished.job.payload.found
    if action is None:
        return int(scene.frame_end)
    played = timing(animated_by(context, action), action, scene.frame_current)
    first, last = (played.to_scene(frame) for frame in action.frame_range)
    if not first <= last <= scene.frame_end:
        return int(scene.frame_end)
    return math.ceil(first + (last - first) * float(fps / action.motionlift.fps))


def _cleaned_up(
    context: bpy.types.Context, scene: bpy.types.Scene, finished: Finished, drafts: Sequence[AnyDraft], checked: bool
) -> str:
    plan: CleanUpPlan = finished.job.payload
    action = plan.found
    figure = figure_of(context, finished)
    if action is None or figure is None:
        raise MotionLiftError("action_missing", f"Nothing uses the Action {plan.action} any more.", "Lift again.")
    nla.refuse_tweaked(figure)
    with nla.alone(figure, action):
        work = None
        if plan.keep_edits:
            work = edited.work_of(action)
        elif not plan.new_action and not checked:
            refuse_edited(action)
        anew = free_name(take_name(take_file(action.motionlift.take))) if plan.new_action else ""
        ((path, motion),) = finished.motions
        properties: TakeProperties = action.motionlift
        # The animator may have gone on since the job began: what they chose last stays chosen.
        first, chosen = properties.first_frame, properties.choices()
        edges = contacts.read_edges(figure, first, properties.fps)
        if plan.contacts and edges:
            keyed, plant, ready = contacts.with_edges(motion, edges), plan.settings.foot_lock, finished.prepared
            motion = (ready and ready.with_contacts(keyed, plant)) or with_contacts(motion, keyed, plant)
        options = _clean_up_options(action, plan)
        target = targets.target_named(properties.target, figure.name, options, finished.prepared, drafts)
        kept = target.rewrite(figure, motion, first, anew)
        if anew:  # It shows what it showed.
            properties.choose_applied()
        # The Action is made anew, under its name or another.
        action = figure.animation_data.action
        action.motionlift.own_contacts = plan.contacts
        action.motionlift.remember_options(options)
        # Of feet that are not planted yet the engine's report would say that they slide.
        # Of the same solve there is none.
        report = None if plan.contacts or not finished.reports else finished.reports[0]
        remember(action, path, motion, plan.settings, report, finished.warnings)
        action.motionlift.choose(chosen)
        if anew and action.motionlift.differs:
            from .clean_up import settings_changed

            settings_changed(action.motionlift)
        if edges:
            contacts.write_edges(figure, edges, first, motion.fps)
        if work is not None:
            put_back(figure, work)
            kept = list(dict.fromkeys([*work.names(), *kept]))
    if marks(scene):
        mark(scene, [action])
    words = f" Your edits are kept: {edits_words(kept)}." if kept else ""
    return f"{action.name}: {'feet planted' if plan.contacts else 'cleaned up'}.{words} " + places_words(
        len(action.motionlift.places)
    )


def figure_of(context: bpy.types.Context, finished: Finished) -> bpy.types.Object | None:
    """What the result of a lift or a clean-up is put on, where that is there already."""
    plan = finished.job.payload
    if isinstance(plan, LiftPlan):
        return plan.figure if plan.target == targets.ACTIVE_ARMATURE else None
    action = plan.found if isinstance(plan, CleanUpPlan) else None
    figure = animated_by(context, action)
    if figure is None and action is not None and action.users > action.use_fake_user:
        # While a strip is in Tweak Mode Blender puts the object's own Action away.
        figure = next(filter(nla.is_tweaked, bpy.data.objects), None)
    return figure


def wanted_fps(context: bpy.types.Context, finished: Finished) -> float | None:
    """At how many frames a second a result would be keyed as things stand; None where nothing is."""
    plan = finished.job.payload
    if finished.error is not None or not isinstance(plan, LiftPlan | CleanUpPlan):
        return None
    return _clip_rate(finished) or scene_rate(scene_of(finished) or context.scene)


def _clip_rate(finished: Finished) -> float | None:
    """The clip's rate, where the scene is to get it; None where it keeps its own."""
    plan = finished.job.payload
    if isinstance(plan, LiftPlan):
        return finished.clip_fps if plan.placing.rate == "SET" else None
    action = plan.found if plan.clip_rate else None
    return None if action is None else float(action.motionlift.clip_fps) or None


def preparation(context: bpy.types.Context, finished: Finished) -> Wanted | None:
    """What of `place_lift` or `place_clean_up` can be done in a thread beforehand: see `targets.preparation`."""
    plan = finished.job.payload
    motions = [motion for _, motion in finished.motions]
    if isinstance(plan, LiftPlan):
        names = [take_name(path) for path, _ in finished.motions]
        figure = plan.figure
        return targets.preparation(plan.target, figure.name if figure else "", plan.options, motions, names)
    if isinstance(plan, CleanUpPlan):
        action = plan.found
        figure = animated_by(context, action)
        if action is not None and figure is not None:
            options, properties = _clean_up_options(action, plan), action.motionlift
            kind = targets.ACTIVE_ARMATURE
            if properties.target == targets.NEW_ARMATURE:
                own = is_figure_of(figure, motions[0])
                kind, options = (targets.NEW_ARMATURE, options) if own else (kind, targets.as_rig(options))
            wanted = targets.preparation(kind, figure.name, options, motions, action=action)
            edges = contacts.read_edges(figure, properties.first_frame, properties.fps, action)
            if wanted is None or not (plan.contacts and edges):
                return wanted
            keyed = contacts.with_edges(motions[0], edges)
            return dataclasses.replace(wanted, contacts=keyed, plant=plan.settings.foot_lock)
    return None


def drafting_of(context: bpy.types.Context, finished: Finished) -> Drafting | None:
    """What `place_lift` or `place_clean_up` would make and write, to be done beforehand, where that can be."""
    plan, prepared = finished.job.payload, finished.prepared
    if prepared is None:
        return None
    first = context.scene.frame_start
    if isinstance(plan, LiftPlan) and plan.target == targets.NEW_RIGIFY:
        called = zip(prepared.motions, prepared.wanted.names, strict=True)
        return Drafting([partial(targets.human_draft, prepared, motion, name, first) for motion, name in called])
    if isinstance(plan, LiftPlan) and plan.target == targets.NEW_ARMATURE:
        stands = zip(prepared.stands, (path for path, _ in finished.motions), strict=True)
        return Drafting([partial(_figure_draft, context, motion, take_name(path)) for motion, path in stands])
    if len(prepared.motions) != 1:
        return None
    if isinstance(plan, LiftPlan):
        figure = plan.figure
    else:
        action = plan.found
        figure = animated_by(context, action)
        # A strip is played only for the moment of writing.
        if action is None or figure is None or figure.animation_data.action != action:
            return None
        first = action.motionlift.first_frame
    again = isinstance(plan, CleanUpPlan)
    draft = None if figure is None else targets.draft_on(figure, prepared, first, again)
    return None if draft is None else Drafting([lambda: draft])


def _figure_draft(context: bpy.types.Context, motion: Motion, name: str) -> FigureDraft:
    with in_object_mode(context):
        return FigureDraft(context, motion, name)


def _clean_up_options(action: bpy.types.Action, plan: CleanUpPlan) -> RetargetOptions:
    """How the take was put on its rig, with what clean-up chooses of it."""
    options: RetargetOptions = action.motionlift.retarget_options()
    return dataclasses.replace(options, plant_feet=plan.settings.foot_lock, adjustment=plan.adjustment)


def edits_words(names: Sequence[str]) -> str:
    """What was edited by hand: `LeftArm, Hips and 3 more`."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
