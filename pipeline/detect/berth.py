"""Which berth a ship lies at."""

from __future__ import annotations

from pipeline.datatypes import Detection, Site

_SHARE = 0.5
"""Of the hull's area inside the berth's polygon [1]."""


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
