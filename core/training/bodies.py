"""Bodies that nobody was recorded with: bone lengths and landmark places varied, on the device, per window."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional

from ..skeleton import BODY_26, REFERENCE_HEIGHT, reference_rest, rest_points

LENGTH_SPREAD = 0.09
"""Standard deviation of the log of a bone's length, left = right."""
PLACE_SPREAD = 0.012
"""Standard deviation in metres of where a rigid point (nose, ear, knuckle, heel, toe) sits on its bone."""

# Bones that share one factor: named by the joint at their end.
_GROUPS = (
    ("spine", "neck"),
    ("nose",),
    ("left_ear", "right_ear"),
    ("left_shoulder", "right_shoulder"),
    ("left_elbow", "right_elbow"),
    ("left_wrist", "right_wrist"),
    ("left_index", "right_index", "left_pinky", "right_pinky"),
    ("left_hip", "right_hip"),
    ("left_knee", "right_knee"),
    ("left_ankle", "right_ankle"),
    ("left_heel", "right_heel", "left_toe_tip", "right_toe_tip"),
)
_RIGID = BODY_26.indices(
    "nose", "left_ear", "right_ear", "left_index", "left_pinky", "right_index", "right_pinky",
    "left_heel", "left_toe_tip", "right_heel", "right_toe_tip",
)  # fmt: skip


def vary_bodies(points: Tensor, generator: torch.Generator) -> Tensor:
    """Windows (B, T, 26, 3) m with other bone lengths, scaled back to `REFERENCE_HEIGHT`.

    Each window is one body: one factor a bone group, left = right, and the rigid points moved within their
    bone's frame. The pelvis stays where it was.
    """
    batch = len(points)
    factors = torch.ones(batch, len(BODY_26), device=points.device)
    for group in _GROUPS:
        drawn = (torch.randn(batch, 1, generator=generator, device=points.device) * LENGTH_SPREAD).exp()
        factors[:, BODY_26.indices(*group)] = drawn
    places = torch.zeros(batch, len(BODY_26), 3, device=points.device)
    places[:, _RIGID] = PLACE_SPREAD * torch.randn(batch, len(_RIGID), 3, generator=generator, device=points.device)
    varied = _rebuilt(points, factors, places)
    scale = REFERENCE_HEIGHT / stature(varied)
    root = points[:, :, :1]
    return root + (varied - root) * scale[:, None, None, None]


def stature(points: Tensor) -> Tensor:
    """The standing height (B,) in metres of bodies of which windows (B, T, 26, 3) are given in any pose.

    Legs, torso and neck are measured along the bones in the first frame and compared with the reference body's.
    """
    return _chain_length(points[:, 0]) * (REFERENCE_HEIGHT / _reference_chain())


def _chain_length(points: Tensor) -> Tensor:
    def between(a: str, b: str) -> Tensor:
        distance: Tensor = (points[:, BODY_26.index(a)] - points[:, BODY_26.index(b)]).norm(dim=-1)
        return distance

    legs = [between(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right") for a, b in (("hip", "knee"), ("knee", "ankle"))]
    ears = points[:, BODY_26.indices("left_ear", "right_ear")].mean(1)
    head = torch.linalg.vector_norm(ears - points[:, BODY_26.index("neck")], dim=-1)
    chain: Tensor = torch.stack(legs).sum(0) / 2 + between("pelvis", "spine") + between("spine", "neck") + head
    return chain


@functools.cache
def _reference_chain() -> float:
    return float(_chain_length(torch.from_numpy(rest_points(reference_rest()[0]))[None])[0])


def _rebuilt(points: Tensor, factors: Tensor, places: Tensor) -> Tensor:
    """The tree put together again from scaled bones, rigid points shifted by `places` in their bone's frame."""
    frames = _bone_frames(points)
    built: list[Tensor] = []
    for joint, parent in enumerate(BODY_26.parents):
        if parent < 0:
            built.append(points[:, :, joint])
            continue
        bone = (points[:, :, joint] - points[:, :, parent]) * factors[:, None, joint, None]
        if joint in _RIGID:
            bone = bone + (frames[joint] * places[:, None, joint, None, :]).sum(-1)
        built.append(built[parent] + bone)
    return torch.stack(built, 2)


def _bone_frames(points: Tensor) -> dict[int, Tensor]:
    """Rotation matrices (B, T, 3, 3) of the head, hands and feet, by the rigid joints they carry."""

    def at(name: str) -> Tensor:
        return points[:, :, BODY_26.index(name)]

    def frame(x: Tensor, y: Tensor) -> Tensor:
        x = functional.normalize(x, dim=-1)
        y = functional.normalize(y - x * (x * y).sum(-1, keepdim=True), dim=-1)
        return torch.stack([x, y, torch.linalg.cross(x, y)], -1)

    middle = (at("left_ear") + at("right_ear")) / 2
    frames = {"nose": frame(at("left_ear") - at("right_ear"), at("nose") - middle)}
    frames["left_ear"] = frames["right_ear"] = frames["nose"]
    for side in ("left", "right"):
        knuckles = (at(f"{side}_index") + at(f"{side}_pinky")) / 2
        hand = frame(knuckles - at(f"{side}_wrist"), at(f"{side}_index") - at(f"{side}_pinky"))
        foot = frame(at(f"{side}_toe_tip") - at(f"{side}_heel"), at(f"{side}_ankle") - at(f"{side}_heel"))
        frames |= {f"{side}_index": hand, f"{side}_pinky": hand, f"{side}_heel": foot, f"{side}_toe_tip": foot}
    return {BODY_26.index(name): value for name, value in frames.items()}
