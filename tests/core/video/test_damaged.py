"""Files that are cut off, damaged or no videos: what is there is read, and the rest is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.jobs import MotionLiftError
from motionlift.core.video import (
    FrameReader,
    find_shots,
    probe,
    read_frames,
)

from .conftest import CONTAINERS

EncodeVideo = Callable[..., Path]
Image = NDArray[np.uint8]
Texture = Callable[..., list[Image]]


@pytest.mark.parametrize("audio", [False, True])
@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.webm", "fragments.mp4", "index first.mp4", "a.gif"])
def test_cut_off_file_yields_what_it_holds_and_a_warning(
    name: str, audio: bool, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    if audio and name.endswith(("gif", "webm")):
        pytest.skip("no sound there")
    codec, pix_fmt = ("gif", "rgb8") if name == "a.gif" else CONTAINERS.get(name, ("libx264", "yuv420p"))
    flags = {"fragments.mp4": "frag_keyframe+empty_moov", "index first.mp4": "faststart"}.get(name)
    whole = encode_video(
        tmp_path / f"whole {name}",
        moving_texture(90),
        codec=codec,
        pix_fmt=pix_fmt,
        audio=audio,
        container_options={"movflags": flags} if flags else None,
        options={"g": "10", "preset": "ultrafast"} if codec == "libx264" else None,
    )
    with FrameReader(whole) as reader:
        assert len(list(reader)) == 90
    assert reader.warnings == []
    part = tmp_path / name
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with FrameReader(part) as reader:
        frames = list(reader)
    assert 20 <= len(frames) <= 60
    assert reader.warnings
    assert np.all(np.diff([f.time for f in frames]) > 0)


def test_damage_in_the_middle_is_survived(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "a.mkv", moving_texture(90), options={"g": "10", "preset": "ultrafast"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    path.write_bytes(data)
    times = [f.time for f in read_frames(path)]
    assert len(times) > 40
    assert np.all(np.diff(times) > 0)


def _without_index(path: Path, encode_video: EncodeVideo, pictures: list[Image]) -> None:
    encode_video(path, pictures)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 48_000, 0
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("no_file", "missing.mp4"),
        ("no_file", f"{'a' * 300}.mp4"),
        ("no_file", f"{'a' * 300}/a.mp4"),
        ("no_file", "missing.mp4/a.mp4"),
        ("no_file", "missing.%04d.png"),
        ("no_file", "missing/plate.####.png"),
        ("is_directory", "folder"),
        ("empty_file", "empty.mp4"),
        ("not_a_video", "text.mp4"),
        ("not_a_video", "noise.mp4"),
        ("incomplete_video", "no index.mp4"),
        ("no_video_stream", "sound.m4a"),
        ("no_frames", "pictures"),
    ],
)
def test_bad_input_gets_a_code_a_message_and_a_hint(
    code: str, name: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = tmp_path / name
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("no picture")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_text("no picture")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("Hello, this is a text that someone renamed.\n" * 100)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(1).bytes(20_000))
    _without_index(tmp_path / "no index.mp4", encode_video, moving_texture(20))
    _sound_only(tmp_path / "sound.m4a")
    for attempt in (probe, FrameReader, lambda p: list(read_frames(p)), find_shots):
        with pytest.raises(MotionLiftError) as caught:
            attempt(path)
        assert caught.value.code == code
        assert path.name.split(".")[0] in caught.value.message
        assert caught.value.hint


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mkv"
    _sound_only(path)
    with av.open(str(path)) as container:
        assert not container.streams.video
    with pytest.raises(MotionLiftError, match="sound"):
        probe(path)
