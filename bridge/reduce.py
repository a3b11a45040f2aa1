"""Fewer keys, within an error that can be stated.

Between two keys a curve is a cubic that leaves and arrives with the slopes that the dense curve has there, which is
what Blender's Bezier is with handles a third of the way. Where it strays too far a key is added at the worst frame,
until nothing does. The channels of one property share their keys, so that they stay easy to edit. What counts in the
end is the pose: wrists and ankles are worked out with the reduced curves, and all bounds are tightened until those are
near enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..core.rotation import Array
from .channels import rotation_channels, rotations_of
from .humanoid import SIDES
from .retarget import Retargeted
from .rig import QUATERNION, pose_rig

DEGREES, METRES = 0.5, 0.002
"""How far a bone may turn from where it was, and wrists and ankles be."""
TRIES = 6


@dataclass(frozen=True)
class Keys:
    """Bezier keys: frames (K,) from 0, values (K, C) and slopes (K, C) a frame."""

    frames: NDArray[np.int64]
    values: Array
    slopes: Array


@dataclass(frozen=True)
class ReducedKeys:
    """The keys of a `Retargeted`: rotations by bone in the bone's own rotation mode, locations by bone; and the worst
    distance in metres of a wrist or ankle."""

    rotations: Mapping[int, Keys]
    locations: Mapping[int, Keys]
    worst_m: float

    def count(self) -> int:
        """How many keys there are, over all curves."""
        return sum(keys.values.size for part in (self.rotations, self.locations) for keys in part.values())


def reduce_curve(values: Array, tolerance: float, keep: Iterable[int] = ()) -> Keys:
    """Keys of a curve (F, C) that stay within `tolerance` (the length of the difference) in every frame.

    `keep`: frames that get a key in any case.
    """
    last = len(values) - 1
    slopes = np.gradient(values, axis=0) if last else np.zeros_like(values)
    kept = sorted({0, last, *(frame for frame in keep if 0 < frame < last)})
    waiting = list(pairwise(kept))
    found = set(kept)
    while waiting:
        start, stop = waiting.pop()
        if stop - start < 2:
            continue
        fitted = _between(values, slopes, start, stop)
        error = np.linalg.norm(fitted - values[start + 1 : stop], axis=-1)
        if error.max() > tolerance:
            worst = start + 1 + int(np.argmax(error))
            found.add(worst)
            waiting += [(start, worst), (worst, stop)]
    frames = np.array(sorted(found))
    return Keys(frames, values[frames], slopes[frames])


def restore_curve(keys: Keys, frames: int) -> Array:
    """The curve (F, C) that keys make."""
    result = np.empty((frames, keys.values.shape[1]))
    result[keys.frames] = keys.values
    values, slopes = np.empty_like(result), np.empty_like(result)
    values[keys.frames], slopes[keys.frames] = keys.values, keys.slopes
    for start, stop in pairwise(keys.frames):
        if stop - start > 1:
            result[start + 1 : stop] = _between(values, slopes, int(start), int(stop))
    return result


def _between(values: Array, slopes: Array, start: int, stop: int) -> Array:
    """The cubic Hermite curve (N, C) at the frames between two keys."""
    length = stop - start
    t = (np.arange(1, length) / length)[:, None]
    curve: Array = (
        (1 + 2 * t) * (1 - t) ** 2 * values[start]
        + t * (1 - t) ** 2 * length * slopes[start]
        + t**2 * (3 - 2 * t) * values[stop]
        + t**2 * (t - 1) * length * slopes[stop]
    )
    return curve


def reduce_keys(
    done: Retargeted, degrees: float = DEGREES, metres: float = METRES, keep: Iterable[int] = ()
) -> ReducedKeys:
    """Fewer keys for the same motion: no bone turned further than `degrees` from where it was against its parent, no
    wrist or ankle further away than `metres`. `keep`: frames that get keys on every bone, as contacts' edges do."""
    keep = list(keep)
    rig, frames = done.rig, len(done)
    ends = [
        done.bones[f"{side}_{part}"][0]
        for side in SIDES
        for part in ("wrist", "ankle")
        if f"{side}_{part}" in done.bones
    ]
    truth = pose_rig(rig, done.rotations, done.locations, frames)[0][:, ends]
    dense = {
        bone: rotation_channels(turns, rig.rotation_modes[bone], rig.locked_rotation[bone])
        for bone, turns in done.rotations.items()
    }
    share = 1.0
    for _ in range(TRIES):
        # A quaternion changes by half the angle.
        bounds = {
            bone: np.radians(degrees) * share * (0.5 if rig.rotation_modes[bone] == QUATERNION else 0.7)
            for bone in dense
        }
        rotations = {bone: reduce_curve(values, bounds[bone], keep) for bone, values in dense.items()}
        reach = metres * share / rig.world_scale / 2
        locations = {bone: reduce_curve(values, reach, keep) for bone, values in done.locations.items()}
        turned = {
            bone: rotations_of(restore_curve(keys, frames), rig.rotation_modes[bone])
            for bone, keys in rotations.items()
        }
        moved = {bone: restore_curve(keys, frames) for bone, keys in locations.items()}
        seen = pose_rig(rig, turned, moved, frames)[0][:, ends]
        worst = float(np.linalg.norm(seen - truth, axis=-1).max(initial=0.0)) * rig.world_scale
        if worst <= metres:
            break
        share *= 0.9 * metres / worst if worst < 4 * metres else 0.3
    return ReducedKeys(rotations, locations, worst)
