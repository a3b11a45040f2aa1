"""A detector that errs as MediaPipe does: what happens to true points before the network sees them in training.

How much each joint errs was measured on films of random people (`detector_errors`, `mediapipe_errors.json`):

- a landmark sits beside our joint, always in the same place (`skeleton.LANDMARK_OFFSETS_MM`); over a clip it keeps a
  further offset of 14 mm at the body;
- around that it wanders by 15 mm, hands by 20, correlated over 0.2 to 0.4 s;
- limbs that are hidden are guessed: a tenth of the knees and a fifth of the hands are off by more than 8 cm, and
  reported with half the confidence;
- films differ: in half of the windows everything is well in view and hardly a limb is guessed, and errors of one window
  are two thirds or one and a half times those of another;
- MediaPipe's own depths are those of a flatter figure that is tilted by 7 degrees and turned by 13, at random, which is
  most of their error (`depth_errors`); and bones are off by 0.1 to 0.3 of their length besides, half of that steadily.
  What is left of neighbouring bones hardly correlates, so that of joints adds up along the limbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..skeleton import (
    BODY_26,
    INTERPOLATED,
    REFERENCE_HEIGHT,
    landmark_offsets,
    reference_rest,
    rest_points,
)
from .bodies import bone_frames
from .depth_errors import RIDGE, DepthErrors
from .detector_errors import OUTLIER, DetectorErrors


@dataclass(frozen=True)
class NoiseModel:
    """Sizes at the body in metres, of one 1.70 m tall, as means over the joints; a share of 1 is as measured.

    `offsets`: share of the landmarks' mean places; `place`: spread of a window's places around those; `wander`:
    spread of what is correlated over `wander_s`, and `jitter` of what is not, all three larger or smaller from window
    to window by `ease`, a logarithm's spread; `outlier_share` of a window's points are off by up to `outlier`;
    `lost_share` of the windows' limbs are out of sight, and their ends guessed with a spread of `lost`: nearly all of
    them in windows that are not clear, `clear_share` are; `swapped_legs_share` of windows have the legs the wrong way
    round; `depth`: share of the depth cue's errors, correlated over `depth_s`; `slope`: spread of its bones' slopes;
    `doubt`: share of what the reported confidence tells of an error, the rest is chance.
    """

    offsets: float = 1.0
    place: float = 0.010
    wander: float = 0.012
    wander_s: float = 0.28
    jitter: float = 0.002
    ease: float = 0.4
    outlier_share: float = 0.01
    outlier: float = 0.20
    lost_share: float = 0.12
    lost: float = 0.15
    clear_share: float = 0.6
    swapped_legs_share: float = 0.015
    depth: float = 1.0
    depth_s: float = 0.3
    slope: float = 0.1
    doubt: float = 1.0

    @staticmethod
    def none() -> NoiseModel:
        """A perfect detector of our own joints."""
        sizes = dict.fromkeys((field.name for field in fields(NoiseModel)), 0.0)
        return NoiseModel(**sizes | {"wander_s": 1.0, "depth_s": 1.0})


LOST_WHERE_CLEAR = 0.15
"""Of the usual share of limbs that are guessed, what is left where the figure is well in view."""


class Seen(NamedTuple):
    """What a detector reports of windows of T frames: `rays` (B, T, 26, 2), x/z and y/z; `confidence` (B, T, 26) in
    [0, 1]; `depth` (B, T, 26) m behind the pelvis, its own guess."""

    rays: Tensor
    confidence: Tensor
    depth: Tensor


def observe(
    rays: Tensor, joints_camera: Tensor, noise: NoiseModel, generator: torch.Generator, interval_s: float = 1 / 15
) -> Seen:
    """What a detector that errs like `noise` reports of true joints, seen at exact `rays` (B, T, 26, 2).

    `joints_camera` (B, T, 26, 3) m: root-relative, x right, y down, z forward; frames `interval_s` apart.
    """
    metre = (_height_seen(rays, joints_camera) / REFERENCE_HEIGHT)[:, None, None, None]
    beside = landmarks(joints_camera, noise, generator) - joints_camera
    seen = disturb(rays + metre * beside[..., :2], joints_camera, noise, interval_s, generator)
    depth = depth_cue(joints_camera, noise, interval_s, generator)
    return Seen(seen, confidence(seen - rays, joints_camera, rays, noise, generator), depth)


def confidence(
    errors: Tensor, joints_camera: Tensor, rays: Tensor, noise: NoiseModel, generator: torch.Generator
) -> Tensor:
    """What a detector says of points (B, T, 26) whose rays are off by `errors` (B, T, 26, 2): in [0, 1]."""
    metre = (_height_seen(rays, joints_camera) / REFERENCE_HEIGHT)[:, None, None]
    wrong = (errors.norm(dim=-1) / metre / OUTLIER).clamp(0, 1)
    sure, unsure = _CONFIDENCE.to(rays), _CONFIDENCE_OFF.to(rays)
    batch, frames, joints = wrong.shape
    chance = 0.10 * _normal(generator, rays, batch, 1, joints) + 0.05 * _normal(generator, rays, batch, frames, joints)
    said = sure - (sure - unsure) * wrong - chance.abs()
    told: Tensor = (1 - noise.doubt * (1 - said)).clamp(0.02, 1.0)
    return told


def landmarks(points: Tensor, noise: NoiseModel, generator: torch.Generator) -> Tensor:
    """Where a detector sees windows of points (B, T, 26, 3) m: beside them, each fixed to its bone."""
    frames = bone_frames(points)
    spread = noise.place * _PLACE.to(points)[:, None] * _ease(noise, points, generator)
    places = noise.offsets * _OFFSETS.to(points) + spread * _normal(generator, points, len(points), len(BODY_26), 3)
    return points + (frames * places[:, None, :, None]).sum(-1)


def disturb(
    rays: Tensor, joints_camera: Tensor, noise: NoiseModel, interval_s: float, generator: torch.Generator
) -> Tensor:
    """Rays (B, T, 26, 2) as a detector would report them, frames `interval_s` apart; interpolated joints are
    interpolated again. `joints_camera` (B, T, 26, 3), root-relative, gives the body's size in the picture."""
    batch, frames, joints, _ = rays.shape
    metre = (_height_seen(rays, joints_camera) / REFERENCE_HEIGHT)[:, None, None, None]
    # Windows differ in how lively a detector is: some clips shake.
    lively = _ease(noise, rays, generator)[..., None]
    keep = math.exp(-interval_s / noise.wander_s)
    wander = noise.wander * _WANDER.to(rays)[:, None] * _correlated((batch, frames, joints, 2), keep, generator, rays)
    jitter = noise.jitter * _normal(generator, rays, batch, frames, joints, 2)
    outlier = (_uniform(generator, rays, batch, 1, joints, 1) < noise.outlier_share).float()
    wild = outlier * noise.outlier * (2 * _uniform(generator, rays, batch, 1, joints, 2) - 1)
    # A limb that is out of sight goes elsewhere as a whole, its end farthest.
    clear = _uniform(generator, rays, batch, 1, 1, 1) < noise.clear_share
    lost_else = (1 - LOST_WHERE_CLEAR * noise.clear_share) / max(1 - noise.clear_share, 1e-3)
    share = torch.where(clear, LOST_WHERE_CLEAR, lost_else)
    lost = (_uniform(generator, rays, batch, 1, len(_LIMBS), 1) < noise.lost_share * share).float()
    guessed = noise.lost * lost * _correlated((batch, frames, len(_LIMBS), 2), math.sqrt(keep), generator, rays)
    guessed = torch.einsum("lj,btlc->btjc", _LIMBS.to(rays), guessed)
    seen = rays + metre * (lively * (wander + jitter) + wild + guessed)
    swap = (_uniform(generator, rays, batch, 1, 1, 1) < noise.swapped_legs_share).expand_as(seen)
    seen = torch.where(swap, seen[:, :, _LEGS_SWAPPED.to(rays.device)], seen)
    return interpolated(seen)


def depth_cue(joints_camera: Tensor, noise: NoiseModel, interval_s: float, generator: torch.Generator) -> Tensor:
    """MediaPipe's own depths (B, T, 26) m from the pelvis, of true joints (B, T, 26, 3) m in the camera's frame."""
    batch, frames, joints, _ = joints_camera.shape
    keep = math.exp(-interval_s / noise.depth_s)
    bones = joints_camera - joints_camera[:, :, BODY_26.bone_starts]
    length = bones.norm(dim=-1).mean(1, keepdim=True)
    slope, bias, steady, wandering = _BONE_DEPTHS.to(joints_camera).unbind(-1)
    slopes = noise.depth * slope + noise.slope * _normal(generator, bones, batch, 1, joints)
    correlated = _correlated((batch, frames, joints), keep, generator, bones)
    error = bias + steady * _normal(generator, bones, batch, 1, joints) + wandering * correlated
    beyond = slopes * bones[..., 2] + noise.depth * length * error
    mean, between, within = _FIGURE_DEPTHS.to(joints_camera).unbind(-1)
    figure = mean + between * _normal(generator, bones, batch, 1, 3)
    figure = figure + within * _correlated((batch, frames, 3), keep, generator, bones)
    exact = figure.new_tensor((1.0, 0.0, 0.0))
    figure = exact + noise.depth * (figure - exact)
    # What bones are off by tells nothing of the figure's slopes: that is how both were measured.
    axes = joints_camera.flip(-1)
    beyond = torch.einsum("ij,btj->bti", _CHAIN.to(beyond), beyond)
    squares = axes.mT @ axes + RIDGE * torch.eye(3).to(axes)
    figure = figure - torch.linalg.solve(squares, torch.einsum("btji,btj->bti", axes, beyond))
    return torch.einsum("btk,btjk->btj", figure, axes) + beyond


def interpolated(points: Tensor) -> Tensor:
    """`skeleton.interpolate_body` for tensors (..., 26, D)."""
    return torch.einsum("ij,...jd->...id", _INTERPOLATION.to(points), points)


def _ease(noise: NoiseModel, like: Tensor, generator: torch.Generator) -> Tensor:
    """How much larger than usual the errors of each window are (B, 1, 1)."""
    return (noise.ease * _normal(generator, like, len(like), 1, 1)).exp()


def _correlated(shape: tuple[int, ...], keep: float, generator: torch.Generator, like: Tensor) -> Tensor:
    """Normal noise of spread 1 whose values along the second axis correlate by `keep` from one to the next."""
    fresh = _normal(generator, like, *shape)
    values = [fresh[:, 0]]
    for index in range(1, shape[1]):
        values.append(keep * values[-1] + math.sqrt(1 - keep**2) * fresh[:, index])
    return torch.stack(values, 1)


def _normal(generator: torch.Generator, like: Tensor, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, device=like.device)


def _uniform(generator: torch.Generator, like: Tensor, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator, device=like.device)


def _height_seen(rays: Tensor, joints_camera: Tensor) -> Tensor:
    """The body's standing height (B,) in ray units: the ratio of the spreads in the picture and in space."""
    flat = rays - rays.mean(2, keepdim=True)
    solid = joints_camera[..., :2] - joints_camera[..., :2].mean(2, keepdim=True)
    ratio = flat.square().sum((1, 2, 3)) / solid.square().sum((1, 2, 3)).clamp_min(1e-6)
    return REFERENCE_HEIGHT * ratio.sqrt()


def _interpolation() -> Tensor:
    matrix = torch.eye(len(BODY_26))
    for joint, sources in INTERPOLATED.items():
        matrix[BODY_26.index(joint)] = 0.0
        for source, weight in sources.items():
            matrix[BODY_26.index(joint), BODY_26.index(source)] = weight
    return matrix


def _legs_swapped() -> Tensor:
    legs = ("hip", "knee", "ankle", "heel", "toe_tip")
    return torch.tensor(
        [BODY_26.mirror[i] if name.split("_", 1)[-1] in legs else i for i, name in enumerate(BODY_26.joints)]
    )


def _limbs() -> Tensor:
    """(4, 26): of each arm and each leg, how far a point moves when the limb's end is misplaced."""
    limbs = torch.zeros(4, len(BODY_26))
    reach = {
        "elbow": 0.6,
        "wrist": 1.0,
        "index": 1.1,
        "pinky": 1.1,
        "knee": 0.6,
        "ankle": 1.0,
        "heel": 1.0,
        "toe_tip": 1.1,
    }
    for row, (side, names) in enumerate(
        (side, names)
        for side in ("left", "right")
        for names in (("elbow", "wrist", "index", "pinky"), ("knee", "ankle", "heel", "toe_tip"))
    ):
        for name in names:
            limbs[row, BODY_26.index(f"{side}_{name}")] = reach[name]
    return limbs


def _measured(figure: str, relative: bool = False) -> Tensor:
    """A figure of `JointErrors` (26,), sides averaged; `relative` to the joints' mean."""
    values = _ERRORS.of_joints(figure)
    values = (values + values[BODY_26.mirror]) / 2
    return torch.from_numpy(values / values.mean() if relative else values).float()


def _offsets_in_frames() -> Tensor:
    """The landmarks' mean offsets (26, 3) m in the axes of `bone_frames`: at rest, joints' axes are the world's."""
    rest = torch.from_numpy(rest_points(reference_rest()[0])).float()
    frames = bone_frames(rest[None, None])[0, 0]
    return (frames * torch.from_numpy(landmark_offsets()).float()[..., None]).sum(-2)


def _bone_depths(depths: DepthErrors) -> Tensor:
    """(26, 4): the `BoneDepth` of the bone at each joint, sides averaged; zero for the root."""
    values = torch.tensor([depths.bones.get(name, (0.0, 0.0, 0.0, 0.0)) for name in BODY_26.joints])
    return (values + values[list(BODY_26.mirror)]) / 2


def _chain() -> Tensor:
    """(26, 26): row j is 1 at j and all that it hangs from but the root."""
    chain = torch.zeros(len(BODY_26), len(BODY_26))
    for joint, parent in enumerate(BODY_26.parents):
        if parent >= 0:
            chain[joint] = chain[parent]
            chain[joint, joint] = 1.0
    return chain


_INTERPOLATION = _interpolation()
_LEGS_SWAPPED = _legs_swapped()
_LIMBS = _limbs()
_OFFSETS = _offsets_in_frames()
_ERRORS = DetectorErrors.load(Path(__file__).with_name("mediapipe_errors.json"))
_PLACE, _WANDER = _measured("place_mm", relative=True), _measured("wander_mm", relative=True)
_CONFIDENCE, _CONFIDENCE_OFF = _measured("confidence"), _measured("confidence_off")
assert _ERRORS.depths is not None
_FIGURE_DEPTHS, _BONE_DEPTHS = torch.tensor(_ERRORS.depths.figure), _bone_depths(_ERRORS.depths)
_CHAIN = _chain()
