"""What a missing library of the system is told as."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from motionlift.core.detection.landmarker import created
from motionlift.core.jobs import MotionLiftError, missing_part
from motionlift.core.system_libraries import FOR_MEDIAPIPE, FOR_OPENCV, PACKAGES, for_lifting, missing_library


class Lacking:
    """As MediaPipe's landmarkers load what they need: when one is created."""

    @staticmethod
    def create_from_options(options: str) -> object:
        return ctypes.CDLL(options)


@pytest.mark.skipif(sys.platform != "linux", reason="the words of Linux' loader")
def test_a_library_that_is_missing_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="nowhere") as met:
        ctypes.CDLL("libnowhere.so.7")
    assert missing_library(met.value) == "libnowhere.so.7"
    assert "motionlift doctor" in missing_part(met.value).hint
    # As if that were one of those that OpenCV needs.
    for known in (FOR_OPENCV, PACKAGES):
        monkeypatch.setitem(known, "libnowhere.so.7", "nowhere7")
    with pytest.raises(MotionLiftError) as caught:
        created(Lacking, "libnowhere.so.7", tmp_path / "model.task", "bad_pose_model", "Give another.")
    assert caught.value.code == "missing_package"
    assert "libnowhere.so.7" in caught.value.message
    assert "install nowhere7; elsewhere" in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="the words of Linux' loader")
def test_another_trouble_is_not_a_missing_library(tmp_path: Path) -> None:
    broken = tmp_path / "libbroken.so"
    broken.write_bytes(b"no library")
    with pytest.raises(MotionLiftError) as caught:
        created(Lacking, str(broken), tmp_path / "model.task", "bad_pose_model", "Give another.")
    assert caught.value.code == "bad_pose_model"


@pytest.mark.parametrize("own", [True, False])
def test_newer_wheels_want_the_systems_own(own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "mediapipe" / ("python" if own else "tasks/c")
    inside.mkdir(parents=True)
    (inside.parents[0 if own else 1] / "__init__.py").touch()
    (inside / ("_framework_bindings.so" if own else "libmediapipe.so")).touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mediapipe", raising=False)
    assert for_lifting() == (FOR_OPENCV if own else {**FOR_OPENCV, **FOR_MEDIAPIPE})
