"""The one expensive pass: every frame through MediaPipe, as many poses as there are people."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..jobs import Cancelled, LiftSettings, ProgressCallback, ignore_progress
from ..video import Frame, FrameReader, VideoInfo
from ..video.reader import GRACE_SECONDS
from .appearance import COLOURS, colours
from .bodies import Bodies, Floats, distinct
from .camera_motion import BackgroundTracker
from .landmarker import Landmarker, Pose
from .models import HandModel, PoseModel
from .observations import Observations, stacked

if TYPE_CHECKING:
    from .hands import Hands, HandWatch

log = logging.getLogger(__name__)

SoFar = Callable[[VideoInfo, int, int | None, Callable[[], Observations]], None]
"""Told after each frame how many there were, of how many (None while unknown), and how to have what was seen in them,
hands left out."""

MOST_PEOPLE = 4
"""People looked for when the settings do not say how many there are."""

LONGEST_SIDE = 2560
"""Pictures are made smaller than this before detection: it crops people to 256 pixels in any case."""

_SEARCH_FRAMES = 6
"""A search runs beside the frames that follow; its result is taken after so many of them, whatever the machine's
speed, so that the same video always gives the same poses."""
_CHECK_OFTEN = 0.3
_CHECK_EVERY = 1.0
_CHECK_EVERY_LATER = 2.5
_LATER = 2.0
_IDLE_SECONDS = 8.0
_INSTANT = 1e-4
_PERSON_VISIBILITY = 0.5


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


def observe(
    path: Path,
    settings: LiftSettings,
    model: PoseModel,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
    hands: HandModel | None = None,
    part: Part | None = None,
    so_far: SoFar | None = None,
) -> Observations:
    """Detect in every frame of the trim (of shot `settings.shot`, or of any that may be the longest), or in every
    `settings.stride`-th.

    With a model of `hands` everyone's hands too. With `part` only there, in every shot; shots are counted from its
    start. `so_far` is told after each frame.

    Raises `Cancelled`, and the reader's errors.
    """
    stretch = part or Part(settings.start, None)
    # Colours and the background are measured beside the next picture's detection.
    beside = ThreadPoolExecutor(1, "motionlift-colours")
    hand_watch = _hand_watch(hands)
    record = _Record(beside, hand_watch)

    def look_back(start: float, stop: float) -> Iterator[Frame]:
        with FrameReader(path, start, stop, LONGEST_SIDE, stride=settings.stride, hwaccel=settings.hwaccel) as again:
            for frame in again:
                if cancelled():
                    raise Cancelled()
                if frame.image.size:
                    yield frame

    with (
        beside,
        hand_watch or contextlib.nullcontext(),
        Watch(model, settings, look_back, record.add_poses, stretch) as watch,
        FrameReader(
            path, stretch.start, settings.end, LONGEST_SIDE, stride=settings.stride, hwaccel=settings.hwaccel
        ) as reader,
    ):
        duration = reader.info.duration
        end = min(settings.end or np.inf, duration if duration is not None else np.inf)
        total = _frame_count(settings, reader.info.frame_count, duration)
        shots = _ShotChoice(None if part else settings.shot, end)
        for frame in reader:
            if cancelled():
                raise Cancelled()
            # The frame at the stop is read, so that cuts before it are known.
            if shots.over(frame) or (stretch.stop is not None and frame.time >= stretch.stop - GRACE_SECONDS):
                break
            looked = (part is not None or shots.worth_looking(frame)) and frame.image.size > 0
            record.add_frame(frame, looked)
            if looked:
                record.add_poses(frame, watch.look(frame))
            done = len(record.times)
            progress("detect", done, None if total is None else max(total, done))
            if so_far:
                so_far(reader.info, done, total, record.observations)
        watch.finish()
        return record.observations(tuple(reader.warnings), record.found_hands())


def _hand_watch(model: HandModel | None) -> HandWatch | None:
    if model is None:
        return None
    # Imported late: nothing of it is needed by those who want no hands.
    from .hands import HandWatch

    return HandWatch(model)


@dataclass(frozen=True)
class _Check:
    """A search under way: the picture searched, who was followed in it, when the search before was, what is found."""

    frame: Frame
    followed: list[Pose]
    since: float
    found: Future[list[Pose]]


class Watch:
    """Follows everyone in a shot with one landmarker of as many poses as people were seen.

    Looking for two people costs nearly twice as much as following one, so the number starts at one, and now and then
    one picture is searched, in a thread of its own, for people who are not followed yet. When there are, a landmarker
    for more looks at everything since the last search again and takes over (beside the old one, until it has found
    everyone the old one had). The number goes down when fewer were seen for eight seconds.

    look_back(start, stop): frames with start <= time < stop (s), decoded again. add(frame, poses): told what was seen
    in those. part: what is looked at.
    """

    def __init__(
        self,
        model: PoseModel,
        settings: LiftSettings,
        look_back: Callable[[float, float], Iterator[Frame]],
        add: Callable[[Frame, list[Pose]], None],
        part: Part,
    ) -> None:
        self._look_back, self._add = look_back, add
        self._model = model
        self._fixed = settings.max_people
        self._often_until = -np.inf if part.own is None or part.people > 1 else part.own
        self._beside = ThreadPoolExecutor(1, "motionlift-search")
        # Made while the video is opened.
        self._first: Future[Landmarker] | None = self._beside.submit(Landmarker, model, self._fixed or part.people)
        self._search = None if self._fixed else self._beside.submit(Landmarker, model, MOST_PEOPLE, video=False)
        self._current: Landmarker | None = None
        self._retiring: Landmarker | None = None
        self._check: _Check | None = None
        self._check_frames = 0
        self._shot = 0
        self._shot_start = self._last_check = self._next_check = self._last_full = self._last = 0.0

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown(cancel_futures=True)
        self._retire(self._current)
        self._retire(self._retiring)
        for made in (self._first, self._search):
            if made is not None and not made.cancelled() and made.exception() is None:
                self._retire(made.result())

    def look(self, frame: Frame) -> list[Pose]:
        """The poses in the next frame; one body may appear twice."""
        if frame.shot != self._shot:
            self.finish()
            self._begin_shot(frame)
        assert self._current is not None
        self._last = frame.time
        poses = self._current(frame.image, frame.time)
        if self._retiring is not None:
            poses = self._hand_over(frame, poses, self._retiring)
        if len(poses) >= self._current.num_poses:
            self._last_full = frame.time
        self._check_frames += 1
        if self._check is not None and self._check_frames > _SEARCH_FRAMES:
            poses = [*poses, *self._answer(frame, self._check)]
        if self._search is not None and self._check is None and frame.time >= self._next_check:
            self._ask(frame, poses, self._search)
        return poses

    def finish(self) -> None:
        """The shot is over: those found by a search still under way are followed up to here."""
        check, self._check = self._check, None
        if check is None or self._current is None:
            return
        people = self._people(check)
        if people > self._current.num_poses:
            self._add(check.frame, check.found.result())
            with Landmarker(self._model, people) as landmarker:
                for frame in self._look_back(check.since, self._last + _INSTANT):
                    self._add(frame, landmarker(frame.image, frame.time))

    def _begin_shot(self, frame: Frame) -> None:
        self._retire(self._current)
        self._retire(self._retiring)
        first, self._first = self._first, None
        self._current, self._retiring = first.result() if first else Landmarker(self._model, self._fixed or 1), None
        self._shot = frame.shot
        self._shot_start = self._last_check = self._next_check = self._last_full = frame.time

    def _ask(self, frame: Frame, poses: list[Pose], search: Future[Landmarker]) -> None:
        """Begin to search a picture."""
        found = self._beside.submit(lambda: search.result()(frame.image, frame.time))
        self._check, self._check_frames = _Check(frame, poses, self._last_check, found), 0
        self._last_check = frame.time
        early = frame.time - self._shot_start < _LATER
        often = frame.time < self._often_until
        self._next_check = frame.time + (_CHECK_OFTEN if often else _CHECK_EVERY if early else _CHECK_EVERY_LATER)

    def _answer(self, frame: Frame, check: _Check) -> list[Pose]:
        """The search is over. What a new landmarker sees in this frame, if one takes over."""
        assert self._current is not None
        self._check = None
        people, followed = self._people(check), self._current.num_poses
        if people > followed:
            self._add(check.frame, check.found.result())
            return self._change(frame, people, since=check.since)
        if people < followed and check.frame.time - self._last_full > _IDLE_SECONDS:
            return self._change(frame, people, since=frame.time)
        return []

    @staticmethod
    def _people(check: _Check) -> int:
        """Those followed and those a fresh search finds together: in a wide picture either misses some."""
        return min(max(count_people([*check.followed, *check.found.result()], check.frame), 1), MOST_PEOPLE)

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
                self._add(earlier, self._current(earlier.image, earlier.time))
        return self._current(frame.image, frame.time)

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


def count_people(poses: list[Pose], frame: Frame) -> int:
    """How many different people these poses show, unlikely ones left out."""
    return distinct_count([p for p in poses if float(np.mean(p.landmarks[:, 3])) >= _PERSON_VISIBILITY], frame)


def distinct_count(poses: list[Pose], frame: Frame) -> int:
    """How many of the poses are not the same body as one before them."""
    if len(poses) < 2:
        return len(poses)
    height, width = frame.image.shape[:2]
    return int(np.count_nonzero(distinct(Bodies.of(np.stack([p.landmarks for p in poses]), (width, height)))))


class _ShotChoice:
    """Which shots need no look: all but the one asked for, or those that are sure not to be the longest."""

    def __init__(self, wanted: int | None, end: float) -> None:
        self._wanted = wanted
        self._end = end
        self._shot, self._start, self._longest, self._last = 0, 0.0, 0.0, 0.0

    def over(self, frame: Frame) -> bool:
        return self._wanted is not None and frame.shot > self._wanted

    def worth_looking(self, frame: Frame) -> bool:
        if frame.shot != self._shot:
            self._longest = max(self._longest, self._last - self._start)
            self._shot, self._start = frame.shot, frame.time
        self._last = frame.time
        if self._wanted is not None:
            return frame.shot == self._wanted
        # The container's duration is an estimate: only a clear case is passed over.
        return self._end - self._start > 0.9 * self._longest


@dataclass
class _Record:
    """Observations being gathered. Poses of a frame are found again by its time."""

    beside: Executor
    hand_watch: HandWatch | None = None
    times: list[float] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    looked: list[bool] = field(default_factory=list)
    poses: list[tuple[float, Pose, Future[Floats]]] = field(default_factory=list)
    background: BackgroundTracker = field(default_factory=BackgroundTracker)
    hands: list[tuple[float, Future[list[Hands]]]] = field(default_factory=list)

    def add_frame(self, frame: Frame, looked: bool) -> None:
        self.times.append(frame.time)
        self.shots.append(frame.shot)
        self.looked.append(looked)
        self.beside.submit(self.background.look, frame.image, frame.shot)

    def add_poses(self, frame: Frame, poses: list[Pose]) -> None:
        if self.hand_watch and poses:
            self.hands.append((frame.time, self.hand_watch.look(frame.image, frame.time, poses)))
        for pose in poses:
            self.poses.append((frame.time, pose, self.beside.submit(colours, frame.image, pose.landmarks)))

    def observations(self, warnings: tuple[str, ...] = (), hands: Sequence[Hands] = ()) -> Observations:
        """What was seen so far; `hands` as `found_hands` gives them."""
        times = np.array(self.times, np.float64)
        # A frame decoded again has the same time, up to the last bit.
        middles = (times[1:] + times[:-1]) / 2
        found = sorted(self.poses, key=lambda item: item[0])
        # Done after all that was submitted before: in order.
        drift = self.beside.submit(self.background.shares).result()
        return Observations(
            times=times,
            shots=np.array(self.shots, np.int64),
            looked=np.array(self.looked, np.bool_),
            frames=np.searchsorted(middles, [time for time, _, _ in found]).astype(np.int64),
            landmarks=stacked([pose.landmarks for _, pose, _ in found], (33, 5)),
            world=stacked([pose.world for _, pose, _ in found], (33, 3)),
            colours=stacked([colour.result() for _, _, colour in found], (COLOURS,)),
            drift=drift,
            warnings=warnings,
            hand_points=stacked([both.points for both in hands], (2, 21, 5)),
            hand_left=stacked([both.left for both in hands], (2,)),
        )

    def found_hands(self) -> list[Hands]:
        """A pose's hands each, in the order of times, in which poses are."""
        in_order = sorted(self.hands, key=lambda item: item[0])
        return [hands for _, found in in_order for hands in found.result()]


def gathered(seen: Iterable[tuple[Frame, list[Pose]]]) -> Observations:
    """Observations of frames that somebody else has had looked at."""
    with ThreadPoolExecutor(1, "motionlift-colours") as beside:
        record = _Record(beside)
        for frame, poses in seen:
            record.add_frame(frame, looked=True)
            record.add_poses(frame, poses)
        return record.observations()


def _frame_count(settings: LiftSettings, count: int | None, duration: float | None) -> int | None:
    if count is None or not duration:
        return None
    start, end = settings.start or 0.0, min(settings.end or duration, duration)
    return max(1, round(count * (end - start) / duration))
