"""A process's share of the processors."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from motionlift.core import processors


def test_there_is_at_least_one_and_no_more_than_there_are() -> None:
    assert 1 <= processors.available() <= (os.cpu_count() or 1)


def test_a_share_is_what_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(processors.SHARE_VARIABLE, raising=False)
    assert processors.share() == processors.available()
    for told, share in (("3", 3), ("0", 1), ("many", processors.available())):
        monkeypatch.setenv(processors.SHARE_VARIABLE, told)
        assert processors.share() == share


def test_libraries_keep_to_their_share() -> None:
    code = "import torch, cv2; print(torch.get_num_threads(), cv2.getNumThreads())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **processors.environment(1)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split() == ["1", "1"]


def test_memory_that_can_be_had_is_some_of_what_there_is() -> None:
    free, physical = processors.free_memory(), processors.physical_memory()
    assert free is not None
    assert free > 2**20
    if physical is not None:
        assert free < physical < 2**50
    assert 1 <= processors.room(2**20) < 2**30
