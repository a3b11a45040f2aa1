"""Solids to a skinned surface: the blended distance field, surface nets, weights and colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..rotation import Array, normalise
from .shapes import Solid, band_indices, smooth_union

Triangles = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Solids that form one closed surface, meshed at `spacing` (m).

    `floor`, a point and a normal (3,), (3,), cuts off what lies behind it (the sole of a shoe).
    `softness` (m): over what distance along the surface neighbouring bones share it.
    """

    solids: tuple[Solid, ...]
    spacing: float
    softness: float = 0.03
    floor: tuple[Array, Array] | None = None


@dataclass(frozen=True)
class Surface:
    """vertices (V, 3) m, triangles (T, 3), colours (V, 3) linear in [0, 1], weights (V, B) that sum to 1."""

    vertices: Array
    triangles: Triangles
    colours: Array
    weights: Array


def build_surface(part: Part, bones: Sequence[str], palette: Mapping[str, Array]) -> Surface:
    """Mesh a part. Raises `KeyError` for a colour the palette lacks, `ValueError` for a bone not in `bones`."""
    vertices, triangles = surface_nets(*distance_field(part))
    bone, colours = _nearest(part.solids, vertices, bones, palette)
    weights = diffuse_weights(np.eye(len(bones))[bone], vertices, triangles, part.softness)
    return Surface(vertices, triangles, colours, weights)


def distance_field(part: Part) -> tuple[Array, Array, float]:
    """The part's field (X, Y, Z) in metres, the position (3,) of its first sample and the spacing."""
    solids = [solid for solid in part.solids if not solid.finish.only_paint]
    margin = 3 * part.spacing
    corners = [solid.bounds() for solid in solids]
    origin = np.min([low for low, _ in corners], 0) - margin
    shape = np.ceil((np.max([high for _, high in corners], 0) + margin - origin) / part.spacing).astype(int) + 1
    axes = [origin[i] + part.spacing * np.arange(shape[i]) for i in range(3)]
    field = np.full(shape, 1.0)
    for solid, (low, high) in zip(solids, corners, strict=True):
        reach = max(margin, solid.finish.blend)
        box = tuple(slice(*np.searchsorted(axis, (low[i] - reach, high[i] + reach))) for i, axis in enumerate(axes))
        grid = np.stack(np.meshgrid(*(axis[s] for axis, s in zip(axes, box, strict=True)), indexing="ij"), -1)
        distance = solid.distance(grid.reshape(-1, 3)).reshape(grid.shape[:3])
        field[box] = smooth_union(field[box], distance, solid.finish.blend)
    if part.floor is not None:
        point, normal = part.floor
        height = sum(
            (axes[i] - point[i]).reshape([-1 if i == j else 1 for j in range(3)]) * normal[i] for i in range(3)
        )
        field = np.maximum(field, -np.asarray(height))
    return field, origin, part.spacing


def surface_nets(field: Array, origin: Array, spacing: float) -> tuple[Array, Triangles]:
    """The zero level of a field (X, Y, Z) as vertices (V, 3) and outward-facing triangles (T, 3).

    Naive surface nets (Gibson 1998): a vertex in each cell that the surface crosses, at the mean of the crossings
    of the cell's edges; a quad about each grid edge that it crosses. The field must be positive at its border.
    """
    inside = field < 0
    corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    cells = np.array(field.shape) - 1
    count = sum(inside[i : cells[0] + i, j : cells[1] + j, k : cells[2] + k].astype(np.int8) for i, j, k in corners)
    active = np.argwhere((count > 0) & (count < 8))
    values = np.stack([field[tuple((active + corner).T)] for corner in corners], -1)
    total = np.zeros((len(active), 3))
    crossings = np.zeros(len(active))
    for a in range(8):
        for b in range(a + 1, 8):
            if np.abs(corners[a] - corners[b]).sum() != 1:
                continue
            crossed = (values[:, a] < 0) != (values[:, b] < 0)
            t = np.where(crossed, values[:, a] / np.where(crossed, values[:, a] - values[:, b], 1.0), 0.0)
            total += crossed[:, None] * (corners[a] + t[:, None] * (corners[b] - corners[a]))
            crossings += crossed
    vertices = origin + spacing * (active + total / crossings[:, None])
    index = np.full(cells, -1, np.int64)
    index[tuple(active.T)] = np.arange(len(active))
    return vertices, np.concatenate([_quads(inside, index, axis) for axis in range(3)])


def _quads(inside: NDArray[np.bool_], index: NDArray[np.int64], axis: int) -> Triangles:
    """Triangles (T, 3) of the quads about the crossed grid edges along one axis."""
    u, v = np.eye(3, dtype=int)[(axis + 1) % 3], np.eye(3, dtype=int)[(axis + 2) % 3]
    first = np.take(inside, range(inside.shape[axis] - 1), axis)
    second = np.take(inside, range(1, inside.shape[axis]), axis)
    edges = np.argwhere(first != second)
    leaving = first[tuple(edges.T)]
    a, b, c, d = (index[tuple((edges - offset).T)] for offset in (u + v, v, 0 * u, u))
    quads = np.stack([a, b, c, d], -1)
    quads = np.where(leaving[:, None], quads, quads[:, ::-1])
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _nearest(
    solids: Sequence[Solid], vertices: Array, bones: Sequence[str], palette: Mapping[str, Array]
) -> tuple[NDArray[np.int64], Array]:
    """The bone (V,) and colour (V, 3) of the solid that each vertex lies on, then the paint over it."""
    closest = np.full(len(vertices), np.inf)
    bone = np.zeros(len(vertices), np.int64)
    colours = np.zeros((len(vertices), 3))
    for solid in solids:
        finish = solid.finish
        distance = solid.distance(vertices)
        along = solid.along(vertices)
        here = distance < 0 if finish.only_paint else distance < closest
        colours[here] = np.array([palette[name] for _, name in finish.paint])[band_indices(finish.paint, along[here])]
        if not finish.only_paint:
            bone[here] = np.array([list(bones).index(n) for _, n in finish.bones])[
                band_indices(finish.bones, along[here])
            ]
            closest[here] = distance[here]
    return bone, colours


def diffuse_weights(weights: Array, vertices: Array, triangles: Triangles, softness: float) -> Array:
    """Weights (V, B) spread along the surface by a random walk of about `softness` metres; rows keep their sum.

    Along the surface, and not through the air, so that thighs and fingers keep apart however close they lie.
    """
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    size = len(vertices)
    links = csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (size, size))
    links.data[:] = 1.0
    degree = np.asarray(links.sum(1)).reshape(-1, 1)
    step = float(np.median(np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)))
    # A walk that stays put half the time moves step^2 / 2 a turn on average, half of it along a given direction.
    for _ in range(round(4 * (softness / step) ** 2)):
        weights = 0.5 * weights + 0.5 * (links @ weights) / degree
    return weights


def strongest_weights(weights: Array, count: int = 4) -> tuple[NDArray[np.int64], Array]:
    """The `count` strongest bones (V, count) of each vertex and their weights (V, count), summing to 1 again."""
    bones = np.argsort(-weights, axis=1)[:, :count]
    strongest = np.take_along_axis(weights, bones, 1)
    return bones, strongest / strongest.sum(1, keepdims=True)


def vertex_normals(vertices: Array, triangles: Triangles) -> Array:
    """Unit normals (V, 3), the mean of the triangles' about each vertex, weighted by area."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, corner], faces[:, axis], len(vertices))
    return normalise(normals)
