"""From a pose on the stage to what is keyed on the rig."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..core.rotation import (
    IDENTITY,
    Array,
    conjugate,
    continuous,
    multiply,
    rotate,
)
from .channels import PROPERTIES, nearest_angles, rotations_of
from .posing import Pose
from .rig import Rig, keyed_locations, keyed_rotations
from .tpose import UP, Stage

FELT = 1e-3
"""Metres: what is lost to a lock is told from here on."""


@dataclass(frozen=True)
class Ground:
    """Where the stage lies in the world: turned by `back` (4,), then moved by `shift` (3,) m."""

    rig: Rig
    stage: Stage
    back: Array
    shift: Array

    @staticmethod
    def of(rig: Rig, stage: Stage, as_filmed: bool) -> Ground:
        """As filmed the stage is the world itself, elsewhere it is the world turned and moved under the rig."""
        if as_filmed:
            return Ground(rig, stage, IDENTITY, np.zeros(3))
        back = conjugate(stage.world_turn)
        return Ground(rig, stage, back, -rotate(back, stage.origin) + rig.world[:3, 3])

    def laid(self, turn: Array, height: float) -> Ground:
        """The stage tilted about its origin by `turn` (4,), in its own axes, and raised by `height` m."""
        return replace(self, back=multiply(self.back, turn), shift=self.shift + rotate(self.back, height * UP))

    def to_armature(self, points: Array) -> Array:
        """Points (..., 3) of the stage in armature space."""
        world = rotate(self.back, points) + self.shift
        return rotate(conjugate(self.rig.world_rotation), world - self.rig.world[:3, 3]) / self.rig.world_scale

    def in_armature(self, turn: Array) -> Array:
        """A turn (..., 4) of the stage's figure as one from the armature's rest."""
        armature_turn = multiply(conjugate(self.rig.world_rotation), self.back)
        return multiply(multiply(armature_turn, turn), self.stage.turn)

    def on_stage(self, turn: Array) -> Array:
        """The inverse of `in_armature`."""
        armature_turn = multiply(conjugate(self.rig.world_rotation), self.back)
        return multiply(multiply(conjugate(armature_turn), turn), conjugate(self.stage.turn))


def keyed(pose: Pose, ground: Ground) -> tuple[dict[int, Array], dict[int, Array], list[str]]:
    """What to key of the bones that `pose` sets: rotations (F, 4) and locations (F, 3) by bone, as `Retargeted` has
    them; and what cannot be keyed, in words. The pose is put within the rig's locks."""
    rig = pose.rig
    _settle_locks(pose, ground)
    turns, heads = pose.evaluate()
    rotations: dict[int, Array] = {}
    locations: dict[int, Array] = {}
    notes: list[str] = []
    none = np.broadcast_to(IDENTITY, (pose.frames, 4))
    for bone in sorted({*pose.turns, *pose.heads}):
        parent = int(rig.parents[bone])
        still = _still(pose, bone)
        parent_turn = none if parent < 0 or still else ground.in_armature(turns[parent])
        if bone in pose.turns:
            turned = keyed_rotations(rig, bone, ground.in_armature(turns[bone]), parent_turn)
            if not rig.locked_rotation[bone, 1:].all():
                rotations[bone] = continuous(turned)
        if bone in pose.heads:
            if rig.connected[bone] and parent >= 0:
                notes.append(f"{rig.names[bone]} is connected to its parent and cannot travel.")
                continue
            if still or parent < 0:
                carried = np.broadcast_to(rig.heads[bone], (pose.frames, 3))
            else:
                offset = rig.heads[bone] - rig.heads[parent]
                carried = ground.to_armature(heads[parent]) + rotate(parent_turn, offset)
            found = keyed_locations(rig, bone, ground.to_armature(heads[bone]), carried, parent_turn)
            lost = rig.locked_location[bone] & (np.abs(found).max(0) * rig.world_scale > FELT)
            if lost.any():
                notes.append(location_locked(rig.names[bone], lost))
            locations[bone] = found
    return rotations, locations, notes


def location_locked(name: str, axes: Iterable[bool]) -> str:
    """That something called `name` cannot go along some of its `axes`, X, Y and Z, in words."""
    locked = ", ".join(letter for letter, lock in zip("XYZ", axes, strict=True) if lock)
    return f"Location {locked} of {name} is locked, so it does not travel there."


def _still(pose: Pose, bone: int) -> bool:
    """Whether nothing above a bone is keyed: its parent rests in armature space."""
    at = int(pose.rig.parents[bone])
    while at >= 0:
        if at in pose.turns or at in pose.heads:
            return False
        at = int(pose.rig.parents[at])
    return True


def _settle_locks(pose: Pose, ground: Ground) -> None:
    """Turn bones with locks as far as those let them; the bones on them still turn as they should, and make up for
    it."""
    rig = pose.rig
    for bone in sorted(pose.turns):
        if not rig.locked_rotation[bone, 1:].any():
            continue
        rest, parent_turn = rig.rotations[bone], _parent_turn(pose, ground, bone)
        turned = _within_locks(rig, bone, keyed_rotations(rig, bone, ground.in_armature(pose.turns[bone]), parent_turn))
        relative = multiply(multiply(rest, turned), conjugate(rest))
        settled = multiply(parent_turn, relative) if rig.inherits_rotation[bone] else relative
        pose.turns[bone] = ground.on_stage(settled)


def _parent_turn(pose: Pose, ground: Ground, bone: int) -> Array:
    """What a bone's parent turns it by in armature space (F, 4): the turn of what is above it and set, which bones
    between pass on."""
    rig, at = pose.rig, int(pose.rig.parents[bone])
    while at >= 0 and at not in pose.turns and rig.inherits_rotation[at]:
        at = int(rig.parents[at])
    none = np.broadcast_to(IDENTITY, (pose.frames, 4))
    return ground.in_armature(pose.turns[at]) if at in pose.turns else none


def _within_locks(rig: Rig, bone: int, keyed: Array) -> Array:
    """The rotation (F, 4) nearest to `keyed` that the bone's locks allow.

    Locks of x, y and z on a bone of quaternions mean Euler angles, as Blender's own tools take them; those of single
    numbers of a quaternion leave it as it is.
    """
    locked, mode = rig.locked_rotation[bone], rig.rotation_modes[bone]
    if mode in PROPERTIES and locked[0] and not locked[1:].all():
        return keyed
    order = "XYZ" if mode in PROPERTIES else mode
    return rotations_of(nearest_angles(continuous(keyed), order, locked[1:]), order)
