"""The common T-pose: how a rig at rest has to be turned to stand as `Motion` does when nothing moves.

*Stage* is where retargeting happens: metres, Z up, the figure facing -Y, the floor at Z = 0, the hips over the origin;
the space of `Motion` for a rig at rest. F turns the rig's rest, whose up and left come from joint *positions*, onto
the stage, as a whole. Then each role gets an alignment A, the turn that takes its bones from the rest pose on the
stage into the T-pose:

- root, pelvis, spine, neck, head and clavicles: none, so that a natural curve of the spine and slope of the shoulders
  stay as they were built;
- arms, legs, hands and fingers, down each chain: `A_j = minrot(A_parent d_j -> d*_j) A_parent`, with d from the joint
  to the mapped joint where it ends (never the bone's own axis) and d* the same direction of the source at rest. The
  chain matters: minimal rotations of each bone by itself leave 8 to 11 degrees of roll on a bent arm in A-pose. Then a
  roll about d*, where a second axis is known: the elbow bends to the front, the knee to the back, the knuckles lie
  across the palm;
- feet and toes: heading only, so that soles which are level at rest stay level.

With G the source's turn of a joint, `G A` is the bone's turn on the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..core.jobs import MotionLiftError
from ..core.rotation import (
    IDENTITY,
    Array,
    conjugate,
    frame_from_axes,
    from_axis_angle,
    from_euler,
    from_matrix,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
)
from .humanoid import FINGERS, NEEDED, PHALANGES, RigMap, in_words, side_of
from .rig import Rig

Bones = Mapping[str, tuple[int, ...]]
"""The bones of each role, by their number in the rig."""

UP: Array = np.array([0.0, 0.0, 1.0])
FRONT: Array = np.array([0.0, -1.0, 0.0])
LEFT: Array = np.array([1.0, 0.0, 0.0])
SNAP_UP_DEGREES, SNAP_LEFT_DEGREES = 22.0, 10.0
"""A spine leans and hips are not quite level: an axis of the world or the armature this near is meant."""
BEND_FROM_DEGREES, BEND_FULL_DEGREES = 6.0, 14.0
"""An elbow or a knee that is bent less at rest says nothing about the plane in which it bends."""
FLOOR_BELOW, FLOOR_ABOVE = 0.03, 0.14
"""By how much, of the leg's length, the lowest point of the feet may lie below or above the armature's origin, which
is then the floor; bones end inside shoes."""


@dataclass(frozen=True)
class Stage:
    """A rig at rest on the stage.

    heads, tails (B, 3) m; turn (4,): armature space to the stage; scale: metres to a unit of armature space;
    origin (3,) m: the armature's origin on the stage. world_turn (4,): F, the world to the stage.
    """

    heads: Array
    tails: Array
    turn: Array
    scale: float
    origin: Array
    world_turn: Array

    def to_armature(self, points: Array) -> Array:
        """Points (..., 3) of the stage in armature space."""
        return rotate(conjugate(self.turn), points - self.origin) / self.scale


def bones_of(rig: Rig, rig_map: RigMap) -> Bones:
    """The map by bone numbers; names that the rig does not have are left out.

    Raises `MotionLiftError` (`not_humanoid`) where what is left cannot carry a person's motion.
    """
    bones = {
        role: tuple(rig.index(name) for name in names if name in rig)
        for role, names in rig_map.bones.items()
        if any(name in rig for name in names)
    }
    legs = all(f"{side}_hip" in bones for side in ("left", "right"))
    arms = all(f"{side}_shoulder" in bones for side in ("left", "right"))
    if "pelvis" not in bones or not (legs or arms):
        lacking = ", ".join(in_words(role) for role in NEEDED if role not in bones)
        raise MotionLiftError(
            "not_humanoid", f"The armature is no humanoid that we know: no bone found for {lacking}.",
            "Choose a preset, or make a bone map for it.",
        )  # fmt: skip
    return bones


def stand(rig: Rig, bones: Bones) -> Stage:
    """The rig on the stage. `bones` as `bones_of` returned them."""
    world_heads, world_tails = rig.to_world(rig.heads), rig.to_world(rig.tails)
    axes = np.concatenate([np.eye(3), normalise(rig.world[:3, :3].T)])
    axes = np.concatenate([axes, -axes])

    def at(role: str) -> Array:
        return np.asarray(world_heads[bones[role][0]])

    pairs = [f"{side}" for side in ("hip", "shoulder") if f"left_{side}" in bones and f"right_{side}" in bones]
    middle = [0.5 * (at(f"left_{pair}") + at(f"right_{pair}")) for pair in pairs]
    top = next((at(role) for role in ("head", "neck") if role in bones), middle[-1])
    low = middle[0] if "left_hip" in bones else at("pelvis")
    # Who is bent forward at rest still stands over the feet; who sits is upright above the hips.
    ends = [at(f"{side}_ankle") for side in ("left", "right") if f"{side}_ankle" in bones]
    leans = [normalise(top - low), *([normalise(top - np.mean(ends, 0))] if ends else [])]
    snapped = _snapped(max(leans, key=lambda lean: float(np.max(axes @ lean))), axes, SNAP_UP_DEGREES)
    up = snapped if np.max(axes @ snapped) > 1 - 1e-9 else leans[0]
    left = sum((normalise(at(f"left_{pair}") - at(f"right_{pair}")) for pair in pairs), np.zeros(3))
    left = normalise(left - up * np.dot(left, up))
    if not np.any(left) or not np.any(up):
        raise MotionLiftError("flat_rig", "The armature has no height or no width at rest.", "Check its rest pose.")
    level = axes[np.abs(axes @ up) < 1e-3]
    left = _snapped(left, level, SNAP_LEFT_DEGREES) if len(level) else left
    world_turn = conjugate(from_matrix(frame_from_axes(up, left, 2, 0)))
    heads, tails = rotate(world_turn, world_heads), rotate(world_turn, world_tails)
    hips = rotate(world_turn, middle[0])
    armature = rotate(world_turn, rig.world[:3, 3])
    offset = np.array([-hips[0], -hips[1], -_floor(rig, bones, heads, tails, float(armature[2]))])
    return Stage(
        heads=heads + offset,
        tails=tails + offset,
        turn=multiply(world_turn, rig.world_rotation),
        scale=rig.world_scale,
        origin=armature + offset,
        world_turn=world_turn,
    )


def _snapped(direction: Array, axes: Array, degrees: float) -> Array:
    nearest: Array = axes[np.argmax(axes @ direction)]
    return nearest if float(nearest @ direction) > np.cos(np.radians(degrees)) else direction


def _floor(rig: Rig, bones: Bones, heads: Array, tails: Array, origin: float) -> float:
    """The height of the floor under the rig at rest: the armature's origin, or the lowest point of its feet."""
    feet = [bone for role, chain in bones.items() if role.endswith(("_ankle", "_toe", "_knee")) for bone in chain]
    if not feet:
        return origin
    low = float(min(heads[feet, 2].min(), tails[[b for b in feet if rig.end_points[b]] or feet, 2].min()))
    thighs = [chain[0] for role, chain in bones.items() if role.endswith("_hip")]
    top = float(heads[thighs or [bones["pelvis"][0]], 2].max())
    above = (low - origin) / max(top - low, 1e-9)
    return origin if -FLOOR_BELOW <= above <= FLOOR_ABOVE else low


def way_along(points: Array) -> float:
    """The length of the way along points (N, 3)."""
    return float(np.sum(np.linalg.norm(np.diff(points, axis=0), axis=-1)))


def role_ends(rig: Rig, stage: Stage, bones: Bones) -> dict[str, Array]:
    """Where the bones of each role of a limb or finger end (3,) on the stage: at the joint that the next role begins
    with; a hand at the middle of its knuckles; else at the bone's tail, where that means something."""
    ends: dict[str, Array] = {}
    for role in bones:
        side = side_of(role)
        following = _next_role(role)
        last = bones[role][-1]
        knuckles = [f"{side}_{finger}_1" for finger in FINGERS[1:] if f"{side}_{finger}_1" in bones]
        if role.endswith("_wrist") and len(knuckles) > 1:
            ends[role] = np.mean([stage.heads[bones[name][0]] for name in knuckles], 0)
        elif following in bones:
            ends[role] = stage.heads[bones[following][0]]
        elif rig.end_points[last] and np.linalg.norm(stage.tails[last] - stage.heads[last]) > 1e-6:
            ends[role] = stage.tails[last]
    return ends


def _next_role(role: str) -> str:
    for first, second in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
                          ("ankle", "toe"), ("clavicle", "shoulder")):  # fmt: skip
        if role.endswith(f"_{first}"):
            return role.removesuffix(first) + second
    stem, _, number = role.rpartition("_")
    return f"{stem}_{int(number) + 1}" if number.isdigit() else ""


def alignments(
    rig: Rig, stage: Stage, bones: Bones, directions: Mapping[str, Array], across: Mapping[str, Array],
    corrections: Mapping[str, tuple[float, float, float]] | None = None,
) -> dict[str, Array]:  # fmt: skip
    """A (4,) of every role, by the module's rules.

    `directions` (3,) by role: d* of the source; `across` (3,) by hand (`left_wrist`): from the little finger's
    knuckle to the index's in the source's T-pose. `corrections`: see `RigMap`; they turn a role and all that hangs on
    it.
    """
    ends = role_ends(rig, stage, bones)
    result: dict[str, Array] = dict.fromkeys(bones, IDENTITY)
    for role, degrees in (corrections or {}).items():
        if role in result and not _is_limb(role):
            result[role] = _correction(degrees)
    for side in ("left", "right"):
        for chain in (("shoulder", "elbow", "wrist"), ("hip", "knee")):
            before = IDENTITY
            for part in chain:
                before = _align(f"{side}_{part}", before, stage, bones, ends, directions, across, result, corrections)
            if part == "wrist":
                hand = before
                for finger in FINGERS:
                    before = hand
                    for number in range(1, PHALANGES + 1):
                        role = f"{side}_{finger}_{number}"
                        before = _align(role, before, stage, bones, ends, directions, across, result, corrections)
        heading = _heading(f"{side}_ankle", stage, bones, ends, directions)
        for part in ("ankle", "toe"):
            if f"{side}_{part}" in bones:
                result[f"{side}_{part}"] = multiply(_correction((corrections or {}).get(f"{side}_{part}")), heading)
    return result


def _is_limb(role: str) -> bool:
    return bool(side_of(role)) and not role.endswith("_clavicle")


def _correction(degrees: tuple[float, float, float] | None) -> Array:
    return IDENTITY if degrees is None else from_euler(np.radians(np.array(degrees))[::-1], "ZYX")


def _align(
    role: str, before: Array, stage: Stage, bones: Bones, ends: Mapping[str, Array], directions: Mapping[str, Array],
    across: Mapping[str, Array], result: dict[str, Array], corrections: Mapping[str, tuple[float, float, float]] | None,
) -> Array:  # fmt: skip
    """A of a role in a chain, put into `result`; what hangs on it starts from the returned one."""
    if role not in bones:
        return before
    turn = before
    wanted = directions.get(role)
    if role in ends and wanted is not None:
        along = normalise(wanted)
        built = rotate(turn, ends[role] - stage.heads[bones[role][0]])
        turn = multiply(minimal_rotation(built, along), turn)
        if role.endswith("_wrist"):
            roll = _palm_roll(role, turn, along, stage, bones, across.get(role))
            # The skin between elbow and wrist is built for the rest pose: the forearm takes half of the hand's roll.
            fore = role.replace("wrist", "elbow")
            if fore in bones and fore in directions:
                result[fore] = multiply(from_axis_angle(normalise(directions[fore]), 0.5 * roll), result[fore])
        else:
            roll = _bend_roll(role, turn, along, stage, bones, ends)
        turn = multiply(from_axis_angle(along, roll), turn)
    turn = multiply(_correction((corrections or {}).get(role)), turn)
    result[role] = turn
    return turn


def _bend_roll(role: str, turn: Array, along: Array, stage: Stage, bones: Bones, ends: Mapping[str, Array]) -> float:
    """The angle about `along` that brings the bend of an elbow to the front, of a knee to the back."""
    below = _next_role(role)
    if not role.endswith(("_shoulder", "_hip")) or below not in ends:
        return 0.0
    next_bone = normalise(rotate(turn, ends[below] - stage.heads[bones[below][0]]))
    bend = np.degrees(np.arccos(np.clip(next_bone @ along, -1, 1)))
    share = float(np.clip((bend - BEND_FROM_DEGREES) / (BEND_FULL_DEGREES - BEND_FROM_DEGREES), 0, 1))
    wanted = FRONT if role.endswith("_shoulder") else -FRONT
    return share * _angle_about(along, next_bone, wanted) if share > 0 else 0.0


def _palm_roll(role: str, turn: Array, along: Array, stage: Stage, bones: Bones, across: Array | None) -> float:
    """The angle about `along` that lays the knuckles across the palm as the source's."""
    side = side_of(role)
    knuckles = [f"{side}_{finger}_1" for finger in FINGERS[1:] if f"{side}_{finger}_1" in bones]
    if len(knuckles) < 2:
        return 0.0
    first, last = (stage.heads[bones[name][0]] for name in (knuckles[0], knuckles[-1]))
    return _angle_about(along, rotate(turn, first - last), FRONT if across is None else across)


def _angle_about(axis: Array, a: Array, b: Array) -> float:
    """The signed angle in radians about unit `axis` from `a` to `b`, both seen along it."""
    a, b = a - axis * (axis @ a), b - axis * (axis @ b)
    return float(np.arctan2(np.cross(a, b) @ axis, a @ b))


def _heading(
    role: str, stage: Stage, bones: Bones, ends: Mapping[str, Array], directions: Mapping[str, Array]
) -> Array:
    """The turn about the vertical that points a foot where the source's does."""
    if role not in ends or role not in directions:
        return IDENTITY
    built = ends[role] - stage.heads[bones[role][0]]
    wanted = directions[role]
    if np.linalg.norm(built[:2]) < 0.2 * np.linalg.norm(built) or np.linalg.norm(wanted[:2]) < 1e-6:
        return IDENTITY
    return from_axis_angle(UP, _angle_about(UP, built, wanted))
