"""How likely a berth that stood empty is empty again a while later, whatever came and went unseen.

With arrivals at a rate r while it is free, and stays of survival S, it is taken at t just where somebody came
a while u before, found it free, and is still there:

    P(t) = 1 - r * integral over u from 0 to t of S(u) P(t - u)

a Volterra equation of the second kind, solved by the trapezoid rule for stays of one lognormal median and
tabulated once: in units of the median, P hangs on the rate, on the time and on the spread alone.

References
----------
Cox, D. R. (1962), Renewal Theory, 7.2 (alternating renewal process). Press et al. (2007), Numerical Recipes,
19.2 (the rule).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SPREADS = np.array([0.25, 0.35, 0.5, 0.7, 0.9])
"""Of the logarithm of stays, equally likely before looking [1]."""
STEP, LONGEST = 1 / 12, 24.0
"""Of the solution, and where it has long settled [median stays]."""
WIDTHS = np.linspace(np.log(STEP), np.log(LONGEST), 48)
"""Logarithms of the tabulated times [log median stays]."""
RATES = np.linspace(np.log(1e-3), np.log(20.0), 32)
"""Logarithms of the tabulated rates [log arrivals in a median stay]."""


def solve_vacancy(rates: Array, spread: float) -> Array:
    """(rates, times) probability of an empty berth, every `STEP` from nil to `LONGEST` median stays [1]."""
    from scipy.special import ndtr

    count = round(LONGEST / STEP) + 1
    with np.errstate(divide="ignore"):
        survival = ndtr(-np.log(STEP * np.arange(count)) / spread)
    found = np.ones((count, len(rates)))
    weight = rates * STEP
    for n in range(1, count):
        known = survival[n - 1 : 0 : -1] @ found[1:n] + 0.5 * survival[n]
        found[n] = (1 - weight * known) / (1 + 0.5 * weight)
    return np.asarray(found.T)


@lru_cache(maxsize=1)
def _table() -> Array:
    """(spreads, rates, widths) logarithm of the vacancy, over rate times width: from -1 towards nil."""
    times = STEP * np.arange(round(LONGEST / STEP) + 1)
    table = np.empty((len(SPREADS), len(RATES), len(WIDTHS)))
    for k, spread in enumerate(SPREADS):
        solved = np.log(solve_vacancy(np.exp(RATES), float(spread)))
        for j, row in enumerate(solved):
            table[k, j] = np.interp(np.exp(WIDTHS), times, row) / np.exp(RATES[j] + WIDTHS)
    table.setflags(write=False)
    return table


def log_vacant(width: Array, rate: Array, log_median: Array, spread: Ints) -> Array:
    """Log probability that a berth, empty now, is empty after a time [1].

    Parameters
    ----------
    width
        The time, at least nil [days].
    rate
        Arrivals a day while the berth is free [1/day].
    log_median
        Of the stays [log days].
    spread
        Place in `SPREADS`.

    Returns
    -------
    Array
        All are broadcast together. Bilinear in the logarithms of rate and time, good to 1 % of the
        logarithm; beyond the table's ends the nearest column serves, below a twelfth of a stay nobody
        who came has left, and after 24 the berth has forgotten that it was empty.
    """
    with np.errstate(divide="ignore"):
        across, left = _place(np.log(width) - log_median, WIDTHS)
        up, below = _place(np.log(rate) + log_median, RATES)
    flat = _table().ravel()
    below += spread * len(RATES)
    below *= len(WIDTHS)
    place = below + left
    low = _between(flat, place, across)
    place += len(WIDTHS)
    high = _between(flat, place, across)
    high -= low
    high *= up
    low += high
    low *= rate
    low *= np.minimum(width, LONGEST * np.exp(log_median))
    return low


def _place(value: Array, nodes: Array) -> tuple[Array, Ints]:
    """(share of the way to the next node, node below) of values on even nodes; the values are used up."""
    value -= nodes[0]
    value /= nodes[1] - nodes[0]
    np.clip(value, 0.0, len(nodes) - 1.001, out=value)
    below = value.astype(np.int64)
    value -= below
    return value, below


def _between(flat: Array, place: Ints, share: Array) -> Array:
    """Between a column of the table and the next."""
    found = flat[place]
    step = flat[1:][place]
    step -= found
    step *= share
    found += step
    return found
