"""The command line: what it refuses before any work, what it writes, how it ends."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motionlift import __version__
from motionlift.core import reconstruction, service
from motionlift.core.batch.inputs import clip_name
from motionlift.core.bvh import positions, read_bvh
from motionlift.core.commands import console, doctor
from motionlift.core.hand_skeleton import ANIMATION_51, FINGERS
from motionlift.core.jobs import Cancelled, LiftSettings, MotionLiftError, ProgressCallback, Request, UsageError
from motionlift.core.motion import Motion
from motionlift.core.skeleton import ANIMATION_21

MotionMaker = Callable[..., Motion]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lifted(monkeypatch: pytest.MonkeyPatch, make_motion: MotionMaker) -> list[Request]:
    """Made-up lifts instead of real ones, by the video's name; the requests are collected."""
    requests: list[Request] = []

    def produce(request: Request, progress: ProgressCallback, cancelled: Callable[[], bool]) -> list[Motion]:
        requests.append(request)
        name = Path(request.video).name
        if "nobody" in name:
            raise MotionLiftError("no_person", "Nobody was [found].", "Film somebody.")
        if "wrong" in name:
            raise UsageError("no_such_person", "There is no person 7.", "There are 2.")
        if "explodes" in name:
            raise ZeroDivisionError("seven")
        if "stopped" in name:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.05)
            assert cancelled()
            raise Cancelled
        for done in range(3):
            progress("detect", done, 2)
        return [make_motion(seed=i) for i in range(2 if "two" in name else 1)]

    monkeypatch.setattr(service, "produce", produce)
    return requests


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_clip_becomes_a_bvh(tmp_path: Path, run: Run, lifted: list[Request], make_motion: MotionMaker) -> None:
    code, out, err = run("lift", "walk.mp4", "-o", tmp_path / "Läufer.bvh")
    assert code == 0
    assert "Läufer.bvh" in out
    assert "40 frames at 30 a second" in out
    assert "Finding people 2/2" in err
    clip, motion = read_bvh(tmp_path / "Läufer.bvh"), make_motion()
    order = [clip.names.index(name) for name in motion.joint_names]
    seen = positions(clip)[:, order] / 100
    np.testing.assert_allclose(
        np.stack([seen[..., 0], -seen[..., 2], seen[..., 1]], -1), motion.joint_positions, atol=1e-5
    )


def test_motion_files_and_options(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    code, _, _ = run(
        "lift", "walk.mp4", "-o", tmp_path / "TAKE.motion.npz", "--start", "0:01:02.5", "--end", "70",
        "--height", "1.8", "--fov", "60", "--no-floor", "--no-cache", "--person", "2", "--mirror", "--fps", "15",
    )  # fmt: skip
    assert code == 0
    settings = lifted[0].settings
    assert (settings.start, settings.end, settings.height_m, settings.fov_degrees) == (62.5, 70.0, 1.8, 60.0)
    assert (settings.floor, settings.use_cache, settings.person, settings.mirror) == (False, False, "2", True)
    motion = Motion.load(tmp_path / "TAKE.motion.npz")
    assert motion.fps == 15
    assert len(motion) == 20


def test_several_people_and_formats(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    code, _, _ = run("lift", "two.mp4", "-o", tmp_path, "--format", "bvh,motion", "--person", "all")
    assert code == 0
    assert _names(tmp_path) == ["two_P1.bvh", "two_P1.motion.npz", "two_P2.bvh", "two_P2.motion.npz"]


def test_one_failing_clip_stops_no_other_and_a_table_closes(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    code, out, err = run("lift", "a.mp4", "nobody.mp4", "explodes.mp4", "wrong.mp4", "b.mov", "-o", tmp_path)
    assert code == 1
    assert _names(tmp_path) == ["a.bvh", "b.bvh"]
    assert "Nobody was [found]." in err
    assert "Film somebody." in err
    assert "Traceback" not in err
    assert all(word in out for word in ("nobody.mp4", "failed (no_person)", "failed (internal)", "b.mov", "done"))


def test_wrong_usage_found_while_lifting_is_still_wrong_usage(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    assert run("lift", "wrong.mp4", "-o", tmp_path / "a.bvh")[0] == 2
    assert run("lift", "nobody.mp4", "-o", tmp_path / "a.bvh")[0] == 1
    assert _names(tmp_path) == []


def test_ctrl_c_stops_cleanly(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    # A shell's background command ignores it from the start.
    before = signal.getsignal(signal.SIGINT)
    code, out, err = run("lift", "stopped.mp4", "b.mp4", "-o", tmp_path)
    assert code == 130
    assert "Stopping" in err
    assert "not begun" in out
    assert _names(tmp_path) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_names_that_collide_keep_their_suffix(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    code, _, _ = run("lift", "a.mp4", "A.mov", "b.mp4", "-o", tmp_path)
    assert code == 0
    assert _names(tmp_path) == ["A.mov.bvh", "a.mp4.bvh", "b.bvh"]
    code, _, err = run("lift", "one/c.mp4", "two/c.mp4", "-o", tmp_path)
    assert code == 2
    assert "different folders" in err


def test_a_narrow_terminal_shows_whole_names(
    tmp_path: Path, run: Run, lifted: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.output, "_width", 24)
    code, out, _ = run("lift", "the_first_of_all.mp4", "the_first_of_both_nobody.mp4", "-o", tmp_path)
    assert code == 1
    table = out[out.index("Clip") :]
    names = "".join(line.strip().strip("│").split("│")[0].strip() for line in table.splitlines() if "│" in line)
    assert "the_first_of_all.mp4the_first_of_both_nobody.mp4" in names
    assert "done" in table
    assert "no_per" in table


def test_clip_names(tmp_path: Path) -> None:
    (tmp_path / "shot.v1").mkdir()
    names = {"walk.final.mp4": "walk.final", "shot.v1": "shot.v1", "img_%04d.png": "img", "%d.png": tmp_path.name}
    assert {name: clip_name(tmp_path / name) for name in names} == names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lift"], "Missing argument"),
        (["lift", "a.mp4"], "--output"),
        (["lift", "a.mp4", "-o", "{}/take.fbx"], ".bvh"),
        (["lift", "a.mp4", "-o", "{}/take.npz"], ".motion.npz"),
        (["lift", "a.mp4", "-o", "{}/.bvh"], "does not exist"),
        (["lift", "a.mp4", "-o", "{}/none/"], "does not exist"),
        (["lift", "a.mp4", "-o", "{}/none/take.bvh"], "does not exist"),
        (["lift", "a.mp4", "-o", "{}/there.bvh"], "--overwrite"),
        (["lift", "a.mp4", "there.mp4", "-o", "{}"], "--overwrite"),
        (["lift", "there.mp4", "-o", "{}", "--format", "motion", "--person", "all"], "there_P1"),
        (["lift", "a.mp4", "b.mp4", "-o", "{}/take.bvh"], "folder"),
        (["lift", "a.mp4", "-o", "{}", "--format", "fbx"], "'fbx'"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--format", "motion"], "--format"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--start", "soon"], "'soon'"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--start", "5", "--end", "3"], "later than the start"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--height", "17"], "metres"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--person", "me"], "largest"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--bvh-up", "X"], "up axis"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--bvh-unit", "inch"], "cm"),
        (["lift", "a.mp4", "-o", "{}/take.bvh", "--fps", "0"], "out of range"),
        (["people", "a.mp4", "-o", "{}/strip.jpg"], ".png"),
        (["export", "a.motion.npz", "-o", "{}/a.fbx"], ".bvh"),
        (["dance"], "dance"),
    ],
)
def test_wrong_usage_is_refused_before_any_work(
    tmp_path: Path, run: Run, lifted: list[Request], arguments: list[str], said: str
) -> None:
    for name in ("there.bvh", "there_P1.motion.npz"):
        (tmp_path / name).write_text("precious")
    code, _, err = run(*(argument.replace("{}", str(tmp_path)) for argument in arguments))
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert lifted == []
    assert _names(tmp_path) == ["there.bvh", "there_P1.motion.npz"]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"precious"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    tmp_path.chmod(0o500)
    code, _, err = run("lift", "a.mp4", "-o", tmp_path)
    assert code == 2
    assert "not writable" in err


def test_overwrite_replaces(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    (tmp_path / "take.bvh").write_text("old")
    assert run("lift", "a.mp4", "-o", tmp_path / "take.bvh", "--overwrite")[0] == 0
    assert len(read_bvh(tmp_path / "take.bvh")) == 40
    assert _names(tmp_path) == ["take.bvh"]


def test_people_found_only_later_do_not_replace_files(tmp_path: Path, run: Run, lifted: list[Request]) -> None:
    (tmp_path / "two_P2.bvh").write_text("precious")
    code, _, err = run("lift", "two.mp4", "-o", tmp_path / "two.bvh")
    assert code == 2
    assert "two_P2.bvh" in err
    assert _names(tmp_path) == ["two_P2.bvh"]


def test_export_writes_what_lift_writes(
    tmp_path: Path, run: Run, lifted: list[Request], make_motion: MotionMaker
) -> None:
    make_motion().save(tmp_path / "a.motion.npz")
    assert run("lift", "a.mp4", "-o", tmp_path / "lift.bvh", "--bvh-up", "z", "--bvh-unit", "m")[0] == 0
    arguments = ("export", tmp_path / "a.motion.npz", "-o", tmp_path / "export.bvh", "--up", "z", "--unit", "m")
    assert run(*arguments)[0] == 0
    assert (tmp_path / "export.bvh").read_bytes() == (tmp_path / "lift.bvh").read_bytes()
    assert run(*arguments)[0] == 2
    (tmp_path / "text.motion.npz").write_text("no motion")
    code, _, err = run("export", tmp_path / "text.motion.npz", "-o", tmp_path / "b.bvh")
    assert code == 1
    assert "Not a motion file" in err


def test_an_unforeseen_failure_has_no_traceback_unless_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("seven")

    monkeypatch.setattr(service, "find_people", broken)
    code, _, err = run("people", "a.mp4")
    assert code == 1
    assert "seven" in err
    assert "--verbose" in err
    assert "Traceback" not in err


def test_doctor_names_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> list[doctor.Check]:
        return [
            doctor.Check("good thing", "good", "1.0"),
            doctor.Check("optional thing", "note", "old", "renew it"),
            doctor.Check("needed [thing]", "missing", "[none]", "get it"),
        ]

    monkeypatch.setattr(doctor, "checks", found)
    code, out, _ = run("doctor")
    assert code == 1
    assert all(word in out for word in ("needed [thing]", "[none]", "get it", "renew it"))
    code, out, _ = run("doctor", "--json")
    assert code == 0
    assert [doctor.Check(**told) for told in json.loads(out)] == found()
    monkeypatch.setattr(doctor, "checks", lambda: found()[:2])
    assert run("doctor")[0] == 0


def test_doctor_looks_at_everything_here() -> None:
    checks = {check.name: check for check in doctor.checks()}
    assert checks["Python"].state == "good"
    for name in ("motionlift", "torch", "mediapipe", "devices", "pose models", "weights", "cache"):
        assert checks[name].found
    assert all(check.advice for check in checks.values() if check.state != "good")


def test_the_module_is_the_command_and_help_is_light() -> None:
    code = (
        "import sys\n"
        "from motionlift.__main__ import main\n"
        "sys.argv = ['motionlift', 'lift', '--help']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    heavy = [m for m in ('torch', 'mediapipe', 'av', 'scipy', 'bpy') if m in sys.modules]\n"
        "    print('heavy:', heavy, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert "--overwrite" in done.stdout
    assert "heavy: []" in done.stderr
    module = [sys.executable, "-m", "motionlift", "--version"]
    assert subprocess.run(module, capture_output=True, text=True, check=True).stdout.split() == [
        "motionlift",
        __version__,
    ]


@pytest.mark.usefixtures("weights")
def test_the_sample_from_video_to_bvh(tmp_path: Path, sample_video: Path, detections: Path, run: Run) -> None:
    """The main job, with nothing made up: a figure as tall as asked, upright, on the floor, left on its left."""
    arguments = (
        "lift",
        sample_video,
        "-o",
        tmp_path,
        "--format",
        "bvh,motion",
        "--end",
        "2",
        "--cache-dir",
        detections,
    )
    code, out, err = run(*arguments, "--height", "1.8")
    assert code == 0, err
    assert "walk_wave_squat.bvh" in out
    assert all(word in err for word in ("Opening", "Finding people 60/60", "Lifting", "Solving", "Writing 2/2"))
    clip = read_bvh(tmp_path / "walk_wave_squat.bvh")
    motion = Motion.load(tmp_path / "walk_wave_squat.motion.npz").check()
    assert len(clip) == len(motion) == 60
    assert clip.frame_time == pytest.approx(1 / 30)
    seen = positions(clip) / 100
    assert 1.4 < np.median(np.ptp(seen[..., 1], axis=1)) < 1.9
    assert abs(np.median(seen[..., 1].min(1))) < 0.15
    side = motion.joint_positions[:, motion.joint("left_hip")] - motion.joint_positions[:, motion.joint("right_hip")]
    front = motion.joint_positions[:, motion.joint("left_toe")] - motion.joint_positions[:, motion.joint("left_ankle")]
    assert np.mean(np.cross(front, side)[:, 2] > 0) > 0.9


@pytest.mark.usefixtures("weights")
def test_the_sample_with_its_fingers(tmp_path: Path, sample_video: Path, detections: Path, run: Run) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    code, _, err = run(
        "lift", sample_video, "-o", folder, "--format", "bvh,motion", "--hands", "--end", 6, "--cache-dir", detections
    )
    assert code == 0, err
    clip = read_bvh(folder / "walk_wave_squat.bvh")
    motion = Motion.load(folder / "walk_wave_squat.motion.npz")
    assert set(clip.names) == set(motion.joint_names) == set(ANIMATION_51.joints)
    assert motion.hands is not None
    assert motion.source["settings"]["hands"] is True
    waving = [motion.joint(f"right_{finger}_1") for finger in FINGERS]
    assert motion.confidence[125:165, waving].mean() > 0.5
    # What the file holds is enough to solve again, with fingers and without.
    again = reconstruction.resolve(motion, LiftSettings(hands=True))
    # The file holds keypoints in single precision.
    np.testing.assert_allclose(again.joint_positions, motion.joint_positions, atol=0.02)
    body = reconstruction.resolve(motion, LiftSettings())
    assert body.joint_names == ANIMATION_21.joints
    assert body.hands is not None
    with pytest.raises(MotionLiftError) as caught:
        reconstruction.resolve(dataclasses.replace(body, hands=None), LiftSettings(hands=True))
    assert caught.value.code == "no_hands"


def test_people_of_the_sample(tmp_path: Path, sample_video: Path, detections: Path, run: Run) -> None:
    strip = tmp_path / "people.png"
    code, out, err = run("people", sample_video, "-o", strip, "--end", "2", "--cache-dir", detections)
    assert code == 0, err
    assert "largest" in out
    with Image.open(strip) as picture:
        assert min(picture.size) > 100


@pytest.mark.usefixtures("weights")
def test_what_is_no_video_gets_a_message_and_leaves_nothing(
    tmp_path: Path, sample_video: Path, detections: Path, run: Run
) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("This is no video.")
    (tmp_path / "head.mp4").write_bytes(sample_video.read_bytes()[:2000])
    (tmp_path / "folder").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    for name in ("empty.mp4", "text.mp4", "head.mp4", "folder", "missing.mp4"):
        code, _, err = run("lift", tmp_path / name, "-o", out, "--cache-dir", detections)
        assert code in (1, 2), name
        error = err[err.index("Error: ") :].strip().splitlines()
        assert name in error[0]
        assert len(error) > 1, f"no hint for {name}"
        assert "internal" not in err
        assert "Something went wrong" not in err
    for option, value in [("--weights", tmp_path / "none.safetensors"), ("--weights", tmp_path / "text.mp4"),
                          ("--pose-model", tmp_path / "text.mp4"), ("--person", "7")]:  # fmt: skip
        code, _, err = run("lift", sample_video, "-o", out, "--end", "2", "--cache-dir", detections, option, value)
        assert code in (1, 2), option
        assert "Something went wrong" not in err
    assert _names(out) == []
