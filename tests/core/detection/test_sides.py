"""Exchanged sides are found and undone; what is right is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.detection.sides import GROUPS, exchange, exchanged
from motionlift.core.rotation import Array, Bools

Landmarks = Callable[..., tuple[Array, Array]]
Walker = Callable[..., Array]


def found(times: Array, pixels: Array, world: Array) -> Bools:
    return exchanged(times, pixels, world, np.full(pixels.shape[:2], 0.9), np.full(len(times), 340.0))


def marked(frames: int, start: int, stop: int, *groups: str) -> Bools:
    truth = np.zeros((frames, len(GROUPS)), bool)
    truth[start:stop, [GROUPS.index(group) for group in groups]] = True
    return truth


@pytest.mark.parametrize("rate", [24, 30, 60, 120])
@pytest.mark.parametrize("yaw", [0.0, 0.8, np.pi / 2, np.pi])
def test_a_walk_is_left_alone(landmarks_of: Landmarks, walker: Walker, rate: int, yaw: float) -> None:
    times = np.arange(3 * rate) / rate
    assert not found(times, *landmarks_of(walker(times), yaw, noise=0.015)).any()


@pytest.mark.parametrize("turn", [1.0, 4.0, -9.0])
def test_a_turning_person_is_left_alone(landmarks_of: Landmarks, walker: Walker, turn: float) -> None:
    times = np.arange(120) / 30
    assert not found(times, *landmarks_of(walker(times, turn), 0.3, noise=0.015)).any()


@pytest.mark.parametrize("turn", [0.0, 1.5])
@pytest.mark.parametrize("rate", [25, 60])
def test_an_exchanged_body_is_put_right(landmarks_of: Landmarks, walker: Walker, turn: float, rate: int) -> None:
    times = np.arange(4 * rate) / rate
    pixels, world = landmarks_of(walker(times, turn), 0.4, noise=0.015)
    truth = marked(len(times), rate, 2 * rate, *GROUPS)
    groups = found(times, exchange(pixels, truth), exchange(world, truth))
    np.testing.assert_array_equal(groups, truth)


def test_a_detector_that_makes_up_its_mind_is_put_right(landmarks_of: Landmarks, walker: Walker) -> None:
    """Before and after an exchange landmarks lie between the two sides, as far as on a film of a man on a beam."""
    times = np.arange(180) / 60
    pixels, world = landmarks_of(walker(times), 0.2, noise=0.01)
    share = marked(180, 60, 86, *GROUPS).astype(float)
    share[60:65] = np.transpose(
        [[0.70, 0.93, 0.74, 0.54, 0.90], [0.87, 0.97, 0.60, 0.39, 0.94], [0.03, 0.18, 0, 0, 0.36]]
    )
    share[86:95] = np.transpose(
        [
            [0.16, 0.58, 0.15, 0.33, 0.76, 0.88, 0.77, 0.85, 0.15],
            [0.09, 0.76, 0.10, 0.35, 0.86, 0.94, 0.61, 0.87, 0.10],
            [0.16, 0.58, 0.15, 0.33, 0.76, 0.88, 0.77, 0.85, 0.15],
        ]
    )

    def undecided(values: Array) -> Array:
        mixed = values.copy()
        for number, group in enumerate(GROUPS):
            whole = exchange(values, marked(180, 0, 180, group))
            mixed += share[:, number, None, None] * (whole - values)
        return mixed

    groups = found(times, undecided(pixels), undecided(world))
    np.testing.assert_array_equal(groups[:60].any(0) | groups[95:].any(0), False)
    assert groups[65:86].all()


@pytest.mark.parametrize("group", ["legs", "arms"])
@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_exchanged_limbs_are_put_right_in_side_view(
    landmarks_of: Landmarks, walker: Walker, group: str, turn: float
) -> None:
    times = np.arange(90) / 30
    pixels, world = landmarks_of(walker(times, turn), np.pi / 2 - 0.3, noise=0.01)
    # From one moment of limbs apart to another.
    truth = marked(len(times), 24, 39, group)
    groups = found(times, exchange(pixels, truth), world)
    assert np.count_nonzero(groups != truth) <= 2


def test_the_majority_decides_which_side_is_which(landmarks_of: Landmarks, walker: Walker) -> None:
    times = np.arange(90) / 30
    pixels, world = landmarks_of(walker(times), 0.2, noise=0.01)
    late = marked(90, 30, 90, *GROUPS)
    early = marked(90, 0, 30, *GROUPS)
    np.testing.assert_array_equal(found(times, exchange(pixels, late), exchange(world, late)), early)


def test_nothing_is_concluded_across_a_long_gap(landmarks_of: Landmarks, walker: Walker) -> None:
    times = np.r_[np.arange(45), np.arange(105, 150)] / 30
    pixels, world = landmarks_of(walker(times, 2.0), 0.2, noise=0.01)
    assert not found(times, pixels, world).any()


def test_one_wild_landmark_changes_nothing(landmarks_of: Landmarks, walker: Walker) -> None:
    times = np.arange(90) / 30
    pixels, world = landmarks_of(walker(times), 0.5, noise=0.01)
    pixels[40:44, 27] += 300
    assert not found(times, pixels, world).any()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tracks_of_hardly_any_samples(landmarks_of: Landmarks, walker: Walker, count: int) -> None:
    times = np.arange(count) / 30
    pixels, world = landmarks_of(walker(np.arange(3) / 30))
    assert found(times, pixels[:count], world[:count]).shape == (count, 3)


def test_exchange_is_its_own_inverse_and_keeps_the_rest() -> None:
    values = np.random.default_rng(0).normal(size=(5, 33, 2))
    groups = np.array([[a, b, c] for a, b, c in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)]], bool)
    once = exchange(values, groups)
    np.testing.assert_array_equal(exchange(once, groups), values)
    np.testing.assert_array_equal(once[0], values[0])
    np.testing.assert_array_equal(once[:, 0], values[:, 0])
    np.testing.assert_array_equal(once[3, 25], values[3, 26])
    np.testing.assert_array_equal(once[3, 11], values[3, 11])
    np.testing.assert_array_equal(once[4, 9], values[4, 10])


def test_captured_motion_is_left_alone(mocap_files: list[Path], landmarks_of: Landmarks) -> None:
    """A few takes of the library, limbs only: joints of the file stand for the landmarks."""
    from motionlift.core.rotation import forward_kinematics
    from motionlift.core.skeleton import ANIMATION_21, body_points
    from motionlift.core.synthesis.captured import perform_bvh

    wrong = frames = 0
    for number, path in enumerate([p for p in mocap_files if p.parent.name in ("02", "05", "16")][:6]):
        done = perform_bvh(path, stop=6.0)
        joints, rotations = forward_kinematics(
            ANIMATION_21.parents, done.rest_offsets, done.root_translation, done.local_rotations
        )
        points = body_points(joints, rotations, done.rest_offsets)
        groups = found(done.times, *landmarks_of(points, 1.3 * number, noise=0.015))
        wrong += int(groups.any(-1).sum())
        frames += len(groups)
    assert wrong <= 0.005 * frames


def test_a_stumble_near_the_start_does_not_exchange_what_came_before(landmarks_of: Landmarks, walker: Walker) -> None:
    """As seen on real footage: a frame exchanged, three collapsed to the midline, in a clip that was right before."""
    times = np.arange(120) / 30
    pixels, world = landmarks_of(walker(times), 0.0)
    turned = np.ones((len(times), len(GROUPS)), bool)
    # Left minus right, as shares of what they are: exchanged at once, then slowly back.
    for frame, share in enumerate([-0.9, -0.16, 0.18, -0.04, 0.48, 0.66, 0.75, 0.8], start=17):
        for values in (pixels, world):
            values[frame] = ((1 + share) * values[frame] + (1 - share) * exchange(values, turned)[frame]) / 2
    groups = found(times, pixels, world)
    assert not groups[:17].any()
    assert groups[17].all()
    assert not groups[22:].any()
