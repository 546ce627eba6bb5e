"""Draws of the ship she may be, and what each draw says of cargo at a measured freeboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from pipeline.config import LoadConfig
from pipeline.constants import SEA_WATER_DENSITY
from pipeline.datatypes import Identity, Ship
from pipeline.load.hydrostatics import Hull, deadweight_at, tonnes_per_metre
from pipeline.load.particulars import Deviates, Particulars, Sized, draw_particulars

Array = npt.NDArray[np.float64]

TRIM_SIGMA = 0.05
"""Centre of flotation away from midship, hog and sag (physics.md 3.4) [m]."""
RESIDUAL_MEDIAN, RESIDUAL_FACTOR = 0.006, 2.0
"""Ballast and slops left in a laden ship: lognormal, share of deadweight [1]."""
OPEN_WATER_DENSITY, OPEN_WATER_SIGMA = 1023.0, 4.0
"""Where the site gives none: coastal sea water from 1012 to 1027 kg/m3 (TEOS-10) [kg/m3]."""
SITE_WATER_SIGMA = 1.5
"""[kg/m3]"""
PART_SHARE = 0.10
"""Of sightings: any fill between nothing and full, equally likely [1]."""
LADEN_FROM, LADEN_SOFT = 0.65, 0.10
"""Where loaded departures begin, as a smooth step: above it all fills are equally likely [1]."""
BALLAST_SIGMA = 0.35
"""Of a mean draught in ballast about the two formulations (physics.md 4.1) [m]."""
CALL_FILL_SIGMA = 0.055
"""Of the fills of one ship's laden departures about their mean, with consumables that are not known [1]."""
FULL_SOFT = 0.02
"""By how much the load line is blurred where consumables are at their centre [1]."""
FULLEST = 1.04
"""Fill beyond which a freeboard contradicts the load line [1]."""

PLAIN = ("hull", "sources", "ballast_sigma")
"""Fields of `Draws` that are no array over the draws."""
BLOCK = 512
"""Draws that are weighed at a time: what they need stays in a processor's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A row of the register, or any tanker of the measured size, and how likely she is."""

    ship: Ship | None
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Everything that is not the image: (draws, 1) arrays, to broadcast against freeboards."""

    hull: Hull
    weight: Array
    capacity: Array
    """Of cargo: deadweight less full consumables [t]."""
    consumables: Array
    """[t]"""
    residual: Array
    """[t]"""
    water_density: Array
    """[kg/m3]"""
    bias: Array
    """Measured less true freeboard [m]."""
    candidate: npt.NDArray[np.int64]
    """(draws,) index of the candidate."""
    sources: tuple[tuple[str, str], ...]
    """Of the likeliest candidate."""
    habit: Array
    """By how much she floats deeper in ballast than the formulations say; nil where nobody asks [m]."""
    ballast_sigma: float = BALLAST_SIGMA
    """About formulations and habit [m]."""


def list_candidates(identity: Sequence[Identity], fleet: Sequence[Ship]) -> tuple[Candidate, ...]:
    """Ships with particulars, likeliest first; what is left over is one tanker of the measured size."""
    by_imo = {s.imo: s for s in reversed(fleet) if s.imo is not None}
    by_name = {s.name: s for s in reversed(fleet) if s.imo is None}
    listed: list[Candidate] = []
    for entry in identity:
        ship = by_imo.get(entry.imo) if entry.imo is not None else by_name.get(entry.name or "")
        sizes = () if ship is None else (ship.dwt, ship.loa, ship.beam, ship.depth, ship.summer_draught)
        if any(size is not None for size in sizes) and entry.probability >= 0.005:
            listed.append(Candidate(ship=ship, probability=entry.probability))
    rest = 1.0 - sum(c.probability for c in listed)
    if rest >= 0.005 or not listed:
        listed.append(Candidate(ship=None, probability=max(rest, 0.005)))
    listed.sort(key=lambda c: -c.probability)
    total = sum(c.probability for c in listed)
    return tuple(Candidate(ship=c.ship, probability=c.probability / total) for c in listed)


def draw_ships(
    candidates: Sequence[Candidate],
    detection: Sized,
    z: Deviates,
    *,
    water_density: float | None,
    config: LoadConfig,
    variants: int = 1,
) -> Draws:
    """As many draws as `z` holds, shared out over the candidates by their probability.

    With several `variants` so many draws that follow one another are of one candidate.
    """
    count = len(z["edge"])
    edges = np.cumsum([c.probability for c in candidates])
    places = (np.arange(count) // variants + 0.5) / (count // variants)
    which = np.minimum(np.searchsorted(edges, places), len(candidates) - 1)
    parts: list[Particulars] = []
    for number, candidate in enumerate(candidates):
        mine = which == number
        if mine.any():
            parts.append(draw_particulars(candidate.ship, detection, {k: v[mine] for k, v in z.items()}))
    names = [f.name for f in fields(Hull)]
    hull = Hull(**{n: np.concatenate([getattr(p.hull, n) for p in parts])[:, None] for n in names})
    dwt = hull.dwt
    share = np.clip(
        config.consumables_share + config.consumables_share_sigma * column(z, "consumables"), 0, 1
    )
    given = water_density is not None
    centre = water_density if water_density is not None else OPEN_WATER_DENSITY
    return Draws(
        hull=hull,
        weight=np.concatenate([p.weight for p in parts])[:, None],
        capacity=dwt * (1 - config.consumables_share),
        consumables=dwt * share,
        residual=dwt * RESIDUAL_MEDIAN * RESIDUAL_FACTOR ** column(z, "residual"),
        water_density=centre + (SITE_WATER_SIGMA if given else OPEN_WATER_SIGMA) * column(z, "water"),
        bias=config.edge_bias + config.edge_bias_sigma * column(z, "edge") + TRIM_SIGMA * column(z, "trim"),
        candidate=which,
        sources=parts[0].sources,
        habit=np.zeros((count, 1)),
    )


def pick_draws(draws: Draws, which: slice | npt.NDArray[np.intp]) -> Draws:
    """Some of the draws, or some of them several times."""
    arrays = {f.name: getattr(draws, f.name)[which] for f in fields(Draws) if f.name not in PLAIN}
    hull = Hull(**{f.name: getattr(draws.hull, f.name)[which] for f in fields(Hull)})
    return replace(draws, hull=hull, **arrays)


def column(z: Deviates, name: str) -> Array:
    """A named deviate as (draws, 1)."""
    return z[name][:, None]


def deadweight(draws: Draws, measured: Array) -> Array:
    """(draws, freeboards) all that is on board at measured freeboards [t]."""
    return deadweight_at(draws.hull, draws.hull.depth - (measured - draws.bias), draws.water_density)


def loaded_cargo(draws: Draws, on_board: Array) -> Array:
    """Cargo of a loaded ship from what is on board, unbounded [t]."""
    return np.asarray(on_board - draws.consumables - draws.residual)


def loaded_density(
    draws: Draws, measured: Array, cargo: Array, *, config: LoadConfig, usual: Array | None = None
) -> Array:
    """(draws, freeboards) prior density of the measured freeboard of a loaded or part-loaded ship [1/m].

    Flat in the fill: a part-loaded share anywhere, a laden share from about 65 % up. Nothing here draws a
    measured departure towards a usual fill, unless `usual`, (draws, 1), gives each ship's own mean fill,
    about which her calls scatter.
    """
    from scipy.special import ndtr

    laden_share = 1 - config.ballast_prior - PART_SHARE
    fill = cargo / draws.capacity
    inside = (fill >= 0) & (fill <= FULLEST)
    if usual is None:
        laden = ndtr((fill - LADEN_FROM) / LADEN_SOFT) / (FULLEST - LADEN_FROM)
        per_fill = np.where(inside, PART_SHARE / FULLEST + laden_share * laden, 0.0)
    else:
        laden = np.exp(-0.5 * ((fill - usual) / CALL_FILL_SIGMA) ** 2) / (
            CALL_FILL_SIGMA * np.sqrt(2 * np.pi)
        )
        within = ndtr((FULLEST - fill) / FULL_SOFT)
        per_fill = PART_SHARE / FULLEST * inside + laden_share * laden * within
    slope = tonnes_per_metre(draws.hull, draws.hull.depth - (measured - draws.bias))
    return np.asarray(per_fill * slope * draws.water_density / SEA_WATER_DENSITY / draws.capacity)


def ballast_density(draws: Draws, measured: Array, on_board: Array, *, config: LoadConfig) -> Array:
    """(draws, freeboards) prior density of the measured freeboard in the ballast condition [1/m].

    Mean draught half way between formulations A (survey of 26 tankers of 50 to 150 m) and B (theory, sea
    state 6), spread 0.35 m; never so light that not even consumables are on board.

    References
    ----------
    MARPOL, unified interpretation of regulation 18, appendix 1: A 0.200 + 0.032 L, B 1.550 + 0.023 L.
    """
    length = draws.hull.length
    draught = (0.200 + 0.032 * length + 1.550 + 0.023 * length) / 2
    spread = draws.ballast_sigma + 0.004 * np.maximum(length - 150, 0)
    centre = draws.hull.depth - draught - draws.habit + draws.bias
    shape = np.exp(-0.5 * ((measured - centre) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    return np.asarray(config.ballast_prior * shape * (on_board > 0.5 * draws.consumables))


def weigh_freeboards(
    draws: Draws, measured: Array, *, config: LoadConfig, usual: Array | None = None
) -> tuple[Array, Array, Array, Array]:
    """(on board, cargo [t], loaded, ballast [1/m]), each (draws, freeboards): both conditions, unweighted.

    As `deadweight`, `loaded_cargo`, `loaded_density` and `ballast_density` have them, at freeboards
    (freeboards,) [m].
    """
    across = measured[None, :]
    found = [np.empty((len(draws.weight), len(measured))) for _ in range(4)]
    for start in range(0, len(draws.weight), BLOCK):
        rows = slice(start, start + BLOCK)
        some = pick_draws(draws, rows)
        own = None if usual is None else usual[rows]
        on_board = deadweight(some, across)
        cargo = loaded_cargo(some, on_board)
        loaded = loaded_density(some, across, cargo, config=config, usual=own)
        ballast = ballast_density(some, across, on_board, config=config)
        for whole, part in zip(found, (on_board, cargo, loaded, ballast), strict=True):
            whole[rows] = part
    return found[0], found[1], found[2], found[3]
