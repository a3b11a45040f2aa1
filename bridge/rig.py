"""What a rig is to us: a tree of bones at rest, where its object stands, and what may be keyed.

Blender composes a pose from the rest matrices M and the matrices B that are keyed, down the tree:
`P_b = P_parent M_parent^-1 M_b B_b`. Only differences from rest matter to retargeting, so the modules here speak of a
bone's *turn* D: its pose rotation times its rest rotation inverted, the rotation that took it from rest to its pose,
in the axes of armature space. A bone that is not keyed moves with its parent: D_b = D_parent. What is keyed follows as
`B_b = R_b^-1 D_parent^-1 D_b R_b`, with R the rest rotation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.jobs import MotionLiftError
from ..core.rotation import IDENTITY, Array, Bools, conjugate, from_matrix, multiply, normalise, rotate

QUATERNION = "QUATERNION"
AXIS_ANGLE = "AXIS_ANGLE"
UNEVEN_SCALE = 0.01
"""By how much, of itself, an object's scale may differ between axes."""


@dataclass(frozen=True)
class Rig:
    """One armature. Armature space is its object's own; B bones, each after its parent.

    names, parents (B,), -1 for none; heads, tails (B, 3) in armature space; rotations (B, 4): the rest orientation in
    armature space. world (4, 4): the object's matrix. rotation_modes (B,): QUATERNION, AXIS_ANGLE or an Euler order
    in Blender's letters ("XYZ": X turns first). locked_location (B, 3), locked_rotation (B, 4; w, x, y, z); connected
    (B,): the head sticks to the parent's tail; inherits_rotation (B,); local_location (B,): locations are in the
    bone's own axes. `end_points` (B,): whether the tail means something (BVH joints with several children have none).
    """

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    heads: Array
    tails: Array
    rotations: Array
    world: Array
    rotation_modes: tuple[str, ...]
    locked_location: Bools
    locked_rotation: Bools
    connected: Bools
    inherits_rotation: Bools
    local_location: Bools
    end_points: Bools

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """The index of a bone. Raises `KeyError` for a name the rig does not have."""
        return self._indices[name]

    def __contains__(self, name: str) -> bool:
        return name in self._indices

    @cached_property
    def world_rotation(self) -> Array:
        """The object's rotation (4,)."""
        return from_matrix(normalise(self.world[:3, :3].T).T)

    @cached_property
    def world_scale(self) -> float:
        """Metres to a unit of armature space."""
        return float(np.cbrt(np.linalg.det(self.world[:3, :3])))

    def to_world(self, points: Array) -> Array:
        """Points (..., 3) of armature space in the world, metres."""
        moved: Array = points @ self.world[:3, :3].T + self.world[:3, 3]
        return moved

    def following(self, carriers: Mapping[str, str]) -> Rig:
        """The rig with some bones hung on others: what constraints of a control rig do to them.

        `carriers` names for a bone the one that it follows rigidly; names that are not in the rig are passed over.
        """
        parents = self.parents.copy()
        for name, carrier in carriers.items():
            if name in self and carrier in self:
                parents[self.index(name)] = self.index(carrier)
        return sorted_rig(replace(self, parents=parents))

    def to_json(self) -> dict[str, Any]:
        """Lists, of which `from_json` makes the same rig to the last bit."""
        return {field.name: np.asarray(getattr(self, field.name)).tolist() for field in fields(self)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Rig:
        """The inverse of `to_json`."""
        words = ("names", "rotation_modes")
        read: dict[str, Any] = {
            name: tuple(value) if name in words else np.array(value) for name, value in values.items()
        }
        return Rig(**read)

    def is_below(self, bone: int, ancestor: int) -> bool:
        """Whether `bone` hangs on `ancestor`, directly or not."""
        while bone >= 0:
            bone = int(self.parents[bone])
            if bone == ancestor:
                return True
        return False


def make_rig(
    names: Sequence[str],
    parents: Sequence[int] | NDArray[np.int64],
    heads: Array,
    tails: Array,
    rotations: Array | None = None,
    world: Array | None = None,
    end_points: Bools | None = None,
) -> Rig:
    """A rig of plain bones: quaternions, nothing locked, nothing connected. Raises as `checked_rig`."""
    count = len(names)
    return checked_rig(
        Rig(
            names=tuple(names),
            parents=np.asarray(parents, np.int64),
            heads=np.asarray(heads, float),
            tails=np.asarray(tails, float),
            rotations=np.broadcast_to(IDENTITY, (count, 4)) if rotations is None else rotations,
            world=np.eye(4) if world is None else np.asarray(world, float),
            rotation_modes=(QUATERNION,) * count,
            locked_location=np.zeros((count, 3), bool),
            locked_rotation=np.zeros((count, 4), bool),
            connected=np.zeros(count, bool),
            inherits_rotation=np.ones(count, bool),
            local_location=np.ones(count, bool),
            end_points=np.ones(count, bool) if end_points is None else end_points,
        )
    )


def checked_rig(rig: Rig) -> Rig:
    """The rig with its bones sorted, if we can animate it.

    Raises `MotionLiftError`: `no_bones`; `negative_scale`, `uneven_scale` or `no_scale` for what its object does.
    """
    if not len(rig):
        raise MotionLiftError("no_bones", "The armature has no bones.", "Choose another.")
    axes = rig.world[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not np.all(np.isfinite(rig.world)) or lengths.min() < 1e-9:
        raise MotionLiftError("no_scale", "The armature is scaled to nothing.", "Give its object a scale of 1.")
    if np.linalg.det(axes) < 0:
        raise MotionLiftError(
            "negative_scale",
            "The armature object has a negative scale, which mirrors the figure.",
            "Apply the scale first (Ctrl-A, Scale).",
        )
    if np.ptp(lengths) > UNEVEN_SCALE * lengths.max():
        raise MotionLiftError(
            "uneven_scale",
            f"The armature object is scaled unevenly ({', '.join(f'{length:.3g}' for length in lengths)}).",
            "Apply the scale first (Ctrl-A, Scale).",
        )
    return sorted_rig(rig)


def sorted_rig(rig: Rig) -> Rig:
    """The same rig with every bone after its parent. Raises `MotionLiftError` (`looped_bones`) for a loop."""
    if np.all(rig.parents < np.arange(len(rig))):
        return rig
    children: dict[int, list[int]] = {}
    for bone, parent in enumerate(rig.parents):
        children.setdefault(int(parent), []).append(bone)
    order: list[int] = []
    waiting = list(reversed(children.get(-1, [])))
    while waiting:
        bone = waiting.pop()
        order.append(bone)
        waiting.extend(reversed(children.get(bone, [])))
    if len(order) < len(rig):
        lost = ", ".join(rig.names[bone] for bone in range(len(rig)) if bone not in set(order))
        raise MotionLiftError("looped_bones", f"These bones hang on each other in a loop: {lost[:200]}.")
    place = np.full(len(rig) + 1, -1)
    place[order] = np.arange(len(rig))
    return Rig(
        names=tuple(rig.names[bone] for bone in order),
        parents=place[rig.parents[order]],
        heads=rig.heads[order],
        tails=rig.tails[order],
        rotations=rig.rotations[order],
        world=rig.world,
        rotation_modes=tuple(rig.rotation_modes[bone] for bone in order),
        locked_location=rig.locked_location[order],
        locked_rotation=rig.locked_rotation[order],
        connected=rig.connected[order],
        inherits_rotation=rig.inherits_rotation[order],
        local_location=rig.local_location[order],
        end_points=rig.end_points[order],
    )


def keyed_rotations(rig: Rig, bone: int, turn: Array, parent_turn: Array) -> Array:
    """What a bone's rotation (F, 4) must be keyed to, from turns (F, 4) of it and its parent in armature axes."""
    rest = rig.rotations[bone]
    relative = multiply(conjugate(parent_turn), turn) if rig.inherits_rotation[bone] else turn
    return multiply(multiply(conjugate(rest), relative), rest)


def keyed_locations(rig: Rig, bone: int, heads: Array, carried: Array, parent_turn: Array) -> Array:
    """What a bone's location (F, 3) must be keyed to, so that its head moves from `carried` to `heads` (F, 3).

    Both in armature space; `carried` is where its parent takes it.
    """
    return rotate(conjugate(location_axes(rig, bone, parent_turn)), heads - carried)


def location_axes(rig: Rig, bone: int, parent_turn: Array) -> Array:
    """The axes (F, 4) in armature space along which a bone's location is keyed: its own as its parent carries them,
    whether it inherits the rotation or not; without local location its parent's, or the armature's."""
    if rig.local_location[bone]:
        return multiply(parent_turn, rig.rotations[bone])
    parent = int(rig.parents[bone])
    return multiply(parent_turn, rig.rotations[parent]) if parent >= 0 else parent_turn


def pose_rig(
    rig: Rig, rotations: Mapping[int, Array], locations: Mapping[int, Array], frames: int
) -> tuple[Array, Array]:
    """The pose that keys make, as Blender composes it: heads (F, B, 3) and orientations (F, B, 4) in armature space.

    `rotations` and `locations` hold by bone what is keyed, (F, 4) and (F, 3); the others rest.
    """
    heads = np.empty((frames, len(rig), 3))
    orientations = np.empty((frames, len(rig), 4))
    for bone, parent in enumerate(rig.parents):
        rest = rig.rotations[bone]
        keyed = rotations.get(bone, IDENTITY)
        if parent < 0:
            frame, head = np.broadcast_to(rest, (frames, 4)), np.broadcast_to(rig.heads[bone], (frames, 3))
        else:
            parent_turn = multiply(orientations[:, parent], conjugate(rig.rotations[parent]))
            frame = multiply(parent_turn, rest) if rig.inherits_rotation[bone] else np.broadcast_to(rest, (frames, 4))
            head = heads[:, parent] + rotate(parent_turn, rig.heads[bone] - rig.heads[parent])
        if bone in locations:
            turn = np.broadcast_to(IDENTITY, (frames, 4)) if parent < 0 else parent_turn
            head = head + rotate(location_axes(rig, bone, turn), locations[bone])
        heads[:, bone] = head
        orientations[:, bone] = multiply(frame, keyed)
    return heads, orientations
