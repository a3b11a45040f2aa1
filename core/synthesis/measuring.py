"""MediaPipe on cast films: pairs of what it reports and what is true, made within a budget and added to later."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ..camera import apply, inverse
from ..detection.keypoints import keypoints
from ..detection.landmarker import Landmarker
from ..detection.models import PoseModel
from ..detection.observe import gathered
from ..detection.tracks import find_tracks
from ..jobs import MotionLiftError, UsageError
from ..keypoints import Keypoints2D
from ..rotation import forward_kinematics
from ..skeleton import ANIMATION_21, MEDIAPIPE_33, body_points
from ..training.bodies import stature
from ..training.mocap import PARTS, split_of
from ..training.pairs import PairClip, Pairs, load_pairs
from ..video import Frame
from .casting import Scene, cast, pictures
from .renderer import Image

log = logging.getLogger(__name__)

KEEP_SECONDS = 60.0
"""What has been filmed is kept this often, and at the end."""


def recordings_of(folder: Path, part: str) -> list[Path]:
    """The BVH files below `folder` of the subjects of a part (`train`, `validation` or `test`).

    Raises `MotionLiftError` (`no_recordings`), `UsageError` (`bad_part`).
    """
    if part not in PARTS:
        raise UsageError("bad_part", f"There is no part {part!r}.", f"Parts are {', '.join(PARTS)}.")
    files = sorted(folder.rglob("*.bvh"))
    split = split_of(folder, [path.parent.name for path in files])
    chosen = [path for path in files if split.get(path.parent.name, "train") == part]
    if not chosen:
        raise MotionLiftError(
            "no_recordings", f"{folder} has no BVH file of the part {part!r}.", "Give the folder of the library."
        )
    return chosen


def measure(
    recordings: Sequence[Path],
    output: Path,
    model: PoseModel,
    clips: int,
    minutes: float,
    seconds: float = 3.0,
    seed: int = 0,
    report: Callable[[Pairs], None] = lambda pairs: None,
) -> Pairs:
    """Add films to the pairs at `output` until there are `clips` or `minutes` have passed.

    Film i depends on `seed`, `seconds` and i alone, so that many sessions make what one would have. Raises
    `UsageError` (`other_pairs`) where `output` belongs to another casting, and the errors of rendering.
    """
    pairs = load_pairs(output) if output.exists() else Pairs((), seed, seconds)
    if (pairs.seed, pairs.seconds) != (seed, seconds):
        raise UsageError(
            "other_pairs",
            f"{output.name} holds films of {pairs.seconds:g} s drawn with seed {pairs.seed}.",
            "Give the same --seconds and --seed, or another file.",
        )
    started = saved = time.monotonic()
    while len(pairs) < clips and time.monotonic() - started < 60 * minutes:
        scene = cast(recordings, seconds, np.random.default_rng((seed, len(pairs))))
        pairs = Pairs((*pairs.clips, observed(scene, model)), seed, seconds)
        if time.monotonic() - saved > KEEP_SECONDS:
            pairs.save(output)
            saved = time.monotonic()
        report(pairs)
    pairs.save(output)
    return pairs


def observed(scene: Scene, model: PoseModel) -> PairClip:
    """The film of a scene as detection reports it, beside its truth."""
    truth = scene.truth
    joints, rotations = forward_kinematics(
        truth.parents, truth.rest_offsets, truth.root_translation, truth.local_rotations
    )
    assert truth.joint_names == ANIMATION_21.joints
    points_world = body_points(joints, rotations, truth.rest_offsets)
    return PairClip(
        keypoints=detected(list(pictures(scene)), scene.rate, model),
        joints_camera=apply(inverse(truth.world_from_camera[0]), points_world),
        camera_K=truth.camera_K[0],
        height=float(stature(torch.from_numpy(points_world[None, :1]))[0]),
        name=str(truth.source["file"]),
    )


def detected(frames: Sequence[Image], rate: float, model: PoseModel) -> Keypoints2D:
    """The longest track in pictures shown `rate` times a second, as the pipeline would find it; nobody is found in
    none of the frames where there is no track."""
    with Landmarker(model, 1) as landmarker:
        seen = gathered(
            (Frame(index, index / rate, 1, picture), landmarker(picture, index / rate))
            for index, picture in enumerate(frames)
        )
    height, width = frames[0].shape[:2]
    tracks = find_tracks(seen, 1, (width, height))
    if tracks:
        return max(tracks, key=lambda track: track.seconds).keypoints
    none = np.zeros((0, len(MEDIAPIPE_33)))
    times = np.arange(len(frames)) / rate
    return keypoints(
        times,
        np.zeros(0, np.int64),
        np.zeros((0, len(MEDIAPIPE_33), 2)),
        np.zeros((0, len(MEDIAPIPE_33), 3)),
        none,
        (width, height),
    )
