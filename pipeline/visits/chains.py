"""Where chains over histories of berths are: beliefs on rates and stays, when seen ships came and went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.visits.gaps import Gaps
from pipeline.visits.vacancy import SPREADS, log_vacant

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

CHAINS = 56
"""Side by side; an even number."""
RATE_SHAPE, RATE_OFFSET = 0.5, 1.0
"""Prior of the terminal's rate: Gamma(0.5, 1 day), shared out evenly over the berths before looking."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Laws:
    """What each chain believes of rates and stays; one row a chain."""

    log_rate: Array
    """(chains, berths) [log 1/day]"""
    log_season: Array
    """(chains, months) of the factor of the rate."""
    mu: Array
    """(chains, 1) log median stay [log days]"""
    spread: Ints
    """(chains, 1) place in `SPREADS`."""

    @property
    def sigma(self) -> Array:
        """Spread of the logarithm of stays, (chains, 1)."""
        return np.asarray(SPREADS[self.spread])

    def of(self, rows: slice) -> Laws:
        """Those of some chains."""
        return Laws(
            log_rate=self.log_rate[rows],
            log_season=self.log_season[rows],
            mu=self.mu[rows],
            spread=self.spread[rows],
        )

    def at(self, gaps: Gaps, here: Ints | slice = slice(None)) -> Array:
        """(chains, gaps) rate in each gap [1/day]."""
        return np.exp(self.log_rate[:, gaps.berth[here]] + self.log_season[:, gaps.month[here]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Times:
    """When the seen ships came and went; (chains, gaps)."""

    parted: Bools
    """A stay ends in the gap (or none begins at its left), and another begins: not one ship throughout."""
    departure: Array
    arrival: Array

    def of(self, rows: slice) -> Times:
        """Those of some chains."""
        return Times(parted=self.parted[rows], departure=self.departure[rows], arrival=self.arrival[rows])


@dataclass(slots=True)
class Chains:
    """Where all chains are."""

    times: Times
    vacant: Array
    """(chains, gaps) log probability of what the gap's ends need: empty when she comes, or at the look."""
    laws: Laws


def stay_ends(times: Times, gaps: Gaps, here: Ints) -> tuple[Array, Array]:
    """(arrival of the ship at the left end, departure of the ship at the right end) of some gaps."""
    count = times.parted.shape[1]
    ends = np.where(times.parted & (gaps.left > 0), np.arange(count), count - 1)
    following = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    after = following[:, np.minimum(here + 1, count - 1)]
    return (
        np.take_along_axis(times.arrival, came_in(times, gaps, here), axis=1),
        np.take_along_axis(times.departure, after, axis=1),
    )


def came_in(times: Times, gaps: Gaps, here: Ints) -> Ints:
    """(chains, some gaps) place of the gap in which the ship at the left end came."""
    begins = np.where(times.parted & (gaps.right > 0), np.arange(times.parted.shape[1]), 0)
    return np.asarray(np.maximum.accumulate(begins, axis=1)[:, np.maximum(here - 1, 0)])


def log_stay(laws: Laws, stay: Array) -> Array:
    """Log density of a stay."""
    log = np.log(np.maximum(stay, 1e-6))
    density = -log - np.log(np.sqrt(2 * np.pi) * laws.sigma) - 0.5 * ((log - laws.mu) / laws.sigma) ** 2
    return np.asarray(np.where(stay > 0, density, -1e9))


def find_vacant(times: Times, laws: Laws, gaps: Gaps) -> Array:
    """(chains, gaps) log probability that each berth is empty when its gap needs it; else nil."""
    here = gaps.free
    width = np.where(gaps.right[here] > 0, times.arrival[:, here], gaps.stop[here])
    width = width - np.where(gaps.left[here] > 0, times.departure[:, here], gaps.start[here])
    width = np.where(times.parted[:, here], np.maximum(width, 0.0), 0.0)
    found = np.zeros(times.parted.shape)
    found[:, here] = log_vacant(width, laws.at(gaps, here), laws.mu, laws.spread)
    return found


def accept(odds: Array, rng: np.random.Generator) -> Bools:
    """Whether a step of these log odds is taken."""
    return np.asarray(np.log(np.maximum(rng.random(odds.shape), 1e-300)) < odds)
