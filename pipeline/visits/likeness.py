"""Whether two looks show one hull, by what her deck looks like; no name and no AIS is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from pipeline.products import Appearance

Array = npt.NDArray[np.float64]

BANDS = ("blue", "green", "red", "nir")
CELLS = 72
"""Of a plan."""
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
    return float(compare_decks((first,), (second,))[0, 0])


def compare_series(first: Sequence[Appearance], second: Sequence[Appearance]) -> float:
    """Of two series of looks, each at one ship: the mean over the pairs; nil without looks."""
    return float(compare_decks(first, second).mean()) if first and second else 0.0


def compare_decks(first: Sequence[Appearance], second: Sequence[Appearance]) -> Array:
    """(first, second) log odds of one ship against two, of every look of the one with every of the other."""
    one, other = _gather(first), _gather(second)
    gsd = one.gsd[:, None], other.gsd[None, :]
    coarse = np.maximum(*gsd) > COARSE
    odds = _colour_odds(one.colours, other.colours, np.where(coarse, COLOUR_SAME[True], COLOUR_SAME[False]))
    odds += _known(_difference_odds(one.level[:, None] - other.level[None, :], LEVEL_SAME, LEVEL_SHIPS))
    contrast = _difference_odds(
        one.contrast[:, None] - other.contrast[None, :], CONTRAST_SAME, CONTRAST_SHIPS
    )
    odds += np.where(np.abs(np.log2(gsd[0] / gsd[1])) < 1, _known(contrast), 0.0)
    agreement = one.plan @ other.plan.T / max(one.plan.shape[1], 1)
    z = np.arctanh(np.clip(agreement, -0.95, 0.95))
    odds += _known(_log_normal(z, *PLAN_SAME) - _log_normal(z, *PLAN_OTHER))
    ratio = np.exp(np.clip(odds, -40.0, 40.0))
    return np.asarray(np.log(((1 - CHANGED) * ratio + CHANGED) / (1 - SISTERS + SISTERS * ratio)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Decks:
    """Looks as arrays; what is not known is NaN."""

    gsd: Array
    colours: Array
    """(looks, bands)"""
    level: Array
    contrast: Array
    """Its logarithm."""
    plan: Array
    """(looks, cells)"""


def _gather(looks: Sequence[Appearance]) -> _Decks:
    none = float("nan")
    colours = [[dict(zip(k.bands, k.deck, strict=True)).get(name, none) for name in BANDS] for k in looks]
    plans = [k.plan if len(k.plan) == CELLS else (none,) * CELLS for k in looks]
    return _Decks(
        gsd=np.array([k.gsd for k in looks], dtype=np.float64),
        colours=np.array(colours, dtype=np.float64).reshape(len(looks), len(BANDS)),
        level=np.array([none if k.level is None else k.level for k in looks], dtype=np.float64),
        contrast=np.array([log(k.contrast) if k.contrast > 0 else none for k in looks], dtype=np.float64),
        plan=np.array(plans, dtype=np.float64).reshape(len(looks), CELLS),
    )


def _colour_odds(one: Array, other: Array, same: Array) -> Array:
    """From the colours that both have, one fewer being free than there are."""
    difference = one[:, None, :] - other[None, :, :]
    shared = np.isfinite(difference)
    number = np.maximum(shared.sum(axis=2), 1)
    difference = np.where(shared, difference, 0.0)
    difference -= (difference.sum(axis=2) / number)[..., None]
    each = _difference_odds(difference, same[..., None], COLOUR_SHIPS)
    total = np.where(shared, each, 0.0).sum(axis=2)
    return np.asarray(np.where(number > 1, (number - 1) / number * total, 0.0))


def _difference_odds(difference: Array, same: Array | float, ships: float) -> Array:
    """Log odds of one ship from a difference of two looks; `ships` is the spread of each of two ships."""
    either = np.sqrt(np.square(same) + 2 * ships**2)
    return _log_normal(difference, 0.0, same) - _log_normal(difference, 0.0, either)


def _known(odds: Array) -> Array:
    """Nil where something was not known."""
    return np.asarray(np.where(np.isfinite(odds), odds, 0.0))


def _log_normal(value: Array, centre: float, sigma: Array | float) -> Array:
    return np.asarray(-0.5 * np.square((value - centre) / sigma) - np.log(sigma))
