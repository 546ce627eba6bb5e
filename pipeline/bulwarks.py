"""A bulwark along the side: one of a hull's constants, however many images are taken of her.

What casts the shadow then is its top, and the deck that a curve is about lies its height lower. Each image's
curve holds the share of ships that have one; several images of one hull have it once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.readings import Curve, Freeboard

Array = npt.NDArray[np.float64]

LOWER = (0.8, 0.9, 1.0)
"""Heights of a bulwark above the bar that stands there else [m]."""
LOWEST = 0.35
"""No ship of 60 m floats with less (International Convention on Load Lines 1966, table 28.1) [m]."""
LEFT = 1e-3
"""Of a curve, where a bulwark's share would be all of it: other hypotheses are mixed in too [1]."""
FLOOR = -60.0
"""Of a log likelihood [nats]."""


def lowered(freeboards: Array, density: Array) -> Array:
    """What a reading says of the deck if a bulwark stands above it; where she would not float, nothing.

    Parameters
    ----------
    freeboards
        Increasing, evenly spaced [m].
    density
        (freeboard,) of the edge that was read, in any unit.
    """
    lower = np.mean(
        [np.interp(freeboards + height, freeboards, density, right=0.0) for height in LOWER], axis=0
    )
    return np.where(freeboards < LOWEST, 0.0, lower)


def with_bulwark(freeboards: Array, curve: Array, probability: float) -> Array:
    """The curve of a ship that has a bulwark along her side with a probability: she is as much lower.

    Where she would not float then, it was no bulwark.
    """
    density = np.exp(curve - curve.max())
    mixed = (1 - probability) * density + probability * lowered(freeboards, density)
    return np.asarray(np.log(np.maximum(mixed, 1e-30)))


def without_bulwark(curve: Curve, probability: float) -> Array:
    """(freeboard,) log likelihood of the edge that was read: the bulwark's share taken out of the curve.

    `with_bulwark` reads each freeboard from higher ones alone, so that it is undone from the highest down.
    """
    logs = np.asarray(curve.log_likelihood, dtype=np.float64)
    if probability <= 0.0:
        return logs
    freeboards, mixed = curve.freeboards(), np.exp(logs)
    density = mixed / (1 - probability)
    places = [height / curve.step for height in LOWER]
    for k in range(len(density) - 1 - int(min(places)), -1, -1):
        if freeboards[k] >= LOWEST:
            above = [_at(density, k + place) for place in places]
            lower = probability / (1 - probability) * float(np.mean(above))
            density[k] = max(density[k] - lower, LEFT * density[k])
    return np.asarray(np.maximum(np.log(np.maximum(density / density.max(), 1e-30)), FLOOR))


def _at(values: Array, place: float) -> float:
    """Linear between the points, nil beyond the last."""
    k = int(place)
    if k + 1 >= len(values):
        return float(values[k]) if k < len(values) and place == k else 0.0
    return float((1 - (place - k)) * values[k] + (place - k) * values[k + 1])


def log_odds(probability: float) -> float:
    """Of a probability [nats]."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(bounded / (1 - bounded)))


def bulwark_evidence(looks: Sequence[Freeboard]) -> float:
    """What the strips of shade in all images of one hull say together for a bulwark [nats]."""
    return sum(log_odds(k.bulwark) - log_odds(k.bulwark_share) for k in looks if k.bulwark_share > 0.0)


def combine_curves(looks: Sequence[Freeboard], freeboards: Array, more: float = 0.0) -> Array:
    """(freeboard,) log likelihood of one state of one hull from several images.

    Parameters
    ----------
    freeboards
        Increasing, evenly spaced [m].
    more
        What else speaks for a bulwark: her other calls [nats].
    """
    share = max(k.bulwark_share for k in looks)
    total = np.zeros_like(freeboards)
    for look in looks:
        curve = look.curve
        values = without_bulwark(curve, look.bulwark)
        total += np.interp(freeboards, curve.freeboards(), values, left=FLOOR, right=FLOOR)
    if share <= 0.0:
        return total
    odds = log_odds(share) + bulwark_evidence(looks) + more
    return with_bulwark(freeboards, total, float(1 / (1 + np.exp(-odds))))
