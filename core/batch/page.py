"""A batch as one web page: what failed first, then takes by doubt, each with a picture, figures and places to check.

The page needs nothing else: no network, no file beside it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from .figures import UNITS, Figures, Limit, broken_limits
from .folder import Folder
from .manifest import Record, picture_path

GENERATOR = '<meta name="generator" content="motionlift batch">'
"""By which a page of ours is known, that a further run may replace."""
PICTURES = 2000
"""So many clips, the most doubtful, have their picture on the page: a browser has to hold them all."""
COLUMNS = ("doubt", "lost", "confidence", "skate", "sunk", "fit_percent", "frames")
TITLES = {
    "doubt": "doubt",
    "lost": "not found",
    "confidence": "weakest part",
    "skate": "feet slide",
    "sunk": "feet sunk",
    "fit_percent": "fit",
    "frames": "frames",
}


def ranked(records: Sequence[Record], limits: Sequence[Limit] = ()) -> list[Record]:
    """Failed clips, then those over a limit, then all others, each by doubt; what is not lifted comes last."""

    def place(record: Record) -> tuple[int, float, str]:
        kind = {"failed": 0, "done": 2}.get(record.state, 3)
        if kind == 2 and broken_limits(limits, record.figures):
            kind = 1
        return kind, -doubt(record), record.clip

    return sorted(records, key=place)


def doubt(record: Record) -> float:
    """The doubt of a clip in percent: that of its most doubtful person."""
    return max((float(take.get("doubt") or 0.0) for take in record.figures), default=0.0)


def page(records: Sequence[Record], folder: Folder, page_folder: Path, limits: Sequence[Limit] = ()) -> str:
    """The page of a batch whose files lie in `folder`, itself to be written into `page_folder`."""
    rows = []
    for number, record in enumerate(ranked(records, limits)):
        picture = _picture(picture_path(folder.local, record.clip)) if number < PICTURES else ""
        rows.append(_rows(record, picture, folder, page_folder, limits))
    headings = "".join(
        f'<th data-sort="{number}" title="{_text(_unit_words(name))}">{TITLES[name]}</th>'
        for number, name in enumerate(COLUMNS, 2)
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{GENERATOR}\n'
        f"<title>MotionLift: {_text(folder.name)}</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>{_text(folder.name)}</h1>\n<p>{_text(headline(records, limits))}</p>\n"
        '<p><input id="filter" type="search" placeholder="Filter by name or words" aria-label="Filter"></p>\n'
        '<table><thead><tr><th></th><th data-sort="1">clip</th>'
        f"{headings}<th>to check</th></tr></thead>\n"
        + "\n".join(rows)
        + f"\n</table>\n<script>{_SCRIPT}</script>\n</body></html>\n"
    )


def headline(records: Sequence[Record], limits: Sequence[Limit] = ()) -> str:
    """The batch in one line."""
    done = [record for record in records if record.state == "done"]
    failed = sum(record.state == "failed" for record in records)
    over = sum(bool(broken_limits(limits, record.figures)) for record in done)
    left = len(records) - len(done) - failed
    parts = [f"{len(records)} clip{'s' * (len(records) != 1)}: {len(done)} lifted"]
    parts += [f"{over} of them over a limit"] if over else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{left} not finished"] if left else []
    return ", ".join(parts) + ". The most doubtful come first."


def _rows(record: Record, picture: str, folder: Folder, page_folder: Path, limits: Sequence[Limit]) -> str:
    takes: Sequence[Figures] = record.figures or ({},)
    span = f' rowspan="{len(takes)}"' if len(takes) > 1 else ""
    kind = "failed" if record.state == "failed" else "over" if broken_limits(limits, record.figures) else record.state
    first = (
        f'<td{span}>{picture}</td><td{span} data-value="{_text(record.clip)}">{_name(record, folder, page_folder)}</td>'
    )
    if record.error:
        said = f"<strong>{_text(record.error['message'])}</strong> {_text(record.error.get('hint', ''))}"
        return f'<tbody class="{kind}"><tr>{first}<td colspan="{len(COLUMNS) + 1}">{said}</td></tr></tbody>'
    if record.state != "done":
        words = "Stopped before it was finished." if record.state == "stopped" else "Not finished."
        return f'<tbody class="{kind}"><tr>{first}<td colspan="{len(COLUMNS) + 1}">{words}</td></tr></tbody>'
    lines = []
    for number, take in enumerate(takes):
        broken = {limit.figure for limit in limits if limit.broken(take)}
        cells = "".join(_cell(name, take.get(name), name in broken) for name in COLUMNS)
        notes = _notes(record, take, number, limits)
        lines.append(f"<tr>{first if number == 0 else ''}{cells}<td>{notes}</td></tr>")
    return f'<tbody class="{kind}">{"".join(lines)}</tbody>'


def _name(record: Record, folder: Folder, page_folder: Path) -> str:
    links = []
    for output in record.outputs if record.state == "done" else ():
        ending = output.path[len(record.clip) :].lstrip("_.")
        links.append(f'<a href="{_text(folder.link(output.path, page_folder))}">{_text(ending)}</a>')
    seconds = record.seconds.get("all")
    took = f"{seconds:.1f} s" if seconds is not None else ""
    return f"<b>{_text(record.clip)}</b><br><small>{' · '.join([*links, took])}</small>"


def _cell(name: str, value: float | None, broken: bool) -> str:
    unit = UNITS[name][0]
    shown = "-" if value is None else f"{value:.3g}{' ' if unit else ''}{unit}" if unit else f"{value:.0f}"
    return f'<td data-value="{"" if value is None else value}"{" class=broken" if broken else ""}>{shown}</td>'


def _notes(record: Record, take: Figures, number: int, limits: Sequence[Limit]) -> str:
    places: object = take.get("worst")
    notes = [f"<li class=broken>over the limit {_text(words)}</li>" for words in broken_limits(limits, [take])]
    if isinstance(places, list):
        notes += [f"<li>{p['start']:.2f} s to {p['end']:.2f} s: {_text(p['words'])}</li>" for p in places]
    if number == 0:
        notes += [f"<li><i>{_text(words)}</i></li>" for words in record.warnings]
    person = f"person {take.get('person')}" if len(record.figures) > 1 else ""
    return f"{person}<ul>{''.join(notes)}</ul>"


def _picture(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(content).decode("ascii")}">'


def _unit_words(name: str) -> str:
    unit, words = UNITS[name]
    return " ".join(part for part in (unit, words) if part) or name


def _text(text: str) -> str:
    # Names that are no text (bytes of another encoding) come as lone surrogates, which no page can hold.
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .3em .8em .3em 0; vertical-align: top; }
tbody { border-top: 1px solid #ccc; } th[data-sort] { cursor: pointer; } th[data-sort]:hover { color: #2471a3; }
img { display: block; max-width: 180px; max-height: 180px; } ul { margin: 0; padding-left: 1.1em; }
small, a { color: #555; } .broken { color: #c0392b; font-weight: 600; }
.failed td:nth-child(2) { border-left: 4px solid #c0392b; padding-left: .5em; }
.over td:nth-child(2) { border-left: 4px solid #e08e0b; padding-left: .5em; }
#filter { font: inherit; padding: .3em .5em; width: 20em; }
"""
_SCRIPT = """
const table = document.querySelector("table"), clips = () => [...table.tBodies].filter(b => b.rows.length);
document.getElementById("filter").addEventListener("input", event => {
  const words = event.target.value.toLowerCase();
  for (const clip of clips()) clip.hidden = !clip.textContent.toLowerCase().includes(words);
});
let last = null, sign = 1;
for (const heading of document.querySelectorAll("th[data-sort]")) heading.addEventListener("click", () => {
  const column = +heading.dataset.sort, value = clip => (clip.rows[0].cells[column] || {dataset: {}}).dataset.value;
  sign = last === column ? -sign : column === 1 ? 1 : -1;
  last = column;
  const key = clip => column === 1 ? value(clip) : parseFloat(value(clip));
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === undefined || Number.isNaN(x)) return 1;
    if (y === undefined || Number.isNaN(y)) return -1;
    return sign * (x < y ? -1 : x > y ? 1 : 0);
  };
  for (const clip of clips().sort(compare)) table.append(clip);
});
"""
