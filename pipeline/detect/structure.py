"""The terminal's memory: what stands in the water at every look is structure, what comes and goes a ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.constants import FEWEST_LOOKS
from pipeline.datatypes import BoolArray, Chip, CloudMask, Grid, Polygon, Site
from pipeline.detect.local import Plane
from pipeline.detect.scale import factor_of
from pipeline.detect.sea import Sea, find_sea
from pipeline.detect.water import STANDS_OUT, Water
from pipeline.geometry import ground_to_pixel, lonlat_to_ground, pixel_to_ground, polygon_mask

Survey = npt.NDArray[np.uint8]
"""(row, col): 0 not seen, 1 water, from 2 on something that stands out, by how much (`_STEP`)."""

_CELLS = ((1.5, 2.0), (6.0, 4.0), (np.inf, 10.0))
"""(coarsest gsd, side of a cell) [m]: looks of like gsd are compared with one another."""
_MARGIN = 30.0
"""Around the site's area [m]."""
_STEP = 0.002
"""Reflectance above the water's a code of a survey [1]."""
_EMPTY = 0.15
"""Of a cell's looks: it is as empty as this quantile of them, however busy the berth [1]."""
_EDGE, _TAKEN = 5.0, 0.05
"""This far inside a berth [m], over whose edge a quay leans, this share of structure [1] may be a ship."""
_MIXED = 5.0
"""From this pixel on, quays and ships share their pixels: what a quay adds is subtracted, not cut out [m]."""
_REMAINDER = 0.4
"""Of a quay's light that may be left by a shift of half a pixel [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structure:
    """Land and what is known to stand in the water, on a chip."""

    fixed: BoolArray
    """(row, col), True where no ship can be."""
    lift: Plane
    """(row, col), reflectance above water that the empty terminal has there: 0 where pixels are fine [1]."""


def site_cells(site: Site, gsd: float) -> Grid:
    """North-up cells over the site, the same for all scenes of like gsd."""
    rings: list[Polygon] = [f.outline for f in site.of_role("aoi") or site.features]
    points = np.concatenate([np.asarray(ring, dtype=np.float64) for ring in rings])
    origin = (float(points[:, 0].mean().round(6)), float(points[:, 1].mean().round(6)))
    ground = lonlat_to_ground(origin, points)
    side = next(cell for limit, cell in _CELLS if gsd <= limit)
    west, south = np.floor((ground.min(axis=0) - _MARGIN) / side) * side
    east, north = np.ceil((ground.max(axis=0) + _MARGIN) / side) * side
    shape = (round((north - south) / side), round((east - west) / side))
    return Grid(shape=shape, to_ground=(side, 0.0, float(west), 0.0, -side, float(north)), origin=origin)


def _sample(values: npt.NDArray[np.uint8], source: Grid, target: Grid) -> npt.NDArray[np.uint8]:
    """Nearest value of `source` at every pixel of `target`; 0 outside."""
    import cv2

    col, row = np.array([0.5, target.shape[1] - 0.5]), np.array([0.5, target.shape[0] - 0.5])
    corners = np.array([(col[0], row[0]), (col[1], row[0]), (col[0], row[1])])
    ground = pixel_to_ground(target, corners)
    if source.origin != target.origin:
        from pipeline.geometry import ground_to_lonlat

        ground = lonlat_to_ground(source.origin, ground_to_lonlat(target.origin, ground))
    pixel = ground_to_pixel(source, ground) - 0.5
    matrix = cv2.getAffineTransform((corners - 0.5).astype(np.float32), pixel.astype(np.float32))
    return np.asarray(
        cv2.warpAffine(
            values,
            matrix,
            (target.shape[1], target.shape[0]),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        ),
        dtype=np.uint8,
    )


def survey_water(chip: Chip, clouds: CloudMask, cells: Grid, sea: Sea | None = None) -> Survey:
    """What one look saw on `cells`, as the codes of `Survey`; all 0 where it shows no water.

    `sea`: of the same chip and clouds, at whatever pixels it was told; told anew where those are others.
    """
    if sea is None or sea.factor != factor_of(chip.grid.gsd, cells.gsd):
        sea = find_sea(chip, clouds, gsd=cells.gsd)
    if sea is None or not sea.bodies.any():
        return np.zeros(cells.shape, np.uint8)
    level = np.clip(2 + np.maximum(sea.water.lift, 0.0) / _STEP, 2, 255)
    state = np.where(sea.water.contrast > STANDS_OUT, level, 1.0)
    return _sample(np.where(sea.seen, state, 0.0).astype(np.uint8), sea.chip.grid, cells)


def learn_structure(surveys: Sequence[Survey]) -> Survey | None:
    """The empty terminal in the codes of `Survey`; None below three looks."""
    if len(surveys) < FEWEST_LOOKS:
        return None
    stack = np.sort(np.stack(surveys), axis=0)
    looks = (stack > 0).sum(axis=0)
    unseen = len(surveys) - looks
    rank = np.minimum(unseen + np.floor(_EMPTY * looks).astype(np.intp), len(surveys) - 1)
    empty = np.take_along_axis(stack, rank[None], axis=0)[0]
    return np.where(looks >= FEWEST_LOOKS, empty, 0).astype(np.uint8)


def project_structure(empty: Survey | None, cells: Grid | None, land: BoolArray, grid: Grid) -> Structure:
    """Land and the empty terminal on the pixels of a chip.

    Parameters
    ----------
    empty, cells
        As learned; None where too few looks were clear.
    land
        (row, col) on the chip, True on land.
    """
    import cv2

    if empty is None or cells is None:
        return Structure(fixed=land, lift=np.zeros(grid.shape, np.float32))
    if grid.gsd < _MIXED:
        return Structure(
            fixed=land | (_sample(empty, cells, grid) >= 2), lift=np.zeros(grid.shape, np.float32)
        )
    wide = max(1, round(grid.gsd / cells.gsd))
    codes = np.asarray(cv2.blur(np.maximum(empty, 1), (wide, wide)), dtype=np.uint8)
    lift = (_sample(codes, cells, grid).astype(np.float32) - 2) * _STEP
    return Structure(fixed=land, lift=np.maximum(lift, 0.0).astype(np.float32))


def open_berths(known: Structure, site: Site, grid: Grid) -> Structure:
    """What is known without ships that lay at a berth at every look.

    A berth that was never seen empty is learned as structure. Where the site's own polygon of a berth is
    verified and mostly covered by what was learned, the polygon is believed: there is water, or a ship.
    """
    fixed = known.fixed.copy()
    for berth in site.of_role("berth"):
        inside = polygon_mask(grid, berth.outline)
        if berth.verified and is_taken(fixed, inside, grid.gsd):
            fixed &= ~inside
    return replace(known, fixed=fixed)


def is_taken(fixed: BoolArray, inside: BoolArray, gsd: float) -> bool:
    """True where structure inside a berth, away from its edges, may be a ship which never left."""
    import cv2

    size = 2 * round(_EDGE / gsd) + 1
    inner = cv2.erode(inside.astype(np.uint8), np.ones((size, size), np.uint8), borderValue=1) > 0
    return bool(inner.any() and fixed[inner].mean() > _TAKEN)


def without_structure(water: Water, lift: Plane) -> Water:
    """The water as if the terminal were not there: what it adds is off, and what a shift leaves of it."""
    import cv2

    if not lift.any():
        return water
    around = cv2.dilate(lift, np.ones((3, 3), np.uint8))
    rest = np.maximum(water.lift - lift, 0.0)
    gone = (lift > 0) & (rest < _REMAINDER * around)
    return replace(
        water,
        contrast=np.where(gone, 0.0, water.contrast).astype(np.float32),
        lift=np.where(gone, 0.0, rest).astype(np.float32),
    )
