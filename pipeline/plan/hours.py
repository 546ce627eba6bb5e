"""A day over a place: which suns and views would measure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from pipeline.geometry import sun_position
from pipeline.plan.expect import LOWEST_SUN, Array, map_errors
from pipeline.plan.places import Place

INCIDENCES = (5.0, 15.0, 25.0, 35.0)
"""Of ordinary passes [deg]."""
STEP = 15.0
"""Between the satellite's azimuths, counted from the ship's axis [deg]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Day:
    """Expected errors of one day at one place."""

    place: Place
    date: date
    gsd: float
    """[m]"""
    hours: tuple[datetime, ...]
    """Full hours, aware UTC."""
    sun: Array
    """(hour, 2) elevation and azimuth [deg]."""
    azimuths: tuple[float, ...]
    """From the ship to the satellite [deg]."""
    sigma: Array
    """(hour, incidence, azimuth) expected error, median over headings; NaN in the dark [m]."""
    share: Array
    """(hour,) of views and headings that would be measured [1]."""

    def best(self, hour: int) -> tuple[float, float, float]:
        """(expected error, incidence, azimuth) of the best view of an hour; NaN in the dark."""
        sigma = self.sigma[hour]
        if np.isnan(sigma).all():
            return float("nan"), float("nan"), float("nan")
        i, k = np.unravel_index(int(np.nanargmin(sigma)), sigma.shape)
        return float(sigma[i, k]), INCIDENCES[i], self.azimuths[k]


def map_day(place: Place, day: date, *, gsd: float, max_sigma: float) -> Day:
    """Every full hour (UTC) of a day under views of `INCIDENCES` from all round.

    Parameters
    ----------
    gsd
        [m]
    max_sigma
        Largest expected error that is measured [m].
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    hours = tuple(start + timedelta(hours=h) for h in range(24))
    sun = np.array([sun_position(hour, place.centre) for hour in hours])
    first = place.headings[0]
    azimuths = tuple(sorted((first + STEP * k) % 360.0 for k in range(int(360 / STEP))))
    sigma = np.full((24, len(INCIDENCES), len(azimuths)), np.nan)
    share = np.zeros(24)
    for h in np.flatnonzero(sun[:, 0] >= LOWEST_SUN):
        each = map_errors((sun[h, 0], sun[h, 1]), (INCIDENCES, azimuths), place.headings, gsd)
        sigma[h] = np.quantile(each, 0.5, axis=-1, method="lower")
        share[h] = float(np.mean(each <= max_sigma))
    return Day(
        place=place, date=day, gsd=gsd, hours=hours, sun=sun, azimuths=azimuths, sigma=sigma, share=share
    )
