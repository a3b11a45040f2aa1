"""What a lift is asked for, what it reports, and how it fails: the words shared by every process of MotionLift.

Standard library only, so that Blender's Python can import it. `LiftSettings` travels as JSON in the worker's
protocol (`core/worker.py`), in the cache's keys and in `Motion.source`.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from types import NoneType
from typing import Any, Literal, Protocol, TypeVar, get_args, get_type_hints

from .system_libraries import PACKAGES, absent, for_lifting, missing_library

PROTOCOL_VERSION = 1

Stage = Literal["open", "detect", "lift", "solve", "write"]
"""Stages of one lift, in order."""
STAGE_WORDS: dict[Stage, str] = {
    "open": "Opening",
    "detect": "Finding people",
    "lift": "Lifting to 3D",
    "solve": "Solving",
    "write": "Writing",
}
"""What people read of them."""


class MotionLiftError(Exception):
    """A failure a person can act on.

    `code` is a stable lower-case identifier for programs, `message` says what happened in plain words,
    `hint` says what to do next.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[type[MotionLiftError], tuple[str, str, str]]:
        return (type(self), (self.code, self.message, self.hint))


class UsageError(MotionLiftError):
    """The request itself is wrong (exit code 2): nothing was started."""


class Cancelled(MotionLiftError):  # noqa: N818 (a wish, not an error)
    """The user asked to stop."""

    def __init__(self, code: str = "cancelled", message: str = "Cancelled.", hint: str = "") -> None:
        super().__init__(code, message, hint)


def internal_error(error: Exception, hint: str) -> MotionLiftError:
    """An exception that nobody foresaw, in words."""
    return MotionLiftError(
        "internal", f"Something went wrong inside MotionLift: {type(error).__name__}: {error}.", hint
    )


def missing_part(error: ImportError | OSError) -> MotionLiftError:
    """A package or system library that the back end needs and does not find; our own mistakes are none of those."""
    if isinstance(error, ImportError) and (error.name or "").startswith(__name__.partition(".")[0]):
        return internal_error(error, "The installation is damaged: install MotionLift again.")
    hint = "Run motionlift doctor: it names what is missing and how to get it."
    if (library := missing_library(error)) in PACKAGES and (packages := absent(for_lifting())):
        hint = f"On Debian or Ubuntu, apt-get install {' '.join(packages)}; elsewhere, install what holds {library}."
    return MotionLiftError("missing_package", f"A part that lifting needs cannot be loaded: {error}.", hint)


class ProgressCallback(Protocol):
    """Called with a stage, how much of it is done and the total (None while unknown)."""

    def __call__(self, stage: Stage, done: int, total: int | None) -> None: ...


def ignore_progress(stage: Stage, done: int, total: int | None) -> None:
    """The progress callback of someone who does not look."""


NO_RESULT = frozenset({"use_cache", "from_cache", "awaited", "cache_dir", "device", "hwaccel"})
"""Settings that do not decide what comes out, but for last digits."""


@dataclass(frozen=True)
class LiftSettings:
    """Everything that decides what a lift produces from a given video.

    Times are seconds on the source's clock. `speed` is the slow-motion factor: 8 means the file plays
    eight times slower than life. `hands`: fingers are found and solved too. `stride`: people are looked for in every
    so manieth frame. `awaited`: somebody waits for this clip: more processors share it, and it is gone on with where
    it was stopped. `hwaccel`: `none`, `auto` or a kind of device that decodes the video. `rotate`: degrees clockwise
    (`TURNS`) by which the stored pictures are turned, whatever the file says. None means "found out or assumed, and
    reported as such".
    """

    start: float | None = None
    end: float | None = None
    shot: int | None = None
    speed: float | None = None
    rotate: int | None = None
    person: str = "largest"
    max_people: int | None = None
    mirror: bool = False
    pose_model: str | None = None
    height_m: float | None = None
    fov_degrees: float | None = None
    smoothing: float = 0.5
    floor: bool = True
    foot_lock: bool = True
    travel: bool | None = None
    hands: bool = False
    device: str = "auto"
    weights: str | None = None
    flip_average: bool = True
    stride: int = 1
    hwaccel: str = "none"
    use_cache: bool = True
    from_cache: bool = False
    cache_dir: str | None = None
    awaited: bool = False

    def __post_init__(self) -> None:
        _require(self.start is None or self.start >= 0, "start", "must not be negative")
        _require(self.end is None or self.end > (self.start or 0.0), "end", "must be later than the start")
        _require(self.shot is None or self.shot >= 1, "shot", "counts from 1")
        _require(self.speed is None or 0 < self.speed <= 100, "speed", "must lie between 0 and 100")
        _require(self.rotate in (None, *TURNS), "rotate", f"must be {AUTO} or one of {', '.join(map(str, TURNS))}")
        _require(
            self.person in PERSON_CHOICES or (self.person.isdecimal() and int(self.person) >= 1),
            "person",
            f"must be a number from 1 or one of {', '.join(PERSON_CHOICES)}",
        )
        _require(self.max_people is None or 1 <= self.max_people <= 8, "max-people", "must be 1 to 8")
        _require(
            self.height_m is None or 0.4 <= self.height_m <= 2.6,
            "height",
            "is in metres and must lie between 0.4 and 2.6",
        )
        _require(
            self.fov_degrees is None or 5 <= self.fov_degrees <= 150,
            "fov",
            "is in degrees along the longer side and must lie between 5 and 150",
        )
        _require(1 <= self.stride <= MOST_STRIDE, "stride", f"must be 1 to {MOST_STRIDE}")
        _require(self.use_cache or not self.from_cache, "from-cache", "needs the cache")
        _require(0 <= self.smoothing <= 1, "smoothing", "must lie between 0 and 1")

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the fields that differ from their defaults."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if getattr(self, f.name) != f.default}

    def of_result(self) -> dict[str, Any]:
        """`to_json` of what decides the result: neither where files lie on this machine nor how it computes."""
        return {name: value for name, value in self.to_json().items() if name not in NO_RESULT}

    @staticmethod
    def from_json(values: dict[str, Any]) -> LiftSettings:
        """The inverse of `to_json`.

        Raises `UsageError` for a setting that does not exist or has the wrong type.
        """
        known = {f.name for f in dataclasses.fields(LiftSettings)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise UsageError(
                "unknown_setting",
                f"There is no setting called {', '.join(unknown)}.",
                f"Settings are: {', '.join(sorted(known))}.",
            )
        kinds = _kinds()
        for name, value in values.items():
            _require(_fits(value, kinds[name]), name, f"must be {_in_words(kinds[name])}, not {str(value)[:40]!r}")
        return LiftSettings(**values)


MOST_STRIDE = 4
AUTO = "auto"
TURNS = (0, 90, 180, 270)
PERSON_CHOICES = ("largest", "longest", "left", "right", "all")


@functools.cache
def _kinds() -> dict[str, Any]:
    return get_type_hints(LiftSettings)


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of an annotated type; a whole number may stand for a number, but a truth for neither."""
    kinds = get_args(kind) or (kind,)
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, (*kinds, int) if float in kinds else kinds)


_KIND_WORDS = {float: "a number", int: "a whole number", str: "text", bool: "true or false", NoneType: "null"}


def _in_words(kind: Any) -> str:
    return " or ".join(_KIND_WORDS[each] for each in get_args(kind) or (kind,))


def _require(condition: bool, name: str, rule: str) -> None:
    if not condition:
        raise UsageError("bad_setting", f"The setting {name} {rule}.", "Correct it and start again.")


@dataclass(frozen=True)
class Hello:
    """The worker's first line."""

    version: str
    protocol: int = PROTOCOL_VERSION
    event: Literal["hello"] = "hello"


@dataclass(frozen=True)
class Progress:
    """`done` of `total` (None while unknown) units of a stage of request `id`."""

    id: str
    stage: Stage
    done: int
    total: int | None
    event: Literal["progress"] = "progress"


@dataclass(frozen=True)
class Result:
    """Request `id` is done. `motions` are the files written; `people` describes the tracks found; `details`: what a
    batch keeps about a clip (`core/batch/work.py`), or what a `look` found (`core/video/look.py`).

    `reports`, one for each of `motions`: {"headline": str, "advice": [str, ...],
    "places": [{"start_s", "end_s", "words"}, ...]}, the places to check by their times on the motion's clock.
    """

    id: str
    motions: tuple[str, ...] = ()
    people: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    reports: tuple[dict[str, Any], ...] = ()
    event: Literal["result"] = "result"


@dataclass(frozen=True)
class Failure:
    """Request `id` failed."""

    id: str
    code: str
    message: str
    hint: str
    event: Literal["error"] = "error"

    @staticmethod
    def of(request_id: str, error: MotionLiftError) -> Failure:
        return Failure(request_id, error.code, error.message, error.hint)

    def to_error(self) -> MotionLiftError:
        return MotionLiftError(self.code, self.message, self.hint)


Event = Hello | Progress | Result | Failure
_EVENTS: dict[str, Callable[..., Event]] = {"hello": Hello, "progress": Progress, "result": Result, "error": Failure}
_EVENT_FIELDS: dict[str, frozenset[str]] = {
    kind.event: frozenset(f.name for f in dataclasses.fields(kind)) for kind in (Hello, Progress, Result, Failure)
}

Operation = Literal["lift", "resolve", "people", "look", "prepare", "cancel", "quit"]
OPERATIONS: tuple[Operation, ...] = ("lift", "resolve", "people", "look", "prepare", "cancel", "quit")


@dataclass(frozen=True)
class Request:
    """One line to the worker.

    `lift` reads `video` and writes one `.motion.npz` a person to `output` (several people: `<stem>_P1`, ...).
    `resolve` solves the motion file `video` again with other settings. `people` writes the thumbnail strip of
    the tracks to `output`, or a picture of each into a folder. `look` writes a picture of the video to `output` and
    tells what the video is in `details` (`core/video/look.py`). `prepare` loads what solving again needs, so
    that the next request finds it ready. `cancel` stops the request `id`; `quit` ends the worker.
    """

    op: Operation
    id: str = ""
    video: str = ""
    output: str = ""
    settings: LiftSettings = LiftSettings()
    overwrite: bool = False


def encode(message: Event | Request) -> str:
    """One JSON line, without the newline."""
    values = {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
    if isinstance(message, Request):
        values["settings"] = message.settings.to_json()
    return json.dumps(values, ensure_ascii=True, allow_nan=False)


def decode_event(line: str) -> Event:
    """Raises `MotionLiftError` (code `protocol`) for a line that is no event."""
    values = _decode_object(line)
    kind = _EVENTS.get(str(values.get("event")))
    if kind is None:
        raise MotionLiftError("protocol", f"The worker sent an unknown event: {line[:200]!r}.")
    names = _EVENT_FIELDS[str(values["event"])]
    known = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in names}
    try:
        return kind(**known)
    except TypeError as error:
        raise MotionLiftError("protocol", f"The worker sent an incomplete event: {error}.") from error


def decode_request(line: str) -> Request:
    """Raises `UsageError` for a line that is no request."""
    values = _decode_object(line)
    op = values.get("op")
    if op not in OPERATIONS:
        raise UsageError("protocol", f"Unknown operation {op!r}.", f"Use one of {', '.join(OPERATIONS)}.")
    settings = values.get("settings") or {}
    if not isinstance(settings, dict):
        raise UsageError("protocol", "The settings of a request must be a JSON object.")
    return Request(
        op=op,
        id=str(values.get("id", "")),
        video=str(values.get("video", "")),
        output=str(values.get("output", "")),
        settings=LiftSettings.from_json(settings),
        overwrite=bool(values.get("overwrite", False)),
    )


def _decode_object(line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise UsageError("protocol", f"Not a line of JSON: {line[:200]!r}.") from error
    if not isinstance(values, dict):
        raise UsageError("protocol", f"Not a JSON object: {line[:200]!r}.")
    return values


def parse_time(text: str) -> float:
    """Seconds from `12.5`, `1:02.5` or `0:01:02.5`. Raises `UsageError`."""
    seconds = 0.0
    try:
        for part in text.strip().split(":"):
            seconds = seconds * 60 + float(part)
    except ValueError as error:
        raise UsageError(
            "bad_time", f"{text!r} is not a time.", "Write seconds (12.5) or a timecode (0:01:02.5)."
        ) from error
    if not math.isfinite(seconds) or seconds < 0:
        raise UsageError("bad_time", f"{text!r} is not a time within a clip.", "Times count from 0.")
    return seconds


def parse_rotate(text: str) -> int | None:
    """`LiftSettings.rotate` from `auto` or a number of degrees. Raises `UsageError`."""
    word = text.strip().lower()
    if word == AUTO:
        return None
    if word not in map(str, TURNS):
        raise UsageError(
            "bad_setting",
            f"A video cannot be turned by {text!r}.",
            f"Use {AUTO}, as the file says, or degrees clockwise: {', '.join(map(str, TURNS))}.",
        )
    return int(word)


AnyPath = TypeVar("AnyPath", bound=PurePath)


def take_paths(output: AnyPath, count: int) -> list[AnyPath]:
    """Names of the files of one lift: `clip.x` for one person, `clip_P1.x`, `clip_P2.x` for several."""
    if count == 1:
        return [output]
    suffix = "".join(output.suffixes[-2:]) if output.name.endswith(".motion.npz") else output.suffix
    stem = output.name[: len(output.name) - len(suffix)]
    return [output.with_name(f"{stem}_P{i + 1}{suffix}") for i in range(count)]
