"""The engine killed in each stage of a lift: what is told, and that nothing half-made stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.core.jobs import STAGE_WORDS

from .scripts import WITH_SAMPLE

KILLED = (
    WITH_SAMPLE
    + """
from motionlift.addon import lift_queue
from motionlift.addon.results import folders
from motionlift.core.jobs import MotionLiftError, Progress
from motionlift.core.motion import Motion
video = sample_as("walk.mp4")
choices.use_trim, choices.trim_end, choices.target = True, 1.0, "NEW"
take, send = lift_queue.LiftQueue._take, lift_queue.LiftQueue._send

def kill_at(stage):
    def _take(queue, event):
        take(queue, event)
        if isinstance(event, Progress) and event.stage == stage:
            queue.client.terminate()

    def _send(queue):
        send(queue)
        if stage == "start":
            queue.client.terminate()

    lift_queue.LiftQueue._take, lift_queue.LiftQueue._send = _take, _send

def half_made(path):
    # Who is killed with the last word on the tongue has written a whole take, which "Files" offers to remove.
    if path.is_dir():
        return not any(path.iterdir())
    try:
        return not len(Motion.load(path))
    except MotionLiftError:
        return True

result["told"], result["left"] = {}, {}
for stage in stages:
    kill_at(stage)
    # Writing takes 30 ms: where Blender hears of it late, the lift is done before it can be killed.
    for _ in range(5):
        before = data()
        result["told"][stage] = refusal(ops.lift_video, filepath=str(video), wait=True)
        if result["told"][stage] is not None:
            break
    found = [str(path.relative_to(folder)) for folder in folders() for path in folder.rglob("*") if half_made(path)]
    result["left"][stage] = [data() == before, found]
lift_queue.LiftQueue._take, lift_queue.LiftQueue._send = take, send
result["again"] = sorted(ops.lift_video(filepath=str(video), wait=True))
"""
)


@pytest.mark.parametrize("stages", [("detect", "write"), pytest.param(("start", *STAGE_WORDS), marks=pytest.mark.slow)])
def test_the_engine_killed_in_each_stage(
    in_blender: Callable[..., Any],
    sample_video: Path,
    engine_python: Path,
    weights: Path,
    tmp_path: Path,
    stages: tuple[str, ...],
) -> None:
    assert set(STAGE_WORDS) == {"open", "detect", "lift", "solve", "write"}
    seen = in_blender(f"stages = {stages}\n{KILLED}", sample_video, engine_python, tmp_path)
    assert set(seen["told"]) == set(stages)
    for stage, told in seen["told"].items():
        assert told is not None, stage
        assert "stopped unexpectedly" in told, stage
        assert "end of its log" in told, stage
        assert seen["left"][stage] == [True, []], stage
    assert seen["again"] == ["FINISHED"]
