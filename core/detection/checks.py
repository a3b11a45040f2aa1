"""Looking for more people now and then: in one picture, beside the pictures that follow."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from ..video import Frame
from .beside import search_beside
from .bodies import distinct
from .landmarker import Landmarker, Pose, bodies_of
from .models import PoseModel
from .parts import others

LONGEST_BETWEEN_SEARCHES = 2.5
"""Seconds of the video between two searches, later in a shot."""
BESIDE_EVERY, BESIDE_OFTEN = 5.0, 1.0
"""The same for those whom the whole picture does not show, which takes four times as long; and at a shot's start, or
while somebody who was there is missing."""
IDLE_SECONDS = 8.0
"""For so long somebody is missed."""
_SEARCH_FRAMES = 6
"""A search's result is taken after so many pictures, whatever the machine's speed, so that the same video always gives
the same poses."""
_CHECK_OFTEN = 0.3
_CHECK_EVERY = 1.0
_LATER = 2.0
_PERSON_VISIBILITY = 0.5


@dataclass(frozen=True)
class Check:
    """A search: the picture searched, who was followed in it, who besides by being `led` to, when the search before
    was; poses found in the `whole` picture, and of others whom it does not show, `beside`."""

    frame: Frame
    followed: list[Pose]
    led: list[Pose]
    since: float
    whole: list[Pose]
    beside: list[Pose]

    @property
    def known(self) -> list[Pose]:
        """All but those beside; one body may appear twice."""
        return [*self.followed, *self.led, *self.whole]

    def people(self) -> int:
        """Those followed and those found together, in the whole: in a wide picture either misses some."""
        found = others(self.whole, self.led, _size(self.frame))
        return count_people([*self.followed, *found], self.frame)


class Checks:
    """The searches of one shot at a time: `begin`, then each picture looked at is given to `over` and `next`; `end`.

    most: people looked for. often_until: it is searched often until then (s). beside: where searches run.
    """

    def __init__(self, model: PoseModel, most: int, often_until: float, beside: Executor) -> None:
        self._most, self._often_until, self._beside = most, often_until, beside
        # Made while the video is opened.
        self._landmarker: Future[Landmarker] = beside.submit(Landmarker, model, most, video=False)
        self._running: Future[Check] | None = None
        self._frames = 0
        self.begin(0.0)

    def begin(self, time: float) -> None:
        """A shot begins at `time` (s)."""
        self._start = self._last = self._due = self._seen_most = time
        self._last_beside, self._seen, self._most_seen = -np.inf, 0, 0

    def close(self) -> None:
        """Free what it holds; no search is under way any more."""
        if not self._landmarker.cancelled() and self._landmarker.exception() is None:
            self._landmarker.result().close()

    def see(self, time: float, people: int) -> None:
        """So many are seen in the picture at `time` (s)."""
        self._seen = people
        if people >= self._most_seen or time - self._seen_most > IDLE_SECONDS:
            self._most_seen, self._seen_most = people, time

    def over(self) -> Check | None:
        """A search whose result is taken in the next picture, which this is."""
        self._frames += 1
        return self.end() if self._frames > _SEARCH_FRAMES else None

    def end(self) -> Check | None:
        """A search that is still under way."""
        running, self._running = self._running, None
        return None if running is None else running.result()

    def next(self, frame: Frame, poses: list[Pose], led: list[Pose]) -> None:
        """Begin to search this picture, if it is time: `poses` are seen in the whole, `led` is who was led to."""
        time = frame.time
        if self._running is not None or time < self._due:
            return
        wait = (
            BESIDE_OFTEN if self._seen < self._most_seen or self._last_beside < self._start + _LATER else BESIDE_EVERY
        )
        with_beside = time - self._last_beside >= wait
        since = self._last

        def search() -> Check:
            landmarker = self._landmarker.result()
            whole = landmarker(frame.image, time)
            known = [*poses, *led, *whole]
            room = self._most - distinct_count(known, frame) if with_beside else 0
            beside = search_beside(landmarker, frame.image, known, room) if room > 0 else []
            return Check(frame, poses, led, since, whole, beside)

        self._running, self._frames = self._beside.submit(search), 0
        self._last = time
        if with_beside:
            self._last_beside = time
        if time < self._often_until:
            self._due = time + _CHECK_OFTEN
        else:
            self._due = time + (_CHECK_EVERY if time - self._start < _LATER else LONGEST_BETWEEN_SEARCHES)


def count_people(poses: list[Pose], frame: Frame) -> int:
    """How many different people these poses show, unlikely ones left out."""
    return distinct_count([p for p in poses if float(np.mean(p.landmarks[:, 3])) >= _PERSON_VISIBILITY], frame)


def distinct_count(poses: list[Pose], frame: Frame) -> int:
    """How many of the poses are not the same body as one before them."""
    if len(poses) < 2:
        return len(poses)
    return int(np.count_nonzero(distinct(bodies_of(poses, _size(frame)))))


def _size(frame: Frame) -> tuple[int, int]:
    height, width = frame.image.shape[:2]
    return width, height
