"""Which berth a ship lies at."""

from __future__ import annotations

import numpy as np

from pipeline.datatypes import BoolArray, Chip, CloudMask, Detection, Site
from pipeline.detect.colour import find_water_at
from pipeline.detect.scale import look_through, reduce_share
from pipeline.detect.structure import Structure, is_taken, without_structure
from pipeline.detect.water import STANDS_OUT, water_bodies
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


def find_doubtful(chip: Chip, clouds: CloudMask, site: Site, *, known: Structure | None) -> frozenset[str]:
    """Berths in which something stands that is neither water nor known structure: not to be called empty."""
    small, factor, _, seen = look_through(chip, clouds, 2.0)
    if not seen.any():
        return frozenset()
    water = find_water_at(chip.grid.gsd, small, seen)
    if not water_bodies(small, water.water, seen).any():  # with none to compare with nothing is told empty
        return frozenset(berth.id for berth in site.of_role("berth"))
    fixed = np.zeros(seen.shape, np.bool_)
    if known is not None:
        fixed = reduce_share(known.fixed, factor) > 0.5
        water = without_structure(water, known.lift) if factor == 1 else water
    stands = seen & ~fixed & (water.contrast > STANDS_OUT)
    least = max(_DOUBT / small.grid.gsd**2, _DOUBT_PX)
    doubtful = set()
    for berth in site.of_role("berth"):
        inside = polygon_mask(small.grid, berth.outline)
        if _largest(stands & inside, small.grid.gsd) >= least or is_taken(fixed, inside, small.grid.gsd):
            doubtful.add(berth.id)
    return frozenset(doubtful)


def _largest(chosen: BoolArray, gsd: float) -> int:
    """Pixels of the largest body, without the slivers that a quay leaves where it leans, look by look."""
    import cv2

    size = 2 if gsd < 2.5 else 1
    whole = cv2.morphologyEx(chosen.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    return int(stats[1:, 4].max(initial=0))
