"""Whether someone has edited an Action since we wrote it."""

from __future__ import annotations

import bpy

from ..rig import QUATERNION
from . import contacts, nla, versions
from .curve_prints import CurveName, curve_print, joined, name_of, prints_of
from .edits import SAME
from .written import PRINT, names_in, owner_in, watched_paths


def fingerprint(action: bpy.types.Action) -> str:
    """A hash of the curves that we wrote into `action`, and of those that turn the same bones in another rotation mode;
    of all curves where we wrote none: see `curve_print`.

    Contacts are left out: they are there to be edited. What else an animator has put into the Action is not at stake:
    it comes along.
    """
    paths = watched_paths(action)
    if paths is not None:
        return joined(prints_of(owner_in(action, paths), paths))
    prints = {name: each for owner in versions.curve_owners(action) for name, each in prints_of(owner).items()}
    return joined({name: each for name, each in prints.items() if not contacts.is_ours(name[0])})


class Fingerprinting:
    """`fingerprint` in many small steps, between which Blender may go on; the Action must not change meanwhile."""

    def __init__(self, action: bpy.types.Action) -> None:
        paths = watched_paths(action)
        self._action, self._paths = action.name, paths
        owner = None if paths is None else owner_in(action, paths)
        curves = [] if owner is None or paths is None else [c for c in owner.fcurves if c.data_path in paths]
        self._left = [(curve.data_path, curve.array_index) for curve in curves]
        self._prints: dict[CurveName, bytes] = {}
        self.result: str | None = None

    def advance(self) -> bool:
        """Read one more curve; whether `result` is there then. Without the Action, or a curve of it, it is empty."""
        action = bpy.data.actions.get(self._action)
        if action is None or self._paths is None:
            self.result = "" if action is None else fingerprint(action)
        elif self._left:
            path, index = self._left.pop()
            curve = owner_in(action, {path}).fcurves.find(path, index=index)
            if curve is None:
                self.result = ""
            else:
                self._prints[path, index] = curve_print(curve)
        else:
            self.result = joined(self._prints)
        return self.result is not None


def fingerprint_as_written(action: bpy.types.Action) -> str:
    """What `fingerprint` was when we wrote the Action; of one that we did not write, what it is now."""
    stored = action.get(PRINT)
    return stored if isinstance(stored, str) else fingerprint(action)


def shows_take_alone(figure: bpy.types.Object, action: bpy.types.Action) -> bool:
    """Whether nothing but the curves that we wrote into `action` poses the bones of an armature that we made for it.

    What these curves are now is not looked at.
    """
    names, curves = names_in(action), nla.curves_in(figure, action)
    if names is None or curves is None or figure.animation_data.drivers:
        return False
    if any(name_of(curve) not in names for curve in curves.fcurves if curve.data_path.startswith("pose.")):
        return False
    for bone in figure.pose.bones:
        placed = (f"{bone.path_from_id()}.location", 0) in names
        moved = [*(() if placed else bone.location), *(size - 1 for size in bone.scale)]
        if len(bone.constraints) or bone.rotation_mode != QUATERNION or max(map(abs, moved)) > SAME:
            return False
    return True


def is_as_written(action: bpy.types.Action) -> bool:
    """Whether an Action of ours holds our keys unchanged; one that is not ours does not."""
    stored = action.get(PRINT)
    return isinstance(stored, str) and stored == fingerprint(action)
