"""Motion capture as `BODY_26` points: reading a BVH library, and packing it into one small file.

The packed set holds every take's points in the world (Y up turned to Z up), scaled to a body of
`REFERENCE_HEIGHT`, as 16-bit integers of half a millimetre: small enough to stay on any device.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..bvh import BvhClip, joint_rotations, read_bvh, root_positions
from ..files import written_beside
from ..jobs import MotionLiftError
from ..npz import UNREADABLE, read_arrays
from ..rotation import (
    IDENTITY,
    Array,
    conjugate,
    forward_kinematics,
    from_axis_angle,
    minimal_rotation,
    multiply,
    rotate,
)
from ..skeleton import ANIMATION_21, BODY_26, REFERENCE_HEIGHT, body_points, reference_rest
from .bodies import stature
from .soles import resting_pitch

log = logging.getLogger(__name__)

PARTS = ("train", "validation", "test")
QUANTUM = 0.0005
"""Metres a step of the packed integers."""

Blend = dict[str, float]
"""A point as a weighted mean of BVH joints; `Name/end` is a joint's End Site."""


@dataclass(frozen=True)
class SkeletonMap:
    """How a family of BVH skeletons gives our points.

    `joints`: each needed `ANIMATION_21` joint as a blend; `carriers`: the BVH joint whose rotation carries the
    rigid attachments of the head, wrists and ankles; `left` BVH names are mirrored by `sides`.
    """

    name: str
    joints: dict[str, Blend]
    carriers: dict[str, str]
    sides: tuple[tuple[str, str], ...]

    def for_side(self, ours: str, theirs: str) -> str:
        """The BVH name on the side of our joint; the map is written for the left."""
        if ours.startswith("right_"):
            for left, right in self.sides:
                if theirs.startswith(left):
                    return right + theirs.removeprefix(left)
        return theirs


CMU_31 = SkeletonMap(
    "cmu31",
    {
        "chest": {"Spine": 0.5, "Spine1": 0.5},
        "neck": {"Neck": 0.3, "Neck1": 0.7},
        "head": {"Head": 1.0},
        "left_shoulder": {"LeftArm": 1.0},
        "left_elbow": {"LeftForeArm": 1.0},
        "left_wrist": {"LeftFingerBase": 1.0},
        "left_hip": {"LeftUpLeg": 1.0},
        "left_knee": {"LeftLeg": 1.0},
        "left_ankle": {"LeftFoot": 1.0},
        "left_toe": {"LeftToeBase": 1.0},
    },
    {"head": "Head", "left_wrist": "LeftFingerBase", "left_ankle": "LeftFoot"},
    (("Left", "Right"),),
)
DAZ_43 = SkeletonMap(
    "daz43",
    {
        "chest": {"chest": 1.0},
        "neck": {"neck": 1.0},
        "head": {"head": 1.0},
        "left_shoulder": {"lShldr": 1.0},
        "left_elbow": {"lForeArm": 1.0},
        "left_wrist": {"lHand": 1.0},
        "left_hip": {"lThigh": 1.0},
        "left_knee": {"lShin": 1.0},
        "left_ankle": {"lFoot": 1.0},
        "left_toe": {"lFoot/end": 1.0},
    },
    {"head": "head", "left_wrist": "lHand", "left_ankle": "lFoot"},
    (("l", "r"),),
)
OWN = SkeletonMap(
    "motionlift",
    {joint: {joint: 1.0} for joint in ANIMATION_21.joints if not joint.startswith("right_")},
    {"head": "head", "left_wrist": "left_wrist", "left_ankle": "left_ankle"},
    (("left_", "right_"),),
)
SKELETON_MAPS = (CMU_31, DAZ_43, OWN)

_LIMBS = {"wrist": ("shoulder", "elbow", "wrist"), "ankle": ("hip", "knee", "ankle")}
_Z_UP: Array = np.sqrt(np.array([0.5, 0.5, 0.0, 0.0]))
"""The quarter turn about X from BVH's Y up, facing +Z, to our Z up, facing -Y."""
CARRIERS = ("head", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
"""The joints whose frames carry the rigid points of `BODY_26`."""
MAX_SPEED = 15.0
"""Metres a second; a boxer's fist reaches 12."""


@dataclass(frozen=True)
class Take:
    """One recording: `points_world` (F, 26, 3) m for a body of `REFERENCE_HEIGHT`, at `fps`."""

    name: str
    subject: str
    fps: float
    points_world: Array


def read_take(path: Path) -> Take:
    """The `BODY_26` points of a BVH file of a known skeleton.

    Raises `MotionLiftError`: `bad_bvh`, or `unknown_skeleton` with the joints that are missing.
    """
    clip = read_bvh(path)
    skeleton = _recognise(clip, path)
    identity = np.broadcast_to(IDENTITY, (len(clip.names), 4))
    rest_joints, _ = _our_joints(clip, skeleton, np.zeros(3), identity)
    joints, rotations = _our_joints(clip, skeleton, root_positions(clip), joint_rotations(clip))
    for ours in CARRIERS:
        correction = _rest_correction(rest_joints, ours)
        index = ANIMATION_21.index(ours)
        rotations[:, index] = multiply(rotations[:, index], correction)
    bones = rest_joints - rest_joints[list(ANIMATION_21.parents)]
    points = body_points(joints, rotations, bones)
    scale = REFERENCE_HEIGHT / float(stature(torch.from_numpy(points[None, :1]))[0])
    for side in ("left", "right"):
        heels, tips = (scale * points[:, BODY_26.index(f"{side}_{end}")] for end in ("heel", "toe_tip"))
        level = from_axis_angle(np.array([1.0, 0.0, 0.0]), resting_pitch(heels, tips, 1.0 / clip.frame_time))
        index = ANIMATION_21.index(f"{side}_ankle")
        rotations[:, index] = multiply(rotations[:, index], level)
    points = scale * body_points(joints, rotations, bones)
    return Take(path.stem, path.parent.name, 1.0 / clip.frame_time, points)


def _recognise(clip: BvhClip, path: Path) -> SkeletonMap:
    missing: dict[str, list[str]] = {}
    for skeleton in SKELETON_MAPS:
        needed = {skeleton.for_side(o, n) for o in _mapped(skeleton) for n in skeleton.joints[_left(o)]}
        missing[skeleton.name] = sorted(n for n in needed if not _has(clip, n))
        if not missing[skeleton.name]:
            return skeleton
    nearest = min(missing, key=lambda name: len(missing[name]))
    raise MotionLiftError(
        "unknown_skeleton",
        f"{path.name} is not of a skeleton we know: for {nearest} it lacks {', '.join(missing[nearest][:8])}.",
        f"Known skeletons: {', '.join(s.name for s in SKELETON_MAPS)}.",
    )


def _has(clip: BvhClip, theirs: str) -> bool:
    """Whether the clip has a joint, or the End Site that `Name/end` asks for: a foot with a toe joint has none."""
    name, _, end = theirs.partition("/")
    return name in clip.names and (not end or len(clip.end_sites[clip.names.index(name)]) > 0)


def _left(joint: str) -> str:
    return joint.replace("right_", "left_")


def _mapped(skeleton: SkeletonMap) -> list[str]:
    return [j for j in ANIMATION_21.joints if _left(j) in skeleton.joints]


def _our_joints(clip: BvhClip, skeleton: SkeletonMap, root: Array, local: Array) -> tuple[Array, Array]:
    """`ANIMATION_21` joints (..., 21, 3) and the carriers' orientations (..., 21, 4), Z up, in the file's unit.

    Joints that `BODY_26` does not need stay at the pelvis.
    """
    positions, rotations = forward_kinematics(clip.parents, clip.offsets, root, local)
    joints = np.zeros((*positions.shape[:-2], len(ANIMATION_21), 3))
    for ours in _mapped(skeleton):
        for theirs, weight in skeleton.joints[_left(ours)].items():
            name, _, end = skeleton.for_side(ours, theirs).partition("/")
            index = clip.names.index(name)
            tail = rotate(rotations[..., index, :], clip.end_sites[index][0]) if end else 0.0
            joints[..., ANIMATION_21.index(ours), :] += weight * (positions[..., index, :] + tail)
    joints[..., 0, :] = joints[..., ANIMATION_21.indices("left_hip", "right_hip"), :].mean(-2)
    turns = np.broadcast_to(IDENTITY, (*joints.shape[:-1], 4)).copy()
    for ours in CARRIERS:
        index = clip.names.index(skeleton.for_side(ours, skeleton.carriers[_left(ours)]))
        turns[..., ANIMATION_21.index(ours), :] = rotations[..., index, :]
    return rotate(_Z_UP, joints), multiply(multiply(_Z_UP, turns), conjugate(_Z_UP))


def _rest_correction(rest_joints: Array, carrier: str) -> Array:
    """The quaternion (4,) from our T-pose's frame of a carrier to the file's zero pose.

    Down each limb: the smallest further rotation that lays our bone on the file's. Legs are corrected in the
    frontal plane only, so that soles stay level.
    """
    correction = IDENTITY
    if carrier == "head":
        return correction
    side, end = carrier.split("_")
    ours, _ = reference_rest()
    for start, stop in itertools.pairwise(_LIMBS[end]):
        first, second = ANIMATION_21.indices(f"{side}_{start}", f"{side}_{stop}")
        bone = rest_joints[second] - rest_joints[first]
        if end == "ankle":
            bone = bone * np.array([1.0, 0.0, 1.0])
        correction = multiply(minimal_rotation(rotate(correction, ours[second]), bone), correction)
    return correction


@dataclass(frozen=True)
class PackedTakes:
    """Many takes end to end: `points` (F, 26, 3) int16 in steps of `QUANTUM`, horizontally from each take's
    mean; take i covers `starts[i]` to `starts[i + 1]` at `rates[i]` frames a second. `parts` says whether it
    is for training, validation or test; no subject is in two of them."""

    points: NDArray[np.int16]
    starts: NDArray[np.int64]
    rates: Array
    names: tuple[str, ...]
    parts: tuple[str, ...]

    def of_part(self, part: str) -> NDArray[np.int64]:
        """The takes of a part."""
        return np.flatnonzero(np.array(self.parts) == part)

    def save(self, path: Path) -> None:
        with written_beside(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                points=self.points,
                starts=self.starts,
                rates=self.rates,
                names=np.array(self.names),
                parts=np.array(self.parts),
            )

    @staticmethod
    def load(path: Path) -> PackedTakes:
        """Raises `MotionLiftError` (code `bad_training_data`) for a file of another kind."""
        try:
            stored = read_arrays(path)
            return PackedTakes(
                stored["points"],
                stored["starts"],
                stored["rates"],
                tuple(map(str, stored["names"])),
                tuple(map(str, stored["parts"])),
            )
        except UNREADABLE as error:
            raise MotionLiftError(
                "bad_training_data",
                f"{path} is not a packed training set: {error}.",
                "Give the folder of the BVH files itself.",
            ) from error


def joined(sets: Sequence[PackedTakes]) -> PackedTakes:
    """All takes of one or more sets."""
    firsts = np.cumsum([0, *(takes.starts[-1] for takes in sets)])
    starts = [takes.starts[:-1] + first for takes, first in zip(sets, firsts[:-1], strict=True)]
    return PackedTakes(
        np.concatenate([takes.points for takes in sets]),
        np.concatenate([*starts, firsts[-1:]]),
        np.concatenate([takes.rates for takes in sets]),
        tuple(name for takes in sets for name in takes.names),
        tuple(part for takes in sets for part in takes.parts),
    )


def load_takes(path: Path) -> PackedTakes:
    """A packed set, or what is usable of a folder of BVH files.

    Raises `MotionLiftError` (`no_training_data`) where there is neither, and as `PackedTakes.load` and `pack_folder`.
    """
    if not path.exists():
        raise MotionLiftError(
            "no_training_data", f"There is no {path}.", "Give a folder of BVH files, or a packed set."
        )
    return PackedTakes.load(path) if path.is_file() else pack_folder(path)


def nothing_to_learn(*paths: Path) -> MotionLiftError:
    """The error for takes that are all for validation or test."""
    return MotionLiftError(
        "no_training_data",
        f"No take of {', '.join(map(str, paths))} is for training.",
        "Give more of the library, or another split.json beside it.",
    )


def pack_folder(folder: Path) -> PackedTakes:
    """Every usable BVH file below `folder`; the others are skipped and listed in the log.

    Raises `MotionLiftError` (code `no_training_data`) when nothing is usable.
    """
    takes: list[Take] = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".bvh"):
        try:
            takes.extend(_without_glitches(read_take(path)))
        except MotionLiftError as error:
            log.warning("Skipped %s: %s", path.name, error.message)
    if not takes:
        raise MotionLiftError(
            "no_training_data", f"No usable BVH file below {folder}.", "See the log for why each was skipped."
        )
    log.info("Packed %d takes, %.1f minutes", len(takes), sum(len(t.points_world) / t.fps for t in takes) / 60)
    split = split_of(folder, [take.subject for take in takes])
    packed = []
    for take in takes:
        centre = take.points_world[:, 0].mean(0) * np.array([1.0, 1.0, 0.0])
        packed.append(np.clip(np.round((take.points_world - centre) / QUANTUM), -32767, 32767).astype(np.int16))
    return PackedTakes(
        np.concatenate(packed),
        np.cumsum([0] + [len(points) for points in packed]),
        np.array([take.fps for take in takes]),
        tuple(take.name for take in takes),
        tuple(split.get(take.subject, "train") for take in takes),
    )


def split_of(folder: Path, subjects: Sequence[str]) -> dict[str, str]:
    """The part of each subject: as the library's own `split.json` says, else every tenth subject validates.

    A library of one subject only trains. Raises `MotionLiftError` (`bad_training_data`) for a list of another form.
    """
    listed = folder / "split.json"
    if listed.is_file():
        try:
            parts = json.loads(listed.read_text(encoding="utf-8"))
            return {subject: part for part in PARTS for subject in parts[part]["subjects"]}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise MotionLiftError(
                "bad_training_data",
                f"{listed} does not say whose takes are for what ({type(error).__name__}: {error}).",
                'Write {"train": {"subjects": ["01"]}, ...}, and the same for validation and test, or remove it.',
            ) from error
    return {subject: "validation" if i % 10 == 4 else "train" for i, subject in enumerate(sorted(set(subjects)))}


def _without_glitches(take: Take) -> list[Take]:
    """The take cut where a joint moves faster than any limb does; pieces under half a second are dropped."""
    speed = np.linalg.norm(np.diff(take.points_world, axis=0), axis=-1).max(1) * take.fps
    cuts = np.flatnonzero(speed > MAX_SPEED) + 1
    pieces = np.split(take.points_world, cuts)
    return [Take(take.name, take.subject, take.fps, p) for p in pieces if len(p) >= take.fps / 2]
