"""How recordings become windows and predictions become recordings again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.core.evaluation.datasets.recording import PoseData, Recording
from motionlift.core.evaluation.datasets.video_pose import load_human36m
from motionlift.core.evaluation.protocol import Given, RecordingWindows, mirrored, predict, protocol_loss
from motionlift.core.lifting.network import DGNet, DGNetConfig
from motionlift.core.rotation import Array
from motionlift.core.skeleton import HUMAN36M_17
from motionlift.core.training.windows import Windows


@pytest.fixture(scope="module")
def data(human36m: Path) -> PoseData:
    return load_human36m(human36m)


def _windows(recording: Recording, frames: int) -> Array:
    """Every window (W, T, N, 3) of the truth, and its mirror image."""
    starts = range(len(recording) - frames + 1)
    straight = np.stack([recording.joints_camera[s : s + frames] for s in starts])
    return np.concatenate([straight, straight[:, :, HUMAN36M_17.mirror] * [-1, 1, 1]])


def test_windows_are_what_was_recorded_or_its_mirror_image(data: PoseData) -> None:
    recordings = data.train[:3]
    source = RecordingWindows(recordings, data.joints, 4, 0, "cpu")
    assert len(source) == 3 * 21
    drawn = source.draw(200)
    assert drawn.inputs.shape == (200, 4, 17, 5)
    known = np.concatenate([_windows(recording, 4) for recording in recordings])
    places = [int(np.abs(known - target).max((1, 2, 3)).argmin()) for target in drawn.targets.numpy()]
    np.testing.assert_allclose(known[places], drawn.targets.numpy(), atol=1e-6)
    assert len(set(places)) > 80
    given = Given.of(drawn.inputs)
    # Rays, depth and target are of one body: what is seen is where the joints are.
    root = given.depth[..., None, None] * torch.cat([given.rays[:, :, :1], torch.ones(200, 4, 1, 1)], -1)
    points = drawn.targets + root
    torch.testing.assert_close(points[..., :2] / points[..., 2:], given.rays, atol=2e-4, rtol=0)
    again = RecordingWindows(recordings, data.joints, 4, 0, "cpu").draw(200)
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))


def test_only_valid_frames_are_trained_on_and_short_takes_are_held(data: PoseData) -> None:
    first, second = data.train[:2]
    valid = np.ones(len(first), bool)
    valid[10] = False
    masked = replace(first, valid=valid)
    assert len(RecordingWindows([masked], data.joints, 4, 0, "cpu")) == 21 - 4
    brief = replace(
        second,
        screen=second.screen[:2],
        rays=second.rays[:2],
        joints_camera=second.joints_camera[:2],
        root_depth=second.root_depth[:2],
        valid=second.valid[:2],
    )
    target = RecordingWindows([brief], data.joints, 4, 0, "cpu").draw(1).targets[0]
    torch.testing.assert_close(target[1:], target[1:2].expand(3, -1, -1))


def test_noise_in_training_is_in_pixels(data: PoseData) -> None:
    exact = RecordingWindows(data.train, data.joints, 4, 0, "cpu").draw(64)
    noisy = RecordingWindows(data.train, data.joints, 4, 0, "cpu", noise=10.0).draw(64)
    assert noisy.inputs.shape == exact.inputs.shape
    # The same windows, mirrored or not by other random numbers: depths and targets tell.
    assert torch.equal(noisy.inputs[..., 4], exact.inputs[..., 4])
    source = RecordingWindows(data.train[:1], data.joints, 1, 0, "cpu", noise=10.0).draw(2000)
    plain = torch.from_numpy(data.train[0].screen)
    straight = (source.inputs[:, 0, None, :, :2] - plain).abs().amax((-1, -2)).amin(1)
    assert 20 < 500 * float(straight.median()) < 45


class _Known(DGNet):
    """Answers with a function of each frame's own 2D, equivariant to mirroring."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.cat([inputs, inputs[..., 1:] ** 2], -1)

    def forward_with_blocks(self, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self(inputs), []


def _known(frames: int, balanced: bool = False) -> _Known:
    return _Known(DGNetConfig(channels=4, blocks=1, frames=frames, balanced=balanced)).eval()


@pytest.mark.parametrize("frames", [1, 2, 4, 5, 24, 40])
def test_averaging_over_windows_changes_nothing_that_all_agree_on(data: PoseData, frames: int) -> None:
    recording = data.test[0]
    expected = np.concatenate([recording.screen, recording.screen[..., 1:] ** 2], -1).astype(float)
    found = predict(_known(frames), recording)
    np.testing.assert_allclose(found, expected - expected[:, :1], atol=1e-6)


def test_a_prediction_turns_with_the_mirror_image(data: PoseData) -> None:
    torch.manual_seed(0)
    network = DGNet(DGNetConfig(channels=8, blocks=1), block_heads=False).eval()
    recording = data.test[0]
    sign = np.array([-1, 1], np.float32)
    flipped = replace(
        recording,
        screen=recording.screen[:, HUMAN36M_17.mirror] * sign,
        rays=recording.rays[:, HUMAN36M_17.mirror] * sign,
    )
    found, reflected = predict(network, recording), predict(network, flipped)
    np.testing.assert_allclose(reflected[:, HUMAN36M_17.mirror] * [-1, 1, 1], found, atol=1e-5)


def test_mirroring_twice_is_nothing() -> None:
    counterpart = torch.from_numpy(HUMAN36M_17.mirror)
    for channels in (2, 3, 5):
        values = torch.randn(3, 4, 17, channels)
        assert torch.equal(mirrored(mirrored(values, counterpart), counterpart), values)
    inputs = torch.ones(1, 1, 17, 5)
    assert mirrored(inputs, counterpart)[0, 0, 0].tolist() == [-1, 1, -1, 1, 1]


@pytest.mark.parametrize("balanced", [False, True])
def test_the_truth_has_no_loss(data: PoseData, balanced: bool) -> None:
    drawn = RecordingWindows(data.train, data.joints, 4, 0, "cpu").draw(16)

    class Truth(_Known):
        def forward(self, inputs: Tensor) -> Tensor:
            return drawn.targets

    network = Truth(DGNetConfig(channels=4, blocks=1, balanced=balanced))
    assert float(protocol_loss(network, drawn)) < 1e-6
    wrong = Windows(drawn.inputs, drawn.targets + 0.1, drawn.weight)
    assert float(protocol_loss(network, wrong)) == pytest.approx(0.03, rel=1e-2)
