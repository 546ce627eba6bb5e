"""What was measured, for pictures: the fitted profile and the lines on the ground."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import LonLat
from pipeline.freeboard.sides import SideFit
from pipeline.freeboard.strip import Strip
from pipeline.geometry import ground_to_lonlat, ship_axes
from pipeline.readings import MarkedLine, Profile, ProfilePart

Array = npt.NDArray[np.float64]

CUE_REACH = 0.05
"""Metres across per metre of freeboard below which a side says nothing of it [1]."""


def _edge_at(fit: SideFit, freeboard: float) -> float:
    return float(np.interp(freeboard, fit.freeboards, fit.edges))


def profile_of(fits: dict[int, SideFit], band: str, freeboard: float) -> Profile:
    """The fitted profile in one cross-hull coordinate, parts at `freeboard`.

    Of the sides that a freeboard was read from; one that gives its deck edge alone, at a quay say, is not
    fitted there beyond that edge.
    """
    u: list[float] = []
    observed: list[float] = []
    fitted: list[float] = []
    read = [side for side in sorted(fits) if fits[side].shifts.reach > CUE_REACH] or sorted(fits)
    for side in read:
        fit = fits[side]
        outside = fit.window.v > 0.0
        along = slice(None, None, -1) if side < 0 else slice(None)
        u += [float(x) for x in (side * fit.window.v[outside])[along]]
        observed += [float(x) for x in fit.window.values[0][outside][along]]
        fitted += [float(x) for x in fit.fitted[0][outside][along]]
    return Profile(
        band=band,
        u=tuple(u),
        observed=tuple(observed),
        fitted=tuple(fitted),
        parts=_parts(fits, freeboard),
    )


def _parts(fits: dict[int, SideFit], freeboard: float) -> tuple[ProfilePart, ...]:
    parts: list[tuple[float, float, str]] = []
    inner = {side: _edge_at(fit, freeboard) for side, fit in fits.items()}
    for side, fit in fits.items():
        edge, shifts = inner[side], fit.shifts
        line, tip = edge + freeboard * shifts.alpha, edge + freeboard * shifts.beta
        name = "lit-side" if shifts.lit else "shaded-side"
        stretches = [(edge, line, name), (line, tip, "shadow"), (tip, float(fit.window.v[-1]), "water")]
        for start, stop, what in stretches:
            if stop - start > 1e-6:
                low, high = sorted((side * start, side * stop))
                parts.append((low, high, what))
    starboard = inner.get(1, -inner[-1] if -1 in inner else 0.0)
    port = inner.get(-1, -inner[1] if 1 in inner else 0.0)
    if len(inner) == 2:
        parts.append((-port, starboard, "deck"))
    return tuple(ProfilePart(name=n, start=a, stop=b) for a, b, n in sorted(parts))


def mark_lines(
    strip: Strip, origin: LonLat, fits: dict[int, SideFit], freeboard: float
) -> tuple[MarkedLine, ...]:
    """Deck edges, waterlines that can be seen, and the shadow's tip along the mid-body, as lon/lat."""
    lines: list[MarkedLine] = []
    for side in sorted(fits):
        fit = fits[side]
        edge, shifts = _edge_at(fit, freeboard), fit.shifts
        lines.append(_line("deck-edge", strip, origin, side * edge))
        if shifts.alpha > 0.0:
            lines.append(_line("waterline", strip, origin, side * (edge + freeboard * shifts.alpha)))
        if shifts.beta > shifts.alpha:
            lines.append(_line("shadow-tip", strip, origin, side * (edge + freeboard * shifts.beta)))
    return tuple(lines)


def _line(name: str, strip: Strip, origin: LonLat, across: float) -> MarkedLine:
    bow, starboard = ship_axes(strip.heading)
    ahead = np.array([-strip.half_length, strip.half_length])
    ground = np.asarray(strip.centre) + ahead[:, None] * bow + across * starboard
    points = tuple((float(x), float(y)) for x, y in ground_to_lonlat(origin, ground))
    return MarkedLine(name=name, points=points)  # type: ignore[arg-type]
