"""One side of the hull: the likelihood over freeboard and deck edge, coarse first, then fine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.evidence import noise_covariance, posterior_levels
from pipeline.freeboard.model import (
    SideShifts,
    kernels,
    scaled,
)
from pipeline.freeboard.scan import (
    FLOOR,
    Scan,
    Setting,
    Window,
    band_variants,
    coarse_evidence,
    edge_shades,
    evaluate,
    gaussian_blur,
    near_cells,
    smear_of,
    steps_between,
    widen,
)

Array = npt.NDArray[np.float64]

KEEP = 20.0
"""Coarse cells this far below the best are not looked at again [nats]."""
ROWS = 12.0
"""Freeboards this far below the best keep what one blur and one depth of light say of them [nats]."""
UNLIKELY = 5.0
"""Blurs and textures this far below the best, where each mode stands best, are left out [nats]."""
FAINT = 10.0
"""Candidates this far below the best at one depth of light are not asked at the others [nats]."""
ROWS_AT_MOST = 100
"""Freeboards in the fine pass: where it must still look over many metres, a tenth of one is fine enough."""
RIDGE = 6.0
"""Deck edges this far below the best of their freeboard are not looked at again [nats]."""
Z_EFFS = ((0.2, 0.4), (0.06, 0.3), (0.45, 0.22), (0.9, 0.08))
"""Depths from which what is in the water sends light back [m] with their prior weights, likeliest first: a
turbid port has 0.1 to 0.3, blue water more than one. Water itself lets red and infrared less deep."""
TEXTURES = ((0.25, 0.25), (0.5, 0.25), (1.0, 0.3), (2.0, 0.2))
"""How strong structure in paint may be against what the deck shows, with prior weights [1]."""
EDGE_MARGIN, TAILS = 2.5, 1.0
"""Blurs about an edge, and depths of the water's light [m] beyond it, within which bins stay as they are."""
USUAL = 2
"""Of `TEXTURES`: the likeliest."""
BLURS_PX = (0.3, 0.5, 0.75, 1.1)
"""Standard deviations of the optics and resampling, without the pixel's own box."""
BLUR_SHARES = (0.2, 0.35, 0.3, 0.15)
"""Their prior weights."""
DEEPEST = -80.0
"""Floor of log likelihoods in a side's table [nats]."""
PLACE_STEP = 0.05
"""Of the deck edge in the table that both sides are combined with [m]."""
STEEPEST = 60.0
"""Steepest fall between neighbouring nodes that is believed [nats]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SideFit:
    """What one side says."""

    shifts: SideShifts
    freeboards: Array
    """[m]"""
    log_likelihood: Array
    """(freeboard,) deck edge and nuisances integrated out."""
    table: Array
    """(freeboard, deck edge) log likelihood, nuisances integrated out, maximum 0."""
    places: Array
    """(deck edge,) of `table` [m]."""
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
    misfit: float
    """The same with the strongest structure that paint may have."""
    fitted: Array
    """(band, sample)"""
    levels: Array
    """(band, 6)"""
    window: Window


def fit_side(window: Window, shifts: SideShifts, grid: Array, scan: Scan, *, exact: bool = False) -> SideFit:
    """The likelihood of one side on the freeboards of `grid` [m].

    Parameters
    ----------
    exact
        Ask every candidate at every depth of light, which takes half as long again.
    """
    smear = smear_of(window)
    F, e, value = scan
    near = value > value.max() - KEEP
    rows, cols = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    step_F, step_e = (F[1] - F[0] if len(F) > 1 else 0.0), e[1] - e[0]
    low_F, high_F = max(F[rows[0]] - step_F, F[0]), min(F[rows[-1]] + step_F, F[-1])
    low_e, high_e = e[cols[0]] - step_e, e[cols[-1]] + step_e
    whole = _narrow(window, shifts, (low_e, high_e), high_F)
    blur = gaussian_blur(whole, 0.5)
    cells = np.nonzero(near)
    fine = _focus(whole, shifts, (F[cells[0]], e[cells[1]]), max(step_e, step_F * shifts.reach))
    looks = _likely_settings(fine, shifts, _modes(F, e, value), smear)
    step = max(0.4 * blur / max(shifts.reach, 0.05), (high_F - low_F) / ROWS_AT_MOST)
    fine_F = steps_between(low_F, high_F, step) if shifts.reach > 0.03 else F[:1]
    fine_e = steps_between(low_e, high_e, 0.5 * blur)
    nodes = (fine_F, fine_e)
    blur_px, texture, _ = looks[0]
    setting = Setting(gaussian_blur(fine, blur_px), 0.2, smear, texture, plates=True)
    sketch = _sketch(fine, shifts, nodes, near_cells(near, (F, e), nodes), setting)
    wanted = _ridge(sketch)
    waters = Z_EFFS if shifts.tail > 0.0 else ((0.1, 1.0),)
    settings = [
        Setting(gaussian_blur(fine, b), z, smear, t, plates=True) for b, t, _ in looks for z, _ in waters
    ]
    weights = np.array([weight * share for _, _, weight in looks for _, share in waters])
    pairs = np.nonzero(wanted)
    some = _over_settings(fine, shifts, (fine_F[pairs[0]], fine_e[pairs[1]]), settings, exact=exact)
    some += np.log(weights)[:, None]
    table = sketch + np.log(weights.sum())
    table[pairs] = np.logaddexp.reduce(some, axis=0)
    best = settings[int(some.max(axis=1).argmax())]
    fit = _finish(whole, shifts, (grid, fine_F), (table, fine_e, best))
    return replace(fit, evidence=coarse_evidence(scan, grid))


def _over_settings(
    window: Window,
    shifts: SideShifts,
    state: tuple[Array, Array],
    settings: list[Setting],
    *,
    exact: bool,
) -> Array:
    """(setting, candidate) log likelihood.

    Candidates far below the best at one blur, texture and depth of light are not asked at the other depths,
    unless `exact`.
    """
    found = np.zeros((len(settings), len(state[0])))
    for k, setting in enumerate(settings):
        if exact or setting.z_eff == settings[0].z_eff:
            start, asked = k, np.arange(len(state[0]))
        else:
            found[k] = found[start]
            asked = np.flatnonzero(found[start] > found[start].max() - FAINT)
        found[k, asked] = evaluate(window, shifts, (state[0][asked], state[1][asked]), setting)[0]
    return found


def _sketch(
    window: Window,
    shifts: SideShifts,
    nodes: tuple[Array, Array],
    wanted: npt.NDArray[np.bool_],
    setting: Setting,
) -> Array:
    """(freeboard, deck edge) log likelihood at every other node, bilinear between them."""
    F, e = nodes
    rows, cols = (np.unique(np.append(np.arange(0, len(x), 2), len(x) - 1)) for x in nodes)
    chosen = np.nonzero(widen(wanted, corners=False)[np.ix_(rows, cols)])
    table = np.full((len(rows), len(cols)), FLOOR)
    table[chosen] = evaluate(window, shifts, (F[rows[chosen[0]]], e[cols[chosen[1]]]), setting)[0]
    if len(rows) == 1:
        return np.asarray(np.interp(e, e[cols], table[0]))[None, :]
    along_e = np.stack([np.interp(e, e[cols], row) for row in table])
    return np.stack([np.interp(F, F[rows], column) for column in along_e.T], axis=1)


def _ridge(sketch: Array) -> npt.NDArray[np.bool_]:
    """The nodes that carry the integral over the deck edge, in the rows that matter."""
    along = sketch.max(axis=1, keepdims=True)
    keep = (sketch > along - RIDGE) & (along > along.max() - ROWS)
    return widen(keep, corners=True)


def _narrow(window: Window, shifts: SideShifts, edges: tuple[float, float], top: float) -> Window:
    """Only what the remaining candidates need: the deck's edge region and enough water beyond."""
    first = edges[0] - 3.0 - 1.5 * window.gsd
    last = edges[1] + top * shifts.reach + 5.0 + 3 * window.gsd
    keep = (window.v >= first) & (window.v <= last)
    return replace(window, v=window.v[keep], values=window.values[:, keep], errors=window.errors[:, keep])


def _focus(window: Window, shifts: SideShifts, state: tuple[Array, Array], step: float) -> Window:
    """The window with bins joined by threes where no edge of any candidate can be.

    Parameters
    ----------
    state
        (freeboard, deck edge) of the candidates [m].
    step
        How far edges may lie from those of the nearest candidate [m].
    """
    F, e = state
    margin = EDGE_MARGIN * gaussian_blur(window, BLURS_PX[2]) + step
    places = np.concatenate([e, e + F * shifts.alpha, e + F * shifts.beta])
    far = np.searchsorted(np.sort(places), window.v - margin - TAILS * shifts.tail)
    busy = np.searchsorted(np.sort(places), window.v + margin) > far
    group, held = np.zeros(len(window.v), dtype=np.intp), 0
    for k in range(1, len(group)):
        held = 0 if busy[k] or busy[k - 1] or held == 2 else held + 1
        group[k] = group[k - 1] + (held == 0)
    count = np.bincount(group)

    def joined(x: Array) -> Array:
        return np.stack([np.bincount(group, weights=row) for row in np.atleast_2d(x)]) / count

    return replace(
        window,
        v=joined(window.v)[0],
        values=joined(window.values),
        errors=joined(window.errors) / count**0.25,
    )


def _modes(F: Array, e: Array, value: Array) -> list[tuple[float, float]]:
    """(freeboard, deck edge) where settings are chosen: up to three maxima, then what is far from them."""
    along = value.max(axis=1)
    padded = np.concatenate([[-np.inf], along, [-np.inf]])
    peaks = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] >= padded[2:]))
    order = peaks[np.argsort(-along[peaks], kind="stable")][:3]
    chosen = [int(k) for k in order if along[k] > along.max() - KEEP]
    plausible = np.flatnonzero(along > along.max() - 0.5 * KEEP)
    while len(chosen) < 4 and plausible.size:
        apart = np.abs(F[plausible][:, None] - F[chosen][None, :]).min(axis=1)
        if apart.max() < 0.8:
            break
        chosen.append(int(plausible[apart.argmax()]))
    return [(float(F[k]), float(e[value[k].argmax()])) for k in chosen]


def _likely_settings(
    window: Window, shifts: SideShifts, modes: list[tuple[float, float]], smear: float
) -> list[tuple[float, float, float]]:
    """(blur of the optics [pixel], texture, prior weight): the best of each mode, best mode first."""
    edges = [e for _, e in modes]
    near = _narrow(window, shifts, (min(edges) - 1.0, max(edges) + 1.0), max(F for F, _ in modes))
    blur = gaussian_blur(near, 0.5)
    F0 = np.array([-0.5, 0.0, 0.5]) * blur / max(shifts.reach, 0.1)
    e0 = np.array([-0.9, -0.5, -0.2, 0.2, 0.5, 0.9]) * blur
    pairs = [np.meshgrid(np.maximum(F + F0, 0.0), e + e0) for F, e in modes]
    state = (np.concatenate([p[0].ravel() for p in pairs]), np.concatenate([p[1].ravel() for p in pairs]))
    found = evaluate(near, shifts, state, Setting(gaussian_blur(near, 0.5), 0.2, smear))[0]
    # where a mode stands best hardly depends on the setting: three candidates of each are enough
    order = np.argsort(-found.reshape(len(modes), -1), axis=1, kind="stable")[:, :3]
    some = (order + np.arange(len(modes))[:, None] * (len(found) // len(modes))).ravel()
    state = (state[0][some], state[1][some])
    choices = [
        (blur_px, texture, first * second)
        for blur_px, first in zip(BLURS_PX, BLUR_SHARES, strict=True)
        for texture, second in TEXTURES
    ]
    scores = np.full((len(choices), len(modes)), -np.inf)

    def score(chosen: list[int]) -> None:
        for k in chosen:
            blur_px, texture, weight = choices[k]
            setting = Setting(gaussian_blur(near, blur_px), 0.2, smear, texture)
            found = evaluate(near, shifts, state, setting)[0]
            scores[k] = found.reshape(len(modes), -1).max(axis=1) + np.log(weight)

    usual = [k for k, choice in enumerate(choices) if choice[1] == TEXTURES[USUAL][0]]
    score(usual)
    sharp = {choices[int(k)][0] for k in scores.argmax(axis=0)}
    score([k for k, choice in enumerate(choices) if choice[0] in sharp and k not in usual])
    best = scores.argmax(axis=0)[np.argsort(-scores.max(axis=0), kind="stable")]
    kept = list(dict.fromkeys([int(k) for k in best] + [int(k) for k in np.argsort(-scores.max(axis=1))[:2]]))
    likely = scores.max() - UNLIKELY
    return [choices[k] for k in kept[:3] if k == kept[0] or scores[k].max() > likely]


def _finish(
    window: Window,
    shifts: SideShifts,
    freeboards: tuple[Array, Array],
    found: tuple[Array, Array, Setting],
) -> SideFit:
    """Integrate the deck edge out of the table, carry the result to the common grid, fit the best profile."""
    grid, F = freeboards
    coarse, e, setting = found
    places = np.arange(e[0], e[-1] + PLACE_STEP / 2, PLACE_STEP)
    rows = np.stack([_along_edges(places, e, row) for row in coarse - coarse.max()])
    table = np.repeat(rows, len(grid), axis=0) if len(F) == 1 else _to_grid(grid, F, rows)
    log_likelihood = np.logaddexp.reduce(table, axis=1)
    edges = places[table.argmax(axis=1)]
    k = int(np.argmax(log_likelihood)) if len(F) > 1 else int(np.searchsorted(grid, F[0]))
    best_F, best_e = float(grid[k]), float(edges[k])
    state = (np.array([best_F]), np.array([best_e]))
    strongest = setting._replace(texture=max(t for t, _ in TEXTURES))
    chi2, misfit = (float(evaluate(window, shifts, state, x)[1][0]) for x in (setting, strongest))
    levels, fitted = _fitted(window, shifts, state, setting)
    return SideFit(
        shifts=shifts,
        freeboards=grid,
        log_likelihood=np.maximum(log_likelihood - log_likelihood.max(), -60.0),
        table=table - table.max(),
        places=places,
        edges=edges,
        evidence=log_likelihood,
        best=(best_F, best_e),
        blur=setting.blur,
        z_eff=setting.z_eff,
        chi2=chi2,
        misfit=misfit,
        fitted=fitted,
        levels=levels,
        window=window,
    )


def _fitted(
    window: Window, shifts: SideShifts, state: tuple[Array, Array], setting: Setting
) -> tuple[Array, Array]:
    """(band, level) and (band, sample): levels and profile of one candidate."""
    correlation = kernels(window.v, setting.blur)
    shares = band_variants(window, shifts, state, setting)
    shades = edge_shades(window, shifts, state, setting)
    found = []
    for k, levels in enumerate(window.levels):
        data = (window.v, window.values[k], noise_covariance(window.v, window.errors[k]))
        believed = scaled(levels, setting.texture)
        found.append(posterior_levels(data, shares[k], float(state[1][0]), believed, correlation, shades))
    return np.stack([f[0] for f in found]), np.stack([f[1] for f in found])


def _along_edges(places: Array, e: Array, row: Array) -> Array:
    """(place,) log likelihood between the nodes of one row: parabolas about its three best maxima."""
    n, step = len(row), float(e[1] - e[0])
    if n < 3:
        return np.asarray(np.maximum(np.interp(places, e, row), DEEPEST))
    inner = row[1:-1]
    peaks = np.flatnonzero((inner >= row[:-2]) & (inner >= row[2:])) + 1
    peaks = np.unique(np.append(peaks, np.clip(row.argmax(), 1, n - 2)))
    out = np.full(len(places), 2 * DEEPEST)
    for k in peaks[np.argsort(-row[peaks], kind="stable")][:3]:
        a, b, c = (float(row[k + d]) for d in (-1, 0, 1))
        # a neighbour that was not looked at says nothing of the slope: the peak is taken as even
        a, c = (x if x > b - STEEPEST else max(y, b - STEEPEST) for x, y in ((a, c), (c, a)))
        bend = min(a - 2 * b + c, -1e-2)
        shift = float(np.clip(0.5 * (a - c) / bend, -1.0, 1.0))
        top = b - 0.125 * (a - c) ** 2 / bend if abs(shift) < 1.0 else max(a, c)
        width = float(np.clip(step / np.sqrt(-bend), 0.6 * PLACE_STEP, 1.5))
        out = np.maximum(out, top - 0.5 * ((places - e[k] - shift * step) / width) ** 2)
    return np.asarray(np.maximum(out, DEEPEST))


def _to_grid(grid: Array, F: Array, rows: Array) -> Array:
    """(freeboard, place) carried from the rows at `F` to the grid; deep outside of them."""
    place = (grid - F[0]) / (F[1] - F[0])
    k = np.clip(np.floor(place).astype(np.intp), 0, len(F) - 2)
    t = (place - k)[:, None]
    table = (1 - t) * rows[k] + t * rows[k + 1]
    outside = (place < -1e-6) | (place > len(F) - 1 + 1e-6)
    return np.asarray(np.where(outside[:, None], DEEPEST, table))
