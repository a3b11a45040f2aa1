"""The records of what was seen: mirrored, cut, and put among more frames."""

from __future__ import annotations

import dataclasses

import numpy as np

from motionlift.core.keypoints import HandKeypoints, Keypoints2D
from motionlift.core.skeleton import BODY_26


def _hands(frames: int) -> HandKeypoints:
    random = np.random.default_rng(1)
    pixels = random.uniform(0, 500, (frames, 2, 21, 2)).astype(np.float32)
    world = random.normal(size=(frames, 2, 21, 3)).astype(np.float32)
    return HandKeypoints(pixels, world, random.uniform(size=(frames, 2)), random.uniform(size=(frames, 2)))


def test_mirrored_hands_are_those_of_the_other_side() -> None:
    hands = _hands(5)
    mirrored = hands.mirrored(640)
    np.testing.assert_allclose(mirrored.pixels[:, 0, :, 0], 640 - hands.pixels[:, 1, :, 0])
    np.testing.assert_allclose(mirrored.world[:, 1], hands.world[:, 0] * (-1, 1, 1))
    np.testing.assert_allclose(mirrored.left[:, 0], 1 - hands.left[:, 1])
    for field in dataclasses.fields(HandKeypoints):
        twice = getattr(mirrored.mirrored(640), field.name)
        np.testing.assert_allclose(twice, getattr(hands, field.name), rtol=1e-5)


def test_mirrored_keypoints_exchange_sides_and_twice_is_once() -> None:
    random = np.random.default_rng(0)
    seen = Keypoints2D(
        np.arange(5) / 30,
        random.uniform(0, 640, (5, 26, 2)),
        random.uniform(size=(5, 26)),
        np.ones(5, bool),
        (640, 480),
    )
    mirrored = seen.mirrored()
    left, right = BODY_26.indices("left_wrist", "right_wrist")
    np.testing.assert_allclose(mirrored.pixels[:, left, 0], 640 - seen.pixels[:, right, 0])
    np.testing.assert_allclose(mirrored.confidence[:, left], seen.confidence[:, right])
    np.testing.assert_allclose(mirrored.mirrored().pixels, seen.pixels)
    part = seen.window(1, 3)
    np.testing.assert_array_equal(part.times, seen.times[1:3])
    np.testing.assert_array_equal(part.pixels, seen.pixels[1:3])


def test_a_part_among_all_frames_is_that_part() -> None:
    random = np.random.default_rng(3)
    detected = random.uniform(size=30) < 0.8
    hands = _hands(30)
    times = np.cumsum(random.uniform(0.01, 0.05, 30))
    whole = Keypoints2D(times, random.normal(size=(30, 26, 2)), random.uniform(size=(30, 26)), detected, (640, 480),
                        random.normal(size=(30, 33, 3)), hands)  # fmt: skip
    back = whole.window(5, 22).among(whole.times)
    np.testing.assert_array_equal(back.times, whole.times)
    inside = np.zeros(30, bool)
    inside[5:22] = True
    for name in ("pixels", "confidence", "detected", "world_landmarks"):
        np.testing.assert_array_equal(getattr(back, name)[inside], getattr(whole, name)[inside])
    assert not back.detected[~inside].any()
    assert not back.confidence[~inside].any()
    assert np.isnan(back.pixels[~inside]).all()
    assert back.hands is not None
    np.testing.assert_array_equal(back.hands.left[inside], hands.left[inside])
    assert np.isnan(back.hands.pixels[~inside]).all()
    assert whole.among(whole.times) is whole
