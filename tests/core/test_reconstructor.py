"""The other process does what is asked, says what fails, and is never left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from motionlift.core import camera, service
from motionlift.core.jobs import Cancelled, LiftSettings, MotionLiftError, Request, Result, UsageError
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.motion import Motion
from motionlift.core.reconstruction import reconstruct
from motionlift.core.reconstructor import Reconstructor, get_ready, reconstructor, stop_idle
from motionlift.core.rotation import IDENTITY, forward_kinematics
from motionlift.core.skeleton import ANIMATION_21, body_points, reference_rest

PATIENCE = 60.0
SIZE = (1280, 720)
K = camera.intrinsics(SIZE, 55.0)


def gone(pid: int) -> bool:
    """Whether a process ends within the patience."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            # A zombie is gone too: its parent has only not asked yet.
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def keypoints(frames: int) -> Keypoints2D:
    """Somebody in T-pose, 4 m before the camera, seen perfectly."""
    offsets = reference_rest()[0]
    local = np.tile(IDENTITY, (frames, len(ANIMATION_21), 1))
    joints, world = forward_kinematics(ANIMATION_21.parents, offsets, np.zeros((frames, 3)), local)
    x, y, z = np.moveaxis(body_points(joints, world, offsets), -1, 0)
    pixels = camera.project(np.stack([x, -z, 4 + y], -1), K)
    detected = np.ones(frames, bool)
    return Keypoints2D(np.arange(frames) / 30, pixels, np.full(pixels.shape[:2], 0.9), detected, SIZE)


def standing(frames: int) -> Motion:
    """A motion, solved here."""
    (motion,) = reconstruct([keypoints(frames)], [{}], K, LiftSettings())
    return motion


@pytest.fixture
def one() -> Iterator[Reconstructor]:
    made = Reconstructor()
    yield made
    if made.usable():
        made.stop()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Reconstructor]:
    """One for several tests, none of which ends it."""
    made = Reconstructor()
    yield made
    made.stop()


def test_a_motion_is_solved_again_with_progress(lasting: Reconstructor) -> None:
    motion, steps = standing(20), list[tuple[object, ...]]()
    call = lasting.begin("resolve", motion, LiftSettings(), progress=lambda *step: steps.append(step))
    solved = lasting.wait(call, lambda: False)
    assert isinstance(solved, Motion)
    assert len(solved) == 20
    assert steps[-1] == ("solve", 20, 20)
    assert {stage for stage, _, _ in steps} == {"solve"}


def test_it_reconstructs_as_this_process_would(lasting: Reconstructor) -> None:
    call = lasting.begin("reconstruct", [keypoints(20)], [{}], K, LiftSettings())
    (motion,) = lasting.wait(call, lambda: False)
    np.testing.assert_array_equal(motion.joint_positions, standing(20).joint_positions)


def test_errors_keep_their_kind_code_and_hint(lasting: Reconstructor) -> None:
    with pytest.raises(UsageError) as caught:
        lasting.begin("prepare", None, "tpu").result(PATIENCE)
    assert caught.value.code == "unknown_device"
    assert "auto" in caught.value.hint
    with pytest.raises(AttributeError):
        lasting.begin("no_such_thing").result(PATIENCE)
    # It lives on.
    assert lasting.begin("prepare", None, "cpu").result(PATIENCE) is None


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_killed_process_is_an_error_with_a_hint(one: Reconstructor) -> None:
    call = one.begin("prepare", None, "cpu")
    os.kill(one.pid, signal.SIGKILL)
    with pytest.raises(MotionLiftError) as caught:
        one.wait(call, lambda: False)
    assert caught.value.code == "reconstructor_stopped"
    assert caught.value.hint
    assert not one.usable()
    # So is a request that comes too late.
    with pytest.raises(MotionLiftError):
        one.begin("prepare", None, "cpu").result(PATIENCE)


def test_cancelling_ends_the_work_at_once(one: Reconstructor) -> None:
    call = one.begin("prepare", None, "cpu")
    began = time.monotonic()
    with pytest.raises(Cancelled):
        one.wait(call, lambda: True)
    assert time.monotonic() - began < 5
    assert not one.usable()


def test_one_is_used_again_unless_it_was_stopped() -> None:
    stop_idle()
    with reconstructor() as first:
        pass
    with reconstructor() as second, reconstructor() as third:
        assert second is first
        assert third is not first
    with pytest.raises(Cancelled), reconstructor() as last:
        last.wait(last.begin("prepare", None, "cpu"), lambda: True)
    with reconstructor() as next_one:
        assert next_one is not last
    stop_idle()
    assert not first.usable()


def test_one_gets_ready_where_none_waits() -> None:
    stop_idle()
    get_ready("prepare", None, "cpu")
    get_ready("imported")
    with reconstructor() as first, reconstructor() as second:
        # What it was told to do comes first.
        assert first.begin("imported").result(PATIENCE) is None
        assert first is not second
    stop_idle()
    assert not first.usable()


PARENT = """
import sys, time
from motionlift.core.reconstructor import Reconstructor
one = Reconstructor()
print(one.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_leaves_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(PATIENCE)
    parent.stdout.close()
    assert gone(child)


def test_what_prints_does_not_break_the_protocol(lasting: Reconstructor) -> None:
    # Anything unforeseen that is written to standard output goes to standard error.
    assert lasting.begin("print", "hello").exception(PATIENCE) is not None
    assert lasting.begin("prepare", None, "cpu").result(PATIENCE) is None


def test_calls_from_several_threads_get_their_own_answers() -> None:
    found: dict[int, int] = {}

    def work(frames: int) -> None:
        with reconstructor() as mine:
            found[frames] = len(mine.wait(mine.begin("resolve", standing(frames), LiftSettings()), lambda: False))

    threads = [threading.Thread(target=work, args=(frames,)) for frames in (12, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {12: 12, 18: 18}
    stop_idle()


def test_errors_can_be_sent() -> None:
    for error in (MotionLiftError("a", "b", "c"), UsageError("a", "b"), Cancelled()):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.code, again.message, again.hint) == (
            type(error), error.code, error.message, error.hint,
        )  # fmt: skip


def test_preparing_leaves_a_process_for_what_is_asked_next(weights: Path) -> None:
    assert service.handle(Request("prepare", "1")) == Result("1")
    with reconstructor() as ready:
        assert ready.usable()
        pid = ready.pid
    assert service.handle(Request("prepare", "2")) == Result("2")
    with reconstructor() as again:
        assert again.pid == pid
