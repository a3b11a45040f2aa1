"""The same BVH clip in other axes, from another zero pose, and under an object that stands and moves in a world."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..core.bvh import BvhClip, joint_rotations, local_translations
from ..core.rotation import IDENTITY, Array, conjugate, from_scaled, multiply, rotate, to_euler, to_matrix
from .channels import running_euler


def turned_bvh(clip: BvhClip, turn: Array, scale: float) -> BvhClip:
    """The same clip in axes turned by `turn` (4,), `scale` times as large; channels keep their order."""
    return dataclasses.replace(
        clip,
        offsets=rotate(turn, clip.offsets) * scale,
        end_sites=tuple(rotate(turn, ends) * scale for ends in clip.end_sites),
        values=channel_values(
            clip,
            multiply(multiply(turn, joint_rotations(clip)), conjugate(turn)),
            rotate(turn, local_translations(clip)) * scale,
        ),
    )


def rested_bvh(clip: BvhClip, turns: Array) -> BvhClip:
    """The same clip from another zero pose: where each joint is turned by `turns` (J, 4), in the file's axes.

    Joints that have some rotation channels get all three, since they may need them; those that have none cannot differ
    from their parents: their `turns` are not used.
    """
    turns, above = turns.copy(), np.empty_like(turns)
    channels = []
    for joint, names in enumerate(clip.channels):
        above[joint] = turns[clip.parents[joint]] if clip.parents[joint] >= 0 else IDENTITY
        count = sum(name.endswith("rotation") for name in names)
        if not count:
            turns[joint] = above[joint]
        places = tuple(name for name in names if name.endswith("position"))
        channels.append(names if count in (0, 3) else (*places, "Zrotation", "Xrotation", "Yrotation"))
    rested = dataclasses.replace(
        clip,
        offsets=rotate(above, clip.offsets),
        end_sites=tuple(rotate(turn, ends) for turn, ends in zip(turns, clip.end_sites, strict=True)),
        channels=tuple(channels),
    )
    rotations = multiply(multiply(above, joint_rotations(clip)), conjugate(turns))
    values = channel_values(rested, rotations, rotate(above, local_translations(clip)))
    return dataclasses.replace(rested, values=values)


def carried_bvh(clip: BvhClip, carrier: Array) -> BvhClip:
    """The clip, which is in the space of an object, in the world where that object is at `carrier` (F, 4, 4).

    At rest the figure stands as the object does in the first frame, whose scale counts for all; what the object does
    from there is in the channels of the topmost joints.
    """
    turns = from_scaled(carrier[:, :3, :3])
    scale = float(np.cbrt(np.linalg.det(carrier[0, :3, :3])))
    stood = turned_bvh(clip, turns[0], scale)
    rotations, places, inside = joint_rotations(stood), local_translations(stood), local_translations(clip)
    since = multiply(turns, conjugate(turns[0]))
    for joint in _topmost(clip):
        rotations[:, joint] = multiply(since, rotations[:, joint])
        places[:, joint] = np.einsum("fij,fj->fi", carrier[:, :3, :3], inside[:, joint]) + carrier[:, :3, 3]
    return dataclasses.replace(stood, values=channel_values(stood, rotations, places))


def _topmost(clip: BvhClip) -> list[int]:
    """The joints that move on their own: the root, or, where it has no channels, those that hang on it."""
    if clip.channels[0]:
        return [0]
    return [joint for joint, parent in enumerate(clip.parents) if parent == 0]


def channel_values(clip: BvhClip, rotations: Array, places: Array) -> Array:
    """`values` (F, C) for local rotations (F, J, 4) and positions (F, J, 3). Joints keep zero angles where they have
    fewer than three rotation channels."""
    values = np.zeros((len(rotations), sum(len(names) for names in clip.channels)))
    for joint, columns in enumerate(clip.columns()):
        order = "".join(channel[0] for channel in columns if channel.endswith("rotation"))
        if len(order) == 3:
            angles = np.degrees(running_euler(to_euler(to_matrix(rotations[:, joint]), order)))
            for position, letter in enumerate(order):
                values[:, columns[f"{letter}rotation"]] = angles[:, position]
        for axis, letter in enumerate("XYZ"):
            if f"{letter}position" in columns:
                values[:, columns[f"{letter}position"]] = places[:, joint, axis]
    return values
