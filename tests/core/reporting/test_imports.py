"""What figures, places to check, reports and pages need: numpy alone, so that Blender's Python can make them too."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = ("evidence", "stretches", "take_figures", "advice", "take_report", "palette", "drawn", "page")


@pytest.mark.parametrize("module", LIGHT)
def test_figures_need_nothing_but_numpy(module: str) -> None:
    script = f"""
import sys
for name in ("scipy", "av", "cv2", "PIL", "torch", "mediapipe", "typer", "rich"):
    sys.modules[name] = None
import motionlift.core.reporting.{module}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
