"""One process lifts for several, here on the CPU: the same results, also when it is killed, and none where none is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from multiprocessing.connection import Listener
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionlift.core.batch import device_owner
from motionlift.core.batch.device_owner import DeviceOwner, worth_owning
from motionlift.core.batch.manifest import read_manifest
from motionlift.core.commands import batch as command
from motionlift.core.jobs import MotionLiftError
from motionlift.core.lifting import owner_address
from motionlift.core.lifting.inference import GPU_BATCH, Part, Predict, predictor
from motionlift.core.lifting.owned import owned
from motionlift.core.lifting.owner import Owner
from motionlift.core.motion import Motion
from motionlift.core.reconstruction import load_network

CPU = torch.device("cpu")
PARTS: tuple[Part, ...] = ("whole", "guess", "correction")
NOT_HERE = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture
def owner(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeviceOwner]:
    """One that owns the CPU, told to this process and those that it starts."""
    with DeviceOwner("cpu", tmp_path / "owner.log") as made:
        for name, value in made.variables.items():
            monkeypatch.setenv(name, value)
        yield made


def windows(count: int, seed: int = 0) -> Tensor:
    """Windows as `inference` cuts them: rays, depth and confidence."""
    config = load_network(None, "cpu").config
    width = 2 + len(config.cues) + 1
    shape = (count, config.frames, len(config.joints), width)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def none() -> Predict:
    raise AssertionError("there is an owner")


def here(flip: bool = True, part: Part = "whole") -> Predict:
    return predictor(load_network(None, "cpu"), CPU, flip, part=part)


def lifted_there(flip: bool = True, part: Part = "whole") -> Predict:
    there = owned(None, flip, part, none)
    assert there is not None
    return there


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def test_it_lifts_as_this_process_would_for_many_at_once(owner: DeviceOwner) -> None:
    found: dict[int, Tensor] = {}

    def ask(number: int) -> None:
        found[number] = lifted_there(number % 2 == 0, PARTS[number // 2])(windows(number + 1, number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(6):
        expected = here(number % 2 == 0, PARTS[number // 2])(windows(number + 1, number))
        torch.testing.assert_close(found[number], expected, atol=1e-5, rtol=0)


def test_what_waits_for_one_network_is_one_batch(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motionlift.core.lifting.owner.batch_on", lambda device: GPU_BATCH)
    made = Owner(CPU)
    counts: list[int] = []

    def counting(weights: str | None, flip: bool, part: Part) -> Predict:
        def predict(given: Tensor) -> Tensor:
            counts.append(len(given))
            return here(flip, part)(given)

        return predict

    monkeypatch.setattr(made, "_network", counting)
    found: dict[int, Tensor] = {}

    def ask(number: int, flip: bool) -> None:
        found[number] = made.lift(None, flip, "whole", windows(number, number))

    threads = [threading.Thread(target=ask, args=(n, n < 4)) for n in (1, 2, 3, 4, 5)]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        until(lambda number=number: made._waiting.qsize() == number)  # type: ignore[misc]
    made.work()
    made.work()
    for thread in threads:
        thread.join()
    assert counts == [6, 9]
    for number, joints in found.items():
        torch.testing.assert_close(joints, here(number < 4)(windows(number, number)), atol=1e-5, rtol=0)


@NOT_HERE
def test_one_that_is_killed_is_replaced_and_nothing_is_lost(owner: DeviceOwner) -> None:
    there = lifted_there()
    expected = here()(windows(3))
    torch.testing.assert_close(there(windows(3)), expected, atol=1e-5, rtol=0)
    first = owner.pid
    assert first
    # While it works.
    found: list[Tensor] = []
    thread = threading.Thread(target=lambda: found.append(there(windows(150))))
    thread.start()
    time.sleep(0.2)
    os.kill(first, 9)
    thread.join()
    assert len(found[0]) == 150
    torch.testing.assert_close(there(windows(3)), expected, atol=1e-5, rtol=0)
    assert owner.pid not in (None, first)


@NOT_HERE
def test_one_that_cannot_live_is_given_up(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everyone then lifts with what they have."""
    monkeypatch.setattr(device_owner, "_ROOT", "no_such_package")
    with DeviceOwner("cpu", tmp_path / "owner.log") as made:
        monkeypatch.setenv(*next(iter(made.variables.items())))
        there = owned(None, True, "whole", here)
        expected = here()(windows(2))
        assert torch.equal(expected if there is None else there(windows(2)), expected)
        until(lambda: owned(None, True, "whole", none) is None)
    assert "no_such_package" in (tmp_path / "owner.log").read_text()


def test_where_there_is_no_device_nobody_waits_for_one(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is one")
    remove, refused = shutil.rmtree, [PermissionError()]

    def remove_when_unused(folder: Path) -> None:
        if refused:
            raise refused.pop()
        remove(folder)

    # As on Windows while somebody who waits looks into it.
    monkeypatch.setattr(shutil, "rmtree", remove_when_unused)
    with DeviceOwner("auto", tmp_path / "owner.log") as made:
        monkeypatch.setenv(*next(iter(made.variables.items())))
        there = owned(None, True, "whole", here)
        expected = here()(windows(2))
        assert torch.equal(expected if there is None else there(windows(2)), expected)
        until(lambda: made.pid is None)
        assert owned(None, True, "whole", none) is None
    assert not refused
    assert "no device" in (tmp_path / "owner.log").read_text()


def test_what_it_finds_wrong_is_told_and_it_lives_on(owner: DeviceOwner, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"no weights")
    there = owned(str(wrong), True, "whole", none)
    assert there is not None
    with pytest.raises(MotionLiftError) as caught:
        there(windows(1))
    assert caught.value.code != "internal"
    assert len(lifted_there()(windows(1))) == 1


def test_a_request_that_ends_every_owner_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = owner_address.make()
    monkeypatch.setenv(owner_address.VARIABLE, str(folder))
    asked: list[object] = []

    def die() -> None:
        for _ in range(3):
            with listener.accept() as connection:
                asked.append(connection.recv())

    with Listener(owner_address.address(folder), authkey=owner_address.key(folder)) as listener:
        thread = threading.Thread(target=die)
        thread.start()
        with pytest.raises(MotionLiftError) as caught:
            lifted_there()(torch.zeros(1, 16, 26, 4))
        thread.join()
    assert len(asked) == 3
    assert caught.value.code == "device_lost"
    assert "--device cpu" in caught.value.hint
    shutil.rmtree(folder)


PARENT = """
import sys, time
from pathlib import Path
from motionlift.core.batch.device_owner import DeviceOwner
with DeviceOwner("cpu", Path(sys.argv[1])) as owner:
    while owner.pid is None:
        time.sleep(0.01)
    print(owner.pid, *owner.variables.values(), flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_leaves_when_the_batch_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    stat = Path(f"/proc/{pid}/stat")
    until(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")
    assert not Path(folder).exists()


@NOT_HERE
def test_a_batch_with_an_owner_gives_what_one_without_gives(
    run: Callable[..., tuple[int, str, str]],
    sample_video: Path,
    weights: Path,
    tmp_path: Path,
    detections: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("a", "b", "c"):
        (videos / f"{name}.mp4").symlink_to(sample_video)
    options = ["--jobs", "2", "--end", "1", "--format", "motion", "--cache-dir", detections]
    assert run("lift", videos, "-o", tmp_path / "alone", *options)[0] == 0
    begun: list[DeviceOwner] = []

    class Noted(DeviceOwner):
        def __init__(self, device: str, log_path: Path) -> None:
            super().__init__("cpu", log_path)
            begun.append(self)
            threading.Thread(target=self.killed_at_work, args=(log_path,), daemon=True).start()

        def killed_at_work(self, log_path: Path) -> None:
            until(lambda: log_path.is_file() and "owns cpu" in log_path.read_text())
            pid = self.pid
            assert pid
            os.kill(pid, 9)

    monkeypatch.setattr(command, "DeviceOwner", Noted)
    monkeypatch.setattr(command, "worth_owning", lambda device, jobs: jobs == 2)
    assert run("lift", videos, "-o", tmp_path / "owned", *options)[0] == 0
    assert len(begun) == 1
    assert begun[0].pid is None
    said = (tmp_path / "owned/.motionlift/owner.log").read_text()
    assert said.count("owns cpu") == 2
    books = [read_manifest(tmp_path / name).latest for name in ("alone", "owned")]
    assert [sorted(book) for book in books] == [["a", "b", "c"]] * 2
    for name in ("a", "b", "c"):
        one, other = (Motion.load(tmp_path / folder / f"{name}.motion.npz") for folder in ("alone", "owned"))
        np.testing.assert_allclose(one.joint_positions, other.joint_positions, atol=1e-3)
        np.testing.assert_allclose(one.lifted_camera, other.lifted_camera, atol=1e-5)


def test_it_is_worth_it_with_several_processes_and_a_torch_that_knows_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    version = "2.13.0"
    monkeypatch.setattr(metadata, "version", lambda name: version)
    assert worth_owning("auto", 2)
    assert worth_owning("cuda:1", 8)
    assert not worth_owning("auto", 1)
    assert not worth_owning("cpu", 8)
    version = "2.13.0+cpu"
    assert not worth_owning("auto", 2)


def test_nobody_else_may_read_the_key() -> None:
    folder = owner_address.make()
    try:
        if os.name != "nt":
            assert folder.stat().st_mode & 0o77 == 0
        assert len(owner_address.key(folder)) == 32
        assert len(owner_address.address(folder)) < 100
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
