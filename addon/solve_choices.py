"""What can be chosen about the solve, before a lift and again after it, and what is set right after it."""

from __future__ import annotations

import math
from typing import Any

import bpy

from ..bridge.adjusting import HIGHEST, LARGEST, SMALLEST, STEEPEST, Adjustment
from ..core.jobs import LiftSettings

DEFAULTS = LiftSettings()
TRAVEL: dict[str, bool | None] = {"AUTO": None, "TRAVEL": True, "IN_PLACE": False}
TRAVEL_ITEMS = (
    ("AUTO", "Automatic", "Go the way that the person goes, unless the camera moves"),
    ("TRAVEL", "Travel", "Go the way that the person goes"),
    ("IN_PLACE", "In Place", "Stay on the spot, as on a treadmill"),
)


def _settings_changed(self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """Those of a take are applied soon; those before a lift have none yet."""
    if getattr(self, "take", "") and not self.written:
        from .clean_up import settings_changed

        settings_changed(self)


class SolveChoices:
    """What can be chosen again after the lift."""

    smoothing: bpy.props.FloatProperty(
        name="Smoothing",
        description="How much jitter is taken out: 0 leaves the motion as it was seen, 1 makes it very smooth",
        default=DEFAULTS.smoothing,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        update=_settings_changed,
    )
    foot_lock: bpy.props.BoolProperty(
        name="Plant Feet",
        description="Keep feet that stand on the floor from sliding",
        default=DEFAULTS.foot_lock,
        update=_settings_changed,
    )
    floor: bpy.props.BoolProperty(
        name="Level Floor",
        description="Put the feet on a level floor at the height of the scene's ground",
        default=DEFAULTS.floor,
        update=_settings_changed,
    )
    travel: bpy.props.EnumProperty(
        name="Travel",
        description="Whether the figure goes the way that the person goes",
        items=TRAVEL_ITEMS,
        default="AUTO",
        update=_settings_changed,
    )

    def solve_settings(self) -> dict[str, Any]:
        """These choices as fields of `LiftSettings`."""
        # Blender keeps single precision; two decimals are what the slider shows.
        return {
            "smoothing": round(self.smoothing, 2),
            "foot_lock": self.foot_lock,
            "floor": self.floor,
            "travel": TRAVEL[self.travel],
        }


_TILT = {
    "min": -math.radians(STEEPEST),
    "max": math.radians(STEEPEST),
    "step": 10,
    "precision": 1,
    "subtype": "ANGLE",
    "update": _settings_changed,
}


class AdjustChoices:
    """What can be set right about a take after the lift, without another solve."""

    floor_height: bpy.props.FloatProperty(
        name="Floor Height",
        description="How high the floor lies that the figure stands on. Moves the whole motion up or down",
        min=-HIGHEST,
        max=HIGHEST,
        soft_min=-1.0,
        soft_max=1.0,
        step=1,
        precision=3,
        subtype="DISTANCE",
        update=_settings_changed,
    )
    tilt_forward: bpy.props.FloatProperty(
        name="Tilt Forward",
        description="Lean the figure away from the camera that filmed it, or towards it. "
        "With Level Floor its feet stay where they stand, else the floor tilts with it",
        **_TILT,
    )
    tilt_sideways: bpy.props.FloatProperty(
        name="Sideways",
        description="Lean the figure to the right of the filmed picture, or to the left. "
        "With Level Floor its feet stay where they stand, else the floor tilts with it",
        **_TILT,
    )
    scale: bpy.props.FloatProperty(
        name="Scale",
        description="How far the figure goes, as a factor. An armature that was made for the motion changes its size "
        "with it; your own rig keeps its size",
        default=1.0,
        min=SMALLEST,
        max=LARGEST,
        soft_min=0.5,
        soft_max=2.0,
        step=1,
        precision=3,
        update=_settings_changed,
    )

    def adjustment(self, feet_stay: bool) -> Adjustment:
        """What is to be set right about the take. `feet_stay`: whether a tilt leaves the floor as it is."""
        return Adjustment(
            round(self.floor_height, 4),
            round(math.degrees(self.tilt_forward), 3),
            round(math.degrees(self.tilt_sideways), 3),
            round(self.scale, 4),
            feet_stay=feet_stay,
        )
