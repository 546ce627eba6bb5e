"""The level of a full shadow on water, from where it is broad: beside the accommodation block.

In pixels of three metres the shadow of the deck edge is one or two pixels wide, so that a narrow deep shadow
and a broad shallow one look alike, and the level of the shadow decides what the freeboard is. The block
stands ten metres above the deck; beside it, or astern of it, the shadow fills pixels whole.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip
from pipeline.freeboard.strip import pixels_about

Array = npt.NDArray[np.float64]

BLOCK_HEIGHT, BLOCK_SPREAD = 0.10, 0.25
"""Height of the block's top above the water, least seen of ships of 60 to 180 m, in lengths of the ship, and
the relative standard deviation of it [1]."""
BLUR_PX = 0.67
"""Standard deviation of optics and pixel together [pixel]."""
FILLED = 0.75
"""Share of a pixel that the shadow must fill at best, for its level to be told [1]."""
BROADEST = 20.0
"""Furthest beyond the waterline that the shadow is looked for [m]."""
BEYOND = 0.25
"""The same ahead and astern, in lengths of the ship [1]."""
CLEAR_PX = 0.9
"""Nearest to the hull that a pixel may lie, whose paint may be darker than any shadow [pixel]."""
DARKEST = 3
"""Pixels that the level is taken from."""
ORDER = 0.3
"""By how much the darkest few of a full shadow lie below its mean, in the scatter of the water [1]."""
PLAIN = 3.5
"""By how much a shadow is darker than open water at least, in the scatter of the water [1]."""
UNLIKE = 0.04
"""Standard deviation of the light of a shadow beside the block against that beside the hull, which hides
more of the sky, in the water's light [1]."""


COARSE = 1.5
"""Pixels above which the shadow of a deck edge fills none, so that its level is taken from elsewhere [m]."""


class Beside(NamedTuple):
    """Where to look, in the ship's frame."""

    heading: float
    centre: tuple[float, float]
    side: int
    """+1 starboard, -1 port."""
    waterline: float
    """Outwards from the centreline [m]."""
    length: float
    """Of the ship [m]."""
    slope: float
    """Breadth of the visible shadow per metre of height [1]."""


def deep_shadow(
    chip: Chip, mix: Array, hidden: BoolArray | None, where: Beside, water: Array
) -> Array | None:
    """(channel, 2) level of a full shadow on the water about the ship and its standard error.

    None where the block's shadow cannot fill a pixel, or nothing is darker than open water.

    Parameters
    ----------
    mix
        (channel, band)
    hidden
        (row, col), True where the water cannot be seen.
    water
        (channel, 3) median, spread, waves of open water.
    """
    gsd = chip.grid.gsd
    if not fills_a_pixel(where.slope, where.length, gsd):
        return None
    filled = [_filled(where.slope * height, gsd) for height in _heights(where.length)]
    found = _pixels_beside(chip, mix, hidden, where)
    if found.shape[1] < 2 * DARKEST:
        return None
    dark = found[:, np.argsort(found[0], kind="stable")[:DARKEST]].mean(axis=1) + ORDER * water[:, 1]
    depth = water[:, 0] - dark
    if depth[0] < PLAIN * water[0, 1]:
        return None
    apart = (filled[2] - filled[0]) / 2 / filled[1] ** 2
    error = np.sqrt((0.5 * water[:, 1]) ** 2 + (apart * depth) ** 2 + (UNLIKE * water[:, 0]) ** 2)
    return np.column_stack([np.maximum(water[:, 0] - depth / filled[1], 0.0), error])


def fills_a_pixel(slope: float, length: float, gsd: float) -> bool:
    """The block's shadow is broad enough to show the level of a full shadow.

    Parameters
    ----------
    slope
        Breadth of the visible shadow per metre of height [1].
    length
        Of the ship [m].
    """
    return _filled(slope * BLOCK_HEIGHT * length, gsd) >= FILLED


def _heights(length: float) -> tuple[float, float, float]:
    """Low, middle and high guess of the block's height [m]."""
    middle = BLOCK_HEIGHT * length
    return (1 - BLOCK_SPREAD) * middle, middle, (1 + BLOCK_SPREAD) * middle


def _filled(breadth: float, gsd: float) -> float:
    """Share of shadow in the best pixel of a strip of this breadth [1]."""
    from scipy.special import ndtr

    return float(2 * ndtr(0.5 * breadth / gsd / BLUR_PX) - 1)


def _pixels_beside(chip: Chip, mix: Array, hidden: BoolArray | None, where: Beside) -> Array:
    """(channel, pixel) of the water on the side of the shadow, and off both ends of the ship there."""
    clear = CLEAR_PX * chip.grid.gsd
    furthest, far = where.waterline + BROADEST, (0.5 + BEYOND) * where.length
    found = pixels_about(chip, hidden, (where.heading, where.centre), (far, furthest))
    v = where.side * found.across
    off = np.abs(found.ahead) > 0.5 * where.length + 2 * clear
    keep = found.usable & (v > -where.waterline) & ((v > where.waterline + clear) | off)
    return np.asarray(mix @ found.values[:, keep])
