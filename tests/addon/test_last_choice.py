"""What is chosen while another solve is under way: the last choice wins, and Reset and undo mean no."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from motionlift.core.motion import Motion

from .scripts import WITH_MOTION

CHOOSING = (
    WITH_MOTION
    + """
bpy.ops.ed.undo_push(message="before")
taking.take_result(bpy.context, lifted(), state)
driver.push_undo(state)

def take():
    return figure.animation_data.action.motionlift

def shown():
    return [round(take().floor_height, 3), round(take().retarget_options().adjustment.floor_height, 3), take().differs]

def move(**moved):
    # As Blender tells it where there is a window.
    for name, value in moved.items():
        setattr(take(), name, value)
    clean_up._wanted[take().id_data.name] = time.monotonic()

def rests():
    return not (state.busy or clean_up.wanted())

def begun(**moved):
    # The engine has done its part, and nothing is placed.
    move(**moved)
    until(lambda: state.preparing or state.held)

begun(floor_height=0.1)
move(floor_height=0.3)
until(lambda: not state.busy)
result["between"] = shown()
until(rests)
result["further"] = shown()

begun(floor_height=0.15)
move(tilt_forward=0.1)
until(lambda: not state.busy)
result["kept"] = [*shown()[:2], round(take().tilt_forward, 3)]
until(rests)
result["both"] = [*shown(), round(take().tilt_forward, 3)]
move(tilt_forward=0.0)
until(rests)

state.message = ""
begun(floor_height=0.6)
result["reset"] = [sorted(ops.reset_choices()), rests()]
until(rests)
result["after_reset"] = [*shown(), state.message]
move(floor_height=0.7)
ops.reset_choices()
result["wish"] = rests()
# Contacts that are being applied are not lost to a slider.
ops.show_contacts()
clean_up.begin(bpy.context, take().id_data, contacts=True)
move(floor_height=0.8)
time.sleep(2 * clean_up.REST_SECONDS)
clean_up.start_wanted(bpy.context)
(again,) = [job.payload for job in state.jobs]
result["contacts"] = [again.contacts, round(again.adjustment.floor_height, 3)]
ops.reset_choices()
ops.remove_contacts()

# Into a new Action: what is chosen meanwhile is that one's.
before = take().id_data
take().floor_height = 0.4
clean_up.begin(bpy.context, before, new_action=True)
move(floor_height=0.5)
told, settings_changed = [], clean_up.settings_changed
clean_up.settings_changed = lambda properties: told.append(properties.id_data.name)
time.sleep(2 * clean_up.REST_SECONDS)
until(rests)
clean_up.settings_changed = settings_changed
result["anew"] = [take().id_data != before, shown(), told == [take().id_data.name]]
result["old"] = [round(before.motionlift.floor_height, 3), before.motionlift.differs]
ops.reset_choices()

bpy.ops.ed.undo_push(message="cleaned up")
name = figure.name
take().floor_height = 0.9
bpy.ops.ed.undo_push(message="slider")
clean_up.begin(bpy.context, take().id_data)
until(lambda: state.preparing or state.held)
state.message = ""
bpy.ops.ed.undo()
figure = bpy.data.objects[name]
result["undone"] = [shown(), rests()]
until(rests)
result["after_undo"] = [*shown(), state.message]
# Undo of something else leaves it alone.
take().floor_height = 0.2
bpy.ops.ed.undo_push(message="slider")
scene = bpy.context.scene
scene.frame_end += 1
bpy.ops.ed.undo_push(message="other")
clean_up.begin(bpy.context, take().id_data)
bpy.ops.ed.undo()
figure = bpy.data.objects[name]
until(rests)
result["other"] = shown()

# A take that is gone: what a slider wants cannot be begun, and somebody is told.
Path(take().take).unlink()
state.tell("")
take().smoothing = 0.9
clean_up._wanted[take().id_data.name] = time.monotonic() - clean_up.REST_SECONDS
result["gone"] = [clean_up.start_wanted(bpy.context), state.error.code, clean_up.start_wanted(bpy.context)]
"""
)


def test_the_last_choice_wins(
    in_blender: Callable[..., Any], make_motion: Callable[..., Motion], engine_python: Path, tmp_path: Path
) -> None:
    path = tmp_path / "walk.motion.npz"
    make_motion(frames=40, fps=24.0, swing=0.4).save(path)
    seen = in_blender(CHOOSING, path, engine_python)
    assert seen["between"] == [0.3, 0.1, True]
    assert seen["further"] == [0.3, 0.3, False]
    assert seen["kept"] == [0.15, 0.15, 0.1]
    assert seen["both"] == [0.15, 0.15, False, 0.1]
    assert seen["reset"] == [["FINISHED"], True]
    assert seen["after_reset"] == [0.15, 0.15, False, ""]
    assert seen["wish"]
    assert seen["contacts"] == [True, 0.8]
    assert seen["anew"] == [True, [0.5, 0.4, True], True]
    assert seen["old"] == [0.15, False]
    assert seen["undone"] == [[0.4, 0.4, False], True]
    assert seen["after_undo"] == [0.4, 0.4, False, ""]
    assert seen["other"] == [0.2, 0.2, False]
    assert seen["gone"] == [True, "take_missing", False]
