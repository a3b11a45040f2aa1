"""How a take comes into the scene: its rate, its range, NLA strip and fake user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from ..bridge.blender.actions import push_to_nla

RATE_ITEMS = (
    ("KEEP", "Keep the Scene's", "The motion is brought to the scene's frames a second"),
    ("SET", "Use the Clip's", "The scene gets the clip's frames a second"),
)
RANGE_ITEMS = (
    ("EXTEND", "Extend", "The scene's end moves to the take's where that is later"),
    ("SET", "Set to Take", "The scene ends with the take"),
    ("KEEP", "Keep", "The scene's range stays as it is"),
)


@dataclass(frozen=True)
class Placing:
    """What was chosen when the lift began. rate: `KEEP` or `SET`; range: `EXTEND`, `SET` or `KEEP`."""

    rate: str = "KEEP"
    range: str = "EXTEND"
    nla: bool = False
    fake_user: bool = True
    markers: bool = True

    def sampling(self, scene_rate: float) -> float | None:
        """At how many frames a second the motion is wanted; None: the clip's own."""
        return None if self.rate == "SET" else scene_rate


class PlacingChoices:
    """What can be chosen before a lift about the scene around it."""

    scene_rate: bpy.props.EnumProperty(
        name="Frame Rate", description="Whose frames a second count where clip and scene differ", items=RATE_ITEMS
    )
    scene_range: bpy.props.EnumProperty(
        name="Range", description="What becomes of the scene's last frame", items=RANGE_ITEMS
    )
    use_nla: bpy.props.BoolProperty(
        name="NLA Strip", description="Put the Action on a track of the NLA editor, under the take's name"
    )
    use_fake_user: bpy.props.BoolProperty(
        name="Fake User", description="Keep the Action in the file also where nothing uses it", default=True
    )

    use_markers: bpy.props.BoolProperty(
        name="Markers", description="Mark the places to check in the timeline: check L hand hidden", default=True
    )

    def placing(self) -> Placing:
        """The choices as they are now."""
        return Placing(self.scene_rate, self.scene_range, self.use_nla, self.use_fake_user, self.use_markers)


def fit_range(scene: bpy.types.Scene, actions: Sequence[bpy.types.Action], chosen: str) -> None:
    """Let the scene end where `chosen` says."""
    last = max(int(action.frame_end) for action in actions)
    if chosen == "SET":
        scene.frame_end = last
    elif chosen == "EXTEND":
        scene.frame_end = max(scene.frame_end, last)


def settle(figures: Sequence[bpy.types.Object], placing: Placing) -> None:
    """Fake users and NLA strips of the Actions that were just put onto `figures`."""
    for figure in figures:
        figure.animation_data.action.use_fake_user = placing.fake_user
        if placing.nla:
            push_to_nla(figure)
