"""Departures that nobody could measure: the port's own fills, else what tankers usually take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from pipeline.readings import Estimate

Array = npt.NDArray[np.float64]

PRIOR_WEIGHT = 4.0
"""Measured departures that the usual fill is worth [1]."""
SHARED_SIGMA = 0.02
"""Error that the measured fills of a port have in common: deck edges, load lines [1]."""
SAMPLES = 2000
LEAST_SHARE = 1e-4
"""Of the usual fills, between two bounds, below which the usual says nothing [1]."""
PART_FILLS = (0.15, 0.70)
"""Between which a departure is a part cargo, every fill as likely [1]."""
NODES = np.linspace(0.0, 1.0, 2001)
"""Fills at which the law is tabulated [1]."""
LOADING_OVER_LOADED = 1.5
"""Time alongside spent loading over time spent loaded and waiting: some 15 h against 10 h [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualFill:
    """Fill of a departure that was not measured: a beta law if laden, and a share of part cargoes."""

    mean: float
    """Of a laden departure [1]."""
    sigma: float
    """Of one ship; the mean's own error is in it [1]."""
    mean_sigma: float
    """Of the mean: what imputed visits share [1]."""
    departures: int
    """Measured departures behind it."""
    part: float = 0.0
    """Share of departures with a part cargo; none before the port has shown one [1]."""


def pool_fills(
    fills: Sequence[tuple[float, float, float]], *, mean: float, sigma: float, parts: Sequence[float] = ()
) -> UsualFill:
    """The usual fill from measured (fraction, sigma, weight), shrunk towards a prior mean and spread.

    Parameters
    ----------
    parts
        Weights of measured departures with a part cargo: the probability of each that loading was over.
    """
    weight = PRIOR_WEIGHT + sum(w for _, _, w in fills)
    centre = (PRIOR_WEIGHT * mean + sum(w * f for f, _, w in fills)) / weight
    excess = sum(w * max((f - centre) ** 2 - s**2, 0.0) for f, s, w in fills)
    between = (PRIOR_WEIGHT * sigma**2 + excess) / weight
    mean_sigma = sqrt(between / weight + (SHARED_SIGMA**2 if fills else 0.0))
    centre = min(max(centre, 0.05), 0.99)
    return UsualFill(
        mean=centre,
        sigma=sqrt(between + mean_sigma**2),
        mean_sigma=mean_sigma,
        departures=len(fills),
        part=sum(parts) / (weight + sum(parts)),
    )


def _beta(mean: float, sigma: float) -> tuple[float, float]:
    """Parameters (a, b) of the beta law of this mean and spread."""
    total = mean * (1 - mean) / min(sigma**2, 0.9 * mean * (1 - mean)) - 1
    return mean * total, (1 - mean) * total


def _below(usual: UsualFill, fill: Array) -> Array:
    """Probability of a departure with less than these fills."""
    from scipy.special import betainc

    a, b = _beta(usual.mean, usual.sigma)
    low, high = PART_FILLS
    part = np.clip((fill - low) / (high - low), 0.0, 1.0)
    return np.asarray((1 - usual.part) * betainc(a, b, fill) + usual.part * part)


def _fill_at(usual: UsualFill, share: Array) -> Array:
    """Fill that so many departures stay below."""
    return np.asarray(np.interp(share, _below(usual, NODES), NODES))


def still_loading(fill: Array, sigma: float, usual: UsualFill) -> Array:
    """Probability that a ship seen alongside with these fills goes on loading.

    Time loading over time loaded, against how usual it is to leave with so little: a look at 70 % nearly
    always shows a ship in the middle of it, one at 95 % hardly ever. `sigma` is the error of the fill.
    """
    from scipy.special import betaln

    read = replace(usual, sigma=float(np.hypot(usual.sigma, sigma)))
    a, b = _beta(read.mean, read.sigma)
    f = np.clip(fill, 0.01, 0.995)
    laden = np.exp((a - 1) * np.log(f) + (b - 1) * np.log1p(-f) - betaln(a, b))
    low, high = PART_FILLS
    usually = (1 - usual.part) * laden + usual.part * ((f > low) & (f < high)) / (high - low)
    mean = (1 - usual.part) * usual.mean + usual.part * (low + high) / 2
    passing = LOADING_OVER_LOADED * (1 - _below(read, f)) / mean
    return np.asarray(passing / (passing + usually))


def fill_up(fill: Array, sigma: float, usual: UsualFill, *, at_most: float = 1.0) -> Array:
    """(samples,) fills on departure of a ship seen alongside once: some of the samples go on loading."""
    probability = still_loading(fill, sigma, usual)
    count = np.arange(len(fill), dtype=np.float64)
    below = _below(usual, np.clip(fill, 0.0, 1.0))
    later = _fill_at(usual, below + (1 - below) * ((count * 0.7548776662466927 + 0.5) % 1.0))
    goes_on = (count * 0.5698402909980532 + 0.5) % 1.0 < probability
    return np.asarray(np.where(goes_on, np.maximum(np.minimum(later, at_most), fill), fill))


def impute_fill(usual: UsualFill, *, at_least: float = 0.0, at_most: float = 1.0) -> Array:
    """(samples,) fills of the usual law between two bounds, evenly spaced in probability [1]."""
    below, above = _below(usual, np.array([at_least, max(at_most, at_least)]))
    if above - below < LEAST_SHARE:  # nothing that is usual here: evenly between the bounds
        low, high = at_least, max(at_most, at_least + 1e-3)
        return np.asarray(np.clip(low + (high - low) * (np.arange(SAMPLES) + 0.5) / SAMPLES, 0.0, 1.0))
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    return _fill_at(usual, below + (above - below) * share)


def impute_cargo(fill: Array, capacity: Estimate) -> tuple[Estimate, tuple[tuple[str, float], ...]]:
    """(cargo, budget) of a ship of this capacity with these fills [t]."""
    from scipy.special import ndtri

    order = (np.arange(len(fill)) * 0.6180339887498949 + 0.5) % 1.0
    room = np.maximum(capacity.value + capacity.sigma * ndtri(order), 0.2 * capacity.value)
    cargo = fill * room
    low, high = np.quantile(cargo, [0.05, 0.95])
    estimate = Estimate(
        value=float(cargo.mean()), sigma=float(cargo.std()), interval90=(float(low), float(high))
    )
    terms = {
        "usual-fill": float(capacity.value * fill.std()),
        "capacity": float(capacity.sigma * fill.mean()),
    }
    ranked = sorted(terms.items(), key=lambda item: (-item[1], item[0]))
    return estimate, tuple((name, value) for name, value in ranked if value >= 1.0)
