"""Casting: a seed is a film, bodies are bodies, cameras hold them, and detection finds them where the truth says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlift.core.camera import apply, intrinsics, inverse, look_at, project
from motionlift.core.detection.models import pose_model
from motionlift.core.jobs import LiftSettings, MotionLiftError, UsageError
from motionlift.core.rotation import forward_kinematics
from motionlift.core.skeleton import ANIMATION_21, body_points, reference_rest, rest_points
from motionlift.core.synthesis.casting import cast, pictures, place_camera, recompressed
from motionlift.core.synthesis.figure import build_figure
from motionlift.core.synthesis.footsteps import FootstepPlan
from motionlift.core.synthesis.measuring import measure, recordings_of
from motionlift.core.synthesis.performance import Performance, perform
from motionlift.core.synthesis.stage import random_light, random_stage
from motionlift.core.synthesis.wardrobe import HEIGHTS, patterned, random_look, random_rest
from motionlift.core.training.pairs import load_pairs

SIZE = (320, 240)


@pytest.fixture(scope="module")
def walk() -> Performance:
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    plan.walk(2, 0.4)
    return perform(plan.prints, (), np.arange(30) / 30, reference_rest())


def test_random_bodies_stand_on_the_floor_and_are_symmetric() -> None:
    heights = []
    for seed in range(40):
        offsets, tails = random_rest(np.random.default_rng(seed))
        points = rest_points(offsets) + offsets[0]
        assert points[:, 2].min() == pytest.approx(0.0, abs=0.012)
        mirrored = offsets[ANIMATION_21.mirror] * (-1, 1, 1)
        np.testing.assert_allclose(offsets, mirrored, atol=1e-12)
        spine, neck = ANIMATION_21.indices("spine", "neck")
        np.testing.assert_allclose(tails[spine], offsets[ANIMATION_21.index("chest")])
        np.testing.assert_allclose(tails[neck], offsets[ANIMATION_21.index("head")])
        heights.append(points[:, 2].max())
    assert np.std(heights) > 0.04
    assert max(heights) < HEIGHTS[1] + 0.1


def test_clothes_reach_as_far_as_they_are_cut() -> None:
    for seed in range(3):
        look = random_look(np.random.default_rng(seed))
        figure = build_figure(look=look, coarseness=2.5)
        assert figure.colours.min() >= 0
        skin = np.all(np.isclose(figure.colours, look.palette()["skin"]), -1)
        elbow = ANIMATION_21.index("left_elbow")
        bare = skin[figure.bones[:, 0] == elbow].mean()
        assert (bare > 0.9) if look.sleeves < 1 else (bare < 0.9)


def test_patterns_change_cloth_only() -> None:
    look = random_look(np.random.default_rng(0))
    figure = build_figure(look=look, coarseness=2.5)
    changed = [
        np.any(patterned(figure, look, np.random.default_rng(seed)).colours != figure.colours, axis=-1)
        for seed in range(12)
    ]
    cloth = np.any([np.all(np.isclose(figure.colours, look.palette()[n]), -1) for n in ("shirt", "trousers")], axis=0)
    assert any(c.any() for c in changed)
    assert not any(np.any(c & ~cloth) for c in changed)


def test_the_camera_holds_the_performance(walk: Performance) -> None:
    K = intrinsics(SIZE, 50)
    joints, rotations = forward_kinematics(
        ANIMATION_21.parents, walk.rest_offsets, walk.root_translation, walk.local_rotations
    )
    points = body_points(joints, rotations, walk.rest_offsets)
    for filled, within in ((0.8, True), (1.5, False)):
        eye, target = place_camera(walk, K, SIZE, 0.7, 0.2, filled, np.array([0.9, -0.5]))
        pixels = project(apply(inverse(look_at(eye, target)), points), K)
        inside = np.all((pixels > -1) & (pixels < np.array(SIZE) + 1))
        assert inside == within
        assert eye[2] >= 0.19


def test_things_stand_out_of_the_way(walk: Performance) -> None:
    for seed in range(6):
        eye = np.array([0.5, -4.0, 1.3])
        room = random_stage(np.random.default_rng(seed), eye, walk.root_translation, occluded=False)
        assert np.all(np.isfinite(room.vertices))
        assert np.all(room.vertices[:4, 2] == 0)
        light = random_light(np.random.default_rng(seed))
        assert light.to_sun[2] > 0
        boxes = room.vertices[4:].reshape(-1, 4, 3)
        sight = eye[:2] + np.linspace(0.1, 0.9, 30)[:, None] * (walk.root_translation[0, :2] - eye[:2])
        small = boxes[np.ptp(boxes[:, :, 0], axis=1) < 1.7]
        centres = small.mean(1)[:, :2]
        assert np.linalg.norm(sight[:, None] - centres[None], axis=-1).min() > 0.25


def test_recompressed_pictures_come_back_in_order() -> None:
    ramp = [np.full((48, 64, 3), 20 * i, np.uint8) for i in range(10)]
    back = list(recompressed(iter(ramp), 30, (64, 48), 20))
    assert len(back) == len(ramp)
    assert [abs(float(b.mean()) - float(r.mean())) < 6 for b, r in zip(back, ramp, strict=True)] == [True] * 10


def test_parts_of_a_library_do_not_mix(mocap_files: list[Path]) -> None:
    library = mocap_files[0].parents[1]
    parts = {part: {p.parent.name for p in recordings_of(library, part)} for part in ("train", "validation", "test")}
    assert not parts["train"] & parts["validation"]
    assert not parts["train"] & parts["test"]
    with pytest.raises(UsageError, match="no part"):
        recordings_of(library, "everything")


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(MotionLiftError, match="no BVH file") as error:
        recordings_of(tmp_path, "train")
    assert error.value.code == "no_recordings"


@pytest.mark.render
def test_a_seed_is_a_film_and_sessions_add_up(mocap_files: list[Path], tmp_path: Path) -> None:
    recordings = recordings_of(mocap_files[0].parents[1], "train")
    first, second = (cast(recordings, 0.1, np.random.default_rng((5, 0))) for _ in range(2))
    np.testing.assert_array_equal(first.truth.keypoints_2d, second.truth.keypoints_2d)
    np.testing.assert_array_equal(next(iter(pictures(first))), next(iter(pictures(second))))
    model = pose_model(LiftSettings())
    once, twice = tmp_path / "once.npz", tmp_path / "twice.npz"
    pairs = measure(recordings, once, model, 2, minutes=5.0, seconds=0.3, seed=5)
    for clips in (1, 2):
        measure(recordings, twice, model, clips, minutes=5.0, seconds=0.3, seed=5)
    for a, b, made in zip(load_pairs(once), load_pairs(twice), pairs, strict=True):
        np.testing.assert_array_equal(a.keypoints.pixels, b.keypoints.pixels)
        np.testing.assert_allclose(a.joints_camera, made.joints_camera, atol=2e-4)
        size = np.ptp(project(a.joints_camera, a.camera_K), axis=1).max()
        off = np.linalg.norm(a.keypoints.pixels - project(a.joints_camera, a.camera_K), axis=-1)
        assert np.nanmedian(off) < 0.08 * size
    with pytest.raises(UsageError, match="drawn with seed 5"):
        measure(recordings, once, model, 3, minutes=1.0, seconds=0.3, seed=6)
