"""Clothes tell people apart, whatever the pose and slight changes of light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motionlift.core.detection.appearance import COLOURS, colour_distance, colours, mean_colours
from motionlift.core.skeleton import MEDIAPIPE_33


def figure(x: float, wide: float = 0.1) -> NDArray[np.float32]:
    landmarks = np.full((33, 5), 0.9, np.float32)
    places = {"shoulder": 0.3, "hip": 0.55, "knee": 0.8}
    for name, y in places.items():
        landmarks[MEDIAPIPE_33.index(f"left_{name}"), :2] = (x + wide / 2, y)
        landmarks[MEDIAPIPE_33.index(f"right_{name}"), :2] = (x - wide / 2, y)
    return landmarks


def picture(shirt: tuple[int, int, int], trousers: tuple[int, int, int]) -> NDArray[np.uint8]:
    image = np.zeros((400, 600, 3), np.uint8)
    image[:220] = shirt
    image[220:] = trousers
    return image


def test_the_same_clothes_are_near_and_others_far() -> None:
    red = colours(picture((200, 40, 40), (30, 30, 90)), figure(0.5))
    darker = colours(picture((175, 35, 35), (26, 26, 80)), figure(0.4))
    green = colours(picture((40, 160, 60), (30, 30, 90)), figure(0.5))
    other = colours(picture((40, 160, 60), (220, 220, 220)), figure(0.5))
    assert colour_distance(red, red) < 1e-3
    assert colour_distance(red, darker) < 0.35
    assert colour_distance(red, darker) < colour_distance(red, green) < colour_distance(red, other)
    assert red.shape == (COLOURS,)


def test_a_profile_is_sampled_as_well() -> None:
    front = colours(picture((200, 40, 40), (30, 30, 90)), figure(0.5))
    profile = colours(picture((200, 40, 40), (30, 30, 90)), figure(0.5, wide=0.0))
    assert colour_distance(front, profile) < 0.1


def test_outside_the_picture_nothing_is_known() -> None:
    inside = colours(picture((200, 40, 40), (30, 30, 90)), figure(0.5))
    outside = colours(picture((200, 40, 40), (30, 30, 90)), figure(1.7))
    assert not outside.any()
    assert colour_distance(inside, outside) == 0.5


def test_the_mean_of_one_is_itself() -> None:
    one = colours(picture((200, 40, 40), (30, 30, 90)), figure(0.5))
    np.testing.assert_allclose(mean_colours(np.stack([one, one])), one, atol=1e-6)
