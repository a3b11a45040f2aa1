"""Where hands are looked for, whose they are, and the real thing on the sample and on a real clip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.detection.hands import (
    CROP_PIXELS,
    NOT_LOOKED,
    crop_of,
    cut,
    hand_keypoints,
    interpolated,
    pixels_a_metre,
)
from motionlift.core.detection.people import choose_people, detect
from motionlift.core.jobs import LiftSettings
from motionlift.core.keypoints import HandKeypoints
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26, MEDIAPIPE_33

SAMPLE = Path(__file__).resolve().parents[3] / "samples/walk_wave_squat.mp4"
REAL = Path(__file__).resolve().parents[4] / "shared/data/video/sports2d_demo.mp4"


def test_a_crop_holds_what_the_picture_shows() -> None:
    x, y = np.meshgrid(np.arange(200.0), np.arange(100.0))
    image = np.stack([x, y, 0 * x], -1).astype(np.uint8)
    crop = cut(image, np.array([80.0, 40.0]), 56.0).astype(float)
    # Pixel i of the crop is the middle of a quarter pixel of the picture.
    expected = 80 - 28 + (np.arange(CROP_PIXELS) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(crop[CROP_PIXELS // 2, 4:-4, 0], expected[4:-4], atol=1.01)
    np.testing.assert_allclose(crop[4:-4, CROP_PIXELS // 2, 1], expected[4:-4] - 40, atol=1.01)


def test_beyond_the_picture_a_crop_is_black() -> None:
    image = np.full((50, 60, 3), 200, np.uint8)
    crop = cut(image, np.array([0.0, 25.0]), 40.0)
    assert crop.shape == (CROP_PIXELS, CROP_PIXELS, 3)
    assert np.all(crop[:, : CROP_PIXELS // 2 - 8] == 0)
    assert np.all(crop[:, CROP_PIXELS // 2 + 8 :] == 200)
    assert np.all(cut(image, np.array([500.0, 25.0]), 40.0) == 0)


def test_crops_scale_and_move_with_the_body() -> None:
    random = np.random.default_rng(0)
    world = random.normal(size=(33, 3)).astype(np.float32)
    pixels = world[:, :2].astype(float) * 150 + np.array([400.0, 300.0])
    metre = pixels_a_metre(pixels, world)
    assert metre == pytest.approx(150, rel=1e-5)
    assert pixels_a_metre(pixels * 3 + 7, world) == pytest.approx(450, rel=1e-5)
    for hand in range(2):
        centre, side = crop_of(pixels, metre, hand)
        moved, larger = crop_of(pixels * 3 + 7, 3 * metre, hand)
        np.testing.assert_allclose(moved, centre * 3 + 7)
        assert larger == pytest.approx(3 * side)


def test_between_looks_a_hand_moves_on_a_line() -> None:
    times = np.arange(7) / 30
    points = np.arange(7.0)[:, None, None] * np.ones((7, 21, 5))
    left = np.full(7, 0.9)
    left[1::2] = NOT_LOOKED
    points[1::2] = np.nan
    filled, sides = interpolated(times, points, left)
    np.testing.assert_allclose(filled[:, 0, 0], np.arange(7.0))
    np.testing.assert_allclose(sides, 0.9)


def test_what_is_found_differently_or_not_at_all_is_not_mixed() -> None:
    times = np.array([0.0, 0.02, 0.05, 0.08, 0.1, 0.9])
    points = np.ones((6, 21, 5)) * np.array([0.0, np.nan, 5.0, np.nan, np.nan, np.nan])[:, None, None]
    left = np.array([0.9, NOT_LOOKED, 0.1, NOT_LOOKED, np.nan, NOT_LOOKED])
    filled, sides = interpolated(times, points, left)
    np.testing.assert_allclose(filled[1, 0, 0], 0.0)  # nearer to the first look, which took it for a left hand
    assert sides[1] == 0.9
    assert np.isnan(sides[[3, 5]]).all()  # nearer to a look that found none; no look near
    _, none = interpolated(times, points, np.full(6, NOT_LOOKED))
    assert np.isnan(none).all()


def test_hands_away_from_the_wrist_count_less() -> None:
    world = np.random.default_rng(0).normal(size=(3, 33, 3))
    pixels = world[..., :2] * 300 + (500, 400)
    wrists = pixels[:, [MEDIAPIPE_33.index("left_wrist"), MEDIAPIPE_33.index("right_wrist")]]
    points = np.zeros((3, 2, 21, 5), np.float32)
    off = np.array([0.0, 0.03, 0.08])[:, None] * 300
    points[..., :2] = ((wrists + np.stack([off, 0 * off], -1)) / (1000, 800))[:, :, None]
    left = np.full((3, 2), 0.5, np.float32)
    found = hand_keypoints(np.arange(3) / 30, points, left, pixels, world, np.ones((3, 33)), (1000, 800))
    assert np.all(np.diff(found.confidence, axis=0) < 0)
    np.testing.assert_allclose(found.confidence[0], 1.0)
    np.testing.assert_allclose(found.pixels[0, :, 0], wrists[0], atol=1e-3)


@pytest.fixture(scope="module")
def waved(detections: Path) -> tuple[HandKeypoints, Array]:
    """The sample's hands, and the pixels of the wrists."""
    settings = LiftSettings(hands=True, cache_dir=str(detections))
    keypoints = choose_people(detect(SAMPLE, settings), "largest")[0].keypoints
    assert keypoints.hands is not None
    return keypoints.hands, keypoints.pixels[:, BODY_26.indices("left_wrist", "right_wrist")]


def test_real_mediapipe_finds_the_hands_of_the_sample(waved: tuple[HandKeypoints, Array]) -> None:
    hands, wrists = waved
    found = hands.confidence > 0
    assert np.all(found.mean(0) > 0.65)
    away = np.linalg.norm(hands.pixels[:, :, 0] - wrists, axis=-1)[found]
    height = 260.0  # pixels the figure is tall, roughly
    assert np.median(away) < 0.03 * height
    # While it waves, the right hand's finger tips are above its wrist.
    waving = slice(125, 165)
    seen = found[waving, 1]
    assert seen.mean() > 0.9
    above = hands.pixels[waving, 1, 12, 1] < hands.pixels[waving, 1, 0, 1]
    assert above[seen].mean() > 0.9


def test_bones_of_real_hands_are_as_long_as_hands_are(waved: tuple[HandKeypoints, Array]) -> None:
    hands, _ = waved
    world = hands.world[hands.confidence > 0]
    palm = np.linalg.norm(world[:, 9] - world[:, 0], axis=-1)
    assert 0.07 < np.median(palm) < 0.11
    assert np.all(np.isnan(hands.world[hands.confidence == 0]))


@pytest.mark.slow
def test_two_real_people_have_hands_of_their_own(detections: Path) -> None:
    if not REAL.is_file():
        pytest.skip("the real clip is not here")
    settings = LiftSettings(hands=True, cache_dir=str(detections))
    tracks = [track for track in detect(REAL, settings).tracks if track.seconds > 2]
    assert len(tracks) == 2
    for track in tracks:
        hands = track.keypoints.hands
        assert hands is not None
        found = hands.confidence > 0
        assert found[track.keypoints.detected].mean() > 0.3
        wrists = track.keypoints.pixels[:, BODY_26.indices("left_wrist", "right_wrist")]
        away = np.linalg.norm(hands.pixels[:, :, 0] - wrists, axis=-1)[found]
        assert np.percentile(away, 95) < 0.08 * track.mean_height_px


def test_without_the_option_nothing_of_it_is_loaded() -> None:
    script = (
        "import sys; from motionlift.core import pipeline, reconstruction; "
        "own = {f'motionlift.core.{n}' for n in ('detection.hands', 'solving.fingers', 'solving.hand_reading')}; "
        "sys.exit(bool(own & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
