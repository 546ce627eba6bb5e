"""Fill on arrival and on departure: looks at one ship in one state combine by adding their curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.bulwarks import combine_curves
from pipeline.products import Fill
from pipeline.readings import CargoTable, Estimate, Freeboard
from pipeline.visits.sightings import Sighting

Array = npt.NDArray[np.float64]

SAMPLES = 2000
SAME_STATE = 3.0
"""Odds from which two looks show one state [1]."""
AS_LIKELY = 0.5
"""The same for looks so wide that nothing reaches such odds, against what they reach at their best [1]."""
ANY_FREEBOARD = 8.0
"""Of a product tanker, laden to light [m]."""
LADEN_FROM = 0.7
"""Fill from which the last look is taken as the departure [1]."""
PART_FROM = 0.15
"""[1]"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """What one or several looks at one state say; samples are equally likely."""

    looks: tuple[Sighting, ...]
    ballast_probability: float
    fraction: Array
    """(samples,) load fraction [1]."""
    cargo: Array
    """(samples,) [t]"""
    budget: tuple[tuple[str, float], ...]
    capacity: Estimate

    @property
    def in_ballast(self) -> bool:
        """More likely water than cargo."""
        return self.ballast_probability > 0.5

    def fill(self) -> Fill:
        """Mean fraction and its interval."""
        low, high = np.quantile(self.fraction, [0.05, 0.95])
        return Fill(fraction=float(self.fraction.mean()), interval90=(float(low), float(high)))


def measured_looks(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Sightings with a freeboard and a load, in the order of time."""
    return [
        s
        for s in sightings
        if s.ship.freeboard is not None and s.ship.load is not None and s.ship.load.table is not None
    ]


def first_state(looks: Sequence[Sighting]) -> State:
    """The state at the first measured look, with the looks after it that agree."""
    return combine_looks(_agreeing(list(looks)))


def last_state(looks: Sequence[Sighting]) -> State:
    """The state at the last measured look, with the looks before it that agree."""
    return combine_looks(_agreeing(list(reversed(looks))))


def _agreeing(looks: Sequence[Sighting]) -> list[Sighting]:
    """The leading looks whose curves speak rather for one freeboard than for two.

    Loading moves the deck by metres in a day, so that two looks that agree to decimetres show a ship that
    was not being loaded between them. A look in coarse pixels, a metre wide, can neither prove that nor
    disprove it: where it agrees as well as it can, it does not displace a sharper one.
    """
    kept = [looks[0]]
    for look in looks[1:]:
        if not all(_may_be_one_state(other, look) for other in kept):
            break
        kept.append(look)
    return kept


def _may_be_one_state(first: Sighting, second: Sighting) -> bool:
    odds, best = _odds_of_one_state(first, second)
    return odds >= min(SAME_STATE, AS_LIKELY * best)


def held_still(looks: Sequence[Sighting]) -> bool:
    """The first and the last of looks at one state prove that her deck did not move between them."""
    return len(looks) > 1 and _odds_of_one_state(looks[0], looks[-1])[0] >= SAME_STATE


def _odds_of_one_state(first: Sighting, second: Sighting) -> tuple[float, float]:
    """Evidence for one freeboard behind two looks over that for two, anywhere on `ANY_FREEBOARD` [1].

    And what it would be, did the two agree as well as curves of their widths can.
    """
    freeboards = np.arange(0.0, ANY_FREEBOARD, 0.02)
    densities = []
    for look in (first, second):
        assert look.ship.freeboard is not None
        curve = look.ship.freeboard.curve
        values = np.asarray(curve.log_likelihood)
        weight = np.exp(np.interp(freeboards, curve.freeboards(), values, left=-60.0, right=-60.0))
        densities.append(weight / weight.sum())
    best = np.convolve(densities[0], densities[1][::-1]).max()
    return float(len(freeboards) * (densities[0] @ densities[1])), float(len(freeboards) * best)


def combine_looks(looks: Sequence[Sighting]) -> State:
    """Posterior of fill and cargo from the product of the looks' curves and the tightest look's table."""
    best = min(looks, key=lambda s: (_cargo_sigma(s), s.time))
    load = best.ship.load
    assert load is not None
    assert load.table is not None
    table = load.table
    freeboards, density = _posterior(table, [s.ship.freeboard for s in looks if s.ship.freeboard is not None])
    ballast = np.interp(freeboards, *_nodes(table, table.ballast))
    probability = float(density @ ballast)
    points = _quantile_points(freeboards, density)
    empty = _stratified(np.interp(points, *_nodes(table, table.ballast)))
    normal = _normals()
    cargo = np.interp(points, *_nodes(table, table.cargo))
    cargo = cargo + normal * np.interp(points, *_nodes(table, table.cargo_sigma))
    fraction = np.interp(points, *_nodes(table, table.fraction))
    fraction = fraction + normal * np.interp(points, *_nodes(table, table.fraction_sigma))
    return State(
        looks=tuple(sorted(looks, key=lambda s: (s.time, s.scene_id))),
        ballast_probability=probability,
        fraction=np.where(empty, 0.0, np.clip(fraction, 0.0, 1.0)),
        cargo=np.where(empty, 0.0, np.clip(cargo, 0.0, table.capacity.interval90[1])),
        budget=_budget(table, freeboards, density, probability),
        capacity=table.capacity,
    )


def _cargo_sigma(sighting: Sighting) -> float:
    load = sighting.ship.load
    return float("inf") if load is None else load.sigma


def _nodes(table: CargoTable, values: Sequence[float]) -> tuple[Array, Array]:
    """For `np.interp`."""
    places = np.arange(len(values), dtype=np.float64)
    return table.start + table.step * places, np.asarray(values, dtype=np.float64)


def _posterior(table: CargoTable, looks: Sequence[Freeboard]) -> tuple[Array, Array]:
    """(freeboards, probability of each) of prior times likelihoods."""
    step = min(min(look.curve.step for look in looks), 0.05)
    top = table.start + table.step * (len(table.prior) - 1)
    freeboards = np.arange(table.start, top + step / 2, step)
    log_density = np.log(np.maximum(np.interp(freeboards, *_nodes(table, table.prior)), 1e-12))
    log_density = log_density + combine_curves(looks, freeboards, table.bulwark_evidence)
    density = np.exp(log_density - log_density.max())
    return freeboards, density / density.sum()


def _quantile_points(freeboards: Array, density: Array) -> Array:
    """(samples,) freeboards at evenly spaced probabilities."""
    cumulative = np.cumsum(density) - density / 2
    return np.interp((np.arange(SAMPLES) + 0.5) / SAMPLES, cumulative, freeboards)


def _normals() -> Array:
    """(samples,) normal scores in an order unrelated to the freeboards: no seed, no chance."""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(SAMPLES) * 0.6180339887498949 + 0.5) % 1.0))


def _stratified(probability: Array) -> npt.NDArray[np.bool_]:
    """True in the given share of the samples around each place, evenly spread."""
    passed = np.floor(np.cumsum(probability) + 0.5)
    return np.asarray(np.diff(passed, prepend=0.0) > 0)


def _budget(
    table: CargoTable, freeboards: Array, density: Array, ballast_probability: float
) -> tuple[tuple[str, float], ...]:
    """One standard deviation of the cargo by term, largest first [t]."""
    loaded = density * (1 - np.interp(freeboards, *_nodes(table, table.ballast)))
    share = float(loaded.sum())
    if share <= 0:
        return ()
    cargo = np.interp(freeboards, *_nodes(table, table.cargo))
    mean = float(loaded @ cargo / share)
    terms = {
        name: float(np.sqrt(loaded @ np.interp(freeboards, *_nodes(table, sigma)) ** 2))
        for name, sigma in table.terms
    }
    terms["image"] = float(np.sqrt(loaded @ (cargo - mean) ** 2))
    terms["condition"] = float(np.sqrt(share * ballast_probability)) * mean
    return tuple((n, v) for n, v in sorted(terms.items(), key=lambda item: (-item[1], item[0])) if v >= 1.0)
