"""Keypoints to joints: rates, gaps, mirrors, cameras, chunks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.core.camera import intrinsics
from motionlift.core.jobs import UsageError
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.lifting.checkpoint import load_weights
from motionlift.core.lifting.inference import Part, Pass, Predict, lift_by, lift_keypoints, passes_of, predictor
from motionlift.core.lifting.network import DGNet, DGNetConfig
from motionlift.core.rotation import Array
from motionlift.core.skeleton import BODY_26, MEDIAPIPE_33

SIZE = (640, 480)
K = intrinsics(SIZE)


@pytest.fixture(scope="module")
def model() -> DGNet:
    torch.manual_seed(2)
    network = DGNet(
        DGNetConfig(joint_set="body_26", channels=16, blocks=1, frame_interval_s=1 / 15, balanced=False), False
    )
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = None
    with torch.no_grad():
        network.train()(torch.randn(64, 4, 26, 2))
    return network.eval()


@pytest.fixture(scope="module")
def guessing() -> DGNet:
    """One with an encoder, whose graphs have something to correct."""
    torch.manual_seed(3)
    network = DGNet(
        DGNetConfig("body_26", channels=8, blocks=1, frames=8, frame_interval_s=1 / 15, balanced=False,
                    encoder_width=32, encoder_blocks=1), False
    )  # fmt: skip
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network.eval()


def someone(times: Array) -> Keypoints2D:
    """A body swaying slowly."""
    random = np.random.default_rng(0)
    base, sway = random.uniform(150, 450, (26, 2)), random.uniform(2, 20, (26, 2))
    pixels = base + sway * np.sin(2 * times[:, None, None] + random.uniform(0, 6, (26, 2)))
    count = len(times)
    return Keypoints2D(times, pixels, np.full((count, 26), 0.9), np.ones(count, bool), SIZE)


def without(keypoints: Keypoints2D, frames: list[int]) -> Keypoints2D:
    pixels, confidence = keypoints.pixels.copy(), keypoints.confidence.copy()
    detected = keypoints.detected.copy()
    pixels[frames], confidence[frames], detected[frames] = np.nan, 0, False
    return dataclasses.replace(keypoints, pixels=pixels, confidence=confidence, detected=detected)


@pytest.mark.parametrize("flip", [True, False])
def test_twice_the_rate_gives_the_same_motion(model: DGNet, flip: bool) -> None:
    slow = lift_keypoints(someone(np.arange(61) / 30), K, model, flip_average=flip)
    fast = lift_keypoints(someone(np.arange(121) / 60), K, model, flip_average=flip)
    # At the ends the windows of the two rates see other phases.
    assert np.abs(fast[::2] - slow)[8:-8].max() < 1e-4


def test_rates_that_the_spacing_does_not_fit_agree_as_well(weights: Path) -> None:
    # A network with random weights jumps where a sample moves by milliseconds; a trained one does not.
    trained = load_weights(weights)
    slow = lift_keypoints(someone(np.arange(51) / 25), K, trained)
    fast = lift_keypoints(someone(np.arange(101) / 50), K, trained)
    movement = np.abs(slow - slow.mean(0)).mean()
    assert np.abs(fast[::2] - slow)[4:-4].mean() < 0.5 * movement


def test_each_result_is_relative_to_the_pelvis_and_finite(model: DGNet) -> None:
    for count in (1, 2, 3, 7, 30):
        lifted = lift_keypoints(someone(np.arange(count) / 30), K, model)
        assert lifted.shape == (count, 26, 3)
        assert np.all(np.isfinite(lifted))
        assert np.all(lifted[:, 0] == 0)


def test_frames_without_a_detection_are_nan_and_gaps_separate(model: DGNet) -> None:
    whole = someone(np.arange(60) / 30)
    gap = list(range(25, 32))
    holed = lift_keypoints(without(whole, gap), K, model)
    assert np.all(np.isnan(holed[gap]))
    assert np.all(np.isfinite(np.delete(holed, gap, 0)))
    assert np.allclose(holed[:25], lift_keypoints(whole.window(0, 25), K, model), atol=1e-5)
    assert np.allclose(holed[32:], lift_keypoints(whole.window(32, 60), K, model), atol=1e-5)


def test_a_short_gap_hardly_matters(model: DGNet) -> None:
    whole = someone(np.arange(60) / 30)
    full, holed = lift_keypoints(whole, K, model), lift_keypoints(without(whole, [30]), K, model)
    assert np.all(np.isnan(holed[30]))
    rest = np.delete(np.arange(60), 30)
    assert np.abs(holed - full)[rest].mean() < 0.1 * np.abs(full - full.mean(0)).mean()


def test_nobody_gives_only_nan(model: DGNet) -> None:
    assert np.all(np.isnan(lift_keypoints(without(someone(np.arange(5) / 30), list(range(5))), K, model)))


def test_the_mirrored_video_gives_the_mirrored_person(model: DGNet) -> None:
    keypoints = someone(np.arange(40) / 30)
    straight = lift_keypoints(keypoints, K, model, flip_average=True)
    mirrored = lift_keypoints(keypoints.mirrored(), K, model, flip_average=True)
    # Where two neighbours are equally near, a rounding decides which one a joint listens to: a few frames differ.
    off = np.abs(mirrored - straight[:, BODY_26.mirror] * [-1, 1, 1]).max((1, 2))
    assert np.quantile(off, 0.7) < 1e-4


def test_chunks_and_folding_change_nothing(model: DGNet) -> None:
    keypoints = someone(np.arange(40) / 30)
    done: list[tuple[int, int]] = []
    small = lift_keypoints(keypoints, K, model, batch=3, progress=lambda a, b: done.append((a, b)))
    assert np.allclose(small, lift_keypoints(keypoints, K, model.folded(), batch=1000), atol=1e-4)
    assert done[-1][0] == done[-1][1] == len(done) * 3 - (-done[-1][1] % 3)


def test_guess_and_correction_are_the_whole(guessing: DGNet) -> None:
    inputs = torch.randn(3, 8, 26, 2, generator=torch.Generator().manual_seed(0))
    whole, guess, correction = guessing(inputs), guessing.guess(inputs), guessing.correction(inputs)
    assert float(correction.detach().abs().mean()) > 0.01
    torch.testing.assert_close(guess + correction, whole)
    # Seen by all windows, a clip is lifted alike by both and by the whole.
    keypoints = someone(np.arange(60) / 30)
    lifted = lift_keypoints(keypoints, K, guessing, flip_average=False)
    passes = [Pass("whole", predictor(guessing, torch.device("cpu"), False), None, 7)]
    np.testing.assert_allclose(lifted, lift_by(passes, guessing.config, keypoints, K), atol=1e-5)


def test_guesses_are_averaged_over_more_windows_than_corrections(guessing: DGNet) -> None:
    keypoints, windows = someone(np.arange(120) / 30), dict[str, int]()

    def part_of(part: Part) -> Predict:
        def counted(given: torch.Tensor) -> torch.Tensor:
            windows[part] = windows.get(part, 0) + len(given)
            return predictor(guessing, torch.device("cpu"), False, part=part)(given)

        return counted

    passes = passes_of(guessing.config, part_of, 4, 1)
    lifted = lift_by(passes, guessing.config, keypoints, K)
    assert windows["guess"] > 5 * windows["correction"]
    np.testing.assert_allclose(lifted, lift_keypoints(keypoints, K, guessing, flip_average=False, overlap=1), atol=1e-6)
    # Nearer to what all windows say than one window a frame is.
    everything = lift_keypoints(keypoints, K, guessing, flip_average=False)
    alone = [Pass("whole", predictor(guessing, torch.device("cpu"), False), 1, 4)]
    away, once = (
        float(np.abs(each - everything).mean()) for each in (lifted, lift_by(alone, guessing.config, keypoints, K))
    )
    assert away < 0.9 * once


def test_the_guess_of_the_mirrored_video_is_mirrored(guessing: DGNet) -> None:
    keypoints, counterpart = someone(np.arange(40) / 30), [-1.0, 1.0, 1.0]
    guess = [Pass("guess", predictor(guessing, torch.device("cpu"), True, part="guess"), 8, 64)]
    straight, mirrored = (lift_by(guess, guessing.config, each, K) for each in (keypoints, keypoints.mirrored()))
    np.testing.assert_allclose(mirrored, straight[:, BODY_26.mirror] * counterpart, atol=1e-5)


def test_several_threads_give_the_same_bits(model: DGNet) -> None:
    keypoints = someone(np.arange(40) / 30)
    one, two = (lift_keypoints(keypoints, K, model, batch=4, threads=threads) for threads in (1, 2))
    assert np.array_equal(one, two)


def test_the_size_of_the_picture_does_not_matter(model: DGNet) -> None:
    keypoints = someone(np.arange(30) / 30)
    doubled = dataclasses.replace(keypoints, pixels=2 * keypoints.pixels, image_size=(1280, 960))
    assert np.allclose(
        lift_keypoints(doubled, intrinsics((1280, 960)), model), lift_keypoints(keypoints, K, model), atol=1e-4
    )


def test_turning_the_camera_turns_the_result(model: DGNet) -> None:
    """A roll about the axis to the person is the one turn that a view does not undo: so turn by yaw and compare."""
    keypoints = someone(np.arange(30) / 30)
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    rays = np.concatenate([(keypoints.pixels - K[:2, 2]) / K[0, 0], np.ones((30, 26, 1))], -1) @ turn.T
    turned = dataclasses.replace(keypoints, pixels=rays[..., :2] / rays[..., 2:] * K[0, 0] + K[:2, 2])
    plain, other = lift_keypoints(keypoints, K, model), lift_keypoints(turned, K, model)
    lengths = [np.linalg.norm(joints - joints[:, :1], axis=-1) for joints in (plain, other)]
    assert np.abs(lengths[0] - lengths[1]).mean() < 0.1 * lengths[0].mean()


def test_balanced_networks_are_balanced_and_finite(model: DGNet) -> None:
    balanced = DGNet(dataclasses.replace(model.config, balanced=True), False)
    balanced.load_state_dict(model.state_dict())
    keypoints = someone(np.arange(20) / 30)
    result = lift_keypoints(keypoints, K, balanced.eval())
    assert np.all(np.isfinite(result))
    assert not np.allclose(result, lift_keypoints(keypoints, K, model))


def refused(keypoints: Keypoints2D, model: DGNet, code: str, *words: str) -> None:
    with pytest.raises(UsageError) as caught:
        lift_keypoints(keypoints, K, model)
    assert caught.value.code == code
    assert caught.value.hint
    assert all(word in caught.value.message for word in words)


def test_keypoints_that_cannot_be_lifted_are_refused_with_what_was_expected_and_found(model: DGNet) -> None:
    good = someone(np.arange(6) / 30)
    holes = good.pixels.copy()
    holes[2, 3] = np.nan
    unsure = good.confidence.copy()
    unsure[4, 1] = np.inf
    refused(dataclasses.replace(good, pixels=holes), model, "bad_keypoints", "finite", "frame 2")
    refused(dataclasses.replace(good, confidence=unsure), model, "bad_keypoints", "frame 4")
    refused(good.window(0, 0), model, "bad_keypoints", "at least one frame", "none")
    refused(dataclasses.replace(good, times=good.times[::-1]), model, "bad_keypoints", "times")
    refused(dataclasses.replace(good, confidence=good.confidence[:3]), model, "bad_keypoints", "(6, 26)", "(3, 26)")
    refused(dataclasses.replace(good, pixels=np.zeros((6, 26, 3))), model, "bad_keypoints", "(6, 26, 2)")
    refused(dataclasses.replace(good, world_landmarks=np.zeros((6, 26, 3))), model, "bad_keypoints", "(6, 33, 3)")
    refused(dataclasses.replace(good, pixels=good.pixels[:, :17]), model, "wrong_joints", "26", "17")
    # What is not finite where nobody was detected is what `Keypoints2D` asks for.
    lift_keypoints(without(dataclasses.replace(good, pixels=holes), [2]), K, model)


class Told(torch.nn.Module):
    """In place of a network: keeps what it was given, and answers with places."""

    def __init__(self, model: DGNet) -> None:
        super().__init__()
        self.config, self.head, self.given = model.config, model.head, list[torch.Tensor]()

    def folded(self) -> Told:
        return self

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.given.append(inputs)
        return torch.nn.functional.pad(inputs[..., :2], (0, 1))


def cues_of(keypoints: Keypoints2D, *cues: str) -> torch.Tensor:
    """What the network is told besides places (W, T, 26, cues), without flip averaging."""
    config = DGNetConfig("body_26", channels=4, blocks=1, frames=3, frame_interval_s=1 / 15, balanced=False,
                         cues=cues)  # type: ignore[arg-type]  # fmt: skip
    told = Told(DGNet(config, False))
    lift_keypoints(keypoints, K, told, flip_average=False, overlap=1)  # type: ignore[arg-type]
    return torch.cat(told.given)[..., 2:]


def with_depth(keypoints: Keypoints2D) -> Keypoints2D:
    """MediaPipe's landmarks: landmark i at depth i / 100 + 5 m."""
    world = np.zeros((len(keypoints.times), 33, 3))
    world[..., 2] = np.arange(33) / 100 + 5
    return dataclasses.replace(keypoints, world_landmarks=world)


def test_depth_is_told_relative_to_the_pelvis_joint_by_joint() -> None:
    told = cues_of(with_depth(someone(np.arange(9) / 30)), "depth")[0, 0, :, 0]
    place = {name: MEDIAPIPE_33.index(name) / 100 for name in MEDIAPIPE_33}
    pelvis = (place["left_hip"] + place["right_hip"]) / 2
    assert told[BODY_26.index("left_wrist")] == pytest.approx(place["left_wrist"] - pelvis, abs=1e-6)
    assert told[BODY_26.index("right_toe_tip")] == pytest.approx(place["right_foot_index"] - pelvis, abs=1e-6)
    assert told[BODY_26.index("pelvis")] == 0


def test_depth_that_is_not_known_is_zero_for_the_whole_window() -> None:
    keypoints = with_depth(someone(np.arange(30) / 30))
    assert keypoints.world_landmarks is not None
    keypoints.world_landmarks[4, 20, 2] = np.nan
    told = cues_of(keypoints, "depth")
    unknown = (told == 0).all((1, 2, 3))
    assert bool(told.isfinite().all())
    assert 0 < int(unknown.sum()) < len(told)
    assert bool((told[~unknown][..., 1:, 0].abs().amax((1, 2)) > 0.05).all())
    assert bool((cues_of(someone(np.arange(9) / 30), "depth") == 0).all())


def test_confidence_is_told_as_it_is_and_cues_in_their_order() -> None:
    keypoints = someone(np.arange(9) / 30)
    keypoints.confidence[:] = np.linspace(0, 1, 26)
    both = cues_of(with_depth(keypoints), "confidence", "depth")
    other = cues_of(with_depth(keypoints), "depth", "confidence")
    assert torch.allclose(both[..., 0], torch.linspace(0, 1, 26))
    assert torch.equal(both, other.flip(-1))


def test_a_network_with_cues_lifts_the_mirrored_person_alike() -> None:
    config = DGNetConfig("body_26", channels=8, blocks=1, frames=3, balanced=False, cues=("confidence", "depth"))
    torch.manual_seed(0)
    network = DGNet(config, False).eval()
    keypoints = with_depth(someone(np.arange(12) / 30))
    assert np.isfinite(lift_keypoints(keypoints, K, network)).all()


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_other_precisions_leave_the_network_and_the_settings_as_they_were(model: DGNet, precision: str) -> None:
    keypoints = someone(np.arange(40) / 30)
    exact = lift_keypoints(keypoints, K, model)
    setting = torch.get_float32_matmul_precision()
    other = lift_keypoints(keypoints, K, model, precision=precision)  # type: ignore[arg-type]
    assert torch.get_float32_matmul_precision() == setting
    assert np.array_equal(lift_keypoints(keypoints, K, model), exact)
    error = np.abs(other - exact).mean() / np.abs(exact).mean()
    # On a processor tf32 is single precision; bfloat16 has three digits, and finds other neighbours.
    assert error == 0 if precision == "tf32" else 0 < error < 0.5
