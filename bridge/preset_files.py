"""Presets: which bones of a rig family play which part, as TOML files that hold data and nothing else.

- `format = 1`; `title`: what people call the family; `sides = { left = "L", right = "R" }`: what `{side}` stands for in
  names; `prefix`: a regular expression for what stands before every name (a namespace `Hero:` is always allowed);
  `travel`: "hips" or "root", what carries the way along the ground.
- `[fingerprint]`: a rig with all names of `needed` and none of `excluding` is of this family.
- `[bones]` by role, a name or a list in a row from the body outwards; those that a rig does not have are passed over.
  Roles of the middle: root, pelvis, spine, neck, head. Of a side: clavicle, shoulder (the upper arm), elbow (the
  forearm), wrist, hip (the thigh), knee, ankle, toe, and the fingers thumb, index, middle, ring, pinky.
- `[beside]` by role: bones that turn with the role's first. `[twists]` by role: bones that take part of a limb's twist.
- `[carriers]`: for a bone the one that it follows because of constraints.
- `[switches]` by bone: properties to key, custom ones or `ik_stretch`. `[ik.hip]`, `[ik.shoulder]`: the controls
  `target`, `pole`, `toe` of a leg or arm; `usual = false` where FK is what one wants; `[ik.hip.on]` and
  `[ik.hip.off]`: the switches for either.
- `[correction]` by role: degrees about x, y, z where the T-pose that we would assume is not the one meant.
"""

from __future__ import annotations

import functools
import logging
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.files import written_beside
from ..core.jobs import MotionLiftError
from .humanoid import MIDDLE_ROLES, SIDES
from .preset import SIDE_KEYS, Chains, IkTable, Preset, SwitchTable

log = logging.getLogger(__name__)

SUFFIX = ".toml"
FORMAT = 1
SHIPPED = Path(__file__).parent / "presets"
TRAVELS = ("hips", "root")
_KEYS = {
    "format", "title", "prefix", "sides", "travel", "fingerprint", "bones", "beside", "twists", "carriers", "switches",
    "ik", "correction",
}  # fmt: skip


def read_preset(path: Path) -> Preset:
    """Raises `MotionLiftError`: `no_file`, or `bad_preset` with what is wrong and where."""
    if not path.is_file():
        raise MotionLiftError(
            "no_file", f"There is no preset {path}.", "Check the name, or see motionlift presets list."
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise _bad(path.name, f"it cannot be read: {error}") from error
    return _checked(values, path)


@dataclass(frozen=True)
class Presets:
    """known: presets by family; wrong: by what would be their family, what is wrong with those left out."""

    known: Mapping[str, Preset]
    wrong: Mapping[str, MotionLiftError]

    def check(self, family: str) -> None:
        """Raises what is wrong (`bad_preset`) with the preset of this name, if it was left out."""
        if family in self.wrong:
            raise self.wrong[family]

    def warnings(self) -> list[str]:
        """What a person should know about files of theirs, a text each."""
        return [f"{error.message} It is left out. {error.hint}" for error in self.wrong.values()]


def read_presets(folders: Iterable[Path] = ()) -> Presets:
    """The shipped presets, those in `folders` in place of ones of the same name. One there that is not right is left
    out, so that all others can be used."""
    known = {path.stem: read_preset(path) for path in sorted(SHIPPED.glob(f"*{SUFFIX}"))}
    wrong: dict[str, MotionLiftError] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                known[path.stem] = read_preset(path)
                wrong.pop(path.stem, None)
            except MotionLiftError as error:
                wrong[path.stem] = error
    return Presets(known, wrong)


def load_presets(folders: Iterable[Path] = ()) -> dict[str, Preset]:
    """The presets of `read_presets` by family, with a warning in the log for each file that is left out."""
    found = read_presets(folders)
    for text in found.warnings():
        _warn(text)
    return dict(found.known)


@functools.cache
def _warn(text: str) -> None:
    """Once is enough, however many rigs are matched."""
    log.warning(text)


def _bad(name: str, what: str) -> MotionLiftError:
    hint = "Correct it; motionlift presets check FILE looks again."
    return MotionLiftError("bad_preset", f"The preset {name} is not right: {what}.", hint)


def _checked(values: dict[str, Any], path: Path) -> Preset:
    name = path.name
    _known(name, "key", values, _KEYS)
    if values.get("format") != FORMAT:
        raise _bad(name, f"format should be {FORMAT}, not {values.get('format')!r}")
    for table in ("sides", "fingerprint", "bones", "beside", "twists", "carriers", "switches", "ik", "correction"):
        if not isinstance(values.get(table, {}), dict):
            raise _bad(name, f"{table} should be a table")
    sides = values.get("sides", {"left": "L", "right": "R"})
    _known(name, "side", sides, SIDES)
    if set(sides) != set(SIDES) or not all(isinstance(word, str) and word for word in sides.values()):
        raise _bad(name, "sides should say what left and right are called")
    if sides["left"] == sides["right"]:
        raise _bad(name, "left and right are called the same")
    prefix, title = values.get("prefix", ""), values.get("title", path.stem)
    if not isinstance(prefix, str) or not isinstance(title, str):
        raise _bad(name, "title and prefix should be text")
    try:
        re.compile(prefix)
    except re.error as error:
        raise _bad(name, f"prefix is no regular expression: {error}") from error
    if values.get("travel", "hips") not in TRAVELS:
        raise _bad(name, f"travel should be one of {', '.join(TRAVELS)}, not {values['travel']!r}")
    fingerprint = values.get("fingerprint", {})
    _known(name, "key of fingerprint", fingerprint, ("needed", "excluding"))
    bones = {role: _names(name, f"bones.{role}", names) for role, names in values.get("bones", {}).items()}
    for table in ("bones", "beside", "twists", "correction"):
        _known(name, f"role in {table}", values.get(table, {}), (*MIDDLE_ROLES, *SIDE_KEYS))
    if "pelvis" not in bones or not ({"hip", "shoulder"} & set(bones)):
        raise _bad(name, "bones needs at least pelvis, and hip or shoulder")
    for role, templates in bones.items():
        if (role in SIDE_KEYS) != all("{side}" in template for template in templates):
            raise _bad(name, f"bones.{role} should {'' if role in SIDE_KEYS else 'not '}have {{side}} in every name")
    _unique(name, bones)
    _known(name, "limb in ik", values.get("ik", {}), ("hip", "shoulder"))
    return Preset(
        family=path.stem,
        title=title,
        bones=bones,
        sides=sides,
        prefix=prefix,
        needed=_names(name, "fingerprint.needed", fingerprint.get("needed", [])),
        excluding=_names(name, "fingerprint.excluding", fingerprint.get("excluding", [])),
        beside={role: _names(name, f"beside.{role}", names) for role, names in values.get("beside", {}).items()},
        twists={role: _names(name, f"twists.{role}", names) for role, names in values.get("twists", {}).items()},
        carriers=_texts(name, "carriers", values.get("carriers", {})),
        switches=_switches(name, "switches", values.get("switches", {})),
        ik={role: _ik(name, role, table) for role, table in values.get("ik", {}).items()},
        corrections={role: _degrees(name, role, value) for role, value in values.get("correction", {}).items()},
        travel=values.get("travel", "hips"),
        path=path,
    )


def _known(name: str, what: str, values: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise _bad(name, f"there is no {what} called {', '.join(unknown)} (there are: {', '.join(sorted(known))})")


def _names(name: str, where: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(item, str) and item for item in names):
        raise _bad(name, f"{where} should be a bone's name or a list of names")
    return tuple(names)


def _unique(name: str, bones: Chains) -> None:
    seen: dict[str, str] = {}
    for role, templates in bones.items():
        for template in templates:
            if template in seen:
                raise _bad(name, f"{template} is given to both {seen[template]} and {role}")
            seen[template] = role


def _texts(name: str, where: str, value: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(item, str) for item in value.values()):
        raise _bad(name, f"{where} should hold names of bones")
    return value


def _switches(name: str, where: str, tables: Any) -> SwitchTable:
    result: dict[str, dict[str, float]] = {}
    for bone, table in tables.items() if isinstance(tables, dict) else [("", None)]:
        if not isinstance(table, dict) or not all(isinstance(value, int | float) for value in table.values()):
            raise _bad(name, f"{where} should hold, by bone, numbers by the name of a property")
        result[bone] = {key: float(value) for key, value in table.items()}
    return result


def _ik(name: str, role: str, table: Any) -> IkTable:
    if not isinstance(table, dict):
        raise _bad(name, f"ik.{role} should be a table")
    _known(name, f"key of ik.{role}", table, ("target", "pole", "toe", "usual", "on", "off"))
    names = {key: table[key] for key in ("target", "pole", "toe") if key in table}
    if "target" not in names or not all(isinstance(value, str) and value for value in names.values()):
        raise _bad(name, f"ik.{role} needs a target, and names of bones")
    usual = table.get("usual", True)
    if not isinstance(usual, bool):
        raise _bad(name, f"ik.{role}.usual should be true or false")
    on, off = (_switches(name, f"ik.{role}.{key}", table.get(key, {})) for key in ("on", "off"))
    return IkTable(**names, usual=usual, on=on, off=off)


def _degrees(name: str, role: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(item, int | float) for item in value):
        raise _bad(name, f"correction.{role} should be three numbers, degrees about x, y and z")
    return (float(value[0]), float(value[1]), float(value[2]))


def save_preset(text: str, path: Path) -> Preset:
    """Write a preset's text, if it is right. Raises as `read_preset`, or `write_failed`."""
    preset = _checked(tomllib.loads(text), path)
    with written_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return preset
