"""Video in: upright RGB frames with their presentation times, streamed from a thread of its own."""

from .reader import (
    Frame,
    FrameReader,
    VideoInfo,
    content_hash,
    find_shots,
    picture_times,
    probe,
    read_frames,
    slow_motion_factor,
)
from .shots import Shot, list_shots, longest_shot

__all__ = [
    "Frame",
    "FrameReader",
    "Shot",
    "VideoInfo",
    "content_hash",
    "find_shots",
    "list_shots",
    "longest_shot",
    "picture_times",
    "probe",
    "read_frames",
    "slow_motion_factor",
]
