"""People who are small in the picture: the tiles, and real pictures of somebody far away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from motionlift.core import processors
from motionlift.core.detection import chunks, small_watch
from motionlift.core.detection.landmarker import Pose
from motionlift.core.detection.models import pose_model
from motionlift.core.detection.observe import observe
from motionlift.core.detection.small import search, tiles
from motionlift.core.detection.small_watch import EVERY_SECONDS, NOBODY_SECONDS
from motionlift.core.detection.tracks import Track, find_tracks
from motionlift.core.detection.whole import Looking, observe_whole
from motionlift.core.jobs import LiftSettings
from motionlift.core.synthesis.film import write_clip
from motionlift.core.video import probe, read_frames

SIZE = (1920, 1080)
FPS = 30
FIGURE = 302
"""Height in px of the sample's figure, in pictures of 480."""
FOUND_FROM = 1 / 6
"""Of a square picture's side: MediaPipe finds figures that are higher."""

Picture = NDArray[np.uint8]


@pytest.mark.parametrize("size", [SIZE, (1080, 1920), (2560, 1440), (2560, 1072), (1440, 1080)])
def test_whoever_is_small_is_whole_in_a_tile_in_which_he_is_found(size: tuple[int, int]) -> None:
    boxes = list(tiles(size))
    assert len(boxes) < 80
    low, high = 0.06 * min(size), FOUND_FROM * max(size)
    random = np.random.default_rng(0)
    for height in np.linspace(low, high, 12):
        # A figure's arms hang beside it.
        body = np.array([0.4 * height, height])
        for corner in random.uniform(0, np.array(size) - body, (300, 2)):
            assert any(
                (corner >= (box.x, box.y)).all()
                and (corner + body <= (box.x + box.width, box.y + box.height)).all()
                and height > FOUND_FROM * box.height
                for box in boxes
            ), (height, corner)


def _far_away(
    sample: Path,
    start: float,
    stop: float,
    height: int,
    divisor: float | Callable[[int], float],
    places: tuple[float, ...] = (0.6,),
) -> Iterator[tuple[Picture, list[tuple[float, float, float]]]]:
    """The sample's pictures, so small that the figure is the `divisor`th part of a picture's `height`, before a soft
    background; and where (x, y px) they lie in it with what scale, every other one mirrored."""
    width = height * 16 // 9
    ground: Image.Image | None = None
    for index, each in enumerate(read_frames(sample, start, stop)):
        scale = height / (divisor(index) if callable(divisor) else divisor) / FIGURE
        picture = Image.fromarray(each.image)
        if ground is None:
            ground = picture.resize((8, 5)).resize((width, height), Image.Resampling.BICUBIC)
        whole = ground.copy()
        little = picture.resize((round(scale * picture.width), round(scale * picture.height)), Image.Resampling.LANCZOS)
        corners = []
        for number, place in enumerate(places):
            x, y = round(place * width), round(0.45 * height)
            whole.paste(little.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number % 2 else little, (x, y))
            corners.append((float(x), float(y), scale))
        yield np.asarray(whole), corners


def _tracks(path: Path, settings: LiftSettings) -> list[Track]:
    return find_tracks(observe(path, settings, pose_model(settings)), 1, probe(path).size)


def _away(track: Track, true: Track, corner: tuple[float, float, float]) -> NDArray[np.float64]:
    """(F,) the mean distance of keypoints from those of the clip that was made small, in heights of the figure."""
    x, y, scale = corner
    pixels = (track.keypoints.pixels - (x, y)) / scale
    result: NDArray[np.float64] = np.linalg.norm(pixels - true.keypoints.pixels, axis=-1).mean(-1) / FIGURE
    return result


def test_somebody_far_away_is_found_from_the_first_picture_on(sample_video: Path, tmp_path: Path) -> None:
    [true] = _tracks(sample_video, LiftSettings(start=4.0, end=5.4))
    film = list(_far_away(sample_video, 4.0, 5.4, 1080, 12))
    path = tmp_path / "far.mp4"
    write_clip(path, [picture for picture, _ in film], FPS, (1920, 1080))
    [found] = _tracks(path, LiftSettings())
    assert len(found.keypoints.times) == len(true.keypoints.times) == 42
    assert found.keypoints.detected.all()
    away = _away(found, true, film[0][1][0])
    assert np.median(away) < 0.03
    assert away.max() < 0.1


@pytest.mark.slow
def test_several_far_away_are_found_but_no_more_than_asked_for(sample_video: Path, tmp_path: Path) -> None:
    film = list(_far_away(sample_video, 4.0, 5.1, 720, 7, (0.1, 0.6)))
    path = tmp_path / "far.mp4"
    write_clip(path, [picture for picture, _ in film], FPS, (1280, 720))
    left, right = sorted(_tracks(path, LiftSettings()), key=lambda track: track.middle_x)
    assert left.keypoints.detected.all()
    assert right.keypoints.detected.all()
    assert left.middle_x < 640 < right.middle_x
    assert len(_tracks(path, LiftSettings(max_people=1))) == 1


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each search for small people."""
    calls: list[int] = []

    def counted(*arguments: object) -> list[Pose]:
        calls.append(len(calls))
        return search(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(small_watch, "search", counted)
    return calls


def test_nobody_is_searched_for_while_somebody_is_seen(sample_video: Path, searched: list[int]) -> None:
    assert len(_tracks(sample_video, LiftSettings(end=1.0))) == 1
    assert not searched


def test_an_empty_clip_is_searched_now_and_then(tmp_path: Path, searched: list[int]) -> None:
    path = tmp_path / "empty.mp4"
    random = np.random.default_rng(0)
    leaves = np.asarray(Image.fromarray(random.integers(0, 255, (45, 80, 3), np.uint8)).resize((1280, 720)))
    write_clip(path, [np.roll(leaves, i, 1) for i in range(90)], FPS, (1280, 720))
    assert not _tracks(path, LiftSettings())
    assert len(searched) == 2 <= 1 + (90 / FPS - NOBODY_SECONDS) / EVERY_SECONDS


@pytest.mark.slow
def test_who_is_hidden_for_a_while_is_found_again(sample_video: Path, tmp_path: Path) -> None:
    film = list(_far_away(sample_video, 3.0, 6.6, 720, 7))
    pictures = [picture.copy() for picture, _ in film]
    for picture in pictures[50:80]:
        picture[:, 640:] = 90
    path = tmp_path / "far.mp4"
    write_clip(path, pictures, FPS, (1280, 720))
    [found] = _tracks(path, LiftSettings())
    seen = found.keypoints.detected
    assert seen[:48].all()
    assert not seen[53:78].any()
    assert seen[84:].all()


def test_who_comes_near_is_followed_all_the_way(sample_video: Path, tmp_path: Path) -> None:
    """He becomes three times as high."""
    [true] = _tracks(sample_video, LiftSettings(start=4.0, end=6.0))
    film = list(_far_away(sample_video, 4.0, 6.0, 720, lambda number: 9 - 6 * number / 59, (0.3,)))
    corners = [corner for _, [corner] in film]
    path = tmp_path / "near.mp4"
    write_clip(path, [picture for picture, _ in film], FPS, (1280, 720))
    [found] = _tracks(path, LiftSettings())
    assert found.keypoints.detected.all()
    x, y, scale = (values[:, None] for values in np.array(corners).T)
    pixels = (found.keypoints.pixels - np.stack([x, y], -1)) / scale[..., None]
    away = np.linalg.norm(pixels - true.keypoints.pixels, axis=-1).mean(-1) / FIGURE
    assert np.median(away) < 0.03


@pytest.mark.slow
def test_chunks_find_somebody_far_away_as_one_go_does(
    sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "FRAMES", 48)
    monkeypatch.setattr(processors, "free_memory", lambda: None)
    monkeypatch.setenv(processors.PROCESSES_VARIABLE, "1")
    film = list(_far_away(sample_video, 3.6, 6.0, 720, 7))
    path = tmp_path / "far.mp4"
    write_clip(path, [picture for picture, _ in film], FPS, (1280, 720))
    settings = LiftSettings()
    looking = Looking(path, settings, pose_model(settings), None)
    divided = observe_whole(looking, probe(path), lambda *_: None, lambda: False)
    [found] = find_tracks(divided, 1, (1280, 720))
    [whole] = _tracks(path, settings)
    assert found.keypoints.detected.all()
    assert whole.keypoints.detected.all()
    away = np.linalg.norm(found.keypoints.pixels - whole.keypoints.pixels, axis=-1).mean(-1) / whole.mean_height_px
    assert away.mean() < 0.01
