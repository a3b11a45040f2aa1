"""Pictures of every container, orientation and size, and what a file says of itself. Real files, encoded here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.video import (
    FrameReader,
    content_hash,
    probe,
    read_frames,
    slow_motion_factor,
)

from .conftest import CONTAINERS, difference

EncodeVideo = Callable[..., Path]
Image = NDArray[np.uint8]
Texture = Callable[..., list[Image]]


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


def pq_stored(shown: Image) -> Image:
    """sRGB pictures as HDR10 stores them, white at 203 candela a square metre (SMPTE ST 2084, equation 5.2)."""
    value = shown / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) * 203 / 10000
    powered = light ** (2610 / 16384)
    stored = ((3424 / 4096 + 2413 / 128 * powered) / (1 + 2392 / 128 * powered)) ** (2523 / 32)
    return np.asarray(np.rint(255 * stored), np.uint8)


@pytest.mark.parametrize("rotation", [0, 90])
def test_high_dynamic_range_is_shown_as_bright_as_it_was(
    rotation: int, tmp_path: Path, encode_video: EncodeVideo, moving_texture: Texture
) -> None:
    # Up to the brightness above which highlights have to fit in.
    pictures = [(picture * 0.85).astype(np.uint8) for picture in moving_texture(3)]
    colours = "log-level=none:transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc"
    path = encode_video(
        tmp_path / "hdr10.mp4",
        [pq_stored(picture) for picture in pictures],
        codec="libx265",
        pix_fmt="yuv420p10le",
        rotation=rotation,
        options={"preset": "ultrafast", "crf": "4", "x265-params": colours},
    )
    stored = float(np.mean([np.abs(pq_stored(p).astype(float) - p) for p in pictures]))
    for frame, picture in zip(read_frames(path), pictures, strict=True):
        upright = np.rot90(picture, -rotation // 90)
        assert difference(frame, upright) < 0.3 * stored


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


def test_real_clip_is_one_shot() -> None:
    path = Path(__file__).resolve().parents[4] / "shared/data/video/sports2d_demo.mp4"
    if not path.is_file():
        pytest.skip("no real clip beside the repository")
    with FrameReader(path, max_side=320) as reader:
        frames = list(reader)
    assert reader.info.size == (1768, 994)
    assert (len(frames), frames[-1].shot, reader.warnings) == (230, 1, [])
    np.testing.assert_allclose(np.diff([f.time for f in frames]), 1 / 30, atol=1e-6)


def test_of_several_pictures_the_one_that_players_show(tmp_path: Path) -> None:
    path = tmp_path / "camera and screen.mp4"
    with av.open(str(path), "w") as container:
        camera, screen = (container.add_stream("libx264", rate=30) for _ in range(2))
        for stream, size in ((camera, (128, 96)), (screen, (256, 192))):
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
        camera.disposition = av.stream.Disposition.default
        screen.disposition = av.stream.Disposition(0)
        for stream in (camera, screen):
            picture = av.VideoFrame.from_ndarray(np.zeros((stream.height, stream.width, 3), np.uint8), "rgb24")
            container.mux(stream.encode(picture))
            container.mux(stream.encode())
    assert probe(path).size == (128, 96)
