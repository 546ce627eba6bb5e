"""Is the satellite's azimuth half a turn off? Two hypotheses, weighed by what the image shows of its lean.

Where neither the profile nor the block decides, the curve holds both: what a shadow's width says of the
freeboard changes with the side that the satellite stands on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.bulwarks import LOWEST
from pipeline.datatypes import BoolArray, ViewGeometry
from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.lean import block_offset, lean_gap, lean_odds
from pipeline.freeboard.model import SideShifts, side_shifts
from pipeline.freeboard.prepare import GRID, Prepared, window_setting
from pipeline.freeboard.scan import coarse_evidence, scan_side
from pipeline.freeboard.sides import SideFit
from pipeline.freeboard.windows import make_window
from pipeline.geometry import shift_per_metre

Array = npt.NDArray[np.float64]

LEAST_LEAN = 0.08
"""Shift of the view per metre of height, across her, from which the image is asked [1]."""
LEAST_REACH = 0.05
"""Width of a dark strip per metre of freeboard below which it would not be seen [1]."""


def opposite(view: ViewGeometry) -> ViewGeometry:
    """The view with the satellite on the other side."""
    return replace(view, azimuth=(view.azimuth + 180.0) % 360.0)


def azimuth_odds(
    prepared: Prepared, view: ViewGeometry, fits: dict[int, SideFit], hidden: BoolArray | None
) -> float:
    """Log odds of the stated azimuth against the opposite one; 0 where nothing tells [nats].

    Parameters
    ----------
    hidden
        (row, col), True where the water cannot be seen.
    """
    if len(fits) < 2 or max(fit.shifts.alpha for fit in fits.values()) < LEAST_LEAN:
        return 0.0
    strip, detection = prepared.strip, prepared.detection
    middle = (fits[1].best[1] - fits[-1].best[1]) / 2
    size, across = (detection.length, detection.beam), shift_per_metre(view, strip.heading)[1]
    offset = None
    if strip.gsd <= COARSE:
        offset = block_offset(prepared.chip, hidden, strip, size, (middle, across))
    lean = None if offset is None else lean_gap(offset, across, size)
    return lean_odds(_profile_gap(prepared, view, fits), lean)


def _profile_gap(prepared: Prepared, view: ViewGeometry, fits: dict[int, SideFit]) -> float:
    """Evidence of the profile for the stated azimuth against the opposite one, fitted coarsely [nats]."""
    scale = max(1.0, *(fit.chi2 for fit in fits.values()))
    heading = prepared.strip.heading
    totals = []
    for geometry in (view, opposite(view)):
        total = np.zeros_like(GRID)
        for side in fits:
            shifts, other = (side_shifts(v, heading, side) for v in (geometry, opposite(geometry)))
            window = make_window(
                prepared.profile, shifts, prepared.detection, prepared.water, window_setting(prepared)
            )
            if window is None:
                return 0.0
            scan = scan_side(window, shifts, reach=max(shifts.reach, other.reach))
            total += coarse_evidence(scan, GRID)
        totals.append(float(np.logaddexp.reduce(total)))
    return (totals[0] - totals[1]) / scale


def turned_scale(prepared: Prepared, view: ViewGeometry, fits: dict[int, SideFit]) -> float:
    """Freeboard under the opposite azimuth over that under the stated one, by the dark strip's width [1].

    1 where no shadow is read, or where there would be none.
    """
    for fit in fits.values():
        if fit.shifts.shade > 0.0:
            other = side_shifts(opposite(view), prepared.strip.heading, fit.shifts.side)
            if min(_dark(fit.shifts), _dark(other)) > LEAST_REACH:
                return _dark(fit.shifts) / _dark(other)
    return 1.0


def _dark(shifts: SideShifts) -> float:
    """Width of the dark strip beside the deck, per metre of freeboard [1]."""
    return shifts.beta if shifts.beta > shifts.alpha else 0.0


def with_turned(grid: Array, curve: Array, turned: tuple[float, float], top: float) -> Array:
    """The curve where the azimuth is half a turn off with a probability.

    Parameters
    ----------
    curve
        (freeboard,) log likelihood under the stated azimuth.
    turned
        Scale of the freeboard under the opposite azimuth against it, and how likely that is [1].
    top
        Freeboard that no ship of this beam exceeds [m]; what would, or would not float, was not turned.
    """
    scale, probability = turned
    density = np.exp(curve - curve.max())
    density /= density.sum()
    other = np.interp(grid / scale, grid, density, right=0.0) / scale
    other = np.where((grid < LOWEST) | (grid > top), 0.0, other)
    mixed = (1 - probability) * density + probability * other
    return np.asarray(np.log(np.maximum(mixed / mixed.max(), np.exp(-60.0))))
