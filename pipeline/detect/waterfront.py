"""The line between water and what stands out of it: its straight stretches, and what lies on either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Grid
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.geometry import ground_to_pixel, pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]

_SENSE = 15.0
"""From the line, where both sides are asked which one is land [m]."""
_CLOSE = 25.0
"""Along the line, from its middle, over which they are asked [m]."""
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
        bow, starboard = ship_axes(self.heading)
        centre = (
            np.asarray(self.middle) + 0.5 * (along[0] + along[1]) * bow + 0.5 * beam * self.inland * starboard
        )
        return Box(
            centre=(float(centre[0]), float(centre[1])),
            heading=self.heading,
            length=along[1] - along[0],
            beam=beam,
        )


def find_stretches(land: BoolArray, wet: BoolArray, grid: Grid, least: float) -> list[Stretch]:
    """Straight stretches of waterfront of at least a length [m], with open water on one side.

    Parameters
    ----------
    land
        (row, col), True on everything that is too large for a ship and not water.
    wet
        (row, col), True on open water that is seen.
    """
    found = []
    for start, stop in _straight_lines(land, grid, least):
        step = stop - start
        heading = float(np.degrees(np.arctan2(step[0], step[1])) % 360)
        middle = (start + stop) / 2
        inland = _inland(land, wet, grid, (middle, heading))
        if inland:
            found.append(
                Stretch(
                    middle=(float(middle[0]), float(middle[1])),
                    heading=heading,
                    length=float(np.hypot(*step)),
                    inland=inland,
                )
            )
    return found


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


def _inland(land: BoolArray, wet: BoolArray, grid: Grid, line: tuple[Array, float]) -> int:
    """1 where land lies to starboard of a line and open water to port, -1 the other way, 0 neither."""
    middle, heading = line
    bow, starboard = ship_axes(heading)
    along = np.linspace(-_CLOSE, _CLOSE, 7)[:, None, None] * bow
    aside = np.array([1.0, 0.6, -0.6, -1.0])[None, :, None] * _SENSE * starboard
    pixel = np.floor(ground_to_pixel(grid, middle + along + aside)).astype(int)
    col, row = (np.clip(pixel[..., k], 0, grid.shape[1 - k] - 1) for k in (0, 1))
    stands, open_water = land[row, col].mean(axis=0), wet[row, col].mean(axis=0)
    right = float(stands[:2].mean() - stands[2:].mean())
    if abs(right) < _STANDS or float(open_water[3] if right > 0 else open_water[0]) < 0.3:
        return 0
    return 1 if right > 0 else -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Front:
    """Planes about stretches of waterfront, each in its own frame."""

    along: Array
    """Stations, from its middle [m]."""
    across: Array
    """Inland, from the outer line [m]."""
    planes: Array
    """(front, plane, along, across)"""


def sample_fronts(
    covers: Sequence[Cover], stretches: Sequence[Stretch], along: Array, across: Array
) -> Front:
    """The planes of `covers` at the stations of stretches."""
    planes = np.empty((len(stretches), len(covers), len(along), len(across)))
    for k, stretch in enumerate(stretches):
        frame = Box(centre=stretch.middle, heading=stretch.heading, length=1.0, beam=1.0)
        for n, cover in enumerate(covers):
            planes[k, n] = sample_cover(cover, frame, along=along, across=stretch.inland * across)
    return Front(along=along, across=across, planes=planes)
