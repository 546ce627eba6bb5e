"""Visits that nobody saw: a posterior over their number, from when each berth could be looked at.

The histories come from `renewal`; this module counts in them. Beside the count it says how much of the period
was open to view: a stay D is seen where its arrival falls into E(D) = |union of [t_j - D, t_j]| over the
looks t_j, in the mean over the stay law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.visits.gaps import Gaps, Looks
from pipeline.visits.renewal import DROPPED, KEPT, Histories, draw_histories
from pipeline.visits.waits import Waiting, not_announced

Array = npt.NDArray[np.float64]

LONGEST_STAY = 60.0
"""Before the first look, for a stay that it shows [days]."""
AT_ONCE = (1, 4)
"""Sweeps where all looks are one: an instant hides nothing, whatever the laws."""


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
    parted: tuple[tuple[int, float], ...]
    """(ship, probability) of ships whose looks may show two ships, the change between them unseen."""
    month_counts: tuple[Array, ...]
    """`probability` of each month."""
    by_month: Array
    """(months, 3) 5th, 50th, 95th percentile of the unseen visits of each month."""
    month_rate: Array
    """(months,) mean arrivals a day that the berths are free, all berths together [1/day]."""


def infer_unseen(
    berths: Sequence[Looks],
    period: float,
    *,
    stay: tuple[float, float],
    month_ends: Sequence[float] = (),
    seed: int = 0,
    waiting: Waiting | None = None,
) -> Unseen:
    """Posterior of the number of visits of a period that the looks do not show as visits of their own.

    Parameters
    ----------
    berths
        Looks of each berth; rates are the berths' own, what the months do to them is shared.
    period
        From the first pass to the last; arrivals before it are not counted [days].
    stay
        Prior of the stay: median [days] and geometric standard deviation of that median.
    month_ends
        Ends of the months [days]; none = one rate throughout.
    seed
        The same seed gives the same posterior.
    waiting
        Looks at the anchorage; who was seen waiting there is no unseen visit. None = ships wait out of sight.

    Returns
    -------
    Unseen
        A ship whose looks were two ships counts as one more; two visits that were one, as one less.
    """
    sweeps = (DROPPED, KEPT) if period > 0 else AT_ONCE
    found = draw_histories(berths, period, stay=stay, month_ends=month_ends, seed=seed, sweeps=sweeps)
    gaps = found.gaps
    if waiting is not None:
        rng = np.random.default_rng((seed, 1))
        hidden = rng.binomial(found.hidden, not_announced(gaps, waiting)).astype(np.uint8)
        found = replace(found, hidden=hidden)
    months = _by_month(found, max(len(month_ends), 1))
    same = gaps.both & (gaps.left == gaps.right)
    other = gaps.both & (gaps.left != gaps.right) & ~gaps.stranger_left & ~gaps.stranger_right
    extra = found.parted[:, same].sum(axis=1) - (~found.parted[:, other]).sum(axis=1)
    counts = np.maximum(found.hidden.sum(axis=1, dtype=np.int64) + extra, 0)
    probability = np.bincount(counts) / len(counts)
    return Unseen(
        probability=probability,
        exposure=_exposure(berths, period, found),
        stay_median=float(np.exp(found.stay_log_median).mean()),
        gaps=_weigh_gaps(found, period),
        parted=_parted(found, same),
        month_counts=months,
        by_month=month_quantiles(months),
        month_rate=found.month_rate.mean(axis=0),
    )


def mean_shorter(limit: npt.ArrayLike, mu: npt.ArrayLike, sigma: npt.ArrayLike) -> Array:
    """E[min(D, limit)] of a lognormal stay D [days]."""
    from scipy.special import ndtr

    g, m, s = (np.asarray(v, dtype=np.float64) for v in (limit, mu, sigma))
    g = np.maximum(g, 1e-12)
    z = (np.log(g) - m) / s
    return np.asarray(np.exp(m + np.square(s) / 2) * ndtr(z - s) + g * ndtr(-z))


def seen_time(times: Sequence[float], period: float, mu: Array, sigma: Array) -> Array:
    """Time of the period at which an arrival would be seen, for each stay law [days].

    E(D) = |union of [t_j - D, t_j]| within the period, in the mean over D; after the last look, none.
    """
    seen = np.zeros_like(mu)
    start = 0.0
    for stop in times:
        if stop > start:
            seen = seen + mean_shorter(min(stop, period) - start, mu, sigma)
        start = max(start, stop)
    return seen


def _exposure(berths: Sequence[Looks], period: float, found: Histories) -> float:
    """Of the arrivals of the period, over the berths by what each was given of them."""
    if period <= 0:
        return 1.0
    every = slice(None, None, max(len(found.stay_spread) // 200, 1))
    mu, sigma = found.stay_log_median[every], found.stay_spread[every]
    shown = [float(seen_time(b.times, period, mu, sigma).mean()) / period for b in berths]
    weights = [1.0 + len(set(b.ships) - {0} - b.strangers) for b in berths]
    return float(np.clip(np.average(shown, weights=weights), 0.0, 1.0))


def _weigh_gaps(found: Histories, period: float) -> tuple[tuple[float, float, float], ...]:
    """Gaps within the period with the share of the unseen arrivals in each."""
    gaps: Gaps = found.gaps
    weights = found.hidden.mean(axis=0)
    total = float(weights.sum())
    if total <= 0:
        return ((0.0, period, 1.0),) if period > 0 else ()
    starts, stops = np.maximum(gaps.start, 0.0), np.minimum(gaps.stop, max(period, 0.0))
    return tuple(
        (float(a), float(b), float(w) / total)
        for a, b, w in zip(starts, stops, weights, strict=True)
        if w > 0 and b > a
    )


def _parted(found: Histories, same: npt.NDArray[np.bool_]) -> tuple[tuple[int, float], ...]:
    """For each ship of more than one look, the probability that they show two."""
    probabilities: dict[int, float] = {}
    for gap in np.flatnonzero(same):
        ship = int(found.gaps.left[gap])
        kept = 1 - float(found.parted[:, gap].mean())
        probabilities[ship] = 1 - (1 - probabilities.get(ship, 0.0)) * kept
    return tuple(sorted(probabilities.items()))


def _by_month(found: Histories, months: int) -> tuple[Array, ...]:
    """Probabilities of 0, 1, 2, ... unseen visits by the month that each gap lies in."""
    counts = [found.hidden[:, found.gaps.month == m].sum(axis=1, dtype=np.int64) for m in range(months)]
    return tuple(np.bincount(c) / len(c) for c in counts)


def month_quantiles(months: Sequence[Array]) -> Array:
    """(months, 3) 5th, 50th and 95th percentile of counts."""
    rows = [np.searchsorted(np.cumsum(m), np.array([0.05, 0.5, 0.95]) - 1e-9) for m in months]
    return np.array(rows, dtype=np.float64)
