"""What could be known before looking: the bound on the error of freeboard from geometry, gsd and contrast."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.config import FreeboardConfig
from pipeline.datatypes import ViewGeometry
from pipeline.freeboard.block import open_sides
from pipeline.freeboard.deep import COARSE, UNLIKE, fills_a_pixel
from pipeline.freeboard.evidence import structure
from pipeline.freeboard.gear import gear_sigma
from pipeline.freeboard.model import (
    Levels,
    SideShifts,
    design,
    jitter,
    kernels,
    level_priors,
    masks,
    side_shifts,
)
from pipeline.freeboard.plates import plate_sigma

Array = npt.NDArray[np.float64]

SYSTEMATIC = 0.10
"""Camber, hog and sag, the mean level of the sea beside her, and what of decks and water no model has: stays
when all pixels are perfect [m]."""
HEELS = ((0.2, 0.8), (0.8, 0.2))
"""Standard deviation of heel [deg] and share of ships: most lie upright, some list."""
PRIOR_SIGMA = 3.0
"""Of freeboard before looking, in the bound [m]."""
TYPICAL = {"deck": 0.17, "lit": 0.12, "shaded": 0.05, "shadow": 0.038, "water": 0.055}
"""Reflectances of the bound where the image has not been looked at."""


SLENDER = 6.0
"""Length of a tanker in beams [1]."""


def largest_sigma(gsd: float, beam: float, config: FreeboardConfig) -> float:
    """The largest expected error with which a freeboard is worth having [m].

    In coarse pixels all that is asked is whether she is laden or in ballast, and the deck of a wider ship
    moves further between the two.
    """
    if gsd <= COARSE:
        return config.max_expected_sigma
    return max(config.max_expected_sigma, config.max_coarse_share * beam)


def typical_levels(lit: bool, *, deep: bool = False) -> Levels:
    """Levels of an unseen ship, with structure as strong as the fit assumes.

    Parameters
    ----------
    deep
        The level of a full shadow will be seen beside the accommodation block.
    """
    t = TYPICAL
    side = t["lit"] if lit else t["shaded"]
    return Levels(
        deck=(t["deck"], 0.06),
        side=(side, 0.05),
        shadow=(t["shadow"], UNLIKE * t["water"] if deep else 0.012),
        water=(t["water"], 0.02),
        structure=(0.05, 0.03 if lit else 0.01, 0.003, 0.003),
        boot=0.04 if lit else 0.01,
        bands=0.04 if lit else 0.01,
        bar=0.0 if lit else 0.02,
    )


def side_sigma(
    shifts: SideShifts,
    levels: Levels,
    freeboard: float,
    *,
    gsd: float,
    blur_px: float = 0.5,
    noise: float = 0.0006,
) -> float:
    """Bound on the standard deviation of freeboard from one side alone [m].

    References
    ----------
    Van Trees (1968), Detection, Estimation and Modulation Theory I, 2.4.3: the Bayesian Cramer-Rao bound.
    """
    blur = float(np.hypot(blur_px * gsd, gsd / np.sqrt(12.0)))
    step = max(0.5 * gsd, 0.1)
    v = np.arange(-4.0 - 3 * gsd, freeboard * shifts.reach + 5.0 + 4 * gsd, step)
    setting = (blur, 0.15, 0.0)

    def mean(F: float, e: float, wider: float = 1.0) -> tuple[Array, Array]:
        shares = masks(v, shifts, (np.array([F]), np.array([e])), (blur * wider, 0.15, 0.0))
        columns = design(shares, v, np.array([0.0]))[0]
        return columns, shares[0]

    columns, shares = mean(freeboard, 0.0)
    level, spread = level_priors(levels)
    h = 0.05 * blur
    slopes = [
        level
        @ (mean(freeboard + h, 0.0)[0] - mean(max(freeboard - h, 0.0), 0.0)[0])
        / (h + min(h, freeboard)),
        level @ (mean(freeboard, h)[0] - mean(freeboard, -h)[0]) / (2 * h),
        level @ (mean(freeboard, 0.0, 1.1)[0] - columns) / 0.1,
    ]
    correlation = kernels(v, setting[0])
    K = np.eye(len(v)) * noise**2 + structure(shares[None], levels, correlation)[0]
    jacobian = np.vstack([*slopes, columns])
    information = jacobian @ np.linalg.solve(K, jacobian.T)
    prior = np.concatenate([[1 / PRIOR_SIGMA**2, 1 / 9.0, 1 / 0.3**2], 1 / spread**2])
    covariance = np.linalg.inv(information + np.diag(prior))
    return float(np.sqrt(covariance[0, 0]))


def heel_sigma(beam: float) -> float:
    """Standard deviation of one edge against the mean of both, by heel [m]."""
    variance = sum(share * np.radians(degrees) ** 2 for degrees, share in HEELS)
    return float(beam / 2 * np.sqrt(variance))


def expected_sigma(
    view: ViewGeometry,
    heading: float,
    gsd: float,
    *,
    beam: float = 16.0,
    sides: tuple[int, ...] | None = None,
    freeboards: tuple[float, ...] = (1.5, 4.0),
    levels: dict[int, Levels] | None = None,
) -> float:
    """Standard error of freeboard to be expected before measuring [m].

    The bound of each side that can be seen, with heel, combined; then the systematic floor; the root mean
    square over `freeboards`.

    Parameters
    ----------
    heading
        Of the bow [deg].
    gsd
        [m]
    sides
        Which sides have water beside them: +1 starboard, -1 port; where None, both, but for one along which
        the accommodation block throws its own shadow.
    levels
        Per side, as seen in the image; typical paint and water where absent.
    """
    seen = open_sides(view, heading) if sides is None else sides
    total = 0.0
    for freeboard in freeboards:
        information = 1 / PRIOR_SIGMA**2
        for side in seen:
            shifts = side_shifts(view, heading, side)
            if shifts.reach < 0.02:
                continue
            deep = gsd > COARSE and fills_a_pixel(shifts.beta - shifts.alpha, SLENDER * beam, gsd)
            known = levels[side] if levels and side in levels else typical_levels(shifts.lit, deep=deep)
            random = side_sigma(shifts, known, freeboard, gsd=gsd)
            gear = 0.0
            if shifts.beta > shifts.alpha:
                gear = np.hypot(gear_sigma(shifts, beam, gsd), plate_sigma(shifts.shade, gsd))
            edges = np.sqrt(2.0) * jitter(0.6 * gsd) / shifts.reach
            information += 1 / (random**2 + edges**2 + heel_sigma(beam) ** 2 + gear**2)
        total += 1 / information + SYSTEMATIC**2
    return float(np.sqrt(total / len(freeboards)))
