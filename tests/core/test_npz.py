"""Reading NumPy's archives."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.npz import UNREADABLE, read_arrays


def test_all_arrays_come_by_their_names(tmp_path: Path) -> None:
    arrays = {"points": np.arange(6.0).reshape(2, 3), "names": np.array(["läufer", "b"])}
    np.savez(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04 and no more", b"\x93NUMPY\x01\x00v\x00", b"words"])
def test_what_is_damaged_is_closed_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    gc.collect()  # What other tests left behind.
    with pytest.raises(UNREADABLE):
        read_arrays(path)
    gc.collect()


def test_a_single_array_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(UNREADABLE):
        read_arrays(tmp_path / "a.npy")
