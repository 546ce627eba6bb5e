"""Departures that nobody could measure: the port's own fills, else what tankers usually take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Estimate

Array = npt.NDArray[np.float64]

PRIOR_WEIGHT = 4.0
"""Measured departures that the usual fill is worth [1]."""
SHARED_SIGMA = 0.02
"""Error that the measured fills of a port have in common: deck edges, load lines [1]."""
SAMPLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualFill:
    """Fill of a departure that was not measured, as a beta law."""

    mean: float
    sigma: float
    """Of one ship; the mean's own error is in it [1]."""
    mean_sigma: float
    """Of the mean: what imputed visits share [1]."""
    departures: int
    """Measured departures behind it."""


def pool_fills(fills: Sequence[tuple[float, float]], *, mean: float, sigma: float) -> UsualFill:
    """The usual fill from measured (fraction, sigma), shrunk towards a prior mean and spread."""
    count = len(fills)
    weight = PRIOR_WEIGHT + count
    centre = (PRIOR_WEIGHT * mean + sum(f for f, _ in fills)) / weight
    excess = sum(max((f - centre) ** 2 - s**2, 0.0) for f, s in fills)
    between = (PRIOR_WEIGHT * sigma**2 + excess) / weight
    mean_sigma = sqrt(between / weight + (SHARED_SIGMA**2 if count else 0.0))
    centre = min(max(centre, 0.05), 0.99)
    return UsualFill(
        mean=centre, sigma=sqrt(between + mean_sigma**2), mean_sigma=mean_sigma, departures=count
    )


def impute_fill(usual: UsualFill, *, at_least: float = 0.0) -> Array:
    """(samples,) fills of the beta law, evenly spaced in probability, above a lower bound [1]."""
    from scipy.special import betainc, betaincinv

    variance = min(usual.sigma**2, 0.9 * usual.mean * (1 - usual.mean))
    total = usual.mean * (1 - usual.mean) / variance - 1
    a, b = usual.mean * total, (1 - usual.mean) * total
    below = min(float(betainc(a, b, at_least)), 1 - 1e-6)
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    return np.asarray(betaincinv(a, b, below + (1 - below) * share))


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
