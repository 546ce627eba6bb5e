"""Ships that wait at anchor before they berth: one whose stay alongside nobody saw may be known from there.

She is then a visit already, and no hidden one. How long ships wait, exponentially about one mean, is learned
from those that were seen alongside: whether the last look before showed them at anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.visits.gaps import Gaps

Array = npt.NDArray[np.float64]

WAITS = np.array([1e-3, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0])
"""Mean waits, equally likely before looking [days]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waiting:
    """What is known of ships that wait at anchor."""

    looks: tuple[float, ...]
    """Times at which one that waited would have been seen, ascending [days]."""
    weights: Array
    """(WAITS,) of each mean wait; sum to one [1]."""


def learn_waits(cases: Sequence[tuple[float, bool]]) -> Array:
    """(WAITS,) weights from ships seen alongside: days since the last look at the anchorage, and whether it
    showed her.
    """
    fit = np.zeros(len(WAITS))
    for days, waited in cases:
        share = _announced(np.array([0.0]), np.array([days]))[0]
        fit += np.log(np.maximum(share if waited else 1 - share, 1e-6))
    weights = np.exp(fit - fit.max())
    return np.asarray(weights / weights.sum())


def _announced(start: Array, stop: Array) -> Array:
    """(cases, WAITS) probability that who berths between two times after a look was at anchor in it [1]."""
    start, stop = start[:, None], np.maximum(stop, start + 1e-6)[:, None]
    return np.asarray(WAITS * (np.exp(-start / WAITS) - np.exp(-stop / WAITS)) / (stop - start))


def not_announced(gaps: Gaps, waiting: Waiting) -> Array:
    """(gaps,) probability that a ship which berths unseen in a gap was not seen at anchor before [1]."""
    looks = np.array([-np.inf, *waiting.looks])
    found = np.ones(len(gaps.start))
    for k, (start, stop) in enumerate(zip(gaps.start, gaps.stop, strict=True)):
        if stop <= start:
            continue
        inside = looks[(looks > start) & (looks < stop)]
        edges = np.array([start, *inside, stop])
        since = np.array([looks[looks <= start][-1], *inside])
        since = np.maximum(since, start - 1e3)
        share = _announced(edges[:-1] - since, edges[1:] - since) @ waiting.weights
        found[k] = 1 - float(share @ np.diff(edges)) / (stop - start)
    return found
