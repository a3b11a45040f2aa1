"""The report of a take as a document: sections of rows, for Markdown, a web page, JSON or a terminal."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

from .advice import Advice, advise
from .stretches import EVERYTHING, GROUPS, Reason, Stretch
from .take_figures import TakeFigures

FORMAT = "motionlift-report-1"
NOTHING = "-"
"""Where there is nothing to measure."""


@dataclass(frozen=True)
class Section:
    """A table with its heading; without rows `empty` is said instead."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = ""


@dataclass(frozen=True)
class TakeReport:
    """A take's name, its figures, and what follows from them."""

    name: str
    figures: TakeFigures
    advice: tuple[Advice, ...]

    @staticmethod
    def of(name: str, figures: TakeFigures) -> TakeReport:
        return TakeReport(name, figures, advise(figures))

    @property
    def headline(self) -> str:
        """The take in one line."""
        figures = self.figures
        seconds = figures.end_s - figures.start_s
        video = figures.video or "an unnamed video"
        person = f", person {figures.person} of {figures.people}" if figures.people > 1 else ""
        places = len(figures.stretches)
        return (
            f"{figures.frames} frames at {figures.fps:.6g} a second, {seconds:.1f} s, from {video}"
            f"{person}. {places} place{'s' * (places != 1)} to check."
        )

    def sections(self, places: int | None = None) -> tuple[Section, ...]:
        """The tables; of the places to check the first `places`, all unless told."""
        return (
            Section("Advice", ("",), tuple((advice.words,) for advice in self.advice), "Nothing to improve was found."),
            _places(self.figures, places),
            _quality(self.figures),
            _fit(self.figures),
            _body(self.figures),
            _source(self.figures),
        )


def markdown(reports: Sequence[TakeReport]) -> str:
    """The reports as one Markdown page."""
    lines: list[str] = []
    for report in reports:
        lines += [f"# {_cell(report.name)}", "", _cell(report.headline), ""]
        for section in report.sections():
            lines += [f"## {section.title}", ""]
            if not section.rows:
                lines += [section.empty, ""]
            elif len(section.headings) == 1:
                lines += [*(f"- {row[0]}" for row in section.rows), ""]
            else:
                lines.append(f"| {' | '.join(section.headings)} |")
                lines.append("|" + "---|" * len(section.headings))
                lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in section.rows]
                lines.append("")
    return "\n".join(lines)


def as_json(reports: Sequence[TakeReport]) -> str:
    """The reports as JSON: `{"format": ..., "takes": [{"name", "figures", "advice"}]}`; what cannot be measured is
    null."""
    takes = [{**dataclasses.asdict(report), "headline": report.headline} for report in reports]
    return json.dumps({"format": FORMAT, "takes": takes}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def page(reports: Sequence[TakeReport]) -> str:
    """The reports as one web page that needs nothing else."""
    parts = []
    for report in reports:
        parts += [f"<h1>{_text(report.name)}</h1>", f"<p>{_text(report.headline)}</p>", _timeline(report.figures)]
        for section in report.sections():
            parts += [f"<h2>{section.title}</h2>", _table(section)]
    names = ", ".join(report.name for report in reports)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(names)}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _places(figures: TakeFigures, shown: int | None) -> Section:
    rows = [
        (f"{s.start_s:.2f} s", f"{s.end_s:.2f} s", s.words, f"{100 * s.doubt / (s.end_s - s.start_s):.0f} %")
        for s in figures.stretches[:shown]
    ]
    left = len(figures.stretches) - len(rows)
    if left:
        rows.append(("", "", f"and {left} more, less doubtful", ""))
    return Section("Places to check", ("from", "to", "what", "doubt"), tuple(rows), "None.")


def _quality(figures: TakeFigures) -> Section:
    def compared(name: str, unit: str, values: Sequence[float | None]) -> tuple[str, ...]:
        return (name, *(_number(value, unit) for value in values))

    feet = (figures.feet_before, figures.feet_after)
    bones = (figures.bones_before, figures.bones_after)
    shares = [None if part.sunk_share is None else 100 * part.sunk_share for part in feet]
    rows = (
        compared("standing feet: slide, mean", "mm a frame", [part.skate_mm for part in feet]),
        compared("standing feet: slide, worst twentieth", "mm a frame", [part.skate_worst_mm for part in feet]),
        compared("standing feet: slide, mean speed", "cm/s", [part.skate_cm_s for part in feet]),
        compared("standing feet: off the floor, mean", "mm", [part.hover_mm for part in feet]),
        compared("frames with a foot through the floor", "%", shares),
        compared("deepest below the floor", "mm", [part.deepest_mm for part in feet]),
        compared("limb bones change by", "mm", [part.change_mm for part in bones]),
        compared("limb bones change by", "%", [part.change_percent for part in bones]),
        compared("left and right limbs differ by", "%", [part.asymmetry_percent for part in bones]),
    )
    return Section("Before and after the solve", ("", "DG-Net alone", "solved"), rows)


def _fit(figures: TakeFigures) -> Section:
    picture = figures.picture
    rows = (
        ("half of the keypoints within", _number(picture.error_px, "px")),
        ("all but one in twenty within", _number(picture.error_worst_px, "px")),
        ("half within, of the figure's height", _number(picture.error_percent, "%", 2)),
        ("figure's height", f"{picture.figure_px:.0f} px in the median, {picture.figure_least_px:.0f} at its smallest"),
    )
    return Section("Fit to the picture", ("", ""), rows)


def _body(figures: TakeFigures) -> Section:
    contacts = figures.contacts
    rows = [(f"sure of the {group}", f"{100 * figures.confidence[group]:.0f} %") for group in GROUPS]
    rows += [
        ("steps, left and right", f"{contacts.steps[0]} and {contacts.steps[1]}"),
        ("frames with a foot on the floor", f"{100 * contacts.planted_share:.0f} %"),
        ("both feet off the floor", _flights(contacts.flights, contacts.longest_flight_s)),
    ]
    for side, knee in figures.knees.items():
        broken = f"; {knee.broken_frames} frames backwards" if knee.broken_frames else ""
        bent = f"{knee.least:.0f} to {knee.most:.0f} degrees, median {knee.median:.0f}{broken}"
        rows.append((f"{side} knee bent", bent))
    return Section("Body", ("", ""), tuple(rows))


def _flights(count: int, longest_s: float) -> str:
    return f"{count} time{'s' * (count != 1)}, {longest_s:.2f} s at most" if count else "never"


def _source(figures: TakeFigures) -> Section:
    camera, picture = figures.camera, figures.picture
    span = "never" if figures.seen_s is None else f"{figures.seen_s[0]:.2f} s to {figures.seen_s[1]:.2f} s"
    rows = [
        ("time", f"{figures.start_s:.2f} s to {figures.end_s:.2f} s"),
        ("person seen", f"{span}, not found in {100 * figures.lost_share:.1f} % between"),
        ("picture", f"{picture.width} x {picture.height} px"),
        ("body's height", f"{figures.body_height_m:.2f} m, {figures.height_is}"),
        ("field of view", f"{camera.fov_degrees:.1f} degrees along the longer side, {camera.fov_is}"),
        ("camera", f"{camera.distance_m:.1f} m away, {camera.height_m:.1f} m above the floor, {_seen_from(figures)}"),
    ]
    if figures.speed != 1:
        rows.append(("slow motion", f"the file plays {figures.speed:g} times slower than life; times here are life's"))
    rows += [("note", warning) for warning in figures.warnings]
    return Section("Source", ("", ""), tuple(rows))


def _seen_from(figures: TakeFigures) -> str:
    degrees = figures.camera.elevation_degrees
    return f"looking from {abs(degrees):.0f} degrees {'above' if degrees >= 0 else 'below'} the hips"


def _number(value: float | None, unit: str, digits: int = 1) -> str:
    return NOTHING if value is None else f"{value:.{digits}f} {unit}"


def _cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table and means nothing else there."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _text(text: str) -> str:
    return html.escape(text)


def _table(section: Section) -> str:
    if not section.rows:
        return f"<p>{_text(section.empty)}</p>"
    if len(section.headings) == 1:
        return "<ul>" + "".join(f"<li>{_text(row[0])}</li>" for row in section.rows) + "</ul>"
    head = "".join(f"<th>{_text(heading)}</th>" for heading in section.headings)
    body = "\n".join("<tr>" + "".join(f"<td>{_text(v)}</td>" for v in row) + "</tr>" for row in section.rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"


_ROW, _LEFT, _WIDTH = 18, 90, 700
SHORT_WORDS: dict[Reason, str] = {"not_found": "not found", "out_of_picture": "outside the picture",
                                  "unsure": "hidden or unclear", "off_picture": "off the picture",
                                  "sliding": "slides"}  # fmt: skip
_COLOURS: dict[Reason, str] = {"not_found": "#c0392b", "out_of_picture": "#8e44ad", "unsure": "#e08e0b",
                               "off_picture": "#2471a3", "sliding": "#148f77"}  # fmt: skip
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 56em; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15em 1.2em .15em 0; vertical-align: top; }
tr + tr { border-top: 1px solid #ddd; } h2 { margin-top: 1.6em; font-size: 1.1em; } li { margin: .3em 0; }
svg text { font: 12px system-ui, sans-serif; fill: #444; }
"""


def _timeline(figures: TakeFigures) -> str:
    """The places to check over the take's time, a row a body part, as SVG."""
    seconds = max(figures.end_s - figures.start_s, 1e-3)
    groups = [EVERYTHING, *GROUPS]
    bottom = _ROW * len(groups)
    parts = [
        f'<rect x="{_LEFT}" y="{_ROW * row + 3}" width="{_WIDTH}" height="{_ROW - 6}" fill="#eee"/>'
        f'<text x="0" y="{_ROW * row + 13}">{group}</text>'
        for row, group in enumerate(groups)
    ]
    parts += [_bar(stretch, groups.index(stretch.group), figures.start_s, seconds) for stretch in figures.stretches]
    for tick in range(6):
        at = figures.start_s + seconds * tick / 5
        parts.append(f'<text x="{_LEFT + _WIDTH * tick / 5 - 10:.0f}" y="{bottom + 14}">{at:.1f} s</text>')
    for number, (reason, colour) in enumerate(_COLOURS.items()):
        x = _LEFT + number * 145
        parts.append(f'<rect x="{x}" y="{bottom + 26}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 14}" y="{bottom + 35}">{SHORT_WORDS[reason]}</text>')
    size = f'width="{_LEFT + _WIDTH + 40}" height="{bottom + 44}"'
    return f'<svg {size} role="img" aria-label="places to check over time">{"".join(parts)}</svg>'


def _bar(stretch: Stretch, row: int, start_s: float, seconds: float) -> str:
    x = _LEFT + _WIDTH * (stretch.start_s - start_s) / seconds
    width = max(_WIDTH * (stretch.end_s - stretch.start_s) / seconds, 2.0)
    told = f"{stretch.words}, {stretch.start_s:.2f} s to {stretch.end_s:.2f} s"
    return (
        f'<rect x="{x:.1f}" y="{_ROW * row + 3}" width="{width:.1f}" height="{_ROW - 6}" '
        f'fill="{_COLOURS[stretch.reason]}"><title>{_text(told)}</title></rect>'
    )
