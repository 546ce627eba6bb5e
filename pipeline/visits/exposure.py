"""Visits that nobody saw: a posterior over their number from when the berth could be looked at.

Arrivals are a Poisson process of unknown rate, stays are lognormal with a prior. A visit is seen where a
usable look falls into her stay, so arrivals in E(D) = |union of [t_j - D, t_j]| are seen, and

    L(rate, stay law) = exp(-rate E) prod_i rate * integral over her windows of f(d - a)

holds length bias and censoring together. The rate is integrated in closed form (Gamma), so that for each stay
law the unseen count is negative binomial; stay laws are summed over a grid.

References
----------
Own derivation, physics.md 6; the identity E[min(D, g)] for a lognormal D is textbook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RATE_SHAPE, RATE_OFFSET = 0.5, 1.0
"""Prior of the rate: Gamma(0.5, 1 day), as good as flat in its root but proper without any usable look."""
MEDIANS = np.linspace(np.log(0.4), np.log(6.0), 28)
SPREADS = np.array([0.3, 0.45, 0.6, 0.8, 1.0])
"""Grid of the stay law, lognormal: log median [log days] and sigma [1]."""
LONGEST_WAIT = 60.0
"""Of a window without an end [days]."""
MOST = 600
"""Unseen visits that are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is known of one stay, in days from any origin: arrival in (0, 1], departure in [2, 3)."""

    arrival: tuple[float, float]
    departure: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Berth:
    """One berth's looks and stays, in days from the start of the period."""

    usable: tuple[float, ...]
    """Times at which the berth was seen, ascending."""
    windows: tuple[Window, ...]
    share: float
    """Of the terminal's visits that come here, before looking; shares sum to one."""
    blocked: tuple[Window, ...] = ()
    """Stays of ships that are no visits: they take the berth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unseen:
    """Posterior."""

    probability: Array
    """(counts,) of 0, 1, 2, ... unseen visits; sums to one."""
    exposure: float
    """Mean share of the period's arrivals that would have been seen [1]."""
    stay_median: float
    """[days]"""
    gaps: tuple[tuple[float, float, float], ...]
    """(start, stop, weight): unseen arrivals lie evenly within; weights sum to one [days]."""


def mean_shorter(limit: npt.ArrayLike, mu: Array | float, sigma: Array | float) -> Array:
    """E[min(D, limit)] of a lognormal stay D [days]."""
    from scipy.special import ndtr

    g = np.maximum(np.asarray(limit, dtype=np.float64), 1e-12)
    z = (np.log(g) - mu) / sigma
    return np.asarray(np.exp(mu + np.square(sigma) / 2) * ndtr(z - sigma) + g * ndtr(-z))


def window_weight(window: Window, mu: Array, sigma: Array) -> Array:
    """Integral over arrivals in her window of the chance to leave in hers, per unit rate [days]."""
    (l0, l1), (r0, r1) = window.arrival, window.departure

    def survived(since: float) -> Array:
        """Integral over arrivals of P(D > since - a): differences of E[min(D, x)]."""
        return mean_shorter(since - l0, mu, sigma) - mean_shorter(since - l1, mu, sigma)

    late = survived(r1) if np.isfinite(r1) else np.zeros_like(mu)
    return np.asarray(np.maximum(survived(r0) - late, 1e-300))


def infer_unseen(berths: Sequence[Berth], period: float, *, stay_median: float, stay_factor: float) -> Unseen:
    """Posterior of the number of visits of a period that no usable look shows.

    Parameters
    ----------
    berths
        Looks and seen stays of each berth; one pooled rate, shared out by `Berth.share`.
    period
        Length of the period; arrivals before it count as seen or not at all [days].
    stay_median, stay_factor
        Prior of the stay: median [days] and geometric standard deviation of that median.

    Returns
    -------
    Unseen
        Counts are capped by what the berths can hold in their unseen time.
    """
    mu, sigma = (m.ravel() for m in np.meshgrid(MEDIANS, SPREADS, indexing="ij"))
    log_post = -0.5 * ((mu - np.log(stay_median)) / np.log(stay_factor)) ** 2
    seen_time, hidden_time = np.zeros_like(mu), np.zeros_like(mu)
    number = 0
    gaps: list[tuple[float, float, float]] = []
    for berth in berths:
        seen, hidden, here = split_arrivals(berth, period, mu, sigma)
        seen_time, hidden_time = seen_time + berth.share * seen, hidden_time + berth.share * hidden
        gaps.extend([(berth.share, *gap) for gap in here])
        for window in berth.windows:
            log_post = log_post + np.log(window_weight(window, mu, sigma))
            number += 1
    shape, rate = number + RATE_SHAPE, seen_time + RATE_OFFSET
    log_post = log_post - shape * np.log(rate)
    weight = np.exp(log_post - log_post.max())
    weight /= weight.sum()
    most = _room([(a, b) for _, a, b in gaps], stay_median / stay_factor)
    return Unseen(
        probability=_counts(weight, shape, rate, hidden_time, most),
        exposure=float(np.clip(1 - weight @ hidden_time / max(period, 1e-9), 0.0, 1.0)),
        stay_median=float(weight @ np.exp(mu)),
        gaps=_weigh_gaps(gaps, weight, mu, sigma, period),
    )


def split_arrivals(
    berth: Berth, period: float, mu: Array, sigma: Array
) -> tuple[Array, Array, list[tuple[float, float]]]:
    """(arrival time that is seen, arrival time of the period that is not, gaps with the latter) [days].

    The first is E(D) = |union of [t_j - D, t_j]| over the berth's looks t_j, in the mean over lognormal
    stays D of each (mu, sigma), arrivals before the period included; (laws,) arrays. After the last look no
    arrival is seen. Inside a stay that was seen the berth is taken: no other ship comes and goes there.
    """
    seen, hidden = np.zeros_like(mu), np.zeros_like(mu)
    gaps: list[tuple[float, float]] = []
    start = -LONGEST_WAIT
    for stop in berth.usable:
        seen = seen + mean_shorter(stop - start, mu, sigma)
        first, last = max(start, 0.0), min(stop, period)
        if last > first and not _taken((*berth.windows, *berth.blocked), start, stop):
            hidden = hidden + (last - first) - mean_shorter(last - first, mu, sigma)
            gaps.append((first, last))
        start = stop
    if period > max(start, 0.0):
        hidden = hidden + period - max(start, 0.0)
        gaps.append((max(start, 0.0), period))
    return seen, hidden, gaps


def _taken(windows: Sequence[Window], start: float, stop: float) -> bool:
    """Whether one stay was seen on both sides of a gap."""
    return any(w.arrival[1] <= start and w.departure[0] >= stop for w in windows)


def _room(gaps: Sequence[tuple[float, float]], shortest: float) -> int:
    """How many stays fit into the gaps, one after the other."""
    return int(min(sum(np.ceil((stop - start) / shortest) for start, stop in gaps), MOST))


def _counts(weight: Array, shape: float, rate: Array, hidden: Array, most: int) -> Array:
    """(counts,) negative binomials summed over the stay laws, up to `most`; tails below 1e-6 cut off."""
    from scipy.special import gammaln

    k = np.arange(most + 1, dtype=np.float64)[:, None]
    seen_share = rate / (rate + hidden)
    missed = np.maximum(1 - seen_share, 1e-300)
    log_mass = gammaln(k + shape) - gammaln(k + 1) - gammaln(shape)
    log_mass = log_mass + shape * np.log(seen_share) + k * np.log(missed)
    mass = np.exp(log_mass) @ weight
    mass = mass / mass.sum()
    kept = int(np.searchsorted(np.cumsum(mass), 1 - 1e-6)) + 1
    return np.asarray(mass[:kept] / mass[:kept].sum())


def _weigh_gaps(
    gaps: Sequence[tuple[float, float, float]], weight: Array, mu: Array, sigma: Array, end: float
) -> tuple[tuple[float, float, float], ...]:
    """Gaps with the share of unseen arrivals in each."""
    weighed = []
    for share, start, stop in gaps:
        covered = 0.0 if stop >= end else float(weight @ mean_shorter(stop - start, mu, sigma))
        weighed.append((start, stop, share * max(stop - start - covered, 0.0)))
    total = sum(w for _, _, w in weighed)
    return tuple((a, b, w / total) for a, b, w in weighed if w > 0) if total > 0 else ()
