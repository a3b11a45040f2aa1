"""What a bone's name says: its side, its words, and which parts of a body these could mean."""

from __future__ import annotations

import re
import unicodedata

from .humanoid import PHALANGES

# English, as most rigs have it, then German, then Japanese as in MMD's models, where a whole leg is named for a thigh.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "pelvis": ("pelvis", "hips", "hip", "cog", "lower body", "lower torso", "center",
               "becken", "hüfte", "huefte", "センター", "下半身"),
    "spine": ("spine", "chest", "upper chest", "torso", "abdomen", "waist", "back", "lower back", "upper back", "body",
              "ribcage", "belly", "upper body", "stomach", "wirbelsäule", "wirbelsaeule", "rücken", "ruecken", "bauch",
              "brust", "brustkorb", "rumpf", "taille", "上半身"),
    "neck": ("neck", "neck lower", "neck upper", "lower neck", "upper neck", "hals", "nacken", "首"),
    "head": ("head", "skull", "kopf", "schädel", "schaedel", "頭"),
    "clavicle": ("clavicle", "collar", "collarbone", "collar bone", "shoulder", "scapula", "schlüsselbein",
                 "schluesselbein", "schulter", "肩"),
    "shoulder": ("upper arm", "upperarm", "uparm", "up arm", "arm", "arm upper", "shldr", "bicep", "humerus", "arm 1",
                 "oberarm", "腕"),
    "elbow": ("forearm", "fore arm", "lower arm", "low arm", "lowerarm", "loarm", "lo arm", "arm lower", "elbow",
              "radius", "arm 2", "unterarm", "ellbogen", "ひじ", "肘"),
    "wrist": ("hand", "wrist", "palm", "handgelenk", "手首"),
    "hip": ("thigh", "upper leg", "upperleg", "upleg", "up leg", "leg upper", "femur", "leg 1", "hip",
            "oberschenkel", "足"),
    "knee": ("shin", "calf", "lower leg", "low leg", "lowerleg", "loleg", "lo leg", "leg lower", "leg", "knee",
             "tibia", "leg 2", "crus", "unterschenkel", "schienbein", "knie", "ひざ", "膝"),
    "ankle": ("foot", "ankle", "feet", "fuß", "fuss", "足首"),
    "toe": ("toe", "toes", "ball", "toe base", "toebase", "foot toe", "foot ball", "toe 0", "toe 1",
            "zeh", "zehe", "zehen", "fußballen", "fussballen", "つま先", "爪先"),
}  # fmt: skip
FINGER_WORDS = {"thumb": "thumb", "index": "index", "middle": "middle", "mid": "middle", "ring": "ring",
                "pinky": "pinky", "little": "pinky", "daumen": "thumb", "zeigefinger": "index",
                "mittelfinger": "middle", "ringfinger": "ring", "kleinfinger": "pinky", "kleiner": "pinky",
                "親指": "thumb", "人指": "index", "人差指": "index", "中指": "middle", "薬指": "ring",
                "小指": "pinky"}  # fmt: skip
SIDE_WORDS = {"l": "left", "left": "left", "lf": "left", "lft": "left", "r": "right", "right": "right",
              "rt": "right", "rgt": "right", "links": "left", "linker": "left", "linke": "left", "li": "left",
              "rechts": "right", "rechter": "right", "rechte": "right", "re": "right",
              "左": "left", "右": "right"}  # fmt: skip
MIDDLE_WORDS = {"m", "c", "x"}
"""Stand, at the end of a name, for the middle where others have a side."""
KIND_WORDS = {"jnt", "joint", "bone", "bn", "bnd", "bind", "skin", "bend"}
"""Say that a bone is one; Daz's "ThighBend" is a thigh."""
PHALANX_WORDS = {"metacarpal": 0, "proximal": 1, "intermediate": 2, "medial": 2, "distal": 3}
"""By the bones of an index finger; a thumb has no intermediate one in anatomy, but in most rigs. Its metacarpal moves,
and is the first of three where there is no intermediate one."""
HELPERS = {
    "twist", "roll", "ik", "pole", "target", "mch", "org", "helper", "end", "nub", "tweak", "ctrl", "control", "vis",
    "jiggle", "skirt", "hair", "breast", "eye", "jaw", "corrective", "adj", "offset", "goal", "effector", "dummy",
    "weapon", "prop", "socket", "muscle", "volume", "stretch", "parent", "site", "fk", "bendy", "top", "tip",
}  # fmt: skip


def read_name(name: str) -> tuple[str, tuple[str, ...], int]:
    """(side, words in lower case, number) of a bone's name: "mixamorig:LeftHandIndex1" is left, (hand, index), 1. The
    number is -1 where there is none."""
    # Skyrim's bones repeat themselves in short: "NPC L Thigh [LThg]".
    name = re.sub(r"\s*\[[^\]]*\]$", "", name.rpartition(":")[2])
    # What Blender puts after a name that was there already is not the number of a finger's bone.
    name = re.sub(r"(\d\D*)\.\d{3}$", r"\1", name)
    # Letters with their accents in one, digits and Latin letters of Japanese width as ours.
    name = unicodedata.normalize("NFKC", name)
    cut = re.sub(r"^([左右])|(?<=[^\x00-\u024f])(?=[A-Za-z])", r"\1 ", name)
    cut = re.sub(r"([a-zß-ÿ])([A-ZÀ-Þ])", r"\1 \2", cut)
    cut = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", cut)
    parts = [part.lower() for part in re.split(r"[\W_]+", re.sub(r"([^\W\d_])(\d)", r"\1 \2", cut)) if part]
    side, number, rest = "", -1, []
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
    # Character Creator's necks are no helpers: they stand in a row and carry the head.
    if words[-2:] == ("neck", "twist"):
        words = words[:-1]
    if not words or HELPERS & set(words):
        return []
    text = " ".join(words)
    found = []
    finger = next((FINGER_WORDS[word] for word in words if word in FINGER_WORDS), "")
    if side and finger and "toe" not in words:
        number = next((PHALANX_WORDS[word] for word in words if word in PHALANX_WORDS), number)
        # Some count a thumb's bones from 0; the metacarpals of fingers stay as they are.
        first = 0 if finger == "thumb" else 1
        return [f"{side}_{finger}_{number}"] if first <= number <= PHALANGES else []
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
