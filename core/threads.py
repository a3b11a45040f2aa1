"""How many threads torch computes with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def computing_threads(count: int) -> Iterator[None]:
    """So many within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> contextlib.AbstractContextManager[None]:
    """For work on small tensors, on a CPU: several threads would mostly wait for one another, and where something else
    keeps a processor busy they wait very long (seen: ten seconds on two processors for what takes one half of one)."""
    return computing_threads(1)
