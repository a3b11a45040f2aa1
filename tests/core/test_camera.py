"""The pinhole camera: projection and rays, rigid transforms, where a camera looks."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.camera import apply, intrinsics, inverse, look_at, project, rays, rigid
from motionlift.core.rotation import normalise, to_matrix

SIZES = [(1920, 1080), (1080, 1920), (640, 640)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fov", [20.0, 55.0, 120.0])
def test_the_field_of_view_spans_the_longer_side(size: tuple[int, int], fov: float) -> None:
    camera_K = intrinsics(size, fov)
    longer = int(size[1] > size[0])
    edges = np.array([[size[0] / 2, size[1] / 2]] * 2)
    edges[0, longer], edges[1, longer] = 0, size[longer]
    first, last = normalise(rays(edges, camera_K))
    assert np.degrees(np.arccos(first @ last)) == pytest.approx(fov)


@pytest.mark.parametrize("size", SIZES)
def test_rays_meet_the_points_they_come_from(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    points = random.uniform(-1, 1, (4, 9, 3)) + np.array([0, 0, 3])
    camera_K = intrinsics(size)
    pixels = project(points, camera_K)
    np.testing.assert_allclose(rays(pixels, camera_K) * points[..., 2:], points, atol=1e-12)
    np.testing.assert_allclose(project(points * 7, camera_K), pixels)


def test_right_is_right_and_down_is_down() -> None:
    camera_K = intrinsics((200, 100))
    np.testing.assert_allclose(project(np.array([0.0, 0, 5]), camera_K), [100, 50])
    assert project(np.array([1.0, 0, 5]), camera_K)[0] > 100
    assert project(np.array([0.0, 1, 5]), camera_K)[1] > 50


def test_rigid_transforms_and_their_inverses() -> None:
    random = np.random.default_rng(1)
    transform = rigid(to_matrix(normalise(random.normal(size=4))), random.normal(size=3))
    points = random.normal(size=(5, 6, 3))
    moved = apply(transform, points)
    np.testing.assert_allclose(apply(inverse(transform), moved), points, atol=1e-12)
    np.testing.assert_allclose(inverse(transform) @ transform, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(
        np.linalg.norm(moved[0, 0] - moved[1, 1]), np.linalg.norm(points[0, 0] - points[1, 1]), atol=1e-12
    )


def test_a_camera_looks_at_its_target_upright() -> None:
    random = np.random.default_rng(2)
    for _ in range(10):
        eye, target = random.normal(size=3), random.normal(size=3) + np.array([4, 0, 0])
        world_from_camera = look_at(eye, target)
        camera_from_world = inverse(world_from_camera)
        seen = apply(camera_from_world, target[None])[0]
        np.testing.assert_allclose(seen[:2], 0, atol=1e-9)
        assert seen[2] > 0
        np.testing.assert_allclose(apply(camera_from_world, eye[None])[0], 0, atol=1e-9)
        assert np.linalg.det(world_from_camera[:3, :3]) == pytest.approx(1)
        above = apply(camera_from_world, (target + np.array([0, 0, 0.1]))[None])[0]
        assert above[1] < 0
        assert above[0] == pytest.approx(0, abs=1e-9)
