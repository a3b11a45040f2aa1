"""All that an animator did to an Action of ours, taken off it and put onto the Action that takes its place.

Besides what `edits.py` finds during the take: keys before and after it, and channels that were muted. The rest of the
Action, curves that we did not write, is carried over by whoever writes the new one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...core.rotation import Array
from . import versions
from .edits import HandEdits, apply_edits, reading_edits, run, turning_now
from .rebuilding import copy_asset
from .spans import POINTS, Span, carried
from .written import names_in, owner_in, span_in, written_in

Channel = tuple[str, int]
"""A curve's path and component."""
KINDS = ("interpolation", "type", "handle_left_type", "handle_right_type")


@dataclass(frozen=True)
class OutsideKeys:
    """Keys of one curve outside the take: points by name (K, 2) in frames and values, kinds by name (K,)."""

    points: Mapping[str, Array]
    kinds: Mapping[str, Any]


@dataclass(frozen=True)
class HandWork:
    """What is carried over: edits during the take, keys outside it, muted channels. `span`: when the take played."""

    edits: HandEdits
    outside: Mapping[Channel, OutsideKeys]
    muted: frozenset[Channel]
    span: Span

    def names(self) -> list[str]:
        """What was touched, as an animator calls it: bones, and properties by their names."""
        return _called([*self.edits.paths(), *(path for path, _ in self.outside), *(path for path, _ in self.muted)])


def called(names: Iterable[Channel]) -> list[str]:
    """Curves as an animator calls what they move: bones, and properties by their names."""
    return _called(sorted({path for path, _ in names}))


def _called(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(path.split('"')[1] if '"' in path else path for path in paths))


def hand_work(action: bpy.types.Action) -> HandWork | None:
    """What was done by hand to `action`; None for an Action that is not ours."""
    return run(_reading(action.name))


class HandWorkReading:
    """`hand_work` in many small steps, between which Blender may go on; the Action must not change meanwhile."""

    def __init__(self, action: bpy.types.Action) -> None:
        self._steps = _reading(action.name)
        self.finished = False
        self.result: HandWork | None = None

    def advance(self) -> bool:
        """Read one more curve; whether `result` is there then. Of an Action that is gone there is none."""
        if not self.finished:
            try:
                next(self._steps)
            except StopIteration as end:
                self.finished, self.result = True, end.value
            except KeyError:
                self.finished = True
        return self.finished


def _reading(name: str) -> Generator[None, None, HandWork | None]:
    edits = yield from reading_edits(name)
    written = written_in(bpy.data.actions[name])
    if edits is None or written is None:
        return None
    span = written.span
    # Bones that are keyed in another rotation mode by now have their keys outside the take there.
    turning = [path for path, _ in turning_now(bpy.data.actions[name], written).values()]
    ours = {(path, index) for path, index, _ in written.curves} | {(path, i) for path in turning for i in range(4)}
    outside, muted = {}, set()
    for path, index in sorted(ours):
        yield
        curve = owner_in(bpy.data.actions[name], {path}).fcurves.find(path, index=index)
        if curve is None:
            continue
        if curve.mute:
            muted.add((path, index))
        if found := _outside(curve, span):
            outside[path, index] = found
    return HandWork(edits, outside, frozenset(muted), span)


def put_back(figure: bpy.types.Object, work: HandWork) -> None:
    """Apply `work` to the take that was just written onto `figure`, whose Action then counts as edited by hand."""
    apply_edits(figure, work.edits)
    action, curves = figure.animation_data.action, versions.current_curves(figure.animation_data)
    # All else has come along.
    ours, now = names_in(action) or frozenset(), span_in(action) or work.span
    for path, index in (*work.outside, *(name for name in work.muted if name not in work.outside)):
        curve = curves.fcurves.find(path, index=index) if (path, index) in ours else None
        if curve is None:
            continue
        if (path, index) in work.outside:
            _add(curve, work.outside[path, index], work.span, now)
        if (path, index) in work.muted:
            curve.mute = True


def take_over(old: bpy.types.Action, new: bpy.types.Action) -> None:
    """Let `new` be what `old` was, in name and for everyone who uses it, as an asset too; `old` is removed."""
    name = old.name
    copy_asset(old, new)
    old.user_remap(new)
    bpy.data.actions.remove(old)
    new.name = name


def _outside(curve: Any, span: Span) -> OutsideKeys | None:
    count, first, last = len(curve.keyframe_points), span.first, span.last
    # Keys are in order.
    if count and all(first - 0.5 <= curve.keyframe_points[end].co[0] <= last + 0.5 for end in (0, -1)):
        return None
    points = {name: np.empty(2 * count, np.float32) for name in POINTS}
    kinds = {name: np.empty(count, np.int32) for name in KINDS}
    for name, values in (points | kinds).items():
        curve.keyframe_points.foreach_get(name, values)
    frames = points["co"][::2]
    kept = (frames < first - 0.5) | (frames > last + 0.5)
    if not kept.any():
        return None
    return OutsideKeys(
        {name: values.reshape(-1, 2)[kept].astype(float) for name, values in points.items()},
        {name: values[kept] for name, values in kinds.items()},
    )


def _add(curve: Any, keys: OutsideKeys, before: Span, after: Span) -> None:
    points = {
        name: np.column_stack([carried(values[:, 0], before, after), values[:, 1]])
        for name, values in keys.points.items()
    }
    for number, (frame, value) in enumerate(points["co"]):
        key = curve.keyframe_points.insert(frame, value)
        for name in KINDS:
            setattr(key, name, _identifier(name, int(keys.kinds[name][number])))
        for name in ("handle_left", "handle_right"):
            setattr(key, name, points[name][number])
    curve.update()


def _identifier(name: str, number: int) -> str:
    items = bpy.types.Keyframe.bl_rna.properties[name].enum_items
    return str(next(item.identifier for item in items if item.value == number))
