"""The way out of a part of a picture, on which a landmarker is led to somebody."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionlift.core.detection.landmarker import Landmarker, Pose
from motionlift.core.detection.leading import DOUBLE_SECONDS, LEAD_HEIGHTS, LedPeople, way_out
from motionlift.core.detection.models import pose_model
from motionlift.core.jobs import LiftSettings
from motionlift.core.video import read_frames

SIZE = (1920, 1080)
FOUND_FROM = 1 / 6
"""Of a square picture's side: MediaPipe finds figures that are higher."""


def _standing(middle: tuple[float, float], height: float) -> Pose:
    """Somebody so many px high, at a place relative to the picture."""
    body = np.random.default_rng(0).uniform(-0.5, 0.5, (33, 2)) * (0.4 * height, height) / SIZE
    body[:2, 1] = np.array([-0.5, 0.5]) * height / SIZE[1]
    flat = np.column_stack([body + middle, np.zeros(33), np.full((33, 2), 0.9)])
    return Pose(flat.astype(np.float32), np.zeros((33, 3), np.float32))


@pytest.mark.parametrize("middle", [(0.5, 0.5), (0.3, 0.8), (0.02, 0.9), (0.99, 0.05)])
@pytest.mark.parametrize("height", [60.0, 150.0, 350.0])
@pytest.mark.parametrize("high", LEAD_HEIGHTS)
def test_on_the_way_out_nobody_leaves_the_place_where_he_is_looked_for(
    middle: tuple[float, float], height: float, high: float
) -> None:
    parts = list(way_out(_standing(middle, height), SIZE, high))
    last = parts[-1]
    assert (last.x, last.y, last.width, last.height) == (0, 0, *SIZE)
    assert height > FOUND_FROM * parts[0].width
    place = np.array(middle) * SIZE
    for part, wider in itertools.pairwise(parts):
        assert 0 <= part.x <= part.x + part.width <= SIZE[0]
        assert 0 <= part.y <= part.y + part.height <= SIZE[1]
        before, after = (
            (place - (box.x, box.y)) / (box.width, box.height) * SIZE for box in (part, wider)
        )  # fmt: skip
        # Body heights, as he is seen before: MediaPipe looks half of one and more around his middle.
        assert np.abs(after - before).max() < 0.2 * height * SIZE[0] / part.width
        assert wider.width < 1.15 * part.width


@pytest.mark.parametrize(("others_see_him", "left"), [(False, 1), (True, 0)])
def test_of_two_that_follow_one_body_one_goes_on(sample_video: Path, others_see_him: bool, left: int) -> None:
    picture = Image.fromarray(next(read_frames(sample_video, 4.0, 4.02)).image)
    # Small enough for a way out.
    image = np.asarray(picture.resize((1, 1)).resize(picture.size))
    image = np.concatenate([np.asarray(picture), image], axis=1)
    size = (image.shape[1], image.shape[0])
    model = pose_model(LiftSettings())
    with Landmarker(model, 1, video=False) as landmarker:
        [pose] = landmarker(image, 0.0)
    with LedPeople(model) as people:
        people.lead_to(image, 0.0, [pose, pose])
        assert len(people) == 2
        for number in range(1, 8):
            time = number * DOUBLE_SECONDS / 5
            poses = people(image, time)
            people.leave_doubles(time, poses, [pose] if others_see_him else [], size)
            if number < 5:
                assert len(people) == 2, "they may be passing each other"
        assert len(people) == left
