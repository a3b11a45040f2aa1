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
from typing import Any, Literal, get_args

import numpy as np

from ..core.jobs import MotionLiftError, UsageError
from ..core.motion import Motion
from ..core.rotation import IDENTITY, Array, conjugate, multiply, rotate, to_matrix
from . import planting
from .adjusting import Adjustment, leaned
from .controls import ik_controls, pose_controls
from .humanoid import FINGER_ROLES, SIDES, RigMap, in_words
from .keying import Ground, keyed
from .posing import Pose
from .rig import Rig
from .source import Source, place, placement_of, rest_across, rest_directions
from .tpose import Bones, alignments, bones_of, stand, way_along
from .twist import share_twist, shared_rotations

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
    limbs: which are posed by IK controls, where the preset knows any (FK controls are always keyed). adjustment: what
    is set right about the whole take; its scale is that of the way, since the rig keeps its size.
    Raises `UsageError` (`bad_retarget_option`).
    """

    travel: Travel = "auto"
    scale: Scale = "legs"
    place: Place = "rest"
    plant_feet: bool = True
    hands: Hands = "hold"
    fingers: bool = True
    limbs: Limbs = "auto"
    adjustment: Adjustment = field(default_factory=Adjustment)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> RetargetOptions:
        """The inverse of `dataclasses.asdict`."""
        adjustment = Adjustment.from_json(values.get("adjustment", {}))
        return RetargetOptions(**{**values, "adjustment": adjustment})

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
    filmed, adjustment = options.place == "filmed", options.adjustment
    # Where it begins and what it faces is that of the take as it was: a figure that leans does so about its feet.
    motion, placement = leaned(motion, adjustment), placement_of(motion, filmed)
    source = place(motion, placement)
    tilted = bool(np.any(adjustment.floor_turn != IDENTITY))
    travel = _travel(rig, rig_map, bones, options.travel)
    stage = stand(rig, bones)
    aligned = alignments(rig, stage, bones, rest_directions(motion), rest_across(motion), rig_map.corrections)
    if not options.fingers:
        bones = {role: chain for role, chain in bones.items() if not role.endswith(FINGER_ROLES)}
    bones = {role: chain for role, chain in bones.items() if role in SHARED or role == "root" or source.has(role)}
    twists = {role: tuple(rig.index(name) for name in names if name in rig) for role, names in rig_map.twists.items()}
    used = rig_map.ik_used(options.limbs)
    controls = ik_controls(rig, used)
    beside = {role: tuple(rig.index(name) for name in names if name in rig) for role, names in rig_map.beside.items()}
    chains = (*bones.values(), *beside.values(), *twists.values())
    pose = Pose(rig, stage, len(motion), [*(bone for chain in chains for bone in chain), *controls])
    _turn_bones(pose, bones, aligned, source)
    way = _put_hips(pose, bones, source, options.scale, adjustment.scale)
    if options.plant_feet:
        planting.plant(pose, bones, aligned, source, way.scale, options.hands == "hold")
    if options.hands in ("body", "world"):
        planting.place_hands(pose, bones, source, way.scale, options.hands)
    share_twist(pose, bones, twists, aligned)
    for role, others in beside.items():
        if role in bones and bones[role][0] in pose.turns:
            pose.turns.update(dict.fromkeys(others, pose.turns[bones[role][0]]))
    path = way.path - way.path[0] if travel in ("in_place", "object") else None
    pose_controls(pose, bones, used)
    if path is not None:
        pose.move(-path)
    if travel == "root":
        root = bones["root"][0]
        pose.heads[root] = stage.heads[root] + way.path
        if filmed or tilted:
            pose.turns[root] = np.broadcast_to(IDENTITY, (len(motion), 4))
    floor_turn = multiply(multiply(placement.turn, adjustment.floor_turn), conjugate(placement.turn))
    ground = Ground.of(rig, stage, filmed).laid(floor_turn, adjustment.floor_height)
    rotations, locations, notes = keyed(pose, ground)
    if missing := [in_words(role) for role in rig_map.missing()]:
        notes.append(f"No bone for {', '.join(missing)}.")
    moved = None
    if travel == "object" and path is not None:
        moved = rig.world[:3, 3] + rotate(ground.back, path)
    return Retargeted(
        rig=rig,
        times=motion.times,
        fps=motion.fps,
        rotations=rotations,
        locations=locations,
        object_location=moved,
        bones=bones,
        world_from_motion=_world_from_motion(source, way, ground),
        notes=tuple(notes),
    )


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


def _put_hips(pose: Pose, bones: Bones, source: Source, scale: Scale, longer: float) -> _Way:
    """Move the figure so that the midpoint of its hips follows the source's, on a way `longer` times as long; the
    module says how."""
    motion, stage = source.motion, pose.stage
    rest = planting.rest_joints(motion)
    hip_source = 0.5 * (rest[motion.joint("left_hip")] + rest[motion.joint("right_hip")])
    ankle_source = 0.5 * (rest[motion.joint("left_ankle")] + rest[motion.joint("right_ankle")])
    legs_source = np.mean(
        [way_along(rest[[motion.joint(f"{s}_{r}") for r in ("hip", "knee", "ankle")]]) for s in SIDES]
    )
    hip_bones = [bones[role][0] for role in ("left_hip", "right_hip") if role in bones] or [bones["pelvis"][0]]
    hip_height = float(np.mean([stage.heads[bone][2] for bone in hip_bones]))
    whole = [s for s in SIDES if all(f"{s}_{r}" in bones for r in ("hip", "knee", "ankle"))]
    ratio = hip_height / float(hip_source[2])
    ankle = ratio * float(ankle_source[2])
    if whole and scale != "hips":
        legs = np.mean(
            [way_along(stage.heads[[bones[f"{s}_{r}"][0] for r in ("hip", "knee", "ankle")]]) for s in whole]
        )
        ratio = float(legs / legs_source)
        ankle = float(np.mean([stage.heads[bones[f"{s}_ankle"][0]][2] for s in whole]))
    along = longer * (1.0 if scale == "none" else ratio)
    hips = 0.5 * (source.joint("left_hip") + source.joint("right_hip"))
    goal = hips * np.array([along, along, ratio])
    goal[:, 2] += ankle - ratio * ankle_source[2]
    heads = pose.evaluate()[1]
    pose.move(goal - np.mean([heads[bone] for bone in hip_bones], 0))
    return _Way(path=goal * np.array([1.0, 1.0, 0.0]), scale=ratio, along=along)


def _world_from_motion(source: Source, way: _Way, ground: Ground) -> Array:
    """See `Retargeted`."""
    placement = source.placement
    matrix = np.eye(4)
    matrix[:3, :3] = way.along * to_matrix(multiply(ground.back, placement.turn))
    matrix[:3, 3] = rotate(ground.back, way.along * placement.shift) + ground.shift
    return matrix
