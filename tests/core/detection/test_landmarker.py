"""How MediaPipe gets its models, what its libraries write while they start, and what is told when one of them ends the
process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.detection import landmarker
from motionlift.core.detection.landmarker import Landmarker, base_options
from motionlift.core.detection.models import pose_model
from motionlift.core.jobs import LiftSettings
from motionlift.core.video.reader import FrameReader

SCRIPT = """
import faulthandler, os, sys
from motionlift.core.detection.landmarker import native_output_logged

def in_a_library():
    os.write(2, b"a greeting of no use")
    if sys.argv[1] == "ends":
        os.abort()

if sys.argv[2] == "told":
    faulthandler.enable(2, all_threads=False)
with native_output_logged():
    in_a_library()
print(faulthandler.is_enabled(), flush=True)
os.write(2, b"behind it")
in_a_library()
os.abort()
"""


@pytest.mark.parametrize("ends", ["ends", "returns"])
def test_a_crash_inside_is_told_where_everybody_can_read_it(ends: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, ends, "told"], capture_output=True, text=True)
    assert done.returncode
    assert done.stderr.count("Fatal Python error: Aborted") == 1
    assert ("in in_a_library" in done.stderr) == (ends == "ends")
    # What was written inside is for the log, what comes behind it is not.
    assert done.stderr.count("greeting") == (0 if ends == "ends" else 1)
    assert ("behind it" in done.stderr) == (ends == "returns")


def test_nobody_is_told_of_crashes_who_did_not_want_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, "returns", "quiet"], capture_output=True, text=True)
    assert done.stdout.split() == ["False"]
    assert "Fatal" not in done.stderr


def test_a_model_whose_name_windows_has_no_letters_for(
    tmp_path: Path, sample_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MediaPipe gets its contents there, and finds the same."""
    model = pose_model(LiftSettings())
    named = replace(model, path=Path(shutil.copy(model.path, tmp_path / "Jürgen.task")))
    with FrameReader(sample_video) as reader:
        picture = next(iter(reader)).image
    found = []
    for platform in ("linux", "win32"):
        with monkeypatch.context() as patched:
            patched.setattr(sys, "platform", platform)
            told = base_options(named.path)
        assert (told.model_asset_buffer is not None) == (told.model_asset_path is None) == (platform == "win32")
        monkeypatch.setattr(landmarker, "base_options", lambda _path, told=told: told)
        with Landmarker(named, 1, video=False) as looking:
            (pose,) = looking(picture, 0.0)
        found.append(pose.landmarks)
    np.testing.assert_array_equal(found[0], found[1])
    assert base_options(Path("C:/Users/jo/model.task")).model_asset_buffer is None
