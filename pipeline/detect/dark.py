"""Decks as dark as shadow: shadow falls away from the sun, so what is dark towards it is deck.

The lit gear of a dark deck lies about her centreline, so what her deck has towards the sun she has on the
other side, too, where nothing parts it from her shadow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.detect.water import STANDS_OUT
from pipeline.geometry import ship_axes

Array = npt.NDArray[np.float64]

_LEAST, _LEAST_PX = 3.0, 4.0
"""What her sides gain at least, in metres and pixels: less is blur."""
_MOST = 0.5
"""Of the lit beam, that either side gains at most [1]."""
_BOTH = 0.7
"""Of what is gained towards the sun, dark on the other side at least [1]."""
_FREEBOARD = 0.05
"""Height of a bow or stern over length, in the mean of laden and ballast [1]."""
_SLENDER = (3.5, 9.0)
_STEP = 0.25
"""Along the profiles [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sun:
    """Where the sun stands."""

    azimuth: float
    """From true north, clockwise [deg]."""
    elevation: float


def grow_over_dark(whole: Cover, box: Box, sun: Sun) -> Box:
    """The box of what is lit, with the dark deck about it; the box itself where there is none.

    Parameters
    ----------
    whole
        Contrast to water of all that is not water, shadow too; 0 where other hulls lie.
    """
    bow, starboard = ship_axes(box.heading)
    azimuth = np.radians(sun.azimuth)
    towards = np.array([np.sin(azimuth), np.cos(azimuth)])
    side = 1.0 if float(towards @ starboard) > 0 else -1.0
    along = np.linspace(-0.3, 0.3, 41) * box.length
    most = _MOST * box.beam
    near, far = (
        _reach(whole, box, along=along, across=sense * (0.5 * box.beam + np.arange(0.0, most, _STEP)))
        for sense in (side, -side)
    )
    gain = near if far >= _BOTH * near else 0.0
    if gain < max(_LEAST, _LEAST_PX * whole.grid.gsd) or gain >= most - _STEP:
        return box
    ends = []
    middle = np.linspace(-0.15, 0.15, 9) * box.beam
    beyond = np.arange(0.0, 0.25 * box.length, _STEP)
    shadow = _FREEBOARD * box.length / np.tan(np.radians(max(sun.elevation, 5.0)))
    for sense in (-1.0, 1.0):
        image = sample_cover(whole, box, along=sense * (0.5 * box.length + beyond), across=middle)
        dark = _runs((image > STANDS_OUT).T)
        ends.append(max(dark - shadow * max(-sense * float(towards @ bow), 0.0), 0.0))
    length, beam = box.length + sum(ends), box.beam + 2.0 * gain
    if not _SLENDER[0] <= length / beam <= _SLENDER[1]:
        return box
    centre = np.asarray(box.centre) + 0.5 * (ends[1] - ends[0]) * bow
    return replace(box, centre=(float(centre[0]), float(centre[1])), length=length, beam=beam)


def beside_sunward(box: Box, other: Box, sun: Sun) -> bool:
    """True where another hull lies between a box and the sun, and may shade her side."""
    azimuth = np.radians(sun.azimuth)
    offset = np.asarray(other.centre) - np.asarray(box.centre)
    return float(offset @ np.array([np.sin(azimuth), np.cos(azimuth)])) > 0.0


def _reach(whole: Cover, box: Box, *, along: Array, across: Array) -> float:
    """How far what is not water goes on from a side [m]: median over stations."""
    return _runs(sample_cover(whole, box, along=along, across=across) > STANDS_OUT)


def _runs(dark: npt.NDArray[np.bool_]) -> float:
    """Median length of the runs that begin each row [m]."""
    ends = np.where(dark.all(axis=1), dark.shape[1], np.argmin(dark, axis=1))
    return float(np.median(ends)) * _STEP
