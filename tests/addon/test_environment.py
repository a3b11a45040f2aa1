"""Setting the engine up with real venv and pip, from a folder with one small wheel and without a network."""

from __future__ import annotations

import dataclasses
import re
import sys
import sysconfig
import time
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from motionlift.addon import engine_state
from motionlift.addon.engine_setup import EngineSetup
from motionlift.addon.environment import (
    LONGEST_INSIDE,
    LONGEST_ON_WINDOWS,
    NEEDED,
    SetupPlan,
    engine_place,
    installed,
    mark_installed,
    remove,
)
from motionlift.addon.pip_output import Download, PipProgress, answers, downloads_of
from motionlift.addon.torch_build import Build, read_gpu, torch_build, torch_index

REPOSITORY = Path(__file__).resolve().parents[2]


def make_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A wheel of one package, version 1.0."""
    info = f"{name}-1.0.dist-info"
    parts = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*parts, f"{info}/RECORD"])
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in {**parts, f"{info}/RECORD": record}.items():
            archive.writestr(inside, text)
    return path


@pytest.fixture
def plan(tmp_path: Path) -> SetupPlan:
    """An engine whose one package leads to the packages of the tests' own Python."""
    wheels = tmp_path / "wheels with space"
    wheels.mkdir()
    make_wheel(wheels, "tiny_engine", {"tiny_engine.pth": sysconfig.get_path("purelib") + "\n"})
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("tiny_engine==1.0\n")
    base = Path(getattr(sys, "_base_executable", sys.executable))
    return SetupPlan(base, tmp_path / "engine é", wheels, constraints=constraints, needed=("tiny_engine",))


def test_it_is_made_checked_and_removed(plan: SetupPlan, sample_video: Path, weights: Path) -> None:
    if not all(map(find_spec, ("av", "mediapipe", "torch"))):
        pytest.skip("this Python has no engine to lift with")
    from motionlift.core.detection.models import installed_models

    if installed_models() is None:
        pytest.skip("this MediaPipe brings no models, and the folder of wheels has none")
    setup = EngineSetup(plan)
    setup.look_up()
    looked = setup.wait(120)
    assert looked.phase == "ready", setup.log_tail()
    assert [one.name for one in setup.downloads] == ["tiny_engine-1.0-py3-none-any.whl"]
    assert looked.bytes_to_fetch == (plan.wheels / "tiny_engine-1.0-py3-none-any.whl").stat().st_size  # type: ignore[operator]
    assert installed(plan.folder, plan.constraints) == "no"
    setup.install()
    done = setup.wait(300)
    assert done.phase == "done", setup.log_tail()
    assert installed(plan.folder, plan.constraints) == "yes"
    # What it fetched and found lies with it, and is told without asking it again.
    assert (plan.folder / "cache/models/pose_landmarker_full.task").is_file()
    state = engine_state.remembered(plan.python, plan.folder)
    assert state is not None
    assert engine_state.remembered(Path("another"), plan.folder) is None
    assert re.search(r"torch \d.*MediaPipe \d", state.versions)
    assert ("cpu (" in state.devices, state.models, state.troubles) == (True, "Here", ())
    told = dict(state.lines(free=5_000_000_000))
    assert told["Disk"].endswith("GB used, 5 GB free")
    plan.constraints.write_text("tiny_engine==1.1\n")
    assert installed(plan.folder, plan.constraints) == "old"
    remove(plan.folder)
    assert installed(plan.folder, plan.constraints) == "no"
    assert not plan.folder.exists()


def test_an_engine_that_cannot_lift_is_not_called_ready(plan: SetupPlan) -> None:
    assert plan.wheels is not None
    make_wheel(plan.wheels, "tiny_engine", {"tiny_engine.py": ""})
    setup = EngineSetup(plan)
    setup.look_up()
    assert setup.wait(120).phase == "ready", setup.log_tail()
    setup.install()
    state = setup.wait(120)
    assert state.phase == "failed"
    assert state.error is not None
    assert state.error.code == "worker_died"
    assert "numpy" in state.error.hint
    assert installed(plan.folder, plan.constraints) == "no"


def test_an_engine_is_ready_no_more_once_its_packages_are_replaced(plan: SetupPlan) -> None:
    assert plan.wheels is not None
    wheel = make_wheel(plan.wheels, "tiny_engine", {"tiny_engine.py": ""})
    setup = EngineSetup(plan)
    setup.look_up()
    assert setup.wait(120).phase == "ready", setup.log_tail()
    mark_installed(plan, "cpu")
    kept = wheel.rename(plan.wheels / "kept")
    setup.install()
    assert setup.wait(120).phase == "failed"
    assert installed(plan.folder, plan.constraints) == "yes"
    kept.rename(wheel)
    setup.install()
    # It is there, and cannot lift.
    assert setup.wait(120).phase == "failed"
    assert installed(plan.folder, plan.constraints) == "no"


def test_a_wheel_that_is_missing_is_told(plan: SetupPlan) -> None:
    setup = EngineSetup(dataclasses.replace(plan, needed=("tiny_engine", "not_there_at_all")))
    setup.look_up()
    state = setup.wait(120)
    assert state.phase == "failed"
    assert "lacks a package" in state.words
    assert "not_there_at_all" in setup.log_tail()


def test_a_python_that_is_none_is_told(plan: SetupPlan, tmp_path: Path) -> None:
    setup = EngineSetup(dataclasses.replace(plan, base_python=tmp_path / "python"))
    setup.look_up()
    state = setup.wait(20)
    assert state.error is not None
    assert state.error.code == "venv_failed"
    assert "does not start" in state.words


def test_it_is_cancelled_within_a_second_and_goes_on_later(plan: SetupPlan) -> None:
    setup = EngineSetup(plan)
    setup.look_up()
    end = time.monotonic() + 20
    while not (plan.environment.exists() or time.monotonic() > end):
        time.sleep(0.005)
    began = time.monotonic()
    setup.cancel()
    assert setup.wait(20).phase == "cancelled"
    assert time.monotonic() - began < 1.0
    setup.look_up()
    assert setup.wait(120).phase == "ready", setup.log_tail()


def test_what_is_installed_is_what_the_package_needs() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(NEEDED) == {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}  # type: ignore[index]
    pins = (REPOSITORY / "constraints.txt").read_text("utf-8")
    assert all(re.search(rf"(?m)^{name}==", pins) for name in NEEDED)


@pytest.mark.parametrize(
    ("said", "build"),
    [
        ("NVIDIA GeForce RTX 5090, 12.0, 581.42", "cu130"),
        ("NVIDIA GeForce RTX 3060 Laptop GPU, 8.6, 580.95.05\nNVIDIA T400, 7.5, 580.95.05", "cu130"),
        ("NVIDIA GeForce RTX 3060, 8.6, 560.94", "cu126"),
        ("NVIDIA GeForce GTX 1060, 6.1, 581.42", "cu126"),
        ("NVIDIA H200, 9.0, 570.86.15", "cu126"),
        ("NVIDIA A100, 8.0, 525.60.13", "cu126"),
        ("NVIDIA A100, 8.0, 520.61.05", "cpu"),
        # None runs on a Blackwell with an old driver, nor on a Kepler, nor with a driver for CUDA 11.
        ("NVIDIA GeForce RTX 5090, 12.0, 572.16", "cpu"),
        ("Tesla K80, 3.7, 470.82.01", "cpu"),
        ("NVIDIA GeForce RTX 3060, 8.6, 470.82.01", "cpu"),
        ("NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.", "cu130"),
    ],
)
def test_torch_is_the_one_that_runs_on_the_gpu(said: str, build: str) -> None:
    assert torch_build(read_gpu(said), True, "linux")[0] == build
    assert torch_build(read_gpu(said), False, "linux")[0] == "cpu"


def test_windows_wants_another_driver_for_cuda_12() -> None:
    for driver, build in (("527.56", "cpu"), ("528.33", "cu126"), ("531.14", "cu126"), ("580.88", "cu130")):
        gpu = read_gpu(f"NVIDIA GeForce RTX 3060, 8.6, {driver}")
        assert torch_build(gpu, True, "win32")[0] == build


def test_the_engine_lies_where_windows_can_hold_its_paths() -> None:
    user = Path(r"C:\Users\jo\AppData\Roaming\Blender Foundation\Blender\5.2\extensions\.user\user_default\motionlift")
    local = r"C:\Users\jo\AppData\Local"
    place = engine_place(user, "5.2", "win32", local)
    assert str(place).startswith(local)
    assert len(str(place)) + 1 + LONGEST_INSIDE <= LONGEST_ON_WINDOWS
    # Where that is not needed, or cannot be, it is the extension's own folder.
    assert engine_place(Path("C:/b"), "5.2", "win32", local) == Path("C:/b")
    assert engine_place(user, "5.2", "win32", "") == user
    assert engine_place(user, "5.2", "linux", local) == engine_place(user, "5.2", "darwin", local) == user


def test_torch_comes_from_where_its_build_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    on_pypi = {"linux": "cu130", "win32": "cpu"}
    for system in ("linux", "win32", "darwin"):
        monkeypatch.setattr(sys, "platform", system)
        for build in get_args(Build):
            index = torch_index(build)
            expected = system != "darwin" and build != on_pypi[system]
            assert (index is not None) == expected
            assert index is None or index.endswith(f"/{build}")


def test_pips_words_become_progress() -> None:
    progress = PipProgress({"a-1.whl": 100, "b-2.whl": 50})
    fetched = []
    for line in (
        "Collecting a",
        "  Downloading a-1.whl.metadata (2 kB)",
        "Downloading https://host/x/a-1.whl (100 B)",
        "Progress 40 of 100",
        "Progress 100 of 100",
        "Using cached b-2.whl (50 B)",
    ):
        shown = progress.take(line)
        assert shown == (not line.startswith("Progress"))
        fetched.append(progress.fetched)
    assert fetched == [0, 0, 0, 40, 100, 100]
    assert progress.current == "b-2.whl"
    assert not progress.installing
    progress.take("Installing collected packages: a, b")
    assert progress.installing


def test_the_size_of_what_is_not_there_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "a b.whl").write_bytes(b"123")
    urls = [(tmp_path / "a b.whl").as_uri(), (tmp_path / "c.whl").as_uri(), "ftp://host/d.whl"]
    report = {"install": [{"download_info": {"url": url}} for url in urls]}
    assert downloads_of(report) == (Download("a b.whl", 3), Download("c.whl", 0), Download("d.whl", 0))


def test_a_server_that_is_not_there_does_not_answer() -> None:
    assert not answers("http://127.0.0.1:9/torch/")
