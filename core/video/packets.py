"""What a container's packets tell without being decoded: when its pictures are shown, and where decoding may begin."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from fractions import Fraction

import av.container
import av.error
import av.packet
import av.video

log = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
"""A stamp that falls back by more begins the clock anew (`clock.Clock`); reordered pictures stay within it."""


def stored(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.packet.Packet[av.video.stream.VideoStream]]:
    """The packets that hold something, in the order of decoding. Raises `FFmpegError` where the file is damaged."""
    return (packet for packet in container.demux(stream) if packet.size)


def picture_times(
    container: av.container.InputContainer, stream: av.VideoStream, origin: Fraction, presented: bool
) -> list[float] | None:
    """The times (s, counted from `origin`) at which pictures are shown, ascending.

    None where they are not known for certain before everything is decoded: stamps missing or twice the same, a clock
    that starts anew, damage. `presented`: False where only the decoding stamps count.
    """
    base = stream.time_base
    stamps: list[int] = []
    latest: int | None = None
    try:
        for packet in stored(container, stream):
            if packet.is_discard:
                # Cut away by the container's list of edits: decoded, as others build on it, but not shown.
                continue
            stamp = packet.pts if presented else packet.dts
            if stamp is None or base is None or packet.is_corrupt:
                return None
            if latest is not None and (latest - stamp) * base > RESTART_SECONDS:
                return None
            latest = stamp if latest is None else max(latest, stamp)
            stamps.append(stamp)
    except av.error.FFmpegError as error:
        log.debug("the packets cannot be listed: %s", error)
        return None
    stamps.sort()
    if base is None or any(a == b for a, b in itertools.pairwise(stamps)):
        return None
    times = (float(stamp * base - origin) for stamp in stamps)
    return [time for time in times if time >= 0]


def packets_before(
    container: av.container.InputContainer, stream: av.VideoStream, start: Fraction, presented: bool
) -> int:
    """How many packets come before the last keyframe shown at or before `start` (s of the container's clock)."""
    before = 0
    base = stream.time_base
    try:
        for number, packet in enumerate(stored(container, stream)):
            stamp = packet.pts if presented else packet.dts
            if stamp is None or base is None:
                return 0
            if packet.is_keyframe:
                if stamp * base > start:
                    break
                before = number
    except av.error.FFmpegError as error:
        log.debug("the packets end early: %s", error)
    return before
