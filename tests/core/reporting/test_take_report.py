"""Reports as documents: nothing is lost or misread on the way to Markdown, JSON and a web page."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest

from motionlift.core.motion import Motion
from motionlift.core.reporting.stretches import EVERYTHING
from motionlift.core.reporting.take_figures import take_figures
from motionlift.core.reporting.take_report import FORMAT, TakeReport, as_json, markdown, page

Stander = Callable[..., Motion]


@pytest.fixture
def report(stander: Stander) -> TakeReport:
    """A take with a gap and an odd name."""
    detected = np.ones(60, bool)
    detected[20:35] = False
    motion = stander(detected=detected)
    motion = dataclasses.replace(motion, source={**motion.source, "file": "a|b <c>.mp4", "warnings": ["x & y"]})
    return TakeReport.of("läufer <script>|1", take_figures(motion))


def test_json_holds_every_figure(report: TakeReport) -> None:
    read = json.loads(as_json([report, report]))
    assert read["format"] == FORMAT
    first, second = read["takes"]
    assert first == second
    assert first["name"] == report.name
    plain = json.loads(json.dumps(dataclasses.asdict(report.figures)))
    assert first["figures"] == plain
    assert [advice["words"] for advice in first["advice"]] == [advice.words for advice in report.advice]


def test_json_of_a_take_in_which_nothing_is_measured(stander: Stander) -> None:
    motion = stander(detected=np.zeros(60, bool), lifted_camera=np.full((60, 26, 3), np.nan))
    take = json.loads(as_json([TakeReport.of("empty", take_figures(motion))]))["takes"][0]
    assert take["figures"]["feet_before"]["skate_mm"] is None
    assert take["figures"]["seen_s"] is None


def test_markdown_tables_are_whole(report: TakeReport) -> None:
    text = markdown([report])
    assert text.count("\n# ") + text.startswith("# ") == 1
    for section in report.sections():
        assert f"\n## {section.title}\n" in text
    columns = 0
    for line in text.splitlines():
        if line.startswith("|"):
            count = len(re.findall(r"(?<!\\)\|", line))
            assert columns in (0, count), line
            columns = count
        else:
            columns = 0
    for stretch in report.figures.stretches:
        assert stretch.words in text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(report: TakeReport) -> None:
    text = page([report])
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert "läufer &lt;script&gt;|1" in text
    assert "x &amp; y" in text
    for word in ("http", "src=", "href=", "url(", "@import"):
        assert word not in text


def test_the_time_line_shows_each_place_where_it_is(report: TakeReport) -> None:
    (gap,) = report.figures.stretches
    assert gap.group == EVERYTHING
    (bar,) = re.findall(r'<rect x="([\d.]+)" y="3" width="([\d.]+)"[^>]*><title>whole', page([report]))
    left, wide = float(bar[0]), float(bar[1])
    whole = re.search(r'<rect x="(\d+)" y="3" width="(\d+)"', page([report]))
    assert whole
    start, length = int(whole[1]), int(whole[2])
    seconds = report.figures.end_s - report.figures.start_s
    assert (left - start) / length == pytest.approx(gap.start_s / seconds, abs=1e-3)
    assert wide / length == pytest.approx((gap.end_s - gap.start_s) / seconds, abs=1e-3)


def test_only_so_many_places_are_shown_where_asked(report: TakeReport) -> None:
    many = dataclasses.replace(report.figures, stretches=report.figures.stretches * 7)
    places = next(s for s in TakeReport.of("x", many).sections(5) if s.title == "Places to check")
    assert len(places.rows) == 6
    assert "2 more" in places.rows[-1][2]
    assert "7 places to check" in TakeReport.of("x", many).headline
