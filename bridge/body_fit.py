"""A rig's rest pose given the proportions of the person in a motion, before a character is made of it.

Joints of the trunk go where the person's are in the T-pose. Arms, legs and fingers keep the directions that they were
built with, since an A-pose and slightly bent knees and elbows tell control rigs how these bend, and get the person's
lengths; feet get the person's shape, so that soles stand on the floor. What plays no part (face, breasts, palms, heels)
goes with the bone that it hangs on, at that bone's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..core.motion import Motion
from ..core.rotation import IDENTITY, Array, minimal_rotation, multiply, normalise, rotate
from .humanoid import FINGERS, PHALANGES, SIDES, RigMap
from .planting import rest_joints
from .rig import Rig
from .tpose import Bones, bones_of

SAME_PLACE = 1e-4
"""Metres: a bone that ends so near to where another begins ends there."""
_Y: Array = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class _Carrier:
    """A similarity: what was at `start` (3,) goes to `goal` (3,), turned (4,) and scaled about it."""

    start: Array
    goal: Array
    turn: Array
    scale: float

    def __call__(self, points: Array) -> Array:
        return self.goal + self.scale * rotate(self.turn, points - self.start)


def fitted(rig: Rig, rig_map: RigMap, motion: Motion) -> Rig:
    """The rig at rest with the bone lengths of the person in `motion`.

    `rig` stands as `Motion` does: armature space in metres, Z up, facing -Y, soles at Z = 0. Every role of a body has
    a bone. Raises `MotionLiftError` (`not_humanoid`).
    """
    bones = bones_of(rig, rig_map)
    joints = dict(zip(motion.joint_names, rest_joints(motion), strict=True))
    # Legs that are bent at rest are less high than straight ones, so the whole body stands lower.
    drop = np.mean([joints[f"{side}_ankle"] - _ankle(rig, bones, side, joints) for side in SIDES], 0)[2]
    joints = {name: place + np.array([0.0, 0.0, drop]) for name, place in joints.items()}
    carriers = _trunk(rig, bones, motion, joints)
    for side in SIDES:
        carriers |= _leg(rig, bones, side, motion, joints)
        carriers |= _arm(rig, bones, side, joints)
        carriers |= _hand(rig, bones, side, motion, carriers[bones[f"{side}_elbow"][0]])
    return _carried(rig, carriers)


def _hips(joints: Mapping[str, Array]) -> Array:
    middle: Array = 0.5 * (joints["left_hip"] + joints["right_hip"])
    return middle


def _segment(start: Array, end: Array, goal: Array, goal_end: Array) -> _Carrier:
    """What takes one line onto another by the shortest way."""
    old, new = end - start, goal_end - goal
    turn = minimal_rotation(normalise(old), normalise(new))
    return _Carrier(start, goal, turn, float(np.linalg.norm(new) / np.linalg.norm(old)))


def _lengthened(start: Array, end: Array, goal: Array, length: float) -> _Carrier:
    """What keeps a line's direction and gives it a length."""
    return _Carrier(start, goal, IDENTITY, float(length / np.linalg.norm(end - start)))


def _chain(rig: Rig, chain: Sequence[int], end: Array, goals: Array) -> dict[int, _Carrier]:
    """Carriers of bones in a row that ends at `end` (3,) and goes onto the polyline `goals` (2 or 3, 3).

    A corner in its middle is where the row's last bone begins; the others share the way as they did.
    """
    points = np.array([*(rig.heads[bone] for bone in chain), end])
    places = _arc(points)
    corners = [0.0, 1.0] if len(goals) == 2 else [0.0, places[-2], 1.0]
    new = np.stack([np.interp(places, corners, goals[:, axis]) for axis in range(3)], -1)
    return {
        bone: _segment(points[number], points[number + 1], new[number], new[number + 1])
        for number, bone in enumerate(chain)
    }


def _arc(points: Array) -> Array:
    """How far along the polyline (N, 3) each point lies, 0 to 1."""
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=-1))])
    places: Array = way / way[-1]
    return places


def _trunk(rig: Rig, bones: Bones, motion: Motion, joints: Mapping[str, Array]) -> dict[int, _Carrier]:
    hips = _hips({role: rig.heads[bones[role][0]] for role in ("left_hip", "right_hip")})
    neck, head = bones["neck"], bones["head"][0]
    size = np.linalg.norm(joints["neck"] - _hips(joints)) / np.linalg.norm(rig.heads[neck[0]] - hips)
    carriers = dict.fromkeys(bones["pelvis"], _Carrier(hips, _hips(joints), IDENTITY, float(size)))
    corners = ("spine", "chest", "neck") if len(bones["spine"]) > 1 else ("spine", "neck")
    carriers |= _chain(rig, bones["spine"], rig.heads[neck[0]], np.array([joints[name] for name in corners]))
    carriers |= _chain(rig, neck, rig.heads[head], np.array([joints["neck"], joints["head"]]))
    top = joints["head"] + motion.rest_tails[motion.joint("head")]
    carriers[head] = _segment(rig.heads[head], rig.tails[head], joints["head"], top)
    return carriers


def _limb(
    rig: Rig, bones: Bones, side: str, parts: Sequence[str], joints: Mapping[str, Array]
) -> tuple[dict[int, _Carrier], Array]:
    """Carriers of the bones of `parts` but the last, whose joint is where they end, and where that goes."""
    goal = joints[f"{side}_{parts[0]}"]
    carriers = {}
    for part, following in pairwise(f"{side}_{part}" for part in parts):
        bone, below = bones[part][0], bones[following][0]
        length = float(np.linalg.norm(joints[following] - joints[part]))
        carriers[bone] = _lengthened(rig.heads[bone], rig.heads[below], goal, length)
        goal = carriers[bone](rig.heads[below])
    return carriers, goal


def _ankle(rig: Rig, bones: Bones, side: str, joints: Mapping[str, Array]) -> Array:
    return _limb(rig, bones, side, ("hip", "knee", "ankle"), joints)[1]


def _leg(rig: Rig, bones: Bones, side: str, motion: Motion, joints: Mapping[str, Array]) -> dict[int, _Carrier]:
    carriers, ankle = _limb(rig, bones, side, ("hip", "knee", "ankle"), joints)
    foot, toe = bones[f"{side}_ankle"][0], bones[f"{side}_toe"][0]
    ball = ankle + motion.rest_offsets[motion.joint(f"{side}_toe")]
    length = np.linalg.norm(motion.rest_tails[motion.joint(f"{side}_toe")])
    carriers[foot] = _segment(rig.heads[foot], rig.heads[toe], ankle, ball)
    carriers[toe] = _lengthened(rig.heads[toe], rig.tails[toe], ball, float(length))
    # What hangs on a foot and plays no part marks the heel: it lies on the sole.
    mapped = {bone for chain in bones.values() for bone in chain}
    name = f"{side}_heel"
    for bone in map(int, np.flatnonzero(rig.parents == foot)):
        if bone not in mapped and name in motion.contact_names:
            middle = 0.5 * (rig.heads[bone] + rig.tails[bone])
            heel = ankle + motion.contact_offsets[motion.contact_names.index(name)]
            carriers[bone] = _Carrier(middle, heel, IDENTITY, carriers[foot].scale)
    return carriers


def _arm(rig: Rig, bones: Bones, side: str, joints: Mapping[str, Array]) -> dict[int, _Carrier]:
    clavicle, shoulder = (bones[f"{side}_{part}"][0] for part in ("clavicle", "shoulder"))
    carriers, _ = _limb(rig, bones, side, ("shoulder", "elbow", "wrist"), joints)
    carriers[clavicle] = _segment(
        rig.heads[clavicle], rig.heads[shoulder], joints[f"{side}_clavicle"], joints[f"{side}_shoulder"]
    )
    return carriers


def _hand(rig: Rig, bones: Bones, side: str, motion: Motion, forearm: _Carrier) -> dict[int, _Carrier]:
    """Carriers of the hand, and of its fingers where the motion has them."""
    hand = bones[f"{side}_wrist"][0]
    start, goal = rig.heads[hand], forearm(rig.heads[hand])
    chains = {
        finger: [bones[f"{side}_{finger}_{number}"][0] for number in range(1, PHALANGES + 1)]
        for finger in FINGERS
        if all(f"{side}_{finger}_{number}" in bones for number in range(1, PHALANGES + 1))
    }
    lengths = {finger: _finger_lengths(motion, side, finger) for finger in chains}
    if not chains or not all(len(found) for found in lengths.values()):
        reach = np.linalg.norm(rig.tails[hand] - start)
        if "middle" in chains:
            points = np.array([start, *(rig.heads[bone] for bone in chains["middle"]), rig.tails[chains["middle"][-1]]])
            reach = np.linalg.norm(np.diff(points, axis=0), axis=-1).sum()
        whole = np.linalg.norm(motion.rest_tails[motion.joint(f"{side}_wrist")])
        return {hand: _Carrier(start, goal, IDENTITY, float(whole / reach))}
    knuckles = {finger: lengths[finger][0] / np.linalg.norm(rig.heads[chains[finger][0]] - start) for finger in chains}
    size = np.mean([ratio for finger, ratio in knuckles.items() if finger != "thumb"])
    carriers = {hand: _Carrier(start, goal, IDENTITY, float(size))}
    for finger, chain in chains.items():
        place: Array = _Carrier(start, goal, IDENTITY, float(knuckles[finger]))(rig.heads[chain[0]])
        for bone, following, length in zip(chain, [*chain[1:], -1], lengths[finger][1:], strict=True):
            end = rig.heads[following] if following >= 0 else rig.tails[bone]
            carriers[bone] = _lengthened(rig.heads[bone], end, place, length)
            place = carriers[bone](end)
    return carriers


def _finger_lengths(motion: Motion, side: str, finger: str) -> list[float]:
    """From the wrist to the first joint and on to the tip, metres; nothing where the motion has no such finger."""
    names = [f"{side}_{finger}_{number}" for number in range(1, PHALANGES + 1)]
    if not all(name in motion.joint_names for name in names):
        return []
    lines = [*(motion.rest_offsets[motion.joint(name)] for name in names), motion.rest_tails[motion.joint(names[-1])]]
    return [float(np.linalg.norm(line)) for line in lines]


def _carried(rig: Rig, carriers: Mapping[int, _Carrier]) -> Rig:
    """The rig with each bone where its carrier takes it, or the carrier of the nearest bone above that has one."""
    heads, tails = rig.heads.copy(), rig.tails.copy()
    turns = np.tile(IDENTITY, (len(rig), 1))
    for bone in range(len(rig)):
        above = bone
        while above >= 0 and above not in carriers:
            above = int(rig.parents[above])
        if above >= 0:
            carrier = carriers[above]
            heads[bone], tails[bone], turns[bone] = carrier(rig.heads[bone]), carrier(rig.tails[bone]), carrier.turn
    for bone, parent in enumerate(rig.parents):
        if parent >= 0 and np.linalg.norm(rig.heads[bone] - rig.tails[parent]) < SAME_PLACE:
            tails[parent] = heads[bone]
    rotations = multiply(turns, rig.rotations)
    rotations = multiply(minimal_rotation(rotate(rotations, _Y), normalise(tails - heads)), rotations)
    return replace(rig, heads=heads, tails=tails, rotations=rotations)
