"""The job type for Flamenco: loaded by node as the manager's engine does, with a stand-in of what the manager offers.

The stand-in has what the manual and the built-in job types use: `author.Task`, `author.Command`, `job.addTask`,
`task.addCommand`, `path`, `shellSplit`, `print`. What the manager does with the tasks is not tested here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "bridge/flamenco/motionlift_lift.js"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
ROOT, OUT = "/shared/clips", "/shared/takes"

MANAGER = r"""
const vm = require("vm"), fs = require("fs"), posix = require("path").posix;
const [script, settings] = JSON.parse(fs.readFileSync(0, "utf8"));
const tasks = [];
const author = {
  Task(name, type) {
    name = name.trim(); type = type.trim();
    if (!name || !type) throw new Error("author.Task(name, type): both are required");
    const task = {name, type, commands: [], dependencies: []};
    return Object.assign(task, {
      addCommand: command => { task.commands.push(command); },
      addDependency: other => { task.dependencies.push(other.name); },
    });
  },
  Command: (name, parameters) => ({name, parameters}),
};
const path = {...posix, stem: p => posix.parse(p).name};
const shellSplit = text => (text.match(/'[^']*'|"[^"]*"|\S+/g) || []).map(word => word.replace(/^(['"])(.*)\1$/, "$2"));
const context = vm.createContext({author, path, shellSplit, print: () => {}, alert: () => {}});
// The manager compiles in strict mode.
vm.runInContext('"use strict";' + script + "\n;globalThis.found = {JOB_TYPE, compileJob};", context);
const result = {jobType: context.found.JOB_TYPE};
if (settings) {
  try {
    context.found.compileJob({name: "job", settings, created: new Date(), addTask: task => tasks.push(task)});
    result.tasks = tasks.map(({name, type, commands, dependencies}) => ({name, type, commands, dependencies}));
  } catch (error) {
    result.error = String(error);
  }
}
console.log(JSON.stringify(result));
"""


def _manager(settings: dict[str, Any] | None = None) -> dict[str, Any]:
    assert NODE
    done = subprocess.run(
        [NODE, "-e", MANAGER],
        input=json.dumps([SCRIPT.read_text("utf-8"), settings]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _settings(*names: str, **more: Any) -> dict[str, Any]:
    """What Blender would submit: the defaults, and the videos of these names."""
    defaults = {each["key"]: each["default"] for each in _manager()["jobType"]["settings"] if "default" in each}
    videos = "\n".join(f"{ROOT}/{name}" for name in names)
    return {**defaults, "clips": ROOT + "/", "output": OUT + "/", "videos": videos, **more}


def _executions(task: dict[str, Any]) -> list[list[str]]:
    return [command["parameters"]["args"] for command in task["commands"] if command["name"] == "exec"]


def test_settings_are_of_the_documented_form() -> None:
    job_type = _manager()["jobType"]
    assert job_type["label"]
    known = {"key", "type", "subtype", "choices", "propargs", "description", "default", "eval", "evalInfo", "visible",
             "required", "editable"}  # fmt: skip
    for setting in job_type["settings"]:
        assert set(setting) <= known, setting
        assert setting["type"] in ("string", "int32", "float", "bool")
        assert setting.get("subtype", "file_path") in ("file_path", "dir_path", "file_name", "hashed_file_path")
        assert setting.get("visible", "visible") in ("visible", "hidden", "submission", "web")
        assert setting["description"]
        if "default" in setting:
            kind = {"string": str, "bool": bool, "int32": int, "float": float}[setting["type"]]
            assert isinstance(setting["default"], kind)
            assert setting["default"] in setting.get("choices", [setting["default"]])


def test_blender_finds_the_videos_of_the_folder(tmp_path: Path) -> None:
    """The expression that Blender evaluates, with the names that the manual promises."""
    for name in ("b.MOV", "a.mp4", "deep/er/c.mkv", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (setting,) = [each for each in _manager()["jobType"]["settings"] if each["key"] == "videos"]

    class Settings:
        clips = str(tmp_path)

    names = {"Path": Path, "abspath": lambda path: Path(path).resolve(), "settings": Settings, "jobname": "job"}
    # Names of a function and names of a module: an evaluation may offer them as either.
    for found in (eval(setting["eval"], dict(names)), eval(setting["eval"], {}, dict(names))):
        assert found.split("\n") == [str(tmp_path / name) for name in ("a.mp4", "b.MOV", "deep/er/c.mkv")]


def test_every_clip_is_a_task_and_the_layout_is_kept() -> None:
    tasks = _manager(_settings("walk.mp4", "day 1/läufer [x].mov", "day 1/deep/c.mkv"))["tasks"]
    assert [task["name"] for task in tasks] == ["walk.mp4", "day 1/läufer [x].mov", "day 1/deep/c.mkv"]
    for task, folder in zip(tasks, (OUT, f"{OUT}/day 1", f"{OUT}/day 1/deep"), strict=True):
        assert task["type"] == "misc"
        assert task["dependencies"] == []
        made, lifted = task["commands"]
        assert made == {"name": "make-directory", "parameters": {"path": folder}}
        assert lifted["name"] == "exec"
        assert lifted["parameters"]["exe"] == "{motionlift}"
        assert lifted["parameters"]["args"] == ["lift", f"{ROOT}/{task['name']}", "-o", folder, "--format", "bvh"]


def test_options_go_along() -> None:
    settings = _settings("a.mp4", formats="bvh,motion", overwrite=True, options="--height 1.82 --rig 'my hero.blend'")
    (task,) = _manager(settings)["tasks"]
    expected = ["bvh,motion", "--height", "1.82", "--rig", "my hero.blend", "--overwrite"]
    assert _executions(task) == [["lift", f"{ROOT}/a.mp4", "-o", OUT, "--format", *expected]]


def test_clips_of_one_name_do_not_meet() -> None:
    tasks = _manager(_settings("a.mp4", "A.mov", "b/a.mp4", formats="bvh,motion"))["tasks"]
    outputs = [arguments[3] for task in tasks for arguments in _executions(task)]
    assert outputs == [
        f"{OUT}/a.mp4.bvh",
        f"{OUT}/a.mp4.motion.npz",
        f"{OUT}/A.mov.bvh",
        f"{OUT}/A.mov.motion.npz",
        f"{OUT}/b",
    ]


def test_folders_of_windows() -> None:
    settings = _settings(clips="S:\\clips", output="S:\\takes", videos="S:\\clips\\day\\a.mp4\r\nS:\\clips\\b.mp4")
    tasks = _manager(settings)["tasks"]
    assert [task["name"] for task in tasks] == ["day/a.mp4", "b.mp4"]
    assert _executions(tasks[1])[0][:4] == ["lift", "S:\\clips\\b.mp4", "-o", "S:\\takes"]


@pytest.mark.parametrize("more", [{"videos": ""}, {"formats": "fbx"}])
def test_a_job_without_sense_is_refused(more: dict[str, str]) -> None:
    result = _manager(_settings("a.mp4", **more))
    assert "There is no" in result["error"]
    assert "tasks" not in result


def test_the_command_line_takes_what_a_task_gives_it(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    """What is no video fails as such (1): wrong usage would be 2."""
    pytest.importorskip("mediapipe")
    for name in ("a.mp4", "a.mov", "b.mp4"):
        (tmp_path / name).write_text("no video")
    videos = "\n".join(str(path) for path in sorted(tmp_path.iterdir()))
    settings = _settings(formats="bvh,motion", options="--height 1.8", clips=str(tmp_path), videos=videos)
    out = tmp_path / "out"
    out.mkdir()
    for task in _manager({**settings, "output": str(out)})["tasks"]:
        for arguments in _executions(task):
            code, _, errors = run(*arguments)
            assert code == 1, errors
            assert "not" in errors
