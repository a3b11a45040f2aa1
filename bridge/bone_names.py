"""What a bone's name says: its side, its words, and which parts of a body these could mean."""

from __future__ import annotations

import re

from .humanoid import PHALANGES

SYNONYMS: dict[str, tuple[str, ...]] = {
    "pelvis": ("pelvis", "hips", "hip", "cog", "lower body", "lower torso"),
    "spine": ("spine", "chest", "upper chest", "torso", "abdomen", "waist", "back", "lower back", "upper back", "body",
              "ribcage", "belly", "upper body", "stomach"),
    "neck": ("neck",),
    "head": ("head", "skull"),
    "clavicle": ("clavicle", "collar", "collarbone", "collar bone", "shoulder", "scapula"),
    "shoulder": ("upper arm", "upperarm", "uparm", "up arm", "arm", "arm upper", "shldr", "bicep", "humerus", "arm 1"),
    "elbow": ("forearm", "fore arm", "lower arm", "low arm", "lowerarm", "loarm", "lo arm", "arm lower", "elbow",
              "radius", "arm 2"),
    "wrist": ("hand", "wrist", "palm"),
    "hip": ("thigh", "upper leg", "upperleg", "upleg", "up leg", "leg upper", "femur", "leg 1", "hip"),
    "knee": ("shin", "calf", "lower leg", "low leg", "lowerleg", "loleg", "lo leg", "leg lower", "leg", "knee",
             "tibia", "leg 2", "crus"),
    "ankle": ("foot", "ankle", "feet"),
    "toe": ("toe", "toes", "ball", "toe base", "toebase", "foot toe", "foot ball", "toe 0", "toe 1"),
}  # fmt: skip
FINGER_WORDS = {"thumb": "thumb", "index": "index", "middle": "middle", "mid": "middle", "ring": "ring",
                "pinky": "pinky", "little": "pinky"}  # fmt: skip
SIDE_WORDS = {"l": "left", "left": "left", "lf": "left", "lft": "left", "r": "right", "right": "right",
              "rt": "right", "rgt": "right"}  # fmt: skip
MIDDLE_WORDS = {"m", "c", "x"}
"""Stand, at the end of a name, for the middle where others have a side."""
KIND_WORDS = {"jnt", "joint", "bone", "bn", "bnd", "bind", "skin", "bend"}
"""Say that a bone is one; Daz's "ThighBend" is a thigh."""
PHALANX_WORDS = {"proximal": 1, "intermediate": 2, "medial": 2, "distal": 3}
"""By the bones of an index finger; a thumb has no intermediate one in anatomy, but in most rigs."""
HELPERS = {
    "twist", "roll", "ik", "pole", "target", "mch", "org", "helper", "end", "nub", "tweak", "ctrl", "control", "vis",
    "jiggle", "skirt", "hair", "breast", "eye", "jaw", "corrective", "adj", "offset", "goal", "effector", "dummy",
    "weapon", "prop", "socket", "muscle", "volume", "stretch", "parent", "site", "fk", "bendy", "top", "tip",
}  # fmt: skip


def read_name(name: str) -> tuple[str, tuple[str, ...], int]:
    """(side, words in lower case, number) of a bone's name: "mixamorig:LeftHandIndex1" is left, (hand, index), 1."""
    # Skyrim's bones repeat themselves in short: "NPC L Thigh [LThg]".
    name = re.sub(r"\s*\[[^\]]*\]$", "", name.rpartition(":")[2])
    # What Blender puts after a name that was there already is not the number of a finger's bone.
    name = re.sub(r"(\d\D*)\.\d{3}$", r"\1", name)
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
    named = [part for part in rest if part not in KIND_WORDS] or rest
    if len(named) > 1 and named[-1] in MIDDLE_WORDS:
        named = named[:-1]
    return side, tuple(named), number


def roles_of(side: str, words: tuple[str, ...], number: int) -> list[str]:
    """Roles that a name could mean."""
    if not words or HELPERS & set(words):
        return []
    text = " ".join(words)
    found = []
    finger = next((FINGER_WORDS[word] for word in words if word in FINGER_WORDS), "")
    if side and finger and "toe" not in words and "metacarpal" not in words:
        number = next((PHALANX_WORDS[word] for word in words if word in PHALANX_WORDS), number)
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
