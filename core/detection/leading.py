"""Somebody whom the whole picture would not show, followed in it.

Whom MediaPipe has found it follows at any size and beside anybody, since it cuts him out of the picture as it came. So
a landmarker is led to who was found in a part (`parts`): it is shown the part of the picture around him, then wider and
wider parts, each little wider than the one before, up to the whole. From then on it follows him there as it follows
anybody, and no crop of ours has to move with him.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .landmarker import Landmarker, Picture, Pose, bodies_of
from .models import PoseModel
from .parts import SAME_AGAIN, Box, apart, height_of, middle, others, without

LEAD_HEIGHTS = (0.4, 0.25, 0.7, 0.55)
"""How high somebody is in the first part that a landmarker is shown, of its longer side: where he is not followed from
there, the next is tried; the last ones where somebody larger is beside him."""
DOUBLE_SECONDS = 0.5
"""So long two may follow one body: people pass each other."""
_LEAD_ROOM, _LEAD_STEP, _LEAD_SECONDS = 0.7, 1.1, 1 / 30
"""Body heights from his middle to the first part's edge; by how much each part is wider than the one before (by a
fifth, and somebody against the light is lost on the way), and how long each is shown."""


def way_out(pose: Pose, size: tuple[int, int], high: float) -> Iterator[Box]:
    """Parts of a picture of `size` (width, height) px, of its proportions, from one in which somebody is so `high` (of
    the longer side) to the whole.

    He keeps his place in them, nearly, and becomes smaller from one to the next, so that he is where he was looked for.
    """
    height = height_of(pose, size)
    share = min(height / (high * max(size)), 1.0)
    center, room = middle(pose), np.minimum(_LEAD_ROOM * height / np.array(size), share / 2)
    # About himself, if the first part then has room for him.
    start = np.clip(np.clip(center * (1 - share), center + room - share, center - room), 0, 1 - share)
    # All parts have this point at the same place.
    fixed = start / max(1 - share, 1e-6)
    while share < 1:
        corner = fixed * (1 - share) * size
        yield Box(int(corner[0]), int(corner[1]), int(share * size[0]), int(share * size[1]))
        share *= _LEAD_STEP
    yield Box(0, 0, *size)


@dataclass(eq=False)
class _Follower:
    """A landmarker that follows one person; its clock is `ahead` (s) of the pictures'. `alone`: the last time (s) at
    which nobody else followed the same body."""

    landmarker: Landmarker
    ahead: float
    alone: float


def _led_to(landmarker: Landmarker, image: Picture, time: float, pose: Pose, high: float) -> _Follower | None:
    """The landmarker led to somebody; None, and it is closed, where it lost him on the way."""
    size = (image.shape[1], image.shape[0])
    body, ahead = bodies_of([pose], size), 0.0
    for box in way_out(pose, size, high):
        there = [box.outwards(each, size) for each in landmarker(box.of(image), time + ahead)]
        if not there or apart(body, bodies_of(there, size)).min() > SAME_AGAIN:
            landmarker.close()
            return None
        ahead += _LEAD_SECONDS
    return _Follower(landmarker, ahead, time)


class LedPeople:
    """Follows people who would not be found in the whole picture, each with a landmarker of his own, until they are
    lost. Pictures come in order. Raises as `Landmarker`."""

    def __init__(self, model: PoseModel) -> None:
        self._model = model
        self._followers: list[_Follower] = []

    def __len__(self) -> int:
        return len(self._followers)

    def __enter__(self) -> LedPeople:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lead_to(self, image: Picture, time: float, poses: list[Pose], beside: Sequence[Pose] = ()) -> None:
        """Begin to follow those whom the poses show in the picture (H, W, 3) at `time` (s), which comes next, `beside`
        whom they are."""
        size = (image.shape[1], image.shape[0])
        for pose in poses:
            alone = without(image, others([*beside, *poses], [pose], size))
            # From the whole on there is no way.
            for high in (high for high in LEAD_HEIGHTS if height_of(pose, size) < high * max(size)):
                follower = _led_to(Landmarker(self._model, 1), alone, time, pose, high)
                if follower is not None:
                    self._followers.append(follower)
                    break

    def take(self, new: LedPeople) -> None:
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
                self._leave(follower)
        return poses

    def leave_doubles(self, time: float, poses: list[Pose], seen: list[Pose], size: tuple[int, int]) -> None:
        """Follow none any more who has long been the same body as another, or as one `seen` otherwise: he was lost
        behind him. `poses` are those of the picture at `time` (s), of `size` (width, height) px."""
        for number, (follower, pose) in enumerate(zip(list(self._followers), poses, strict=True)):
            if others([pose], [*seen, *poses[:number]], size):
                follower.alone = time
            elif time - follower.alone > DOUBLE_SECONDS:
                self._leave(follower)

    def _leave(self, follower: _Follower) -> None:
        follower.landmarker.close()
        self._followers.remove(follower)

    def close(self) -> None:
        """Follow nobody any more."""
        for follower in self._followers:
            follower.landmarker.close()
        self._followers = []
