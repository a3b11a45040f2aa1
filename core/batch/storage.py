"""Videos that lie elsewhere: `s3://`, `gs://` and whatever else fsspec reaches.

What such a place answers is translated here: every failure of its own kind becomes an `OSError`.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from ..jobs import Cancelled, MotionLiftError, ProgressCallback, UsageError, ignore_progress

_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]+://")
_BEFORE_DRIVE = re.compile(r"^/(?=[A-Za-z]:)")
_LOCAL = ("file://", "local://")
CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, order=True)
class Url:
    """A file or folder that fsspec reaches, `s3://bucket/clips/a.mp4`; no slash at its end."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        """What it is called, without its folder."""
        return self.text.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The ending of its name, with the dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Url:
        """The folder that it lies in."""
        return Url(self.text.rpartition("/")[0])


Video = Path | Url
"""A video, here or elsewhere."""


def place(text: str, system: str = sys.platform) -> Path | Url:
    """A path or a URL from what somebody wrote; `file://` is a path, on Windows `file:///C:/clips` too."""
    for scheme in _LOCAL:
        if text.startswith(scheme):
            path = text[len(scheme) :]
            return Path(_BEFORE_DRIVE.sub("", path) if system == "win32" else path)
    return Url(text.rstrip("/")) if _SCHEME.match(text) else Path(text)


def absolute(video: Video) -> Video:
    """A path from the root without `..`, so that one place has one spelling; links stay, and so does a `..` that leads
    elsewhere behind one. URLs are as they were."""
    if isinstance(video, Url):
        return video
    whole = video.absolute()
    if ".." not in whole.parts:
        return whole
    plain = Path(os.path.normpath(whole))
    # Of a pattern, or of what was removed, only a folder above is there.
    there = next((path for path in (whole, *whole.parents) if os.path.exists(path)), whole)
    try:
        return plain if os.path.samefile(there, os.path.normpath(there)) else whole
    except OSError:
        return whole


def below(video: Video, root: Video) -> PurePath:
    """The path of a video below the folder `root`."""
    if isinstance(video, Url):
        return PurePosixPath(video.text[len(str(root)) :].lstrip("/"))
    assert isinstance(root, Path)
    return video.relative_to(root)


def file_system(url: Url) -> tuple[Any, str]:
    """fsspec's file system of a URL, and its path there. Raises `UsageError` (`no_storage`) where it has none."""
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url.text)
    except ImportError as error:
        raise UsageError(
            "no_storage",
            f"{url} cannot be reached: {error}.",
            "Install what fsspec needs for it, like s3fs for s3:// or gcsfs for gs://, here and on all workers.",
        ) from error
    except Exception as error:  # Of the storage's own kinds: a profile of credentials that is not there, say.
        raise UsageError(
            "no_storage",
            f"{url} cannot be reached: {str(error).rstrip('.')}.",
            "Check the address, and the settings and credentials of its storage.",
        ) from error
    return system, str(path)


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Failures of a storage's own kinds, of its credentials say, come out as `OSError`."""
    try:
        yield
    except (OSError, MotionLiftError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def size_and_time(url: Url) -> tuple[int, int] | None:
    """Bytes of a file and when it was changed, nanoseconds, 0 where nobody knows; None where there is none.

    May be as old as the last listing. Raises `MotionLiftError` as `file_system` does.
    """
    system, path = file_system(url)
    try:
        with as_os_errors():
            found = system.info(path)
    except OSError:
        return None
    return int(found.get("size") or 0), _changed_ns(found)


def files_below(url: Url) -> dict[Url, tuple[int, int]]:
    """All files below a folder with their sizes and times, looked up now; the file itself, where it is one.

    Raises `OSError`, and `MotionLiftError` as `file_system`.
    """
    system, path = file_system(url)
    with as_os_errors():
        system.invalidate_cache()
        found: Mapping[str, Mapping[str, Any]] = system.find(path, detail=True)
    # As it was written: a system gives its paths without the scheme and the host.
    bare = path.strip("/")
    scheme = _SCHEME.match(url.text)
    prefix = url.text.removesuffix(bare) if url.text.endswith(bare) else scheme.group() if scheme else ""
    return {
        Url(prefix + name.lstrip("/")): (int(info.get("size") or 0), _changed_ns(info))
        for name, info in sorted(found.items())
    }


def fetch(
    url: Url,
    path: Path,
    progress: ProgressCallback = ignore_progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Copy a file to a path here. Raises `MotionLiftError` (`fetch_failed`, as `file_system`), `Cancelled`."""
    system, name = file_system(url)
    try:
        with as_os_errors():
            total = int(system.info(name).get("size") or 0) or None
            done = 0
            with system.open(name, "rb", block_size=CHUNK_BYTES) as source, path.open("wb") as target:
                while chunk := source.read(CHUNK_BYTES):
                    if cancelled():
                        raise Cancelled
                    target.write(chunk)
                    done += len(chunk)
                    progress("open", done, total)
    except OSError as error:
        raise MotionLiftError(
            "fetch_failed",
            f"{url} cannot be fetched: {error.strerror or error}.",
            "Check the address, the rights of this machine there, the network, and free space here.",
        ) from error


def _changed_ns(info: Mapping[str, Any]) -> int:
    """When a file was changed; storages do not agree on what that is called, nor on what it is.

    Those that know only the second tell of content by a tag, which then stands for what is below it.
    """
    time_ns = 0
    for key in ("mtime", "LastModified", "last_modified", "updated", "modified", "created"):
        value = info.get(key)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.datetime.fromisoformat(value)
        if isinstance(value, datetime.datetime):
            time_ns = int(value.timestamp() * 1e9)
        elif isinstance(value, int | float):
            time_ns = int(value * 1e9)
        if time_ns:
            break
    tag = next((info[key] for key in ("ETag", "md5Hash", "generation") if info.get(key)), None)
    if tag is not None and time_ns % 10**9 == 0:
        time_ns += int(hashlib.sha256(str(tag).encode()).hexdigest()[:12], 16) % 10**9
    return time_ns
