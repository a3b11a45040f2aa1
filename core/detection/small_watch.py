"""When people who are small in the picture are looked for (`small`), and following all whom landmarkers are led to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from ..video import Frame
from .bodies import Bodies
from .landmarker import Landmarker, Pose, bodies_of
from .leading import LedPeople
from .models import PoseModel
from .parts import others
from .small import SMALL, search
from .tracking import BRIEF

log = logging.getLogger(__name__)

NOBODY_SECONDS = 0.4
"""Nobody is seen for so long before small people are looked for."""
LARGE_SECONDS = 8.0
"""The same after somebody who was not small: he is behind something, or will come back."""
EVERY_SECONDS = 2.0
"""Between two searches; whoever is found is followed back as far (`late.BACK_SECONDS`)."""
MORE_SECONDS = 5.0
"""The same for more people while some are followed."""
FEWEST_PICTURES = 45
"""Looked at between two searches, which take as long as twenty: a clip of rare pictures must not consist of them."""
SEARCH_PICTURES = 18
"""A search runs beside the pictures that follow; its result is taken after so many, whatever the machine's speed."""
WHOLE_EVERY = 6
"""While small people are followed and nobody else is seen, the whole is looked at in every so manieth picture."""
_INSTANT = 1e-4


@dataclass(frozen=True)
class _Search:
    """A search under way: the picture searched, who was followed in it, who is found."""

    frame: Frame
    followed: list[Pose]
    found: Future[list[Pose]]


class SmallWatch:
    """Looks for small people where nobody else is seen, and follows them. Of one shot at a time: `begin`, then each
    picture is given to `follow`, those looked at as a whole to `note`; `finish` ends it.

    most: people followed at once. beside: where searches run. look_back(start, stop): frames with start <= time < stop
    (s), decoded again. earlier(frame, poses): told what was seen in those. `poses`: those of small people in the last
    picture.
    """

    def __init__(
        self,
        model: PoseModel,
        most: int,
        beside: Executor,
        look_back: Callable[[float, float], Iterator[Frame]],
        earlier: Callable[[Frame, list[Pose]], None],
    ) -> None:
        self._model, self._most, self._beside = model, most, beside
        self._look_back, self._earlier = look_back, earlier
        self._followed = LedPeople(model)
        self.poses: list[Pose] = []
        self._searcher: Landmarker | None = None
        self._search: _Search | None = None
        self.begin(0.0)

    def begin(self, time: float) -> None:
        """A shot begins at `time` (s)."""
        self._followed.close()
        self._search, self.poses = None, []
        self._wait, self._last_seen, self._next = NOBODY_SECONDS, time, time
        self._pictures = FEWEST_PICTURES
        self._alone, self._whole_since = True, np.inf
        self._turn = 0

    def close(self) -> None:
        """Free what it holds; no search is under way any more."""
        self._followed.close()
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None

    def follow(self, frame: Frame) -> list[Pose]:
        """Those small who are followed, in the next picture."""
        before, self.poses = len(self._followed), self._followed(frame.image, frame.time)
        if len(self.poses) < before:
            # He may be there again soon.
            self._next = min(self._next, frame.time + EVERY_SECONDS)
        return self.poses

    def spares(self, followed: list[Pose]) -> bool:
        """Whether this picture need not be looked at as a whole, those `followed` in it being all there are."""
        self._turn += 1
        return bool(followed) and self._alone and self._turn % WHOLE_EVERY != 0

    def note(self, frame: Frame, whole: list[Pose] | None) -> list[Pose]:
        """The poses in a picture that `follow` was given: of those followed, of others seen in the whole of it (None:
        nobody looked), and of those found by a search that is over."""
        size = (frame.image.shape[1], frame.image.shape[0])
        seen = others(whole or [], self.poses, size)
        if whole is not None:
            self._followed.leave_doubles(frame.time, self.poses, whole, size)
            self._alone = not seen
            self._whole_since = min(self._whole_since, frame.time) if seen else np.inf
        # Where nobody is, MediaPipe may see somebody in a tree, in single pictures.
        lasting = frame.time - self._whole_since >= BRIEF
        self._see(frame.time, bodies_of([*self.poses, *(seen if lasting else [])], size), max(size))
        self._pictures += 1
        if self._search is not None and self._pictures > SEARCH_PICTURES:
            search, self._search = self._search, None
            # Whoever has come in meanwhile is whom the clip is about.
            if not lasting and (new := self._new(search)):
                log.debug("%d small people found at %.2f s", len(new), search.frame.time)
                self._last_seen, self._wait = frame.time, NOBODY_SECONDS
                self.lead_to(search.frame, new, search.followed, frame)
        if self._search is None and self._due(frame.time, len(self.poses)):
            self._ask(frame, self.poses)
        return [*self.poses, *seen]

    def finish(self, last: float) -> None:
        """The shot's last picture was shown at `last` (s): those found by a search still under way are followed to
        there."""
        search, self._search = self._search, None
        if search is not None and last - self._whole_since < BRIEF and (new := self._new(search)):
            self.lead_up_to(last, search.frame, new, search.followed)

    def lead_to(self, before: Frame, new: list[Pose], beside: list[Pose], frame: Frame) -> None:
        """Follow those `new`, too, `beside` whom they are in a picture `before` this one, the last that `follow` was
        given."""
        people = self._led(before, new, beside, frame.time)
        self.poses = [*self.poses, *people(frame.image, frame.time)]
        self._followed.take(people)

    def lead_up_to(self, last: float, before: Frame, new: list[Pose], beside: list[Pose]) -> None:
        """The same where the last picture was shown at `last` (s)."""
        self._led(before, new, beside, last + _INSTANT).close()

    def _see(self, time: float, bodies: Bodies, longest: int) -> None:
        if len(bodies.sizes):
            self._last_seen = time
            self._wait = NOBODY_SECONDS if float(np.max(bodies.sizes)) < SMALL * longest else LARGE_SECONDS

    def _due(self, time: float, followed: int) -> bool:
        if not self._alone or followed >= self._most or time < self._next or self._pictures < FEWEST_PICTURES:
            return False
        # Beside somebody who is not small nobody small is looked for.
        return (followed > 0 and self._wait < LARGE_SECONDS) or time - self._last_seen >= self._wait

    def _ask(self, frame: Frame, followed: list[Pose]) -> None:
        found = self._beside.submit(self._searched, frame)
        self._search, self._pictures = _Search(frame, followed, found), 0
        self._next = frame.time + (MORE_SECONDS if followed else EVERY_SECONDS)

    def _searched(self, frame: Frame) -> list[Pose]:
        if self._searcher is None:
            self._searcher = Landmarker(self._model, self._most, video=False)
        return search(self._searcher, frame.image)

    def _new(self, search: _Search) -> list[Pose]:
        """Those whom a search that is over has found."""
        image = search.frame.image
        new = others(search.found.result(), search.followed, (image.shape[1], image.shape[0]))
        return new[: self._most - len(search.followed)]

    def _led(self, before: Frame, new: list[Pose], beside: list[Pose], now: float) -> LedPeople:
        """Those `new` in a picture `before`, followed from it up to `now` (s)."""
        people = LedPeople(self._model)
        people.lead_to(before.image, before.time, new, beside)
        for frame in self._look_back(before.time, now):
            self._earlier(frame, people(frame.image, frame.time))
        return people
