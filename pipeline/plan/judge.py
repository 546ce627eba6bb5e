"""Candidate passes over a place, judged and ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.config import FreeboardConfig
from pipeline.datatypes import ViewGeometry
from pipeline.errors import Refused
from pipeline.geometry import shift_per_metre, sun_position
from pipeline.ingest import CandidatePass
from pipeline.plan.expect import LOWEST_SUN, expect_error, expect_errors, largest_error, middle_of
from pipeline.plan.places import Place

ANY_AZIMUTH = tuple(float(a) for a in range(0, 360, 30))
"""Of a satellite whose azimuth is not stated [deg]."""
BLIND_AZIMUTH = 1.0
"""Incidence angle below which the azimuth does not matter [deg]."""
SLANT = 0.15
"""Shift per metre of height below which next to nothing shows [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a pass over a place would be good for."""

    candidate: CandidatePass
    gsd: float
    """[m]"""
    sun_elevation: float
    sun_azimuth: float
    """From the ship to the sun [deg]."""
    expected_sigma: float | None
    """Median over the headings and azimuths that are not known; None where nothing can be said [m]."""
    spread: tuple[float, float] | None
    """10th and 90th percentile of the same [m]."""
    one_side: tuple[float, float] | None
    """With water on one side alone: to the right and to the left of `Place.heading` [m]."""
    largest: float
    """The largest expected error that is measured in such pixels [m]."""
    share: float
    """Of those headings and azimuths, how many would be measured [1]."""
    reason: Refused | None
    """Why it is not worth buying; None = it is."""


def rank_passes(
    candidates: Sequence[CandidatePass], place: Place, *, gsd: float, config: FreeboardConfig
) -> tuple[Judged, ...]:
    """Every pass with its verdict, the best first, those that measure nothing last.

    Parameters
    ----------
    gsd
        Of passes that state none [m].
    config
        Coarsest pixel and largest expected error that are measured.
    """
    judged = [judge_pass(c, place, gsd=gsd, config=config) for c in candidates]
    judged.sort(
        key=lambda j: (
            j.reason is not None,
            np.inf if j.expected_sigma is None else j.expected_sigma,
            j.candidate.datetime,
            j.candidate.id,
        )
    )
    return tuple(judged)


def judge_pass(candidate: CandidatePass, place: Place, *, gsd: float, config: FreeboardConfig) -> Judged:
    """One pass over one place: the error to expect, or why none can be expected."""
    gsd = candidate.gsd or gsd
    sun = sun_position(candidate.datetime, place.centre)
    refused = _without_looking(candidate, place, sun, gsd, config)
    largest = largest_error(gsd, config)
    sigmas = None
    sides = None
    if refused is None:
        assert candidate.incidence_angle is not None
        azimuths = (candidate.azimuth,) if candidate.azimuth is not None else ANY_AZIMUTH
        if candidate.incidence_angle < BLIND_AZIMUTH:
            azimuths = azimuths[:1]
        known = tuple(a for a in azimuths if a is not None)
        sigmas = expect_errors(sun, (candidate.incidence_angle, known), place.headings, gsd).ravel()
        if place.heading is not None and len(known) == 1:
            view = _view(candidate.incidence_angle, known[0], sun)
            sides = _one_side(view, place.heading, gsd)
        if middle_of(sigmas) > largest:
            view = _view(candidate.incidence_angle, known[0], sun)
            refused = _too_large(view, place, (middle_of(sigmas), gsd), config)
    return Judged(
        candidate=candidate,
        gsd=gsd,
        sun_elevation=sun[0],
        sun_azimuth=sun[1],
        expected_sigma=None if sigmas is None else middle_of(sigmas),
        spread=None if sigmas is None else _spread(sigmas),
        one_side=sides,
        largest=largest,
        share=0.0 if sigmas is None else float(np.mean(sigmas <= largest)),
        reason=refused,
    )


def _one_side(view: ViewGeometry, heading: float, gsd: float) -> tuple[float, float]:
    """With water to the right and to the left of a heading alone, for the better end to carry the bow [m]."""
    bows = (heading, heading + 180.0)
    right = min(expect_error(view, bow, gsd, sides=(side,)) for bow, side in zip(bows, (1, -1), strict=True))
    left = min(expect_error(view, bow, gsd, sides=(side,)) for bow, side in zip(bows, (-1, 1), strict=True))
    return right, left


def _spread(sigmas: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    low, high = np.quantile(sigmas, [0.1, 0.9])
    return float(low), float(high)


def _view(incidence: float, azimuth: float, sun: tuple[float, float]) -> ViewGeometry:
    return ViewGeometry(
        incidence_angle=incidence, azimuth=azimuth, sun_elevation=sun[0], sun_azimuth=sun[1], source="plan"
    )


def _without_looking(
    candidate: CandidatePass, place: Place, sun: tuple[float, float], gsd: float, config: FreeboardConfig
) -> Refused | None:
    """What rules a pass out before any error is reckoned."""
    if candidate.footprint is not None and not _covers(candidate, place):
        return Refused(code="outside-image", message=f"does not cover {place.id}")
    if sun[0] < 0.0:
        return Refused(code="geometry-blind", message="night")
    if sun[0] < LOWEST_SUN:
        return Refused(code="geometry-blind", message=f"sun at {sun[0]:.1f} deg, below {LOWEST_SUN:g}")
    if gsd > config.max_gsd:
        return Refused(code="gsd-too-coarse", message=f"pixels of {gsd:g} m, above {config.max_gsd:g} m")
    if candidate.incidence_angle is None:
        return Refused(code="no-geometry", message="no incidence angle, and no off-nadir angle with an orbit")
    return None


def _covers(candidate: CandidatePass, place: Place) -> bool:
    from shapely.geometry import Point
    from shapely.geometry import Polygon as Figure

    return bool(Figure(candidate.footprint).covers(Point(place.centre)))


def _too_large(
    view: ViewGeometry, place: Place, found: tuple[float, float], config: FreeboardConfig
) -> Refused:
    """Why the expected error is what it is."""
    sigma, gsd = found
    fine = middle_of(np.array([expect_error(view, h, 0.3) for h in place.headings]))
    said = f"expected error {sigma:.1f} m"
    if fine < 0.5 * config.max_expected_sigma and gsd > 0.3:
        return Refused(code="gsd-too-coarse", message=f"{said}; {fine:.1f} m with pixels of 0.3 m")
    if place.heading is None:
        return Refused(code="geometry-blind", message=f"{said} for most headings")
    S, V = shift_per_metre(view, place.heading)
    if abs(S) < SLANT and abs(V) < SLANT:
        why = "sun and satellite both stand along the ship or overhead"
    elif S * V > 0 and abs(V) > 0.7 * abs(S):
        why = "the satellite stands on the sun's side and the hull hides her shadow"
    else:
        why = "little of her side or shadow shows"
    return Refused(code="geometry-blind", message=f"{said}: {why}")
