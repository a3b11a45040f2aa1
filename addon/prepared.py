"""Retargeting before a result is put into the scene, in a thread: it takes longer than Blender may stand still."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ..bridge.humanoid import RigMap
from ..bridge.retarget import Retargeted, RetargetOptions, retarget
from ..bridge.rig import Rig
from ..core.jobs import MotionLiftError
from ..core.motion import Motion

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Wanted:
    """Motions to be put on a rig."""

    motions: Sequence[Motion]
    rig: Rig
    rig_map: RigMap
    options: RetargetOptions


@dataclass(frozen=True, eq=False)
class Prepared:
    """What became of it, motion by motion."""

    wanted: Wanted
    done: tuple[Retargeted, ...]

    def of(self, motion: Motion, rig: Rig, rig_map: RigMap, options: RetargetOptions) -> Retargeted | None:
        """The keys for `motion`, if they were made for this rig as it is, mapped and treated so; else None."""
        wanted = self.wanted
        if (rig_map, options) != (wanted.rig_map, wanted.options) or not same_rig(rig, wanted.rig):
            return None
        return next((keys for of, keys in zip(wanted.motions, self.done, strict=True) if of is motion), None)


def prepare(wanted: Wanted) -> Prepared | None:
    """Retarget the motions. Nothing is raised: what fails is tried again when it is placed, and told then."""
    try:
        done = tuple(retarget(motion, wanted.rig, wanted.rig_map, wanted.options) for motion in wanted.motions)
    except MotionLiftError as error:
        log.info("retargeting beforehand: %s", error)
        return None
    except Exception:
        log.exception("retargeting beforehand")
        return None
    return Prepared(wanted, done)


def same_rig(one: Rig, other: Rig) -> bool:
    """Whether two rigs are alike in everything."""
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Rig))
