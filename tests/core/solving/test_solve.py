"""The whole solve on figures whose truth is known, seen through a perfect detector and a perfect network."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
import torch

from motionlift.core.jobs import MotionLiftError
from motionlift.core.keypoints import Keypoints2D
from motionlift.core.rotation import IDENTITY, forward_kinematics, from_euler, rotate
from motionlift.core.skeleton import ANIMATION_21, body_points, reference_rest, support_points
from motionlift.core.solving import sequence, stretches
from motionlift.core.solving.again import resolve
from motionlift.core.solving.figure import Person
from motionlift.core.solving.moved import UNKNOWNS
from motionlift.core.solving.solve import solve_people

from .seen_perfectly import FRAMES, SETTINGS, SIZE, TIMES, K, overlay_error, perceived, standing


def test_a_figure_seen_perfectly_is_found_where_it_is() -> None:
    points, joints = standing(0.5)
    (motion,) = solve_people([perceived(points)], K, SETTINGS, [{}])
    assert np.median(overlay_error(motion)) < 2
    # The world's origin lies under the first pelvis, so places are compared from there.
    off = motion.joint_positions - motion.joint_positions[:1, :1] - (joints - joints[:1, :1])
    assert np.linalg.norm(off, axis=-1).mean() < 0.04
    assert motion.joint_positions[0, 0, :2] == pytest.approx(0, abs=0.02)
    assert abs(motion.contact_positions()[:, :4, 2]).max() < 0.03


def test_a_clip_in_stretches_comes_out_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    person = perceived(standing(0.5, 0.2)[0], first=3, last=FRAMES - 4)
    (whole,) = solve_people([person], K, SETTINGS, [{}])
    monkeypatch.setattr(stretches, "STRETCH", 16)
    (parts,) = solve_people([person], K, SETTINGS, [{}])
    for name in ("joint_positions", "local_rotations", "contacts", "confidence"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-9)


def test_how_far_a_solve_is_counts_the_frames_of_all_people_in_all_passes() -> None:
    people, told = [perceived(standing(x)[0], first=10) for x in (-0.6, 0.6)], list[tuple[object, ...]]()
    solve_people(people, K, SETTINGS, [{}, {}], lambda *step: told.append(step))
    frames = 2 * (FRAMES - 10)
    assert told == [("solve", done * frames // 6, frames) for done in range(7)]


def test_an_hour_takes_a_few_kilobytes_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes on top with length, beside what is given: 108,000 frames and torch are to fit into 1.2 GB."""
    monkeypatch.setattr(sequence._Window, "solved", lambda self, *_: torch.zeros(self._frames * UNKNOWNS))
    # How many windows are under way at a peak is chance.
    monkeypatch.setattr(sequence, "AT_ONCE", 1)
    person = perceived(standing(0.5)[0])
    peaks = []
    for times in (30, 60):
        frames = times * FRAMES
        to_and_fro = [np.arange(FRAMES)[:: -1 if number % 2 else 1] for number in range(times)]
        seen = person.keypoints.window(0, FRAMES)
        order = np.concatenate(to_and_fro)
        keypoints = Keypoints2D(
            np.arange(frames) / 30, seen.pixels[order], seen.confidence[order], seen.detected[order], SIZE
        )
        long = Person(keypoints, person.lifted_camera[order])
        tracemalloc.start(1)
        solve_people([long], K, SETTINGS, [{}])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / (30 * FRAMES) < 3200


def test_two_people_share_camera_and_floor() -> None:
    people = [perceived(standing(-0.9)[0]), perceived(standing(0.9)[0])]
    left, right = solve_people(people, K, SETTINGS, [{}, {}])
    np.testing.assert_array_equal(left.world_from_camera, right.world_from_camera)
    np.testing.assert_array_equal(left.camera_K, right.camera_K)
    assert right.root_translation[:, 0].mean() - left.root_translation[:, 0].mean() == pytest.approx(1.8, abs=0.1)


def test_a_child_beside_a_grown_up_is_as_tall_as_their_floor_says() -> None:
    people = [perceived(standing(-0.9)[0]), perceived(standing(1.2)[0] * 0.65)]
    grown_up, child = solve_people(people, K, SETTINGS, [{}, {}])
    assert child.source["height_is"] == "by the floor"
    assert child.source["height_m"] == pytest.approx(0.65 * 1.70, abs=0.12)
    heights = [np.ptp(each.joint_positions[..., 2], axis=1).mean() for each in (grown_up, child)]
    assert heights[1] / heights[0] == pytest.approx(0.65, abs=0.07)
    assert abs(child.contact_positions()[:, :4, 2]).max() < 0.03
    # Alone again, it stays as tall.
    again = resolve(child, SETTINGS)
    assert np.ptp(again.joint_positions[..., 2], axis=1).mean() == pytest.approx(heights[1], rel=0.01)
    # Whoever says how tall people are is believed.
    given = solve_people(people, K, dataclasses.replace(SETTINGS, height_m=1.6), [{}, {}])
    assert "height_is" not in given[1].source
    assert resolve(child, dataclasses.replace(SETTINGS, height_m=1.6)).source["height_is"] == "given"


def test_one_who_moves_along_travels_as_far() -> None:
    (motion,) = solve_people([perceived(standing(-0.6, speed=0.4)[0])], K, SETTINGS, [{}])
    travelled = motion.root_translation[-1] - motion.root_translation[0]
    assert travelled == pytest.approx([0.4 * TIMES[-1], 0, 0], abs=0.12)


def test_who_stands_on_the_hands_stands_on_the_floor() -> None:
    """Upside down for the whole clip, arms stretched: hands carry, feet and knees in the air do not."""
    local = np.tile(IDENTITY, (FRAMES, len(ANIMATION_21), 1))
    for joint, angle in (("left_shoulder", -85.0), ("right_shoulder", 85.0)):
        local[:, ANIMATION_21.index(joint)] = from_euler(np.radians([[0.0, angle, 0.0]]), "XYZ")
    local[:, 0] = from_euler(np.stack([0 * TIMES, np.pi + 0.05 * np.sin(3 * TIMES), 0 * TIMES], -1), "XYZ")
    offsets = reference_rest()[0]
    root = np.zeros((FRAMES, 3))
    joints, world = forward_kinematics(ANIMATION_21.parents, offsets, root, local)
    carriers, palms = support_points(offsets)
    hands = joints[:, carriers[:2]] + rotate(world[:, carriers[:2]], palms[:2])
    points = body_points(joints, world, offsets) - [0.0, 0.0, hands[..., 2].min()]
    (motion,) = solve_people([perceived(points)], K, SETTINGS, [{}])
    height = {
        name: np.median(motion.joint_positions[:, motion.joint(name), 2])
        for name in ("left_wrist", "head", "left_ankle")
    }
    assert height["left_wrist"] == pytest.approx(0.1, abs=0.1)
    assert height["left_wrist"] + 0.3 < height["head"] < height["left_ankle"] - 1.0
    contacts = dict(zip(motion.contact_names, motion.contacts.mean(0), strict=True))
    assert max(contacts[name] for name in contacts if not name.endswith("hand")) < 0.05
    assert min(contacts["left_hand"], contacts["right_hand"]) > 0.9


def test_bones_are_constant_and_forward_kinematics_agree() -> None:
    (motion,) = solve_people([perceived(standing(0.0)[0])], K, SETTINGS, [{}])
    again, _ = forward_kinematics(motion.parents, motion.rest_offsets, motion.root_translation, motion.local_rotations)
    np.testing.assert_allclose(again, motion.joint_positions, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(motion.local_rotations, axis=-1), 1, atol=1e-6)


def test_before_and_after_the_person_is_seen_the_nearest_pose_is_held() -> None:
    (motion,) = solve_people([perceived(standing(0.0)[0], 20, 70)], K, SETTINGS, [{}])
    assert np.isfinite(motion.joint_positions).all()
    np.testing.assert_array_equal(motion.joint_positions[:20], np.repeat(motion.joint_positions[20:21], 20, 0))
    np.testing.assert_array_equal(motion.joint_positions[70:], np.repeat(motion.joint_positions[69:70], 20, 0))
    assert motion.contacts[:20].max() == 0
    assert motion.confidence[:20].max() < motion.confidence[20:70].mean()


def test_a_person_seen_in_two_frames_is_refused() -> None:
    with pytest.raises(MotionLiftError) as caught:
        solve_people([perceived(standing(0.0)[0], 10, 12)], K, SETTINGS, [{}])
    assert caught.value.code == "person_too_short"
