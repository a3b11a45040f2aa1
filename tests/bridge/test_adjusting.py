"""What is set right about a whole take: height, lean and size, on the figure's own armature and on rigs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from motionlift.bridge.adjusting import Adjustment, adjusted, leaned
from motionlift.bridge.match import with_preset
from motionlift.bridge.preset import Preset
from motionlift.bridge.retarget import RetargetOptions, retarget
from motionlift.bridge.rig import Rig, pose_rig
from motionlift.core.camera import apply, project
from motionlift.core.jobs import UsageError
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array, Bools, angle_between, conjugate, multiply, rotate

from .conftest import A_POSE, Build

TILTS = [(6.0, 0.0), (-5.0, 0.0), (0.0, 7.0), (4.0, -4.0)]
UP = np.array([0.0, 0.0, 1.0])


def standing(motion: Motion) -> Bools:
    holds: Bools = motion.contacts > 0.5
    return holds


def in_picture(motion: Motion) -> Array:
    camera_from_world = np.linalg.inv(motion.world_from_camera)
    points = np.stack([apply(camera_from_world[0], joints) for joints in motion.joint_positions])
    return project(points, motion.camera_K[0])


def test_nothing_changes_nothing(walk: Motion) -> None:
    assert leaned(walk, Adjustment()) is walk
    same = adjusted(walk, Adjustment())
    np.testing.assert_allclose(same.joint_positions, walk.joint_positions, atol=1e-9)
    np.testing.assert_allclose(same.world_from_camera, walk.world_from_camera, atol=1e-12)


@pytest.mark.parametrize(("forward", "sideways"), TILTS)
def test_a_figure_that_leans_keeps_its_feet(walk: Motion, forward: float, sideways: float) -> None:
    adjustment = Adjustment(tilt_forward=forward, tilt_sideways=sideways)
    result = leaned(walk, adjustment).check()
    pelvis = walk.joint("pelvis")
    body = multiply(result.world_rotations()[:, pelvis], conjugate(walk.world_rotations()[:, pelvis]))
    np.testing.assert_allclose(np.degrees(angle_between(body, adjustment.turn)), 0.0, atol=1e-5)
    # Straight to where it is said: away from the camera, or to the right of the picture.
    head = rotate(adjustment.turn, UP)
    assert np.degrees(np.arctan2(head[1], head[2])) == pytest.approx(forward, abs=0.3)
    assert np.degrees(np.arctan2(head[0], head[2])) == pytest.approx(sideways, abs=0.3)
    holds = standing(walk)
    moved = np.linalg.norm(result.contact_positions() - walk.contact_positions(), axis=-1)
    assert np.max(moved[holds]) < 2e-3
    assert np.median(moved[holds]) < 1e-6
    # It goes its way: neither uphill nor shorter.
    way = result.root_translation - walk.root_translation
    assert np.max(np.ptp(way, axis=0)) < 0.12
    lowest = result.contact_positions()[..., 2].min()
    assert lowest > min(walk.contact_positions()[..., 2].min(), 0.0) - 1e-3
    lengths = np.linalg.norm(
        np.diff(result.joint_positions[:, [walk.joint(f"left_{part}") for part in ("hip", "knee", "ankle")]], axis=1),
        axis=-1,
    )
    assert np.max(np.ptp(lengths, axis=0)) < 1e-9
    # Nothing jumps that did not before.
    jump = angle_between(result.local_rotations[1:], result.local_rotations[:-1]).max(0)
    before = angle_between(walk.local_rotations[1:], walk.local_rotations[:-1]).max(0)
    assert np.degrees(np.max(jump - before)) < 4.0


def test_the_figure_stays_on_the_actor(walk: Motion) -> None:
    for adjustment in (
        Adjustment(tilt_forward=8.0, tilt_sideways=3.0, feet_stay=False, scale=1.2, floor_height=0.4),
        Adjustment(scale=0.5),
        Adjustment(floor_height=-2.0),
    ):
        np.testing.assert_allclose(in_picture(adjusted(walk, adjustment)), in_picture(walk), atol=1e-6)
    # A lean of what goes over the ground is no movement of the whole: nearly there.
    away = in_picture(adjusted(walk, Adjustment(tilt_forward=3.0))) - in_picture(walk)
    assert np.median(np.linalg.norm(away, axis=-1)) < 0.02 * max(walk.image_size)


def test_a_floor_that_tilts_takes_everything_along(walk: Motion) -> None:
    adjustment = Adjustment(tilt_forward=10.0, tilt_sideways=-20.0, feet_stay=False)
    result = adjusted(walk, adjustment)
    np.testing.assert_allclose(result.joint_positions, rotate(adjustment.turn, walk.joint_positions), atol=1e-9)
    np.testing.assert_allclose(result.contact_positions(), rotate(adjustment.turn, walk.contact_positions()), atol=1e-9)


def test_size_and_height(walk: Motion) -> None:
    result = adjusted(walk, Adjustment(scale=1.1, floor_height=0.25)).check()
    np.testing.assert_allclose(result.joint_positions, 1.1 * walk.joint_positions + 0.25 * UP, atol=1e-9)
    np.testing.assert_allclose(result.contact_positions(), 1.1 * walk.contact_positions() + 0.25 * UP, atol=1e-9)


def on_rig(motion: Motion, rig: Rig, preset: Preset, adjustment: Adjustment, **options: str) -> tuple[Array, Array]:
    """Where the rig's bones are in the world (F, B, 3), and the matrix that puts the motion there."""
    done = retarget(
        motion,
        rig,
        with_preset(rig, preset).rig_map,
        RetargetOptions(adjustment=adjustment, **options),  # type: ignore[arg-type]
    )
    heads, _ = pose_rig(done.rig, done.rotations, done.locations, len(motion))
    world = done.rig.to_world(heads)
    if done.object_location is not None:
        world = world + (done.object_location - rig.world[:3, 3])[:, None]
    return world, done.world_from_motion


@pytest.mark.parametrize("build", [A_POSE, Build(5, legs=1.4, turned=True)])
@pytest.mark.parametrize("place", ["rest", "filmed"])
def test_on_a_rig_metres_are_the_scenes(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig], build: Build, place: str
) -> None:
    rig = rig_of(presets["unreal"], build)
    mapped = [rig.index(name) for name in ("pelvis", "head", "foot_l", "hand_r")]
    for travel in ("hips", "root", "object"):
        plain, stands = on_rig(walk, rig, presets["unreal"], Adjustment(), place=place, travel=travel)
        high, raised = on_rig(walk, rig, presets["unreal"], Adjustment(floor_height=0.3), place=place, travel=travel)
        np.testing.assert_allclose(
            high[:, mapped] - plain[:, mapped], np.broadcast_to(0.3 * UP, (len(walk), 4, 3)), atol=1e-6
        )
        np.testing.assert_allclose(raised - stands, np.outer([0, 0, 0.3, 0], [0, 0, 0, 1]), atol=1e-9)
        # A floor that tilts takes everything along: what was rigid stays so.
        tilt = Adjustment(tilt_forward=12.0, tilt_sideways=5.0, feet_stay=False)
        tilted, stood = on_rig(walk, rig, presets["unreal"], tilt, place=place, travel=travel)
        change = stood @ np.linalg.inv(stands)
        wanted = plain[:, mapped] @ change[:3, :3].T + change[:3, 3]
        np.testing.assert_allclose(tilted[:, mapped], wanted, atol=1e-5)


def test_on_a_rig_the_way_is_scaled_and_feet_hold(
    walk: Motion, presets: dict[str, Preset], rig_of: Callable[..., Rig]
) -> None:
    rig = rig_of(presets["mixamo"], A_POSE)
    plain, _ = on_rig(walk, rig, presets["mixamo"], Adjustment())
    longer, _ = on_rig(walk, rig, presets["mixamo"], Adjustment(scale=1.15))
    hips = rig.index("Hips")
    ways = [np.linalg.norm(np.ptp(heads[:, hips, :2], axis=0)) for heads in (plain, longer)]
    assert ways[1] / ways[0] == pytest.approx(1.15, rel=0.03)
    heel, tip = (walk.contact_names.index(f"left_{end}") for end in ("heel", "toe_tip"))
    both = (walk.contacts[:, heel] > 0.5) & (walk.contacts[:, tip] > 0.5)
    still = both[1:] & both[:-1]
    for adjustment in (
        Adjustment(scale=1.15),
        Adjustment(tilt_forward=5.0),
        Adjustment(tilt_sideways=-5.0, floor_height=0.02),
    ):
        heads, _ = on_rig(walk, rig, presets["mixamo"], adjustment)
        foot = heads[:, rig.index("LeftFoot")]
        # The foot does not slide, and stands as high as it did.
        assert np.percentile(np.linalg.norm(np.diff(foot, axis=0), axis=-1)[still], 95) < 2e-3
        rise = foot[both, 2] - plain[both][:, rig.index("LeftFoot"), 2] - adjustment.floor_height
        assert np.percentile(np.abs(rise), 95) < 5e-3


@pytest.mark.parametrize(("name", "value"), [("scale", 0.0), ("tilt_forward", 60.0), ("floor_height", float("nan"))])
def test_what_cannot_be(name: str, value: float) -> None:
    with pytest.raises(UsageError):
        Adjustment.from_json({name: value})


def test_it_is_kept_as_json() -> None:
    there = RetargetOptions(adjustment=Adjustment(tilt_sideways=2.0, scale=0.9))
    assert RetargetOptions.from_json(dataclasses.asdict(there)) == there
    assert RetargetOptions.from_json({"place": "filmed"}).adjustment == Adjustment()
