"""Real rendering; needs OpenGL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlift.core.camera import intrinsics
from motionlift.core.jobs import MotionLiftError
from motionlift.core.motion import Motion
from motionlift.core.skeleton import BODY_26
from motionlift.core.synthesis import renderer
from motionlift.core.synthesis.figure import Look
from motionlift.core.synthesis.film import film
from motionlift.core.synthesis.footsteps import FootstepPlan
from motionlift.core.synthesis.make_sample import shoot, truth_path
from motionlift.core.synthesis.performance import perform
from motionlift.core.synthesis.renderer import render_clip

SIZE = (320, 240)
LOOK = Look(shirt=(1.0, 0.0, 0.0), trousers=(0.0, 0.0, 1.0), shoes=(0.0, 1.0, 0.0))


@pytest.fixture(scope="module")
def motion() -> Motion:
    plan = FootstepPlan.stand(0.0, 0.0, 0.0)
    performance = perform(plan.prints, (), np.arange(3) / 30)
    return film(performance, np.array([0.0, -3.0, 1.2]), np.array([0.0, 0.0, 0.85]), intrinsics(SIZE, 60), SIZE)


def test_without_opengl_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    moderngl = pytest.importorskip("moderngl")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no display")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(MotionLiftError, match="no display") as error:
        renderer.create_context()
    assert error.value.code == "no_opengl"
    assert "driver" in error.value.hint


@pytest.mark.render
def test_clothes_are_where_the_truth_has_their_joints(motion: Motion) -> None:
    picture = next(iter(render_clip(motion, LOOK))).astype(int)
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    for joint, channel in (("spine", 0), ("left_knee", 2), ("right_knee", 2), ("left_toe_tip", 1)):
        x, y = motion.keypoints_2d[0, BODY_26.index(joint)].astype(int)
        colour = picture[y - 2, x]
        assert colour[channel] > 1.5 * np.delete(colour, channel).max(), (joint, colour)


@pytest.mark.render
def test_frames_are_the_same_every_time_and_scale_with_the_size(motion: Motion) -> None:
    first, second = (next(iter(render_clip(motion, LOOK))) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    large = next(iter(render_clip(motion, LOOK, size=(640, 480)))).astype(int)
    halved = large.reshape(SIZE[1], 2, SIZE[0], 2, 3).mean((1, 3))
    assert np.abs(halved - first).mean() < 4


@pytest.mark.render
def test_a_clip_and_its_truth_lie_side_by_side(motion: Motion, tmp_path: Path) -> None:
    clip = tmp_path / "stand.mp4"
    assert shoot(motion, clip, LOOK) == len(motion)
    np.testing.assert_allclose(Motion.load(truth_path(clip)).joint_positions, motion.joint_positions)
