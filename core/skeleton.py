"""Every set of joints, once: names, parents, left/right pairs, the T-pose, and the maps between the sets.

The T-pose is that of DESIGN's world: metres, Z up, facing -Y, so the figure's left is +X; arms along
+-X with palms down, soles flat on Z = 0, and every joint's frame parallel to the world's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .rotation import IDENTITY, Array, forward_kinematics, rotate


@dataclass(frozen=True)
class JointSet:
    """Named joints in a tree. `parents[i] < i`, or -1 for the root."""

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """The index of a joint. Raises `ValueError` for a name the set does not have."""
        return self.joints.index(joint)

    def indices(self, *joints: str) -> list[int]:
        return [self.joints.index(joint) for joint in joints]

    @cached_property
    def mirror(self) -> NDArray[np.int64]:
        """(J,) the index of each joint's counterpart on the other side (itself on the midline)."""
        return np.array([self.index(mirrored_name(joint)) for joint in self.joints])

    @cached_property
    def bone_starts(self) -> list[int]:
        """Where the bone to each joint starts: the index of its parent; the root, which has none, starts at itself."""
        return [max(parent, 0) for parent in self.parents]

    @cached_property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of every bone."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)


def mirrored_name(joint: str) -> str:
    """`left_knee` for `right_knee` and the other way round; names on the midline unchanged."""
    if joint.startswith("left_"):
        return "right_" + joint.removeprefix("left_")
    if joint.startswith("right_"):
        return "left_" + joint.removeprefix("right_")
    return joint


def _joint_set(name: str, tree: dict[str, str | None]) -> JointSet:
    joints = tuple(tree)
    parents = tuple(-1 if parent is None else joints.index(parent) for parent in tree.values())
    return JointSet(name, joints, parents)


def _both_sides(tree: dict[str, str | None]) -> dict[str, str | None]:
    """The tree with each `left_` branch repeated for the right."""
    right = {mirrored_name(j): p and mirrored_name(p) for j, p in tree.items() if j.startswith("left_")}
    return {**tree, **right}


HUMAN36M_17 = _joint_set(
    "human36m_17",
    {
        "pelvis": None,
        "right_hip": "pelvis",
        "right_knee": "right_hip",
        "right_ankle": "right_knee",
        "left_hip": "pelvis",
        "left_knee": "left_hip",
        "left_ankle": "left_knee",
        "spine": "pelvis",
        "thorax": "spine",
        "nose": "thorax",
        "head": "nose",
        "left_shoulder": "thorax",
        "left_elbow": "left_shoulder",
        "left_wrist": "left_elbow",
        "right_shoulder": "thorax",
        "right_elbow": "right_shoulder",
        "right_wrist": "right_elbow",
    },
)
"""The paper's joints, in the order of its data."""

HUMANEVA_15 = _joint_set(
    "humaneva_15",
    {
        "pelvis": None,
        "thorax": "pelvis",
        "left_shoulder": "thorax",
        "left_elbow": "left_shoulder",
        "left_wrist": "left_elbow",
        "right_shoulder": "thorax",
        "right_elbow": "right_shoulder",
        "right_wrist": "right_elbow",
        "left_hip": "pelvis",
        "left_knee": "left_hip",
        "left_ankle": "left_knee",
        "right_hip": "pelvis",
        "right_knee": "right_hip",
        "right_ankle": "right_knee",
        "head": "thorax",
    },
)
"""HumanEva-I's joints, in the order of its data."""

BODY_26 = _joint_set(
    "body_26",
    _both_sides(
        {
            "pelvis": None,
            "spine": "pelvis",
            "neck": "spine",
            "nose": "neck",
            "left_ear": "nose",
            "left_shoulder": "neck",
            "left_elbow": "left_shoulder",
            "left_wrist": "left_elbow",
            "left_index": "left_wrist",
            "left_pinky": "left_wrist",
            "left_hip": "pelvis",
            "left_knee": "left_hip",
            "left_ankle": "left_knee",
            "left_heel": "left_ankle",
            "left_toe_tip": "left_ankle",
        }
    ),
)
"""What is detected and lifted. `left_index` and `left_pinky` are the knuckles."""

ANIMATION_21 = _joint_set(
    "animation_21",
    _both_sides(
        {
            "pelvis": None,
            "spine": "pelvis",
            "chest": "spine",
            "neck": "chest",
            "head": "neck",
            "left_clavicle": "chest",
            "left_shoulder": "left_clavicle",
            "left_elbow": "left_shoulder",
            "left_wrist": "left_elbow",
            "left_hip": "pelvis",
            "left_knee": "left_hip",
            "left_ankle": "left_knee",
            "left_toe": "left_ankle",
        }
    ),
)
"""The skeleton of `Motion`; each joint is named for where its bone starts."""

MEDIAPIPE_33 = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky",
    "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel",
    "left_foot_index", "right_foot_index",
)  # fmt: skip
"""MediaPipe Pose's landmarks, in its order."""

INTERPOLATED = {
    "pelvis": {"left_hip": 0.5, "right_hip": 0.5},
    "neck": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "spine": {"left_hip": 0.25, "right_hip": 0.25, "left_shoulder": 0.25, "right_shoulder": 0.25},
}
"""Joints of `BODY_26` that no detector reports, as weighted means of those it does."""


def body_from_mediapipe() -> Array:
    """The matrix (26, 33) that turns MediaPipe's landmarks into `BODY_26` (rows sum to 1)."""
    weights = np.zeros((len(BODY_26), len(MEDIAPIPE_33)))
    for row, joint in enumerate(BODY_26.joints):
        for source, weight in INTERPOLATED.get(joint, {joint: 1.0}).items():
            weights[row, MEDIAPIPE_33.index(source.replace("toe_tip", "foot_index"))] = weight
    return weights


def interpolate_body(points: Array) -> Array:
    """`BODY_26` points (..., 26, D) with the interpolated joints computed from the detected ones."""
    result = np.array(points, float)
    for joint, sources in INTERPOLATED.items():
        result[..., BODY_26.index(joint), :] = sum(
            weight * points[..., BODY_26.index(source), :] for source, weight in sources.items()
        )
    return result


REFERENCE_HEIGHT = 1.70
"""Standing height in metres of the body that the network's outputs are scaled to."""

_LEFT_REST = {
    "pelvis": (0.0, 0.0, 0.895),
    "spine": (0.0, 0.005, 0.100),
    "chest": (0.0, 0.010, 0.180),
    "neck": (0.0, 0.005, 0.235),
    "head": (0.0, -0.020, 0.095),
    "left_clavicle": (0.025, -0.005, 0.205),
    "left_shoulder": (0.150, 0.010, 0.000),
    "left_elbow": (0.280, 0.0, 0.0),
    "left_wrist": (0.250, 0.0, 0.0),
    "left_hip": (0.090, 0.0, 0.0),
    "left_knee": (0.0, 0.0, -0.410),
    "left_ankle": (0.0, 0.0, -0.410),
    "left_toe": (0.0, -0.125, -0.055),
}
_LEFT_TAILS = {
    "pelvis": (0.0, 0.005, 0.100),
    "spine": (0.0, 0.010, 0.180),
    "chest": (0.0, 0.005, 0.235),
    "neck": (0.0, -0.020, 0.095),
    "head": (0.0, 0.0, 0.195),
    "left_clavicle": (0.150, 0.010, 0.000),
    "left_shoulder": (0.280, 0.0, 0.0),
    "left_elbow": (0.250, 0.0, 0.0),
    "left_wrist": (0.180, 0.0, 0.0),
    "left_hip": (0.0, 0.0, -0.410),
    "left_knee": (0.0, 0.0, -0.410),
    "left_ankle": (0.0, -0.125, -0.055),
    "left_toe": (0.0, -0.070, -0.020),
}
_LEFT_ATTACHMENTS = {
    "nose": ("head", (0.0, -0.115, 0.075)),
    "left_ear": ("head", (0.072, 0.0, 0.080)),
    "left_index": ("left_wrist", (0.090, -0.025, 0.0)),
    "left_pinky": ("left_wrist", (0.075, 0.035, 0.0)),
    "left_heel": ("left_ankle", (0.0, 0.050, -0.075)),
    "left_toe_tip": ("left_ankle", (0.0, -0.195, -0.075)),
}


def _mirrored(values: dict[str, tuple[float, float, float]], joint: str) -> tuple[float, float, float]:
    if joint in values:
        return values[joint]
    x, y, z = values[mirrored_name(joint)]
    return (-x, y, z)


def reference_rest(height_m: float = REFERENCE_HEIGHT) -> tuple[Array, Array]:
    """`rest_offsets` and `rest_tails` (21, 3) in metres of an average body of that standing height."""
    scale = height_m / REFERENCE_HEIGHT
    offsets = np.array([_mirrored(_LEFT_REST, joint) for joint in ANIMATION_21.joints])
    tails = np.array([_mirrored(_LEFT_TAILS, joint) for joint in ANIMATION_21.joints])
    return offsets * scale, tails * scale


def attachment(joint: str) -> tuple[str, Array]:
    """Where a rigid `BODY_26` point sits: the `ANIMATION_21` joint that carries it and its offset (3,) in
    metres in that joint's T-pose frame, for a body of `REFERENCE_HEIGHT`. Mocap has none of these points,
    so they are defined here. Raises `KeyError` for a joint that is no attachment."""
    if joint in _LEFT_ATTACHMENTS:
        parent, offset = _LEFT_ATTACHMENTS[joint]
        return parent, np.array(offset)
    parent, (x, y, z) = _LEFT_ATTACHMENTS[mirrored_name(joint)]
    return mirrored_name(parent), np.array([-x, y, z])


ATTACHED = tuple(j for j in BODY_26.joints if j in _LEFT_ATTACHMENTS or mirrored_name(j) in _LEFT_ATTACHMENTS)
"""The `BODY_26` joints defined by `attachment`."""

_ATTACHMENT_SCALE = {"head": "head", "left_wrist": "left_wrist", "left_ankle": "left_toe"}
"""Which bone's length scales the attachments of a joint: the neck, the forearm, the foot."""

BODY_FROM_ANIMATION = {"spine": "chest"}
"""`BODY_26`'s spine is the middle of the torso, where the interpolated point lies: our chest."""


def attachment_scale(joint: str, rest_offsets: Array) -> float:
    """The factor on `attachment(joint)`'s offset for a rest skeleton (21, 3): its bone against the reference's."""
    parent, _ = attachment(joint)
    bone = _ATTACHMENT_SCALE.get(parent) or mirrored_name(_ATTACHMENT_SCALE[mirrored_name(parent)])
    index = ANIMATION_21.index(bone)
    return float(np.linalg.norm(rest_offsets[index]) / np.linalg.norm(reference_rest()[0][index]))


def body_points(joints: Array, rotations_world: Array, rest_offsets: Array) -> Array:
    """`BODY_26` points (..., 26, 3) of an `ANIMATION_21` figure.

    `joints` (..., 21, 3) and `rotations_world` (..., 21, 4) in any one frame, metres; `rest_offsets` (21, 3).
    """
    points = np.empty((*joints.shape[:-2], len(BODY_26), 3))
    for index, name in enumerate(BODY_26.joints):
        if name in ATTACHED:
            parent, offset = attachment(name)
            carrier = ANIMATION_21.index(parent)
            offset = offset * attachment_scale(name, rest_offsets)
            points[..., index, :] = joints[..., carrier, :] + rotate(rotations_world[..., carrier, :], offset)
        else:
            points[..., index, :] = joints[..., ANIMATION_21.index(BODY_FROM_ANIMATION.get(name, name)), :]
    return points


def rest_points(rest_offsets: Array) -> Array:
    """`BODY_26` points (26, 3) m of a rest skeleton (21, 3) in T-pose, the pelvis at the origin."""
    identity = np.broadcast_to(IDENTITY, (len(ANIMATION_21), 4))
    joints, rotations = forward_kinematics(ANIMATION_21.parents, rest_offsets, np.zeros(3), identity)
    return body_points(joints, rotations, rest_offsets)


CONTACT_NAMES = ("left_heel", "left_toe_tip", "right_heel", "right_toe_tip")
"""The points of the feet that may stand on the floor."""


def contact_points(rest_tails: Array, rest_offsets: Array) -> tuple[NDArray[np.int64], Array]:
    """`contact_parents` (4,) and `contact_offsets` (4, 3) of `CONTACT_NAMES` on a rest skeleton (21, 3).

    Heels sit on the ankle's frame, toe tips at the end of the toe's bone; scaled by the foot's length.
    """
    parents, points = [], []
    for name in CONTACT_NAMES:
        side = name.split("_")[0]
        ankle, toe = ANIMATION_21.indices(f"{side}_ankle", f"{side}_toe")
        if name.endswith("heel"):
            parents.append(ankle)
            points.append(attachment(name)[1] * attachment_scale(name, rest_offsets))
        else:
            parents.append(toe)
            points.append(rest_tails[toe])
    return np.array(parents, np.int64), np.array(points)


SUPPORT_NAMES = ("left_hand", "right_hand", "left_knee", "right_knee", "seat")
"""The other points that may carry weight."""

_LEFT_SUPPORTS = {
    "left_hand": ("left_wrist", (0.080, 0.0, -0.020)),
    "left_knee": ("left_knee", (0.0, -0.055, 0.0)),
    "seat": ("pelvis", (0.0, 0.060, -0.090)),
}


def support_points(rest_offsets: Array) -> tuple[NDArray[np.int64], Array]:
    """The joints that carry `SUPPORT_NAMES` (5,) and the points' offsets (5, 3) m on a rest skeleton (21, 3): palms,
    kneecaps, and where one sits, scaled by the skeleton's size."""
    size, usual = (float(np.linalg.norm(rest[1:], axis=-1).sum()) for rest in (rest_offsets, reference_rest()[0]))
    parents, points = [], []
    for name in SUPPORT_NAMES:
        joint, (x, y, z) = _LEFT_SUPPORTS.get(name) or _LEFT_SUPPORTS[mirrored_name(name)]
        mirrored = name not in _LEFT_SUPPORTS
        parents.append(ANIMATION_21.index(mirrored_name(joint) if mirrored else joint))
        points.append((-x if mirrored else x, y, z))
    return np.array(parents), size / usual * np.array(points)


LANDMARK_OFFSETS_MM = {
    "nose": (0, 20, 6),
    "left_ear": (-17, -19, 8),
    "left_shoulder": (-6, -4, 3),
    "left_elbow": (4, -4, 5),
    "left_wrist": (4, -2, 2),
    "left_index": (-8, 15, -2),
    "left_pinky": (0, -22, 3),
    "left_hip": (5, 4, -9),
    "left_knee": (1, 3, -8),
    "left_ankle": (-8, -8, 6),
    "left_heel": (-3, -12, 22),
    "left_toe_tip": (-4, 15, 12),
}
"""Where MediaPipe sees a landmark, from where ours is, in the T-pose frame of the `ANIMATION_21` joint that carries it,
on a body 1.70 m tall. Least squares over nine rendered clips of 1,300 frames, sides averaged: what is left of the
median distance in the picture is 9 mm at the body, of 13 before. Heels are seen 2 cm above the sole."""


def landmark_offsets() -> Array:
    """`LANDMARK_OFFSETS_MM` (26, 3) in metres, zero for points that no detector reports."""
    result = np.zeros((len(BODY_26), 3))
    for index, name in enumerate(BODY_26.joints):
        if name in LANDMARK_OFFSETS_MM:
            result[index] = LANDMARK_OFFSETS_MM[name]
        elif mirrored_name(name) in LANDMARK_OFFSETS_MM:
            result[index] = np.array(LANDMARK_OFFSETS_MM[mirrored_name(name)]) * (-1, 1, 1)
    return result / 1000
