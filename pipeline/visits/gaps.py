"""A berth's looks as the gaps between them, and which gaps may share a stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

RUN_IN = 12.0
"""Days before the period, empty at their start, from which stays reach into it."""
SETTLED = 12.0
"""Log odds of one ship against two from which a gap between two looks at a ship is not in doubt [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """One berth's usable looks, in days from the start of the period."""

    times: tuple[float, ...]
    """Ascending."""
    ships: tuple[int, ...]
    """Which ship each shows; 0 = the berth is empty."""
    alike: tuple[float, ...] = ()
    """For each look after the first, log odds of one ship against two from the ships' looks alone; of no
    meaning where a look shows none. Empty = certain, by `ships`."""
    strangers: frozenset[int] = frozenset()
    """Ships that are no visits: they take the berth, and neither rate nor stays are learned from them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gaps:
    """Gaps between looks of all berths, one berth after the other; (gaps,) arrays."""

    berth: Ints
    start: Array
    stop: Array
    left: Ints
    """Ship at the left end; 0 = empty."""
    right: Ints
    """Ship at the right end; 0 = empty, -1 = not looked at."""
    alike: Array
    """Log odds of one ship where both ends show one; large where certain."""
    month: Ints
    colour: Ints
    """Gaps of one colour share no stay."""
    stranger_left: Bools
    stranger_right: Bools

    @property
    def ends(self) -> Ints:
        """Gaps in which a stay that counts may end."""
        return np.flatnonzero((self.left > 0) & ~self.stranger_left)

    @property
    def free(self) -> Ints:
        """Gaps in which the berth may be free, and at whose end something is known."""
        return np.flatnonzero((self.right >= 0) & ~(self.both & (self.alike >= SETTLED)))

    @property
    def both(self) -> Bools:
        """A ship at either end."""
        return np.asarray((self.left > 0) & (self.right > 0))


def list_gaps(berths: Sequence[Looks], period: float, month_ends: Sequence[float]) -> Gaps:
    """Gaps of all berths: from before the period to the first look, between looks, to the period's end."""
    rows: list[tuple[float, ...]] = []
    strangers: list[tuple[bool, bool]] = []
    for number, berth in enumerate(berths):
        times = (-RUN_IN, *berth.times, max(period, *berth.times, 0.0))
        ships = (0, *berth.ships, -1)
        sure = [3 * SETTLED if a == b else -3 * SETTLED for a, b in pairwise(berth.ships)]
        alike = (0.0, *(berth.alike or sure), 0.0)[: len(times) - 1]
        for k, odds in enumerate(alike):
            rows.append((number, times[k], times[k + 1], ships[k], ships[k + 1], odds))
            strangers.append((ships[k] in berth.strangers, ships[k + 1] in berth.strangers))
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    known = np.array(strangers, dtype=bool).reshape(-1, 2)
    middle = (np.maximum(table[:, 1], 0.0) + table[:, 2]) / 2
    gaps = Gaps(
        berth=table[:, 0].astype(np.int64),
        start=table[:, 1],
        stop=table[:, 2],
        left=table[:, 3].astype(np.int64),
        right=table[:, 4].astype(np.int64),
        alike=table[:, 5],
        month=np.minimum(np.searchsorted(month_ends, middle), max(len(month_ends) - 1, 0)),
        colour=np.zeros(len(table), dtype=np.int64),
        stranger_left=known[:, 0],
        stranger_right=known[:, 1],
    )
    gaps.colour[:] = _colours(gaps)
    return gaps


def _colours(gaps: Gaps) -> Ints:
    """Colours such that gaps that may share a stay differ; -1 where no seen stay can begin or end.

    A gap shares a stay with the next in which one surely ends, and with every doubtful gap before that.
    """
    colours = np.full(len(gaps.start), -1, dtype=np.int64)
    near: list[int] = []
    for k in range(len(colours)):
        doubtful = gaps.both[k] and abs(gaps.alike[k]) < SETTLED
        if gaps.left[k] == 0:
            near = []
        if (gaps.both[k] and gaps.alike[k] >= SETTLED) or (gaps.left[k] == 0 and gaps.right[k] <= 0):
            continue
        colours[k] = next(c for c in range(len(near) + 1) if c not in {int(colours[n]) for n in near})
        near = [*near, k] if doubtful else [k]
    return colours
