"""One side of the hull: the likelihood over freeboard and deck edge, coarse first, then fine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.model import (
    Levels,
    SideShifts,
    kernels,
    log_evidence,
    posterior_levels,
    sharp_and_wide,
)

Array = npt.NDArray[np.float64]

FLOOR = -1e4
KEEP = 20.0
"""Coarse cells this far below the best are not looked at again [nats]."""
Z_EFFS = ((0.05, 0.35), (0.2, 0.45), (0.45, 0.2))
"""Effective depths of the water's light [m] with their prior weights: a turbid port has 0.1 to 0.3."""
BLURS_PX = (0.3, 0.5, 0.75, 1.1)
"""Standard deviations of the optics and resampling, without the pixel's own box."""
CHUNK = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """What one side is fitted to."""

    v: Array
    """(sample,) outward coordinate, increasing [m]."""
    values: Array
    """(band, sample)"""
    errors: Array
    """(band, sample)"""
    levels: tuple[Levels, ...]
    """Per band."""
    weights: tuple[float, ...]
    """Per band: how much its log likelihood counts."""
    bin_width: float
    gsd: float
    edge: tuple[float, float]
    """Mean and spread of where the deck edge may lie [m]."""
    other: tuple[Array, Array]
    """(deck edge [m], log of what the other side and the beam say of it)."""
    top: float
    """Largest freeboard looked at [m]."""
    midbody: float
    """Length averaged over [m]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SideFit:
    """What one side says."""

    shifts: SideShifts
    freeboards: Array
    """[m]"""
    log_likelihood: Array
    """(freeboard,) deck edge and nuisances integrated out."""
    edges: Array
    """(freeboard,) best deck edge for each [m]."""
    best: tuple[float, float]
    """(freeboard, deck edge) of the best candidate [m]."""
    blur: float
    z_eff: float
    evidence: Array
    """(freeboard,) log evidence of the coarse pass, to compare geometries with [nats]."""
    chi2: float
    """Of the best candidate, per sample and band."""
    fitted: Array
    """(band, sample)"""
    levels: Array
    """(band, 6)"""
    window: Window


class Scan(NamedTuple):
    """Log likelihood of the coarse pass."""

    F: Array
    e: Array
    value: Array
    """(freeboard, deck edge)"""


def gaussian_blur(window: Window, blur_px: float) -> float:
    """Standard deviation of everything between scene and bin: optics, pixel, bin [m]."""
    g = window.gsd
    return float(np.sqrt((blur_px * g) ** 2 + g**2 / 12 + window.bin_width**2 / 12))


def coarsen(window: Window, width: float) -> Window:
    """The window with neighbouring bins averaged to at least `width`."""
    n = max(1, round(width / window.bin_width))
    if n == 1:
        return window
    m = len(window.v) // n
    cut = slice(len(window.v) - m * n, None)  # the odd bins lie inside the deck

    def average(x: Array) -> Array:
        return np.asarray(x[..., cut].reshape(*x.shape[:-1], m, n).mean(axis=-1))

    # errors of neighbours are partly shared: they fall slower than one over root n
    return replace(
        window,
        v=average(window.v),
        values=average(window.values),
        errors=average(window.errors) / n**0.25,
        bin_width=window.bin_width * n,
    )


def evaluate(
    window: Window, shifts: SideShifts, state: tuple[Array, Array], setting: tuple[float, float, float]
) -> tuple[Array, Array]:
    """(log likelihood, chi-square per sample) of candidates, bands combined by their weights."""
    correlation = kernels(window.v, setting[0])
    F, e = state
    total, chi2 = np.zeros(len(F)), np.zeros(len(F))
    for start in range(0, len(F), CHUNK):
        part = slice(start, start + CHUNK)
        shares = sharp_and_wide(window.v, shifts, (F[part], e[part]), setting)
        for k, levels in enumerate(window.levels):
            data = (window.v, window.values[k], window.errors[k])
            value, chi = log_evidence(data, shares, e[part], levels, correlation)
            total[part] += window.weights[k] * value
            chi2[part] += chi / len(window.levels)
    mean, spread = window.edge
    return total - 0.5 * ((e - mean) / spread) ** 2 + np.interp(e, *window.other), chi2


def scan_side(window: Window, shifts: SideShifts) -> Scan:
    """The coarse pass: every freeboard and every deck edge that a step of the profile allows."""
    rough = coarsen(window, max(0.8, 0.6 * window.gsd))
    return _scan(rough, shifts, (gaussian_blur(rough, 0.65), 0.15, _smear(window)), share=0.6)


def coarse_evidence(scan: Scan, grid: Array) -> Array:
    """(freeboard,) log evidence of one side from the coarse pass alone [nats]."""
    total = np.logaddexp.reduce(scan.value, axis=1) + np.log(scan.e[1] - scan.e[0])
    return np.interp(grid, scan.F, total) if len(scan.F) > 1 else np.full_like(grid, total[0])


def edge_message(scan: Scan, beam: tuple[float, float], e: Array) -> Array:
    """(deck edge,) log of what one side's edge and the beam say of the other side's edge: e + e' = beam.

    Parameters
    ----------
    beam
        (value, sigma) [m].
    e
        Of the other side [m].
    """
    belief = np.logaddexp.reduce(scan.value, axis=0)
    gap = e[:, None] + scan.e[None, :] - beam[0]
    message = np.logaddexp.reduce(belief - 0.5 * (gap / beam[1]) ** 2, axis=1)
    return np.asarray(np.maximum(message - message.max(), -12.0))


def _smear(window: Window) -> float:
    return float(0.003 * window.midbody / np.sqrt(12.0))


def fit_side(window: Window, shifts: SideShifts, grid: Array, scan: Scan) -> SideFit:
    """The likelihood of one side on the freeboards of `grid` [m]."""
    smear = _smear(window)
    F, e = scan.F, scan.e
    value = scan.value + np.interp(e, *window.other)
    blur_weights = _blur_weights(window, shifts, _modes(F, e, value), smear)
    near = value > value.max() - KEEP
    rows, cols = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    step_F, step_e = (F[1] - F[0] if len(F) > 1 else 0.0), e[1] - e[0]
    low_F, high_F = max(F[rows[0]] - step_F, F[0]), min(F[rows[-1]] + step_F, F[-1])
    low_e, high_e = e[cols[0]] - step_e, e[cols[-1]] + step_e
    fine = _narrow(window, shifts, (low_e, high_e), high_F)
    blur = gaussian_blur(fine, 0.5)
    fine_F = _steps(low_F, high_F, 0.45 * blur / max(shifts.reach, 0.05)) if shifts.reach > 0.03 else F[:1]
    fine_e = _steps(low_e, high_e, 0.5 * blur)
    wanted = _near(near, (F, e), (fine_F, fine_e))
    waters = Z_EFFS if shifts.tail > 0.0 else ((0.1, 1.0),)
    parts, settings = [], []
    for blur_px, weight in blur_weights:
        for z_eff, share in waters:
            setting = (gaussian_blur(fine, blur_px), z_eff, smear)
            table = np.full(wanted.shape, FLOOR)
            pairs = np.nonzero(wanted)
            table[pairs] = evaluate(fine, shifts, (fine_F[pairs[0]], fine_e[pairs[1]]), setting)[0]
            parts.append(table + np.log(weight * share))
            settings.append(setting)
    top = int(np.argmax([p.max() for p in parts]))
    whole = np.logaddexp.reduce(np.stack(parts), axis=0)
    fit = _finish(fine, shifts, (grid, fine_F), (whole, fine_e, settings[top]))
    return replace(fit, evidence=coarse_evidence(scan, grid))


def _steps(low: float, high: float, step: float) -> Array:
    n = max(2, int(np.ceil((high - low) / step)) + 1)
    return np.linspace(low, high, n)


def _scan(window: Window, shifts: SideShifts, setting: tuple[float, float, float], *, share: float) -> Scan:
    mean, spread = window.edge
    e = _steps(mean - 2.0 * spread, mean + 2.0 * spread, share * setting[0])
    if shifts.reach > 0.03:
        step = float(np.clip(share * setting[0] / shifts.reach, 0.1, 0.5))
        F = _steps(0.0, window.top, step)
    else:
        F = np.array([0.3 * window.top])
    likely = np.flatnonzero(_steep(window, e))
    pair = np.meshgrid(F, e[likely], indexing="ij")
    value = np.full((len(F), len(e)), FLOOR)
    found, _ = evaluate(window, shifts, (pair[0].ravel(), pair[1].ravel()), setting)
    value[:, likely] = found.reshape(len(F), len(likely))
    return Scan(F, e, value)


def _steep(window: Window, e: Array) -> npt.NDArray[np.bool_]:
    """Where a deck edge can be at all: near a step of the profile that is not small beside the largest."""
    score = np.zeros(len(e))
    for values, errors in zip(window.values, window.errors, strict=True):
        slope = np.abs(np.gradient(values, window.v)) / (np.median(errors) + 1e-6)
        wide = np.maximum(slope, np.maximum(np.roll(slope, 1), np.roll(slope, -1)))
        at = np.interp(e, window.v, wide)
        score = np.maximum(score, at / max(float(at.max()), 1e-12))
    return np.asarray(score > 0.15)


def _near(
    near: npt.NDArray[np.bool_], old: tuple[Array, Array], new: tuple[Array, Array]
) -> npt.NDArray[np.bool_]:
    """The fine cells that lie in or beside kept coarse cells."""
    from scipy.ndimage import binary_dilation

    wide = binary_dilation(near, structure=np.ones((3, 3)))
    i = np.clip(np.round(np.interp(new[0], old[0], np.arange(len(old[0])))).astype(int), 0, len(old[0]) - 1)
    j = np.clip(np.round(np.interp(new[1], old[1], np.arange(len(old[1])))).astype(int), 0, len(old[1]) - 1)
    return np.asarray(wide[np.ix_(i, j)])


def _narrow(window: Window, shifts: SideShifts, edges: tuple[float, float], top: float) -> Window:
    """Only what the remaining candidates need: the deck's edge region and enough water beyond."""
    first = edges[0] - 3.0 - 1.5 * window.gsd
    last = edges[1] + top * shifts.reach + 5.0 + 3 * window.gsd
    keep = (window.v >= first) & (window.v <= last)
    return replace(window, v=window.v[keep], values=window.values[:, keep], errors=window.errors[:, keep])


def _modes(F: Array, e: Array, value: Array) -> list[tuple[float, float]]:
    """(freeboard, deck edge) of at most three separate maxima over freeboard, best first."""
    along = value.max(axis=1)
    padded = np.concatenate([[-np.inf], along, [-np.inf]])
    peaks = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] >= padded[2:]))
    order = peaks[np.argsort(-along[peaks], kind="stable")][:3]
    return [(float(F[k]), float(e[value[k].argmax()])) for k in order if along[k] > along.max() - KEEP]


def _blur_weights(
    window: Window, shifts: SideShifts, modes: list[tuple[float, float]], smear: float
) -> list[tuple[float, float]]:
    """Blurs of the optics [pixel] worth keeping, with weights, from around the best candidates."""
    edges = [e for _, e in modes]
    near = _narrow(window, shifts, (min(edges) - 1.0, max(edges) + 1.0), max(F for F, _ in modes))
    blur = gaussian_blur(near, 0.5)
    F0 = np.array([-0.5, 0.0, 0.5]) * blur / max(shifts.reach, 0.1)
    e0 = np.array([-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9]) * blur
    pairs = [np.meshgrid(np.maximum(F + F0, 0.0), e + e0) for F, e in modes]
    pair = [np.concatenate([p[k].ravel() for p in pairs]) for k in (0, 1)]
    score = np.array(
        [
            evaluate(near, shifts, (pair[0], pair[1]), (gaussian_blur(near, b), 0.15, smear))[0].max()
            for b in BLURS_PX
        ]
    )
    weight = np.exp(score - score.max()) * np.array([0.2, 0.35, 0.3, 0.15])
    weight /= weight.sum()
    order = np.argsort(-weight)[:2]
    return [(BLURS_PX[i], float(weight[i] / weight[order].sum())) for i in order if weight[i] > 0.05]


def _finish(
    window: Window,
    shifts: SideShifts,
    freeboards: tuple[Array, Array],
    found: tuple[Array, Array, tuple[float, float, float]],
) -> SideFit:
    """Integrate the deck edge out of the table, carry the result to the common grid, fit the best profile."""
    grid, F = freeboards
    table, e, setting = found
    value, edge = _over_edges(table, e)
    log_likelihood, edges = _to_grid(grid, F, value, edge)
    k = int(np.argmax(value))
    best_F, best_e = float(F[k]), float(edge[k])
    if len(F) > 1:
        best_F = float(grid[int(np.argmax(log_likelihood))])
        best_e = float(edges[int(np.argmax(log_likelihood))])
    chi2 = float(evaluate(window, shifts, (np.array([best_F]), np.array([best_e])), setting)[1][0])
    shares = sharp_and_wide(window.v, shifts, (np.array([best_F]), np.array([best_e])), setting)
    correlation = kernels(window.v, setting[0])
    fits = [
        posterior_levels((window.v, window.values[b], window.errors[b]), shares, best_e, levels, correlation)
        for b, levels in enumerate(window.levels)
    ]
    return SideFit(
        shifts=shifts,
        freeboards=grid,
        log_likelihood=log_likelihood - log_likelihood.max(),
        edges=edges,
        evidence=log_likelihood,
        best=(best_F, best_e),
        blur=setting[0],
        z_eff=setting[1],
        chi2=chi2,
        fitted=np.stack([f[1] for f in fits]),
        levels=np.stack([f[0] for f in fits]),
        window=window,
    )


def _over_edges(table: Array, e: Array) -> tuple[Array, Array]:
    """Laplace's integral over the deck edge about the best node of each row, and the best edge."""
    n = table.shape[1]
    if n < 3:
        return table.max(axis=1), e[table.argmax(axis=1)]
    k = np.clip(table.argmax(axis=1), 1, n - 2)
    rows = np.arange(len(table))
    a, b, c = (np.maximum(table[rows, k + d], table[rows, k] - 200.0) for d in (-1, 0, 1))
    bend = np.minimum(a - 2 * b + c, -1e-3)
    shift = np.clip(0.5 * (a - c) / bend, -1.0, 1.0)
    step = e[1] - e[0]
    peak = b - 0.125 * (a - c) ** 2 / bend
    peak = np.where(np.abs(shift) < 1.0, peak, np.maximum(np.maximum(a, c), b))
    value = peak + 0.5 * np.log(2 * np.pi * step**2 / -bend)
    return value, e[k] + shift * step


def _to_grid(grid: Array, F: Array, value: Array, edge: Array) -> tuple[Array, Array]:
    """Carry a curve known at `F` to the grid: cubic between good nodes, floored outside."""
    if len(F) == 1:
        return np.zeros_like(grid), np.full_like(grid, edge[0])
    from scipy.interpolate import PchipInterpolator, make_interp_spline

    held = np.maximum(value - value.max(), -60.0)
    if len(F) >= 4:
        smooth = make_interp_spline(F, held, k=3)(grid)
        safe = PchipInterpolator(F, held)(grid)
        # a cubic rings beside the floor: there the monotone one serves
        curve = np.where(safe > -25.0, smooth, safe)
    else:
        curve = np.interp(grid, F, held)
    curve = np.where((grid < F[0] - 1e-9) | (grid > F[-1] + 1e-9), -60.0, curve)
    return np.clip(curve, -60.0, None), np.interp(grid, F, edge)
