"""Gaps in which nobody was seen."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    forward_kinematics,
    from_rotation_vector,
    local_from_world,
)
from motionlift.core.skeleton import ANIMATION_21
from motionlift.core.solving.gaps import MOMENT_S, bridged, long_gaps

FPS = 30.0
TIMES = np.arange(90) / FPS


def world_of(local: Array) -> Array:
    frames = local.shape[0]
    offsets, root = np.zeros((len(ANIMATION_21), 3)), np.zeros((frames, 3))
    return forward_kinematics(ANIMATION_21.parents, offsets, root, local)[1]


@pytest.fixture
def rotations() -> Array:
    """Poses that have nothing to do with each other."""
    rng = np.random.default_rng(3)
    return world_of(from_rotation_vector(rng.normal(size=(len(TIMES), len(ANIMATION_21), 3))))


def test_only_long_gaps_between_what_is_seen_count() -> None:
    seen = np.ones(len(TIMES), bool)
    moment = round(MOMENT_S * FPS)
    seen[:10] = seen[20 : 20 + moment - 2] = seen[40:60] = seen[80:] = False
    assert long_gaps(seen, TIMES) == [(40, 60)]
    assert long_gaps(np.ones(len(TIMES), bool), TIMES) == []
    assert long_gaps(np.zeros(len(TIMES), bool), TIMES) == []


def test_what_is_seen_stays_and_gaps_lead_from_side_to_side(rotations: Array) -> None:
    found = bridged(rotations, [(40, 60)], TIMES)
    outside = np.r_[0:40, 60 : len(TIMES)]
    assert np.array_equal(found[outside], rotations[outside])
    local = local_from_world(ANIMATION_21.parents, found[39:61])
    whole = angle_between(local[0], local[-1])
    steps = angle_between(local[1:], local[:-1])
    # The short way, in one direction, fastest in the middle.
    assert steps.sum(0) == pytest.approx(whole)
    assert (steps[10] > 2 * steps[0]).all()
    assert (steps[10] > 2 * steps[-1]).all()
    assert np.array_equal(bridged(rotations, [], TIMES), rotations)


def test_a_hinge_stays_a_hinge() -> None:
    knee = ANIMATION_21.index("left_knee")
    local = np.tile(IDENTITY, (len(TIMES), len(ANIMATION_21), 1))
    local[:, 0] = from_rotation_vector(np.linspace([0.0, 0.0, 0.0], [2.0, 0.5, 1.0], len(TIMES)))
    local[:, knee] = from_rotation_vector(np.linspace([0.2, 0.0, 0.0], [1.9, 0.0, 0.0], len(TIMES)))
    found = local_from_world(ANIMATION_21.parents, bridged(world_of(local), [(5, 85)], TIMES))[:, knee]
    assert np.abs(found[:, 2:]).max() < 1e-9
    bend = 2 * np.arctan2(found[:, 1], found[:, 0])
    assert (np.diff(bend) > 0).all()
    assert bend[[0, -1]] == pytest.approx([0.2, 1.9])
