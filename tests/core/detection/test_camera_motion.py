"""The background's shift, on made-up pictures that were moved by known amounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core import camera
from motionlift.core.detection.camera_motion import EVERY, WIDTH, BackgroundTracker
from motionlift.core.rotation import Array

Image = NDArray[np.uint8]
MovingTexture = Callable[..., list[Image]]
SIZE = (640, 360)
PIXEL = 1 / WIDTH
"""One pixel of the small pictures, in shares of the picture's longer side."""


def followed(pictures: Sequence[Image], shots: Sequence[int] | None = None) -> Array:
    tracker = BackgroundTracker()
    for picture, shot in zip(pictures, shots or [0] * len(pictures), strict=True):
        tracker.look(picture, shot)
    return tracker.shares()


@pytest.fixture(scope="module")
def scene() -> Image:
    """A large wall of pictures: edges everywhere, as in rooms and streets."""
    rng = np.random.default_rng(0)
    wall = np.full((1600, 1600, 3), 150, np.uint8)
    for corner, size in zip(rng.integers(0, 1600, (1200, 2)), rng.integers(10, 90, (1200, 2)), strict=True):
        colour = tuple(int(c) for c in rng.integers(60, 240, 3))
        cv2.rectangle(wall, corner.tolist(), (corner + size).tolist(), colour, -1)
    return wall


@pytest.fixture(scope="module")
def person(moving_texture: MovingTexture) -> Image:
    """A patch as tall as a person who is filmed whole."""
    (picture,) = moving_texture(1, (140, 300), seed=7)
    return picture


def views(scene: Image, way: Array, size: tuple[int, int] = SIZE) -> list[Image]:
    """What a window of `size` sees whose background goes right and down by `way` (F, 2) pixels."""
    middle = np.array([(scene.shape[1] - size[0]) / 2, (scene.shape[0] - size[1]) / 2])
    corners = [middle - step for step in way]
    moves = [np.array([[1.0, 0, -x], [0, 1.0, -y]]) for x, y in corners]
    return [np.asarray(cv2.warpAffine(scene, move, size, flags=cv2.INTER_LINEAR), np.uint8) for move in moves]


@pytest.mark.parametrize("speed", [(4.0, 0.0), (-4.0, 0.0), (0.0, 3.0), (2.5, -2.0)])
def test_a_shift_is_measured_right_and_down_in_shares_of_the_longer_side(
    scene: Image, speed: tuple[float, float]
) -> None:
    way = np.arange(31)[:, None] * np.array(speed)
    found = followed(views(scene, way))
    assert found == pytest.approx(way / 640, abs=0.5 * PIXEL)


def test_long_ways_are_put_together_from_references(scene: Image) -> None:
    """Further than a reference lasts, and back."""
    way = 330 * np.sin(np.linspace(0, 2 * np.pi, 181))[:, None] * [1.0, 0.5]
    found = followed(views(scene, way))
    assert np.ptp(found[:, 0]) > 0.9
    assert found == pytest.approx(way / 640, abs=6 * PIXEL)
    assert np.abs(found[-1]).max() < 3 * PIXEL


def test_the_unit_is_the_longer_side_whatever_the_size(scene: Image) -> None:
    for size in ((640, 360), (360, 640), (200, 150), (1200, 900)):
        way = np.linspace(0, 0.08 * max(size), 10)[:, None] * [1.0, -0.5]
        found = followed(views(scene, way, size))
        assert found == pytest.approx(way / max(size), abs=PIXEL)


def test_pictures_in_between_are_interpolated(scene: Image) -> None:
    tracker = BackgroundTracker()
    way = np.arange(3 * EVERY + 2)[:, None] * np.array([3.0, 1.0])
    pictures = views(scene, way)
    # What is passed over is not even looked at.
    for index, picture in enumerate(pictures):
        tracker.look(picture if index % EVERY == 0 else np.zeros_like(picture), 0)
    raw, filled = np.array(tracker.shifts), tracker.shares()
    assert len(filled) == len(pictures)
    np.testing.assert_array_equal(np.isfinite(raw[:, 0]), np.arange(len(pictures)) % EVERY == 0)
    assert filled[: 3 * EVERY + 1] == pytest.approx(way[: 3 * EVERY + 1] / 640, abs=0.5 * PIXEL)
    np.testing.assert_array_equal(filled[-1], filled[3 * EVERY])


def with_person(pictures: list[Image], person: Image, way: Array) -> list[Image]:
    """The pictures with a textured patch over them that goes its own way (F, 2), pixels of its corner."""
    height, width = person.shape[:2]
    result = []
    for picture, corner in zip(pictures, way, strict=True):
        x, y = (round(float(c)) for c in corner)
        result.append(picture.copy())
        result[-1][y : y + height, x : x + width] = person
    return result


def test_somebody_who_moves_before_a_still_background_is_no_camera_motion(scene: Image, person: Image) -> None:
    still = views(scene, np.zeros((40, 2)))
    way = np.stack([np.linspace(30, 450, 40), np.full(40, 40.0)], -1)
    found = followed(with_person(still, person, way))
    assert np.abs(found).max() < 0.5 * PIXEL
    assert not camera.moves(found)


def test_somebody_who_stays_in_the_middle_of_a_pan_does_not_hide_it(scene: Image, person: Image) -> None:
    way = np.arange(40)[:, None] * np.array([5.0, 0.0])
    found = followed(with_person(views(scene, way), person, np.tile([250.0, 40.0], (40, 1))))
    assert found == pytest.approx(way / 640, abs=2 * PIXEL)
    assert camera.moves(found)


def test_somebody_before_a_bare_wall_is_not_taken_for_the_background(person: Image) -> None:
    """The only corners are those of a narrow figure."""
    wall = [np.full((360, 640, 3), 180, np.uint8)] * 40
    way = np.stack([np.linspace(30, 450, 40), np.full(40, 40.0)], -1)
    assert np.abs(followed(with_person(wall, person, way))).max() == 0.0


def test_pictures_without_texture_say_that_nothing_moved() -> None:
    rng = np.random.default_rng(0)
    blank = [np.full((360, 640, 3), value, np.uint8) for value in rng.integers(0, 255, 20)]
    np.testing.assert_array_equal(followed(blank), 0.0)


def test_every_shot_begins_at_nothing(scene: Image) -> None:
    way = np.concatenate([np.arange(10)[:, None] * [6.0, 0.0], np.arange(14)[:, None] * [0.0, -4.0]])
    shots = [0] * 10 + [1] * 14
    found = followed(views(scene, way), shots)
    assert found[10] == pytest.approx([0.0, 0.0])
    assert found[9:10] == pytest.approx(way[9:10] / 640, abs=PIXEL)
    assert found[10:22] == pytest.approx(way[10:22] / 640, abs=PIXEL)


def test_a_shot_of_a_frame_or_none() -> None:
    assert BackgroundTracker().shares().shape == (0, 2)
    assert followed([np.zeros((90, 160, 3), np.uint8)]) == pytest.approx(np.zeros((1, 2)))


def test_light_that_flickers_is_no_movement(scene: Image) -> None:
    (picture,) = views(scene, np.zeros((1, 2)))
    rng = np.random.default_rng(3)
    noisy = [
        np.clip(picture * gain + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
        for gain in 1 + 0.1 * np.sin(np.arange(30))
    ]
    assert np.abs(followed(noisy)).max() < PIXEL


def test_after_a_blank_moment_it_goes_on_where_it_was(scene: Image) -> None:
    way = np.concatenate([np.arange(16)[:, None] * [4.0, 0.0], np.tile([60.0, 0.0], (20, 1))])
    pictures = views(scene, way)
    pictures[15:21] = [np.zeros_like(pictures[0])] * 6
    found = followed(pictures)
    assert found[12:13] == pytest.approx(way[12:13] / 640, abs=PIXEL)
    np.testing.assert_allclose(found[15:], np.broadcast_to(found[12], (21, 2)), atol=PIXEL)
