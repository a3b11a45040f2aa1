"""What training draws: bodies keep their shape, cameras are cameras, and the targets belong to the inputs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionlift.core.lifting.normalise import camera_from_view, person_view, rotation_onto_axis
from motionlift.core.rotation import Array
from motionlift.core.skeleton import (
    BODY_26,
    REFERENCE_HEIGHT,
    interpolate_body,
    landmark_offsets,
    reference_rest,
    rest_points,
)
from motionlift.core.training import cameras
from motionlift.core.training.bodies import stature, vary_bodies
from motionlift.core.training.cameras import camera_from_world, film
from motionlift.core.training.mixing import ARM_TURN, TURNED_SHARE, mix_limbs, turn_limbs
from motionlift.core.training.mocap import PackedTakes
from motionlift.core.training.noise import (
    NoiseModel,
    depth_cue,
    disturb,
    interpolated,
    landmarks,
)
from motionlift.core.training.windows import WindowSource

SILENT = NoiseModel.none()


def source(takes: PackedTakes, frames: int = 4, seed: int = 0) -> WindowSource:
    return WindowSource(takes, takes.of_part("train"), frames, 1 / 15, seed, "cpu")


def bone_lengths(points: torch.Tensor) -> torch.Tensor:
    parents = BODY_26.bone_starts
    lengths: torch.Tensor = (points - points[:, :, parents]).norm(dim=-1)
    return lengths


def test_the_same_seed_draws_the_same_windows(takes: PackedTakes) -> None:
    first, second = (source(takes, seed=3).draw(8, NoiseModel()) for _ in range(2))
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.targets, second.targets)


def test_bodies_are_rigid_symmetric_and_of_one_height(takes: PackedTakes) -> None:
    points = source(takes)._cut(64)
    varied = vary_bodies(points, torch.Generator().manual_seed(0))
    assert stature(varied) == pytest.approx(torch.full((64,), REFERENCE_HEIGHT), abs=1e-4)
    before, after = bone_lengths(points), bone_lengths(varied)
    limbs = BODY_26.indices("left_elbow", "left_wrist", "left_knee", "left_ankle")
    assert (after[..., limbs].std(1) - before[..., limbs].std(1)).abs().max() < 2e-3
    ratio = (after / before.clamp_min(1e-6)).mean(1)
    assert torch.allclose(ratio[:, limbs], ratio[:, BODY_26.mirror[limbs]], atol=5e-3)
    assert ratio[:, limbs].std() > 0.03


def test_noiseless_inputs_are_the_projected_targets(takes: PackedTakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some depth of the root makes every joint of the target project onto its input."""
    monkeypatch.setattr(cameras, "FOCAL_SPREAD", 0.0)
    windows = source(takes).draw(16, SILENT)
    seen = [i for i, name in enumerate(BODY_26.joints) if name not in ("pelvis", "spine", "neck")]
    for inputs, targets in zip(windows.inputs.double(), windows.targets.double(), strict=True):
        for u, p in zip(inputs[:, seen], targets[:, seen], strict=True):
            # s u = (p + t)_xy / (p + t)_z, linear in s t_z, t_x, t_y and s once it is multiplied out.
            zero, one = torch.zeros(len(p)), torch.ones(len(p))
            x = torch.stack([u[:, 0], u[:, 0] * p[:, 2], -one, zero], 1)
            y = torch.stack([u[:, 1], u[:, 1] * p[:, 2], zero, -one], 1)
            rows, values = torch.cat([x, y]).double(), torch.cat([p[:, 0], p[:, 1]])
            solution = torch.linalg.lstsq(rows, values[:, None]).solution
            assert (rows @ solution - values[:, None]).abs().max() < 2e-3


def test_cameras_turn_the_world_without_bending_it() -> None:
    angles = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    rotation = camera_from_world(*angles)
    assert torch.allclose(rotation @ rotation.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(50), atol=1e-5)
    level = camera_from_world(*torch.zeros(3, 1))[0]
    assert torch.allclose(level @ torch.tensor([0.0, 1, 0]), torch.tensor([0.0, 0, 1]))
    down = camera_from_world(torch.zeros(1), torch.tensor([0.3]), torch.zeros(1))[0]
    assert (down @ torch.tensor([0.0, 0, -1.0]))[2] > 0


def test_filmed_joints_project_onto_their_rays_but_for_the_lens(takes: PackedTakes) -> None:
    points = source(takes)._cut(32)
    joints, rays = film(points, points, torch.Generator().manual_seed(1))
    assert torch.allclose(joints[:, :, 0], torch.zeros(32, 4, 3), atol=1e-6)
    assert torch.allclose(bone_lengths(joints), bone_lengths(points), atol=1e-4)
    assert torch.isfinite(rays).all()


def test_the_detector_errs_about_as_much_as_asked(takes: PackedTakes) -> None:
    points = source(takes)._cut(256)
    joints, rays = film(points, points, torch.Generator().manual_seed(1))
    wrist, size = BODY_26.index("left_wrist"), (joints[:, :, :, :2].std((1, 2, 3)) / rays.std((1, 2, 3)))[:, None]
    model = replace(NoiseModel.none(), wander=0.02, wander_s=0.2)
    seen = disturb(rays, joints, model, 1 / 15, torch.Generator().manual_seed(2))
    off = (seen - rays)[:, :, wrist] * size[..., None]
    assert 0.5 < off.std() / 0.02 < 2.5
    follows = (off[:, 1:] * off[:, :-1]).mean() / off.square().mean()
    assert follows == pytest.approx(np.exp(-1 / 15 / 0.2), abs=0.1)


def test_a_detector_without_errors_sees_the_points(takes: PackedTakes) -> None:
    points, generator = source(takes)._cut(16), torch.Generator().manual_seed(0)
    assert torch.allclose(landmarks(points, SILENT, generator), points, atol=1e-6)
    joints, rays = film(points, points, generator)
    assert torch.allclose(disturb(rays, joints, SILENT, 1 / 15, generator), interpolated(rays), atol=1e-6)
    assert torch.allclose(depth_cue(joints, SILENT, 1 / 15, generator), joints[..., 2], atol=1e-5)


def test_mixed_limbs_are_somebodys(takes: PackedTakes) -> None:
    points = source(takes)._cut(64)
    mixed = mix_limbs(points, torch.Generator().manual_seed(0))
    assert bone_lengths(mixed).std() > 0
    trunk = BODY_26.indices("pelvis", "spine", "neck", "left_shoulder", "right_hip")
    assert torch.equal(mixed[:, :, trunk], points[:, :, trunk])
    elbow, shoulder = BODY_26.index("left_elbow"), BODY_26.index("left_shoulder")
    arms = [(p[:, :, elbow] - p[:, :, shoulder]).norm(dim=-1) for p in (mixed, points)]
    changed = (mixed[:, :, elbow] - points[:, :, elbow]).norm(dim=-1).amax(1) > 1e-3
    assert 0.1 < changed.float().mean() < 0.5
    assert (arms[0][:, None] - arms[1][None]).norm(dim=-1).amin(1).max() < 1e-4


def test_landmarks_of_the_rest_figure_lie_where_the_contract_says() -> None:
    rest = torch.from_numpy(rest_points(reference_rest()[0])).float()
    seen = landmarks(rest[None, None], replace(SILENT, offsets=1.0), torch.Generator())
    assert (seen[0, 0] - rest).numpy() == pytest.approx(landmark_offsets(), abs=1e-5)


def test_landmarks_turn_with_the_body(takes: PackedTakes) -> None:
    points, model = source(takes)._cut(8), replace(SILENT, offsets=1.0)
    turn = camera_from_world(*torch.randn(3, 1, generator=torch.Generator().manual_seed(0)))[0]
    first = landmarks(points, model, torch.Generator()) @ turn.T
    assert torch.allclose(landmarks(points @ turn.T, model, torch.Generator()), first, atol=1e-5)


def test_turned_limbs_keep_their_bones_and_movement(takes: PackedTakes) -> None:
    points = source(takes)._cut(400)
    turned = turn_limbs(points, torch.Generator().manual_seed(0))
    lengths = bone_lengths(points)
    assert torch.allclose(bone_lengths(turned), lengths, atol=1e-5)
    # The hips stay, and so does the bend of elbows and knees.
    assert torch.equal(
        turned[:, :, BODY_26.indices("pelvis", "left_hip", "right_hip")],
        points[:, :, BODY_26.indices("pelvis", "left_hip", "right_hip")],
    )
    for first, last in (("left_shoulder", "left_wrist"), ("right_hip", "right_ankle")):
        start, end = BODY_26.indices(first, last)
        reach, before = ((each[:, :, end] - each[:, :, start]).norm(dim=-1) for each in (turned, points))
        assert torch.allclose(reach, before, atol=1e-5)
    moved = (turned - points).norm(dim=-1).amax((1, 2)) > 1e-6
    assert float(moved.float().mean()) == pytest.approx(TURNED_SHARE, abs=0.1)
    # A hand goes about as far as its arm turns.
    wrist, shoulder = BODY_26.indices("left_wrist", "left_shoulder")
    arm, old_arm = (each[moved][:, :, wrist] - each[moved][:, :, shoulder] for each in (turned, points))
    angle = torch.nn.functional.cosine_similarity(arm, old_arm, dim=-1).clamp(-1, 1).acos()
    assert 0.8 * ARM_TURN < float(angle.mean()) < 2 * ARM_TURN


def guessed(takes: PackedTakes, model: NoiseModel) -> torch.Tensor:
    """Which hands (B, 2) of windows are off by more than a hair."""
    points = source(takes)._cut(4000)
    joints, rays = film(points, points, torch.Generator().manual_seed(1))
    off = (disturb(rays, joints, model, 1 / 15, torch.Generator().manual_seed(2)) - rays).norm(dim=-1)
    hands: torch.Tensor = off[:, :, BODY_26.indices("left_wrist", "right_wrist")]
    return (hands > 1e-6).any(1)


def test_clear_windows_leave_the_share_of_guessed_limbs_alone(takes: PackedTakes) -> None:
    """They gather in the others: there both hands are more often guessed at once."""
    alike, gathered = (guessed(takes, replace(SILENT, lost_share=0.12, lost=0.1, clear_share=s)) for s in (0.0, 0.6))
    assert float(alike.float().mean()) == pytest.approx(0.12, abs=0.015)
    assert float(gathered.float().mean()) == pytest.approx(0.12, abs=0.015)
    assert float(gathered.all(-1).float().mean()) > 1.5 * float(alike.all(-1).float().mean())
    assert not guessed(takes, SILENT).any()


def test_windows_differ_in_how_far_they_err(takes: PackedTakes) -> None:
    points = source(takes)._cut(2000)
    joints, rays = film(points, points, torch.Generator().manual_seed(1))
    sizes = []
    for ease in (0.0, 0.8):
        model = replace(SILENT, wander=0.01, ease=ease)
        off = disturb(rays, joints, model, 1 / 15, torch.Generator().manual_seed(2)) - rays
        sizes.append(
            off[:, :, BODY_26.indices("left_wrist", "right_wrist", "left_knee")].flatten(1).norm(dim=-1).log().std()
        )
    # The size in the picture differs from window to window, too.
    assert float((sizes[1] ** 2 - sizes[0] ** 2).sqrt()) == pytest.approx(0.8, abs=0.1)


def test_interpolated_joints_are_those_of_the_contract() -> None:
    points = torch.randn(5, 26, 2, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    assert interpolated(points).numpy() == pytest.approx(interpolate_body(points.numpy()))


def test_the_view_does_not_depend_on_where_the_person_stands() -> None:
    generator = torch.Generator().manual_seed(0)
    joints = torch.randn(6, 4, 26, 3, generator=generator, dtype=torch.double) * 0.4
    place = torch.tensor([0.0, 0.0, 5.0], dtype=torch.double)
    aside = torch.cat([0.4 * torch.randn(6, 2, generator=generator).double(), torch.ones(6, 1).double()], 1)
    turn = rotation_onto_axis(torch.nn.functional.normalize(aside, dim=-1))
    straight = joints + place
    turned = torch.einsum("bji,btnj->btni", turn, straight)
    views = [person_view(p[..., :2] / p[..., 2:], torch.ones(6, 4, 26).double()) for p in (straight, turned)]
    # Equal but for a roll about the axis: distances between joints agree.
    gaps = [torch.cdist(v.inputs.flatten(0, 1), v.inputs.flatten(0, 1)) for v in views]
    assert torch.allclose(gaps[0], gaps[1], atol=1e-6)
    nearer = straight * 0.5
    assert torch.allclose(
        person_view(nearer[..., :2] / nearer[..., 2:], torch.ones(6, 4, 26).double()).inputs, views[0].inputs
    )
    assert torch.allclose(
        camera_from_view(torch.einsum("bij,btnj->btni", views[1].rotation, turned), views[1].rotation), turned
    )


def test_a_packed_set_survives_the_disk(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    again = PackedTakes.load(tmp_path / "set.npz")
    assert np.array_equal(again.points, takes.points)
    assert (again.names, again.parts) == (takes.names, takes.parts)


def test_points_of_a_real_walk_stand_on_the_floor(mocap_walk: Array) -> None:
    heels = mocap_walk[:, BODY_26.indices("left_heel", "right_heel", "left_toe_tip", "right_toe_tip"), 2].min(1)
    assert abs(np.median(heels)) < 0.06
    ahead = np.diff(mocap_walk[:, 0], axis=0).mean(0)
    nose = (mocap_walk[:, BODY_26.index("nose")] - mocap_walk[:, BODY_26.index("neck")]).mean(0)
    assert ahead[:2] @ nose[:2] > 0
