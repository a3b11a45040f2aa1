"""The camera and the footage of a take, made ready beside Blender's own thread: what is long in it is the footage.

Without bpy: `camera.py` says what is wanted, and puts the result into the scene.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from ..bridge.adjusting import adjusted, leaned
from ..bridge.bvh import evenly_sampled
from ..bridge.footage import Footage, FootageRun, clip_time, proxy_path
from ..bridge.humanoid import RigMap
from ..bridge.retarget import RetargetOptions, retarget
from ..bridge.rig import Rig
from ..core.jobs import Cancelled
from ..core.motion import SUFFIX, Motion
from ..core.rotation import Array
from .threads import in_thread

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class CameraPlan:
    """What is wanted: the camera of the take in the file `shown`, which the Action called `action` shows at `fps` from
    its `first_frame` on, before `video`, in a scene, at whose frame `frame` it was asked for; there each frame of the
    Action is `pace` long. `action_uid`, `scene`: the `session_uid` of both, since they may be renamed. `clip_fps`: the
    video's rate. `rig`: whose bones it was put on, with its map; None where the armature was made for the motion: then
    `world` (4, 4) is the armature object's. `engine`: the video engine's Python and the folder of its imports; None:
    the video is shown as it is. `view`: the address of the 3D view that shall look through it.
    """

    action: str
    action_uid: int
    scene: int
    frame: int
    shown: Path
    video: Path
    first_frame: int
    fps: float
    options: RetargetOptions
    world: Array
    pace: float = 1.0
    clip_fps: float = 0.0
    rig: Rig | None = None
    rig_map: RigMap | None = None
    engine: tuple[Path, Path] | None = None
    view: int = 0


@dataclass(frozen=True, eq=False)
class Filmed:
    """A take as it stands, a sample a frame of the scene, where it was put, (4, 4) as `Retargeted` has it, and its
    footage."""

    motion: Motion
    world_from_motion: Array
    footage: Footage


class Filming:
    """`plan` being carried out in a thread."""

    def __init__(self, plan: CameraPlan) -> None:
        self.plan = plan
        self._run: FootageRun | None = None
        self._stopped = threading.Event()
        self._future: Future[Filmed] = in_thread(self._prepare)

    @property
    def finished(self) -> bool:
        """Whether `result` returns at once."""
        return self._future.done()

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants it any more."""
        return self._stopped.is_set()

    @property
    def fraction(self) -> float:
        """How much of the footage is there, 0 to 1."""
        return self._run.done / self._run.total if self._run is not None and self._run.total else 0.0

    @property
    def words(self) -> str:
        """What is done, with its counts: `Preparing the footage 120 of 300`."""
        if self.cancelled:
            return "Cancelling"
        counts = f" {self._run.done} of {self._run.total}" if self._run is not None and self._run.done else ""
        return f"Preparing the footage{counts}"

    def cancel(self) -> None:
        """Stop it; nothing half-made stays on the disk."""
        self._stopped.set()
        if self._run is not None:
            self._run.cancel()

    def result(self) -> Filmed:
        """Wait for it. Raises `MotionLiftError`: what `Motion.load`, `retarget` and `FootageRun` raise; `Cancelled`."""
        return self._future.result()

    def _prepare(self) -> Filmed:
        plan = self.plan
        loaded = Motion.load(plan.shown)
        written = evenly_sampled(loaded, plan.fps)
        motion = written if plan.pace == 1.0 else evenly_sampled(loaded, plan.fps * plan.pace)
        if plan.rig is not None and plan.rig_map is not None:
            placed = retarget(written, plan.rig, plan.rig_map, plan.options).world_from_motion
            stands = leaned(motion, plan.options.adjustment)
        else:
            placed, stands = plan.world, adjusted(motion, plan.options.adjustment)
        footage = self._footage(motion)
        # Sound has one speed.
        return Filmed(stands, placed, footage if plan.pace == 1.0 else replace(footage, sound=None))

    def _footage(self, motion: Motion) -> Footage:
        """Frame by frame with `motion`: the video itself, or where that would drift a proxy beside the take."""
        plan = self.plan
        if plan.engine is None:
            return Footage(plan.video, skipped=round(clip_time(motion) * plan.clip_fps))
        proxy = proxy_path(plan.shown.parent, plan.shown.name.removesuffix(SUFFIX), motion.fps)
        there = proxy.exists()
        if self._stopped.is_set():
            raise Cancelled
        self._run = FootageRun(*plan.engine, motion, plan.video, proxy, overwrite=True)
        if self._stopped.is_set():
            self._run.cancel()
        try:
            return self._run.result()
        finally:
            # The wish may come when all is written.
            if self.cancelled and not there:
                proxy.unlink(missing_ok=True)
