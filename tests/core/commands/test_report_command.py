"""`motionlift report`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from motionlift.core.motion import Motion

Run = Callable[..., tuple[int, str, str]]
MotionMaker = Callable[..., Motion]


@pytest.fixture
def take(tmp_path: Path, make_motion: MotionMaker) -> Path:
    path = tmp_path / "läufer.motion.npz"
    make_motion().save(path)
    return path


@pytest.mark.parametrize("suffix", [".md", ".json", ".html"])
def test_a_report_is_printed_and_written(run: Run, take: Path, suffix: str) -> None:
    output = take.with_name(f"r{suffix}")
    code, out, err = run("report", take, "-o", output)
    assert code == 0, err
    for words in ("läufer", "Advice", "Places to check", "DG-Net alone", "Fit to the picture", f"r{suffix}"):
        assert words in out
    text = output.read_text("utf-8")
    assert "läufer" in text
    if suffix == ".json":
        (found,) = json.loads(text)["takes"]
        assert found["name"] == "läufer"
        assert found["figures"]["frames"] == 40


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
@pytest.mark.parametrize("command", ["report .md", "report .json", "report .html", "preview .html"])
def test_names_of_bytes_that_are_no_text(run: Run, take: Path, command: str) -> None:
    named, (verb, suffix) = take.rename(take.with_name(os.fsdecode(b"caf\xe9.motion.npz"))), command.split()
    code, _, err = run(verb, named, "-o", take.with_name(f"r{suffix}"))
    assert code == 0, err
    assert "caf?" in take.with_name(f"r{suffix}").read_text("utf-8")


def test_several_takes(run: Run, take: Path, make_motion: MotionMaker) -> None:
    other = take.with_name("b.motion.npz")
    make_motion(seed=2).save(other)
    code, out, _ = run("report", take, other, "-o", take.with_name("r.json"))
    assert code == 0
    assert out.index("läufer") < out.index("b:")
    assert [t["name"] for t in json.loads(take.with_name("r.json").read_text("utf-8"))["takes"]] == ["läufer", "b"]


def test_the_samples_truth(run: Run, sample_video: Path, tmp_path: Path) -> None:
    """What is known of the committed truth: no foot slides by more than a millimetre or two, both sides are seen."""
    output = tmp_path / "r.json"
    code, _, err = run("report", sample_video.with_name("walk_wave_squat.truth.motion.npz"), "-o", output)
    assert code == 0, err
    figures = json.loads(output.read_text("utf-8"))["takes"][0]["figures"]
    assert figures["frames"] == 300
    assert figures["bones_after"]["change_mm"] == pytest.approx(0, abs=1e-3)
    assert figures["feet_after"]["skate_mm"] < 3
    assert figures["lost_share"] == 0


def test_an_output_that_exists_is_kept(run: Run, take: Path) -> None:
    output = take.with_name("r.md")
    output.write_text("mine")
    code, _, err = run("report", take, "-o", output)
    assert code == 2
    assert "exists" in err
    assert output.read_text() == "mine"
    assert run("report", take, "-o", output, "--overwrite")[0] == 0
    assert output.read_text("utf-8").startswith("# läufer")


@pytest.mark.parametrize(
    ("name", "content", "code", "word"),
    [
        ("none.motion.npz", None, 1, "no file"),
        ("a.motion.npz", b"Dear diary", 1, "Lift the video again"),
        ("a.motion.npz", b"", 1, "Lift the video again"),
        ("walk.mp4", b"\0\0\0\x18ftypisom", 1, "give the .motion.npz that a lift wrote"),
    ],
)
def test_what_is_no_motion(run: Run, tmp_path: Path, name: str, content: bytes | None, code: int, word: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    found, _, err = run("report", tmp_path / name, "-o", tmp_path / "r.md")
    assert found == code
    assert word in err
    assert "Traceback" not in err
    assert not (tmp_path / "r.md").exists()


def test_another_archive(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.motion.npz", positions=np.zeros(3))
    code, _, err = run("report", tmp_path / "a.motion.npz")
    assert code == 1
    assert "format" in err


@pytest.mark.parametrize("output", ["r.pdf", "r", "nowhere/r.md"])
def test_outputs_that_cannot_be(run: Run, take: Path, output: str) -> None:
    assert run("report", take, "-o", take.with_name("x").parent / output)[0] == 2
