"""The sea of one look, told once: ships, berths and the terminal's memory go by the same."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.datatypes import BoolArray, Chip, CloudMask
from pipeline.detect.colour import find_water_at
from pipeline.detect.scale import clear_of_clouds, reduce_chip, reduce_share
from pipeline.detect.water import Water, water_bodies

SEARCH = 2.0
"""Ships are looked for at pixels of about this size [m]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sea:
    """Where the ground is seen, what of it is water, and what stands out of that."""

    chip: Chip
    """At the search's pixels."""
    factor: int
    """Pixels of the full chip along the side of one of these."""
    usable: BoolArray
    """(row, col) of the full chip, True where the ground is seen."""
    seen: BoolArray
    """(row, col) of `chip`, as all that follows."""
    water: Water
    bodies: BoolArray
    """True on water as wide, as large and of the colours of it."""


def find_sea(chip: Chip, clouds: CloudMask, *, gsd: float = SEARCH) -> Sea | None:
    """The sea at pixels of about `gsd` metres; None where nothing is seen."""
    small, factor = reduce_chip(chip, gsd)
    usable = clear_of_clouds(chip, clouds)
    seen = reduce_share(usable, factor) > 0.5
    if not seen.any():
        return None
    water = find_water_at(chip.grid.gsd, small, seen)
    bodies = water_bodies(small, water.water, seen)
    return Sea(chip=small, factor=factor, usable=usable, seen=seen, water=water, bodies=bodies)
