"""Each figure on motions that were spoilt by a known amount."""

from __future__ import annotations

import warnings
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from motionlift.core.camera import intrinsics
from motionlift.core.evaluation.motion_figures import (
    ENDS,
    NAMES,
    MotionFigures,
    contact_f1,
    knee_flexion,
    mean_figures,
    measure_motion,
)
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.motion import Motion
from motionlift.core.rotation import IDENTITY, Array, forward_kinematics, from_axis_angle, multiply
from motionlift.core.skeleton import ANIMATION_21, BODY_26, reference_rest
from motionlift.core.solving.moving import as_filmed, camera_turns, in_place
from motionlift.core.synthesis.film import film
from motionlift.core.synthesis.footsteps import FootstepPlan
from motionlift.core.synthesis.performance import Performance, perform

FPS = 30
SIZE = (854, 480)
X, Z = np.array([1.0, 0, 0]), np.array([0.0, 0, 1.0])


def filmed(performance: Performance) -> Motion:
    return film(performance, np.array([1.5, -6.0, 1.4]), np.array([0.0, 0.0, 0.9]), intrinsics(SIZE), SIZE)


def walk() -> Motion:
    plan = FootstepPlan.stand(0.0, 0.0, 0.3)
    plan.pause(0.5)
    plan.walk(4, 0.45)
    plan.pause(0.5)
    return filmed(perform(plan.prints, (), np.arange(round(3.6 * FPS)) / FPS))


def standing(frames: int = 120, root: Array | None = None, local: Array | None = None) -> Motion:
    """A T-pose with straight knees, soles on the floor."""
    offsets, tails = reference_rest()
    root = np.zeros((frames, 3)) if root is None else root
    if local is None:
        local = np.tile(IDENTITY, (frames, len(ANIMATION_21), 1))
    contacts = np.ones((frames, 4))
    return filmed(Performance(np.arange(frames) / FPS, offsets, tails, root + offsets[0], local, contacts))


def spoilt(motion: Motion, root: Array | float = 0.0, **turns: Array | float) -> Motion:
    """The motion with its pelvis shifted by `root` (F, 3) m and joints turned further by angles (F,) rad about their
    own X."""
    local = motion.local_rotations.copy()
    for joint, angle in turns.items():
        index = ANIMATION_21.index(joint)
        local[:, index] = multiply(local[:, index], from_axis_angle(X, np.broadcast_to(angle, len(motion))))
    translation = motion.root_translation + root
    joints, _ = forward_kinematics(motion.parents, motion.rest_offsets, translation, local)
    return replace(motion, root_translation=translation, local_rotations=local, joint_positions=joints)


def test_the_truth_against_itself_is_perfect() -> None:
    truth = walk()
    figures = asdict(measure_motion(truth, truth))
    perfect = {"contact_f1": 1.0, "largest_step": 1.0, "hand_speed": 1.0}
    unasked = ["straight_knee", "ends_ratio", "tremor", "mpjpe_mediapipe", "pa_mpjpe_mediapipe"]
    unasked += ["hands_touch", "wave_kept", "closing_percent"]
    for name in NAMES:
        if name not in unasked:
            assert figures[name] == pytest.approx(perfect.get(name, 0.0), abs=1e-4), name
    assert np.isnan(figures["straight_knee"]), "in a walk no knee is locked"
    assert np.isnan(figures["ends_ratio"]), "no error, no ratio"


def test_a_motion_without_occasions_has_no_figures() -> None:
    still = standing(20)
    figures = asdict(
        measure_motion(replace(still, contacts=np.zeros((20, 4))), replace(still, contacts=0 * still.contacts))
    )
    for name in ("path_percent", "skate", "contact_f1", "sole_height", "sole_tilt", "hand_speed", "hand_lag",
                 "largest_step", "ends_ratio"):  # fmt: skip
        assert np.isnan(figures[name]), name


def test_a_slide_is_seen_in_the_feet_and_on_the_way_and_not_in_the_pose() -> None:
    truth = walk()
    frames = np.arange(len(truth))
    found = spoilt(truth, 0.001 * frames[:, None] * X)
    figures = measure_motion(found, truth)
    assert figures.skate == pytest.approx(1.0, abs=1e-6)
    way = np.linalg.norm(np.diff(truth.root_translation, axis=0), axis=-1).sum()
    assert figures.path_percent == pytest.approx(100 * 0.001 * frames.mean() / way)
    assert figures.mpjpe == pytest.approx(0.0, abs=1e-6)
    assert figures.acceleration == pytest.approx(0.0, abs=1e-6)
    assert figures.overlay_percent > 0.5


def test_where_the_way_began_is_no_error_of_the_path() -> None:
    truth = walk()
    assert measure_motion(spoilt(truth, np.array([0.3, -0.2, 0.1])), truth).path_percent == pytest.approx(0.0)


@pytest.mark.parametrize("metres", [-0.02, 0.03])
def test_a_figure_that_sinks_or_floats(metres: float) -> None:
    truth = walk()
    figures = measure_motion(spoilt(truth, metres * Z), truth)
    assert figures.sole_height == pytest.approx(1000 * abs(metres), abs=1e-6)
    assert figures.penetration == pytest.approx(max(0.0, -1000 * metres), abs=1e-6)
    assert figures.skate == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("degrees", [4.0, -6.0])
def test_soles_that_are_not_level(degrees: float) -> None:
    truth = standing()
    angle = np.radians(degrees)
    figures = measure_motion(spoilt(truth, left_ankle=angle, right_ankle=angle), truth)
    assert figures.sole_tilt == pytest.approx(abs(degrees), abs=1e-6)


def test_knees_that_bend_where_they_should_be_straight() -> None:
    truth = standing()
    figures = measure_motion(spoilt(truth, left_knee=np.radians(8.0), right_knee=np.radians(8.0)), truth)
    assert figures.straight_knee == pytest.approx(8.0, abs=1e-6)
    assert measure_motion(truth, truth).straight_knee == pytest.approx(0.0, abs=1e-3)
    # Where knees are truly bent, nothing is said.
    bent = spoilt(truth, left_knee=0.3, right_knee=0.3)
    assert np.isnan(measure_motion(bent, bent).straight_knee)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 150.0])
def test_knee_flexion_is_the_angle_of_the_knee(degrees: float) -> None:
    points = np.zeros((1, len(BODY_26), 3))
    for side in ("left", "right"):
        hip, knee, ankle = BODY_26.indices(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        points[0, hip], points[0, knee] = [0.1, 0, 0.9], [0.1, 0, 0.5]
        points[0, ankle] = [0.1, 0.4 * np.sin(np.radians(degrees)), 0.5 - 0.4 * np.cos(np.radians(degrees))]
    assert knee_flexion(points) == pytest.approx(np.full((1, 2), degrees), abs=1e-5)


@pytest.mark.parametrize("degrees", [3.0, -7.0])
def test_a_trunk_that_leans(degrees: float) -> None:
    truth = standing()
    assert measure_motion(spoilt(truth, pelvis=np.radians(degrees)), truth).trunk_lean == pytest.approx(abs(degrees))


def test_hands_that_tremble_while_they_should_be_still() -> None:
    truth = standing(300)
    trembling = 0.004 * np.sin(2 * np.pi * 10 * truth.times)[:, None] * X
    swaying = 0.05 * np.sin(2 * np.pi * 0.5 * truth.times)[:, None] * X
    assert measure_motion(spoilt(truth, trembling), truth).tremor == pytest.approx(4 / np.sqrt(2), rel=0.05)
    assert measure_motion(spoilt(truth, swaying), truth).tremor < 0.3
    # Who moves is not asked.
    moving = standing(300, 0.3 * np.sin(4 * truth.times)[:, None] * X)
    slow = np.isnan(measure_motion(moving, moving).tremor)
    assert slow or measure_motion(spoilt(moving, trembling), moving).tremor < 4
    assert np.isnan(measure_motion(replace(truth, fps=12.0), replace(truth, fps=12.0)).tremor), "too few frames for it"


def waving(frames: int = 150) -> Array:
    """Angles (F,) of a shoulder that never do the same twice."""
    times = np.arange(frames) / FPS
    return np.asarray(0.5 * np.sin(5.1 * times) + 0.3 * np.sin(8.3 * times + 1))


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_hands_that_are_too_slow(share: float) -> None:
    """The whole figure is carried to and fro, once by so much less."""
    truth = standing(150, 0.2 * waving()[:, None] * X)
    figures = measure_motion(spoilt(truth, (share - 1) * truth.root_translation), truth)
    assert figures.hand_speed == pytest.approx(share)


@pytest.mark.parametrize("lag", [2, -1, 0])
def test_hands_that_come_late(lag: int) -> None:
    still = standing(150)
    angles = waving()
    late = np.interp(np.arange(150) - lag, np.arange(150), angles)
    true, found = (spoilt_z(still, left_shoulder=turn, right_shoulder=-turn) for turn in (angles, late))
    truth = replace(true, keypoints_2d=projection(true))
    figures = measure_motion(replace(found, keypoints_2d=truth.keypoints_2d), truth)
    assert figures.hand_lag == pytest.approx(lag, abs=0.15)


def test_hands_that_rest_in_the_picture_have_no_lag() -> None:
    still = standing(150)
    turning = spoilt_z(still, left_shoulder=waving(), right_shoulder=waving())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(measure_motion(replace(turning, keypoints_2d=still.keypoints_2d), turning).hand_lag)


def test_a_turn_in_one_frame() -> None:
    """Every joint turns by two degrees a frame; in the found motion, once by five."""
    frames = 60
    steps = np.full(frames, np.radians(2.0))
    truth = standing(frames, local=from_axis_angle(X, np.cumsum(steps))[:, None].repeat(len(ANIMATION_21), 1))
    steps[30] *= 2.5
    turned = from_axis_angle(X, np.cumsum(steps))[:, None].repeat(len(ANIMATION_21), 1)
    found = replace(truth, local_rotations=turned)
    # The pelvis was turned with the camera's world; the joints below keep their own axes.
    assert measure_motion(found, truth).largest_step == pytest.approx(2.5)


def test_the_error_of_lifted_joints_is_that_of_the_network() -> None:
    truth = walk()
    off = np.zeros((26, 3))
    off[1:] = [0.0, 0.03, 0.04]
    figures = measure_motion(replace(truth, lifted_camera=truth.lifted_camera + off), truth)
    assert figures.mpjpe_lifted == pytest.approx(50 * 25 / 26)
    assert figures.acceleration_lifted == pytest.approx(0.0, abs=1e-6)
    assert figures.mpjpe == pytest.approx(0.0, abs=1e-6)
    assert 0 < figures.pa_mpjpe_lifted < figures.mpjpe_lifted
    bent = truth.lifted_camera + 0.5 * 1.5 * truth.times[:, None, None] ** 2 * (off / 0.05)
    figures = measure_motion(replace(truth, lifted_camera=bent), truth)
    assert figures.acceleration_lifted == pytest.approx(1.5 * 25 / 26, rel=1e-6)


def test_a_figure_that_is_turned_has_another_pose_but_the_same_when_aligned() -> None:
    truth = walk()
    figures = measure_motion(spoilt(truth, pelvis=0.2), truth)
    assert figures.mpjpe > 20
    assert figures.pa_mpjpe == pytest.approx(0.0, abs=1e-6)


def test_ends_that_are_worse() -> None:
    truth = standing(100)
    lean = np.full(100, 0.02)
    lean[:ENDS] = lean[-ENDS:] = 0.06
    figures = measure_motion(spoilt(truth, pelvis=lean), truth)
    assert figures.ends_ratio == pytest.approx(3.0, rel=1e-3)


def test_the_distance_in_the_picture_is_in_shares_of_the_figure() -> None:
    truth = standing()
    tall = np.ptp(truth.keypoints_2d[..., 1], axis=1)[0]
    found = replace(truth, keypoints_2d=truth.keypoints_2d + np.array([3.0, 4.0]))
    assert measure_motion(found, truth).overlay_percent == pytest.approx(100 * 5 / tall, rel=1e-6)


def test_contacts_count_like_any_detection() -> None:
    true = np.zeros((10, 4))
    true[:6, 0] = 1.0
    found = np.zeros((10, 4))
    found[3:9, 0] = 0.9
    assert contact_f1(found, true) == pytest.approx(2 * 3 / 12)
    assert contact_f1(true, true) == 1.0
    assert contact_f1(np.zeros((10, 4)), true) == 0.0
    assert np.isnan(contact_f1(np.zeros((10, 4)), np.zeros((10, 4))))


def test_what_the_detector_missed_does_not_count() -> None:
    truth = walk()
    lean = np.zeros(len(truth))
    lean[40:60] = 0.5
    worse = spoilt(truth, pelvis=lean)
    missed = np.ones(len(truth), bool)
    missed[40:60] = False
    lifted, pixels = truth.lifted_camera.copy(), truth.keypoints_2d.copy()
    lifted[~missed] = pixels[~missed] = np.nan
    found = replace(worse, detected=missed, lifted_camera=lifted, keypoints_2d=pixels)
    figures = measure_motion(found, truth)
    assert figures.mpjpe == pytest.approx(0.0, abs=1e-6)
    assert figures.mpjpe_lifted == pytest.approx(0.0, abs=1e-6)
    assert figures.trunk_lean == pytest.approx(0.0, abs=1e-4)
    assert measure_motion(worse, truth).mpjpe > 1.0


def test_the_longer_motion_is_cut() -> None:
    truth = walk()
    short = cut(truth, len(truth) - 7)
    for pair in ((truth, short), (short, truth)):
        figures = measure_motion(*pair)
        assert figures.mpjpe == pytest.approx(0.0, abs=1e-6)
        assert figures.contact_f1 == 1.0


@pytest.mark.parametrize("kind", ["turning", "in place"])
def test_cameras_that_move_are_taken_frame_by_frame(kind: str) -> None:
    """A found motion whose camera turns, or goes along, covers the same picture as one whose camera stood still."""
    truth = walk()
    leaning = spoilt(truth, pelvis=0.05)
    if kind == "turning":
        drift = np.linspace(0, 0.3, len(truth))[:, None] * [1.0, 0.2]
        turns = camera_turns(drift, truth.camera_K[0], SIZE)
        assert turns is not None
        pair = [as_filmed(motion, seen_by(motion, turns), turns) for motion in (leaning, truth)]
    else:
        pair = [in_place(leaning), truth]
    still, moving = asdict(measure_motion(leaning, truth)), asdict(measure_motion(pair[0], pair[1]))
    for name in ("mpjpe", "mpjpe_lifted", "pa_mpjpe", "overlay_percent", "trunk_lean", "acceleration"):
        assert moving[name] == pytest.approx(still[name], rel=0.05, abs=1e-4), name


def test_the_mean_is_over_the_clips_that_have_a_figure() -> None:
    first, second = (MotionFigures(*[value] * len(NAMES)) for value in (1.0, 3.0))
    second = replace(second, skate=float("nan"))
    nothing = replace(first, tremor=float("nan"))
    together = mean_figures([first, second, nothing])
    assert together.mpjpe == pytest.approx(5 / 3)
    assert together.skate == pytest.approx(1.0)
    assert together.tremor == pytest.approx(2.0)
    assert np.isnan(mean_figures([replace(first, skate=float("nan"))]).skate)


def cut(motion: Motion, frames: int) -> Motion:
    per_frame: dict[str, Any] = {
        name: getattr(motion, name)[:frames]
        for name in ("times", "root_translation", "local_rotations", "joint_positions", "confidence", "detected",
                     "contacts", "keypoints_2d", "keypoint_confidence", "lifted_camera")
    }  # fmt: skip
    return replace(motion, **per_frame)


def spoilt_z(motion: Motion, **turns: Array) -> Motion:
    """`spoilt`, about the joints' Z."""
    local = motion.local_rotations.copy()
    for joint, angle in turns.items():
        index = ANIMATION_21.index(joint)
        local[:, index] = multiply(local[:, index], from_axis_angle(Z, angle))
    joints, _ = forward_kinematics(motion.parents, motion.rest_offsets, motion.root_translation, local)
    return replace(motion, local_rotations=local, joint_positions=joints)


def projection(motion: Motion) -> Array:
    """What the motion's camera sees of it (F, 26, 2)."""
    again = Performance(
        motion.times, motion.rest_offsets, motion.rest_tails, motion.root_translation, motion.local_rotations,
        motion.contacts,
    )  # fmt: skip
    pose = motion.world_from_camera[0]
    eye, target = pose[:3, 3], pose[:3, 3] + 5 * pose[:3, 2]
    return film(again, eye, target, motion.camera_K[0], SIZE).keypoints_2d


def seen_by(motion: Motion, turns: Array) -> Keypoints2D:
    """The keypoints of a motion as the turning camera saw them."""
    rays = np.concatenate([motion.keypoints_2d - motion.camera_K[0][:2, 2], np.zeros((len(motion), 26, 1))], -1)
    rays[..., :2] /= motion.camera_K[0][[0, 1], [0, 1]]
    rays[..., 2] = 1.0
    turned = rays @ turns
    pixels = turned[..., :2] / turned[..., 2:] * motion.camera_K[0][[0, 1], [0, 1]] + motion.camera_K[0][:2, 2]
    return Keypoints2D(motion.times, pixels, motion.keypoint_confidence, motion.detected, motion.image_size)
