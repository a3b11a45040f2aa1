"""The program itself: what it knows before it has imported anything, and what it begins meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motionlift import __main__ as program
from motionlift.core import reconstructor
from motionlift.core.motion import Motion

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_is_where_it_is_said_to_be(name: str, run: Run) -> None:
    code, out, err = run(name, "--help")
    assert (code, err) == (0, "")
    assert f" {name} " in out


def test_help_lists_all_commands_in_order_but_those_that_are_not_for_people(run: Run) -> None:
    code, out, _ = run("--help")
    told = [word for line in out.splitlines() if (word := line.strip("│ ").split(" ")[0]) in program.COMMANDS]
    assert code == 0
    assert told == [name for name in program.COMMANDS if name not in program.UNLISTED]


def test_a_mistyped_command_is_guessed_at(run: Run) -> None:
    code, _, err = run("lfit", "clip.mp4")
    assert code == 2
    assert "'lift'" in err


def test_what_looks_like_the_lift_of_one_clip(tmp_path: Path) -> None:
    clip, other = tmp_path / "clip.mp4", tmp_path / "other.mp4"
    clip.touch()
    other.touch()
    for arguments, expected in (
        (("lift", clip), True),
        (("lift", clip, "-o", "a.bvh"), True),
        (("lift", clip, other, "-o", tmp_path), False),
        (("lift", tmp_path, "-o", tmp_path), False),
        (("lift", tmp_path / "*.mp4", "-o", tmp_path), False),
        (("lift", "--help"), False),
        (("people", clip), False),
        (("lift",), False),
        ((), False),
    ):
        assert program.lifts_a_file([str(each) for each in arguments]) is expected, arguments


@pytest.mark.parametrize(("arguments", "begun"), [(["-o", "a.avi"], ["imported: []"]), (["b", "-o", "a.avi"], [])])
def test_torch_is_under_way_before_anything_is_imported(tmp_path: Path, arguments: list[str], begun: list[str]) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    code = (
        "import sys\n"
        "from motionlift import __main__ as program\n"
        "from motionlift.core import reconstructor\n"
        "def get_ready(name):\n"
        "    print(f'{name}:', [m for m in ('numpy', 'typer', 'rich') if m in sys.modules], flush=True)\n"
        "reconstructor.get_ready = get_ready\n"
        "sys.argv = ['motionlift', 'lift', *sys.argv[1:]]\n"
        "program.run()\n"
    )
    command = [sys.executable, "-c", code, str(clip), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout.splitlines() == begun


def test_a_batch_does_without_that_process(tmp_path: Path, run: Run) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"This is no video.")
    reconstructor.stop_idle()
    reconstructor.get_ready("imported")
    (waiting,) = reconstructor._idle
    code, _, _ = run(
        "lift", tmp_path / "clip.mp4", "-o", tmp_path / "takes", "--jobs", "1", "--cluster", "no scheduler"
    )
    assert code
    assert not waiting.usable()


LIFTING = """
import sys
from pathlib import Path
from motionlift import __main__ as program
from motionlift.core import reconstructor, service
from motionlift.core.motion import Motion
reconstructor.get_ready = lambda name: None
service.produce = lambda request, progress, cancelled: [Motion.load(Path(take))]
take, *sys.argv[1:] = sys.argv[1:]
program.run()
"""


@pytest.fixture
def lift(tmp_path: Path, make_motion: Callable[..., Motion]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """A function that runs the program with a made-up lift, in a shell, with what is added to its command there."""
    make_motion().save(tmp_path / "take.motion.npz")

    def carry_out(*arguments: str, shell: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", LIFTING, str(tmp_path / "take.motion.npz"), *arguments]
        return subprocess.run(
            ["sh", "-c", f'exec "$@" {shell}', "sh", *command],
            capture_output=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
            env={**os.environ, **variables},
        )

    return carry_out


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(tmp_path: Path, lift: Callable[..., Any], closed: str) -> None:
    done = lift("lift", "clip.mp4", "-o", "clip.bvh", shell=closed)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "clip.bvh").is_file()


@pytest.mark.skipif(os.name == "nt", reason="the encoding is set as there")
@pytest.mark.parametrize(
    ("encoding", "name", "told"),
    [
        ("cp1252", "歩く", b"\\u6b69\\u304f.bvh"),
        ("ascii:surrogateescape", "歩く", b"\\u6b69\\u304f.bvh"),
        ("utf-8:strict", "caf\udce9", b"caf\\udce9.bvh"),
        ("utf-8:surrogateescape", "caf\udce9", b"caf\xe9.bvh"),
    ],
)
def test_names_that_standard_output_cannot_tell(
    tmp_path: Path, lift: Callable[..., Any], encoding: str, name: str, told: bytes
) -> None:
    done = lift("lift", "clip.mp4", "-o", f"{name}.bvh", PYTHONIOENCODING=encoding)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert told in done.stdout
