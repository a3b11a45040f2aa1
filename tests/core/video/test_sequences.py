"""Pictures as a video: folders, patterns, gaps, broken pictures."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from motionlift.core.jobs import MotionLiftError
from motionlift.core.video import FrameReader, content_hash, probe, read_frames

Image = NDArray[np.uint8]
Texture = Callable[..., list[Image]]


def write_picture(path: Path, image: Image) -> None:
    codec = "mjpeg" if path.suffix == ".jpg" else "png"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream(codec, 30)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())


@pytest.fixture
def pictures(tmp_path: Path, moving_texture: Texture) -> tuple[Path, list[Image]]:
    """A folder of plate_7.png ... plate_14.png and things that are no part of it."""
    folder = tmp_path / "Bilder é"
    folder.mkdir()
    images = moving_texture(8, (63, 47))
    for number, image in enumerate(images, 7):
        write_picture(folder / f"plate_{number}.png", image)
    (folder / "._plate_9.png").write_text("litter of another system")
    (folder / "notes.txt").write_text("notes")
    return folder, images


def test_folder_in_natural_order(pictures: tuple[Path, list[Image]]) -> None:
    folder, images = pictures
    with FrameReader(folder) as reader:
        frames = list(reader)
    assert (reader.info.size, reader.info.fps, reader.info.frame_count) == ((63, 47), 30, 8)
    assert reader.info.duration == pytest.approx(8 / 30)
    assert reader.warnings == []
    np.testing.assert_allclose([f.time for f in frames], np.arange(8) / 30)
    for frame, image in zip(frames, images, strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_asked_rate_and_trim(pictures: tuple[Path, list[Image]]) -> None:
    folder, images = pictures
    with FrameReader(folder, start=0.25, end=0.625, rate=8) as reader:
        frames = list(reader)
    assert [f.time for f in frames] == [0.25, 0.375, 0.5]
    np.testing.assert_array_equal(frames[0].image, images[2])
    with pytest.raises(MotionLiftError) as caught:
        list(read_frames(folder, start=1.0))
    assert caught.value.code == "bad_trim"


@pytest.mark.parametrize("pattern", ["plate_%d.png", "plate_#.png"])
def test_pattern_keeps_its_numbers(pattern: str, pictures: tuple[Path, list[Image]]) -> None:
    folder, _ = pictures
    assert probe(folder / pattern).frame_count == 8
    (folder / "plate_9.png").unlink()
    with FrameReader(folder / pattern) as reader:
        times = [f.time for f in reader]
    np.testing.assert_allclose(times, np.array([0, 1, 3, 4, 5, 6, 7]) / 30)
    assert "missing" in reader.warnings[0]


def test_padded_pattern(tmp_path: Path, moving_texture: Texture) -> None:
    for number, image in enumerate(moving_texture(4)):
        write_picture(tmp_path / f"walk.{number:04d}.jpg", image)
    write_picture(tmp_path / "walk.1.jpg", moving_texture(1, seed=9)[0])
    write_picture(tmp_path / "walk.0001.png", moving_texture(1, seed=9)[0])
    assert len(list(read_frames(tmp_path / "walk.%04d.jpg"))) == 4
    assert len(list(read_frames(tmp_path / "walk.####.jpg"))) == 4


def test_broken_picture_is_left_out_with_a_warning(pictures: tuple[Path, list[Image]]) -> None:
    folder, images = pictures
    (folder / "plate_7.png").write_bytes(b"\x89PNG broken")
    (folder / "plate_10.png").write_bytes(b"")
    with FrameReader(folder) as reader:
        frames = list(reader)
    np.testing.assert_allclose([f.time for f in frames], np.array([1, 2, 4, 5, 6, 7]) / 30)
    assert len(reader.warnings) == 2
    np.testing.assert_array_equal(frames[0].image, images[1])


def test_pictures_of_other_sizes_are_brought_to_the_first_ones(
    pictures: tuple[Path, list[Image]], moving_texture: Texture
) -> None:
    folder, _ = pictures
    write_picture(folder / "plate_9.png", moving_texture(1, (200, 100))[0])
    assert {f.image.shape for f in read_frames(folder)} == {(47, 63, 3)}


def test_content_hash_of_a_sequence(pictures: tuple[Path, list[Image]]) -> None:
    folder, images = pictures
    first = content_hash(folder)
    (folder / "notes.txt").write_text("other notes")
    assert content_hash(folder) == content_hash(folder / "plate_%d.png") == first
    write_picture(folder / "plate_9.png", images[0])
    assert content_hash(folder) != first


@pytest.mark.parametrize(("orientation", "rotation"), [(1, 0), (3, 180), (6, 90), (8, 270)])
def test_orientation_and_focal_length_of_a_photograph(
    orientation: int, rotation: int, tmp_path: Path, moving_texture: Texture
) -> None:
    stored = moving_texture(1, (64, 48))[0]
    path = tmp_path / "photo_1.jpg"
    write_picture(path, stored)
    data = path.read_bytes()
    # A big-endian EXIF block: the focal length as on 35 mm film lies in a directory of its own at 38.
    main = struct.pack(">HHHIHHHHIII", 2, 0x0112, 3, 1, orientation, 0, 0x8769, 4, 1, 38, 0)
    photo = struct.pack(">HHHIHHI", 1, 0xA405, 3, 1, 28, 0, 0)
    block = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + main + photo
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    info = probe(tmp_path)
    assert (info.rotation, info.focal_35mm) == (rotation, 28.0)
    assert info.size == ((48, 64) if rotation % 180 else (64, 48))
    image = next(iter(read_frames(tmp_path))).image
    assert np.mean(np.abs(image.astype(float) - np.rot90(stored, -rotation // 90))) < 8


def test_the_counter_of_a_name_with_other_signs(tmp_path: Path, moving_texture: Texture) -> None:
    for number, image in enumerate(moving_texture(3, (40, 30)), 1):
        write_picture(tmp_path / f"take #1.{number:04}.png", image)
    for name in ("take #1.%04d.png", "take #1.####.png"):
        assert len(list(read_frames(tmp_path / name))) == 3
