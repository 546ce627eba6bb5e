"""Where a ship would lie, and how she would head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.datatypes import LonLat, Polygon, Site
from pipeline.errors import UsageError
from pipeline.geometry import lonlat_to_ground

ELONGATED = 1.5
"""A berth's polygon at least so much longer than wide has an axis along which ships lie [1]."""
ANY_HEADING = tuple(float(h) for h in range(0, 360, 15))
"""Headings of a ship at anchor [deg]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A berth, an anchorage, or several of them that are alike for the sun."""

    id: str
    name: str
    role: str
    """"berth" or "anchorage"."""
    centre: LonLat
    heading: float | None
    """Of a ship that lies there, modulo 180; None = any [deg]."""

    @property
    def headings(self) -> tuple[float, ...]:
        """The headings to look at [deg]: a ship at a berth may have her bow at either end."""
        return ANY_HEADING if self.heading is None else (self.heading, self.heading + 180.0)


def list_places(site: Site, *, berth: str | None, heading: float | None) -> tuple[Place, ...]:
    """The places of a site: each berth with an axis, and one of any heading for the rest.

    Parameters
    ----------
    berth
        One berth or anchorage alone, by its id; all where None.
    heading
        Of the ship, for all of them; the polygons' own axes where None [deg].

    Raises
    ------
    UsageError
        The site has no such berth, or none at all.
    """
    features = [f for f in site.features if f.role in ("berth", "anchorage")]
    known = ", ".join(f.id for f in features)
    if berth is not None:
        features = [f for f in features if f.id == berth]
    if not features:
        raise UsageError(
            f"{site.id}: no berth or anchorage{'' if berth is None else f' {berth!r}'}",
            hint=f"known: {known}" if known else "give a site with berths",
        )
    places = []
    for feature in features:
        axis = heading if heading is not None else axis_of(feature.outline)
        place = Place(
            id=feature.id,
            name=feature.name or feature.id,
            role=feature.role,
            centre=_centre(feature.outline),
            heading=None if axis is None or (feature.role == "anchorage" and heading is None) else axis % 180,
        )
        places.append(place)
    return _merge(places)


def _merge(places: list[Place]) -> tuple[Place, ...]:
    """Places of any heading lie close together under one sun: the first stands for all of them."""
    sure = [p for p in places if p.heading is not None]
    free = [p for p in places if p.heading is None]
    if len(free) < 2:
        return (*sure, *free)
    names = f"any heading ({', '.join(p.id for p in free)})"
    return (*sure, Place(id="any-heading", name=names, role="anchorage", centre=free[0].centre, heading=None))


def _centre(outline: Polygon) -> LonLat:
    from shapely.geometry import Polygon as Figure

    middle = Figure(outline).centroid
    return float(middle.x), float(middle.y)


def axis_of(outline: Polygon) -> float | None:
    """Direction of the long side of a polygon, 0..180; None where it has none [deg]."""
    from shapely.geometry import Polygon as Figure

    ground = lonlat_to_ground(_centre(outline), np.asarray(outline, dtype=np.float64))
    corners = np.asarray(Figure(ground).minimum_rotated_rectangle.exterior.coords)
    sides = np.diff(corners[:3], axis=0)
    lengths = np.hypot(*sides.T)
    if lengths.max() < ELONGATED * lengths.min():
        return None
    east, north = sides[int(np.argmax(lengths))]
    return float(np.degrees(np.arctan2(east, north)) % 180.0)
