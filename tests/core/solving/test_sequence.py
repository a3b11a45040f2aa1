"""The sequence solve against figures whose truth is known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from motionlift.core.rotation import (
    IDENTITY,
    Array,
    angle_between,
    forward_kinematics,
    from_euler,
    from_matrix,
    from_rotation_vector,
    multiply,
    normalise,
)
from motionlift.core.skeleton import ANIMATION_21, BODY_26, reference_rest
from motionlift.core.solving import sequence
from motionlift.core.solving.body import Body, matrices
from motionlift.core.solving.evidence import Evidence, Pose, Sigmas
from motionlift.core.solving.sequence import solve_sequence, windows
from motionlift.core.solving.trajectory import Ground

CAMERA_FROM_WORLD = from_matrix(np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]))
REST, TAILS = reference_rest()
BODY = Body.of(REST, TAILS)
NO_PRIOR = Sigmas(straight=1e6)
"""Without the leaning towards straight legs, so that what was seen and lifted is all there is."""
FLOOR = Ground(np.array([0.0, -1.0, 0.0]), -1.1)
"""Of a level camera 1.1 m above it."""


def placed(rotations: Array, what: str) -> Array:
    """`Placed.points`, `landmarks` or `contacts` (F, N, 3) under rotations (F, 21, 4)."""
    result: Array = getattr(BODY.placed(matrices(rotations)), what).double().numpy().transpose(1, 2, 0)
    return result


def squat(depth_degrees: float, frames: int = 90) -> Pose:
    """Someone who stands on the floor 4 m from the camera, squats and rises, feet in place."""
    times = np.arange(frames) / 30
    share = np.clip(1.4 * np.sin(np.pi * times / times[-1]) - 0.4, 0, 1)
    local = np.tile(IDENTITY, (frames, len(ANIMATION_21), 1))
    for joint, turn in (("hip", -depth_degrees), ("knee", 2.0 * depth_degrees), ("ankle", -depth_degrees)):
        for side in ("left", "right"):
            local[:, ANIMATION_21.index(f"{side}_{joint}")] = from_euler(
                np.radians([turn, 0, 0]) * share[:, None], "XYZ"
            )
    _, world = forward_kinematics(ANIMATION_21.parents, REST, np.zeros((frames, 3)), local)
    rotations = multiply(CAMERA_FROM_WORLD, world)
    feet = placed(rotations, "contacts")
    path = np.array([0.1, 1.1, 4.0]) - feet.mean(1) + [[0, 0, 0.03]]
    return Pose(rotations, path)


def points_of(pose: Pose) -> Array:
    points: Array = placed(pose.rotations, "points")
    return points


def evidence_of(truth: Pose, lifted: Pose | None = None) -> Evidence:
    """What a perfect detector sees of the truth; lifted as another pose, or as the truth."""
    seen = placed(truth.rotations, "landmarks") + truth.path[:, None]
    frames = len(truth.path)
    return Evidence(
        seen[..., :2] / seen[..., 2:], np.ones((frames, 26)), points_of(lifted or truth), np.arange(frames) / 30,
        None, np.zeros((frames, 4)), np.zeros((frames, 4)), np.zeros((frames, 5)),
    )  # fmt: skip


def error(found: Pose, truth: Pose) -> float:
    return float(np.linalg.norm(points_of(found) - points_of(truth), axis=-1).mean())


def feet_of(pose: Pose) -> Array:
    feet: Array = placed(pose.rotations, "contacts") + pose.path[:, None]
    return feet


def test_the_truth_stays() -> None:
    truth = squat(50)
    found = solve_sequence(truth, BODY, evidence_of(truth), 30, NO_PRIOR)
    assert error(found, truth) < 0.004
    assert np.linalg.norm(found.path - truth.path, axis=1).max() < 0.02


def test_a_disturbed_start_finds_back() -> None:
    truth = squat(50)
    random = np.random.default_rng(0)
    turns = from_rotation_vector(0.15 * random.normal(size=(1, len(ANIMATION_21), 3)))
    start = Pose(multiply(turns, truth.rotations), truth.path + np.array([0.02, -0.02, 0.1]))
    found = solve_sequence(start, BODY, evidence_of(truth), 60)
    assert error(found, truth) < 0.5 * error(start, truth)
    assert np.linalg.norm(found.path - truth.path, axis=1).mean() < 0.05


def test_a_squat_that_was_lifted_too_upright_is_put_right() -> None:
    truth, lifted = squat(60), squat(35)
    sure = Sigmas(keypoint=0.015)
    found = solve_sequence(Pose(lifted.rotations, truth.path), BODY, evidence_of(truth, lifted), 60, sure)
    deepest = slice(35, 55)
    errors = [np.linalg.norm(points_of(p) - points_of(truth), axis=-1)[deepest].mean() for p in (found, lifted)]
    assert errors[0] < 0.7 * errors[1]


def test_unseen_joints_stay_where_they_were_lifted() -> None:
    lifted = squat(35)
    unseen = replace(evidence_of(lifted), weights=np.zeros((90, 26)))
    assert error(solve_sequence(lifted, BODY, unseen, 30, NO_PRIOR), lifted) < 0.005


def test_a_hand_that_waves_keeps_its_way_and_one_that_rests_is_held_still() -> None:
    resting = squat(0)
    times = np.arange(len(resting.path)) / 30
    arm = [ANIMATION_21.index(f"left_{joint}") for joint in ("shoulder", "elbow", "wrist")]
    swing = np.radians([0.0, 35.0, 0.0]) * np.sin(2 * np.pi * 2.5 * times)[:, None]
    rotations = resting.rotations.copy()
    rotations[:, arm] = multiply(multiply(CAMERA_FROM_WORLD, from_euler(swing, "XYZ"))[:, None], IDENTITY[None, None])
    truth = Pose(rotations, resting.path)
    seen = evidence_of(truth)
    noise = 0.02 * np.random.default_rng(0).normal(size=seen.rays.shape)
    shaken = replace(seen, rays=seen.rays + noise / truth.path[:, None, 2:])
    found = solve_sequence(truth, BODY, shaken, 30, NO_PRIOR)
    waving, still = BODY_26.indices("left_wrist", "right_wrist")

    def beyond(points: Array, joint: int) -> Array:
        """What a wrist does besides drifting."""
        result: Array = np.diff(points[10:-10, joint], 2, axis=0)
        return result

    ways = [beyond(points_of(pose), waving) for pose in (found, truth)]
    assert (ways[0] * ways[1]).sum() > 0.95 * (ways[1] ** 2).sum()
    assert np.abs(beyond(points_of(found), still)).mean() < 0.01 * np.abs(beyond(noise, still)).mean()


def test_planted_feet_stand_still_on_the_floor() -> None:
    truth = squat(40)
    shaken = np.random.default_rng(0).normal(size=(90, 26, 2)) * 0.004
    evidence = evidence_of(truth)
    evidence = replace(evidence, rays=evidence.rays + shaken)
    free = feet_of(solve_sequence(truth, BODY, evidence, 40))
    held = replace(evidence, ground=FLOOR, planted=np.ones((90, 4)), standing=np.ones((90, 4)))
    feet = feet_of(solve_sequence(truth, BODY, held, 40))
    slip, before = (np.linalg.norm(np.diff(f, axis=0), axis=-1).mean() for f in (feet, free))
    assert slip < 0.4 * before
    assert slip < 0.001
    assert np.abs(feet[..., 1] - 1.1).mean() < 0.004


def test_no_foot_sinks_into_the_floor() -> None:
    truth = squat(40)
    higher = replace(evidence_of(truth), ground=Ground(FLOOR.normal, FLOOR.offset + 0.03))
    heights = -feet_of(solve_sequence(truth, BODY, higher, 60))[..., 1] - (FLOOR.offset + 0.03)
    assert heights.min() > -0.012


def test_mirrored_evidence_gives_the_mirrored_figure() -> None:
    truth, lifted = squat(60), squat(35)
    evidence = evidence_of(truth, lifted)
    start = Pose(lifted.rotations, truth.path)
    found = solve_sequence(start, BODY, evidence, 20, NO_PRIOR)
    flip, pairs = np.array([-1.0, 1.0, 1.0]), BODY_26.mirror
    mirrored = replace(evidence, rays=evidence.rays[:, pairs] * flip[:2], lifted=evidence.lifted[:, pairs] * flip)
    # The figure itself is symmetric: its mirror image is the same pose at the mirrored place.
    again = solve_sequence(replace(start, path=start.path * flip), BODY, mirrored, 20, NO_PRIOR)
    np.testing.assert_allclose(points_of(again)[:, pairs] * flip, points_of(found), atol=0.004)


def test_legs_lifted_slightly_bent_are_straight_and_bent_ones_stay_bent() -> None:
    knee = BODY_26.indices("left_hip", "left_knee", "left_ankle")

    def flexion(pose: Pose) -> Array:
        hip, joint, ankle = (points_of(pose)[:, index] for index in knee)
        bend = np.arccos(np.clip(np.sum(normalise(joint - hip) * normalise(ankle - joint), -1), -1, 1))
        degrees: Array = np.degrees(bend)
        return degrees

    upright, lifted = squat(0), squat(6)
    lifted = Pose(lifted.rotations, upright.path)
    assert flexion(lifted).max() > 11
    assert flexion(solve_sequence(lifted, BODY, evidence_of(upright, lifted), 60)).max() < 6
    deep = squat(60)
    assert abs(flexion(solve_sequence(deep, BODY, evidence_of(deep), 60)) - flexion(deep))[35:55].max() < 6


@pytest.mark.parametrize("frames", [1, 2, 3, 359, 360, 361, 1000, 36001])
def test_windows_cover_the_clip_and_overlap(frames: int) -> None:
    parts = windows(frames)
    assert parts[0].start == 0
    assert parts[-1].stop == frames
    assert all(part.stop - part.start <= sequence.WINDOW for part in parts)
    assert all(a.stop - b.start == sequence.OVERLAP for a, b in itertools.pairwise(parts))


def test_seams_between_windows_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where solves go to their end, parts and the whole are the same motion. What stands all the time is averaged over
    all of it, the path along the line of sight above all: there parts know a little less."""
    for name in ("SETTLED", "SETTLED_APART", "SETTLED_TOGETHER"):
        monkeypatch.setattr(sequence, name, 1e-6)
    truth = squat(60, 200)
    seen = evidence_of(truth, squat(50, 200))
    seen = replace(seen, rays=seen.rays + 0.003 * np.sin(np.arange(200) / 7)[:, None, None])
    on_feet = np.ones((200, 4))
    standing = replace(seen, ground=FLOOR, planted=on_feet, standing=on_feet)
    monkeypatch.setattr(sequence, "OVERLAP", 60)
    for evidence, window, metres in ((seen, "FREE_WINDOW", 0.001), (standing, "WINDOW", 0.002)):
        monkeypatch.setattr(sequence, window, 360)
        whole = solve_sequence(truth, BODY, evidence, 60, NO_PRIOR)
        monkeypatch.setattr(sequence, window, 150)
        parts = solve_sequence(truth, BODY, evidence, 60, NO_PRIOR)
        assert np.linalg.norm(points_of(parts) - points_of(whole), axis=-1).max() < metres
        assert np.linalg.norm(parts.path - whole.path, axis=-1).max() < metres
        assert np.degrees(angle_between(parts.rotations, whole.rotations)).max() < 0.2


def test_every_frame_is_told_once_window_by_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "FREE_WINDOW", 100)
    truth, told = squat(60, 200), list[int]()
    solve_sequence(truth, BODY, evidence_of(truth), 1, solved_more=told.append)
    assert len(told) == len(windows(200, 100, sequence.FREE_OVERLAP)) > 1
    assert sum(told) == 200


def test_windows_solved_again_end_where_their_neighbours_were(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = squat(60, 200)
    seen = evidence_of(truth, squat(50, 200))
    moved = replace(seen, rays=seen.rays + 0.01)
    whole = solve_sequence(truth, BODY, moved, 10, NO_PRIOR, again=True)
    np.testing.assert_array_equal(whole.path, solve_sequence(truth, BODY, moved, 10, NO_PRIOR).path)
    monkeypatch.setattr(sequence, "FREE_WINDOW", 120)
    monkeypatch.setattr(sequence, "FREE_OVERLAP", 40)
    # Each end alone: what the other window says of these frames is left out.
    monkeypatch.setattr(sequence, "windows", lambda frames, size, overlap: [slice(0, 120), slice(120, frames)])
    free, held = (solve_sequence(truth, BODY, moved, 10, NO_PRIOR, again=again) for again in (False, True))
    ends = slice(118, 122)
    for found, low, high in ((free, 0.02, 1.0), (held, 0.0, 0.001)):
        off = np.linalg.norm(found.path - truth.path, axis=-1)
        assert low <= off[ends].max() < high
        assert off[:60].max() > 0.02


def test_a_clip_of_ordinary_length_has_no_seams() -> None:
    assert windows(sequence.WINDOW) == [slice(0, sequence.WINDOW)]
    assert sequence.OVERLAP < sequence.WINDOW / 2
    assert sequence.FREE_OVERLAP < sequence.FREE_WINDOW / 2


def test_what_does_not_agree_fits_worse() -> None:
    truth = squat(60)
    agreeing, other = (sequence.misfit(truth, BODY, evidence_of(truth, lifted), 8) for lifted in (truth, squat(20)))
    assert 0 < agreeing < other


def test_short_clips_are_solved() -> None:
    for frames in (1, 2, 3):
        truth = squat(30)
        truth = Pose(truth.rotations[:frames], truth.path[:frames])
        found = solve_sequence(truth, BODY, evidence_of(truth), 10)
        assert np.degrees(angle_between(found.rotations, truth.rotations)).max() < 4


def test_windows_side_by_side_are_solved_as_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = squat(40, 130)
    for name in ("WINDOW", "FREE_WINDOW"):
        monkeypatch.setattr(sequence, name, 60)
    for name in ("OVERLAP", "FREE_OVERLAP"):
        monkeypatch.setattr(sequence, name, 30)
    assert len(sequence.windows(130, 60, 30)) == 4
    found = []
    for threads in ("1", "2", "4"):
        monkeypatch.setenv("MOTIONLIFT_THREADS", threads)
        found.append(solve_sequence(truth, BODY, evidence_of(truth, squat(30, 130)), 4))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].rotations, other.rotations)
        np.testing.assert_array_equal(found[0].path, other.path)
