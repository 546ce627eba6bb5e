"""Chips at coarser pixels: ships are looked for at two metres and measured at full resolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, CloudMask
from pipeline.geometry import block_mean, coarser_grid, crop_grid

_FRAY = 4.0
"""Clouds fray: this far from a cloud what stands out of the water may be its rim [m]."""


def cut_chip(chip: Chip, top: int, left: int, shape: tuple[int, int]) -> Chip:
    """A window of a chip, without the masks that it was delivered with."""
    part = np.s_[top : top + shape[0], left : left + shape[1]]
    return replace(
        chip,
        pixels=chip.pixels[(slice(None), *part)],
        valid=chip.valid[part],
        grid=crop_grid(chip.grid, top, left, shape),
        delivered_cloudy=None,
        delivered_shadowed=None,
    )


def clear_of_clouds(chip: Chip, clouds: CloudMask) -> BoolArray:
    """(row, col), True where the ground is seen, away from the rims of clouds."""
    import cv2

    if not clouds.cloudy.any():
        return chip.valid
    size = 2 * round(_FRAY / chip.grid.gsd) + 1
    rim = cv2.dilate(clouds.cloudy.astype(np.uint8), np.ones((size, size), np.uint8))
    return np.asarray(chip.valid & (rim == 0))


def reduce_share(inside: BoolArray, factor: int) -> npt.NDArray[np.float32]:
    """(row, col): share of each block that is True, 0..1."""
    return block_mean(inside.astype(np.float32), factor)


def factor_of(own: float, wanted: float) -> int:
    """Pixels of `own` metres along the side of one of about `wanted`: never fewer than one."""
    return max(1, int(wanted / own + 0.2))


def reduce_chip(chip: Chip, gsd: float) -> tuple[Chip, int]:
    """(chip of about `gsd` metres, never finer than it was; number of its pixels along a block's side)."""
    factor = factor_of(chip.grid.gsd, gsd)
    if factor == 1:
        return chip, 1
    pixels = np.stack([block_mean(plane, factor) for plane in chip.pixels])
    small = Chip(
        pixels=pixels,
        valid=reduce_share(chip.valid, factor) > 0.5,
        bands=chip.bands,
        grid=coarser_grid(chip.grid, factor),
        calibrated=chip.calibrated,
    )
    return small, factor
