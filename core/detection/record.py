"""What is seen in a video, gathered frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..rotation import Floats
from ..video import Frame
from .appearance import COLOURS, colours
from .camera_motion import BackgroundTracker
from .landmarker import Pose
from .observations import Observations, stacked

if TYPE_CHECKING:
    from .hands import Hands, HandWatch
    from .late import Back


@dataclass(frozen=True, eq=False)
class _Seen:
    """A pose in the frame at `time` (s), and whether it was found on the way back."""

    time: float
    pose: Pose
    colours: Future[Floats]
    backwards: bool


@dataclass
class Record:
    """Observations being gathered. Poses of a frame are found again by its time."""

    beside: Executor
    hand_watch: HandWatch | None = None
    times: list[float] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    looked: list[bool] = field(default_factory=list)
    seen: list[_Seen] = field(default_factory=list)
    background: BackgroundTracker = field(default_factory=BackgroundTracker)
    hands: list[tuple[float, list[Pose], Future[list[Hands]]]] = field(default_factory=list)
    superseded: dict[int, Pose] = field(default_factory=dict)

    def add_frame(self, frame: Frame, looked: bool) -> None:
        self.times.append(frame.time)
        self.shots.append(frame.shot)
        self.looked.append(looked)
        self.beside.submit(self.background.look, frame.image, frame.shot)

    def add_poses(self, frame: Frame, poses: list[Pose], backwards: bool = False) -> None:
        if self.hand_watch and poses:
            self.hands.append((frame.time, poses, self.hand_watch.look(frame.image, frame.time, poses)))
        for pose in poses:
            seen = self.beside.submit(colours, frame.image, pose.landmarks)
            self.seen.append(_Seen(frame.time, pose, seen, backwards))

    def add_back(self, back: Back) -> None:
        """What is seen on the way back, in place of what was seen before."""
        self.add_poses(back.frame, back.poses, backwards=True)
        self.superseded.update((id(pose), pose) for pose in back.instead_of)

    def observations(self, warnings: tuple[str, ...] = (), hands: Sequence[Hands] = ()) -> Observations:
        """What was seen so far; `hands` as `_found_hands` gives them."""
        times = np.array(self.times, np.float64)
        # A frame decoded again has the same time, up to the last bit.
        middles = (times[1:] + times[:-1]) / 2
        found = sorted((each for each in self.seen if self._counts(each.pose)), key=lambda each: each.time)
        # Done after all that was submitted before: in order.
        drift = self.beside.submit(self.background.shares).result()
        return Observations(
            times=times,
            shots=np.array(self.shots, np.int64),
            looked=np.array(self.looked, np.bool_),
            frames=np.searchsorted(middles, [each.time for each in found]).astype(np.int64),
            landmarks=stacked([each.pose.landmarks for each in found], (33, 5)),
            world=stacked([each.pose.world for each in found], (33, 3)),
            colours=stacked([each.colours.result() for each in found], (COLOURS,)),
            drift=drift,
            warnings=warnings,
            hand_points=stacked([both.points for both in hands], (2, 21, 5)),
            hand_left=stacked([both.left for both in hands], (2,)),
            backwards=np.array([each.backwards for each in found], np.bool_),
        )

    def with_hands(self, warnings: tuple[str, ...] = ()) -> Observations:
        """What was seen so far, hands included: waits until those of all poses have been looked for."""
        return self.observations(warnings, self._found_hands())

    def _found_hands(self) -> list[Hands]:
        """A pose's hands each, in the order of times, in which poses are."""
        in_order = sorted(self.hands, key=lambda item: item[0])
        return [
            hands
            for _, poses, found in in_order
            for pose, hands in zip(poses, found.result(), strict=True)
            if self._counts(pose)
        ]

    def _counts(self, pose: Pose) -> bool:
        return id(pose) not in self.superseded
