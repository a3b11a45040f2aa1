"""Footage as a background that keeps step: a video whose k-th picture belongs to the k-th frame of a scene.

Some clips are that already. Of the others a proxy is written: each frame of the scene gets the picture that was taken
nearest to its time, upright and as large as a background needs, with many keyframes, so that it can be scrubbed.

`python -m motionlift.core.reporting.backdrop` is the same for who cannot import PyAV: one JSON object on standard input
with `prepare`'s arguments, whose end means that nobody wants it any more; on standard output JSON lines,
{"progress": [done, total]} and at last {"footage": {...}} or {"error": {"code", "message", "hint"}}.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import av
import av.error
import numpy as np

from ..files import check_output, written_beside
from ..jobs import Cancelled, MotionLiftError, internal_error
from ..own_input import take_input
from ..rotation import Array
from ..video import FrameReader, VideoInfo, probe
from ..video.conversion import Image, fit
from ..video.sequences import is_sequence
from .encoding import QUALITY, video_writer
from .footage import pictures_at

log = logging.getLogger(__name__)

LONGEST = 1280
"""Pixels of a proxy's longer side at most: a viewport shows no more."""
KEYFRAMES = 12
"""Pictures from one keyframe of a proxy to the next."""
SAME_RATE = 1e-3
IN_STEP = 0.3
"""Of a frame: how far a picture's time may be off where the clip itself is used."""
_MARGIN_S = 0.5


@dataclass(frozen=True)
class PreparedFootage:
    """`path`: the video in step; `proxy`: whether it was made. `sound`: the file with the sound, empty where there is
    none or it would not fit; its time `start_s` (s) is that of the first frame."""

    path: str
    proxy: bool
    sound: str
    start_s: float


def prepare(
    video: Path,
    times: Array,
    fps: float,
    output: Path,
    speed: float = 1.0,
    mirror: bool = False,
    rotate: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> PreparedFootage:
    """Footage for a scene at `fps` whose frames are at `times` (F,) s of life from the video's first picture on.

    `output`: where a proxy goes, an mp4; one that was made for the same is used again, another replaced only with
    `overwrite`. `speed`: seconds of the file over seconds of life, in slow motion, which has no sound; `mirror`: the
    motion was lifted from the mirrored picture; `rotate`: see `FrameReader`. Raises `MotionLiftError`: the
    reader's errors, `UsageError` as `check_output`, `write_failed`, `Cancelled`.
    """
    info = probe(video, rotate=rotate)
    # What is turned otherwise than the file says is not what Blender shows of it.
    as_said = rotate is None or probe(video).rotation == rotate
    clip_times = np.asarray(times, float) * speed
    sound = str(video.absolute()) if info.has_audio and speed == 1.0 else ""
    start = float(clip_times[0])
    if as_said and not mirror and speed == 1.0 and _in_step(info, clip_times, fps):
        return PreparedFootage(str(video.absolute()), False, sound, start)
    made_for = _key(video, clip_times, fps, mirror, info.rotation)
    if _made_for(output) != made_for:
        check_output(output, overwrite or bool(_made_for(output)))
        _write(info, clip_times, fps, output, mirror, rotate, made_for, progress, cancelled)
    return PreparedFootage(str(output.absolute()), True, sound, start)


def _in_step(info: VideoInfo, clip_times: Array, fps: float) -> bool:
    """Whether Blender shows the right picture at each of `clip_times` when it counts the clip's own from the first."""
    if is_sequence(info.path) or info.rotation or abs(info.fps / fps - 1) > SAME_RATE:
        return False
    stamps = _stamps(info)
    if stamps is None or len(stamps) < len(clip_times):
        return False
    shown = stamps[: len(clip_times)]
    counted = np.arange(len(shown)) / info.fps
    return bool(max(np.abs(shown - clip_times).max(), np.abs(shown - counted).max()) <= IN_STEP / fps)


def _stamps(info: VideoInfo) -> Array | None:
    """When the pictures are shown (N,) s from the first on, without decoding; None where the file does not say, or
    shows its pictures other than they are stored."""
    try:
        with av.open(str(info.path.absolute())) as container:
            stream = max(container.streams.video, key=lambda s: (s.width or 0) * (s.height or 0))
            if (stream.width, stream.height) != info.size or container.format.name == "avi":
                return None
            found = [packet.pts for packet in container.demux(stream) if packet.size and packet.pts is not None]
            base = float(stream.time_base or 0)
    except (av.error.FFmpegError, ValueError) as error:
        log.debug("no stamps of %s: %s", info.path, error)
        return None
    stamps: Array = np.sort(np.array(found, float)) * base
    return stamps - stamps[0] if len(stamps) and base else None


def _write(
    info: VideoInfo,
    clip_times: Array,
    fps: float,
    output: Path,
    mirror: bool,
    rotate: int | None,
    made_for: str,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    width, height = fit(info.size, LONGEST)
    size = (max(width // 2, 1) * 2, max(height // 2, 1) * 2)
    start, end = max(0.0, float(clip_times[0]) - _MARGIN_S), float(clip_times[-1]) + _MARGIN_S
    black: Image = np.zeros((size[1], size[0], 3), np.uint8)
    options = {**QUALITY, "g": str(KEYFRAMES)}
    with (
        written_beside(output) as temporary,
        FrameReader(info.path, start or None, end, max(size), rotate=rotate) as reader,
        video_writer(temporary, size, fps, options, {"comment": made_for}) as writer,
    ):
        last = black
        for number, picture in enumerate(pictures_at(reader, clip_times)):
            if cancelled():
                raise Cancelled
            last = last if picture is None else np.ascontiguousarray(_sized(picture, size)[:, :: -1 if mirror else 1])
            writer.write(last, number / fps)
            progress(number + 1, len(clip_times))


def _sized(picture: Image, size: tuple[int, int]) -> Image:
    """Cut or padded by the odd line that an encoder cannot have."""
    width, height = size
    padded = np.pad(
        picture, ((0, max(0, height - len(picture))), (0, max(0, width - picture.shape[1])), (0, 0)), "edge"
    )
    return padded[:height, :width]


def _key(video: Path, clip_times: Array, fps: float, mirror: bool, rotation: int) -> str:
    """What a proxy is of."""
    known = [video.absolute(), *((file.stat().st_size, file.stat().st_mtime_ns) for file in [video] if file.is_file())]
    told = f"{known} {fps:.6f} {mirror} {rotation} {LONGEST} {np.round(clip_times, 5).tolist()}"
    return f"MotionLift footage {hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _made_for(output: Path) -> str:
    """The key of a proxy of ours; empty for what is none."""
    if not output.is_file():
        return ""
    try:
        with av.open(str(output.absolute())) as container:
            said = str(container.metadata.get("comment", ""))
    except (av.error.FFmpegError, OSError) as error:
        log.debug("%s is no proxy: %s", output, error)
        return ""
    return said if said.startswith("MotionLift footage ") else ""


def main() -> None:
    """See the module's description."""
    requests = os.fdopen(take_input(), encoding="utf-8")
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)

    def say(**values: Any) -> None:
        protocol.write(json.dumps(values) + "\n")
        protocol.flush()

    try:
        asked = json.loads(requests.readline())
        asked |= {"video": Path(asked["video"]), "output": Path(asked["output"]), "times": np.array(asked["times"])}
        unwanted = threading.Event()
        threading.Thread(target=_set_at_end, args=(requests, unwanted), daemon=True).start()
        made = prepare(**asked, progress=lambda done, total: say(progress=[done, total]), cancelled=unwanted.is_set)
        say(footage=asdict(made))
    except MotionLiftError as error:
        say(error={"code": error.code, "message": error.message, "hint": error.hint})
    except Exception as error:
        log.exception("footage")
        told = internal_error(error, "Please report it.")
        say(error={"code": told.code, "message": told.message, "hint": told.hint})


def _set_at_end(requests: IO[str], unwanted: threading.Event) -> None:
    requests.read()
    unwanted.set()


if __name__ == "__main__":
    main()
