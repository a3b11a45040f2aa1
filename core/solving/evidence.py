"""What the sequence solve goes by, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..rotation import Array
from .trajectory import Ground


@dataclass(frozen=True)
class Sigmas:
    """Standard deviations of the terms: metres, radians, or those per second (squared)."""

    keypoint: float = 0.04
    """A keypoint, at the body."""
    hand: float = 0.02
    """A keypoint of a hand: what it does is in the picture, and lifting holds it back."""
    outlier: float = 8.0
    """Times those, beyond which a keypoint counts less and less."""
    bone: float = 0.16
    """Of a bone's lifted vector, as a share of the bone's length; the mean of all bones (`bone_errors`)."""
    path_acceleration: tuple[float, float, float] = (6.0, 6.0, 3.0)
    point_acceleration: float = 6.0
    """Of a point at rest."""
    livelier: float = 2.6
    """Times what a point was seen to accelerate around a frame, by which it may accelerate there more than at rest."""
    turn_acceleration: float = 100.0
    start: float = 0.25
    """Radians from the start, which settles what nothing else does, such as the twist of a straight limb."""
    end_turn: float = 0.0006
    end_shift: float = 0.00015
    """Radians and metres by which a window's ends leave where its neighbours had them."""
    below_floor: float = 0.01
    on_floor: float = 0.01
    plant_speed: float = 0.05
    balance: float = 0.01
    """Metres by which a body's mean zero-moment point is off the feet it stands on."""
    limit: float = 0.06
    """Of the sines and cosines of joints' angles, beyond their limits."""
    hyperextension: float = 0.05
    """Sine of the angle beyond straight."""
    straight: float = 0.09
    """Sine of a knee's angle. A leg bent by 25 degrees is 2 cm shorter in the picture, little more than a keypoint
    errs, and the mean of what a network thinks possible is always bent: people mostly stand on straight legs."""
    pose: float = 2.0
    """Times the spread of recorded people's poses."""
    feature: float = 0.1
    """Added to that spread: sines of joints' angles, which recordings and what is lifted do not define alike."""
    bent: float = 4.0
    """Times that, beyond which a knee is bent, and left alone."""

    def smoothed(self, factor: float) -> Sigmas:
        """With accelerations `factor` times as large."""
        x, y, z = self.path_acceleration
        return replace(
            self,
            path_acceleration=(x * factor, y * factor, z * factor),
            point_acceleration=self.point_acceleration * factor,
            livelier=self.livelier * factor,
            turn_acceleration=self.turn_acceleration * factor,
        )


@dataclass(frozen=True)
class Pose:
    """`rotations` (F, 21, 4), world orientations in the camera's axes; `path` (F, 3) m of the pelvis."""

    rotations: Array
    path: Array


@dataclass(frozen=True)
class Evidence:
    """What the solve goes by: `rays` (F, 26, 2) x/z, y/z of the keypoints with `weights` (F, 26); `lifted`
    (F, 26, 3) m from the pelvis, of the body's size; `times` (F,) s; `ground`, if feet are to respect one;
    `planted` and `standing` (F, 4) in [0, 1]: `CONTACT_NAMES` that keep their place, and that touch the ground;
    `carrying` (F, 5): `SUPPORT_NAMES` that keep theirs."""

    rays: Array
    weights: Array
    lifted: Array
    times: Array
    ground: Ground | None
    planted: Array
    standing: Array
    carrying: Array

    def window(self, part: slice) -> Evidence:
        """The evidence of some frames."""
        return replace(
            self,
            rays=self.rays[part],
            weights=self.weights[part],
            lifted=self.lifted[part],
            times=self.times[part],
            planted=self.planted[part],
            standing=self.standing[part],
            carrying=self.carrying[part],
        )
