"""Windows from pairs: what is drawn belongs together, and is what was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from motionlift.core import camera
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26, REFERENCE_HEIGHT, body_from_mediapipe
from motionlift.core.training import pair_windows, windows
from motionlift.core.training.mocap import QUANTUM, PackedTakes
from motionlift.core.training.noise import NoiseModel
from motionlift.core.training.pair_windows import PairSource
from motionlift.core.training.pairs import PairClip

SIZE = (640, 480)
K = camera.intrinsics(SIZE, 55.0)
FROM_WORLD = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])


@pytest.fixture
def clip(takes: PackedTakes) -> PairClip:
    """The first take, filmed at its 30 frames a second by a perfect detector, whose own depth is true as well."""
    points = QUANTUM * takes.points[: takes.starts[1]].astype(float)
    joints = points @ FROM_WORLD.T + [0.0, 1.0, 5.0]
    frames = len(joints)
    return PairClip(
        Keypoints2D(
            np.arange(frames) / 30, camera.project(joints, K), np.ones((frames, 26)), np.ones(frames, bool), SIZE,
            world_of(joints),
        ),
        joints,
        K,
        REFERENCE_HEIGHT,
        "walk",
    )  # fmt: skip


def world_of(joints: Array) -> Array:
    """MediaPipe's landmarks (F, 33, 3) from which `body_from_mediapipe` makes the joints' depths, nearly."""
    result: Array = np.linalg.pinv(body_from_mediapipe()) @ (joints - joints[:, :1])
    return result


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing varied but the choice of windows and the side."""
    monkeypatch.setattr(pair_windows, "ROLL_SPREAD", 0.0)
    monkeypatch.setattr(pair_windows, "FOCAL_SPREAD", 0.0)
    monkeypatch.setattr(pair_windows, "TREMBLE", NoiseModel.none())
    monkeypatch.setattr(windows, "CUE_DROPOUT", 0.0)


def source(clip: PairClip, frames: int = 8, interval_s: float = 1 / 15) -> PairSource:
    return PairSource([clip], frames, interval_s, torch.Generator().manual_seed(0), ("depth", "confidence"))


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("interval_s", [1 / 15, 1 / 30, 1 / 24])
def test_inputs_are_the_targets_seen(clip: PairClip, interval_s: float) -> None:
    windows = source(clip, interval_s=interval_s).draw(16)
    # Somebody 5 m away looks nearly as under a parallel projection.
    seen, true = windows.inputs[..., :2], windows.targets[..., :2]
    flat = [(values - values.mean(2, keepdim=True)).flatten() for values in (seen, true)]
    assert float(torch.corrcoef(torch.stack(flat))[0, 1]) > 0.99
    # The cue is along the camera's axis, the targets lie in the view's frame, up to 30 degrees from it.
    depths = torch.stack([windows.inputs[..., 2].flatten(), windows.targets[..., 2].flatten()])
    assert float(torch.corrcoef(depths)[0, 1]) > 0.75
    assert windows.weight.shape == (16, 8, 26)


@pytest.mark.usefixtures("still")
def test_half_are_mirrored_and_all_are_of_the_clip(clip: PairClip) -> None:
    windows = source(clip).draw(64)
    own = torch.from_numpy(clip.joints_camera - clip.joints_camera[:, :1]).float()
    counterpart = torch.from_numpy(BODY_26.mirror)
    turned = own[:, counterpart] * torch.tensor([-1.0, 1.0, 1.0])
    sizes = [values.norm(dim=-1) for values in (own, turned)]
    drawn = windows.targets[:, 0].norm(dim=-1)
    distance = torch.stack([torch.cdist(drawn, size).min(1).values for size in sizes])
    assert float(distance.min(0).values.max()) < 4e-3
    share = float((distance[0] < 4e-3).float().mean())
    assert 0.3 < share < 0.7


def test_windows_with_gaps_are_not_drawn(clip: PairClip) -> None:
    whole = len(source(clip))
    assert whole == 90 - 14
    detected = np.ones(90, bool)
    detected[40] = False
    holed = replace(clip, keypoints=replace(clip.keypoints, detected=detected))
    assert len(source(holed)) == whole - 15
    assert len(source(clip, frames=60)) == 0


def test_bodies_are_scaled_to_the_reference(clip: PairClip) -> None:
    tall = replace(clip, height=2 * REFERENCE_HEIGHT, joints_camera=2 * clip.joints_camera)
    small, large = (source(each).draw(4).targets for each in (clip, tall))
    assert torch.allclose(small, large, atol=1e-5)


def test_the_same_seed_draws_the_same(clip: PairClip) -> None:
    first, second = (source(clip).draw(4) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
