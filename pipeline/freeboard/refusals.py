"""The reasons why a freeboard cannot be measured, in the order in which they show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.bulwarks import LOWEST
from pipeline.config import FreeboardConfig
from pipeline.datatypes import Chip, Detection, ViewGeometry
from pipeline.errors import Refused
from pipeline.freeboard.block import open_sides
from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.expected import expected_sigma, largest_sigma
from pipeline.freeboard.marks import CUE_REACH
from pipeline.freeboard.model import WATER_LEVEL
from pipeline.freeboard.prepare import GRID, Look, Prepared
from pipeline.freeboard.sides import SideFit

Array = npt.NDArray[np.float64]

WIDEST, WIDEST_DOUBTFUL = 0.9, 0.6
"""A curve with a larger standard deviation is no measurement; the latter where another body lies beside the
ship, whose shadow and side may pass for hers, and where a sunlit side speaks alone [m]."""
LOW = 0.2
"""Probability of less freeboard than any ship has from which it is clear that neither shadow nor side was
seen [1]."""
ILL = 5.0
"""Chi-square a sample above which what is seen is not a hull on water [1]."""
OTHER_SEA = 4.0
"""Standard deviations of the sea's level beyond which what lies beside the shadow is not the sea: the deck of
a ship alongside can be nearly as dark."""
EDGE_OUT = 1.9
"""How far beyond the outline the edge of her deck may lie, in the spread it is looked for with [1]."""
BLUNT = 1.5
"""By how much the error expected from the contrast may exceed the largest before the fit is not tried [1]."""
SEA_BEYOND = 1.0
"""Sea that must be seen between the tip of a shadow and another body, besides a pixel [m]."""


def refuse_before(
    chip: Chip, detection: Detection, view: ViewGeometry, config: FreeboardConfig
) -> Refused | None:
    """What pixels, sun, view and heading alone do not allow."""
    if chip.grid.gsd > config.max_gsd:
        return Refused(
            code="gsd-too-coarse",
            message=f"pixels of {chip.grid.gsd:.1f} m; a freeboard needs {config.max_gsd:g} m or finer",
        )
    if view.sun_elevation < 5.0:
        return Refused(
            code="geometry-blind",
            message=f"sun at {view.sun_elevation:.1f} deg: shadows are too long and too soft below 5 deg",
        )
    sides = open_sides(view, detection.heading, bow_known=not detection.heading_ambiguous)
    expected = expected_sigma(view, detection.heading, chip.grid.gsd, beam=detection.beam, sides=sides)
    largest = largest_sigma(chip.grid.gsd, detection.beam, config)
    if expected > largest:
        fine = expected_sigma(view, detection.heading, 0.3, beam=detection.beam, sides=sides)
        code = "gsd-too-coarse" if fine < 0.5 * config.max_expected_sigma else "geometry-blind"
        return Refused(
            code=code,
            message=f"expected error {expected:.2f} m, above {largest:.2f} m"
            f" (at 0.3 m pixels it would be {fine:.2f} m)"
            + ("" if len(sides) == 2 else ": the shadow of her block lies along her side"),
        )
    return None


def refuse_sides(looks: dict[int, Look], limits: tuple[float, float]) -> Refused | None:
    """Too little contrast, or no water on the side that would show the freeboard.

    Parameters
    ----------
    limits
        Error expected from the contrast and the largest that is measured [m].
    """
    expected, largest = limits
    if expected <= BLUNT * largest:
        return None
    hidden = [look for look in looks.values() if look.window is None and look.shifts.reach > 0.1]
    if hidden:
        return Refused(
            code="shadow-not-on-water",
            message="the side that would show the freeboard has no open water beside it, clear of the"
            f" shadow of her block, and the other side alone leaves {expected:.2f} m",
        )
    return Refused(
        code="edge-unresolved",
        message=f"contrast between water, shadow and hull too low: expected error {expected:.2f} m",
    )


def is_sound(fit: SideFit) -> bool:
    """A hull on water fits, and what is taken for water is as bright as the sea around."""
    seas = [
        abs(float(found[WATER_LEVEL]) - levels.water[0]) / levels.water[1]
        for found, levels in zip(fit.levels, fit.window.levels, strict=True)
    ]
    return fit.misfit <= ILL and max(seas) <= OTHER_SEA


def refuse_fit(fits: dict[int, SideFit]) -> Refused | None:
    """No side that shows the freeboard looks like a hull on water."""
    informed = [fit for fit in fits.values() if fit.shifts.reach > 0.03]
    if any(is_sound(fit) for fit in informed):
        return None
    worst = min((fit.misfit for fit in informed), default=np.inf)
    if worst <= ILL:
        return Refused(
            code="shadow-not-on-water",
            message="what lies beside her, where the sea should be, is not as bright as the sea around",
        )
    return Refused(
        code="shadow-not-on-water",
        message=f"no hull with shadow on water fits what is seen (chi-square {worst:.1f} a sample)",
    )


def refuse_alongside(fits: dict[int, SideFit]) -> Refused | None:
    """In coarse pixels a jetty is one body with her; what passes for her edge is where the jetty ends.

    In fine ones the sea must be seen beyond the tip of her shadow: what lies there may hide the tip.
    """
    for fit in fits.values():
        height, edge = fit.best
        beyond = float(fit.window.v[-1]) - edge - height * fit.shifts.beta
        if fit.window.cut and not fit.shifts.lit and beyond < SEA_BEYOND + fit.window.gsd:
            return Refused(
                code="shadow-not-on-water",
                message="something lies alongside where the tip of the shadow seems to be",
            )
        mean, spread = fit.window.edge
        if fit.window.gsd > COARSE and fit.best[1] > mean + EDGE_OUT * spread:
            return Refused(
                code="shadow-not-on-water",
                message=f"what is seen ends {fit.best[1] - mean:.0f} m beyond her outline: something lies"
                " alongside",
            )
    return None


def refuse_curve(
    prepared: Prepared, fits: dict[int, SideFit], found: tuple[float, float, float], density: Array
) -> Refused | None:
    """Too wide, cut off at the top, or no freeboard at all."""
    value, sigma, widest = found
    dark = any(not fit.shifts.lit and fit.shifts.reach > CUE_REACH for fit in fits.values())
    doubtful = not dark or len(fits) < 2 or any(fit.window.cut for fit in fits.values())
    highest = float(np.interp(0.95, np.cumsum(density), GRID))
    if float(density[GRID < LOWEST].sum()) > LOW:
        return Refused(
            code="edge-unresolved",
            message="neither shadow nor side is seen where a ship afloat must show one: wrong geometry?"
            f" (freeboard {value:.1f} +- {sigma:.1f} m)",
        )
    if highest > prepared.top - 0.2:
        return Refused(
            code="edge-unresolved",
            message=f"what is seen would be a freeboard of {value:.1f} +- {sigma:.1f} m, as much as a beam of"
            f" {prepared.detection.beam:.0f} m allows at all: a bulwark, gear on deck, or not a ship's side",
        )
    if sigma <= (WIDEST_DOUBTFUL if doubtful else widest):
        return None
    cut = any(fit.window.cut for fit in fits.values() if not fit.shifts.lit)
    return Refused(
        code="shadow-not-on-water" if cut else "edge-unresolved",
        message=f"the curve is too wide to be a measurement: {value:.1f} +- {sigma:.1f} m"
        + (", and something lies where the shadow falls" if cut else ""),
    )
