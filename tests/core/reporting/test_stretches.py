"""Places to check: each defect gives its stretch, with its times, and a sound take gives none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core.motion import Motion
from motionlift.core.reporting.evidence import stays_in_place
from motionlift.core.reporting.stretches import EVERYTHING, GROUPS, SHORTEST_S, runs, weak_stretches
from motionlift.core.skeleton import BODY_26

Stander = Callable[..., Motion]


def unsure(motion: Motion, part: slice, *keypoints: str, confidence: float = 0.1) -> Motion:
    values = motion.keypoint_confidence.copy()
    values[part, BODY_26.indices(*keypoints)] = confidence
    return dataclasses.replace(motion, keypoint_confidence=values)


def test_somebody_seen_well_who_stands_still_has_none(stander: Stander) -> None:
    assert weak_stretches(stander()) == []


@pytest.mark.parametrize("group", GROUPS)
def test_a_hidden_part_is_told_with_its_times(stander: Stander, group: str) -> None:
    motion = unsure(stander(), np.s_[20:41], *GROUPS[group])
    (found,) = weak_stretches(motion)
    assert (found.group, found.reason) == (group, "unsure")
    assert found.start_s == pytest.approx(20 / 30)
    assert found.end_s == pytest.approx(41 / 30)
    assert found.doubt == pytest.approx(0.9 * 21 / 30)
    assert found.words == f"{group} hidden or unclear"


def test_frames_in_which_nobody_is_found(stander: Stander) -> None:
    detected = np.ones(60, bool)
    detected[10:25] = False
    motion = stander(detected=detected)
    blank = np.where(detected[:, None, None], motion.keypoints_2d, np.nan)
    (found,) = weak_stretches(dataclasses.replace(motion, keypoints_2d=blank))
    assert (found.group, found.reason) == (EVERYTHING, "not_found")
    assert (found.start_s, found.end_s) == pytest.approx((10 / 30, 25 / 30))
    assert found.doubt == pytest.approx(0.5)


def test_before_and_after_a_person_is_seen_nothing_is_told(stander: Stander) -> None:
    detected = np.zeros(60, bool)
    detected[20:40] = True
    motion = stander(detected=detected)
    assert weak_stretches(unsure(motion, np.s_[:20], "nose", "left_ear", "right_ear")) == []
    assert weak_stretches(stander(detected=np.zeros(60, bool))) == []


def test_feet_below_the_picture(stander: Stander) -> None:
    motion = stander()
    ankles = motion.keypoints_2d[0, BODY_26.indices("left_ankle", "right_ankle"), 1]
    cut = dataclasses.replace(motion, image_size=(640, int(ankles.min()) - 5))
    assert {(s.group, s.reason) for s in weak_stretches(cut)} == {
        ("left foot", "out_of_picture"),
        ("right foot", "out_of_picture"),
    }


def test_a_figure_that_lies_elsewhere_than_the_picture_says(stander: Stander) -> None:
    motion = stander()
    moved = motion.keypoints_2d.copy()
    moved[30:45, BODY_26.indices("right_elbow", "right_wrist"), 0] += 60
    (found,) = weak_stretches(dataclasses.replace(motion, keypoints_2d=moved))
    assert (found.group, found.reason, found.start_s) == ("right arm", "off_picture", 1.0)
    # Nobody is to believe keypoints that the detector itself does not.
    doubted = unsure(dataclasses.replace(motion, keypoints_2d=moved), np.s_[30:45], "right_elbow", "right_wrist")
    assert [s.reason for s in weak_stretches(doubted)] == ["unsure"]


def test_a_standing_foot_that_slides(stander: Stander) -> None:
    root = np.zeros((60, 3))
    root[:, 0] = np.interp(np.arange(60), [20, 40], [0.0, 0.4])
    motion = stander(root=root)
    found = weak_stretches(motion)
    assert {(s.group, s.reason) for s in found} == {("left foot", "sliding"), ("right foot", "sliding")}
    for stretch in found:
        assert stretch.start_s == pytest.approx(20 / 30, abs=0.04)
        assert stretch.end_s == pytest.approx(40 / 30, abs=0.04)
    assert weak_stretches(dataclasses.replace(motion, contacts=np.zeros((60, 4)))) == []


def test_the_most_doubtful_comes_first(stander: Stander) -> None:
    motion = unsure(stander(frames=90), np.s_[10:20], "left_knee", confidence=0.3)
    motion = unsure(motion, np.s_[40:80], "right_knee", confidence=0.3)
    motion = unsure(motion, np.s_[30:50], "nose", "left_ear", "right_ear", confidence=0.0)
    found = weak_stretches(motion)
    assert [s.group for s in found] == ["right leg", "head", "left leg"]
    assert [s.doubt for s in found] == sorted((s.doubt for s in found), reverse=True)


def test_flickers_are_dropped_and_short_breaks_bridged(stander: Stander) -> None:
    motion = stander()
    assert weak_stretches(unsure(motion, np.s_[20:22], "left_knee")) == []
    broken = unsure(motion, np.s_[20:40], "left_knee")
    broken = unsure(broken, np.s_[28:30], "left_knee", confidence=1.0)
    assert [(s.start_s, s.end_s) for s in weak_stretches(broken)] == [pytest.approx((20 / 30, 40 / 30))]


def test_times_count_not_frames(stander: Stander) -> None:
    """The same doubt filmed at twice the rate, or unevenly, gives the same stretch."""
    slow = unsure(stander(frames=60, fps=30), np.s_[20:40], "left_knee")
    fast = unsure(stander(frames=120, fps=60), np.s_[40:80], "left_knee")
    (a,), (b,) = weak_stretches(slow), weak_stretches(fast)
    assert (a.start_s, a.end_s, a.doubt) == pytest.approx((b.start_s, b.end_s, b.doubt))
    uneven = dataclasses.replace(slow, times=np.where(np.arange(60) % 2, slow.times + 0.01, slow.times))
    (c,) = weak_stretches(uneven)
    assert (c.start_s, c.end_s, c.doubt) == pytest.approx((a.start_s, a.end_s, a.doubt), abs=0.02)


def test_one_frame_alone(stander: Stander) -> None:
    assert weak_stretches(unsure(stander(frames=1), np.s_[:], "nose")) == []
    assert SHORTEST_S > 1 / 30


def test_runs_agree_with_a_plain_count() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        mask = random.random(30) < 0.5
        again = np.zeros(30, bool)
        for start, stop in runs(mask):
            assert start == 0 or not mask[start - 1]
            again[start:stop] = True
        np.testing.assert_array_equal(again, mask)


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        ({}, False),
        ({"camera_moves": True}, True),
        ({"settings": {"travel": False}}, True),
        ({"camera_moves": True, "settings": {"travel": True}}, False),
    ],
)
def test_feet_taken_off_their_way_do_not_slide(stander: Stander, source: dict[str, object], stays: bool) -> None:
    """A take that glides along on planted feet is doubtful, unless it was put in place on purpose."""
    gliding = stander()
    root = gliding.root_translation + np.linspace(0, 1.5, len(gliding))[:, None] * [0.0, 1.0, 0.0]
    gliding = dataclasses.replace(
        gliding,
        root_translation=root,
        joint_positions=gliding.joint_positions + (root - gliding.root_translation)[:, None],
        contacts=np.ones_like(gliding.contacts),
        source={**gliding.source, **source},
    )
    assert stays_in_place(gliding) is stays
    assert any(found.reason == "sliding" for found in weak_stretches(gliding)) is not stays
