"""The sequence solve: world rotations of all joints and the pelvis's path, all frames together.

What was lifted gives the start and the bones' directions; keypoints, constant bones, smoothness, hinges, the floor and
planted feet settle the rest. Unknowns are turns (F, 21, 3) of the start (`body.turned`) and shifts (F, 3) of its path:
the sum of the squares of all `terms` is minimised by L-BFGS, whose steps the `curvature` at the start shapes. A handful
of them is enough.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..processors import share
from ..rotation import Array, multiply
from ..skeleton import ANIMATION_21
from ..threads import one_thread
from .balance import Balance
from .body import Body, components, matrices, quaternions, turned
from .curvature import curvature
from .descent import Solve, minimise
from .evidence import Evidence, Pose, Sigmas
from .limits import Limits
from .moved import UNKNOWNS, Moved
from .pose_prior import PosePrior
from .terms import Bones, Ends, Floor, Held, Hinges, Keypoints, Plants, Smoothness, Start, State, Steadiness, Term

WINDOW, OVERLAP = 600, 180
"""Frames solved at once, and shared by neighbouring windows: what a frame says of the path is felt a few seconds away,
since planted feet pass it on; memory is what bounds them."""
FREE_WINDOW, FREE_OVERLAP = 600, 60
"""The same where nothing is planted: what a frame says is felt less than a second away."""
TOGETHER, AT_ONCE = 2, 4
"""Threads that solve, where there are as many processors: one window together, several windows each its own."""
SIDE_BY_SIDE = 30_000
"""Frames up to which windows are solved side by side: of longer clips one after the other, each by all threads, as
there is less memory left. The result is the same."""
SETTLED = 3e-3
"""The share of the sum of squares by which a step must lower it for another one to be worth it."""
SETTLED_APART, SETTLED_TOGETHER = 1e-3, 1e-4
"""The same where there are several windows, in the first pass and in the others: they would else stop at different
places, where hardly anything tells them apart, and not agree."""

DEFAULTS = Sigmas()


def nobody_told(frames: int) -> None:
    """For those who do not look how far a solve is."""


def solve_sequence(
    start: Pose,
    body: Body,
    evidence: Evidence,
    iterations: int,
    sigmas: Sigmas = DEFAULTS,
    again: bool = False,
    solved_more: Callable[[int], None] = nobody_told,
) -> Pose:
    """The pose that fits the evidence best, from `start` on, after at most so many steps; `again`: the start is such a
    pose, for nearly the same evidence, so that windows go by what their neighbours found (Schwarz's alternating
    method). `solved_more` is told how many frames are done, window by window."""
    free = not (evidence.planted.any() or evidence.carrying.any())
    size, overlap = (FREE_WINDOW, FREE_OVERLAP) if free else (WINDOW, OVERLAP)
    parts = windows(len(start.path), size, overlap)
    settled = SETTLED if len(parts) == 1 else SETTLED_TOGETHER if again or not free else SETTLED_APART
    at_once = 1 if len(start.path) > SIDE_BY_SIDE else min(AT_ONCE, share(), len(parts))
    own = min(TOGETHER, share()) if at_once == 1 else 1

    def solved(part: slice) -> tuple[Array, Array]:
        pose = Pose(start.rotations[part], start.path[part])
        # The setting holds for the thread that makes it.
        with one_thread():
            ends = (again and part.start > 0, again and part.stop < len(start.path))
            window = _Window(pose, body, evidence.window(part), sigmas, own, ends)
            turns, shifts = window.split(window.solved(iterations, settled))
        return _along_frames(turns), _along_frames(shifts)[:, 0]

    rotations, path = np.empty_like(start.rotations), np.empty_like(start.path)
    # Weighted turns, shifts and weights of the frames that the next window has too.
    shared: tuple[Array, ...] = ()
    with ThreadPoolExecutor(at_once, "motionlift-solve") as pool:
        nexts = [part.start for part in parts[1:]] + [len(path)]
        for part, until, (turns, shifts) in zip(parts, nexts, _in_order(pool, solved, parts, at_once), strict=True):
            count = part.stop - part.start
            inside = np.minimum(np.arange(1, count + 1), np.arange(count, 0, -1))
            # Next to its ends a window knows only one side of a movement: there its neighbour decides.
            weight = np.clip(3 * inside / overlap - 1, 1e-6, 1.0)
            sums = (weight[:, None, None] * turns, weight[:, None] * shifts, weight)
            for each, before in zip(sums, shared, strict=False):
                each[: len(before)] += before
            done = until - part.start
            (turns, shifts, total), shared = (each[:done] for each in sums), tuple(each[done:] for each in sums)
            here = slice(part.start, until)
            rotations[here] = multiply(quaternions(turns / total[:, None, None]), start.rotations[here])
            path[here] = start.path[here] + shifts / total[:, None]
            solved_more(done)
    return Pose(rotations, path)


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[slice], tuple[Array, Array]], parts: Sequence[slice], ahead: int
) -> Iterator[tuple[Array, Array]]:
    """The work of each part; of those after the one waited for at most so many are begun, so that what is done does not
    pile up."""
    begun: deque[Future[tuple[Array, Array]]] = deque()
    for part in parts:
        begun.append(pool.submit(work, part))
        if len(begun) > ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def misfit(pose: Pose, body: Body, evidence: Evidence, iterations: int, sigmas: Sigmas = DEFAULTS) -> float:
    """The sum of squares that is left after a solve from `pose` on, in standard deviations: at most `WINDOW` frames."""
    with one_thread():
        window = _Window(pose, body, evidence, sigmas)
        best = window.solved(iterations)
    with torch.inference_mode():
        return float(window.cost(best))


def windows(frames: int, size: int = WINDOW, overlap: int = OVERLAP) -> list[slice]:
    """Parts of about equal length, `size` at most, that share `overlap` frames with their neighbours."""
    if frames <= size:
        return [slice(0, frames)]
    count = -(-(frames - overlap) // (size - overlap))
    bounds = np.linspace(0, frames - overlap, count + 1).round().astype(int)
    return [slice(int(first), int(last) + overlap) for first, last in itertools.pairwise(bounds)]


class _Window:
    """Frames that are solved at once. Their unknowns are a vector (F * UNKNOWNS,), frame by frame, 0 at the start."""

    def __init__(
        self,
        start: Pose,
        body: Body,
        evidence: Evidence,
        sigmas: Sigmas,
        threads: int = 1,
        ends: tuple[bool, bool] = (False, False),
    ) -> None:
        """`ends`: whether its first and its last frames stay where they are."""
        self._body, self._frames, self._threads = body, len(start.path), threads
        self._rotations, self._path = matrices(start.rotations), components(start.path[:, None])
        self._terms: list[Term] = [
            Keypoints(evidence, sigmas),
            Bones(evidence, body, sigmas),
            Smoothness(evidence, start.path, sigmas),
            Steadiness(evidence, sigmas),
            Hinges(sigmas),
            Limits(sigmas),
            PosePrior(evidence, sigmas),
            Start(sigmas),
        ]
        if any(ends):
            self._terms.append(Ends(self._path, *ends, sigmas))
        if evidence.planted.any() or evidence.carrying.any():
            self._terms.append(Plants(evidence, sigmas))
        if evidence.ground is not None:
            self._terms += [Floor(evidence, sigmas), Balance(start, body, evidence, sigmas)]

    def split(self, unknowns: Tensor) -> tuple[Tensor, Tensor]:
        """Turns (3, F, 21) and shifts (3, F, 1)."""
        vectors = unknowns.view(self._frames, -1, 3).permute(2, 0, 1)
        return vectors[..., : len(ANIMATION_21)], vectors[..., len(ANIMATION_21) :]

    @staticmethod
    def joined(turns: Tensor, shifts: Tensor) -> Tensor:
        """The inverse of `split`."""
        return torch.cat([turns, shifts], 2).permute(1, 2, 0).reshape(-1)

    def state(self, unknowns: Tensor) -> State:
        turns, shifts = self.split(unknowns)
        rotations = turned(self._rotations, turns)
        return State(rotations, turns, self._body.placed(rotations), self._path + shifts)

    def cost(self, unknowns: Tensor) -> Tensor:
        """The sum of squares, in standard deviations."""
        state = self.state(unknowns)
        return torch.stack([term.value(state) for term in self._terms]).sum()

    def _held(self, state: State) -> Iterator[Held]:
        """How strongly each term holds the figure there. The derivatives are gone when the last was given."""
        moved = Moved.of(self._body, state.rotations, state.figure)
        for term in self._terms:
            yield term.held(state, moved)

    def solved(self, iterations: int, settled: float = SETTLED) -> Tensor:
        """The best unknowns found; `settled`: the share by which a step must lower the sum for another one."""

        def objective(unknowns: Tensor) -> tuple[float, Tensor]:
            leaf = unknowns.detach().requires_grad_(True)
            value = self.cost(leaf)
            (gradient,) = torch.autograd.grad(value, leaf)
            return float(value.detach()), gradient

        def curvature_at(unknowns: Tensor) -> Solve:
            with torch.inference_mode():
                state = self.state(unknowns)
                found = curvature(self._held(state), self._frames, self._threads)
            half = state.turns / 2

            def step(gradient: Tensor) -> Tensor:
                # The curvature is that of turns on from here, which `turned` adds to turns of the start like this.
                turns, shifts = self.split(gradient)
                turns = turns + torch.linalg.cross(half, turns, dim=0) + half * (half * turns).sum(0)
                turns, shifts = self.split(found.solve(self.joined(turns, shifts)))
                turns = turns - torch.linalg.cross(half, turns, dim=0) + half * (half * turns).sum(0)
                return self.joined(turns, shifts)

            return step

        origin = torch.zeros(self._frames * UNKNOWNS)
        return minimise(objective, origin, iterations, curvature_at, settled)


def _along_frames(vectors: Tensor) -> Array:
    """The inverse of `components`."""
    result: Array = vectors.double().numpy().transpose(1, 2, 0)
    return result
