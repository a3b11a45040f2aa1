"""`motionlift affinity`: what it refuses, and the picture of a real clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from motionlift.core.detection.models import installed_models

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("output", "options", "word"),
    [
        ("a.jpg", [], ".png"),
        ("nowhere/a.png", [], "does not exist"),
        ("a.png", ["--joint", "left_wing"], "left_wing"),
        ("a.png", ["--frames", "0"], "frames"),
        ("a.png", ["--start", "3", "--end", "2"], "end"),
    ],
)
def test_wrong_usage(run: Run, tmp_path: Path, output: str, options: list[str], word: str) -> None:
    code, _, err = run("affinity", "clip.mp4", "-o", tmp_path / output, *options)
    assert code == 2
    assert word in err
    assert not list(tmp_path.iterdir())


def test_a_picture_that_exists_is_kept(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "a.png"
    output.write_text("mine")
    assert run("affinity", "clip.mp4", "-o", output)[0] == 2
    assert output.read_text() == "mine"


def test_a_clip(run: Run, tmp_path: Path, sample_video: Path, weights: Path) -> None:
    if not installed_models():
        pytest.skip("the installed MediaPipe has no pose models")
    output = tmp_path / "picture.png"
    code, out, err = run("affinity", sample_video, "-o", output, "--end", "0.8", "--frames", "2", "--no-cache")
    assert code == 0, err
    assert "picture.png" in out
    with Image.open(output) as picture:
        assert picture.size[0] > 500
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 1000
