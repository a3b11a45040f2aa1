"""Small data sets written in exactly the formats that the real ones are passed on in; a film and a network."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionlift.core.camera import apply, intrinsics, inverse, look_at, project
from motionlift.core.evaluation.datasets.calibration import Lens
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.lifting.network import DGNet, DGNetConfig
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26, MEDIAPIPE_33, reference_rest, rest_points
from motionlift.core.training.mocap import QUANTUM, PackedTakes
from motionlift.core.training.pairs import PairClip

LENS = Lens(
    np.array([1145.0, 1143.5]),
    np.array([512.0, 510.0]),
    np.array([-0.207, 0.245, -0.003]),
    np.array([-0.001, -0.0015]),
)
SMALL_LENS = Lens(np.array([730.0, 735.0]), np.array([322.0, 238.0]), np.array([-0.2, 0.2, 0.0]), np.zeros(2))


def walk(frames: int, joints: int, seed: int, metres: float = 1.0) -> Array:
    """Made-up takes (F, J, 3) m, Z up: joints of a fixed body that swing and travel."""
    rng = np.random.default_rng(seed)
    body = rng.normal(size=(joints, 3)) * [0.25, 0.15, 0.45] + [0, 0, 0.9]
    body -= (body[0] - [0, 0, 0.9]) * np.array([1, 1, 1])
    phase, speed = rng.uniform(0, 6, (joints, 3)), rng.uniform(0.02, 0.15, (joints, 3))
    swing = 0.12 * np.sin(np.arange(frames)[:, None, None] * speed + phase)
    path = np.stack([np.linspace(-metres, metres, frames), np.sin(np.linspace(0, 3, frames)), np.zeros(frames)], -1)
    return np.asarray(body + swing + path[:, None])


def cameras(count: int, seed: int) -> list[Array]:
    """camera_from_world (4, 4) of a ring of cameras 5 m away."""
    angles = np.random.default_rng(seed).uniform(0, 0.5) + np.arange(count) * 2 * np.pi / count
    eyes = [np.array([5 * np.cos(a), 5 * np.sin(a), 1.5]) for a in angles]
    return [np.linalg.inv(look_at(eye, np.array([0.0, 0.0, 0.9]))) for eye in eyes]


def seen_by(points: Array, camera: Array, lens: Lens) -> Array:
    return lens.project(points @ camera[:3, :3].T + camera[:3, 3])


KEPT = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
ACTIONS = ("Directions 1", "Directions", "Walking 1")


Change = Callable[[dict[str, Any], dict[str, Any]], None]


def _unchanged(positions: dict[str, Any], pixels: dict[str, Any]) -> None:
    """The dictionaries as they are."""


def _write_human36m(folder: Path, change: Change = _unchanged, frames: int = 24) -> Path:
    positions: dict[str, Any] = {}
    pixels: dict[str, Any] = {}
    for index, subject in enumerate(("S1", "S5", "S6", "S7", "S8", "S9", "S11")):
        placed = cameras(4, index)
        positions[subject], pixels[subject] = {}, {}
        for number, action in enumerate(ACTIONS):
            points = walk(frames, 32, 10 * index + number)
            positions[subject][action] = points.astype("float32")
            views = [seen_by(points[:, list(KEPT)], camera, LENS) for camera in placed]
            pixels[subject][action] = [view.astype("float32") for view in views]
    change(positions, pixels)
    rng = np.random.default_rng(5)
    # Detections go on after the motion capture.
    found = {
        subject: {
            action: [
                np.concatenate([v, v[-1:]]) + rng.normal(size=(len(v) + 1, *v.shape[1:])).astype("f4") for v in views
            ]
            for action, views in takes.items()
        }
        for subject, takes in pixels.items()
    }
    symmetry = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
    metadata: Any = {"num_joints": 17, "keypoints_symmetry": symmetry}
    detected: Any = {"layout_name": "h36m", **metadata}
    saved_3d, saved_2d, saved_cpn = (np.array(tree, object) for tree in (positions, pixels, found))
    np.savez_compressed(folder / "data_3d_h36m.npz", positions_3d=saved_3d)
    np.savez_compressed(folder / "data_2d_h36m_gt.npz", positions_2d=saved_2d, metadata=metadata)
    np.savez_compressed(
        folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz",
        positions_2d=saved_cpn,
        metadata=detected,
    )
    return folder


@pytest.fixture
def write_human36m(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes VideoPose3D's three files of Human3.6M, with changes to the dictionaries before."""
    return functools.partial(_write_human36m, tmp_path)


@pytest.fixture(scope="session")
def human36m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_human36m(tmp_path_factory.mktemp("human36m"))


@pytest.fixture
def humaneva(tmp_path: Path) -> Path:
    positions: dict[str, Any] = {}
    pixels: dict[str, Any] = {}
    for part in ("Train", "Validate"):
        for number in (1, 2, 3):
            subject, placed = f"{part}/S{number}", cameras(3, number)
            positions[subject], pixels[subject] = {}, {}
            for index, take in enumerate(("Walking 1 chunk0", "Jog 1 chunk0", "Jog 1 chunk2")):
                points = walk(20, 15, number + 7 * index + 50 * (part == "Train"))
                positions[subject][take] = points.astype("float32")
                pixels[subject][take] = [seen_by(points, camera, SMALL_LENS).astype("float32") for camera in placed]
    metadata: Any = {"layout_name": "humaneva15", "num_joints": 15, "keypoints_symmetry": [[2, 3, 4], [5, 6, 7]]}
    np.savez_compressed(tmp_path / "data_3d_humaneva15.npz", positions_3d=np.array(positions, object))
    np.savez_compressed(
        tmp_path / "data_2d_humaneva15_gt.npz", positions_2d=np.array(pixels, object), metadata=metadata
    )
    return tmp_path


@pytest.fixture
def write_mpi_inf_3dhp(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes P-STMO's two files, with changes to the dictionaries before."""

    def view(seed: int, frames: int = 20) -> dict[str, Any]:
        camera = cameras(8, 3)[seed % 8]
        points = walk(frames, 17, seed) @ camera[:3, :3].T + camera[:3, 3]
        pinhole = Lens(np.array([1500.0, 1502.0]), np.array([1020.0, 1030.0]), np.zeros(3), np.zeros(2))
        return {"data_2d": pinhole.project(points), "data_3d": 1000 * points}

    def write(change: Change = _unchanged) -> Path:
        names = [f"S{subject} Seq{sequence}" for subject in (1, 2) for sequence in (1, 2)]
        train: dict[str, Any] = {
            name: [{str(camera): view(10 * i + camera) for camera in (0, 1, 2, 4)}, 25] for i, name in enumerate(names)
        }
        test: dict[str, Any] = {
            f"TS{i}": {**view(70 + i), "valid": (np.arange(20) % 5 > 0).astype(float)} for i in range(1, 7)
        }
        change(train, test)
        np.savez_compressed(tmp_path / "data_train_3dhp.npz", data=np.array(train, object))
        np.savez_compressed(tmp_path / "data_test_3dhp.npz", data=np.array(test, object))
        return tmp_path

    return write


def _takes(parts: tuple[str, ...] = ("train", "train", "test", "test"), frames: int = 60) -> PackedTakes:
    rng = np.random.default_rng(0)
    rest = rest_points(reference_rest()[0])
    phase, speed = rng.uniform(0, 6, (len(parts), 1, 26, 3)), rng.uniform(0.05, 0.2, (len(parts), 1, 26, 3))
    swing = 0.05 * np.sin(np.arange(frames)[None, :, None, None] * speed + phase)
    path = np.linspace(-1, 1, frames)[None, :, None, None] * np.array([1.0, 0.5, 0.0])
    points = np.round((rest + swing + path) / QUANTUM).astype(np.int16).reshape(-1, 26, 3)
    names = tuple(f"{number + 1}_01" for number in range(len(parts)))
    starts = frames * np.arange(len(parts) + 1)
    return PackedTakes(points, starts, np.full(len(parts), 30.0), names, parts)


@pytest.fixture
def make_takes() -> Callable[..., PackedTakes]:
    """A function that makes takes of a figure whose joints tremble, one a part."""
    return _takes


@pytest.fixture
def takes() -> PackedTakes:
    return _takes()


@pytest.fixture
def network() -> DGNet:
    torch.manual_seed(0)
    config = DGNetConfig(joint_set="body_26", channels=4, blocks=1, frame_interval_s=1 / 15, balanced=False)
    return DGNet(config, block_heads=False).eval()


def _landmarks(body: Array) -> Array:
    """MediaPipe's 33 landmarks (F, 33, 3) of a body; those that `BODY_26` lacks are nonsense."""
    landmarks = np.full((len(body), len(MEDIAPIPE_33), 3), 9.0)
    for index, name in enumerate(MEDIAPIPE_33):
        ours = name.replace("foot_index", "toe_tip")
        if ours in BODY_26.joints:
            landmarks[:, index] = body[:, BODY_26.index(ours)]
    return landmarks


@pytest.fixture
def clip(takes: PackedTakes) -> PairClip:
    """A perfect detection, its own 3D exact but for the place."""
    world = QUANTUM * takes.points[:30].astype(float) + [0, 0, 0.9]
    world_from_camera = look_at(np.array([0.5, -4.0, 1.4]), np.array([0.0, 0.0, 1.0]))
    points = apply(inverse(world_from_camera), world)
    camera_K = intrinsics((640, 480))
    detected = np.ones(30, bool)
    pixels = project(points, camera_K)
    keypoints = Keypoints2D(
        np.arange(30) / 30, pixels, np.ones((30, 26)), detected, (640, 480), _landmarks(points - points[:, :1])
    )
    return PairClip(keypoints, points, camera_K, 1.7, "a walk")
