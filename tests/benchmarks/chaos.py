"""Killed at random, the end is that of an undisturbed run: `python tests/benchmarks/chaos.py clip.mp4 [--clips 300]`.

Makes so many short clips of one clip (pieces, mirrored, lighter and darker, so that no two detections are the same), a
tenth of them broken in ten ways, and lifts them twice with the real command: once in peace, once while `--kills` times
a process of it is killed (kill -9) at a random moment: the parent, which is then started again, or one of its workers
or their children. Then both results are compared: every file's SHA-256, and of every clip the end, the error, the
figures and the hash. Ends with 1 and names the differences where there are any. `--folder` keeps all for a look;
`--cluster` disturbs a run on a cluster of this machine.

Needs Linux. Clips that vanish are removed when the run has found them; a run that is started again no longer finds
them, so the manifest need not know them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from motionlift.core.batch.manifest import STATE_FOLDER, file_hash, read_manifest
from motionlift.core.video import read_frames

log = logging.getLogger("benchmark")

WIDTH, HEIGHT = 426, 240
FRAMES = 30
RATE = 30
VANISH = "vanishing"
SHOWN = 10
"""Differences that are named."""


@dataclass
class Film:
    """Frames to cut short clips from."""

    frames: list[np.ndarray[Any, Any]]

    @staticmethod
    def of(path: Path, seconds: float = 10.0) -> Film:
        """The first seconds of a video, small."""
        return Film(
            [
                np.asarray(Image.fromarray(frame.image).resize((WIDTH, HEIGHT)))
                for frame in read_frames(path)
                if frame.time < seconds
            ]
        )

    def piece(self, number: int) -> list[np.ndarray[Any, Any]]:
        """A piece of `FRAMES` frames, a different one for each number."""
        start = number * 37 % max(1, len(self.frames) - FRAMES)
        light = 1.0 - 0.002 * (number % 101)
        frames = [(frame * light).astype(np.uint8) for frame in self.frames[start : start + FRAMES]]
        return [np.ascontiguousarray(frame[:, ::-1]) for frame in frames] if number % 2 else frames


def write_video(path: Path, frames: list[np.ndarray[Any, Any]]) -> None:
    """An H.264 file of these pictures."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "20"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_sound(path: Path) -> None:
    """A second of silence, no picture."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())


def _truncated(path: Path, film: Film, number: int) -> None:
    write_video(path, film.piece(number))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _nobody(path: Path, film: Film, number: int) -> None:
    noise = np.random.default_rng(number).integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    write_video(path, [np.asarray(Image.fromarray(noise).resize((WIDTH, HEIGHT)))] * FRAMES)


def _unreadable(path: Path, film: Film, number: int) -> None:
    if os.geteuid() == 0:
        # Root reads everything; a link to nowhere it cannot.
        path.symlink_to(path.parent / "nowhere.mp4")
    else:
        write_video(path, film.piece(number))
        path.chmod(0)


BROKEN: dict[str, Callable[[Path, Film, int], object]] = {
    "empty": lambda path, film, number: path.write_bytes(b""),
    "text": lambda path, film, number: path.write_text(f"This is no video. {number}\n"),
    "truncated": _truncated,
    "audio_only": lambda path, film, number: write_sound(path),
    "nobody": _nobody,
    "one_frame": lambda path, film, number: write_video(path, film.piece(number)[:1]),
    "unreadable": _unreadable,
    "looping_link": lambda path, film, number: path.symlink_to(path),
    VANISH: lambda path, film, number: write_video(path, film.piece(number)),
    "picture": lambda path, film, number: Image.fromarray(film.frames[number]).save(path, format="jpeg"),
}
"""The ten ways, by name."""


def make_clips(film: Film, folder: Path, clips: int) -> None:
    """So many clips in some folders, every tenth broken."""
    kinds = list(BROKEN)
    for number in range(clips):
        kind = kinds[number // 10 % len(kinds)] if number % 10 == 9 else ""
        name = f"{number:04}_{kind}.mp4" if kind else f"{number:04} läufer.mp4"
        path = folder / f"scene {number % 7}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind:
            BROKEN[kind](path, film, number)
        else:
            write_video(path, film.piece(number))


@dataclass
class Lift:
    """The command, running."""

    videos: Path
    out: Path
    more: tuple[str, ...]
    process: subprocess.Popen[str] = field(init=False)
    said: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it, or start it again."""
        command = [sys.executable, "-m", "motionlift", "lift", str(self.videos), "-o", str(self.out)]
        self.process = subprocess.Popen(
            [*command, "--format", "bvh,motion", *self.more],
            # A cache of its own; not by --cache-dir, which a motion file names.
            env={**os.environ, "XDG_CACHE_HOME": f"{self.out}-cache", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        self._vanish()

    def finish(self) -> int:
        """Wait for its end."""
        return self.process.wait()

    def family(self) -> list[int]:
        """The numbers of its processes, itself first."""
        found = [pid for pid in _session(self.process.pid) if pid != self.process.pid]
        return [self.process.pid, *sorted(found)]

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.said.extend(process.stdout)

    def _vanish(self) -> None:
        """Remove what is to vanish as soon as the run has found its clips."""
        while not (self.out / STATE_FOLDER).is_dir() or not read_manifest(self.out).latest:
            if self.process.poll() is not None:
                return
            time.sleep(0.05)
        for path in self.videos.rglob(f"*_{VANISH}.mp4"):
            path.unlink()


def _session(leader: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            alive = entry.name.isdigit() and Path(entry, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if alive and os.getsid(int(entry.name)) == leader:
                yield int(entry.name)


def disturb(lift: Lift, kills: int, seconds: float, random_: random.Random) -> list[str]:
    """Run to the end with so many kills within about `seconds`; who was killed."""
    victims: list[str] = []
    lift.start()
    for number in range(kills):
        time.sleep(random_.uniform(0.2, 1.8) * seconds / kills)
        if lift.process.poll() is not None:
            log.info("ended after %d kills, with %d", number, lift.process.returncode)
            lift.start()
            time.sleep(random_.uniform(0.2, 3.0))
        family = lift.family()
        parent = number % 2 == 0 or len(family) < 2
        pid = family[0] if parent else random_.choice(family[1:])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        victims.append("parent" if parent else "worker")
        states = [record.state for record in read_manifest(lift.out).latest.values()]
        log.info(
            "kill %d: %s, %d done, %d failed", number + 1, victims[-1], states.count("done"), states.count("failed")
        )
        if parent:
            lift.process.wait()
            lift.start()
    lift.finish()
    return victims


def result(out: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Every file's hash by its name; every clip's end by its name."""
    files = {
        path.relative_to(out).as_posix(): file_hash(path)
        for path in out.rglob("*")
        if path.is_file() and path.name.endswith((".bvh", ".npz")) and STATE_FOLDER not in path.parts
    }
    ends = {
        name: (
            record.state,
            record.error and record.error["code"],
            record.hash,
            [output.sha256 for output in record.outputs],
            record.figures,
        )
        for name, record in read_manifest(out).latest.items()
        if not name.endswith(VANISH)
    }
    return files, ends


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--cluster", action="store_true", help="the disturbed run is one of --cluster local")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        film = Film.of(arguments.video)
        lifts = {}
        for name in ("calm", "wild"):
            make_clips(film, folder / f"{name}-videos", arguments.clips)
            more = ("--cluster", "local") if arguments.cluster and name == "wild" else ()
            lifts[name] = Lift(folder / f"{name}-videos", folder / name, ("--jobs", arguments.jobs, *more))
        began = time.monotonic()
        lifts["calm"].start()
        code = lifts["calm"].finish()
        seconds = time.monotonic() - began
        log.info("undisturbed: %.0f s, exit code %d: %s", seconds, code, lifts["calm"].said[-1].strip())
        began = time.monotonic()
        victims = disturb(lifts["wild"], arguments.kills, seconds, random.Random(arguments.seed))
        # A clip that was killed with its worker twice has failed: the next run finishes.
        lifts["wild"].start()
        code = lifts["wild"].finish()
        log.info(
            "killed %d parents and %d workers: %.0f s, exit code %d: %s",
            victims.count("parent"),
            victims.count("worker"),
            time.monotonic() - began,
            code,
            lifts["wild"].said[-1].strip(),
        )
        (calm, calm_ends), (wild, wild_ends) = (result(lift.out) for lift in lifts.values())
        left = [str(path) for path in (folder / "wild").rglob(".motionlift-*")]
        left += [str(path) for path in (folder / "wild" / STATE_FOLDER).glob("new/*")]
        differ = sorted(name for name in {*calm, *wild} if calm.get(name) != wild.get(name))
        ends = sorted(name for name in {*calm_ends, *wild_ends} if calm_ends.get(name) != wild_ends.get(name))
        codes: dict[str, int] = {}
        for state, error, *_ in calm_ends.values():
            codes[error or state] = codes.get(error or state, 0) + 1
        log.info("ends: %s", json.dumps(codes, sort_keys=True))
        log.info("%d files, %d of them differ; %d ends differ; left over: %s", len(calm), len(differ), len(ends), left)
        for name in ends[:SHOWN]:
            log.info("%s: %s against %s", name, calm_ends.get(name), wild_ends.get(name))
        for name in differ[:SHOWN]:
            log.info("%s: %s against %s", name, calm.get(name), wild.get(name))
        if arguments.folder:
            for name in ("calm", "wild"):
                shutil.rmtree(folder / f"{name}-cache", ignore_errors=True)
        return int(bool(differ or ends or left or not calm))


if __name__ == "__main__":
    sys.exit(main())
