"""The footage of a take, ready to stand behind the figure: made by the engine's Python, which has PyAV.

The work is `core/reporting/backdrop.py`'s; here it is started as a process of its own and followed.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..core.files import leftovers
from ..core.jobs import Cancelled, MotionLiftError
from ..core.motion import Motion
from . import background
from .worker_home import import_folder, worker_environment

MODULE = "motionlift.core.reporting.backdrop"
LOG_LINES = 12
LEAVE_SECONDS = 0.5
"""What a process that is not wanted any more gets to leave by itself."""


@dataclass(frozen=True)
class Footage:
    """`path`: a video whose k-th picture, the first `skipped` left out, belongs to the take's k-th frame; `proxy`:
    whether it was made for that. `sound`: the file with the sound, None where there is none; its time `start_s` (s) is
    that of the first frame."""

    path: Path
    proxy: bool = False
    sound: Path | None = None
    start_s: float = 0.0
    skipped: int = 0


class Preparer(Protocol):
    """Makes footage keep step, as `prepared` does in another process."""

    def __call__(self, motion: Motion, video: Path, output: Path, overwrite: bool) -> Footage: ...


def asked(motion: Motion, video: Path, output: Path, overwrite: bool = False) -> dict[str, Any]:
    """The arguments of `backdrop.prepare`, as JSON, for a motion that is at the scene's rate."""
    return {
        "video": str(video.absolute()),
        "times": [round(float(time), 6) for time in motion.times],
        "fps": motion.fps,
        "output": str(output.absolute()),
        "speed": _speed(motion),
        "mirror": motion.mirrored,
        "rotate": motion.rotate,
        "overwrite": overwrite,
    }


def clip_time(motion: Motion) -> float:
    """When in its video the motion begins, s."""
    return float(motion.times[0]) * _speed(motion)


def _speed(motion: Motion) -> float:
    """Seconds of the video over seconds of life."""
    said = motion.source.get("speed")
    return float(said) if isinstance(said, int | float) and said > 0 else 1.0


def answered(values: dict[str, Any]) -> Footage:
    """What `backdrop.prepare` returned, as JSON."""
    sound = values["sound"]
    return Footage(
        Path(values["path"]), bool(values["proxy"]), Path(sound) if sound else None, float(values["start_s"])
    )


class FootageRun:
    """Footage being prepared by the Python `python`, whose imports come from `folder` (see `import_folder`).

    `motion` is at the scene's rate. Raises `MotionLiftError`: as `import_folder`, and `worker_not_started`.
    """

    def __init__(
        self, python: Path, folder: Path, motion: Motion, video: Path, output: Path, overwrite: bool = False
    ) -> None:
        self.done = 0
        self.total = len(motion)
        self._answer: dict[str, Any] = {}
        self._log: list[str] = []
        self._output = output
        self._cancelled = False
        imports = import_folder(folder)
        try:
            self._process = background.started(
                [str(python), "-m", MODULE],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=worker_environment(imports),
                cwd=imports,
            )  # fmt: skip
        except OSError as error:
            raise MotionLiftError(
                "worker_not_started", f"The video engine's Python {python} does not start: {error.strerror or error}.",
                "Choose another Python, or set the video engine up again.",
            ) from error  # fmt: skip
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._keep_log)]
        for thread in self._threads:
            thread.start()
        with contextlib.suppress(OSError, ValueError):  # one that has died already is told of by `result`
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(asked(motion, video, output, overwrite)) + "\n")
            self._process.stdin.flush()

    @property
    def finished(self) -> bool:
        """Whether `result` returns at once."""
        return not any(thread.is_alive() for thread in self._threads)

    def result(self) -> Footage:
        """Wait for the footage. Raises `MotionLiftError`: what went wrong with it, `Cancelled`, `worker_died`."""
        for thread in self._threads:
            thread.join()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        if self._cancelled:
            raise Cancelled
        if "footage" in self._answer:
            return answered(self._answer["footage"])
        if "error" in self._answer:
            raise MotionLiftError(**self._answer["error"])
        tail = "\n".join(self._log[-LOG_LINES:])
        raise MotionLiftError("worker_died", "The video engine could not prepare the footage.", f"Its log:\n{tail}")

    def cancel(self) -> None:
        """Stop it, without waiting: what was half written is removed, and `result` raises `Cancelled`."""
        if not self._cancelled:
            self._cancelled = True
            leaving = threading.Thread(target=self._leave, daemon=True)
            leaving.start()
            # `result` waits until nothing is left.
            self._threads.append(leaving)

    def _leave(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            for path in leftovers(self._output):
                path.unlink(missing_ok=True)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):  # libraries that print
                values = json.loads(line)
                if "progress" in values:
                    self.done, self.total = values["progress"]
                else:
                    self._answer = values

    def _keep_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line.rstrip())


def prepared(python: Path, folder: Path, motion: Motion, video: Path, output: Path, overwrite: bool = False) -> Footage:
    """`FootageRun`, waited for."""
    return FootageRun(python, folder, motion, video, output, overwrite).result()


def proxy_path(folder: Path, take: str, fps: float) -> Path:
    """Where the proxy of a take's footage goes: its rate is in the name."""
    return folder / f"{take}.footage_{fps:.6g}.mp4"
