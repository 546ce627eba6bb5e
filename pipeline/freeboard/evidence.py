"""How likely a profile is under one candidate, with levels and structure integrated out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.model import (
    DECK,
    SHADOW,
    SIDE,
    WATER,
    Levels,
    deepened,
    design,
    level_priors,
    tolerances,
)
from pipeline.freeboard.plates import LOG_SHARES, RAIL, SHADED, Shades

Array = npt.NDArray[np.float64]

DARKEST = 0.8
"""A shadow on water keeps at most this share of the water's light, above the darkest that is seen: the sky's
and the surface's; haze lies over both [1]."""
NOISE = (0.5, 0.7)
"""Variance of a bin's mean, against what the scatter between stations says, that near neighbours share, and
that is its own: one that is too small lets ripples of a calm sea outvote the edges [1]."""
UNSEEN = 1e-5
"""Share of a sample below which nothing is seen of a surface [1]."""


def log_evidence(
    data: tuple[Array, Array, Array],
    shares: Array,
    edge: Array,
    levels: Levels,
    correlation: Array,
    shades: Shades | None = None,
) -> tuple[Array, Array]:
    """Log evidence of each candidate with the levels integrated out, and its chi-square per sample.

    Parameters
    ----------
    data
        (v, value, covariance of the noise): (sample,), (sample,), (sample, sample) from `noise_covariance`.
    shares
        (variant, candidate, 4, sample) from `variants`.
    edge
        (candidate,) deck edge [m].
    correlation
        (4, sample, sample) from `kernels`.
    shades
        From `plate_shades`: the kinds of plates are summed over.

    References
    ----------
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, eq. 2.41: explicit basis
    functions with a Gaussian prior integrate out into the covariance.
    """
    v, value, noise = data
    columns = design(shares[0], v, edge)
    mean, spread = level_priors(levels)
    scaled = [columns * spread[None, :, None], tolerances(shares, levels)]
    taken = np.zeros((0, len(edge), len(v)))
    if shades is not None:
        taken, rail = _taken(shades, levels)
        scaled.append(rail[:, None])
    loose = np.concatenate(scaled, axis=1)
    n, kinds = len(v), len(taken)
    # one Cholesky of the bordered matrix gives the determinant and the whitened residuals together
    big = np.zeros((len(edge), n + 2 + kinds, n + 2 + kinds))
    K = big[:, :n, :n]
    np.matmul(loose.transpose(0, 2, 1), loose, out=K)
    K += noise
    add_structure(K, deepened(shares[0], v, edge), levels, correlation)
    big[:, n, :n] = value - np.matmul(mean, columns)
    big[:, n + 1, :n] = _shadow_excess(columns, spread)
    big[:, n + 2 :, :n] = taken.transpose(1, 0, 2)
    border = np.arange(n, n + 2 + kinds)
    big[:, border, border] = 1e9
    factor = np.asarray(np.linalg.cholesky(big), dtype=np.float64)  # reads the lower triangle only
    diagonal = np.einsum("mii->mi", factor)[:, :n]
    residual, darker = factor[:, n, None, :n], factor[:, n + 1, :n]
    if kinds:
        residual = residual + factor[:, n + 2 :, :n]
    quadratic = (residual**2).sum(axis=2)
    log_value = -0.5 * quadratic - np.log(diagonal).sum(axis=1)[:, None]
    log_value += _log_darker((residual, darker), (mean, spread, levels.dark))
    if not kinds:
        return log_value[:, 0], quadratic[:, 0] / n
    log_value += LOG_SHARES
    best = log_value.argmax(axis=1)
    chi2 = np.take_along_axis(quadratic, best[:, None], axis=1)[:, 0] / n
    return np.logaddexp.reduce(log_value, axis=1), chi2


def _taken(shades: Shades, levels: Levels) -> tuple[Array, Array]:
    """Light taken (kind, candidate, sample), and how far the rail's may be off (candidate, sample)."""
    believed = (levels.deck[0], levels.side[0], levels.shadow[0], levels.water[0])
    deck, _, shadow, water = levels.seen or believed
    lost = max(water - shadow, 0.0)
    plates = (1.0 - SHADED) * max(deck - levels.dark, 0.0) * shades.deck + lost * shades.water
    return np.asarray(plates + RAIL[1] * lost * shades.rail), np.asarray(RAIL[2] * lost * shades.rail)


def _shadow_excess(columns: Array, spread: Array) -> Array:
    """(candidate, sample) prior covariance of the data with shadow - DARKEST * water."""
    s2 = spread**2
    return np.asarray(s2[3] * columns[:, 3] - DARKEST * s2[4] * columns[:, 4])


def _log_darker(solved: tuple[Array, Array], prior: tuple[Array, Array, float]) -> Array:
    """(candidate, kind) log of how much likelier than before the data make a shadow darker than the water.

    A Gaussian prior lets a "shadow" be as bright as the water, and then a dark band of paint or the true
    shadow passes for the hull's side with an unseen shadow beyond it.
    """
    from scipy.special import log_ndtr

    mean, spread, dark = prior
    before = mean[3] - DARKEST * mean[4] - (1.0 - DARKEST) * dark
    variance = spread[3] ** 2 + (DARKEST * spread[4]) ** 2
    residual, excess = solved
    after = before + np.einsum("mkn,mn->mk", residual, excess)
    left = np.maximum(variance - (excess**2).sum(axis=1), 1e-6 * variance)[:, None]
    return np.asarray(log_ndtr(-after / np.sqrt(left)) - log_ndtr(-before / np.sqrt(variance)))


def add_structure(K: Array, shares: Array, levels: Levels, correlation: Array) -> None:
    """Add the covariance of structure to (candidate, sample, sample) `K`, in place.

    Paints are independent of each other, waters too. Only where a share is seen is anything added.

    Parameters
    ----------
    shares
        (candidate, 4 or 5, sample): as from `deepened`, with or without the strip of bars.
    """
    deck, side, shadow, water = levels.structure
    terms = [
        (DECK, deck, correlation[0]),
        (SIDE, side, correlation[0]),
        (SHADOW, shadow, correlation[1]),
        (WATER, water, correlation[1]),
        (SIDE, levels.bands, correlation[2]),
    ]
    if shares.shape[1] > 4:
        terms.append((4, levels.bar, correlation[3]))
    for which, scale, kernel in terms:
        weight = scale * shares[:, which]
        seen = np.flatnonzero(weight.max(axis=0) > UNSEEN * scale)
        if scale <= 0.0 or seen.size == 0:
            continue
        part = slice(int(seen[0]), int(seen[-1]) + 1)
        weight = weight[:, part]
        term = kernel[part, part] * weight[:, :, None]
        term *= weight[:, None, :]
        K[:, part, part] += term


def structure(shares: Array, levels: Levels, correlation: Array) -> Array:
    """(candidate, sample, sample) covariance of structure."""
    n = shares.shape[-1]
    K = np.zeros((len(shares), n, n))
    add_structure(K, shares, levels, correlation)
    return K


def noise_covariance(v: Array, error: Array) -> Array:
    """Covariance of the binned means: near neighbours share a part, as resampling makes them."""
    gap = (v[:, None] - v[None, :]) / max(0.8, float(np.median(np.diff(v))))
    shared, own = NOISE
    return np.asarray(np.outer(error, error) * (shared * np.exp(-0.5 * gap**2) + own * np.eye(len(v))))


def posterior_levels(
    data: tuple[Array, Array, Array],
    shares: Array,
    edge: float,
    levels: Levels,
    correlation: Array,
    shades: Shades | None = None,
) -> tuple[Array, Array]:
    """Fitted levels (6,) and the fitted profile without structure (sample,) of one candidate.

    The profile is that with the likeliest of the plates whose `shades` are given.
    """
    v, value, noise = data
    columns = design(shares[0], v, np.array([edge]))[0]
    mean, spread = level_priors(levels)
    ring = tolerances(shares, levels)[0]
    K = noise + structure(deepened(shares[0], v, np.array([edge])), levels, correlation)[0]
    K = K + ring.T @ ring
    lost = np.zeros_like(v)
    if shades is not None:
        taken = _taken(shades, levels)[0][:, 0]
        loose = columns * spread[:, None]
        residual = value - mean @ columns + taken
        misfit = (residual * np.linalg.solve(K + loose.T @ loose, residual.T).T).sum(axis=1)
        lost = taken[int(np.argmin(misfit - 2 * LOG_SHARES))]
    solved = np.linalg.solve(K, np.column_stack([columns.T, value + lost - mean @ columns]))
    normal = columns @ solved[:, :-1] + np.diag(1.0 / spread**2)
    found = mean + np.linalg.solve(normal, columns @ solved[:, -1])
    return found, found @ columns - lost
