"""Where a ship may lie: what stands out of the water, alone or at a quay.

A ship afloat is a component of its own, and at a known structure she is what stands beside it. At a quay that
nobody knows yet she is part of what is too large for a ship: see `pipeline.detect.quay`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray
from pipeline.detect.water import STANDS_OUT, Water

_LAND_AREA = 30_000.0
"""No ship covers more of the water [m2]: 400 x 60 m less her ends, and her shadow."""

_BASIN, _MUCH = 40_000.0, 0.1
"""The smallest basin of a port [m2], or so much of a small image [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A body that may be a ship."""

    inside: BoolArray
    """(row, col) of the window."""
    row: int
    """Of the window's first pixel."""
    col: int
    touching: bool
    """True where it touches land or known structure."""


def _disk(radius: int) -> npt.NDArray[np.uint8]:
    import cv2

    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), dtype=np.uint8
    )


def _components(inside: BoolArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """(labels, stats) as OpenCV gives them."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    return np.asarray(labels), np.asarray(stats)


def standing_out(water: Water, usable: BoolArray, gsd: float) -> BoolArray:
    """(row, col), True on what is not water: bright bodies, their gaps closed."""
    import cv2

    out = usable & ~water.water & (water.contrast > STANDS_OUT)
    if gsd < 6.0:
        radius = max(1, round(4.0 / gsd))
        out = cv2.morphologyEx(out.astype(np.uint8), cv2.MORPH_CLOSE, _disk(radius)).astype(bool) & usable
    return np.asarray(out)


def find_land(out: BoolArray, gsd: float) -> BoolArray:
    """(row, col), True in bodies too large for a ship."""
    labels, stats = _components(out)
    large = stats[:, 4] * gsd**2 > _LAND_AREA
    large[0] = False
    return np.asarray(large[labels])


def open_water(water: Water, usable: BoolArray, gsd: float) -> BoolArray:
    """(row, col), True on water wide enough for a ship to come in: not on ponds, nor on dark fields."""
    wet = usable & (water.contrast <= STANDS_OUT) & _grown(water.water, gsd)
    labels, stats = _components(wet)
    wide = stats[:, 4] > min(_BASIN / gsd**2, _MUCH * wet.size)
    wide[0] = False
    return np.asarray(wide[labels])


def _grown(inside: BoolArray, gsd: float) -> BoolArray:
    """Widened by some metres: water is told surely only a little away from what stands in it."""
    import cv2

    radius = max(1, round(12.0 / gsd))
    return np.asarray(cv2.dilate(inside.astype(np.uint8), _disk(radius)).astype(bool))


def _cut(inside: BoolArray, others: BoolArray, *, least: float, gsd: float) -> list[Candidate]:
    import cv2

    labels, stats = _components(inside)
    near = cv2.dilate(others.astype(np.uint8), _disk(max(1, round(8.0 / gsd)))).astype(bool)
    found: list[Candidate] = []
    for label in range(1, len(stats)):
        col, row, width, height, area = (int(v) for v in stats[label])
        if not least <= area * gsd**2 <= _LAND_AREA:
            continue
        window = (slice(row, row + height), slice(col, col + width))
        own = labels[window] == label
        found.append(Candidate(inside=own, row=row, col=col, touching=bool((near[window] & own).any())))
    return found


def find_candidates(
    out: BoolArray, fixed: BoolArray | None, gsd: float, *, min_length: float
) -> tuple[list[Candidate], BoolArray]:
    """Bodies of a ship's area, and (row, col) what is too large for one and not known: quays among it.

    Parameters
    ----------
    out
        (row, col), True on what stands out of the water.
    fixed
        (row, col), True on land and known structure; None where nothing is known.
    min_length
        Of a ship [m].
    """
    if fixed is not None:
        out = _open_narrow(out & ~fixed, gsd)
    land = find_land(out, gsd)
    least = 0.35 * min_length * min_length / 6.5
    others = land if fixed is None else land | fixed
    return _cut(out & ~land, others, least=least, gsd=gsd), land


def _open_narrow(inside: BoolArray, gsd: float) -> BoolArray:
    """Without the slivers along known structure; where pixels are coarse there is nothing to take."""
    import cv2

    radius = round(2.5 / gsd)
    if radius < 1:
        return inside
    return np.asarray(cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, _disk(radius)).astype(bool))
