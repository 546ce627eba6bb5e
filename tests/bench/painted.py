"""Scenes painted from the simulator's meshes: sun, shadow and lean as in the traced ones, no light bounced.

Some ten times cheaper than tracing, so that hundreds of looks can be drawn. At one point of the image the
highest surface is seen, and at one point of the plane that the sun throws on, the highest is lit; so
triangles are painted in the order of their height, once as seen and once as lit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import ViewGeometry
from pipeline.geometry import relief_shift, shadow_shift
from pipeline.simulate.meshes import Mesh
from pipeline.simulate.render import BANDS, Frame, Sea, to_satellite, to_sun, wave_field

Array = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]

_STEP = 0.8
"""Triangles that rise by more are cut [m]."""
_BIAS = 0.45
"""A surface is in shadow where another lies this much higher towards the sun [m]."""
_SKY = np.array([0.28, 0.20, 0.14, 0.08])
"""Diffuse share of the light in the four bands."""
_FRESNEL = 0.021
"""Of water seen steeply [1]."""


def _triangles(meshes: Sequence[Mesh], reach: float) -> tuple[Array, Array]:
    """(corners (n, 3, 3), colour (n, 5)) of all triangles near the frame, cut so that none rises far."""
    corners = np.concatenate([m.vertices[m.faces] for m in meshes])
    colours = np.concatenate([m.colours[m.faces].mean(axis=1) for m in meshes])
    near = (np.abs(corners[..., :2]).min(axis=1) < reach).all(axis=1) & (corners[..., 2].max(axis=1) > 0.0)
    corners, colours = corners[near], colours[near]
    for _ in range(7):
        tall = np.ptp(corners[..., 2], axis=1) > _STEP
        if not tall.any():
            break
        a, b, c = np.moveaxis(corners[tall], 1, 0)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = [np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        corners = np.concatenate([corners[~tall], *parts])
        colours = np.concatenate([colours[~tall], *([colours[tall]] * 4)])
    corners[..., 2] = np.maximum(corners[..., 2], 0.0)
    order = np.argsort(corners[..., 2].mean(axis=1), kind="stable")
    return corners[order], colours[order]


def _light(corners: Array, view: ViewGeometry) -> tuple[Array, Array]:
    """(share of the sun's, of the sky's light on each triangle), relative to level ground."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    normal *= np.sign(normal @ to_satellite(view) + 1e-12)[:, None]
    sun = np.maximum(normal @ to_sun(view), 0.0) / np.sin(np.radians(view.sun_elevation))
    return sun, 0.5 * (1 + normal[:, 2])


def _glint(sea: Sea, view: ViewGeometry) -> float:
    """Reflectance of the sun's glitter on a Beckmann surface (Cox & Munk 1954 in its isotropic form)."""
    satellite = to_satellite(view) / np.linalg.norm(to_satellite(view))
    half = to_sun(view) + satellite
    cosine = float(half[2] / np.linalg.norm(half))
    tangent2 = 1 / cosine**2 - 1
    slopes = np.exp(-tangent2 / sea.roughness**2) / (np.pi * sea.roughness**2 * cosine**4)
    return float(np.pi * _FRESNEL * slopes / (4 * np.sin(np.radians(view.sun_elevation)) * satellite[2]))


def paint(meshes: Sequence[Mesh], sea: Sea, view: ViewGeometry, frame: Frame) -> npt.NDArray[np.float32]:
    """Reflectance on the film, (blue green red nir, row, col), before any sensor; the frame is north-up."""
    import cv2

    rows, cols = frame.shape
    step = frame.axes[0]
    west, north = frame.centre[0] - step * cols / 2, frame.centre[1] + step * rows / 2
    relief, shadow = relief_shift(view), shadow_shift(view)
    corners, colours = _triangles(meshes, step * max(rows, cols) / 2 + 60.0)
    sun, sky = _light(corners, view)
    margin = round(90.0 / step)
    albedo, lamp = np.zeros((rows, cols, 4), np.float32), np.zeros((rows, cols, 3), np.float32)
    lit = np.zeros((rows + 2 * margin, cols + 2 * margin), np.float32)

    def pixels(shift: tuple[float, float], border: int) -> npt.NDArray[np.int32]:
        east = (corners[..., 0] + shift[0] * corners[..., 2] - west) / step + border - 0.5
        south = (north - corners[..., 1] - shift[1] * corners[..., 2]) / step + border - 0.5
        return np.round(np.stack([east, south], -1) * 16).astype(np.int32)

    height = corners[..., 2].mean(axis=1)
    seen, thrown = pixels(relief, 0), pixels(shadow, margin)
    for k in range(len(corners)):
        cv2.fillConvexPoly(albedo, seen[k], colours[k, :4].tolist(), cv2.LINE_8, 4)
        cv2.fillConvexPoly(lamp, seen[k], (sun[k], sky[k], height[k]), cv2.LINE_8, 4)
        cv2.fillConvexPoly(lit, thrown[k], float(height[k]), cv2.LINE_8, 4)
    col, row = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    up = lamp[..., 2]
    move = ((shadow[0] - relief[0]) / step, (relief[1] - shadow[1]) / step)
    above = cv2.remap(lit, col + move[0] * up + margin, row + move[1] * up + margin, cv2.INTER_NEAREST)
    bright = (above <= up + _BIAS).astype(np.float32)
    water = lamp[..., 1] == 0
    share = np.clip(_SKY * (0.5 + 0.35 / max(np.sin(np.radians(view.sun_elevation)), 0.2)), 0, 0.8)
    field = _waves(sea, (rows, cols), step)
    sparkle = _glint(sea, view) * np.clip(1 + 3 * (field - 1), 0.1, 4.0)
    planes = []
    for k in range(len(BANDS) - 1):
        surface = albedo[..., k] * ((1 - share[k]) * lamp[..., 0] * bright + share[k] * lamp[..., 1])
        body = sea.upwelling[k] * field * ((1 - share[k]) * bright + share[k]) + _FRESNEL * share[k]
        planes.append(np.where(water, body + (1 - share[k]) * sparkle * bright, surface))
    return np.stack(planes).astype(np.float32)


def _waves(sea: Sea, shape: tuple[int, int], step: float) -> Plane:
    """Relative brightness of the water on the film."""
    import cv2

    extent = step * max(shape)
    field = wave_field(sea, 1024, extent / 1024)
    side = max(shape)
    wide = cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide[: shape[0], : shape[1]], dtype=np.float32)
