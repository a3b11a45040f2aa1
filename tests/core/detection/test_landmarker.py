"""What MediaPipe's libraries write while they start, and what is told when one of them ends the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import faulthandler, os, sys
from motionlift.core.detection.landmarker import native_output_logged

def in_a_library():
    os.write(2, b"a greeting of no use")
    if sys.argv[1] == "ends":
        os.abort()

if sys.argv[2] == "told":
    faulthandler.enable(2, all_threads=False)
with native_output_logged():
    in_a_library()
print(faulthandler.is_enabled(), flush=True)
os.write(2, b"behind it")
in_a_library()
os.abort()
"""


@pytest.mark.parametrize("ends", ["ends", "returns"])
def test_a_crash_inside_is_told_where_everybody_can_read_it(ends: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, ends, "told"], capture_output=True, text=True)
    assert done.returncode
    assert done.stderr.count("Fatal Python error: Aborted") == 1
    assert ("in in_a_library" in done.stderr) == (ends == "ends")
    # What was written inside is for the log, what comes behind it is not.
    assert done.stderr.count("greeting") == (0 if ends == "ends" else 1)
    assert ("behind it" in done.stderr) == (ends == "returns")


def test_nobody_is_told_of_crashes_who_did_not_want_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, "returns", "quiet"], capture_output=True, text=True)
    assert done.stdout.split() == ["False"]
    assert "Fatal" not in done.stderr
