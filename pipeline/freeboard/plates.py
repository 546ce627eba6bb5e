"""Plates and pipes along the edge of a deck on the shaded side: what their shade takes from the profile.

A plate of height h that stands d inboard of the edge shades a strip of deck h s wide outboard of it, s being
the length of a shadow per metre of height across the hull. Where h s exceeds d, all the deck beyond the plate
is dark and the shadow on the water is longer by h s - d. A pixel does not part such a strip from the edge, so
it looks like an edge further inboard; but it takes just so much light, and that the profile weighs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.model import SideShifts, step_up

Array = npt.NDArray[np.float64]

PLATES = ((0.10, 0.30, 0.85), (0.4, 0.8, 0.05))
"""From and to which height a plate stands beside the deck edge [m], and the share of sides that have it: a
coaming of 100 mm or more surrounds the cargo deck of an oil tanker and keeps spills on board (IACS Common
Structural Rules, part 2, chapter 2, section 4, 3.1.2; 33 CFR 155.310: 4 inches, 8 at the aft corners); above
300 mm it would be a bulwark with freeing ports (IACS LL59). A pipe by the rail shades as a higher one."""
INSET = 0.6
"""Furthest inboard of the edge that such a plate stands [m]: a gunwale may be round, and no rule says."""
SHADED = 0.2
"""Light on deck in a plate's shade against that in the sun: the sky's [1]."""
RAIL = (1.0, 0.10, 0.06)
"""Height of the guard rail on the deck's edge [m], share of the sun's light that it stops, and how far that
may be off [1]: at least a metre, courses 380 mm apart and less (International Convention on Load Lines 1966,
regulation 25), of pipes of 27 and 42 mm on stanchions 1.5 m apart (ISO 5480)."""
PARTED = 0.5
"""Breadth of a sunlit strip that an image parts from what is dark on either side [pixel]: bars of 0.2 m drawn
at 0.5 m lengthen the shadow by all their height, by half and by nothing where 0, 0.1 and 0.3 m part them."""
MARGINS = ((0.25, 0.5, 0.9), (0.45, 0.85), 0.15)
"""Breadths of a strip of dark paint along the edge [m], what it takes of the deck's light, and the share of
sides that have one: a margin plate or the side's paint led round the edge passes for shadow."""
USUAL = (0.2, 0.3)
"""Height and inset of the plate that stands on such a strip [m]."""
HEIGHTS, INSETS = 2, 3
"""Steps between the ends of each range."""


class Plate(NamedTuple):
    """One that may stand beside the deck's edge."""

    height: float
    """[m]"""
    inset: float
    """Of the edge [m]."""
    share: float
    """Of sides that have it [1]."""
    margin: float = 0.0
    """Breadth of dark paint along the edge [m]."""
    lost: float = 0.0
    """What that paint takes of the deck's light [1]."""


def _plates() -> tuple[Plate, ...]:
    insets = INSET * (np.arange(INSETS) + 0.5) / INSETS
    breadths, losses, dark = MARGINS
    found = [Plate(0.0, 0.0, (1.0 - dark) * (1.0 - sum(share for _, _, share in PLATES)))]
    for low, high, share in PLATES:
        for height in low + (high - low) * (np.arange(HEIGHTS) + 0.5) / HEIGHTS:
            found += [Plate(float(height), float(d), (1 - dark) * share / HEIGHTS / INSETS) for d in insets]
    each = dark / len(breadths) / len(losses)
    found += [Plate(*USUAL, each, breadth, lost) for breadth in breadths for lost in losses]
    return tuple(found)


KINDS = _plates()
LOG_SHARES: Array = np.log([plate.share for plate in KINDS])


def plate_sigma(shade: float, gsd: float) -> float:
    """What plates leave open, as a height of the edge [m].

    Parameters
    ----------
    shade
        Length of a shadow per metre of height, across the hull [1].
    gsd
        [m]
    """
    height, inset, share = np.array(KINDS).T[:3]
    parted = np.maximum(inset - height * shade, 0.0) / (PARTED * gsd)
    seen = height * np.clip(1.0 - parted, 0.0, 1.0)
    return float(np.sqrt(share @ seen**2 - (share @ seen) ** 2))


class Shades(NamedTuple):
    """Shares of a profile in the shade of what stands along the deck's edge."""

    deck: Array
    """(kind, candidate, sample) of the deck in the shade of a plate."""
    water: Array
    """(kind, candidate, sample) of the water beyond the tip in the shade of a plate."""
    rail: Array
    """(candidate, sample) of the water beyond the tip on which the rail's shadow falls."""

    def part(self, some: slice) -> Shades:
        """Of some candidates."""
        return Shades(self.deck[:, some], self.water[:, some], self.rail[some])


def plate_shades(v: Array, shifts: SideShifts, state: tuple[Array, Array], blur: float) -> Shades:
    """What each of `KINDS` takes, and the rail.

    Parameters
    ----------
    v
        (sample,) outward coordinate [m].
    state
        (freeboard, deck edge), each (candidate,) [m].
    """
    edges, which = np.unique(state[1], return_inverse=True)
    tip = (state[1] + state[0] * shifts.beta)[:, None]
    deck = np.zeros((len(KINDS), len(tip), len(v)))
    water = np.zeros_like(deck)
    ends: dict[float, Array] = {}

    def dark_from(place: float) -> Array:
        if place not in ends:
            ends[place] = step_up(v[None, :], (edges - place)[:, None], np.full((len(edges), 1), blur))
        return ends[place]

    def beyond(length: float) -> Array:
        wider = np.full_like(tip, blur)
        return step_up(v[None, :], tip, wider) - step_up(v[None, :], tip + length, wider)

    across = shifts.beta - shifts.shade
    for k, plate in enumerate(KINDS):
        wide, top = plate.height * shifts.shade, plate.inset + plate.height * across
        if wide < 0.01 or shifts.beta <= shifts.alpha:
            continue
        # dark from the image of her top, or from behind her sunlit face, to the end of her shade
        dark = dark_from(max(top, 0.0)) - dark_from(max(plate.inset - wide, 0.0))
        if plate.margin:
            painted = dark_from(plate.margin) - dark_from(0.0)
            dark = np.maximum(dark, plate.lost / (1.0 - SHADED) * painted)
        deck[k] = dark[which]
        if wide > plate.inset:
            water[k] = beyond(wide - plate.inset)
    rail = beyond(RAIL[0] * shifts.shade) if shifts.beta > shifts.alpha else np.zeros_like(deck[0])
    return Shades(deck, water, rail)
