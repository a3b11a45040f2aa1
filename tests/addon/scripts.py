"""What scripts run inside Blender begin with: the add-on enabled, an armature to lift onto, a take to work on."""

from __future__ import annotations

ENABLED = """
import atexit
import shutil
from pathlib import Path
import motionlift
entry = bpy.context.preferences.addons.new()
entry.module = "motionlift"
motionlift.register()
atexit.register(motionlift.unregister)
from motionlift.addon.session import session
ops = bpy.ops.motionlift
scene = bpy.context.scene
choices = scene.motionlift

def refusal(operator, *how, **options):
    try:
        operator(*how, **options)
    except RuntimeError as error:
        return str(error)

def data():
    return {kind: sorted(getattr(bpy.data, kind).keys()) for kind in ("objects", "armatures", "actions")}

def heads(figure, frame):
    bpy.context.scene.frame_set(frame)
    return {bone.name: list(bone.head) for bone in figure.pose.bones}

def curves_of(action):
    return action.layers[0].strips[0].channelbags[0].fcurves if hasattr(action, "layers") else action.fcurves
"""

WITH_PERSON = (
    ENABLED
    + """
def armature(names):
    data = bpy.data.armatures.new("Rig")
    figure = bpy.data.objects.new("Rig", data)
    scene.collection.objects.link(figure)
    bpy.context.view_layer.objects.active = figure
    bpy.ops.object.mode_set(mode="EDIT")
    for name, head, tail, parent in names:
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = head, tail
        bone.parent = data.edit_bones.get(parent)
    bpy.ops.object.mode_set(mode="OBJECT")
    return figure

def person(naming=lambda name: name):
    bones = [("Hips", (0, 0, 1), (0, 0, 1.1), ""), ("Spine", (0, 0, 1.1), (0, 0, 1.4), "Hips"),
             ("Neck", (0, 0, 1.4), (0, 0, 1.5), "Spine"), ("Head", (0, 0, 1.5), (0, 0, 1.7), "Neck")]
    for side, x in (("Left", 1), ("Right", -1)):
        bones += [(f"{side}Shoulder", (0.02 * x, 0, 1.38), (0.15 * x, 0, 1.38), "Spine"),
                  (f"{side}Arm", (0.15 * x, 0, 1.38), (0.4 * x, 0, 1.2), f"{side}Shoulder"),
                  (f"{side}ForeArm", (0.4 * x, 0, 1.2), (0.6 * x, -0.02, 1.0), f"{side}Arm"),
                  (f"{side}Hand", (0.6 * x, -0.02, 1.0), (0.7 * x, -0.03, 0.9), f"{side}ForeArm"),
                  (f"{side}UpLeg", (0.1 * x, 0, 1), (0.1 * x, -0.02, 0.5), "Hips"),
                  (f"{side}Leg", (0.1 * x, -0.02, 0.5), (0.1 * x, 0, 0.1), f"{side}UpLeg"),
                  (f"{side}Foot", (0.1 * x, 0, 0.1), (0.1 * x, -0.15, 0.02), f"{side}Leg"),
                  (f"{side}ToeBase", (0.1 * x, -0.15, 0.02), (0.1 * x, -0.22, 0.02), f"{side}Foot")]
    return [(naming(name), head, tail, parent and naming(parent)) for name, head, tail, parent in bones]
"""
)

WITH_MOTION = (
    WITH_PERSON
    + """
import time
from motionlift.addon import clean_results, clean_up, driver, results, taking
from motionlift.addon.lift_jobs import Finished, Job, Status
from motionlift.addon.placing import Placing
from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
path = Path(arguments[0])
entry.preferences.engine_python = arguments[1]
motion = evenly_sampled(Motion.load(path), 24.0)
figure, state = armature(person()), session()

def lifted(name="walk", target="ACTIVE", **placing):
    # What the engine made of a video, not placed yet.
    plan = results.LiftPlan(target, figure.name, choices.rig_options(True), Placing(**placing))
    job = Job("lift", name, path.parent / f"{name}.mp4", path, LiftSettings(), 24.0, plan)
    return Finished(job, ((path, motion),), ({},), clip_fps=24.0)

def until(ready):
    end = time.monotonic() + 30.0
    while not ready():
        assert time.monotonic() < end
        driver._step(bpy.context, state)
        time.sleep(0.01)
"""
)

ON_STRIP = (
    WITH_PERSON
    + """
from motionlift.addon import camera, results, take_operators, taking
from motionlift.addon.filming import Filming
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.addon.placing import Placing
from motionlift.bridge.blender import contacts, versions
from motionlift.core.jobs import LiftSettings
from motionlift.core.motion import Motion
path, video = Path(arguments[0]), Path(arguments[1])
scene.render.fps = 24
figure = armature(person())

def placed(nla=True):
    plan = results.LiftPlan("ACTIVE", figure.name, choices.rig_options(True), Placing(nla=nla))
    job = Job("lift", "walk", video, path, LiftSettings(), 24.0, plan)
    taking.take_result(bpy.context, Finished(job, ((path, Motion.load(path)),), ({},), clip_fps=24.0), session())
    assert session().error is None, session().error
    action = results.shown_action(bpy.context)
    strips = [strip for track in figure.animation_data.nla_tracks for strip in track.strips if strip.action == action]
    return action, strips[0] if strips else None
"""
)

WITH_SAMPLE = (
    ENABLED
    + """
sample, python, folder = arguments
folder = Path(folder)
entry.preferences.engine_python = python

def sample_as(name):
    shutil.copy(sample, folder / name)
    return folder / name
"""
)

LIFTED = (
    WITH_SAMPLE
    + """
import numpy as np
from motionlift.addon import edited, results
from motionlift.bridge.blender import contacts, nla, versions
from motionlift.bridge.blender.written import written_in
video = sample_as("läufer im park.mp4")
scene.render.fps, scene.frame_start, scene.frame_end = 30, 11, 20
choices.use_trim, choices.trim_end, choices.target = True, 1.2, "NEW"
ops.lift_video(filepath=str(video), wait=True)
figure = bpy.context.view_layer.objects.active

def act():
    return results.required_action(bpy.context)

def curve(path, index):
    (found,) = [c for c in nla.curves_in(figure, act()).fcurves if c.data_path == path and c.array_index == index]
    return found

def values(path):
    indices = sorted(c.array_index for c in nla.curves_in(figure, act()).fcurves if c.data_path == path)
    return [[curve(path, i).evaluate(11.0 + f) for i in indices] for f in range(len(written_in(act()).values[0]))]

def clean(path):
    written = written_in(act())
    return np.array([v for v, (p, _, _) in zip(written.values, written.curves) if p == path]).T.tolist()

ARM = 'pose.bones["left_shoulder"].rotation_quaternion'
ROOT = 'pose.bones["pelvis"].location'
"""
)

PLACED = (
    WITH_PERSON
    + """
import time
import numpy as np
from dataclasses import replace
from motionlift.addon import clean_results, clean_up, driver, edited, results, taking, targets
from motionlift.addon.lift_jobs import Finished, Job
from motionlift.addon.placing import Placing
from motionlift.addon.prepared import prepare
from motionlift.bridge.bvh import evenly_sampled
from motionlift.core.jobs import LiftSettings, MotionLiftError
from motionlift.core.motion import Motion
path, python = Path(arguments[0]), arguments[1]
entry.preferences.engine_python = python
state = session()
scene.render.fps, scene.frame_start = 24, 1

def place(target="ACTIVE", rig="Rig"):
    options = targets.options_for(target, choices.rig_options(True))
    plan = results.LiftPlan(target, rig, options, Placing())
    job = Job("lift", "walk", path, path, LiftSettings(), 24.0, plan)
    motion = evenly_sampled(Motion.load(path), 24.0)
    one = Finished(job, ((path, motion),), ({},), clip_fps=30.0)
    one = replace(one, prepared=prepare(clean_results.preparation(bpy.context, one)))
    taking.take_result(bpy.context, one, state)
    assert state.error is None, state.error

def act():
    return results.required_action(bpy.context)

def clean(keep=False, anew=False, **choices):
    # What needs no other solve needs no engine either.
    state.tell("")
    for name, value in choices.items():
        setattr(act().motionlift, name, value)
    try:
        clean_up.begin(bpy.context, act(), new_action=anew, keep_edits=keep)
    except MotionLiftError as error:
        return error.code
    driver.run_to_end(bpy.context)
    return state.message if state.error is None else str(state.error)

def keys(path, index=0):
    curve = curves_of(act()).find(path, index=index)
    return None if curve is None else [[round(key.co[0], 2), round(key.co[1], 4)] for key in curve.keyframe_points]
"""
)

DRAWING = """
import importlib

class Button:
    def __init__(self, kind):
        object.__setattr__(self, "kind", kind)

    def __setattr__(self, name, value):
        assert name in self.kind.properties, (self.kind.identifier, name)
        Layout.asked.append([self.kind.identifier, name, value])

class Layout:
    drawn, asked = [], []

    def __getattr__(self, name):
        return lambda *arguments, **options: self

    def operator(self, name, **options):
        group, _, verb = name.partition(".")
        Layout.drawn.append(options.get("text") or name)
        return Button(getattr(getattr(bpy.ops, group), verb).get_rna_type())

    def label(self, text="", **options):
        Layout.drawn.append(text)

    def prop(self, owner, name, **options):
        assert name in owner.bl_rna.properties, name
        Layout.drawn.append(name)

    def template_list(self, kind, ident, owner, name, active, index, **options):
        assert hasattr(bpy.types, kind) and name in owner.bl_rna.properties and index in active.bl_rna.properties
        for item in getattr(owner, name):
            panel_of("batch_panel", "VideoList").draw_item(None, bpy.context, Layout(), owner, item, 0, active, index)

def panel_of(module, name):
    return getattr(importlib.import_module(f"motionlift.addon.{module}"), name)

class Self:
    layout = Layout()

def draw(module, name):
    Layout.drawn, Layout.asked = [], []
    panel = panel_of(module, name)
    assert not hasattr(panel, "poll") or panel.poll(bpy.context)
    panel.draw(Self, bpy.context)
    return Layout.drawn
"""
"""A layout on which panels are drawn that knows the operators, and `draw`, which returns what is on it then;
`Layout.asked` is what its buttons ask for."""
