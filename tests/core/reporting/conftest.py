"""Made-up takes whose figures are known: somebody who stands still, seen exactly where they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from motionlift.core.camera import intrinsics, look_at
from motionlift.core.motion import Motion
from motionlift.core.reporting.evidence import in_camera, in_picture, landmarks_world, points_world
from motionlift.core.rotation import IDENTITY, Array, forward_kinematics
from motionlift.core.skeleton import ANIMATION_21, BODY_26, CONTACT_NAMES, contact_points, reference_rest

Stander = Callable[..., Motion]


@pytest.fixture(scope="session")
def stander() -> Stander:
    """A function that makes a take: see `_stander`."""
    return _stander


@pytest.fixture(scope="session")
def seen_as_is() -> Callable[[Motion], Motion]:
    """A function that gives a motion the keypoints and lifted joints of its own figure."""
    return _seen_as_is


def _stander(
    frames: int = 60,
    fps: float = 30.0,
    root: Array | None = None,
    local: Array | None = None,
    image_size: tuple[int, int] = (640, 480),
    **changes: Any,
) -> Motion:
    """Somebody in T-pose at the origin who faces the camera 4 m away, both feet planted, detected exactly.

    `root` (F, 3) m moves the pelvis from its place; `local` (F, 21, 4) poses; `changes` are fields of `Motion`.
    """
    offsets, tails = reference_rest()
    parents, feet = contact_points(tails, offsets)
    root = offsets[0] + (np.zeros((frames, 3)) if root is None else root)
    local = np.broadcast_to(IDENTITY, (frames, len(ANIMATION_21), 4)).copy() if local is None else local
    nothing = np.zeros((frames, len(BODY_26)))
    motion = Motion(
        times=np.arange(frames) / fps,
        fps=fps,
        joint_names=ANIMATION_21.joints,
        parents=np.array(ANIMATION_21.parents),
        rest_offsets=offsets,
        rest_tails=tails,
        root_translation=root,
        local_rotations=local,
        joint_positions=forward_kinematics(ANIMATION_21.parents, offsets, root, local)[0],
        confidence=np.ones((frames, len(ANIMATION_21))),
        detected=np.ones(frames, bool),
        contact_names=CONTACT_NAMES,
        contact_parents=parents,
        contact_offsets=feet,
        contacts=np.ones((frames, len(CONTACT_NAMES))),
        camera_K=intrinsics((640, 480))[None],
        world_from_camera=look_at(np.array([0.0, -4.0, 1.0]), np.array([0.0, 0.0, 0.9]))[None],
        image_size=image_size,
        keypoint_names=BODY_26.joints,
        keypoints_2d=nothing[..., None].repeat(2, -1),
        keypoint_confidence=nothing + 1,
        lifted_camera=nothing[..., None].repeat(3, -1),
        source={"file": "walk.mp4", "height_m": 1.7, "height_is": "given", "fov_is": "given", "content_hash": "x"},
    )
    return dataclasses.replace(_seen_as_is(motion), **changes).check()


def _seen_as_is(motion: Motion) -> Motion:
    joints = in_camera(motion, points_world(motion))
    return dataclasses.replace(
        motion,
        keypoints_2d=in_picture(motion, landmarks_world(motion)),
        lifted_camera=joints - joints[:, :1],
    )
