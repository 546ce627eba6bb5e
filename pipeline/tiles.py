"""Scenes too large to be held: tiles that overlap, read one after the other, and one picture of them all.

Each tile speaks for its own part; what is read around it is for ships that lie across the seams.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, CloudMask, Grid, Polygon, Scene, Window
from pipeline.geometry import coarser_grid, grid_of, lonlat_to_pixel
from pipeline.pieces import outline_of

VALUES = 40_000_000
"""Of all bands together that are read at once, where the pixels are coarse enough for it."""
AROUND = 650.0
"""Read around a tile's own part: half of the longest ship, and water and quay to compare her with [m]."""
_CURVED = 16
"""Straight lines of the scene are curved in longitude and latitude, by fewer pixels than this."""
PICTURE = 2048
"""Pixels along the longer side of the picture of the whole, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What is read at once, and the part of it that it speaks for."""

    area: Polygon
    """(lon, lat) both."""
    own: Polygon
    part: Window
    """`own` in the scene's pixels; the parts of all tiles cover the scene once."""


def plan_tiles(scene: Scene, max_pixels: int) -> tuple[Tile, ...]:
    """The tiles of a scene that cannot be held; none where it can.

    Parameters
    ----------
    max_pixels
        Of one band that a chip may hold; of all bands together it holds four times as many.
    """
    (rows, cols), bands = scene.shape, max(len(scene.bands), 1)
    if rows * cols <= max_pixels and rows * cols * bands <= 4 * max_pixels:
        return ()
    margin = int(np.ceil(AROUND / scene.gsd))
    most = int(np.sqrt(min(max_pixels, 4 * max_pixels / bands))) - _CURVED
    window = min(max(int(np.sqrt(VALUES / bands)), 6 * margin), most)
    margin = min(margin, window // 3)
    side = window - 2 * margin
    return tuple(
        Tile(
            area=outline_of(scene, (top - margin, left - margin, top + side + margin, left + side + margin)),
            own=outline_of(scene, (top, left, top + side, left + side)),
            part=(top, left, min(top + side, rows), min(left + side, cols)),
        )
        for top in range(0, rows, side)
        for left in range(0, cols, side)
    )


def own_part(grid: Grid, own: Polygon) -> tuple[slice, slice]:
    """The tile's own part, as an index into the pixels of what was read for it."""
    corners = np.round(lonlat_to_pixel(grid, own)).astype(int)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return slice(max(top, 0), min(bottom, grid.shape[0])), slice(max(left, 0), min(right, grid.shape[1]))


def is_own(grid: Grid, own: Polygon, outline: Polygon) -> bool:
    """True where the middle of an outline lies in the tile's own part."""
    col, row = lonlat_to_pixel(grid, outline).mean(axis=0)
    rows, cols = own_part(grid, own)
    return bool(rows.start <= row < rows.stop and cols.start <= col < cols.stop)


class Whole:
    """The whole scene at coarser pixels, put together from its tiles as they pass."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._factor = scene, max(1, -(-max(scene.shape) // PICTURE))
        rows, cols = (-(-n // self._factor) for n in scene.shape)
        self._pixels = np.zeros((len(scene.bands), rows, cols), np.float32)
        self._valid, self._cloudy, self._shadowed = (np.zeros((rows, cols), bool) for _ in range(3))
        self._method = ""

    def add(self, chip: Chip, clouds: CloudMask, tile: Tile) -> None:
        """Put a tile's own part in its place."""
        part = own_part(chip.grid, tile.own)
        place = self._place(tile.part)
        shape = (place[0].stop - place[0].start, place[1].stop - place[1].start)
        for plane, target in zip(chip.pixels, self._pixels, strict=True):
            target[place] = _reduced(plane[part], shape)
        for inside, mask in self._masks(chip, clouds):
            mask[place] = _reduced(inside[part].astype(np.float32), shape) > 0.5
        self._method = clouds.method

    def look(self) -> tuple[Chip, CloudMask]:
        """What is to be drawn."""
        grid = grid_of(self._scene.crs, self._scene.transform, self._scene.shape)
        bands = tuple(band.name for band in self._scene.bands)
        chip = Chip(
            pixels=np.where(self._valid, self._pixels, np.float32(0.0)),
            valid=self._valid,
            bands=bands,
            grid=coarser_grid(grid, self._factor),
            calibrated=self._scene.calibrated,
        )
        return chip, CloudMask(cloudy=self._cloudy, shadowed=self._shadowed, method=self._method)

    def _place(self, window: Window) -> tuple[slice, slice]:
        top, left, bottom, right = window
        factor = self._factor
        return slice(top // factor, -(-bottom // factor)), slice(left // factor, -(-right // factor))

    def _masks(self, chip: Chip, clouds: CloudMask) -> Iterator[tuple[BoolArray, BoolArray]]:
        yield chip.valid, self._valid
        yield clouds.cloudy, self._cloudy
        yield clouds.shadowed, self._shadowed


def _reduced(plane: npt.NDArray[np.float32], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """The plane in `shape` pixels, each the mean of what it covers."""
    import cv2

    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
