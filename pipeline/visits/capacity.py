"""How much cargo a ship of a ranked identity can take, where no freeboard gave it."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from pipeline.datatypes import Identity, Ship
from pipeline.readings import Estimate
from pipeline.visits.identity import Size, usual_beam

UNKNOWN_DEADWEIGHT_SIGMA = 0.14
"""Of a deadweight from the true length and beam, relative; general knowledge of tankers in service [1]."""
TONNES_PER_VOLUME = ((80.0, 100.0, 128.0, 150.0), (0.190, 0.200, 0.240, 0.255))
"""Deadweight over length x beam^2, at lengths over all (m, t/m3)."""
LEAST_DEADWEIGHT = 200.0
"""[t]"""


def estimate_capacity(
    identity: Sequence[Identity], size: Size, fleet: Sequence[Ship], *, consumables_share: float
) -> Estimate:
    """Deadweight less full consumables, over the ranked identities [t].

    A row with a deadweight counts with it; every other candidate, "none of these" too, with what a tanker of
    the measured length and beam carries.
    """
    means: list[float] = []
    sigmas: list[float] = []
    generic, spread = usual_deadweight(size)
    for entry in identity:
        known = _deadweight(entry, fleet)
        means.append(generic if known is None else known)
        sigmas.append(spread if known is None else 0.003 * known)
    weights = np.array([entry.probability for entry in identity]) / sum(e.probability for e in identity)
    centre = float(weights @ np.array(means))
    variance = float(weights @ (np.square(sigmas) + np.square(np.array(means) - centre)))
    share = 1 - consumables_share
    value, sigma = share * centre, share * sqrt(variance)
    low = max(value - 1.645 * sigma, share * LEAST_DEADWEIGHT)
    return Estimate(value=value, sigma=sigma, interval90=(low, value + 1.645 * sigma))


def _deadweight(entry: Identity, fleet: Sequence[Ship]) -> float | None:
    for ship in fleet:
        same = (
            ship.imo == entry.imo if entry.imo is not None else ship.imo is None and ship.name == entry.name
        )
        if same and entry.name is not None and ship.dwt is not None and ship.dwt > 0:
            return ship.dwt
    return None


def usual_deadweight(size: Size) -> tuple[float, float]:
    """(deadweight, sigma) of a tanker of this length and beam [t]: a share of length x beam^2."""
    usual = usual_beam(size.length)
    rule, seen = 0.08 * usual, max(size.beam_sigma, 0.05)
    share = rule**2 / (rule**2 + seen**2)
    beam, beam_sigma = share * size.beam + (1 - share) * usual, sqrt(share) * seen
    lengths, shares = TONNES_PER_VOLUME
    dwt = max(float(np.interp(size.length, lengths, shares)) * size.length * beam**2, LEAST_DEADWEIGHT)
    relative = sqrt(
        UNKNOWN_DEADWEIGHT_SIGMA**2
        + (size.length_sigma / max(size.length, 20.0)) ** 2
        + (2 * beam_sigma / max(beam, 3.0)) ** 2
    )
    return dwt, relative * dwt
