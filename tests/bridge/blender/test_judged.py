"""Takes judged on the target as Blender evaluates it: the lowest vertex of soles, pops, hands that touch, identity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlift.bridge.planting import rest_joints
from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig, make_rig
from motionlift.core.motion import Motion
from motionlift.core.rotation import angle_between, forward_kinematics, from_axis_angle

from ..conftest import A_POSE, T_POSE, Build
from ..judging import BUILDS
from .test_actions import PRELUDE, spec_of

JUDGE = (
    PRELUDE
    + """
from motionlift.bridge.tpose import bones_of, stand
from motionlift.core.rotation import angle_between, from_matrix
LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")

def deforming(figure, name):
    bones = figure.data.bones
    twin = "DEF-" + name.replace("_fk", "")
    return twin if twin in bones else name

def floor_under(figure):
    rig = read_rig(figure)
    return float(rig.to_world(stand(rig, bones_of(rig, choose(rig).rig_map)).to_armature(np.zeros(3)))[2])

def add_soles(figure, bones):
    \"\"\"A sole under each foot: heel and ball go with the foot, the tip with the toes if there are any. In the world,
    at rest.\"\"\"
    soles = {}
    for side in ("left", "right"):
        parts = [part for part in ("ankle", "toe") if f"{side}_{part}" in bones]
        rests = [figure.data.bones[deforming(figure, bones[f"{side}_{part}"][0])] for part in parts]
        foot, toe = rests[0].name, rests[-1].name
        ankle, ball = (np.array(figure.matrix_world @ point)
                       for point in (rests[0].head_local, rests[1].head_local if toe != foot else rests[0].tail_local))
        along = (ball - ankle) * [1, 1, 0]
        hip = np.array(figure.matrix_world @ figure.data.bones[deforming(figure, bones[f"{side}_hip"][0])].head_local)
        if toe == foot and np.linalg.norm(along) > 0.2 * np.linalg.norm(hip - ankle):
            along = along / 1.56  # a foot in one piece whose tail is the tip of the toes
        length = np.linalg.norm(along)
        across = 0.3 * np.array([-along[1], along[0], 0])
        middle = ankle * [1, 1, 0] + [0, 0, floor_under(figure)]
        rows = [middle - 0.4 * along, middle + along, middle + 1.56 * along]
        points = [row + sign * across for row in rows for sign in (1, -1)]
        mesh = bpy.data.meshes.new(side)
        mesh.from_pydata([list(point) for point in points], [], [(0, 1, 3, 2), (2, 3, 5, 4)])
        sole = bpy.data.objects.new(side, mesh)
        scene.collection.objects.link(sole)
        for name, vertices in ((foot, [0, 1, 2, 3]), (toe, [4, 5])):
            sole.vertex_groups.new(name=name).add(vertices, 1.0, "REPLACE")
        sole.modifiers.new("Armature", "ARMATURE").object = figure
        soles[side] = sole
    return soles

def judged(figure, motion, bones, soles):
    \"\"\"Heights of the soles' lowest vertices over the floor by side; by joint the most degrees a frame that its bone
    turns.\"\"\"
    roles = [role for side in ("left", "right") for part in LIMBS if (role := f"{side}_{part}") in bones]
    limbs = [deforming(figure, bones[role][0]) for role in roles]
    lowest, turns, floor = {"left": [], "right": []}, [], floor_under(figure)
    for frame in range(len(motion)):
        scene.frame_set(1 + frame)
        graph = bpy.context.evaluated_depsgraph_get()
        for side, sole in soles.items():
            vertices = sole.evaluated_get(graph).data.vertices
            lowest[side].append(min(float((sole.matrix_world @ vertex.co).z) for vertex in vertices) - floor)
        posed = figure.evaluated_get(graph)
        placed = [posed.matrix_world @ posed.pose.bones[name].matrix for name in limbs]
        turns.append([np.array(matrix.to_3x3().normalized()) for matrix in placed])
    turns = from_matrix(np.array(turns))
    jumps = np.degrees(angle_between(turns[1:], turns[:-1]).max(0))
    return {"lowest": lowest, "jumps": dict(zip(roles, jumps.tolist()))}
"""
)


def check(motion: Motion, found: dict[str, Any], about: str) -> None:
    """Soles that stand are on the floor to 5 mm, none is below it, no limb turns faster than the person's by half."""
    for side in ("left", "right"):
        columns = [motion.contact_names.index(f"{side}_{point}") for point in ("heel", "toe_tip")]
        holds = (motion.contacts[:, columns] > 0.5).any(1)
        lowest = np.array(found["lowest"][side])
        assert holds.sum() > 100
        assert np.abs(lowest[holds]).max() < 5e-3, (about, side)
        assert lowest.min() > -5e-3, (about, side)
    turns = motion.world_rotations()
    for role, jump in found["jumps"].items():
        joint = turns[:, motion.joint(role)]
        own = float(np.degrees(angle_between(joint[1:], joint[:-1]).max()))
        assert jump <= 1.5 * own, (about, role)


SOLES = (
    JUDGE
    + """
motion = Motion.load(Path(arguments[0]))
for name, spec in arguments[1].items():
    figure = make_rig(spec, name)
    bones = choose(read_rig(figure)).rig_map.bones
    soles = add_soles(figure, bones)
    animate(figure, motion, choose, RetargetOptions(), name)
    result[name] = judged(figure, motion, bones, soles)
    for item in (figure, *soles.values()):
        bpy.data.objects.remove(item)
"""
)


def test_soles_and_pops(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    """Plain characters of every family: as tall as the person, children, giants with long shins, on any ground."""
    walk.save(tmp_path / "walk.motion.npz")
    rigs = {
        "the same": rig_of(presets["mixamo"], Build(toes_out=0, legs_apart=0)),
        "child": rig_of(presets["mixamo"], Build(legs=0.6, thigh_share=0.45, toes_out=12)),
        "giant": rig_of(presets["unreal"], Build(legs=1.6, thigh_share=0.44, arms=1.2)),
    }
    rigs |= {
        # A rig without toes says only by the ends of its bones where its feet end.
        family: rig_of(presets[family], A_POSE if family == "openpose" else BUILDS[number % len(BUILDS)])
        for number, family in enumerate(sorted(presets))
    }
    found = in_blender(SOLES, tmp_path / "walk.motion.npz", {name: spec_of(rig) for name, rig in rigs.items()})
    for name, seen in found.items():
        check(walk, seen, name)


def test_soles_and_pops_of_real_rigs(
    in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, real_rigs: dict[str, Rig]
) -> None:
    walk.save(tmp_path / "walk.motion.npz")
    found = in_blender(SOLES, tmp_path / "walk.motion.npz", {name: spec_of(rig) for name, rig in real_rigs.items()})
    for name, seen in found.items():
        check(walk, seen, name)


def test_soles_and_pops_of_a_new_rigify_human(in_blender: Callable[..., Any], walk: Motion, tmp_path: Path) -> None:
    """With IK legs, as one gets it."""
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        JUDGE
        + """
from motionlift.bridge.blender.rigify import add_rigify_human
motion = Motion.load(Path(arguments[0]))
figure = add_rigify_human(bpy.context, motion, "walk").figure
bones = choose(read_rig(figure)).rig_map.bones
soles = add_soles(figure, bones)
animate(figure, motion, choose, RetargetOptions(), "walk")
result = judged(figure, motion, bones, soles)
"""
    )
    check(walk, in_blender(script, tmp_path / "walk.motion.npz"), "rigify")


def hands_together(motion: Motion) -> Motion:
    """The person stands and holds the hands together in front."""
    rotations = motion.local_rotations.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for joint, degrees in (("shoulder", 70.0), ("elbow", 52.3)):
            turn = from_axis_angle(np.array([0.0, 0, 1]), np.full(len(motion), np.radians(-sign * degrees)))
            rotations[:, motion.joint(f"{side}_{joint}")] = turn
    joints, _ = forward_kinematics(motion.parents, motion.rest_offsets, motion.root_translation, rotations)
    return dataclasses.replace(motion, local_rotations=rotations, joint_positions=joints)


def test_hands_that_touch_still_touch(
    in_blender: Callable[..., Any],
    make_motion: Callable[..., Motion],
    tmp_path: Path,
    presets: dict[str, Preset],
    rig_of: Callable[..., Rig],
) -> None:
    """On the same proportions, whatever the rest pose, without asking for it."""
    motion = hands_together(make_motion(frames=12, swing=0.0))
    motion.save(tmp_path / "hands.motion.npz")
    script = (
        JUDGE
        + """
motion = Motion.load(Path(arguments[0]))
for name, spec in arguments[1].items():
    figure = make_rig(spec, name)
    animate(figure, motion, choose, RetargetOptions(), name)
    hands = [choose(read_rig(figure)).rig_map.bones[f"{side}_wrist"][0] for side in ("left", "right")]
    scale = figure.matrix_world.median_scale
    apart = []
    for frame in range(len(motion)):
        first, second = seen(figure, hands, 1 + frame)
        apart.append(float(np.linalg.norm(first - second)) * scale)
    result[name] = apart
"""
    )
    rigs = {
        family: rig_of(preset, (A_POSE, T_POSE, Build(3, turned=True))[number % 3])
        for number, (family, preset) in enumerate(sorted(presets.items()))
        if "wrist" in preset.bones
    }
    found = in_blender(script, tmp_path / "hands.motion.npz", {name: spec_of(rig) for name, rig in rigs.items()})
    left, right = (motion.joint_positions[:, motion.joint(f"{side}_wrist")] for side in ("left", "right"))
    for apart in found.values():
        np.testing.assert_allclose(apart, np.linalg.norm(left - right, axis=-1), atol=0.03)


@pytest.mark.parametrize("plant", [False, True])
def test_identity(in_blender: Callable[..., Any], walk: Motion, tmp_path: Path, plant: bool) -> None:
    """On its own skeleton a motion is itself, as Blender evaluates it, to a tenth of a millimetre."""
    walk.save(tmp_path / "walk.motion.npz")
    script = (
        PRELUDE
        + """
motion = Motion.load(Path(arguments[0]))
figure = make_rig(arguments[1])
animate(figure, motion, choose, RetargetOptions(place="filmed", plant_feet=arguments[2]), "walk")
worst = 0.0
for frame in range(0, len(motion), 7):
    worst = max(worst, float(np.abs(seen(figure, motion.joint_names, 1 + frame) - motion.joint_positions[frame]).max()))
result["worst"] = worst
"""
    )
    rest = rest_joints(walk)
    rig = make_rig(walk.joint_names, walk.parents, rest, rest + walk.rest_tails)
    assert in_blender(script, tmp_path / "walk.motion.npz", spec_of(rig), plant)["worst"] < 1e-4
