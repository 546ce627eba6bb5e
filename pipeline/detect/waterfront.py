"""The line between water and what stands out of it: its straight stretches, and what lies on either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Grid
from pipeline.detect.outline import Box, Cover
from pipeline.geometry import ground_to_pixel, pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]

_SENSE = 15.0
"""From the line, where both sides are asked which one is land [m]."""
_CLOSE = 25.0
"""Along the line, from its middle, over which they are asked [m]."""
_AT_ONCE = 64
"""Stretches that are sampled together."""
_STANDS = 0.5
"""More land on the inner than on the outer side by this, or there is no front [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A straight piece of waterfront."""

    middle: tuple[float, float]
    """(east, north) [m]"""
    heading: float
    """Of the line, either way [deg]."""
    length: float
    inland: int
    """1 where land lies to starboard of the heading, -1 to port."""

    def box(self, along: tuple[float, float], beam: float) -> Box:
        """The rectangle between two stations whose outer side is the stretch."""
        (centre,) = place_hulls([self], np.array([0.5 * (along[0] + along[1])]), np.array([beam]))
        return Box(
            centre=(float(centre[0]), float(centre[1])),
            heading=self.heading,
            length=along[1] - along[0],
            beam=beam,
        )


def place_hulls(sides: Sequence[Stretch], along: Array, beam: Array) -> Array:
    """(n, 2) middles on the ground of hulls, each at a station along her own outer side and so broad."""
    middles = np.array([side.middle for side in sides]).reshape(-1, 2)
    bow, starboard = (axes.T for axes in ship_axes([side.heading for side in sides]))
    aside = 0.5 * beam * np.array([side.inland for side in sides])
    return np.asarray(middles + along[:, None] * bow + aside[:, None] * starboard)


def find_stretches(land: BoolArray, wet: BoolArray, grid: Grid, least: float) -> list[Stretch]:
    """Straight stretches of waterfront of at least a length [m], with open water on one side.

    Parameters
    ----------
    land
        (row, col), True on everything that is too large for a ship and not water.
    wet
        (row, col), True on open water that is seen.
    """
    lines = np.asarray(_straight_lines(land, grid, least), np.float64).reshape(-1, 2, 2)
    step, middles = lines[:, 1] - lines[:, 0], lines.mean(axis=1)
    headings = np.degrees(np.arctan2(step[:, 0], step[:, 1])) % 360
    inland = _inland(land, wet, grid, (middles, headings))
    return [
        Stretch(
            middle=(float(middle[0]), float(middle[1])),
            heading=float(heading),
            length=float(length),
            inland=int(side),
        )
        for middle, heading, length, side in zip(
            middles, headings, np.hypot(step[:, 0], step[:, 1]), inland, strict=True
        )
        if side
    ]


def _straight_lines(land: BoolArray, grid: Grid, least: float) -> list[tuple[Array, Array]]:
    """(start, stop) on the ground of what is straight in the outlines of `land`, off the image's edge."""
    import cv2

    contours, _ = cv2.findContours(land.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rows, cols = grid.shape
    found = []
    for contour in contours:
        if len(contour) * grid.gsd < 4 * least:
            continue
        corners = cv2.approxPolyDP(contour, max(1.0, 6.0 / grid.gsd), True)[:, 0].astype(np.float64)
        ground = pixel_to_ground(grid, corners + 0.5)
        for k, (start, stop) in enumerate(zip(ground, np.roll(ground, -1, axis=0), strict=True)):
            pair = np.stack([corners[k], corners[(k + 1) % len(corners)]])
            if (pair <= 1).all(axis=0).any() or (pair >= (cols - 2, rows - 2)).all(axis=0).any():
                continue  # along the image's edge
            if float(np.hypot(*(stop - start))) >= least:
                found.append((start, stop))
    return found


def _inland(land: BoolArray, wet: BoolArray, grid: Grid, lines: tuple[Array, Array]) -> npt.NDArray[np.intp]:
    """(line,): 1 where land lies to starboard and open water to port, -1 the other way, 0 neither.

    `lines` are their middles (line, 2) and headings (line,).
    """
    aside = np.array([1.0, 0.6, -0.6, -1.0]) * _SENSE
    pixel = np.floor(ground_to_pixel(grid, _stations(lines, np.linspace(-_CLOSE, _CLOSE, 7), aside)))
    col, row = (np.clip(pixel[..., k].astype(int), 0, grid.shape[1 - k] - 1) for k in (0, 1))
    stands, open_water = land[row, col].mean(axis=1), wet[row, col].mean(axis=1)
    right = stands[:, :2].mean(axis=1) - stands[:, 2:].mean(axis=1)
    opposite = np.where(right > 0, open_water[:, 3], open_water[:, 0])
    none = (np.abs(right) < _STANDS) | (opposite < 0.3)
    return np.where(none, 0, np.where(right > 0, 1, -1))


def _stations(lines: tuple[Array, Array], along: Array, aside: Array) -> Array:
    """(line, along, aside, 2) ground points about lines; `aside` (aside,), or (line, aside)."""
    middles, headings = lines
    bow, starboard = (axes.T[:, None, None, :] for axes in ship_axes(headings))
    across = np.broadcast_to(aside, (len(headings), np.shape(aside)[-1]))[:, None, :, None]
    return np.asarray(middles[:, None, None, :] + along[None, :, None, None] * bow + across * starboard)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Front:
    """Planes about stretches of waterfront, each in its own frame."""

    along: Array
    """Stations, from its middle [m]."""
    across: Array
    """Inland, from the outer line [m]."""
    planes: npt.NDArray[np.float32]
    """(front, plane, along, across)"""


def sample_fronts(
    covers: Sequence[Cover], stretches: Sequence[Stretch], along: Array, across: Array
) -> Front:
    """The planes of `covers`, all on one grid, at the stations of stretches."""
    import cv2

    size = (len(stretches), len(covers), len(along), len(across))
    planes = np.empty(size, np.float32)
    middles = np.array([stretch.middle for stretch in stretches]).reshape(-1, 2)
    headings = np.array([stretch.heading for stretch in stretches])
    inland = np.array([stretch.inland for stretch in stretches])
    for first in range(0, len(stretches) if covers else 0, _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        bow, starboard = (axes.T for axes in ship_axes(headings[some]))
        marks = np.stack([middles[some], middles[some] + bow, middles[some] + inland[some, None] * starboard])
        pixel = ground_to_pixel(covers[0].grid, marks)[..., None, None] - 0.5  # (mark, front, axis, 1, 1)
        ahead, aside = pixel[1:] - pixel[0]
        place = pixel[0] + along[:, None] * ahead + across * aside
        col, row = (place[:, k].astype(np.float32).reshape(-1, len(across)) for k in (0, 1))
        for n, cover in enumerate(covers):
            image = cv2.remap(
                cover.plane, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
            )
            planes[some, n] = np.asarray(image).reshape(-1, *size[2:])
    return Front(along=along, across=across, planes=planes)
