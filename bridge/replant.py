"""A motion with other contacts: its own figure's feet put down where, and only where, they say.

The solve plants feet at the contacts that it found. Where an animator says otherwise, feet are planted here as on any
other rig (`feet.py`): the motion is put on its own skeleton.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..core.motion import Motion
from ..core.rotation import continuous, forward_kinematics
from .match import chosen
from .planting import rest_joints
from .retarget import RetargetOptions, retarget
from .rig import make_rig

OWN_PRESET = "motionlift"


def replanted(motion: Motion) -> Motion:
    """The motion with its contacts held: feet that stand neither slide nor turn, the hips come down where legs do not
    reach, and hands and seat hold too. Made for a motion that is not planted yet, or for other contacts.

    Lengths and the place in the world stay. Raises what `chosen` and `retarget` raise.
    """
    rest = rest_joints(motion)
    rig = make_rig(motion.joint_names, motion.parents, rest, rest + motion.rest_tails)
    options = RetargetOptions(travel="hips", scale="none", place="filmed", limbs="fk")
    done = retarget(motion, rig, chosen(rig, OWN_PRESET).rig_map, options)
    rotations = np.array(motion.local_rotations)
    for bone, turns in done.rotations.items():
        rotations[:, motion.joint(done.rig.names[bone])] = turns
    root = np.array(motion.root_translation)
    for bone, way in done.locations.items():
        joint = motion.joint(done.rig.names[bone])
        if motion.parents[joint] < 0:
            root = rest[joint] + way
    rotations = continuous(rotations)
    positions, _ = forward_kinematics(motion.parents, motion.rest_offsets, root, rotations)
    return dataclasses.replace(
        motion, root_translation=root, local_rotations=rotations, joint_positions=positions
    ).check()
