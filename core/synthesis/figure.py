"""The mannequin: a clothed figure modelled on a rest skeleton of `ANIMATION_21`, skinned to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..rotation import Array, to_matrix
from ..skeleton import reference_rest
from .anatomy import arm, hand, head, leg, shoe, torso
from .bind import SIDES, BindFrame, bind_pose, joints_of
from .surface import Part, Surface, Triangles, build_surface, strongest_weights, vertex_normals


@dataclass(frozen=True)
class Look:
    """What a figure looks like. Colours are sRGB, each channel in [0, 1]; `girth` scales limbs and trunk.

    `sleeves` and `trouser_legs`: how far they reach, 0 to 1 down the upper arm or thigh, 1 to 2 down the forearm or
    shin. `loose` scales the limbs' clothes. `hair_length` in [0, 1]: from short to shoulder length.
    """

    skin: tuple[float, float, float] = (0.82, 0.64, 0.54)
    hair: tuple[float, float, float] = (0.22, 0.16, 0.12)
    shirt: tuple[float, float, float] = (0.22, 0.42, 0.66)
    trousers: tuple[float, float, float] = (0.24, 0.25, 0.30)
    shoes: tuple[float, float, float] = (0.86, 0.86, 0.84)
    girth: float = 1.0
    sleeves: float = 0.485
    trouser_legs: float = 2.0
    loose: float = 1.0
    hair_length: float = 0.0

    def palette(self) -> dict[str, Array]:
        """Linear colours (3,) by the names that `anatomy` paints with."""
        srgb = {
            "skin": self.skin, "hair": self.hair, "shirt": self.shirt, "trousers": self.trousers,
            "shoes": self.shoes, "belt": (0.20, 0.14, 0.10), "sole": (0.25, 0.25, 0.25), "eye": (0.93, 0.92, 0.90),
            "iris": (0.20, 0.14, 0.10),
        }  # fmt: skip
        colours = {name: np.power(np.array(value), 2.2) for name, value in srgb.items()}
        colours["shade"] = colours["skin"] * 0.62
        colours["nail"] = 0.6 * colours["skin"] + 0.4 * np.array([0.75, 0.55, 0.52])
        colours["lips"] = colours["skin"] * [0.72, 0.40, 0.42]
        return colours


@dataclass(frozen=True)
class Figure:
    """A skinned mesh in its bind pose, metres, on the floor Z = 0.

    vertices, normals, colours (V, 3; colours linear in [0, 1]); triangles (T, 3); bones (V, 4) joints of
    `ANIMATION_21` or `ANIMATION_51` and their weights (V, 4), which sum to 1; bind_joints (J, 3) and bind_rotations
    (J, 4): the pose the mesh was modelled in, arms half lowered, so that shoulders bend well both up and down.
    """

    vertices: Array
    normals: Array
    colours: Array
    triangles: Triangles
    bones: NDArray[np.int64]
    weights: Array
    bind_joints: Array
    bind_rotations: Array

    def skinning_matrices(self, joints: Array, rotations: Array) -> Array:
        """The transforms (..., 21, 4, 4) from the bind pose to a pose.

        `joints` (..., 21, 3) and `rotations` (..., 21, 4): positions and orientations in the world.
        """
        turn = to_matrix(rotations) @ np.swapaxes(to_matrix(self.bind_rotations), -1, -2)
        matrices = np.zeros((*joints.shape[:-1], 4, 4))
        matrices[..., :3, :3] = turn
        matrices[..., :3, 3] = joints - (turn @ self.bind_joints[:, :, None])[..., 0]
        matrices[..., 3, 3] = 1.0
        return matrices

    def posed(self, joints: Array, rotations: Array) -> Array:
        """Vertices (V, 3) in the world, linearly blended, for one pose: joints (21, 3), rotations (21, 4)."""
        matrices = self.skinning_matrices(joints, rotations)
        points = np.concatenate([self.vertices, np.ones((len(self.vertices), 1))], 1)
        moved = np.einsum("vkij,vj,vk->vi", matrices[self.bones], points, self.weights)
        return np.asarray(moved[:, :3])


def build_figure(rest_offsets: Array | None = None, look: Look | None = None, coarseness: float = 1.0) -> Figure:
    """Model a figure on a rest skeleton `rest_offsets` (21, 3) m of `ANIMATION_21` (default: the reference's), or on
    one (51, 3) of `ANIMATION_51`: then its fingers bend.

    `coarseness` scales the mesh's edges, 4 to 7 mm long at 1: a figure 300 px tall needs no finer ones than 10 mm.
    """
    offsets = reference_rest()[0] if rest_offsets is None else np.asarray(rest_offsets, float)
    look = look or Look()
    joints, rotations = bind_pose(offsets)
    frame = BindFrame(
        offsets, joints, rotations, look.girth, look.sleeves, look.trouser_legs, look.loose, look.hair_length
    )
    parts: list[Part] = [torso(frame), head(frame)]
    for side, sign in SIDES:
        parts += [arm(frame, side, sign), hand(frame, side, sign), leg(frame, side, sign), shoe(frame, side, sign)]
    parts = [replace(part, spacing=part.spacing * coarseness) for part in merge_body(parts)]
    surfaces = [build_surface(part, joints_of(offsets).joints, look.palette()) for part in parts]
    return _assembled(surfaces, joints, rotations)


def merge_body(parts: list[Part]) -> list[Part]:
    """Torso, arms and legs share one surface, so that they flow into each other; the finer parts stay apart."""
    coarse = [part for part in parts if part.spacing == parts[0].spacing]
    body = Part(tuple(solid for part in coarse for solid in part.solids), parts[0].spacing, parts[0].softness)
    return [body, *(part for part in parts if part.spacing != parts[0].spacing)]


def _assembled(surfaces: list[Surface], joints: Array, rotations: Array) -> Figure:
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces[:-1])])
    bones, weights = strongest_weights(np.concatenate([surface.weights for surface in surfaces]))
    return Figure(
        vertices=np.concatenate([surface.vertices for surface in surfaces]),
        normals=np.concatenate([vertex_normals(surface.vertices, surface.triangles) for surface in surfaces]),
        colours=np.concatenate([surface.colours for surface in surfaces]),
        triangles=np.concatenate([s.triangles + start for s, start in zip(surfaces, starts, strict=True)]),
        bones=bones,
        weights=weights,
        bind_joints=joints,
        bind_rotations=rotations,
    )
