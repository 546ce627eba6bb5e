"""Draws of a ship's particulars: what a register knows, the rest from what was measured and from rules.

Each uncertain quantity has its own standard normal deviate under a name of `TERMS`, so that errors can be
switched on one at a time. Where a register is silent:

=========== ===================================================== ===========================================
particular  rule                                                  spread and basis
=========== ===================================================== ===========================================
LBP         0.945 LOA                                             0.01; 0.93 to 0.96 in Kristensen (2012)
beam        as measured, pulled towards LOA/6.2 (small) to /5.6   7 %; proportions of ships in service
block       0.745 at 90 m to 0.81 above 200 m                     0.02
dwt/displ.  0.70 at 5,000 t dwt to 0.80 at 40,000, by logarithm   0.03
depth       Ts + rule freeboard; without Ts half the beam         excess |N(0, 0.25 m)|; 9 % of the depth
draught Ts  D - rule freeboard; with dwt alone from displacement  as above; both rules weighed together
dwt         share of displacement at Ts                           as above
=========== ===================================================== ===========================================

The proportions are general knowledge of ship design, not regressions on a data base: their spreads are wide
on purpose, and every one of them gives way to a register that knows better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.constants import SEA_WATER_DENSITY
from pipeline.datatypes import Ship
from pipeline.load.hydrostatics import APPENDAGES, Hull
from pipeline.load.loadline import depth_from_draught, draught_from_depth

Array = npt.NDArray[np.float64]

LENGTH_RATIO, LENGTH_RATIO_SIGMA = 0.945, 0.010
BEAM_SIGMA = 0.07
BLOCK_SIGMA = 0.02
DEADWEIGHT_RATIO_SIGMA = 0.03
DEPTH_OVER_BEAM, DEPTH_SIGMA = 0.50, 0.09
WATERPLANE_SIGMA = 0.03
"""Schneekluth against Kristensen, 0.83 against 0.885 at a block coefficient of 0.745 [1]."""
REGISTER_DEPTH_SIGMA = 0.02
REGISTER_DRAUGHT_SIGMA = 0.02
"""Keel and deck plates, rounding: with the depth's 0.03 m on the summer freeboard [m]."""
REGISTER_DWT_SIGMA = 0.002
REGISTER_LOA_SIGMA = 0.3
"""[m]"""
REGISTER_BEAM_SIGMA = 0.05
"""[m]"""

TERMS = {
    "length": ("length", "length_ratio"),
    "beam": ("beam",),
    "deadweight": ("dwt", "dwt_ratio"),
    "load-line": ("depth", "draught", "excess"),
    "block": ("block",),
    "waterplane": ("waterplane",),
    "deck-edge": ("edge",),
    "trim": ("trim",),
    "consumables": ("consumables",),
    "residual-ballast": ("residual",),
    "water-density": ("water",),
}
"""Terms of the budget and the deviates that make them."""
DEVIATES = tuple(name for names in TERMS.values() for name in names)
Deviates = dict[str, Array]


def draw_deviates(draws: int, seed: int) -> Deviates:
    """Independent standard normals, (draws,) for each name, from a seed alone."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(draws) for name in DEVIATES}


def only(deviates: Deviates, term: str | None, draws: int) -> Deviates:
    """The first `draws` of one term's deviates, every other at its centre; None = all at the centre."""
    keep = () if term is None else TERMS[term]
    zero = np.zeros(draws)
    return {name: deviates[name][:draws] if name in keep else zero for name in DEVIATES}


class Sized(Protocol):
    """Length and beam of a ship as an image shows them [m]."""

    @property
    def length(self) -> float:
        """Over all."""

    @property
    def length_sigma(self) -> float: ...  # noqa: D102

    @property
    def beam(self) -> float: ...  # noqa: D102

    @property
    def beam_sigma(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Particulars:
    """Draws of one candidate."""

    hull: Hull
    weight: Array
    """Relative weight of each draw: how well its particulars go together [1]."""
    sources: tuple[tuple[str, str], ...]
    """(particular, where it came from)"""


def draw_particulars(ship: Ship | None, detection: Sized, z: Deviates) -> Particulars:
    """Draws of a candidate's particulars; `ship` None is any tanker of the measured length and beam."""
    ship = _possible(ship)
    loa, beam = _plan(ship, detection, z)
    length = loa * (LENGTH_RATIO + LENGTH_RATIO_SIGMA * z["length_ratio"])
    block = np.clip(_block(length) + BLOCK_SIGMA * z["block"], 0.55, 0.90)
    dwt, draught, depth, weight = _verticals(ship, length, beam, block, z)
    hull = Hull(
        length=length,
        beam=beam,
        depth=depth,
        summer_draught=draught,
        block=block,
        dwt=dwt,
        waterplane=np.maximum(1 + WATERPLANE_SIGMA * z["waterplane"], 0.8),
    )
    return Particulars(hull=hull, weight=weight, sources=_sources(ship))


def _possible(ship: Ship | None) -> Ship | None:
    """The row without values that are no sizes, nor a depth and draught that cannot both be true."""
    if ship is None:
        return None

    def sound(value: float | None) -> float | None:
        return value if value is not None and value > 0 else None

    depth, draught = sound(ship.depth), sound(ship.summer_draught)
    if depth is not None and draught is not None and draught >= 0.97 * depth:
        depth = draught = None
    return replace(
        ship,
        dwt=sound(ship.dwt),
        loa=sound(ship.loa),
        beam=sound(ship.beam),
        depth=depth,
        summer_draught=draught,
    )


def _plan(ship: Ship | None, detection: Sized, z: Deviates) -> tuple[Array, Array]:
    """LOA and beam: the register's, else as measured, the beam with the usual proportion."""
    if ship is not None and ship.loa is not None:
        loa = ship.loa + REGISTER_LOA_SIGMA * z["length"]
    else:
        loa = np.maximum(detection.length + detection.length_sigma * z["length"], 20.0)
    if ship is not None and ship.beam is not None:
        return loa, ship.beam + REGISTER_BEAM_SIGMA * z["beam"]
    usual, spread = usual_beam(loa), BEAM_SIGMA * usual_beam(loa)
    sigma = max(detection.beam_sigma, 0.05)
    share = spread**2 / (spread**2 + sigma**2)
    centre = share * detection.beam + (1 - share) * usual
    beam = centre + np.sqrt(share) * sigma * z["beam"]
    return loa, np.maximum(beam, 0.05 * loa)


def usual_beam(loa: npt.ArrayLike) -> Array:
    """Beam of a tanker of this length over all, spread 7 % [m]."""
    return np.asarray(
        np.asarray(loa) / np.interp(np.asarray(loa, dtype=np.float64), (110.0, 180.0), (6.2, 5.65))
    )


def _block(length: Array) -> Array:
    return np.asarray(np.interp(length, (90.0, 170.0, 220.0), (0.745, 0.80, 0.815)))


def _deadweight_ratio(displacement: Array, z: Deviates) -> Array:
    """Deadweight over displacement, both at the summer draught."""
    dwt = np.maximum(0.72 * displacement, 50.0)
    centre = 0.70 + 0.10 * np.log(dwt / 5000) / np.log(8)
    ratio = np.clip(centre, 0.60, 0.86) + DEADWEIGHT_RATIO_SIGMA * z["dwt_ratio"]
    return np.asarray(np.clip(ratio, 0.4, 0.92))


def _excess(depth: npt.ArrayLike, z: Deviates) -> Array:
    """Freeboard assigned beyond the least: half normal, 0.25 m on small ships, more on deep ones [m]."""
    from scipy.special import ndtr, ndtri

    scale = 0.25 + 0.12 * np.maximum(np.asarray(depth) - 10.0, 0.0)
    return np.asarray(scale * ndtri((1 + np.minimum(ndtr(z["excess"]), 1 - 1e-9)) / 2))


def _verticals(
    ship: Ship | None, length: Array, beam: Array, block: Array, z: Deviates
) -> tuple[Array, Array, Array, Array]:
    """(dwt, summer draught, depth, weight) of each draw."""
    dwt = None if ship is None or ship.dwt is None else ship.dwt * (1 + REGISTER_DWT_SIGMA * z["dwt"])
    draught = _known(None if ship is None else ship.summer_draught, REGISTER_DRAUGHT_SIGMA, z["draught"])
    depth = _known(None if ship is None else ship.depth, REGISTER_DEPTH_SIGMA, z["depth"])
    weight = np.ones(len(length))
    area = SEA_WATER_DENSITY / 1000 * APPENDAGES * length * beam
    if draught is None and depth is not None:
        draught = draught_from_depth(length, depth, block, _excess(depth, z))
    elif draught is None and dwt is not None:
        draught = dwt / _deadweight_ratio(dwt / 0.72, z) / (area * block)
        depth = depth_from_draught(length, draught, block, _excess(draught * 1.25, z))
        weight = weight * _agreement(depth, beam)
    elif draught is None:
        depth = DEPTH_OVER_BEAM * beam * np.exp(DEPTH_SIGMA * z["depth"])
        draught = draught_from_depth(length, depth, block, _excess(depth, z))
    elif depth is None:
        depth = depth_from_draught(length, draught, block, _excess(draught * 1.25, z))
    assert draught is not None
    assert depth is not None
    draught = np.minimum(np.maximum(draught, 0.5 * depth), 0.95 * depth)
    displaced = area * block * draught
    ratio = _deadweight_ratio(displaced, z)
    if dwt is None:
        dwt = displaced * ratio
    elif ship is not None and (ship.summer_draught is not None or ship.depth is not None):
        centre = _deadweight_ratio(displaced, {"dwt_ratio": np.zeros(len(length))})
        weight = weight * np.exp(-0.5 * ((dwt / displaced - centre) / 0.04) ** 2)
    return dwt, draught, depth, weight


def _known(value: float | None, sigma: float, z: Array) -> Array | None:
    return None if value is None else value + sigma * z


def _agreement(depth: Array, beam: Array) -> Array:
    """How well a depth from the deadweight goes with the beam."""
    return np.asarray(np.exp(-0.5 * (np.log(depth / (DEPTH_OVER_BEAM * beam)) / DEPTH_SIGMA) ** 2))


def _sources(ship: Ship | None) -> tuple[tuple[str, str], ...]:
    """Where each particular came from, in words."""

    def source(value: float | None, otherwise: str) -> str:
        return otherwise if value is None else "register"

    known = Ship(imo=None, name="") if ship is None else ship
    deep = "deadweight and load line rule" if known.dwt is not None else "beam and load line rule"
    rule = "load line rule"
    return (
        ("length", source(known.loa, "image")),
        ("beam", source(known.beam, "image and proportions")),
        ("dwt", source(known.dwt, "displacement and usual share")),
        ("depth", source(known.depth, rule if known.summer_draught is not None else deep)),
        ("summer_draught", source(known.summer_draught, rule if known.depth is not None else deep)),
    )
