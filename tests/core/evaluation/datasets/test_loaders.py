from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.camera import look_at
from motionlift.core.evaluation.datasets.calibration import Lens, fit_camera
from motionlift.core.evaluation.datasets.mpi_inf_3dhp import JOINTS, SCORED, load_mpi_inf_3dhp
from motionlift.core.evaluation.datasets.recording import Recording
from motionlift.core.evaluation.datasets.video_pose import HUMAN36M, action_name, load_human36m, load_humaneva
from motionlift.core.jobs import MotionLiftError
from motionlift.core.skeleton import HUMAN36M_17

Change = Callable[[dict[str, Any], dict[str, Any]], None]


def _in_front_of_its_camera(recording: Recording) -> None:
    """Joints projected along z/x by the rays again."""
    root = recording.root_depth[:, None] * np.append(recording.rays[:, 0], np.ones((len(recording), 1)), -1)
    points = recording.joints_camera + root[:, None]
    valid = recording.valid
    np.testing.assert_allclose((points[..., :2] / points[..., 2:])[valid], recording.rays[valid], atol=2e-4)
    assert (recording.root_depth[valid] > 1).all()
    np.testing.assert_array_equal(recording.joints_camera[:, 0], 0)


def test_the_camera_of_a_projection_is_found_again() -> None:
    rng = np.random.default_rng(0)
    for seed in range(4):
        lens = Lens(
            rng.uniform(900, 1300, 2), rng.uniform(450, 550, 2), rng.normal(size=3) * [0.2, 0.2, 0.01],
            rng.normal(size=2) * 1e-3,
        )  # fmt: skip
        eye = np.array([*rng.uniform(-5, -4, 2), 1.5])
        pose = np.linalg.inv(look_at(eye, np.array([0.0, 0.0, 1.0])))
        points = rng.uniform((-1, -1, 0), (1, 1, 2), (500, 3))
        pixels = lens.project(points @ pose[:3, :3].T + pose[:3, 3])
        found = fit_camera(points, pixels, seed)
        assert found.error < 1e-6
        np.testing.assert_allclose(found.rotation, pose[:3, :3], atol=1e-6)
        np.testing.assert_allclose(found.translation, pose[:3, 3], atol=1e-5)
        np.testing.assert_allclose(found.lens.focal, lens.focal, rtol=1e-5)
        np.testing.assert_allclose(found.lens.project(found.from_world(points)), pixels, atol=1e-5)
        rays = found.from_world(points)
        np.testing.assert_allclose(found.lens.rays(pixels), rays[:, :2] / rays[:, 2:], atol=1e-5)


def test_a_mirror_image_has_no_camera() -> None:
    points = np.random.default_rng(1).normal((0, 0, 5), size=(50, 3))
    with pytest.raises(ValueError, match="mirror"):
        fit_camera(points, points[:, :2] / points[:, 2:] * np.array([-1000.0, 1000.0]))


def test_human36m(human36m: Path) -> None:
    data = load_human36m(human36m)
    assert len(HUMAN36M.kept) == len(data.joints) == 17
    assert len(data.train) == 5 * 3 * 4
    assert len(data.test) == 2 * 3 * 4
    assert {r.subject for r in data.test} == {"S9", "S11"}
    assert {r.action for r in data.train} == {"Directions", "Walking"}
    for recording in data.train[:5] + data.test[:5]:
        assert recording.screen.shape == (24, 17, 2)
        _in_front_of_its_camera(recording)
    # The paper's normalisation: x / w * 2 - 1, y / w * 2 - h / w, the first camera's picture 1000 x 1002.
    with np.load(human36m / "data_2d_h36m_gt.npz", allow_pickle=True) as archive:
        pixels = archive["positions_2d"].item()["S9"]["Directions 1"][0]
    np.testing.assert_allclose(data.test[0].screen, pixels / 1000 * 2 - [1, 1.002], atol=1e-5)
    assert all(len(data.of_actions(("Walking",)).train) == 5 * 4 for _ in range(2))


def test_detections_change_the_picture_and_not_the_truth(human36m: Path) -> None:
    exact, detected = load_human36m(human36m), load_human36m(human36m, "cpn_ft_h36m_dbb")
    for a, b in zip(exact.test, detected.test, strict=True):
        np.testing.assert_array_equal(a.joints_camera, b.joints_camera)
        off = (a.screen - b.screen) * 500
        assert 0.8 < off.std() < 1.2
        assert len(a) == len(b)


def test_noise_is_in_pixels(human36m: Path) -> None:
    recording = load_human36m(human36m).test[0]
    noisy = recording.disturbed(10.0, 0)
    assert ((noisy.screen - recording.screen) * 500).std() == pytest.approx(10, rel=0.1)
    assert ((noisy.rays - recording.rays) * 1145).std() == pytest.approx(10, rel=0.15)


def test_humaneva(humaneva: Path) -> None:
    data = load_humaneva(humaneva)
    assert len(data.joints) == 15
    assert len(data.train) == len(data.test) == 3 * 3 * 3
    assert {r.action for r in data.test} == {"Walking", "Jog"}
    for recording in data.test:
        _in_front_of_its_camera(recording)


def test_mpi_inf_3dhp(write_mpi_inf_3dhp: Callable[..., Path]) -> None:
    data = load_mpi_inf_3dhp(write_mpi_inf_3dhp())
    assert len(data.train) == 4 * 4
    assert [r.action for r in data.test] == [f"TS{i}" for i in range(1, 7)]
    for recording in data.train + data.test:
        _in_front_of_its_camera(recording)
    assert data.test[0].valid.sum() == 16
    assert data.test[-1].width == 1920
    assert len(SCORED) == 14
    assert {HUMAN36M_17.joints[j] for j in SCORED} == set(HUMAN36M_17.joints) - {"pelvis", "spine", "nose"}
    with np.load(data_file := write_mpi_inf_3dhp() / "data_test_3dhp.npz", allow_pickle=True) as archive:
        points = archive["data"].item()["TS1"]["data_3d"] / 1000
    assert data_file.is_file()
    for name in ("left_wrist", "right_ankle", "nose"):
        expected = points[:, JOINTS.index(name)] - points[:, 14]
        np.testing.assert_allclose(data.test[0].joints_camera[:, HUMAN36M_17.index(name)], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("take", "action"),
    [("Walking", "Walking"), ("Walking 1", "Walking"), ("ThrowCatch 1 chunk12", "ThrowCatch"), ("Photo 2", "Photo")],
)
def test_names_of_actions(take: str, action: str) -> None:
    assert action_name(take) == action


def _set(place: tuple[str, ...], value: Any) -> Change:
    def change(positions: dict[str, Any], pixels: dict[str, Any]) -> None:
        tree: Any = {"3d": positions, "2d": pixels}
        for key in place[:-1]:
            tree = tree[key]
        tree[place[-1]] = value(tree[place[-1]]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(("3d", "S9", "Walking 1"), lambda a: a[:, :17]), r"\(frames, 32, 3\), found an array of shape \(24, 17"),
        (_set(("3d", "S9", "Walking 1"), lambda a: a * np.nan), "finite"),
        (_set(("3d", "S9", "Walking 1"), lambda a: a * 1000), "S9, Walking 1 in metres, found a figure of"),
        (_set(("3d", "S9"), [1, 2]), "S9 as a dictionary by name, found a list of 2"),
        (_set(("2d", "S1", "Walking 1"), lambda v: v[:3]), "Walking 1 in 4 cameras, found 3"),
        (_set(("2d", "S1", "Walking 1"), lambda v: [a[:20] for a in v]), "24 frames, as in 3D, found 20"),
        (_set(("2d", "S1", "Walking 1"), lambda v: [a[:, :16] for a in v]), r"\(frames, 17, 2\)"),
        (_set(("2d", "S1", "Walking 1"), lambda v: [a * [-1, 1] for a in v]), "pixels off any camera|mirror"),
        (lambda p, q: p.pop("S11"), "found no S11"),
        (lambda p, q: q.pop("S11"), "S11 as a dictionary by name, found a NoneType"),
    ],
)
def test_other_layouts_are_named(write_human36m: Callable[..., Path], change: Change, message: str) -> None:
    folder = write_human36m(change)
    with pytest.raises(MotionLiftError, match=message) as caught:
        load_human36m(folder)
    assert caught.value.code == "bad_data_set"
    assert "data_" in caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(("3d", "S1 Seq1"), lambda s: s[0]), r"S1 Seq1 as \[cameras, frames a second\], found dict"),
        (_set(("3d", "S1 Seq1"), lambda s: [{"0": {"data_2d": s[0]["0"]["data_2d"]}}, 25]), "with data_3d"),
        (_set(("2d", "TS1", "data_3d"), lambda a: a[:, :16]), r"\(frames, 17, 3\)"),
        (_set(("2d", "TS1", "valid"), lambda a: a[:5]), "found 20, 20 and 5"),
        (_set(("2d", "TS1", "data_3d"), lambda a: -a), "in front of the camera"),
        (lambda p, q: q["TS2"].pop("valid"), "TS2 with valid, found data_2d, data_3d"),
    ],
)
def test_other_layouts_of_mpi_inf_3dhp(write_mpi_inf_3dhp: Callable[..., Path], change: Change, message: str) -> None:
    folder = write_mpi_inf_3dhp(change)
    with pytest.raises(MotionLiftError, match=message) as caught:
        load_mpi_inf_3dhp(folder)
    assert caught.value.code == "bad_data_set"


def test_a_folder_without_the_files(tmp_path: Path) -> None:
    for load in (load_human36m, load_humaneva, load_mpi_inf_3dhp):
        with pytest.raises(MotionLiftError, match="There is no file data_"):
            load(tmp_path)
