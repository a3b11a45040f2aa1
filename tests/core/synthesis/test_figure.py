"""The figure: solids, surfaces, weights."""

from __future__ import annotations

import numpy as np
import pytest

from motionlift.core.rotation import IDENTITY, forward_kinematics, from_axis_angle
from motionlift.core.skeleton import ANIMATION_21, reference_rest
from motionlift.core.synthesis.bind import bind_pose
from motionlift.core.synthesis.figure import Figure, Look, build_figure
from motionlift.core.synthesis.shapes import Capsule, Ellipsoid, Finish, Loft, band_indices, smooth_union, whole
from motionlift.core.synthesis.surface import Part, build_surface, distance_field, surface_nets

BALL = Finish(whole("pelvis"), whole("skin"))
PALETTE = {"skin": np.array([0.5, 0.4, 0.3]), "shirt": np.array([0.1, 0.2, 0.3])}


@pytest.fixture(scope="module")
def figure() -> Figure:
    return build_figure()


def test_distances_of_a_ball_are_exact_whatever_it_is_made_of() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    true = np.linalg.norm(points, axis=1) - 0.3
    ellipsoid = Ellipsoid(np.zeros(3), np.full(3, 0.3), BALL)
    capsule = Capsule(np.zeros(3), np.array([1e-9, 0, 0]), (0.3, 0.3), BALL)
    np.testing.assert_allclose(ellipsoid.distance(points), true, atol=1e-9)
    np.testing.assert_allclose(capsule.distance(points), true, atol=1e-6)


def test_a_loft_is_a_cylinder_where_its_sections_are_equal() -> None:
    stations = np.array([(0.0, 0, 0, 0.2, 0.2), (1.0, 0, 0, 0.2, 0.2)])
    loft = Loft(np.zeros(3), np.array([0, 0, 1.0]), np.array([1.0, 0, 0]), stations, BALL)
    points = np.array([(0.5, 0, 0.5), (0, 0, 0.5), (0, 0, 1.3), (0.5, 0, 1.4), (0.1, 0, 0.95)])
    np.testing.assert_allclose(loft.distance(points), [0.3, -0.2, 0.3, 0.5, -0.05], atol=1e-12)


def test_the_blend_only_adds_near_the_seam() -> None:
    a, b = np.array([0.0, 0.1, -0.2]), np.array([0.0, 0.5, 0.3])
    union = smooth_union(a, b, 0.05)
    np.testing.assert_allclose(union, [-0.0125, 0.1, -0.2])


def test_bands_hold_up_to_their_limits() -> None:
    bands = ((0.3, "a"), (0.6, "b"), (1.0, "c"))
    np.testing.assert_array_equal(band_indices(bands, np.array([0.0, 0.29, 0.31, 0.61, 1.0])), [0, 0, 1, 2, 2])


def test_surface_nets_close_a_ball_facing_outward() -> None:
    part = Part((Ellipsoid(np.array([0.1, -0.2, 0.3]), np.full(3, 0.25), BALL),), 0.02)
    vertices, triangles = surface_nets(*distance_field(part))
    np.testing.assert_allclose(np.linalg.norm(vertices - [0.1, -0.2, 0.3], axis=1), 0.25, atol=0.002)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    assert all((b, a) in directed for a, b in directed), "each edge has a triangle on either side"
    volume = np.linalg.det(vertices[triangles]).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.25**3, rel=0.02)


def test_weights_spread_over_the_stated_width() -> None:
    """Along a bar that changes bones in the middle the weight goes from one to the other within some softnesses."""
    finish = Finish(((0.5, "pelvis"), (1.0, "spine")), whole("shirt"))
    bar = Capsule(np.zeros(3), np.array([0.6, 0, 0]), (0.05, 0.05), finish)
    surface = build_surface(Part((bar,), 0.01, softness=0.03), ("pelvis", "spine"), PALETTE)
    np.testing.assert_allclose(surface.weights.sum(1), 1.0)
    x, spine = surface.vertices[:, 0] - 0.3, surface.weights[:, 1]
    assert spine[x < -0.12].max() < 0.01
    assert spine[x > 0.12].min() > 0.99
    middle = np.abs(x) < 0.005
    np.testing.assert_allclose(spine[middle], 0.5, atol=0.15)
    at_one = (x > 0.025) & (x < 0.035)
    np.testing.assert_allclose(spine[at_one].mean(), 0.84, atol=0.08)


def test_only_paint_colours_and_adds_nothing() -> None:
    ball = Ellipsoid(np.zeros(3), np.full(3, 0.1), BALL)
    spot = Ellipsoid(np.array([0.1, 0, 0]), np.full(3, 0.05), Finish(whole("pelvis"), whole("shirt"), only_paint=True))
    plain, painted = (build_surface(Part(s, 0.01), ("pelvis",), PALETTE) for s in ((ball,), (ball, spot)))
    np.testing.assert_array_equal(plain.vertices, painted.vertices)
    here = np.linalg.norm(painted.vertices - [0.1, 0, 0], axis=1) < 0.05
    np.testing.assert_array_equal(painted.colours[here], np.tile(PALETTE["shirt"], (here.sum(), 1)))
    assert here.any()
    np.testing.assert_array_equal(painted.colours[~here], plain.colours[~here])


def test_the_figure_is_whole(figure: Figure) -> None:
    np.testing.assert_allclose(figure.weights.sum(1), 1.0)
    assert figure.weights.min() >= 0.0
    np.testing.assert_allclose(np.linalg.norm(figure.normals, axis=1), 1.0)
    assert figure.triangles.max() == len(figure.vertices) - 1
    assert np.isfinite(figure.vertices).all()
    assert 1.69 < np.ptp(figure.vertices[:, 2]) < 1.73
    assert set(np.unique(figure.bones[figure.weights > 0.5])) >= set(range(1, len(ANIMATION_21)))


def test_the_bind_pose_leaves_the_mesh_as_it_was_modelled(figure: Figure) -> None:
    np.testing.assert_allclose(figure.posed(figure.bind_joints, figure.bind_rotations), figure.vertices, atol=1e-12)


def test_in_the_t_pose_the_mesh_lies_about_its_bones(figure: Figure) -> None:
    """Hands palm down to the side, soles on the floor, the nose in front, toes to -Y."""
    offsets, tails = reference_rest()
    identity = np.tile(IDENTITY, (len(ANIMATION_21), 1))
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, offsets[0], identity)
    posed = figure.posed(joints, rotations)
    strongest = figure.bones[:, 0]
    for name in ("left", "right"):
        hand, toe = ANIMATION_21.indices(f"{name}_wrist", f"{name}_toe")
        reach = np.abs(posed[strongest == hand, 0]).max()
        assert reach == pytest.approx(abs(joints[hand, 0] + tails[hand, 0]), abs=0.02)
        thickness, width = np.ptp(posed[strongest == hand][:, [2, 1]], axis=0)
        assert thickness < 0.6 * width
        assert posed[strongest == toe, 1].min() == pytest.approx(joints[toe, 1] + tails[toe, 1], abs=0.015)
    assert posed[:, 2].min() == pytest.approx(0.0, abs=0.004)
    assert posed[:, 2].max() == pytest.approx(1.70, abs=0.02)


def test_the_mesh_is_symmetric_about_the_midline(figure: Figure) -> None:
    left, right = (figure.vertices[figure.vertices[:, 0] * sign > 0.3] * [sign, 1, 1] for sign in (1, -1))
    np.testing.assert_allclose(left.mean(0), right.mean(0), atol=1e-3)


def test_a_bent_knee_keeps_its_girth(figure: Figure) -> None:
    offsets, _ = reference_rest()
    local = np.tile(IDENTITY, (len(ANIMATION_21), 1))
    knee = ANIMATION_21.index("left_knee")
    local[knee] = from_axis_angle(np.array([1.0, 0, 0]), np.radians(90))
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, offsets[0], local)
    posed = figure.posed(joints, rotations)
    shin = (figure.weights[:, 0] > 0.99) & (figure.bones[:, 0] == knee)
    before, after = (np.ptp(points[shin, 0]) for points in (figure.vertices, posed))
    assert shin.sum() > 500
    assert after == pytest.approx(before, rel=0.35)
    near = np.linalg.norm(posed - joints[knee], axis=1) < 0.09
    assert np.ptp(posed[near, 0]) > 0.08


def test_a_figure_fits_another_skeleton() -> None:
    height = 1.25
    offsets, _ = reference_rest(height)
    figure = build_figure(offsets, Look(girth=1.1))
    assert np.ptp(figure.vertices[:, 2]) == pytest.approx(height, rel=0.02)
    np.testing.assert_allclose(figure.bind_joints, bind_pose(offsets)[0])
