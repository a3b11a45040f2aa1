"""Fingers that bend: the figure's mesh follows them, and a film of them is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlift.core.hand_skeleton import ANIMATION_51, DIRECTIONS, rest_with_fingers
from motionlift.core.jobs import LiftSettings
from motionlift.core.pipeline import lift
from motionlift.core.rotation import forward_kinematics, from_axis_angle, rotate
from motionlift.core.skeleton import reference_rest
from motionlift.core.synthesis.figure import Figure, build_figure
from motionlift.core.synthesis.film import write_clip
from motionlift.core.synthesis.gestures import gestures
from motionlift.core.synthesis.renderer import render_clip


@pytest.fixture(scope="module")
def figure() -> Figure:
    return build_figure(rest_with_fingers(*reference_rest())[0], coarseness=1.5)


def test_every_finger_bone_moves_flesh_of_its_own(figure: Figure) -> None:
    offsets, _ = rest_with_fingers(*reference_rest())
    strongest = figure.bones[np.arange(len(figure.bones)), np.argmax(figure.weights, 1)]
    for joint in range(21, len(ANIMATION_51)):
        assert np.count_nonzero(strongest == joint) > 10, ANIMATION_51.joints[joint]
    joint = ANIMATION_51.index("left_index_1")
    local = np.zeros((len(ANIMATION_51), 4))
    local[:, 0] = 1.0
    straight = figure.posed(*forward_kinematics(ANIMATION_51.parents, offsets, offsets[0], local))
    local[joint] = from_axis_angle(np.array([0.0, 1.0, 0.0]), np.pi / 2)
    bent = figure.posed(*forward_kinematics(ANIMATION_51.parents, offsets, offsets[0], local))
    moved = np.linalg.norm(bent - straight, axis=-1)
    carried = np.isin(strongest, [joint, joint + 1, joint + 2])
    assert np.median(moved[carried]) > 0.02
    others = ~np.isin(figure.bones, [joint, joint + 1, joint + 2]).any(1)
    np.testing.assert_allclose(moved[others], 0.0, atol=1e-12)


def test_the_truth_is_a_motion_with_fingers() -> None:
    truth = gestures(2.0)
    assert truth.joint_names == ANIMATION_51.joints
    first = truth.joint("right_middle_1")
    pointing = rotate(truth.world_rotations()[:, first], DIRECTIONS[2] * (-1, 1, 1))
    assert np.ptp(pointing, axis=0).max() > 0.5


@pytest.mark.render
@pytest.mark.usefixtures("weights")
def test_a_film_of_gestures_is_read_back(tmp_path: Path, figure: Figure) -> None:
    truth = gestures(3.0)
    clip = tmp_path / "gestures.mp4"
    write_clip(clip, render_clip(truth, figure=figure, quick=True), 30, truth.image_size, quality=18)
    solved = lift(clip, LiftSettings(hands=True, fov_degrees=55.0, use_cache=False))[0]
    assert solved.hands is not None
    assert (solved.hands.confidence > 0).mean() > 0.9
    for finger in ("index", "middle", "ring", "pinky"):
        # How far the right fingers are closed, over time: from knuckle to the last joint.
        closed = [
            np.linalg.norm(
                motion.joint_positions[:, motion.joint(f"right_{finger}_3")]
                - motion.joint_positions[:, motion.joint("right_wrist")],
                axis=-1,
            )
            for motion in (solved, truth)
        ]
        assert np.corrcoef(*closed)[0, 1] > 0.8, finger
