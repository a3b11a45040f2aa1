"""A rig family as its preset describes it, and the map that it makes of a rig's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .humanoid import FINGERS, PHALANGES, SIDE_ROLES, SIDES, IkLimb, RigMap, Switch

SIDE_KEYS = (*SIDE_ROLES, *FINGERS)
"""The roles that a preset names once for both sides."""

Chains = Mapping[str, tuple[str, ...]]
SwitchTable = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class IkTable:
    """A table `ik` of a file."""

    target: str
    pole: str = ""
    toe: str = ""
    usual: bool = True
    on: SwitchTable = field(default_factory=dict)
    off: SwitchTable = field(default_factory=dict)


@dataclass(frozen=True)
class Preset:
    """One preset as its file has it, names with `{side}` in them; `family` is the file's name without suffix."""

    family: str
    title: str
    bones: Chains
    sides: Mapping[str, str] = field(default_factory=lambda: {"left": "L", "right": "R"})
    prefix: str = ""
    needed: tuple[str, ...] = ()
    excluding: tuple[str, ...] = ()
    beside: Chains = field(default_factory=dict)
    twists: Chains = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    switches: SwitchTable = field(default_factory=dict)
    ik: Mapping[str, IkTable] = field(default_factory=dict)
    corrections: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    travel: str = "hips"
    path: Path | None = None

    def stripped(self, names: Iterable[str]) -> dict[str, str]:
        """The rig's names by what is left of them without namespace and prefix; names without it are left out."""
        found: dict[str, str] = {}
        for name in names:
            match = re.match(f"(?:.*:)?{self.prefix}", name) if self.prefix else re.match("(?:.*:)?", name)
            if match and match.end() < len(name):
                found.setdefault(name[match.end() :], name)
            if self.prefix and (bare := re.match(self.prefix, name)) and bare.end() < len(name):
                found.setdefault(name[bare.end() :], name)
        return found

    def fits(self, names: Iterable[str]) -> bool:
        """Whether a rig with these bones has the fingerprint."""
        known = self.stripped(names)
        return all(name in known for name in self.spelt(self.needed)) and not any(
            name in known for name in self.spelt(self.excluding)
        )

    def spelt(self, templates: Iterable[str]) -> list[str]:
        """Names with every side put in."""
        result = []
        for template in templates:
            sides = self.sides.values() if "{side}" in template else [""]
            result += [template.replace("{side}", side) for side in sides]
        return result

    def rig_map(self, names: Iterable[str]) -> RigMap:
        """The map of a rig with these bones; what it does not have is left out."""
        known = self.stripped(names)
        carriers = {}
        for side in SIDES:
            for bone, carrier in self.carriers.items():
                pair = [known.get(name.replace("{side}", self.sides[side]), "") for name in (bone, carrier)]
                if all(pair):
                    carriers[pair[0]] = pair[1]
        return RigMap(
            bones=self._by_role(self.bones, known),
            beside=self._by_role(self.beside, known),
            twists=self._by_role(self.twists, known),
            carriers=carriers,
            corrections=self._sided(self.corrections),
            ik={
                f"{side}_{role}": limb
                for side in SIDES
                for role, limb in ((role, self._ik_limb(limb, side, known)) for role, limb in self.ik.items())
                if limb.target
            },
            switches=tuple(item for side in SIDES for item in self._switches(self.switches, side, known)),
            travel=self.travel,
            family=self.family,
            title=self.title,
        )

    def _switches(self, table: SwitchTable, side: str, known: Mapping[str, str]) -> tuple[Switch, ...]:
        """The switches of one side, and with the left those of the middle."""
        return tuple(
            Switch(known[bone], name, value)
            for template, values in table.items()
            if (bone := template.replace("{side}", self.sides[side])) in known
            and (bone != template or side == SIDES[0])
            for name, value in values.items()
        )

    def _ik_limb(self, limb: IkTable, side: str, known: Mapping[str, str]) -> IkLimb:
        names = (name.replace("{side}", self.sides[side]) for name in (limb.target, limb.pole, limb.toe))
        target, pole, toe = (known.get(name, "") for name in names)
        switches = (self._switches(table, side, known) for table in (limb.on, limb.off))
        return IkLimb(target, pole, toe, limb.usual, *switches)

    def _by_role(self, chains: Chains, known: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        result: dict[str, tuple[str, ...]] = {}
        for role, names in self._sided(chains).items():
            side = role.partition("_")[0]
            spelt = [name.replace("{side}", self.sides.get(side, "")) for name in names]
            if role.removeprefix(f"{side}_") in FINGERS:
                for number, name in enumerate(spelt[:PHALANGES], 1):
                    if name in known:
                        result[f"{role}_{number}"] = (known[name],)
            elif found := tuple(known[name] for name in spelt if name in known):
                result[role] = found
        return result

    def _sided(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Roles of a side repeated for both."""
        result: dict[str, Any] = {role: value for role, value in values.items() if role not in SIDE_KEYS}
        for side in SIDES:
            result |= {f"{side}_{role}": value for role, value in values.items() if role in SIDE_KEYS}
        return result
