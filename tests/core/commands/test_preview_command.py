"""`motionlift preview`: what it writes, finds and refuses."""

from __future__ import annotations

import dataclasses
import webbrowser
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from motionlift.core.motion import Motion
from motionlift.core.video import content_hash

Run = Callable[..., tuple[int, str, str]]
MotionMaker = Callable[..., Motion]
EncodeVideo = Callable[..., Path]


@pytest.fixture
def take(tmp_path: Path, make_motion: MotionMaker) -> Path:
    """A motion of 20 frames, without its footage."""
    path = tmp_path / "walk.motion.npz"
    motion = make_motion(frames=20)
    dataclasses.replace(motion, source={"file": "walk.mp4", "content_hash": "x"}).save(path)
    return path


@pytest.fixture
def footage(tmp_path: Path, encode_video: EncodeVideo) -> Path:
    return encode_video(tmp_path / "walk.mp4", [np.full((480, 640, 3), 120, np.uint8)] * 20)


def frames(path: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def test_without_footage_it_is_drawn_on_black_and_said(run: Run, take: Path) -> None:
    code, out, err = run("preview", take, "-o", take.with_name("p.mp4"), "--height", "200")
    assert code == 0, err
    assert "p.mp4" in out
    assert "walk.mp4 is not found" in " ".join(err.split())
    assert len(frames(take.with_name("p.mp4"))) == 20


def test_footage_beside_the_motion_is_found(run: Run, take: Path, footage: Path) -> None:
    code, _, err = run("preview", take, "-o", take.with_name("p.mp4"), "--height", "200", "--view", "top")
    assert code == 0, err
    assert "not the file that was lifted" in " ".join(err.split())
    assert frames(take.with_name("p.mp4"))[5][190, 5].mean() == pytest.approx(120, abs=4)


def test_the_very_footage_is_no_cause_for_words(run: Run, take: Path, footage: Path) -> None:
    motion = Motion.load(take)
    source = {"file": "elsewhere.mp4", "content_hash": content_hash(footage)}
    dataclasses.replace(motion, source=source).save(take)
    code, _, err = run("preview", take, "-o", take.with_name("p.mp4"), "--video", footage, "--height", "200")
    assert code == 0
    assert "Note" not in err


def test_a_page_of_several_people(run: Run, take: Path, make_motion: MotionMaker) -> None:
    other = take.with_name("second.motion.npz")
    make_motion(seed=5).save(other)
    code, out, err = run("preview", take, other, "-o", take.with_name("p.html"))
    assert code == 0, err
    assert "p.html" in out
    text = take.with_name("p.html").read_text("utf-8")
    assert '"walk"' in text
    assert '"second"' in text


def test_open_shows_what_was_written(run: Run, take: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []

    def show(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    # Twice: what --open writes for itself may be replaced.
    for _ in range(2):
        assert run("preview", take, "--open")[0] == 0
    (page,) = (tmp_path / "temporary").iterdir()
    assert opened == [page.as_uri()] * 2
    assert "walk" in page.name


def test_no_browser_is_said(run: Run, take: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    code, _, err = run("preview", take, "-o", take.with_name("p.html"), "--open")
    assert code == 0
    assert "p.html" in err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-o", "p.avi"], ".mp4"),
        (["-o", "p.mp4", "--view", "below"], "turntable"),
        (["-o", "nowhere/p.mp4"], "does not exist"),
        ([], "--open"),
    ],
)
def test_wrong_usage(run: Run, take: Path, arguments: list[str], word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(take.parent)
    code, _, err = run("preview", take, *arguments)
    assert code == 2
    assert word in " ".join(err.split())
    assert [path.name for path in take.parent.iterdir()] == [take.name]


@pytest.mark.parametrize("suffix", [".mp4", ".html"])
def test_an_output_that_exists_is_kept(run: Run, take: Path, suffix: str) -> None:
    output = take.with_name(f"p{suffix}")
    output.write_text("mine")
    code, _, err = run("preview", take, "-o", output)
    assert code == 2
    assert "exists" in err
    assert output.read_text() == "mine"


def test_the_footage_is_never_replaced(run: Run, take: Path, footage: Path) -> None:
    before = footage.read_bytes()
    code, _, err = run("preview", take, "-o", footage, "--overwrite")
    assert code == 2
    assert "footage" in err
    assert footage.read_bytes() == before


def test_a_video_that_is_not_there(run: Run, take: Path) -> None:
    code, _, err = run("preview", take, "-o", take.with_name("p.mp4"), "--video", take.with_name("none.mp4"))
    assert code == 1
    assert "no file" in err
    assert "none.mp4" in err
    assert not take.with_name("p.mp4").exists()


def test_a_video_that_is_none(run: Run, take: Path) -> None:
    take.with_name("walk.mp4").write_text("Dear diary")
    code, _, err = run("preview", take, "-o", take.with_name("p.mp4"))
    assert code == 1
    assert "walk.mp4" in err
    assert "Traceback" not in err
    assert not take.with_name("p.mp4").exists()


@pytest.mark.parametrize("suffix", [".mp4", ".html"])
def test_what_is_no_motion(run: Run, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "a.motion.npz").write_bytes(b"Dear diary")
    code, _, err = run("preview", tmp_path / "a.motion.npz", "-o", tmp_path / f"p{suffix}")
    assert code == 1
    assert "Traceback" not in err
    assert len(list(tmp_path.iterdir())) == 1
