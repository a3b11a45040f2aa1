"""Sequences that stay the same, and lifting them with any network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from motionlift.core.evaluation.held_out import HeldOut, Lifter, held_out_sequences
from motionlift.core.jobs import UsageError
from motionlift.core.lifting.alternatives.dilated import DilatedConfig, DilatedNet
from motionlift.core.lifting.normalise import camera_from_view, person_view
from motionlift.core.skeleton import BODY_26, reference_rest, rest_points
from motionlift.core.training.mocap import QUANTUM, PackedTakes
from motionlift.core.training.noise import NoiseModel


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small networks run fastest on one thread, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


RATE = 30.0
N = len(BODY_26)


def walking_takes(lengths: tuple[int, ...], part: str = "validation", rate: float = 60.0) -> PackedTakes:
    """The reference body at rest that walks in circles, a take after another."""
    body, takes = rest_points(reference_rest()[0]), []
    for number, frames in enumerate(lengths):
        angle = np.arange(frames) / rate + number
        turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(-1, 2, 2)
        turned = np.concatenate([body[:, :2] @ turn.swapaxes(1, 2), np.tile(body[:, 2:], (frames, 1, 1))], -1)
        turned[..., 0] += np.sin(angle)[:, None]
        takes.append(np.round(turned / QUANTUM).astype(np.int16))
    starts = np.cumsum([0, *lengths])
    names = tuple(f"take-{number}" for number in range(len(lengths)))
    return PackedTakes(np.concatenate(takes), starts, np.full(len(lengths), rate), names, (part,) * len(lengths))


def sequences(count: int = 3, longest: int = 50, **changes: float) -> list[HeldOut]:
    takes = walking_takes((301, 120, 90, 30))
    return held_out_sequences(takes, "validation", count, longest, RATE, NoiseModel(**changes), seed=1)


def test_the_same_settings_give_the_same_sequences() -> None:
    for first, second in zip(sequences(), sequences(), strict=True):
        assert torch.equal(first.rays, second.rays)
        assert torch.equal(first.depth, second.depth)
        assert torch.equal(first.joints_camera, second.joints_camera)


def test_stretches_are_cut_from_takes_and_short_ones_left_out() -> None:
    """At 30 frames a second the takes have 151, 60, 45 and 15 frames; a second is the least."""
    found = sequences(100)
    assert sorted(map(len, found)) == sorted([50, 50, 50, 50, 45])
    assert len(sequences(2)) == 2


def test_sequences_hold_what_they_say() -> None:
    for sequence in held_out_sequences(walking_takes((301,)), "validation", 2, 100, RATE, NoiseModel.none()):
        frames = len(sequence)
        assert sequence.rays.shape == (frames, N, 2)
        assert sequence.confidence.shape == sequence.depth.shape == (frames, N)
        assert sequence.joints_camera.shape == (frames, N, 3)
        assert not bool(sequence.joints_camera[:, 0].any())
        assert torch.allclose(sequence.depth, sequence.joints_camera[..., 2], atol=1e-5)


def test_a_part_without_takes_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        held_out_sequences(walking_takes((301,)), "test", 2, 100, RATE, NoiseModel())
    assert caught.value.code == "no_sequences"


class Told(nn.Module):
    """Gives back its inputs as x and y, and a cue as z."""

    def __init__(self) -> None:
        super().__init__()
        self.none = nn.Parameter(torch.zeros(1))
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.shapes.append(tuple(inputs.shape))
        return inputs


@pytest.mark.parametrize(("frames", "overlap"), [(1, 1), (7, 1), (7, 7), (None, 1), (400, 1)])
def test_every_frame_is_lifted_once_or_averaged(frames: int | None, overlap: int) -> None:
    """A network that does nothing gives the view's own coordinates, here those of the depth cue."""
    (sequence,) = sequences(1)
    net = Told()
    lifted = Lifter(net, BODY_26, frames, 1 / RATE, ("depth",), overlap, flip_average=False).lift(sequence)
    assert lifted.shape == (50, N, 3)
    assert np.isfinite(lifted).all()
    assert not lifted[:, 0].any()
    windows = {shape[1] for shape in net.shapes}
    assert windows == {frames or 50}
    number = sum(shape[0] for shape in net.shapes)
    assert number == (44 if overlap == 7 else math.ceil(50 / (frames or 50)))


def test_spacing_wider_than_the_frames_lifts_every_frame_too() -> None:
    (sequence,) = sequences(1)
    net = Told()
    lifted = Lifter(net, BODY_26, None, 2 / RATE, ("depth",), flip_average=False).lift(sequence)
    assert np.isfinite(lifted).all()
    assert {shape[1] for shape in net.shapes} == {25}


def test_a_perfect_answer_comes_back_in_the_camera() -> None:
    """A network that knows the truth in the camera's frame has it turned into the view; the way back is the same."""
    takes = walking_takes((301,))
    (sequence,) = held_out_sequences(takes, "validation", 1, 50, RATE, NoiseModel.none(), seed=3)
    view = person_view(sequence.rays[None], torch.ones_like(sequence.rays[None, ..., 0]))
    answer = camera_from_view(sequence.joints_camera[None], view.rotation.mT)

    class Oracle(Told):
        def forward(self, inputs: Tensor) -> Tensor:
            return answer

    lifted = Lifter(Oracle(), BODY_26, None, 1 / RATE, flip_average=False).lift(sequence)
    assert np.abs(lifted - sequence.joints_camera.numpy()).max() < 1e-5


def test_averaged_with_its_mirror_image_a_network_is_symmetrical() -> None:
    torch.manual_seed(0)
    net = DilatedNet(DilatedConfig("body_26", channels=16)).eval()
    lifter = Lifter(net, BODY_26, 27, 1 / RATE)
    (sequence,) = sequences(1)
    sign = torch.tensor([-1.0, 1.0, 1.0])
    mirrored = HeldOut(
        sequence.rays[:, BODY_26.mirror] * sign[:2], sequence.confidence, sequence.depth, sequence.joints_camera, RATE
    )
    expected = lifter.lift(sequence)[:, BODY_26.mirror] * sign.numpy()
    assert np.abs(lifter.lift(mirrored) - expected).max() < 1e-4
