"""What numpy pickles is read back as it was, by every protocol; what could run code is refused and does not run."""

import contextlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.core.evaluation.datasets.archives import read_archive
from motionlift.core.jobs import MotionLiftError


def _written(path: Path, value: Any, protocol: int, name: str = "data") -> Path:
    """An archive as `np.savez` writes it, with any protocol of pickle."""
    array = np.empty((), object)
    array[()] = value
    stream = io.BytesIO()
    np.save(stream, np.array([None], object).reshape(()), allow_pickle=True)
    saved = stream.getvalue()
    header = saved[: 10 + int.from_bytes(saved[8:10], "little")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", header + pickle.dumps(array, protocol))
    return path


def _assert_same(found: Any, true: Any) -> None:
    assert type(found) is type(true) or isinstance(true, np.generic)
    if isinstance(true, dict):
        assert list(found) == list(true)
        for key in true:
            _assert_same(found[key], true[key])
    elif isinstance(true, list | tuple):
        assert len(found) == len(true)
        for a, b in zip(found, true, strict=True):
            _assert_same(a, b)
    elif isinstance(true, np.ndarray) and not true.dtype.hasobject:
        assert found.dtype == true.dtype
        np.testing.assert_array_equal(found, true)
    elif isinstance(true, np.ndarray):
        _assert_same(list(found.ravel()), list(true.ravel()))
    else:
        assert found == true


@pytest.fixture
def tree() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(3, 2)).astype("f4")
    return {
        "S1": {"Directions 1": rng.normal(size=(5, 32, 3)).astype("f4"), "empty": np.zeros((0, 17, 2))},
        "cameras": [shared, shared, np.asfortranarray(rng.normal(size=(4, 3)))],
        "numbers": (1, -2, 300, 70000, 2**40, 0.25, True, False, None, np.float64(1.5), np.int64(7)),
        "big-endian": np.arange(4, dtype=">i4"),
        "valid": np.array([True, False]),
        "words": ["läufer", b"\x00\xff", "x" * 300],
        "names": np.array(["a", "bc"]),
        "objects": np.array([np.arange(2), "x", {"k": 1}], object),
        "sets": {("S1", 2): [[4, 5], [1, 2]], 3: {}},
    }


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_protocol_that_numpy_writes_is_read_as_it_was(
    tmp_path: Path, tree: dict[str, Any], protocol: int
) -> None:
    (found,) = read_archive(_written(tmp_path / "a.npz", tree, protocol), "data")
    _assert_same(found, tree)


def test_what_numpy_itself_saves(tmp_path: Path, tree: dict[str, Any]) -> None:
    saved: dict[str, Any] = {"tree": tree, "plain": np.arange(3.0), "one": np.array(2.5)}
    np.savez_compressed(tmp_path / "a.npz", **saved)
    found, plain, one = read_archive(tmp_path / "a.npz", "tree", "plain", "one")
    _assert_same(found, tree)
    np.testing.assert_array_equal(plain, [0, 1, 2])
    assert one == 2.5


class _Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_is_refused_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    path = _written(tmp_path / "evil.npz", {"S1": _Evil(str(tmp_path / "made"))}, protocol)
    with pytest.raises(MotionLiftError, match="not laid out") as caught:
        read_archive(path, "data")
    assert caught.value.code == "bad_data_set"
    assert not (tmp_path / "made").exists()
    np.load(path, allow_pickle=True)["data"]
    assert (tmp_path / "made").exists(), "the test's own file does run code when it is unpickled"


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(MotionLiftError, match="without end"):
        read_archive(_written(tmp_path / "a.npz", loop, 4), "data")


def test_damaged_files_are_named_errors(tmp_path: Path, tree: dict[str, Any]) -> None:
    whole = _written(tmp_path / "a.npz", tree, 4)
    with zipfile.ZipFile(whole) as archive:
        data = archive.read("data.npy")
    rng = np.random.default_rng(1)
    for trial in range(200):
        damaged = bytearray(data[: rng.integers(10, len(data))] if trial % 2 else data)
        for place in rng.integers(0, len(damaged), trial % 5):
            damaged[place] = rng.integers(256)
        path = tmp_path / "damaged.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data.npy", bytes(damaged))
        with contextlib.suppress(MotionLiftError):
            read_archive(path, "data")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 half an archive"])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(MotionLiftError, match=r"expected a \.npz archive"):
        read_archive(tmp_path / "a.npz", "data")


def test_missing_files_and_members_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(MotionLiftError, match=r"no file a\.npz"):
        read_archive(tmp_path / "a.npz", "data")
    np.savez(tmp_path / "a.npz", other=np.zeros(2))
    with pytest.raises(MotionLiftError, match="expected the arrays data, found only other"):
        read_archive(tmp_path / "a.npz", "data")
