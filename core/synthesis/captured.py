"""Motion capture as a performance: any BVH of a known family, on the mannequin's own skeleton."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bvh import BvhClip, joint_rotations, read_bvh, root_positions
from ..jobs import MotionLiftError
from ..rotation import (
    IDENTITY,
    Array,
    conjugate,
    continuous,
    forward_kinematics,
    from_axis_angle,
    local_from_world,
    minimal_rotation,
    multiply,
    rotate,
    slerp,
)
from ..skeleton import ANIMATION_21, CONTACT_NAMES, contact_points, mirrored_name, reference_rest
from ..solving.contacts import RECORDED, find_contacts
from ..solving.planting import Skeleton, plant_feet
from ..training.soles import resting_pitch
from .performance import Performance

RESTING_SPEED, RESTING_HEIGHT = 0.15, 0.06
"""Points that are slower (m/s) and not further above the lowest (m) tell where the floor is."""

_Z_UP = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
"""From BVH's axes, Y up and facing +Z at rest, to ours: a quarter turn about X."""


@dataclass(frozen=True)
class Family:
    """The BVH joint of each `ANIMATION_21` joint (left side; `prefixes` name the sides)."""

    joints: dict[str, str]
    prefixes: tuple[str, str]

    def theirs(self, joint: str) -> str:
        """The BVH name of our joint on either side."""
        if joint in self.joints:
            return self.joints[joint]
        left, right = self.prefixes
        return right + self.joints[mirrored_name(joint)].removeprefix(left)


FAMILIES = (
    Family(
        {
            "pelvis": "Hips", "spine": "LowerBack", "chest": "Spine", "neck": "Neck", "head": "Head",
            "left_clavicle": "LeftShoulder", "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm",
            "left_wrist": "LeftHand", "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot",
            "left_toe": "LeftToeBase",
        },
        ("Left", "Right"),
    ),
    Family({joint: joint for joint in ANIMATION_21.joints if not joint.startswith("right_")}, ("left_", "right_")),
)  # fmt: skip

_CHAINS = (
    ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"), ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"), ("left_ankle", "left_toe"),
)  # fmt: skip
"""Bones whose rest direction is referred to our T-pose, each after its parent: from this joint to that one."""


def perform_bvh(
    path: Path,
    fps: float = 30.0,
    start: float = 0.0,
    stop: float | None = None,
    rest: tuple[Array, Array] | None = None,
) -> Performance:
    """A BVH file's motion from `start` to `stop` s (default: all), sampled at `fps`.

    The file's zero pose must be a T-pose facing +Z, Y up. The body keeps its `rest` offsets and tails (21, 3)
    (default: the reference's); the travel is scaled by leg length, the soles come down to Z = 0.
    Raises `MotionLiftError`: what `read_bvh` raises, `unknown_skeleton`, `bad_trim` where fewer than two frames remain.
    """
    clip = read_bvh(path)
    offsets, tails = rest or reference_rest()
    names = _source_joints(clip, path)
    pelvis, rotations = _in_our_axes(clip, names, offsets)
    source = np.arange(len(clip)) * clip.frame_time
    end = source[-1] if stop is None else min(stop, source[-1])
    if int((end - start) * fps + 1e-6) < 1:
        raise MotionLiftError(
            "bad_trim",
            f"{path.name} lasts {source[-1]:.1f} s; fewer than two frames lie between the times.",
            "Start earlier.",
        )
    times = start + np.arange(int((end - start) * fps + 1e-6) + 1) / fps
    lower = np.clip(np.searchsorted(source, times, side="right") - 1, 0, max(len(source) - 2, 0))
    upper = np.minimum(lower + 1, len(source) - 1)
    t = np.clip((times - source[lower]) / clip.frame_time, 0.0, 1.0)
    local = local_from_world(ANIMATION_21.parents, rotations)
    local = continuous(slerp(local[lower], local[upper], t[:, None]))
    root = (1 - t[:, None]) * pelvis[lower] + t[:, None] * pelvis[upper]
    local = _soles_levelled(root, local, offsets, tails, fps)
    soles = _contact_positions(root, local, offsets, tails)
    root[:, 2] -= _standing_height(soles, fps)
    contacts = find_contacts(_contact_positions(root, local, offsets, tails), np.ones(soles.shape[:2]), times, RECORDED)
    root, local = plant_feet(root, local, Skeleton(offsets, tails), contacts, times)
    local = continuous(local)
    return Performance(times - start, offsets, tails, root, local, contacts)


def _source_joints(clip: BvhClip, path: Path) -> list[int]:
    """The clip's joint for each of ours (21)."""
    for family in FAMILIES:
        names = [family.theirs(joint) for joint in ANIMATION_21.joints]
        if set(names) <= set(clip.names):
            return [clip.names.index(name) for name in names]
    missing = sorted({FAMILIES[0].theirs(joint) for joint in ANIMATION_21.joints} - set(clip.names))
    raise MotionLiftError(
        "unknown_skeleton",
        f"{path.name} has no joints {', '.join(missing[:5])}.",
        "Use a BVH with the joint names of the CMU library's 31-joint skeleton, or one of ours.",
    )


def _in_our_axes(clip: BvhClip, names: list[int], offsets: Array) -> tuple[Array, Array]:
    """The pelvis (F, 3) in metres of our body and world orientations (F, 21, 4), Z up."""
    root, local = root_positions(clip), joint_rotations(clip)
    positions, theirs = forward_kinematics(clip.parents, clip.offsets, root, local)
    rest = forward_kinematics(clip.parents, clip.offsets, np.zeros(3), np.tile(IDENTITY, (len(clip.names), 1)))[0]
    rest_joints = rotate(_Z_UP, rest[names])
    turned = multiply(multiply(_Z_UP, theirs[:, names]), conjugate(_Z_UP))
    rotations = multiply(turned, conjugate(_rest_corrections(rest_joints, offsets)))
    hips, knees, ankles = (ANIMATION_21.indices(f"left_{j}", f"right_{j}") for j in ("hip", "knee", "ankle"))
    legs = np.linalg.norm(rest_joints[hips] - rest_joints[knees], axis=-1) + np.linalg.norm(
        rest_joints[knees] - rest_joints[ankles], axis=-1
    )
    ours = np.linalg.norm(offsets[knees], axis=-1) + np.linalg.norm(offsets[ankles], axis=-1)
    middle = positions[:, [names[joint] for joint in hips]].mean(1)
    return rotate(_Z_UP, middle) * float(ours.mean() / legs.mean()), rotations


def _rest_corrections(rest_joints: Array, offsets: Array) -> Array:
    """Rotations (21, 4) from the source's rest pose (21, 3) to our T-pose, down each limb (DESIGN, Retargeting).

    Feet turn in plan only, so that soles stay level.
    """
    corrections = np.tile(IDENTITY, (len(ANIMATION_21), 1))
    done = np.zeros(len(corrections), bool)
    bones = {joint: end for pair in (_CHAINS, [tuple(map(mirrored_name, p)) for p in _CHAINS]) for joint, end in pair}
    for index, joint in enumerate(ANIMATION_21.joints):
        parent = ANIMATION_21.parents[index]
        if parent >= 0 and done[parent]:
            corrections[index], done[index] = corrections[parent], True
        if joint not in bones:
            continue
        end = ANIMATION_21.index(bones[joint])
        source, target = rest_joints[end] - rest_joints[index], offsets[end]
        if joint.endswith("ankle"):
            level = np.array([1.0, 1.0, 0.0])
            corrections[index] = minimal_rotation(source * level, target * level)
        else:
            now = rotate(corrections[index], source)
            corrections[index] = multiply(minimal_rotation(now, target), corrections[index])
        done[index] = True
    return corrections


def _standing_height(soles: Array, fps: float) -> float:
    """The height m at which contact points (F, 4, 3) stand: the median of those that rest near the lowest."""
    lowest = soles[..., 2].min(1)
    ground = float(np.percentile(lowest, 5))
    if len(soles) < 2:
        return ground
    speed = np.linalg.norm(np.gradient(soles, axis=0), axis=-1) * fps
    rests = (speed < RESTING_SPEED) & (soles[..., 2] < ground + RESTING_HEIGHT)
    return float(np.median(soles[..., 2][rests])) if rests.any() else ground


def _soles_levelled(root: Array, local: Array, offsets: Array, tails: Array, fps: float) -> Array:
    """Local rotations (F, 21, 4) whose soles are level where they stand.

    Recorded foot bones run from ankle to toes at an angle that differs from person to person and is not the sole's;
    each foot is turned about its own X axis by what its sole is off level in the median of the frames in which it
    rests.
    """
    points = _contact_positions(root, local, offsets, tails)
    levelled = local.copy()
    for side in ("left", "right"):
        heel, tip = (points[:, CONTACT_NAMES.index(f"{side}_{end}")] for end in ("heel", "toe_tip"))
        turn = from_axis_angle(np.array([1.0, 0.0, 0.0]), resting_pitch(heel, tip, fps))
        ankle = ANIMATION_21.index(f"{side}_ankle")
        levelled[:, ankle] = multiply(local[:, ankle], turn)
    return levelled


def _contact_positions(root: Array, local: Array, offsets: Array, tails: Array) -> Array:
    """The points that may stand (F, 4, 3), in the world."""
    parents, points = contact_points(tails, offsets)
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, root, local)
    return joints[:, parents] + rotate(rotations[:, parents], points)
