"""The video engine's own Python environment: made from Blender's Python with venv and pip, without Blender's help.

Two steps, each in a thread with subprocesses. `look_up` makes the environment and asks pip what it would install, so
that the size of the download is known; `install` installs it and lifts a second of the sample. What was downloaded is
kept until the end, so that a set-up which was cancelled or failed goes on where it was. A folder of wheels takes the
network's place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..bridge.engine import greet_engine
from ..bridge.worker_client import PACKAGE_ROOT, WorkerClient
from ..core.files import written_beside
from ..core.jobs import Cancelled, LiftSettings, MotionLiftError, internal_error
from .pip_output import Download, PipProgress, answers, downloads_of

log = logging.getLogger(__name__)

NEEDED = ("av", "flatbuffers", "mediapipe", "numpy", "pillow", "rich", "safetensors", "scipy", "torch", "typer")
"""What the engine imports; constraints.txt says which versions. A test compares this with pyproject.toml."""
PLATFORMS = {("Windows", "AMD64"), ("Darwin", "arm64"), ("Linux", "x86_64")}
TORCH_INDEX = "https://download.pytorch.org/whl/"
TORCH_CPU, TORCH_CUDA = "cpu", "cu126"
SAMPLE = PACKAGE_ROOT / "samples/walk_wave_squat.mp4"
CHECK_SECONDS = 300.0
"""The first lift fetches the pose models where the installed MediaPipe has none."""
LOG_LINES = 400
LOG_LINES_SHOWN = 12
MARK = "motionlift-engine.json"

Phase = Literal["idle", "looking_up", "ready", "installing", "checking", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class SetupPlan:
    """What is made, where, and from what. `wheels`: a folder of wheels instead of the network."""

    base_python: Path
    folder: Path
    wheels: Path | None = None
    gpu: bool = False
    constraints: Path = PACKAGE_ROOT / "constraints.txt"
    needed: tuple[str, ...] = NEEDED
    sample: Path = SAMPLE

    @property
    def environment(self) -> Path:
        """The virtual environment."""
        return self.folder / "environment"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return environment_python(self.folder)


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


def environment_python(folder: Path) -> Path:
    """The interpreter of the environment in `folder`, whether it is there or not."""
    return folder / "environment" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed(folder: Path, constraints: Path = PACKAGE_ROOT / "constraints.txt") -> Literal["no", "old", "yes"]:
    """Whether a set-up in `folder` went to its end: `old` where this version wants other packages than that one."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "no"
    if not environment_python(folder).is_file():
        return "no"
    return "yes" if mark.get("constraints") == _digest(constraints) else "old"


def has_nvidia() -> bool:
    """Whether a driver for NVIDIA's GPUs is installed."""
    return shutil.which("nvidia-smi") is not None


def platform_trouble() -> str:
    """Why this machine cannot run the engine; empty where it can."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) in PLATFORMS:
        return ""
    return f"The video engine runs on Windows x64, macOS on Apple silicon and Linux x64, not on {system} {machine}"


def remove(folder: Path) -> None:
    """Delete the environment and all that belongs to it. Raises `MotionLiftError` (`remove_failed`)."""
    try:
        # First the mark: half an environment must not look whole.
        (folder / MARK).unlink(missing_ok=True)
        for part in ("environment", "downloads", "imports", "motionlift"):
            if (folder / part).exists():
                shutil.rmtree(folder / part)
    except OSError as error:
        raise MotionLiftError(
            "remove_failed", f"Could not remove {folder}: {error}.", "Close what uses it and try again."
        ) from error


class EngineSetup:
    """One set-up. `state` may be read at any time; the methods return at once unless told otherwise."""

    def __init__(self, plan: SetupPlan) -> None:
        self.plan = plan
        self.state = SetupState()
        self.downloads: tuple[Download, ...] = ()
        self._torch_index: str | None = None
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._client: WorkerClient | None = None
        self._thread: threading.Thread | None = None

    def log_tail(self, lines: int = LOG_LINES_SHOWN) -> str:
        """The last lines of what venv and pip wrote."""
        return "\n".join(list(self._log)[-lines:])

    def look_up(self) -> None:
        """Make the environment and find out what must be fetched; ends in the phase `ready`."""
        self._start(self._look_up, SetupState("looking_up", "Making a Python environment"))

    def install(self) -> None:
        """Fetch and install, then check; ends in the phase `done`."""
        self._start(self._install, replace(self.state, phase="installing", words="Fetching packages", fraction=0.0))

    def cancel(self) -> None:
        """Stop within a second; what was fetched stays."""
        self._cancelled.set()
        if self._process is not None:
            self._process.kill()
        if self._client is not None:
            self._client.terminate()

    def wait(self, timeout: float | None = None) -> SetupState:
        """Wait for the step that runs."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.state

    def _start(self, work: Callable[[], None], state: SetupState) -> None:
        if self.state.running:
            raise MotionLiftError("busy", "The set-up runs already.", "Wait for it, or cancel it.")
        self._cancelled.clear()
        self.state = state
        self._thread = threading.Thread(target=self._guarded, args=(work,), name="motionlift-setup", daemon=True)
        self._thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except MotionLiftError as error:
            if self._cancelled.is_set():
                self.state = SetupState("cancelled", "Cancelled. What was fetched is kept.")
            else:
                self.state = SetupState("failed", error.message, error=error)
        except Exception as error:
            log.exception("setting up the video engine")
            told = internal_error(error, "Please report it with the log.")
            self.state = SetupState("failed", told.message, error=told)

    def _look_up(self) -> None:
        plan = self.plan
        if plan.wheels is not None and not plan.wheels.is_dir():
            raise MotionLiftError(
                "no_folder", f"There is no folder {plan.wheels}.", "Choose the folder of wheels again."
            )
        try:
            plan.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MotionLiftError(
                "write_failed", f"Could not make {plan.folder}: {error.strerror or error}.", "Check its permissions."
            ) from error
        if not self._python_works():
            self._run([plan.base_python, "-m", "venv", "--clear", plan.environment], "venv_failed")
        if plan.wheels is None:
            # Progress in numbers came with pip 24.1; Blender's Python may bring an older one.
            self._run([plan.python, "-m", "pip", "install", "--upgrade", "pip>=24.1"], "pip_failed")
            self._torch_index = torch_index(plan.gpu)
            if self._torch_index is not None and not answers(self._torch_index + "/torch/"):
                # pip would wait for it with every package.
                self._log.append(f"{self._torch_index} does not answer: torch is taken from where the rest is")
                self._torch_index = None
        self.state = replace(self.state, words="Looking up what is needed")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            self._run([*self._pip_install(), "--dry-run", "--report", report], "pip_failed")
            self.downloads = downloads_of(json.loads(report.read_text(encoding="utf-8")))
        total = sum(one.size for one in self.downloads)
        self.state = SetupState("ready", f"{len(self.downloads)} packages to install", bytes_to_fetch=total)

    def _install(self) -> None:
        plan = self.plan
        total = max(sum(one.size for one in self.downloads), 1)
        progress = PipProgress({one.name: one.size for one in self.downloads})

        def follow(line: str) -> bool:
            shown = progress.take(line)
            fraction = progress.fetched / total
            words = "Installing packages" if progress.installing else f"Fetching {progress.current.partition('-')[0]}"
            self.state = replace(self.state, words=words, fraction=None if progress.installing else min(fraction, 1.0))
            return shown

        self._run([*self._pip_install(), "--progress-bar", self._bar()], "pip_failed", follow)
        self.state = SetupState("checking", "Lifting a second of the sample")
        self._check()
        mark = {"constraints": _digest(plan.constraints), "gpu": plan.gpu}
        with written_beside(plan.folder / MARK) as temporary:
            temporary.write_text(json.dumps(mark), encoding="utf-8")
        shutil.rmtree(plan.folder / "downloads", ignore_errors=True)
        self.state = SetupState("done", "The video engine is ready")

    def _check(self) -> None:
        """Greet the worker and have it lift. Raises `MotionLiftError`."""
        imports = self.plan.folder / "imports"
        greet_engine(self.plan.python, imports)
        self._client = client = WorkerClient(self.plan.python, imports)
        try:
            with tempfile.TemporaryDirectory() as folder:
                settings = LiftSettings(end=1.0, use_cache=False)
                request = client.send("lift", self.plan.sample, Path(folder) / "check.motion.npz", settings)
                client.wait(request, timeout=CHECK_SECONDS)
        finally:
            self._log.extend(client.log_tail().splitlines())
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
        return [*command, *plan.needed]

    def _bar(self) -> str:
        done = subprocess.run(
            [str(self.plan.python), "-m", "pip", "install", "--help"],
            capture_output=True,
            text=True,
            check=False,
            env=self._variables(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return "raw" if "raw" in done.stdout.partition("--progress-bar")[2][:200] else "off"

    def _python_works(self) -> bool:
        if not self.plan.python.is_file():
            return False
        try:
            self._run([self.plan.python, "-m", "pip", "--version"], "pip_failed")
        except MotionLiftError:
            if self._cancelled.is_set():
                raise
            return False
        return True

    def _run(self, command: list[str | Path], code: str, follow: Callable[[str], bool] | None = None) -> None:
        """Run to the end, its lines into the log; those for which `follow` is False are left out.

        Raises `Cancelled`, or `MotionLiftError` of `code` with the end of the log.
        """
        if self._cancelled.is_set():
            raise Cancelled
        self._log.append("$ " + " ".join(map(str, command)))
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=self._variables(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise MotionLiftError(
                code, f"{command[0]} does not start: {error.strerror or error}.", "Choose an existing Python instead."
            ) from error
        self._process = process
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if follow is None or follow(line):
                    self._log.append(line.rstrip())
        result = process.wait()
        self._process = None
        if self._cancelled.is_set():
            raise Cancelled
        if result:
            raise MotionLiftError(code, *_explained(self.log_tail(), self.plan))

    def _variables(self) -> dict[str, str]:
        """Of Blender's environment, without what would bend another Python's imports.

        A person's settings of pip, a proxy or a mirror, hold for the network; from a folder nothing else is taken.
        """
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        if self.plan.wheels is not None:
            kept = {name: value for name, value in kept.items() if not name.startswith("PIP_")}
            kept["PIP_CONFIG_FILE"] = os.devnull
        cache = str(self.plan.folder / "downloads")
        return {**kept, "PIP_CACHE_DIR": cache, "PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"}


def torch_index(gpu: bool) -> str | None:
    """Where torch for this machine lies beside PyPI, whose own is for GPUs on Linux and for the CPU elsewhere."""
    if sys.platform == "linux" and not gpu:
        return TORCH_INDEX + TORCH_CPU
    if sys.platform == "win32" and gpu:
        return TORCH_INDEX + TORCH_CUDA
    return None


def _explained(tail: str, plan: SetupPlan) -> tuple[str, str]:
    """Message and hint for a command that failed, by what it wrote."""
    if "No space left" in tail:
        message, hint = "The disk is full.", f"Make room for 3 GB at {plan.folder}."
    elif plan.wheels is not None and ("No matching distribution" in tail or "ResolutionImpossible" in tail):
        message, hint = "The folder of wheels lacks a package for this Python.", "Fill it as the README says."
    elif any(word in tail for word in ("NewConnectionError", "Temporary failure", "Could not fetch", "timed out")):
        message, hint = "The network does not answer.", "Try again, or choose a folder of wheels."
    elif "ensurepip" in tail:
        message, hint = "This Python cannot make environments.", "Install its venv package, or choose another Python."
    else:
        message, hint = "Setting up the video engine failed.", "The log says why."
    return message, f"{hint}\n{tail}"


def _digest(path: Path) -> str:
    with contextlib.suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return ""
