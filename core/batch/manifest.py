"""The book of a batch: `motionlift.manifest.jsonl` in the output folder, one JSON object a line, one line a change.

Lines are only ever appended, each in one write that reaches the disk before work goes on; so a process may be killed
at any moment. A last line that was torn is passed over. The last line about a clip is its state:
- `started`: somebody works on it, or was killed while doing so;
- `done`: `outputs` were written;
- `failed`: `error` says why;
- `stopped`: the user ended the run.
One run at a time has the manifest: it holds the lock file beside it, which the system frees when the run dies.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from ..files import locked
from ..jobs import MotionLiftError
from .pictures import is_pictures, size_and_time_of_pictures
from .storage import Url, Video, size_and_time

log = logging.getLogger(__name__)

NAME = "motionlift.manifest.jsonl"
FORMAT = "motionlift-manifest-1"
STATE_FOLDER = ".motionlift"
"""Beside the manifest: the lock, and a small picture of each clip."""

State = Literal["started", "done", "failed", "stopped"]


@dataclass(frozen=True)
class Stamp:
    """What tells that a file is as it was, without reading it."""

    bytes: int
    modified_ns: int

    @staticmethod
    def of(path: Video) -> Stamp | None:
        """The stamp of a file or of the pictures of a folder or pattern, None where there is none."""
        if isinstance(path, Url) or is_pictures(path):
            found = size_and_time(path) if isinstance(path, Url) else size_and_time_of_pictures(path)
            return Stamp(*found) if found else None
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        return Stamp(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Output:
    """A file that was written, its path below the output folder, and what it held then."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """One line. `settings`: what decides the result beside the video; `hash`: SHA-256 of the video; `figures`: those of
    `batch.figures`, one object a person; `seconds` a stage and altogether (`total`); times are UTC."""

    clip: str
    state: State
    video: str
    stamp: Stamp | None = None
    hash: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    figures: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    error: dict[str, str] | None = None
    attempt: int = 1
    at: str = ""

    @staticmethod
    def read(values: dict[str, Any]) -> Record:
        """The inverse of `dataclasses.asdict`; what is not known is passed over. Raises `TypeError` or `KeyError` where
        something is missing."""
        known = {f.name: values[f.name] for f in dataclasses.fields(Record) if f.name in values}
        if known.get("stamp"):
            known["stamp"] = Stamp(**known["stamp"])
        known["outputs"] = tuple(Output(**output) for output in known.get("outputs", ()))
        for name in ("formats", "figures", "warnings"):
            known[name] = tuple(known.get(name, ()))
        return Record(**known)


@dataclass
class Book:
    """What a manifest says: the last record of each clip, and the SHA-256 of every file ever `written` for it, by
    clip and by path below the folder."""

    latest: dict[str, Record] = field(default_factory=dict)
    written: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        """Take a further record in."""
        self.latest[record.clip] = record
        for output in record.outputs:
            files = self.written.setdefault(record.clip, {})
            files[output.path] = files.get(output.path, frozenset()) | {output.sha256}


def read_manifest(folder: Path) -> Book:
    """What a folder's manifest says; nothing where there is none.

    Raises `MotionLiftError` (`bad_manifest`) for a file that is no manifest or cannot be read.
    """
    path = folder / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Book()
    except OSError as error:
        raise _bad(path, str(error.strerror or error)) from error
    return parse_manifest(content, path)


def parse_manifest(content: bytes, path: Path | str) -> Book:
    """What a manifest says, `path` its name for errors. Raises as `read_manifest`."""
    book = Book()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            values = json.loads(line)
            if "format" in values:
                if values["format"] != FORMAT:
                    raise _bad(path, f"its format is {values['format']!r}, not {FORMAT!r}")
                continue
            record = Record.read(values)
        except (ValueError, TypeError, KeyError):
            # A process was killed, or the disk was full, within a line.
            log.info("%s: line %d is torn and passed over", path, number)
            if number == 1 and not line.startswith(b'{"format"'[: len(line)]):
                raise _bad(path, "its first line is none of a manifest") from None
            continue
        book.note(record)
    return book


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def picture_path(folder: Path, clip: str) -> Path:
    """Where a clip's small picture lies: names may be long, numbers of clips large."""
    return (
        folder
        / STATE_FOLDER
        / "pictures"
        / f"{hashlib.sha256(clip.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.jpg"
    )


class Appendable(Protocol):
    """What lines are written to: `write` takes some bytes and says how many; `sync` returns when all are safe."""

    def write(self, content: bytes, /) -> int: ...
    def sync(self) -> None: ...


class Manifest:
    """The manifest of a folder, open for appending, by any number of threads. See `open_manifest`."""

    def __init__(self, path: Path | str, file: Appendable, book: Book, torn: bool = False) -> None:
        self.path = path
        self._book = book
        self._file = file
        self._writing = threading.Lock()
        self._torn = torn

    def latest(self) -> dict[str, Record]:
        """The last record of each clip, by its name."""
        with self._writing:
            return dict(self._book.latest)

    def of(self, clip: str) -> Record | None:
        """The last record of a clip."""
        return self._book.latest.get(clip)

    def written_for(self, clip: str) -> Mapping[str, frozenset[str]]:
        """The SHA-256 of every file ever written for a clip, by its path below the folder."""
        with self._writing:
            return dict(self._book.written.get(clip, {}))

    def append(self, record: Record) -> Record:
        """Add a record, stamped with the time, and return it. Raises `MotionLiftError` (`write_failed`)."""
        record = dataclasses.replace(record, at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        values = {f.name: getattr(record, f.name) for f in dataclasses.fields(Record)}
        kept = {name: value for name, value in values.items() if value not in (None, (), {})}
        kept |= {"stamp": dataclasses.asdict(record.stamp)} if record.stamp else {}
        kept |= {"outputs": [dataclasses.asdict(output) for output in record.outputs]} if record.outputs else {}
        with self._writing:
            self._write(kept)
            self._book.note(record)
        return record

    def _write(self, values: dict[str, Any]) -> None:
        # A name of bytes that are no text comes as lone surrogates: escaped, they survive.
        line = b"\n" * self._torn + json.dumps(values).encode("ascii") + b"\n"
        try:
            self._torn = True
            while line:
                line = line[self._file.write(line) :]
            self._file.sync()
            self._torn = False
        except OSError as error:
            raise MotionLiftError(
                "write_failed",
                f"The manifest {self.path} cannot be written: {error.strerror or error}.",
                "Check free space and permissions, then start the same command again: what is done stays done.",
            ) from error


class _File:
    """A file of this machine, open for appending."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, content: bytes) -> int:
        return self.file.write(content)

    def sync(self) -> None:
        os.fsync(self.file.fileno())


@contextlib.contextmanager
def open_manifest(folder: Path) -> Iterator[Manifest]:
    """The manifest of an existing folder, made where there is none, held for this run alone.

    Raises `MotionLiftError`: `batch_running` while another run has it, `bad_manifest`, `write_failed`.
    """
    path, state = folder / NAME, folder / STATE_FOLDER
    with contextlib.ExitStack() as stack:
        try:
            state.mkdir(exist_ok=True)
            stack.enter_context(exclusive(state, str(folder)))
            book = read_manifest(folder)
            file = stack.enter_context(path.open("ab", buffering=0))
            torn = bool(file.tell()) and not path.read_bytes().endswith(b"\n")
            manifest = Manifest(path, _File(file), book, torn)
        except OSError as error:
            raise MotionLiftError(
                "write_failed",
                f"The folder {folder} cannot be written: {error.strerror or error}.",
                "Check free space and permissions, or choose another folder.",
            ) from error
        if not file.tell():
            manifest._write({"format": FORMAT})
        yield manifest


def start_line() -> bytes:
    """The first line of a manifest."""
    return json.dumps({"format": FORMAT}).encode("ascii") + b"\n"


@contextlib.contextmanager
def exclusive(state: Path, folder: str) -> Iterator[None]:
    """The lock in a run's own folder, for the run into `folder`. Raises `OSError`, `MotionLiftError` (`batch_running`)
    while another run has it."""
    with (state / "lock").open("ab") as lock:
        if not locked(lock):
            raise MotionLiftError(
                "batch_running",
                f"Another run is at work in {folder}.",
                "Wait for its end, or stop it; its clips are not lifted twice.",
            )
        yield


def _bad(path: Path | str, why: str) -> MotionLiftError:
    return MotionLiftError(
        "bad_manifest",
        f"{path} cannot be used as this folder's manifest: {why}.",
        "Move it away, or choose another output folder.",
    )
