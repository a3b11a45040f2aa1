"""The figure's parts as solids, in metres of the reference body; the left side is modelled, the right mirrored.

In every joint's T-pose frame X is the figure's left, -Y its front and Z up. `sign` is 1 for the left side.
"""

from __future__ import annotations

import numpy as np

from ..hand_skeleton import DIRECTIONS, FINGERS, LATERALS, REFERENCE_LENGTHS
from ..rotation import Array, rotate
from .bind import SIDES, BindFrame, joints_of
from .shapes import Bands, Capsule, Ellipsoid, Finish, Loft, Solid, whole
from .surface import Part

BODY_SPACING = 0.0065
FINE_SPACING = 0.004
FINGER_SPACING = 0.003
SHOE_SPACING = 0.005

Offset = tuple[float, float, float]

# height in the T-pose, centre to the back, half width, half depth
_TRUNK = np.array([
    (0.815, 0.010, 0.085, 0.065), (0.850, 0.014, 0.140, 0.094), (0.900, 0.016, 0.166, 0.112),
    (0.950, 0.011, 0.162, 0.110), (1.000, 0.006, 0.149, 0.101), (1.060, 0.003, 0.140, 0.097),
    (1.130, 0.002, 0.143, 0.101), (1.220, 0.004, 0.156, 0.111), (1.300, 0.009, 0.164, 0.113),
    (1.355, 0.014, 0.158, 0.100), (1.395, 0.018, 0.125, 0.080), (1.425, 0.020, 0.080, 0.062),
    (1.445, 0.020, 0.058, 0.054),
])  # fmt: skip
_HIP, _NECK = 0.895, 1.410


def torso(frame: BindFrame) -> Part:
    """Trunk, neck and shoulder girdle: trousers up to the belt, a shirt up to the collar."""
    hips, neck = frame.joint("pelvis")[2], frame.joint("neck")[2]
    stretch = (neck - hips) / (_NECK - _HIP)

    def height(reference: float) -> float:
        return float((reference - _HIP) * stretch)

    low, high = height(_TRUNK[0, 0]), height(_TRUNK[-1, 0])
    upper = np.clip((_TRUNK[:, 0] - _HIP) / (_NECK - _HIP), 0.0, 1.0)
    width = ((1 - upper) * frame.width("left_hip") + upper * frame.width("left_shoulder")) * frame.girth
    depth = frame.scale * frame.girth
    along = np.array([(height(z) - low) / (high - low) for z in _TRUNK[:, 0]])
    stations = np.stack([along, 0 * along, _TRUNK[:, 1] * frame.scale, _TRUNK[:, 2] * width, _TRUNK[:, 3] * depth], -1)

    def bands(*limits: tuple[float, str]) -> Bands:
        return tuple(((height(z) - low) / (high - low), name) for z, name in limits)

    centre, up = frame.joint("pelvis"), np.array([0.0, 0, 1])
    trunk = Loft(
        centre + low * up, centre + high * up, np.array([1.0, 0, 0]), stations,
        Finish(
            bands((0.985, "pelvis"), (1.130, "spine"), (2.0, "chest")),
            bands((0.952, "trousers"), (0.982, "belt"), (2.0, "shirt")),
        ),
    )  # fmt: skip
    solids: list[Solid] = [
        trunk,
        _tube(
            frame, ("neck", (0, -0.002, -0.045)), ("head", (0, 0.008, 0.035)), (1, 0, 0),
            [(0, 0.062, 0.062), (0.35, 0.053, 0.055), (1, 0.050, 0.054)],
            Finish(((0.70, "neck"), (1.0, "head")), ((0.26, "shirt"), (1.0, "skin")), 0.018),
        ),
    ]  # fmt: skip
    return Part(tuple(solids), BODY_SPACING, softness=0.035 * frame.scale)


def arm(frame: BindFrame, side: str, sign: float) -> Part:
    """Collar bone to wrist: a sleeve, then skin."""
    clavicle, shoulder, elbow, wrist = (f"{side}_{joint}" for joint in ("clavicle", "shoulder", "elbow", "wrist"))
    solids: list[Solid] = [
        _bar(frame, (clavicle, (0.02 * sign, 0.006, 0.004)), (shoulder, (-0.016 * sign, 0, -0.010)), (0.040, 0.044),
             Finish(whole(clavicle), whole("shirt"), 0.04)),
        _bar(frame, (clavicle, (0.006 * sign, 0.012, 0.050)), (clavicle, (0.095 * sign, 0.012, 0.022)), (0.026, 0.030),
             Finish(((0.4, "chest"), (1.0, clavicle)), whole("shirt"), 0.04)),
        _tube(
            frame, (shoulder, (0, 0, 0)), (elbow, (0, 0, 0)), (0, 1, 0),
            [(-0.12, 0.036, 0.030), (0.0, 0.053, 0.049), (0.2, 0.056, 0.055), (0.47, 0.053, 0.054),
             (0.50, 0.045, 0.046), (0.75, 0.043, 0.043), (1.04, 0.038, 0.037)],
            Finish(whole(shoulder), _dressed("shirt", frame.sleeves), 0.02), clothed=frame.sleeves,
        ),
        _tube(
            frame, (elbow, (0, 0, 0)), (wrist, (0, 0, 0)), (0, 1, 0),
            [(-0.05, 0.037, 0.036), (0.10, 0.041, 0.040), (0.28, 0.043, 0.040), (0.60, 0.036, 0.032),
             (0.90, 0.029, 0.022), (1.04, 0.028, 0.020)],
            Finish(whole(elbow), _dressed("shirt", frame.sleeves - 1), 0.015), clothed=frame.sleeves - 1,
        ),
    ]  # fmt: skip
    return Part(tuple(solids), BODY_SPACING)


_FINGERS = {
    # knuckle, direction along the hand and spread, length, radius
    "index": ((0.090, -0.025, 0.0), -0.08, 0.076, 0.0088),
    "middle": ((0.094, -0.004, 0.001), -0.01, 0.084, 0.0090),
    "ring": ((0.088, 0.017, 0.0), 0.07, 0.077, 0.0086),
    "pinky": ((0.075, 0.035, -0.001), 0.16, 0.061, 0.0078),
}


def hand(frame: BindFrame, side: str, sign: float) -> Part:
    """A palm, four slightly curled fingers and a thumb, palm down in the T-pose; fingers that bend, with nails, where
    the skeleton has them."""
    wrist, elbow = f"{side}_wrist", f"{side}_elbow"
    scale = frame.attachment_scale(f"{side}_index")

    def at(x: float, y: float, z: float) -> Array:
        return frame.at(wrist, (x * sign, y, z), scale)

    skin = Finish(whole(wrist), whole("skin"), 0.010 * scale)
    radii = np.array([(0.0, 0, 0, 0.027, 0.019), (0.45, 0.002, 0, 0.036, 0.018), (0.85, 0.005, 0, 0.041, 0.014),
                      (1.0, 0.006, 0, 0.036, 0.009)])  # fmt: skip
    radii[:, 1:] *= scale
    forearm = Finish(whole(elbow), whole("skin"), 0.012 * scale)
    solids: list[Solid] = [
        Capsule(at(-0.05, 0, 0), at(-0.012, 0, 0), (0.021 * scale, 0.020 * scale), forearm),
        Loft(at(-0.008, 0, 0), at(0.094, 0, 0), frame.direction(wrist, (0, 1, 0)), radii, skin),
    ]
    if frame.has_fingers:
        solids += [solid for finger in FINGERS for solid in _jointed_finger(frame, side, sign, finger, scale)]
        return Part(tuple(solids), FINGER_SPACING * scale, softness=0.006 * scale)
    for knuckle, spread, length, radius in _FINGERS.values():
        middle = np.array(knuckle) + 0.5 * length * np.array([np.cos(spread), np.sin(spread), -0.10])
        tip = middle + 0.5 * length * np.array([np.cos(spread), np.sin(spread), -0.42])
        thin = Finish(whole(wrist), whole("skin"), 0.004 * scale)
        solids.append(Capsule(at(*knuckle), at(*middle), (radius * scale, radius * 0.94 * scale), thin))
        solids.append(Capsule(at(*middle), at(*tip), (radius * 0.94 * scale, radius * 0.8 * scale), thin))
    thumb = [(0.022, -0.024, -0.004), (0.055, -0.050, -0.010), (0.088, -0.062, -0.014)]
    for start, end, big, small in zip(thumb[:-1], thumb[1:], (0.014, 0.0112), (0.0112, 0.0092), strict=True):
        solids.append(Capsule(at(*start), at(*end), (big * scale, small * scale), skin))
    return Part(tuple(solids), FINE_SPACING * scale, softness=0.012 * scale)


def _jointed_finger(frame: BindFrame, side: str, sign: float, finger: str, scale: float) -> list[Solid]:
    """A bar a bone, and the nail."""
    number = FINGERS.index(finger)
    names = [f"{side}_{finger}_{joint}" for joint in (1, 2, 3)]
    wrist = frame.rotations[joints_of(frame.rest_offsets).index(f"{side}_wrist")]
    along = rotate(wrist, DIRECTIONS[number] * (sign, 1.0, 1.0))
    tip = frame.joint(names[-1]) + along * REFERENCE_LENGTHS[number, 2] * scale
    points = [*(frame.joint(name) for name in names), tip]
    radius = (0.0115 if finger == "thumb" else _FINGERS[finger][3]) * scale
    root = 1.25 if finger == "thumb" else 1.0
    widths = radius * np.array([root, 0.97, 0.90, 0.78])
    finishes = [Finish(whole(name), whole("skin"), (0.010 if finger == "thumb" and i == 0 else 0.004) * scale)
                for i, name in enumerate(names)]  # fmt: skip
    bars: list[Solid] = [
        Capsule(points[i], points[i + 1], (float(widths[i]), float(widths[i + 1])), finishes[i]) for i in range(3)
    ]
    back = rotate(wrist, LATERALS[number] * (sign, 1.0, 1.0))
    centre = points[3] - 0.35 * (points[3] - points[2]) + back * widths[3]
    nail = Finish(whole(names[2]), whole("nail"), only_paint=True)
    return [*bars, Ellipsoid(centre, np.full(3, 0.0065 * scale), nail)]


def leg(frame: BindFrame, side: str, sign: float) -> Part:
    """A leg from the seat to the ankle, in trousers or shorts."""
    hip, knee, ankle = (f"{side}_{joint}" for joint in ("hip", "knee", "ankle"))
    trousers = whole("trousers")
    solids: list[Solid] = [
        Ellipsoid(frame.at(hip, (-0.008 * sign, 0.052, 0.0)),
                  frame.scale * frame.girth * np.array([0.08, 0.065, 0.085]), Finish(whole("pelvis"), trousers, 0.04)),
        _tube(
            frame, (hip, (0, 0, 0)), (knee, (0, 0, 0)), (1, 0, 0),
            [(-0.06, 0.070, 0.075), (0.03, 0.080, 0.088), (0.20, 0.081, 0.087), (0.50, 0.072, 0.077),
             (0.80, 0.061, 0.065), (0.98, 0.056, 0.059), (1.07, 0.045, 0.047)],
            Finish(whole(hip), _dressed("trousers", frame.trouser_legs), 0.03), clothed=frame.trouser_legs,
            front=[0.0, -0.008, -0.006, 0.004, 0.004, 0.002, 0.0],
        ),
        _tube(
            frame, (knee, (0, 0, 0)), (ankle, (0, 0, 0)), (1, 0, 0),
            [(-0.08, 0.044, 0.045), (0.02, 0.054, 0.056), (0.12, 0.054, 0.056), (0.30, 0.056, 0.059),
             (0.60, 0.051, 0.053), (0.92, 0.047, 0.050), (0.99, 0.049, 0.053)],
            Finish(whole(knee), _dressed("trousers", frame.trouser_legs - 1), 0.03), clothed=frame.trouser_legs - 1,
            front=[0.002, 0.003, 0.0, -0.012, -0.008, -0.002, -0.001],
        ),
    ]  # fmt: skip
    return Part(tuple(solids), BODY_SPACING)


def shoe(frame: BindFrame, side: str, sign: float) -> Part:
    """A shoe on a flat sole that bends at the ball of the foot."""
    ankle, toe = f"{side}_ankle", f"{side}_toe"
    scale = frame.attachment_scale(f"{side}_heel")
    heel, tip = (frame.at(ankle, (0, y, -0.075), scale) for y in (0.058, -0.203))
    # along the sole; centre to the left, centre up, half width, half height
    stations = np.array([
        (0.0, 0.0, 0.022, 0.022, 0.020), (0.08, 0.0, 0.028, 0.034, 0.036), (0.22, 0.0, 0.034, 0.037, 0.046),
        (0.40, 0.003, 0.030, 0.038, 0.042), (0.58, 0.006, 0.023, 0.043, 0.034), (0.74, 0.008, 0.018, 0.047, 0.028),
        (0.90, 0.004, 0.015, 0.038, 0.022), (1.0, 0.0, 0.012, 0.020, 0.014),
    ])  # fmt: skip
    stations[:, 1:] *= scale
    stations[:, 1] *= sign
    flat = frame.direction(ankle, (1, 0, 0))
    sole = np.array(
        [
            (0.0, 0.0, 0.0, 0.030, 0.012),
            (0.15, 0.0, 0.0, 0.041, 0.014),
            (0.45, 0.003, 0.0, 0.042, 0.014),
            (0.74, 0.008, 0.0, 0.050, 0.014),
            (0.92, 0.004, 0.0, 0.042, 0.014),
            (1.0, 0.0, 0.0, 0.028, 0.012),
        ]
    )
    sole[:, 1:] *= scale
    sole[:, 1] *= sign
    above = "trousers" if frame.trouser_legs >= 1.95 else "skin"
    ball = (0.058 + 0.118) / (0.058 + 0.203)
    bones: Bands = ((ball, ankle), (1.0, toe))
    solids: list[Solid] = [
        Loft(heel, tip, flat, stations, Finish(bones, whole("shoes"), 0.01)),
        Loft(heel, tip, flat, sole, Finish(bones, whole("sole"), 0.004)),
        Capsule(frame.at(ankle, (0, 0.004, -0.03), scale), frame.at(ankle, (0, 0.002, 0.035), scale),
                (0.038 * scale, 0.040 * scale), Finish(whole(ankle), ((0.45, "shoes"), (1.0, above)), 0.015)),
    ]  # fmt: skip
    ground = (frame.at(ankle, (0, 0, -0.075), scale), frame.direction(ankle, (0, 0, 1)))
    return Part(tuple(solids), SHOE_SPACING * scale, softness=0.014 * scale, floor=ground)


def head(frame: BindFrame) -> Part:
    """A face that a detector finds: brow, eyes, nose, mouth, ears, and short hair."""
    scale = frame.attachment_scale("nose")
    axes = frame.axes("head")

    def egg(centre: Offset, radii: Offset, paint: str, blend: float = 0.012, only_paint: bool = False) -> Ellipsoid:
        finish = Finish(whole("head"), whole(paint), blend * scale, only_paint)
        return Ellipsoid(frame.at("head", centre, scale), np.array(radii) * scale, finish, axes)

    def bar(start: Offset, end: Offset, radii: tuple[float, float], paint: str, blend: float = 0.008) -> Capsule:
        finish = Finish(whole("head"), whole(paint), blend * scale)
        ends = frame.at("head", start, scale), frame.at("head", end, scale)
        return Capsule(*ends, (radii[0] * scale, radii[1] * scale), finish)

    solids: list[Solid] = [
        egg((0, 0.002, 0.108), (0.071, 0.091, 0.086), "skin"),
        egg((0, -0.020, 0.050), (0.057, 0.068, 0.068), "skin", 0.03),
        egg((0, -0.052, 0.000), (0.036, 0.034, 0.026), "skin", 0.03),
        bar((0, 0.014, -0.04), (0, 0.012, 0.03), (0.048, 0.048), "skin", 0.02),
        egg((0, -0.078, 0.120), (0.048, 0.016, 0.010), "skin", 0.014),
        bar((0, -0.086, 0.106), (0, -0.103, 0.078), (0.0075, 0.0105), "skin"),
        egg((0, -0.083, 0.038), (0.024, 0.010, 0.009), "skin", 0.012),
        egg((0, 0.016, 0.122), (0.078, 0.092, 0.084), "hair", 0.003),
        egg((0, 0.046, 0.080), (0.068, 0.056, 0.076), "hair", 0.006),
        egg((0, -0.036, 0.174), (0.060, 0.056, 0.026), "hair", 0.010),
        egg((0, -0.092, 0.041), (0.024, 0.020, 0.0042), "lips", only_paint=True),
        egg((0, -0.092, 0.034), (0.019, 0.020, 0.0050), "lips", only_paint=True),
    ]
    if frame.hair_length:
        low = 0.05 - 0.10 * frame.hair_length
        solids.append(egg((0, 0.058, low), (0.070, 0.034, 0.09 + 0.07 * frame.hair_length), "hair", 0.01))
    for _, m in SIDES:
        solids += [
            egg((0.070 * m, 0.004, 0.080), (0.010, 0.021, 0.032), "skin", 0.006),
            egg((0.036 * m, -0.062, 0.066), (0.022, 0.020, 0.020), "skin", 0.02),
            egg((0.010 * m, -0.097, 0.074), (0.0085, 0.010, 0.0075), "skin", 0.006),
            egg((0.070 * m, -0.012, 0.112), (0.008, 0.018, 0.030), "hair", 0.004),
            egg((0.031 * m, -0.080, 0.102), (0.019, 0.030, 0.0105), "shade", only_paint=True),
            egg((0.031 * m, -0.080, 0.102), (0.0155, 0.030, 0.0068), "eye", only_paint=True),
            egg((0.031 * m, -0.080, 0.102), (0.0066, 0.030, 0.0066), "iris", only_paint=True),
            egg((0.034 * m, -0.080, 0.122), (0.021, 0.030, 0.0048), "hair", only_paint=True),
            egg((0.007 * m, -0.100, 0.066), (0.0045, 0.012, 0.0035), "shade", only_paint=True),
        ]
    return Part(tuple(solids), FINE_SPACING * scale)


def _tube(
    frame: BindFrame,
    start: tuple[str, Offset],
    end: tuple[str, Offset],
    side: Offset,
    sections: list[tuple[float, float, float]],
    finish: Finish,
    front: list[float] | None = None,
    clothed: float = 0.0,
) -> Loft:
    """A loft between two joints: sections (parameter, radius along `side`, radius across it).

    `front` moves the sections' centres across `side`: to the front where the tube runs down and `side` is X.
    Up to the parameter `clothed` the tube is as wide as its clothes.
    """
    stations = np.zeros((len(sections), 5))
    stations[:, [0, 3, 4]] = sections
    stations[:, 2] = front or 0.0
    stations[:, 1:] *= frame.scale
    stations[:, 3:] *= frame.girth
    stations[stations[:, 0] < clothed, 3:] *= frame.loose
    joint = start[0]
    return Loft(frame.at(*start), frame.at(*end), frame.direction(joint, side), stations, finish)


def _dressed(cloth: str, reach: float) -> Bands:
    """Cloth down to the parameter `reach`, then skin."""
    if reach <= 0:
        return whole("skin")
    return whole(cloth) if reach >= 1 else ((reach, cloth), (1.0, "skin"))


def _bar(
    frame: BindFrame, start: tuple[str, Offset], end: tuple[str, Offset], radii: tuple[float, float], finish: Finish
) -> Capsule:
    scale = frame.scale * frame.girth
    return Capsule(frame.at(*start), frame.at(*end), (radii[0] * scale, radii[1] * scale), finish)
