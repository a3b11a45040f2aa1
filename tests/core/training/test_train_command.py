"""`motionlift train` as a process that is stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from motionlift.core.training.mocap import PackedTakes


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learned(takes: PackedTakes, tmp_path: Path) -> None:
    takes.save(tmp_path / "set.npz")
    command = [
        *(sys.executable, "-u", "-m", "motionlift", "train", "--data", str(tmp_path / "set.npz")),
        *("-o", str(tmp_path / "w.safetensors"), "--steps", "1000000", "--channels", "4", "--blocks", "1"),
        *("--windows", "4", "--threads", "1", "--device", "cpu"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("step 500")
        process.send_signal(signal.SIGINT)
        output, said = process.communicate()
    assert process.returncode == 130, said
    step = json.loads((tmp_path / "w.run/network/current.json").read_text())["progress"]["step"]
    assert step >= 500
    assert f"Stopped after {step} steps. Run the same command again to go on." in said
    assert "Best:" in output
    assert (tmp_path / "w.safetensors").is_file()
