"""Setting the engine up with real venv and pip, from a folder with one small wheel and without a network."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import tomllib
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
    alone_in,
    engine_place,
    installed,
    mark_installed,
    occupied,
    remove,
)
from motionlift.addon.pip_output import Download, PipProgress, answers, downloads_of
from motionlift.addon.setup_troubles import explained
from motionlift.addon.torch_build import Build, read_gpu, torch_build, torch_index, torch_requirement
from motionlift.core.jobs import MotionLiftError

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


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as `plan`'s would be."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def begun(plan: SetupPlan, environment: Path) -> SetupPlan:
    """A plan whose environment is there already, and empty."""
    shutil.copytree(environment, plan.environment, symlinks=True)
    return plan


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


def test_an_engine_that_cannot_lift_is_not_called_ready(begun: SetupPlan) -> None:
    """Nor is one whose packages were replaced since it could; what could not be replaced is as ready as before."""
    plan = begun
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
    state = setup.wait(120)
    assert state.phase == "failed"
    assert state.error is not None
    assert state.error.code == "worker_died"
    assert "numpy" in state.error.hint
    assert installed(plan.folder, plan.constraints) == "no"


def test_a_wheel_that_is_missing_is_told(begun: SetupPlan) -> None:
    setup = EngineSetup(dataclasses.replace(begun, needed=("tiny_engine", "not_there_at_all")))
    setup.look_up()
    state = setup.wait(120)
    assert state.phase == "failed"
    assert state.words.endswith("lacks a package for Python {}.{}.".format(*sys.version_info))
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


def test_two_blenders_set_it_up_one_after_the_other(plan: SetupPlan) -> None:
    assert not occupied(plan.folder)
    unpacked = plan.downloads / "temporary/pip-unpack-1/torch.whl"
    unpacked.parent.mkdir(parents=True)
    unpacked.write_bytes(b"half of it")
    setup = EngineSetup(plan)
    with alone_in(plan.folder, lambda: False):
        setup.look_up()
        end = time.monotonic() + 20
        while "Another Blender" not in setup.state.words and time.monotonic() < end:
            time.sleep(0.01)
        assert (setup.state.running, unpacked.is_file()) == (True, True)
        with pytest.raises(MotionLiftError) as caught:
            remove(plan.folder)
        assert (caught.value.code, unpacked.is_file()) == ("set_up_elsewhere", True)
        # Nobody has to wait for it.
        setup.cancel()
        assert setup.wait(20).phase == "cancelled"
        setup.look_up()
    assert setup.wait(120).phase == "ready", setup.log_tail()
    # What pip unpacks goes there, not where the system has little room, and does not pile up.
    assert unpacked.parent.parent.is_dir()
    assert not unpacked.parent.exists()
    # What a set-up left that was given up can be removed.
    assert installed(plan.folder, plan.constraints) == "no"
    assert occupied(plan.folder)
    remove(plan.folder)
    assert not plan.folder.exists()


class _Refusing(BaseHTTPRequestHandler):
    """A proxy that wants a password, and a page to log in at whatever is asked for."""

    def do_CONNECT(self) -> None:
        self.send_response(407)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><title>Welcome to our hotel</title></html>")

    def log_message(self, *_: object) -> None:
        """Not among the tests' words."""


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("proxy", "The network's proxy wants a name and a password."),
        ("hotel", "The network offers no packages for Python {}.{}."),
    ],
)
def test_a_network_that_lets_nothing_through_is_told(
    begun: SetupPlan, monkeypatch: pytest.MonkeyPatch, network: str, message: str
) -> None:
    plan = dataclasses.replace(begun, wheels=None)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    index = address if network == "hotel" else "https://packages.example"
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_INDEX_URL": f"{index}/simple/"}
    for name, value in (own | ({"HTTPS_PROXY": address} if network == "proxy" else {})).items():
        monkeypatch.setenv(name, value)
    setup = EngineSetup(plan)
    try:
        setup.look_up()
        state = setup.wait(120)
    finally:
        server.shutdown()
        server.server_close()
    assert state.error is not None
    assert state.error.message == message.format(*sys.version_info), setup.log_tail()
    assert "folder of wheels" in state.error.hint


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("ERROR: HTTP error 404 while getting https://a/b.whl", "The server of the packages does not give them."),
        ("(Caused by ResponseError('too many 503 error responses'))", "The server of the packages does not give them."),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "A package came damaged through the network."),
        (
            "SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')",
            "The network answers with a certificate that is not trusted.",
        ),
        # What pip writes then of its own accord is longer than the end of the log that is shown.
        ("NewConnectionError\n" + "The conflict is caused by:\n" * 20, "The network does not answer."),
    ],
)
def test_what_pip_writes_about_a_network_is_put_into_words(plan: SetupPlan, written: str, message: str) -> None:
    told, hint = explained(
        f"$ pip install\n{written}\nERROR: ResolutionImpossible", dataclasses.replace(plan, wheels=None)
    )
    assert (told, len(hint.splitlines()) <= 13) == (message, True)


@pytest.mark.skipif(os.name == "nt", reason="there the environment's Python is no link")
def test_an_engine_whose_python_became_another_is_not_called_ready(plan: SetupPlan, tmp_path: Path) -> None:
    subprocess.run([plan.base_python, "-m", "venv", "--without-pip", plan.environment], check=True)
    mark_installed(plan, "cpu")
    assert installed(plan.folder, plan.constraints) == "yes"
    # As where a Linux distribution goes from Python 3.13 to 3.14: the link leads to a Python without the packages.
    another = tmp_path / "python2.99"
    another.write_text("")
    plan.python.unlink()
    plan.python.symlink_to(another)
    assert installed(plan.folder, plan.constraints) == "broken"
    another.unlink()
    assert installed(plan.folder, plan.constraints) == "broken"


def test_a_full_disk_is_not_called_a_broken_network(plan: SetupPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    # What pip 26 wrote with 100 MB left.
    told = (
        "error: incomplete-download\n\n"
        "× Download failed after 6 attempts because not enough bytes were received (29.6 MB/69.1 MB)\n"
        "note: This is an issue with network connectivity, not pip."
    )
    for free, message in ((5e9, "The network does not answer."), (1e8, "The disk is full.")):
        monkeypatch.setattr(engine_state, "free_bytes", lambda _, free=free: int(free))
        assert explained(told, plan)[0] == message
    setup = EngineSetup(plan)
    setup.look_up()
    assert setup.wait(20).words == "The disk has 0.1 GB left, the video engine needs 1.0 or more."


@pytest.mark.skipif(sys.platform == "darwin", reason="there torch has but one build")
def test_another_build_of_torch_takes_the_place_of_the_one_that_is_there(plan: SetupPlan) -> None:
    on_pypi: Build = "cu130" if sys.platform == "linux" else "cpu"
    there, index = "2.13.0", torch_index("cu126")
    assert torch_requirement(None, on_pypi, None, there) == "torch"
    assert torch_requirement("2.13.0", on_pypi, None, there) == "torch"
    assert torch_requirement("2.13.0+cu126", on_pypi, None, there) == "torch===2.13.0"
    assert torch_requirement("2.13.0", "cu126", index, there) == "torch===2.13.0+cu126"
    assert torch_requirement("2.13.0+cu126", "cu126", index, there) == "torch"
    # Where the build that is wanted cannot be had, that which is there stays.
    assert torch_requirement("2.13.0", "cu126", None, there) == "torch"


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
