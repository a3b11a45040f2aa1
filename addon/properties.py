"""What a file remembers: the panel's choices in the scene, and in each Action we wrote which take it shows.

What was said about an armature's bones is in `rig_map.py`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import bpy

from ..bridge.adjusting import Adjustment
from ..bridge.blender import versions
from ..bridge.retarget import RetargetOptions
from ..core.jobs import AUTO, LiftSettings, UsageError, parse_rotate, parse_time
from . import rig_map, targets, video_look
from .people import NUMBERED
from .placing import PlacingChoices
from .rig_choices import RigChoices
from .solve_choices import TRAVEL, AdjustChoices, SolveChoices
from .video_facts import VideoFacts, timecode

DEFAULTS = LiftSettings()
CHOICES = (*SolveChoices.__annotations__, *AdjustChoices.__annotations__)
"""What can be chosen again about a take."""

PERSON_ITEMS = (
    ("largest", "Largest", "The person who is largest in the picture"),
    ("longest", "Longest in View", "The person who is in the picture for the longest time"),
    ("left", "Leftmost", "The person furthest to the left"),
    ("right", "Rightmost", "The person furthest to the right"),
    ("all", "Everyone", "Every person, an armature each"),
    (NUMBERED, "By Number", "People are numbered by their first appearance, then from left to right"),
)
ROTATE_ITEMS = (
    (AUTO, "As the File Says", "Turned as the file says, as players show it"),
    ("0", "Not at All", "As it is stored, whatever the file says"),
    ("90", "90° Right", "A quarter clockwise from how it is stored"),
    ("180", "180°", "Half round from how it is stored"),
    ("270", "90° Left", "A quarter counterclockwise from how it is stored (270° clockwise)"),
)
TARGET_ITEMS = (
    (targets.AUTOMATIC, "Automatic", "The active armature; where none is active, a new one"),
    (targets.NEW_ARMATURE, "New Armature", "Make an armature for the motion, one bone a joint"),
    (
        targets.NEW_RIGIFY,
        "New Rigify Human",
        "Make a Rigify control rig with the person's bone lengths. Enables Blender's add-on Rigify",
    ),
    (targets.ACTIVE_ARMATURE, "Active Armature", "Put the motion on the armature that is active"),
)


def _video_changed(self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    video_look.forget(self.video)


def _shown_start(self: bpy.types.PropertyGroup) -> str:
    return timecode(self.trim_start)


def _type_start(self: bpy.types.PropertyGroup, text: str) -> None:
    self.trim_start = _typed(text, self.trim_start)


def _shown_end(self: bpy.types.PropertyGroup) -> str:
    return timecode(self.trim_end) if self.trim_end else ""


def _type_end(self: bpy.types.PropertyGroup, text: str) -> None:
    self.trim_end = _typed(text, self.trim_end)


def _typed(text: str, otherwise: float) -> float:
    """What a person typed as seconds: nothing is 0, and nonsense changes nothing."""
    try:
        return parse_time(text) if text.strip() else 0.0
    except UsageError:
        return otherwise


def _shown_height(self: bpy.types.PropertyGroup) -> float:
    return float(self.height / _unit_metres(self.id_data))


def _type_height(self: bpy.types.PropertyGroup, length: float) -> None:
    self.height = length * _unit_metres(self.id_data)


def _unit_metres(scene: bpy.types.Scene) -> float:
    """How long Blender says that a unit of the scene is, m."""
    units = scene.unit_settings
    return 1.0 if units.system == "NONE" else float(units.scale_length)


class LiftProperties(SolveChoices, RigChoices, PlacingChoices, bpy.types.PropertyGroup):
    """The panel's choices for the next lift."""

    video: bpy.props.StringProperty(
        name="Video",
        description="The video of a person to lift. You can also drop it on the viewport",
        subtype="FILE_PATH",
        options=versions.path_options(),
        update=_video_changed,
    )
    use_trim: bpy.props.BoolProperty(name="Trim", description="Lift only a part of the video")
    trim_start: bpy.props.FloatProperty(
        name="Start", description="Where to begin, in seconds of the video", min=0.0, subtype="TIME_ABSOLUTE"
    )
    trim_end: bpy.props.FloatProperty(
        name="End",
        description="Where to end, in seconds of the video; 0 is its end",
        min=0.0,
        subtype="TIME_ABSOLUTE",
    )
    trim_start_text: bpy.props.StringProperty(
        name="Start",
        description="Where to begin: seconds (12.5) or a timecode (0:01:02.5)",
        get=_shown_start,
        set=_type_start,
    )
    trim_end_text: bpy.props.StringProperty(
        name="End",
        description="Where to end: seconds (12.5) or a timecode (0:01:02.5). Empty is the video's end",
        get=_shown_end,
        set=_type_end,
    )
    rotate: bpy.props.EnumProperty(
        name="Turn Picture",
        description="For a video that lies on its side or stands on its head: how its picture is turned before people "
        "are looked for. Look at the picture above",
        items=ROTATE_ITEMS,
    )
    person: bpy.props.EnumProperty(
        name="Person", description="Whom to lift when several people are in the video", items=PERSON_ITEMS
    )
    person_number: bpy.props.IntProperty(
        name="Number", description="The person's number, by first appearance, then from left to right", default=1, min=1
    )
    target: bpy.props.EnumProperty(name="Target", description="What the motion is put on", items=TARGET_ITEMS)
    hands: bpy.props.BoolProperty(
        name="Fingers", description="Find and solve the fingers too; takes longer", default=DEFAULTS.hands
    )
    use_height: bpy.props.BoolProperty(
        name="Known Height", description="Say how tall the person is; 1.70 m is assumed otherwise"
    )
    height: bpy.props.FloatProperty(
        name="Height", description="Standing height of the person, in metres", default=1.7, min=0.4, max=2.6
    )
    height_shown: bpy.props.FloatProperty(
        name="Height",
        description="Standing height of the person; 1.70 m is assumed otherwise",
        subtype="DISTANCE",
        get=_shown_height,
        set=_type_height,
    )
    use_fov: bpy.props.BoolProperty(
        name="Known Field of View", description="Say how wide the camera sees; found out from the motion otherwise"
    )
    fov: bpy.props.FloatProperty(
        name="Field of View",
        description="What the camera sees along the longer side of the picture. Phones: about 65 to 75 degrees",
        default=math.radians(55.0),
        min=math.radians(5.0),
        max=math.radians(150.0),
        subtype="ANGLE",
    )

    @property
    def turn(self) -> int | None:
        """How the picture is turned: `LiftSettings.rotate`."""
        return parse_rotate(self.rotate)

    def video_trouble(self) -> str:
        """Why the video cannot be lifted as it is trimmed; empty where it can, as far as is known."""
        return video_look.trouble(self.video, self.turn) or self.trim_trouble()

    def trim_trouble(self) -> str:
        """Why nothing would be left of the video; empty where something is, as far as is known."""
        if not self.use_trim:
            return ""
        look = video_look.known(self.video, self.turn)
        facts = look.facts if look and look.facts else VideoFacts(0, 0, 0.0)
        return facts.trim_trouble(self.trim_start, self.trim_end)

    def settings(self) -> LiftSettings:
        """The choices as the worker takes them. Raises `UsageError`."""
        return LiftSettings(
            start=self.trim_start if self.use_trim and self.trim_start > 0 else None,
            end=self.trim_end if self.use_trim and self.trim_end > 0 else None,
            rotate=self.turn,
            person=str(self.person_number) if self.person == NUMBERED else self.person,
            height_m=round(self.height, 4) if self.use_height else None,
            fov_degrees=round(math.degrees(self.fov), 2) if self.use_fov else None,
            hands=self.hands,
            awaited=True,
            **self.solve_settings(),
        )


class TakePlace(bpy.types.PropertyGroup):
    """A place to check, in the scene's frames."""

    start: bpy.props.FloatProperty()
    end: bpy.props.FloatProperty()
    words: bpy.props.StringProperty()


class TakeProperties(SolveChoices, AdjustChoices, bpy.types.PropertyGroup):
    """On an Action: the take it shows. Its choices are what clean-up applies next."""

    take: bpy.props.StringProperty(description="The take's file as it was lifted")
    shown: bpy.props.StringProperty(description="The file that the Action shows, after clean-up")
    video: bpy.props.StringProperty(description="The video that it was lifted from")
    target: bpy.props.StringProperty(description="The kind of target that it was lifted onto")
    own_contacts: bpy.props.BoolProperty(description="Whether feet are planted at the keyed contacts")
    rig_options: bpy.props.StringProperty(description="How the take was put on a rig, as JSON")
    first_frame: bpy.props.IntProperty(description="The scene's frame at which the take begins")
    clip_fps: bpy.props.FloatProperty(description="The clip's frames a second")
    fps: bpy.props.FloatProperty(description="The scene's frames a second when the Action was written")
    applied: bpy.props.StringProperty(description="The settings of what is shown, as JSON")
    fingerprint: bpy.props.StringProperty(description="Of the curves as we wrote them")
    headline: bpy.props.StringProperty(description="The report in one line")
    notes: bpy.props.StringProperty(description="Advice and warnings, a line each")
    places: bpy.props.CollectionProperty(type=TakePlace)
    written: bpy.props.BoolProperty(description="True while we set the choices ourselves", options={"SKIP_SAVE"})

    def settings(self) -> LiftSettings:
        """The settings of what is shown with the choices as they are now. Raises `UsageError`."""
        return LiftSettings.from_json({**json.loads(self.applied or "{}"), **self.solve_settings()})

    def retarget_options(self) -> RetargetOptions:
        """How the take was put on a rig."""
        return RetargetOptions.from_json(json.loads(self.rig_options or "{}"))

    def remember_options(self, options: RetargetOptions) -> None:
        """Store how the take was put on a rig."""
        self.rig_options = json.dumps(dataclasses.asdict(options))

    def applied_settings(self) -> LiftSettings:
        """The settings of what is shown."""
        return LiftSettings.from_json(json.loads(self.applied or "{}"))

    def remember_settings(self, settings: LiftSettings) -> None:
        """Store the settings of what is shown. The choices stay as they are."""
        self.applied = json.dumps(settings.to_json())

    def choices(self) -> dict[str, Any]:
        """The choices as they are now, for `choose`."""
        return {name: getattr(self, name) for name in CHOICES}

    def choose(self, choices: Mapping[str, Any]) -> None:
        """Set the choices; nothing is solved for it."""
        self.written = True
        for name, value in choices.items():
            setattr(self, name, value)
        self.written = False

    def choose_applied(self) -> None:
        """Set the choices to those of what is shown."""
        settings, set_right = self.applied_settings(), self.retarget_options().adjustment
        self.choose(
            {
                "smoothing": settings.smoothing,
                "foot_lock": settings.foot_lock,
                "floor": settings.floor,
                "travel": next(name for name, value in TRAVEL.items() if value is settings.travel),
                "floor_height": set_right.floor_height,
                "scale": set_right.scale,
                "tilt_forward": math.radians(set_right.tilt_forward),
                "tilt_sideways": math.radians(set_right.tilt_sideways),
            }
        )

    def wants(self, settings: LiftSettings, set_right: Adjustment) -> bool:
        """Whether these are the choices as they are now."""
        return self.settings() == settings and self.adjustment(self.floor) == set_right

    @property
    def differs(self) -> bool:
        """Whether the choices are not those of what is shown."""
        applied = self.applied_settings()
        set_right = dataclasses.replace(self.retarget_options().adjustment, feet_stay=applied.floor)
        return not self.wants(applied, set_right)


CLASSES = (LiftProperties, TakePlace, TakeProperties)


def register() -> None:
    """Hang the properties on scenes and Actions."""
    bpy.types.Scene.motionlift = bpy.props.PointerProperty(type=LiftProperties)
    bpy.types.Action.motionlift = bpy.props.PointerProperty(type=TakeProperties)
    bpy.types.Object.motionlift = bpy.props.PointerProperty(
        type=rig_map.RigProperties, override={"LIBRARY_OVERRIDABLE"}
    )


def unregister() -> None:
    """Take them off again, where they are there. What files hold of them stays in the files."""
    for owner in (bpy.types.Scene, bpy.types.Action, bpy.types.Object):
        if hasattr(owner, "motionlift"):
            del owner.motionlift
