"""The films that whole lifts are measured on: who is in them, where they stand, and that none leaves the picture."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.motion import Motion
from motionlift.core.skeleton import REFERENCE_HEIGHT, reference_rest
from motionlift.core.synthesis import make_evaluation
from motionlift.core.synthesis.make_evaluation import ROLES, SIZE, Role, main, out_and_back, staged
from motionlift.core.synthesis.make_sample import FPS, truth_path

OURS = [role for role in ROLES if not role.file]
CAPTURED = [role for role in ROLES if role.file]


@pytest.fixture(scope="session")
def film_of(mocap_files: list[Path]) -> Callable[[Role], Motion]:
    """The truth of a role; skips where its recording is not in the library."""
    made: dict[str, Motion] = {}

    def _film(role: Role) -> Motion:
        found = [path for path in mocap_files if path.as_posix().endswith("/" + role.file)]
        if not found:
            pytest.skip(f"{role.file} is not in the library")
        if role.name not in made:
            made[role.name] = staged(role, found[0].parents[1])
        return made[role.name]

    return _film


def check_film(truth: Motion, role: Role) -> None:
    """What every film of the set has to keep."""
    assert truth.fps == pytest.approx(FPS)
    assert truth.image_size == SIZE
    assert role.stop - role.start - 0.1 <= truth.times[-1] - truth.times[0] <= role.stop - role.start + 0.1
    # Everybody is wholly in the picture, as large as people are filmed, before the camera.
    assert truth.keypoints_2d.min() > 0
    assert np.all(truth.keypoints_2d.max((0, 1)) < SIZE)
    tall = np.ptp(truth.keypoints_2d[..., 1], axis=1)
    assert tall.max() > 100
    # The camera is at its height and lens.
    assert truth.world_from_camera[0, 2, 3] == pytest.approx(role.eye_height)
    fov = 2 * np.degrees(np.arctan(SIZE[0] / 2 / truth.camera_K[0, 0, 0]))
    assert fov == pytest.approx(role.fov)
    # The stature is the height above the floor of the top of a head on a body that stands.
    assert 1.4 < truth.source["height_m"] < 2.1
    assert truth.source["file"] == f"{role.name}.mp4"
    check_feet(truth)


def check_feet(truth: Motion) -> None:
    """Planted feet stand exactly, on the floor, and none is below it."""
    feet = truth.contact_positions()
    held = truth.contacts > 0.5
    still = held[1:] & held[:-1]
    assert held.any()
    assert np.linalg.norm(np.diff(feet, axis=0), axis=-1)[still].max() < 1e-6
    assert feet[..., 2].min() > -1e-6
    flat = np.repeat(held.reshape(-1, 2, 2).all(-1), 2, axis=1)
    assert np.abs(feet[..., 2])[flat].max(initial=0.0) < 1e-6


def test_every_role_has_a_name_a_body_and_a_time_of_its_own() -> None:
    assert len({role.name for role in ROLES}) == len({role.seed for role in ROLES}) == len(ROLES) == 10
    assert len({role.file for role in ROLES}) == len(ROLES)
    assert all(role.stop > role.start for role in ROLES)


@pytest.mark.parametrize("role", OURS, ids=lambda role: role.name)
def test_what_we_perform_ourselves(role: Role, tmp_path: Path) -> None:
    check_film(staged(role, tmp_path), role)


@pytest.mark.parametrize("role", CAPTURED, ids=lambda role: role.name)
def test_what_was_recorded(role: Role, film_of: Callable[[Role], Motion]) -> None:
    check_film(film_of(role), role)


def test_nobody_jumps_from_frame_to_frame(film_of: Callable[[Role], Motion]) -> None:
    """Corrected feet do not add jerks: joints stay slower than people are, and no acceleration is a collision's."""
    for role in CAPTURED:
        truth = film_of(role)
        speed = np.linalg.norm(np.diff(truth.joint_positions, axis=0), axis=-1) * FPS
        assert speed.max() < 13.0, role.name


def test_the_walk_goes_out_and_comes_back() -> None:
    performance = out_and_back(rest_seed=3)
    way = performance.root_translation[:, :2]
    assert len(way) == 6 * FPS
    away = np.linalg.norm(way - way[0], axis=-1)
    assert away.max() > 0.5
    assert np.linalg.norm(np.diff(way, axis=0), axis=-1).sum() > 1.5 * away.max()
    # The same seed is the same body.
    np.testing.assert_array_equal(performance.rest_offsets, out_and_back(rest_seed=3).rest_offsets)
    assert not np.array_equal(performance.rest_offsets, out_and_back(rest_seed=4).rest_offsets)


@pytest.mark.parametrize("height", [1.5, REFERENCE_HEIGHT, 1.9])
def test_the_stature_that_is_told_is_the_bodys(height: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(make_evaluation, "random_rest", lambda _: reference_rest(height))
    assert staged(OURS[0], tmp_path).source["height_m"] == pytest.approx(height, abs=0.01)


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    for role in ROLES:
        truth_path(tmp_path / f"{role.name}.mp4").write_text("kept")
    assert main(["--data", str(tmp_path / "nowhere"), "-o", str(tmp_path)]) == 0
    assert {path.read_text() for path in tmp_path.iterdir()} == {"kept"}
    assert len(list(tmp_path.iterdir())) == len(ROLES)


def test_recordings_that_are_missing_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert main(["--data", str(tmp_path / "nowhere"), "-o", str(tmp_path / "clips")]) == 1
    assert Path(ROLES[0].file).name in caplog.text


@pytest.mark.render
def test_a_film_lies_beside_its_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brief = Role("wave", "", 0.0, 6.0, 10, 10)
    monkeypatch.setattr(make_evaluation, "ROLES", (brief,))
    assert main(["--data", str(tmp_path), "-o", str(tmp_path / "clips"), "--eye-height", "2.7"]) == 0
    clip = tmp_path / "clips" / "wave.mp4"
    assert clip.stat().st_size > 10_000
    truth = Motion.load(truth_path(clip))
    assert len(truth) == 6 * FPS
    assert truth.world_from_camera[0, 2, 3] == pytest.approx(2.7)
