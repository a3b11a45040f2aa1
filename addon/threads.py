"""Work beside Blender's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


def in_thread(work: Callable[..., T], *arguments: Any) -> Future[T]:
    """The work's result to come. A daemon thread: Blender must be able to quit meanwhile."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work(*arguments))
        except BaseException as error:
            future.set_exception(error)
            raise

    threading.Thread(target=run, name="motionlift", daemon=True).start()
    return future
