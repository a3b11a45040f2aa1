"""Every command that the README shows works, in the order it shows them, in one folder beside the samples."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHELL_TAGS = {"", "sh", "bash", "shell", "console"}
"""What a fenced block may be marked as for its commands to be run; others hold output or another language."""
TIMEOUT_SECONDS = 600


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """The tag and the content of every fenced block."""
    return [
        (tag.strip().lower(), body)
        for _, tag, body in re.findall(r"^(```+|~~~+)([^\n`]*)\n(.*?)^\1[ \t]*$", text, re.MULTILINE | re.DOTALL)
    ]


def own_commands(text: str) -> list[list[str]]:
    """The arguments of every `motionlift ...` in the shell blocks of a page.

    Lines may go on after a backslash, start with a prompt, end with a comment, and chain commands with `&&`;
    the chain's other links (pip, pytest) are what `.ci/run` runs.
    """
    found = []
    for tag, body in fenced_blocks(text):
        if tag not in SHELL_TAGS:
            continue
        for line in body.replace("\\\n", " ").splitlines():
            for link in line.strip().removeprefix("$ ").split("&&"):
                words = shlex.split(link, comments=True)
                if words[:1] == ["motionlift"]:
                    found.append(words[1:])
                elif len(words) > 2 and Path(words[0]).name.startswith("python") and words[1:3] == ["-m", "motionlift"]:
                    found.append(words[3:])
    return found


COMMANDS = own_commands((REPOSITORY / "README.md").read_text("utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader stands: a folder with `samples/`, in which the commands leave their files."""
    place = tmp_path_factory.mktemp("reader")
    (place / "samples").symlink_to(REPOSITORY / "samples", target_is_directory=True)
    return place


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, detections: Path) -> dict[str, str]:
    """The reader's caches are the run's, so that the sample is detected once."""
    caches = tmp_path_factory.mktemp("caches")
    for name in ("motionlift", "Library/Caches/motionlift"):
        (caches / name).parent.mkdir(parents=True, exist_ok=True)
        (caches / name).symlink_to(detections, target_is_directory=True)
    variables = {"XDG_CACHE_HOME": str(caches), "COLUMNS": "120"}
    if sys.platform == "darwin":
        variables["HOME"] = str(caches)
    return {**os.environ, **variables}


@pytest.mark.parametrize("arguments", COMMANDS, ids=[shlex.join(["motionlift", *words]) for words in COMMANDS])
def test_command(arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "motionlift", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in re.findall(r"(?:-o|--output)[ =](\S+)", shlex.join(arguments)):
        assert (folder / name).exists(), f"{name} was not written"


PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).is_file(), target


def test_commands_are_found() -> None:
    page = """
Text with `motionlift inline`.
```
pip install -e . -c constraints.txt && motionlift lift samples/a.mp4 -o take.bvh  # the main job
$ motionlift people "my clip.mp4" \\
    -o people.png
```
```text
motionlift is not run here
```
~~~sh
python3 -m motionlift doctor
python -m pytest
~~~
"""
    assert own_commands(page) == [
        ["lift", "samples/a.mp4", "-o", "take.bvh"],
        ["people", "my clip.mp4", "-o", "people.png"],
        ["doctor"],
    ]
