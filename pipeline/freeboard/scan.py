"""Candidates for freeboard and deck edge of one side: their likelihood, and the coarse pass over all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.evidence import log_evidence, noise_covariance, posterior_levels
from pipeline.freeboard.model import (
    DECK,
    Levels,
    SideShifts,
    kernels,
    scaled,
    step_up,
    variants,
)
from pipeline.freeboard.plates import Shades, plate_shades

Array = npt.NDArray[np.float64]

FLOOR = -1e4
PLAUSIBLE = 40.0
"""Coarse cells this far below the best are not looked at again with better beliefs [nats]."""
HOPELESS = 80.0
"""Every other cell of the coarse pass is looked at first; what lies beside those this far below the best is
not [nats]."""
BLOCK = 256
"""Candidates whose masks are drawn at once."""
CHUNK = 60_000
"""Numbers in one covariance matrix times candidates that are worked on at once: fits a core's cache."""
LEAST = 0.1
"""Shade per metre of height from which plates beside the edge are weighed [1]."""
SLANT = 2.2
"""Way of light down to a depth and up again, aslant, in that depth [1]."""


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
    absorption: tuple[float, ...]
    """Per band: of pure water [1/m]."""
    bin_width: float
    gsd: float
    edge: tuple[float, float]
    """Mean and spread of where the deck edge may lie [m]."""
    top: float
    """Largest freeboard looked at [m]."""
    midbody: float
    """Length averaged over [m]."""
    cut: bool
    """Something that is neither hull nor water ends it."""
    extremes: tuple[tuple[float, float, float], ...]
    """Per band: the darkest that is seen about the ship, the brightest that is not narrow where the side may
    be, and the brightest of all about the deck's edge."""
    shade_odds: float = 1.0
    """How much likelier the deck looks as it does if gear shades it up to its edge [1]."""


class Setting(NamedTuple):
    """What is held fixed while candidates are compared."""

    blur: float
    """[m]"""
    z_eff: float
    """Depth from which light would come back if water did not absorb: turbidity, one for all bands [m]."""
    smear: float
    """Of freeboard along the mid-body, relative to shifts [m]."""
    texture: float = 1.0
    shaded: tuple[float, float] = (0.0, 1.0)
    """Width of the deck beside its edge that lies in the shade of a bulwark [m], and the light there [1]."""
    plates: bool = False
    """Whether plates beside the edge are weighed: not while candidates are only sought."""


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
    window: Window, shifts: SideShifts, state: tuple[Array, Array], setting: Setting
) -> tuple[Array, Array]:
    """(log likelihood, chi-square per sample) of candidates, bands combined by their weights."""
    beliefs = [scaled(levels, setting.texture) for levels in window.levels]
    correlation = kernels(window.v, setting.blur)
    F, e = state
    total, chi2 = np.zeros(len(F)), np.zeros(len(F))
    noise = [noise_covariance(window.v, errors) for errors in window.errors]
    chunk = int(np.clip(CHUNK // len(window.v) ** 2, 8, 128))
    for begin in range(0, len(F), BLOCK):
        block = slice(begin, begin + BLOCK)
        shares = band_variants(window, shifts, (F[block], e[block]), setting)
        shades = edge_shades(window, shifts, (F[block], e[block]), setting)
        for start in range(0, shares[0].shape[1], chunk):
            part = slice(begin + start, begin + min(start + chunk, shares[0].shape[1]))
            for k, levels in enumerate(beliefs):
                data = (window.v, window.values[k], noise[k])
                some = shares[k][:, start : start + chunk]
                if setting.shaded[0] > 0.0:
                    some = _in_shade(some, window, k, e[part], setting)
                taken = None if shades is None else shades.part(slice(start, start + chunk))
                value, chi = log_evidence(data, some, e[part], levels, correlation, taken)
                total[part] += window.weights[k] * value
                chi2[part] += chi / len(window.levels)
    mean, spread = window.edge
    return total - 0.5 * ((e - mean) / spread) ** 2, chi2


def band_variants(
    window: Window, shifts: SideShifts, state: tuple[Array, Array], setting: Setting
) -> list[Array]:
    """Per band, `variants` at the depth from which its light comes back: near infrared enters centimetres.

    Light fades on its way down and up by what is in the water, alike in all bands, and by the water itself.
    """
    found: dict[float, Array] = {}
    out = []
    for absorption in window.absorption:
        depth = 1.0 / (1.0 / setting.z_eff + SLANT * absorption) if shifts.tail > 0.0 else setting.z_eff
        if depth not in found:
            found[depth] = variants(window.v, shifts, state, (setting.blur, depth, setting.smear))
        out.append(found[depth])
    return out


def edge_shades(
    window: Window, shifts: SideShifts, state: tuple[Array, Array], setting: Setting
) -> Shades | None:
    """What plates beside the deck's edge take, where the sun is behind them and no bulwark stands there."""
    if not setting.plates or shifts.shade < LEAST or setting.shaded[0] > 0.0:
        return None
    return plate_shades(window.v, shifts, state, setting.blur)


def _in_shade(shares: Array, window: Window, band: int, edge: Array, setting: Setting) -> Array:
    """The shares with the deck beside its edge darkened to what the sky alone lights."""
    deck, dark = window.levels[band].deck[0], window.extremes[band][0]
    width, light = setting.shaded
    lost = 1.0 - min((dark + light * (deck - dark)) / max(deck, 1e-6), 1.0)
    inner = (edge - width)[:, None]
    dimmed = shares.copy()
    dimmed[:, :, DECK] *= 1.0 - lost * step_up(window.v[None, :], inner, np.full_like(inner, setting.blur))
    return dimmed


def scan_side(window: Window, shifts: SideShifts, *, reach: float | None = None) -> Scan:
    """The coarse pass: freeboards and deck edges in steps of the blur, and none beside hopeless ones.

    Parameters
    ----------
    reach
        The furthest edge per metre of freeboard to make room for [1]; geometries whose evidence is to be
        compared must see the same samples, in every band. Without it the first band alone is looked at.
    """
    rough = _seen_by(coarsen(window, max(0.8, 0.6 * window.gsd)), shifts.reach if reach is None else reach)
    rough = _first_band(rough) if reach is None else rough
    setting = Setting(gaussian_blur(rough, 0.65), 0.15, smear_of(window))
    F, e = _nodes(rough, shifts, setting, share=1.0)
    every = np.zeros((len(F), len(e)), dtype=np.bool_)
    every[::2, ::2] = True
    found = _scan(rough, shifts, setting, (F, e, every))
    near = widen(found.value > found.value.max() - HOPELESS, corners=True) & ~every
    return Scan(F, e, np.maximum(found.value, _scan(rough, shifts, setting, (F, e, near)).value))


def best_of(scan: Scan) -> tuple[float, float]:
    """(freeboard, deck edge) of the likeliest candidate [m]."""
    i, j = np.unravel_index(int(scan.value.argmax()), scan.value.shape)
    return float(scan.F[i]), float(scan.e[j])


def rescan_side(window: Window, shifts: SideShifts, scan: Scan) -> Scan:
    """A finer pass over what the coarse one, with other beliefs, left plausible."""
    rough = _seen_by(coarsen(window, max(0.8, 0.6 * window.gsd)), shifts.reach)
    setting = Setting(gaussian_blur(rough, 0.65), 0.15, smear_of(window))
    F, e = _nodes(rough, shifts, setting, share=0.6)
    near = scan.value > scan.value.max() - PLAUSIBLE
    return _scan(rough, shifts, setting, (F, e, near_cells(near, (scan.F, scan.e), (F, e))))


def _first_band(window: Window) -> Window:
    return replace(
        window,
        values=window.values[:1],
        errors=window.errors[:1],
        levels=window.levels[:1],
        weights=(1.0,),
        absorption=window.absorption[:1],
        extremes=window.extremes[:1],
    )


def _seen_by(window: Window, reach: float) -> Window:
    """Only what the candidates of a scan can explain, and some water beyond."""
    mean, spread = window.edge
    last = mean + 2.0 * spread + window.top * reach + 5.0 + 3 * window.gsd
    keep = window.v <= last
    return replace(window, v=window.v[keep], values=window.values[:, keep], errors=window.errors[:, keep])


def with_seen_levels(window: Window, shifts: SideShifts, scan: Scan) -> Window:
    """The window with what each band shows at the best candidate of the coarse pass."""
    F, e = best_of(scan)
    rough = _seen_by(coarsen(window, max(0.8, 0.6 * window.gsd)), shifts.reach)
    setting = Setting(gaussian_blur(rough, 0.65), 0.15, smear_of(window))
    shares = band_variants(rough, shifts, (np.array([F]), np.array([e])), setting)
    correlation = kernels(rough.v, setting.blur)
    found = []
    for k, levels in enumerate(window.levels):
        data = (rough.v, rough.values[k], noise_covariance(rough.v, rough.errors[k]))
        level = posterior_levels(data, shares[k], e, levels, correlation)[0]
        deck, side, shadow, water = (max(float(level[m]), 1e-4) for m in (0, 2, 3, 4))
        found.append(replace(levels, seen=(deck, side, shadow, water)))
    return replace(window, levels=tuple(found))


def seen_levels(window: Window) -> Levels:
    """The beliefs of the first band about what it shows."""
    known = window.levels[0]
    if known.seen is None:
        return known
    deck, side, shadow, water = known.seen
    return replace(
        known,
        deck=(deck, known.deck[1]),
        side=(side, known.side[1]),
        shadow=(shadow, known.shadow[1]),
        water=(water, known.water[1]),
    )


def coarse_evidence(scan: Scan, grid: Array) -> Array:
    """(freeboard,) log evidence of one side from the coarse pass alone [nats]."""
    total = np.logaddexp.reduce(scan.value, axis=1) + np.log(scan.e[1] - scan.e[0])
    return np.interp(grid, scan.F, total) if len(scan.F) > 1 else np.full_like(grid, total[0])


def smear_of(window: Window) -> float:
    """Standard deviation of the freeboard along the mid-body by an ordinary trim [m]."""
    return float(0.003 * window.midbody / np.sqrt(12.0))


def _nodes(window: Window, shifts: SideShifts, setting: Setting, *, share: float) -> tuple[Array, Array]:
    """(freeboards, deck edges) of a scan, in steps of `share` of the blur."""
    mean, spread = window.edge
    low = max(mean - 2.0 * spread, float(window.v[0]) + 1.0)
    high = max(min(mean + 2.0 * spread, float(window.v[-1]) - 0.7), low + setting.blur)
    e = steps_between(low, high, share * setting.blur)
    if shifts.reach > 0.03:
        step = float(np.clip(share * setting.blur / shifts.reach, 0.1, 0.5))
        F = steps_between(0.0, window.top, step)
    else:
        F = np.array([0.3 * window.top])
    return F, e


def _scan(
    window: Window,
    shifts: SideShifts,
    setting: Setting,
    nodes: tuple[Array, Array, npt.NDArray[np.bool_]],
) -> Scan:
    F, e, wanted = nodes
    value = np.full(wanted.shape, FLOOR)
    rows, cols = np.nonzero(wanted)
    value[rows, cols] = evaluate(window, shifts, (F[rows], e[cols]), setting)[0]
    return Scan(F, e, value)


def near_cells(
    near: npt.NDArray[np.bool_], old: tuple[Array, Array], new: tuple[Array, Array]
) -> npt.NDArray[np.bool_]:
    """The fine cells that lie in or beside kept coarse cells."""
    wide = widen(near, corners=True)
    i = np.clip(np.round(np.interp(new[0], old[0], np.arange(len(old[0])))).astype(int), 0, len(old[0]) - 1)
    j = np.clip(np.round(np.interp(new[1], old[1], np.arange(len(old[1])))).astype(int), 0, len(old[1]) - 1)
    return np.asarray(wide[np.ix_(i, j)])


def widen(chosen: npt.NDArray[np.bool_], *, corners: bool) -> npt.NDArray[np.bool_]:
    """Every node beside a chosen one as well, across corners or not."""
    import cv2

    shape = cv2.MORPH_RECT if corners else cv2.MORPH_CROSS
    kernel = cv2.getStructuringElement(shape, (3, 3))
    return np.asarray(cv2.dilate(chosen.astype(np.uint8), kernel) > 0)


def steps_between(low: float, high: float, step: float) -> Array:
    """Even steps from `low` to `high`, no longer than `step`."""
    n = max(2, int(np.ceil((high - low) / step)) + 1)
    return np.linspace(low, high, n)
