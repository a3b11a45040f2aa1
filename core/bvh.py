"""The BVH file format: read, write, and the poses that a clip holds. Format only; `bridge/bvh.py` knows `Motion`.

A BVH has a HIERARCHY of joints, each with an offset from its parent and the names of its channels, and a MOTION
section with one line of channel values a frame. Rotations are in degrees and apply in the order in which their
channels are listed: `Zrotation Xrotation Yrotation` means R = Rz Rx Ry. Position channels replace the offset.
Neither unit nor up axis is stored.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import written_beside
from .jobs import MotionLiftError, UsageError
from .rotation import IDENTITY, Array, forward_kinematics, from_axis_angle, multiply

SUFFIX = ".bvh"
DECIMALS = 6
"""Digits after the point of written offsets and values."""
STRETCH = 2048
"""Frames that are worked on at once: of an hour all of it would be large."""

UNITS = {"m": 1.0, "cm": 100.0, "mm": 1000.0}
"""Units to a metre."""
UP_AXES = ("Y", "Z")
DIRECTIONS = ("X", "-X", "Y", "-Y", "Z", "-Z")
EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


@dataclass(frozen=True)
class BvhOptions:
    """How a motion is laid out in a file.

    `up` is the file's vertical axis and `forward` the direction that the figure faces at rest (by default Z
    where Y is up, -Y where Z is up); `unit` a key of `UNITS`; `order` one Euler order for every joint, or None
    for the order with the fewest singular frames of each; `fps` the rate, or None for the motion's own.
    Raises `UsageError` (code `bad_bvh_option`).
    """

    up: str = "Y"
    forward: str | None = None
    unit: str = "cm"
    order: str | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        for name, value, known in [
            ("up axis", self.up, UP_AXES),
            ("forward axis", self.facing, DIRECTIONS),
            ("unit", self.unit, UNITS),
            ("rotation order", self.order or EULER_ORDERS[0], EULER_ORDERS),
        ]:
            if value not in known:
                raise UsageError("bad_bvh_option", f"{value!r} is no {name} of a BVH.", f"Use {', '.join(known)}.")
        if self.facing.endswith(self.up):
            raise UsageError("bad_bvh_option", f"A figure cannot face {self.facing} where {self.up} is up.")
        if self.fps is not None and not 1 <= self.fps <= 1000:
            raise UsageError("bad_bvh_option", f"{self.fps:g} frames a second is out of range.", "Use 1 to 1000.")

    @property
    def facing(self) -> str:
        """`forward`, or its default."""
        return self.forward or {"Y": "Z", "Z": "-Y"}.get(self.up, "Z")


@dataclass(frozen=True)
class BvhClip:
    """One BVH file.

    names (J,), parents (J,): each parent before its children, -1 for the root; offsets (J, 3) from the parent, in
    the file's unit and axes. channels (J,): the channel names of each joint in the file's order, spelt
    `Xposition`, `Zrotation`. end_sites (J,): for each joint its End Sites (E, 3), often E = 0. frame_time in
    seconds; values (F, C): the channels of all joints one after the other, degrees and the file's unit.
    """

    names: tuple[str, ...]
    parents: NDArray[np.int64]
    offsets: Array
    channels: tuple[tuple[str, ...], ...]
    end_sites: tuple[Array, ...]
    frame_time: float
    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def columns(self) -> list[dict[str, int]]:
        """For each joint the column of `values` that holds each of its channels."""
        result, column = [], 0
        for names in self.channels:
            result.append({name: column + i for i, name in enumerate(names)})
            column += len(names)
        return result


def joint_rotations(clip: BvhClip) -> Array:
    """Local rotations (F, J, 4) wxyz; joints without rotation channels do not turn."""
    joints = len(clip.names)
    result = np.broadcast_to(IDENTITY, (len(clip), joints, 4))
    turns = [[(name[0], at) for name, at in joint.items() if name.endswith("rotation")] for joint in clip.columns()]
    for position in range(max((len(turn) for turn in turns), default=0)):
        axes, angles = np.zeros((joints, 3)), np.zeros((len(clip), joints))
        for joint, turn in enumerate(turns):
            if position < len(turn):
                axes[joint, "XYZ".index(turn[position][0])] = 1.0
                angles[:, joint] = np.radians(clip.values[:, turn[position][1]])
        result = multiply(result, from_axis_angle(axes, angles))
    return np.array(result)


def local_translations(clip: BvhClip) -> Array:
    """Positions (F, J, 3) of the joints in their parents' frames: the offset, or what position channels say."""
    result = np.repeat(clip.offsets[None], len(clip), 0)
    for joint, columns in enumerate(clip.columns()):
        for axis, letter in enumerate("XYZ"):
            if f"{letter}position" in columns:
                result[:, joint, axis] = clip.values[:, columns[f"{letter}position"]]
    return result


def root_positions(clip: BvhClip) -> Array:
    """Where the root is (F, 3), in the file's unit and axes."""
    return local_translations(clip)[:, 0]


def positions(clip: BvhClip) -> Array:
    """Where every joint is (F, J, 3), in the file's unit and axes."""
    local = local_translations(clip)
    return forward_kinematics(clip.parents, local, local[:, 0], joint_rotations(clip))[0]


def ordered(clip: BvhClip, order: Sequence[int]) -> BvhClip:
    """The same clip with its joints listed in `order`, which names every joint once, parents first."""
    if list(order) == list(range(len(clip.names))):
        return clip
    columns = [column for joint in order for column in clip.columns()[joint].values()]
    parents = clip.parents[list(order)]
    return BvhClip(
        names=tuple(clip.names[joint] for joint in order),
        parents=np.array([-1 if parent < 0 else list(order).index(parent) for parent in parents]),
        offsets=clip.offsets[list(order)],
        channels=tuple(clip.channels[joint] for joint in order),
        end_sites=tuple(clip.end_sites[joint] for joint in order),
        frame_time=clip.frame_time,
        values=clip.values[:, columns],
    )


def _depth_first(parents: NDArray[np.int64], joint: int) -> list[int]:
    """The order in which a file's hierarchy, and so its channels, visit a joint and what hangs on it."""
    return [
        joint,
        *(below for child in np.flatnonzero(parents == joint) for below in _depth_first(parents, int(child))),
    ]


def write_bvh(path: Path, clip: BvhClip) -> None:
    """Write the file beside `path` and rename it; its joints come depth first.

    Raises `MotionLiftError`: `write_failed` when the disk refuses, `bad_bvh` for a clip that BVH cannot hold.
    """
    width = sum(len(names) for names in clip.channels)
    if clip.values.shape[1:] != (width,) or not np.all(np.isfinite(clip.values)):
        raise MotionLiftError("bad_bvh", f"The clip's values do not fit its {width} channels, or are not finite.")
    if any(not name.strip() or re.search(r"[{}\r\n]", name) for name in clip.names):
        raise MotionLiftError("bad_bvh", "A joint's name is empty or holds braces or line breaks.", "Rename it.")
    clip = ordered(clip, _depth_first(clip.parents, 0))
    lines = ["HIERARCHY", *_hierarchy(clip, 0, ""), "MOTION"]
    lines += [f"Frames: {len(clip)}", f"Frame Time: {clip.frame_time:.10f}"]
    row = " ".join([f"%.{DECIMALS}f"] * width) + "\n"
    with written_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
        for first in range(0, len(clip), STRETCH):
            # Adding zero turns -0.0, which rounding leaves, into 0.0.
            values = np.round(clip.values[first : first + STRETCH], DECIMALS) + 0.0
            file.writelines(row % tuple(each) for each in values.tolist())


def _hierarchy(clip: BvhClip, joint: int, indent: str) -> list[str]:
    inner = indent + "\t"
    lines = [f"{indent}{'JOINT' if indent else 'ROOT'} {clip.names[joint]}", indent + "{"]
    lines.append(f"{inner}OFFSET {_numbers(clip.offsets[joint])}")
    lines.append(" ".join([f"{inner}CHANNELS {len(clip.channels[joint])}", *clip.channels[joint]]))
    for child in np.flatnonzero(clip.parents == joint):
        lines += _hierarchy(clip, int(child), inner)
    for tail in clip.end_sites[joint]:
        lines += [f"{inner}End Site", inner + "{", f"{inner}\tOFFSET {_numbers(tail)}", inner + "}"]
    return [*lines, indent + "}"]


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.{DECIMALS}f}" for value in np.round(values, DECIMALS) + 0.0)


def read_bvh(path: Path) -> BvhClip:
    """Read a file, whatever its white space, capitals, channel orders and End Sites.

    Raises `MotionLiftError`: `no_file`, or `bad_bvh` with the line and what is wrong there.
    """
    if not path.is_file():
        raise MotionLiftError("no_file", f"There is no file {path}.", "Check the name.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MotionLiftError("no_file", f"{path} cannot be read: {error.strerror or error}.") from error
    return parse_bvh(data, path.name)


def parse_bvh(data: bytes, name: str = "the file") -> BvhClip:
    """The clip in the bytes of a BVH file; `name` is for messages. Raises `MotionLiftError` (code `bad_bvh`)."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return _Parser(text, name).clip()


_WORD = r"[^\s{}]+"
_BLANK = re.compile(r"\s*")
_HEADER = re.compile(r"HIERARCHY\b", re.IGNORECASE)
_JOINT = re.compile(r"(ROOT|JOINT)[ \t]+([^{}\r\n]*[^{}\s])\s*\{", re.IGNORECASE)
_END_SITE = re.compile(r"END[ \t]+SITE\b[^{}\r\n]*\s*\{", re.IGNORECASE)
_OFFSET = re.compile(rf"OFFSET\s+({_WORD})\s+({_WORD})\s+({_WORD})", re.IGNORECASE)
_CHANNELS = re.compile(r"CHANNELS\s+(\d+)((?:\s+[XYZ](?:position|rotation)\b)*)", re.IGNORECASE)
_CLOSE = re.compile(r"\}")
_MOTION = re.compile(r"MOTION\s+FRAMES\s*:?\s*(\d+)\s+FRAME\s+TIME\s*:?\s*(\S+)", re.IGNORECASE)


class _Parser:
    """Scans a BVH text from start to end."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.at = 0
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[tuple[str, ...]] = []
        self.ends: list[list[list[float]]] = []

    def clip(self) -> BvhClip:
        if not self._take(_HEADER):
            raise self._error("it does not begin with HIERARCHY")
        self._joints()
        motion = self._take(_MOTION)
        if not motion:
            raise self._error("MOTION, Frames: and Frame Time: should follow the hierarchy")
        frame_time = self._number(motion.group(2))
        if frame_time <= 0:
            raise self._error(f"the frame time {motion.group(2)} is not positive")
        return BvhClip(
            names=tuple(self.names),
            parents=np.array(self.parents, np.int64),
            offsets=np.array(self.offsets),
            channels=tuple(self.channels),
            end_sites=tuple(np.array(ends, float).reshape(-1, 3) for ends in self.ends),
            frame_time=frame_time,
            values=self._values(int(motion.group(1))),
        )

    def _joints(self) -> None:
        open_joints: list[int] = []
        while open_joints or not self.names:
            if found := self._take(_JOINT):
                if (found.group(1).upper() == "ROOT") != (not self.names):
                    raise self._error("there must be one ROOT, and it comes first")
                self.names.append(found.group(2).strip())
                self.parents.append(open_joints[-1] if open_joints else -1)
                open_joints.append(len(self.names) - 1)
                self.offsets.append([0.0, 0.0, 0.0])
                self.channels.append(())
                self.ends.append([])
            elif not open_joints:
                raise self._error("ROOT, a name and an opening brace should follow HIERARCHY")
            elif found := self._take(_OFFSET):
                self.offsets[open_joints[-1]] = [self._number(word) for word in found.groups()]
            elif found := self._take(_CHANNELS):
                self._channels(open_joints[-1], int(found.group(1)), found.group(2).split())
            elif self._take(_END_SITE):
                self._end_site(open_joints[-1])
            elif self._take(_CLOSE):
                open_joints.pop()
            else:
                raise self._error(f"the joint {self.names[open_joints[-1]]} cannot be understood from here on")

    def _channels(self, joint: int, count: int, words: list[str]) -> None:
        names = tuple(word[0].upper() + word[1:].lower() for word in words)
        if len(names) != count or len(set(names)) != count:
            raise self._error(f"{self.names[joint]} promises {count} channels and names {' '.join(names) or 'none'}")
        self.channels[joint] = names

    def _end_site(self, joint: int) -> None:
        offset = self._take(_OFFSET)
        if not offset or not self._take(_CLOSE):
            raise self._error(f"the End Site of {self.names[joint]} should hold one OFFSET with three numbers")
        self.ends[joint].append([self._number(word) for word in offset.groups()])

    def _values(self, frames: int) -> Array:
        width = sum(len(names) for names in self.channels)
        body = self.text[self.at :]
        try:
            with warnings.catch_warnings():
                # What numpy cannot read is a warning in some versions and an error in others.
                warnings.simplefilter("error")
                values = np.fromstring(body, np.float64, sep=" ") if body.strip() else np.empty(0)
        except (ValueError, DeprecationWarning):
            values = np.array([np.nan])
        if len(values) != frames * width or not np.all(np.isfinite(values)):
            raise self._values_error(frames, width)
        return values.reshape(frames, width)

    def _values_error(self, frames: int, width: int) -> MotionLiftError:
        """The first line of the motion that is wrong, else the count."""
        lines = self.text[self.at :].split("\n")
        complete = 0
        for number, line in enumerate(lines):
            words = line.split()
            bad = next((word for word in words if not _is_number(word)), None)
            if bad is not None:
                return self._error(f"{bad[:40]!r} is not a number", number)
            if words and len(words) != width and complete < frames:
                return self._error(f"frame {complete + 1} has {len(words)} values for {width} channels", number)
            complete += bool(words)
        return self._error(f"it announces {frames} frames and holds {complete}", len(lines) - 1)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What `pattern` matches after white space, stepping over it; None when it does not match here."""
        blank = _BLANK.match(self.text, self.at)
        start = blank.end() if blank else self.at
        found = pattern.match(self.text, start)
        self.at = found.end() if found else start
        return found

    def _number(self, word: str) -> float:
        if not _is_number(word):
            raise self._error(f"{word[:40]!r} is not a number")
        return float(word)

    def _error(self, what: str, further: int = 0) -> MotionLiftError:
        line = self.text.count("\n", 0, self.at) + 1 + further
        return MotionLiftError(
            "bad_bvh", f"{self.name} is not a BVH file we can read: line {line}: {what}.", "Export it again."
        )


def _is_number(word: str) -> bool:
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False
