"""Fingers and palms from the landmarks of the hands, after the body is solved.

`hand_reading` gives each hand's palm and the bends of its fingers per frame. Here they become joints: bones of constant
length, angles smoothed by how sure each frame is and held within limits, the curl of a hand that does nothing where
none was seen. The palm tells how wrist and forearm are twisted.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..hand_skeleton import (
    ANIMATION_51,
    CHAINS,
    FINGERS,
    HAND_21,
    HIGHEST,
    JOINTS_A_HAND,
    LOWEST,
    REFERENCE_LENGTHS,
    REFERENCE_STARTS,
    RELAXED,
    SIDES,
    finger_rotations,
    rest_with_fingers,
)
from ..keypoints import HandKeypoints
from ..motion import Motion
from ..rotation import (
    Array,
    conjugate,
    continuous_signs,
    from_axis_angle,
    multiply,
    normalise,
    rotate,
    slerp,
    twist_angle,
)
from ..skeleton import ANIMATION_21
from .hand_reading import Hand, orientations, pointing, read_hand
from .orientation import FOREARM_SHARE, limit
from .smoothing import smooth, smooth_rotations
from .stretches import by_stretches, joint_positions

BODY_JOINTS = len(ANIMATION_21)
CUTOFF_HZ = (8.0, 2.0)
"""Where half of a finger's movement remains, at smoothing 0 and 1; between them, geometrically."""
RELAXED_WEIGHT = 0.01
"""How much the relaxed hand counts against a hand seen in full confidence."""
WRIST_SHARE = 0.6
"""The cutoff of the wrists' correction, as a share of the fingers'."""
BODY_WEIGHT = 0.15
"""How much the wrist's orientation from the body's keypoints, two knuckles, counts against the palm's."""
POINTING = 0.7
"""How much the body decides, against the palm, where the hand points. The palm's depth is a guess, the body's is
another: on a film of gestures less than this served better, on the sample more."""
SWING_MOST, TWIST_MOST = np.radians(80.0), np.radians(90.0)
IMPLAUSIBLE_TWIST = np.radians(120.0)
"""A palm turned further than this against the forearm was not read rightly."""

LENGTH_SHARE = 0.5
LENGTH_SPAN = (0.8, 1.25)
"""How much measured finger lengths count against the average hand's, and how far they may deviate, as a factor."""
ENOUGH = 10.0

_ODD = np.radians(25.0)


def with_fingers(motion: Motion, hands: HandKeypoints | None, smoothing: float = 0.5) -> Motion:
    """The motion with finger joints appended and wrists turned as the palms are; `hands` are kept in it.

    `motion` is solved for the body alone. Where no hand was seen fingers are relaxed and their confidence is 0;
    without `hands` the motion is returned as it is.
    """
    if hands is None:
        return motion
    cutoff = float(CUTOFF_HZ[0] * (CUTOFF_HZ[1] / CUTOFF_HZ[0]) ** smoothing)
    local = _with_room(motion.local_rotations)
    for number, side in enumerate(SIDES):
        hand = read_hand(hands, number, motion)
        if np.any(hand.weights > 0):
            _turn_wrist(local[:, :BODY_JOINTS], hand, motion, side, cutoff)
        _bend(local, number, _steady(hand, motion.times, cutoff))
    # An hour of what it had before is large, and so is what follows.
    motion = dataclasses.replace(motion, local_rotations=local, hands=hands)
    return _joined(motion, hands.confidence, finger_lengths(hands))


def append_fingers(motion: Motion, angles: Array, confidence: Array, lengths: Array = REFERENCE_LENGTHS) -> Motion:
    """A motion of `ANIMATION_21` with the finger joints of `ANIMATION_51`, bent by `angles` (F, 2, 5, 4) rad.

    `confidence` (F, 2) of the hands; `lengths` (5, 3) m of the bones for a hand of scale 1.
    """
    motion = dataclasses.replace(motion, local_rotations=_with_room(motion.local_rotations))
    for number in range(len(SIDES)):
        _bend(motion.local_rotations, number, angles[:, number])
    return _joined(motion, confidence, lengths)


def _with_room(local: Array) -> Array:
    """Local rotations (F, 51, 4), those of fingers still to come."""
    return np.concatenate([local, np.zeros((len(local), len(ANIMATION_51) - BODY_JOINTS, 4))], 1)


def _bend(local: Array, number: int, angles: Array) -> None:
    """Fill in the rotations (F, 51, 4) of hand `number` of `SIDES`, bent by `angles` (F, 5, 4) rad."""
    first = BODY_JOINTS + number * JOINTS_A_HAND
    (fingers,) = by_stretches(lambda part: [finger_rotations(angles[part], SIDES[number])], len(local))
    local[:, first : first + JOINTS_A_HAND] = fingers


def _joined(motion: Motion, confidence: Array, lengths: Array) -> Motion:
    """As `append_fingers`, of a motion whose rotations have the fingers already."""
    offsets, tails = rest_with_fingers(motion.rest_offsets, motion.rest_tails, lengths)
    local = motion.local_rotations
    local *= continuous_signs(local)[..., None]

    return dataclasses.replace(
        motion,
        joint_names=ANIMATION_51.joints,
        parents=np.array(ANIMATION_51.parents),
        rest_offsets=offsets,
        rest_tails=tails,
        joint_positions=joint_positions(ANIMATION_51.parents, offsets, motion.root_translation, local),
        confidence=np.concatenate([motion.confidence, np.repeat(confidence, JOINTS_A_HAND, 1)], 1),
    ).check()


def finger_lengths(hands: HandKeypoints) -> Array:
    """Lengths (5, 3) m of the finger bones for a hand of scale 1, one set for both hands.

    The average hand's, drawn to what was measured against the palm's length, weighted medians over the clip.
    """
    points, weights = hands.world.reshape(-1, len(HAND_21), 3), hands.confidence.ravel()
    if not np.any(weights > 0):
        return REFERENCE_LENGTHS

    def by_palm(part: slice) -> list[Array]:
        here = points[part].astype(np.float64)
        palm = np.linalg.norm(here[:, HAND_21.index("middle_mcp")] - here[:, 0], axis=-1)
        return [np.linalg.norm(np.diff(here[:, CHAINS], axis=2), axis=-1) / palm[:, None, None]]

    (bones,) = by_stretches(by_palm, len(points))
    bones, weights = bones[weights > 0], weights[weights > 0]
    order = np.argsort(bones, axis=0)
    sums = np.cumsum(weights[order], axis=0)
    middle = np.argmax(sums >= sums[-1] / 2, axis=0)
    measured = np.take_along_axis(np.take_along_axis(bones, order, 0), middle[None], 0)[0]
    expected = REFERENCE_LENGTHS / np.linalg.norm(REFERENCE_STARTS[FINGERS.index("middle")])
    share = LENGTH_SHARE * min(1.0, float(weights.sum()) / ENOUGH)
    fitted: Array = REFERENCE_LENGTHS * np.clip(1 + share * (measured / expected - 1), *LENGTH_SPAN)
    return fitted


def _steady(hand: Hand, times: Array, cutoff: float) -> Array:
    """Angles (F, 5, 4) smoothed; frames that stand out count less in a second pass."""
    weights = hand.weights
    result = _smoothed_angles(hand.angles, weights, times, cutoff)
    odd = np.sqrt(np.mean((hand.angles - result) ** 2, (1, 2))) / _ODD
    result = _smoothed_angles(hand.angles, weights / (1 + odd**4), times, cutoff)
    return np.clip(result, LOWEST, HIGHEST)


def _smoothed_angles(angles: Array, weights: Array, times: Array, cutoff: float) -> Array:
    total = weights + RELAXED_WEIGHT
    mean = (weights[:, None, None] * angles + RELAXED_WEIGHT * RELAXED) / total[:, None, None]
    return smooth(mean.reshape(len(mean), -1), total, times, cutoff).reshape(angles.shape)


def _turn_wrist(local: Array, hand: Hand, motion: Motion, side: str, cutoff: float) -> None:
    """Turn wrist and forearm in `local` (F, J, 4) as the palm is turned; the forearm takes its share of the twist.

    How the hand is turned about the direction in which it points the palm knows far better than the body's two
    knuckles: it is as wide as it is long. Where it points, neither knows well.
    """
    elbow, wrist = motion.joint(f"{side}_elbow"), motion.joint(f"{side}_wrist")
    axis = normalise(motion.rest_offsets[wrist])
    world_elbow, world_wrist = orientations(motion, local, [elbow, wrist])
    untwist = from_axis_angle(axis, -twist_angle(local[:, elbow], axis))
    forearm = multiply(world_elbow, untwist)
    points_palm, points_body = rotate(hand.palm, axis), rotate(world_wrist, axis)
    palm = pointing(hand.palm, world_wrist, axis, POINTING)
    body, palm = (multiply(conjugate(forearm), each) for each in (world_wrist, palm))
    agreement = np.clip(np.sum(points_palm * points_body, -1), 0.0, 1.0) ** 2
    plausible = np.abs(twist_angle(palm, axis)) < IMPLAUSIBLE_TWIST
    weights = hand.weights * agreement * plausible
    turned = slerp(body, palm, weights / (weights + BODY_WEIGHT))
    turned = limit(turned, axis, SWING_MOST, TWIST_MOST)
    # The correction is smoothed, not the hand: what the body knows of quick movements stays.
    correction = multiply(turned, conjugate(body))
    correction = smooth_rotations(correction, weights + BODY_WEIGHT, motion.times, WRIST_SHARE * cutoff)
    turned = limit(multiply(correction, body), axis, SWING_MOST, TWIST_MOST)
    share = from_axis_angle(axis, FOREARM_SHARE * twist_angle(turned, axis))
    local[:, elbow] = multiply(multiply(local[:, elbow], untwist), share)
    local[:, wrist] = multiply(conjugate(share), turned)
