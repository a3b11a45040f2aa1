"""Footage that keeps step with a scene: which picture each frame shows, for clips of every kind."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.bridge.footage import FootageRun, answered, asked, prepared, proxy_path
from motionlift.core.jobs import Cancelled, MotionLiftError, UsageError
from motionlift.core.motion import Motion
from motionlift.core.reporting.backdrop import LONGEST, prepare

EncodeVideo = Callable[..., Path]
Image = NDArray[np.uint8]
COUNT = 40
SIZE = (96, 64)


def numbered(count: int = COUNT, size: tuple[int, int] = SIZE) -> list[Image]:
    """Pictures that tell their number by how bright they are, dark in the upper left corner."""
    pictures = []
    for number in range(count):
        picture = np.full((size[1], size[0], 3), 40 + 5 * number, np.uint8)
        picture[: size[1] // 4, : size[0] // 4] = 0
        pictures.append(picture)
    return pictures


def shown(path: Path | str) -> tuple[list[int], list[Image]]:
    """The numbers of a video's pictures, and the pictures."""
    with av.open(str(path)) as container:
        pictures = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]
    return [round((float(np.median(picture)) - 40) / 5) for picture in pictures], pictures


@pytest.fixture
def clip(tmp_path: Path, encode_video: EncodeVideo) -> Path:
    return encode_video(tmp_path / "clip.mp4", numbered(), 30, audio=True)


def test_a_clip_in_step_is_used_as_it_is(clip: Path, tmp_path: Path) -> None:
    footage = prepare(clip, np.arange(COUNT) / 30, 30.0, tmp_path / "proxy.mp4")
    assert (Path(footage.path), footage.proxy, Path(footage.sound), footage.start_s) == (clip, False, clip, 0.0)
    assert not (tmp_path / "proxy.mp4").exists()


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 60.0])
@pytest.mark.parametrize("start", [0.0, 0.5])
def test_each_frame_shows_the_nearest_picture(clip: Path, tmp_path: Path, fps: float, start: float) -> None:
    times = np.arange(start, (COUNT - 1) / 30, 1 / fps)
    footage = prepare(clip, times, fps, tmp_path / "proxy.mp4")
    assert footage.proxy
    assert footage.start_s == start
    numbers, _ = shown(footage.path)
    assert len(numbers) == len(times)
    assert np.abs(np.array(numbers) / 30 - times).max() <= 0.5 / 30 + 1e-6
    with av.open(footage.path) as container:
        assert abs(float(container.streams.video[0].average_rate or 0) / fps - 1) < 1e-3


def test_uneven_times(tmp_path: Path, encode_video: EncodeVideo) -> None:
    """A clip of variable rate, whose rate is the scene's on average."""
    uneven = np.cumsum(np.random.default_rng(0).uniform(0.4, 1.6, COUNT)) / 30
    clip = encode_video(tmp_path / "clip.mp4", numbered(), 30, times=list(uneven))
    times = np.arange(COUNT - 4) / 30
    footage = prepare(clip, times, 30.0, tmp_path / "proxy.mp4")
    assert footage.proxy
    numbers, _ = shown(footage.path)
    stamps = uneven - uneven[0]
    nearest = np.abs(stamps[:, None] - times).min(0)
    assert np.abs(np.abs(stamps[numbers] - times) - nearest).max() < 1e-4


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotated_clips_are_turned_upright(tmp_path: Path, encode_video: EncodeVideo, rotation: int) -> None:
    stored = [np.rot90(picture, rotation // 90) for picture in numbered()]
    clip = encode_video(tmp_path / "clip.mp4", stored, 30, rotation=rotation)
    footage = prepare(clip, np.arange(COUNT) / 30, 30.0, tmp_path / "proxy.mp4")
    assert footage.proxy
    numbers, pictures = shown(footage.path)
    assert numbers == list(range(COUNT))
    assert pictures[0].shape[:2] == (SIZE[1], SIZE[0])
    assert pictures[9][4:10, 4:10].mean() < 20


@pytest.mark.parametrize("said", [0, 180])
@pytest.mark.parametrize("lies", [0, 90, 180, 270])
def test_clips_that_lie_on_their_side_are_turned_as_they_were_lifted(
    tmp_path: Path, encode_video: EncodeVideo, lies: int, said: int
) -> None:
    stored = [np.rot90(picture, -lies // 90) for picture in numbered()]
    clip = encode_video(tmp_path / "clip.mp4", stored, 30, rotation=said)
    footage = prepare(clip, np.arange(COUNT) / 30, 30.0, tmp_path / "proxy.mp4", rotate=-lies % 360)
    # Blender would turn it as it says.
    assert footage.proxy == bool(lies or said)
    numbers, pictures = shown(footage.path)
    assert numbers == list(range(COUNT))
    assert pictures[0].shape[:2] == (SIZE[1], SIZE[0])
    assert pictures[9][4:10, 4:10].mean() < 20
    otherwise = prepare(clip, np.arange(COUNT) / 30, 30.0, tmp_path / "proxy.mp4", rotate=(180 - lies) % 360)
    assert shown(otherwise.path)[1][9][-10:-4, -10:-4].mean() < 20


def test_mirrored_lifts_see_the_mirrored_picture(clip: Path, tmp_path: Path) -> None:
    footage = prepare(clip, np.arange(COUNT) / 30, 30.0, tmp_path / "proxy.mp4", mirror=True)
    _, pictures = shown(footage.path)
    assert pictures[0][4:10, -10:-4].mean() < 20 < pictures[0][4:10, 4:10].mean()


def test_slow_motion_runs_at_lifes_pace_and_is_silent(clip: Path, tmp_path: Path) -> None:
    footage = prepare(clip, np.arange(10) / 30, 30.0, tmp_path / "proxy.mp4", speed=4.0)
    assert footage.sound == ""
    assert shown(footage.path)[0] == [4 * number for number in range(10)]


@pytest.mark.parametrize(("size", "wanted"), [((2000, 1000), (LONGEST, LONGEST // 2)), ((95, 63), (94, 62))])
def test_the_size_is_sensible(
    tmp_path: Path, encode_video: EncodeVideo, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    clip = encode_video(tmp_path / "clip.mkv", numbered(4, size), 30, codec="libx264", pix_fmt="yuv444p")
    footage = prepare(clip, np.arange(3) / 24, 24.0, tmp_path / "proxy.mp4")
    assert shown(footage.path)[1][0].shape[:2] == wanted[::-1]


def test_a_proxy_is_made_once_and_nothing_else_is_overwritten(clip: Path, tmp_path: Path) -> None:
    proxy, times = tmp_path / "proxy.mp4", np.arange(20) / 24
    prepare(clip, times, 24.0, proxy)
    made = proxy.stat().st_mtime_ns
    assert prepare(clip, times, 24.0, proxy).proxy
    assert proxy.stat().st_mtime_ns == made
    prepare(clip, times[:10], 24.0, proxy)
    assert len(shown(proxy)[0]) == 10
    proxy.write_bytes(clip.read_bytes())
    with pytest.raises(UsageError, match="exists already"):
        prepare(clip, times, 24.0, proxy)
    assert proxy.read_bytes() == clip.read_bytes()
    assert prepare(clip, times, 24.0, proxy, overwrite=True).proxy


def test_stopped_work_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    with pytest.raises(Cancelled):
        prepare(clip, np.arange(20) / 24, 24.0, tmp_path / "proxy.mp4", progress=lambda done, total: steps.append(done),
                cancelled=lambda: len(steps) >= 5)  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == [clip.name]


def test_from_another_process(clip: Path, tmp_path: Path, make_motion: Callable[..., Motion]) -> None:
    motion = make_motion(frames=20, fps=24.0)
    output = proxy_path(tmp_path, "take", 24.0)
    run = FootageRun(Path(sys.executable), tmp_path / "imports", motion, clip, output)
    footage = run.result()
    assert run.finished
    assert (run.done, run.total) == (20, 20)
    assert (footage.path, footage.proxy, footage.sound) == (output, True, clip)
    assert len(shown(output)[0]) == 20
    with pytest.raises(MotionLiftError) as caught:
        prepared(Path(sys.executable), tmp_path / "imports", motion, tmp_path / "no.mp4", output)
    assert caught.value.code == "no_file"
    with pytest.raises(MotionLiftError) as caught:
        prepared(tmp_path / "no_python", tmp_path / "imports", motion, clip, output)
    assert caught.value.code == "worker_not_started"


def test_another_process_that_is_stopped_leaves_nothing(
    tmp_path: Path, encode_video: EncodeVideo, make_motion: Callable[..., Motion]
) -> None:
    clip = encode_video(tmp_path / "clip.mkv", numbered(4, (1920, 1080)) * 60, 30, codec="libx264")
    motion = make_motion(frames=190, fps=24.0)
    run = FootageRun(Path(sys.executable), tmp_path / "imports", motion, clip, proxy_path(tmp_path, "take", 24.0))
    while not run.done and not run.finished:
        time.sleep(0.01)
    began = time.monotonic()
    run.cancel()
    with pytest.raises(Cancelled):
        run.result()
    assert run.done < run.total
    assert time.monotonic() - began < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [clip.name, "imports"]


def test_what_was_done_to_the_clip_is_passed_on(make_motion: Callable[..., Motion], tmp_path: Path) -> None:
    motion = make_motion(frames=3)
    source: Sequence[tuple[dict[str, Any], float, bool, int | None]] = [
        ({}, 1.0, False, None),
        ({"speed": 8, "settings": {"mirror": True}}, 8.0, True, None),
        ({"settings": {"rotate": 270}}, 1.0, False, 270),
        ({"settings": {"rotate": 0}}, 1.0, False, 0),
        ({"settings": {"rotate": "left"}}, 1.0, False, None),
        ({"settings": None}, 1.0, False, None),
    ]
    for told, speed, mirror, rotate in source:
        arguments = json.loads(json.dumps(asked(motion_from(motion, told), tmp_path / "a.mp4", tmp_path / "b.mp4")))
        assert (arguments["speed"], arguments["mirror"], arguments["fps"]) == (speed, mirror, motion.fps)
        assert arguments["rotate"] == rotate
        np.testing.assert_allclose(arguments["times"], motion.times, atol=1e-6)
    values = {"path": "a", "proxy": True, "sound": "", "start_s": 0.5}
    assert answered(values).sound is None


def motion_from(motion: Motion, source: dict[str, Any]) -> Motion:
    return dataclasses.replace(motion, source=source)


def test_the_process_dies(clip: Path, tmp_path: Path, make_motion: Callable[..., Motion]) -> None:
    """A Python without the engine: its log is told."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = next(path for path in (bare / "bin/python", bare / "Scripts/python.exe") if path.exists())
    with pytest.raises(MotionLiftError) as caught:
        prepared(python, tmp_path / "imports", make_motion(frames=5), clip, tmp_path / "proxy.mp4")
    assert caught.value.code == "worker_died"
    assert "No module named" in caught.value.hint
