"""What is marked for a look, and contacts that survive being keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from motionlift.bridge.review import PARTS, contact_edges, contacts_of_edges, part_confidence, weak_stretches
from motionlift.core.motion import Motion


def test_parts_cover_the_body(walk: Motion) -> None:
    assert set(part_confidence(walk)) == set(PARTS)
    named = {joint for joints in PARTS.values() for joint in joints}
    assert named <= set(walk.joint_names)


def test_weak_stretches(walk: Motion) -> None:
    confidence = np.ones_like(walk.confidence)
    assert weak_stretches(dataclasses.replace(walk, confidence=confidence)) == []
    arm = [walk.joint("left_elbow"), walk.joint("left_wrist")]
    leg = [walk.joint(f"right_{joint}") for joint in ("knee", "ankle", "toe")]
    confidence[50:70, arm] = 0.1
    confidence[73:90, arm] = 0.1  # the gap between is a blink
    confidence[80:100, leg] = 0.2
    confidence[200:203, leg] = 0.0  # too short
    (found,) = weak_stretches(dataclasses.replace(walk, confidence=confidence))
    assert (found.start, found.stop) == (50, 100)
    assert found.text == "check left arm, right leg"


def test_contacts_become_edges_and_come_back(make_motion: Callable[..., Motion]) -> None:
    contacts = make_motion(frames=200).contacts
    for column in contacts.T:
        edges = contact_edges(column)
        assert edges[0][0] == 0
        np.testing.assert_array_equal(contacts_of_edges(edges[::-1], 200), (column > 0.5).astype(float))
    np.testing.assert_array_equal(contacts_of_edges([(3, 1), (6, 0)], 8), [1, 1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(contacts_of_edges([], 3), [0, 0, 0])
