"""Who is who: poses joined into tracks, one a person, over the frames of one shot.

Four steps. `tracklets` joins poses from frame to frame where nobody can be mistaken (nearness to the predicted
place, and clothes). `linked` joins tracklets over gaps: an occlusion, or leaving and coming back. `completed` gives
them the brief findings beside their ends and drops the other brief ones. `uncrossed` looks again at every place where
two tracks met, and exchanges what follows if the clothes say so.
A track is an array of indices into the observations, one pose a frame at most, in time order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, Floats
from .appearance import colour_distance, mean_colours
from .bodies import SAME_BODY, Bodies, distances

Indices = NDArray[np.int64]

# Lengths are in body heights, times in seconds.
_REACH, _REACH_PER_SECOND = 0.35, 1.0
_LOST_AFTER = 0.4
BRIEF = 0.25
"""A finding shorter than this (s) is not a person by itself."""
_COLOUR_WEIGHT = 0.6
_COLOUR_LIMIT = 0.75
_VELOCITY_GAIN = 0.4
_COLOUR_GAIN = 0.1
_COINCIDENT = 0.08

_LINK_SECONDS = 10.0
_LINK_REACH, _LINK_SPEED, _LINK_REACH_MOST = 0.6, 3.0, 6.0
_LINK_COLOUR = 0.55
_LINK_SIZES = 2.0
_LINK_COST_MOST = 1.5
_EDGE_SECONDS = 0.5

_MEETING = 0.5
_SHADOW = 0.25
_EXCHANGE_GAIN = 0.2
_FORBIDDEN = 1e6


@dataclass(frozen=True, eq=False)
class Scene:
    """The poses (P) of one shot, in time order: frames (P,) of each, times (P,) s, bodies, colours (P, 128)."""

    frames: Indices
    times: Array
    bodies: Bodies
    colours: Floats


def track(scene: Scene) -> list[Indices]:
    """The tracks of everyone in the scene, by first appearance; doubles of one body and chance findings left out.

    Where there are only brief findings (less than `BRIEF` s), the longest of them.
    """
    parts = tracklets(scene)
    lasting = [part for part in parts if _seconds(scene, part) >= BRIEF]
    if not lasting:
        return sorted(parts, key=len)[-1:]
    brief = [part for part in parts if _seconds(scene, part) < BRIEF]
    tracks = uncrossed(scene, completed(scene, linked(scene, lasting), brief))
    return sorted((t for t in tracks if not _shadow(scene, t, tracks)), key=lambda t: int(scene.frames[t[0]]))


def _seconds(scene: Scene, members: Indices) -> float:
    return float(scene.times[members[-1]] - scene.times[members[0]])


class _Active:
    """A track that is being followed: where it will be next, and what it wears."""

    def __init__(self, scene: Scene, first: int) -> None:
        self.members = [first]
        self.points = scene.bodies.points[first]
        self.size = float(scene.bodies.sizes[first])
        self.time = float(scene.times[first])
        self.velocity = np.zeros_like(self.points)
        self.colours = scene.colours[first].astype(np.float64)

    def predicted(self, time: float) -> Array:
        place: Array = self.points + self.velocity * (time - self.time)
        return place

    def extend(self, scene: Scene, index: int, alone: bool) -> None:
        """Take pose `index`; `alone`: nobody is near, so its colours are its own."""
        step = max(float(scene.times[index]) - self.time, 1e-3)
        moved = (scene.bodies.points[index] - self.points) / step
        gain = _VELOCITY_GAIN if len(self.members) > 1 else 1.0
        # The body's common movement, their median (of an odd number): single points jitter.
        common = np.sort(moved, axis=0)[len(moved) // 2]
        self.velocity = (1 - gain) * self.velocity + gain * np.broadcast_to(common, moved.shape)
        self.points = scene.bodies.points[index]
        self.size += 0.2 * (float(scene.bodies.sizes[index]) - self.size)
        self.time = float(scene.times[index])
        if alone:
            self.colours += _COLOUR_GAIN * (scene.colours[index] - self.colours)
        self.members.append(index)


def tracklets(scene: Scene) -> list[Indices]:
    """Tracks without long gaps. Poses that show a body which another pose of the frame shows better are left out."""
    active: list[_Active] = []
    finished: list[_Active] = []
    for here in np.split(np.arange(len(scene.frames)), np.flatnonzero(np.diff(scene.frames)) + 1):
        if not len(here):
            continue
        now = float(scene.times[here[0]])
        finished += [a for a in active if now - a.time > _LOST_AFTER]
        active = [a for a in active if now - a.time <= _LOST_AFTER]
        apart = distances(
            scene.bodies.points[here], scene.bodies.points[here], scene.bodies.sizes[here], scene.bodies.sizes[here]
        )
        owners = _assign(scene, active, here, now, apart)
        alone = np.count_nonzero(apart < _MEETING, axis=1) == 1
        for slot, owner in owners.items():
            owner.extend(scene, int(here[slot]), bool(alone[slot]))
        taken = list(owners)
        for slot in np.argsort(-scene.bodies.scores[here], kind="stable"):
            if slot not in owners and not np.any(apart[slot, taken] < SAME_BODY):
                active.append(_Active(scene, int(here[slot])))
                taken.append(int(slot))
    members = [np.array(a.members, np.int64) for a in finished + active]
    return sorted(members, key=lambda m: int(m[0]))


def _assign(scene: Scene, active: list[_Active], here: Indices, now: float, apart: Array) -> dict[int, _Active]:
    """Which pose (its place in `here`) each active track goes on with."""
    if not active:
        return {}
    away = distances(
        np.stack([a.predicted(now) for a in active]),
        scene.bodies.points[here],
        np.array([a.size for a in active]),
        scene.bodies.sizes[here],
    )
    reach = np.array([_REACH + _REACH_PER_SECOND * (now - a.time) for a in active])[:, None]
    other = colour_distance(np.stack([a.colours for a in active])[:, None], scene.colours[here][None])
    cost = away / reach + _COLOUR_WEIGHT * other
    impossible = (away > reach) | ((other > _COLOUR_LIMIT) & (away > 0.5 * reach))
    rows, columns = _assignment(np.where(impossible, _FORBIDDEN, cost))
    pairs = sorted((float(cost[r, c]), int(r), int(c)) for r, c in zip(rows, columns, strict=True)
                   if not impossible[r, c])  # fmt: skip
    owners: dict[int, _Active] = {}
    for _, row, column in pairs:
        # Where two people cross, MediaPipe may see the nearer one twice: the other is then not seen at all.
        if not any(apart[column, other_column] < _COINCIDENT for other_column in owners):
            owners[column] = active[row]
    return owners


@dataclass(frozen=True, eq=False)
class _End:
    """One end of a tracklet: time, points (5, 2), velocity (2,) px/s, size px, clothes of its last half second."""

    time: float
    points: Array
    velocity: Array
    size: float
    colours: Floats


def _end(scene: Scene, members: Indices, last: bool) -> _End:
    times = scene.times[members]
    edge = members[-1] if last else members[0]
    near = members[np.abs(times - scene.times[edge]) <= _EDGE_SECONDS]
    span = float(scene.times[near[-1]] - scene.times[near[0]])
    centres = scene.bodies.points[near].mean(1)
    velocity = (centres[-1] - centres[0]) / span if span > 0.1 else np.zeros(2)
    return _End(
        float(scene.times[edge]),
        scene.bodies.points[edge],
        velocity,
        float(np.median(scene.bodies.sizes[near])),
        mean_colours(scene.colours[near]),
    )


def linked(scene: Scene, parts: list[Indices]) -> list[Indices]:
    """Tracklets joined end to start where time, place, size and clothes allow, the likeliest joins first."""
    if len(parts) < 2:
        return parts
    ends = [_end(scene, part, last=True) for part in parts]
    starts = [_end(scene, part, last=False) for part in parts]
    cost = np.full((len(parts), len(parts)), _FORBIDDEN)
    for a, end in enumerate(ends):
        for b, start in enumerate(starts):
            if a != b and 0 < start.time - end.time <= _LINK_SECONDS:
                cost[a, b] = _link_cost(end, start)
    allowed = cost <= _LINK_COST_MOST
    rows, columns = _assignment(np.where(allowed, cost, _LINK_COST_MOST + 1))
    follower = {int(a): int(b) for a, b in zip(rows, columns, strict=True) if allowed[a, b]}
    chains = []
    for first in sorted(set(range(len(parts))) - set(follower.values())):
        chain = [first]
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
        chains.append(np.concatenate([parts[index] for index in chain]))
    return chains


def completed(scene: Scene, tracks: list[Indices], brief: list[Indices]) -> list[Indices]:
    """The tracks with those brief findings that lie in their gaps, or just before or after them, and fit."""
    tracks = list(tracks)
    for part in brief:
        costs = [_fit(scene, members, part) for members in tracks]
        best = int(np.argmin(costs))
        if costs[best] <= _LINK_COST_MOST:
            tracks[best] = np.sort(np.concatenate([tracks[best], part]))
    return tracks


def _fit(scene: Scene, members: Indices, part: Indices) -> float:
    """The cost of putting `part` into a track."""
    start, stop = scene.frames[part[0]], scene.frames[part[-1]]
    earlier, later = members[scene.frames[members] < start], members[scene.frames[members] > stop]
    if len(earlier) + len(later) < len(members):
        return _FORBIDDEN
    costs = []
    if len(earlier):
        costs.append(_link_cost(_end(scene, earlier, last=True), _end(scene, part, last=False), _LOST_AFTER))
    if len(later):
        costs.append(_link_cost(_end(scene, part, last=True), _end(scene, later, last=False), _LOST_AFTER))
    return min(costs)


def _shadow(scene: Scene, members: Indices, tracks: list[Indices]) -> bool:
    """Whether a longer track was on the same body most of the time."""
    for other in tracks:
        if len(other) <= len(members):
            continue
        _, mine, theirs = np.intersect1d(scene.frames[members], scene.frames[other], return_indices=True)
        a, b = members[mine], other[theirs]
        apart = np.linalg.norm(scene.bodies.points[a] - scene.bodies.points[b], axis=-1).mean(-1)
        same = apart < _SHADOW * (scene.bodies.sizes[a] + scene.bodies.sizes[b]) / 2
        if np.count_nonzero(same) > len(members) / 2:
            return True
    return False


def _link_cost(end: _End, start: _End, longest: float = _LINK_SECONDS) -> float:
    gap = start.time - end.time
    if gap > longest:
        return _FORBIDDEN
    size = (end.size + start.size) / 2
    # Half way each: the movement before the gap goes on for a while, that after it began before.
    expected = end.points + (end.velocity + start.velocity) / 2 * min(gap, _EDGE_SECONDS)
    away = float(np.linalg.norm(expected - start.points, axis=-1).mean()) / size
    reach = min(_LINK_REACH + _LINK_SPEED * gap, _LINK_REACH_MOST)
    ratio = max(end.size, start.size) / min(end.size, start.size)
    colour = float(colour_distance(end.colours, start.colours))
    if away > reach or ratio > _LINK_SIZES or colour > _LINK_COLOUR:
        return _FORBIDDEN
    return away / reach + colour / _LINK_COLOUR + 0.05 * gap


def uncrossed(scene: Scene, tracks: list[Indices]) -> list[Indices]:
    """The tracks, with what follows a meeting of two exchanged where their clothes then agree clearly better."""
    tracks = list(tracks)
    for a in range(len(tracks)):
        for b in range(a + 1, len(tracks)):
            for time_in, time_out in _meetings(scene, tracks[a], tracks[b]):
                tracks[a], tracks[b] = _exchanged(scene, tracks[a], tracks[b], time_in, time_out)
    return tracks


def _meetings(scene: Scene, a: Indices, b: Indices) -> list[tuple[float, float]]:
    """(first, last time s) of the stretches in which both are near each other."""
    _, in_a, in_b = np.intersect1d(scene.frames[a], scene.frames[b], return_indices=True)
    if len(in_a) == 0:
        return []
    a, b = a[in_a], b[in_b]
    apart = np.linalg.norm(scene.bodies.points[a] - scene.bodies.points[b], axis=-1).mean(-1)
    near = scene.times[a][apart < _MEETING * (scene.bodies.sizes[a] + scene.bodies.sizes[b]) / 2]
    # One of them may not be seen at all while they overlap.
    breaks = np.flatnonzero(np.diff(near) > _LINK_SECONDS / 10)
    return [(float(group[0]), float(group[-1])) for group in np.split(near, breaks + 1) if len(group)]


def _exchanged(scene: Scene, a: Indices, b: Indices, time_in: float, time_out: float) -> tuple[Indices, Indices]:
    before: list[Any] = [_stretch(scene, m, time_in - 1.0, time_in) for m in (a, b)]
    after: list[Any] = [_stretch(scene, m, time_out, time_out + 1.0) for m in (a, b)]
    if any(clothes is None for clothes in before + after):
        return a, b
    keep = float(colour_distance(before[0], after[0]) + colour_distance(before[1], after[1]))
    swap = float(colour_distance(before[0], after[1]) + colour_distance(before[1], after[0]))
    if keep - swap < _EXCHANGE_GAIN:
        return a, b
    # In the middle of the meeting they are nearest and nobody can tell: the cut belongs where they are closest.
    cut = _closest(scene, a, b, time_in, time_out)
    a_early, a_late = a[scene.times[a] < cut], a[scene.times[a] >= cut]
    b_early, b_late = b[scene.times[b] < cut], b[scene.times[b] >= cut]
    return np.concatenate([a_early, b_late]), np.concatenate([b_early, a_late])


def _stretch(scene: Scene, members: Indices, start: float, stop: float) -> Floats | None:
    times = scene.times[members]
    inside = members[(times >= start) & (times <= stop)]
    return mean_colours(scene.colours[inside]) if len(inside) >= 3 else None


def _closest(scene: Scene, a: Indices, b: Indices, time_in: float, time_out: float) -> float:
    _, in_a, in_b = np.intersect1d(scene.frames[a], scene.frames[b], return_indices=True)
    times = scene.times[a[in_a]]
    apart = np.linalg.norm(scene.bodies.points[a[in_a]] - scene.bodies.points[b[in_b]], axis=-1).mean(-1)
    apart[(times < time_in) | (times > time_out)] = np.inf
    return float(times[int(np.argmin(apart))])


def _assignment(cost: Array) -> tuple[Indices, Indices]:
    """Rows and columns of the cheapest assignment."""
    if 1 in cost.shape:
        # One person: most clips need no more, and loading scipy takes as long as detection in twenty frames.
        row, column = np.unravel_index([int(np.argmin(cost))], cost.shape)
        return np.asarray(row, np.int64), np.asarray(column, np.int64)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return rows, columns
