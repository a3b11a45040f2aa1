"""Finding the footage of a motion, and its pictures at the motion's times."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.motion import Motion
from motionlift.core.reporting.footage import HELD_S, find_footage, footage_differs, pictures_at
from motionlift.core.video import Frame, content_hash

Stander = Callable[..., Motion]


def frames(times: np.ndarray[tuple[int], np.dtype[np.float64]], read: list[int] | None = None) -> Iterator[Frame]:
    """Frames whose only pixel is their number; `read` lists those handed out."""
    for index, time in enumerate(times.tolist()):
        if read is not None:
            read.append(index)
        yield Frame(index, time, 1, np.full((1, 1, 3), index, np.uint8))


def test_the_nearest_picture_is_shown() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        own = np.cumsum(random.uniform(0.01, 0.06, 60))
        wanted = np.cumsum(random.uniform(0.005, 0.08, 50))
        for time, image in zip(wanted, pictures_at(frames(own), wanted), strict=True):
            nearest = int(np.abs(own - time).argmin())
            if abs(own[nearest] - time) <= HELD_S:
                assert image is not None
                assert image[0, 0, 0] == nearest
            else:
                assert image is None


def test_frames_are_read_one_ahead() -> None:
    read: list[int] = []
    times = np.arange(100) / 30
    pictures = pictures_at(frames(times, read), times)
    for index in range(10):
        next(pictures)
        assert max(read) <= index + 2


def test_no_picture_where_the_footage_ends() -> None:
    shown = list(pictures_at(frames(np.arange(10) / 10), np.arange(20) / 10))
    assert [image is None for image in shown] == [time > 0.9 + HELD_S for time in np.arange(20) / 10]
    assert list(pictures_at(iter(()), np.arange(3.0))) == [None, None, None]


@pytest.mark.parametrize("place", [".", "..", "../.."])
def test_footage_is_found_beside_and_above(tmp_path: Path, stander: Stander, place: str) -> None:
    take = tmp_path / "motionlift" / "take"
    take.mkdir(parents=True)
    assert find_footage(stander(), take / "a.motion.npz") is None
    video = (take / place).resolve() / "walk.mp4"
    video.write_bytes(b"x")
    assert find_footage(stander(), take / "a.motion.npz") == video


def test_footage_where_the_source_says(tmp_path: Path, stander: Stander) -> None:
    motion = stander()
    elsewhere = tmp_path / "elsewhere" / "walk.mp4"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"x")
    named = dataclasses.replace(motion, source={**motion.source, "file": str(elsewhere)})
    assert find_footage(named, tmp_path / "a.motion.npz") == elsewhere
    assert find_footage(dataclasses.replace(motion, source={}), tmp_path / "a.motion.npz") is None


def test_numbered_pictures_are_found(tmp_path: Path, stander: Stander) -> None:
    motion = stander()
    named = dataclasses.replace(motion, source={**motion.source, "file": "walk_%04d.png"})
    assert find_footage(named, tmp_path / "a.motion.npz") is None
    (tmp_path / "walk_0001.png").write_bytes(b"x")
    assert find_footage(named, tmp_path / "a.motion.npz") == tmp_path / "walk_%04d.png"


def test_another_file_is_noticed(tmp_path: Path, stander: Stander) -> None:
    motion, video = stander(), tmp_path / "walk.mp4"
    video.write_bytes(b"x")
    assert footage_differs(motion, video)
    assert not footage_differs(dataclasses.replace(motion, source={"content_hash": content_hash(video)}), video)
    assert not footage_differs(dataclasses.replace(motion, source={}), video)
