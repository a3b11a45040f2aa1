"""Rendering a figure in a room with OpenGL, off screen (EGL): a GPU's, or Mesa's software rasteriser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..camera import inverse, look_at, rigid
from ..jobs import MotionLiftError
from ..motion import Motion
from ..rotation import Array, forward_kinematics
from .figure import Figure, Look, build_figure
from .room import Room, build_room
from .shaders import BONES, COLOUR_FRAGMENT, COLOUR_VERTEX, SHADOW_FRAGMENT, SHADOW_VERTEX

NEAR, FAR = 0.1, 60.0
SHADOW_PIXELS = 2048
SHADOW_REACH = 1.7
"""Half the side in metres of the square about the figure that casts shadows."""
SUN_DISTANCE = 6.0

Image = NDArray[np.uint8]
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """`to_sun`: direction in the world, any length; colours in linear light, 1 being white: the sun's, the sky's (as a
    factor on what comes from all sides) and, sRGB, what is seen where there is no wall."""

    to_sun: Vector = (0.45, -0.55, 0.85)
    sun: Vector = (1.15, 1.08, 0.98)
    sky: Vector = (1.0, 1.0, 1.0)
    background: Vector = (0.70, 0.72, 0.74)


def clip_from_camera(camera_K: Array, size: tuple[int, int]) -> Array:
    """OpenGL's projection (4, 4) for intrinsics (3, 3) and a picture of `size` (width, height) pixels."""
    width, height = size
    return np.array(
        [
            [2 * camera_K[0, 0] / width, 0, 2 * camera_K[0, 2] / width - 1, 0],
            [0, -2 * camera_K[1, 1] / height, 1 - 2 * camera_K[1, 2] / height, 0],
            [0, 0, (FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)],
            [0, 0, 1, 0],
        ]
    )


def create_context() -> Any:
    """An off-screen OpenGL 3.3 context. Raises `MotionLiftError` (`no_moderngl`, `no_opengl`)."""
    try:
        import moderngl
    except ImportError as error:
        raise MotionLiftError(
            "no_moderngl", "Rendering needs moderngl, which is not installed.", 'Run: pip install "motionlift[render]".'
        ) from error
    failures: list[Exception] = []
    attempts: tuple[dict[str, Any], ...] = ({"backend": "egl"}, {})
    for options in attempts:
        try:
            return moderngl.create_context(standalone=True, require=330, **options)
        # moderngl raises bare `Exception` from its loader, besides ImportError and OSError for missing libraries.
        except Exception as error:  # noqa: BLE001
            failures.append(error)
    raise MotionLiftError(
        "no_opengl",
        f"OpenGL 3.3 could not be started: {'; '.join(map(str, failures))}.",
        "Install a graphics driver; on Linux without a display the Mesa packages libegl1 and libgl1-mesa-dri do.",
    ) from failures[-1]


class Renderer:
    """Draws one figure in one room at one size. A context manager: leaving it frees the graphics memory."""

    def __init__(
        self,
        figure: Figure,
        room: Room,
        size: tuple[int, int],
        light: Light | None = None,
        quick: bool = False,
    ) -> None:
        """`quick`: the camera stands still, the room is drawn once, nothing throws a shadow and edges are jagged: on a
        processor five times as fast."""
        self.figure, self.size, self.light = figure, size, light or Light()
        self._to_sun = np.array(self.light.to_sun) / np.linalg.norm(self.light.to_sun)
        self._context = context = create_context()
        self._colour = context.program(COLOUR_VERTEX, COLOUR_FRAGMENT)
        self._shadow = context.program(SHADOW_VERTEX, SHADOW_FRAGMENT)
        joint, weight = np.zeros((len(room.vertices), 4), np.int64), np.tile([1.0, 0, 0, 0], (len(room.vertices), 1))
        bones, weights = figure.bones, figure.weights
        self._body = self._upload(figure, bones, weights, figure.triangles, self._colour)
        self._caster = self._upload(figure, bones, weights, figure.triangles, self._shadow)
        self._floor = self._upload(room, joint, weight, room.triangles[:2], self._colour)
        self._walls = self._upload(room, joint, weight, room.triangles[2:], self._colour)
        samples = 0 if quick else 4
        self._samples, self._empty = (
            context.framebuffer(
                [context.renderbuffer(size, 4, samples=samples)], context.depth_renderbuffer(size, samples=samples)
            )
            for _ in range(2)
        )
        self._quick, self._room_drawn = quick, False
        self._picture = context.framebuffer([context.renderbuffer(size, 4)])
        self._depth = context.depth_texture((SHADOW_PIXELS, SHADOW_PIXELS))
        self._depth.compare_func = ""
        self._shadow_map = context.framebuffer(depth_attachment=self._depth)
        context.enable(context.DEPTH_TEST)

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.release()

    def _upload(
        self, mesh: Figure | Room, joints: NDArray[np.int64], weights: Array, triangles: NDArray[np.int64], program: Any
    ) -> Any:
        channels = [
            ("position", "3f", mesh.vertices), ("normal", "3f", mesh.normals), ("colour", "3f", mesh.colours),
            ("joint", "4u1", joints), ("weight", "4f", weights),
        ]  # fmt: skip
        buffers = [
            (self._context.buffer(np.ascontiguousarray(v, "u1" if f == "4u1" else "f4").tobytes()), f, name)
            for name, f, v in channels
            if name in program
        ]
        indices = self._context.buffer(np.ascontiguousarray(triangles, "i4").tobytes())
        return self._context.vertex_array(program, buffers, indices)

    def render(self, joints: Array, rotations: Array, camera_K: Array, world_from_camera: Array) -> Image:
        """The picture (H, W, 3), sRGB, of a pose: joints (21, 3) m and rotations (21, 4) in the world."""
        bones = np.tile(np.eye(4), (BONES, 1, 1))
        bones[: len(joints)] = self.figure.skinning_matrices(joints, rotations)
        sun = self._sun_from_world(joints[0])
        clip = clip_from_camera(camera_K, self.size) @ inverse(world_from_camera)
        self._depth.use(0)
        _set(self._colour, "clip_from_world", clip)
        _set(self._colour, "sun_from_world", sun)
        self._colour["to_sun"].value = tuple(self._to_sun)
        self._colour["sunlight"].value = self.light.sun
        self._colour["skylight"].value = self.light.sky
        self._colour["eye"].value = tuple(world_from_camera[:3, 3])
        self._colour["shadows"].value = int(not self._quick)
        if self._quick and not self._room_drawn:
            self._draw_room(self._empty)
            self._room_drawn = True
        if self._quick:
            self._context.copy_framebuffer(self._samples, self._empty)
        else:
            self._draw_shadow(bones, sun)
            self._draw_room(self._samples)
        self._samples.use()
        self._colour["surface"].value = 0
        _set(self._colour, "bones", bones)
        self._context.enable(self._context.CULL_FACE)
        self._body.render()
        self._context.disable(self._context.CULL_FACE)
        picture = self._samples
        if not self._quick:
            picture = self._picture
            self._context.copy_framebuffer(picture, self._samples)
        rows = np.frombuffer(picture.read(components=3, alignment=1), np.uint8)
        return np.ascontiguousarray(rows.reshape(self.size[1], self.size[0], 3)[::-1])

    def _draw_shadow(self, bones: Array, sun: Array) -> None:
        _set(self._shadow, "bones", bones)
        _set(self._shadow, "sun_from_world", sun)
        self._shadow_map.clear()
        self._shadow_map.use()
        self._caster.render()

    def _draw_room(self, target: Any) -> None:
        target.use()
        target.clear(*self.light.background)
        _set(self._colour, "bones", np.tile(np.eye(4), (BONES, 1, 1)))
        for surface, vertices in ((1, self._walls), (2, self._floor)):
            self._colour["surface"].value = surface
            vertices.render()

    def _sun_from_world(self, pelvis: Array) -> Array:
        """An orthographic view (4, 4) from the sun onto the figure's surroundings."""
        target = np.array([pelvis[0], pelvis[1], 0.9])
        view = inverse(look_at(target + SUN_DISTANCE * self._to_sun, target))
        near = rigid(np.eye(3), np.array([0.0, 0.0, -SUN_DISTANCE]))
        sun: Array = np.diag([1 / SHADOW_REACH, 1 / SHADOW_REACH, 1 / SUN_DISTANCE, 1.0]) @ near @ view
        return sun


def _set(program: Any, name: str, matrices: Array) -> None:
    """OpenGL stores matrices by columns."""
    program[name].write(np.ascontiguousarray(np.swapaxes(matrices, -1, -2), "f4").tobytes())


def render_clip(
    motion: Motion,
    look: Look | None = None,
    size: tuple[int, int] | None = None,
    room_seed: int = 0,
    light: Light | None = None,
    room: Room | None = None,
    figure: Figure | None = None,
    quick: bool = False,
) -> Iterator[Image]:
    """The frames (H, W, 3), sRGB, of a motion as its own camera sees it.

    `size` (width, height) defaults to the motion's; another scales the picture. The figure is built on the motion's
    rest skeleton, which must be `ANIMATION_21`'s, and the room from `room_seed`, unless they are given; `quick`: see
    `Renderer`. Raises `MotionLiftError` when OpenGL is not to be had.
    """
    size = size or motion.image_size
    scale = np.diag([size[0] / motion.image_size[0], size[1] / motion.image_size[1], 1.0])
    joints, rotations = forward_kinematics(
        motion.parents, motion.rest_offsets, motion.root_translation, motion.local_rotations
    )
    room = room or build_room(motion.world_from_camera[:, :3, 3], motion.root_translation, room_seed)
    with Renderer(figure or build_figure(motion.rest_offsets, look), room, size, light, quick) as renderer:
        for frame in range(len(motion)):
            camera = min(frame, len(motion.camera_K) - 1), min(frame, len(motion.world_from_camera) - 1)
            yield renderer.render(
                joints[frame], rotations[frame], scale @ motion.camera_K[camera[0]], motion.world_from_camera[camera[1]]
            )
