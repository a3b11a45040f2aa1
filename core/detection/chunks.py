"""A long clip in pieces that are detected one by one, perhaps side by side, and put together as if it were one.

Pieces begin at fixed frames, however many processes there are, so that the same clip always gives the same poses. They
are long, since each looks at some frames twice; a clip that somebody waits for is divided finer, for more processors.
Before its own frames each piece looks at some of its predecessor's: its landmarker has found everyone and settled by
then, cuts are judged by the same neighbours, and the background's way goes on from where the predecessor had it.
Who is not found in those (small, half hidden) though the predecessor followed them to its end has the piece looked at
once more, from the predecessor's start.
Who is who is decided afterwards, from the poses of the whole clip, by place and clothes (`tracking`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..jobs import LiftSettings
from ..rotation import Array, Bools
from ..video.reader import GRACE_SECONDS
from .bodies import Bodies, distinct
from .observations import Observations
from .watch import MOST_PEOPLE, Part

FRAMES = 900
"""Frames of a chunk. Together with `WARM_UP` a multiple of every stride."""
FINEST = 192
"""Frames, at least, of a chunk of a clip that somebody waits for: another process takes a second to start. Of 10 s at
30 frames a second it has as much less to do."""
AT_ONCE = 6
"""Into so many chunks such a clip is divided, where they are neither longer nor shorter than others may be."""
WARM_UP = 36
"""Frames that a chunk looks at before its own: more than any cut's neighbourhood."""
COMPARED = 12
"""Frames by which is judged whether everyone whom the chunk before saw was found."""
STRIDES = 12
"""A multiple of every stride."""


@dataclass(frozen=True)
class Chunk:
    """Frames `first` <= i < `stop` of a trim; looked at is `part`, from frame `looked_from` on."""

    looked_from: int
    first: int
    stop: int
    part: Part

    def owned(self, times: Array) -> Bools:
        """Which of the frames looked at, shown at `times` (F,) s, are its own."""
        low = -np.inf if self.part.own is None else self.part.own - GRACE_SECONDS
        high = np.inf if self.part.stop is None else self.part.stop - GRACE_SECONDS
        result: Bools = (times >= low) & (times < high)
        return result

    def again(self, before: Chunk, people: int) -> Chunk:
        """The same, looked at from where the chunk `before` it begins, with so many people followed: some are found
        there and can be followed to here, and would not be found anew."""
        part = dataclasses.replace(self.part, start=before.part.start, people=people)
        return dataclasses.replace(self, looked_from=before.looked_from, part=part)


def size_of(frames: int, awaited: bool) -> int:
    """How many frames the chunks of a clip of so many have; `awaited`: somebody waits for it."""
    shared_out = STRIDES * -(-frames // (AT_ONCE * STRIDES))
    return min(max(shared_out, FINEST), FRAMES) if awaited else FRAMES


def divisible(frames: int, awaited: bool) -> bool:
    """Whether so many frames are more than one chunk: a last one of less than half belongs to the one before."""
    return 2 * frames >= 3 * size_of(frames, awaited)


def plan(
    times: Sequence[float], start: float | None, stop_at: float | None = None, awaited: bool = False
) -> list[Chunk]:
    """The chunks of a trim that begins at `start` (s) and whose frames are shown at `times` (s); none for none.
    `stop_at` (s): of the frame after its last one, where it ends before the trim asked for does; `awaited`: see
    `size_of`."""
    size = size_of(len(times), awaited)
    firsts = [first for first in range(0, len(times), size) if not first or 2 * (len(times) - first) >= size]
    stops = [*firsts[1:], *([len(times)] if firsts else [])]
    chunks = []
    for first, stop in zip(firsts, stops, strict=True):
        looked_from = max(first - WARM_UP, 0)
        end = times[stop] if stop < len(times) else stop_at
        part = Part(times[looked_from], end, times[first]) if first else Part(start, end)
        chunks.append(Chunk(looked_from, first, stop, part))
    return chunks


def lost_people(before: Observations, chunk: Chunk, seen: Observations) -> int:
    """How many people the chunk `before` still saw in its last frames, if more than this one saw in the same; else 0.

    A landmarker that has just begun may not find who is small or half hidden, and was found long ago.
    """
    shared = np.flatnonzero((seen.times < (chunk.part.own or 0.0) - GRACE_SECONDS) & seen.looked)[-COMPARED:]
    if not len(shared) or not len(before.times):
        return 0
    middles = (before.times[1:] + before.times[:-1]) / 2
    known = _people(before, np.searchsorted(middles, seen.times[shared]))
    return known if known > _people(seen, shared) else 0


def people_to_follow(before: Observations, chunk: Chunk, seen: Observations, settings: LiftSettings) -> int:
    """How many people to look for in a chunk once more, which lost some; 0 where it did not, tried as many already, or
    where it is settled how many there are."""
    if settings.max_people is not None:
        return 0
    people = min(lost_people(before, chunk, seen), MOST_PEOPLE)
    return people if people > chunk.part.people else 0


_THOUSANDTHS = (1000, 1000)
"""A size of pictures that is good enough to tell bodies apart."""


def _people(seen: Observations, frames: NDArray[np.int64]) -> int:
    """The number of different bodies in most of some frames."""
    counts = []
    for frame in frames:
        first, stop = np.searchsorted(seen.frames, (frame, frame + 1))
        bodies = Bodies.of(seen.landmarks[first:stop], _THOUSANDTHS)
        counts.append(int(np.count_nonzero(distinct(bodies))) if stop > first else 0)
    return int(np.median(counts))


def behind(times: Sequence[float], shots: Sequence[int], seen: Observations) -> Observations:
    """What was `seen` in the next shot, behind frames that nobody looked at: at `times` (N,) s, in `shots` (N,)."""
    count, number = len(times), (shots[-1] if shots else 0) + 1
    return dataclasses.replace(
        seen,
        times=np.concatenate([np.array(times, np.float64), seen.times]),
        shots=np.concatenate([np.array(shots, np.int64), np.full(len(seen.times), number)]),
        looked=np.concatenate([np.zeros(count, np.bool_), seen.looked]),
        frames=seen.frames + count,
        drift=np.concatenate([np.zeros((count, 2)), seen.drift]),
    )


def joined(chunks: Sequence[Chunk], seen: Sequence[Observations]) -> Observations:
    """What was seen in the whole trim, from what was seen in each of its chunks (one at least)."""
    owned = [chunk.owned(part.times) for chunk, part in zip(chunks, seen, strict=True)]
    values: dict[str, object] = {"warnings": tuple(dict.fromkeys(text for part in seen for text in part.warnings))}
    offset, frames = 0, []
    for part, own in zip(seen, owned, strict=True):
        place = np.cumsum(own) - 1 + offset
        frames.append(place[part.frames[own[part.frames]]])
        offset += int(np.count_nonzero(own))
    values["frames"] = np.concatenate(frames)
    values["shots"] = _shots(seen, owned)
    values["drift"] = _drift(seen, owned)
    for field in dataclasses.fields(Observations):
        if field.name not in values:
            a_frame = field.name in _A_FRAME
            values[field.name] = np.concatenate(
                [_own(getattr(part, field.name), own if a_frame else own[part.frames])
                 for part, own in zip(seen, owned, strict=True)]
            )  # fmt: skip
    return Observations(**values)  # type: ignore[arg-type]


_A_FRAME = frozenset({"times", "looked"})


def _own(values: NDArray[np.generic], own: Bools) -> NDArray[np.generic]:
    # Hands may not have been looked for.
    return values[own] if len(values) else values


def _shots(seen: Sequence[Observations], owned: Sequence[Bools]) -> NDArray[np.int64]:
    """The number of each frame's shot: it grows where a chunk saw a cut before a frame of its own."""
    cuts = [np.diff(part.shots, prepend=part.shots[:1])[own] for part, own in zip(seen, owned, strict=True)]
    return np.asarray(1 + np.cumsum(np.concatenate(cuts)), np.int64)


def _drift(seen: Sequence[Observations], owned: Sequence[Bools]) -> Array:
    """How far the background has gone since each shot began (F, 2): a chunk's count goes on from its predecessor's."""
    result: list[Array] = []
    before: Observations | None = None
    shift = np.zeros(2)
    for part, own in zip(seen, owned, strict=True):
        if not own.any():
            continue
        first = int(np.argmax(own))
        going_on = part.shots == part.shots[first]
        if before is not None:
            shift = _shift(before, shift, part, going_on, first)
        drift = part.drift + np.where(going_on[:, None], shift, 0.0)
        result.append(drift[own])
        # The next chunk goes on from this one's last shot.
        shift = shift if part.shots[-1] == part.shots[first] else np.zeros(2)
        before = part
    return np.concatenate(result)


def _shift(before: Observations, moved: Array, part: Observations, going_on: Bools, first: int) -> Array:
    """How far the background had gone where `part` began to count: the median over the frames that both have seen of
    the shot that goes on at `part`'s frame `first`. `moved`: the same of the chunk before."""
    shared = going_on & (np.arange(len(going_on)) < first)
    middles = (before.times[1:] + before.times[:-1]) / 2
    places = np.searchsorted(middles, part.times[shared])
    same = before.shots[places] == before.shots[-1]
    if not same.any():
        return np.zeros(2)
    apart = before.drift[places[same]] + moved - part.drift[shared][same]
    result: Array = np.median(apart, axis=0)
    return result
