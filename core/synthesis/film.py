"""A performance before a camera: the exact `Motion` that a perfect lift of the clip would give, and the clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..camera import apply, inverse, look_at, project, rigid
from ..files import written_beside
from ..jobs import MotionLiftError
from ..motion import Motion
from ..rotation import Array, continuous, forward_kinematics, from_matrix, multiply, rotate
from ..skeleton import ANIMATION_21, BODY_26, CONTACT_NAMES, body_points, contact_points
from .performance import Performance


def film(
    performance: Performance,
    eye: Array,
    target: Array,
    camera_K: Array,
    image_size: tuple[int, int],
    source: Mapping[str, Any] | None = None,
    roll: float = 0.0,
) -> Motion:
    """The truth of a performance seen by a still camera at `eye` (3,) looking at `target` (3,), m, in its world,
    turned about its axis by `roll` rad.

    The result is in `Motion`'s world: turned about Z so that the camera looks along +Y in plan, moved so that
    the first pelvis is above the origin. Keypoints are exact projections, confidences 1, `lifted_camera` the true
    points in the camera's frame from the pelvis on.
    """
    camera = look_at(np.asarray(eye, float), np.asarray(target, float))
    spin = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    camera = camera @ rigid(spin, np.zeros(3))
    forward = camera[:3, 2]
    turn = np.pi / 2 - np.arctan2(forward[1], forward[0])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    first = about_z @ performance.root_translation[0]
    stage = rigid(about_z, np.array([-first[0], -first[1], 0.0]))
    world_from_camera = stage @ camera
    root = apply(stage, performance.root_translation)
    local = performance.local_rotations.copy()
    local[:, 0] = multiply(from_matrix(about_z), local[:, 0])
    local = continuous(local)
    offsets = performance.rest_offsets
    joints, rotations = forward_kinematics(ANIMATION_21.parents, offsets, root, local)
    body_camera = apply(inverse(world_from_camera), body_points(joints, rotations, offsets))
    contact_parents, contact_offsets = contact_points(performance.rest_tails, offsets)
    frames = len(root)
    return Motion(
        times=performance.times,
        fps=_rate(performance.times),
        joint_names=ANIMATION_21.joints,
        parents=np.array(ANIMATION_21.parents),
        rest_offsets=offsets,
        rest_tails=performance.rest_tails,
        root_translation=root,
        local_rotations=local,
        joint_positions=joints,
        confidence=np.ones((frames, len(ANIMATION_21))),
        detected=np.ones(frames, bool),
        contact_names=CONTACT_NAMES,
        contact_parents=contact_parents,
        contact_offsets=contact_offsets,
        contacts=performance.contacts,
        camera_K=np.asarray(camera_K, float)[None],
        world_from_camera=world_from_camera[None],
        image_size=image_size,
        keypoint_names=BODY_26.joints,
        keypoints_2d=project(body_camera, camera_K),
        keypoint_confidence=np.ones((frames, len(BODY_26))),
        lifted_camera=body_camera - body_camera[:, :1],
        source=dict(source or {}),
    ).check()


def frame_figure(
    performance: Performance,
    camera_K: Array,
    image_size: tuple[int, int],
    azimuth: float = 0.0,
    eye_height: float = 1.4,
) -> tuple[Array, Array]:
    """An eye and a target (3,) from which the whole performance stays in the picture, as near as that allows.

    `azimuth` in radians: 0 looks at where the first pelvis faces in plan, pi from behind.
    """
    joints, rotations = forward_kinematics(
        ANIMATION_21.parents, performance.rest_offsets, performance.root_translation, performance.local_rotations
    )
    points = body_points(joints, rotations, performance.rest_offsets).reshape(-1, 3)
    # Room for hair, fingertips and soles, which reach beyond the joints.
    corners = np.array([(x, y, z) for x in (-0.2, 0.2) for y in (-0.2, 0.2) for z in (-0.1, 0.25)])
    points = np.concatenate([points + corner for corner in corners])
    target = 0.5 * (points.min(0) + points.max(0))
    front = rotate(performance.local_rotations[0, 0], np.array([0.0, -1.0, 0.0]))
    bearing = np.arctan2(front[1], front[0]) + azimuth
    away = np.array([np.cos(bearing), np.sin(bearing), 0.0])
    for distance in np.arange(2.0, 40.0, 0.1):
        eye = np.array([*(target + distance * away)[:2], eye_height])
        seen = apply(inverse(look_at(eye, target)), points)
        if seen[:, 2].min() > 0.5:
            pixels = project(seen, camera_K)
            if np.all(pixels > 0) and np.all(pixels < np.array(image_size)):
                return eye, target
    raise MotionLiftError(
        "too_far", "The figure travels too far for one still camera.", "Film a shorter stretch, or use a wider lens."
    )


def _rate(times: Array) -> float:
    return float((len(times) - 1) / (times[-1] - times[0])) if len(times) > 1 else 30.0


def write_clip(
    path: Path, frames: Iterable[NDArray[np.uint8]], fps: Fraction | int, size: tuple[int, int], quality: int = 24
) -> int:
    """Encode frames (H, W, 3) RGB as H.264 (x264's constant rate factor `quality`); returns how many there were.

    Width and height must be even. Raises `MotionLiftError` (`no_h264`, `write_failed`).
    """
    count = 0
    with written_beside(path) as temporary:
        try:
            with av.open(str(temporary), "w", options={"movflags": "+faststart"}) as container:
                stream = container.add_stream("libx264", rate=Fraction(fps))
                stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
                # One thread, so that the same frames give the same file on every machine.
                stream.options = {"crf": str(quality), "preset": "slow", "threads": "1"}
                stream.codec_context.color_range = 1
                for picture in frames:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
                    count += 1
                container.mux(stream.encode())
        except (av.FFmpegError, ValueError) as error:
            raise MotionLiftError(
                "no_h264", f"The clip could not be encoded: {error}.", "Install a build of PyAV with libx264."
            ) from error
    return count
