"""The pose models are made once from MediaPipe's wheel, or their absence is explained."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.detection import models
from motionlift.core.detection.landmarker import Landmarker
from motionlift.core.detection.models import HAND, cache_folder, hand_model, installed_models, pose_model
from motionlift.core.jobs import LiftSettings, MotionLiftError, UsageError


def no_models(*_: object) -> None:
    return None


def never() -> dict[str, bytes]:
    raise AssertionError("nothing should be downloaded")


@pytest.fixture
def settings(tmp_path: Path) -> LiftSettings:
    return LiftSettings(cache_dir=str(tmp_path / "cache"))


def test_the_task_file_is_made_once_and_works(settings: LiftSettings) -> None:
    if installed_models() is None:
        pytest.skip("the installed MediaPipe has no pose models")
    made = pose_model(settings, never)
    stamp = made.path.stat().st_mtime_ns
    assert pose_model(settings, never) == made
    assert made.path.stat().st_mtime_ns == stamp
    assert [p.name for p in made.path.parent.iterdir()] == [made.path.name]
    with Landmarker(made, 1) as landmarker:
        assert landmarker(np.zeros((120, 160, 3), np.uint8), 0.0) == []
        assert landmarker(np.zeros((120, 160, 3), np.uint8), 0.0) == []


def test_the_hand_models_are_made_once_too(settings: LiftSettings) -> None:
    if installed_models(HAND) is None:
        pytest.skip("the installed MediaPipe has no hand models")
    made = hand_model(settings, never)
    stamp = made.path.stat().st_mtime_ns
    assert hand_model(settings, never) == made
    assert made.path.stat().st_mtime_ns == stamp
    assert made.digest != pose_model(settings).digest


def test_no_hand_models_and_a_wrong_download(settings: LiftSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "installed_models", no_models)
    with pytest.raises(MotionLiftError) as caught:
        hand_model(settings, lambda: {"modules/palm_detection/palm_detection_full.tflite": b"something else"})
    assert caught.value.code == "models_missing"
    assert "--hands" in caught.value.hint


def test_the_digest_depends_on_the_models_alone(settings: LiftSettings, tmp_path: Path) -> None:
    if installed_models() is None:
        pytest.skip("the installed MediaPipe has no pose models")
    made = pose_model(settings)
    repacked = tmp_path / "again.task"
    with zipfile.ZipFile(made.path) as old, zipfile.ZipFile(repacked, "w") as new:
        for name in reversed(old.namelist()):
            new.writestr(zipfile.ZipInfo(name, (2001, 1, 1, 0, 0, 0)), old.read(name))
    assert pose_model(LiftSettings(pose_model=str(repacked))).digest == made.digest


def test_a_damaged_task_file_is_made_again(settings: LiftSettings) -> None:
    if installed_models() is None:
        pytest.skip("the installed MediaPipe has no pose models")
    made = pose_model(settings)
    content = made.path.read_bytes()
    made.path.write_bytes(content[: len(content) // 2])
    assert pose_model(settings).digest == made.digest


def test_models_that_the_package_lacks_are_fetched(settings: LiftSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    there = installed_models()
    if there is None:
        pytest.skip("the installed MediaPipe has no pose models")
    monkeypatch.setattr(models, "installed_models", no_models)
    assert pose_model(settings, lambda: there).path.is_file()


def test_no_models_and_no_network(settings: LiftSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "installed_models", no_models)

    def refused(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "pip", stderr="no route")

    monkeypatch.setattr(subprocess, "run", refused)
    with pytest.raises(MotionLiftError) as caught:
        pose_model(settings)
    assert caught.value.code == "models_missing"
    assert "--pose-model" in caught.value.hint
    assert not list(cache_folder(settings.cache_dir).rglob("*.task"))


def test_a_wrong_download_is_refused(settings: LiftSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "installed_models", no_models)
    with pytest.raises(MotionLiftError) as caught:
        pose_model(settings, lambda: {"modules/pose_detection/pose_detection.tflite": b"something else"})
    assert caught.value.code == "models_missing"


def test_a_given_file_must_be_there_and_be_a_model(tmp_path: Path) -> None:
    text = tmp_path / "model.task"
    text.write_text("not a model")
    other = tmp_path / "other.task"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    for path, code in ((tmp_path / "none.task", "no_file"), (text, "bad_pose_model"), (other, "bad_pose_model")):
        with pytest.raises(UsageError) as caught:
            pose_model(LiftSettings(pose_model=str(path)))
        assert caught.value.code == code
        assert caught.value.hint


def test_models_that_mediapipe_refuses(tmp_path: Path) -> None:
    path = tmp_path / "empty.task"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("pose_detector.tflite", "pose_landmarks_detector.tflite"):
            archive.writestr(name, b"nothing")
    with pytest.raises(MotionLiftError) as caught:
        Landmarker(pose_model(LiftSettings(pose_model=str(path))), 1)
    assert caught.value.code == "bad_pose_model"


def test_the_cache_lies_where_the_platform_keeps_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "motionlift"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder().is_relative_to(tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "motionlift"
    assert cache_folder("/somewhere") == Path("/somewhere")
    monkeypatch.setenv("MOTIONLIFT_CACHE", str(tmp_path / "engine"))
    assert cache_folder() == tmp_path / "engine"
    assert cache_folder("/somewhere") == Path("/somewhere")
