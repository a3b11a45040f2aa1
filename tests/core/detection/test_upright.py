"""Videos that lie on their side or stand on their head are told by the people in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.detection.people import detect
from motionlift.core.detection.upright import turned_words
from motionlift.core.jobs import LiftSettings
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.skeleton import BODY_26
from motionlift.core.video import read_frames


@pytest.mark.parametrize(
    ("quarters_right", "told"),
    [(0, None), (1, "turn it a quarter to the left"), (2, "turn it half round"), (3, "turn it a quarter to the right")],
)
def test_a_video_whose_turn_was_lost(
    quarters_right: int,
    told: str | None,
    tmp_path: Path,
    detections: Path,
    encode_video: Callable[..., Path],
    sample_video: Path,
) -> None:
    shown = [frame.image for frame in read_frames(sample_video, 4.0, 4.5)]
    path = encode_video(tmp_path / "turned.mp4", [np.rot90(image, -quarters_right) for image in shown])
    found = detect(path, LiftSettings(cache_dir=str(detections), max_people=1))
    words = [turned_words(track.life) for track in found.tracks]
    assert words
    assert all(one is None if told is None else one is not None and told in one for one in words)


def test_who_only_lies_down_says_nothing() -> None:
    pixels = np.zeros((30, 26, 2))
    pixels[:, BODY_26.indices("left_shoulder", "right_shoulder")] = (0.0, -100.0)
    pixels[10:, BODY_26.indices("left_shoulder", "right_shoulder")] = (100.0, 0.0)
    seen = Keypoints2D(np.arange(30) / 30, pixels, np.ones((30, 26)), np.ones(30, bool), (640, 480))
    assert turned_words(seen) is None
