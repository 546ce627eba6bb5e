"""A hull and the foam astern of her, at fine pixels.

Foam is as white as it is bright, grows brighter towards her, however broken, and ends at her stern.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.detect.outline import Box, sample_cover
from pipeline.detect.parts import Near
from pipeline.geometry import ship_axes

Array = npt.NDArray[np.float64]

_LONG = 7.0
"""Length over beam from which a part may be wake [1]."""
_BLOCK = 3.0
"""Parts along her in which foam is judged [m]."""
_RUNS_OUT = 2
"""Parts at a wake's far end which do not count: the box may reach beyond it, or end in it."""
_BROKEN, _ROUGH = 0.16, 0.4
"""Departure of a wake's brightness from a smooth curve, over its rise: typical, largest [1]."""
_WHITE = 0.4
"""Spread over the visible bands, over a wake's rise, of foam at most [1]."""
_SHORTEST = 20.0
"""A wake is no shorter [m]."""


def _lifts(near: Near, box: Box, step: float) -> tuple[Array, Array]:
    """(mean lift over the visible bands, its spread over the bands) at rows along the middle of a box."""
    along = np.arange(-0.5 * box.length, 0.5 * box.length + step, step)
    across = np.linspace(-0.3, 0.3, 13) * box.beam
    shown = [cover for name, cover in near.lifts if not name.startswith("nir")] or [near.lifts[0][1]]
    rows = np.stack([sample_cover(c, box, along=along, across=across).mean(axis=1) for c in shown])
    return np.asarray(rows.mean(axis=0)), np.asarray(np.ptp(rows, axis=0))


def _tail(light: Array, spread: Array, step: float) -> int:
    """Length in rows of the longest white rise at the start of a profile, 0 where there is none."""
    block = max(1, round(_BLOCK / step))
    count = len(light) // block
    means = light[: count * block].reshape(count, block).mean(axis=1)
    spreads = spread[: count * block].reshape(count, block).mean(axis=1)
    best = 0
    for k in range(8, count):
        part = means[_RUNS_OUT:k]
        x = np.linspace(-1, 1, len(part))
        rest = np.abs(part - np.polyval(np.polyfit(x, part, 3), x))
        rise = float(np.ptp(part))
        smooth = rest.max() < _ROUGH * rise and float(np.sqrt(np.mean(rest**2))) < _BROKEN * rise
        white = max(float(np.median(spreads[_RUNS_OUT:k])), float(spreads[k - 1])) < _WHITE * rise
        if smooth and white and rise > 0.35 * part.max() and np.corrcoef(x, part)[0, 1] > 0.85:
            best = k
    return best * block


def cut_wake(near: Near, box: Box) -> Box:
    """The hull without the foam astern of her, where the box is longer than a hull of her beam would be."""
    if box.length < _LONG * box.beam:
        return box
    step = max(0.5, near.light.grid.gsd)
    light, spread = _lifts(near, box, step)
    tails = [_tail(light, spread, step) * step, _tail(light[::-1], spread[::-1], step) * step]
    tail = min(max(tails), box.length - 3.0 * box.beam)
    if tail < _SHORTEST:
        return box
    return _without(box, tail, at_start=tails[0] >= tails[1])


def _without(box: Box, tail: float, *, at_start: bool) -> Box:
    """A box less `tail` metres at the end it has at the start of its axis, or at the other."""
    bow, _ = ship_axes(box.heading)
    centre = np.asarray(box.centre) + (0.5 if at_start else -0.5) * tail * bow
    return replace(box, centre=(float(centre[0]), float(centre[1])), length=box.length - tail)


def rest_of(whole: Box, part: Box) -> Box:
    """What a box has beyond a part of it that keeps one of its ends."""
    bow, _ = ship_axes(whole.heading)
    offset = np.asarray(part.centre) - np.asarray(whole.centre)
    sense = -float(np.sign(offset @ bow))
    length = whole.length - part.length + 60.0
    centre = np.asarray(part.centre) + sense * (part.length + length) / 2 * bow
    return replace(whole, centre=(float(centre[0]), float(centre[1])), length=length, beam=whole.beam + 20.0)
