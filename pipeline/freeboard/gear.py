"""What stands on deck and lengthens the shadow of the deck's edge: coamings beside it, racks inboard.

A plate of height h that stands d inboard of the edge casts a shadow h s long, where s is the length of a
shadow per metre of height across the hull. Where h s reaches the edge, plate, shade and shadow are one dark
strip and the edge looks higher by h; where it does not, a strip of sunlit deck of d - h s parts the plate's
line from the edge, and what the image resolves adds nothing. A rack of height H, d inboard, casts its
shadow H s - d beyond the edge's, as if the edge were higher by that over the reach of the shadow per metre.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.model import SideShifts

Array = npt.NDArray[np.float64]

PLATES = ((0.10, 0.30, 0.85), (0.4, 0.8, 0.05))
"""From and to which height a plate stands beside the deck edge [m], and the share of sides that have it: a
coaming of 100 mm or more surrounds the cargo deck of an oil tanker and keeps spills on board (IACS Common
Structural Rules, part 2, chapter 2, section 4, 3.1.2; 33 CFR 155.310: 4 inches, 8 at the aft corners); above
300 mm it would be a bulwark with freeing ports (IACS LL59). A pipe by the rail shades as a higher one."""
INSET = 0.6
"""Furthest inboard of the edge that such a plate stands [m]: a gunwale may be round, and no rule says."""
PARTED = 0.5
"""Breadth of a sunlit strip that an image parts from what is dark on either side [pixel]: bars of 0.2 m drawn
at 0.5 m lengthen the shadow by all their height, by half and by nothing where 0, 0.1 and 0.3 m part them."""
RACKS = (((1.0, 2.5), (0.28, 0.5), 0.6), ((1.8, 3.5), (0.35, 0.5), 0.6))
"""Of pipes with their crossings, and of a gangway over the cargo deck: from and to which height above the
deck's edge [m], from and to where inboard of it [beams], and how many ships have one that shades all along.
A gangway lies as high as a superstructure, 1.8 to 2.3 m (International Convention on Load Lines 1966,
regulations 26 and 33), with rails of a metre; the deck is cambered by a fiftieth of the beam."""
RACK_SHADE = 1.5
"""Breadth of a rack's shade on deck: pixels of some metres do not part it from a shadow on the water when it
ends within one of them [m]."""
RAIL = (0.0, 0.6, 0.5)
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
    plates = _plates(shifts.shade, gsd)
    if gsd > COARSE:
        plates = np.convolve(plates, _rail())[: len(plates)]
    below = np.cumsum(plates)
    for rack in RACKS:
        below = below * np.cumsum(_rack(shifts, (beam, gsd), rack))
    shares = np.diff(below, prepend=0.0)
    kept = np.flatnonzero(shares > 1e-9)
    return np.asarray(CELL * kept), np.asarray(shares[kept] / shares[kept].sum())


def gear_sigma(shifts: SideShifts, beam: float, gsd: float) -> float:
    """Standard deviation of what stands on deck, as a height of the edge [m]."""
    heights, shares = gear_heights(shifts, beam, gsd)
    return float(np.sqrt(shares @ heights**2 - (shares @ heights) ** 2))


def _plates(shade: float, gsd: float) -> Array:
    """(cell,) probability of what a plate adds."""
    inset = INSET * STEPS[None, :]
    out = _shared(np.zeros(1), 1.0 - sum(share for _, _, share in PLATES))
    for low, high, share in PLATES:
        height = low + (high - low) * STEPS[:, None]
        gap = np.maximum(inset - height * shade, 0.0)
        out += _shared(height * np.clip(1.0 - gap / (PARTED * gsd), 0.0, 1.0), share)
    return out


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


def _rail() -> Array:
    """(cell,) probability of what pipes by the rail add in wide pixels."""
    low, high, share = RAIL
    return _shared(low + (high - low) * STEPS, share) + _shared(np.zeros(1), 1.0 - share)


def _shared(heights: Array, share: float) -> Array:
    """(cell,) a probability shared out evenly over heights."""
    cell = np.minimum(np.round(heights.ravel() / CELL), TALLEST / CELL).astype(np.intp)
    return np.asarray(share / cell.size * np.bincount(cell, minlength=round(TALLEST / CELL) + 1))
