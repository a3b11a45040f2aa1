"""Making the video engine's environment from Blender's Python with venv and pip, without Blender's help.

Two steps, each in a thread with subprocesses. `look_up` makes the environment and asks pip what it would install, so
that the size of the download is known; `install` installs it and lifts a second of the sample. What was downloaded is
kept until the end, so that a set-up which was cancelled or failed goes on where it was. A folder of wheels takes the
network's place.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..bridge.engine import greet_engine
from ..bridge.worker_client import WorkerClient
from ..core.jobs import Cancelled, LiftSettings, MotionLiftError, internal_error
from . import engine_state
from .commands import LOG_LINES_SHOWN, CommandFailed, Commands, clean_variables
from .environment import SetupPlan, alone_in, installed_version, mark_installed, mark_unfinished
from .pip_output import Download, PipProgress, answers, downloads_of
from .setup_troubles import LITTLE_ROOM_BYTES, explained
from .torch_build import Build, find_gpu, torch_build, torch_index, torch_requirement

log = logging.getLogger(__name__)

LEAST_ROOM = 3
"""Times the download: what torch and MediaPipe take on the disk at least, with what was fetched until all is
installed."""
CHECK_SECONDS = 300.0
"""The first lift fetches the pose models where the installed MediaPipe has none."""

Phase = Literal["idle", "looking_up", "ready", "installing", "checking", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class SetupState:
    """How far a set-up is. `fraction` (0 to 1) of the download, None while nothing is counted."""

    phase: Phase = "idle"
    words: str = ""
    fraction: float | None = None
    bytes_to_fetch: int = 0
    error: MotionLiftError | None = None

    @property
    def running(self) -> bool:
        """Whether a thread is at work."""
        return self.phase in ("looking_up", "installing", "checking")


CANCELLED = SetupState("cancelled", "Cancelled. What was fetched is kept.")


class EngineSetup:
    """One set-up. `state` may be read at any time; the methods return at once unless told otherwise."""

    def __init__(self, plan: SetupPlan) -> None:
        self.plan = plan
        self.state = SetupState()
        self.downloads: tuple[Download, ...] = ()
        self._torch: Build = "cpu"
        self._torch_index: str | None = None
        self._commands = Commands(self._variables)
        self._client: WorkerClient | None = None
        self._thread: threading.Thread | None = None

    def log_tail(self, lines: int = LOG_LINES_SHOWN) -> str:
        """The last lines of what venv and pip wrote."""
        return self._commands.log_tail(lines)

    def look_up(self) -> None:
        """Make the environment and find out what must be fetched; ends in the phase `ready`."""
        self._start(self._look_up, SetupState("looking_up", "Making a Python environment"))

    def install(self) -> None:
        """Fetch and install, then check; ends in the phase `done`."""
        self._start(self._install, replace(self.state, phase="installing", words="Fetching packages", fraction=0.0))

    def cancel(self) -> None:
        """Stop here and now; what was fetched stays."""
        self._commands.stop()
        if (client := self._client) is not None:
            client.terminate()
        if self.state.running:
            # The thread may wait for a server; it does nothing any more.
            self.state = CANCELLED

    def wait(self, timeout: float | None = None) -> SetupState:
        """Wait for the step that runs."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.state

    def _start(self, work: Callable[[], None], state: SetupState) -> None:
        if self.state.running or (self._thread is not None and self._thread.is_alive()):
            raise MotionLiftError("busy", "The set-up runs already.", "Wait for it, or cancel it.")
        self._commands.go_on()
        self.state = state
        self._thread = threading.Thread(target=self._guarded, args=(work,), name="motionlift-setup", daemon=True)
        self._thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            with alone_in(self.plan.folder, self._wait_for_another):
                work()
        except MotionLiftError as error:
            self._tell(SetupState("failed", error.message, error=error))
        except Exception as error:
            log.exception("setting up the video engine")
            told = internal_error(error, "Please report it with the log.")
            self._tell(SetupState("failed", told.message, error=told))

    def _wait_for_another(self) -> bool:
        """Another Blender is at it. What it has made by its end need not be made again."""
        self._tell(replace(self.state, words="Another Blender is setting it up: waiting for it", fraction=None))
        return not self._commands.stopped

    def _tell(self, state: SetupState) -> None:
        """How far it is, unless nobody wants to know any more."""
        if not self._commands.stopped:
            self.state = state

    def _look_up(self) -> None:
        plan = self.plan
        if plan.wheels is not None and not plan.wheels.is_dir():
            raise MotionLiftError(
                "no_folder", f"There is no folder {plan.wheels}.", "Choose the folder of wheels again."
            )
        try:
            plan.folder.mkdir(parents=True, exist_ok=True)
            self._empty_temporary()
        except OSError as error:
            raise MotionLiftError(
                "write_failed", f"Could not make {plan.folder}: {error.strerror or error}.", "Check its permissions."
            ) from error
        if not self._python_works():
            mark_unfinished(plan)
            self._demand_room(LITTLE_ROOM_BYTES)
            self._run([plan.base_python, "-m", "venv", "--clear", plan.environment], "venv_failed")
        if plan.wheels is None:
            # Progress in numbers came with pip 24.1; Blender's Python may bring an older one.
            self._run([plan.python, "-m", "pip", "install", "--upgrade", "pip>=24.1"], "pip_failed")
            self._choose_torch()
        self._tell(replace(self.state, words="Looking up what is needed"))
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            self._run([*self._pip_install(), "--dry-run", "--report", report], "pip_failed")
            self.downloads = downloads_of(json.loads(report.read_text(encoding="utf-8")))
        total = sum(one.size for one in self.downloads)
        self._demand_room(LEAST_ROOM * total)
        self._tell(SetupState("ready", f"{len(self.downloads)} packages to install", bytes_to_fetch=total))

    def _choose_torch(self) -> None:
        wanted = self.plan.gpu
        self._torch, why = torch_build(find_gpu() if wanted else None, wanted)
        self._commands.note(why)
        self._torch_index = torch_index(self._torch)
        if self._torch_index is not None and not answers(self._torch_index + "/torch/"):
            # pip would wait for it with every package.
            self._commands.note(f"{self._torch_index} does not answer: torch is taken from where the rest is")
            self._torch_index = None

    def _demand_room(self, least: float) -> None:
        """Raises `MotionLiftError` (`disk_full`) where the disk has less than `least` bytes left."""
        folder = self.plan.folder
        if (free := engine_state.free_bytes(folder)) < least:
            raise MotionLiftError(
                "disk_full",
                f"The disk has {free / 1e9:.1f} GB left, the video engine needs {least / 1e9:.1f} or more.",
                f"Make room at {folder}.",
            )

    def _empty_temporary(self) -> None:
        """A folder for what pip unpacks, without what it left there when it was stopped: the system's own may be small,
        and in memory. Raises `OSError`."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True, exist_ok=True)

    @property
    def _temporary(self) -> Path:
        return self.plan.downloads / "temporary"

    def _install(self) -> None:
        plan = self.plan
        total = max(sum(one.size for one in self.downloads), 1)
        progress = PipProgress({one.name: one.size for one in self.downloads})

        def follow(line: str) -> bool:
            shown = progress.take(line)
            if progress.installing:
                mark_unfinished(plan)
            fraction = progress.fetched / total
            words = "Installing packages" if progress.installing else f"Fetching {progress.current.partition('-')[0]}"
            share = None if progress.installing else min(fraction, 1.0)
            self._tell(replace(self.state, words=words, fraction=share))
            return shown

        self._run([*self._pip_install(), "--progress-bar", self._bar()], "pip_failed", follow)
        self._tell(SetupState("checking", "Lifting a second of the sample"))
        self._check()
        shutil.rmtree(plan.downloads, ignore_errors=True)
        self._tell(SetupState("checking", "Looking at what is installed"))
        engine_state.remember(plan.python, plan.folder, engine_state.ask(plan.python, plan.folder))
        if self._commands.stopped:
            raise Cancelled
        mark_installed(plan, self._torch)
        self._tell(SetupState("done", "The video engine is ready"))

    def _check(self) -> None:
        """Greet the worker and have it lift. Raises `MotionLiftError`."""
        plan = self.plan
        greet_engine(plan.python, plan.folder)
        # The pose models, where they have to be fetched, come from where the rest does.
        self._client = client = WorkerClient(plan.python, plan.folder, variables=self._sources())
        try:
            with tempfile.TemporaryDirectory() as folder:
                settings = LiftSettings(end=1.0, use_cache=False)
                request = client.send("lift", plan.sample, Path(folder) / "check.motion.npz", settings)
                client.wait(request, timeout=CHECK_SECONDS)
        except MotionLiftError as error:
            if error.code == "models_missing" and plan.wheels is not None:
                # Those of newer MediaPipes have no models.
                error = MotionLiftError(
                    error.code,
                    "The folder of wheels lacks the pose models.",
                    "Put the wheel of mediapipe 0.10.21 for Python 3.12 into it too, as the README says.",
                )
            raise error
        finally:
            self._commands.note(client.log_tail())
            client.kill()
            self._client = None

    def _pip_install(self) -> list[str | Path]:
        plan = self.plan
        command: list[str | Path] = [plan.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        command += ["--only-binary", ":all:", "--constraint", plan.constraints]
        if plan.wheels is not None:
            command += ["--no-index", "--find-links", plan.wheels]
        elif self._torch_index is not None:
            # A version with a local part, 2.13.0+cpu, goes before the same one without.
            command += ["--extra-index-url", self._torch_index]
        return [*command, *(self._torch_wanted() if name == "torch" else name for name in plan.needed)]

    def _torch_wanted(self) -> str:
        plan = self.plan
        pin = re.search(r"(?m)^torch==([\w.]+)", plan.constraints.read_text(encoding="utf-8"))
        if plan.wheels is not None or pin is None:
            return "torch"
        return torch_requirement(installed_version(plan.folder, "torch"), self._torch, self._torch_index, pin[1])

    def _bar(self) -> str:
        words = self._commands.words_of([self.plan.python, "-m", "pip", "install", "--help"])
        return "raw" if "raw" in words.partition("--progress-bar")[2][:200] else "off"

    def _python_works(self) -> bool:
        if not self.plan.python.is_file():
            return False
        try:
            self._run([self.plan.python, "-m", "pip", "--version"], "pip_failed")
        except MotionLiftError:
            if self._commands.stopped:
                raise
            return False
        return True

    def _run(self, command: list[str | Path], code: str, follow: Callable[[str], bool] | None = None) -> None:
        """Raises as `Commands.run`, a failure in words."""
        try:
            self._commands.run(command, code, follow)
        except CommandFailed as error:
            raise MotionLiftError(code, *explained(self._commands.last_words(), self.plan)) from error

    def _variables(self) -> dict[str, str]:
        """Of Blender's environment, without what would bend another Python's imports.

        A person's settings of pip, a proxy or a mirror, hold for the network; from a folder nothing else is taken.
        """
        kept = clean_variables()
        if self.plan.wheels is not None:
            kept = {name: value for name, value in kept.items() if not name.startswith("PIP_")}
        own = {"PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"}
        # Who has pip install for the user elsewhere is refused in an environment.
        own |= {"PIP_USER": "0", **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._temporary))}
        return {**kept, **self._sources(), **own}

    def _sources(self) -> dict[str, str]:
        """What tells pip where to take things from, and where to keep them until all is installed."""
        told = {"PIP_CACHE_DIR": str(self.plan.downloads)}
        if self.plan.wheels is not None:
            wheels = self.plan.wheels.absolute().as_uri()
            told |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels}
        return told
