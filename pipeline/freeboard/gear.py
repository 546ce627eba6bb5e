"""Racks on deck and, in wide pixels, pipes by the rail: what lengthens the shadow of the deck's edge.

A rack of height H, d inboard, casts its shadow H s - d beyond the edge's, where s is the length of a shadow
per metre of height across the hull: as if the edge were higher by that over the reach per metre.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.model import Levels, SideShifts

Array = npt.NDArray[np.float64]

RACKS = (((1.0, 2.5), (0.28, 0.5), 0.6), ((1.8, 3.5), (0.35, 0.5), 0.6))
"""Of pipes with their crossings, and of a gangway over the cargo deck: from and to which height above the
deck's edge [m], from and to where inboard of it [beams], and how many ships have one that shades all along.
A gangway lies as high as a superstructure, 1.8 to 2.3 m (International Convention on Load Lines 1966,
regulations 26 and 33), with rails of a metre; the deck is cambered by a fiftieth of the beam."""
TRUNKS = (((0.9, 1.8), (0.14, 0.2), 0.06), ((2.7, 4.3), (0.3, 0.5), 0.06))
"""Of a trunk deck, as coasters have, and of what stands on it, as `RACKS`; in pixels of some metres these
stand for both."""
LINES = ((0.4, 1.0), (0.5, 2.2), 0.3, 0.11)
"""Fire, foam and drain lines that run along the side: from and to which height and where inboard [m], the
share of sides that have one, and its radius [m]."""
IN_SHADE, IN_SUN, DECK_SPREAD = 0.35, 0.8, 0.2
"""Light of the deck inside a shaded edge against that inside the sunlit edge, where what throws its shade
over the edge shades it all and where nothing does, and the spread of both: the sky leaves a fifth, patches of
sun fall between, and pipes and houses shade some of any deck [1]."""
SURE = (0.3, 12.0)
"""Least and most that the light on deck says for such shade: a gangway's falls on the water alone [1]."""
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


def gear_heights(shifts: SideShifts, beam: float, gsd: float, odds: float = 1.0) -> tuple[Array, Array]:
    """By how much more the deck edge seems to rise [m], and the probability of each: the highest of all.

    Parameters
    ----------
    odds
        How much likelier the deck looks as it does if something shades it up to its edge [1].
    """
    below = np.cumsum(_pipes() if gsd > COARSE else _line(shifts))
    for rack in RACKS if gsd > COARSE else RACKS + TRUNKS:
        below = below * np.cumsum(_rack(shifts, (beam, gsd), rack))
    shares = np.diff(below, prepend=0.0)
    shares[1:] *= odds
    kept = np.flatnonzero(shares > 1e-9)
    return np.asarray(CELL * kept), np.asarray(shares[kept] / shares[kept].sum())


def shade_odds(shaded: Levels, sunny: Levels) -> float:
    """How much likelier the decks inside the edges in shade and sun look as they do if gear shades one."""
    gap = sunny.deck[0] - sunny.dark
    if gap < 0.2 * sunny.deck[0]:
        return 1.0
    light = (shaded.deck[0] - shaded.dark) / gap
    odds = 0.5 * ((light - IN_SUN) ** 2 - (light - IN_SHADE) ** 2) / DECK_SPREAD**2
    return float(np.clip(np.exp(np.clip(odds, -10.0, 10.0)), *SURE))


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


def _line(shifts: SideShifts) -> Array:
    """(cell,) probability of what a line along the side adds: no more than the breadth of its own shade."""
    (low, high), (near, far), share, radius = LINES
    height = low + (high - low) * STEPS[:, None]
    beyond = height * shifts.shade - (near + (far - near) * STEPS[None, :])
    shade = np.clip(beyond, 0.0, 2 * radius * np.hypot(1.0, shifts.shade))
    return _shared(shade / shifts.beta, share) + _shared(np.zeros(1), 1.0 - share)


def _pipes() -> Array:
    """(cell,) probability of what pipes by the rail add in wide pixels."""
    low, high, share = PIPES
    return _shared(low + (high - low) * STEPS, share) + _shared(np.zeros(1), 1.0 - share)


def _shared(heights: Array, share: float) -> Array:
    """(cell,) a probability shared out evenly over heights."""
    cell = np.minimum(np.round(heights.ravel() / CELL), TALLEST / CELL).astype(np.intp)
    return np.asarray(share / cell.size * np.bincount(cell, minlength=round(TALLEST / CELL) + 1))
