"""Following everyone in a shot, and looking for more people now and then."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..jobs import LiftSettings
from ..video import Frame
from .checks import IDLE_SECONDS, Check, Checks, distinct_count
from .landmarker import Landmarker, Look, Picture, Pose
from .late import Back, Found, LateFinds, followed_back
from .leading import LedPeople
from .models import PoseModel
from .small_watch import SmallWatch

log = logging.getLogger(__name__)

MOST_PEOPLE = 4
"""People looked for when the settings do not say how many there are."""

MOST_BEHIND = 1.5
"""Pictures looked at backwards for each one looked at so far: beyond, nobody else is followed back."""
_INSTANT = 1e-4


@dataclass(frozen=True)
class Part:
    """A stretch of a trim that is looked at by itself: start <= time < stop (s), None: to the trim's own limit.

    In a part that begins amidst others everyone should be found before its `own` frames (s) begin: until then it is
    searched often, unless it is known how many there are: `people` are followed from the start.
    """

    start: float | None
    stop: float | None
    own: float | None = None
    people: int = 1


class Watch:
    """Follows everyone in a shot with one landmarker of as many poses as people were seen.

    Looking for two people costs nearly twice as much as following one, so the number starts at one, and now and then
    one picture is searched, in a thread of its own, for people who are not followed yet (`checks`). When there are, a
    landmarker for more looks at everything since the last search again and takes over (beside the old one, until it has
    found everyone the old one had). The number goes down when fewer were seen for eight seconds. To whom the whole
    picture does not show (`beside`) landmarkers of their own are led. Who is found late is followed back (`late`).
    Where nobody is found, people who are small in the picture are looked for (`small_watch`).

    look_back(start, stop): frames with start <= time < stop (s), decoded again; look_behind: the same from the last to
    the first, or to as many as memory has room for. add(frame, poses): told what was seen in those; add_back: what was
    seen on the way back. part: what is looked at.
    """

    def __init__(
        self,
        model: PoseModel,
        settings: LiftSettings,
        look_back: Callable[[float, float], Iterator[Frame]],
        look_behind: Callable[[float, float], Iterator[Frame]],
        add: Callable[[Frame, list[Pose]], None],
        add_back: Callable[[Back], None],
        part: Part,
    ) -> None:
        self._look_back, self._look_behind, self._add, self._add_back = look_back, look_behind, add, add_back
        self._model = model
        self._fixed = settings.max_people
        self._own = -np.inf if part.own is None else part.own
        self._beside = ThreadPoolExecutor(1, "motionlift-search")
        # Made while the video is opened.
        self._first: Future[Landmarker] | None = self._beside.submit(Landmarker, model, self._fixed or part.people)
        often_until = -np.inf if part.people > 1 else self._own
        most = self._fixed or MOST_PEOPLE
        self._checks = None if most == 1 else Checks(model, most, often_until, self._beside)
        self._current: Landmarker | None = None
        self._retiring: Landmarker | None = None
        self._late = LateFinds()
        self._small = SmallWatch(model, most, self._beside, look_back, self._see_small_earlier)
        self._looked = self._looked_behind = 0
        self._shot = 0
        self._last_full = self._last = 0.0

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown(cancel_futures=True)
        self._small.close()
        self._retire(self._current)
        self._retire(self._retiring)
        if self._checks is not None:
            self._checks.close()
        first = self._first
        if first is not None and not first.cancelled() and first.exception() is None:
            self._retire(first.result())

    def look(self, frame: Frame) -> list[Pose]:
        """The poses in the next frame; one body may appear twice."""
        if frame.shot != self._shot:
            self.finish()
            self._begin_shot(frame)
        self._last = frame.time
        self._looked += 1
        small = self._small.follow(frame)
        whole = None if self._small.spares(small) else self._look_at_whole(frame)
        poses = self._small.note(frame, whole)
        if self._checks is not None:
            self._checks.see(frame.time, distinct_count(poses, frame))
        self._follow_back(frame, poses, self._small.poses)
        return poses

    def _look_at_whole(self, frame: Frame) -> list[Pose]:
        assert self._current is not None
        poses = self._current(frame.image, frame.time)
        if self._retiring is not None:
            poses = self._hand_over(frame, poses, self._retiring)
        if len(poses) >= self._current.num_poses:
            self._last_full = frame.time
        if self._checks is not None:
            if (check := self._checks.over()) is not None:
                poses = [*poses, *self._answer(frame, check)]
            if self._fixed is None or len(poses) + len(self._small.poses) < self._fixed:
                self._checks.next(frame, poses, self._small.poses)
        return poses

    def finish(self) -> None:
        """The shot is over: those found by a search still under way are followed up to here."""
        self._small.finish(self._last)
        check = None if self._checks is None else self._checks.end()
        if check is None or self._current is None:
            return
        if check.beside:
            self._small.lead_up_to(self._last, check.frame, check.beside, check.known)
        people = self._people(check)
        if people > self._current.num_poses:
            self._add(check.frame, check.whole)
            with Landmarker(self._model, people) as landmarker:
                for frame in self._look_back(check.since, self._last + _INSTANT):
                    self._add(frame, landmarker(frame.image, frame.time))

    def _begin_shot(self, frame: Frame) -> None:
        self._retire(self._current)
        self._retire(self._retiring)
        first, self._first = self._first, None
        self._current, self._retiring = first.result() if first else Landmarker(self._model, self._fixed or 1), None
        self._shot = frame.shot
        self._late.begin(max(frame.time, self._own))
        self._small.begin(frame.time)
        if self._checks is not None:
            self._checks.begin(frame.time)
        self._last_full = frame.time

    def _answer(self, frame: Frame, check: Check) -> list[Pose]:
        """A search is over: who is only found beside is led to. What a new landmarker sees in this frame, if one takes
        over."""
        assert self._current is not None
        if check.beside:
            self._small.lead_to(check.frame, check.beside, check.known, frame)
        people, followed = self._people(check), self._current.num_poses
        if people > followed:
            self._add(check.frame, check.whole)
            return self._change(frame, people, since=check.since)
        if people < followed and check.frame.time - self._last_full > IDLE_SECONDS:
            return self._change(frame, people, since=frame.time)
        return []

    def _people(self, check: Check) -> int:
        """How many the whole picture is looked at for."""
        return self._fixed or min(max(check.people(), 1), MOST_PEOPLE)

    def _change(self, frame: Frame, people: int, since: float) -> list[Pose]:
        """Let a landmarker for `people` take over, warmed up on the frames from `since` on. Its poses in this one."""
        log.debug("%d people from %.2f s on", people, since)
        # What telling them apart needs.
        self._beside.submit(importlib.import_module, "scipy.optimize")
        self._retire(self._retiring)
        self._current, self._retiring = Landmarker(self._model, people), self._current
        self._last_full = frame.time
        if since < frame.time:
            for earlier in self._look_back(since, frame.time):
                self._see_earlier(earlier, self._current(earlier.image, earlier.time))
        return self._current(frame.image, frame.time)

    def _see_earlier(self, frame: Frame, poses: list[Pose]) -> None:
        """What a landmarker that has taken over sees in a picture that was looked at before."""
        self._add(frame, poses)
        self._follow_back(frame, poses, [])

    def _see_small_earlier(self, frame: Frame, poses: list[Pose]) -> None:
        """The same of small people who have been found by a search."""
        self._add(frame, poses)
        self._follow_back(frame, poses, poses)

    def _follow_back(self, frame: Frame, poses: list[Pose], small: list[Pose]) -> None:
        """Whom these poses of the next picture show to have been found late is looked for in those before; those of
        `small` people by who is led to them."""
        found = self._late.see(frame, poses)
        # In a crowd somebody is lost and found all the time.
        if not found or self._looked_behind > MOST_BEHIND * self._looked:
            return
        log.debug("%d found at %.2f s: looked for before", len(found), found[0].since)
        led_to = [(each, pose) for each in found if (pose := each.among(frame, small)) is not None]
        if led_to:
            with LedPeople(self._model) as people:
                people.lead_to(frame.image, 0.0, [pose for _, pose in led_to])
                self._look_behind_for([each for each, _ in led_to], frame, people)
        rest = [each for each in found if not any(each is other for other, _ in led_to)]
        if rest:
            count = min(max(distinct_count(poses, frame), 1), self._fixed or MOST_PEOPLE)
            with Landmarker(self._model, count) as landmarker:
                self._look_behind_for(rest, frame, landmarker)

    def _look_behind_for(self, found: list[Found], frame: Frame, landmarker: Look) -> None:
        """Those `found` by this picture, followed back from it."""

        def look(image: Picture, time: float) -> list[Pose]:
            self._looked_behind += 1
            return landmarker(image, time)

        pictures = self._look_behind(self._late.from_where(found), frame.time + _INSTANT)
        for back in followed_back(found, pictures, look, self._late.there):
            self._add_back(back)

    def _hand_over(self, frame: Frame, poses: list[Pose], old: Landmarker) -> list[Pose]:
        """Both landmarkers' poses, until the new one has everyone the old one has."""
        both = [*poses, *old(frame.image, frame.time)]
        if distinct_count(both, frame) > distinct_count(poses, frame):
            return both
        self._retire(old)
        self._retiring = None
        return poses

    @staticmethod
    def _retire(landmarker: Landmarker | None) -> None:
        if landmarker is not None:
            landmarker.close()
