"""Video in: every container, clock, orientation, trim, and what bad input gets. Real files, encoded here."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.jobs import MotionLiftError
from motionlift.core.video import (
    Frame,
    FrameReader,
    content_hash,
    find_shots,
    probe,
    read_frames,
    slow_motion_factor,
)

EncodeVideo = Callable[..., Path]
Image = NDArray[np.uint8]
Texture = Callable[..., list[Image]]

CONTAINERS = {
    "a.mp4": ("libx264", "yuv420p"),
    "a.mov": ("prores", "yuv422p10le"),
    "a.mkv": ("libx264", "yuv420p"),
    "a.webm": ("libvpx-vp9", "yuv420p"),
    "a.avi": ("mpeg4", "yuv420p"),
    "b.avi": ("mjpeg", "yuvj420p"),
    "a.ts": ("libx264", "yuv420p"),
    "ten bit.mp4": ("libx265", "yuv420p10le"),
}


def decode_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("decode ")]


def difference(frame: Frame, picture: Image) -> float:
    return float(np.mean(np.abs(frame.image.astype(float) - picture)))


def quarters(size: tuple[int, int]) -> Image:
    """A picture whose corners are told apart: red, green, blue, white from the top left in reading order."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (230, 20, 20)
    image[: height // 2, width // 2 :] = (20, 230, 20)
    image[height // 2 :, : width // 2] = (20, 20, 230)
    image[height // 2 :, width // 2 :] = (240, 240, 240)
    return image


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_yields_its_pictures_in_order(
    name: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    pictures = moving_texture(24)
    codec, pix_fmt = CONTAINERS[name]
    path = encode_video(tmp_path / name, pictures, 25, codec=codec, pix_fmt=pix_fmt)
    with FrameReader(path) as reader:
        frames = list(reader)
    assert (reader.info.size, reader.info.fps, reader.info.frame_count) == ((128, 96), 25, 24)
    assert reader.info.duration == pytest.approx(24 / 25, abs=0.05)
    assert reader.warnings == []
    assert [f.index for f in frames] == list(range(24))
    assert {f.shot for f in frames} == {1}
    np.testing.assert_allclose([f.time for f in frames], np.arange(24) / 25, atol=6e-4)
    for frame, picture in zip(frames, pictures, strict=True):
        assert difference(frame, picture) < 6
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous


def test_gif(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "a.gif", moving_texture(20), 25, codec="gif", pix_fmt="rgb8")
    with FrameReader(path) as reader:
        frames = list(reader)
    np.testing.assert_allclose([f.time for f in frames], np.arange(20) / 25, atol=1e-6)
    assert difference(frames[7], moving_texture(20)[7]) < 25  # 256 colours


def test_reordered_pictures_in_avi_keep_an_even_clock(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(
        tmp_path / "a.avi", moving_texture(40), 25, options={"preset": "medium", "bf": "3", "b-pyramid": "normal"}
    )
    np.testing.assert_allclose([f.time for f in read_frames(path)], np.arange(40) / 25, atol=1e-9)
    np.testing.assert_allclose([f.time for f in read_frames(path, start=1.2)], np.arange(30, 40) / 25, atol=1e-9)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_applied(rotation: int, suffix: str, tmp_path: Path, encode_video: EncodeVideo) -> None:
    upright = quarters((96, 64))
    stored = np.rot90(upright, rotation // 90)  # numpy turns counter-clockwise; the player turns back
    path = encode_video(tmp_path / f"a.{suffix}", [stored] * 3, rotation=rotation)
    info = probe(path)
    assert (info.rotation, info.size) == (rotation, (96, 64))
    for frame in read_frames(path):
        assert frame.image.shape == (64, 96, 3)
        assert difference(frame, upright) < 12
        assert frame.image.flags.c_contiguous


@pytest.mark.parametrize(("hflip", "vflip", "degrees"), [(True, False, 0), (False, True, 90), (True, True, 90)])
def test_mirroring_matrix_is_applied(hflip: bool, vflip: bool, degrees: int, tmp_path: Path) -> None:
    stored = quarters((96, 64))
    path = tmp_path / "mirrored.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 30, options={"preset": "ultrafast", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, "rgb24")))
        container.mux(stream.encode())
    shown = np.rot90(stored, degrees // 90)
    shown = shown[:, ::-1] if hflip else shown
    shown = shown[::-1] if vflip else shown
    assert difference(next(iter(read_frames(path))), shown) < 12


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60), Fraction(240)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_rates_keep_their_timestamps(
    rate: Fraction, suffix: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / f"a.{suffix}", moving_texture(30, (64, 48)), rate)
    assert probe(path).fps == pytest.approx(float(rate), rel=2e-3)
    times = np.array([f.time for f in read_frames(path)])
    tolerance = 1e-9 if suffix == "mp4" else 5.1e-4  # Matroska stores whole milliseconds
    np.testing.assert_allclose(times, np.arange(30) / float(rate), atol=tolerance)
    assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_variable_rate_keeps_every_timestamp(
    name: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    times = np.cumsum([0.0, *[0.02, 0.05, 0.033, 0.1] * 8])
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = encode_video(tmp_path / name, moving_texture(len(times)), times=times, codec=codec)
    with FrameReader(path) as reader:
        np.testing.assert_allclose([f.time for f in reader], times, atol=1e-9)
    assert reader.warnings == []


def test_time_counts_from_the_first_picture(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "late.ts", moving_texture(20), times=100 + np.arange(20) / 30)
    np.testing.assert_allclose([f.time for f in read_frames(path)], np.arange(20) / 30, atol=1e-4)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.webm", "a.ts"])
def test_trim_is_the_same_as_cutting_the_whole(
    name: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    codec, pix_fmt = CONTAINERS[name]
    options = {"preset": "fast", "g": "12"} if codec == "libx264" else None
    path = encode_video(tmp_path / name, moving_texture(90), 30, codec=codec, pix_fmt=pix_fmt, options=options)
    whole = list(read_frames(path))
    for start, end in [(1.0, 2.0), (0.5, None), (None, 0.7), (whole[61].time, whole[64].time), (2.95, 99.0)]:
        part = list(read_frames(path, start, end))
        expected = [f for f in whole if (start or 0) - 5e-4 <= f.time < (end or 99) - 5e-4]
        assert [f.time for f in part] == [f.time for f in expected]
        assert [f.index for f in part] == list(range(len(expected)))
        for a, b in zip(part, expected, strict=True):
            np.testing.assert_array_equal(a.image, b.image)


def test_trim_seeks(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "long.mp4", moving_texture(60) * 15, options={"g": "30", "preset": "ultrafast"})

    def seconds(start: float) -> float:
        begin = time.perf_counter()
        next(iter(read_frames(path, start)))
        return time.perf_counter() - begin

    assert seconds(29.0) < 0.5 * _seconds_to_decode(path)


def _seconds_to_decode(path: Path) -> float:
    begin = time.perf_counter()
    for _ in read_frames(path):
        pass
    return time.perf_counter() - begin


@pytest.mark.parametrize(("start", "end"), [(50.0, None), (2.0, None), (0.501, 0.502)])
def test_trim_outside_the_clip(
    start: float, end: float | None, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(30))
    with pytest.raises(MotionLiftError, match="no picture from") as caught:
        list(read_frames(path, start, end))
    assert caught.value.code == "bad_trim"
    assert caught.value.hint


@pytest.mark.parametrize(("name", "codec", "pix_fmt"), [("a.mp4", "libx264", "yuv444p"), ("a.mkv", "ffv1", "yuv420p")])
def test_odd_sizes(
    name: str, codec: str, pix_fmt: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    pictures = moving_texture(4, (127, 95))
    path = encode_video(tmp_path / name, pictures, codec=codec, pix_fmt=pix_fmt)
    frames = list(read_frames(path))
    assert probe(path).size == (127, 95)
    assert frames[0].image.shape == (95, 127, 3)
    assert frames[0].image.flags.c_contiguous
    assert difference(frames[2], pictures[2]) < 6


@pytest.mark.parametrize("rotation", [0, 90])
def test_pixels_become_square(rotation: int, tmp_path: Path, encode_video: EncodeVideo) -> None:
    stored = quarters((96, 96))
    path = encode_video(tmp_path / "a.mp4", [stored] * 2, pixel_aspect=Fraction(4, 3), rotation=rotation)
    assert probe(path).size == ((128, 96) if rotation == 0 else (96, 128))
    image = next(iter(read_frames(path))).image
    assert image.shape[1::-1] == probe(path).size
    corner = (230, 20, 20) if rotation == 0 else (20, 20, 230)
    np.testing.assert_allclose(image[10, 10], corner, atol=25)


def test_max_side_shrinks_the_picture_but_not_the_coordinates(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(3, (256, 128)), rotation=90)
    with FrameReader(path, max_side=64) as reader:
        assert reader.info.size == (128, 256)
        assert all(f.image.shape == (64, 32, 3) for f in reader)
    assert next(iter(read_frames(path, max_side=4000))).image.shape == (256, 128, 3)


def test_one_picture(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    frames = list(read_frames(encode_video(tmp_path / "a.mp4", moving_texture(1))))
    assert [(f.index, f.time, f.shot) for f in frames] == [(0, 0.0, 1)]


def test_paths_of_any_script(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    folder = tmp_path / "Läufer 走る 100%"
    folder.mkdir()
    path = encode_video(tmp_path / "a.mp4", moving_texture(5)).rename(folder / "scène: prise 2 é %d #.mp4")
    assert len(list(read_frames(path))) == 5
    assert content_hash(path)


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


def test_metadata(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(
        tmp_path / "a.mov",
        moving_texture(60),
        audio=True,
        metadata={
            "com.android.capture.fps": "240.000000",
            "com.apple.quicktime.camera.focal_length.35mm_equivalent": "26",
        },
        container_options={"movflags": "use_metadata_tags"},
    )
    info = probe(path)
    assert (info.capture_rate, info.focal_35mm, info.has_audio) == (240.0, 26.0, True)
    assert slow_motion_factor(info, None) == 8.0
    assert slow_motion_factor(info, 4.0) == 4.0


def test_slow_motion_factor_of_tags(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    info = probe(encode_video(tmp_path / "a.mp4", moving_texture(3)))
    assert (info.capture_rate, info.focal_35mm, info.has_audio) == (None, None, False)
    assert slow_motion_factor(info, None) == 1.0
    for captured, fps, factor in [(30, 29.7, 1), (240, 29.97, 8), (120, 30.3, 4), (120, 119.88, 1), (45, 30, 1.5)]:
        assert slow_motion_factor(replace(info, capture_rate=captured, fps=fps), None) == pytest.approx(factor)


def test_content_hash_follows_the_bytes(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(3))
    first = content_hash(path)
    assert content_hash(path.rename(tmp_path / "b.mp4")) == first
    (tmp_path / "b.mp4").write_bytes((tmp_path / "b.mp4").read_bytes() + b"\0")
    assert content_hash(tmp_path / "b.mp4") != first


def test_decoding_waits_for_the_consumer(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(400, (64, 48)))
    alive = 0
    with FrameReader(path, ahead=3) as reader:
        frames = iter(reader)
        next(frames)
        time.sleep(0.4)
        gc.collect()
        alive = sum(isinstance(thing, Frame) for thing in gc.get_objects())
        assert decode_threads()
    assert alive <= 3 + 2 + 1  # waiting, in hand on both sides
    assert not decode_threads()


@pytest.mark.parametrize("how", ["close", "break", "forget", "raise"])
def test_leaving_early_stops_the_thread(
    how: str, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(200, (64, 48)))
    frames = read_frames(path)
    next(frames)
    assert decode_threads()
    if how == "close":
        frames.close()  # type: ignore[attr-defined]
    elif how == "break":
        for _ in frames:
            break
        del frames
    elif how == "forget":
        del frames
    else:
        with pytest.raises(MotionLiftError):
            _fail_while_reading(path)
        del frames
    gc.collect()
    assert not decode_threads()


def _fail_while_reading(path: Path) -> None:
    with FrameReader(path) as reader:
        for _ in reader:
            raise MotionLiftError("test", "The consumer fails.")


def test_a_reader_is_read_once(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    reader = FrameReader(encode_video(tmp_path / "a.mp4", moving_texture(3)))
    assert len(list(reader)) == 3
    with pytest.raises(RuntimeError, match="once"):
        list(reader)


def test_file_that_vanishes_fails_in_the_consumer(
    tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    path = encode_video(tmp_path / "a.mp4", moving_texture(3))
    reader = FrameReader(path)
    path.unlink()
    with pytest.raises(MotionLiftError) as caught:
        list(reader)
    assert caught.value.code == "no_file"
    assert not decode_threads()


def test_real_clip_is_one_shot() -> None:
    path = Path(__file__).resolve().parents[4] / "shared/data/video/sports2d_demo.mp4"
    if not path.is_file():
        pytest.skip("no real clip beside the repository")
    with FrameReader(path, max_side=320) as reader:
        frames = list(reader)
    assert reader.info.size == (1768, 994)
    assert (len(frames), frames[-1].shot, reader.warnings) == (230, 1, [])
    np.testing.assert_allclose(np.diff([f.time for f in frames]), 1 / 30, atol=1e-6)


def test_pictures_leave_memory_at_once(tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture) -> None:
    """Also where nobody looks for cycles: a minute of video would stay in memory otherwise."""
    path = encode_video(tmp_path / "a.mp4", moving_texture(40), rotation=90)
    gc.collect()
    gc.disable()
    try:
        assert sum(1 for _ in read_frames(path)) == 40
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kept = [item for item in gc.garbage if isinstance(item, av.VideoFrame) and item.width > 16]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not kept
