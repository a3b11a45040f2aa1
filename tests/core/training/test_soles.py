"""How recorded soles lie: walks whose soles are turned by a known angle."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.rotation import Array
from motionlift.core.training.soles import FRAMES, HEIGHT, SPEED, STEEPEST, resting_pitch

FPS = 60.0
LENGTH = 0.25


def foot(pitch: Array, ahead: Array, above: Array) -> tuple[Array, Array]:
    """Heels and toe tips (F, 3) of a foot that points along -Y with its sole at angles `pitch` (F,), upwards
    positive, `ahead` and `above` (F,) m from where it began."""
    heels = np.stack([0.1 + 0 * ahead, -ahead, above], -1)
    sole = np.stack([0 * pitch, -np.cos(pitch), np.sin(pitch)], -1)
    return heels, heels + LENGTH * sole


def stepping(seconds: float = 4.0) -> tuple[Array, Array, Array]:
    """Pitch, way and height (F,) of a foot that stands for 0.6 s and swings for 0.4 s with its toes up and down."""
    times = np.arange(round(seconds * FPS)) / FPS
    phase = np.clip((times % 1.0 - 0.6) / 0.4, 0, 1)
    return 0.5 * np.sin(2 * np.pi * phase), 0.7 * (np.floor(times) + phase), 0.1 * np.sin(np.pi * phase)


@pytest.mark.parametrize("degrees", [-10.0, 0.0, 3.0, 12.0])
def test_the_angle_of_soles_that_rest_is_found(degrees: float) -> None:
    pitch, ahead, above = stepping()
    found = resting_pitch(*foot(pitch + np.radians(degrees), ahead, above), FPS)
    assert np.degrees(found) == pytest.approx(degrees, abs=0.2)


def test_turned_about_the_vertical_and_moved_away_it_is_the_same() -> None:
    pitch, ahead, above = stepping()
    heels, tips = foot(pitch + 0.08, ahead, above)
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    moved_heels, moved_tips = (points @ turn.T + [3.0, -2.0, 5.0] for points in (heels, tips))
    assert resting_pitch(moved_heels, moved_tips, FPS) == pytest.approx(resting_pitch(heels, tips, FPS))


def test_toes_that_point_up_are_positive() -> None:
    pitch, ahead, above = stepping()
    up, down = (resting_pitch(*foot(sign * (np.abs(pitch) + 0.1), ahead, above), FPS) for sign in (1, -1))
    assert up == pytest.approx(0.1, abs=0.01)
    # The lowest point is the other end then, so that some frames count otherwise.
    assert down == pytest.approx(-0.1, abs=0.01)


def test_who_stands_on_tiptoe_or_never_rests_tells_nothing() -> None:
    still = np.zeros(60)
    assert resting_pitch(*foot(still - 1.1 * STEEPEST, still, still), FPS) == 0.0
    assert resting_pitch(*foot(still - 0.9 * STEEPEST, still, still), FPS) == pytest.approx(-0.9 * STEEPEST)
    sliding = 1.1 * SPEED * np.arange(60) / FPS
    assert resting_pitch(*foot(still + 0.1, sliding, still), FPS) == 0.0
    assert resting_pitch(*foot(still + 0.1, 0.8 * sliding, still), FPS) == pytest.approx(0.1)


def test_a_foot_that_hangs_still_in_the_air_does_not_rest() -> None:
    """It stands level for a second and is held up, toes down, for two."""
    high = np.concatenate([np.zeros(60), np.linspace(0, 0.5, 30), np.full(120, 0.5)])
    assert high.max() > HEIGHT
    pitch = np.where(high > 0.2, -0.2, 0.05)
    assert resting_pitch(*foot(pitch, 0 * high, high), FPS) == pytest.approx(0.05)


def test_few_frames_tell_nothing() -> None:
    for frames in range(FRAMES):
        still = np.zeros(frames)
        assert resting_pitch(*foot(still + 0.1, still, still), FPS) == 0.0
    still = np.zeros(FRAMES)
    assert resting_pitch(*foot(still + 0.1, still, still), FPS) == pytest.approx(0.1)


def test_a_foot_without_length_is_level() -> None:
    points = np.zeros((20, 3))
    assert resting_pitch(points, points, FPS) == 0.0
