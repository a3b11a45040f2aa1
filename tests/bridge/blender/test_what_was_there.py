"""What an armature did and where it stood before a lift: none of it gets into the take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift.bridge.preset import Preset
from motionlift.bridge.rig import Rig
from motionlift.core.motion import Motion, resample

from ..conftest import A_POSE
from .test_actions import PRELUDE, spec_of

InBlender = Callable[..., Any]

HERO = (
    PRELUDE
    + """
motion = Motion.load(Path(arguments[0]))
last = len(motion)

def lifted(figure, travel="hips", at=1):
    # Where the hips go, in the first frame and the last one, seen in the world.
    scene.render.fps = 10
    scene.frame_set(at)
    animate(figure, motion, choose, RetargetOptions(travel=travel), "take")
    return [[float(value) for value in figure.matrix_world @ Matrix.Translation(seen(figure, ["Hips"], frame)[0])
             .translation] for frame in (1, last)]
"""
)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, walk: Motion) -> Path:
    path = tmp_path_factory.mktemp("motion") / "short.motion.npz"
    resample(walk, 10.0).save(path)
    return path


@pytest.fixture
def hero(presets: dict[str, Preset], rig_of: Callable[..., Rig]) -> dict[str, Any]:
    return spec_of(rig_of(presets["mixamo"], A_POSE))


def test_an_action_that_moves_nothing_is_in_nobodys_way(
    in_blender: InBlender, short: Path, hero: dict[str, Any]
) -> None:
    """*New* in the Action Editor makes an empty Action; one that was made for another object moves nothing here."""
    script = (
        HERO
        + """
result["plain"] = lifted(make_rig(hero := arguments[1]))

def empty(figure, action):
    figure.animation_data_create().action = action

def only_a_slot(figure, action):
    empty(figure, action)
    figure.animation_data.action_slot = action.slots.new("OBJECT", figure.name)

def only_a_layer(figure, action):
    action.layers.new("Layer")
    empty(figure, action)

def of_another(figure, action):
    other = bpy.data.objects.new("Other", None)
    other.animation_data_create().action = action
    other.keyframe_insert("location", frame=1)
    empty(figure, action)
    assert figure.animation_data.action_slot is None

slotted = hasattr(bpy.types.Action, "slots")
for before in (empty, only_a_slot, only_a_layer, of_another) if slotted else (empty,):
    figure, action = make_rig(hero, before.__name__), bpy.data.actions.new(before.__name__)
    before(figure, action)
    result[before.__name__] = lifted(figure)
    made = figure.animation_data.action
    assert action.use_fake_user and made != action
    assert not slotted or [slot.identifier for slot in made.slots] == ["OB" + figure.name]
"""
    )
    found = in_blender(script, short, hero)
    plain = found.pop("plain")
    assert found
    assert found == dict.fromkeys(found, plain)
