"""Bad input through the real command line: a message, a hint, the exit code, and no half-written file.

Wrong usage that is found before any work is in `test_command_line.py`, missing pose models without a network in
`core/detection/test_models.py`.
"""

from __future__ import annotations

import io
import json
import sys
import wave
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from motionlift.core.video import read_frames

Picture = NDArray[np.uint8]
Run = Callable[..., tuple[int, str, str]]
BLANK = np.full((360, 640, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def pictures(sample_video: Path) -> list[Picture]:
    """The sample's first second."""
    return [frame.image for frame in read_frames(sample_video, end=1.0)]


def film(path: Path, frames: Iterable[Picture]) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for number, picture in enumerate(frames):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def lift(run: Run, video: Path, tmp_path: Path, *options: str) -> tuple[int, str, list[str]]:
    """Lift into an empty folder: exit code, what was said, the files that were left."""
    folder = tmp_path / "out"
    folder.mkdir()
    code, _, err = run("lift", video, "-o", folder / "take.bvh", "--no-cache", *options)
    return code, err, sorted(path.name for path in folder.iterdir())


def refused(run: Run, video: Path, tmp_path: Path, *options: str, code: int = 1) -> str:
    """The message of a lift that must fail with one: with a hint, without a traceback, leaving nothing."""
    found, said, left = lift(run, video, tmp_path, *options)
    assert found == code, said
    assert left == []
    assert "Traceback" not in said
    assert "internal" not in said
    message, _, hint = said[said.index("Error") :].partition("\n")
    assert message
    assert hint.strip()
    return " ".join(said.split())


def test_a_missing_file(run: Run, tmp_path: Path) -> None:
    assert "no file" in refused(run, tmp_path / "none.mp4", tmp_path)


def test_a_folder_that_holds_no_pictures(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "clip.mp4"
    folder.mkdir()
    assert "clip.mp4" in refused(run, folder, tmp_path)


@pytest.mark.parametrize("content", [b"", b"Dear diary, " * 500], ids=["empty", "text"])
def test_a_file_that_is_no_video(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    refused(run, tmp_path / "clip.mp4", tmp_path)


def test_sound_without_a_picture(run: Run, tmp_path: Path) -> None:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    (tmp_path / "clip.wav").write_bytes(sound.getvalue())
    assert "picture" in refused(run, tmp_path / "clip.wav", tmp_path)


def test_a_file_cut_off_in_the_middle_gives_what_it_holds(run: Run, tmp_path: Path, pictures: list[Picture]) -> None:
    whole = film(tmp_path / "whole.mkv", pictures).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    code, said, left = lift(run, tmp_path / "cut.mkv", tmp_path)
    assert code == 0, said
    assert left == ["take.bvh"]
    assert "Note" in said


def test_an_mp4_cut_before_its_index(run: Run, tmp_path: Path, pictures: list[Picture]) -> None:
    whole = film(tmp_path / "whole.mp4", pictures[:10]).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    refused(run, tmp_path / "cut.mp4", tmp_path)


def test_a_single_frame(run: Run, tmp_path: Path, pictures: list[Picture]) -> None:
    refused(run, film(tmp_path / "clip.mp4", pictures[:1]), tmp_path)


def test_nobody(run: Run, tmp_path: Path) -> None:
    assert "No person" in refused(run, film(tmp_path / "clip.mp4", [BLANK] * 12), tmp_path)


def test_a_person_for_three_frames(run: Run, tmp_path: Path, pictures: list[Picture]) -> None:
    empty = [np.full_like(pictures[0], 90)] * 12
    said = refused(run, film(tmp_path / "clip.mp4", [*empty, *pictures[:3], *empty]), tmp_path)
    assert "in view" in said or "No person" in said


@pytest.mark.slow
def test_frames_of_8k_are_lifted(run: Run, tmp_path: Path, pictures: list[Picture]) -> None:
    height, width = pictures[0].shape[:2]
    rows, columns = np.arange(4320) * height // 4320, np.arange(7680) * width // 7680
    large = (picture[rows[:, None], columns] for picture in pictures[:12])
    code, said, left = lift(run, film(tmp_path / "clip.mp4", large), tmp_path)
    assert code == 0, said
    assert left == ["take.bvh"]


def test_a_wrong_person(run: Run, tmp_path: Path, pictures: list[Picture]) -> None:
    video = film(tmp_path / "clip.mp4", pictures[:12])
    assert "person 1" in refused(run, video, tmp_path, "--person", "7", code=2)


def test_missing_weights_are_told_before_the_video_is_read_through(
    run: Run, tmp_path: Path, pictures: list[Picture]
) -> None:
    video = film(tmp_path / "clip.mp4", pictures)
    assert "none.safetensors" in refused(run, video, tmp_path, "--weights", str(tmp_path / "none.safetensors"))


@pytest.mark.parametrize("kind", ["text", "others"])
def test_weights_that_are_not_ours(run: Run, tmp_path: Path, pictures: list[Picture], kind: str) -> None:
    weights = tmp_path / "w.safetensors"
    if kind == "text":
        weights.write_text(json.dumps({"no": "tensors"}))
    else:
        save_file({"layer.weight": np.zeros((3, 4), np.float32)}, weights)
    assert "w.safetensors" in refused(run, film(tmp_path / "clip.mp4", pictures), tmp_path, "--weights", str(weights))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a place where not even root writes")
def test_a_folder_where_nobody_can_write(run: Run) -> None:
    code, _, err = run("lift", "clip.mp4", "-o", "/proc/take.bvh")
    assert code == 2
    assert "/proc" in err
    assert "Traceback" not in err
