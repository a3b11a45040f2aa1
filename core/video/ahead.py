"""An iterator that runs ahead of its consumer, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05
"""How long a producer whose queue is full may take to notice that nobody wants more."""


class RunAhead(Generic[T]):
    """Iterates once over what `produce` generates; up to `ahead` items wait for the consumer.

    Leaving the iteration early, `close`, or forgetting the iterator stops the generator (at its next item) and
    its thread. An exception of the generator is raised in the consumer, after the items before it.
    """

    def __init__(self, produce: Callable[[], Generator[T, None, None]], ahead: int, name: str) -> None:
        self._stop = threading.Event()
        self._queue: queue.Queue[_Item[T] | _End] = queue.Queue(maxsize=ahead)
        self._thread = threading.Thread(target=_run, args=(produce, self._queue, self._stop), daemon=True, name=name)
        self._started = False

    def __iter__(self) -> Iterator[T]:
        """Raises `RuntimeError` when called again: what was generated is gone."""
        if self._started:
            raise RuntimeError("this is read once; make another reader")
        self._started = True
        return self._items()

    def _items(self) -> Iterator[T]:
        if self._stop.is_set():
            return
        self._thread.start()
        try:
            while isinstance(item := self._queue.get(), _Item):
                yield item.value
            if item.error is not None:
                raise item.error
        finally:
            self.close()

    def close(self) -> None:
        """Stop, and wait until the thread has ended. Harmless when called again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()


class _Item(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _run(
    produce: Callable[[], Generator[T, None, None]], output: queue.Queue[_Item[T] | _End], stop: threading.Event
) -> None:
    """The thread's body. It knows nothing of the `RunAhead`, so that a forgotten one can be collected."""

    def put(item: _Item[T] | _End) -> None:
        while not stop.is_set():
            try:
                output.put(item, timeout=POLL_SECONDS)
            except queue.Full:
                continue
            return

    error: BaseException | None = None
    items = produce()
    try:
        for value in items:
            put(_Item(value))
            if stop.is_set():
                break
        items.close()
    except BaseException as raised:  # noqa: BLE001 - the consumer raises it
        error = raised
    put(_End(error))
