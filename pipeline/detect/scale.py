"""Chips at coarser pixels: ships are looked for at two metres and measured at full resolution."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, CloudMask
from pipeline.geometry import block_mean, coarser_grid, crop_grid

_FRAY = 4.0
"""Clouds fray: this far from a cloud what stands out of the water may be its rim [m]."""

_ADDED = 0.05
"""Reflectance that a cloud worth the name adds in every band [1]."""
_RIM = 12.0
"""What is called cloud reaches beyond it so far [m]."""
_SAMPLES = 40_000
"""Pixels from which a level is taken."""


class Reduced(NamedTuple):
    """A chip at coarser pixels, and where the ground is seen."""

    chip: Chip
    factor: int
    """Pixels of the full chip along the side of one of these."""
    usable: BoolArray
    """(row, col) of the full chip."""
    seen: BoolArray
    """(row, col) of `chip`."""


def look_through(chip: Chip, clouds: CloudMask, gsd: float) -> Reduced:
    """The chip at about `gsd` metres, and where clouds leave the ground to be seen."""
    small, factor = reduce_chip(chip, gsd)
    usable = clear_of_clouds(chip, clouds)
    return Reduced(small, factor, usable, reduce_share(usable, factor) > 0.5)


def look_past(reduced: Reduced) -> Reduced:
    """The same, seen up to the very clouds: their mask reaches over dark water and decks beside them.

    A cloud worth the name adds light to every band.
    """
    import cv2

    small, factor, usable, seen = reduced
    hidden = small.valid & ~seen
    if not small.calibrated or not hidden.any() or not seen.any():
        return reduced
    step = max(1, int(seen.sum()) // _SAMPLES)
    added = np.stack([plane - np.float32(np.median(plane[seen][::step])) for plane in small.pixels])
    size = 2 * round(_RIM / small.grid.gsd) + 1
    near = cv2.dilate(seen.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    dark = (seen | (hidden & near & (added.min(axis=0) < _ADDED))).astype(np.uint8)
    past = hidden & (cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)
    full = cv2.resize(past.astype(np.uint8), usable.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return Reduced(small, factor, usable | full, seen | past)


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


def reduce_chip(chip: Chip, gsd: float) -> tuple[Chip, int]:
    """(chip of about `gsd` metres, never finer than it was; number of its pixels along a block's side)."""
    factor = max(1, int(gsd / chip.grid.gsd + 0.2))
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
