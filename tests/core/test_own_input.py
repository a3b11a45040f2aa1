"""What processes are told over standard input is heard by whoever listens there, and by nobody else in them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from motionlift.core.child import Child
from motionlift.core.jobs import MotionLiftError, Request, Result, decode_event, encode

LOOK = """
import subprocess, sys
def look():
    "What a library, and a program that inherits it, find on standard input, while requests are waited for."
    command = [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]
    inherited = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    return repr(open(0, closefd=False).read()), inherited
"""
CHILD = "from look import look\nfrom motionlift.core import child\nchild.main(lambda request, progress: look())\n"
WORKER = """
from look import look
from motionlift.core import worker
from motionlift.core.jobs import Result
worker.main(lambda request, progress, cancelled: Result(request.id, motions=look()))
"""
NOTHING = ("''", "''")


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("look", LOOK), ("looking_child", CHILD), ("looking_worker", WORKER)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def test_requests_of_a_child_are_its_own() -> None:
    child = Child("looking_child", lambda code: MotionLiftError("ended", f"with {code}"))
    try:
        assert child.ask("look").result(60) == NOTHING
        assert child.ask("again").result(60) == NOTHING
    finally:
        child.stop()


def test_requests_of_a_worker_are_its_own() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "looking_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        for name in ("1", "2"):
            process.stdin.write(encode(Request("lift", name, "clip.mp4", "out")) + "\n")
            process.stdin.flush()
            while not isinstance(event := decode_event(process.stdout.readline()), Result):
                pass
            assert event.id == name
            assert event.motions == NOTHING
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
