"""The page of a batch: its order, and that nothing in a name means anything there."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from motionlift.core.batch.figures import parse_limit
from motionlift.core.batch.folder import LocalFolder
from motionlift.core.batch.manifest import Output, Record, picture_path
from motionlift.core.batch.page import headline, page, ranked


def _done(clip: str, *doubts: float, **values: float) -> Record:
    figures = tuple({"doubt": doubt, "frames": 10, "person": n, **values} for n, doubt in enumerate(doubts, 1))
    outputs = (Output(f"{clip}.bvh", 1, "x"),)
    return Record(clip, "done", f"/{clip}.mp4", outputs=outputs, figures=figures, seconds={"all": 2.0})


FAILED = Record("failed", "failed", "/f.mp4", error={"code": "x", "message": "It <b>broke</b>.", "hint": "Mend it."})
STOPPED = Record("stopped", "stopped", "/s.mp4")
RECORDS = [STOPPED, _done("fine", 1.0), _done("pair", 2.0, 30.0), _done("slides", 0.0, skate=5.0), FAILED]


def test_failures_first_then_limits_then_doubt() -> None:
    assert [record.clip for record in ranked(RECORDS)] == ["failed", "pair", "fine", "slides", "stopped"]
    limits = [parse_limit("skate>2mm")]
    assert [record.clip for record in ranked(RECORDS, limits)] == ["failed", "slides", "pair", "fine", "stopped"]
    assert headline(RECORDS, limits).startswith("5 clips: 3 lifted, 1 of them over a limit, 1 failed, 1 not finished")


class _Tags(HTMLParser):
    """Checks that what opens is closed, and collects."""

    VOID = frozenset({"meta", "input", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_page_is_whole_and_names_stay_text(tmp_path: Path) -> None:
    out = tmp_path / "out"
    wild = "a <script>alert('x')</script> & \"b\"/\udce9 100%"
    picture = picture_path(out, wild)
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"jpeg")
    text = page([*RECORDS, _done(wild, 3.0)], LocalFolder(out), tmp_path / "pages", [parse_limit("skate>2mm")])
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert "<script>alert" not in text
    assert "It <b>broke</b>." in " ".join(tags.words)
    assert "data:image/jpeg;base64,anBlZw==" in tags.links
    assert "../out/fine.bvh" in tags.links
    assert all(link.startswith(("data:", "../out/")) for link in tags.links)
    assert any("%25" in link and "%E9" in link for link in tags.links)


def test_a_page_on_another_drive_names_files_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_way(path: object, start: object) -> str:
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    # What Windows says of files on different drives.
    monkeypatch.setattr(os.path, "relpath", no_way)
    assert LocalFolder(tmp_path).link("läufer 1.bvh", tmp_path) == (tmp_path / "läufer 1.bvh").as_uri()
