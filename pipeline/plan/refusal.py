"""The map of the refusal rule: what sun, view and heading let expect at each pixel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import ViewGeometry
from pipeline.plan.expect import Array, expect_error

GSDS = (0.3, 0.5, 0.8, 3.0)
"""[m]"""
ELEVATIONS = (20.0, 35.0, 50.0, 65.0)
"""Of the sun [deg]."""
OFF_AXIS = np.array([0.0, 2.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 75.0, 90.0])
"""Between the sun's azimuth and the ship's axis [deg]."""
ACROSS = np.arange(-40.0, 40.1, 4.0)
"""Angle off the vertical at which the ship is seen across her axis, positive from the sun's side [deg]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefusalMap:
    """Expected errors."""

    gsds: tuple[float, ...]
    elevations: tuple[float, ...]
    off_axis: Array
    across: Array
    sigma: npt.NDArray[np.float64]
    """(elevation, gsd, across, off_axis) [m]"""


def map_refusal() -> RefusalMap:
    """The whole rule in two angles a panel: nothing else of sun, view and heading enters.

    A satellite at incidence angle i, its azimuth a off the ship's axis, is seen across her at
    atan(tan i sin a).
    """
    shape = (len(ELEVATIONS), len(GSDS), len(ACROSS), len(OFF_AXIS))
    sigma = np.empty(shape)
    for e, g, k, j in np.ndindex(shape):
        view = ViewGeometry(
            incidence_angle=abs(float(ACROSS[k])),
            azimuth=90.0 if ACROSS[k] >= 0 else 270.0,
            sun_elevation=ELEVATIONS[e],
            sun_azimuth=float(OFF_AXIS[j]),
            source="plan",
        )
        sigma[e, g, k, j] = expect_error(view, 0.0, GSDS[g])
    return RefusalMap(gsds=GSDS, elevations=ELEVATIONS, off_axis=OFF_AXIS, across=ACROSS, sigma=sigma)
