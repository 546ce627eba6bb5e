"""How a ship looks from above, in few numbers: her deck's colour, where her house stands, her deck's plan.

Ships of one size differ in paint and in what stands where on deck. Colours are taken relative to each other,
so that sun and haze, which scale all bands much alike, go out; the plan is the logarithm of brightness on the
cargo deck, without its mean and scale, forward of the house, whose glare would make all tankers alike. The
deck lies some metres beside her waterline in the image, by freeboard and view, and the sun moves the shadows
of what stands on it: looks at one ship agree only in part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, Detection
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.products import Appearance

Array = npt.NDArray[np.float64]

COLOURS = ("blue", "green", "red", "nir")
CELLS, COLUMNS = 24, 3
"""Of the plan: along the hull, bow to stern, and from port to starboard."""
FORWARD, AFT = 0.36, -0.20
"""Ends of the plan from midship, in lengths: forecastle and house are left out [1]."""
BESIDE = 0.36
"""Half the breadth of the plan, in beams [1]."""
FINE = 4
"""Samples a cell, either way."""
FEWEST_PX = 12.0
"""Pixels along her below which nothing of this is to be seen."""
LEAST_CLEAR = 0.9
"""Of the strip [1]."""


def measure_appearance(chip: Chip, detection: Detection, blocked: BoolArray) -> Appearance | None:
    """Colour of the deck, place of the house, plan; None where she is too small or not clear.

    Parameters
    ----------
    chip
        Any grid; reflectance or counts.
    detection
        With the heading of her bow; where that is ambiguous there is no plan and no house.
    blocked
        (row, col), True where a pixel says nothing of her: cloud, other ships.

    Returns
    -------
    Appearance
        Colours are logarithms of each band over the geometric mean of those of `COLOURS` that there are.
    """
    if detection.length < FEWEST_PX * chip.grid.gsd:
        return None
    box = Box(
        centre=detection.centre, heading=detection.heading, length=detection.length, beam=detection.beam
    )
    along = np.linspace(FORWARD, AFT, CELLS * FINE) * box.length
    across = np.linspace(-BESIDE, BESIDE, COLUMNS * FINE) * box.beam
    clear = _sample(chip, (chip.valid & ~blocked).astype(np.float32), box, along, across)
    if float((clear > 0.99).mean()) < LEAST_CLEAR:
        return None
    names = [name for name in COLOURS if name in chip.bands] or [chip.bands[0]]
    planes = np.array(
        [_sample(chip, chip.pixels[chip.bands.index(name)], box, along, across) for name in names]
    )
    levels = np.log([max(float(np.median(plane)), 1e-4) for plane in planes])
    level = float(levels.mean())
    levels -= level
    known = not detection.heading_ambiguous
    return Appearance(
        level=round(level, 4) if chip.calibrated else None,
        contrast=round(float(np.log(np.maximum(planes.mean(axis=0), 1e-4)).std()), 4),
        bands=tuple(names) if len(names) > 1 else (),
        deck=tuple(float(v) for v in np.round(levels, 4)) if len(names) > 1 else (),
        house=_house(chip, names, box) if known else None,
        plan=_plan(planes.mean(axis=0)) if known else (),
        gsd=chip.grid.gsd,
    )


def _plan(bright: Array) -> tuple[float, ...]:
    """Cells of the cargo deck, row by row from the bow, mean nil and standard deviation one."""
    cells = bright.reshape(CELLS, FINE, COLUMNS, FINE).mean(axis=(1, 3))
    cells = np.log(np.maximum(cells, 1e-4)).ravel()
    cells -= cells.mean()
    spread = float(cells.std())
    return tuple(float(v) for v in np.round(cells / spread, 3)) if spread > 1e-6 else ()


def _house(chip: Chip, names: Sequence[str], box: Box) -> float:
    """Place of the brightest sixth of the hull along her middle, from the bow: 0 to 1 [1]."""
    along = np.linspace(0.46, -0.46, CELLS * FINE)
    across = np.linspace(-0.25, 0.25, 9) * box.beam
    planes = [_sample(chip, chip.pixels[chip.bands.index(n)], box, along * box.length, across) for n in names]
    profile = np.mean(planes, axis=(0, 2))
    width = len(profile) // 6
    first = int(np.convolve(profile, np.ones(width), mode="valid").argmax())
    return float(round(0.5 - along[first : first + width].mean(), 4))


def _sample(chip: Chip, plane: npt.NDArray[np.float32], box: Box, along: Array, across: Array) -> Array:
    return sample_cover(Cover(grid=chip.grid, plane=plane), box, along=along, across=across)
