"""A real clip that lies on its side, lifted as it is told: the same people as in the upright one, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from motionlift.core.detection.people import detect
from motionlift.core.jobs import LiftSettings, MotionLiftError
from motionlift.core.motion import Motion
from motionlift.core.video import read_frames

Run = Callable[..., tuple[int, str, str]]
SECONDS = (4.0, 4.6)


@pytest.fixture(scope="module")
def clips(
    tmp_path_factory: pytest.TempPathFactory, encode_video: Callable[..., Path], sample_video: Path
) -> tuple[Path, Path]:
    """The sample as it is, and turned a quarter to the right, without loss."""
    folder = tmp_path_factory.mktemp("clips")
    shown = [frame.image for frame in read_frames(sample_video, *SECONDS)]
    how = {"codec": "ffv1", "pix_fmt": "yuv444p"}
    upright = encode_video(folder / "upright.mkv", shown, **how)
    turned = encode_video(folder / "turned.mkv", [np.rot90(image, -1) for image in shown], **how)
    return upright, turned


def test_the_same_keypoints_and_a_detection_of_its_own(clips: tuple[Path, Path], tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    upright, turned = (
        detect(path, LiftSettings(cache_dir=cache, rotate=rotate))
        for path, rotate in zip(clips, (None, 270), strict=True)
    )
    assert turned.info.size == upright.info.size
    assert len(turned.tracks) == len(upright.tracks) == 1
    for name in ("times", "pixels", "confidence", "detected"):
        np.testing.assert_array_equal(
            getattr(turned.tracks[0].keypoints, name), getattr(upright.tracks[0].keypoints, name)
        )
    kept = LiftSettings(cache_dir=cache, rotate=270, from_cache=True)
    assert detect(clips[1], kept).info.rotation == 270
    for rotate in (None, 90, 0):
        with pytest.raises(MotionLiftError) as caught:
            detect(clips[1], LiftSettings(cache_dir=cache, rotate=rotate, from_cache=True))
        assert caught.value.code == "not_cached"


def test_what_is_told_of_it_is_what_turns_it(clips: tuple[Path, Path], tmp_path: Path, run: Run) -> None:
    cache = ("--cache-dir", str(tmp_path / "cache"))
    code, _, told = run("lift", clips[1], "-o", tmp_path / "lying.motion.npz", "--rotate", "0", *cache)
    assert (code, "--rotate 270" in told) == (0, True)
    code, _, told = run("lift", clips[1], "-o", tmp_path / "head.motion.npz", "--rotate", "90", *cache)
    assert (code, "--rotate 270" in told) == (0, True)
    code, _, told = run("lift", clips[1], "-o", tmp_path / "a.motion.npz", "--rotate", "270", *cache)
    assert (code, "--rotate" in told) == (0, False)
    code, _, told = run("lift", clips[1], "-o", tmp_path / "b.motion.npz", "--rotate", "sideways", *cache)
    assert (code, "degrees clockwise" in told) == (2, True)


def test_what_is_shown_of_it_is_turned_alike(clips: tuple[Path, Path], tmp_path: Path, run: Run) -> None:
    shown = []
    for path, rotate in zip(clips, ("auto", "270"), strict=True):
        take, strip, preview = (tmp_path / f"{path.stem}{suffix}" for suffix in (".motion.npz", ".png", ".mp4"))
        how = ("--rotate", rotate, "--cache-dir", tmp_path / "cache")
        assert run("lift", path, "-o", take, *how)[0] == 0
        assert run("people", path, "-o", strip, *how)[0] == 0
        assert run("preview", take, "--video", path, "-o", preview)[0] == 0
        with Image.open(strip) as picture, av.open(str(preview)) as container:
            film = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]
            shown.append((Motion.load(take), np.array(picture), film))
    (upright, upright_strip, upright_film), (turned, turned_strip, turned_film) = shown
    assert turned.image_size == upright.image_size
    np.testing.assert_array_equal(turned.joint_positions, upright.joint_positions)
    np.testing.assert_array_equal(turned.camera_K, upright.camera_K)
    np.testing.assert_array_equal(turned_strip, upright_strip)
    assert len(turned_film) == len(upright_film)
    # The clips' names stand below the footage.
    assert _difference(turned_film[5][:400], upright_film[5][:400]) < 0.5


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(int) - b).mean())
