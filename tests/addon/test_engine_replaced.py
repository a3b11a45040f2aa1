"""Packages are not replaced under a worker that uses them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .scripts import ENABLED

REPLACING = (
    ENABLED
    + """
import sys, time
from motionlift.addon.engine_setup import EngineSetup, SetupState
from motionlift.addon.preferences import engine_folder, setup_plan
entry.preferences.wheels = arguments[0]
state = session()

def started():
    queue = state.queue_for(Path(sys.executable), engine_folder())
    queue.client.start()
    return queue.client

worker = started()
state.queue.add(None)
result["busy"] = refusal(ops.set_up_engine, wait=True)
state.setup = EngineSetup(setup_plan(bpy.context))
state.setup.state = SetupState("ready")
result["busy_install"] = refusal(ops.install_engine)
state.queue.waiting.clear()
result["alive"] = worker.alive
ops.install_engine()
result["ended"] = not worker.alive
state.setup.wait(60)
result["phase"] = state.setup.state.phase
"""
)


def test_a_worker_at_rest_is_ended_before(in_blender: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    seen = in_blender(REPLACING, tmp_path)
    assert "in use" in seen["busy"]
    assert "in use" in seen["busy_install"]
    assert seen["alive"]
    assert seen["ended"]
    assert seen["phase"] == "failed"
