"""Whether two looks show one hull, by what her deck looks like; no name and no AIS is needed."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh, exp, log, sqrt

import numpy as np

from pipeline.products import Appearance

COARSE = 1.5
"""Pixels from which a deck is too blurred for gear [m]."""
COLOUR_SAME = {False: 0.10, True: 0.12}
"""Spread of a colour of one deck between two looks, fine and coarse; logarithms of ratios [1]."""
COLOUR_SHIPS = 0.14
"""Spread of a colour between decks [1]."""
LEVEL_SAME, LEVEL_SHIPS = 0.15, 0.3
"""Of the logarithm of a deck's reflectance: between looks at one ship, and between ships [1]."""
CONTRAST_SAME, CONTRAST_SHIPS = 0.35, 0.45
"""Of the logarithm of a deck's contrast, likewise, in images about as fine [1]."""
PLAN_SAME, PLAN_OTHER = (0.9, 0.6), (0.35, 0.4)
"""Fisher's z of the correlation of two plans: mean and spread, of one ship and of two [1].

All from simulated tankers, each seen twice in other light, from elsewhere, and deeper in the water: few, and
none of them of the sample season."""
SISTERS, CHANGED = 0.1, 0.01
"""Share of ships that look like each other, and of ships that look unlike themselves: painted, wet, or the
outline beside the hull [1]."""


def compare_appearance(first: Appearance, second: Appearance) -> float:
    """Log odds of one ship against two, from colour, level, contrast and plan of two decks."""
    odds = _colour_odds(first, second, COLOUR_SAME[max(first.gsd, second.gsd) > COARSE])
    if first.level is not None and second.level is not None:
        odds += _difference_odds(first.level - second.level, LEVEL_SAME, LEVEL_SHIPS)
    if 0.5 < first.gsd / second.gsd < 2 and min(first.contrast, second.contrast) > 0:
        odds += _difference_odds(log(first.contrast / second.contrast), CONTRAST_SAME, CONTRAST_SHIPS)
    if len(first.plan) == len(second.plan) > 0:
        agreement = float(np.mean(np.multiply(first.plan, second.plan)))
        z = atanh(min(max(agreement, -0.95), 0.95))
        odds += _log_normal(z, *PLAN_SAME) - _log_normal(z, *PLAN_OTHER)
    ratio = exp(min(max(odds, -40.0), 40.0))
    return log(((1 - CHANGED) * ratio + CHANGED) / (1 - SISTERS + SISTERS * ratio))


def compare_series(first: Sequence[Appearance], second: Sequence[Appearance]) -> float:
    """Of two series of looks, each at one ship: the mean over the pairs, the finer half of them."""
    pairs = sorted((max(a.gsd, b.gsd), compare_appearance(a, b)) for a in first for b in second)
    kept = pairs[: max((len(pairs) + 1) // 2, 1)]
    return sum(odds for _, odds in kept) / len(kept) if kept else 0.0


def _colour_odds(first: Appearance, second: Appearance, same: float) -> float:
    """From the colours that both have, one fewer being free than there are."""
    shared = [name for name in first.bands if name in second.bands]
    if len(shared) < 2:
        return 0.0
    one, other = (
        np.array([look.deck[look.bands.index(name)] for name in shared]) for look in (first, second)
    )
    difference = (one - one.mean()) - (other - other.mean())
    free = (len(shared) - 1) / len(shared)
    return free * sum(_difference_odds(float(d), same, COLOUR_SHIPS) for d in difference)


def _difference_odds(difference: float, same: float, ships: float) -> float:
    """Log odds of one ship from a difference of two looks; `ships` is the spread of each of two ships."""
    return _log_normal(difference, 0.0, same) - _log_normal(difference, 0.0, sqrt(same**2 + 2 * ships**2))


def _log_normal(value: float, centre: float, sigma: float) -> float:
    return -0.5 * ((value - centre) / sigma) ** 2 - log(sigma)
