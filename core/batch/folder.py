"""Where the files of a batch go: a folder here (or on storage mounted here), or a place that fsspec reaches.

Files are named by their path below it, with `/`. A run also needs a folder on this machine for what is only its own:
the one beside the files, or one in the user's cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ..files import replace_patiently
from ..jobs import MotionLiftError
from .manifest import NAME, STATE_FOLDER, Manifest, exclusive, file_hash, open_manifest, parse_manifest, start_line
from .storage import CHUNK_BYTES, Url, as_os_errors, file_system

WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "r2", "memory"})
"""Storages that show a file only when it is whole; elsewhere it is written beside and renamed."""


class Folder(Protocol):
    """Where files go. All but `manifest` raise `OSError`."""

    @property
    def local(self) -> Path:
        """What is the run's own lies here, in `STATE_FOLDER`."""
        ...

    @property
    def name(self) -> str:
        """What it is called, for headings."""
        ...

    def manifest(self) -> AbstractContextManager[Manifest]:
        """The book, held for this run: see `open_manifest`."""
        ...

    def prepare(self, name: str) -> None:
        """Make sure that a file can be put there."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a file, None where there is none."""
        ...

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file, None where there is none."""
        ...

    def put(self, file: Path, name: str) -> None:
        """Move a file from here to its place; whoever looks sees the old one or the whole new one."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file that is there."""
        ...

    def free(self) -> int:
        """Bytes that there is room for."""
        ...

    def link(self, name: str, page_folder: Path) -> str:
        """The address of a file for a page in `page_folder`, quoted."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def local(self) -> Path:
        return self.path

    @property
    def name(self) -> str:
        return self.path.absolute().name

    def manifest(self) -> AbstractContextManager[Manifest]:
        return open_manifest(self.path)

    def prepare(self, name: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)

    def size(self, name: str) -> int | None:
        try:
            return (self.path / name).lstat().st_size
        except FileNotFoundError:
            return None

    def digest(self, name: str) -> str | None:
        return None if self.size(name) is None else file_hash(self.path / name)

    def put(self, file: Path, name: str) -> None:
        replace_patiently(file, self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    def free(self) -> int:
        return shutil.disk_usage(self.path).free

    def link(self, name: str, page_folder: Path) -> str:
        try:
            target = os.path.relpath(self.path.absolute() / name, page_folder).replace(os.sep, "/")
        except ValueError:  # It is on another drive of Windows.
            return (self.path.absolute() / name).as_uri()
        return quote(target, errors="surrogateescape")


class RemoteFolder:
    """A folder that fsspec reaches. `local`: see `Folder`; in the user's cache unless told. Raises as `file_system`."""

    def __init__(self, url: Url, local: Path | None = None) -> None:
        self._url = url
        self._system, self._root = file_system(url)
        self._whole = url.text.partition("://")[0] in WHOLE
        self._local = local

    def __str__(self) -> str:
        return self._url.text

    @property
    def local(self) -> Path:
        if self._local is None:
            # Imported late: it belongs to what detects.
            from ..detection.models import cache_folder

            self._local = cache_folder() / "batches" / hashlib.sha256(self._url.text.encode()).hexdigest()[:24]
        return self._local

    @property
    def name(self) -> str:
        return self._url.name

    @contextlib.contextmanager
    def manifest(self) -> Iterator[Manifest]:
        """As `open_manifest`. Nothing can be appended to there: lines are files of their own until the book is written
        anew, at the beginning and at the end. Of two runs only those of one machine know of each other."""
        state = self.local / STATE_FOLDER
        lines = f"{self._root}/{STATE_FOLDER}/lines"
        with contextlib.ExitStack() as stack:
            try:
                state.mkdir(parents=True, exist_ok=True)
                stack.enter_context(exclusive(state, str(self)))
                book = parse_manifest(self._bind(lines), f"{self}/{NAME}")
                yield Manifest(f"{self}/{NAME}", _Lines(self, lines), book)
                if self._names(lines):
                    self._bind(lines)
            except OSError as error:
                raise MotionLiftError(
                    "write_failed",
                    f"{self} cannot be used: {error.strerror or error}.",
                    "Check the address, the rights of this machine there, and the network.",
                ) from error

    def prepare(self, name: str) -> None:
        if not self._whole:
            with as_os_errors():
                self._system.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)

    def size(self, name: str) -> int | None:
        try:
            with as_os_errors():
                return int(self._system.info(self._at(name))["size"])
        except FileNotFoundError:
            return None

    def digest(self, name: str) -> str | None:
        total = hashlib.sha256()
        try:
            with as_os_errors(), self._system.open(self._at(name), "rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    total.update(chunk)
        except FileNotFoundError:
            return None
        return total.hexdigest()

    def put(self, file: Path, name: str) -> None:
        with as_os_errors():
            if self._whole:
                self._system.put_file(str(file), self._at(name))
            else:
                self._beside(name, lambda beside: self._system.put_file(str(file), beside))
            self._system.invalidate_cache()
        file.unlink()

    def put_bytes(self, content: bytes, name: str) -> None:
        """Write a file of these bytes, replaced as by `put`."""
        self.prepare(name)
        with as_os_errors():
            if self._whole:
                self._system.pipe_file(self._at(name), content)
            else:
                self._beside(name, lambda beside: self._system.pipe_file(beside, content))

    def remove(self, name: str) -> None:
        with as_os_errors():
            self._system.rm_file(self._at(name))
            self._system.invalidate_cache()

    def free(self) -> int:
        return sys.maxsize

    def link(self, name: str, page_folder: Path) -> str:
        return quote(f"{self}/{name}", safe="/:", errors="surrogateescape")

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _beside(self, name: str, write: Any) -> None:
        place = self._at(name)
        beside = f"{place.rpartition('/')[0]}/.motionlift-{uuid.uuid4().hex}"
        try:
            write(beside)
            self._system.mv(beside, place)
        except BaseException:
            with contextlib.suppress(Exception):
                self._system.rm_file(beside)
            raise

    def _names(self, lines: str) -> list[str]:
        with as_os_errors():
            self._system.invalidate_cache()
            return sorted(str(name) for name in self._system.find(lines))

    def _bind(self, lines: str) -> bytes:
        """The book with all single lines in it, written as a whole, and the lines removed.

        Killed in between, the lines are there twice: read once more in the same order they say the same.
        """
        names = self._names(lines)
        with as_os_errors():
            place = self._at(NAME)
            content = bytes(self._system.cat_file(place)) if self._system.exists(place) else start_line()
            if names:
                found = self._system.cat(names)
                # One file comes as it is, several by their names.
                found = {names[0]: found} if isinstance(found, bytes) else found
                content = content if content.endswith(b"\n") else content + b"\n"
                content += b"".join(found[name] for name in names)
                self.put_bytes(content, NAME)
                self._system.rm(names)
            elif not self._system.exists(place):
                self.put_bytes(content, NAME)
        return content


class _Lines:
    """Lines as files of their own, in the order of their names."""

    def __init__(self, folder: RemoteFolder, lines: str) -> None:
        self._folder = folder
        self._lines = f"{STATE_FOLDER}/lines"
        self._written = 0

    def write(self, line: bytes) -> int:
        self._written += 1
        self._folder.put_bytes(line, f"{self._lines}/{time.time_ns():020d}-{self._written:08d}")
        return len(line)

    def sync(self) -> None:
        """Nothing waits."""
