"""MPI-INF-3DHP as P-STMO prepares it.

`data_train_3dhp.npz`: `data`["S1 Seq1"] = [{camera: {"data_2d": (F, 17, 2) px, "data_3d": (F, 17, 3) mm}}, fps];
`data_test_3dhp.npz`: `data`["TS1"] = {"data_2d", "data_3d", "valid": (F,)}. 3D lies in the camera's frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...skeleton import HUMAN36M_17
from .archives import Tree, bad_data_set, read_archive
from .calibration import POINTS, fit_lens
from .recording import PoseData, Recording, checked_array, checked_dict, make_recording

JOINTS = (
    "head", "thorax", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "nose",
)  # fmt: skip
"""The file's order, by the names of `HUMAN36M_17`; its "head" is the crown, "thorax" the neck, "nose" the head."""
SCORED = tuple(HUMAN36M_17.index(joint) for joint in JOINTS[:14])
"""The 14 joints that PCK and AUC count, in `HUMAN36M_17`."""
_ORDER = [JOINTS.index(joint) for joint in HUMAN36M_17.joints]
_SQUARE, _WIDE = (2048, 2048), (1920, 1080)


def load_mpi_inf_3dhp(folder: Path) -> PoseData:
    """The training sequences S1 to S8 and the test sequences TS1 to TS6, joints in the order of `HUMAN36M_17`.

    Raises `MotionLiftError` (`no_data_set`, `bad_data_set`), saying what was expected and found.
    """
    path = folder / "data_train_3dhp.npz"
    (data,) = read_archive(path, "data")
    train: list[Recording] = []
    for name, sequence in checked_dict(path, "data", data).items():
        if not isinstance(sequence, list | tuple) or len(sequence) != 2:
            raise bad_data_set(path, f"{name} as [cameras, frames a second]", type(sequence).__name__)
        for camera, view in checked_dict(path, f"{name}'s cameras", sequence[0]).items():
            train.append(_recording(path, name, camera, _SQUARE, view))
    path = folder / "data_test_3dhp.npz"
    (data,) = read_archive(path, "data")
    test = [
        _recording(path, name, "0", _WIDE if name in ("TS5", "TS6") else _SQUARE, view, masked=True)
        for name, view in checked_dict(path, "data", data).items()
    ]
    return PoseData("mpi_inf_3dhp", HUMAN36M_17.name, 25.0, "frames", tuple(train), tuple(test))


def _recording(
    path: Path, name: str, camera: str, size: tuple[int, int], view: Tree, masked: bool = False
) -> Recording:
    what = f"{name}, camera {camera}" if not masked else name
    fields: dict[str, Any] = checked_dict(path, what, view)
    missing = [key for key in ("data_2d", "data_3d", *(("valid",) if masked else ())) if key not in fields]
    if missing:
        raise bad_data_set(path, f"{what} with {', '.join(missing)}", f"{', '.join(fields)}")
    pixels = checked_array(path, f"{what}, data_2d", fields["data_2d"], 17, 2)[:, _ORDER]
    points = checked_array(path, f"{what}, data_3d", fields["data_3d"], 17, 3)[:, _ORDER] / 1000
    valid = np.asarray(fields["valid"]).reshape(-1).astype(bool) if masked else np.ones(len(pixels), bool)
    if not len(pixels) == len(points) == len(valid) > 0:
        lengths = f"{len(pixels)}, {len(points)} and {len(valid)}"
        raise bad_data_set(path, f"{what} with as many frames in 2D and 3D, and as valid", lengths)
    if not valid.any() or not (points[valid][..., 2] > 0).all():
        raise bad_data_set(path, f"{what} with valid frames in front of the camera", "none, or joints behind it")
    flat_points, flat_pixels = points[valid].reshape(-1, 3), pixels[valid].reshape(-1, 2)
    every = max(1, len(flat_points) // POINTS)
    lens = fit_lens(flat_points[::every], flat_pixels[::every])
    subject, _, action = name.partition(" ")
    return make_recording(subject, action or name, camera, size, lens, pixels, points, valid)
