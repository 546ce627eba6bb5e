"""Racks on deck and, in wide pixels, pipes by the rail: what lengthens the shadow of the deck's edge.

A rack of height H, d inboard, casts its shadow H s - d beyond the edge's, where s is the length of a shadow
per metre of height across the hull: as if the edge were higher by that over the reach per metre.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.model import SideShifts

Array = npt.NDArray[np.float64]

RACKS = (((1.0, 2.5), (0.28, 0.5), 0.6), ((1.8, 3.5), (0.35, 0.5), 0.6))
"""Of pipes with their crossings, and of a gangway over the cargo deck: from and to which height above the
deck's edge [m], from and to where inboard of it [beams], and how many ships have one that shades all along.
A gangway lies as high as a superstructure, 1.8 to 2.3 m (International Convention on Load Lines 1966,
regulations 26 and 33), with rails of a metre; the deck is cambered by a fiftieth of the beam."""
RACK_SHADE = 1.5
"""Breadth of a rack's shade on deck: pixels of some metres do not part it from a shadow on the water when it
ends within one of them [m]."""
PIPES = (0.0, 0.6, 0.5)
"""From and to which height pipes within a pixel of the rail shade the deck, all together, where pixels are
that wide [m], and the share of sides that have any."""
TALLEST = 4.0
"""The most that gear adds to an edge [m]."""
CELL = 0.05
"""Of the heights that are told apart [m]."""
STEPS: Array = (np.arange(8) + 0.5) / 8
"""Between the ends of a range [1]."""


def gear_heights(shifts: SideShifts, beam: float, gsd: float) -> tuple[Array, Array]:
    """By how much more the deck edge seems to rise [m], and the probability of each: the highest of all."""
    below = np.cumsum(_pipes() if gsd > COARSE else _shared(np.zeros(1), 1.0))
    for rack in RACKS:
        below = below * np.cumsum(_rack(shifts, (beam, gsd), rack))
    shares = np.diff(below, prepend=0.0)
    kept = np.flatnonzero(shares > 1e-9)
    return np.asarray(CELL * kept), np.asarray(shares[kept] / shares[kept].sum())


def gear_sigma(shifts: SideShifts, beam: float, gsd: float) -> float:
    """Standard deviation of what stands on deck, as a height of the edge [m]."""
    heights, shares = gear_heights(shifts, beam, gsd)
    return float(np.sqrt(shares @ heights**2 - (shares @ heights) ** 2))


def _rack(
    shifts: SideShifts,
    size: tuple[float, float],
    rack: tuple[tuple[float, float], tuple[float, float], float],
) -> Array:
    """(cell,) probability of what a rack adds to a ship's edge, for (beam, pixel) [m]."""
    (low, high), (near, far), share = rack
    beam, gsd = size
    height = low + (high - low) * STEPS[:, None]
    place = beam * (near + (far - near) * STEPS[None, :])
    beyond = height * shifts.shade - place
    shade = RACK_SHADE * ((gsd > COARSE) & (beyond > -gsd))
    return _shared((np.maximum(beyond, 0.0) + shade) / shifts.beta, share) + _shared(np.zeros(1), 1.0 - share)


def _pipes() -> Array:
    """(cell,) probability of what pipes by the rail add in wide pixels."""
    low, high, share = PIPES
    return _shared(low + (high - low) * STEPS, share) + _shared(np.zeros(1), 1.0 - share)


def _shared(heights: Array, share: float) -> Array:
    """(cell,) a probability shared out evenly over heights."""
    cell = np.minimum(np.round(heights.ravel() / CELL), TALLEST / CELL).astype(np.intp)
    return np.asarray(share / cell.size * np.bincount(cell, minlength=round(TALLEST / CELL) + 1))
