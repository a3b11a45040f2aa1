"""The command line, `motionlift` or `python -m motionlift`: puts together the commands of core and bridge.

Nothing but the standard library is imported before another process has begun to import what a lift needs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from .bridge.footage import Footage
    from .core.bvh import BvhOptions
    from .core.commands import console
    from .core.motion import Motion
    from .core.rotation import Array

COMMANDS = {
    "lift": "core.commands.lift:lift",
    "people": "core.commands.people:people",
    "train": "core.commands.train:train",
    "compare": "core.commands.compare:compare",
    "reproduce": "core.commands.reproduce:reproduce",
    "export": "bridge.commands.export:export",
    "preview": "core.commands.preview:preview",
    "report": "core.commands.report:report",
    "retarget": "bridge.commands.retarget:retarget",
    "match": "bridge.commands.presets:match",
    "doctor": "core.commands.doctor:doctor",
    "affinity": "core.commands.affinity:affinity",
    "batch-worker": "core.commands.batch_worker:batch_worker",
    "presets": "bridge.commands.presets:presets",
    "bench": "core.commands.bench:bench",
    "evaluate": "core.commands.evaluate:evaluate",
}
UNLISTED = frozenset({"batch-worker"})


def _find_contacts(points: Array, confidence: Array, times: Array) -> Array:
    from .core.solving.contacts import RECORDED, find_contacts

    return find_contacts(points, confidence, times, RECORDED)


def _prepare_footage(motion: Motion, video: Path, output: Path, overwrite: bool) -> Footage:
    from .bridge.footage import answered, asked
    from .core.reporting.backdrop import prepare

    arguments = asked(motion, video, output, overwrite) | {"video": video, "output": output, "times": motion.times}
    return answered(dataclasses.asdict(prepare(**arguments)))


def _save_bvh(motion: Motion, path: Path, options: BvhOptions) -> None:
    from .bridge.bvh import save_bvh

    save_bvh(motion, path, options)


def _rig_exporters(
    rig: str, preset: str, footage: Path | None = None, overwrite: bool = False
) -> Mapping[str, console.Exporter]:
    from .bridge.commands.retarget import rig_exporters

    return rig_exporters(rig, preset, footage, overwrite, _prepare_footage)


def main() -> None:
    """Run the command line and exit: see `program.run`."""
    from .bridge.commands.handed import CONTACT_FINDER, FOOTAGE_PREPARER
    from .core.bvh import SUFFIX as BVH_SUFFIX
    from .core.commands import console, program

    context = console.Context(exporters={BVH_SUFFIX: _save_bvh}, rig_exporters=_rig_exporters)
    program.run(COMMANDS, UNLISTED, context, {CONTACT_FINDER: _find_contacts, FOOTAGE_PREPARER: _prepare_footage})


def run() -> NoReturn:
    """The program: `main`, then gone at once. Taking torch and MediaPipe apart in order costs up to a second, and all
    outputs are written by then."""
    # What a library was asked for that ends the process.
    faulthandler.enable(2, all_threads=False)
    if lifts_a_file(sys.argv[1:]):
        from .core.reconstructor import get_ready

        get_ready("imported")
    try:
        main()
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # Closed by whoever started us, there is none; the reader of a pipe may have gone.
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


def lifts_a_file(arguments: Sequence[str]) -> bool:
    """Whether these arguments look like one clip's, whose lift will need the process with torch as soon as it is there.
    Where that is wrong, it only costs."""
    match list(arguments):
        case ["lift", video, *rest]:
            return os.path.isfile(video) and (not rest or rest[0].startswith("-"))
    return False


if __name__ == "__main__":
    run()
