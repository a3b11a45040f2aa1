"""BVH files whose zero pose nobody ever stood in.

A BVH's rest pose is all angles at zero, and retargeting takes it for a T-pose or something near. Some programs write
every bone along one axis there, legs up beside the spine, or a figure that lies until the root's angles raise it. What
such a file's joints do in its frames is as good as any other's: the frames in which the figure stands best give it a
rest pose, and its clip is written anew from there, every joint where it was.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..core.bvh import BvhClip, joint_rotations, local_translations
from ..core.jobs import MotionLiftError
from ..core.rotation import (
    Array,
    conjugate,
    forward_kinematics,
    from_matrix,
    minimal_rotation,
    multiply,
    normalise,
    rotate,
)
from .bvh_turns import rested_bvh
from .humanoid import SIDES, RigMap
from .rig import Rig
from .tpose import LEFT, UP, Bones, Stage, bones_of, stand

LEG_DOWN, ARM_OUT = 0.5, -0.5
"""At rest: the cosines that legs have at least with down, and arms with their own side; these may hang."""
UPRIGHT = 0.7
"""The least cosine with up that head, thighs and shins have in a frame in which a figure stands."""
STANDING_SHARE = 0.3
"""Of the frames, how many are taken for standing: what differs between them (steps, arms) cancels out."""
MOST_LOOKED_AT = 2000
FILE_UP: Array = np.array([0.0, 1.0, 0.0])


@dataclasses.dataclass(frozen=True)
class Stood:
    """A clip whose zero pose stands, and how its joints were turned at zero (J, 4) to make it do so, if they were."""

    clip: BvhClip
    turns: Array | None = None

    def as_it_was(self, clip: BvhClip) -> BvhClip:
        """A clip of the hierarchy that stands with the zero pose of the file again."""
        return clip if self.turns is None else rested_bvh(clip, conjugate(self.turns))


def stood(clip: BvhClip, rig: Rig, rig_map: RigMap) -> Stood:
    """`clip`, of which `rig` was made, with a zero pose that stands upright.

    Raises `MotionLiftError` (`no_t_pose`) where the file's own does not, and the figure stands in none of its frames.
    """
    bones = bones_of(rig, rig_map)
    if any(f"{side}_{part}" not in bones for side in SIDES for part in ("hip", "knee", "ankle")):
        return Stood(clip)
    stage = stand(rig, bones)
    at_rest = rotate(conjugate(stage.world_turn), UP)
    if _stands(stage, bones):
        if abs(at_rest @ FILE_UP) > 0.5 or not len(clip):
            return Stood(clip)
        seen = _Seen(clip, rig, bones)
        # It may lie at zero, and its root raise it; or somebody lies, who then does not go up and down.
        leg = np.median(np.linalg.norm(seen.at("left_hip") - seen.at("left_ankle"), axis=-1))
        if np.percentile(seen.trunk() @ FILE_UP, 25) < UPRIGHT or np.ptp(seen.between("hip") @ at_rest) < leg:
            return Stood(clip)
        raised = np.tile(minimal_rotation(at_rest, FILE_UP), (len(clip.names), 1))
        return Stood(rested_bvh(clip, raised), raised)
    turns = _turns_to_stand(_Seen(clip, rig, bones)) if len(clip) else None
    if turns is None:
        raise MotionLiftError(
            "no_t_pose",
            "The file's zero pose is no T-pose (nobody stands with limbs that lie so), and in none of its frames does "
            "the figure stand upright.",
            "Export it with a T-pose at zero, or with a frame in which the figure stands.",
        )
    return Stood(rested_bvh(clip, turns), turns)


def _stands(stage: Stage, bones: Bones) -> bool:
    """Whether legs point down and arms do not point through the body."""

    def way(first: str, last: str) -> Array:
        return np.asarray(normalise(stage.heads[bones[last][0]] - stage.heads[bones[first][0]]))

    for side, out in zip(SIDES, (LEFT, -LEFT), strict=True):
        if way(f"{side}_hip", f"{side}_ankle") @ -UP < LEG_DOWN:
            return False
        hand = next((f"{side}_{part}" for part in ("wrist", "elbow") if f"{side}_{part}" in bones), "")
        if hand and f"{side}_shoulder" in bones and way(f"{side}_shoulder", hand) @ out < ARM_OUT:
            return False
    return True


class _Seen:
    """Where joints are, (F, 3) in the file's axes, and how they are turned from zero (F, J, 4), in frames from all over
    a clip."""

    def __init__(self, clip: BvhClip, rig: Rig, bones: Bones) -> None:
        frames = np.unique(np.linspace(0, len(clip) - 1, min(len(clip), MOST_LOOKED_AT)).astype(int))
        clip = dataclasses.replace(clip, values=clip.values[frames])
        local = local_translations(clip)
        self.positions, self.turns = forward_kinematics(clip.parents, local, local[:, 0], joint_rotations(clip))
        self.joints = {role: clip.names.index(rig.names[chain[0]]) for role, chain in bones.items()}

    def at(self, role: str) -> Array:
        return np.asarray(self.positions[:, self.joints[role]])

    def between(self, part: str) -> Array:
        return 0.5 * (self.at(f"left_{part}") + self.at(f"right_{part}"))

    def across(self, part: str) -> Array:
        return normalise(self.at(f"left_{part}") - self.at(f"right_{part}"))

    def trunk(self) -> Array:
        """The way (F, 3) from the hips to the highest joint that is known."""
        top = next((role for role in ("head", "neck", "spine") if role in self.joints), "")
        return normalise((self.at(top) if top else self.between("shoulder")) - self.between("hip"))


def _turns_to_stand(seen: _Seen) -> Array | None:
    """How each joint is turned from zero (J, 4) where the figure stands, facing the front; None where it never does."""
    up = _up_of(seen)
    limbs = [(f"{side}_{upper}", f"{side}_{lower}") for side in SIDES
             for upper, lower in (("hip", "knee"), ("knee", "ankle"))]  # fmt: skip
    ways = [seen.trunk(), *(normalise(seen.at(upper) - seen.at(lower)) for upper, lower in limbs)]
    upright = np.min([way @ up for way in ways], axis=0)
    best = np.argsort(-upright)[: max(1, int(STANDING_SHARE * len(upright)))]
    best = best[upright[best] > UPRIGHT]
    if not len(best):
        return None
    left = seen.across("hip") + (seen.across("shoulder") if "left_shoulder" in seen.joints else 0.0)
    headings = _facing(left[best], up)
    turns = _mean(multiply(conjugate(headings)[:, None], seen.turns[best]))
    side = np.array([0.0, 1.0, 0.0]) if up[0] else LEFT
    return np.asarray(multiply(_facing(side[None], up), turns))


def _up_of(seen: _Seen) -> Array:
    """The file's axis (3,) along which the figure mostly stands; Y where it stands along none."""
    middle = np.median(seen.trunk() + normalise(seen.between("hip") - seen.between("ankle")), axis=0) / 2
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    nearest: Array = axes[np.argmax(axes @ middle)]
    return nearest if float(nearest @ middle) > UPRIGHT else FILE_UP


def _facing(left: Array, up: Array) -> Array:
    """The turns (F, 4) that take the stage's left and up onto `left` (F, 3), as far as it is level, and `up` (3,)."""
    level = normalise(left - up * (left @ up)[:, None])
    return from_matrix(np.stack([level, np.cross(up, level), np.broadcast_to(up, level.shape)], -1))


def _mean(turns: Array) -> Array:
    """The mean (J, 4) of rotations (F, J, 4): the eigenvector of Markley et al., "Averaging Quaternions" (2007)."""
    return np.asarray(np.linalg.eigh(np.einsum("fji,fjk->jik", turns, turns))[1][..., -1])
