"""What was made of a person's keypoints, the record that everything after the solve reads: `Motion`.

It is also a file anyone can open: `*.motion.npz`, flat keys, no pickle (see `Motion` for the keys).
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import written_beside
from .hand_skeleton import HAND_21
from .jobs import TURNS, MotionLiftError
from .keypoints import HAND_FIELDS, HandKeypoints
from .npz import UNREADABLE, read_arrays
from .rotation import Array, Bools, continuous, forward_kinematics, rotate, slerp

FORMAT = "motionlift-motion-1"
SUFFIX = ".motion.npz"

STANDARD_RATES = tuple(
    Fraction(*r) for r in [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1),
                           (60000, 1001), (60, 1), (100, 1), (120000, 1001), (120, 1), (240, 1)]
)  # fmt: skip


@dataclass(frozen=True)
class Motion:
    """One person's solved motion. The fields are the file's keys; those of `hands` are hand_pixels, hand_world,
    hand_confidence and hand_left, and are missing where no hands were looked for.

    World: right-handed, Z up, metres; the camera looks along +Y in plan; the origin lies on the floor under
    the first confident pelvis. Camera: OpenCV's frame. Quaternions wxyz.

    times (F,) s on the source's clock, possibly uneven; fps: the rate that exports use.
    joint_names, parents (J,); rest_offsets (J, 3) m in T-pose, the first the pelvis's height above the soles;
    rest_tails (J, 3) m: where each joint's bone ends, from the joint.
    root_translation (F, 3) m; local_rotations (F, J, 4), continuous in sign; joint_positions (F, J, 3) m:
    forward kinematics of the two. confidence (F, J); detected (F,).
    contact_names (C,), contact_parents (C,) joint index, contact_offsets (C, 3) m, contacts (F, C) in [0, 1].
    camera_K (1 or F, 3, 3), world_from_camera (1 or F, 4, 4), image_size (2,) px.
    keypoint_names (26,), keypoints_2d (F, 26, 2) px, keypoint_confidence (F, 26), lifted_camera (F, 26, 3) m
    root-relative: NaN where nothing was detected, the only NaN allowed.
    source: file name, content hash, trim, person, settings, versions.
    """

    times: Array
    fps: float
    joint_names: tuple[str, ...]
    parents: NDArray[np.int64]
    rest_offsets: Array
    rest_tails: Array
    root_translation: Array
    local_rotations: Array
    joint_positions: Array
    confidence: Array
    detected: Bools
    contact_names: tuple[str, ...]
    contact_parents: NDArray[np.int64]
    contact_offsets: Array
    contacts: Array
    camera_K: Array
    world_from_camera: Array
    image_size: tuple[int, int]
    keypoint_names: tuple[str, ...]
    keypoints_2d: Array
    keypoint_confidence: Array
    lifted_camera: Array
    source: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    hands: HandKeypoints | None = None

    def __len__(self) -> int:
        return len(self.times)

    def joint(self, name: str) -> int:
        """The index of a joint. Raises `ValueError` for an unknown name."""
        return self.joint_names.index(name)

    def world_rotations(self) -> Array:
        """Orientations (F, J, 4) of the joints in the world."""
        return forward_kinematics(self.parents, self.rest_offsets, self.root_translation, self.local_rotations)[1]

    def contact_positions(self) -> Array:
        """The contact points (F, C, 3) m in the world."""
        rotations = self.world_rotations()[:, self.contact_parents]
        return self.joint_positions[:, self.contact_parents] + rotate(rotations, self.contact_offsets)

    def check(self) -> Motion:
        """This motion, if it keeps the contract. Raises `MotionLiftError` (`bad_motion`) that says what does not."""
        frames, joints, contacts = len(self.times), len(self.joint_names), len(self.contact_names)
        shapes: dict[str, tuple[int | None, ...]] = {
            "times": (frames,), "parents": (joints,), "rest_offsets": (joints, 3), "rest_tails": (joints, 3),
            "root_translation": (frames, 3), "local_rotations": (frames, joints, 4),
            "joint_positions": (frames, joints, 3), "confidence": (frames, joints), "detected": (frames,),
            "contact_parents": (contacts,), "contact_offsets": (contacts, 3), "contacts": (frames, contacts),
            "camera_K": (None, 3, 3), "world_from_camera": (None, 4, 4),
            "keypoints_2d": (frames, len(self.keypoint_names), 2),
            "keypoint_confidence": (frames, len(self.keypoint_names)),
            "lifted_camera": (frames, len(self.keypoint_names), 3),
        }  # fmt: skip
        values = {name: getattr(self, name) for name in shapes}
        if self.hands is not None:
            hands = (frames, 2, len(HAND_21))
            shapes |= {"hand_pixels": (*hands, 2), "hand_world": (*hands, 3),
                       "hand_confidence": hands[:2], "hand_left": hands[:2]}  # fmt: skip
            values |= {_HAND + name: getattr(self.hands, name) for name in HAND_FIELDS}
        for name, expected in shapes.items():
            shape = values[name].shape
            if len(shape) != len(expected) or any(
                e is not None and e != s for e, s in zip(expected, shape, strict=True)
            ):
                raise _bad_motion(f"{name} has shape {shape} where {expected} is expected")
            if name not in _MAY_BE_NAN and not np.all(np.isfinite(values[name])):
                raise _bad_motion(f"{name} holds values that are not finite")
        if frames == 0:
            raise _bad_motion("it has no frames")
        if not self.fps > 0 or np.any(np.diff(self.times) <= 0):
            raise _bad_motion("its times do not increase, or its rate is not positive")
        if np.any(self.parents >= np.arange(joints)):
            raise _bad_motion("a joint stands before its parent")
        squared = np.einsum("fjc,fjc->fj", self.local_rotations, self.local_rotations)
        if max(1 - np.sqrt(squared.min()), np.sqrt(squared.max()) - 1) > 1e-4:
            raise _bad_motion("its rotations are not unit quaternions")
        return self

    def setting(self, name: str) -> Any:
        """What `source` says of a setting of the lift (`LiftSettings`); None where it says nothing."""
        settings = self.source.get("settings")
        return settings.get(name) if isinstance(settings, dict) else None

    @property
    def mirrored(self) -> bool:
        """Whether it was lifted from the mirrored picture."""
        return bool(self.setting("mirror"))

    @property
    def rotate(self) -> int | None:
        """`LiftSettings.rotate` of the lift: its footage is turned alike."""
        rotate = self.setting("rotate")
        return rotate if rotate in TURNS else None

    def save(self, path: Path) -> None:
        """Write the file beside `path` and rename it. Raises `MotionLiftError` when the disk refuses."""
        with (
            written_beside(path) as temporary,
            # Packed harder it is smaller by a hundredth, and takes half as long again.
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            for name, value in self._entries():
                # As numpy's `savez` does, one array after the other: an hour of all of them is large.
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asanyarray(value), allow_pickle=False)  # type: ignore[no-untyped-call]

    def _entries(self) -> Iterator[tuple[str, Any]]:
        """The file's keys and what they hold."""
        yield "format", FORMAT
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "hands":
                continue
            if field.name == "source":
                value = json.dumps(dict(value), ensure_ascii=False, sort_keys=True)
            elif isinstance(value, np.ndarray) and value.dtype == np.float64 and field.name not in _DOUBLE:
                value = value.astype(np.float32)
            yield field.name, value
        if self.hands is not None:
            for name in HAND_FIELDS:
                yield _HAND + name, getattr(self.hands, name).astype(np.float32)

    @staticmethod
    def load(path: Path) -> Motion:
        """Read a `.motion.npz`. Raises `MotionLiftError` (`no_file`, `bad_motion`) for anything else."""
        if not path.is_file():
            raise MotionLiftError("no_file", f"There is no file {path}.", "Check the name.")
        try:
            with path.open("rb") as file:
                is_archive = file.read(2) == b"PK"
            if not is_archive:
                raise MotionLiftError(
                    "bad_motion",
                    f"Not a motion file of ours: {path.name}.",
                    "Lift the video again, or give the .motion.npz that a lift wrote.",
                )
            stored = read_arrays(path)
        except UNREADABLE as error:
            raise _bad_motion(f"{path.name} cannot be read: {error}") from error
        if str(stored.get("format")) != FORMAT:
            raise _bad_motion(f"{path.name} is not in the format {FORMAT}")
        values: dict[str, Any] = {}
        for field in dataclasses.fields(Motion):
            if field.name == "hands":
                continue
            if field.name not in stored:
                raise _bad_motion(f"{path.name} has no {field.name}")
            values[field.name] = _restored(field.name, stored[field.name])
        hands = [_restored(name, stored[name]) for field in HAND_FIELDS if (name := _HAND + field) in stored]
        if len(hands) not in (0, len(HAND_FIELDS)):
            raise _bad_motion(f"{path.name} has only some of its hands' keys")
        return Motion(**values, hands=HandKeypoints(*hands) if hands else None).check()


_HAND = "hand_"
_SINGLE = ("hand_pixels", "hand_world")
_MAY_BE_NAN = ("keypoints_2d", "lifted_camera", *_SINGLE)


# Times and the root keep double precision: an hour of clock, or of travel, needs it.
_DOUBLE = ("times", "root_translation", "world_from_camera", "camera_K", "local_rotations", "joint_positions",
           "rest_offsets", "rest_tails", "contact_offsets")  # fmt: skip


def _restored(name: str, value: NDArray[Any]) -> Any:
    if name == "source":
        return json.loads(str(value))
    if name == "fps":
        return float(value)
    if name == "image_size":
        return (int(value[0]), int(value[1]))
    if name.endswith("_names"):
        return tuple(str(item) for item in value)
    if name in ("parents", "contact_parents"):
        return value.astype(np.int64)
    if name in _SINGLE:
        return value.astype(np.float32)
    return value if value.dtype == np.bool_ else value.astype(np.float64)


def _bad_motion(what: str) -> MotionLiftError:
    return MotionLiftError("bad_motion", f"Not a motion file of ours: {what}.", "Lift the video again.")


def standard_rate(times: Array) -> float:
    """The frames per second that exports use for samples at `times` (F,) s.

    The mean rate snapped to a standard one within 0.1 %, if need be without the steps that differ from the median by
    more than a fifth, where frames were dropped; for variable rates (over 5 % of such steps) the standard rate nearest
    the median; else the mean.
    """
    if len(times) < 2:
        return 30.0
    steps = np.diff(times)
    standard = np.array([float(rate) for rate in STANDARD_RATES])
    median = 1.0 / float(np.median(steps))
    regular = np.abs(steps * median - 1) <= 0.2
    variable = np.mean(~regular) > 0.05
    rates = [median] if variable else [1.0 / float(steps.mean()), 1.0 / float(steps[regular].mean())]
    # Containers often store whole milliseconds, so the mean of a short clip is off by up to one of them.
    tolerance = max(1e-3, 1.1e-3 / float(times[-1] - times[0]))
    for rate in rates:
        nearest = float(standard[np.argmin(np.abs(np.log(standard / rate)))])
        if variable or abs(nearest / rate - 1) <= tolerance:
            return nearest
    return rates[0]


def resample(motion: Motion, fps: float) -> Motion:
    """The motion at uniform samples, `fps` a second, from its first time to its last.

    Rotations are slerped, positions interpolated linearly and recomputed by forward kinematics, confidence is
    interpolated; detections, contacts and keypoints come from the nearest sample.
    """
    first, last = float(motion.times[0]), float(motion.times[-1])
    # Times in whole milliseconds, and rates that somebody typed (29.97), must not cost the last frame.
    count = int(np.floor((last - first) * fps + 0.05 + 1e-3 * fps)) + 1
    times = first + np.arange(count) / fps
    upper = np.clip(np.searchsorted(motion.times, times, side="right"), 1, max(len(motion) - 1, 1))
    lower = upper - 1
    upper = np.minimum(upper, len(motion) - 1)
    span = np.maximum(motion.times[upper] - motion.times[lower], 1e-9)
    t = np.clip((times - motion.times[lower]) / span, 0.0, 1.0)
    nearest = np.where(t < 0.5, lower, upper)

    def blend(values: Array) -> Array:
        weight = t.reshape(-1, *[1] * (values.ndim - 1))
        blended: Array = (1 - weight) * values[lower] + weight * values[upper]
        return blended

    rotations = continuous(slerp(motion.local_rotations[lower], motion.local_rotations[upper], t[:, None]))
    root = blend(motion.root_translation)
    positions, _ = forward_kinematics(motion.parents, motion.rest_offsets, root, rotations)
    moving = len(motion.world_from_camera) > 1
    return dataclasses.replace(
        motion,
        times=times,
        fps=float(fps),
        root_translation=root,
        local_rotations=rotations,
        joint_positions=positions,
        confidence=blend(motion.confidence),
        detected=motion.detected[nearest],
        contacts=motion.contacts[nearest],
        keypoints_2d=motion.keypoints_2d[nearest],
        keypoint_confidence=motion.keypoint_confidence[nearest],
        lifted_camera=motion.lifted_camera[nearest],
        hands=None if motion.hands is None else motion.hands.sampled(nearest),
        camera_K=motion.camera_K[nearest] if len(motion.camera_K) > 1 else motion.camera_K,
        world_from_camera=motion.world_from_camera[nearest] if moving else motion.world_from_camera,
    )
