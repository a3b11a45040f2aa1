"""A rig's map as the text of a preset, to be shared or edited: see `preset_files.py` for the format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.jobs import MotionLiftError
from .humanoid import FINGERS, IkLimb, RigMap, Switch
from .preset import SIDE_KEYS, Chains
from .preset_files import FORMAT

MARKS = ("pelvis", "hip", "knee", "shoulder", "elbow")
"""Roles whose bones a fingerprint asks for."""
LIMBS = ("hip", "shoulder")


def preset_of(rig_map: RigMap, title: str) -> str:
    """A preset's text that gives the roles of `rig_map` to bones of the same names, with its limbs' IK controls,
    switches, carriers and corrections.

    Bones of a side whose names do not differ from the other side's by one word alone are left out, as a preset cannot
    say them. Raises `MotionLiftError` (`no_sides`) where none does.
    """
    words = max(_SIDE_WORDS, key=lambda pair: len(_templates(rig_map.bones, pair)))
    if not any(role in SIDE_KEYS for role in _templates(rig_map.bones, words)):
        raise MotionLiftError("no_sides", "Left and right bones do not differ by one word, so no preset can be made.")
    lines = [f"format = {FORMAT}", f"title = {_quoted(title)}"]
    lines += [f"sides = {{ left = {_quoted(words[0])}, right = {_quoted(words[1])} }}", f'travel = "{rig_map.travel}"']
    tables = {
        table: _templates(chains, words)
        for table, chains in (("bones", rig_map.bones), ("beside", rig_map.beside), ("twists", rig_map.twists))
    }
    marks = [tables["bones"][role][0] for role in MARKS if role in tables["bones"]]
    lines += ["", "[fingerprint]", f"needed = {_list(marks)}"]
    for table, roles in tables.items():
        lines += _table(table, [f"{role} = {_list(names)}" for role, names in roles.items()])
    for role in LIMBS:
        lines += _limb(role, rig_map.ik, words)
    lines += _table("carriers", _carriers(rig_map.carriers, words))
    lines += _table("switches", _switches(rig_map.switches, words))
    lines += _table("correction", _corrections(rig_map.corrections))
    return "\n".join(lines) + "\n"


def _table(name: str, lines: list[str]) -> list[str]:
    return ["", f"[{name}]", *lines] if lines else []


def _limb(role: str, limbs: Mapping[str, IkLimb], words: tuple[str, str]) -> list[str]:
    """`[ik.hip]` and its switches, where both sides have the controls."""
    left, right = limbs.get(f"left_{role}"), limbs.get(f"right_{role}")
    if left is None or right is None or not _template(left.target, right.target, words):
        return []
    pairs = {"target": (left.target, right.target), "pole": (left.pole, right.pole), "toe": (left.toe, right.toe)}
    named = {key: _template(*pair, words) for key, pair in pairs.items()}
    lines = [f"{key} = {_quoted(template)}" for key, template in named.items() if template]
    if not left.usual:
        lines.insert(0, "usual = false")
    return [
        *_table(f"ik.{role}", lines),
        *_table(f"ik.{role}.on", _switches((*left.on, *right.on), words)),
        *_table(f"ik.{role}.off", _switches((*left.off, *right.off), words)),
    ]


def _switches(switches: Iterable[Switch], words: tuple[str, str]) -> list[str]:
    """By bone the properties to key; those of a side whose other side has them too, once."""
    values: dict[str, dict[str, float]] = {}
    for switch in switches:
        values.setdefault(switch.bone, {})[switch.name] = switch.value
    named = _paired(values, words)
    lines = []
    for bone, template in named.items():
        properties = ", ".join(f"{_quoted(name)} = {value}" for name, value in values[bone].items())
        lines.append(f"{_quoted(template)} = {{ {properties} }}")
    return lines


def _carriers(carriers: Mapping[str, str], words: tuple[str, str]) -> list[str]:
    lines = []
    for bone, template in _paired(carriers, words).items():
        carrier = carriers[bone]
        if template != bone:
            other = carriers[template.replace("{side}", words[1])]
            carrier = carrier if carrier == other else _template(carrier, other, words)
        if carrier:
            lines.append(f"{_quoted(template)} = {_quoted(carrier)}")
    return lines


def _corrections(corrections: Mapping[str, tuple[float, float, float]]) -> list[str]:
    by_key = {role.removeprefix("left_"): turn for role, turn in corrections.items() if not role.startswith("right_")}
    return [f"{key} = [{', '.join(map(str, turn))}]" for key, turn in by_key.items()]


def _paired(names: Iterable[str], words: tuple[str, str]) -> dict[str, str]:
    """How to write each name: with `{side}` for a left one whose right one is there, which is left out; else as it
    is."""
    known = list(names)
    result, seen = {}, set()
    for name in known:
        for at in range(len(name)):
            template = f"{name[:at]}{{side}}{name[at + len(words[0]) :]}"
            other = template.replace("{side}", words[1])
            if name.startswith(words[0], at) and other in known:
                result[name] = template
                seen.add(other)
                break
    return {name: result.get(name, name) for name in known if name in result or name not in seen}


_SIDE_WORDS = (("Left", "Right"), ("left", "right"), ("LEFT", "RIGHT"), ("L", "R"), ("l", "r"), ("左", "右"))


def _templates(chains: Chains, words: tuple[str, str]) -> dict[str, list[str]]:
    """Chains by a preset's keys, with `{side}` where `words` differ."""
    result: dict[str, list[str]] = {}
    for role, names in chains.items():
        if role.startswith("right_"):
            continue
        key = role.removeprefix("left_")
        if role.startswith("left_"):
            stem = key.rpartition("_")[0]
            pairs = zip(names, chains.get(f"right_{key}", ()), strict=False)
            spelt = [template for left, right in pairs if (template := _template(left, right, words))]
            key = stem if stem in FINGERS else key
        else:
            spelt = list(names)
        if spelt:
            result.setdefault(key, []).extend(spelt)
    return result


def _template(left: str, right: str, words: tuple[str, str]) -> str:
    for at in range(len(left)):
        rest = left[at + len(words[0]) :]
        if left.startswith(words[0], at) and left[:at] + words[1] + rest == right:
            return left[:at] + "{side}" + rest
    return ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(name) for name in names)}]"
