"""People who are small in the picture: found in tiles of it, then followed in the whole.

MediaPipe looks for people in the whole picture shrunk to 224 pixels, and finds nobody who is lower than about a sixth
of its longer side. Whom it has found, though, it follows at any size, since it cuts him out of the picture as it came.
So he is found in a tile in which he is large enough, and a landmarker is led to him: it is shown the part of the
picture around him, then wider and wider parts, each little wider than the one before, up to the whole. From then on it
follows him there as it follows anybody, and no crop of ours has to move with him.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bodies import SAME_BODY, Bodies, distances, distinct
from .landmarker import Landmarker, Pose, bodies_of
from .models import PoseModel

Picture = NDArray[np.uint8]

SMALL = 0.2
"""Of the picture's longer side: who is higher is found in the whole, and not looked for in tiles."""
_TILES = ((0.70, 0.40), (0.30, 1 / 3))
"""Sides of tiles, in the picture's shorter sides, and by how much of their side neighbours overlap at least: who is
higher than a sixth of a tile is found in it, and is whole in one of them."""
_SMALLEST_TILE = 210
"""Pixels of the picture: a figure that is a sixth of it shows no limbs."""
_CANDIDATE, _SURE = 0.5, 0.7
"""Mean visibility of somebody found in a tile, and when he is looked at again, by himself."""
_CANDIDATES_MOST = 12
_ROOM, _SAME_AGAIN = 2.2, 0.2
"""Body heights: the side of the part in which somebody is looked at again, how far from before he may be there."""
_OUTSIDE = 0.02
LEAD_HEIGHTS = (0.4, 0.25)
"""How high somebody is in the first part that a landmarker is shown, of its longer side: where he is not followed from
there, the next is tried."""
_LEAD_ROOM, _LEAD_STEP, _LEAD_SECONDS = 0.7, 1.1, 1 / 30
"""Body heights from his middle to the first part's edge; by how much each part is wider than the one before (by a
fifth, and somebody against the light is lost on the way), and how long each is shown."""


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


def tiles(size: tuple[int, int]) -> Iterator[Box]:
    """The squares in which a picture of `size` (width, height) px is searched."""
    for share, overlap in _TILES:
        side = round(share * min(size))
        if side >= _SMALLEST_TILE or share == _TILES[0][0]:
            for x in _starts(size[0], side, overlap):
                yield from (Box(x, y, side, side) for y in _starts(size[1], side, overlap))


def _starts(length: int, side: int, overlap: float) -> list[int]:
    steps = int(np.ceil((length - side) / (side * (1 - overlap))))
    return [round(start) for start in np.linspace(0, length - side, steps + 1)]


def search(landmarker: Callable[[Picture, float], list[Pose]], image: Picture) -> list[Pose]:
    """Small people in a picture (H, W, 3), the surest first; `landmarker` looks at single pictures."""
    height, width = image.shape[:2]
    size = (width, height)
    found: list[Pose] = []
    for tile in tiles(size):
        found += [tile.outwards(pose, size) for pose in landmarker(tile.of(image), 0.0) if _whole(pose, tile, size)]
    found = _once([pose for pose in found if _is_small(pose, size)], size)
    again = (_again(landmarker, image, pose) for pose in found[:_CANDIDATES_MOST])
    return _once([pose for pose in again if pose is not None and _is_small(pose, size)], size)


def _whole(pose: Pose, tile: Box, size: tuple[int, int]) -> bool:
    """Whether somebody seen in a tile may be all there: what looks over a tile's edge is seen whole in another."""
    if float(pose.landmarks[:, 3].mean()) < _CANDIDATE:
        return False
    low, high = pose.landmarks[:, :2].min(0), pose.landmarks[:, :2].max(0)
    start, stop = (tile.x, tile.y), (tile.x + tile.width, tile.y + tile.height)
    return all(
        (low[axis] > -_OUTSIDE or start[axis] == 0) and (high[axis] < 1 + _OUTSIDE or stop[axis] == size[axis])
        for axis in (0, 1)
    )


def _is_small(pose: Pose, size: tuple[int, int]) -> bool:
    return float(bodies_of([pose], size).sizes[0]) < SMALL * max(size)


def _once(poses: list[Pose], size: tuple[int, int]) -> list[Pose]:
    """One pose of each body, the surest first."""
    bodies = bodies_of(poses, size)
    kept = distinct(bodies)
    return [poses[index] for index in np.argsort(-bodies.scores, kind="stable") if kept[index]]


def _again(landmarker: Callable[[Picture, float], list[Pose]], image: Picture, pose: Pose) -> Pose | None:
    """Somebody looked at by himself, in terms of the picture; None: there is nobody, or he is not sure."""
    height, width = image.shape[:2]
    size = (width, height)
    body = bodies_of([pose], size)
    side = min(round(_ROOM * float(body.sizes[0])), width, height)
    corner = np.clip(_middle(pose) * size - side / 2, 0, np.array(size) - side).round().astype(int)
    box = Box(int(corner[0]), int(corner[1]), side, side)
    poses = [box.outwards(each, size) for each in landmarker(box.of(image), 0.0)]
    sure = [each for each in poses if float(each.landmarks[:, 3].mean()) >= _SURE]
    away = _apart(body, bodies_of(sure, size))[0]
    return sure[int(np.argmin(away))] if len(away) and away.min() < _SAME_AGAIN else None


def _middle(pose: Pose) -> NDArray[np.float64]:
    """(2,) of a pose's landmarks, relative to the picture."""
    points = pose.landmarks[:, :2].astype(np.float64)
    result: NDArray[np.float64] = (points.min(0) + points.max(0)) / 2
    return result


def _apart(a: Bodies, b: Bodies) -> NDArray[np.float64]:
    return distances(a.points, b.points, a.sizes, b.sizes)


def others(poses: list[Pose], known: list[Pose], size: tuple[int, int]) -> list[Pose]:
    """Those of the poses that show none of the `known` bodies, in a picture of `size` (width, height) px."""
    if not poses or not known:
        return poses
    away = _apart(bodies_of(poses, size), bodies_of(known, size)).min(1)
    return [pose for pose, distance in zip(poses, away, strict=True) if distance >= SAME_BODY]


def way_out(pose: Pose, size: tuple[int, int], high: float) -> Iterator[Box]:
    """Parts of a picture of `size` (width, height) px, of its proportions, from one in which somebody is so `high` (of
    the longer side) to the whole.

    He keeps his place in them, nearly, and becomes smaller from one to the next, so that he is where he was looked for.
    """
    height = float(bodies_of([pose], size).sizes[0])
    share = min(height / (high * max(size)), 1.0)
    middle, room = _middle(pose), _LEAD_ROOM * height / np.array(size)
    # About himself, if the first part then has room for him.
    start = np.clip(np.clip(middle * (1 - share), middle + room - share, middle - room), 0, 1 - share)
    # All parts have this point at the same place.
    fixed = start / max(1 - share, 1e-6)
    while share < 1:
        corner = fixed * (1 - share) * size
        yield Box(int(corner[0]), int(corner[1]), int(share * size[0]), int(share * size[1]))
        share *= _LEAD_STEP
    yield Box(0, 0, *size)


@dataclass(frozen=True, eq=False)
class _Follower:
    """A landmarker that follows one person; its clock is `ahead` (s) of the pictures'."""

    landmarker: Landmarker
    ahead: float


def _led_to(landmarker: Landmarker, image: Picture, time: float, pose: Pose, high: float) -> _Follower | None:
    """The landmarker led to somebody; None, and it is closed, where it lost him on the way."""
    size = (image.shape[1], image.shape[0])
    body, ahead = bodies_of([pose], size), 0.0
    for box in way_out(pose, size, high):
        there = [box.outwards(each, size) for each in landmarker(box.of(image), time + ahead)]
        if not there or _apart(body, bodies_of(there, size)).min() > _SAME_AGAIN:
            landmarker.close()
            return None
        ahead += _LEAD_SECONDS
    return _Follower(landmarker, ahead)


class SmallPeople:
    """Follows people who would not be found in the whole picture, each with a landmarker of his own, until they are
    lost. Pictures come in order. Raises as `Landmarker`."""

    def __init__(self, model: PoseModel) -> None:
        self._model = model
        self._followers: list[_Follower] = []

    def __len__(self) -> int:
        return len(self._followers)

    def __enter__(self) -> SmallPeople:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lead_to(self, image: Picture, time: float, poses: list[Pose]) -> None:
        """Begin to follow those whom the poses show in the picture (H, W, 3) at `time` (s), which comes next."""
        for pose in poses:
            for high in LEAD_HEIGHTS:
                follower = _led_to(Landmarker(self._model, 1), image, time, pose, high)
                if follower is not None:
                    self._followers.append(follower)
                    break

    def take(self, new: SmallPeople) -> None:
        """Follow those, too, whom `new` followed until now."""
        self._followers += new._followers
        new._followers = []

    def __call__(self, image: Picture, time: float) -> list[Pose]:
        """One pose of each who is still followed, in the picture (H, W, 3) at `time` (s)."""
        poses: list[Pose] = []
        for follower in list(self._followers):
            found = follower.landmarker(image, time + follower.ahead)
            poses += found
            if not found:
                # It would look for people in the whole picture from here on.
                follower.landmarker.close()
                self._followers.remove(follower)
        return poses

    def close(self) -> None:
        """Follow nobody any more."""
        for follower in self._followers:
            follower.landmarker.close()
        self._followers = []
