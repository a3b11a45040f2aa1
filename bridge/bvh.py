"""`Motion` to BVH and back: axes, unit, Euler orders, frame rate. `core/bvh.py` is the format itself.

A file's axes are those of a rotation R_fw (file from world) that takes our up to the file's and the direction we
face to the file's. Every joint's frame is parallel to the world in our T-pose and to the file's axes in the
BVH's rest pose, so offsets become R_fw o and local rotations R_fw q R_fw^-1. The root's OFFSET is zero: readers
disagree on whether its position channels replace the offset or add to it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.bvh import STRETCH, UNITS, BvhClip, BvhOptions, joint_rotations, ordered, root_positions, write_bvh
from ..core.camera import intrinsics, look_at
from ..core.jobs import MotionLiftError
from ..core.motion import Motion, resample, standard_rate
from ..core.rotation import (
    Array,
    conjugate,
    continuous,
    continuous_euler,
    forward_kinematics,
    from_matrix,
    multiply,
    rotate,
    to_euler,
    to_matrix,
)
from ..core.skeleton import ANIMATION_21, BODY_26, CONTACT_NAMES, contact_points

ARM_ORDER = "YXZ"
BODY_ORDER = "YZX"
"""In a Y-up file facing Z. A three-axis order is singular where its middle angle reaches 90 degrees: arms, which
point along X at rest, hang and reach forward but seldom twist that far about themselves; spine and legs seldom
bend that far sideways."""

_AXES = np.eye(3)


def motion_to_bvh(motion: Motion, options: BvhOptions | None = None) -> BvhClip:
    """The motion as a BVH clip: T-pose hierarchy, six channels at the root, three elsewhere, continuous angles.

    Frame 0 is the motion's first sample. Samples that are not evenly spaced, and other rates, are resampled.
    """
    options = options or BvhOptions()
    motion = evenly_sampled(motion, options.fps or motion.fps)
    turn, scale = file_from_world(options), UNITS[options.unit]
    orders = [euler_order(motion, joint, options) for joint in range(len(motion.joint_names))]
    values = np.empty((len(motion), 3 + 3 * len(orders)))
    values[:, :3] = rotate(turn, motion.root_translation) * scale
    angles = values[:, 3:].reshape(len(motion), -1, 3)
    # Joint by joint, then stretch by stretch, in their place: of an hour all of it at once would be large.
    for joint, order in enumerate(orders):
        rotations = multiply(multiply(turn, motion.local_rotations[:, joint]), conjugate(turn))
        angles[:, joint] = to_euler(to_matrix(rotations), order)
    for first in range(0, len(motion), STRETCH):
        part = slice(max(first - 1, 0), first + STRETCH)
        angles[part] = continuous_euler(angles[part])
    np.degrees(angles, out=angles)
    channels = [tuple(f"{axis}rotation" for axis in order) for order in orders]
    channels[0] = ("Xposition", "Yposition", "Zposition", *channels[0])
    offsets = rotate(turn, motion.rest_offsets) * scale
    offsets[0] = 0.0
    tails = rotate(turn, motion.rest_tails) * scale
    leaves = ~np.isin(np.arange(len(tails)), motion.parents)
    return BvhClip(
        names=motion.joint_names,
        parents=motion.parents,
        offsets=offsets,
        channels=tuple(channels),
        end_sites=tuple(tails[j : j + 1] if leaf else np.empty((0, 3)) for j, leaf in enumerate(leaves)),
        frame_time=1.0 / motion.fps,
        values=values,
    )


def save_bvh(motion: Motion, path: Path, options: BvhOptions | None = None) -> None:
    """Write the motion as a BVH file. Raises `MotionLiftError` (code `write_failed`) when the disk refuses."""
    write_bvh(path, motion_to_bvh(motion, options))


def file_from_world(options: BvhOptions) -> Array:
    """The quaternion (4,) that turns our world (Z up, facing -Y) into the file's axes."""
    up, forward = _direction(options.up), _direction(options.facing)
    rows_world = np.stack([np.cross(_AXES[2], -_AXES[1]), _AXES[2], -_AXES[1]])
    rows_file = np.stack([np.cross(up, forward), up, forward])
    return from_matrix(rows_file.T @ rows_world)


def _direction(name: str) -> Array:
    axis: Array = _AXES["XYZ".index(name[-1])]
    return axis * (-1.0 if name.startswith("-") else 1.0)


def euler_order(motion: Motion, joint: int, options: BvhOptions) -> str:
    """The order of a joint's rotation channels: the forced one, else `ARM_ORDER` from the shoulders on,
    `BODY_ORDER` elsewhere, their letters exchanged for the file's axes."""
    if options.order:
        return options.order
    at = joint
    while at >= 0 and not motion.joint_names[at].endswith("_shoulder"):
        at = int(motion.parents[at])
    up, forward = options.up, options.facing[-1]
    side = next(axis for axis in "XYZ" if axis not in (up, forward))
    letters = {"X": side, "Y": up, "Z": forward}
    return "".join(letters[letter] for letter in (BODY_ORDER if at < 0 else ARM_ORDER))


def evenly_sampled(motion: Motion, fps: float) -> Motion:
    """The motion at `fps`; as it is when its times, which containers round to milliseconds, are even already. Blender
    keeps rates in single precision: 30000/1001 of a second's is not quite its own there."""
    even = motion.times[0] + np.arange(len(motion)) / fps
    if math.isclose(fps, motion.fps, rel_tol=1e-6) and np.max(np.abs(motion.times - even)) <= max(1.1e-3, 0.05 / fps):
        return motion
    return resample(motion, fps)


def bvh_to_motion(clip: BvhClip, options: BvhOptions | None = None) -> Motion:
    """The motion in a file that `motion_to_bvh` wrote with the same options.

    What a BVH does not hold is neutral: full confidence, no contacts, keypoints NaN, a camera in front of the
    figure. Raises `MotionLiftError` (code `foreign_bvh`) for a skeleton that is not ours, `bad_bvh` without frames.
    """
    options = options or BvhOptions()
    if not set(ANIMATION_21.joints) <= set(clip.names):
        raise MotionLiftError(
            "foreign_bvh", "The file's skeleton is not one that MotionLift writes.", "Retarget it in Blender instead."
        )
    if not len(clip):
        raise MotionLiftError("bad_bvh", "The file has no frames.", "Export it again.")
    names = (*ANIMATION_21.joints, *(name for name in clip.names if name not in ANIMATION_21.joints))
    clip = ordered(clip, [clip.names.index(name) for name in names])
    turn, scale = conjugate(file_from_world(options)), 1.0 / UNITS[options.unit]
    offsets, tails = _rest(clip, turn, scale)
    rotations = continuous(multiply(multiply(turn, joint_rotations(clip)), conjugate(turn)))
    root = rotate(turn, root_positions(clip)) * scale
    return unfilmed(clip.frame_time, clip.names, clip.parents, offsets, tails, root, rotations).check()


def unfilmed(
    frame_time: float,
    names: tuple[str, ...],
    parents: NDArray[np.int64],
    offsets: Array,
    tails: Array,
    root: Array,
    local: Array,
) -> Motion:
    """A motion that no camera saw, of a skeleton whose first joints are `ANIMATION_21`'s: certain everywhere, without
    contacts, keypoints unknown. `frame_time` s; the others are `Motion`'s fields: `offsets`, `tails` (J, 3), `root`
    (F, 3) m, `local` (F, J, 4)."""
    frames, joints, points, size = len(root), len(names), len(BODY_26), (1920, 1080)
    times = np.arange(frames) * frame_time
    contact_parents, contact_offsets = contact_points(tails[: len(ANIMATION_21)], offsets[: len(ANIMATION_21)])
    return Motion(
        times=times,
        fps=standard_rate(times) if frames > 1 else 1.0 / frame_time,
        joint_names=names,
        parents=parents,
        rest_offsets=offsets,
        rest_tails=tails,
        root_translation=root,
        local_rotations=local,
        joint_positions=forward_kinematics(parents, offsets, root, local)[0],
        confidence=np.ones((frames, joints)),
        detected=np.ones(frames, bool),
        contact_names=CONTACT_NAMES,
        contact_parents=contact_parents,
        contact_offsets=contact_offsets,
        contacts=np.zeros((frames, len(CONTACT_NAMES))),
        camera_K=intrinsics(size)[None],
        world_from_camera=look_at(root[0] + np.array([0.0, -4.0, 0.5]), root[0])[None],
        image_size=size,
        keypoint_names=BODY_26.joints,
        keypoints_2d=np.full((frames, points, 2), np.nan),
        keypoint_confidence=np.zeros((frames, points)),
        lifted_camera=np.full((frames, points, 3), np.nan),
    )


def _rest(clip: BvhClip, turn: Array, scale: float) -> tuple[Array, Array]:
    """`rest_offsets` and `rest_tails` (J, 3) m: a tail is the End Site, else the first child (the spine goes on
    through first children, a hand through its middle finger). The pelvis's height is what puts the lowest point of
    the T-pose at Z = 0."""
    offsets = rotate(turn, clip.offsets) * scale
    offsets[0] = 0.0
    tails = np.zeros_like(offsets)
    heights = np.zeros(len(offsets))
    for joint, parent in enumerate(clip.parents):
        children = np.flatnonzero(clip.parents == joint)
        if len(clip.end_sites[joint]):
            tails[joint] = rotate(turn, clip.end_sites[joint][0]) * scale
        elif len(children):
            tails[joint] = offsets[_goes_on(clip, children)]
        heights[joint] = offsets[joint, 2] + (heights[parent] if parent >= 0 else 0.0)
    offsets[0, 2] = -float(np.min(np.concatenate([heights, heights + tails[:, 2]])))
    return offsets, tails


def _goes_on(clip: BvhClip, children: NDArray[np.int64]) -> int:
    """Which of a joint's children its bone points to."""
    return int(next((child for child in children if clip.names[child].endswith("_middle_1")), children[0]))
