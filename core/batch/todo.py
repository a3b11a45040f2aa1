"""What is left to do of a clip: the clip, its files and the settings of now against what the manifest says."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from ..bvh import BvhOptions
from ..jobs import LiftSettings, MotionLiftError, take_paths
from .folder import Folder
from .inputs import Clip
from .manifest import Output, Record, Stamp
from .storage import Url, Video

Why = Literal["new", "missing", "changed", "failed", "interrupted", "forced"]

MOST_PEOPLE = 8
"""What `--max-people` allows."""


@dataclass(frozen=True)
class Plan:
    """What a run is to make of every clip, in `folder`. `suffixes`: of the files; `overwrite`: also files that are not
    ours, or were edited since; `retry_failed`: also what failed; `force`: everything."""

    folder: Folder
    settings: LiftSettings
    suffixes: tuple[str, ...]
    options: BvhOptions = field(default_factory=BvhOptions)
    overwrite: bool = False
    retry_failed: bool = True
    force: bool = False

    def identity(self) -> dict[str, Any]:
        """The settings that decide what comes out, as the manifest keeps them."""
        lift = self.settings.of_result()
        bvh = {
            f.name: getattr(self.options, f.name)
            for f in dataclasses.fields(self.options)
            if getattr(self.options, f.name) != f.default
        }
        return {"lift": lift, **({"bvh": bvh} if bvh else {})}


def why(clip: Clip, record: Record | None, plan: Plan) -> Why | None:
    """Why a clip is to be lifted, None where everything about it is as it should be (or failed, and is to stay so)."""
    if record is None:
        return "new"
    if plan.force:
        return "forced"
    if record.state in ("started", "stopped"):
        return "interrupted"
    if (
        record.settings != plan.identity()
        or not set(plan.suffixes) <= set(record.formats)
        or _video_changed(clip.video, record)
    ):
        return "changed"
    if record.state == "failed":
        return "failed" if plan.retry_failed else None
    wanted = [output for output in record.outputs if output.path.endswith(plan.suffixes)]
    return None if all(_is_there(plan.folder, output) for output in wanted) else "missing"


def _video_changed(video: Video, record: Record) -> bool:
    """Whether a video holds something else than what was lifted; read only where its stamp differs.

    A video that is gone has not changed: what was made of it stays.
    """
    stamp = Stamp.of(video)
    if stamp is None:
        return record.state != "done"
    if stamp == record.stamp:
        return False
    return record.hash is None or record.hash != hash_of(video)


def hash_of(video: Video) -> str | None:
    """The hash of a video's content, None where it cannot be read, or only from afar."""
    if isinstance(video, Url):
        return None
    # Imported late: most runs need it for no clip.
    from ..video import content_hash

    try:
        return content_hash(video)
    except MotionLiftError:
        return None


def _is_there(folder: Folder, output: Output) -> bool:
    try:
        return folder.size(output.path) == output.bytes
    except OSError:
        return False


def foreign_output(clip: str, plan: Plan, ours: Mapping[str, frozenset[str]]) -> str | None:
    """The name of a file in the way of a clip's: not one of `ours` (SHA-256 by name), or edited since.

    How many people there are is known only later: looked at are the names for up to `MOST_PEOPLE`. Raises `OSError` for
    a name that the file system does not take.
    """
    for suffix in plan.suffixes:
        name = f"{clip}{suffix}"
        if is_foreign(name, plan.folder, ours):
            return name
        for several in take_names(name, MOST_PEOPLE):
            try:
                if is_foreign(several, plan.folder, ours):
                    return several
            except OSError as error:
                # Too long only with the person's number: no matter for a single one.
                if error.errno != errno.ENAMETOOLONG:
                    raise
    return None


def take_names(name: str, count: int) -> list[str]:
    """`jobs.take_paths` for names below the output folder."""
    return [path.as_posix() for path in take_paths(PurePosixPath(name), count)]


def is_foreign(name: str, folder: Folder, ours: Mapping[str, frozenset[str]]) -> bool:
    """Whether a file is there that was not written by a batch, or was edited since. Raises `OSError`."""
    if folder.size(name) is None:
        return False
    known = ours.get(name)
    return not known or folder.digest(name) not in known
