"""From the command to the first frame in which people were looked for: `python tests/benchmarks/startup.py clip.mp4`.

Printed are, of several rounds, the best on the clock, and the least seconds of processors that the process itself and
those it has started had used by then; and the modules whose import took longest (`--imports`).
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

log = logging.getLogger("benchmark")

CHILD = """
import contextlib, json, os, sys, time
from pathlib import Path
from motionlift.core.commands import console

def used(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def told(stage, done, total):
    if stage == "detect" and done:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        others = sum(used(pid) for pid in children)
        print(json.dumps([time.monotonic(), used("self"), others]), flush=True)
        os._exit(0)

@contextlib.contextmanager
def shown(name):
    yield told

console.shown_progress = shown
from motionlift.__main__ import main
main()
"""


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--imports", action="store_true")
    arguments = parser.parse_args()
    found: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        options = ["-X", "importtime"] if arguments.imports else []
        command = [sys.executable, *options, "-c", CHILD, "lift", str(arguments.video), "-o", folder, "--no-cache"]
        for _ in range(arguments.rounds):
            began = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            then, own, others = json.loads(done.stdout)
            found.append((then - began, own, others))
    clock, own, others = (min(values) for values in zip(*found, strict=True))
    log.info("first frame after %.2f s; seconds of processors: %.2f, and %.2f in other processes", clock, own, others)
    if arguments.imports:
        lines = [line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:")]
        rows = [(int(each[0].split(":")[1]), int(each[1]), each[2].rstrip()) for each in lines[1:]]
        for alone, together, name in sorted(rows, key=lambda row: -row[1])[:45]:
            log.info("%7.1f ms alone %7.1f ms together  %s", alone / 1000, together / 1000, name)


if __name__ == "__main__":
    main()
