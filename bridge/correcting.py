"""A rig's map as rows of role and bone, for a person to correct, and the map that corrected rows make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from .humanoid import FINGER_ROLES, ROLES, RigMap, in_words
from .match import Match, judged

Rows = tuple[tuple[str, str], ...]
"""(role, bone's name) from the middle of the body outwards; an empty name where no bone plays the role."""

CHAINS = ("spine", "neck")
"""Roles of several bones in a row; there is always an empty row for one more."""


def rows_of(rig_map: RigMap) -> Rows:
    """Every role of the body and of the fingers with its bones."""
    rows: list[tuple[str, str]] = []
    for role in ROLES:
        names = rig_map.bones.get(role, ())
        rows += [(role, name) for name in names]
        if not names or role in CHAINS:
            rows.append((role, ""))
    return tuple(rows)


def corrected(found: Match, rows: Iterable[tuple[str, str]]) -> Match:
    """The match with the bones of `rows` in place of its own; everything else that its preset knows stays.

    What a person says is sure. Raises `MotionLiftError`: `not_humanoid` as `match.match`.
    """
    bones: dict[str, tuple[str, ...]] = {}
    for role, name in rows:
        if name:
            bones[role] = (*bones.get(role, ()), name)
    taken = {name for names in bones.values() for name in names}
    rig_map = replace(
        found.rig_map,
        bones=bones,
        beside=_without(found.rig_map.beside, taken),
        twists=_without(found.rig_map.twists, taken),
    )
    return judged(rig_map, found.family, found.title, 1.0)


def doubled(rows: Iterable[tuple[str, str]]) -> str:
    """Words about the first bone that is given to two roles; empty where none is."""
    roles: dict[str, str] = {}
    for role, name in rows:
        if name and name in roles:
            return f"{name} is given to both {in_words(roles[name])} and {in_words(role)}"
        roles[name] = role
    return ""


def is_finger(role: str) -> bool:
    """Whether a role is one of a finger."""
    return role.endswith(FINGER_ROLES)


def words_of(found: Match) -> list[str]:
    """How far to trust a match, in words: the parts of the body that were found, and those that were not."""
    body = [role for role in ROLES if not is_finger(role) and role != "root"]
    fingers = sum(is_finger(role) for role in found.rig_map.bones)
    lines = [f"{found.rig_map.count()} bones: {len(body) - len(found.missing)} of {len(body)} parts of the body"]
    lines[0] += ", fingers" if fingers else ", no fingers"
    if found.missing:
        lines.append(f"No bone for {', '.join(map(in_words, found.missing))}")
    return lines


def _without(chains: Mapping[str, tuple[str, ...]], taken: set[str]) -> dict[str, tuple[str, ...]]:
    kept = {role: tuple(name for name in names if name not in taken) for role, names in chains.items()}
    return {role: names for role, names in kept.items() if names}
