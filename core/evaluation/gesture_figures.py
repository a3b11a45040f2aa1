"""What an animator would notice about hands and ways: figures of a motion against its truth, as in `motion_figures`.

Distances in mm, angles in degrees; NaN where a clip has no occasion.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from ..motion import Motion
from ..rotation import Array, twist_angle
from ..skeleton import BODY_26

WAVE_HZ = (1.5, 3.0)
"""What hands that wave do."""
WAVES_MM = 30.0
"""RMS of a second in that band from which on a wrist waves."""
TOUCHING_MM = 120.0
"""Middles of hands nearer than this touch: they are that thick, and lie beside each other."""
RETURNS = 0.1
"""Who ends this near, as a share of the way, to where they began has come back."""
SHORTEST_WAY = 2.0
"""Metres."""
_X = np.array([1.0, 0.0, 0.0])


def hand_twist(found: Motion) -> float:
    """The largest twist of a hand against its forearm."""
    wrists = found.local_rotations[:, [found.joint_names.index(f"{side}_wrist") for side in ("left", "right")]]
    return float(np.degrees(np.abs(twist_angle(wrists, _X))).max())


def touching_hands(found: Array, true: Array) -> float:
    """The median error of the distance between the hands, where those of the truth touch: points (F, 26, 3) m."""
    apart = [np.linalg.norm(np.subtract(*_hands(points)), axis=-1) for points in (found, true)]
    touching = 1000 * apart[1] < TOUCHING_MM
    return 1000 * float(np.median(np.abs(apart[0] - apart[1])[touching])) if touching.any() else float("nan")


def wave_kept(found: Array, true: Array, fps: float) -> float:
    """The share of the truth's waving that wrists do, in step with it: points (F, 26, 3) m."""
    second = round(fps)
    if fps <= 2.2 * WAVE_HZ[1] or len(true) < 2 * second:
        return float("nan")
    sections = butter(2, WAVE_HZ, "bandpass", fs=fps, output="sos")
    both, own = 0.0, 0.0
    for wrist in BODY_26.indices("left_wrist", "right_wrist"):
        ours, theirs = (1000 * sosfiltfilt(sections, points[:, wrist], axis=0) for points in (found, true))
        squared = np.convolve((theirs**2).sum(-1), np.ones(second) / second, "same")
        waves = squared > WAVES_MM**2
        both += float((ours * theirs)[waves].sum())
        own += float((theirs**2)[waves].sum())
    return both / own if own > 0 else float("nan")


def closing_percent(found: Array, true: Array) -> float:
    """How far from the true end somebody ends who comes back, in percent of the way: roots (F, 3) m."""
    way = float(np.linalg.norm(np.diff(true, axis=0), axis=-1).sum())
    gone = true[-1] - true[0]
    if way < SHORTEST_WAY or np.linalg.norm(gone) > RETURNS * way:
        return float("nan")
    return 100 * float(np.linalg.norm(found[-1] - found[0] - gone)) / way


def _hands(points: Array) -> tuple[Array, Array]:
    """The middles (F, 3) of the left and the right hand."""
    left, right = (
        points[:, BODY_26.indices(f"{side}_wrist", f"{side}_index", f"{side}_pinky")].mean(1)
        for side in ("left", "right")
    )
    return left, right
