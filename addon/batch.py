"""A list of videos that are lifted one after the other, unattended: what is in it, and how each one ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path

import bpy

from ..core.jobs import MotionLiftError
from .file_names import file_named
from .lift_jobs import Finished
from .panel_words import in_panel
from .results import LiftPlan
from .session import session
from .takes import VIDEO_SUFFIXES

WAITING, DONE, FAILED = "WAITING", "DONE", "FAILED"
STATE_ITEMS = (
    (WAITING, "To Do", "Not lifted yet"),
    (DONE, "Lifted", "Its Action is there"),
    (FAILED, "Failed", "Could not be lifted"),
)


class BatchVideo(bpy.types.PropertyGroup):
    """One video of the list."""

    path: bpy.props.StringProperty(name="Video", subtype="FILE_PATH")
    ident: bpy.props.StringProperty(description="Tells it from the others, wherever it is moved")
    state: bpy.props.EnumProperty(items=STATE_ITEMS)
    words: bpy.props.StringProperty(description="The Action, or why there is none")


class BatchProperties(bpy.types.PropertyGroup):
    """The list of a scene."""

    videos: bpy.props.CollectionProperty(type=BatchVideo)
    index: bpy.props.IntProperty(name="Chosen Video", description="The video that the buttons are about")

    def add(self, paths: Iterable[Path]) -> int:
        """Put videos at the end, those that are in the list already left out; how many were added."""
        known = {file_named(video.path) for video in self.videos}
        count = 0
        for path in paths:
            if path in known:
                continue
            known.add(path)
            video = self.videos.add()
            video.path, video.ident = str(path), uuid.uuid4().hex
            count += 1
        self.index = max(len(self.videos) - 1, 0)
        return count

    def to_do(self) -> list[BatchVideo]:
        """What is not lifted yet; what failed is tried again."""
        return [video for video in self.videos if video.state != DONE]


def videos_in(folder: Path) -> list[Path]:
    """The videos of a folder, by name. Raises `MotionLiftError` (`no_folder`, `no_videos`)."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
    except OSError as error:
        raise MotionLiftError("no_folder", f"{folder} cannot be read: {error.strerror or error}.", "") from error
    if not found:
        raise MotionLiftError("no_videos", f"There is no video in {folder.name}.", "Choose another folder.")
    return found


def is_of_batch(finished: Finished) -> bool:
    """Whether a job came from a list."""
    return isinstance(finished.job.payload, LiftPlan) and bool(finished.job.payload.batch)


def note(finished: Finished, message: str, error: MotionLiftError | None) -> None:
    """Write into the list how one of its videos ended."""
    for scene in bpy.data.scenes:
        for video in scene.motionlift_batch.videos:
            if video.ident == finished.job.payload.batch:
                cancelled = error is not None and error.code == "cancelled"
                video.state = WAITING if cancelled else DONE if error is None else FAILED
                video.words = message if error is None else in_panel(str(error))


def waiting() -> set[str]:
    """Which videos are in the queue, at work, or lifted and not in the scene yet."""
    plans = [job.payload for job in session().jobs]
    return {plan.batch for plan in plans if isinstance(plan, LiftPlan) and plan.batch}


def summary(properties: BatchProperties) -> str:
    """How the list stands: `3 lifted, 1 failed: notes.mp4`."""
    lifted = sum(video.state == DONE for video in properties.videos)
    failed = [Path(video.path).name for video in properties.videos if video.state == FAILED]
    left = len(properties.videos) - lifted - len(failed)
    parts = [f"{lifted} lifted"]
    if failed:
        parts.append(f"{len(failed)} failed: {', '.join(failed)}")
    if left:
        parts.append(f"{left} to do")
    return "; ".join(parts)


CLASSES = (BatchVideo, BatchProperties)


def register() -> None:
    """Hang the list on scenes."""
    bpy.types.Scene.motionlift_batch = bpy.props.PointerProperty(type=BatchProperties)


def unregister() -> None:
    """Take it off again."""
    if hasattr(bpy.types.Scene, "motionlift_batch"):
        del bpy.types.Scene.motionlift_batch
