"""From a worker's folder to the places where files belong: noted first, moved then, nobody else's touched."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from pathlib import Path
from typing import Any

from ..files import replace_patiently
from ..jobs import MotionLiftError, Result, UsageError
from .manifest import Manifest, Output, Record, file_hash, picture_path
from .todo import Plan, foreign_output, is_foreign
from .work import PICTURE, TAKE

log = logging.getLogger(__name__)

LEAST_FREE_BYTES = 20_000_000
"""With less than this on the disk no new clip is begun once one could not be written."""


class Publisher:
    """Puts the files of clips to their places below `plan.folder`."""

    def __init__(self, manifest: Manifest, plan: Plan) -> None:
        self._manifest = manifest
        self._plan = plan

    def prepare(self, clip: str, folder: Path) -> None:
        """An empty folder for the worker, and the certainty that nothing of anybody is in the way."""
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
            self._plan.folder.prepare(clip)
            ours = self._manifest.written_for(clip)
            there = None if self._plan.overwrite else foreign_output(clip, self._plan, ours)
        except (OSError, ValueError) as error:
            raise MotionLiftError(
                "bad_output",
                f"The files of {clip} cannot be made: {getattr(error, 'strerror', None) or error}.",
                "Rename the video, or check the output folder's permissions and space.",
            ) from error
        if there is not None:
            raise self._in_the_way(there)

    def publish(self, record: Record, result: Result) -> Record:
        """Note what the new files hold, move them to their places, and remove files of ours that are none any more."""
        folder = self._plan.folder
        moves = [(Path(path), record.clip + Path(path).name[len(TAKE) :]) for path in result.motions]
        ours = self._manifest.written_for(record.clip)
        try:
            outputs = tuple(Output(name, new.stat().st_size, file_hash(new)) for new, name in moves)
            for _, name in moves:
                if not self._plan.overwrite and is_foreign(name, folder, ours):
                    raise self._in_the_way(name)
            self._manifest.append(dataclasses.replace(record, outputs=outputs))
            for new, name in moves:
                folder.put(new, name)
            for name in set(ours) - {output.path for output in outputs}:
                old = name.endswith(self._plan.suffixes) and folder.size(name) is not None
                if old and not is_foreign(name, folder, ours):
                    folder.remove(name)
        except OSError as error:
            raise MotionLiftError(
                "write_failed",
                f"The files of {record.clip} could not be written: {error.strerror or error}.",
                "Check free space and permissions, then start the same command again.",
            ) from error
        details: dict[str, Any] = result.details
        return dataclasses.replace(
            record,
            state="done",
            hash=details["hash"],
            versions=details["versions"],
            outputs=outputs,
            seconds=details["seconds"],
            figures=tuple(details["figures"]),
            warnings=result.warnings,
        )

    def move_picture(self, clip: str, folder: Path) -> None:
        """Keep a clip's small picture, if there is one; the take is none the worse without."""
        target = picture_path(self._plan.folder.local, clip)
        try:
            if (folder / PICTURE).is_file():
                target.parent.mkdir(exist_ok=True)
                replace_patiently(folder / PICTURE, target)
        except OSError as error:
            log.warning("no picture of %s: %s", clip, error)

    def look_at_disk(self, said: dict[str, str]) -> None:
        """Raises `disk_full` where a write failed, as `said`, for want of room."""
        if self._plan.folder.free() < LEAST_FREE_BYTES:
            raise MotionLiftError(
                "disk_full",
                f"The disk is full. {said['message']}",
                "Make room, then start the same command again: what is done stays done.",
            )

    def _in_the_way(self, name: str) -> UsageError:
        return UsageError(
            "output_exists",
            f"{self._plan.folder}/{name} exists already, and was not written by this batch or was edited since.",
            "Move it away, or add --overwrite to replace it.",
        )
