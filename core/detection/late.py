"""People who were found late, followed back through the pictures to where they were lost.

MediaPipe finds a pose anew only where it looks like one that it knows: who tumbles, or steps out from behind a tree, is
found some pictures after he could have been seen. Looked at backwards the same pictures begin with the pose that was
found in the end, and each is looked for where the one after it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..rotation import Array
from ..video import Frame
from .bodies import SAME_BODY, Bodies, distances
from .landmarker import Look, Pose, bodies_of
from .settling import SETTLING_SECONDS

UNSEEN_SECONDS, UNSEEN_PICTURES = 0.2, 2
"""Who was not seen hereabouts for so long, and in so many pictures, is found anew; while being followed, after so many
seconds he is lost."""
FOLLOWED_SECONDS = 0.5
"""So long somebody is followed, after having been found, before the way back begins. For the first part of it
(`SETTLING_SECONDS`) the way back counts, whose own first poses are not settled either."""
BACK_SECONDS = 2.0
"""The way back before somebody was found, at most."""
_KEPT_SECONDS = 6.0
_INSTANT = 1e-4
_REACH, _REACH_PER_SECOND = 0.35, 1.5
"""Body heights that somebody may be from where he was when last seen."""
_HEIGHT = 1000
"""Height of pictures, whatever their size, in which bodies are compared."""


@dataclass(eq=False)
class Found:
    """Somebody found at `since` (s) and followed to `time` (s), where points (5, 2) and size (`Bodies`) are; `poses`:
    those of the first `SETTLING_SECONDS`, with their times. `met`: since when (s, backwards) the way back is one that
    was known."""

    since: float
    time: float
    points: Array
    size: float
    poses: list[tuple[float, Pose]] = field(default_factory=list)
    met: float | None = None

    def nearest(self, bodies: Bodies, time: float) -> int | None:
        """Which of the bodies at `time` (s) is this one; None: he is not seen."""
        away = _away(self.points, self.size, bodies)
        if not len(away) or away.min() > _reach(self.time - time):
            return None
        return int(np.argmin(away))

    def among(self, frame: Frame, poses: Sequence[Pose]) -> Pose | None:
        """Which of the poses in a picture at `time` is this one's, if it was the last he was seen in."""
        away = _away(self.points, self.size, _bodies(frame, poses))
        return poses[int(np.argmin(away))] if len(away) and away.min() < SAME_BODY else None

    def moved(self, bodies: Bodies, index: int, time: float) -> None:
        """He is seen at `time` (s) as one of the bodies."""
        self.time, self.points, self.size = time, bodies.points[index], float(bodies.sizes[index])


class LateFinds:
    """Notices who is found without having been there before. Of one shot at a time: `begin`, then `see` each picture;
    pictures may come once more."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, Bodies]] = []
        self._followed: list[Found] = []
        self._earliest = 0.0

    def begin(self, earliest: float) -> None:
        """A shot, or the part of it that matters, begins at `earliest` (s)."""
        self._seen, self._followed, self._earliest = [], [], earliest

    def see(self, frame: Frame, poses: Sequence[Pose]) -> list[Found]:
        """Who has now been followed for long enough to be followed back from here."""
        bodies, now = _bodies(frame, poses), frame.time
        unseen = max(UNSEEN_SECONDS, (UNSEEN_PICTURES + 0.5) * (now - self._seen[-1][0] if self._seen else 0.0))
        before = [seen for time, seen in self._seen if now - unseen < time <= now + _INSTANT]
        self._seen = [each for each in self._seen if each[0] > now - _KEPT_SECONDS]
        self._seen.append((now, bodies))
        for person in [each for each in self._followed if each.time < now]:
            index = person.nearest(bodies, now)
            if index is not None:
                person.moved(bodies, index, now)
                self._keep(person, bodies, poses)
            elif now - person.time > UNSEEN_SECONDS:
                self._followed.remove(person)
        if now > self._earliest + _INSTANT:
            self._followed += self._new(now, bodies, poses, before, _reach(unseen))
        due = [each for each in self._followed if each.time == now and now - each.since >= FOLLOWED_SECONDS]
        self._followed = [each for each in self._followed if each not in due]
        return due

    def from_where(self, found: Sequence[Found]) -> float:
        """The time (s) of the first picture on their way back."""
        start = max(min(person.since for person in found) - BACK_SECONDS, self._earliest)
        return min(time for time, _ in self._seen if time >= start - _INSTANT)

    def there(self, person: Found, time: float) -> bool:
        """Whether somebody was seen in his place at `time` (s) before."""
        return any(
            bool(np.any(_away(person.points, person.size, seen) < SAME_BODY))
            for when, seen in self._seen
            if abs(when - time) < _INSTANT
        )

    @staticmethod
    def _keep(person: Found, bodies: Bodies, poses: Sequence[Pose]) -> None:
        if person.time < person.since + SETTLING_SECONDS:
            same = np.flatnonzero(_away(person.points, person.size, bodies) < SAME_BODY)
            person.poses += [(person.time, poses[index]) for index in same]

    def _new(
        self, now: float, bodies: Bodies, poses: Sequence[Pose], before: Sequence[Bodies], reach: float
    ) -> list[Found]:
        found: list[Found] = []
        for index in range(len(bodies.sizes)):
            person = Found(now, now, bodies.points[index], float(bodies.sizes[index]))
            known = any(np.any(_away(person.points, person.size, seen) < reach) for seen in before)
            if not known and not any(each.nearest(bodies[[index]], now) is not None for each in found):
                self._keep(person, bodies, poses)
                found.append(person)
        return found


@dataclass(frozen=True, eq=False)
class Back:
    """A picture on the way back: poses of those who are followed there, and those of theirs that were seen before."""

    frame: Frame
    poses: list[Pose]
    instead_of: list[Pose]


def followed_back(
    found: Sequence[Found], backwards: Iterable[Frame], look: Look, there: Callable[[Found, float], bool]
) -> Iterator[Back]:
    """Those `found` in pictures that are shown `backwards`, from where they were followed to; without the first, in
    which they have not settled. Everybody is followed until he is lost, or for some time was `there` already."""
    going = list(found)
    stop = max(person.time for person in found)
    for frame in backwards:
        poses = look(frame.image, stop - frame.time)
        bodies, here = _bodies(frame, poses), Back(frame, [], [])
        for person in list(going):
            index = person.nearest(bodies, frame.time)
            if index is None:
                if person.time - frame.time > UNSEEN_SECONDS:
                    going.remove(person)
                continue
            person.moved(bodies, index, frame.time)
            known = frame.time < person.since and there(person, frame.time)
            if not known:
                person.met = None
            elif person.met is None:
                person.met = frame.time
            if person.met is not None and person.met - frame.time > UNSEEN_SECONDS:
                going.remove(person)
            elif frame.time < person.since + SETTLING_SECONDS:
                here.poses.append(poses[index])
                here.instead_of.extend(pose for time, pose in person.poses if abs(time - frame.time) < _INSTANT)
        if here.poses:
            yield here
        if not going:
            return


def _bodies(frame: Frame, poses: Sequence[Pose]) -> Bodies:
    height, width = frame.image.shape[:2]
    return bodies_of(poses, (round(_HEIGHT * width / height), _HEIGHT))


def _away(points: Array, size: float, bodies: Bodies) -> Array:
    """(N,) body heights from somebody's points (5, 2)."""
    result: Array = distances(points[None], bodies.points, np.array([size]), bodies.sizes)[0]
    return result


def _reach(seconds: float) -> float:
    return _REACH + _REACH_PER_SECOND * abs(seconds)
