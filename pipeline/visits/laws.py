"""Steps of the chains in what they believe: rates, months, and how long ships stay.

Rates and stays make up for one another where looks are few, so they move together, by the difference of two
other chains; and where the stays change, the times of the seen ships, which they are made of, may go along.

References
----------
ter Braak, C. J. F. (2006), A Markov chain Monte Carlo version of the genetic algorithm differential
evolution, Statistics and Computing 16, 239, https://doi.org/10.1007/s11222-006-8769-1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.visits.chains import (
    CHAINS,
    RATE_OFFSET,
    RATE_SHAPE,
    Chains,
    Laws,
    Times,
    accept,
    came_in,
    find_vacant,
    log_stay,
)
from pipeline.visits.gaps import Gaps
from pipeline.visits.vacancy import SPREADS

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST = np.log(1e-6)
"""Of the logarithm of a rate, below which it is nil [log 1/day]."""
MONTHS_ALIKE = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
"""Shape of the gamma law of months about their mean: from half as much again to a tenth [1]."""
STRIDE = 2.38
"""Of the difference of two chains, over the root of twice the number of dimensions [1]."""
JITTER = 1e-3
_HALVES = slice(0, CHAINS // 2), slice(CHAINS // 2, CHAINS)
"""Each half steps by what the other half believes, in turn: no step hangs on where the chain itself is."""


def learn(chains: Chains, gaps: Gaps, stay: tuple[float, float], rng: np.random.Generator) -> None:
    """Move rates, stay law and months of each chain, and with the stays the times that they are made of."""
    arrivals = (chains.times.parted & (gaps.right > 0) & ~gaps.stranger_right).astype(np.float64)
    shape, offset = np.array([[RATE_SHAPE / chains.laws.log_rate.shape[1]]]), np.array([[RATE_OFFSET]])
    alike = _months_alike(chains.laws, rng)
    came = came_in(chains.times, gaps, gaps.ends)
    for rows in _HALVES:
        _learn_factors(chains, gaps, "log_rate", (arrivals, shape, offset), rows, rng)
        if chains.laws.log_season.shape[1] > 1:
            _learn_factors(chains, gaps, "log_season", (arrivals, alike, alike), rows, rng)
        _learn_level(chains, gaps, (arrivals.sum(axis=1), came), (rows, stay), rng)
    _learn_spread(chains, gaps, came, rng)


def _differences(values: Array, rows: slice, rng: np.random.Generator) -> Array:
    """(some chains, columns) steps for one half: differences of two chains of the other half."""
    half = CHAINS // 2
    first = rng.integers(half, size=half)
    second = (first + 1 + rng.integers(half - 1, size=half)) % half
    others = values[_HALVES[0] if rows.start else _HALVES[1]]
    step = others[first] - others[second]
    return np.asarray(step + JITTER * rng.standard_normal(step.shape))


def _learn_factors(
    chains: Chains,
    gaps: Gaps,
    name: Literal["log_rate", "log_season"],
    known: tuple[Array, Array, Array],
    rows: slice,
    rng: np.random.Generator,
) -> None:
    """Move each berth's rate, or each month's factor: given the rest they know nothing of each other.

    `known`: arrivals by gap, shape and offset of the gamma law of the factors.
    """
    arrivals, shape, offset = known
    laws, vacant = chains.laws.of(rows), chains.vacant[rows]
    old: Array = getattr(laws, name)
    owner = gaps.berth if name == "log_rate" else gaps.month
    step = STRIDE / np.sqrt(2) * _differences(getattr(chains.laws, name), rows, rng)
    new = old + step
    changed = replace(laws, log_rate=new) if name == "log_rate" else replace(laws, log_season=new)
    proposed = find_vacant(chains.times.of(rows), changed, gaps)
    # In logarithms the gamma law is factor ** shape * exp(-offset * factor).
    shape, offset = (np.broadcast_to(v, (CHAINS, 1))[rows] for v in (shape, offset))
    odds = _sum_by(owner, proposed - vacant + arrivals[rows] * step[:, owner], old.shape[1]) + shape * step
    odds = odds - offset * (np.exp(new) - np.exp(old)) + np.where(new < LEAST, -np.inf, 0.0)
    taken = accept(odds, rng)
    chains.vacant[rows] = np.where(taken[:, owner], proposed, vacant)
    whole: Array = getattr(chains.laws, name).copy()
    whole[rows] = np.where(taken, new, old)
    rate = name == "log_rate"
    chains.laws = replace(chains.laws, log_rate=whole) if rate else replace(chains.laws, log_season=whole)


def _sum_by(owner: Ints, values: Array, count: int) -> Array:
    """(chains, count) sums of the gaps (chains, gaps) of each owner."""
    place = owner + count * np.arange(len(values))[:, None]
    sums = np.bincount(place.ravel(), values.ravel(), minlength=count * len(values))
    return np.asarray(sums.reshape(len(values), count), dtype=np.float64)


def _months_alike(laws: Laws, rng: np.random.Generator) -> Array:
    """(chains, 1) shape of the law of months, drawn from what it is likely to be."""
    from scipy.special import gammaln

    alike = MONTHS_ALIKE
    fit = laws.log_season.shape[1] * (alike * np.log(alike) - gammaln(alike))
    fit = fit + alike * (laws.log_season - np.exp(laws.log_season)).sum(axis=1)[:, None]
    return np.asarray(alike[_pick(fit, rng)][:, None])


def _fit_stays(times: Times, laws: Laws, ends: tuple[Ints, Ints]) -> Array:
    """(chains,) log density of the seen stays; `ends`: their last gaps, and (chains, ends) their first."""
    here, came = ends
    stays = times.departure[:, here] - np.take_along_axis(times.arrival, came, axis=1)
    return np.asarray(np.where(times.parted[:, here], log_stay(laws, stays), 0.0).sum(axis=1))


def _learn_level(
    chains: Chains,
    gaps: Gaps,
    known: tuple[Array, Ints],
    which: tuple[slice, tuple[float, float]],
    rng: np.random.Generator,
) -> None:
    """Move the median stay and all rates together: shorter stays and more of them look much the same.

    `known`: (chains,) seen arrivals, (chains, ends) the gaps in which those that end began; `which`: half of
    the chains, prior of the stay. The seen ships' times go along.
    """
    arrivals, ends = known[0], (gaps.ends, known[1][which[0]])
    rows, stay = which
    laws, times, vacant = chains.laws.of(rows), chains.times.of(rows), chains.vacant[rows]
    level = np.log(np.exp(chains.laws.log_rate).sum(axis=1, keepdims=True))
    step = STRIDE / 2 * _differences(np.hstack([chains.laws.mu, level]), rows, rng)
    new = replace(laws, mu=laws.mu + step[:, :1], log_rate=laws.log_rate + step[:, 1:])
    moved, volume = _carry(times, gaps, step[:, :1])
    proposed = find_vacant(moved, new, gaps)

    def fit(some: Laws, then: Times) -> Array:
        prior = -0.5 * ((some.mu[:, 0] - np.log(stay[0])) / np.log(stay[1])) ** 2
        rates = RATE_SHAPE * some.log_rate.mean(axis=1) - RATE_OFFSET * np.exp(some.log_rate).sum(axis=1)
        return np.asarray(prior + rates + _fit_stays(then, some, ends))

    odds = fit(new, moved) - fit(laws, times) + (proposed - vacant).sum(axis=1) + volume
    odds += arrivals[rows] * step[:, 1]
    odds[(new.log_rate < LEAST).any(axis=1)] = -np.inf
    taken = accept(odds, rng)[:, None]
    chains.vacant[rows] = np.where(taken, proposed, vacant)
    mu, log_rate = chains.laws.mu.copy(), chains.laws.log_rate.copy()
    mu[rows], log_rate[rows] = np.where(taken, new.mu, laws.mu), np.where(taken, new.log_rate, laws.log_rate)
    chains.laws = replace(chains.laws, mu=mu, log_rate=log_rate)
    departure, arrival = chains.times.departure.copy(), chains.times.arrival.copy()
    departure[rows] = np.where(taken, moved.departure, times.departure)
    arrival[rows] = np.where(taken, moved.arrival, times.arrival)
    chains.times = replace(chains.times, departure=departure, arrival=arrival)


def _carry(times: Times, gaps: Gaps, shift: Array) -> tuple[Times, Array]:
    """The times with every stay longer by about this logarithm, within its gaps, and the log volume.

    A share g of a gap becomes the share whose odds g / (1 - g) are greater by the factor; a gap between two
    ships is left alone, and a stay that outlasts the period is drawn out as it is.
    """
    length = np.maximum(gaps.stop - gaps.start, 1e-9)
    leaves, comes = (gaps.left > 0) & (gaps.right == 0), (gaps.left == 0) & (gaps.right > 0)
    outlasts = (gaps.left > 0) & (gaps.right < 0)
    factor = np.exp(shift)
    volume = outlasts.sum() * shift
    moved = []
    for mine, since in ((leaves, times.departure - gaps.start), (comes, gaps.stop - times.arrival)):
        share = np.clip(since / length, 1e-9, 1 - 1e-9)
        longer = factor * share / (1 - share + factor * share)
        change = np.log(longer * (1 - longer)) - np.log(share * (1 - share))
        volume = volume + np.where(mine, change, 0.0).sum(axis=1, keepdims=True)
        moved.append(np.where(mine, length * longer, since))
    departure = gaps.start + np.where(outlasts, factor * moved[0], moved[0])
    return replace(times, departure=departure, arrival=gaps.stop - moved[1]), volume[:, 0]


def _learn_spread(chains: Chains, gaps: Gaps, came: Ints, rng: np.random.Generator) -> None:
    """Move the spread of the stays to a neighbour."""
    laws = chains.laws
    spread = laws.spread + rng.choice([-1, 1], laws.spread.shape)
    inside = (spread >= 0) & (spread < len(SPREADS))
    new = replace(laws, spread=np.where(inside, spread, laws.spread))
    proposed = find_vacant(chains.times, new, gaps)
    odds = (proposed - chains.vacant).sum(axis=1)
    ends = gaps.ends, came
    odds += _fit_stays(chains.times, new, ends) - _fit_stays(chains.times, laws, ends)
    taken = accept(odds, rng)[:, None] & inside
    chains.vacant = np.where(taken, proposed, chains.vacant)
    chains.laws = replace(laws, spread=np.where(taken, new.spread, laws.spread))


def _pick(log_weights: Array, rng: np.random.Generator) -> Ints:
    """(chains,) one column of each row, in proportion to its weight."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    cumulative = np.cumsum(weights, axis=1)
    place = rng.random((len(weights), 1)) * cumulative[:, -1:]
    return np.asarray(np.minimum((cumulative < place).sum(axis=1), weights.shape[1] - 1))
