"""The hands: MediaPipe's landmarks of one, the finger joints of `Motion`, the T-pose hand and how its fingers bend.

At rest palms face down and fingers lie along +-X, thumbs splayed to the front; as everywhere every joint's frame is
parallel to the world's. Fingers are described for the left hand; the right one is its mirror image in x = 0.
"""

from __future__ import annotations

import numpy as np

from .rotation import Array, from_axis_angle, multiply, normalise
from .skeleton import ANIMATION_21, JointSet, attachment_scale

SIDES = ("left", "right")
"""The order of hands in arrays (..., 2, ...)."""

HAND_21 = (
    "wrist",
    *(f"thumb_{joint}" for joint in ("cmc", "mcp", "ip", "tip")),
    *(f"{finger}_{joint}" for finger in ("index", "middle", "ring", "pinky") for joint in ("mcp", "pip", "dip", "tip")),
)
"""MediaPipe's hand landmarks, in its order."""

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
CHAINS = np.array([[HAND_21.index(name) for name in HAND_21 if name.startswith(finger)] for finger in FINGERS])
"""(5, 4) the landmarks of each finger, from its first joint to its tip."""

FINGER_JOINTS = tuple(f"{side}_{finger}_{number}" for side in SIDES for finger in FINGERS for number in (1, 2, 3))
"""What is appended to `ANIMATION_21` when hands are solved: each joint is named for where its bone starts."""
JOINTS_A_HAND = len(FINGER_JOINTS) // 2


def _parent(joint: str) -> str:
    side, finger, number = joint.split("_")
    return f"{side}_wrist" if number == "1" else f"{side}_{finger}_{int(number) - 1}"


_NAMES = (*ANIMATION_21.joints, *FINGER_JOINTS)
ANIMATION_51 = JointSet(
    "animation_51", _NAMES, (*ANIMATION_21.parents, *(_NAMES.index(_parent(joint)) for joint in FINGER_JOINTS))
)
"""The skeleton of `Motion` with fingers."""

REFERENCE_STARTS = np.array(
    [(0.024, -0.022, -0.008), (0.090, -0.025, 0.0), (0.092, -0.004, 0.002), (0.085, 0.016, 0.0), (0.075, 0.035, -0.003)]
)
"""Where the left hand's fingers start, (5, 3) m from the wrist, on a body of `REFERENCE_HEIGHT`."""
REFERENCE_LENGTHS = np.array(
    [(0.046, 0.033, 0.027), (0.043, 0.025, 0.021), (0.045, 0.027, 0.021), (0.041, 0.026, 0.021), (0.032, 0.019, 0.019)]
)
"""Lengths (5, 3) m of the bones."""
DIRECTIONS = normalise(np.array([(0.70, -0.66, -0.28), *[(1.0, 0.0, 0.0)] * 4]))
"""Where each finger of the left hand points at rest (5, 3)."""

# A thumb closes across the palm and under it.
_CLOSING = np.array([(0.55, 0.55, -0.63), *[(0.0, 0.0, -1.0)] * 4])
HINGES = normalise(np.cross(DIRECTIONS, _CLOSING))
"""(5, 3) the axes about which the left hand's fingers bend."""
LATERALS = np.cross(DIRECTIONS, HINGES)
"""(5, 3) the axes about which they spread: the positive sense turns fingers to the little finger's side."""

RELAXED = np.radians(
    [(8, 0, 12, 12), (22, -4, 28, 14), (26, 0, 32, 16), (28, 3, 34, 17), (28, 8, 32, 16)],
)
"""The angles (5, 4) of a hand that does nothing: knuckle's bend and spread, then the bends of the other joints."""
LOWEST = np.radians([(-30, -40, -15, -15), *[(-20, -20, -4, -4)] * 4])
HIGHEST = np.radians([(50, 40, 65, 85), *[(95, 20, 110, 85)] * 4])
"""The limits (5, 4) of the angles."""

_MIRROR = np.array([-1.0, 1.0, 1.0])


def hand_scale(side: str, rest_offsets: Array) -> float:
    """The size of a body's hand against the reference's; `rest_offsets` (21 or more, 3) m."""
    return attachment_scale(f"{side}_index", rest_offsets[: len(ANIMATION_21)])


def rest_hand(side: str, scale: float = 1.0, lengths: Array = REFERENCE_LENGTHS) -> tuple[Array, Array]:
    """`rest_offsets` and `rest_tails` (15, 3) m of a hand's finger joints: `lengths` (5, 3) m for scale 1."""
    bones = DIRECTIONS[:, None] * lengths[..., None]
    offsets = np.concatenate([REFERENCE_STARTS[:, None], bones[:, :-1]], 1).reshape(-1, 3)
    tails = bones.reshape(-1, 3)
    turn = _MIRROR if side == "right" else np.ones(3)
    return offsets * turn * scale, tails * turn * scale


def rest_with_fingers(
    rest_offsets: Array, rest_tails: Array, lengths: Array = REFERENCE_LENGTHS
) -> tuple[Array, Array]:
    """`rest_offsets` and `rest_tails` (51, 3) m of `ANIMATION_51` for a rest skeleton (21, 3) of `ANIMATION_21`.

    Hands are as large as the forearms say; a hand's bone ends where the middle finger begins.
    """
    offsets, tails = [rest_offsets], [np.array(rest_tails)]
    for side in SIDES:
        fingers, tips = rest_hand(side, hand_scale(side, rest_offsets), lengths)
        tails[0][ANIMATION_21.index(f"{side}_wrist")] = fingers[3 * FINGERS.index("middle")]
        offsets.append(fingers)
        tails.append(tips)
    return np.concatenate(offsets), np.concatenate(tails)


def finger_rotations(angles: Array, side: str = "left") -> Array:
    """Local rotations (..., 15, 4) of the finger joints for `angles` (..., 5, 4) in radians.

    Angles of a finger: the knuckle's bend and spread, the bends of its two other joints; the thumb's knuckle is the
    joint at its root. Bends are positive towards the palm on either side.
    """
    knuckle = multiply(from_axis_angle(HINGES, angles[..., 0]), from_axis_angle(LATERALS, angles[..., 1]))
    others = [from_axis_angle(HINGES, angles[..., joint]) for joint in (2, 3)]
    rotations = np.stack([knuckle, *others], -2).reshape(*angles.shape[:-2], JOINTS_A_HAND, 4)
    return mirrored_rotations(rotations) if side == "right" else rotations


def mirrored_rotations(rotations: Array) -> Array:
    """Rotations (..., 4) as a mirror in x = 0 shows them."""
    mirrored: Array = rotations * np.array([1.0, 1.0, -1.0, -1.0])
    return mirrored
