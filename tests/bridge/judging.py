"""What retargeting made of a motion, seen in the world and compared to the motion; and the rigs it is tried on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from motionlift.bridge import planting
from motionlift.bridge.humanoid import FINGERS, SIDES, RigMap
from motionlift.bridge.match import with_preset
from motionlift.bridge.posing import Pose
from motionlift.bridge.preset_files import load_presets
from motionlift.bridge.retarget import Retargeted, RetargetOptions
from motionlift.bridge.rig import Rig, make_rig, pose_rig
from motionlift.bridge.source import place, placement_of, rest_across, rest_directions
from motionlift.bridge.tpose import FRONT, UP, alignments, role_ends, stand
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, Bools, angle_between, conjugate, from_matrix, multiply, normalise, rotate

from .conftest import A_POSE, FORWARD, T_POSE, Build

FREE = RetargetOptions(plant_feet=False)
BUILDS = [
    A_POSE,
    T_POSE,
    FORWARD,
    Build(1, legs=0.6, thigh_share=0.45, arms=1.2, arms_down=55, arm_roll=20, palm_roll=-40, turned=True),
    Build(2, legs=1.6, thigh_share=0.56, arms=0.8, arms_down=30, arm_roll=-25, palm_roll=35, any_axes=True),
    Build(3, legs=0.8, thigh_share=0.55, arms_down=70, elbow=25, toes_out=20, turned=True, any_axes=True),
    Build(4, legs=1.25, thigh_share=0.47, arms_down=-10, arms_forward=30, floor=-0.9),
]
FAMILIES = sorted(load_presets())
RIGS = [(family, BUILDS[(number + turn) % len(BUILDS)]) for number, family in enumerate(FAMILIES) for turn in (0, 3)]
RIGS += [("mixamo", build) for build in BUILDS]
"""Every family in two rest poses, one in all."""
BENT_DEGREES = 15.0
"""Elbows bent by more at rest say in which plane they bend."""


class Judged:
    """The pose that keys make on a rig, in the world, and how it compares to the source."""

    def __init__(self, motion: Motion, done: Retargeted) -> None:
        self.motion, self.done, self.rig, self.bones = motion, done, done.rig, done.bones
        self.heads, self.orientations = pose_rig(done.rig, done.rotations, done.locations, len(motion))
        similarity = done.world_from_motion[:3, :3]
        self.turn = from_matrix(similarity / np.cbrt(np.linalg.det(similarity)))
        self.stage = stand(self.rig, self.bones)
        self.ends = role_ends(self.rig, self.stage, self.bones)

    def moved(self, bone: int, rest_point_stage: Array) -> Array:
        """Where a point that moves with a bone is in the world (F, 3)."""
        turn = multiply(self.orientations[:, bone], conjugate(self.rig.rotations[bone]))
        offset = self.stage.to_armature(rest_point_stage) - self.rig.heads[bone]
        return self.rig.to_world(self.heads[:, bone] + rotate(turn, offset))

    def direction(self, role: str) -> Array:
        start = self.rig.to_world(self.heads[:, self.bones[role][0]])
        return normalise(self.moved(self.bones[role][-1], self.ends[role]) - start)

    def wanted(self, role: str, following: str) -> Array:
        joints = self.motion.joint_positions
        way = joints[:, self.motion.joint(following)] - joints[:, self.motion.joint(role)]
        return normalise(rotate(self.turn, way))

    def direction_error(self) -> float:
        """Degrees, the worst of all limbs and frames."""
        worst = 0.0
        for side in SIDES:
            for role, following in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")):
                if f"{side}_{role}" in self.ends:
                    seen, wanted = (
                        self.direction(f"{side}_{role}"),
                        self.wanted(f"{side}_{role}", f"{side}_{following}"),
                    )
                    worst = max(worst, float(np.degrees(np.max(_angle(seen, wanted)))))
        return worst

    def axis_error(self, role: str, axis_stage: Array, axis_source: Array) -> float:
        """Degrees between an axis that a bone has at rest on the stage, and the source's axis in the T-pose."""
        bone = self.bones[role][-1]
        turn = multiply(self.orientations[:, bone], conjugate(self.rig.rotations[bone]))
        seen = rotate(self.rig.world_rotation, rotate(turn, rotate(conjugate(self.stage.turn), axis_stage)))
        source = rotate(self.turn, rotate(self.motion.world_rotations()[:, self.motion.joint(role)], axis_source))
        return float(np.degrees(np.max(_angle(seen, source))))

    def facing_errors(self, rig_map: RigMap) -> dict[str, float]:
        """Degrees by what was looked at: knuckles across each palm, soles' up and feet's heading, and the hinges of
        elbows that are clearly bent at rest."""
        heads = self.stage.heads
        at = {role: heads[self.rig.index(names[0])] for role, names in rig_map.bones.items()}
        errors = {}
        for side, sign in (("left", 1.0), ("right", -1.0)):
            index, pinky, wrist, ankle, toe = (
                f"{side}_{part}" for part in ("index_1", "pinky_1", "wrist", "ankle", "toe")
            )
            if index in at and pinky in at and wrist in self.bones:
                # The palm's normal: nobody's knuckles stand quite square to the hand.
                knuckles = [at[f"{side}_{finger}_1"] for finger in FINGERS[1:] if f"{side}_{finger}_1" in at]
                palm = normalise(np.cross(at[index] - at[pinky], np.mean(knuckles, 0) - at[wrist]))
                along = rest_directions(self.motion)[wrist]
                across = rest_across(self.motion).get(wrist, FRONT)
                errors[wrist] = self.axis_error(wrist, palm, normalise(np.cross(across, along)))
            if ankle in self.bones:
                errors[f"{ankle} up"] = self.axis_error(ankle, UP, UP)
                if toe in at:
                    heading = normalise((at[toe] - at[ankle]) * [1, 1, 0])
                    errors[ankle] = self.axis_error(ankle, heading, FRONT)
            if all(f"{side}_{part}" in self.bones for part in ("shoulder", "elbow", "wrist")):
                upper, lower = (
                    normalise(at[f"{side}_{b}"] - at[f"{side}_{a}"])
                    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"))
                )
                if upper @ lower < np.cos(np.radians(BENT_DEGREES)):
                    hinge = normalise(np.cross(upper, lower))
                    errors[f"{side}_shoulder"] = self.axis_error(f"{side}_shoulder", hinge, -sign * UP)
        return errors

    def slide(self) -> float:
        """The most metres a frame that a contact point moves while it holds."""
        ways = [np.linalg.norm(np.diff(path, axis=0), axis=-1)[h[1:] & h[:-1]] for path, h in self.contacts()]
        return max((float(way.max(initial=0.0)) for way in ways), default=0.0)

    def jump(self) -> float:
        """Degrees a frame that the fastest mapped bone turns in the world."""
        mapped = [bone for chain in self.bones.values() for bone in chain if bone in self.done.rotations]
        return float(np.degrees(np.max(angle_between(self.orientations[1:, mapped], self.orientations[:-1, mapped]))))

    def contacts(self) -> list[tuple[Array, Bools]]:
        """For each contact its point's path (F, 3) m in the world, and where it holds (F,)."""
        source = place(self.motion, placement_of(self.motion, False))
        aligned = alignments(self.rig, self.stage, self.bones, rest_directions(self.motion), rest_across(self.motion))
        pose = Pose(self.rig, self.stage, len(self.motion), [])
        scale = float(np.cbrt(np.linalg.det(self.done.world_from_motion[:3, :3])))
        result = []
        for side in SIDES:
            for touch in planting.foot_touches(pose, self.bones, aligned, source, side, scale):
                bone = self.bones[f"{side}_toe" if touch.on_tip else f"{side}_ankle"][0]
                result.append((self.moved(bone, self.stage.heads[bone] + touch.offset), touch.holds))
        return result

    def height(self, points: Array) -> Array:
        """Of points (F, 3) in the world above the floor under the rig."""
        floor = self.rig.to_world(self.stage.to_armature(np.zeros(3)))
        height: Array = (points - floor) @ rotate(conjugate(self.stage.world_turn), UP)
        return height


def _angle(a: Array, b: Array) -> Array:
    angle: Array = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, -1))
    return angle


def source_jump(motion: Motion) -> float:
    turns = motion.world_rotations()
    return float(np.degrees(np.max(angle_between(turns[1:], turns[:-1]))))


def own_rig(motion: Motion) -> tuple[Rig, RigMap]:
    rest = planting.rest_joints(motion)
    rig = make_rig(motion.joint_names, motion.parents, rest, rest + motion.rest_tails)
    return rig, with_preset(rig, load_presets()["motionlift"]).rig_map


def picked(motion: Motion, frames: Iterable[int] | NDArray[np.int64]) -> Motion:
    """The motion of some of its frames, one after the other at its rate."""
    frames = np.asarray(frames if isinstance(frames, np.ndarray) else list(frames))
    fields = {
        field.name: getattr(motion, field.name)[frames]
        for field in dataclasses.fields(motion)
        if isinstance(getattr(motion, field.name), np.ndarray) and len(getattr(motion, field.name)) == len(motion)
    }
    return dataclasses.replace(motion, **(fields | {"times": np.arange(len(frames)) / motion.fps}))
