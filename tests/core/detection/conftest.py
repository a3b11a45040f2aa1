"""Made-up people for the tests of detection: landmarks of walking, turning figures, and scenes with several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from motionlift.core.detection.appearance import COLOURS
from motionlift.core.detection.bodies import Bodies
from motionlift.core.detection.tracking import Scene
from motionlift.core.rotation import Array, forward_kinematics, from_axis_angle, multiply
from motionlift.core.skeleton import ANIMATION_21, BODY_26, MEDIAPIPE_33, body_points, reference_rest

SIZE = (1280, 720)


def _source(landmark: str) -> int:
    """The `BODY_26` joint that stands for a landmark."""
    side = "left" if "left" in landmark else "right"
    if any(part in landmark for part in ("eye", "mouth")):
        return BODY_26.index(f"{side}_ear")
    return BODY_26.index(landmark.replace("foot_index", "toe_tip").replace("thumb", "index"))


_SOURCES = [_source(name) for name in MEDIAPIPE_33]


@pytest.fixture(scope="session")
def landmarks_of() -> Callable[..., tuple[Array, Array]]:
    """A function: `BODY_26` points (F, 26, 3) m, Z up -> (pixels (F, 33, 2), world (F, 33, 3)), see `_landmarks`."""
    return _landmarks


def _landmarks(points: Array, yaw: float = 0.0, noise: float = 0.0, seed: int = 0) -> tuple[Array, Array]:
    """Seen from afar by a camera `yaw` radians around the figure (0: from the front), 200 pixels a metre."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    x = cos * points[..., 0] - sin * points[..., 1]
    depth = sin * points[..., 0] + cos * points[..., 1]
    seen = np.stack([x, -points[..., 2], depth], -1)[:, _SOURCES]
    jitter = np.random.default_rng(seed).normal(size=seen.shape)
    for frame in range(1, len(jitter)):
        jitter[frame] = 0.6 * jitter[frame - 1] + 0.8 * jitter[frame]
    seen = seen + noise * jitter * (1, 1, 2)
    return seen[..., :2] * 200 + (400, 500), seen - seen[:, 23:25].mean(1, keepdims=True)


@pytest.fixture(scope="session")
def walker() -> Callable[..., Array]:
    """A function (times, turn=0.0) -> `BODY_26` points (F, 26, 3) of somebody walking at one stride a second."""
    return _walker


def _walker(times: Array, turn: float = 0.0) -> Array:
    """Walks along its own -Y; `turn`: radians a second about the vertical."""
    offsets, _ = reference_rest()
    local = np.zeros((len(times), len(ANIMATION_21), 4))
    local[..., 0] = 1.0
    phase = 2 * np.pi * times

    def swing(joint: str, angle: Array, axis: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> None:
        index = ANIMATION_21.index(joint)
        local[:, index] = multiply(local[:, index], from_axis_angle(np.array(axis), angle))

    for side, offset, outward in (("left", 0.0, 1.0), ("right", np.pi, -1.0)):
        swing(f"{side}_shoulder", np.full(len(times), outward * 1.4), (0.0, 1.0, 0.0))
        swing(f"{side}_clavicle", 0.45 * np.sin(phase + offset))
        swing(f"{side}_hip", -0.5 * np.sin(phase + offset))
        swing(f"{side}_knee", 0.5 * (1 - np.cos(phase + offset + 0.8)))
    heading = from_axis_angle(np.array([0.0, 0.0, 1.0]), turn * times)
    local[:, 0] = multiply(heading, local[:, 0])
    root = np.stack([0 * times, -1.3 * times if turn == 0 else 0 * times, 0.9 + 0 * times], -1)
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, root, local)
    return body_points(joints, rotations, offsets)


@pytest.fixture(scope="session")
def scene_of() -> Callable[..., tuple[Scene, Array]]:
    """A function that puts people into a `Scene`: see `_scene`."""
    return _scene


def _scene(
    times: Array, people: list[tuple[Array, int]], hidden: Callable[[int, int], bool] = lambda person, frame: False
) -> tuple[Scene, Array]:
    """People are (x (F,) px, colour); returns the scene and who each pose is. The order within a frame changes."""
    random = np.random.default_rng(1)
    frames, points, colours, owners = [], [], [], []
    heights = np.array([-170.0, -120.0, 0.0, 90.0, 180.0])
    for frame in range(len(times)):
        for person in random.permutation(len(people)):
            if hidden(int(person), frame) or np.isnan(people[person][0][frame]):
                continue
            x, colour = people[person]
            frames.append(frame)
            points.append(np.stack([np.full(5, x[frame]), 400 + heights], -1) + random.normal(scale=3, size=(5, 2)))
            colours.append(clothes(colour, random))
            owners.append(int(person))
    index = np.array(frames, np.int64)
    bodies = Bodies(np.array(points), np.full(len(index), 400.0), np.full(len(index), 0.9))
    return Scene(index, times[index], bodies, np.array(colours, np.float32)), np.array(owners)


def clothes(colour: int, random: np.random.Generator) -> Array:
    """A vector as `appearance.colours` makes it, of one main colour per part, with some variation."""
    parts = random.uniform(0, 0.01, (2, COLOURS // 2))
    parts[:, colour] += 1.0
    mixed: Array = np.sqrt(parts / parts.sum(-1, keepdims=True)).ravel()
    return mixed
