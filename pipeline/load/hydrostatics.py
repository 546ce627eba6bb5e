"""Deadweight on board from draught, anchored on the summer load line; lightship cancels.

    W(T) = DWT - integral of the waterplane between T and the summer draught Ts

with Riddlesworth's block coefficient Cb(t) = 1 - (1 - Cb)(Ts/t)^(1/3), whose waterplane at Ts is exactly
Schneekluth's Cw = (1 + 2 Cb)/3. Everything is on the length between perpendiculars, in tonnes and metres.

References
----------
MAN Diesel & Turbo (2011), Basic Principles of Ship Propulsion, p. 9 (Riddlesworth).
Schneekluth and Bertram (1998), Ship Design for Efficiency and Economy, 2nd ed., sec. 1.5 (waterplane).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.constants import SEA_WATER_DENSITY

Array = npt.NDArray[np.float64]

APPENDAGES = 1.005
"""Shell plating and appendages over the moulded displacement [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hull:
    """Particulars of one ship, or of many draws of her; arrays broadcast against each other."""

    length: Array
    """Between perpendiculars [m]."""
    beam: Array
    """Moulded [m]."""
    depth: Array
    """To the main deck at side [m]."""
    summer_draught: Array
    """[m]"""
    block: Array
    """Block coefficient on `length` at the summer draught [1]."""
    dwt: Array
    """At the summer draught in sea water of 1025 kg/m3 [t]."""
    waterplane: Array
    """Factor on the waterplane away from the load line: what the coefficient formula gets wrong [1]."""


def displacement(hull: Hull, draught: npt.ArrayLike) -> Array:
    """Displacement in sea water of 1025 kg/m3 by the closed form, shape as broadcast [t].

    Valid from light draught to somewhat above the summer draught, for ship-shaped single hulls.
    """
    t = np.maximum(np.asarray(draught, dtype=np.float64), 1e-6)
    shape = t - (1 - hull.block) * np.cbrt(hull.summer_draught * t * t)
    volume = hull.length * hull.beam * shape
    return np.asarray(SEA_WATER_DENSITY / 1000 * APPENDAGES * volume)


def tonnes_per_metre(hull: Hull, draught: npt.ArrayLike) -> Array:
    """Change of displacement in sea water with draught: a hundred times the TPC [t/m]."""
    t = np.maximum(np.asarray(draught, dtype=np.float64), 1e-6)
    waterplane = 1 - 2 / 3 * (1 - hull.block) * np.cbrt(hull.summer_draught / t)
    return np.asarray(
        SEA_WATER_DENSITY / 1000 * APPENDAGES * hull.length * hull.beam * waterplane * hull.waterplane
    )


def deadweight_at(hull: Hull, draught: npt.ArrayLike, water_density: npt.ArrayLike) -> Array:
    """All that is on board, cargo, ballast, consumables and stores, at a draught [t].

    Parameters
    ----------
    hull
        Particulars.
    draught
        Amidships [m].
    water_density
        Of the water she floats in [kg/m3]. The same draught in lighter water carries less.
    """
    full = displacement(hull, hull.summer_draught)
    immersed = full - (full - displacement(hull, draught)) * hull.waterplane
    lightship = full - hull.dwt
    return np.asarray(immersed * np.asarray(water_density) / SEA_WATER_DENSITY - lightship)
