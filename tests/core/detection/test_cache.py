"""Detections are kept, found again, made again when damaged, and never fill the disk."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.detection.cache import DetectionCache, cache_key
from motionlift.core.detection.models import HandModel, PoseModel
from motionlift.core.detection.observations import Observations
from motionlift.core.jobs import LiftSettings

MODEL = PoseModel(Path("a.task"), "d1")


def observations(seed: int = 0) -> Observations:
    random = np.random.default_rng(seed)
    return Observations(
        times=np.arange(4) / 30,
        shots=np.ones(4, np.int64),
        looked=np.ones(4, bool),
        frames=np.array([0, 0, 3]),
        landmarks=random.normal(size=(3, 33, 5)).astype(np.float32),
        world=random.normal(size=(3, 33, 3)).astype(np.float32),
        colours=random.normal(size=(3, 128)).astype(np.float32),
        drift=random.normal(size=(4, 2)),
        hand_points=random.normal(size=(3, 2, 21, 5)).astype(np.float32),
        hand_left=random.uniform(size=(3, 2)).astype(np.float32),
        warnings=("the file is cut off", "ä"),
    )


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    cache = DetectionCache(tmp_path / "new")
    stored = observations()
    assert cache.load("k") is None
    cache.store("k", stored)
    loaded = cache.load("k")
    assert loaded is not None
    for field in dataclasses.fields(Observations):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(stored, field.name))
    assert [p.name for p in cache.folder.iterdir()] == [cache.path("k").name]


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "inconsistent"])
def test_a_damaged_entry_is_reported_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    cache = DetectionCache(tmp_path)
    cache.store("k", observations())
    path = cache.path("k")
    if damage == "inconsistent":
        cache.store("k", dataclasses.replace(observations(), frames=np.array([0, 0, 9])))
    else:
        path.write_bytes({"cut": path.read_bytes()[:2000], "text": b"hello", "empty": b""}[damage])
    with caplog.at_level(logging.WARNING):
        assert cache.load("k") is None
    assert path.name in caplog.text
    cache.store("k", observations())
    assert cache.load("k") is not None


def test_the_least_recently_used_leave(tmp_path: Path) -> None:
    cache = DetectionCache(tmp_path)
    for age, key in enumerate("abc"):
        cache.store(key, observations())
        os.utime(cache.path(key), (1000 + age, 1000 + age))
    size = cache.path("a").stat().st_size
    assert cache.load("a") is not None
    small = DetectionCache(tmp_path, limit=2 * size + size // 2)
    small.store("d", observations())
    assert [key for key in "abcd" if cache.path(key).is_file()] == ["a", "d"]


def test_the_newest_entry_stays_though_it_is_too_large(tmp_path: Path) -> None:
    cache = DetectionCache(tmp_path, limit=1)
    cache.store("a", observations())
    cache.store("b", observations())
    assert cache.load("a") is None
    assert cache.load("b") is not None


def test_files_of_others_are_left_alone_and_abandoned_ones_removed(tmp_path: Path) -> None:
    other, fresh, old = tmp_path / "notes.txt", tmp_path / ".motionlift-1.detection.npz", \
        tmp_path / ".motionlift-2.detection.npz"  # fmt: skip
    for path in (other, fresh, old):
        path.write_bytes(b"x" * 10)
    os.utime(old, (1000, 1000))
    DetectionCache(tmp_path, limit=1).store("a", observations())
    assert other.exists()
    assert fresh.exists()
    assert not old.exists()


def test_a_folder_that_cannot_be_made_costs_a_warning_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        DetectionCache(tmp_path / "file" / "cache").store("k", observations())
    assert "could not be kept" in caplog.text


def test_the_key_changes_with_what_decides_a_detection_and_with_nothing_else() -> None:
    base = LiftSettings()
    key = cache_key("c", base, MODEL)
    assert key == cache_key("c", base, PoseModel(Path("elsewhere.task"), "d1"))
    for same in (LiftSettings(person="all"), LiftSettings(smoothing=0.1), LiftSettings(height_m=1.9, cache_dir="x")):
        assert cache_key("c", same, MODEL) == key
    others = [
        cache_key("other", base, MODEL),
        cache_key("c", base, PoseModel(Path("a.task"), "d2")),
        cache_key("c", base, MODEL, mediapipe="9.9"),
        *(cache_key("c", s, MODEL) for s in (LiftSettings(start=1.0), LiftSettings(end=2.0), LiftSettings(shot=2))),
        cache_key("c", LiftSettings(max_people=2), MODEL),
        *(cache_key("c", base, MODEL, hands=HandModel(Path("h.task"), digest)) for digest in ("h1", "h2")),
    ]
    assert len({key, *others}) == len(others) + 1
