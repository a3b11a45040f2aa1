"""Planted feet stand exactly, on walks whose feet were made to slip, and nothing else of the figure is touched."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    forward_kinematics,
    from_axis_angle,
    from_rotation_vector,
    multiply,
    rotate,
)
from motionlift.core.skeleton import ANIMATION_21, contact_points, reference_rest
from motionlift.core.solving.planting import Skeleton, plant_feet
from motionlift.core.synthesis.footsteps import FootstepPlan
from motionlift.core.synthesis.performance import perform

FPS = 30
BEND = np.radians(12.0)
BODY = Skeleton(*reference_rest())
UP = np.array([0.0, 0.0, 1.0])
LEGS = ANIMATION_21.indices(*(f"{s}_{j}" for s in ("left", "right") for j in ("hip", "knee", "ankle", "toe")))


@dataclass(frozen=True)
class Take:
    """A figure (root (F, 3), local (F, 21, 4)) and its contacts (F, 4)."""

    root: Array
    local: Array
    contacts: Array

    @property
    def times(self) -> Array:
        return np.arange(len(self.root)) / FPS

    def joints(self) -> Array:
        return forward_kinematics(ANIMATION_21.parents, BODY.rest_offsets, self.root, self.local)[0]

    def feet(self) -> Array:
        """Heels and toe tips (F, 4, 3)."""
        joints, rotations = forward_kinematics(ANIMATION_21.parents, BODY.rest_offsets, self.root, self.local)
        parents, points = contact_points(BODY.rest_tails, BODY.rest_offsets)
        return np.asarray(joints[:, parents] + rotate(rotations[:, parents], points))

    def planted(self, on_floor: bool = True) -> Take:
        root, local = plant_feet(self.root, self.local, BODY, self.contacts, self.times, on_floor)
        return replace(self, root=root, local=local)

    def still(self) -> Array:
        """(F - 1, 4): points held in this frame and the next."""
        held = self.contacts > 0.5
        return np.asarray(held[1:] & held[:-1])


def walk() -> Take:
    plan = FootstepPlan.stand(0.0, 0.0, 0.3)
    plan.pause(0.5)
    plan.walk(4, 0.45)
    plan.pause(0.4)
    performance = perform(plan.prints, (), np.arange(round(3.6 * FPS)) / FPS)
    return Take(performance.root_translation, performance.local_rotations, performance.contacts)


def slipping(seed: int, metres: float = 0.012, radians: float = 0.03) -> Take:
    """A walk whose pelvis and joints waver smoothly by so much (standard deviations); knees stay hinges."""
    rng = np.random.default_rng(seed)
    take = walk()

    def wavering(*shape: int) -> Array:
        curve = gaussian_filter1d(rng.normal(size=(len(take.root), *shape)), 6, axis=0)
        return np.asarray(curve / curve.std())

    turns = radians * wavering(len(ANIMATION_21), 3)
    turns[:, ANIMATION_21.indices("left_knee", "right_knee"), 1:] = 0.0
    return replace(
        take,
        root=take.root + metres * wavering(3),
        local=multiply(take.local, from_rotation_vector(turns)),
    )


def speeds(points: Array) -> Array:
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=-1))


@pytest.mark.parametrize("seed", range(4))
def test_planted_points_stand_exactly_on_the_floor(seed: int) -> None:
    take = slipping(seed)
    assert speeds(take.feet())[take.still()].max() > 0.005, "they slip at first"
    feet = take.planted().feet()
    assert speeds(feet)[take.still()].max() < 1e-9
    assert np.abs(feet[take.contacts > 0.5][:, 2]).max() < 1e-9
    assert feet[..., 2].min() > -1e-9


@pytest.mark.parametrize("end", ["heel", "toe_tip"])
def test_a_foot_turns_about_the_end_that_stands_when_the_other_is_below_the_floor(end: str) -> None:
    """A foot that is lifted out of the floor takes the planted end along."""
    take = standing(60)
    held = np.zeros(4)
    held[[0, 2] if end == "heel" else [1, 3]] = 1.0
    tilt = from_axis_angle(np.array([1.0, 0, 0]), (1 if end == "heel" else -1) * np.radians(8) * np.ones(60))
    local = take.local.copy()
    ankles = ANIMATION_21.indices("left_ankle", "right_ankle")
    local[:, ankles] = multiply(local[:, ankles], tilt[:, None])
    dipping = Take(take.root, local, np.tile(held, (60, 1)))
    assert dipping.feet()[..., 2].min() < -0.005
    feet = dipping.planted().feet()
    assert speeds(feet)[dipping.still()].max() < 1e-9
    assert np.abs(feet[..., 2]).max() < 1e-9


def test_who_steps_off_the_floor_leaves_it_without_a_jump() -> None:
    frames = 90
    local = np.tile(IDENTITY, (frames, len(ANIMATION_21), 1))
    local[:, ANIMATION_21.indices("left_ankle", "right_ankle")] = from_axis_angle(np.array([1.0, 0.0, 0.0]), 0.4)
    standing = Take(np.tile(BODY.rest_offsets[0], (frames, 1)), local, np.zeros((frames, 4)))
    down = np.linspace(0.0, 0.6, frames)[:, None] * UP
    falling = replace(standing, root=standing.root - down)
    planted = falling.planted()
    step = down[1, 2]
    assert np.abs(np.diff(planted.feet(), axis=0)).max() < 5 * step
    assert planted.feet()[-1] == pytest.approx(falling.feet()[-1])


@pytest.mark.parametrize("height", [0.6, -0.6])
def test_feet_on_something_else_stay_at_its_height(height: float) -> None:
    """A roof, or a cellar: the same take, only higher or lower."""
    take = slipping(2)
    moved = replace(take, root=take.root + height * UP)
    feet = moved.planted().feet()
    assert speeds(feet)[take.still()].max() < 1e-9
    assert np.abs(feet[take.contacts > 0.5][:, 2] - height).max() < 0.1
    # Without a floor height says nothing.
    low, high = take.planted(on_floor=False), moved.planted(on_floor=False)
    np.testing.assert_allclose(high.root - low.root, np.broadcast_to(height * UP, low.root.shape), atol=1e-9)
    assert angle_between(high.local, low.local).max() < 1e-6


def test_what_stands_already_stays_as_it_is() -> None:
    take = walk()
    found = take.planted()
    np.testing.assert_allclose(found.root, take.root, atol=1e-12)
    assert np.degrees(angle_between(found.local, take.local)).max() < 1e-4


def test_where_nothing_is_planted_nothing_is_touched() -> None:
    take = slipping(1)
    free = replace(take, contacts=np.zeros_like(take.contacts))
    found = free.planted(on_floor=False)
    np.testing.assert_allclose(found.root, free.root, atol=1e-12)
    assert np.degrees(angle_between(found.local, free.local)).max() < 1e-3
    # What is below the floor is lifted, and only that.
    assert free.feet()[..., 2].min() < -0.01
    lifted = free.planted()
    assert lifted.feet()[..., 2].min() > -1e-9
    above = (free.feet()[..., 2] > 1e-6).reshape(-1, 2, 2).all(-1)
    change = np.abs(lifted.feet() - free.feet()).reshape(-1, 2, 2, 3).max((2, 3))
    lowered = np.abs(lifted.root - free.root).max(1) > 0
    assert change[above & ~lowered[:, None]].max() < 1e-9


@pytest.mark.parametrize("degrees", [0.5, 2.0, 20.0])
def test_straight_legs_that_nothing_moves_stay_straight(degrees: float) -> None:
    """In the air as on the floor: nobody is bent to a leg's greatest reach for nothing."""
    for contacts in (np.zeros((60, 4)), np.ones((60, 4))):
        take = replace(standing(60, bend=np.radians(degrees) / 2), contacts=contacts)
        found = take.planted()
        np.testing.assert_allclose(found.root, take.root, atol=1e-9)
        assert np.degrees(angle_between(found.local, take.local)).max() < 0.02


def test_far_from_a_plant_and_above_the_legs_the_figure_stays_as_it_was() -> None:
    """Six seconds on the same spot, of which one foot stands for the first."""
    take = standing(6 * FPS, sway=0.03)
    contacts = np.zeros_like(take.contacts)
    contacts[:FPS, :2] = 1.0
    take = replace(take, root=take.root + 0.3 * UP, contacts=contacts)
    found = take.planted()
    moved = np.abs(found.feet() - take.feet()).max((1, 2))
    assert moved[: FPS // 2].max() > 0.005
    assert moved[4 * FPS :].max() < 1e-4
    others = [joint for joint in range(len(ANIMATION_21)) if joint not in LEGS]
    assert angle_between(found.local[:, others], take.local[:, others]).max() < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_bones_keep_their_lengths_and_knees_their_side(seed: int) -> None:
    take = slipping(seed)
    found = take.planted()
    np.testing.assert_allclose(np.linalg.norm(found.local, axis=-1), 1.0, atol=1e-9)
    joints, rotations = forward_kinematics(ANIMATION_21.parents, BODY.rest_offsets, found.root, found.local)
    for side in ("left", "right"):
        hip, knee, ankle = ANIMATION_21.indices(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        thigh, shin = joints[:, knee] - joints[:, hip], joints[:, ankle] - joints[:, knee]
        assert np.linalg.norm(thigh, axis=-1) == pytest.approx(np.linalg.norm(BODY.rest_offsets[knee]))
        assert np.linalg.norm(shin, axis=-1) == pytest.approx(np.linalg.norm(BODY.rest_offsets[ankle]))
        # Flexion is a turn about the thigh's X: never backwards, and hardly anything beside it.
        hinge = rotate(rotations[:, hip], np.array([1.0, 0, 0]))
        flexion = np.cross(thigh, shin)
        assert np.sum(flexion * hinge, -1).min() > -1e-9
        bent = np.linalg.norm(flexion, axis=-1) > 0.3 * 0.41**2
        assert np.sum(flexion * hinge, -1)[bent] == pytest.approx(np.linalg.norm(flexion, axis=-1)[bent], rel=0.02)


def test_the_pelvis_comes_down_only_for_legs_that_do_not_reach() -> None:
    """Somebody straight who rises 5 cm off planted feet for a moment, in the middle of three seconds."""
    take = standing(3 * FPS)
    contacts = np.ones_like(take.contacts)
    rise = 0.05 * np.exp(-(((take.times - 1.5) / 0.2) ** 2))
    raised = Take(take.root + rise[:, None] * UP, take.local, contacts).planted()
    lower = (raised.root - take.root)[:, 2] - rise
    assert lower.min() == pytest.approx(-(0.05 - 0.82 * (1 - np.cos(BEND))), abs=0.002)
    assert lower.max() < 1e-12
    assert np.abs(lower[: FPS // 2]).max() < 1e-3
    np.testing.assert_array_equal(raised.root[:, :2], take.root[:, :2])
    assert np.abs(raised.feet() - take.feet()).max() < 1e-3
    # Who bends their knees needs no lowering.
    bent = Take(take.root - 0.1 * UP, take.local, contacts)
    np.testing.assert_allclose(bent.planted().root, bent.root, atol=1e-12)
    assert np.abs(bent.planted().feet()[..., 2]).max() < 1e-9


@pytest.mark.parametrize("seed", range(2))
def test_mirrored_takes_are_planted_alike(seed: int) -> None:
    take = slipping(seed)
    mirrored = Take(
        take.root * [-1.0, 1, 1],
        take.local[:, ANIMATION_21.mirror] * [1.0, 1, -1, -1],
        take.contacts[:, [2, 3, 0, 1]],
    )
    found, other = take.planted(), mirrored.planted()
    np.testing.assert_allclose(other.root, found.root * [-1.0, 1, 1], atol=1e-9)
    expected = found.local[:, ANIMATION_21.mirror] * [1.0, 1, -1, -1]
    assert np.degrees(angle_between(other.local, expected)).max() < 1e-4


@pytest.mark.parametrize("frames", [6, 15, 30])
def test_a_correction_fades_in_and_out(frames: int) -> None:
    """A foot that is set down 3 cm beside its place: no frame takes more than a fifth of that at once."""
    take = standing(4 * FPS)
    contacts = np.zeros_like(take.contacts)
    contacts[45 : 45 + frames, :2] = 1.0
    off = Take(take.root + 0.03 * UP, take.local, contacts)
    shift = off.planted().feet()[:, 0] - off.feet()[:, 0]
    assert np.abs(shift[45 : 45 + frames] + 0.03 * UP).max() < 1e-9
    assert speeds(shift).max() < 0.2 * 0.03
    assert np.abs(shift[[0, -1]]).max() < 0.002


def test_one_frame_is_enough() -> None:
    take = standing(1)
    found = replace(take, contacts=np.ones((1, 4))).planted()
    assert np.abs(found.feet()[..., 2]).max() < 1e-9


def standing(frames: int, sway: float = 0.0, bend: float = BEND) -> Take:
    """Somebody upright, soles on the floor, knees bent by twice `bend` rad; the pelvis may sway."""
    local = np.tile(IDENTITY, (frames, len(ANIMATION_21), 1))
    for side in ("left", "right"):
        for joint, angle in (("hip", -bend), ("knee", 2 * bend), ("ankle", -bend)):
            local[:, ANIMATION_21.index(f"{side}_{joint}")] = from_axis_angle(np.array([1.0, 0, 0]), angle)
    root = np.zeros((frames, 3))
    root[:, 0] = sway * np.sin(np.arange(frames) / 7)
    take = Take(root, local, np.zeros((frames, 4)))
    return replace(take, root=root - take.feet()[0, 0, 2] * UP)
