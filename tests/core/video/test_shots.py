"""Cuts: found where a shot ends, and not where things only move, shake, flash or change their light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.video import find_shots, read_frames
from motionlift.core.video.shots import (
    Shot,
    ShotDetector,
    Thumbnail,
    colour_distance,
    fine_structure,
    list_shots,
    longest_shot,
    structure_mismatch,
)

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Texture = Callable[..., list[Image]]
SIZE = (192, 108)


def thumbnail(image: Image) -> Thumbnail:
    """The mean of blocks of 4 x 4 px: 48 x 27."""
    height, width = image.shape[:2]
    mean: Thumbnail = image.reshape(height // 4, 4, width // 4, 4, 3).mean((1, 3), dtype=np.float32)
    return mean / np.float32(255)


def cuts(images: Sequence[Image], lookahead: int = 4) -> list[int]:
    """Indices of the frames at which a shot begins, the first excepted."""
    detector: ShotDetector[int] = ShotDetector(lookahead)
    settled = [done for index, image in enumerate(images) for done in detector.push(thumbnail(image), index)]
    settled += detector.flush()
    assert [index for _, index in settled] == list(range(len(images)))
    return [index for (before, _), (shot, index) in pairwise(settled) if shot != before]


def along(texture: Image, offsets: Floats) -> list[Image]:
    """A view of a periodic texture, moved by `offsets` px to the right and half as much down."""
    moved = (np.roll(texture, (-round(x / 2), -round(x)), (0, 1)) for x in offsets.tolist())
    return [image[: SIZE[1], : SIZE[0]] for image in moved]


@pytest.fixture
def texture(moving_texture: Texture) -> Image:
    return moving_texture(1, (512, 512))[0]


def lit(image: Image, gain: float, offset: float | Floats = 0.0) -> Image:
    return np.clip(image * gain + offset, 0, 255).astype(np.uint8)


def test_cuts_between_scenes(moving_texture: Texture) -> None:
    scenes = [moving_texture(15, SIZE, (3, 1), seed) for seed in range(6)]
    assert cuts([image for scene in scenes for image in scene]) == [15, 30, 45, 60, 75]


def test_cuts_between_scenes_in_fast_motion(moving_texture: Texture) -> None:
    scenes = [moving_texture(15, SIZE, (30, 6), seed) for seed in range(4)]
    assert cuts([image for scene in scenes for image in scene]) == [15, 30, 45]


def test_cuts_between_still_pictures_of_equal_colours() -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8) for seed in range(4)]
    assert cuts([image for image in noise for _ in range(10)]) == [10, 20, 30]


def test_cuts_through_film_grain(moving_texture: Texture) -> None:
    random = np.random.default_rng(0)
    images = [image for seed in range(3) for image in moving_texture(12, SIZE, (2, 0), seed)]
    assert cuts([lit(image, 1, random.normal(0, 40, image.shape)) for image in images]) == [12, 24]


def test_cuts_to_and_from_black(moving_texture: Texture) -> None:
    black = [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * 12
    assert cuts([*moving_texture(12, SIZE), *black, *moving_texture(12, SIZE, seed=1)]) == [12, 24]


@pytest.mark.parametrize("lookahead", [2, 4, 8])
def test_lookahead_decides_only_how_late(lookahead: int, moving_texture: Texture) -> None:
    scenes = [moving_texture(20, SIZE, (3, 1), seed) for seed in range(3)]
    assert cuts([image for scene in scenes for image in scene], lookahead) == [20, 40]


@pytest.mark.parametrize("speed", [0, 1, 5, 20, 60, 150])
def test_motion_is_no_cut(speed: float, texture: Image) -> None:
    assert cuts(along(texture, speed * np.arange(40.0))) == []


def test_whip_pan_is_no_cut(texture: Image) -> None:
    smooth = np.concatenate([np.zeros(15), np.cumsum([10, 40, 90, 140, 140, 90, 40, 10]), np.full(15, 560)])
    abrupt = np.concatenate([np.zeros(15), 100 * np.arange(1.0, 9), np.full(15, 800)])
    assert cuts(along(texture, smooth)) == []
    assert cuts(along(texture, abrupt)) == []


def test_shake_is_no_cut(texture: Image) -> None:
    shake = np.random.default_rng(0).normal(0, 15, 60)
    begins = np.where(np.arange(60) < 30, 0.0, shake)
    knock = np.where(np.arange(60) == 30, 35.0, 0.0)
    for offsets in (shake, begins, knock):
        assert cuts(along(texture, offsets)) == []


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("light", [(1.0, 255.0), (2.5, 60.0), (0.0, 0.0)])
def test_flash_is_no_cut(frames: int, light: tuple[float, float], texture: Image) -> None:
    images = along(texture, 2 * np.arange(40.0))
    for index in range(20, 20 + frames):
        images[index] = lit(images[index], *light)
    assert cuts(images) == []


@pytest.mark.parametrize("light", [(0.4, 0.0), (1.5, 10.0)])
def test_change_of_light_is_no_cut(light: tuple[float, float], texture: Image) -> None:
    images = along(texture, 2 * np.arange(40.0))
    assert cuts(images[:20] + [lit(image, *light) for image in images[20:]]) == []


def test_repeated_pictures_are_no_cut(texture: Image) -> None:
    for motion in (3, 30):
        images = along(texture, motion * np.arange(40.0))
        assert cuts([images[index * 4 // 5] for index in range(50)]) == []


def test_structure_mismatch_ignores_shift_and_light_but_not_content(moving_texture: Texture) -> None:
    a, moved = (fine_structure(thumbnail(image)) for image in moving_texture(2, SIZE, (20, 8)))
    other = fine_structure(thumbnail(moving_texture(1, SIZE, seed=5)[0]))
    assert structure_mismatch(a, a) == pytest.approx(0, abs=1e-6)
    assert structure_mismatch(a, 0.3 * a + 0.2) == pytest.approx(0, abs=0.02)
    assert structure_mismatch(a, moved) < 0.1
    assert structure_mismatch(a, other) > 0.6
    assert structure_mismatch(a, other) == pytest.approx(structure_mismatch(other, a), abs=1e-5)
    assert structure_mismatch(a, np.zeros_like(a)) == pytest.approx(1)


def test_structure_mismatch_agrees_with_a_plain_search() -> None:
    random = np.random.default_rng(3)
    a, b = random.uniform(size=(2, 9, 12, 3)).astype(np.float32)
    best = -1.0
    for dy in range(-2, 3):
        for dx in range(-3, 4):
            x = a[max(0, dy) : 9 + min(0, dy), max(0, dx) : 12 + min(0, dx)].astype(float)
            y = b[max(0, -dy) : 9 + min(0, -dy), max(0, -dx) : 12 + min(0, -dx)].astype(float)
            x, y = x - x.mean((0, 1)), y - y.mean((0, 1))
            best = max(best, float(np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y))))
    assert structure_mismatch(a, b) == pytest.approx(1 - best, abs=1e-5)


def test_colour_distance() -> None:
    red, blue = np.zeros((2, 5, 5, 3), np.float32)
    red[..., 0], blue[..., 2] = 1, 1
    assert colour_distance(red, red) == 0
    assert colour_distance(red, blue) == 1


def test_list_shots() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.5, 0.6, 0.9])
    shots = list_shots(times, [1, 1, 1, 2, 3, 3])
    assert shots == [Shot(1, 0.0, 0.2, 3), Shot(2, 0.5, 0.5, 1), Shot(3, 0.6, 0.9, 2)]
    assert longest_shot(shots).number == 3
    assert list_shots([], []) == []


def test_shots_of_a_file(tmp_path: Path, encode_video: Callable[..., Path], moving_texture: Texture) -> None:
    scenes = [moving_texture(count, SIZE, (3, 1), seed) for seed, count in enumerate([20, 35, 15])]
    path = encode_video(tmp_path / "cuts.mp4", [image for scene in scenes for image in scene], 25)
    shots = find_shots(path)
    assert [(s.number, s.frames) for s in shots] == [(1, 20), (2, 35), (3, 15)]
    assert (shots[1].first, shots[1].last) == pytest.approx((20 / 25, 54 / 25))
    assert longest_shot(shots).number == 2
    assert [f.shot for f in read_frames(path, start=1.0, end=2.4)] == [1] * 30 + [2] * 5


def test_long_moving_file_is_one_shot(
    tmp_path: Path, encode_video: Callable[..., Path], moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "one.mp4", moving_texture(90, SIZE, (9, 4)))
    assert len(find_shots(path)) == 1
