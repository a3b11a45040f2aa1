"""From the keypoints of one clip's people to their motions: the part of the pipeline that needs torch.

`core.reconstructor` calls `imported`, `prepare`, `ahead`, `reconstruct` and `resolve` in a process of its own.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from . import camera
from .detection.observations import Observations
from .detection.tracks import choose_tracks, drift_in_life, find_tracks, in_life
from .jobs import LiftSettings, MotionLiftError, ProgressCallback, ignore_progress
from .keypoints import HandKeypoints, Keypoints2D
from .lifting import owner_address
from .lifting.checkpoint import default_weights, load_weights
from .lifting.device import choose_device
from .lifting.inference import GPU_BATCH, Part, Predict, batch_on, lift_by, passes_of, predictor
from .lifting.network import DGNet
from .lifting.owned import owned
from .lifting.remembered import Remembered, key_of
from .motion import Motion
from .processors import share
from .rotation import Array
from .skeleton import ANIMATION_21, reference_rest, rest_points
from .solving import again
from .solving.figure import Person
from .solving.focal import estimate_focal, fields_of_view, telling_part
from .solving.moving import as_filmed, camera_turns, in_place, stilled, travels
from .solving.solve import SHORTEST, misfit, solve_people

OVERLAP = 1
"""Corrections averaged a frame, or predictions where no encoder guesses: more cost time and hardly help."""
THREADS = 2
"""That lift on a processor; hardly anything else runs by then."""
QUICK: tuple[Part, ...] = ("guess",)
"""What is made again sooner than kept."""
COSTLY: tuple[Part, ...] = ("correction",)
"""What does without is told as well whether a lens fits."""
WINDOWS_REMEMBERED, LENSES_REMEMBERED = 512, 6
"""Batches of windows, which is more than a clip has that is lifted ahead; and lenses tried."""


def imported(progress: ProgressCallback = ignore_progress) -> None:
    """Nothing: what solving needs is there when this can be called."""


def prepare(weights: str | None, device: str, progress: ProgressCallback = ignore_progress) -> None:
    """Load the network and go all the way once, so that `reconstruct` finds everything ready. Raises what
    `load_weights` and `choose_device` raise."""
    if owner_address.told() is None:
        load_network(weights, device)
    _warm_up(weights, device)


@functools.cache
def _warm_up(weights: str | None, device: str) -> None:
    """Lift and solve somebody who stands there. What libraries do at the first call takes them 0.3 s, and there is time
    while others detect."""
    count, size = 2 * SHORTEST, (640, 480)
    points = np.tile(rest_points(reference_rest()[0]), (count, 1, 1))
    # Y down, 4 m ahead of a level camera.
    points_camera = points[..., [0, 2, 1]] * [1.0, -1.0, 1.0] + [0.0, 0.0, 4.0]
    camera_K = camera.intrinsics(size, camera.DEFAULT_FOV_DEGREES)
    pixels = camera.project(points_camera, camera_K)
    seen = Keypoints2D(np.arange(count) / 15, pixels, np.ones(pixels.shape[:2]), np.ones(count, bool), size)
    settings = LiftSettings(weights=weights, device=device)
    # Not for every lens: to look for the one that fits is nothing but this, several times.
    reconstruct([seen], [{}], camera_K, settings)


@functools.lru_cache(maxsize=2)
def load_network(weights: str | None, device: str) -> DGNet:
    """The network of a weights file, else the one that comes along; loaded and folded once a process."""
    path = Path(weights) if weights else default_weights()
    return load_weights(path, choose_device(device)).folded()


def reconstruct(
    people: list[Keypoints2D],
    sources: Sequence[Mapping[str, Any]],
    camera_K: Array,
    settings: LiftSettings,
    drift: Array | None = None,
    progress: ProgressCallback = ignore_progress,
) -> list[Motion]:
    """One motion a person: keypoints lifted, then all solved together.

    `camera_K` (3, 3) in pixels; `sources`: each motion's `source`; `drift` (F, 2): how far the background has gone, in
    shares of the picture's longer side, where the camera moves. `people` are taken out of their list once they are in
    the motions, the detector's own 3D sooner: who asked holds the list until the answer, and an hour of them is large.
    Raises what `prepare`, `lift_keypoints` and `solve_people` raise.
    """
    assumed = all(source.get("fov_is") == "assumed" for source in sources)
    scene = _lifted(people, None if assumed else camera_K, settings, drift, progress)
    people[:] = [dataclasses.replace(keypoints, world_landmarks=None) for keypoints in people]
    sources = [{**source, **scene.lens} for source in sources]
    motions = solve_people(scene.people, scene.camera_K, settings, sources, progress)
    turns, hands = scene.turns, [keypoints.hands for keypoints in people]
    del scene
    seen = [] if turns is None else list(people)
    people.clear()
    if turns is not None:
        motions = [as_filmed(motion, keypoints, turns) for motion, keypoints in zip(motions, seen, strict=True)]
    if settings.hands:
        # Hands were seen by the camera that filmed, however it turned.
        motions = [_with_fingers(motions, each, settings) for each in hands]
    if not travels(settings, drift is not None and camera.moves(drift)):
        motions = [in_place(motion) for motion in motions]
    return motions


def ahead(
    seen: Observations,
    shot: int,
    size: tuple[int, int],
    camera_K: Array | None,
    speed: float,
    settings: LiftSettings,
    progress: ProgressCallback = ignore_progress,
) -> None:
    """Find the lens and lift the people of what was seen so far in `shot`, so that `reconstruct` finds done whatever
    comes out the same at the end: by the same steps, known again by their input.

    `size` (width, height) of the picture; `camera_K` (3, 3) None where it is to be found; `speed` as in `in_life`.
    Raises what `reconstruct` and `choose_tracks` raise.
    """
    tracks = choose_tracks(find_tracks(seen, shot, size), settings.person)
    people = [in_life(track.keypoints, speed, settings.mirror) for track in tracks]
    drift = drift_in_life(seen.drift[seen.shots == shot], settings.mirror)
    if not camera.moves(drift):
        _lifted(people, camera_K, settings, drift, leave=QUICK)
    elif camera_K is None:
        # How the still camera stands is known at the end only: the lens does not depend on it.
        find_lens(people, settings)


@dataclass(frozen=True)
class _Lifted:
    """People as a still camera would have seen them, and lifted; the lens, what to note of it where it was found here;
    `turns` (F, 3, 3) of the camera that filmed, where it turned."""

    people: list[Person]
    camera_K: Array
    lens: dict[str, Any]
    turns: Array | None


def _lifted(
    people: Sequence[Keypoints2D],
    camera_K: Array | None,
    settings: LiftSettings,
    drift: Array | None,
    progress: ProgressCallback = ignore_progress,
    leave: Container[Part] = (),
) -> _Lifted:
    """Everything before the solve; `camera_K` None: to be found. `leave`: see `_lift`."""
    lens: dict[str, Any] = {}
    if camera_K is None:
        camera_K, lens = find_lens(people, settings)
    turns = None if drift is None else camera_turns(drift, camera_K, people[0].image_size)
    if turns is not None:
        people = [stilled(keypoints, camera_K, turns) for keypoints in people]
    lifted = []
    for number, keypoints in enumerate(people):
        progress("lift", number, len(people))
        joints = _lift(keypoints, camera_K, settings, settings.flip_average, THREADS, leave)
        lifted.append(Person(dataclasses.replace(keypoints, world_landmarks=None), joints))
    progress("lift", len(people), len(people))
    return _Lifted(lifted, camera_K, lens, turns)


_windows: Remembered[Tensor] = Remembered(WINDOWS_REMEMBERED)
_misfits: Remembered[float] = Remembered(LENSES_REMEMBERED)


def _lift(
    keypoints: Keypoints2D,
    camera_K: Array,
    settings: LiftSettings,
    flip: bool,
    threads: int = 1,
    leave: Container[Part] = (),
) -> Array:
    """`lift_keypoints` as the settings say, here or at the owner of the device, without the parts that `leave` names;
    windows that were lifted just before are known, unless they were guesses."""

    def here(part: Part) -> Predict:
        network = load_network(settings.weights, settings.device)
        return predictor(network, choose_device(settings.device), flip, part=part)

    def part_of(part: Part) -> Predict:
        predict = owned(settings.weights, flip, part, lambda: here(part)) or here(part)

        def known(windows: Tensor) -> Tensor:
            key = key_of(settings.weights, settings.device, flip, part, windows.numpy())
            return _windows.get(key, lambda: predict(windows))

        return predict if part in QUICK else known

    if owner_address.told() is not None:
        config, batch, threads = load_network(settings.weights, "cpu").config, GPU_BATCH, 1
    else:
        device = choose_device(settings.device)
        config, batch = load_network(settings.weights, settings.device).config, batch_on(device)
        threads = min(threads, share()) if device.type == "cpu" else 1
    passes = [each for each in passes_of(config, part_of, batch, OVERLAP) if each.part not in leave]
    return lift_by(passes, config, keypoints, camera_K, threads=threads)


def find_lens(people: Sequence[Keypoints2D], settings: LiftSettings) -> tuple[Array, dict[str, Any]]:
    """K (3, 3) by how well each field of view fits the person seen longest, and what to note of it. Raises as
    `reconstruct`."""
    shown = max(people, key=lambda keypoints: int(keypoints.detected.sum()))
    estimate = None
    if shown.detected.any() and (part := telling_part(shown)).detected.sum() >= SHORTEST:
        seconds = float(part.times[-1] - part.times[0])

        def misfit_at(fov: float) -> float:
            camera_K = camera.intrinsics(part.image_size, fov)
            joints = _lift(part, camera_K, settings, flip=False, leave=COSTLY)
            return misfit(Person(part, joints), camera_K, settings)

        def known(fov: float) -> float:
            return _misfits.get(key_of(settings, fov, *vars(part).values()), lambda: misfit_at(fov))

        with ThreadPoolExecutor(min(THREADS, share()), "motionlift-lens") as pool:
            misfits = np.array(list(pool.map(known, fields_of_view().tolist())))
        estimate = estimate_focal(misfits * seconds / len(part.times), seconds)
    fov = estimate.fov_degrees if estimate else camera.DEFAULT_FOV_DEGREES
    lens: dict[str, Any] = {"fov_degrees": round(fov, 2), "fov_is": "estimated" if estimate else "assumed"}
    if estimate:
        lens["fov_range"] = [round(estimate.narrowest, 1), round(estimate.widest, 1)]
    return camera.intrinsics(shown.image_size, fov), lens


def resolve(motion: Motion, settings: LiftSettings, progress: ProgressCallback = ignore_progress) -> Motion:
    """Solve a motion again with other settings."""
    progress("solve", 0, None)
    if settings.hands and motion.hands is None:
        raise MotionLiftError("no_hands", "This take was lifted without hands.", "Lift the video again with --hands.")
    solved = dataclasses.replace(again.resolve(motion, settings, progress), hands=motion.hands)
    if settings.hands and len(solved.joint_names) == len(ANIMATION_21):
        solved = _with_fingers([solved], motion.hands, settings)
    return solved


def _with_fingers(motions: list[Motion], hands: HandKeypoints | None, settings: LiftSettings) -> Motion:
    """The first motion, taken out of the list, with fingers."""
    # Imported late: nothing of it is needed by those who want no hands.
    from .solving.fingers import with_fingers

    return with_fingers(motions.pop(0), hands, settings.smoothing)
