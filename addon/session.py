"""What runs while Blender is open: one worker, its queue, and what the panel tells about it. Nothing of it is saved."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from ..bridge.worker_client import WorkerClient
from ..core.jobs import MotionLiftError
from .drafting import Drafting
from .engine_setup import EngineSetup
from .engine_state import EngineState
from .filming import Filming
from .lift_jobs import Finished, Job
from .lift_queue import LiftQueue
from .panel_words import in_panel

log = logging.getLogger(__name__)

SLICE_SECONDS = 0.015
"""What a step of long work on Blender's own thread may cost before it goes on in the next tick."""
LEAVE_SECONDS = 1.0
"""What a worker gets to leave by itself when Blender quits or opens another file."""


@dataclass
class Session:
    """The queue of the engine in use, its set-up in this session, and the last message.

    `looks`: a queue of its own for first looks at videos, which do not wait for lifts. `driven`: whether a timer
    calls `tick`, for the window at the address `window`. `held`: finished lifts that wait until they can be placed;
    `preparing`: those that are worked out for it; `drafting`: the one whose keys are being written. `filming`: a
    take's camera and footage on their way. `asking`: the engine looking at itself. `undo_step`: the name of a step
    that is not closed yet; `shown_words`: what status bar and panel tell, since `shown_at` (s), and `shown_anew`:
    drawn once only. `slowest_tick_s`: what a step of ours cost Blender at most; `slowest_result_s`: what it cost to
    put a result into the scene. `take_seen`: whether a take of this file was shown in the panel.
    """

    engine: tuple[Path, Path] | None = None
    queue: LiftQueue | None = None
    looks: LiftQueue | None = None
    driven: bool = False
    window: int = 0
    held: list[Finished] = field(default_factory=list)
    preparing: list[tuple[Finished, Future[Finished]]] = field(default_factory=list)
    filming: Filming | None = None
    drafting: tuple[Finished, Drafting] | None = None
    setup: EngineSetup | None = None
    asking: Future[EngineState] | None = None
    undo_step: str = ""
    shown_words: str = ""
    shown_at: float = 0.0
    shown_anew: bool = False
    message: str = ""
    error: MotionLiftError | None = None
    slowest_tick_s: float = 0.0
    slowest_result_s: float = 0.0
    take_seen: bool = False

    @property
    def busy(self) -> bool:
        """Whether something is under way or waits to be placed."""
        return bool(self.held or self.preparing or self.filming or (self.queue and self.queue.busy))

    @property
    def jobs(self) -> list[Job]:
        """What is wanted and not in the scene yet: it waits for the engine, runs, or has ended."""
        return [*(self.queue.jobs if self.queue else ()), *(finished.job for finished in self.ended)]

    @property
    def ended(self) -> list[Finished]:
        """What the engine has done and is not in the scene yet, in the order in which it is put there."""
        return [*self.held, *(finished for finished, _ in self.preparing)]

    @property
    def leaving(self) -> bool:
        """Whether the engine has not let go yet of something that was cancelled."""
        return bool(self.queue and self.queue.leaving)

    @property
    def looking(self) -> bool:
        """Whether a video is looked at."""
        return bool(self.looks and self.looks.busy)

    def looks_of(self, python: Path, folder: Path) -> LiftQueue:
        """The queue for first looks at videos by the engine that `python` runs; another engine's is ended."""
        if self.looks is None or self.looks.client.python != python:
            if self.looks is not None:
                _leave(self.looks)
            self.looks = LiftQueue(WorkerClient(python, folder))
        return self.looks

    def queue_for(self, python: Path, folder: Path) -> LiftQueue:
        """The queue of the engine that `python` runs. Another engine's takes its place once that is idle.

        Raises `MotionLiftError` (`engine_busy`) while it is not.
        """
        if self.queue is not None and self.engine == (python, folder):
            return self.queue
        if self.queue is not None:
            if self.queue.busy:
                raise MotionLiftError(
                    "engine_busy", "Another video engine is at work.", "Wait until it is done, or cancel it."
                )
            _leave(self.queue)
        self.engine, self.queue = (python, folder), LiftQueue(WorkerClient(python, folder))
        return self.queue

    def tell(self, message: str, error: MotionLiftError | None = None) -> None:
        """Remember what the panel shows until the next lift."""
        if error is not None:
            error = MotionLiftError(error.code, in_panel(error.message), in_panel(error.hint))
        self.message, self.error = message, error

    def drop(self, unwanted: Callable[[Finished], bool]) -> None:
        """Forget those of the finished that nobody wants any more, and what was written of their keys."""
        self.held = [finished for finished in self.held if not unwanted(finished)]
        self.preparing = [(finished, work) for finished, work in self.preparing if not unwanted(finished)]
        if self.drafting is not None and unwanted(self.drafting[0]):
            self.end_draft()

    def end_draft(self) -> None:
        """Throw away what was written of keys."""
        if self.drafting is not None:
            self.drafting[1].discard()
            self.drafting = None

    def forget_file(self) -> None:
        """Stop what belongs to the file that is closed. Workers at rest stay for the next file: starting one costs
        seconds. Others are gone soon after."""
        self._stop()
        self.queue, self.looks = _at_rest(self.queue), _at_rest(self.looks)

    def end(self) -> None:
        """Stop everything. The workers are gone on return."""
        self._stop()
        queues = [queue for queue in (self.queue, self.looks) if queue is not None]
        self.queue, self.looks = None, None
        for queue in queues:
            queue.close(LEAVE_SECONDS)

    def _stop(self) -> None:
        if self.filming is not None:
            self.filming.cancel()
            self.filming = None
        self.held, self.preparing, self.driven, self.take_seen, self.undo_step = [], [], False, False, ""
        self.end_draft()


_session = Session()


def session() -> Session:
    """The one of this Blender."""
    return _session


def forget_file() -> None:
    """End the lifts of the file that is closed, and what is told about them. A set-up goes on."""
    _session.forget_file()
    _session.tell("")


def end() -> None:
    """End everything: Blender quits, or the extension is disabled."""
    if _session.setup is not None:
        _session.setup.cancel()
    _session.end()
    fresh = Session()
    for item in dataclasses.fields(Session):
        setattr(_session, item.name, getattr(fresh, item.name))


def _at_rest(queue: LiftQueue | None) -> LiftQueue | None:
    """The queue, if it has nothing to do; another one is ended."""
    if queue is None or queue.rests:
        return queue
    _leave(queue)
    return None


def _leave(queue: LiftQueue) -> None:
    threading.Thread(target=queue.close, args=(LEAVE_SECONDS,), name="motionlift-leave", daemon=True).start()
