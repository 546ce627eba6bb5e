"""Where the accommodation block throws its own shadow along the ship's side: no deck edge is read there."""

from __future__ import annotations

import numpy as np

from pipeline.datatypes import ViewGeometry
from pipeline.freeboard.strip import HALF_MIDBODY
from pipeline.geometry import shadow_shift, shift_per_metre, ship_axes

BLOCK_FRONT, BLOCK_TOP = -0.28, 0.20
"""Front of the accommodation block from amidships, and height of its top above the water, in lengths of the
ship: masts are higher, and thin."""
LEAST_CLEAR = 0.25
"""Share of the mid-body that must be clear of it [1]."""


def block_reach(view: ViewGeometry, heading: float) -> float:
    """How far forward of amidships the block's shadow ends, in lengths of the ship; -inf where it falls aft.

    Parameters
    ----------
    heading
        Of the bow [deg].
    """
    along = float(np.dot(shadow_shift(view), ship_axes(heading)[0]))
    return BLOCK_FRONT + along * BLOCK_TOP if along > 0.0 else -np.inf


def clear_share(view: ViewGeometry, heading: float) -> float:
    """Share of the mid-body that the block's shadow leaves on the side away from the sun [1]."""
    covered = (block_reach(view, heading) + HALF_MIDBODY) / (2 * HALF_MIDBODY)
    return float(1.0 - np.clip(covered, 0.0, 1.0))


def open_sides(view: ViewGeometry, heading: float, *, bow_known: bool = True) -> tuple[int, ...]:
    """The sides, +1 starboard and -1 port, that are clear of the block's shadow over enough of the mid-body.

    Where it is not known which end is the bow, either end may carry the block.
    """
    bows = (heading,) if bow_known else (heading, heading + 180.0)
    if min(clear_share(view, bow) for bow in bows) >= LEAST_CLEAR:
        return (1, -1)
    return (1,) if shift_per_metre(view, heading)[0] > 0.0 else (-1,)
