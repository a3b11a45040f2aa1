"""Takes to train on: made here, and from the mocap library where it lies beside the repository."""

from pathlib import Path

import numpy as np
import pytest

from motionlift.core.rotation import IDENTITY, Array, forward_kinematics, from_euler
from motionlift.core.skeleton import ANIMATION_21, body_points, reference_rest
from motionlift.core.training.mocap import QUANTUM, PackedTakes, read_take

LIBRARY = Path(__file__).parents[4] / "shared" / "data" / "mocap"


@pytest.fixture(scope="session")
def takes() -> PackedTakes:
    """Two takes a part of a figure that swings its limbs at random."""
    rng = np.random.default_rng(0)
    points, starts = [], [0]
    for _ in range(4):
        times = np.arange(90) / 30
        local = np.tile(IDENTITY, (90, len(ANIMATION_21), 1))
        for joint in ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee", "right_knee", "pelvis"):
            swing = (
                rng.uniform(-0.6, 0.6, 3) * np.sin(2 * np.pi * rng.uniform(0.3, 1) * times + rng.uniform(0, 6))[:, None]
            )
            local[:, ANIMATION_21.index(joint)] = from_euler(swing, "XYZ")
        offsets = reference_rest()[0]
        root = offsets[0] + np.stack([times, 0 * times, 0 * times], 1)
        joints, world = forward_kinematics(ANIMATION_21.parents, offsets, root, local)
        points.append(np.round(body_points(joints, world, offsets) / QUANTUM).astype(np.int16))
        starts.append(starts[-1] + 90)
    parts = ("train", "train", "validation", "validation")
    return PackedTakes(np.concatenate(points), np.array(starts), np.full(4, 30.0), ("a", "b", "c", "d"), parts)


@pytest.fixture(scope="session")
def mocap_walk() -> Array:
    """`BODY_26` points of a recorded walk."""
    path = LIBRARY / "35" / "35_01.bvh"
    if not path.is_file():
        pytest.skip("the mocap library is not here")
    return read_take(path).points_world
