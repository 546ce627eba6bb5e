"""Triangles and quads with a colour at each vertex: the bricks of ships, jetties and land."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Colour = tuple[float, float, float, float, float]
"""Reflectance in blue, green, red, nir, swir16."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """A triangle mesh in some frame of metres."""

    vertices: Array
    """(vertex, 3)"""
    faces: npt.NDArray[np.uint32]
    """(face, 3)"""
    colours: Array
    """(vertex, 5): reflectance in blue, green, red, nir, swir16."""


def join(meshes: Sequence[Mesh]) -> Mesh:
    """All of `meshes` in one."""
    offsets = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return Mesh(
        vertices=np.concatenate([m.vertices for m in meshes]),
        faces=np.concatenate([m.faces + np.uint32(o) for m, o in zip(meshes, offsets, strict=True)]),
        colours=np.concatenate([m.colours for m in meshes]),
    )


def sheet(points: Array, colours: Array) -> Mesh:
    """A grid of points (i, j, 3) with colours (i, j, 5) as a surface."""
    rows, cols = points.shape[:2]
    index = np.arange(rows * cols, dtype=np.uint32).reshape(rows, cols)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return Mesh(vertices=points.reshape(-1, 3), faces=faces, colours=colours.reshape(-1, 5))


def foam(along: Array, half: Array, level: Array) -> Mesh:
    """Foam on the water in a ship's frame: (n,) places along her, half widths [m]; (n, m) brightness."""
    across = np.linspace(-1, 1, level.shape[1])
    points = np.stack(
        [
            across[None, :] * half[:, None],
            np.broadcast_to(along[:, None], level.shape),
            np.full(level.shape, 0.03),
        ],
        -1,
    )
    return sheet(points, level[..., None] * np.array([1.0, 1.0, 0.95, 0.8, 0.2]))


def box(low: Sequence[float], high: Sequence[float], colour: Colour) -> Mesh:
    """An upright box between two corners; its faces share no vertices, so colours stay flat."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    corner = np.array([[x, y, z] for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)], dtype=np.float64)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    vertices = np.concatenate([corner[list(q)] for q in quads])
    faces = np.concatenate([[[4 * i, 4 * i + 1, 4 * i + 2], [4 * i, 4 * i + 2, 4 * i + 3]] for i in range(6)])
    return Mesh(
        vertices=vertices,
        faces=faces.astype(np.uint32),
        colours=np.tile(np.asarray(colour), (len(vertices), 1)),
    )


def cylinder(base: Sequence[float], radius: float, height: float, colour: Colour, *, sides: int = 20) -> Mesh:
    """An upright cylinder with a flat top."""
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], -1) * radius + np.asarray(base)
    up = np.array([0.0, 0.0, height])
    wall = np.stack([ring, ring + up])
    top = np.stack([np.broadcast_to(np.asarray(base) + up, ring.shape), ring + up])
    tint = np.broadcast_to(np.asarray(colour), (2, sides + 1, 5))
    return join([sheet(wall, tint), sheet(top, tint)])


def beam(start: Sequence[float], stop: Sequence[float], width: float, colour: Colour) -> Mesh:
    """A square bar between two points."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    axis = (b - a) / np.linalg.norm(b - a)
    side = np.cross(axis, [0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    side = side / np.linalg.norm(side) * width / 2
    up = np.cross(side, axis)
    ring = np.array([side + up, -side + up, -side - up, side - up, side + up])
    return sheet(np.stack([a + ring, b + ring]), np.broadcast_to(np.asarray(colour), (2, 5, 5)))


def place(mesh: Mesh, heading: float, centre: tuple[float, float], height: float = 0.0) -> Mesh:
    """From (starboard, bow, up) to (east, north, up): turned by `heading` [deg], then moved."""
    psi = np.radians(heading)
    starboard, bow = mesh.vertices[:, 0], mesh.vertices[:, 1]
    east = starboard * np.cos(psi) + bow * np.sin(psi) + centre[0]
    north = -starboard * np.sin(psi) + bow * np.cos(psi) + centre[1]
    return Mesh(
        vertices=np.stack([east, north, mesh.vertices[:, 2] + height], -1),
        faces=mesh.faces,
        colours=mesh.colours,
    )


def tilt(mesh: Mesh, trim: float, heel: float) -> Mesh:
    """Turned about midship at the waterline; `trim` by the stern [m per m], `heel` to starboard [deg]."""
    x, y, z = mesh.vertices.T
    z = z + y * trim
    phi = np.radians(heel)
    return Mesh(
        vertices=np.stack([x * np.cos(phi) + z * np.sin(phi), y, z * np.cos(phi) - x * np.sin(phi)], -1),
        faces=mesh.faces,
        colours=mesh.colours,
    )
