"""The parts of a person that a rig's bones can play, and which bones of one rig play them.

A *role* is named for the joint of `Motion` where its bones begin (`left_shoulder`: the upper arm); a role may have
several bones in a row, which share its rotation. The trunk between pelvis and neck is one role, `spine`, however many
bones it has; `root` stands on the floor and carries the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FINGERS = ("thumb", "index", "middle", "ring", "pinky")
PHALANGES = 3
SIDES = ("left", "right")
MIDDLE_ROLES = ("root", "pelvis", "spine", "neck", "head")
SIDE_ROLES = ("clavicle", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
FINGER_ROLES = tuple(f"{finger}_{number}" for finger in FINGERS for number in range(1, PHALANGES + 1))
ROLES = (*MIDDLE_ROLES, *(f"{side}_{role}" for side in SIDES for role in (*SIDE_ROLES, *FINGER_ROLES)))
NEEDED = ("pelvis", *(f"{side}_{role}" for side in SIDES for role in ("shoulder", "elbow", "hip", "knee")))
"""Without these a rig is no humanoid."""


@dataclass(frozen=True)
class Switch:
    """A property of a bone that has to have a value, keyed once: a custom one, or its `ik_stretch`."""

    bone: str
    name: str
    value: float


@dataclass(frozen=True)
class IkLimb:
    """Controls of a limb that is posed by its end: names of bones, empty where there is none.

    `usual`: whether they are used where nobody says otherwise; `on`, `off`: what to switch where they are, or not.
    """

    target: str
    pole: str = ""
    toe: str = ""
    usual: bool = True
    on: tuple[Switch, ...] = ()
    off: tuple[Switch, ...] = ()


@dataclass(frozen=True)
class RigMap:
    """Which bones of a rig play which part, by name.

    `bones` by role, from the body outwards; `beside` by role: bones that turn with the first of these; `twists` by
    role: bones that take a part of the limb's twist; `corrections` by role: a turn in degrees about x, y, z, in this
    order, of the T-pose that we would assume; `ik` by the role where the limb begins; `carriers`: see
    `Rig.following`; `travel`: `hips` or `root`, what carries the way along the ground; `family`: the preset's name.
    """

    bones: Mapping[str, tuple[str, ...]]
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    twists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    corrections: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    ik: Mapping[str, IkLimb] = field(default_factory=dict)
    switches: tuple[Switch, ...] = ()
    travel: str = "hips"
    family: str = ""
    title: str = ""

    def count(self) -> int:
        """How many bones are mapped."""
        return sum(len(names) for part in (self.bones, self.beside, self.twists) for names in part.values())

    def ik_used(self, limbs: str) -> dict[str, IkLimb]:
        """The limbs whose IK controls are keyed: the usual ones ("auto"), all ("ik") or none that can be switched
        off ("fk")."""
        return {
            role: limb
            for role, limb in self.ik.items()
            if limbs == "ik" or (limbs == "auto" and limb.usual) or not limb.off
        }

    def ik_targets(self, limbs: str) -> frozenset[str]:
        """The controls that hold the ends of the limbs of `ik_used`."""
        return frozenset(limb.target for limb in self.ik_used(limbs).values())

    def all_switches(self, limbs: str) -> tuple[Switch, ...]:
        """Every property to key, for limbs as in `ik_used`."""
        used = self.ik_used(limbs)
        by_limb = [switch for role, limb in self.ik.items() for switch in (limb.on if role in used else limb.off)]
        return (*self.switches, *by_limb)

    def missing(self) -> tuple[str, ...]:
        """Roles of a body, fingers and root apart, that no bone plays."""
        wanted = [role for role in ROLES if not role.endswith(tuple("123")) and role != "root"]
        return tuple(role for role in wanted if not self.bones.get(role))


def side_of(role: str) -> str:
    """`left`, `right`, or nothing for roles on the midline."""
    side = role.partition("_")[0]
    return side if side in SIDES else ""


def in_words(role: str) -> str:
    """A role as one says it: "left upper arm"."""
    words = {
        "clavicle": "collarbone", "shoulder": "upper arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh",
        "knee": "shin", "ankle": "foot", "toe": "toes",
    }  # fmt: skip
    side = side_of(role)
    part = role.removeprefix(f"{side}_") if side else role
    return f"{side} {words.get(part, part.replace('_', ' '))}".strip()
