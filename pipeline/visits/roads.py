"""Calls at anchor that nobody saw: of ships on business of their own there, side by side or without a berth.

An anchorage has room for all, so that its unseen calls follow from its exposure. With arrivals of a rate r
and a stay law p the missed are Poisson of r (T - E(p)), r is Gamma(n + 0.5, E(p) + 1 day), and a seen stay
counts with r times the integral of the density of stays over its windows.

References
----------
Own derivation: physics.md 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.visits.chains import RATE_OFFSET, RATE_SHAPE
from pipeline.visits.exposure import Unseen, mean_shorter, month_quantiles, seen_time
from pipeline.visits.vacancy import SPREADS

Array = npt.NDArray[np.float64]
Window = tuple[tuple[float, float], tuple[float, float]]
"""(earliest, latest) arrival and departure [days]."""

MEDIANS = np.linspace(-2.5, 2.5, 15)
"""Of the prior of the median stay, in its standard deviations [1]."""
PLACES = 24
"""In an arrival's window."""
MOST = 400
"""Missed at the most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Missed:
    """Calls at anchor that nobody saw."""

    probability: Array
    """(counts,) of 0, 1, 2, ...; sums to one."""
    by_month: tuple[Array, ...]
    """The same for each month."""
    gaps: tuple[tuple[float, float, float], ...]
    """(start, stop, mean count): evenly spread within [days]."""
    exposure: float
    """Share of the period's arrivals that would have been seen [1]."""


def infer_missed(
    seen: Sequence[Window],
    looks: Sequence[float],
    period: float,
    *,
    stay: tuple[float, float],
    month_ends: Sequence[float],
) -> Missed:
    """Posterior of the calls at anchor that the looks do not show, from those that they do.

    Parameters
    ----------
    seen
        Windows of the calls that were seen; a departure that nobody saw is open (inf).
    looks
        At the anchorage, ascending [days].
    period, stay, month_ends
        As for the berths (`exposure.infer_unseen`).
    """
    medians, spreads = np.meshgrid(np.log(stay[0]) + np.log(stay[1]) * MEDIANS, SPREADS, indexing="ij")
    mu, sigma = medians.ravel(), spreads.ravel()
    exposed = seen_time(looks, period, mu, sigma)
    shape = len(seen) + RATE_SHAPE
    fit = -shape * np.log(RATE_OFFSET + exposed) - 0.5 * np.tile(MEDIANS[:, None], len(SPREADS)).ravel() ** 2
    for window in seen:
        fit = fit + np.log(np.maximum(_chance_of(window, mu, sigma), 1e-300))
    weights = np.exp(fit - fit.max())
    weights /= weights.sum()
    edges = np.array([0.0, *[t for t in looks if 0 < t < period], period])
    hidden = np.array([_hidden_time(a, b, b == period, mu, sigma) for a, b in pairwise(edges)])
    hidden /= RATE_OFFSET + exposed
    middles = (edges[:-1] + edges[1:]) / 2
    month = np.minimum(np.searchsorted(month_ends, middles), max(len(month_ends) - 1, 0))
    months = [hidden[month == m].sum(axis=0) for m in range(max(len(month_ends), 1))]
    return Missed(
        exposure=float(weights @ exposed) / max(period, 1e-9),
        probability=_counts(hidden.sum(axis=0), shape, weights),
        by_month=tuple(_counts(part, shape, weights) for part in months),
        gaps=tuple(
            (float(a), float(b), float(shape * h @ weights))
            for (a, b), h in zip(pairwise(edges), hidden, strict=True)
            if b > a
        ),
    )


def join_missed(berths: Unseen | None, missed: Missed) -> Unseen:
    """What was not seen at the berths and at anchor; None = the terminal has no berth."""
    if berths is None:
        berths = Unseen(
            probability=np.ones(1),
            exposure=missed.exposure,
            stay_median=0.0,
            gaps=(),
            parted=(),
            month_counts=(np.ones(1),) * len(missed.by_month),
            by_month=np.zeros((len(missed.by_month), 3)),
            month_rate=np.zeros(len(missed.by_month)),
        )
    months = tuple(np.convolve(a, b) for a, b in zip(berths.month_counts, missed.by_month, strict=True))
    mean = float(berths.probability @ np.arange(len(berths.probability)))
    gaps = [*((a, b, w * mean) for a, b, w in berths.gaps), *missed.gaps]
    total = max(sum(w for _, _, w in gaps), 1e-12)
    return replace(
        berths,
        probability=np.convolve(berths.probability, missed.probability),
        month_counts=months,
        by_month=month_quantiles(months),
        gaps=tuple((a, b, w / total) for a, b, w in gaps if w > 0),
    )


def _chance_of(window: Window, mu: Array, sigma: Array) -> Array:
    """Probability of a departure in its window, summed over the arrival's, for each stay law [days]."""
    from scipy.special import ndtr

    (first, last), (soonest, latest) = window
    arrivals = first + (last - first) * (np.arange(PLACES)[:, None] + 0.5) / PLACES
    bounds = [np.log(np.maximum(end - arrivals, 1e-9)) for end in (soonest, latest)]
    inside = ndtr((bounds[1] - mu) / sigma) - ndtr((bounds[0] - mu) / sigma)
    return np.asarray(inside.mean(axis=0) * max(last - first, 1e-3))


def _hidden_time(start: float, stop: float, last: bool, mu: Array, sigma: Array) -> Array:
    """Time of a gap at which an arrival stays unseen; after the last look, all of it [days]."""
    return np.full_like(mu, stop - start) if last else stop - start - mean_shorter(stop - start, mu, sigma)


def _counts(odds: Array, shape: float, weights: Array) -> Array:
    """Negative binomial: Poisson of a gamma rate times `odds`, over the stay laws; until 1e-9 is left."""
    from scipy.special import gammaln

    number = np.arange(MOST)[:, None]
    share = np.maximum(odds, 1e-12) / (1 + np.maximum(odds, 1e-12))
    log = gammaln(number + shape) - gammaln(shape) - gammaln(number + 1)
    found = np.exp(log + number * np.log(share) + shape * np.log1p(-share)) @ weights
    until = int(np.searchsorted(np.cumsum(found), (1 - 1e-9) * found.sum())) + 1
    return np.asarray(found[:until] / found[:until].sum())
