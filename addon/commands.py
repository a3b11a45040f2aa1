"""Commands run one after the other in a thread, their words kept as a log, the one that runs stopped at will."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from ..bridge import background
from ..core.jobs import Cancelled, MotionLiftError

LOG_LINES = 400
LOG_LINES_SHOWN = 12
PROMPT = "$ "
"""Before a command in the log."""


class Commands:
    """Runs commands with `variables` as their environment. `stop` and `log_tail` may be called from other threads."""

    def __init__(self, variables: Callable[[], dict[str, str]]) -> None:
        self._variables = variables
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._stopped = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called since the last `go_on`."""
        return self._stopped.is_set()

    def log_tail(self, lines: int = LOG_LINES_SHOWN) -> str:
        """The last lines of what the commands wrote."""
        return "\n".join(list(self._log)[-lines:])

    def last_words(self) -> str:
        """The last command and what it wrote, as far as that is kept."""
        lines = list(self._log)
        begins = [number for number, line in enumerate(lines) if line.startswith(PROMPT)]
        return "\n".join(lines[begins[-1] if begins else 0 :])

    def note(self, text: str) -> None:
        """Lines of our own for the log."""
        self._log.extend(text.splitlines())

    def stop(self) -> None:
        """End what runs; nothing else is run until `go_on`."""
        self._stopped.set()
        if (process := self._process) is not None:
            background.end_with_children(process)

    def go_on(self) -> None:
        """Take back `stop`."""
        self._stopped.clear()

    def run(self, command: Sequence[str | Path], code: str, follow: Callable[[str], bool] | None = None) -> None:
        """Run to the end, its lines into the log; those for which `follow` is False are left out.

        Raises `Cancelled`; `MotionLiftError` of `code` for a program that does not start; `CommandFailed`.
        """
        if self.stopped:
            raise Cancelled
        self.note(PROMPT + " ".join(map(str, command)))
        try:
            process = background.started(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._variables(),
                **background.apart(),
            )
        except OSError as error:
            raise MotionLiftError(
                code, f"{command[0]} does not start: {error.strerror or error}.", "Choose an existing Python instead."
            ) from error
        self._process = process
        if self.stopped:  # The wish came while it was started.
            background.end_with_children(process)
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if follow is None or follow(line):
                    self._log.append(line.rstrip())
        result = process.wait()
        self._process = None
        if self.stopped:
            raise Cancelled
        if result:
            raise CommandFailed(code, f"{command[0]} ended with {result}.", self.log_tail())

    def words_of(self, command: Sequence[str | Path]) -> str:
        """What a command writes that costs nothing and changes nothing; not in the log."""
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            env=self._variables(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return done.stdout


class CommandFailed(MotionLiftError):  # noqa: N818 (what happened, told by the caller in better words)
    """A command ended with an error; the hint is the end of the log."""


def clean_variables() -> dict[str, str]:
    """Our environment variables without what would bend another Python's imports."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
