"""When pictures are shown, told without decoding; and files entered in the middle that have no index."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.video import FrameReader, decoding, picture_times, read_frames
from motionlift.core.video.decoding import ContainerSource

EncodeVideo = Callable[..., Path]
Texture = Callable[..., list[NDArray[np.uint8]]]
REORDERED = {"preset": "medium", "bf": "3", "g": "24"}
UNEVEN = np.cumsum([0.0, *[0.02, 0.05, 0.033, 0.1] * 20])


@pytest.fixture(params=["a.mp4", "a.mkv", "a.ts", "a.webm", "fragments.mp4", "no cues.mkv", "plain.avi"])
def clip(request: pytest.FixtureRequest, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> Path:
    """A clip of 81 frames in each container, of a variable rate where it can be, with an index or without."""
    name = str(request.param)
    pictures = moving_texture(len(UNEVEN))
    path = tmp_path / name
    if name == "no cues.mkv":
        with_cues = encode_video(tmp_path / "with cues.mkv", pictures, times=UNEVEN, options=REORDERED)
        return _without_cues(with_cues, path)
    if name == "plain.avi":
        return encode_video(path, pictures, 25, codec="mpeg4")
    return encode_video(
        path,
        pictures,
        times=UNEVEN,
        codec="libvpx-vp9" if name.endswith("webm") else "libx264",
        options=None if name.endswith("webm") else REORDERED,
        container_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"} if "fragments" in name else None,
    )


def _without_cues(source: Path, path: Path) -> Path:
    """A copy as a recorder writes it that cannot go back: without length and index."""

    class Pipe:
        def __init__(self, file: object) -> None:
            self.write = file.write  # type: ignore[attr-defined]

    with av.open(str(source)) as read, path.open("wb") as file, av.open(Pipe(file), "w", format="matroska") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                written.mux(packet)
    return path


def test_times_are_those_of_the_decoded_frames(clip: Path) -> None:
    assert picture_times(clip) == [frame.time for frame in read_frames(clip)]
    assert picture_times(clip, 0.5, 1.7) == [frame.time for frame in read_frames(clip, 0.5, 1.7)]


def test_pictures_that_an_edit_list_cuts_away_have_no_time(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(90), options=REORDERED)
    box = bytearray(path.read_bytes())
    (seconds,) = struct.unpack_from(">I", box, box.index(b"mvhd") + 16)
    (ticks,) = struct.unpack_from(">I", box, box.index(b"mdhd") + 16)
    edit = box.index(b"elst") + 12
    _, start = struct.unpack_from(">Ii", box, edit)
    # One second, from half a second on: inside a group of pictures, at both ends.
    struct.pack_into(">Ii", box, edit, seconds, start + ticks // 2)
    path.write_bytes(box)
    times = [frame.time for frame in read_frames(path)]
    assert len(times) == 30
    assert picture_times(path) == times


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.ts"])
def test_a_picture_that_begins_late_is_not_cut_off(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture, name: str
) -> None:
    path = encode_video(
        tmp_path / name,
        moving_texture(30),
        times=[2 + number / 30 for number in range(30)],
        codec="libvpx-vp9" if name == "a.webm" else "libx264",
    )
    with FrameReader(path) as reader:
        assert len(list(reader)) == 30
    assert reader.warnings == []
    assert reader.info.duration == pytest.approx(1, abs=0.05)


def test_every_frame_can_be_entered_at(clip: Path) -> None:
    whole = list(read_frames(clip))
    for number in range(1, len(whole), 7):
        frame = next(iter(read_frames(clip, whole[number].time)))
        assert frame.time == whole[number].time
        np.testing.assert_array_equal(frame.image, whole[number].image)


def test_without_an_index_packets_are_passed_over(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode_video(tmp_path / "a.mkv", moving_texture(90), options=REORDERED)
    whole = [frame.time for frame in read_frames(path)]
    monkeypatch.setattr(ContainerSource, "_sought", lambda *_: iter(()))
    decoded: list[int] = []

    def counted(*arguments: object, **named: object) -> Iterator[object]:
        for item in decode(*arguments, **named):  # type: ignore[arg-type]
            decoded.append(1)
            yield item

    decode = decoding._decode
    monkeypatch.setattr(decoding, "_decode", counted)
    assert [frame.time for frame in read_frames(path, whole[80])] == whole[80:]
    # From the keyframe at 72 on, and the first picture, by which the file is probed.
    assert len(decoded) == 90 - 72 + 1


def test_uncertain_times_are_not_told(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    reordered = encode_video(tmp_path / "a.avi", moving_texture(40), 25, options=REORDERED)
    assert picture_times(reordered) is None
    twice = encode_video(tmp_path / "a.ts", moving_texture(30), 25)
    twice.write_bytes(twice.read_bytes() * 2)
    assert picture_times(twice) is None
    assert len(list(read_frames(twice))) == 60


def test_pictures_of_a_sequence(tmp_path: Path, moving_texture: Texture) -> None:
    from PIL import Image

    for number, picture in enumerate(moving_texture(5)):
        if number != 2:
            Image.fromarray(picture).save(tmp_path / f"a.{number:04}.png")
    path = tmp_path / "a.%04d.png"
    assert picture_times(path) == [frame.time for frame in read_frames(path)]


def test_with_a_stride_only_some_frames_have_their_image(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    cut = [*moving_texture(20), *moving_texture(20, seed=5)]
    path = encode_video(tmp_path / "a.mp4", cut)
    whole = list(read_frames(path))
    with FrameReader(path, stride=3) as reader:
        some = list(reader)
    assert [(f.index, f.time, f.shot) for f in some] == [(f.index, f.time, f.shot) for f in whole]
    assert {f.shot for f in some} == {1, 2}
    for frame, same in zip(some, whole, strict=True):
        if frame.index % 3:
            assert frame.image.size == 0
        else:
            np.testing.assert_array_equal(frame.image, same.image)
