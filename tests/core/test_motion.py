"""The motion record and its file: round trip, checks, rates, resampling."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.jobs import MotionLiftError
from motionlift.core.keypoints import HandKeypoints
from motionlift.core.motion import STANDARD_RATES, Motion, resample, standard_rate
from motionlift.core.rotation import Array, angle_between, forward_kinematics

MotionMaker = Callable[..., Motion]


def _equal(a: Motion, b: Motion, rtol: float = 0.0) -> None:
    for field in dataclasses.fields(Motion):
        ours, theirs = getattr(a, field.name), getattr(b, field.name)
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol, err_msg=field.name)
        else:
            assert ours == theirs


def test_what_is_saved_is_loaded(tmp_path: Path, make_motion: MotionMaker) -> None:
    motion = make_motion(times=3600 + np.arange(50) / 29.97)
    motion.save(tmp_path / "läufer.motion.npz")
    again = Motion.load(tmp_path / "läufer.motion.npz")
    _equal(again, motion, rtol=1e-6)
    for exact in ("times", "root_translation", "local_rotations", "joint_positions", "rest_offsets"):
        np.testing.assert_array_equal(getattr(again, exact), getattr(motion, exact))
    assert [path.name for path in tmp_path.iterdir()] == ["läufer.motion.npz"]


def test_the_file_is_plain_numpy_and_keeps_the_contract(tmp_path: Path, make_motion: MotionMaker) -> None:
    motion = make_motion()
    motion.save(tmp_path / "a.motion.npz")
    with np.load(tmp_path / "a.motion.npz", allow_pickle=False) as archive:
        assert str(archive["format"]) == "motionlift-motion-1"
        expected = {field.name for field in dataclasses.fields(Motion)} - {"hands"} | {"format"}
        assert set(archive.files) == expected
        positions, _ = forward_kinematics(
            archive["parents"], archive["rest_offsets"], archive["root_translation"], archive["local_rotations"]
        )
        np.testing.assert_allclose(positions, archive["joint_positions"], atol=1e-5)
        for name in archive.files:
            if archive[name].dtype.kind == "f" and name not in ("keypoints_2d", "lifted_camera"):
                assert np.isfinite(archive[name]).all()


def _hands(frames: int) -> HandKeypoints:
    random = np.random.default_rng(0)
    hands = HandKeypoints(
        random.uniform(0, 500, (frames, 2, 21, 2)).astype(np.float32),
        random.normal(size=(frames, 2, 21, 3)).astype(np.float32),
        random.uniform(size=(frames, 2)), random.uniform(size=(frames, 2)),
    )  # fmt: skip
    for values in (hands.pixels, hands.world):
        values[3] = np.nan
    return hands


def test_hands_are_kept_in_flat_keys(tmp_path: Path, make_motion: MotionMaker) -> None:
    motion = dataclasses.replace(make_motion(), hands=_hands(40)).check()
    motion.save(tmp_path / "a.motion.npz")
    with np.load(tmp_path / "a.motion.npz", allow_pickle=False) as archive:
        assert {"hand_pixels", "hand_world", "hand_confidence", "hand_left"} <= set(archive.files)
    again = Motion.load(tmp_path / "a.motion.npz")
    assert again.hands is not None
    assert motion.hands is not None
    for field in dataclasses.fields(HandKeypoints):
        ours = getattr(again.hands, field.name)
        np.testing.assert_allclose(ours, getattr(motion.hands, field.name), rtol=1e-6)
    halved = resample(motion, motion.fps / 2)
    assert halved.hands is not None
    assert len(halved.hands) == len(halved)
    np.testing.assert_array_equal(halved.hands.pixels[1], motion.hands.pixels[2])


def test_wrong_hands_are_refused(tmp_path: Path, make_motion: MotionMaker) -> None:
    motion = make_motion()
    endless = dataclasses.replace(_hands(40), confidence=np.full((40, 2), np.nan))
    for hands, said in ((_hands(39), "hand_pixels"), (endless, "hand_confidence")):
        with pytest.raises(MotionLiftError) as caught:
            dataclasses.replace(motion, hands=hands).check()
        assert said in caught.value.message
    dataclasses.replace(motion, hands=_hands(40)).save(tmp_path / "a.motion.npz")
    with np.load(tmp_path / "a.motion.npz") as archive:
        kept = {name: archive[name] for name in archive.files if name != "hand_left"}
    np.savez(tmp_path / "b.motion.npz", **kept)
    with pytest.raises(MotionLiftError) as caught:
        Motion.load(tmp_path / "b.motion.npz")
    assert "hands" in caught.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"times": np.zeros(40)}, "times"),
        ({"times": np.arange(39) / 30}, "root_translation"),
        ({"fps": 0.0}, "rate"),
        ({"local_rotations": np.zeros((40, 21, 4))}, "unit"),
        ({"root_translation": np.full((40, 3), np.nan)}, "root_translation"),
        ({"parents": np.arange(21)}, "parent"),
        ({"confidence": np.zeros((40, 20))}, "confidence"),
        ({"camera_K": np.eye(3)}, "camera_K"),
    ],
)
def test_what_breaks_the_contract_is_refused(make_motion: MotionMaker, change: dict[str, object], said: str) -> None:
    with pytest.raises(MotionLiftError) as caught:
        dataclasses.replace(make_motion(), **change).check()  # type: ignore[arg-type]
    assert caught.value.code == "bad_motion"
    assert said in caught.value.message


def test_a_motion_without_frames_is_refused(make_motion: MotionMaker) -> None:
    empty = {
        field.name: getattr(make_motion(), field.name)[:0]
        for field in dataclasses.fields(Motion)
        if getattr(getattr(make_motion(), field.name), "shape", (0,))[0] == 40
    }
    with pytest.raises(MotionLiftError, match="no frames"):
        dataclasses.replace(make_motion(), **empty).check()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 half a zip"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.motion.npz"
    path.write_bytes(content)
    with pytest.raises(MotionLiftError) as caught:
        Motion.load(path)
    assert caught.value.code == "bad_motion"
    with pytest.raises(MotionLiftError) as caught:
        Motion.load(tmp_path)
    assert caught.value.code == "no_file"


def test_archives_of_others_and_with_missing_keys_are_refused(tmp_path: Path, make_motion: MotionMaker) -> None:
    path = tmp_path / "a.motion.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(MotionLiftError, match="format"):
        Motion.load(path)
    make_motion().save(path)
    with np.load(path) as archive:
        kept = {name: archive[name] for name in archive.files if name != "contacts"}
    np.savez(path, **kept)
    with pytest.raises(MotionLiftError, match="contacts"):
        Motion.load(path)


def test_a_cut_file_is_refused(tmp_path: Path, make_motion: MotionMaker) -> None:
    make_motion().save(tmp_path / "a.motion.npz")
    data = (tmp_path / "a.motion.npz").read_bytes()
    for share in (0.2, 0.6, 0.95):
        (tmp_path / "b.motion.npz").write_bytes(data[: int(len(data) * share)])
        with pytest.raises(MotionLiftError) as caught:
            Motion.load(tmp_path / "b.motion.npz")
        assert caught.value.code == "bad_motion"


def test_a_file_that_rotted_on_its_disk_is_refused(tmp_path: Path, make_motion: MotionMaker) -> None:
    make_motion().save(tmp_path / "a.motion.npz")
    data = np.frombuffer((tmp_path / "a.motion.npz").read_bytes(), np.uint8)
    random = np.random.default_rng(0)
    for at in random.integers(0, len(data) - 200, 100):
        rotten = data.copy()
        rotten[at : at + 200] = random.integers(0, 256, 200)
        (tmp_path / "b.motion.npz").write_bytes(rotten.tobytes())
        with pytest.raises(MotionLiftError) as caught:
            Motion.load(tmp_path / "b.motion.npz")
        assert caught.value.code == "bad_motion"


@pytest.mark.parametrize("rate", [float(rate) for rate in STANDARD_RATES])
@pytest.mark.parametrize("decimals", [3, 9])
def test_standard_rates_are_found_from_their_times(rate: float, decimals: int) -> None:
    times = np.round(7 + np.arange(600) / rate, decimals)
    assert standard_rate(times) == pytest.approx(rate, rel=3e-4)
    assert standard_rate(np.arange(6000) / rate) == rate


@pytest.mark.parametrize(
    ("rate", "frames", "dropped"),
    [
        (30, 60, [30]),
        (25, 250, [9, 80, 81, 200]),
        (60, 600, range(5, 600, 29)),
        (30000 / 1001, 1800, [5, 100, 900]),
        (30, 600, range(200, 230)),
    ],
)
def test_dropped_frames_do_not_change_the_rate(rate: float, frames: int, dropped: Sequence[int]) -> None:
    assert standard_rate(np.delete(np.arange(frames) / rate, list(dropped))) == pytest.approx(rate, rel=1e-9)


def test_other_rates() -> None:
    assert standard_rate(np.arange(300) / 17.3) == pytest.approx(17.3)
    assert standard_rate(np.array([0.0])) > 0
    random = np.random.default_rng(0)
    jumping = np.cumsum(random.choice([1, 1, 1, 2], 500)) / 30
    assert standard_rate(jumping) == 30
    dropped = np.delete(np.arange(3000) / 25, [100, 1000])
    assert standard_rate(dropped) == 25


def test_resampling_to_the_same_samples_changes_nothing(make_motion: MotionMaker) -> None:
    motion = make_motion()
    again = resample(motion, motion.fps)
    _equal(again, motion, rtol=1e-9)


@pytest.mark.parametrize("fps", [24.0, 30000 / 1001, 60.0, 100.0])
def test_resampling_follows_the_motion(make_motion: MotionMaker, fps: float) -> None:
    def at(times: Array) -> Motion:
        return make_motion(times=times, fps=fps)

    coarse = at(np.arange(80) / 40)
    result = resample(coarse, fps).check()
    truth = at(result.times)
    assert result.times[-1] <= coarse.times[-1]
    assert coarse.times[-1] - result.times[-1] < 1 / fps
    assert np.max(np.linalg.norm(result.joint_positions - truth.joint_positions, axis=-1)) < 0.01
    assert np.max(angle_between(result.local_rotations, truth.local_rotations)) < 0.01
    positions, _ = forward_kinematics(
        result.parents, result.rest_offsets, result.root_translation, result.local_rotations
    )
    np.testing.assert_allclose(positions, result.joint_positions, atol=1e-9)


@pytest.mark.parametrize("fps", [29.97, 30000 / 1001, float(np.float32(30000) / np.float32(1001)), 23.976, 59.94, 25.0])
@pytest.mark.parametrize("decimals", [3, 9])
def test_resampling_keeps_the_last_frame(make_motion: MotionMaker, fps: float, decimals: int) -> None:
    """Rates as people type them, times as containers round them."""
    for frames in (30, 31, 37, 300):
        exact = min(STANDARD_RATES, key=lambda rate: abs(float(rate) - fps))
        motion = dataclasses.replace(
            make_motion(frames=frames), times=np.round(np.arange(frames) / float(exact), decimals)
        )
        assert len(resample(motion, fps)) == frames


def test_resampling_uneven_times_and_single_frames(make_motion: MotionMaker) -> None:
    uneven = make_motion(times=np.delete(np.arange(60) / 30, [7, 8, 20, 41]))
    result = resample(uneven, 30)
    assert len(result) == 60
    kept = np.delete(np.arange(60), [7, 8, 20, 41])
    np.testing.assert_allclose(result.joint_positions[kept], uneven.joint_positions, atol=1e-9)
    one = make_motion(frames=1)
    assert len(resample(one, 24)) == 1


def test_resampling_takes_moving_cameras_along(make_motion: MotionMaker) -> None:
    motion = make_motion()
    moving = dataclasses.replace(
        motion,
        camera_K=np.repeat(motion.camera_K, 40, 0) * np.linspace(1, 2, 40)[:, None, None],
        world_from_camera=np.repeat(motion.world_from_camera, 40, 0),
    )
    half = resample(moving, 15)
    np.testing.assert_allclose(half.camera_K, moving.camera_K[::2])
    assert len(half.world_from_camera) == len(half)


def test_contacts_sit_on_the_feet(make_motion: MotionMaker) -> None:
    motion = make_motion()
    points = motion.contact_positions()
    ankles = motion.joint_positions[:, motion.contact_parents]
    lengths = np.linalg.norm(points - ankles, axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(np.linalg.norm(motion.contact_offsets, axis=-1), lengths.shape))
