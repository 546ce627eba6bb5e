"""Two sides into one curve: misfit widens, heel loosens, the systematic floor is folded in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Interval
from pipeline.freeboard.expected import HEELS, SYSTEMATIC
from pipeline.freeboard.gear import gear_heights
from pipeline.freeboard.sides import SideFit

Array = npt.NDArray[np.float64]

MISREAD = {False: 0.003, True: 0.06}
"""Prior probability that a side is not what the model says, by whether the sun shines on it: shadows on open
water are much alike, the paint of hulls is not (2 of 14 simulated sunlit sides that speak at all are off by
more than two and a half of their standard deviations)."""
OTHER_LINE = {True: 0.15, False: 0.05}
"""How often the line of a pipe, a gutter, a strip of deck or a band of paint is taken for an edge, by whether
the sun shines on the side."""
LINE_APART = 0.5
"""Standard deviation of the distance of such a line from the edge in the image [m]."""
ALONE = {False: 0.0003, True: 0.06}
"""The same where one side speaks alone: its likelihood is flat at this level."""


def _weights(fit: SideFit, beam: float) -> Array:
    """(freeboard, deck edge) probability, widened where the best profile does not fit well."""
    weight = np.exp((fit.table - fit.table.max()) / max(1.0, fit.chi2))
    if fit.shifts.beta > fit.shifts.alpha:
        weight = _without_gear(weight, fit, beam)
    if fit.shifts.reach > 0.03:
        weight = _with_other_lines(weight, fit)
    return np.asarray(weight / weight.sum())


def _without_gear(weight: Array, fit: SideFit, beam: float) -> Array:
    """What stands on deck shades its edge, and a shaded edge looks like more shadow, so more freeboard.

    The shade of a bar of height b beside the edge, on the deck or on the water beyond, is b (S - V) wide in
    the image, as if the edge were higher by b. Under a low sun a catwalk or pipe rack shades the edge too.
    """
    grid = fit.freeboards
    heights, shares = gear_heights(fit.shifts, beam, fit.window.gsd, fit.window.shade_odds)
    out = np.zeros_like(weight)
    for height, share in zip(heights, shares, strict=True):
        place = np.minimum((grid + height - grid[0]) / (grid[1] - grid[0]), len(grid) - 1.0)
        i = np.minimum(place.astype(np.intp), len(grid) - 2)
        t = (place - i)[:, None]
        out += share * ((1 - t) * weight[i] + t * weight[i + 1])
    return out


def _with_other_lines(weight: Array, fit: SideFit) -> Array:
    """Part of the probability spread over the freeboards that another line would have given."""
    share = OTHER_LINE[fit.shifts.lit]
    gap = (fit.freeboards[:, None] - fit.freeboards[None, :]) * fit.shifts.reach / LINE_APART
    spread = np.exp(-0.5 * gap**2)
    weight = weight / weight.sum()
    return np.asarray((1 - share) * weight + share * (spread / spread.sum(axis=0)) @ weight)


def _heel_offsets(beam: float) -> tuple[Array, Array]:
    """Half the difference of the deck edges' heights [m] and the probability of each."""
    offsets, weights = [], []
    for degrees, share in HEELS:
        spread = float(beam / 2 * np.radians(degrees))
        steps = np.linspace(-2.5, 2.5, 21)
        weight = np.exp(-0.5 * steps**2)
        offsets.append(steps * spread)
        weights.append(share * weight / weight.sum())
    return np.concatenate(offsets), np.concatenate(weights)


def combine_sides(grid: Array, fits: dict[int, SideFit], beam: tuple[float, float]) -> Array:
    """(freeboard,) log likelihood of the mean of both deck edges' heights, heel and beam integrated out.

    With heel the edges stand at F + d and F - d, d = beam/2 tan(heel); heel is a mixture of ships that lie
    upright and ships that list. In the image the deck edges are one beam apart whatever the view, so where
    one side's edge is plain the other's is known too.

    Parameters
    ----------
    beam
        (value, sigma) [m].
    """
    telling = [fit for fit in fits.values() if fit.shifts.reach > 0.03]
    if not telling:
        return np.zeros_like(grid)
    if len(fits) == 1:
        curve = _one_side(grid, telling[0], beam)
    else:
        curve = _both_sides(grid, fits[1], fits[-1], beam)
    # a side that says nothing says nothing of freeboards that no ship of this beam has
    return np.where(grid <= telling[0].window.top + 1e-6, curve, curve.max() - 60.0)


def _one_side(grid: Array, fit: SideFit, beam: tuple[float, float]) -> Array:
    height = _weights(fit, beam[0]).sum(axis=1)
    wrong = ALONE[fit.shifts.lit]
    height = (1 - wrong) * height + wrong / len(height)
    out = np.zeros(len(grid))
    for offset, weight in zip(*_heel_offsets(beam[0]), strict=True):
        out += weight * np.interp(grid + fit.shifts.side * offset, grid, height)
    return np.asarray(np.log(out))


def _both_sides(grid: Array, starboard: SideFit, port: SideFit, beam: tuple[float, float]) -> Array:
    """Either both sides are read rightly, or one of them is not and the other speaks alone."""
    first, second = _weights(starboard, beam[0]), _weights(port, beam[0])
    apart = starboard.places[:, None] + port.places[None, :] - beam[0]
    agree = np.exp(-0.5 * (apart / beam[1]) ** 2)
    joint = first @ agree @ second.T
    flat = float(agree.mean()) / len(grid)
    wrong = [MISREAD[fit.shifts.lit] for fit in (starboard, port)]
    alone = [w.sum(axis=1) * flat for w in (first, second)]
    out = np.full(len(grid), 1e-5 * flat / len(grid))
    index = np.arange(len(grid), dtype=np.float64)
    step = grid[1] - grid[0]
    for offset, weight in zip(*_heel_offsets(beam[0]), strict=True):
        up, down = index + offset / step, index - offset / step
        both = _bilinear(joint, up, down)
        one = wrong[1] * np.interp(up, index, alone[0]) + wrong[0] * np.interp(down, index, alone[1])
        out += weight * ((1 - sum(wrong)) * both + one)
    return np.asarray(np.log(out))


def _bilinear(table: Array, rows: Array, cols: Array) -> Array:
    i = np.clip(np.floor(rows).astype(np.intp), 0, table.shape[0] - 2)
    j = np.clip(np.floor(cols).astype(np.intp), 0, table.shape[1] - 2)
    s, t = np.clip(rows - i, 0, 1), np.clip(cols - j, 0, 1)
    low = (1 - t) * table[i, j] + t * table[i, j + 1]
    high = (1 - t) * table[i + 1, j] + t * table[i + 1, j + 1]
    return np.asarray((1 - s) * low + s * high)


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
