"""Results that are wanted again for exactly the same input: what was computed ahead is not computed twice."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """The last `most` results by their keys. Any thread may ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[bytes, Value] = OrderedDict()
        self._changing = threading.Lock()

    def get(self, key: bytes, make: Callable[[], Value]) -> Value:
        """The result of `key`, made where it is not known."""
        with self._changing:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._changing:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


def key_of(*inputs: object) -> bytes:
    """A key that differs wherever an input does: arrays count by type, shape and content, all else by its `repr`."""
    digest = hashlib.blake2b(digest_size=16)
    for each in inputs:
        if isinstance(each, np.ndarray):
            array: NDArray[np.generic] = np.ascontiguousarray(each)
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(array.data)
        else:
            digest.update(f"{each!r};".encode())
    return digest.digest()
