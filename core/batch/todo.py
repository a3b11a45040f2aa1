"""What is left to do of a clip: the clip, its files and the settings of now against what the manifest says."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..bvh import BvhOptions
from ..jobs import LiftSettings, MotionLiftError, take_paths
from .inputs import Clip
from .manifest import Output, Record, Stamp

Why = Literal["new", "missing", "changed", "failed", "interrupted", "forced"]

NO_RESULT = frozenset({"use_cache", "cache_dir", "device", "hwaccel"})
"""Settings that do not decide what comes out."""
MOST_PEOPLE = 8
"""What `--max-people` allows."""


@dataclass(frozen=True)
class Plan:
    """What a run is to make of every clip, in `folder`. `suffixes`: of the files; `overwrite`: also files that are not
    ours, or were edited since; `retry_failed`: also what failed; `force`: everything."""

    folder: Path
    settings: LiftSettings
    suffixes: tuple[str, ...]
    options: BvhOptions = field(default_factory=BvhOptions)
    overwrite: bool = False
    retry_failed: bool = True
    force: bool = False

    def identity(self) -> dict[str, Any]:
        """The settings that decide what comes out, as the manifest keeps them."""
        lift = {name: value for name, value in self.settings.to_json().items() if name not in NO_RESULT}
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


def _video_changed(video: Path, record: Record) -> bool:
    """Whether a video holds something else than what was lifted; read only where its stamp differs.

    A video that is gone has not changed: what was made of it stays. A pattern (`img_%04d.png`) has no stamp.
    """
    stamp = Stamp.of(video)
    if stamp is None and "%" not in video.name:
        return record.state != "done"
    if stamp is not None and stamp == record.stamp:
        return False
    return record.hash is None or record.hash != hash_of(video)


def hash_of(video: Path) -> str | None:
    """The hash of a video's content, None where it cannot be read."""
    # Imported late: most runs need it for no clip.
    from ..video import content_hash

    try:
        return content_hash(video)
    except MotionLiftError:
        return None


def _is_there(folder: Path, output: Output) -> bool:
    stamp = Stamp.of(folder / output.path)
    return stamp is not None and stamp.bytes == output.bytes


def foreign_output(clip: Clip, plan: Plan, ours: Mapping[str, frozenset[str]]) -> Path | None:
    """A file in the way of a clip's: not one of `ours` (SHA-256 by path below the folder), or edited since.

    How many people there are is known only later: looked at are the names for up to `MOST_PEOPLE`. Raises `OSError` for
    a name that the file system does not take.
    """
    for suffix in plan.suffixes:
        path = plan.folder / f"{clip.name}{suffix}"
        if is_foreign(path, plan.folder, ours):
            return path
        for place in take_paths(path, MOST_PEOPLE):
            try:
                if is_foreign(place, plan.folder, ours):
                    return place
            except OSError as error:
                # Too long only with the person's number: no matter for a single one.
                if error.errno != errno.ENAMETOOLONG:
                    raise
    return None


def is_foreign(path: Path, folder: Path, ours: Mapping[str, frozenset[str]]) -> bool:
    """Whether a file is there that was not written by a batch, or was edited since. Raises `OSError`."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    known = ours.get(path.relative_to(folder).as_posix())
    return not known or file_hash(path) not in known


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
