"""Which bones of a rig play which part: its family by fingerprint, else names and hierarchy.

By fingerprint the preset says everything. A rig of no known family is read like a person would: names are cut into
words, a word for left or right is put aside, and the rest looked up among what rigs call a thigh or a forearm; of
several candidates the one counts that hangs where it should (a shin below a thigh), nearest to the body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.jobs import MotionLiftError
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


SYNONYMS: dict[str, tuple[str, ...]] = {
    "pelvis": ("pelvis", "hips", "hip", "cog"),
    "spine": ("spine", "chest", "upper chest", "torso", "abdomen", "waist", "back", "lower back", "upper back", "body",
              "ribcage", "belly", "upper body", "stomach"),
    "neck": ("neck",),
    "head": ("head", "skull"),
    "clavicle": ("clavicle", "collar", "collarbone", "collar bone", "shoulder", "scapula"),
    "shoulder": ("upper arm", "upperarm", "uparm", "up arm", "arm", "arm upper", "shldr", "bicep", "humerus", "arm 1"),
    "elbow": ("forearm", "fore arm", "lower arm", "lowerarm", "loarm", "lo arm", "arm lower", "elbow", "radius",
              "arm 2"),
    "wrist": ("hand", "wrist", "palm"),
    "hip": ("thigh", "upper leg", "upperleg", "upleg", "up leg", "leg upper", "femur", "leg 1", "hip"),
    "knee": ("shin", "calf", "lower leg", "lowerleg", "loleg", "lo leg", "leg lower", "leg", "knee", "tibia", "leg 2",
             "crus"),
    "ankle": ("foot", "ankle", "feet"),
    "toe": ("toe", "toes", "ball", "toe base", "toebase", "foot toe", "foot ball", "toe 0", "toe 1"),
}  # fmt: skip
FINGER_WORDS = {"thumb": "thumb", "index": "index", "middle": "middle", "mid": "middle", "ring": "ring",
                "pinky": "pinky", "little": "pinky"}  # fmt: skip
SIDE_WORDS = {"l": "left", "left": "left", "lf": "left", "lft": "left", "r": "right", "right": "right",
              "rt": "right", "rgt": "right"}  # fmt: skip
HELPERS = {
    "twist", "roll", "ik", "pole", "target", "mch", "org", "helper", "end", "nub", "tweak", "ctrl", "control", "vis",
    "jiggle", "skirt", "hair", "breast", "eye", "jaw", "corrective", "adj", "offset", "goal", "effector", "dummy",
    "weapon", "prop", "socket", "muscle", "volume", "stretch", "parent", "site", "fk", "bendy", "top", "tip",
}  # fmt: skip


def by_names(rig: Rig) -> Match:
    """The map that names and hierarchy suggest. Raises `MotionLiftError` (`not_humanoid`)."""
    bones: dict[str, tuple[str, ...]] = {}
    words = [_words(name) for name in rig.names]
    candidates: dict[str, list[int]] = {}
    for bone, (side, rest, number) in enumerate(words):
        for role in _roles(side, rest, number):
            candidates.setdefault(role, []).append(bone)
    depth = _depths(rig)
    for side in SIDES:
        leg = _limb(rig, candidates, [f"{side}_{part}" for part in ("hip", "knee", "ankle", "toe")], depth)
        arm = _limb(rig, candidates, [f"{side}_{part}" for part in ("clavicle", "shoulder", "elbow", "wrist")], depth)
        # Without another bone for the upper arm, what is called shoulder is the upper arm.
        if f"{side}_shoulder" not in arm and f"{side}_clavicle" in arm:
            arm[f"{side}_shoulder"] = arm.pop(f"{side}_clavicle")
        for role, bone in {**leg, **arm}.items():
            bones[role] = (rig.names[bone],)
        for finger in FINGERS:
            for number in range(1, PHALANGES + 1):
                role = f"{side}_{finger}_{number}"
                below = [bone for bone in candidates.get(role, []) if _is_part(rig, bone, arm.get(f"{side}_wrist", -1))]
                if below:
                    bones[role] = (rig.names[min(below, key=lambda bone: depth[bone])],)
    bones |= _trunk(rig, candidates, bones, depth)
    return judged(RigMap(bones, family=NAMES, title="Found by names"), NAMES, "Found by names", 0.8)


def _words(name: str) -> tuple[str, tuple[str, ...], int]:
    """(side, words in lower case, number) of a bone's name: "mixamorig:LeftHandIndex1" is left, (hand, index), 1."""
    name = name.rpartition(":")[2]
    cut = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    cut = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", cut)
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", re.sub(r"([A-Za-z])(\d)", r"\1 \2", cut)) if part]
    parts = [part.lower() for part in parts]
    side, number, rest = "", 0, []
    for part in parts:
        if part in SIDE_WORDS and not side:
            side = SIDE_WORDS[part]
        elif part.isdigit():
            number = int(part)
        else:
            rest.append(part)
    if not side and rest and len(rest) == 1:
        for start, known in (("left", "left"), ("right", "right")):
            if rest[0].startswith(start) and len(rest[0]) > len(start):
                side, rest = known, [rest[0].removeprefix(start)]
    return side, tuple(rest), number


def _roles(side: str, words: tuple[str, ...], number: int) -> list[str]:
    """Roles that a name could mean."""
    if not words or HELPERS & set(words):
        return []
    text = " ".join(words)
    found = []
    finger = next((FINGER_WORDS[word] for word in words if word in FINGER_WORDS), "")
    if side and finger and "toe" not in words and "metacarpal" not in words:
        return [f"{side}_{finger}_{number}"] if 1 <= number <= PHALANGES else []
    for role, names in SYNONYMS.items():
        middle = role in ("pelvis", "spine", "neck", "head")
        if middle == bool(side):
            continue
        exact = text in names or f"{text} {number}" in names
        # A character's name may stand before: "hero spine". The last words count.
        ending = any(text.endswith(f" {name}") for name in names)
        if exact or ending:
            found.append(f"{side}_{role}" if side else role)
    return found


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
    while bone >= 0 and bone != pelvis:
        line.insert(0, bone)
        bone = int(rig.parents[bone])
    if bone == pelvis and line:
        result["spine"] = tuple(rig.names[bone] for bone in line)
    chest = line[-1] if line else pelvis
    necks = [bone for bone in candidates.get("neck", []) if _is_part(rig, bone, chest)]
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
