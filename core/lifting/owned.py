"""Windows lifted by the process that owns the device (`owner`), from the side of those that ask it."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path

import torch
from torch import Tensor

from ..jobs import MotionLiftError
from . import owner_address
from .inference import Part, Predict

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""With how many owners a request may be lost. Lifting the same once more does no harm."""
PATIENCE_SECONDS = 120.0
"""How long an owner may take to be there (again)."""
POLL_SECONDS = 0.05


def owned(weights: str | None, flip: bool, part: Part, otherwise: Callable[[], Predict]) -> Predict | None:
    """What lifts windows at the owner that this process was told of, and by `otherwise` once there is none any more;
    None where there is none from the start. See `inference.predictor`.

    Where the owner is lost, a request goes to the next. Raises `MotionLiftError` (`device_lost`) where that does not
    help, and what the owner raises.
    """
    folder = owner_address.told()
    if folder is None:
        return None
    office = _office(folder)

    def predict(windows: Tensor) -> Tensor:
        lifted = office.lift(weights, flip, part, windows)
        return otherwise()(windows) if lifted is None else lifted

    return predict


@functools.lru_cache(maxsize=1)
def _office(folder: Path) -> _Office:
    return _Office(folder)


class _Office:
    """The connections to an owner that nobody uses just now. Any thread may ask."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle: list[Connection] = []

    def lift(self, weights: str | None, flip: bool, part: Part, windows: Tensor) -> Tensor | None:
        """The joints of windows; None where there is no owner any more."""
        for _ in range(ATTEMPTS):
            connection = self._connection()
            if connection is None:
                return None
            try:
                connection.send((weights, flip, part, windows.numpy()))
                kind, value = connection.recv()
            except (EOFError, OSError) as error:
                log.info("the owner of the device was lost: %r", error)
                connection.close()
                self._forget()
                continue
            self._idle.append(connection)
            if kind == "error":
                raise value
            return torch.from_numpy(value)
        raise _lost("ended several times while it lifted this clip")

    def _connection(self) -> Connection | None:
        """One to the owner, as soon as it is there; None where there is none any more."""
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        end = time.monotonic() + PATIENCE_SECONDS
        while self._folder.is_dir():
            try:
                return Client(owner_address.address(self._folder), authkey=owner_address.key(self._folder))
            except (OSError, EOFError, AuthenticationError) as error:
                if time.monotonic() > end:
                    raise _lost("does not answer") from error
            time.sleep(POLL_SECONDS)
        return None

    def _forget(self) -> None:
        """Close what led to an owner that is gone."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()


def _lost(how: str) -> MotionLiftError:
    return MotionLiftError(
        "device_lost",
        f"The process that lifts on the GPU for all others {how}.",
        "If the GPU's memory ran out, close other programs, or lift with --device cpu.",
    )
