"""Decoding on a graphics card or the processor's own video unit, where FFmpeg finds one that works."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence

import av
import av.codec
import av.error
from av.codec.hwaccel import HWAccel, hwdevices_available

from ..jobs import UsageError

log = logging.getLogger(__name__)

NONE, AUTO = "none", "auto"
PREFERRED = ("videotoolbox", "cuda", "d3d11va", "vaapi", "qsv", "vdpau", "dxva2", "vulkan", "amf")
"""Kinds of device, the likeliest to be worth it first; others that FFmpeg knows come last."""
_PLANAR = {"nv12": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p", "p010le": "yuv420p10le", "p016le": "yuv420p16le",
           "p210le": "yuv422p10le", "p410le": "yuv444p10le"}  # fmt: skip


def accelerator(choice: str, codec: str) -> HWAccel | None:
    """What decodes `codec` on a device: `choice` is `none`, `auto` or a kind of device.

    None where there is none that works: then the processors decode. Raises `UsageError` (`bad_setting`) for a kind
    that FFmpeg does not know.
    """
    if choice == NONE:
        return None
    known = hwdevices_available()
    if choice != AUTO and choice not in known:
        raise UsageError(
            "bad_setting",
            f"There is no hardware decoding called {choice!r}.",
            f"Use {AUTO}, {NONE}" + (f" or {', '.join(known)}." if known else "."),
        )
    kinds = sorted(known, key=lambda kind: PREFERRED.index(kind) if kind in PREFERRED else len(PREFERRED))
    for kind in kinds if choice == AUTO else [choice]:
        if _works(kind, codec):
            return HWAccel(kind, allow_software_fallback=True)
    log.info("no device decodes %s: it is done by the processors", codec)
    return None


@functools.lru_cache(maxsize=64)
def _works(kind: str, codec: str) -> bool:
    """Whether a device of that kind can be opened and has a decoder for `codec`; asked once a process."""
    try:
        HWAccel(kind).create(av.codec.Codec(codec, "r"))
    except (NotImplementedError, ValueError, RuntimeError, av.error.FFmpegError) as error:
        log.debug("%s decodes no %s: %s", kind, codec, error)
        return False
    return True


def planar(frame: av.VideoFrame) -> av.VideoFrame:
    """A downloaded picture in the layout that a processor decodes to, so that its colours are converted alike.

    Devices interleave the two planes of colour; taking them apart again changes no value.
    """
    name = _PLANAR.get(frame.format.name)
    return frame if name is None else frame.reformat(format=name)


class Interrupted(Exception):  # noqa: N818 (no fault of the file)
    """A device has failed at a picture, or passed one over."""


def verified(
    pictures: Iterator[tuple[float, av.VideoFrame]], expected: Sequence[float]
) -> Iterator[tuple[float, av.VideoFrame]]:
    """The pictures, as long as their times are the `expected` ones (s), one after the other.

    Raises `Interrupted` before a picture of another time is handed on, and where some are missing at the end.
    """
    number = 0
    for time, picture in pictures:
        if number >= len(expected) or time != expected[number]:
            raise Interrupted
        yield time, picture
        number += 1
    if number < len(expected):
        raise Interrupted
