"""Advice: each fault of a take brings its words, a good take none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from motionlift.core.camera import intrinsics, look_at
from motionlift.core.motion import Motion
from motionlift.core.reporting.advice import advise
from motionlift.core.reporting.take_figures import take_figures
from motionlift.core.rotation import IDENTITY, from_axis_angle
from motionlift.core.skeleton import ANIMATION_21, BODY_26

Stander = Callable[..., Motion]
Seen = Callable[[Motion], Motion]


def told(motion: Motion) -> dict[str, str]:
    return {advice.code: advice.words for advice in advise(take_figures(motion))}


def said(motion: Motion, **source: Any) -> Motion:
    return dataclasses.replace(motion, source={**motion.source, **source})


def test_a_good_take_needs_none(stander: Stander) -> None:
    assert told(stander()) == {}


def test_what_was_assumed(stander: Stander) -> None:
    words = told(said(stander(), fov_is="assumed", height_is="assumed"))
    assert set(words) == {"fov_assumed", "height_assumed"}
    assert "55 degrees" in words["fov_assumed"]
    assert "--fov" in words["fov_assumed"]
    assert "1.70 m" in words["height_assumed"]


def test_nobody(stander: Stander) -> None:
    assert set(told(stander(detected=np.zeros(60, bool)))) == {"nobody"}


def test_late_gone_and_lost(stander: Stander) -> None:
    detected = np.ones(60, bool)
    detected[:15], detected[25:35], detected[50:] = False, False, False
    words = told(stander(detected=detected))
    assert set(words) == {"late", "gone", "lost"}
    assert "0.8 s to 1.2 s" in words["lost"]
    assert "before 0.5 s" in words["late"]
    assert "after 1.6 s" in words["gone"]


def test_what_leaves_the_picture_and_when(stander: Stander, seen_as_is: Seen) -> None:
    """The arm with the hand beyond the right edge for half a second."""
    root = np.zeros((60, 3))
    root[30:45, 0] = 1.7
    motion = stander(root=root)
    words = told(motion)
    assert words["leaves_picture"].startswith("The left arm leaves the picture (1.0 s to 1.5 s)")


def test_too_few_pixels(stander: Stander, seen_as_is: Seen) -> None:
    motion = stander()
    small = seen_as_is(dataclasses.replace(motion, camera_K=intrinsics((640, 480), 140)[None]))
    words = told(small)
    assert set(words) == {"small"}
    height = take_figures(small).picture.figure_px
    assert f"{height:.0f} px high" in words["small"]


@pytest.mark.parametrize(("height", "code"), [(4.5, "from_above"), (-2.5, "from_below"), (1.5, None)])
def test_filmed_from_far_above(stander: Stander, seen_as_is: Seen, height: float, code: str | None) -> None:
    placed = look_at(np.array([0.0, -4.0, height]), np.array([0.0, 0.0, 0.9]))[None]
    motion = seen_as_is(dataclasses.replace(stander(), world_from_camera=placed))
    assert [c for c in told(motion) if c.startswith("from_")] == ([code] if code else [])


def test_a_hidden_side(stander: Stander) -> None:
    motion = stander()
    confidence = motion.keypoint_confidence.copy()
    confidence[:, BODY_26.indices("right_elbow", "right_wrist")] = 0.4
    words = told(dataclasses.replace(motion, keypoint_confidence=confidence))
    assert "right side" in words["hidden_side"]


def test_few_pictures_a_second(stander: Stander) -> None:
    assert "15 pictures" in told(stander(fps=15))["slow"]


def test_sides_that_were_swapped(stander: Stander) -> None:
    assert "swapped" not in told(said(stander(), swapped_frames=1))
    assert "in 9 frames" in told(said(stander(), swapped_frames=9))["swapped"]


def test_a_figure_off_the_picture(stander: Stander) -> None:
    motion = stander()
    assert "misfit" in told(dataclasses.replace(motion, keypoints_2d=motion.keypoints_2d + 20))


def test_a_knee_that_bends_backwards(stander: Stander) -> None:
    local = np.broadcast_to(IDENTITY, (60, 21, 4)).copy()
    local[7:10, ANIMATION_21.index("left_knee")] = from_axis_angle(np.array([1.0, 0.0, 0.0]), np.radians(-30))
    words = told(stander(local=local))
    assert "left knee bends backwards in 3 frames, by up to 30 degrees" in words["knee_backwards"]


def test_the_floor(stander: Stander) -> None:
    slide = np.linspace([0, 0, 0], [0.5, 0, 0], 60)
    assert "skate" in told(stander(root=slide))
    assert "no_contacts" in told(stander(contacts=np.zeros((60, 4))))
    assert "0.4 m off the floor" in told(stander(root=np.tile([0, 0, 0.4], (60, 1))))["off_the_floor"]
    assert "by up to 50 mm" in told(stander(root=np.tile([0, 0, -0.05], (60, 1))))["through_floor"]
    assert "not_planted" in told(said(stander(root=slide), settings={"foot_lock": False}))


def test_every_word_is_a_sentence_with_what_to_do(stander: Stander) -> None:
    motion = said(stander(fps=12, root=np.linspace([0, 0, -0.1], [1.2, 0, -0.1], 60)), fov_is="assumed")
    words = told(motion)
    assert len(words) >= 4
    for text in words.values():
        assert text[0].isupper()
        assert text.endswith(".")
        assert "nan" not in text.lower().split()
