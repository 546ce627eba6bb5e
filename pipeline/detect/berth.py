"""Which berth a ship lies at."""

from __future__ import annotations

import numpy as np

from pipeline.datatypes import BoolArray, Chip, CloudMask, Detection, Site
from pipeline.detect.scale import reduce_share
from pipeline.detect.sea import Sea, find_sea
from pipeline.detect.structure import Structure, is_taken, without_structure
from pipeline.detect.water import STANDS_OUT
from pipeline.geometry import polygon_mask

_SHARE = 0.5
"""Of the hull's area inside the berth's polygon [1]."""
_DOUBT, _DOUBT_PX = 150.0, 5.0
"""A body that covers more than this of a berth [m2, pixels], and is no known structure, may be a ship of 40 m
of which a third cannot be told from the water."""


def assign_berth(detection: Detection, site: Site) -> str | None:
    """Id of the berth that covers most of the ship, None where none covers half of her."""
    from shapely import Polygon as Ring
    from shapely import make_valid

    hull = make_valid(Ring(detection.outline))
    if hull.area == 0:
        return None
    shares = [
        (make_valid(Ring(berth.outline)).intersection(hull).area / hull.area, berth.id)
        for berth in site.of_role("berth")
    ]
    share, name = max(shares, key=lambda pair: pair[0], default=(0.0, ""))
    return name if share >= _SHARE else None


def find_doubtful(
    chip: Chip, clouds: CloudMask, site: Site, *, known: Structure | None, sea: Sea | None = None
) -> frozenset[str]:
    """Berths in which something stands that is neither water nor known structure: not to be called empty.

    `sea` is the chip's own where a search has told it already.
    """
    sea = find_sea(chip, clouds) if sea is None else sea
    if sea is None:
        return frozenset()
    if not sea.bodies.any():  # with none to compare with nothing is told empty
        return frozenset(berth.id for berth in site.of_role("berth"))
    grid, water, fixed = sea.chip.grid, sea.water, np.zeros(sea.seen.shape, np.bool_)
    if known is not None:
        fixed = reduce_share(known.fixed, sea.factor) > 0.5
        water = without_structure(water, known.lift) if sea.factor == 1 else water
    stands = sea.seen & ~fixed & (water.contrast > STANDS_OUT)
    least = max(_DOUBT / grid.gsd**2, _DOUBT_PX)
    doubtful = set()
    for berth in site.of_role("berth"):
        inside = polygon_mask(grid, berth.outline)
        if _largest(stands & inside, grid.gsd) >= least or is_taken(fixed, inside, grid.gsd):
            doubtful.add(berth.id)
    return frozenset(doubtful)


def _largest(chosen: BoolArray, gsd: float) -> int:
    """Pixels of the largest body, without the slivers that a quay leaves where it leans, look by look."""
    import cv2

    size = 2 if gsd < 2.5 else 1
    whole = cv2.morphologyEx(chosen.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    return int(stats[1:, 4].max(initial=0))
