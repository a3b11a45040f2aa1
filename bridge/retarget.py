"""A `Motion` on any humanoid rig.

Both figures are referred to one T-pose (`tpose.py`). In the motion every joint's frame is parallel to the world's in
the T-pose, so its world rotation G_j is its turn from there. A bone of the target is taken from its rest R into the
T-pose by F, the rig as a whole, and A_j; from there the source's turn takes it on. In the world

    pose_j = P G_j A_j F W R        with W the object's rotation and P = F^-1, which puts the take where the rig stands,
                                    facing where it faces (or P = 1: as filmed).

On the stage, which is the world turned by F, the bone's turn from rest is thus `D_j = G_j A_j`; and what is keyed
depends on D alone: `B = R^-1 D_parent^-1 D R`, D in armature axes (`rig.py`). Nothing in it depends on how a bone's
own axes lie: any roll, any axis along the bone, any scale.

The midpoint of the target's hips follows the source's: along the ground at the ratio of the legs, its height above
the ankles at the same ratio, so straight legs stay straight. Then contacts hold (`feet.py`, `limbs.py`), and rotations
are shared along chains (`twist.py`), which moves no joint of a limb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from ..core.jobs import MotionLiftError, UsageError
from ..core.motion import Motion
from ..core.rotation import (  # fmt: skip
    IDENTITY,
    Array,
    conjugate,
    continuous,
    from_euler,
    multiply,
    normalise,
    rotate,
    to_euler,
    to_matrix,
)
from . import planting
from .channels import PROPERTIES
from .humanoid import FINGER_ROLES, IkLimb, RigMap, in_words, side_of
from .posing import Pose
from .rig import Rig, keyed_locations, keyed_rotations
from .source import Source, place, rest_across, rest_directions
from .tpose import Bones, alignments, bones_of, role_ends, stand
from .twist import place_along, shared_rotations, twist_along, untwisted

Travel = Literal["auto", "hips", "in_place", "root", "object"]
Scale = Literal["legs", "hips", "none"]
Place = Literal["rest", "filmed"]
Hands = Literal["hold", "free", "body", "world"]
Limbs = Literal["auto", "fk", "ik"]


SHARED = ("spine", "neck", "left_clavicle", "right_clavicle")
"""Roles whose bones, however many, share the rotation between the joints before and after."""


@dataclass(frozen=True)
class RetargetOptions:
    """What an animator may choose.

    travel: which bone carries the way along the ground (`auto`: as the preset says); scale: the way and the height by
    the ratio of the legs' lengths, of the hips' heights, or the way as it is; place: begun where the rig stands, or
    as filmed; plant_feet: contacts hold; hands: as the arms take them, but still where they carry weight (`hold`, like
    feet), or not even there (`free`), or kept where they were against the body (at the target's size) or in the world;
    limbs: which are posed by IK controls, where the preset knows any (FK controls are always keyed).
    Raises `UsageError` (`bad_retarget_option`).
    """

    travel: Travel = "auto"
    scale: Scale = "legs"
    place: Place = "rest"
    plant_feet: bool = True
    hands: Hands = "hold"
    fingers: bool = True
    limbs: Limbs = "auto"

    def __post_init__(self) -> None:
        for name, kind in (("travel", Travel), ("scale", Scale), ("place", Place), ("hands", Hands), ("limbs", Limbs)):
            if getattr(self, name) not in get_args(kind):
                raise UsageError(
                    "bad_retarget_option", f"{getattr(self, name)!r} is no choice for {name}.",
                    f"Use {', '.join(get_args(kind))}.",
                )  # fmt: skip


@dataclass(frozen=True)
class Retargeted:
    """Keys for a rig, one a frame.

    rotations (F, 4) by bone: unit quaternions, continuous, whatever the bone's rotation mode (`channels.py`);
    locations (F, 3) by bone, in the units that Blender keys; object_location (F, 3) m, if the object travels.
    times (F,) s, fps: the motion's. bones by role, as mapped; world_from_motion (4, 4): where the take was put, a
    similarity, for cameras. notes: what an animator should know.
    """

    rig: Rig
    times: Array
    fps: float
    rotations: Mapping[int, Array]
    locations: Mapping[int, Array]
    object_location: Array | None
    bones: Mapping[str, tuple[int, ...]]
    world_from_motion: Array
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.times)


def retarget(motion: Motion, rig: Rig, rig_map: RigMap, options: RetargetOptions | None = None) -> Retargeted:
    """Keys that make `rig` do what `motion` does.

    Raises `MotionLiftError`: `not_humanoid` for a map without a body, `no_root_bone` where the root bone shall travel
    and there is none, `flat_rig`.
    """
    options = options or RetargetOptions()
    rig = rig.following(rig_map.carriers)
    bones = bones_of(rig, rig_map)
    source = place(motion, options.place == "filmed")
    travel = _travel(rig, rig_map, bones, options.travel)
    stage = stand(rig, bones)
    aligned = alignments(rig, stage, bones, rest_directions(motion), rest_across(motion), rig_map.corrections)
    if not options.fingers:
        bones = {role: chain for role, chain in bones.items() if not role.endswith(FINGER_ROLES)}
    bones = {role: chain for role, chain in bones.items() if role in SHARED or role == "root" or source.has(role)}
    twists = {role: tuple(rig.index(name) for name in names if name in rig) for role, names in rig_map.twists.items()}
    used = rig_map.ik_used(options.limbs)
    controls = _ik_controls(rig, used)
    beside = {role: tuple(rig.index(name) for name in names if name in rig) for role, names in rig_map.beside.items()}
    chains = (*bones.values(), *beside.values(), *twists.values())
    pose = Pose(rig, stage, len(motion), [*(bone for chain in chains for bone in chain), *controls])
    _turn_bones(pose, bones, aligned, source)
    way = _put_hips(pose, bones, source, options.scale)
    if options.plant_feet:
        planting.plant(pose, bones, aligned, source, way.scale, options.hands == "hold")
    if options.hands in ("body", "world"):
        planting.place_hands(pose, bones, source, way.scale, options.hands)
    _share_twist(pose, bones, twists, aligned)
    for role, others in beside.items():
        if role in bones and bones[role][0] in pose.turns:
            pose.turns.update(dict.fromkeys(others, pose.turns[bones[role][0]]))
    path = way.path - way.path[0] if travel in ("in_place", "object") else None
    _pose_controls(pose, bones, used)
    if path is not None:
        pose.move(-path)
    if travel == "root":
        root = bones["root"][0]
        pose.heads[root] = stage.heads[root] + way.path
        if options.place == "filmed":
            pose.turns[root] = np.broadcast_to(IDENTITY, (len(motion), 4))
    return _keys(pose, bones, source, way, travel, path, options, rig_map)


@dataclass(frozen=True)
class _Way:
    """The hips' way along the ground (F, 3) m on the stage, at `scale` times the source's; `height` the same for
    heights."""

    path: Array
    scale: float
    along: float


def _travel(rig: Rig, rig_map: RigMap, bones: Bones, wanted: Travel) -> Travel:
    """Which way travels. Raises `MotionLiftError` (`no_root_bone`)."""
    has_root = "root" in bones and any(rig.is_below(bones["pelvis"][0], root) for root in bones["root"])
    if wanted == "auto":
        return "root" if rig_map.travel == "root" and has_root else "hips"
    if wanted == "root" and not has_root:
        raise MotionLiftError(
            "no_root_bone", "The rig has no root bone above the hips to carry the way.",
            "Let the object travel instead (travel: object), or the hips.",
        )  # fmt: skip
    return wanted


def _turn_bones(pose: Pose, bones: Bones, aligned: Mapping[str, Array], source: Source) -> None:
    """D = G A for every mapped bone; spines, necks and clavicles of several bones share what lies between."""
    pelvis, chest = source.turn("pelvis"), source.turn("chest")
    chains = {
        "spine": [pelvis, source.turn("spine"), chest],
        "neck": [chest, source.turn("neck")],
        "left_clavicle": [chest, source.turn("left_clavicle")],
        "right_clavicle": [chest, source.turn("right_clavicle")],
    }
    for role, chain in bones.items():
        if role == "root":
            continue
        knots = chains.get(role)
        shared = shared_rotations(knots, len(chain)) if knots else [source.turn(role)] * len(chain)
        for bone, turn in zip(chain, shared, strict=True):
            pose.turns[bone] = multiply(turn, aligned[role])
    first = bones["pelvis"][0]
    for bone in list(pose.turns):
        # What hangs on nothing mapped travels, carried by the pelvis.
        if not any(pose.rig.is_below(bone, other) for other in pose.turns):
            offset = pose.stage.heads[bone] - pose.stage.heads[first]
            head = pose.stage.heads[first] + rotate(pose.turns[first], offset)
            # What is connected cannot leave its parent, so the parent goes.
            while pose.rig.connected[bone] and pose.rig.parents[bone] >= 0:
                parent = int(pose.rig.parents[bone])
                head = head - (pose.stage.heads[bone] - pose.stage.heads[parent])
                bone = parent
            pose.heads[bone] = head


def _put_hips(pose: Pose, bones: Bones, source: Source, scale: Scale) -> _Way:
    """Move the figure so that the midpoint of its hips follows the source's; the module says how."""
    motion, stage = source.motion, pose.stage
    rest = planting.rest_joints(motion)
    hip_source = 0.5 * (rest[motion.joint("left_hip")] + rest[motion.joint("right_hip")])
    ankle_source = 0.5 * (rest[motion.joint("left_ankle")] + rest[motion.joint("right_ankle")])
    legs_source = np.mean([_length(rest[[motion.joint(f"{s}_{r}") for r in ("hip", "knee", "ankle")]]) for s in _SIDES])
    hip_bones = [bones[role][0] for role in ("left_hip", "right_hip") if role in bones] or [bones["pelvis"][0]]
    hip_height = float(np.mean([stage.heads[bone][2] for bone in hip_bones]))
    whole = [s for s in _SIDES if all(f"{s}_{r}" in bones for r in ("hip", "knee", "ankle"))]
    ratio = hip_height / float(hip_source[2])
    ankle = ratio * float(ankle_source[2])
    if whole and scale != "hips":
        legs = np.mean([_length(stage.heads[[bones[f"{s}_{r}"][0] for r in ("hip", "knee", "ankle")]]) for s in whole])
        ratio = float(legs / legs_source)
        ankle = float(np.mean([stage.heads[bones[f"{s}_ankle"][0]][2] for s in whole]))
    along = 1.0 if scale == "none" else ratio
    hips = 0.5 * (source.joint("left_hip") + source.joint("right_hip"))
    goal = hips * np.array([along, along, ratio])
    goal[:, 2] += ankle - ratio * ankle_source[2]
    heads = pose.evaluate()[1]
    pose.move(goal - np.mean([heads[bone] for bone in hip_bones], 0))
    return _Way(path=goal * np.array([1.0, 1.0, 0.0]), scale=ratio, along=along)


_SIDES = ("left", "right")


def _length(points: Array) -> float:
    return float(np.sum(np.linalg.norm(np.diff(points, axis=0), axis=-1)))


def _share_twist(pose: Pose, bones: Bones, twists: Mapping[str, tuple[int, ...]], aligned: Mapping[str, Array]) -> None:
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


def _ik_controls(rig: Rig, used: Mapping[str, IkLimb]) -> list[int]:
    names = [name for limb in used.values() for name in (limb.target, limb.pole, limb.toe)]
    return [rig.index(name) for name in names if name and name in rig]


POLE_DISTANCE = 0.6
"""Of a limb's length: how far in front of a knee its pole goes, where the rig does not show it."""


def _pose_controls(pose: Pose, bones: Bones, used: Mapping[str, IkLimb]) -> None:
    """Put the IK controls where the finished limbs are: the target moves rigidly with the foot or hand."""
    for role, limb in used.items():
        side, part = side_of(role), role.rpartition("_")[2]
        names = [f"{side}_{r}" for r in (("hip", "knee", "ankle") if part == "hip" else ("shoulder", "elbow", "wrist"))]
        if limb.target not in pose.rig or any(name not in bones for name in names):
            continue
        upper, middle, end = (bones[name][0] for name in names)
        turns, heads = pose.evaluate()
        target = pose.rig.index(limb.target)
        pose.turns[target] = turns[end]
        pose.heads[target] = heads[end] + rotate(turns[end], pose.stage.heads[target] - pose.stage.heads[end])
        toe = bones.get(f"{side}_toe")
        if limb.toe in pose.rig and toe:
            pose.turns[pose.rig.index(limb.toe)] = turns[toe[0]]
        if limb.pole in pose.rig:
            pole = pose.rig.index(limb.pole)
            line = normalise(heads[end] - heads[upper])
            rest_line = normalise(pose.stage.heads[end] - pose.stage.heads[upper])
            rest_out = pose.stage.heads[pole] - pose.stage.heads[middle]
            rest_out = rest_out - rest_line * (rest_out @ rest_line)
            # Where the upper bone carries it: a solver turns that bone until its own side looks at the pole, and a
            # straight limb shows no plane.
            hinted = rotate(turns[upper], normalise(rest_out))
            direction = normalise(hinted - line * np.sum(hinted * line, -1, keepdims=True))
            length = _length(pose.stage.heads[[upper, middle, end]])
            distance = max(float(np.linalg.norm(rest_out)), POLE_DISTANCE * length)
            pose.heads[pole] = heads[middle] + distance * direction


def _keys(
    pose: Pose, bones: Bones, source: Source, way: _Way, travel: Travel, path: Array | None,
    options: RetargetOptions, rig_map: RigMap,
) -> Retargeted:  # fmt: skip
    """From turns and heads on the stage to what is keyed."""
    rig, stage, motion = pose.rig, pose.stage, source.motion
    back = IDENTITY if options.place == "filmed" else conjugate(stage.world_turn)
    # As filmed the stage is the world itself, elsewhere it is the world turned and moved under the rig.
    armature_turn = multiply(conjugate(rig.world_rotation), back)
    shift = np.zeros(3) if options.place == "filmed" else -rotate(back, stage.origin) + rig.world[:3, 3]

    def to_armature(points: Array) -> Array:
        return rotate(conjugate(rig.world_rotation), rotate(back, points) + shift - rig.world[:3, 3]) / rig.world_scale

    def in_armature(turn: Array) -> Array:
        """A turn of the stage's figure as one from the armature's rest."""
        return multiply(multiply(armature_turn, turn), stage.turn)

    turns, heads = pose.evaluate()
    rotations: dict[int, Array] = {}
    locations: dict[int, Array] = {}
    notes: list[str] = []
    none = np.broadcast_to(IDENTITY, (pose.frames, 4))
    for bone in sorted({*pose.turns, *pose.heads}):
        parent = int(rig.parents[bone])
        still = _still(pose, bone)
        parent_turn = none if parent < 0 or still else in_armature(turns[parent])
        if bone in pose.turns:
            keyed = _respect_locks(rig, bone, keyed_rotations(rig, bone, in_armature(turns[bone]), parent_turn))
            if keyed is not None:
                rotations[bone] = continuous(keyed)
        if bone in pose.heads:
            if rig.connected[bone] and parent >= 0:
                notes.append(f"{rig.names[bone]} is connected to its parent and cannot travel.")
                continue
            if still or parent < 0:
                carried = np.broadcast_to(rig.heads[bone], (pose.frames, 3))
            else:
                offset = rig.heads[bone] - rig.heads[parent]
                carried = to_armature(heads[parent]) + rotate(parent_turn, offset)
            locations[bone] = keyed_locations(rig, bone, to_armature(heads[bone]), carried, parent_turn)
    missing = [in_words(role) for role in rig_map.missing()]
    if missing:
        notes.append(f"No bone for {', '.join(missing)}.")
    moved = None
    if travel == "object" and path is not None:
        moved = rig.world[:3, 3] + rotate(back, path)
    return Retargeted(
        rig=rig,
        times=motion.times,
        fps=motion.fps,
        rotations=rotations,
        locations=locations,
        object_location=moved,
        bones=bones,
        world_from_motion=_placed(source, way, back, shift),
        notes=tuple(notes),
    )


def _still(pose: Pose, bone: int) -> bool:
    """Whether nothing above a bone is keyed: its parent rests in armature space."""
    at = int(pose.rig.parents[bone])
    while at >= 0:
        if at in pose.turns or at in pose.heads:
            return False
        at = int(pose.rig.parents[at])
    return True


def _respect_locks(rig: Rig, bone: int, keyed: Array) -> Array | None:
    """The rotation without what is locked; None where nothing may turn.

    Locks of x, y and z on a bone of quaternions mean Euler angles, as Blender's own tools take them.
    """
    locked, mode = rig.locked_rotation[bone], rig.rotation_modes[bone]
    if locked[1:].all():
        return None
    if mode in PROPERTIES and locked[1:].any() and not locked[0]:
        angles = to_euler(to_matrix(keyed), "ZYX")
        angles[:, locked[1:][::-1]] = 0.0
        return from_euler(angles, "ZYX")
    return keyed


def _placed(source: Source, way: _Way, back: Array, shift: Array) -> Array:
    """world_from_motion (4, 4)."""
    placement = source.placement
    matrix = np.eye(4)
    matrix[:3, :3] = way.along * to_matrix(multiply(back, placement.turn))
    matrix[:3, 3] = rotate(back, way.along * placement.shift) + shift
    return matrix
