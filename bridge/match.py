"""Which bones of a rig play which part: its family by fingerprint, else names and hierarchy.

By fingerprint the preset says everything. A rig of no known family is read like a person would: names are cut into
words, a word for left or right is put aside, and the rest looked up among what rigs call a thigh or a forearm; of
several candidates the one counts that hangs where it should (a shin below a thigh), nearest to the body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.jobs import MotionLiftError
from .bone_names import read_name, roles_of
from .humanoid import FINGERS, NEEDED, PHALANGES, SIDES, RigMap, in_words
from .preset import Preset
from .preset_files import SUFFIX, load_presets, read_preset, read_presets
from .rig import Rig

NAMES = "by names"


@dataclass(frozen=True)
class Match:
    """A map and how far to trust it.

    family: the preset's name, or `NAMES`; sure: 0 to 1, the share of a body's parts that were found, less where only
    names told; missing: roles of a body without a bone; others: families whose fingerprint fits as well.
    """

    rig_map: RigMap
    family: str
    title: str
    sure: float
    missing: tuple[str, ...]
    others: tuple[str, ...] = ()


def match(rig: Rig, presets: Mapping[str, Preset], wanted: str = "auto") -> Match:
    """The map of a rig: of the preset called `wanted`, or of the family that it is found to be.

    Raises `MotionLiftError`: `no_preset` for an unknown name, `not_humanoid` with what is missing.
    """
    if wanted != "auto":
        if wanted not in presets:
            raise MotionLiftError(
                "no_preset", f"There is no preset {wanted}.", f"There are: auto, {', '.join(sorted(presets))}."
            )
        return with_preset(rig, presets[wanted])
    fitting = sorted((preset for preset in presets.values() if preset.fits(rig.names)), key=lambda p: -_worth(p, rig))
    if fitting:
        found = with_preset(rig, fitting[0])
        others = tuple(preset.family for preset in fitting[1:])
        return Match(found.rig_map, found.family, found.title, found.sure, found.missing, others)
    return by_names(rig)


def chosen(rig: Rig, preset: str, folder: Path | None = None) -> Match:
    """The map of a rig by a preset's name, `auto` or a preset file; presets in `folder` come before ours.

    Raises `MotionLiftError` as `match` and `read_preset`.
    """
    if preset.lower().endswith(SUFFIX):
        return with_preset(rig, read_preset(Path(preset)))
    folders = [] if folder is None else [folder]
    read_presets(folders).check(preset)
    return match(rig, load_presets(folders), preset)


def with_preset(rig: Rig, preset: Preset) -> Match:
    """The map that a preset makes of a rig. Raises `MotionLiftError` (`not_humanoid`)."""
    rig_map = preset.rig_map(rig.names)
    return judged(rig_map, preset.family, preset.title, 1.0)


def unknown() -> Match:
    """A match with no bones, for a person to fill in."""
    rig_map = RigMap({}, family=NAMES, title="By hand")
    return Match(rig_map, NAMES, rig_map.title, 0.0, rig_map.missing())


def _worth(preset: Preset, rig: Rig) -> int:
    """How many bones a preset maps; of two whose fingerprints fit, the one that knows more of the rig is meant."""
    return preset.rig_map(rig.names).count() + len(preset.spelt(preset.needed))


def judged(rig_map: RigMap, family: str, title: str, trust: float) -> Match:
    """The match that a map makes; `trust`: how sure what says so is. Raises `MotionLiftError` (`not_humanoid`)."""
    missing = rig_map.missing()
    lacking = [role for role in NEEDED if role not in rig_map.bones]
    legs = all(f"{side}_hip" in rig_map.bones for side in SIDES)
    arms = all(f"{side}_shoulder" in rig_map.bones for side in SIDES)
    if "pelvis" not in rig_map.bones or not (legs or arms):
        raise MotionLiftError(
            "not_humanoid",
            f"The armature is no humanoid that we know: no bone found for {', '.join(map(in_words, lacking))}.",
            "Choose a preset, or make one: motionlift presets show FAMILY prints one to start from.",
        )
    # Collarbones and toes are often left out; a missing forearm is worse.
    worst = sum(1.0 if role in NEEDED else 0.4 for role in missing)
    return Match(rig_map, family, title, trust * max(0.0, 1 - worst / 20), missing)


def by_names(rig: Rig) -> Match:
    """The map that names and hierarchy suggest. Raises `MotionLiftError` (`not_humanoid`)."""
    bones: dict[str, tuple[str, ...]] = {}
    words = [read_name(name) for name in rig.names]
    candidates: dict[str, list[int]] = {}
    for bone, (side, rest, number) in enumerate(words):
        for role in roles_of(side, rest, number):
            candidates.setdefault(role, []).append(bone)
    depth = _depths(rig)
    for side in SIDES:
        # What is called hip above a thigh is a bone of the pelvis.
        thighs = candidates.get(f"{side}_hip", [])
        candidates[f"{side}_hip"] = [
            bone
            for bone in thighs
            if words[bone][1][-1] != "hip" or not any(rig.is_below(other, bone) for other in thighs)
        ]
        leg = _limb(rig, candidates, [f"{side}_{part}" for part in ("hip", "knee", "ankle", "toe")], depth)
        arm = _limb(rig, candidates, [f"{side}_{part}" for part in ("clavicle", "shoulder", "elbow", "wrist")], depth)
        # Without another bone for the upper arm, what is called shoulder is the upper arm, below a collarbone or not.
        if f"{side}_shoulder" not in arm and f"{side}_clavicle" in arm:
            below = _second(
                rig, candidates[f"{side}_clavicle"], arm[f"{side}_clavicle"], arm.get(f"{side}_elbow"), depth
            )
            arm[f"{side}_shoulder"] = arm.pop(f"{side}_clavicle") if below is None else below
        # Of two bones that could be shins ("leg", "knee") the upper one is the thigh.
        if f"{side}_hip" not in leg and f"{side}_knee" in leg:
            below = _second(rig, candidates[f"{side}_knee"], leg[f"{side}_knee"], leg.get(f"{side}_ankle"), depth)
            if below is not None:
                leg[f"{side}_hip"], leg[f"{side}_knee"] = leg[f"{side}_knee"], below
        # Below an ankle, a foot begins at the ball.
        if f"{side}_toe" not in leg and f"{side}_ankle" in leg:
            below = _second(rig, candidates[f"{side}_ankle"], leg[f"{side}_ankle"], None, depth)
            if below is not None:
                leg[f"{side}_toe"] = below
        for role, bone in {**leg, **arm}.items():
            bones[role] = (rig.names[bone],)
        for finger in FINGERS:
            parts: dict[int, int] = {}
            for number in range(PHALANGES + 1):
                named = candidates.get(f"{side}_{finger}_{number}", [])
                options = [bone for bone in named if _is_part(rig, bone, arm.get(f"{side}_wrist", -1))]
                if options:
                    parts[number] = min(options, key=lambda bone: depth[bone])
            # Three from 0 on, in whatever numbers, are counted from 1.
            counted = 0 in parts and len(parts) <= PHALANGES
            for place, (number, bone) in enumerate(parts.items(), 1):
                if counted or number:
                    bones[f"{side}_{finger}_{place if counted else number}"] = (rig.names[bone],)
    bones |= _trunk(rig, candidates, bones, depth)
    return judged(RigMap(bones, family=NAMES, title="Found by names"), NAMES, "Found by names", 0.8)


def _depths(rig: Rig) -> list[int]:
    depths: list[int] = []
    for parent in rig.parents:
        depths.append(0 if parent < 0 else depths[parent] + 1)
    return depths


def _is_part(rig: Rig, bone: int, of: int) -> bool:
    return of < 0 or rig.is_below(bone, of)


def _limb(rig: Rig, candidates: Mapping[str, list[int]], roles: list[str], depth: list[int]) -> dict[str, int]:
    """For each role the candidate nearest to the body that hangs on the ones before and has none used twice."""
    found: dict[str, int] = {}
    above = -1
    for position, role in enumerate(roles):
        options = [
            bone for bone in candidates.get(role, []) if _is_part(rig, bone, above) and bone not in found.values()
        ]
        # One that leaves nothing for what must follow is worse than none: a lone "leg" may be thigh or shin.
        later = [bone for other in roles[position + 1 :] for bone in candidates.get(other, [])]
        options = [bone for bone in options if not later or any(rig.is_below(other, bone) for other in later)]
        if options:
            above = min(options, key=lambda bone: depth[bone])
            found[role] = above
    return found


def _second(rig: Rig, candidates: list[int], first: int, end: int | None, depth: list[int]) -> int | None:
    """The candidate next below `first`, above the limb's `end` where that is known; None where there is none."""
    options = [bone for bone in candidates if rig.is_below(bone, first) and (end is None or rig.is_below(end, bone))]
    return min(options, key=lambda bone: depth[bone]) if options else None


def _trunk(
    rig: Rig, candidates: Mapping[str, list[int]], bones: Mapping[str, tuple[str, ...]], depth: list[int]
) -> dict[str, tuple[str, ...]]:
    """Pelvis, spine, neck and head, from names and from what the limbs hang on."""
    result: dict[str, tuple[str, ...]] = {}

    def ancestors(role: str) -> list[int]:
        line, bone = [], int(rig.parents[rig.index(bones[role][0])]) if role in bones else -1
        while bone >= 0:
            line.append(bone)
            bone = int(rig.parents[bone])
        return line

    legs = [bone for bone in ancestors("left_hip") if bone in ancestors("right_hip")]
    arm = "clavicle" if "left_clavicle" in bones and "right_clavicle" in bones else "shoulder"
    arms = [bone for bone in ancestors(f"left_{arm}") if bone in ancestors(f"right_{arm}")]
    named = [bone for bone in candidates.get("pelvis", []) if not legs or bone in legs]
    pelvis = max(named, key=lambda bone: depth[bone]) if named else (legs[0] if legs else -1)
    if pelvis < 0:
        return result
    result["pelvis"] = (rig.names[pelvis],)
    head = max(candidates.get("head", []), key=lambda bone: -depth[bone], default=-1)
    line: list[int] = []
    bone = arms[0] if arms else -1
    # The trunk may stand beside the pelvis, on what carries both: Daz has hip, and on it pelvis and abdomen.
    while bone >= 0 and bone != pelvis and bone not in legs:
        line.insert(0, bone)
        bone = int(rig.parents[bone])
    # In MMD it is the centre, below which groove and waist carry both.
    carrier = bone
    while carrier >= 0 and carrier not in named:
        carrier = int(rig.parents[carrier])
    if carrier >= 0 and carrier != pelvis:
        result["pelvis"] = (rig.names[carrier], rig.names[pelvis])
    if bone >= 0 and line:
        result["spine"] = tuple(rig.names[bone] for bone in line)
    chest = line[-1] if line else pelvis
    necks = [bone for bone in candidates.get("neck", []) if _is_part(rig, bone, chest)]
    # One that does not carry the head is a helper.
    necks = [bone for bone in necks if head >= 0 and rig.is_below(head, bone)] or necks
    if necks:
        result["neck"] = tuple(rig.names[bone] for bone in sorted(necks, key=lambda bone: depth[bone]))
    if head >= 0:
        result["head"] = (rig.names[head],)
    above = int(rig.parents[pelvis])
    while above >= 0 and rig.parents[above] >= 0:
        above = int(rig.parents[above])
    if above >= 0 and "root" in rig.names[above].lower():
        result["root"] = (rig.names[above],)
    return result


def describe(found: Match) -> Iterable[tuple[str, str]]:
    """(part in words, bones) of a match, in the order of the body."""
    chains = {**found.rig_map.bones}
    for role, names in chains.items():
        yield in_words(role), ", ".join(names)
