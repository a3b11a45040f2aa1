"""A rig's pose on the stage while it is being made: turns by bone, and where the bones are that they put."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..core.rotation import IDENTITY, Array, multiply, rotate
from .rig import Rig
from .tpose import Stage


class Pose:
    """The pose of a rig in F frames, on the stage (see `rig.py` for what a turn is; here in the stage's axes).

    `turns` and `heads` hold by bone what was set: turns (F, 4), and heads (F, 3) m of bones that go their own way.
    Everything else moves with its parent.
    """

    def __init__(self, rig: Rig, stage: Stage, frames: int, keep: Iterable[int]) -> None:
        """`keep`: the bones that will be set or asked for; only they and their ancestors are worked out."""
        self.rig = rig
        self.stage = stage
        self.frames = frames
        self.turns: dict[int, Array] = {}
        self.heads: dict[int, Array] = {}
        self._order = _with_ancestors(rig.parents, keep)

    def carried(self, bone: int, turns: dict[int, Array], heads: dict[int, Array]) -> tuple[Array, Array]:
        """Where a bone's parent takes it: its turn and its head, from the finished ones of `evaluate`."""
        parent = int(self.rig.parents[bone])
        if parent < 0:
            return (
                np.broadcast_to(IDENTITY, (self.frames, 4)),
                np.broadcast_to(self.stage.heads[bone], (self.frames, 3)),
            )
        offset = self.stage.heads[bone] - self.stage.heads[parent]
        return turns[parent], heads[parent] + rotate(turns[parent], offset)

    def evaluate(self) -> tuple[dict[int, Array], dict[int, Array]]:
        """Turns (F, 4) and heads (F, 3) by bone, of the bones that were asked for and their ancestors."""
        turns: dict[int, Array] = {}
        heads: dict[int, Array] = {}
        for bone in self._order:
            turn, head = self.carried(bone, turns, heads)
            if not self.rig.inherits_rotation[bone]:
                turn = np.broadcast_to(IDENTITY, (self.frames, 4))
            turns[bone] = self.turns.get(bone, turn)
            heads[bone] = self.heads.get(bone, head)
        return turns, heads

    def point(self, bone: int, rest_point: Array) -> Array:
        """Where a point (3,) that moves with a bone is (F, 3); it lies at `rest_point` on the stage at rest."""
        turns, heads = self.evaluate()
        return heads[bone] + rotate(turns[bone], rest_point - self.stage.heads[bone])

    def turn_more(self, bones: Iterable[int], change: Array) -> None:
        """Turn bones further by `change` (F, 4), about the stage's axes."""
        for bone in bones:
            if bone in self.turns:
                self.turns[bone] = multiply(change, self.turns[bone])

    def move(self, way: Array) -> None:
        """Move every bone that goes its own way by `way` (F, 3)."""
        for bone in self.heads:
            self.heads[bone] = self.heads[bone] + way


def _with_ancestors(parents: NDArray[np.int64], bones: Iterable[int]) -> list[int]:
    wanted: set[int] = set()
    for start in bones:
        bone = start
        while bone >= 0 and bone not in wanted:
            wanted.add(bone)
            bone = int(parents[bone])
    return sorted(wanted)
