"""Looks while a ship loads: how fast, and with how much she can have left at the most.

Two looks alongside that both show a part cargo, the later more of it, give the rate of loading: she was
being loaded at both. The rate since an empty look would be a lower bound alone: nobody knows when it began.
With a rate, and a look that shows her gone, what she left with is bounded from above: the last look, and the
rate for as long as she may have stayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from pipeline.readings import Estimate
from pipeline.visits.fill import PART_FROM, State, combine_looks
from pipeline.visits.sightings import Sighting

SOONEST = timedelta(hours=2)
"""Looks closer than this say little of a rate."""
RISEN = 2.0
"""Sigmas by which the later look must show more."""
UNEVEN = 0.25
"""By which rates differ between parts of a loading: start, topping off, tanks changed; relative [1]."""
HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """A loading that was seen under way twice."""

    rate: Estimate
    """[t/h]"""
    since: datetime
    """Of the later look."""
    fraction: float
    """Then [1]."""
    sigma: float
    per_hour: float
    """Of the fraction [1/h]."""

    def at_most(self, until: datetime | None) -> float:
        """Fill that she cannot have left with more of, at 95 %; 1 where nobody saw her gone [1]."""
        if until is None:
            return 1.0
        hours = (until - self.since).total_seconds() / HOUR
        spread = float(np.hypot(self.sigma, UNEVEN * self.per_hour * hours))
        return min(self.fraction + self.per_hour * hours + 1.645 * spread, 1.0)


def find_loading(looks: Sequence[Sighting]) -> Loading | None:
    """The last two measured looks alongside, where both show a part cargo and the later more of it."""
    alongside = [look for look in looks if look.berth_id is not None]
    if len(alongside) < 2:
        return None
    early, late = alongside[-2:]
    if late.time - early.time < SOONEST:
        return None
    before, after = combine_looks((early,)), combine_looks((late,))
    if before.in_ballast or after.in_ballast or float(before.fraction.mean()) < PART_FROM:
        return None
    gain = _carried(after) - _carried(before)
    # Deck edge and load line are one ship's in both looks: what differs is the images.
    error = float(np.hypot(_image(before.budget), _image(after.budget))) / after.capacity.value
    if gain < RISEN * max(error, 0.02):
        return None
    hours = (late.time - early.time).total_seconds() / HOUR
    rate, sigma = gain * after.capacity.value / hours, error * after.capacity.value / hours
    return Loading(
        rate=Estimate(
            value=rate, sigma=sigma, interval90=(max(rate - 1.645 * sigma, 0.0), rate + 1.645 * sigma)
        ),
        since=late.time,
        fraction=_carried(after),
        sigma=float(after.fraction.std()),
        per_hour=gain / hours,
    )


def _carried(state: State) -> float:
    """Mean fill of a ship that carries cargo: the doubt whether it is ballast water is not hers here [1]."""
    carried = state.fraction[state.fraction > 0]
    return float(carried.mean()) if carried.size else 0.0


def _image(budget: Sequence[tuple[str, float]]) -> float:
    """The image's own term [t]."""
    return dict(budget).get("image", 0.0)
