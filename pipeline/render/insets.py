"""The two charts of a measured ship: her cross-hull profile with the fit, and the curve over freeboard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.readings import Freeboard, Profile, ProfilePart
from pipeline.render import words
from pipeline.render.canvas import Canvas, Points, box, fill, frame, line, text_width, write
from pipeline.render.palette import (
    CURVE,
    FITTED,
    INK,
    INTERVAL,
    MUTED,
    OBSERVED,
    PAPER,
    PART,
    PART_WORDS,
    RULE,
)

Corner = tuple[float, float]
Extent = tuple[float, float]


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten from `low` to `high`, at most `most` of them."""
    if not high > low or most < 1:
        return ()
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 25.0)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return tuple(i * step for i in range(first, last + 1))
    return ()


def draw_profile(
    canvas: Canvas, profile: Profile, corner: Corner, extent: Extent, *, across: tuple[float, float]
) -> None:
    """Draw reflectance (to the right) against the cross-hull coordinate (starboard down).

    Parameters
    ----------
    across
        (u at the top edge, u at the bottom edge) [m]: that of the detail picture beside it.
    """
    (x, y), (w, h) = corner, extent
    top, bottom = across
    box(canvas, corner, extent, PAPER)
    u = np.asarray(profile.u, float)
    observed, fitted = np.asarray(profile.observed, float), np.asarray(profile.fitted, float)
    shown = (u >= min(across)) & (u <= max(across)) & np.isfinite(observed) & np.isfinite(fitted)
    if np.count_nonzero(shown) < 2:
        write(canvas, "no profile was kept", (x + 12, y + h / 2), size=19, colour=MUTED)
        return
    values = np.concatenate([observed[shown], fitted[shown]])
    low, high = float(values.min()), float(values.max())
    room = max(high - low, 1e-4)
    low, high = low - 0.06 * room, high + 0.06 * room
    plot_w = w - 112.0  # the right margin holds the names of the parts

    def at_u(value: float) -> float:
        return y + (value - top) / (bottom - top) * h

    _draw_parts(canvas, profile, (x, y), (w, h), at_u, plot_w)
    for value in ticks(low, high, 4):
        tick = x + (value - low) / (high - low) * plot_w
        line(canvas, [(tick, y), (tick, y + h)], (226, 229, 233), width=1)
        if x + 4 < tick < x + plot_w - 30:
            write(canvas, f"{value:.3g}", (tick + 3, y + h - 6), size=15, colour=MUTED)
    for series, colour, width in ((observed, OBSERVED, 3), (fitted, FITTED, 2)):
        points = np.stack(
            [x + (series[shown] - low) / (high - low) * plot_w, y + (u[shown] - top) / (bottom - top) * h],
            axis=-1,
        )
        for piece in _unbroken(points, u[shown]):
            line(canvas, piece, colour, width=width)
    frame(canvas, corner, extent, RULE, width=1)


def _unbroken(points: Points, u: Points) -> list[Points]:
    """A line cut where the profile was not looked at: steps of more than three times the usual."""
    steps = np.abs(np.diff(u))
    gaps = np.flatnonzero(steps > 3.0 * np.median(steps)) + 1
    return list(np.split(points, gaps))


def _draw_parts(
    canvas: Canvas,
    profile: Profile,
    corner: Corner,
    extent: Extent,
    at_u: Callable[[float], float],
    plot_w: float,
) -> None:
    """Colour the stretches of the fit and write their names at the right, kept apart from each other."""
    (x, y), (w, h) = corner, extent
    names: list[tuple[float, str]] = []
    for part in joined(profile.parts):
        a, b = sorted((at_u(part.start), at_u(part.stop)))
        a, b = max(a, y), min(b, y + h)
        if b - a < 0.5:
            continue
        box(canvas, (x, a), (w, b - a), PART.get(part.name, PAPER))
        names.append(((a + b) / 2, PART_WORDS.get(part.name, part.name)))
    size, gap = 16, 19.0
    names.sort()
    places = spread_apart([place for place, _ in names], gap, (y + gap / 2, y + h - gap / 2))
    for place, (middle, name) in zip(places, names, strict=True):
        if abs(place - middle) > 3:
            line(canvas, [(x + plot_w, middle), (x + plot_w + 8, place)], MUTED, width=1)
        write(canvas, name, (x + plot_w + 11, place + 5.5), size=size, colour=INK)


def joined(parts: Sequence[ProfilePart]) -> tuple[ProfilePart, ...]:
    """Stretches in order, those of one name that touch made one."""
    merged: list[ProfilePart] = []
    for part in sorted(parts, key=lambda p: (min(p.start, p.stop), max(p.start, p.stop))):
        start, stop = sorted((part.start, part.stop))
        if merged and merged[-1].name == part.name and start <= merged[-1].stop + 1e-6:
            start, stop = merged[-1].start, max(stop, merged[-1].stop)
            merged.pop()
        merged.append(ProfilePart(name=part.name, start=start, stop=stop))
    return tuple(merged)


def spread_apart(wanted: Sequence[float], gap: float, room: tuple[float, float]) -> tuple[float, ...]:
    """Ascending places near the `wanted` ones (ascending), at least `gap` apart where `room` allows it."""
    places = list(wanted)
    for i, place in enumerate(places):
        places[i] = max(place, room[0] if i == 0 else places[i - 1] + gap)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], room[1] if i == len(places) - 1 else places[i + 1] - gap)
    return tuple(places)


def draw_curve(canvas: Canvas, freeboard: Freeboard, corner: Corner, extent: Extent) -> None:
    """Draw the likelihood over freeboard with the central 90 % filled and the mean marked."""
    (x, y), (w, h) = corner, extent
    grid, density = freeboard.curve.freeboards(), freeboard.curve.density()
    box(canvas, corner, extent, PAPER)
    low, high = _span(grid, density, freeboard)
    inside = (grid >= low) & (grid <= high)
    if np.count_nonzero(inside) < 2:
        return
    base, ceiling = y + h - 26, y + 8
    top = float(density[inside].max())
    points: Points = np.stack(
        [x + (grid[inside] - low) / (high - low) * w, base - density[inside] / top * (base - ceiling)],
        axis=-1,
    )
    a, b = freeboard.interval90
    left, right = (float(x + (np.clip(v, low, high) - low) / (high - low) * w) for v in (a, b))
    middle = points[(points[:, 0] >= left) & (points[:, 0] <= right)]
    heights = np.interp([left, right], points[:, 0], points[:, 1])
    ring = np.vstack([[left, base], [left, heights[0]], middle, [right, heights[1]], [right, base]])
    fill(canvas, ring, INTERVAL)
    line(canvas, points, CURVE, width=3)
    mean = float(x + (freeboard.value - low) / (high - low) * w)
    line(canvas, [(mean, ceiling), (mean, base)], FITTED, width=2)
    line(canvas, [(x, base), (x + w, base)], MUTED, width=1)
    for value in ticks(low, high, max(int(w // 90), 2)):
        tick = float(x + (value - low) / (high - low) * w)
        line(canvas, [(tick, base), (tick, base + 5)], MUTED, width=1)
        text = f"{value:g} m"
        half = text_width(text, 15) / 2
        if x + half < tick < x + w - half:
            write(canvas, text, (tick, y + h - 5), size=15, colour=MUTED, anchor="centre")


def _span(grid: Points, density: Points, freeboard: Freeboard) -> tuple[float, float]:
    """The part of the axis worth showing: where the curve lives, and a little around it [m]."""
    alive = grid[density > 0.002 * density.max()]
    a, b = freeboard.interval90
    low, high = min(float(alive.min()), a), max(float(alive.max()), b)
    margin = max(0.18 * (high - low), 0.15)
    return max(low - margin, float(grid[0])), min(high + margin, float(grid[-1]))


def cue_words(freeboard: Freeboard) -> str:
    """As "shadow 2.28 ± 0.15, shaded side 2.4 ± 0.30"."""
    return ", ".join(
        f"{PART_WORDS.get(c.cue, c.cue)} {words.metres(c.value)} ± {words.metres(c.sigma)}"
        for c in freeboard.cues
    )
