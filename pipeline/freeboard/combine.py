"""Two sides into one curve: misfit widens, heel loosens, the systematic floor is folded in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Interval
from pipeline.freeboard.expected import HEELS, SYSTEMATIC
from pipeline.freeboard.sides import SideFit

Array = npt.NDArray[np.float64]

LOOSE = (0.0005, 0.01)
"""Share of probability kept for "this side was misread", where one side speaks and where both do: its
likelihood is flat at this level, so that two sides that disagree leave two modes and no middle."""


def tempered(fit: SideFit, loose: float) -> Array:
    """(freeboard,) log likelihood of one side, widened where the best profile does not fit well."""
    curve = fit.log_likelihood / max(1.0, fit.chi2)
    density = np.exp(curve)
    return np.asarray(np.log((1 - loose) * density / density.sum() + loose / len(density)))


def combine_sides(grid: Array, fits: dict[int, SideFit], beam: float) -> Array:
    """(freeboard,) log likelihood of the mean of both deck edges, heel integrated out.

    With heel the edges stand at F + d and F - d, d = beam/2 tan(heel); heel is a mixture of ships that lie
    upright and ships that list.
    """
    telling = {side: fit for side, fit in fits.items() if fit.shifts.reach > 0.03}
    sides = {side: tempered(fit, LOOSE[len(telling) > 1]) for side, fit in telling.items()}
    if not sides:
        return np.zeros_like(grid)
    out = np.full(len(grid), -np.inf)
    for degrees, share in HEELS:
        spread = float(beam / 2 * np.radians(degrees))
        offsets = np.linspace(-2.5, 2.5, 21) * spread
        weights = np.exp(-0.5 * (offsets / spread) ** 2)
        weights *= share / weights.sum()
        for offset, weight in zip(offsets, weights, strict=True):
            part = np.full(len(grid), np.log(weight))
            for side, curve in sides.items():
                part += np.interp(grid + side * offset, grid, curve)
            out = np.logaddexp(out, part)
    return out


def soften(grid: Array, curve: Array, *, sigma: float = SYSTEMATIC) -> Array:
    """The curve convolved with the systematic error; maximum 0."""
    step = grid[1] - grid[0]
    n = int(np.ceil(4 * sigma / step))
    kernel = np.exp(-0.5 * (np.arange(-n, n + 1) * step / sigma) ** 2)
    density = np.convolve(np.exp(curve - curve.max()), kernel / kernel.sum(), mode="same")
    return np.asarray(np.log(np.maximum(density / density.max(), np.exp(-60.0))))


def summarise(grid: Array, curve: Array) -> tuple[float, float]:
    """Mean and standard deviation under a flat prior [m]."""
    density = np.exp(curve - curve.max())
    density /= density.sum()
    mean = float((density * grid).sum())
    return mean, float(np.sqrt((density * (grid - mean) ** 2).sum()))


def interval_of(grid: Array, curve: Array) -> Interval:
    """Central 90 % interval, linear between grid points [m]."""
    density = np.exp(curve - curve.max())
    below = np.cumsum(density) - 0.5 * density
    below /= density.sum()
    low, high = np.interp([0.05, 0.95], below, grid)
    return float(low), float(high)
