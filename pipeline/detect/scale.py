"""Chips at coarser pixels: ships are looked for at two metres and measured at full resolution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, CloudMask, Grid

_FRAY = 4.0
"""Clouds fray: this far from a cloud what stands out of the water may be its rim [m]."""


def clear_of_clouds(chip: Chip, clouds: CloudMask) -> BoolArray:
    """(row, col), True where the ground is seen, away from the rims of clouds."""
    import cv2

    if not clouds.cloudy.any():
        return chip.valid
    size = 2 * round(_FRAY / chip.grid.gsd) + 1
    rim = cv2.dilate(clouds.cloudy.astype(np.uint8), np.ones((size, size), np.uint8))
    return np.asarray(chip.valid & (rim == 0))


def _blocks(plane: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Block means; the last block of a row or column is padded by its edge."""
    import cv2

    rows, cols = plane.shape
    down, right = -rows % factor, -cols % factor
    if down or right:
        plane = cv2.copyMakeBorder(plane, 0, down, 0, right, cv2.BORDER_REPLICATE)
    size = ((cols + right) // factor, (rows + down) // factor)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def reduce_share(inside: BoolArray, factor: int) -> npt.NDArray[np.float32]:
    """(row, col): share of each block that is True, 0..1."""
    return _blocks(inside.astype(np.float32), factor)


def reduce_chip(chip: Chip, gsd: float) -> tuple[Chip, int]:
    """(chip of about `gsd` metres, never finer than it was; number of its pixels along a block's side)."""
    factor = max(1, int(gsd / chip.grid.gsd + 0.2))
    if factor == 1:
        return chip, 1
    pixels = np.stack([_blocks(plane, factor) for plane in chip.pixels])
    a, b, c, d, e, f = chip.grid.to_ground
    grid = Grid(
        shape=(pixels.shape[1], pixels.shape[2]),
        to_ground=(a * factor, b * factor, c, d * factor, e * factor, f),
        origin=chip.grid.origin,
    )
    small = Chip(
        pixels=pixels,
        valid=reduce_share(chip.valid, factor) > 0.5,
        bands=chip.bands,
        grid=grid,
        calibrated=chip.calibrated,
    )
    return small, factor
