"""Motion capture as a data set of the paper's kind: every take filmed by virtual cameras that stand still around it.

The people of the test part are in no other. Pictures are 1000 pixels wide, the lens is as long as Human3.6M's; there is
no distortion and the 2D is exact. Bodies are those of the packed set, all `REFERENCE_HEIGHT` tall.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from ...camera import apply, inverse, look_at
from ...jobs import MotionLiftError
from ...rotation import Array, normalise
from ...skeleton import BODY_26, HUMAN36M_17
from ...training.mocap import QUANTUM, PackedTakes
from .calibration import Lens
from .recording import PoseData, Recording, make_recording

SIZE = (1000, 1000)
LENS = Lens(np.array([1145.0, 1145.0]), np.array([500.0, 500.0]), np.zeros(3), np.zeros(2))
TRAIN_CAMERAS, TEST_CAMERAS = 4, 2
"""Cameras a take."""

ACTIONS = {
    "dance": r"danc|salsa|ballet|arabesque|pirouette|glissade|michael jackson|jete",
    "climbing": r"climb|playground|swing|hang",
    "fighting": r"boxing|punch|kick|karate|martial|tai chi|strike|oiduki|gedan|empi",
    "gymnastics": r"cartwheel|flip|handstand|gymnast",
    "running": r"\brun|\bjog",
    "jumping": r"jump|\bhop|leap",
    "walking": r"walk|stride|march",
    "handling": r"pick|carry|wash|drink|sweep|throw|pull|push|screw|box",
}
"""Actions by what a take's description says; the first that fits. `other` is the rest."""

_APART = (3.0, 4.5)
"""Metres from the camera to the nearest point of the take's path, in plan."""
_CROWN = (0.115, 0.005, 0.072)
"""The crown above the ears' midpoint, and behind it, as `skeleton` places the end of the head; and half the distance of
the ears, all for a body of `REFERENCE_HEIGHT`."""


def film_mocap(takes: PackedTakes, index: Path | None = None, seed: int = 0) -> PoseData:
    """The takes for training against those for testing (validation takes where a set has no test part).

    `index`: the library's table of takes, whose `description` gives the actions; without it an action is the take's
    subject, the number before its underscore. Raises `MotionLiftError` (`bad_data_set`) for a table without the
    columns, (`no_training_data`) where a part is empty.
    """
    actions = {} if index is None else read_actions(index)
    test = "test" if len(takes.of_part("test")) else "validation"
    parts = {
        part: tuple(
            recording for take in takes.of_part(part) for recording in _filmed(takes, int(take), cameras, actions, seed)
        )
        for part, cameras in (("train", TRAIN_CAMERAS), (test, TEST_CAMERAS))
    }
    if not all(parts.values()):
        raise MotionLiftError(
            "no_training_data",
            "The takes have no part for training, or none for testing.",
            "Give a library with several subjects, or one with a split.json.",
        )
    return PoseData("mocap", HUMAN36M_17.name, float(np.median(takes.rates)), "frames", parts["train"], parts[test])


def read_actions(index: Path) -> dict[str, str]:
    """The action of each take by its file's stem. Raises `MotionLiftError` (`bad_data_set`, `no_data_set`)."""
    try:
        with index.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {
            Path(row["file"]).stem: action_of(f"{row['description']}; {row['subject_description']}") for row in rows
        }
    except OSError as error:
        raise MotionLiftError("no_data_set", f"{index} cannot be read: {error}.", "Check the name.") from error
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise MotionLiftError(
            "bad_data_set",
            f"{index.name} is no table of takes: expected columns file, description and subject_description, "
            f"found trouble with {error}.",
            "Use the index.csv of the motion-capture library.",
        ) from error


def action_of(description: str) -> str:
    """The first of `ACTIONS` that the description of a take names."""
    text = description.lower()
    return next((action for action, words in ACTIONS.items() if re.search(words, text)), "other")


def human36m_points(body: Array) -> Array:
    """`HUMAN36M_17` points (..., 17, 3) of `BODY_26` points (..., 26, 3): the thorax is the neck, the crown lies above
    the ears along the head's own axis."""
    renamed = {"thorax": "neck", "head": "neck"}
    points = body[..., [BODY_26.index(renamed.get(joint, joint)) for joint in HUMAN36M_17.joints], :].copy()
    left, right, nose = (body[..., BODY_26.index(joint), :] for joint in ("left_ear", "right_ear", "nose"))
    middle = (left + right) / 2
    across = normalise(left - right)
    forward = nose - middle
    forward = normalise(forward - across * np.sum(forward * across, -1, keepdims=True))
    up = np.cross(forward, across)
    above, behind, half = _CROWN
    size = np.linalg.norm(left - right, axis=-1, keepdims=True) / (2 * half)
    points[..., HUMAN36M_17.index("head"), :] = middle + size * (above * up - behind * forward)
    return np.asarray(points)


def _filmed(takes: PackedTakes, take: int, cameras: int, actions: dict[str, str], seed: int) -> list[Recording]:
    """One take in each of its cameras, which stand evenly around its middle."""
    name = takes.names[take]
    rng = np.random.default_rng([seed, take])
    body = QUANTUM * takes.points[takes.starts[take] : takes.starts[take + 1]].astype(float)
    points = human36m_points(body)
    middle = (points[:, 0].min(0) + points[:, 0].max(0)) / 2
    reach = float(np.linalg.norm((points[:, 0] - middle)[:, :2], axis=-1).max())
    first = rng.uniform(0, 2 * np.pi)
    subject = name.split("_")[0]
    result = []
    for number in range(cameras):
        angle = first + 2 * np.pi * number / cameras
        away = reach + rng.uniform(*_APART)
        eye = middle + np.array([away * np.cos(angle), away * np.sin(angle), rng.uniform(0.2, 1.0)])
        target = middle + rng.normal(size=3) * [0.2, 0.2, 0.1]
        in_camera = apply(inverse(look_at(eye, target)), points)
        result.append(
            make_recording(
                subject, actions.get(name, subject), str(number), SIZE, LENS, LENS.project(in_camera), in_camera
            )
        )
    return result
