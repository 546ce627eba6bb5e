"""A simulated oil terminal: shore, tanks, trestle, a jetty with two berths, and the roadstead before it.

Frame: (east, north) [m] about `chips.ORIGIN`. The jetty's axis runs to azimuth 10 deg.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.geometry import ground_to_lonlat, ship_axes
from pipeline.simulate.chips import ORIGIN
from pipeline.simulate.meshes import Colour, Mesh, box, cylinder, join, place, sheet
from pipeline.simulate.ships import Hull
from pipeline.simulate.world import build_jetty

AXIS = 10.0
"""Azimuth of the jetty [deg]."""
FOOT = (-30.0, 0.0)
"""Middle of the jetty's western face [m]."""
WIDTH = 14.0
GAP = 2.5
"""Between a ship's side and the jetty, fenders [m]."""
REACH = (255.0, 215.0)
"""Half-size of the area of interest [m]."""


def _coast(north: np.ndarray) -> np.ndarray:
    """Easting of the shoreline."""
    return np.asarray(-235 + 14 * np.sin(north / 70) + 6 * np.sin(north / 23 + 1))


def build_land() -> Mesh:
    """The shore with tanks, roads and sheds."""
    rng = np.random.default_rng(7)
    north = np.linspace(-900, 900, 241)
    inland = np.concatenate([[0.0, 2.0, 6.0], np.linspace(12, 700, 90)])
    east = _coast(north)[:, None] - inland[None, :]
    height = np.minimum(3.0, 0.9 * inland)[None, :] + 0.004 * inland[None, :]
    height = np.where(inland[None, :] == 0, -1.0, height)
    patches = np.repeat(np.repeat(rng.random((49, 19)), 5, 0), 5, 1)[: len(north), : len(inland)]
    soil = np.array([0.10, 0.13, 0.16, 0.22, 0.26])
    grass = np.array([0.04, 0.07, 0.05, 0.30, 0.18])
    colours = np.where((patches > 0.45)[..., None], soil, grass) * (
        0.8 + 0.4 * rng.random((*patches.shape, 1))
    )
    points = np.stack(
        [east, np.broadcast_to(north[:, None], east.shape), np.broadcast_to(height, east.shape)], -1
    )
    parts = [sheet(points, colours)]
    white: Colour = (0.55, 0.56, 0.57, 0.56, 0.5)
    for i in range(3):
        for j in range(4):
            parts.append(cylinder((-295 - 42 * i, -75 + 46 * j, 2.5), 16.0, 12.0, white, sides=40))
    for y, size in ((-190, 26), (-150, 18), (160, 30), (215, 20)):
        parts.append(box((-300, y, 2.0), (-300 + size, y + 14, 10.0), (0.25, 0.2, 0.2, 0.25, 0.25)))
    parts.append(box((-262, -600, 2.6), (-255, 600, 3.35), (0.14, 0.14, 0.14, 0.15, 0.16)))
    return join(parts)


def build_terminal() -> list[Mesh]:
    """Land, trestle and jetty."""
    trestle: Colour = (0.26, 0.27, 0.28, 0.29, 0.28)
    parts = [build_land(), box((-250, -103.0, 3.6), (-40.0, -97.0, 4.4), trestle)]
    for x in np.arange(-215.0, -40.0, 18.0):
        parts.append(cylinder((x, -100.0, -4.0), 0.7, 7.8, trestle, sides=10))
    parts.append(place(box((5.0, -102.0, 3.6), (9.5, -60.0, 4.3), trestle), AXIS, FOOT))
    parts.append(place(build_jetty(150.0, WIDTH, 4.5), AXIS, FOOT))
    parts.append(cylinder((190.0, 165.0, -1.0), 1.6, 4.0, (0.05, 0.05, 0.4, 0.4, 0.4)))
    return parts


def berth_place(berth: str, hull: Hull) -> tuple[tuple[float, float], float]:
    """(centre, heading) of a ship at "west", "east" or "anchorage"."""
    bow, starboard = ship_axes(AXIS)
    foot = np.asarray(FOOT)
    if berth == "west":
        centre, heading = foot - starboard * (hull.beam / 2 + GAP) + bow * 4.0, AXIS
    elif berth == "east":
        centre, heading = foot + starboard * (WIDTH + hull.beam / 2 + GAP) - bow * 3.0, AXIS + 180
    else:
        centre, heading = np.array([150.0, -125.0]), 55.0
    return (float(centre[0]), float(centre[1])), heading


def _feature(name: str, role: str, ground: np.ndarray, title: str) -> dict[str, Any]:
    ring = ground_to_lonlat(ORIGIN, np.concatenate([ground, ground[:1]])).round(7).tolist()
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "id": name,
            "role": role,
            "name": title,
            "verified": True,
            "accuracy_m": 1.0,
            "source": "simulated",
        },
    }


def _block(east: tuple[float, float], north: tuple[float, float]) -> np.ndarray:
    return np.array([(east[0], north[0]), (east[1], north[0]), (east[1], north[1]), (east[0], north[1])])


def site_document() -> dict[str, Any]:
    """The site as GeoJSON, with the contract's roles."""
    bow, starboard = ship_axes(AXIS)

    def beside(inner: float, outer: float) -> np.ndarray:
        corners = [(inner, -75), (outer, -75), (outer, 75), (inner, 75)]
        return np.array([np.asarray(FOOT) + x * starboard + y * bow for x, y in corners])

    north = np.linspace(-900, 900, 121)
    shore = np.stack([_coast(north) + 1.0, north], -1)
    land = np.concatenate([shore, [[-950.0, 900.0], [-950.0, -900.0]]])
    return {
        "type": "FeatureCollection",
        "site": {
            "id": "sample",
            "name": "Simulated terminal",
            "water_density": 1024.0,
            "timezone": "Asia/Vladivostok",
            "simulated": True,
        },
        "features": [
            _feature("aoi", "aoi", _block((-REACH[0], REACH[0]), (-REACH[1], REACH[1])), "Area of interest"),
            _feature("west", "berth", beside(-32.0, 0.0), "West face of the jetty"),
            _feature("east", "berth", beside(WIDTH, WIDTH + 32.0), "East face of the jetty"),
            _feature("roads", "anchorage", _block((60.0, 250.0), (-210.0, -40.0)), "Roadstead"),
            _feature("shore", "land", land, "Shore"),
        ],
    }
