"""From a cross-hull profile to the two windows that are fitted: levels believed, foreign bodies cut away."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.constants import WATER_ABSORPTION
from pipeline.datatypes import BoolArray, Detection
from pipeline.freeboard.model import Levels, SideShifts
from pipeline.freeboard.scan import Window
from pipeline.freeboard.strip import CrossProfile, Strip, brighter_than_water

Array = npt.NDArray[np.float64]

PANSHARPENED = 0.25
"""Share of fine detail that is a band's own, below which bands are one camera's picture, tinted [1]."""


_CLEARER = 1.5
"""Green is taken for red where it parts side and deck this much better [1]."""
_PLAIN = 1.5
"""Contrast of side and deck from which a band shows the side at all, in the deck's spread [1]."""
SHADOW = (0.5, 0.22)
"""Light of a shadow on water that was not looked at: mean and spread, in the water's light [1]."""
WALL_SKY = 0.16
"""Light on a wall in the shade against that on a horizontal plane in the sun [1]."""
MARGIN = 1.3
"""Against deck and sea, whichever is brighter: a line about the edge that outshines it is other paint [1]."""


MIXED = {"pan": 0.1, "mean": 0.06}
"""Absorption of water in the light of several bands: where most of the water's own light comes from [1/m]."""


PLAINLY = 2.5
"""Root mean square of the profile inside a hull, in that of waves alone, from which something is there: some
ten independent stretches of sea, glitter among them, stay below two [1]."""


class Channel(NamedTuple):
    """A mixture of bands that is fitted as one."""

    name: str
    mix: tuple[float, ...]
    """Per band of the chip."""
    weight: float
    """Of its log likelihood."""

    @property
    def absorption(self) -> float:
        """Of pure water in this light [1/m]; as of a mixture where it is not known."""
        return MIXED.get(self.name, WATER_ABSORPTION.get(self.name, MIXED["mean"]))


PREFERRED = ("red", "nir", "pan", "green", "b1", "b2", "b3", "blue")
"""Red water is opaque after a metre or two, near infrared water is black: crisp edges first."""


def choose_channels(
    bands: tuple[str, ...], pixels: Array, across: Array, *, coarse: bool = False
) -> tuple[Channel, ...]:
    """What is fitted: at most two channels, each a mixture of bands with its weight in the log likelihood.

    Bands see the same paint and the same waves: two of them are counted as 1.3 independent looks. In a
    pansharpened product the colours are coarser than the pixels and leave halos beside every edge; only
    the sum of the bands carries what the panchromatic camera saw. Red is taken for the shadow's sake; where
    a side in the sun is of the deck's brightness in red but not in green, green tells them apart.

    Parameters
    ----------
    pixels
        (band, point) within the ship's outline, in the order along a row of the image.
    across
        (point,) to starboard of the outline's middle, in half beams [1].
    """
    if "pan" in bands:
        return (_single(bands, "pan", 1.0),)
    if "red" in bands and "nir" in bands:
        if not coarse and is_pansharpened(pixels[bands.index("red")], pixels[bands.index("nir")]):
            return (Channel("mean", tuple(1.0 / len(bands) for _ in bands), 1.0),)
        first = "red"
        if "green" in bands:
            red, green = (_side_contrast(pixels[bands.index(name)], across) for name in ("red", "green"))
            first = "green" if green > max(_CLEARER * red, _PLAIN) else "red"
        return _single(bands, first, 0.7), _single(bands, "nir", 0.6)
    for name in PREFERRED:
        if name in bands:
            return (_single(bands, name, 1.0),)
    return (_single(bands, bands[0], 1.0),)


def _side_contrast(plane: Array, across: Array) -> float:
    """How far the rim of an outline, port or starboard, differs from its deck, in the deck's own spread."""
    deck = plane[(np.abs(across) > 0.3) & (np.abs(across) < 0.75)]
    rims = [plane[(sign * across > 0.86) & (sign * across < 0.98)] for sign in (1, -1)]
    if len(deck) < 30 or min(len(rim) for rim in rims) < 10:
        return 0.0
    middle = float(np.median(deck))
    spread = max(1.4826 * float(np.median(np.abs(deck - middle))), 0.02 * middle, 1e-4)
    return max(abs(float(np.median(rim)) - middle) for rim in rims) / spread


def _single(bands: tuple[str, ...], name: str, weight: float) -> Channel:
    return Channel(name, tuple(float(b == name) for b in bands), weight)


def is_pansharpened(red: Array, nir: Array) -> bool:
    """Red and near infrared differ by a smooth factor only: fine detail of one is that of the other."""

    def detail(plane: Array) -> Array:
        log = np.log(np.maximum(plane, 1e-3))
        return np.asarray(log[1:-1] - 0.5 * (log[2:] + log[:-2]))

    first, second = detail(red), detail(nir)
    strong = np.abs(first) + np.abs(second)
    keep = strong > np.quantile(strong, 0.9)
    apart = float(((first - second)[keep] ** 2).mean())
    return apart < PANSHARPENED * float((first[keep] ** 2 + second[keep] ** 2).mean())


def water_levels(strip: Strip, outside: float, count: int) -> Array | None:
    """(channel, 2) median and spread of open water beyond `outside` [m]: where the first `count` are dark."""
    found = []
    for side in (1, -1):
        keep = strip.usable & (side * strip.across > outside)
        if keep.sum() >= 40:
            part = strip.values[:, keep]
            middle = np.median(part, axis=1)
            found.append(
                np.stack([middle, 1.4826 * np.median(np.abs(part - middle[:, None]), axis=1)], axis=1)
            )
    if not found:
        return None
    return np.asarray(min(found, key=lambda f: float(f[:count, 0].sum())))


def with_waves(water: Array, profile: CrossProfile, outside: float) -> Array:
    """(channel, 5): `water_levels`, the waves, and what a shadow is believed to keep of the light.

    Waves: how much the mean profile of open water varies on the calmer side. A shadow: mean and spread.
    """
    found = []
    for side in (1, -1):
        far = profile.value[:, side * profile.u > outside]
        if far.shape[1] >= 8:
            middle = np.median(far, axis=1, keepdims=True)
            found.append(1.4826 * np.median(np.abs(far - middle), axis=1))
    waves = np.min(found, axis=0) if found else 0.3 * water[:, 1]
    return np.column_stack([water, waves, SHADOW[0] * water[:, 0], SHADOW[1] * water[:, 0]])


def stands_out(profile: CrossProfile, water: Array, half: float) -> bool:
    """Whether the profile within `half` [m] of the centreline differs from the sea by more than waves do."""
    inside = np.abs(profile.u) < half
    if not inside.any():
        return False
    gap = profile.value[:, inside] - water[:, :1]
    noise = np.maximum(water[:, 2], np.median(profile.error, axis=1))
    return bool((np.sqrt((gap**2).mean(axis=1)) > PLAINLY * noise).any())


def make_window(
    profile: CrossProfile,
    shifts: SideShifts,
    detection: Detection,
    water: Array,
    setting: tuple[tuple[Channel, ...], float, float, float],
) -> Window | None:
    """The samples of one side from inside the deck outwards, or None where too few of them are water.

    Parameters
    ----------
    water
        (band, 5) from `with_waves`.
    setting
        (channels, largest freeboard [m], gsd [m], length averaged over [m]).
    """
    channels, top, gsd, midbody = setting
    half = detection.beam / 2
    spread = 1.2 + 0.07 * detection.beam + 0.5 * gsd
    v = shifts.side * profile.u
    order = np.argsort(v)
    first = max(half - 2 * spread - 4.0, 0.0)
    keep = order[(v[order] >= first) & (profile.share[order] >= 0.5)]
    v, values, errors = v[keep], profile.value[:, keep], profile.error[:, keep]
    if v.size < 12:
        return None
    bright = brighter_than_water(values, water[:, 0], water[:, 2])
    stop, reason = _end_of_water(v, (bright, profile.foreign[keep]), (half, spread, gsd))
    inside = v < stop
    v, values, errors = v[inside], values[:, inside], errors[:, inside]
    if v.size < 12 or v[-1] < half + 0.5 or _sea_at_end(v, values, water, half - 2 * spread) < 1.2:
        return None
    deck = [_deck_level(v, band, half - spread) for band in values]
    extremes = tuple(
        (_darkest(whole), _brightest(v, band, (half, spread)), _margin(v, band, (half, spread)))
        for whole, band in zip(profile.value, values, strict=True)
    )
    levels = tuple(_levels(w, d, shifts, x) for w, d, x in zip(water, deck, extremes, strict=True))
    return Window(
        v=v,
        values=values,
        errors=errors,
        levels=levels,
        weights=tuple(c.weight for c in channels),
        absorption=tuple(c.absorption for c in channels),
        bin_width=profile.width,
        gsd=gsd,
        edge=(half, spread),
        top=top,
        midbody=midbody,
        cut=reason,
        extremes=extremes,
    )


def relevel(window: Window, shifts: SideShifts, water: Array, edge: float) -> Window:
    """The window with the deck believed to be as it looks just inside `edge` [m].

    Pipes, domes and the manifold lie inboard; what must be told from the sea is the waterway along the edge.
    """
    deck = [_deck_level(window.v, band, edge - 0.6 - 0.5 * window.gsd) for band in window.values]
    extremes = window.extremes
    levels = tuple(_levels(w, d, shifts, x) for w, d, x in zip(water, deck, extremes, strict=True))
    return replace(window, levels=levels)


def _deck_level(v: Array, value: Array, inside: float) -> tuple[float, float]:
    """Level of the deck just inside of `inside` [m], and how far it may be from that at the edge."""
    near, more = value[(v < inside) & (v > inside - 2.2)], value[(v < inside) & (v > inside - 4.5)]
    if len(near) < 3:
        near = more = value[: max(4, len(value) // 8)]
    # half from the strip beside the edge, half from further in: neither a gutter nor a pipe rack decides
    level, inboard = float(np.median(near)), float(np.median(more))
    return 0.5 * (level + inboard), float(near.std() + 0.5 * abs(inboard - level))


def _darkest(value: Array) -> float:
    """The darkest stretch of a profile: haze, and what skylight makes of water or paint in shadow."""
    return float(np.convolve(value, np.ones(3) / 3, mode="valid").min())


def _brightest(v: Array, value: Array, place: tuple[float, float]) -> float:
    """The brightest that is not narrow where the side may be."""
    half, spread = place
    near = value[(v > half - 1.5 * spread) & (v < half + spread)]
    return float(np.quantile(near, 0.9)) if near.size else 0.0


def _margin(v: Array, value: Array, place: tuple[float, float]) -> float:
    """The brightest that is seen where the deck's edge may be: a margin plate or gutter."""
    half, spread = place
    near = value[(v > half - 1.5 * spread) & (v < half + 1.5 * spread)]
    return float(near.max()) if near.size else 0.0


def _sea_at_end(v: Array, values: Array, water: Array, start: float) -> float:
    """Length of the stretch, dark as water or darker but for single waves, at the end of a window [m]."""
    above = brighter_than_water(values, water[:, 0], water[:, 2])
    bright = np.flatnonzero(above[:-1] & above[1:] & (v[:-1] > start))
    return float(v[-1] - (v[bright[-1]] if bright.size else start))


def _end_of_water(
    v: Array, seen: tuple[BoolArray, BoolArray], setting: tuple[float, float, float]
) -> tuple[float, bool]:
    """Up to where there is nothing but the hull and water [m], and whether another body ends it.

    Parameters
    ----------
    seen
        (sample,) True where what is fitted is too bright for the sea, and where some band of the image is.
    setting
        (half the beam, spread of the edge, gsd) [m].
    """
    half, spread, gsd = setting
    bright, foreign = seen
    dark = np.flatnonzero(~bright & ~np.append(bright[1:], False) & (v > half - 2 * spread))
    off_hull = max(half + 0.6 * spread, float(v[dark[0]])) if dark.size else half + 0.6 * spread
    starts = [np.inf]
    for which, furthest in ((bright, max(off_hull, half + 2 * spread)), (foreign, np.inf)):
        # a pipe by the rail of a dark deck is bright and narrow; what lies alongside is broader
        for first, last in _stretches(v, which):
            if last > furthest or (first > off_hull and last - first > 2.0 + gsd):
                starts.append(max(first, off_hull))
                break
    stop = min(starts) - 0.5 - 1.5 * gsd
    gaps = np.flatnonzero(np.diff(v) > 2.0 + 2 * float(np.median(np.diff(v))))
    return float(min(stop, v[gaps[0]] + 1e-6 if gaps.size else np.inf)), bool(np.isfinite(stop))


def _stretches(v: Array, where: BoolArray) -> list[tuple[float, float]]:
    """From where to where two neighbouring samples or more are chosen [m]."""
    pair = where & np.append(where[1:], False)
    edges = np.diff(np.concatenate([[0], pair.astype(np.int8), [0]]))
    ends = np.minimum(np.flatnonzero(edges < 0), len(v) - 1)
    return [(float(v[i]), float(v[k])) for i, k in zip(np.flatnonzero(edges > 0), ends, strict=True)]


def _levels(
    water: Array, deck: tuple[float, float], shifts: SideShifts, extremes: tuple[float, float, float]
) -> Levels:
    """Beliefs before the fit: what a shadow keeps of the water's light, what paint can be."""
    middle, scatter, waves, shadow, spread = (float(x) for x in water)
    dark = min(extremes[0], middle, deck[0])
    # what bright paint would show lying flat in the sun, and the share of that light a wall gets: skylight
    # and what the sea sends up, a sixth, and the sun by its slant; haze lies over everything
    light = WALL_SKY + (1 - 2 * WALL_SKY) * min(shifts.sun, 1.5)
    sunlit = max(deck[0], min(1.5 * deck[0], 3 * middle - 2 * dark), extremes[1] if shifts.lit else 0.0)
    paint = light * (sunlit - dark)
    return Levels(
        deck=(deck[0], 0.3 * deck[0] + 1.5 * deck[1] + 0.1 * middle),
        side=(dark + 0.6 * paint, 0.15 * dark + 0.7 * paint),
        shadow=(shadow, spread),
        water=(middle, 0.08 * middle + 0.1 * scatter + waves),
        structure=(
            0.1 * deck[0] + deck[1],
            0.05 * dark + 0.15 * paint,
            0.03 * middle + 0.5 * waves,
            0.03 * middle + 1.3 * waves,
        ),
        boot=0.1 * dark + 0.5 * paint,
        bands=0.05 * dark + 0.25 * paint,
        bar=(0.2 if shifts.lit else 0.05) * deck[0] * min(max(shifts.shade, shifts.sun), 1.5),
        margin=0.0 if shifts.lit else max(extremes[2] - MARGIN * max(deck[0], middle), 0.0),
        dark=dark,
    )
