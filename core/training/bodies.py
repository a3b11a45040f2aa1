"""Bodies that nobody was recorded with: bone lengths and landmark places varied, on the device, per window."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional

from ..skeleton import BODY_26, REFERENCE_HEIGHT, reference_rest, rest_points

LENGTH_SPREAD = 0.09
"""Standard deviation of the log of a bone's length, left = right."""
_Axes = tuple[tuple[tuple[str, ...], tuple[str, ...]], tuple[tuple[str, ...], tuple[str, ...]]]
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
    frames = bone_frames(points)
    built: list[Tensor] = []
    for joint, parent in enumerate(BODY_26.parents):
        if parent < 0:
            built.append(points[:, :, joint])
            continue
        bone = (points[:, :, joint] - points[:, :, parent]) * factors[:, None, joint, None]
        if joint in _RIGID:
            bone = bone + (frames[:, :, joint] * places[:, None, joint, None, :]).sum(-1)
        built.append(built[parent] + bone)
    return torch.stack(built, 2)


def bone_frames(points: Tensor) -> Tensor:
    """Rotation matrices (B, T, 26, 3, 3) of what carries each point: head, torso, forearms, shins and so on."""
    x, y = (_AXES.to(points) @ points).chunk(2, 2)
    x = functional.normalize(x, dim=-1)
    y = functional.normalize(y - x * (x * y).sum(-1, keepdim=True), dim=-1)
    frames = torch.stack([x, y, torch.linalg.cross(x, y)], -1)
    return frames[:, :, _FRAME_OF]


def _frame_table() -> tuple[Tensor, list[int]]:
    """First axes (K, 26), then second ones, of K frames: from the mean of some points to that of others; and the frame
    of each point."""
    ears = ("left_ear", "right_ear")
    frames: dict[str, _Axes] = {
        "head": ((("right_ear",), ("left_ear",)), (ears, ("nose",))),
        "torso": ((("right_shoulder",), ("left_shoulder",)), (("pelvis",), ("neck",))),
        "hips": ((("right_hip",), ("left_hip",)), (("pelvis",), ("spine",))),
    }
    carried = dict.fromkeys(("spine", "neck", "left_shoulder", "right_shoulder"), "torso")
    carried |= {"nose": "head", "left_ear": "head", "right_ear": "head"}
    carried |= dict.fromkeys(("pelvis", "left_hip", "right_hip"), "hips")
    for s in ("left", "right"):
        wrist, knuckles = (f"{s}_wrist",), (f"{s}_index", f"{s}_pinky")
        along_hand = ((f"{s}_pinky",), (f"{s}_index",))
        along_foot = ((f"{s}_heel",), (f"{s}_toe_tip",))
        frames[f"{s}_forearm"] = (((f"{s}_elbow",), wrist), along_hand)
        frames[f"{s}_hand"] = ((wrist, knuckles), along_hand)
        frames[f"{s}_shin"] = (((f"{s}_knee",), (f"{s}_ankle",)), along_foot)
        frames[f"{s}_foot"] = (along_foot, ((f"{s}_heel",), (f"{s}_ankle",)))
        carried |= {f"{s}_elbow": f"{s}_forearm", f"{s}_knee": f"{s}_shin"}
        carried |= {f"{s}_{point}": f"{s}_hand" for point in ("wrist", "index", "pinky")}
        carried |= {f"{s}_{point}": f"{s}_foot" for point in ("ankle", "heel", "toe_tip")}
    names = list(frames)
    axes = torch.zeros(2 * len(frames), len(BODY_26))
    for row, pair in enumerate([x for x, _ in frames.values()] + [y for _, y in frames.values()]):
        for sign, points in zip((-1.0, 1.0), pair, strict=True):
            axes[row, BODY_26.indices(*points)] += sign / len(points)
    return axes, [names.index(carried[joint]) for joint in BODY_26.joints]


_AXES, _FRAME_OF = _frame_table()
