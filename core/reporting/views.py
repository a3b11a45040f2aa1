"""Virtual cameras that look at takes: from the front, the side, above, or going round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .. import camera
from ..rotation import Array
from .drawn import Drawn
from .evidence import NEAREST

View = Literal["turntable", "three-quarter", "front", "side", "top"]
VIEWS: tuple[View, ...] = get_args(View)

FOV_DEGREES = 28.0
TURN_S = 12.0
"""Seconds of one turn of the turntable."""
FOLLOW_S = 0.7
"""How slowly the view follows the people, so that their own movement is seen against the floor."""
ROOM = 1.12
"""Room around the people, as a factor."""
_ELEVATION: dict[View, float] = {"turntable": 12, "three-quarter": 15, "front": 6, "side": 6, "top": 80}
_AZIMUTH: dict[View, float] = {"turntable": 0, "three-quarter": 40, "front": 0, "side": 90, "top": 0}
"""Degrees from the front, towards the figure's left."""


@dataclass(frozen=True)
class Shot:
    """How a square of pixels shows the world: `camera_K` (3, 3), and per sample `world_from_camera` (T, 4, 4) and the
    point that it looks at, `target_world` (T, 3) m; `reach` m: how far around that it sees."""

    camera_K: Array
    world_from_camera: Array
    target_world: Array
    reach: float

    def seen(self, sample: int, points_world: Array) -> tuple[Array, Array]:
        """Pixels (..., 2) and depths (...) m of points (..., 3) m; NaN where one is not in front of the camera."""
        points = camera.apply(camera.inverse(self.world_from_camera[sample]), points_world)
        points[..., 2] = np.where(points[..., 2] > NEAREST, points[..., 2], np.nan)
        return camera.project(points, self.camera_K), points[..., 2]


def shot(
    view: View, people: Sequence[Drawn], samples: Sequence[Sequence[int | None]], times: Array, front: float, size: int
) -> Shot:
    """A camera for `people` at `times` (T,) s; `samples`: per person and time the frame to show, None for nobody.

    `front`: where people face (`drawn.heading`); `size` px: the square's side.
    """
    low, high = _bounds(people, samples)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    target = gaussian_filter1d((low + high) / 2, FOLLOW_S / step, axis=0, mode="nearest")
    reach = ROOM * float(np.percentile(np.maximum(high - target, target - low).max(1), 99))
    reach = max(reach, 0.5)
    azimuth = front + np.radians(_AZIMUTH[view])
    turning = 2 * np.pi * (times - times[0]) / TURN_S if view == "turntable" else np.zeros(len(times))
    elevation = np.radians(_ELEVATION[view])
    around = azimuth + turning
    away = np.stack(
        [
            np.sin(around) * np.cos(elevation),
            -np.cos(around) * np.cos(elevation),
            np.full(len(times), np.sin(elevation)),
        ],
        -1,
    )
    eyes = target + away * reach / np.sin(np.radians(FOV_DEGREES) / 2)
    placed = np.stack([camera.look_at(eye, at) for eye, at in zip(eyes, target, strict=True)])
    return Shot(camera.intrinsics((size, size), FOV_DEGREES), placed, target, reach)


def _bounds(people: Sequence[Drawn], samples: Sequence[Sequence[int | None]]) -> tuple[Array, Array]:
    """The box (T, 3), (T, 3) m around everybody shown, held over times when nobody is."""
    count = len(samples[0])
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    for person, frames in zip(people, samples, strict=True):
        shown = [t for t, frame in enumerate(frames) if frame is not None]
        points = person.points_world[[frame for frame in frames if frame is not None]]
        low[shown] = np.minimum(low[shown], points.min(1))
        high[shown] = np.maximum(high[shown], points.max(1))
    known = np.flatnonzero(np.isfinite(low[:, 0]))
    if not len(known):
        return np.tile([-1.0, -1.0, 0.0], (count, 1)), np.tile([1.0, 1.0, 2.0], (count, 1))
    held = known[np.clip(np.searchsorted(known, np.arange(count), side="right") - 1, 0, None)]
    return low[held], high[held]
