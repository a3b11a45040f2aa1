"""Human3.6M and HumanEva-I as VideoPose3D prepares them, which is how the field passes them on.

`data_3d_<name>.npz`: `positions_3d`[subject][take] (F, J, 3) m in the world. `data_2d_<name>_<detector>.npz`:
`positions_2d`[subject][take], a list of (>= F, N, 2) pixels, one a camera, and `metadata`. The detector `gt` is the
exact projection, from which the cameras are found (`calibration`), so that file is needed whichever detector is used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archives import Tree, bad_data_set, read_archive
from .calibration import PlacedCamera, fit_camera
from .recording import PoseData, Recording, checked_array, checked_dict, make_recording

log = logging.getLogger(__name__)

LARGEST_ERROR = 3.0
"""Pixels; exact projections fit to a thousandth, HumanEva's to one."""
LARGEST_FIGURE = 10.0
"""Metres."""
_STATIC = (4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31)


@dataclass(frozen=True)
class Layout:
    """What a data set's files hold: `joints` of the 3D, of which `kept` are those of the 2D and of `joint_set`; the
    cameras' picture `sizes`; the split by subject."""

    name: str
    joint_set: str
    fps: float
    joints: int
    kept: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    train: tuple[str, ...]
    test: tuple[str, ...]


HUMAN36M = Layout(
    "h36m",
    "human36m_17",
    50.0,
    32,
    tuple(j for j in range(32) if j not in _STATIC),
    ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002)),
    ("S1", "S5", "S6", "S7", "S8"),
    ("S9", "S11"),
)
HUMANEVA = Layout(
    "humaneva15",
    "humaneva_15",
    60.0,
    15,
    tuple(range(15)),
    ((640, 480),) * 3,
    ("Train/S1", "Train/S2", "Train/S3"),
    ("Validate/S1", "Validate/S2", "Validate/S3"),
)


def load_human36m(folder: Path, detector: str = "gt") -> PoseData:
    """Human3.6M: 17 joints, four cameras, 15 actions; trained on S1, S5, S6, S7, S8, tested on S9, S11.

    `detector`: `gt`, `cpn_ft_h36m_dbb`, `sh_ft_h36m` or any other whose file has the same 17 joints. Raises
    `MotionLiftError` (`no_data_set`, `bad_data_set`), saying what was expected and found.
    """
    return _load(folder, HUMAN36M, detector)


def load_humaneva(folder: Path, detector: str = "gt") -> PoseData:
    """HumanEva-I: 15 joints, three cameras, the subjects' `Train` parts against their `Validate` parts. Raises as
    `load_human36m`."""
    return _load(folder, HUMANEVA, detector)


def _load(folder: Path, layout: Layout, detector: str) -> PoseData:
    path_3d = folder / f"data_3d_{layout.name}.npz"
    (tree,) = read_archive(path_3d, "positions_3d")
    positions = _positions(path_3d, checked_dict(path_3d, "positions_3d", tree), layout)
    exact = _pixels(folder, layout, "gt", positions)
    seen = exact if detector == "gt" else _pixels(folder, layout, detector, positions)
    cameras = _cameras(folder / f"data_2d_{layout.name}_gt.npz", positions, exact)

    def part(subjects: Sequence[str]) -> tuple[Recording, ...]:
        return tuple(
            make_recording(
                subject,
                action_name(take),
                str(index),
                layout.sizes[index],
                camera.lens,
                seen[subject][take][index],
                camera.from_world(points),
            )
            for subject in subjects
            for take, points in positions[subject].items()
            for index, camera in enumerate(cameras[_person(subject)])
        )

    return PoseData(layout.name, layout.joint_set, layout.fps, "actions", part(layout.train), part(layout.test))


def action_name(take: str) -> str:
    """`Walking` for the takes `Walking`, `Walking 1` and `Walking 1 chunk0`."""
    return re.sub(r"( \d+)?( chunk\d+)?$", "", take)


def _person(subject: str) -> str:
    """`S1` for `S1` and for `Train/S1`: the cameras did not move in between."""
    return subject.rsplit("/", 1)[-1]


_Positions = Mapping[str, Mapping[str, NDArray[np.floating[Any]]]]
_Pixels = Mapping[str, Mapping[str, Sequence[NDArray[np.floating[Any]]]]]


def _positions(path: Path, tree: dict[str, Tree], layout: Layout) -> _Positions:
    """The kept joints (F, N, 3) by subject and take."""
    subjects = layout.train + layout.test
    missing = [subject for subject in subjects if subject not in tree]
    if missing:
        raise bad_data_set(path, f"the subjects {', '.join(subjects)}", f"no {', '.join(missing)}")
    return {
        subject: {
            take: _in_metres(path, f"{subject}, {take}", points, layout)
            for take, points in checked_dict(path, subject, tree[subject]).items()
        }
        for subject in subjects
    }


def _in_metres(path: Path, what: str, value: Tree, layout: Layout) -> NDArray[np.floating[Any]]:
    """The kept joints (F, N, 3) of a take."""
    points = checked_array(path, what, value, layout.joints, 3)[:, list(layout.kept)]
    # Other preparations are in millimetres, and fit their cameras as well.
    size = float(np.ptp(points, axis=1).max()) if points.size else 0.0
    if size > LARGEST_FIGURE:
        raise bad_data_set(path, f"{what} in metres", f"a figure of {size:.0f}")
    return points


def _pixels(folder: Path, layout: Layout, detector: str, positions: _Positions) -> _Pixels:
    """The 2D of every take of `positions`, cut to its length: videos may go on after the motion capture."""
    path = folder / f"data_2d_{layout.name}_{detector}.npz"
    (tree,) = read_archive(path, "positions_2d")
    checked_dict(path, "positions_2d", tree)
    result: dict[str, dict[str, list[NDArray[np.floating[Any]]]]] = {}
    for subject, takes in positions.items():
        listed = checked_dict(path, subject, tree.get(subject))
        result[subject] = {}
        for take, points in takes.items():
            what = f"{subject}, {take}"
            views = listed.get(take)
            if not isinstance(views, list | tuple | np.ndarray) or len(views) != len(layout.sizes):
                found = "nothing" if views is None else f"{len(views)}"
                raise bad_data_set(path, f"{what} in {len(layout.sizes)} cameras", found)
            checked = [checked_array(path, what, view, len(layout.kept), 2) for view in views]
            shortest = min(map(len, checked))
            if shortest < len(points):
                raise bad_data_set(path, f"{what} in {len(points)} frames, as in 3D", f"{shortest}")
            result[subject][take] = [view[: len(points)] for view in checked]
    return result


def _cameras(path: Path, positions: _Positions, pixels: _Pixels) -> dict[str, list[PlacedCamera]]:
    """Each person's cameras, found from all of their takes."""
    cameras: dict[str, list[PlacedCamera]] = {}
    for person in dict.fromkeys(map(_person, positions)):
        takes = [(s, take) for s in positions if _person(s) == person for take in positions[s]]
        points = np.concatenate([positions[s][take].reshape(-1, 3) for s, take in takes])
        cameras[person] = []
        for index in range(len(pixels[takes[0][0]][takes[0][1]])):
            seen = np.concatenate([pixels[s][take][index].reshape(-1, 2) for s, take in takes])
            try:
                camera = fit_camera(points, seen)
            except (ValueError, np.linalg.LinAlgError) as error:
                raise bad_data_set(path, f"projections of {person} in camera {index}", str(error)) from error
            if not camera.error <= LARGEST_ERROR:
                found = f"points {camera.error:.1f} pixels off any camera's"
                raise bad_data_set(path, f"projections of {person} in camera {index}", found)
            log.info("Camera %d of %s: %.4f pixels off", index, person, camera.error)
            cameras[person].append(camera)
    return cameras
