"""Two people in one picture of whom MediaPipe finds one: the sample's figure twice, cut out, one smaller."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from motionlift.core.detection.beside import search_beside
from motionlift.core.detection.landmarker import Landmarker
from motionlift.core.detection.models import pose_model
from motionlift.core.detection.observe import observe
from motionlift.core.detection.parts import Box, mean_colour, squares, without
from motionlift.core.detection.tracks import Track, find_tracks
from motionlift.core.jobs import LiftSettings
from motionlift.core.synthesis.film import write_clip
from motionlift.core.video import probe, read_frames

FPS = 30
UPRIGHT = (720, 1280)
TALL, LOWER, PASSER_BY = 0.6, 0.36, 0.2
"""Heights of figures in the picture's. The whole picture shows nobody but the tall one."""
LEFT, RIGHT = 0.25, 0.72

Picture = NDArray[np.uint8]
Cast = Sequence[tuple[float, float]]
"""Heights and places of figures."""


@pytest.fixture(scope="module")
def figure(sample_video: Path) -> list[Picture]:
    """A second of the sample, cut out around the figure."""
    pictures = [frame.image for frame in read_frames(sample_video, 4.0, 5.0)]
    with Landmarker(pose_model(LiftSettings()), 1, video=False) as landmarker:
        [first], [last] = (landmarker(picture, 0.0) for picture in (pictures[0], pictures[-1]))
    height, width = pictures[0].shape[:2]
    places = np.concatenate([pose.landmarks[:, :2] for pose in (first, last)]) * (width, height)
    left, top = (places.min(0) - np.array([15, 25])).astype(int)
    right, bottom = (places.max(0) + np.array([15, 12])).astype(int)
    return [picture[top:bottom, left:right] for picture in pictures]


def _scene(figure: Picture, cast: Cast, size: tuple[int, int] = UPRIGHT) -> Picture:
    """Figures that stand before a soft background."""
    scene = Image.fromarray(figure).resize((5, 8)).resize((1, 4)).resize(size, Image.Resampling.BICUBIC)
    for height, place in cast:
        scale = height * size[1] / figure.shape[0]
        one = Image.fromarray(figure).resize((round(scale * figure.shape[1]), round(height * size[1])))
        scene.paste(one, (round(place * size[0] - one.width / 2), round(0.92 * size[1] - one.height)))
    return np.asarray(scene)


def _tracks(path: Path, pictures: list[Picture], **settings: int) -> list[Track]:
    write_clip(path, pictures, FPS, (pictures[0].shape[1], pictures[0].shape[0]))
    chosen = LiftSettings(max_people=settings.get("max_people"))
    return find_tracks(observe(path, chosen, pose_model(chosen)), 1, probe(path).size)


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (2560, 1072), (720, 720)])
def test_squares_cover_the_picture_and_neighbours_share_enough(size: tuple[int, int]) -> None:
    parts = list(squares(size))
    assert all((part.width, part.height) == (min(size), min(size)) for part in parts)
    assert (parts[0].x, parts[0].y) == (0, 0)
    assert (parts[-1].x + parts[-1].width, parts[-1].y + parts[-1].height) == size
    ways = [max(b.x - a.x, b.y - a.y) for a, b in itertools.pairwise(parts)]
    assert all(way <= 0.6 * min(size) + 1 for way in ways)
    assert parts == [Box(0, 0, *size)] or len(parts) > 1


@pytest.mark.parametrize("people", [None, 2])
def test_who_stands_beside_somebody_larger_is_followed_from_the_first_picture_on(
    figure: list[Picture], tmp_path: Path, people: int | None
) -> None:
    pictures = [_scene(each, [(TALL, LEFT), (LOWER, RIGHT)]) for each in figure]
    with Landmarker(pose_model(LiftSettings()), 4, video=False) as landmarker:
        assert len(landmarker(pictures[0], 0.0)) == 1, "the whole picture shows one of them"
    settings = {} if people is None else {"max_people": people}
    left, right = sorted(_tracks(tmp_path / "two.mp4", pictures, **settings), key=lambda track: track.middle_x)
    assert left.middle_x < UPRIGHT[0] / 2 < right.middle_x
    assert left.keypoints.detected.all()
    assert right.keypoints.detected.all()
    assert right.mean_height_px == pytest.approx(LOWER / TALL * left.mean_height_px, rel=0.1)


def test_no_more_are_looked_for_than_asked_for(figure: list[Picture], tmp_path: Path) -> None:
    pictures = [_scene(each, [(TALL, LEFT), (LOWER, RIGHT)]) for each in figure[:15]]
    assert len(_tracks(tmp_path / "two.mp4", pictures, max_people=1)) == 1


def test_who_is_known_and_passers_by_are_not_found_again(figure: list[Picture]) -> None:
    with Landmarker(pose_model(LiftSettings()), 4, video=False) as landmarker:
        pair = _scene(figure[0], [(TALL, LEFT), (LOWER, RIGHT)])
        known = landmarker(pair, 0.0)
        [lower] = search_beside(landmarker, pair, known, 3)
        assert not search_beside(landmarker, pair, [*known, lower], 3)
        far = _scene(figure[0], [(TALL, LEFT), (PASSER_BY, RIGHT)])
        assert not search_beside(landmarker, far, landmarker(far, 0.0), 3)


def test_who_is_hidden_for_a_moment_is_found_again(figure: list[Picture], tmp_path: Path) -> None:
    to_and_fro = [*figure, *figure[::-1], *figure, *figure[::-1]]
    pictures = [_scene(each, [(TALL, LEFT), (LOWER, RIGHT)]).copy() for each in to_and_fro]
    for picture in pictures[40:55]:
        picture[:, UPRIGHT[0] // 2 :] = 90
    _, right = sorted(_tracks(tmp_path / "two.mp4", pictures), key=lambda track: track.middle_x)
    seen = right.keypoints.detected
    assert seen[:38].all()
    assert not seen[43:53].any()
    assert seen[60:].all()


def test_who_stands_close_is_found_where_the_other_is_covered(figure: list[Picture]) -> None:
    with Landmarker(pose_model(LiftSettings()), 4, video=False) as landmarker:
        close = _scene(figure[0], [(0.4, 0.38), (0.4, 0.64)])
        [known] = landmarker(close, 0.0)
        [other] = search_beside(landmarker, close, [known], 3)
    low, high = sorted(float(pose.landmarks[:, 0].mean()) for pose in (known, other))
    assert low == pytest.approx(0.38, abs=0.05)
    assert high == pytest.approx(0.64, abs=0.05)


def test_a_cover_hides_a_body_and_nothing_far_from_it(figure: list[Picture]) -> None:
    scene = _scene(figure[0], [(TALL, LEFT), (LOWER, RIGHT)])
    with Landmarker(pose_model(LiftSettings()), 4, video=False) as landmarker:
        [known] = landmarker(scene, 0.0)
        covered = without(scene, [known])
        assert not any(
            np.abs(pose.landmarks[:, :2].mean(0) - known.landmarks[:, :2].mean(0)).max() < 0.1
            for pose in landmarker(covered, 0.0)
        )
    changed = (covered != scene).any(-1)
    assert not changed[:, UPRIGHT[0] // 2 :].any()
    assert changed.any(1).sum() == pytest.approx(TALL * UPRIGHT[1], rel=0.15)
    assert (without(scene, []) == scene).all()


def test_the_mean_colour_is_the_plain_one() -> None:
    random = np.random.default_rng(3)
    for size in ((1, 1), (7, 5), (480, 854)):
        image = random.integers(0, 256, (*size, 3), np.uint8)
        assert (mean_colour(image) == image.mean((0, 1)).astype(np.uint8)).all()
    assert (mean_colour(np.full((4000, 3000, 3), 255, np.uint8)) == 255).all()
