"""Any BVH file as a rig to retarget onto, and as a motion to retarget from.

A BVH's rest pose is all angles at zero; a joint's axes are then the file's. Unit and up axis are not stored: up is
found from where the joints are (`tpose.py`), the unit is the usual one that makes the figure most like a person.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.bvh import BvhClip, joint_rotations, local_translations
from ..core.jobs import MotionLiftError
from ..core.motion import Motion
from ..core.rotation import (
    Array,
    conjugate,
    continuous,
    forward_kinematics,
    local_from_world,
    multiply,
    rotate,
    slerp,
    to_euler,
    to_matrix,
)
from ..core.skeleton import ANIMATION_21, contact_points, reference_rest
from .bvh import unfilmed
from .channels import running_euler
from .humanoid import FINGER_ROLES, SIDES, RigMap
from .planting import rest_joints
from .retarget import Retargeted
from .rig import Rig, make_rig
from .tpose import UP, Bones, Stage, alignments, bones_of, role_ends, stand
from .zero_pose import stood

UNITS_M = (1.0, 0.1, 0.01, 0.001, 0.0254, 0.3048, 0.056444)
"""Metres, decimetres, centimetres, millimetres, inches, feet, and the CMU library's 0.45 inches."""
HIP_HEIGHT_M = 0.9

ContactFinder = Callable[[Array, Array, Array], Array]
"""Contacts (F, C) of points (F, C, 3) m, with confidence (F, C), at times (F,) s."""


def rig_of_bvh(clip: BvhClip) -> Rig:
    """The hierarchy as a rig at rest, in the file's axes, metres in the world. Joints without position channels are
    connected: they cannot travel."""
    count = len(clip.names)
    heads = np.zeros((count, 3))
    tails = np.zeros((count, 3))
    ends = np.zeros(count, bool)
    for joint, parent in enumerate(clip.parents):
        heads[joint] = clip.offsets[joint] + (heads[parent] if parent >= 0 else 0.0)
    for joint in range(count):
        children = np.flatnonzero(clip.parents == joint)
        way = clip.end_sites[joint][0] if len(clip.end_sites[joint]) else np.zeros(3)
        if len(children) == 1 and not np.any(way):
            way = clip.offsets[children[0]]
        tails[joint] = heads[joint] + way
        ends[joint] = bool(np.any(way))
    rig = make_rig(clip.names, clip.parents, heads, tails, world=np.eye(4), end_points=ends)
    fixed = np.array([not any(name.endswith("position") for name in names) for names in clip.channels])
    return dataclasses.replace(rig, connected=fixed)


def sized(rig: Rig, rig_map: RigMap) -> Rig:
    """The rig in our world: metres, Z up, facing -Y, and with the floor of its rest pose through its origin."""
    stage = stand(rig, bones_of(rig, rig_map))
    height = float(np.ptp(stage.heads[:, 2])) * 0.55
    unit = min(UNITS_M, key=lambda metres: abs(np.log(max(height, 1e-9) * metres / HIP_HEIGHT_M)))
    up = rotate(conjugate(stage.turn), UP)
    rise = up * (-(stage.to_armature(np.zeros(3)) @ up))
    world = np.eye(4)
    world[:3, :3] = unit * to_matrix(stage.world_turn)
    return dataclasses.replace(rig, heads=rig.heads + rise, tails=rig.tails + rise, world=world)


def keyed_bvh(done: Retargeted, clip: BvhClip, fps: float) -> BvhClip:
    """`clip`'s hierarchy and channels with the keys of `done`, whose rig came from it; other joints rest."""
    frames = len(done)
    values = np.zeros((frames, clip.values.shape[1]))
    for joint, columns in enumerate(clip.columns()):
        name = clip.names[joint]
        bone = done.rig.index(name)
        turns = [(channel[0], column) for channel, column in columns.items() if channel.endswith("rotation")]
        if bone in done.rotations and turns:
            order = "".join(letter for letter, _ in turns)
            # Fewer than three channels turn about what they have; what the others would do is left out.
            whole = order + "".join(letter for letter in "XYZ" if letter not in order)
            angles = np.degrees(running_euler(to_euler(to_matrix(done.rotations[bone]), whole)))
            for position, (_, column) in enumerate(turns):
                values[:, column] = angles[:, position]
        place = clip.offsets[joint] + done.locations.get(bone, np.zeros((frames, 3)))
        if clip.parents[joint] < 0:
            # The root's offset is where readers start from or not; its channels say where it is.
            place = done.rig.heads[bone] + done.locations.get(bone, np.zeros((frames, 3)))
        for axis, letter in enumerate("XYZ"):
            if f"{letter}position" in columns:
                values[:, columns[f"{letter}position"]] = place[:, axis]
    return dataclasses.replace(clip, frame_time=1.0 / fps, values=values)


def motion_of_bvh(clip: BvhClip, rig: Rig, rig_map: RigMap, find_contacts: ContactFinder | None = None) -> Motion:
    """What a figure in a BVH does, as a motion of our skeleton with the figure's own proportions.

    `rig` and `rig_map` as `rig_of_bvh`, `match` and `sized` made them. Where the zero pose does not stand, the clip is
    taken from one that does (`zero_pose.py`). A joint's turn from rest, D, and the rig's
    alignments A give G = D A^-1. Limbs, hips and feet are exact; spines of more bones than ours keep their lower,
    middle and upper ends. Contacts are those `find_contacts` finds, or none. Raises `MotionLiftError`: `bad_bvh`
    for a file without frames, `no_t_pose` as `stood`.
    """
    if not len(clip):
        raise MotionLiftError("bad_bvh", "The file has no frames.", "Export it again.")
    upright = stood(clip, rig_of_bvh(clip), rig_map)
    if upright.turns is not None:
        clip = upright.clip
        rig = sized(rig_of_bvh(clip), rig_map)
    bones = bones_of(rig, rig_map)
    stage = stand(rig, bones)
    aligned = alignments(rig, stage, bones, _canonical_directions(), {}, rig_map.corrections)
    turns, hips = _turns(clip, rig, stage, bones, aligned)
    rest, tails = _rest(rig, stage, bones, aligned)
    names = (*ANIMATION_21.joints, *(role for role in _finger_roles() if role in turns and role in rest))
    parents = np.array([names.index(parent) if (parent := _parent(name)) else -1 for name in names])
    offsets = np.array([rest[name] for name in names])
    world = np.stack([turns[name] for name in names], 1)
    local = continuous(local_from_world(parents, world))
    ends = np.array([tails[name] for name in names])
    motion = unfilmed(clip.frame_time, names, parents, offsets, ends, hips, local)
    contact_parents, contact_offsets = _contact_points(offsets, tails)
    motion = dataclasses.replace(motion, contact_parents=contact_parents, contact_offsets=contact_offsets)
    feet = motion.contact_positions()
    contacts = motion.contacts if find_contacts is None else find_contacts(feet, np.ones(feet.shape[:2]), motion.times)
    floor = UP * _floor(motion, contacts)
    return dataclasses.replace(
        motion, contacts=contacts, root_translation=hips - floor, joint_positions=motion.joint_positions - floor
    ).check()


def _floor(motion: Motion, contacts: Array) -> float:
    """The height (m) of the floor, which studios put anywhere: where feet rest, or the lowest that they get.

    Ankles of feet that stand whole tell it best: few files have soles that are level when a figure stands.
    """
    stands = contacts > 0.5
    rest = rest_joints(motion)
    heights = []
    for side in SIDES:
        ankle = motion.joint(f"{side}_ankle")
        foot = [n for n, name in enumerate(motion.contact_names) if name.startswith(side)]
        heights.append((motion.joint_positions[:, ankle, 2] - rest[ankle, 2])[stands[:, foot].all(1)])
    whole = np.concatenate(heights)
    if len(whole):
        return float(np.percentile(whole, 10))
    points = motion.contact_positions()[..., 2]
    return float(np.percentile(points[stands], 10) if stands.any() else np.percentile(points, 1))


def _canonical_directions() -> dict[str, Array]:
    """d* of the T-pose that DESIGN's `Motion` has."""
    offsets, tails = reference_rest()
    joints = ANIMATION_21
    result = {}
    for side in SIDES:
        for role, following in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("hip", "knee"),
            ("knee", "ankle"),
            ("ankle", "toe"),
        ):
            result[f"{side}_{role}"] = offsets[joints.index(f"{side}_{following}")]
        result[f"{side}_wrist"] = tails[joints.index(f"{side}_wrist")]
    return result


def _finger_roles() -> list[str]:
    return [f"{side}_{role}" for side in SIDES for role in FINGER_ROLES]


def _parent(name: str) -> str:
    """The joint above one of ours."""
    if name in ANIMATION_21.joints:
        parent = ANIMATION_21.parents[ANIMATION_21.index(name)]
        return ANIMATION_21.joints[parent] if parent >= 0 else ""
    stem, _, number = name.rpartition("_")
    return f"{stem}_{int(number) - 1}" if int(number) > 1 else f"{name.partition('_')[0]}_wrist"


def _turns(
    clip: BvhClip, rig: Rig, stage: Stage, bones: Bones, aligned: dict[str, Array]
) -> tuple[dict[str, Array], Array]:
    """G (F, 4) of each of our joints on the stage, and the midpoint of the hips (F, 3) m."""
    local = local_translations(clip)
    # The rig stands on the origin, the file's figure wherever the channels say.
    positions, rotations = forward_kinematics(clip.parents, local, local[:, 0], joint_rotations(clip))
    order = [clip.names.index(name) for name in rig.names]
    turned = multiply(multiply(stage.turn, rotations[:, order]), conjugate(stage.turn))
    joints = rotate(stage.turn, positions[:, order]) * stage.scale

    def turn(role: str, which: int = -1) -> Array | None:
        if role not in bones:
            return None
        return multiply(turned[:, bones[role][which]], conjugate(aligned[role]))

    half = np.full(len(clip), 0.5)
    result: dict[str, Array] = {}
    pelvis = turn("pelvis")
    assert pelvis is not None  # bones_of saw to it
    chest = turn("spine")
    result["pelvis"], result["chest"] = pelvis, pelvis if chest is None else chest
    chain = bones.get("spine", ())
    middle = turn("spine", (len(chain) + 1) // 2 - 1) if len(chain) > 1 else None
    result["spine"] = slerp(pelvis, result["chest"], half) if middle is None else middle
    head, neck = turn("head"), turn("neck")
    result["head"] = head if head is not None else (neck if neck is not None else result["chest"])
    result["neck"] = neck if neck is not None else slerp(result["chest"], result["head"], half)
    for side in SIDES:
        above = {"clavicle": "chest", "shoulder": f"{side}_clavicle", "elbow": f"{side}_shoulder",
                 "wrist": f"{side}_elbow", "hip": "pelvis", "knee": f"{side}_hip", "ankle": f"{side}_knee",
                 "toe": f"{side}_ankle"}  # fmt: skip
        for part, parent in above.items():
            seen = turn(f"{side}_{part}", 0 if part in ("elbow", "knee") else -1)
            result[f"{side}_{part}"] = result[parent] if seen is None else seen
    for role in _finger_roles():
        seen = turn(role)
        if seen is not None:
            result[role] = seen
    legs = [bones[f"{side}_hip"][0] for side in SIDES if f"{side}_hip" in bones] or [bones["pelvis"][0]]
    return result, joints[:, legs].mean(1)


def _rest(rig: Rig, stage: Stage, bones: Bones, aligned: dict[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Offsets (3,) from the parent, and tails (3,), of our joints in the figure's T-pose, in metres."""
    ends = role_ends(rig, stage, bones)
    at = {role: stage.heads[chain[0]] for role, chain in bones.items()}
    reference, reference_tails = reference_rest()
    hips = [at[f"{side}_hip"] for side in SIDES if f"{side}_hip" in at]
    at["pelvis"] = np.mean(hips, 0) if hips else at["pelvis"]
    size = float(at["pelvis"][2]) / float(reference[0, 2])
    shoulders = [at[f"{side}_shoulder"] for side in SIDES if f"{side}_shoulder" in at]
    at.setdefault(
        "head",
        ends.get("neck", np.mean(shoulders, 0) + 0.15 * size * UP if shoulders else at["pelvis"] + 0.6 * size * UP),
    )
    at.setdefault("neck", np.mean(shoulders, 0) if shoulders else at["head"])
    chain = bones.get("spine", ())
    at.setdefault("spine", at["pelvis"] + (at["neck"] - at["pelvis"]) * 0.2)
    at["chest"] = stage.heads[chain[len(chain) // 2]] if len(chain) > 1 else 0.5 * (at["spine"] + at["neck"])
    for index, name in enumerate(ANIMATION_21.joints):
        if name not in at:
            at[name] = at[_parent(name)] + size * reference[index]
    offsets, tails = {}, {}
    for name in (*ANIMATION_21.joints, *(role for role in _finger_roles() if role in bones)):
        parent = _parent(name)
        turn = aligned.get(parent, np.array([1.0, 0, 0, 0]))
        offsets[name] = rotate(turn, at[name] - at[parent]) if parent and parent in at else np.zeros(3)
        if name in ANIMATION_21.joints:
            tails[name] = size * reference_tails[ANIMATION_21.index(name)]
        if name in ends:
            tails[name] = rotate(aligned[name], ends[name] - at[name])
        tails.setdefault(name, 0.02 * size * np.array([1.0 if name.startswith("left") else -1.0, 0, 0]))
    offsets["pelvis"] = np.array([0.0, 0.0, _hips_height(offsets, at)])
    return offsets, tails


def _hips_height(offsets: dict[str, Array], at: dict[str, Array]) -> float:
    """The pelvis over the floor (m) in the T-pose, its ankles as high as at rest, `at`, where legs may be spread."""
    lengths = [
        sum(offsets[f"{side}_{part}"][2] for part in ("hip", "knee", "ankle")) - at[f"{side}_ankle"][2]
        for side in SIDES
    ]
    return -float(np.mean(lengths))


def _contact_points(offsets: Array, tails: dict[str, Array]) -> tuple[NDArray[np.int64], Array]:
    """Contact parents (4,) and offsets (4, 3): `core.skeleton`'s, brought down to the floor of the rest pose."""
    body = len(ANIMATION_21)
    parents, points = contact_points(np.array([tails[name] for name in ANIMATION_21.joints]), offsets[:body])
    heights = np.zeros(body)
    for joint, parent in enumerate(ANIMATION_21.parents):
        heights[joint] = offsets[joint, 2] + (heights[parent] if parent >= 0 else 0.0)
    points = points.copy()
    points[:, 2] = -heights[parents]
    return parents, points
