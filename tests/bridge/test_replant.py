"""Planting a motion's own feet: nothing without contacts, stillness with them, freedom where one is taken away."""

from __future__ import annotations

import dataclasses

import numpy as np

from motionlift.bridge.replant import replanted
from motionlift.core.motion import Motion
from motionlift.core.rotation import Array


def _slides(motion: Motion, contacts: Array) -> Array:
    """How far each contact point goes from frame to frame while it holds, mm."""
    way = np.linalg.norm(np.diff(motion.contact_positions(), axis=0), axis=-1)
    holds = (contacts[1:] > 0.5) & (contacts[:-1] > 0.5)
    return np.asarray(1000 * way[holds])


def test_without_contacts_nothing_changes(walk: Motion) -> None:
    free = replanted(dataclasses.replace(walk, contacts=np.zeros_like(walk.contacts)))
    np.testing.assert_allclose(free.joint_positions, walk.joint_positions, atol=1e-9)
    np.testing.assert_allclose(free.root_translation, walk.root_translation, atol=1e-9)


def test_a_foot_that_slides_stands_where_its_contact_says(walk: Motion) -> None:
    # The whole figure drifts sideways, slowly: no foot stands still any more.
    drift = np.zeros((len(walk), 3))
    drift[:, 0] = 0.1 * (walk.times - walk.times[0])
    sliding = dataclasses.replace(
        walk, root_translation=walk.root_translation + drift, joint_positions=walk.joint_positions + drift[:, None]
    )
    assert np.median(_slides(sliding, walk.contacts)) > 1.0
    planted = replanted(sliding)
    assert np.max(_slides(planted, walk.contacts)) < 0.01
    # A contact that is deleted lets its foot go.
    contacts = np.array(walk.contacts)
    left = [number for number, name in enumerate(walk.contact_names) if name.startswith("left")]
    contacts[:, left] = 0.0
    let_go = replanted(dataclasses.replace(sliding, contacts=contacts))
    assert np.median(_slides(let_go, np.where(contacts > 0, 0.0, walk.contacts))) > 1.0
    assert np.max(_slides(let_go, contacts)) < 0.01


def test_the_body_keeps_its_lengths(walk: Motion) -> None:
    planted = replanted(walk)
    for joint, parent in enumerate(walk.parents):
        if parent >= 0:
            lengths = np.linalg.norm(planted.joint_positions[:, joint] - planted.joint_positions[:, parent], axis=-1)
            np.testing.assert_allclose(lengths, np.linalg.norm(walk.rest_offsets[joint]), atol=1e-6)
