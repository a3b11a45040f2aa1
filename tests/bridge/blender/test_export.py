"""From a .blend to files, and back: `motionlift retarget --rig` on a Mixamo-like character and on Rigify."""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.bvh_rig import rig_of_bvh
from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.bvh import positions, read_bvh
from motionlift.core.motion import Motion, resample

from ..conftest import A_POSE, Build
from .exporting import ANIMATE, check, in_glb
from .test_actions import PRELUDE, spec_of


@pytest.fixture
def short_walk(walk: Motion, tmp_path: Path) -> Path:
    path = tmp_path / "walk.motion.npz"
    walk.save(path)
    return path


@pytest.mark.parametrize(
    ("family", "suffixes"), [("mixamo", [".blend", ".fbx", ".glb", ".usd", ".bvh"]), ("unreal", [".blend", ".fbx"])]
)
def test_a_plain_character(
    in_blender: Callable[..., Any],
    tmp_path: Path,
    short_walk: Path,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
    family: str,
    suffixes: list[str],
) -> None:
    """No leaf bones and none lost: the file has the bones of the rig."""
    rig = rig_of(presets[family], A_POSE)
    script = (
        ANIMATE
        + """
motion = Motion.load(Path(arguments[0]))
make_rig(arguments[1])
place = str(Path(arguments[2]) / "hero.blend")
bpy.ops.wm.save_as_mainfile(filepath=place)
result = export(motion, place, arguments[2], arguments[4], arguments[3])
"""
    )
    found = in_blender(script, short_walk, spec_of(rig), tmp_path, list(rig.names), suffixes)
    check(found, 300)
    assert {seen["bones"] for seen in found.values()} == {len(rig)}
    assert not list(tmp_path.glob(".motionlift*"))


def test_a_character_in_rest_position(
    in_blender: Callable[..., Any], tmp_path: Path, short_walk: Path, presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
) -> None:  # fmt: skip
    """What is exported moves; what is a scene stays as its animator left it, and that is told."""
    script = (
        ANIMATE
        + """
from motionlift.core.bvh import positions, read_bvh
motion = Motion.load(Path(arguments[0]))
folder = Path(arguments[2])
for position in ("POSE", "REST"):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    make_rig(arguments[1]).data.pose_position = position
    place = str(folder / f"{position}.blend")
    bpy.ops.wm.save_as_mainfile(filepath=place)
    output = folder / f"take_{position}.bvh"
    notes = [list(animate_and_export(motion, place, choose, RetargetOptions(), path, None, "walk").notes)
             for path in (output, folder / "take.blend")]
    bpy.ops.wm.open_mainfile(filepath=str(folder / "take.blend"))
    result[position] = [positions(read_bvh(output))[0][::50].tolist(), notes, bpy.data.armatures[0].pose_position]
"""
    )
    found = in_blender(script, short_walk, spec_of(rig_of(presets["mixamo"], A_POSE)), tmp_path)
    (plain, silent, _), (seen, (exported, (told,)), position) = found["POSE"], found["REST"]
    np.testing.assert_allclose(seen, plain, atol=1e-3)
    assert silent == [[], []]
    assert exported == []
    assert "Rest Position" in told
    assert position == "REST"


@pytest.mark.parametrize("start", [1001, 1, -50])
def test_a_glb_begins_at_zero_and_holds_one_action(
    in_blender: Callable[..., Any],
    tmp_path: Path,
    walk: Motion,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
    start: int,
) -> None:
    """Wherever the scene starts, and whatever else the armature has played before."""
    resample(walk, 6.0).save(tmp_path / "walk.motion.npz")
    script = (
        PRELUDE
        + """
from motionlift.bridge.blender.shown import export_shown
figure = make_rig(arguments[1])
scene.render.fps = 6
for first in (300, arguments[3]):
    scene.frame_start = first
    animate(figure, Motion.load(Path(arguments[0])), choose, RetargetOptions(), f"from {first}")
export_shown(figure, figure.animation_data.action, Path(arguments[2]) / "take.glb")
result = figure.animation_data.action.name
"""
    )
    rig = rig_of(presets["mixamo"], A_POSE)
    name = in_blender(script, tmp_path / "walk.motion.npz", spec_of(rig), tmp_path, start)
    read = in_glb(tmp_path / "take.glb")
    (animation,) = read["animations"]
    assert animation["name"] == name
    times = [read["accessors"][sampler["input"]] for sampler in animation["samplers"]]
    assert {time["min"][0] for time in times} == {0.0}
    length = (len(resample(walk, 6.0)) - 1) / 6
    assert max(time["max"][0] for time in times) == pytest.approx(length)


@pytest.mark.parametrize("travel", ["auto", "object"])
def test_a_bvh_stands_where_its_object_does(
    in_blender: Callable[..., Any],
    tmp_path: Path,
    short_walk: Path,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
    travel: str,
) -> None:
    """Turned by 90 degrees and a hundredth in size, as many imports are: centimetres, Y up, the way included."""
    rig = rig_of(presets["mixamo"], Build(1, turned=True))
    script = (
        ANIMATE
        + """
motion = Motion.load(Path(arguments[0]))
make_rig(arguments[1])
place = str(Path(arguments[2]) / "hero.blend")
bpy.ops.wm.save_as_mainfile(filepath=place)
options = RetargetOptions(travel=arguments[4])
animate_and_export(motion, place, choose, options, Path(arguments[2]) / "take.bvh", None, "walk")
figure = bpy.data.objects["Hero"]
result = [[list(figure.matrix_world @ point) for point in map(Matrix.to_translation, (
           bone.matrix for bone in (figure.pose.bones[name] for name in arguments[3])))]
          for frame in range(1, 301) if not bpy.context.scene.frame_set(frame)]
"""
    )
    names = ["Hips", "Head", "LeftHand", "RightFoot"]
    truth = np.array(in_blender(script, short_walk, spec_of(rig), tmp_path, names, travel))
    clip = read_bvh(tmp_path / "take.bvh")
    seen = positions(clip)[:, [clip.names.index(name) for name in names]] / 100
    np.testing.assert_allclose(seen, truth[..., [0, 2, 1]] * [1, 1, -1], atol=1e-4)
    assert np.ptp(truth[:, 0, :2], axis=0).max() > 0.5
    rest = rig_of_bvh(clip)
    assert 1.2 < np.ptp(rest.heads[:, 1]) / 100 < 2.0


def test_what_a_character_moves_goes_out_as_alembic(
    in_blender: Callable[..., Any],
    tmp_path: Path,
    short_walk: Path,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
) -> None:
    """Vertices where Blender has them, to 0.1 mm; without a mesh there would be nothing in the file."""
    script = (
        ANIMATE
        + """
motion = Motion.load(Path(arguments[0]))
folder = Path(arguments[2])
figure = make_rig(arguments[1])
place = str(folder / "hero.blend")
bpy.ops.wm.save_as_mainfile(filepath=place)
try:
    animate_and_export(motion, place, choose, RetargetOptions(), folder / "bare.abc", None, "walk")
except MotionLiftError as error:
    result["bare"] = error.code
figure = bpy.data.objects["Hero"]
mesh = bpy.data.meshes.new("Body")
mesh.from_pydata([(0.2, 0, 1), (0.4, 0, 1), (0.2, 0, 1.2)], [], [(0, 1, 2)])
body = bpy.data.objects.new("Body", mesh)
bpy.context.collection.objects.link(body)
body.vertex_groups.new(name="LeftForeArm").add([0, 1, 2], 1.0, "REPLACE")
body.modifiers.new("Armature", "ARMATURE").object = figure
figure.animation_data_clear()
bpy.ops.wm.save_as_mainfile(filepath=place)

def vertices(name):
    seen = []
    for frame in (1, 80, 300):
        bpy.context.scene.frame_set(frame)
        item = bpy.data.objects[name].evaluated_get(bpy.context.evaluated_depsgraph_get())
        seen.append([list(item.matrix_world @ vertex.co) for vertex in item.data.vertices])
    return seen

animate_and_export(motion, place, choose, RetargetOptions(), folder / "take.abc", None, "walk")
result["truth"] = vertices("Body")
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.render.fps = 30
bpy.ops.wm.alembic_import(filepath=str(folder / "take.abc"))
(name,) = [item.name for item in bpy.data.objects if item.type == "MESH"]
result["seen"] = vertices(name)
"""
    )
    found = in_blender(script, short_walk, spec_of(rig_of(presets["mixamo"], A_POSE)), tmp_path)
    assert found["bare"] == "no_mesh"
    assert not (tmp_path / "bare.abc").exists()
    truth = np.array(found["truth"])
    assert np.ptp(truth, axis=0).max() > 0.5
    np.testing.assert_allclose(found["seen"], truth, atol=1e-4)


def test_files_that_cannot_be_used(in_blender: Callable[..., Any], tmp_path: Path, short_walk: Path) -> None:
    (tmp_path / "text.blend").write_text("nothing")
    for name, pack in (("newer", bytes), ("packed", gzip.compress)):
        (tmp_path / f"{name}.blend").write_bytes(pack(b"BLENDER17-01v0999" + bytes(100)))
    (tmp_path / "broken.blend").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    script = (
        ANIMATE
        + """
folder = Path(arguments[1])
motion = Motion.load(Path(arguments[0]))
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "empty.blend"))
for name in ("A", "B"):
    bpy.context.collection.objects.link(bpy.data.objects.new(name, bpy.data.armatures.new(name)))
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "two.blend"))
for place in arguments[2]:
    try:
        animate_and_export(motion, str(folder / place), choose, RetargetOptions(), folder / "out.fbx", None, "walk")
        result[place] = "nothing"
    except MotionLiftError as error:
        result[place] = [error.code, error.message, error.hint]
result["version"] = "%d.%d" % bpy.app.version[:2]
"""
    )
    codes = {
        "no.blend": "no_file", "text.blend": "bad_blend", "newer.blend": "newer_blend", "packed.blend": "newer_blend",
        "broken.blend": "bad_blend", "empty.blend": "no_armature", "two.blend": "several_armatures",
        "two.blend:C": "no_armature", "two.blend:A": "no_bones", "two.blendx": "unknown_suffix",
    }  # fmt: skip
    result = in_blender(script, short_walk, tmp_path, list(codes))
    version = result.pop("version")
    assert {place: answer[0] for place, answer in result.items()} == codes
    assert "A, B" in result["two.blend"][1]
    assert "Blender 9.99" in result["newer.blend"][1]
    assert f"this is {version}" in result["newer.blend"][1]
    assert not (tmp_path / "out.fbx").exists()


def test_without_blender_the_command_says_so(
    tmp_path: Path, short_walk: Path, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionlift.bridge.commands.blend.importlib.util.find_spec", lambda name: None)
    code, _, err = run("retarget", short_walk, "--rig", tmp_path / "hero.blend", "-o", tmp_path / "a.fbx")
    assert code == 1
    assert "bpy" in err
    assert "--skeleton" in err


def test_lifting_onto_a_character_asks_for_it_first(
    tmp_path: Path, sample_video: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    """What is wrong with the character is said before minutes are spent on the video."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("bpy is not installed")
    (tmp_path / "newer.blend").write_bytes(b"BLENDER17-01v0999" + bytes(100))
    for arguments, said in [
        (("--rig", tmp_path / "no.blend", "-o", tmp_path / "a.fbx"), "no.blend"),
        (("--rig", tmp_path / "no.txt", "-o", tmp_path / "a.fbx"), ".blend"),
        (("-o", tmp_path / "a.fbx"), "a.fbx"),
        (("--footage", "-o", tmp_path / "a.bvh"), "only be put into a .blend"),
        (("--rig", "rigify", "--footage", "-o", tmp_path / "a.fbx"), "only be put into a .blend"),
        (("--rig", "rigify", "--preset", "no_such", "-o", tmp_path / "a.fbx"), "no_such"),
        (("--rig", tmp_path / "newer.blend", "-o", tmp_path / "a.fbx"), "Blender 9.99"),
        (("--rig", tmp_path / "newer.blend", "--footage", "-o", tmp_path / "a.blend"), "Blender 9.99"),
    ]:
        code, _, err = run("lift", sample_video, *arguments)
        assert code in (1, 2)
        assert said in err
