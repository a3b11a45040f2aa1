"""What tests of several modules share: smooth made-up motions, where the data lies, scripts run inside Blender."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift import __main__ as command_line
from motionlift.core.camera import intrinsics, look_at
from motionlift.core.detection.models import cache_folder
from motionlift.core.files import CACHE_VARIABLE
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, continuous, forward_kinematics, from_axis_angle, normalise
from motionlift.core.skeleton import ANIMATION_21, BODY_26, CONTACT_NAMES, contact_points, reference_rest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mocap_files() -> list[Path]:
    """The motion-capture library beside the repository, smallest file first; skips where there is none."""
    files = sorted((REPOSITORY.parent / "shared/data/mocap").rglob("*.bvh"), key=lambda path: path.stat().st_size)
    if not files:
        pytest.skip("no motion-capture library beside the repository")
    return files


@pytest.fixture(scope="session")
def sample_video() -> Path:
    """The committed sample; skips where it is not made yet."""
    path = REPOSITORY / "samples/walk_wave_squat.mp4"
    if not path.is_file():
        pytest.skip("the sample video is not there")
    return path


@pytest.fixture(scope="session")
def weights() -> Path:
    """The committed weights; skips where they are not made yet."""
    path = REPOSITORY / "weights/dgnet-body26.safetensors"
    if not path.is_file():
        pytest.skip("there are no weights")
    return path


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """A Python with the whole engine: `MOTIONLIFT_ENGINE`, else this one; skips where it cannot lift."""
    python = Path(os.environ.get("MOTIONLIFT_ENGINE", sys.executable))
    check = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
    if subprocess.run([python, "-c", check, "av", "mediapipe", "torch"], check=False).returncode:
        pytest.skip(f"{python} has no engine to lift with")
    return python


@pytest.fixture(scope="session")
def detections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for the whole run, so that tests which lift the same clip detect once."""
    return tmp_path_factory.mktemp("detections")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A function that runs the command line in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["motionlift", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            command_line.main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return _run


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository to build from, without tests and what tools left behind."""
    folder = tmp_path_factory.mktemp("tree") / "repository"
    left_out = (".*", "__pycache__", "*.egg-info", "build", "dist", "runs", "*.zip")
    shutil.copytree(REPOSITORY, folder, ignore=shutil.ignore_patterns(*left_out))
    return folder


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Path:
    """The extension as Blender's own command builds it. Skips where bpy is not installed."""
    folder = tmp_path_factory.mktemp("extension")
    script = """
from bl_pkg import bl_extension_cli
result = bl_extension_cli.cli_extension_handler(["build", "--source-dir", arguments[0], "--output-dir", arguments[1]])
"""
    assert _in_blender(folder, script, tree, folder) == 0
    (package,) = folder.glob("*.zip")
    return package


@pytest.fixture(scope="session")
def rigify_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .blend with the human that Rigify generates from its own meta-rig, `rig`, beside it; made once a run, as that
    takes seconds. Skips where bpy is not installed."""
    folder = tmp_path_factory.mktemp("rigify")
    script = """
bpy.ops.preferences.addon_enable(module="rigify")
bpy.ops.object.armature_human_metarig_add()
bpy.ops.pose.rigify_generate()
bpy.ops.wm.save_as_mainfile(filepath=arguments[0])
"""
    _in_blender(folder, script, folder / "rigify.blend")
    return folder / "rigify.blend"


@pytest.fixture
def in_blender(tmp_path: Path) -> Callable[..., Any]:
    """A function that runs a script in Blender, a process of its own since bpy takes over the one that imports it.

    The script finds what the function was given in `arguments` and leaves in `result` what it returns. Scene and
    preferences are Blender's defaults, the user's folder is one of the test's. Skips where bpy is not installed.
    """
    return lambda script, *arguments: _in_blender(tmp_path, script, *arguments)


_BEFORE_SCRIPT = """
import json, sys
import bpy
out = sys.argv[1]
with open(sys.argv[2]) as file:
    arguments = json.load(file)
bpy.ops.wm.read_factory_settings(use_empty=True)
result = {}
"""
_AFTER_SCRIPT = """
with open(out, "w") as file:
    json.dump(result, file)
if bpy.app.version < (5, 0, 0):
    # Gone at once, as the program is: these wheels crash (4.2.23) or hang (4.5.15) when Python takes them apart after
    # glTF or USD, with all work done.
    import os, shutil
    sys.stdout.flush()
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)
    os._exit(0)
"""


# On Windows the engine is beside the cache, which is not of a test's own.
_OWN_CACHE = {CACHE_VARIABLE: str(cache_folder())} if sys.platform == "win32" else {}


def _in_blender(folder: Path, script: str, *arguments: Any) -> Any:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed")
    out, given, user = folder / "result.json", folder / "arguments.json", folder / "blender"
    given.write_text(json.dumps(arguments, default=str))
    user.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _BEFORE_SCRIPT + script + _AFTER_SCRIPT, out, given],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=folder,
        env={**os.environ, **_OWN_CACHE, "BLENDER_USER_RESOURCES": str(user), "LOCALAPPDATA": str(user)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text())


@pytest.fixture(scope="session")
def make_motion() -> Callable[..., Motion]:
    """A function that makes a smooth motion of the reference body: see `_motion`."""
    return _motion


def _motion(
    frames: int = 40, fps: float = 30.0, seed: int = 0, swing: float = 1.0, times: Array | None = None
) -> Motion:
    """Every joint swings about an axis of its own by up to `swing` radians while the root travels a metre."""
    random = np.random.default_rng(seed)
    joints = len(ANIMATION_21)
    times = np.arange(frames) / fps if times is None else times
    frames = len(times)
    axes = normalise(random.normal(size=(joints, 3)))
    phase, speed = random.uniform(0, 6, joints), random.uniform(1, 4, joints)
    rotations = continuous(from_axis_angle(axes, swing * np.sin(times[:, None] * speed + phase)))
    offsets, tails = reference_rest()
    root = np.stack([times, np.sin(times), 0.9 + 0.05 * np.sin(5 * times)], -1)
    contact_parents, contact_offsets = contact_points(tails, offsets)
    pixels = random.uniform(0, 500, (frames, len(BODY_26), 2))
    lifted = random.normal(size=(frames, len(BODY_26), 3))
    detected = np.ones(frames, bool)
    if frames > 3:
        detected[2] = False
    pixels[~detected] = np.nan
    lifted[~detected] = np.nan
    size = (640, 480)
    return Motion(
        times=times,
        fps=fps,
        joint_names=ANIMATION_21.joints,
        parents=np.array(ANIMATION_21.parents, np.int64),
        rest_offsets=offsets,
        rest_tails=tails,
        root_translation=root,
        local_rotations=rotations,
        joint_positions=forward_kinematics(ANIMATION_21.parents, offsets, root, rotations)[0],
        confidence=np.repeat(detected[:, None].astype(float), joints, 1),
        detected=detected,
        contact_names=CONTACT_NAMES,
        contact_parents=contact_parents,
        contact_offsets=contact_offsets,
        contacts=random.uniform(size=(frames, len(CONTACT_NAMES))),
        camera_K=intrinsics(size)[None],
        world_from_camera=look_at(np.array([0.0, -4.0, 1.5]), np.array([0.0, 0.0, 1.0]))[None],
        image_size=size,
        keypoint_names=BODY_26.joints,
        keypoints_2d=pixels,
        keypoint_confidence=np.repeat(detected[:, None].astype(float), len(BODY_26), 1),
        lifted_camera=lifted,
        source={"file": "läufer.mp4", "settings": {}},
    ).check()
