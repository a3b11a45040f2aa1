"""Parts of a picture, looked at by themselves: in them people are found whom the whole picture does not show.

MediaPipe looks for people in the whole picture shrunk to 224 pixels. Who is small in it, or beside somebody larger, may
not be found there, but in a part in which he is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..skeleton import MEDIAPIPE_33
from .bodies import SAME_BODY, Bodies, distances
from .landmarker import Look, Picture, Pose, bodies_of

SAME_AGAIN = 0.2
"""Body heights: how far from before somebody may be who is looked at again."""
_SQUARES_OVERLAP = 0.4
_CANDIDATE, _SURE = 0.5, 0.7
"""Mean visibility of somebody found in a part, and when he is looked at again, by himself."""
_CANDIDATES_MOST = 12
_ROOM = 2.2
"""Body heights: the side of the part in which somebody is looked at again."""
_OUTSIDE = 0.02
APART = 0.25
"""Body heights between people: what is found nearer to somebody shows half of him, wrongly."""
_COVERED = [
    MEDIAPIPE_33.index(name)
    for name in (
        *("nose", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle"),
    )
]
_COVER_ROOM, _COVER_SIDES = 0.06, 16
"""Body heights by which a cover reaches beyond the joints, and of how many sides it is."""


@dataclass(frozen=True)
class Box:
    """A part of a picture: its left and upper edge, width and height, px."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: Picture) -> Picture:
        return image[self.y : self.y + self.height, self.x : self.x + self.width]

    def outwards(self, pose: Pose, size: tuple[int, int]) -> Pose:
        """A pose seen in this part, in terms of the whole picture of `size` (width, height) px."""
        landmarks = pose.landmarks.copy()
        landmarks[:, 0] = (self.x + landmarks[:, 0] * self.width) / size[0]
        landmarks[:, 1] = (self.y + landmarks[:, 1] * self.height) / size[1]
        landmarks[:, 2] *= self.width / size[0]
        return Pose(landmarks, pose.world)


def starts(length: int, side: int, overlap: float) -> list[int]:
    """Where parts of one `side` begin that cover a `length` and overlap by that share of a side at least."""
    steps = int(np.ceil((length - side) / (side * (1 - overlap))))
    return [round(start) for start in np.linspace(0, length - side, steps + 1)]


def squares(size: tuple[int, int]) -> Iterator[Box]:
    """The largest squares in a picture of `size` (width, height) px, from one end to the other."""
    side = min(size)
    for x in starts(size[0], side, _SQUARES_OVERLAP):
        yield from (Box(x, y, side, side) for y in starts(size[1], side, _SQUARES_OVERLAP))


def search_parts(look: Look, image: Picture, parts: Iterable[Box], wanted: Callable[[Pose], bool]) -> list[Pose]:
    """People in parts of a picture (H, W, 3), the surest first, each looked at once more by himself; `look` looks at
    single pictures, and those not `wanted` are left out."""
    size = (image.shape[1], image.shape[0])
    found: list[Pose] = []
    for part in parts:
        found += [part.outwards(pose, size) for pose in look(part.of(image), 0.0) if _whole(pose, part, size)]
    found = _once([pose for pose in found if wanted(pose)], size)
    again = (_again(look, image, pose) for pose in found[:_CANDIDATES_MOST])
    return _once([pose for pose in again if pose is not None and wanted(pose)], size)


def height_of(pose: Pose, size: tuple[int, int]) -> float:
    """How high somebody is in a picture of `size` (width, height) px, in px."""
    return float(bodies_of([pose], size).sizes[0])


def others(poses: list[Pose], known: list[Pose], size: tuple[int, int], nearest: float = SAME_BODY) -> list[Pose]:
    """Those of the poses that show none of the `known` bodies, nor are nearer to one than that (body heights), in a
    picture of `size` (width, height) px."""
    if not poses or not known:
        return poses
    away = apart(bodies_of(poses, size), bodies_of(known, size)).min(1)
    return [pose for pose, distance in zip(poses, away, strict=True) if distance >= nearest]


def without(image: Picture, poses: list[Pose]) -> Picture:
    """The picture with the bodies (but their arms) covered: of two who stand close MediaPipe finds one."""
    height, width = image.shape[:2]
    covered, colour = image.copy(), mean_colour(image)
    angles = np.linspace(0, 2 * np.pi, _COVER_SIDES, endpoint=False)
    sides = np.stack([np.cos(angles), np.sin(angles)], -1)
    for pose in poses:
        joints = pose.landmarks[_COVERED, :2].astype(np.float64) * (width, height)
        room = _COVER_ROOM * height_of(pose, (width, height))
        left, top = np.clip(np.floor(joints.min(0) - room), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(joints.max(0) + room), 0, (width, height)).astype(int)
        across, down = np.arange(left, right), np.arange(top, bottom)[:, None]
        inside = np.ones((len(down), len(across)), bool)
        for side in sides:
            inside &= side[0] * across + side[1] * down <= (joints @ side).max() + room
        covered[top:bottom, left:right][inside] = colour
    return covered


def mean_colour(image: Picture) -> NDArray[np.uint8]:
    """(3,) the mean of a picture (H, W, 3), rounded down."""
    # Row upon row: numpy's own mean goes through it three numbers at a time, which takes as long as a detection.
    total = image.sum(0, dtype=np.uint32).sum(0, dtype=np.uint64)
    result: NDArray[np.uint8] = (total // (image.shape[0] * image.shape[1])).astype(np.uint8)
    return result


def middle(pose: Pose) -> NDArray[np.float64]:
    """(2,) the middle of a pose's landmarks, relative to the picture."""
    points = pose.landmarks[:, :2].astype(np.float64)
    result: NDArray[np.float64] = (points.min(0) + points.max(0)) / 2
    return result


def apart(a: Bodies, b: Bodies) -> NDArray[np.float64]:
    """(A, B) as `bodies.distances`."""
    return distances(a.points, b.points, a.sizes, b.sizes)


def _whole(pose: Pose, part: Box, size: tuple[int, int]) -> bool:
    """Whether somebody seen in a part may be all there: what looks over its edge is seen whole in another."""
    if float(pose.landmarks[:, 3].mean()) < _CANDIDATE:
        return False
    low, high = pose.landmarks[:, :2].min(0), pose.landmarks[:, :2].max(0)
    start, stop = (part.x, part.y), (part.x + part.width, part.y + part.height)
    return all(
        (low[axis] > -_OUTSIDE or start[axis] == 0) and (high[axis] < 1 + _OUTSIDE or stop[axis] == size[axis])
        for axis in (0, 1)
    )


def _once(poses: list[Pose], size: tuple[int, int]) -> list[Pose]:
    """One pose of each body, the surest first."""
    kept: list[Pose] = []
    for index in np.argsort(-bodies_of(poses, size).scores, kind="stable"):
        kept += others([poses[index]], kept, size, APART)
    return kept


def _again(look: Look, image: Picture, pose: Pose) -> Pose | None:
    """Somebody looked at by himself, in terms of the picture; None: there is nobody, or he is not sure."""
    height, width = image.shape[:2]
    size = (width, height)
    body = bodies_of([pose], size)
    side = min(round(_ROOM * height_of(pose, size)), width, height)
    corner = np.clip(middle(pose) * size - side / 2, 0, np.array(size) - side).round().astype(int)
    box = Box(int(corner[0]), int(corner[1]), side, side)
    poses = [box.outwards(each, size) for each in look(box.of(image), 0.0)]
    sure = [each for each in poses if float(each.landmarks[:, 3].mean()) >= _SURE]
    away = apart(body, bodies_of(sure, size))[0]
    return sure[int(np.argmin(away))] if len(away) and away.min() < SAME_AGAIN else None
