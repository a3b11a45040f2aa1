"""Times that strictly increase, whatever a container's stamps are like."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Clock(Generic[T]):
    """Gives items times that strictly increase.

    An item without a stamp, or with one that is no later than its predecessor's, waits for the next good stamp
    and shares the interval evenly; where none comes (at the end, or after `PATIENCE` items) items follow each
    other at `step` seconds. A clock that falls back by more than a second has started anew, as in joined
    recordings: it is moved to go on where it was.
    """

    PATIENCE = 8
    RESTART = 1.0

    def __init__(self, step: float) -> None:
        self.step = step
        self._last: float | None = None
        self._offset = 0.0
        self._waiting: list[T] = []

    def push(self, stamp: float | None, item: T) -> list[tuple[float, T]]:
        """The items whose times are settled by this one's stamp (seconds, or None)."""
        if stamp is not None:
            stamp += self._offset
            if self._last is not None and stamp < self._last - self.RESTART:
                shift = self._last + self.step * (len(self._waiting) + 1) - stamp
                self._offset += shift
                stamp += shift
        if stamp is None or (self._last is not None and stamp <= self._last):
            self._waiting.append(item)
            return self.flush() if len(self._waiting) >= self.PATIENCE else []
        before = stamp - self.step * (len(self._waiting) + 1) if self._last is None else self._last
        share = (stamp - before) / (len(self._waiting) + 1)
        settled = [(before + share * (i + 1), waiting) for i, waiting in enumerate(self._waiting)]
        self._waiting.clear()
        self._last = stamp
        return [*settled, (stamp, item)]

    def flush(self) -> list[tuple[float, T]]:
        """Those still waiting, one `step` apart."""
        before = -self.step if self._last is None else self._last
        settled = [(before + self.step * (i + 1), waiting) for i, waiting in enumerate(self._waiting)]
        self._waiting.clear()
        if settled:
            self._last = settled[-1][0]
        return settled
