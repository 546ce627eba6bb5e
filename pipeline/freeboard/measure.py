"""The stage: a likelihood over freeboard from one image of one ship, or the reason why not."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.bulwarks import with_bulwark
from pipeline.config import FreeboardConfig
from pipeline.datatypes import BoolArray, Chip, Detection, ViewGeometry
from pipeline.errors import Refused
from pipeline.freeboard.azimuth import azimuth_odds, turned_scale, with_turned
from pipeline.freeboard.bulwark import SAID, bulwark_probability, bulwark_share
from pipeline.freeboard.combine import combine_sides, interval_of, soften, summarise
from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.expected import expected_sigma, largest_sigma
from pipeline.freeboard.lean import DOUBTED, judge_azimuth, turned_probability
from pipeline.freeboard.marks import CUE_REACH, mark_lines, profile_of
from pipeline.freeboard.model import Levels
from pipeline.freeboard.prepare import GRID, STEP, Look, Prepared, look_at_sides, prepare
from pipeline.freeboard.refusals import (
    WIDEST,
    is_sound,
    refuse_alongside,
    refuse_before,
    refuse_curve,
    refuse_fit,
    refuse_sides,
)
from pipeline.freeboard.scan import seen_levels
from pipeline.freeboard.sides import SideFit, fit_side
from pipeline.geometry import shift_per_metre
from pipeline.readings import AzimuthCheck, Cue, Curve, Freeboard

Array = npt.NDArray[np.float64]

EDGES = 0.3
"""How well the distance between two deck edges in an image agrees with a beam from a register [m]: bars shade
them and gunwales are round."""


class Known(NamedTuple):
    """What is known beside the fits."""

    expected: float
    """Error expected from the contrast [m]."""
    check: AzimuthCheck
    largest: float
    """Error that is measured at all [m]."""
    bulwark: float
    """Probability of a bulwark along the side."""
    turned: tuple[float, float]
    """Freeboard under the opposite azimuth against that under the stated one, and how likely that is [1]."""


def measure_freeboard(
    chip: Chip,
    detection: Detection,
    view: ViewGeometry,
    *,
    beam: tuple[float, float] | None,
    blocked: BoolArray | None,
    config: FreeboardConfig,
) -> Freeboard | Refused:
    """Height of the main deck edge above the water, as a curve, or the reason why it cannot be known.

    Parameters
    ----------
    chip
        At full resolution.
    detection
        Centre good to a few metres, heading to a few degrees, beam to a fifth; no more is trusted.
    view
        Sun and satellite.
    beam
        (value, sigma) [m] from a register where the identity is certain.
    blocked
        (row, col), True on cloud, shadow of cloud, land, structure, other ships.
    config
        Largest gsd and expected error that are measured.

    References
    ----------
    Marginal likelihood with structured covariance: Rasmussen and Williams (2006), eq. 2.41 to 2.45.
    """
    refusal = refuse_before(chip, detection, view, config)
    if refusal is not None:
        return refusal
    if beam is not None:
        detection = replace(detection, beam=beam[0], beam_sigma=beam[1])
    prepared = prepare(chip, detection, view, blocked=blocked)
    if isinstance(prepared, Refused):
        return prepared
    looks = look_at_sides(prepared, view, blocked)
    expected = _expected(prepared, view, looks)
    largest = largest_sigma(chip.grid.gsd, detection.beam, config)
    refusal = refuse_sides(looks, (expected, largest))
    if refusal is not None:
        return refusal
    fits = _fit(looks)
    refusal = refuse_fit(fits) or refuse_alongside(fits)
    if refusal is not None:
        return refusal
    odds = azimuth_odds(prepared, view, fits, blocked)
    check = judge_azimuth(odds)
    if check == "contradicts":
        return Refused(
            code="no-geometry",
            message="the image leans the other way than the satellite's azimuth says: is it half a turn off?",
        )
    known = Known(
        expected,
        check,
        largest,
        _bulwark(detection.length, view, looks, prepared.strip.heading),
        (turned_scale(prepared, view, fits), turned_probability(odds, trusted=view.azimuth_trusted)),
    )
    return _conclude(prepared, fits, known, _beam_belief(detection, beam))


def _expected(prepared: Prepared, view: ViewGeometry, looks: dict[int, Look]) -> float:
    seen = tuple(side for side, look in looks.items() if look.window is not None)
    levels: dict[int, Levels] = {}
    for side, look in looks.items():
        if look.window is not None:
            levels[side] = seen_levels(look.window)
    return expected_sigma(
        view,
        prepared.strip.heading,
        prepared.strip.gsd,
        beam=prepared.detection.beam,
        sides=seen,
        levels=levels,
    )


def _beam_belief(detection: Detection, beam: tuple[float, float] | None) -> tuple[float, float]:
    """(value, sigma) of the beam [m]; an outline takes in shadow and side, so its beam is held loosely."""
    if beam is not None:
        return beam[0], max(beam[1], EDGES)
    return detection.beam, max(detection.beam_sigma, 0.07 * detection.beam)


def _fit(looks: dict[int, Look]) -> dict[int, SideFit]:
    """Each side by itself; they meet in `combine_sides`. One that fits ill is left out if the other tells."""
    fits = {
        side: fit_side(look.window, look.shifts, GRID, look.scan)
        for side, look in looks.items()
        if look.window is not None and look.scan is not None
    }
    good = {side: fit for side, fit in fits.items() if is_sound(fit)}
    return good if any(fit.shifts.reach > 0.03 for fit in good.values()) else fits


def _bulwark(length: float, view: ViewGeometry, looks: dict[int, Look], heading: float) -> float:
    """Probability that a bulwark stands along her side."""
    for side, look in looks.items():
        if look.shifts.lit and look.window is not None:
            S, V = (side * x for x in shift_per_metre(view, heading))
            return bulwark_probability(length, (look.window, look.shifts), S - V)
    return bulwark_probability(length, None, 0.0)


def _conclude(
    prepared: Prepared,
    fits: dict[int, SideFit],
    known: Known,
    beam: tuple[float, float],
) -> Freeboard | Refused:
    read = combine_sides(GRID, fits, beam)
    refusal = _refuse_read(prepared, fits, known, soften(GRID, read))
    if refusal is not None:
        return refusal
    walled = with_bulwark(GRID, read, known.bulwark)
    curve = soften(GRID, with_turned(GRID, walled, known.turned, prepared.top))
    value, sigma = summarise(GRID, curve)
    if sigma > _widest(prepared, known) and known.turned[1] > DOUBTED:
        return Refused(
            code="no-geometry",
            message="the image does not tell whether the satellite's azimuth is half a turn off, and the"
            f" freeboard hangs on it: {value:.1f} +- {sigma:.1f} m",
        )
    interval = interval_of(GRID, curve)
    flags = ["bulwark"] if known.bulwark > SAID else []
    density = np.exp(curve - curve.max())
    density /= density.sum()
    uniform = int(np.sum(prepared.top >= GRID))
    bits = float(np.log2(uniform) + np.sum(density * np.log2(np.maximum(density, 1e-300))))
    cues = tuple(_cue(fit, beam) for fit in fits.values() if fit.shifts.reach > CUE_REACH)
    return Freeboard(
        value=value,
        sigma=sigma,
        interval90=interval,
        cues=cues,
        information=bits,
        curve=Curve(
            start=0.0,
            step=STEP,
            log_likelihood=tuple(float(x) for x in np.maximum(curve - curve.max(), -60.0)),
        ),
        expected_sigma=known.expected,
        profile=profile_of(fits, prepared.channels[0].name, value),
        lines=mark_lines(prepared.strip, prepared.chip.grid.origin, fits, value),
        azimuth_check=known.check,
        flags=tuple(flags),
        bulwark=known.bulwark,
        bulwark_share=bulwark_share(prepared.detection.length),
    )


def _refuse_read(prepared: Prepared, fits: dict[int, SideFit], known: Known, curve: Array) -> Refused | None:
    """Whether the edge itself, be it a deck's or a bulwark's, was read well enough."""
    density = np.exp(curve - curve.max())
    found = (*summarise(GRID, curve), _widest(prepared, known))
    return refuse_curve(prepared, fits, found, density / density.sum())


def _widest(prepared: Prepared, known: Known) -> float:
    """Standard deviation beyond which a curve is no measurement [m]."""
    return known.largest if prepared.strip.gsd > COARSE else WIDEST


def _cue(fit: SideFit, beam: tuple[float, float]) -> Cue:
    curve = soften(GRID, combine_sides(GRID, {fit.shifts.side: fit}, beam))
    value, sigma = summarise(GRID, curve)
    dark = "shadow" if fit.shifts.beta > fit.shifts.alpha else "shaded-side"
    name = "lit-side" if fit.shifts.lit else dark
    return Cue(cue=name, value=value, sigma=sigma)
