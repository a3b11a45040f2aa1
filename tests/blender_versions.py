"""The bridge's and the add-on's tests in every Blender that is supported:

    python tests/blender_versions.py                        all of them, in a temporary folder
    python tests/blender_versions.py 4.2 5.0 --cache DIR    these, in environments that are kept
    python tests/blender_versions.py -- -k override         what follows `--` goes to pytest

For each version an environment is made with the Python that its bpy wheel needs (`python3.11`, `python3.13`, found on
the path or by pyenv), and the tests run in it from this tree. Needs only the standard library. Ends with 0 if all of
them ran and passed, 1 if a test failed, 2 if an environment could not be made.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("blender_versions")

BLENDERS = {"4.2": ("4.2.23", "3.11"), "4.5": ("4.5.15", "3.11"), "5.0": ("5.0.1", "3.11"), "5.2": ("5.2.3", "3.13")}
"""By Blender's version: the bpy wheel and the Python that it is for."""
PACKAGES = ("pytest", "rich", "scipy", "typer")
"""What the tests need beside bpy, which brings numpy."""
TESTS = ("tests/bridge", "tests/addon")
TREE = Path(__file__).resolve().parent.parent
CHECK_PYTHON = "import sys; sys.exit('{python}' != '%d.%d' % sys.version_info[:2])"
SAY_VERSIONS = (
    "import bpy, numpy, sys; print(bpy.app.version_string, '%d.%d.%d' % sys.version_info[:3], numpy.__version__)"
)
COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped)")
GOOD, FAILED, NO_ENVIRONMENT = 0, 1, 2


@dataclass(frozen=True)
class Outcome:
    """What came of one version. `versions`: of Blender, Python and numpy as they ran; `counts`: pytest's, by word;
    `said`: why there are none."""

    blender: str
    versions: str
    counts: dict[str, int]
    seconds: float
    code: int
    said: str = ""


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for, print a table, return the exit code."""
    ours, _, theirs = (list(part) for part in _split(arguments))
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("blender", nargs="*", metavar="VERSION", help=f"of {', '.join(BLENDERS)}; by default all")
    parser.add_argument("--cache", type=Path, help="keep the environments (about 1 GB each) in this folder")
    options = parser.parse_args(ours)
    unknown = set(options.blender) - set(BLENDERS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not among {', '.join(BLENDERS)}")
    with _folder(options.cache) as folder:
        outcomes = [_tested(blender, folder, theirs) for blender in options.blender or BLENDERS]
    log.info("\n%s", table(outcomes))
    return max(outcome.code for outcome in outcomes)


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], str, Sequence[str]]:
    if "--" not in arguments:
        return arguments, "", ()
    at = list(arguments).index("--")
    return arguments[:at], "--", arguments[at + 1 :]


@contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        yield cache.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="motionlift-blenders-") as folder:
        yield Path(folder)


def _tested(blender: str, folder: Path, pytest_arguments: Sequence[str]) -> Outcome:
    began = time.monotonic()
    log.info("== Blender %s", blender)
    try:
        python = environment(blender, folder / blender)
        versions = _said([python, "-c", SAY_VERSIONS]).splitlines()[-1]
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        log.info("%s", "\n".join(said))
        return Outcome(blender, "", {}, time.monotonic() - began, NO_ENVIRONMENT, said[-1])
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, *pytest_arguments],
        cwd=TREE, env=_surroundings(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    log.info("%s", done.stdout.rstrip())
    last = done.stdout.rstrip().rpartition("\n")[2]
    counts = {
        word.removesuffix("s") if word == "errors" else word: int(number) for number, word in COUNTS.findall(last)
    }
    code = GOOD if done.returncode == 0 and counts.get("passed") else FAILED
    return Outcome(blender, versions, counts, time.monotonic() - began, code, "" if counts else last)


def environment(blender: str, folder: Path) -> Path:
    """The Python of the environment for a version, made in `folder` if it is not there.

    Raises `OSError` without the Python it needs, `subprocess.CalledProcessError` where a package cannot be installed.
    """
    wheel, version = BLENDERS[blender]
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = folder / "finished"
    wanted = " ".join((f"bpy=={wheel}", *PACKAGES))
    if finished.is_file() and finished.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _said([*_base_python(version), "-m", "venv", str(folder)])
    _said([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted.split()])
    finished.write_text(wanted)
    return python


def _base_python(version: str) -> list[str]:
    """The command of a Python of that version. Raises `OSError` where there is none."""
    pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python"))
    for command in ([f"python{version}"], *([str(path)] for path in reversed(pyenv)), ["py", f"-{version}"]):
        try:
            check = [*command, "-c", CHECK_PYTHON.format(python=version)]
            if subprocess.run(check, capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            continue
    raise OSError(f"There is no Python {version} here.")


def _said(command: Sequence[str | Path]) -> str:
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout


def _surroundings(folder: Path) -> dict[str, str]:
    """The environment's variables: our package is found through a link of its name, as its root is the tree."""
    link = folder / "path" / "motionlift"
    if TREE.name != link.name:
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(TREE, target_is_directory=True)
    found = TREE.parent if TREE.name == link.name else link.parent
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "VIRTUAL_ENV")}
    # Lifts inside Blender are tried with the engine of the Python that runs this, if it has one.
    kept.setdefault("MOTIONLIFT_ENGINE", sys.executable)
    return {**kept, "PYTHONPATH": str(found), "PYTHONDONTWRITEBYTECODE": "1"}


def table(outcomes: Sequence[Outcome]) -> str:
    """One line a version: as it ran, how many tests passed, failed, were skipped, and how long it took."""
    words = ("passed", "failed", "error", "skipped")
    lines: list[tuple[str, ...]] = [("Blender", "bpy", "Python", "numpy", *words, "seconds")]
    for outcome in outcomes:
        versions = outcome.versions.split() if outcome.versions else ["-"] * 3
        ran = [" ".join(versions[:-2]), *versions[-2:]]
        counts = [str(outcome.counts.get(word, 0)) if outcome.counts else "-" for word in words]
        lines.append((outcome.blender, *ran, *counts, f"{outcome.seconds:.0f}"))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*rows, *(f"{outcome.blender}: {outcome.said}" for outcome in outcomes if outcome.said)])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    sys.exit(main(sys.argv[1:]))
