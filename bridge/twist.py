"""Rotations shared along chains: spines of any number of bones, and twist along limbs.

A turn q splits into a swing, which takes an axis where q takes it by the shortest way, and a twist about that axis:
q = swing twist. Skin wants twist spread over a limb's length: an upper arm that turns about itself is still at the
shoulder and full at the elbow, a forearm is still at the elbow and full at the wrist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..core.rotation import Array, conjugate, from_axis_angle, multiply, normalise, slerp, twist_angle
from .humanoid import side_of
from .posing import Pose
from .tpose import Bones, role_ends


def shared_rotations(knots: Sequence[Array], count: int) -> list[Array]:
    """The turns (F, 4) of `count` bones in a row that lead from `knots[0]`, which the bone before them has, to
    `knots[-1]`, which the last of them gets.

    As many bones as there are steps between knots (F, 4) get the knots themselves; fewer or more are spread evenly
    along them, each slerped between its neighbours.
    """
    steps = len(knots) - 1
    result = []
    for bone in range(1, count + 1):
        at = steps * bone / count
        low = min(int(at + 1e-9), steps - 1)
        share = at - low
        if share > 1 - 1e-9:
            result.append(knots[low + 1])
        else:
            result.append(slerp(knots[low], knots[low + 1], np.full(len(knots[0]), share)))
    return result


def twist_along(turn: Array, carrier: Array, axis: Array) -> Array:
    """How far (F,) radians `turn` (F, 4) twists about `axis` (3,) against `carrier` (F, 4), continuous over frames.

    `axis` is the bone's direction where both turns are none.
    """
    angle: Array = np.unwrap(twist_angle(multiply(conjugate(carrier), turn), normalise(axis)))
    # Whole turns that were there from the start are nobody's twist.
    unwound: Array = angle - 2 * np.pi * np.round(np.median(angle) / (2 * np.pi))
    return unwound


def untwisted(turn: Array, axis: Array, angle: Array) -> Array:
    """`turn` (F, 4) without `angle` (F,) radians of its twist about `axis` (3,)."""
    return multiply(turn, from_axis_angle(normalise(axis), -angle))


def place_along(head: Array, start: Array, end: Array) -> float:
    """Where a bone that begins at `head` (3,) sits between `start` and `end` (3,): 0 to 1."""
    along = end - start
    return float(np.clip(np.dot(head - start, along) / max(float(np.dot(along, along)), 1e-12), 0.0, 1.0))


def share_twist(pose: Pose, bones: Bones, twists: Mapping[str, tuple[int, ...]], aligned: Mapping[str, Array]) -> None:
    """Spread twist over the bones of a segment and the twist bones beside it; every bone turns about its own length,
    so no joint moves."""
    ends = role_ends(pose.rig, pose.stage, bones)
    for role, chain in bones.items():
        beside = twists.get(role, ())
        if role not in ends or chain[0] not in pose.turns or (len(chain) < 2 and not beside):
            continue
        part = role.removeprefix(f"{side_of(role)}_")
        start, end = pose.stage.heads[chain[0]], ends[role]
        full = pose.turns[chain[0]]
        if part in ("shoulder", "hip"):
            carrier = _carrier_turn(pose, bones, role, aligned)
            angle = twist_along(full, carrier, end - start)
        elif part in ("elbow", "knee"):
            hand = bones.get(f"{side_of(role)}_{'wrist' if part == 'elbow' else 'ankle'}")
            if not hand or hand[0] not in pose.turns:
                continue
            angle = -twist_along(pose.turns[hand[0]], full, end - start)
        else:
            continue
        at_end = part in ("elbow", "knee")
        stops = [*(pose.stage.heads[bone] for bone in chain[1:]), end]
        for number, (bone, stop) in enumerate(zip(chain, stops, strict=True)):
            share = number / len(chain) if at_end else 1 - (number + 1) / len(chain)
            pose.turns[bone] = untwisted(full, stop - pose.stage.heads[bone], share * angle)
        for bone in beside:
            place_on = place_along(pose.stage.heads[bone], start, end)
            share = place_on if at_end else 1 - place_on
            pose.turns[bone] = untwisted(full, end - start, share * angle)


def _carrier_turn(pose: Pose, bones: Bones, role: str, aligned: Mapping[str, Array]) -> Array:
    """The turn of what a limb hangs on, brought into the limb's alignment: no twist is what the T-pose has."""
    side = side_of(role)
    for name in (f"{side}_clavicle", "spine", "pelvis") if role.endswith("_shoulder") else ("pelvis",):
        if name in bones and bones[name][-1] in pose.turns:
            return multiply(pose.turns[bones[name][-1]], aligned[role])
    return np.broadcast_to(aligned[role], (pose.frames, 4))
