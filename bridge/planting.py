"""Contacts of a motion on a rig's own body: the contact points of the target, its limbs bent to them, its hips on
what it sits on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from ..core.motion import Motion
from ..core.rotation import Array, Bools, conjugate, multiply, rotate
from .feet import FLOOR_BAND, HOLDS, End, Touch, bridged, held, sunk, tilt_share, way_to_anchors
from .limbs import Limb, moved_end, reach
from .posing import Pose
from .reaching import Leg, hip_drop, within_reach
from .source import Source
from .tpose import LEFT, UP, Bones, role_ends, way_along

SIDES = ("left", "right")
LEG, ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")

SHORTEST_FOOT, LONGEST_FOOT = 0.3, 6.0
"""Of the size that fits the legs: a foot beyond is no measure. Toons have short legs and large feet."""
HIGHEST_LIFT = 0.3
"""Of an arm's length: how far a hand comes up out of the floor at most."""
SIT_EASE_SECONDS = 0.4
"""How long hips take at most between their own way and the seat."""


def plant(
    pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, scale: float, hands: bool = True
) -> None:
    """Make the feet of `pose` hold where the motion's contacts say, lowering the hips where legs do not reach; put
    hips that sit on their seat; and, with `hands`, make hands hold too and stay above the floor.

    `aligned` as `tpose.alignments` made it; `scale`: the target's size against the source's. Contacts of ankles, toes,
    wrists and the pelvis count, whatever they are called; those of other joints follow the body.
    """
    step = seconds_a_frame(source.motion)
    sits = _plant_seat(pose, bones, aligned, source, scale, step)
    _plant_feet(pose, bones, aligned, source, scale, step, sits)
    if hands:
        _plant_hands(pose, bones, aligned, source, scale, step)


def _plant_seat(
    pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, scale: float, step: float
) -> Bools:
    """Keep the hips still over what the figure sits on, as high as its own pelvis asks for; where it sits (F,)."""
    touches = [touch for touch in seat_touches(pose, bones, aligned, source, scale) if touch.holds.any()]
    if not touches:
        return np.zeros(pose.frames, bool)
    pelvis = bones["pelvis"][0]
    end = End(pose.point(pelvis, _middle(pose, bones, "hip")), pose.evaluate()[0][pelvis])
    pose.move(way_to_anchors(end, touches, SIT_EASE_SECONDS / step))
    return np.asarray(np.any([touch.holds for touch in touches], 0))


def _plant_feet(
    pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, scale: float, step: float, sits: Bools
) -> None:
    """`sits` (F,): where the hips rest on something and are not lowered."""
    legs: dict[str, tuple[Leg, End]] = {}
    for side in SIDES:
        names = [f"{side}_{part}" for part in LEG]
        touches = foot_touches(pose, bones, aligned, source, side, scale)
        if not touches or any(name not in bones for name in names):
            continue
        limb, foot = _limb(pose, bones, names), _foot(pose, bones, side)
        larger = _foot_size(pose, bones, source.motion, side, scale) / scale
        foot = foot.tilted(tilt_share(larger, _rise(source, side)))
        end = held(foot, touches, step)
        holding = np.any([touch.holds for touch in touches], 0) & ~sits
        distance = np.linalg.norm(limb.end - limb.start, axis=-1)
        legs[side] = Leg(limb.start, end.path, reach(limb), distance, holding), end
    if not legs:
        return
    pose.move(-hip_drop([leg for leg, _ in legs.values()], step)[:, None] * UP)
    for side, (leg, end) in legs.items():
        before = _limb(pose, bones, [f"{side}_{part}" for part in LEG])
        goal = within_reach(before.start, leg.goal, leg.length, leg.distance)
        hinge = rotate(source.turn(f"{side}_hip"), LEFT)
        _bend(pose, bones, side, LEG, before, moved_end(before, goal, hinge))
        for part, turns in (("ankle", end.turns), ("toe", end.tip_turns)):
            if turns is not None:
                for bone in bones[f"{side}_{part}"]:
                    pose.turns[bone] = turns


def _rise(source: Source, side: str) -> Array:
    """How far (F,) an ankle of the source is above where it is when it stands, of its leg's length."""
    rest, joints = rest_joints(source.motion), [source.motion.joint(f"{side}_{part}") for part in LEG]
    ankle = joints[-1]
    rise: Array = (source.joints[:, ankle, 2] - rest[ankle, 2]) / way_along(rest[joints])
    return rise


def _plant_hands(
    pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, scale: float, step: float
) -> None:
    for side in SIDES:
        names = [f"{side}_{part}" for part in ARM]
        if any(name not in bones for name in names):
            continue
        limb, hand = _limb(pose, bones, names), bones[names[-1]][0]
        touches = hand_touches(pose, bones, aligned, source, side, scale)
        end = End(limb.end, pose.evaluate()[0][hand])
        if any(touch.holds.any() for touch in touches):
            end = held(end, touches, step, flatten=False)
        path = end.path + _hand_lift(end.path, scale * source.joint(names[-1]), reach(limb))[:, None] * UP
        if np.array_equal(path, limb.end):
            continue
        distance = np.linalg.norm(limb.end - limb.start, axis=-1)
        goal = within_reach(limb.start, path, reach(limb), distance)
        _bend(pose, bones, side, ARM, limb, moved_end(limb, goal, _elbow_hinge(source, side)))


def _hand_lift(path: Array, wrist: Array, arm: float) -> Array:
    """By how much (F,) m a wrist on its way `path` (F, 3) has to come up to stay above the floor, where the source's,
    `wrist` (F, 3) at the target's scale, does: arms may be longer for their legs than its. No more than lets an arm of
    this length, m, bend without turning over."""
    return np.clip(-path[:, 2] - sunk(wrist[:, 2]), 0.0, HIGHEST_LIFT * arm)


def _elbow_hinge(source: Source, side: str) -> Array:
    return rotate(source.turn(f"{side}_shoulder"), UP * (-1.0 if side == "left" else 1.0))


def place_hands(pose: Pose, bones: Bones, source: Source, scale: float, where: str) -> None:
    """Bend the arms so that the hands are where the source's are: in the world, or against the shoulders ("body")."""
    sides = [side for side in SIDES if all(f"{side}_{part}" in bones for part in ARM)]
    if len(sides) < 2:
        return
    limbs = {side: _limb(pose, bones, [f"{side}_{part}" for part in ARM]) for side in sides}
    middle = 0.5 * (limbs["left"].start + limbs["right"].start)
    middle_source = 0.5 * (source.joint("left_shoulder") + source.joint("right_shoulder"))
    for side in sides:
        limb, wrist = limbs[side], source.joint(f"{side}_wrist")
        goal = scale * wrist
        if where == "body":
            arm = [source.joint(f"{side}_{part}") for part in ARM]
            length = np.sum([np.linalg.norm(b - a, axis=-1) for a, b in pairwise(arm)], 0)
            goal = middle + reach(limb) / float(np.median(length)) * (wrist - middle_source)
        distance = np.linalg.norm(limb.end - limb.start, axis=-1)
        goal = within_reach(limb.start, goal, reach(limb), distance)
        _bend(pose, bones, side, ARM, limb, moved_end(limb, goal, _elbow_hinge(source, side)))


def foot_touches(
    pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, side: str, scale: float
) -> list[Touch]:
    """The contact points of one foot on the target.

    A point on the source's sole gets a place on the target's: a toe tip at the end of the toes, everything else as
    far from the ankle as the foot is longer, all at the height of the floor under the resting rig.
    """
    motion, stage = source.motion, pose.stage
    if f"{side}_ankle" not in bones:
        return []
    carriers = {motion.joint(f"{side}_{part}"): f"{side}_{part}" for part in ("ankle", "toe")}
    rest = rest_joints(motion)
    ankle_source, ankle = rest[motion.joint(f"{side}_ankle")], stage.heads[bones[f"{side}_ankle"][0]]
    ends = role_ends(pose.rig, stage, bones)
    size = _foot_size(pose, bones, motion, side, scale)
    touches = []
    for number, parent in enumerate(motion.contact_parents):
        if int(parent) not in carriers:
            continue
        role = carriers[int(parent)]
        point = rest[parent] + motion.contact_offsets[number]
        place = ankle + size * rotate(conjugate(aligned[f"{side}_ankle"]), point - ankle_source)
        if role.endswith("_toe") and role in bones and role in ends:
            place = ends[role].copy()
        if abs(point[2]) < FLOOR_BAND:
            place[2] = 0.0
        carrier = role if role in bones else f"{side}_ankle"
        touches.append(
            Touch(
                holds=bridged(
                    motion.contacts[:, number] > HOLDS, source.contact_points[:, number], seconds_a_frame(motion)
                ),
                offset=place - stage.heads[bones[carrier][0]],
                on_tip=carrier.endswith("_toe"),
                height=scale * source.contact_points[:, number, 2],
            )
        )
    return touches


def hand_touches(
    pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, side: str, scale: float
) -> list[Touch]:
    """The contact points of one hand on the target, as far from its wrist as its arm is longer than the source's."""
    motion = source.motion
    wrist = motion.joint(f"{side}_wrist")
    arm = [pose.stage.heads[bones[f"{side}_{part}"][0]] for part in ARM]
    length = sum(float(np.linalg.norm(b - a)) for a, b in pairwise(arm))
    length_source = sum(float(np.linalg.norm(motion.rest_offsets[motion.joint(f"{side}_{part}")])) for part in ARM[1:])
    size = length / max(length_source, 1e-6)
    back = conjugate(aligned[f"{side}_wrist"])
    return [
        Touch(
            holds=bridged(
                motion.contacts[:, number] > HOLDS, source.contact_points[:, number], seconds_a_frame(motion)
            ),
            offset=size * rotate(back, motion.contact_offsets[number]),
            on_tip=False,
            height=scale * source.contact_points[:, number, 2],
        )
        for number, parent in enumerate(motion.contact_parents)
        if int(parent) == wrist
    ]


def seat_touches(pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source, scale: float) -> list[Touch]:
    """The contact points of the pelvis on the target, seen from the middle of its hips: as far below as its trunk is
    longer than the source's. A chair is as much higher as the legs are longer, and a floor a floor."""
    motion = source.motion
    pelvis = motion.joint("pelvis")
    rest = rest_joints(motion)
    hips, shoulders = (
        0.5 * (rest[motion.joint(f"left_{part}")] + rest[motion.joint(f"right_{part}")]) for part in ("hip", "shoulder")
    )
    size = scale
    if all(f"{side}_shoulder" in bones for side in SIDES):
        trunk = np.linalg.norm(_middle(pose, bones, "shoulder") - _middle(pose, bones, "hip"))
        size = float(np.clip(trunk / max(float(np.linalg.norm(shoulders - hips)), 1e-6), 0.5 * scale, 2 * scale))
    back = conjugate(aligned["pelvis"])
    return [
        Touch(
            holds=bridged(
                motion.contacts[:, number] > HOLDS, source.contact_points[:, number], seconds_a_frame(motion)
            ),
            offset=size * rotate(back, rest[pelvis] + motion.contact_offsets[number] - hips),
            on_tip=False,
            height=scale * source.contact_points[:, number, 2],
        )
        for number, parent in enumerate(motion.contact_parents)
        if int(parent) == pelvis
    ]


def _middle(pose: Pose, bones: Bones, part: str) -> Array:
    """The middle (3,) between the left and the right of a joint at rest; the pelvis' own head without both."""
    names = [f"{side}_{part}" for side in SIDES]
    if any(name not in bones for name in names):
        return np.asarray(pose.stage.heads[bones["pelvis"][0]])
    return np.asarray(np.mean([pose.stage.heads[bones[name][0]] for name in names], 0))


def seconds_a_frame(motion: Motion) -> float:
    """The usual step between samples."""
    return float(np.median(np.diff(motion.times))) if len(motion) > 1 else 1.0


def rest_joints(motion: Motion) -> Array:
    """Where the joints (J, 3) of the T-pose are, in metres, the soles at Z = 0."""
    rest = np.zeros_like(motion.rest_offsets)
    for joint, parent in enumerate(motion.parents):
        rest[joint] = motion.rest_offsets[joint] + (rest[parent] if parent >= 0 else 0.0)
    return rest


def _foot_size(pose: Pose, bones: Bones, motion: Motion, side: str, scale: float) -> float:
    """The length of the target's foot against the source's along the ground, from the ankle to the ball, or to the tip
    of the toes where a foot in one piece is more likely to end there."""
    ends, rest = role_ends(pose.rig, pose.stage, bones), rest_joints(motion)
    if f"{side}_ankle" not in ends:
        return scale
    ankle = pose.stage.heads[bones[f"{side}_ankle"][0]]
    joint, toe = (motion.joint(f"{side}_{part}") for part in ("ankle", "toe"))
    ball = rest[toe] - rest[joint]
    stops = [ball] if f"{side}_toe" in bones else [ball, ball + motion.rest_tails[toe]]
    length = float(np.linalg.norm((ends[f"{side}_ankle"] - ankle)[:2]))
    sizes = [length / max(float(np.linalg.norm(stop[:2])), 1e-6) for stop in stops]
    size = min(sizes, key=lambda each: abs(np.log(max(each, 1e-6) / scale)))
    return size if SHORTEST_FOOT * scale < size < LONGEST_FOOT * scale else scale


def _limb(pose: Pose, bones: Bones, names: Sequence[str]) -> Limb:
    turns, heads = pose.evaluate()
    upper, middle, end = (bones[name][0] for name in names)
    return Limb(heads[upper], heads[middle], heads[end], turns[upper], turns[middle])


def _foot(pose: Pose, bones: Bones, side: str) -> End:
    turns, heads = pose.evaluate()
    ankle = bones[f"{side}_ankle"][0]
    toe = bones.get(f"{side}_toe")
    if not toe:
        return End(heads[ankle], turns[ankle])
    offset = pose.stage.heads[toe[0]] - pose.stage.heads[ankle]
    return End(heads[ankle], turns[ankle], turns[toe[0]], offset)


def _bend(pose: Pose, bones: Bones, side: str, parts: Sequence[str], before: Limb, after: Limb) -> None:
    for part, old, new in ((parts[0], before.upper, after.upper), (parts[1], before.lower, after.lower)):
        pose.turn_more(bones[f"{side}_{part}"], multiply(new, conjugate(old)))
