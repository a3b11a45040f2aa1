"""Pickled messages over a pipe, arrays as they lie in memory: an hour of motion is hundreds of megabytes, and a copy
of it on either side is what a process cannot afford.

A message is: the number of buffers and the length of its pickle (8 bytes each, big endian), the length of each buffer,
the pickle (protocol 5, buffers out of band), the buffers.
"""

from __future__ import annotations

import pickle
import struct
from typing import IO, Any

_NUMBER = struct.Struct(">Q")


def send(stream: IO[bytes], message: object) -> None:
    """Write a message. Raises what pickling raises, before anything is written; `OSError`."""
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts = [buffer.raw() for buffer in buffers]
    for number in (len(parts), len(content), *(part.nbytes for part in parts)):
        stream.write(_NUMBER.pack(number))
    stream.write(content)
    for part in parts:
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """The next message; its arrays can be written to. Raises `EOFError` where there is none, or only a part of one."""
    count, length = _number(stream), _number(stream)
    sizes = [_number(stream) for _ in range(count)]
    content = _read(stream, length)
    return pickle.loads(content, buffers=[_read(stream, size) for size in sizes])


def _number(stream: IO[bytes]) -> int:
    return int(_NUMBER.unpack(_read(stream, _NUMBER.size))[0])


def _read(stream: IO[bytes], size: int) -> bytearray:
    content = bytearray(size)
    done = 0
    with memoryview(content) as view:
        while done < size:
            read = stream.readinto(view[done:])  # type: ignore[attr-defined]
            if not read:
                raise EOFError
            done += read
    return content
