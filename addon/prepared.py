"""Retargeting before a result is put into the scene, in a thread: it takes longer than Blender may stand still. So does
making a Rigify human, which another Blender does meanwhile."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from ..bridge.adjusting import Adjustment, adjusted
from ..bridge.humanoid import RigMap
from ..bridge.match import match
from ..bridge.outside import rigify_human_in_blender
from ..bridge.preset import Preset
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
    humans of these `names`, which `presets` tell the bones of. `contacts` (F, C): those of the motion, if it is one, at
    which its feet are planted first, with `plant`, or only told."""

    motions: Sequence[Motion]
    rig: Rig | None
    rig_map: RigMap | None
    options: RetargetOptions
    contacts: Array | None = None
    plant: bool = False
    blender: Path | None = None
    names: Sequence[str] = ()
    presets: Mapping[str, Preset] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What became of it, motion by motion: as they were planted, and as they were retargeted onto these rigs, or
    without a rig as they stand in the end; the files with the Rigify human of each are in `folder`."""

    wanted: Wanted
    motions: tuple[Motion, ...]
    rigs: tuple[tuple[Rig, RigMap], ...] = ()
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
        if options != self.wanted.options or not self.done:
            return None
        for of, (own, own_map), keys in zip(self.motions, self.rigs, self.done, strict=True):
            if of is motion:
                return keys if rig_map == own_map and same_rig(rig, own) else None
        return None

    def stood(self, motion: Motion, adjustment: Adjustment) -> Motion | None:
        """`motion` as it stands so adjusted on an armature of its own, if that was worked out; else None."""
        if not self.stands or adjustment != self.wanted.options.adjustment:
            return None
        return next((stands for of, stands in zip(self.motions, self.stands, strict=True) if of is motion), None)


def prepare(wanted: Wanted) -> Prepared | None:
    """Retarget the motions. Nothing is raised: what fails is tried again when it is placed, and told then."""
    try:
        motions = tuple(wanted.motions)
        if wanted.contacts is not None:
            motions = tuple(with_contacts(motion, wanted.contacts, wanted.plant) for motion in motions)
        if wanted.blender is not None:
            return _with_humans(wanted, wanted.blender, motions)
        if wanted.rig is None or wanted.rig_map is None:
            stands = tuple(adjusted(motion, wanted.options.adjustment) for motion in motions)
            return Prepared(wanted, motions, stands=stands)
        return _retargeted(wanted, motions, [(wanted.rig, wanted.rig_map)] * len(motions))
    except MotionLiftError as error:
        log.info("retargeting beforehand: %s", error)
        return None
    except Exception:
        log.exception("retargeting beforehand")
        return None


def _with_humans(wanted: Wanted, blender: Path, motions: tuple[Motion, ...]) -> Prepared:
    folder = tempfile.TemporaryDirectory(prefix="motionlift-", ignore_cleanup_errors=True)
    rigs = []
    for number, (motion, name) in enumerate(zip(motions, wanted.names, strict=True)):
        rig = rigify_human_in_blender(blender, motion, _human(folder, number), name)
        rigs.append((rig, match(rig, wanted.presets).rig_map))
    return replace(_retargeted(wanted, motions, rigs), folder=folder)


def _retargeted(wanted: Wanted, motions: tuple[Motion, ...], rigs: Sequence[tuple[Rig, RigMap]]) -> Prepared:
    done = tuple(
        retarget(motion, rig, rig_map, wanted.options) for motion, (rig, rig_map) in zip(motions, rigs, strict=True)
    )
    return Prepared(wanted, motions, tuple(rigs), done)


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
