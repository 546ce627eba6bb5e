"""Shadows of clouds: where sun and view put them, for the height that fits the dark best.

A cloud at height h is seen at P + h relief and throws its shadow at P + h shadow, so that the shadow lies
h (shadow - relief) from the cloud's image (`pipeline.geometry`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.clouds.cells import Cells, Plane, brightness
from pipeline.clouds.spectral import dilate, opened
from pipeline.datatypes import BoolArray, Grid, ViewGeometry
from pipeline.geometry import block_mean, relief_shift, shadow_shift

HEIGHTS = (300.0, 4000.0)
"""Of a cloud's base, above the water [m]."""
LEAST_DARK = 0.12
"""Least mean darkness under the shifted clouds, beyond that of the rest of the chip [1]."""
DARK = 0.15
"""A cell is in shadow where it is darker than this share of its surroundings [1]."""
BACKGROUND = 600.0
"""Side of the surroundings [m]."""
_LEAST_CELLS = 12
_MOST_CELLS = 250_000
"""The height is searched on a coarser grid beyond this."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Darkness:
    """How much darker than its surroundings each cell is."""

    value: Plane
    """(row, col), 1 - reflectance / surroundings, 0..1."""
    clear: BoolArray
    """(row, col), True where it was measured and no cloud lies."""


def shift_per_height(view: ViewGeometry, grid: Grid) -> tuple[float, float]:
    """(rows, cols) in pixels of `grid` from a cloud's image to its shadow, per metre of height."""
    shadow, relief = shadow_shift(view), relief_shift(view)
    east, north = shadow[0] - relief[0], shadow[1] - relief[1]
    a, b, _, d, e, _ = grid.to_ground
    det = a * e - b * d
    return (a * north - d * east) / det, (e * east - b * north) / det


def measure_darkness(cells: Cells, cloudy: BoolArray, sea: BoolArray) -> Darkness:
    """In the infrared on land; on the sea, which is black there, in the visible."""
    clear = cells.measured & ~dilate(cloudy, 1)
    visible = brightness(cells.planes)
    infrared = cells.plane("nir", "nir08")
    value = np.zeros_like(visible)
    kinds = [(sea, visible), (~sea, visible if infrared is None else infrared)]
    for where, plane in kinds:
        chosen = clear & where
        share = _surroundings(plane, chosen, cells.pixels(BACKGROUND))
        np.divide(plane, np.maximum(share, np.float32(0.01), out=share), out=share)
        np.copyto(value, np.subtract(np.float32(1.0), share, out=share), where=chosen)
    return Darkness(value=np.clip(value, 0.0, 1.0, out=value), clear=clear)


def _surroundings(plane: Plane, chosen: BoolArray, side: int) -> Plane:
    """Mean over the chosen cells around each cell."""
    import cv2

    inside = chosen.astype(np.float32)
    weight = cv2.blur(inside, (side, side))
    total = cv2.blur(np.multiply(plane, inside, out=inside), (side, side))
    np.maximum(weight, np.float32(1e-3), out=weight)
    return np.asarray(np.divide(total, weight, out=total), np.float32)


def move(chosen: BoolArray, rows: int, cols: int) -> BoolArray:
    """`chosen` moved by whole cells; what leaves is lost and what enters is False."""
    out = np.zeros_like(chosen)
    height, width = chosen.shape
    if abs(rows) < height and abs(cols) < width:
        out[max(rows, 0) : height + min(rows, 0), max(cols, 0) : width + min(cols, 0)] = chosen[
            max(-rows, 0) : height - max(rows, 0), max(-cols, 0) : width - max(cols, 0)
        ]
    return out


def find_height(cloudy: BoolArray, dark: Darkness, rate: tuple[float, float]) -> tuple[float, float] | None:
    """(height [m], excess darkness under the shifted clouds) of the best match, else None.

    Parameters
    ----------
    rate
        (rows, cols) of shift per metre of height, in the cells of `cloudy`.
    """
    step = 1.0 / max(abs(rate[0]), abs(rate[1]), 1e-6)
    best: tuple[float, float] | None = None
    total, count = float(dark.value[dark.clear].sum()), int(dark.clear.sum())
    enough = max(_LEAST_CELLS, int(0.2 * np.count_nonzero(cloudy)))
    for height in np.arange(HEIGHTS[0], HEIGHTS[1] + step, step):
        under = move(cloudy, round(rate[0] * height), round(rate[1] * height)) & dark.clear
        inside = int(np.count_nonzero(under))
        if inside < max(_LEAST_CELLS, min(enough, count)):
            continue
        mean = float(dark.value[under].sum()) / inside
        rest = (total - mean * inside) / max(count - inside, 1)
        score = (mean - rest) * np.sqrt(inside / (inside + enough))
        if mean - rest > LEAST_DARK and (best is None or score > best[1]):
            best = (float(height), float(score))
    return best


def find_shadow(
    cells: Cells, cloudy: BoolArray, sea: BoolArray, view: ViewGeometry | None, grid: Grid
) -> BoolArray:
    """(row, col) on cells, True in the shadow of a cloud; `grid` is that of the pixels.

    One height is taken for all clouds of a chip. Only cells that are dark themselves are in shadow. Over
    water the evidence is weak: depth and slicks darken it too, so that nothing is said where the match is not
    plain; and a shadow whose cloud lies outside the chip is not seen.
    """
    nothing = np.zeros_like(cloudy)
    if view is None or view.sun_elevation <= 5.0 or not cloudy.any():
        return nothing
    dark = measure_darkness(cells, cloudy, sea)
    views = [view]
    if not view.azimuth_trusted:
        views.append(replace(view, azimuth=(view.azimuth + 180.0) % 360.0))
    found: list[tuple[float, float, tuple[float, float]]] = []
    coarse = max(1, int(np.ceil(np.sqrt(cloudy.size / _MOST_CELLS))))
    small = Darkness(
        value=block_mean(dark.value, coarse),
        clear=block_mean(dark.clear.astype(np.float32), coarse) > 0.5,
    )
    for one in views:
        row, col = (rate / cells.factor for rate in shift_per_height(one, grid))
        match = find_height(
            block_mean(cloudy.astype(np.float32), coarse) > 0.5, small, (row / coarse, col / coarse)
        )
        if match is not None:
            found.append((match[1], match[0], (row, col)))
    if not found:
        return nothing
    _, height, rate = max(found)
    reach = dilate(move(cloudy, round(rate[0] * height), round(rate[1] * height)), cells.pixels(30.0))
    darker = reach & dark.clear & (dark.value > DARK)
    return opened(darker, 3) & ~cloudy
