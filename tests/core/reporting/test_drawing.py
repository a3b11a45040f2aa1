"""What previews are drawn from: lines, virtual cameras, paint."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core.hand_skeleton import ANIMATION_51, FINGER_JOINTS
from motionlift.core.motion import Motion
from motionlift.core.reporting.drawn import drawn, heading
from motionlift.core.reporting.painting import (
    BACKGROUND,
    floor_lines,
    paint_contacts,
    paint_figure,
    paint_patch,
    text_patch,
)
from motionlift.core.reporting.palette import PEOPLE, UNSURE, confidence_colours
from motionlift.core.reporting.views import VIEWS, Shot, View, shot
from motionlift.core.rotation import from_axis_angle, multiply
from motionlift.core.solving.fingers import append_fingers

Stander = Callable[..., Motion]
SIZE = 200


def view_of(motion: Motion, view: View) -> Shot:
    figure = drawn(motion)
    frames = [frame if there else None for frame, there in enumerate(figure.shown)]
    return shot(view, [figure], [frames], motion.times, heading(motion), SIZE)


def turned(motion: Motion, angle: float) -> Motion:
    """The stander turned about the vertical."""
    local = motion.local_rotations.copy()
    turn = from_axis_angle(np.array([0.0, 0.0, 1.0]), angle)
    local[:, 0] = multiply(np.broadcast_to(turn, local[:, 0].shape), local[:, 0])
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    positions = motion.joint_positions @ rotation.T
    return dataclasses.replace(motion, local_rotations=local, joint_positions=positions)


def test_lines_are_bones_of_constant_length_that_reach_every_point(make_motion: Callable[..., Motion]) -> None:
    figure = drawn(make_motion())
    lengths = np.linalg.norm(np.diff(figure.points_world[:, figure.lines], axis=2)[:, :, 0], axis=-1)
    assert (np.ptp(lengths, axis=0) < 1e-9).all()
    assert set(figure.lines.ravel().tolist()) == set(range(figure.points_world.shape[1]))
    # A tree: one line fewer than points.
    assert len(figure.lines) == figure.points_world.shape[1] - 1


def test_the_drawn_figure_reaches_from_the_soles_to_the_top(stander: Stander) -> None:
    heights = drawn(stander()).points_world[..., 2]
    assert heights.max() == pytest.approx(1.7, abs=0.01)
    assert heights.min() == pytest.approx(0.0, abs=0.01)


def test_doubt_shows_in_the_lines_of_its_joints_alone(stander: Stander) -> None:
    motion = stander()
    confidence = motion.confidence.copy()
    # Joints that never get more than a half are as sure as they can be.
    confidence[:, motion.joint("spine")] = 0.5
    confidence[10:20, motion.joint("left_wrist")] = 0.1
    sure = drawn(dataclasses.replace(motion, confidence=confidence)).line_confidence
    touched = (drawn(motion).lines == motion.joint("left_wrist")).any(1)
    np.testing.assert_allclose(sure[10:20, touched], 0.1)
    np.testing.assert_allclose(sure[:, ~touched], 1.0)
    np.testing.assert_allclose(sure[:10], 1.0)


def test_a_figure_is_shown_from_first_to_last_detection(stander: Stander) -> None:
    detected = np.isin(np.arange(60), [10, 40])
    figure = drawn(stander(detected=detected))
    assert np.flatnonzero(figure.shown).tolist() == list(range(10, 41))
    assert figure.line_confidence[25].max() == 0


@pytest.mark.parametrize("view", VIEWS)
def test_everybody_is_in_the_picture_and_fills_it(stander: Stander, view: View) -> None:
    motion = stander(frames=240)
    camera, figure = view_of(motion, view), drawn(motion)
    for frame in (0, 100, 239):
        pixels, depths = camera.seen(frame, figure.points_world[frame])
        assert (depths > 0).all()
        assert (pixels > 0).all()
        assert (pixels < SIZE).all()
        assert np.ptp(pixels, axis=0).max() > 0.5 * SIZE


@pytest.mark.parametrize("angle", [0.0, 1.0, -2.5])
def test_views_are_named_from_where_the_figure_faces(stander: Stander, angle: float) -> None:
    motion = turned(stander(), angle)
    left, right = motion.joint("left_wrist"), motion.joint("right_wrist")

    def wrists(view: View) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], float]:
        pixels, depths = view_of(motion, view).seen(0, motion.joint_positions[0])
        return pixels[[left, right]], float(depths[right] - depths[left])

    pixels, apart = wrists("front")
    # Seen from the front the left hand is on the right of the picture.
    assert pixels[0, 0] - pixels[1, 0] > 0.6 * SIZE
    assert apart == pytest.approx(0, abs=0.05)
    pixels, apart = wrists("side")
    assert abs(pixels[0, 0] - pixels[1, 0]) < 0.1 * SIZE
    assert apart > 1.0  # from the left: the right hand is behind


def test_the_turntable_goes_round(stander: Stander) -> None:
    motion = stander(frames=361)
    eyes = view_of(motion, "turntable").world_from_camera[:, :2, 3]
    angles = np.unwrap(np.arctan2(*eyes.T))
    assert abs(angles[-1] - angles[0]) == pytest.approx(2 * np.pi, rel=0.01)


def test_the_view_follows_who_walks(stander: Stander) -> None:
    root = np.linspace([0, 0, 0], [30, 0, 0], 300)
    motion = stander(frames=300, root=root)
    camera, figure = view_of(motion, "side"), drawn(motion)
    # Size does not suffer from a long way.
    assert camera.reach < 2.0
    for frame in (50, 150, 250):
        pixels, _ = camera.seen(frame, figure.points_world[frame])
        assert (pixels > 0).all()
        assert (pixels < SIZE).all()


def test_nobody_to_look_at(stander: Stander) -> None:
    motion = stander(detected=np.zeros(60, bool))
    assert np.isfinite(view_of(motion, "front").world_from_camera).all()


def test_colours_go_from_unsure_to_the_persons_own() -> None:
    colours = confidence_colours(PEOPLE[0], np.array([0.0, 0.5, 1.0, 7.0]))
    assert tuple(colours[0]) == UNSURE
    assert tuple(colours[2]) == tuple(colours[3]) == PEOPLE[0]
    np.testing.assert_allclose(colours[1], (np.array(UNSURE) + PEOPLE[0]) / 2, atol=1)


def test_a_figure_is_painted_where_it_is(stander: Stander) -> None:
    motion = stander()
    figure = drawn(motion)
    pixels, depths = view_of(motion, "front").seen(0, figure.points_world[0])
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    paint_figure(image, pixels, depths, figure, 0, PEOPLE[0])
    for start, end in figure.lines[:8]:
        x, y = ((pixels[start] + pixels[end]) / 2).astype(int)
        assert tuple(image[y, x]) == PEOPLE[0]
    marked = np.argwhere(image.any(-1))[:, ::-1] + 0.5
    starts, ends = pixels[figure.lines[:, 0]], pixels[figure.lines[:, 1]]
    along = ends - starts
    share = ((marked[:, None] - starts) * along).sum(-1) / (along**2).sum(-1)
    nearest = starts + np.clip(share, 0, 1)[..., None] * along
    assert np.linalg.norm(marked[:, None] - nearest, axis=-1).min(1).max() < 5


def test_nothing_is_painted_where_nothing_is_seen(stander: Stander) -> None:
    figure = drawn(stander())
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    count = figure.points_world.shape[1]
    for nowhere in (np.nan, 1e7, -1e12):
        paint_figure(image, np.full((count, 2), nowhere), np.ones(count), figure, 0, PEOPLE[0])
        paint_contacts(image, np.full((4, 2), nowhere), np.ones(4, bool))
    assert not image.any()


def test_rings_mark_planted_points_only() -> None:
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    paint_contacts(image, np.array([[50.0, 50.0], [150.0, 150.0]]), np.array([True, False]))
    assert image[40:60, 40:60].any()
    assert not image[100:, 100:].any()


def test_patches_are_cut_at_the_edges() -> None:
    patch = text_patch("läufer 0:01", 14)
    image = np.zeros((40, 60, 3), np.uint8)
    paint_patch(image, patch, (50, 30))
    assert image[30:, 50:].any()
    assert not image[:30].any()
    assert text_patch("0", 14)[0].shape[0] == text_patch("gÄ", 14)[0].shape[0]


def test_the_floor_lies_at_zero_on_whole_steps() -> None:
    starts, ends, colours = floor_lines(np.array([3.2, -1.7, 0.9]), 2.0)
    assert (starts[:, 2] == 0).all()
    assert (ends[:, 2] == 0).all()
    np.testing.assert_allclose(starts[:, :2] % 0.5 % 0.5, 0, atol=1e-9)
    assert len(colours) == len(starts)
    low, high = np.minimum(starts, ends).min(0), np.maximum(starts, ends).max(0)
    assert (low[:2] <= [1.2, -3.7]).all()
    assert (high[:2] >= [5.2, 0.3]).all()
    assert all(max(colour) >= max(BACKGROUND) for colour in colours)


def with_fingers(motion: Motion, left_confidence: float) -> Motion:
    """The stander with stretched fingers, the left hand's known that well."""
    frames = len(motion)
    return append_fingers(motion, np.zeros((frames, 2, 5, 4)), np.tile([left_confidence, 1.0], (frames, 1)))


def test_fingers_are_told_apart_and_a_hidden_hand_is_not_a_doubtful_body(stander: Stander) -> None:
    motion = stander()
    hands = drawn(with_fingers(motion, left_confidence=0.0))
    assert hands.fingers.sum() == len(FINGER_JOINTS) + 10
    np.testing.assert_allclose(hands.least_confidence, drawn(motion).least_confidence)
    assert (hands.line_confidence[:, hands.fingers] == 0).any()
    # From above, a hand of some 30 pixels: beyond its knuckles four fingers lie beside each other.
    pixels = hands.points_world[0][:, [0, 1]] * (180, -180) + (250, 250)
    painted = np.zeros((520, 520, 3), np.uint8)
    paint_figure(painted, pixels, np.ones(len(pixels)), hands, 0, PEOPLE[0])
    across = painted[:, round(pixels[ANIMATION_51.index("left_middle_2"), 0])].max(-1) > 100
    assert np.count_nonzero(np.diff(across.astype(int)) == 1) == 4
