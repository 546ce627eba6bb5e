"""Simulation-based calibration of the likelihood: ranks of the truth over 300 profiles of no common code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter1d

from pipeline.datatypes import ViewGeometry
from pipeline.freeboard.expected import typical_levels
from pipeline.freeboard.model import SideShifts, side_shifts
from pipeline.freeboard.scan import Setting, Window, evaluate

Array = npt.NDArray[np.float64]
PROFILES = 300
STEP = 0.04
"""Of the drawn profiles [m]."""
BIN = 0.52
INSIDE = -4.0
"""Where profiles begin, outwards from where the deck edge is looked for [m]."""
WIDTH = 0.25
FREEBOARDS = np.arange(0.5, 6.3, WIDTH)
"""Truth is drawn evenly from here, and nothing else is looked at [m]."""
EDGES = np.linspace(-0.9, 0.9, 7)
DEPTH = 0.27
"""Effective depth of the light: the mean of what the fit believes [m]."""
BLURS = ((0.5, 0.5), (0.7, 0.5))
"""Standard deviations [m] and shares that the fit weighs; truth is drawn from a wider range."""


def draw_shifts(rng: np.random.Generator) -> SideShifts:
    """A shadow that is seen, from its side or from above."""
    while True:
        view = ViewGeometry(
            incidence_angle=float(rng.uniform(2, 33)),
            azimuth=float(rng.uniform(0, 360)),
            sun_elevation=float(rng.uniform(25, 60)),
            sun_azimuth=float(rng.uniform(40, 140)),
            source="test",
        )
        shifts = side_shifts(view, 0.0, -1)
        if shifts.beta - shifts.alpha > 0.4:
            return shifts


def draw_profile(rng: np.random.Generator, shifts: SideShifts, freeboard: float, edge: float) -> Array:
    """(sample,) light on steps of `STEP` from inside the deck on: zones, texture, dimmed sky."""
    v = np.arange(INSIDE, 16.0, STEP)
    rough = gaussian_filter1d(rng.standard_normal((4, len(v))), rng.uniform(0.3, 1.2) / STEP, axis=1)
    rough /= rough.std(axis=1, keepdims=True)
    spread = np.array([0.04, 0.012, 0.002, 0.002]) * rng.uniform(0.2, 1.5, 4)
    water = rng.uniform(0.035, 0.075)
    deck = max(rng.normal(0.17, 0.07), 0.05)
    side = max(rng.normal(0.05, 0.04), 0.008)
    shadow = water * rng.uniform(0.4, 0.85)
    line, tip = edge + freeboard * shifts.alpha, edge + freeboard * shifts.beta
    # light that enters the water: the tip is an exponential of its depth
    tail = max(shifts.tail * rng.uniform(0.03, 0.4), 1e-3)
    lit = np.where(v > tip, 1.0 - np.exp(-np.maximum(v - tip, 0.0) / tail), 0.0)
    sea = (shadow + (water - shadow) * lit) + spread[3] * rough[3]
    # the hull hides part of the sky from the sea at her foot, none of it to twice what the fit expects
    away = np.maximum(v - edge - freeboard * (shifts.beta - shifts.shade), 0.0)
    hidden = 0.5 * (1.0 - away / np.hypot(away, freeboard))
    sea -= rng.uniform(0.0, 2.0) * shifts.sky * hidden * (water - shadow)
    light = np.where(v < edge, deck + spread[0] * rough[0], side + spread[1] * rough[1])
    light = np.where(v > line, sea, light)
    bar = (v > edge - rng.uniform(0.1, 1.0)) & (v < edge) & (rng.random() < 0.3)
    return np.asarray(np.where(bar, light * rng.uniform(0.75, 1.25), light))


def window_of(rng: np.random.Generator, light: Array) -> Window:
    """Binned, blurred, with noise; the fit is told the noise and nothing of the draw."""
    blurred = gaussian_filter1d(light, rng.uniform(0.35, 0.85) / STEP)
    per_bin = round(BIN / STEP)
    count = len(blurred) // per_bin
    noise = float(np.exp(rng.uniform(np.log(3e-4), np.log(2e-3))))
    values = blurred[: count * per_bin].reshape(count, per_bin).mean(axis=1) + noise * rng.normal(size=count)
    v = INSIDE + per_bin * STEP * (np.arange(count) + 0.5)
    return Window(
        v=np.asarray(v, dtype=np.float64), values=values[None], errors=np.full((1, count), noise),
        levels=(typical_levels(lit=False),), weights=(1.0,), absorption=(0.0,),
        bin_width=per_bin * STEP, gsd=0.8,
        edge=(0.0, 0.4), top=6.5, midbody=40.0, cut=False,
        extremes=((float(values.min()), float(values.max()), float(values.max())),),
    )  # fmt: skip


def rank(seed: int) -> float:
    """Posterior probability of less freeboard than the truth."""
    rng = np.random.default_rng((300, seed))
    shifts = draw_shifts(rng)
    low, high = FREEBOARDS[0] - WIDTH / 2, FREEBOARDS[-1] + WIDTH / 2
    truth, edge = float(rng.uniform(low, high)), float(rng.normal(0.0, 0.4))
    window = window_of(rng, draw_profile(rng, shifts, truth, edge))
    F, e = np.meshgrid(FREEBOARDS, EDGES, indexing="ij")
    total = np.full(F.shape, -np.inf)
    for blur, share in BLURS:
        value = evaluate(window, shifts, (F.ravel(), e.ravel()), Setting(blur, DEPTH, 0.05))[0]
        total = np.logaddexp(total, value.reshape(F.shape) + np.log(share))
    density = np.exp(np.logaddexp.reduce(total, axis=1) - total.max())
    below = np.concatenate([[0.0], np.cumsum(density / density.sum())])
    return float(np.interp(truth, np.append(FREEBOARDS - WIDTH / 2, high), below))


@pytest.fixture(scope="module")
def ranks() -> Array:
    return np.sort([rank(seed) for seed in range(PROFILES)])


def test_ranks_of_the_truth_are_even(ranks: Array) -> None:
    """Kolmogorov's distance within its one-percent point, 1.63 / sqrt(n).

    References
    ----------
    Talts et al. (2018), Validating Bayesian inference algorithms with simulation-based calibration,
    arXiv:1804.06788.
    """
    n = len(ranks)
    steps = np.arange(1, n + 1) / n
    distance = max(np.abs(steps - ranks).max(), np.abs(steps - 1 / n - ranks).max())
    assert n >= 300
    assert distance < 1.63 / np.sqrt(n)


def test_intervals_hold_as_often_as_they_say(ranks: Array) -> None:
    """Nine in ten within three standard errors, though the worlds are wider than the fit assumes."""
    inside = np.mean((ranks > 0.05) & (ranks < 0.95))
    assert abs(inside - 0.9) < 3 * np.sqrt(0.09 / len(ranks))
