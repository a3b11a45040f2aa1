"""What is said of a video and of what a trim leaves of it."""

from __future__ import annotations

import pytest

from motionlift.addon.video_facts import VideoFacts, timecode
from motionlift.core.jobs import parse_time

CLIP = VideoFacts(854, 480, 30.0, 10.0, 300)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 9.9, 59.96, 60.0, 83.4, 3599.9, 3600.0, 7384.5])
def test_a_timecode_is_read_as_the_time_it_was_written_for(seconds: float) -> None:
    assert parse_time(timecode(seconds)) == pytest.approx(seconds, abs=0.0501)


def test_a_video_is_told_in_a_few_words() -> None:
    assert CLIP.lines() == ["0:10.0, 300 frames", "854 x 480, 30 fps"]
    assert VideoFacts(1, 2, 29.97).lines() == ["1 x 2, 29.97 fps"]
    assert "slow motion" in VideoFacts(1, 2, 30.0, 8.0, 240, capture_rate=240.0).lines()[-1]
    assert CLIP.warnings() == []
    assert len(VideoFacts(320, 180, 12.0).warnings()) == 2


def test_what_a_trim_leaves() -> None:
    assert CLIP.left(1.0, 3.5) == "2.5 s left, 75 frames"
    assert CLIP.left(4.0, 0.0) == "6.0 s left, 180 frames"
    assert CLIP.left(4.0, 99.0) == CLIP.left(4.0, 0.0)
    assert VideoFacts(1, 2, 30.0).left(4.0, 0.0) == "from 0:04.0"
    assert CLIP.trim_trouble(0.0, 0.0) == CLIP.trim_trouble(9.9, 0.0) == CLIP.trim_trouble(1.0, 99.0) == ""
    assert "later" in CLIP.trim_trouble(3.0, 2.0)
    assert "0:10.0" in CLIP.trim_trouble(10.0, 0.0)


def test_the_one_who_would_be_lifted_is_marked() -> None:
    pytest.importorskip("bpy")
    from motionlift.addon.people import Person, is_chosen

    first, second = Person(1, 0.0, 4.0, "longest, left"), Person(2, 1.0, 3.0, "largest, right")
    assert [is_chosen(one, "largest", 1) for one in (first, second)] == [False, True]
    assert [is_chosen(one, "left", 2) for one in (first, second)] == [True, False]
    assert [is_chosen(one, "number", 1) for one in (first, second)] == [True, False]
    assert all(is_chosen(one, "all", 1) for one in (first, second))
    assert first.lines == ["0:00.0 to 0:04.0", "longest in view, leftmost"]
