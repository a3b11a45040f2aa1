"""Which clips a batch has, and what each is called: the folder layout is kept, and names never move."""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from ..jobs import MotionLiftError, UsageError
from .manifest import NAME as MANIFEST
from .manifest import Stamp
from .pictures import is_pictures, name_without_counter
from .storage import Url, Video, absolute, below, files_below

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv",
     ".ts", ".webm", ".wmv"}
)  # fmt: skip
"""What counts as a video in a folder; a pattern or a name may say otherwise."""
OUR_SUFFIXES = (".bvh", ".motion.npz", ".html")
"""What a lift writes: no pattern takes it for a video."""
AnyPath = TypeVar("AnyPath", bound=PurePath)
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Clip:
    """A video, and its `name`: the path of its files below the output folder, with `/`, without a suffix."""

    video: Video
    name: str


@dataclass(frozen=True)
class Found:
    """Videos with the folder below which each one's layout is kept; `unreadable`: folders that could not be listed;
    `empty`: what was given and stands for no video."""

    videos: tuple[tuple[Video, Video], ...]
    unreadable: tuple[MotionLiftError, ...] = ()
    empty: tuple[Video, ...] = ()


def is_pattern(path: Video) -> bool:
    """Whether a name is a pattern (`*`, `?`, `[...]`, `**` for any depth): a folder `[x]` that is there is none."""
    return _fixed_parts(path) is not None


def _fixed_parts(path: Video) -> int | None:
    """How many parts a pattern has before its first wildcard; None for what is no pattern."""
    parts = path.parts if isinstance(path, Path) else path.text.split("/")
    for number, part in enumerate(parts):
        if _WILD.search(part) and not (isinstance(path, Path) and os.path.exists(Path(*parts[: number + 1]))):
            return number
    return None


def is_folder_of_clips(path: Video) -> bool:
    """Whether a path is a folder with videos anywhere in it (and not one of pictures, which is a clip itself). A URL is
    taken for one without asking."""
    return isinstance(path, Url) or (os.path.isdir(path) and next(_walk(path, []), None) is not None)


def find_videos(given: Sequence[Video], watched: bool = False) -> Found:
    """The videos that names, folders, patterns and URLs of these stand for, each once, in order of their names within
    each.

    Layout is kept below a folder, below the fixed part of a pattern, and below the folder that the single files share;
    those on several drives share none.
    Nothing hidden (`.name`) is looked at, nor what we write, and links that lead round are gone once. Where it is
    `watched`, folders in which there is nothing yet are no clips. Raises `UsageError` (`bad_pattern`).
    """
    given = [absolute(path) for path in given]
    unreadable: list[MotionLiftError] = []
    empty: list[Video] = [
        path for path in given if watched and isinstance(path, Path) and _is_to_be_filled(path, unreadable)
    ]
    given = [path for path in given if path not in empty]
    singles = [
        path for path in given if isinstance(path, Path) and not is_pattern(path) and not is_folder_of_clips(path)
    ]
    shared = common_folder([path.parent for path in singles])
    found: dict[Video, Video] = {}
    for path in given:
        root: Video
        videos: list[Video]
        if isinstance(path, Url):
            root, videos = _elsewhere(path, unreadable)
        elif (fixed := _fixed_parts(path)) is not None:
            root, match = Path(*path.parts[:fixed]), _compiled(path.parts[fixed:])
            there = () if watched and not os.path.lexists(root) else _walk(root, unreadable, any_suffix=True)
            videos = [video for video in there if match.fullmatch(_path_below(video, root))]
        elif is_folder_of_clips(path):
            root = path
            videos = list(_walk(root, unreadable))
        else:
            found.setdefault(path, shared or path.parent)
            continue
        if not videos:
            empty.append(path)
        for video in sorted(videos, key=functools.partial(below, root=root)):
            found.setdefault(video, root)
    return Found(tuple(found.items()), tuple(unreadable), tuple(empty))


def common_folder(folders: Sequence[AnyPath]) -> AnyPath | None:
    """The deepest folder that all these lie in, or are; None where there is none, as on several drives of Windows."""
    if not folders:
        return None
    candidates = (folders[0], *folders[0].parents)
    return next((one for one in candidates if all(folder.is_relative_to(one) for folder in folders)), None)


def _is_to_be_filled(path: Path, unreadable: list[MotionLiftError]) -> bool:
    """Whether a path is a folder without videos and pictures, or nothing yet that could become one."""
    if os.path.isdir(path):
        return next(_walk(path, unreadable), None) is None and Stamp.of(path) is None
    return not path.suffix and not os.path.lexists(path) and not is_pattern(path) and not is_pictures(path)


def _is_ours(name: str) -> bool:
    return name == MANIFEST or name.lower().endswith(OUR_SUFFIXES)


def _elsewhere(url: Url, unreadable: list[MotionLiftError]) -> tuple[Url, list[Video]]:
    """The root and the videos that a URL stands for: of a pattern, a folder or a file."""
    root, match = url, None
    if (fixed := _fixed_parts(url)) is not None:
        parts = url.text.split("/")
        root, match = Url("/".join(parts[:fixed])), _compiled(parts[fixed:])
    try:
        files = list(files_below(root))
    except OSError as error:
        unreadable.append(
            MotionLiftError(
                "unreadable_folder",
                f"{root} cannot be listed: {error.strerror or error}.",
                "Check the address, the rights of this machine there, and the network.",
            )
        )
        return root, []
    if files in ([url], []):
        # A file, or nothing: whoever wants to read it says so.
        return url.parent, [url]
    shown = [file for file in files if not any(part.startswith(".") for part in below(file, root).parts)]
    shown = [file for file in shown if not _is_ours(file.name)]
    if match is not None:
        return root, [file for file in shown if match.fullmatch(_path_below(file, root))]
    return root, [file for file in shown if file.suffix.lower() in VIDEO_SUFFIXES]


def _path_below(video: Video, root: Video) -> str:
    return below(video, root).as_posix()


def name_clips(videos: Sequence[tuple[Video, Video]], known: Mapping[Video, str]) -> list[Clip]:
    """Each video's name: the one it is `known` by from an earlier run, else its path below its root without suffix.

    Where that is taken, or would be by several (`a.mp4`, `a.mov`; letters' case aside), the suffix stays.
    Raises `UsageError` (`same_name`) where that does not help.
    """
    wanted = {video: wanted_names(video, root) for video, root in videos if video not in known}
    taken = {name.casefold() for name in known.values()}
    counts = Counter(short.casefold() for short, _ in wanted.values())
    clips = []
    for video, _ in videos:
        name = known.get(video)
        if name is None:
            short, full = wanted[video]
            clash = short.casefold() in taken or counts[short.casefold()] > 1
            name = full if clash else short
            if clash and full.casefold() in taken:
                raise UsageError(
                    "same_name",
                    f"Another clip's files are called {name} already: {video} would replace them.",
                    "Lift it into another folder.",
                )
            taken.add(name.casefold())
        clips.append(Clip(video, name))
    return clips


def wanted_names(video: Video, root: Video) -> tuple[str, str]:
    """What a video would be called were it the only one: without the suffix, and with it."""
    full: PurePath = below(video, root)
    return full.with_name(clip_name(video)).as_posix(), full.as_posix()


def clip_name(video: Video) -> str:
    """What a clip is called: the file's stem, an image folder's name, an image pattern without its counter. A link is
    called as it is, not as what it leads to."""
    if isinstance(video, Url):
        return PurePosixPath(video.name).stem
    path = Path(os.path.abspath(video))
    if os.path.isdir(path):
        # A dot in the name of a folder is no suffix.
        return path.name
    return name_without_counter(path.stem) or path.parent.name if is_pictures(path) else path.stem


def _walk(root: Path, unreadable: list[MotionLiftError], any_suffix: bool = False) -> Iterator[Path]:
    """The videos below a folder; through links, but into no folder twice."""
    seen: set[tuple[int, int]] = set()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            stamp = folder.stat()
            if (stamp.st_dev, stamp.st_ino) in seen:
                continue
            seen.add((stamp.st_dev, stamp.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            unreadable.append(
                MotionLiftError(
                    "unreadable_folder",
                    f"The folder {folder} cannot be read: {error.strerror or error}.",
                    "Check its permissions, or leave it out.",
                )
            )
            continue
        inside = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = folder / entry.name
            if os.path.isdir(path):
                inside.append(path)
            elif path.suffix.lower() in VIDEO_SUFFIXES or (any_suffix and not _is_ours(path.name)):
                yield path
        folders.extend(reversed(inside))


def _compiled(parts: Sequence[str]) -> re.Pattern[str]:
    """The expression that a path must match, from the part with the first wildcard on. Raises `UsageError`."""
    words = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            words.append("(?:[^/]+/)*" + ("[^/]+" if last else ""))
        else:
            words.append(_part(part) + ("" if last else "/"))
    try:
        return re.compile("".join(words))
    except re.error as error:
        raise UsageError(
            "bad_pattern", f"{'/'.join(parts)} is no pattern: {error.msg}.", "Within [ ], a range goes up: [a-z]."
        ) from error


def _part(text: str) -> str:
    """One name's wildcards as an expression; unlike `fnmatch`, `*` does not cross folders."""
    result, i = "", 0
    while i < len(text):
        if text[i] == "*":
            result += "[^/]*"
        elif text[i] == "?":
            result += "[^/]"
        elif text[i] == "[" and (end := text.find("]", i + 2)) > 0:
            inner = text[i + 1 : end].replace("\\", "\\\\")
            result += "[" + ("^" + inner[1:] if inner[0] == "!" else inner) + "]"
            i = end
        else:
            result += re.escape(text[i])
        i += 1
    return result
