"""What every data set becomes: takes seen by one camera each, joints in its picture and in its frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...lifting.graph import JOINT_SETS
from ...rotation import Bools
from ...skeleton import JointSet
from .archives import Tree, bad_data_set
from .calibration import Lens, screen_coordinates

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """One take in one camera, F frames of N joints.

    `screen` (F, N, 2): joints in the picture, x / width * 2 - 1 and y / width * 2 - height / width, the paper's
    normalisation; `rays` (F, N, 2): x/z and y/z in the camera's frame; `joints_camera` (F, N, 3): m from the root, the
    first joint; `root_depth` (F,): m from the camera; `valid` (F,): where the truth can be trusted. `width`: of the
    picture in pixels.
    """

    subject: str
    action: str
    camera: str
    width: float
    screen: Floats
    rays: Floats
    joints_camera: Floats
    root_depth: Floats
    valid: Bools

    def __len__(self) -> int:
        return len(self.screen)

    def disturbed(self, pixels: float, seed: int) -> Recording:
        """The same with normal noise of that many pixels in the picture, as in the paper's test of noise."""
        noise = np.random.default_rng(seed).normal(scale=pixels * 2 / self.width, size=self.screen.shape)
        # Rays are an affine map of the screen but for the lens's distortion, which is smooth: scaled alike.
        scale = self.rays.std((0, 1)) / np.maximum(self.screen.std((0, 1)), 1e-9)
        return replace(
            self,
            screen=(self.screen + noise).astype(np.float32),
            rays=(self.rays + noise * scale).astype(np.float32),
        )


@dataclass(frozen=True)
class PoseData:
    """A data set as a protocol splits it; `joint_set` names a set of `JOINT_SETS`; `fps`: the frames' rate, for the
    record; `average`: over what the protocol's mean goes, see `scores.AVERAGES`."""

    name: str
    joint_set: str
    fps: float
    average: Literal["actions", "frames"]
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]

    @property
    def joints(self) -> JointSet:
        return JOINT_SETS[self.joint_set]

    def of_actions(self, actions: tuple[str, ...]) -> PoseData:
        """The same, trained on some actions only."""
        return replace(self, train=tuple(r for r in self.train if r.action in actions))


def make_recording(
    subject: str,
    action: str,
    camera: str,
    size: tuple[int, int],
    lens: Lens,
    pixels: NDArray[np.floating[Any]],
    points_camera: NDArray[np.floating[Any]],
    valid: Bools | None = None,
) -> Recording:
    """A recording of joints at `pixels` (F, N, 2) of a picture of `size`, and in the camera's frame (F, N, 3) m."""
    return Recording(
        subject,
        action,
        camera,
        float(size[0]),
        screen_coordinates(pixels, size).astype(np.float32),
        lens.rays(np.asarray(pixels, float)).astype(np.float32),
        (points_camera - points_camera[:, :1]).astype(np.float32),
        points_camera[:, 0, 2].astype(np.float32),
        np.ones(len(pixels), bool) if valid is None else valid,
    )


def checked_dict(path: Path, what: str, value: Tree) -> dict[str, Tree]:
    """`value`, which should be a dictionary by name. Raises `MotionLiftError` (`bad_data_set`)."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value) or not value:
        raise bad_data_set(path, f"{what} as a dictionary by name", _described(value))
    return value


def checked_array(path: Path, what: str, value: Tree, *shape: int) -> NDArray[np.floating[Any]]:
    """`value`, which should be finite numbers (F, *shape). Raises `MotionLiftError` (`bad_data_set`)."""
    expected = f"{what} as (frames, {', '.join(map(str, shape))})"
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu" or value.shape[1:] != shape:
        raise bad_data_set(path, expected, _described(value))
    if not np.isfinite(value).all():
        raise bad_data_set(path, f"{what} in finite numbers", "NaN or infinity")
    return value


def _described(value: Tree) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, dict):
        return f"a dictionary of {len(value)} keys such as {next(iter(value), 'none')!r}"
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, list | tuple) else "")
