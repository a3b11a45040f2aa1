"""Retargeting before a result is put into the scene, in a thread: it takes longer than Blender may stand still. So does
making a Rigify human, which another Blender does meanwhile."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from ..bridge.adjusting import Adjustment, adjusted
from ..bridge.humanoid import RigMap
from ..bridge.outside import rigify_human_in_blender
from ..bridge.replant import replanted
from ..bridge.retarget import Retargeted, RetargetOptions, retarget
from ..bridge.rig import Rig
from ..core.jobs import MotionLiftError
from ..core.motion import Motion
from ..core.rotation import Array

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Wanted:
    """Motions to be put on a rig; without one, on armatures of their own, or with a `blender` (the program) on Rigify
    humans of these `names`. `contacts` (F, C): those of the motion, if it is one, at which its feet are planted first,
    with `plant`, or only told."""

    motions: Sequence[Motion]
    rig: Rig | None
    rig_map: RigMap | None
    options: RetargetOptions
    contacts: Array | None = None
    plant: bool = False
    blender: Path | None = None
    names: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Prepared:
    """What became of it, motion by motion: as they were planted, and as they were retargeted, or without a rig as they
    stand in the end; or the files in `folder` with the Rigify human of each."""

    wanted: Wanted
    motions: tuple[Motion, ...]
    done: tuple[Retargeted, ...] = ()
    stands: tuple[Motion, ...] = ()
    folder: tempfile.TemporaryDirectory[str] | None = None

    def human_of(self, motion: Motion) -> Path | None:
        """The .blend with the Rigify human that was made for `motion`, if one was."""
        if self.folder is None:
            return None
        return next((_human(self.folder, n) for n, of in enumerate(self.motions) if of is motion), None)

    def with_contacts(self, contacts: Array, plant: bool) -> Motion | None:
        """The motion with these contacts, if it was wanted with them; else None."""
        known = self.wanted.contacts
        same = known is not None and np.array_equal(known, contacts) and plant == self.wanted.plant
        return self.motions[0] if same else None

    def of(self, motion: Motion, rig: Rig, rig_map: RigMap, options: RetargetOptions) -> Retargeted | None:
        """The keys for `motion`, if they were made for this rig as it is, mapped and treated so; else None."""
        wanted = self.wanted
        if wanted.rig is None or (rig_map, options) != (wanted.rig_map, wanted.options):
            return None
        if not same_rig(rig, wanted.rig):
            return None
        return next((keys for of, keys in zip(self.motions, self.done, strict=True) if of is motion), None)

    def stood(self, motion: Motion, adjustment: Adjustment) -> Motion | None:
        """`motion` as it stands so adjusted on an armature of its own, if that was worked out; else None."""
        if self.wanted.rig is not None or adjustment != self.wanted.options.adjustment:
            return None
        return next((stands for of, stands in zip(self.motions, self.stands, strict=True) if of is motion), None)


def prepare(wanted: Wanted) -> Prepared | None:
    """Retarget the motions. Nothing is raised: what fails is tried again when it is placed, and told then."""
    try:
        motions = tuple(wanted.motions)
        if wanted.contacts is not None:
            motions = tuple(with_contacts(motion, wanted.contacts, wanted.plant) for motion in motions)
        if wanted.blender is not None:
            folder = tempfile.TemporaryDirectory(prefix="motionlift-", ignore_cleanup_errors=True)
            for number, (motion, name) in enumerate(zip(motions, wanted.names, strict=True)):
                rigify_human_in_blender(wanted.blender, motion, _human(folder, number), name)
            return Prepared(wanted, motions, folder=folder)
        rig, rig_map = wanted.rig, wanted.rig_map
        if rig is None or rig_map is None:
            stands = tuple(adjusted(motion, wanted.options.adjustment) for motion in motions)
            return Prepared(wanted, motions, stands=stands)
        done = tuple(retarget(motion, rig, rig_map, wanted.options) for motion in motions)
    except MotionLiftError as error:
        log.info("retargeting beforehand: %s", error)
        return None
    except Exception:
        log.exception("retargeting beforehand")
        return None
    return Prepared(wanted, motions, done)


def _human(folder: tempfile.TemporaryDirectory[str], number: int) -> Path:
    return Path(folder.name) / f"human_{number}.blend"


def with_contacts(motion: Motion, contacts: Array, plant: bool) -> Motion:
    """The motion with other contacts (F, C), and with `plant` its feet there."""
    motion = replace(motion, contacts=contacts)
    # Without Plant Feet they are kept for when it is wanted again.
    return replanted(motion) if plant else motion


def same_rig(one: Rig, other: Rig) -> bool:
    """Whether two rigs are alike in everything."""
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Rig))
