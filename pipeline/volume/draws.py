"""Draws of every visit's cargo: what visits share is drawn once, what they do not, each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Ship
from pipeline.products import UnseenVisits, Visit

Array = npt.NDArray[np.float64]

SHARED_BY_ALL = frozenset({"waterplane", "water-density", "block"})
"""Terms with one error for the whole season: formulas and the berth's water."""
SHARED_BY_SHIP = frozenset({"deck-edge", "load-line", "deadweight", "capacity", "length", "beam"})
"""Terms with one error for each ship."""
SHARED_FILL = 0.35
"""Share of the variance of an imputed fill that all imputed visits have in common [1]."""
CERTAIN = 0.5
"""Probability from which the first identity says whose error it is [1]."""
SCORES = np.linspace(-5.0, 5.0, 401)
"""Where a law is tabulated, normal scores [1]."""
LARGEST_BETA = 1e6
"""Sum of a beta law's parameters beyond which it is normal [1]."""
UNKNOWN_CARGO, UNKNOWN_FACTOR = 3000.0, 1.7
"""Cargo where no visit was seen: median [t] and geometric spread; reporting has ships of 1,000 to 9,000 t."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Season:
    """Draws of the whole season."""

    cargo: Array
    """(visits, draws) [t]"""
    unseen: npt.NDArray[np.int64]
    """(draws,) count of unseen visits."""
    unseen_cargo: Array
    """(most unseen, draws) cargo of the first, second, ... unseen visit; nil beyond the count [t]."""
    barrels_per_tonne: Array
    """(draws,)"""


def ship_key(visit: Visit) -> str:
    """Whose constants a visit shares: the likely ship's, or nobody's."""
    first = visit.identity[0] if visit.identity else None
    if first is None or first.name is None or first.probability < CERTAIN:
        return f"visit {visit.visit_id}"
    return f"imo {first.imo}" if first.imo is not None else f"name {first.name}"


def draw_cargo(visits: Sequence[Visit], draws: int, rng: np.random.Generator) -> Array:
    """(visits, draws) cargo [t], within nil and capacity.

    A visit's budget gives the size of each term; terms are scaled together so that their sum has the visit's
    own sigma. The generator is asked in a fixed order: season, ships in the order of first visit, visits.
    """
    season = {term: rng.standard_normal(draws) for term in sorted({*SHARED_BY_ALL, "usual-fill"})}
    ships: dict[tuple[str, str], Array] = {}
    cargo = np.zeros((len(visits), draws))
    for row, visit in enumerate(visits):
        total = np.zeros(draws)
        squares = 0.0
        for term, size in sorted(visit.budget):
            squares += size**2
            if term in SHARED_BY_ALL:
                total += size * season[term]
            elif term in SHARED_BY_SHIP:
                key = (ship_key(visit), term)
                if key not in ships:
                    ships[key] = rng.standard_normal(draws)
                total += size * ships[key]
            elif term == "usual-fill":
                own = rng.standard_normal(draws)
                total += size * (np.sqrt(SHARED_FILL) * season[term] + np.sqrt(1 - SHARED_FILL) * own)
            else:
                total += size * rng.standard_normal(draws)
        score = total / np.sqrt(squares) if squares > 0 else rng.standard_normal(draws)
        most = visit.capacity.value + 2 * visit.capacity.sigma if visit.capacity is not None else np.inf
        cargo[row] = bounded(score, visit.cargo_loaded.value, visit.cargo_loaded.sigma, most)
    return cargo


def bounded(score: Array, mean: float, sigma: float, most: float) -> Array:
    """Normal scores as a beta law of this mean and sigma between nil and `most`.

    Cutting a normal law off at the capacity would take half a per cent from every full ship.
    """
    from scipy.special import betaincinv, ndtr

    if not np.isfinite(most) or most <= 0:
        return np.asarray(np.maximum(mean + sigma * score, 0.0))
    centre = min(max(mean / most, 1e-4), 1 - 1e-4)
    total = centre * (1 - centre) / min((sigma / most) ** 2, 0.9 * centre * (1 - centre)) - 1 if sigma else 0
    if not 0 < total < LARGEST_BETA:
        return np.asarray(np.clip(mean + sigma * score, 0.0, most))
    quantile = betaincinv(centre * total, (1 - centre) * total, ndtr(SCORES))
    return np.asarray(most * np.interp(score, SCORES, quantile))


def draw_unseen(
    unseen: UnseenVisits | None,
    cargo: Array,
    fleet: Sequence[Ship],
    draws: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], Array]:
    """(count of each draw, (most, draws) cargo of each unseen visit).

    Their cargoes are those of seen visits, picked anew in each draw, so that shared errors stay shared; with
    nothing seen, those of the register's ships, or of any small product tanker.
    """
    if unseen is None:
        return np.zeros(draws, dtype=np.int64), np.zeros((0, draws))
    cumulative = np.cumsum(unseen.probability)
    counts = np.searchsorted(cumulative, rng.random(draws) * cumulative[-1], side="right")
    counts = np.minimum(counts, len(unseen.probability) - 1).astype(np.int64)
    most = int(counts.max(initial=0))
    if len(cargo):
        picks = rng.integers(0, len(cargo), size=(most, draws))
        cargoes = np.take_along_axis(cargo, picks, axis=0)
    else:
        cargoes = _cargo_of_nobody(fleet, (most, draws), rng)
    return counts, np.where(np.arange(most)[:, None] < counts, cargoes, 0.0)


def _cargo_of_nobody(fleet: Sequence[Ship], shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Cargoes with nothing seen to go by."""
    known = np.array([s.dwt for s in fleet if s.dwt is not None and s.dwt > 0])
    if len(known):
        return np.asarray(known[rng.integers(0, len(known), size=shape)] * 0.94 * 0.9)
    return np.asarray(UNKNOWN_CARGO * UNKNOWN_FACTOR ** rng.standard_normal(shape))
