"""How far the directions are off that bones are lifted to, by bone and axis: what the solve trusts more, and what less.

`bone_errors.json` is measured by `evaluation.bone_errors` on films of people who took no part in training.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..rotation import Array
from ..skeleton import BODY_26

WITHIN = 68.27
"""The percentage of errors within a spread: one standard deviation, were they normal. How far others are off does not
count."""


@dataclass(frozen=True)
class BoneErrors:
    """`spread` (26, 3): of the unit vector to each point from its parent, along the camera's x, y and z; sides alike.
    The first point has no bone: zero."""

    spread: Array

    @staticmethod
    def of(differences: Array) -> BoneErrors:
        """Of `unit_bones` lifted less those that are true (N, 26, 3)."""
        mirrored = differences[:, BODY_26.mirror]
        return BoneErrors(np.percentile(np.abs(np.concatenate([differences, mirrored])), WITHIN, axis=0))

    @staticmethod
    def load(path: Path) -> BoneErrors:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return BoneErrors(np.array([stored.get(name, (0.0, 0.0, 0.0)) for name in BODY_26.joints]))

    def text(self) -> str:
        """As `load` reads it."""
        bones = {name: self.spread[i].round(3).tolist() for i, name in enumerate(BODY_26.joints) if i}
        return json.dumps(bones, indent=1) + "\n"

    def relative(self) -> Array:
        """(26, 3): of each bone to the mean of all, axis by axis; 1 for the first point."""
        mean = np.sqrt((self.spread[1:] ** 2).mean(0))
        return np.concatenate([np.ones((1, 3)), self.spread[1:] / mean])


@functools.cache
def measured() -> BoneErrors:
    """Those of the weights that come along."""
    return BoneErrors.load(Path(__file__).with_name("bone_errors.json"))


def unit_bones(points: Array) -> Array:
    """The directions (N, 26, 3) from each point's parent to it, of `BODY_26` points (N, 26, 3)."""
    bones = points - points[:, BODY_26.bone_starts]
    directions: Array = bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
    return directions
