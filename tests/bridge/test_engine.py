"""The engine's hello, from real Pythons that have it, lack it, or are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from motionlift import __version__
from motionlift.bridge.engine import greet_engine
from motionlift.core.jobs import MotionLiftError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="made-up Pythons are scripts with a first line")


def _script(folder: Path, body: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_python_with_the_engine_says_hello(tmp_path: Path) -> None:
    assert greet_engine(Path(sys.executable), tmp_path).version == __version__


@pytest.mark.parametrize(
    ("body", "patience", "code", "words"),
    [
        ("sys.exit('No module named numpy')", 60.0, "worker_died", "No module named numpy"),
        ("time.sleep(60)", 0.5, "worker_timeout", "said nothing in 0.5 s"),
        ("""print('{"event": "hello", "protocol": 99, "version": "9"}', flush=True); time.sleep(60)""",
         60.0, "worker_died", "protocol 99"),
    ],
)  # fmt: skip
def test_pythons_that_do_not_run_it(tmp_path: Path, body: str, patience: float, code: str, words: str) -> None:
    with pytest.raises(MotionLiftError) as caught:
        greet_engine(_script(tmp_path, body), tmp_path, patience)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_what_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(MotionLiftError) as caught:
        greet_engine(tmp_path / "nothing", tmp_path)
    assert caught.value.code == "worker_not_started"
