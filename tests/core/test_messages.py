"""What is sent is received, arrays without a copy on the way, and half a message is none."""

from __future__ import annotations

import io
import pickle
import tracemalloc

import numpy as np
import pytest

from motionlift.core.keypoints import Keypoints2D
from motionlift.core.messages import receive, send


def sent(*messages: object) -> io.BytesIO:
    stream = io.BytesIO()
    for message in messages:
        send(stream, message)
    stream.seek(0)
    return stream


def test_messages_come_in_order_and_whole() -> None:
    big = np.arange(300_000.0).reshape(-1, 3)
    points = np.random.default_rng(0).normal(size=(5, 26, 2))
    keypoints = Keypoints2D(np.arange(5.0), points, points[..., 0], np.ones(5, bool), (64, 48))
    stream = sent(("a", 1, None), ("result", {"big": big, "strided": big[::2, 1:]}), keypoints)
    assert receive(stream) == ("a", 1, None)
    kind, values = receive(stream)
    assert kind == "result"
    np.testing.assert_array_equal(values["big"], big)
    np.testing.assert_array_equal(values["strided"], big[::2, 1:])
    # Whoever receives may write.
    values["big"][0] = 7
    np.testing.assert_array_equal(receive(stream).pixels, points)
    with pytest.raises(EOFError):
        receive(stream)


def test_half_a_message_is_none() -> None:
    whole = sent(np.arange(100.0)).getvalue()
    for length in (0, 3, 12, 30, len(whole) - 1):
        with pytest.raises(EOFError):
            receive(io.BytesIO(whole[:length]))


def test_what_cannot_be_pickled_leaves_nothing_behind() -> None:
    stream = io.BytesIO()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        send(stream, (np.arange(9.0), lambda: None))
    assert not stream.getvalue()


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        return memoryview(content).nbytes  # type: ignore[arg-type]


def test_arrays_are_not_copied_to_be_sent() -> None:
    big = np.zeros(5_000_000)
    tracemalloc.start()
    send(_Nowhere(), ("result", [big, big[1000:]]))  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.1 * big.nbytes
