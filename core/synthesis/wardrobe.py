"""Who is cast: bodies of other proportions, in other clothes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..rotation import Array
from ..skeleton import ANIMATION_21, REFERENCE_HEIGHT, mirrored_name, reference_rest
from .figure import Figure, Look

HEIGHT_MEAN, HEIGHT_SPREAD = REFERENCE_HEIGHT, 0.09
HEIGHTS = (1.45, 1.98)
LENGTH_SPREAD = 0.06
"""Standard deviation of the log of a bone's length beside what the height says; left = right."""

_GROUPS = (
    ("spine", "chest"),
    ("neck",),
    ("head",),
    ("left_clavicle", "left_shoulder"),
    ("left_elbow",),
    ("left_wrist",),
    ("left_hip",),
    ("left_knee",),
    ("left_ankle",),
    ("left_toe",),
)
"""Bones of one factor, each named by the joint at its end; the right side follows the left."""

_BY_HEIGHT = ("spine", "chest", "neck", "left_knee", "left_ankle")


def random_rest(rng: np.random.Generator) -> tuple[Array, Array]:
    """Rest offsets and tails (21, 3) m of a body drawn at random, standing on Z = 0."""
    height = float(np.clip(rng.normal(HEIGHT_MEAN, HEIGHT_SPREAD), *HEIGHTS))
    offsets, tails = reference_rest()
    factors = np.ones(len(ANIMATION_21))
    for group in _GROUPS:
        drawn = float(np.exp(rng.normal(0.0, 0.5 * LENGTH_SPREAD if group == ("head",) else LENGTH_SPREAD)))
        for name in group:
            factors[ANIMATION_21.indices(name, mirrored_name(name))] = drawn
    varied = offsets * factors[:, None]
    # A bone's tail is where the next begins; hands go with forearms, skulls with necks, toes with feet.
    scaled_by = [_next_joint(joint) for joint in ANIMATION_21.joints]
    varied_tails = tails * factors[ANIMATION_21.indices(*scaled_by)][:, None]
    column = [ANIMATION_21.index(name) for name in _BY_HEIGHT]
    scale = np.abs(offsets[column, 2]).sum() / np.abs(varied[column, 2]).sum() * height / REFERENCE_HEIGHT
    varied, varied_tails = varied * scale, varied_tails * scale
    varied[0] = (0.0, 0.0, _pelvis_height(varied, factors[ANIMATION_21.index("left_toe")] * scale))
    return varied, varied_tails


def _next_joint(joint: str) -> str:
    following = {
        "pelvis": "spine", "spine": "chest", "chest": "neck", "neck": "head", "head": "head",
        "left_clavicle": "left_shoulder", "left_shoulder": "left_elbow", "left_elbow": "left_wrist",
        "left_wrist": "left_wrist", "left_hip": "left_knee", "left_knee": "left_ankle", "left_ankle": "left_toe",
        "left_toe": "left_toe",
    }  # fmt: skip
    return following[joint] if joint in following else mirrored_name(following[mirrored_name(joint)])


def _pelvis_height(offsets: Array, foot: float) -> float:
    """With straight legs on soles that are 75 mm below the ankles of the reference body."""
    legs = ANIMATION_21.indices("left_hip", "left_knee", "left_ankle")
    return float(-offsets[legs, 2].sum() + 0.075 * foot)


def random_look(rng: np.random.Generator) -> Look:
    """Skin from light to dark, hair long or short, clothes of any colour, cut and width, slim to broad."""
    light = rng.uniform()
    skin = np.array([0.36, 0.23, 0.17]) * (1 - light) + np.array([0.94, 0.78, 0.70]) * light
    hair = np.array([0.24, 0.17, 0.11]) * rng.uniform(0.3, 3.0)
    bare = rng.uniform()
    return Look(
        skin=_colour(skin),
        hair=_colour(np.clip(hair, 0.0, 0.9)),
        shirt=_cloth(rng),
        trousers=_cloth(rng),
        shoes=_cloth(rng),
        girth=float(np.clip(np.exp(rng.normal(0.02, 0.10)), 0.82, 1.32)),
        sleeves=float(rng.choice([0.0, rng.uniform(0.3, 0.95), rng.uniform(1.2, 2.0)], p=[0.12, 0.48, 0.40])),
        trouser_legs=2.0 if bare < 0.7 else float(rng.uniform(0.45, 1.4)),
        loose=float(rng.uniform(1.0, 1.28)),
        hair_length=float(rng.uniform()) if rng.uniform() < 0.4 else 0.0,
    )


def _cloth(rng: np.random.Generator) -> tuple[float, float, float]:
    """Greys, blacks and whites as often as colours."""
    grey = rng.uniform(0.04, 0.95)
    strength = rng.choice([0.05, 0.35])
    return _colour(np.clip(grey + strength * rng.normal(size=3), 0.02, 0.98))


def _colour(values: Array) -> tuple[float, float, float]:
    red, green, blue = (float(v) for v in values)
    return red, green, blue


def patterned(figure: Figure, look: Look, rng: np.random.Generator) -> Figure:
    """The figure with stripes, checks or a print on the shirt, and on some trousers; others stay plain."""
    colours = figure.colours.copy()
    for cloth, share in (("shirt", 0.45), ("trousers", 0.15)):
        drawn, second = rng.uniform(), np.power(np.array(_cloth(rng)), 2.2)
        period, angle, checked = rng.uniform(0.05, 0.16), rng.uniform(0.0, np.pi), rng.uniform() < 0.3
        if drawn >= share:
            continue
        here = np.all(np.isclose(figure.colours, look.palette()[cloth]), axis=-1)
        across = np.cos(angle) * figure.vertices[:, 0] + np.sin(angle) * figure.vertices[:, 2]
        along = -np.sin(angle) * figure.vertices[:, 0] + np.cos(angle) * figure.vertices[:, 2]
        striped = np.sin(2 * np.pi * across / period) > 0
        if checked:
            striped ^= np.sin(2 * np.pi * along / period) > 0
        colours[here & striped] = second
    return replace(figure, colours=colours)
