"""The refinement against figures whose truth is known."""

import numpy as np

from motionlift.core.rotation import IDENTITY, Array, forward_kinematics, from_euler
from motionlift.core.skeleton import ANIMATION_21, BODY_26, body_points, reference_rest
from motionlift.core.solving.refine import Evidence, bone_lengths, refine

FRAMES = 90
TIMES = np.arange(FRAMES) / 30
WORLD_TO_CAMERA = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
ALL = np.ones((FRAMES, 26))
NOT_PLANTED = np.zeros((FRAMES, 4))


def squat(depth_degrees: float) -> Array:
    """Points (F, 26, 3) from the pelvis in a level camera's axes of a figure that stands, squats and rises."""
    share = np.clip(1.4 * np.sin(np.pi * TIMES / TIMES[-1]) - 0.4, 0, 1)
    local = np.tile(IDENTITY, (FRAMES, len(ANIMATION_21), 1))
    for joint, turn in (("hip", -depth_degrees), ("knee", 1.5 * depth_degrees)):
        for side in ("left", "right"):
            local[:, ANIMATION_21.index(f"{side}_{joint}")] = from_euler(
                np.radians([turn, 0, 0]) * share[:, None], "XYZ"
            )
    offsets = reference_rest()[0]
    joints, world = forward_kinematics(ANIMATION_21.parents, offsets, np.zeros((FRAMES, 3)), local)
    points: Array = body_points(joints, world, offsets) @ WORLD_TO_CAMERA.T
    return points


PATH = np.tile([0.1, 0.2, 4.0], (FRAMES, 1))
LENGTHS = bone_lengths(squat(0)[0])


def rays_of(points: Array) -> Array:
    placed = points + PATH[:, None]
    rays: Array = placed[..., :2] / placed[..., 2:]
    return rays


def error(points: Array, truth: Array) -> float:
    return float(np.linalg.norm(points - truth, axis=-1).mean())


def test_the_truth_stays() -> None:
    truth = squat(50)
    found = refine(truth, PATH, Evidence(rays_of(truth), ALL, bone_lengths(truth[0]), TIMES, None, NOT_PLANTED))
    assert error(found.points, truth) < 0.003
    assert np.linalg.norm(found.path - PATH, axis=1).max() < 0.02


def test_a_squat_that_was_lifted_too_upright_is_put_right() -> None:
    truth, lifted = squat(60), squat(35)
    found = refine(lifted, PATH, Evidence(rays_of(truth), ALL, LENGTHS, TIMES, None, NOT_PLANTED))
    assert error(found.points, truth) < 2 / 3 * error(lifted, truth)
    bones = np.linalg.norm(
        found.points[:, BODY_26.index("left_knee")] - found.points[:, BODY_26.index("left_hip")], axis=1
    )
    assert np.abs(bones - LENGTHS[BODY_26.index("left_knee")]).max() < 0.02


def test_unseen_joints_stay_where_they_were_lifted() -> None:
    lifted = squat(35)
    found = refine(
        lifted, PATH, Evidence(np.zeros((FRAMES, 26, 2)), 0 * ALL, bone_lengths(lifted[0]), TIMES, None, NOT_PLANTED)
    )
    assert error(found.points, lifted) < 0.003
