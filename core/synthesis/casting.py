"""Casting: films of random bodies that do what somebody was recorded doing, before random cameras.

A scene is drawn from one random generator and holds everything that decides its pictures, so that a seed is a film.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.ndimage import gaussian_filter

from ..camera import apply, intrinsics, inverse, look_at, project
from ..jobs import MotionLiftError
from ..motion import Motion
from ..rotation import Array, forward_kinematics, rotate
from ..skeleton import ANIMATION_21, body_points
from .captured import perform_bvh
from .figure import Figure, build_figure
from .film import film
from .performance import Performance
from .renderer import Image, Light, render_clip
from .room import Room
from .stage import random_light, random_stage
from .wardrobe import patterned, random_look, random_rest

COARSENESS = 3.2
"""Of the figures' meshes: they are 170 to 450 px tall."""
SMALLEST = 170
"""Pixels: people whose median height in the picture is less are not cast."""
FASTEST = 15.0
"""Metres a second: a joint that moves faster is a fault of the recording."""
TRIES = 60

_SIZES = ((640, 480), (640, 360), (768, 432), (360, 640), (432, 768), (512, 512))
_SIZE_SHARES = (0.25, 0.30, 0.15, 0.12, 0.08, 0.10)
_RATES, _RATE_SHARES = (15, 24, 30), (0.6, 0.1, 0.3)
_CROPPED, _OCCLUDED = 0.12, 0.15


@dataclass(frozen=True)
class Finish:
    """What a camera does to a picture. `exposure` scales linear light; `blur` px: standard deviation of a Gaussian;
    `grain`: that of noise in [0, 255]; `quality`: x264's constant rate factor, None for no compression."""

    exposure: float = 1.0
    blur: float = 0.0
    grain: float = 0.0
    quality: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """A film to be shot. `truth` is the exact motion as its camera sees it; `rate` pictures a second."""

    truth: Motion
    rate: int
    figure: Figure
    room: Room
    light: Light
    finish: Finish


def cast(recordings: Sequence[Path], seconds: float, rng: np.random.Generator) -> Scene:
    """Draw a scene of at most `seconds`, moved by one of the BVH files.

    Raises `MotionLiftError` (`no_scene`) where after `TRIES` draws none could be filmed.
    """
    reasons: list[str] = []
    for _ in range(TRIES):
        draw = np.random.default_rng(rng.integers(2**63))
        try:
            return _draw(recordings, seconds, draw)
        except MotionLiftError as error:
            reasons.append(error.message)
    raise MotionLiftError(
        "no_scene",
        f"None of {TRIES} scenes drawn could be filmed; the last: {reasons[-1]}",
        "Use recordings of people who stay within a few metres.",
    )


def _draw(recordings: Sequence[Path], seconds: float, rng: np.random.Generator) -> Scene:
    rate = int(rng.choice(_RATES, p=_RATE_SHARES))
    size = _SIZES[int(rng.choice(len(_SIZES), p=_SIZE_SHARES))]
    recording = recordings[int(rng.integers(len(recordings)))]
    whole = perform_bvh(recording, rate, rest=random_rest(rng))
    performance = _stretch(whole, round(seconds * rate), rng)
    if _speed(performance, rate) > FASTEST:
        raise MotionLiftError("broken_recording", f"{recording.name} jumps.", "Use another recording.")
    camera_K = intrinsics(size, float(np.exp(rng.uniform(np.log(32), np.log(88)))))
    cropped = rng.uniform() < _CROPPED
    eye, target = place_camera(
        performance,
        camera_K,
        size,
        azimuth=float(rng.uniform(-np.pi, np.pi)),
        pitch=float(np.clip(np.radians(rng.normal(6, 14)), np.radians(-14), np.radians(50))),
        filled=float(rng.uniform(1.2, 1.7) if cropped else rng.uniform(0.6, 1.0)),
        aside=rng.uniform(-1.0, 1.0, 2),
    )
    source = {"file": recording.name, "synthetic": True}
    truth = film(performance, eye, target, camera_K, size, source, roll=float(np.radians(rng.normal(0, 3))))
    tall = float(np.median(np.ptp(truth.keypoints_2d, axis=1).max(-1)))
    if tall < SMALLEST:
        raise MotionLiftError("too_far", f"The figure of {recording.name} is {tall:.0f} px tall.", "Film it closer.")
    look = random_look(rng)
    figure = patterned(build_figure(performance.rest_offsets, look, COARSENESS), look, rng)
    occluded = rng.uniform() < _OCCLUDED
    room = random_stage(rng, truth.world_from_camera[0, :3, 3], truth.root_translation, occluded)
    return Scene(truth, rate, figure, room, random_light(rng), _random_finish(rng))


def _stretch(performance: Performance, frames: int, rng: np.random.Generator) -> Performance:
    """`frames` of a performance, from a random one on; all of it where it is shorter."""
    first = int(rng.integers(max(len(performance.times) - frames, 0) + 1))
    part = slice(first, first + frames)
    return Performance(
        performance.times[part] - performance.times[first],
        performance.rest_offsets,
        performance.rest_tails,
        performance.root_translation[part],
        performance.local_rotations[part],
        performance.contacts[part],
    )


def _body(performance: Performance) -> Array:
    """`BODY_26` points (F, 26, 3) m in the performance's world."""
    joints, rotations = forward_kinematics(
        ANIMATION_21.parents, performance.rest_offsets, performance.root_translation, performance.local_rotations
    )
    return body_points(joints, rotations, performance.rest_offsets)


def _speed(performance: Performance, rate: int) -> float:
    """The fastest joint's speed, m/s."""
    steps = np.linalg.norm(np.diff(_body(performance), axis=0), axis=-1)
    return float(steps.max() * rate) if len(steps) else 0.0


def place_camera(
    performance: Performance,
    camera_K: Array,
    image_size: tuple[int, int],
    azimuth: float,
    pitch: float,
    filled: float,
    aside: Array,
) -> tuple[Array, Array]:
    """An eye and a target (3,) as near as that the whole performance takes up `filled` of the picture's half sizes at
    most; above 1 some of it lies outside.

    `azimuth` rad: 0 looks at where the first pelvis faces in plan; `pitch` rad: down where positive, lowered where the
    eye would come below 0.2 m. `aside` (2,) in [-1, 1]: how much of the room left over to either side is used.
    Raises `MotionLiftError` (`too_far`) where that takes more than 20 m.
    """
    pad = np.array(list(itertools.product((-0.12, 0.12), repeat=3)))
    points = (_body(performance)[::4, :, None] + pad).reshape(-1, 3)
    centre = 0.5 * (points.min(0) + points.max(0))
    front = rotate(performance.local_rotations[0, 0], np.array([0.0, -1.0, 0.0]))
    bearing = np.arctan2(front[1], front[0]) + azimuth
    half = 0.5 * np.array(image_size)
    for distance in np.geomspace(1.0, 20.0, 90):
        lowest = np.arcsin(np.clip((0.2 - centre[2]) / distance, -1.0, 1.0))
        rise = max(pitch, float(lowest))
        away = np.array([np.cos(bearing) * np.cos(rise), np.sin(bearing) * np.cos(rise), np.sin(rise)])
        eye = centre + distance * away
        seen = apply(inverse(look_at(eye, centre)), points)
        if seen[:, 2].min() < 0.4:
            continue
        pixels = (project(seen, camera_K) - half) / half
        extent = np.abs(pixels).max(0)
        if extent.max() <= filled:
            room = np.maximum(1.0 - extent, 0.0) * aside * half / np.array([camera_K[0, 0], camera_K[1, 1]])
            look = look_at(eye, centre)
            return eye, centre + distance * (look[:3, 0] * room[0] + look[:3, 1] * room[1])
    raise MotionLiftError(
        "too_far", "The figure travels too far for one still camera.", "Film a shorter stretch, or use a wider lens."
    )


def _random_finish(rng: np.random.Generator) -> Finish:
    return Finish(
        exposure=float(np.exp(rng.normal(0.0, 0.25))),
        blur=float(rng.choice([0.0, rng.uniform(0.4, 1.3)], p=[0.8, 0.2])),
        grain=float(rng.choice([0.0, rng.uniform(1.0, 9.0)], p=[0.7, 0.3])),
        quality=None if rng.uniform() < 0.3 else int(rng.integers(20, 37)),
        seed=int(rng.integers(2**31)),
    )


def pictures(scene: Scene) -> Iterator[Image]:
    """The scene's pictures (H, W, 3), sRGB, one a frame of its truth.

    Raises `MotionLiftError` where OpenGL or H.264 are not to be had.
    """
    frames = render_clip(scene.truth, light=scene.light, room=scene.room, figure=scene.figure, quick=True)
    finished = _finished(frames, scene.finish)
    if scene.finish.quality is None:
        return finished
    return recompressed(finished, scene.rate, scene.truth.image_size, scene.finish.quality)


def _finished(frames: Iterable[Image], finish: Finish) -> Iterator[Image]:
    rng = np.random.default_rng(finish.seed)
    for frame in frames:
        picture = frame.astype(np.float32) * np.float32(finish.exposure ** (1 / 2.2))
        if finish.blur:
            picture = gaussian_filter(picture, (finish.blur, finish.blur, 0))
        if finish.grain:
            picture = picture + np.float32(finish.grain) * rng.standard_normal(picture.shape, np.float32)
        yield np.clip(np.round(picture), 0, 255).astype(np.uint8)


def recompressed(frames: Iterable[Image], rate: int, size: tuple[int, int], quality: int) -> Iterator[Image]:
    """Frames (H, W, 3) through H.264 and back, in memory; width and height must be even.

    Raises `MotionLiftError` (`no_h264`).
    """
    try:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = size[0], size[1], "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, rate), Fraction(rate)
        encoder.options = {"crf": str(quality), "preset": "veryfast", "threads": "1"}
        decoder = av.CodecContext.create("h264", "r")
        decoder.thread_count = 1
        packets = itertools.chain.from_iterable(
            encoder.encode(picture) for picture in itertools.chain(map(_video_frame, itertools.count(), frames), [None])
        )
        for packet in itertools.chain(packets, [None]):
            for decoded in decoder.decode(packet):
                picture: Image = decoded.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                yield picture
    except (av.FFmpegError, ValueError) as error:
        raise MotionLiftError(
            "no_h264", f"The pictures could not be encoded: {error}.", "Install a build of PyAV with libx264."
        ) from error


def _video_frame(index: int, picture: Image) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture, "rgb24")
    frame.pts = index
    return frame
