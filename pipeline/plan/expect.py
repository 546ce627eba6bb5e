"""The error to expect, for many suns, views and headings: the rule of the measurement, asked beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.config import FreeboardConfig
from pipeline.datatypes import ViewGeometry
from pipeline.freeboard import expected_sigma, largest_sigma, open_sides

Array = npt.NDArray[np.float64]
BEAM = 16.0
"""Of the ship that is planned for [m]."""
LOWEST_SUN = 5.0
"""Below it no freeboard is measured [deg]."""
SUN_NODES = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
"""Sine of the sun's azimuth against the ship's axis, where the error is reckoned for a map [1]."""
VIEW_NODES = np.array([-0.75, -0.5, -0.3, -0.15, -0.05, 0.0, 0.05, 0.15, 0.3, 0.4, 0.5, 0.75])
"""Shift of the view per metre of height, positive with the satellite on the sun's side [1]."""


def largest_error(gsd: float, rule: FreeboardConfig) -> float:
    """The largest expected error that is measured, of a ship `BEAM` wide [m]."""
    return largest_sigma(gsd, BEAM, rule)


def expect_error(
    view: ViewGeometry, heading: float, gsd: float, *, sides: tuple[int, ...] = (1, -1)
) -> float:
    """Standard error of freeboard to be expected [m], as `pipeline.freeboard.expected_sigma` has it.

    Sun and satellite count by what they are across the hull alone, but for the shadow of the accommodation
    block, and port mirrors starboard; what was asked once is remembered.

    Parameters
    ----------
    heading
        Of the bow [deg].
    gsd
        [m]
    sides
        Which sides have water beside them: +1 starboard, -1 port.
    """
    sun = float(np.sin(np.radians(view.sun_azimuth - heading)))
    satellite = float(np.sin(np.radians(view.azimuth - heading)))
    mirror = -1 if sun < 0 else 1
    clear = set(open_sides(view, heading))
    return _expect(
        round(view.sun_elevation, 2),
        round(view.incidence_angle, 2),
        round(abs(sun), 3),
        round(mirror * satellite, 3) + 0.0,
        gsd,
        tuple(sorted(mirror * side for side in clear.intersection(sides))),
    )


@lru_cache(maxsize=65536)
def _expect(
    elevation: float, incidence: float, sun: float, satellite: float, gsd: float, sides: tuple[int, ...]
) -> float:
    """Of a ship that heads north; `sun` and `satellite` are the sines of their azimuths."""
    view = ViewGeometry(
        incidence_angle=incidence,
        azimuth=float(np.degrees(np.arcsin(satellite))) % 360.0,
        sun_elevation=elevation,
        sun_azimuth=float(np.degrees(np.arcsin(sun))),
        source="plan",
    )
    return expected_sigma(view, 0.0, gsd, beam=BEAM, sides=sides)


def expect_errors(
    sun: tuple[float, float], satellite: tuple[float, npt.ArrayLike], headings: Sequence[float], gsd: float
) -> Array:
    """(azimuth, heading) expected errors under one sun [m], each reckoned by itself.

    Parameters
    ----------
    sun
        (elevation, azimuth) [deg]
    satellite
        (incidence angle, azimuths) [deg]
    """
    views = [
        ViewGeometry(
            incidence_angle=satellite[0],
            azimuth=float(azimuth),
            sun_elevation=sun[0],
            sun_azimuth=sun[1],
            source="plan",
        )
        for azimuth in np.atleast_1d(np.asarray(satellite[1], dtype=np.float64))
    ]
    return np.array([[expect_error(view, heading, gsd) for heading in headings] for view in views])


def middle_of(errors: Array) -> float:
    """The median of expected errors; of an even number the lower one, for one that some ship has [m]."""
    return float(np.quantile(errors, 0.5, method="lower"))


def map_errors(
    sun: tuple[float, float],
    satellites: tuple[Sequence[float], Sequence[float]],
    headings: Sequence[float],
    gsd: float,
) -> Array:
    """(incidence, azimuth, heading) expected errors under one sun, between nodes across the hull [m].

    Parameters
    ----------
    sun
        (elevation, azimuth) [deg]
    satellites
        (incidence angles, azimuths) [deg]
    """
    h = np.radians(np.asarray(headings, dtype=np.float64))
    across_sun = np.sin(np.radians(sun[1]) - h)
    incidences, azimuths = (np.radians(np.asarray(a, dtype=np.float64)) for a in satellites)
    across_view = np.tan(incidences)[:, None, None] * np.sin(azimuths[:, None] - h)
    across_view = across_view * np.where(across_sun < 0, -1.0, 1.0)
    suns = np.unique(np.round(np.abs(across_sun), 9))
    suns = SUN_NODES if len(suns) > 1 else suns
    shaded = np.array([len(open_sides(_overhead(sun), float(heading))) < 2 for heading in headings])
    k = np.interp(across_view, VIEW_NODES, np.arange(len(VIEW_NODES)))
    j = np.broadcast_to(np.interp(np.abs(across_sun), suns, np.arange(len(suns))), k.shape)
    out = np.empty(k.shape)
    for which, sides in ((~shaded, (-1, 1)), (shaded, (1,))):
        if which.any():
            table = np.log([[_across(sun[0], s, (v, gsd), sides) for v in VIEW_NODES] for s in suns])
            out[..., which] = np.exp(_between(table, j[..., which], k[..., which]))
    return out


def _overhead(sun: tuple[float, float]) -> ViewGeometry:
    """A view from the zenith under a sun (elevation, azimuth) [deg]."""
    return ViewGeometry(
        incidence_angle=0.0, azimuth=0.0, sun_elevation=sun[0], sun_azimuth=sun[1], source="plan"
    )


def _across(elevation: float, sun: float, look: tuple[float, float], sides: tuple[int, ...]) -> float:
    """With a satellite that stands abeam: for (metres of shift per metre of height, gsd [m])."""
    view, gsd = look
    incidence = float(np.degrees(np.arctan(abs(view))))
    side = 1.0 if view >= 0 else -1.0
    return _expect(round(elevation, 2), round(incidence, 2), round(sun, 3), side, gsd, sides)


def _between(table: Array, rows: Array, cols: Array) -> Array:
    """Bilinear, at places given as broken row and column numbers."""
    i = np.clip(np.floor(rows).astype(np.intp), 0, max(table.shape[0] - 2, 0))
    k = np.clip(np.floor(cols).astype(np.intp), 0, table.shape[1] - 2)
    below = np.minimum(i + 1, table.shape[0] - 1)
    s, t = rows - i, cols - k
    upper = (1 - t) * table[i, k] + t * table[i, k + 1]
    lower = (1 - t) * table[below, k] + t * table[below, k + 1]
    return np.asarray((1 - s) * upper + s * lower)
