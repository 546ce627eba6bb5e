"""Which way she leans: the accommodation block, ten metres above the deck, moves away from the satellite.

A deck edge moves by a pixel or two, and paint looks much like a side that is seen; the top of the block moves
by several. Against the middle of the deck, which is known from both of her edges, the bright block lies on
the far side of the satellite.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip
from pipeline.freeboard.strip import Strip, pixels_about
from pipeline.geometry import ship_axes
from pipeline.readings import AzimuthCheck

Array = npt.NDArray[np.float64]

STATIONS = (0.27, 0.50)
"""Where the block may stand, fore or aft of amidships, in lengths of the ship [1]."""
BLOCK, HIGHEST = 0.085, 0.10
"""Height of the block above the deck, usual and largest, in lengths of the ship [1]."""
SHARES = np.array([0.3, 0.5, 0.7, 0.9, 1.1])
"""By how much of that height the middle of what is bright moves: by half where the wall that faces the
satellite is bright too."""
UNEVEN = (0.5, 0.05)
"""How far the middle of an upright block may lie off that of the deck [m], and the same in beams [1]."""
PROFILE_WORTH = {True: 0.3, False: 0.2}
"""What a nat of the profile is worth, by whether a block is seen too: bands of paint and gear on deck fake it
(logistic fits to ships of two path tracers, rightly seen, for one nat of the block) [1]."""
FAKED = 10.0
"""The most that paint fakes in the profile; what goes beyond counts in full [nats]."""
AGREES, CONTRADICTS = 3.0, -4.0
"""Log odds from which the stated azimuth is the right one, or a wrong one: of a right one no ship of another
path tracer gave less than -1.5 (45 ships) [nats]."""
BELIEVED = -1.5
"""Log odds above which an azimuth of a known convention is believed: those ships gave no less [nats]."""
TURNED = {True: 0.02, False: 0.5}
"""How often an azimuth is half a turn off, before looking, by whether its vendor's convention is known: an
item may be written by anybody, and the definition in STAC's view extension can be read both ways [1]."""
DOUBTED = 0.1
"""Probability of that from which a curve that it makes too wide is no measurement [1]."""
LARGEST = 8.0
"""The most that a block may say of an azimuth: a deck house may stand off the middle [nats]."""
BRIGHTER = 1.3
"""The block's light against the brightest tenth of the deck's [1]."""
WIDTH = 0.65
"""The least breadth of a block, in beams [1]: it reaches nearly from side to side (197 of 204 on ships of two
simulators), and where less is bright, a roof in another paint, say, its middle is not the block's."""
WINGS = 1.0
"""How far the wings of a bridge stand out beyond her sides, both together [m]."""
LEAST = 0.015
"""Area of a block, in lengths times beams [1]."""


def block_offset(
    chip: Chip, hidden: BoolArray | None, strip: Strip, size: tuple[float, float], place: tuple[float, float]
) -> float | None:
    """How far to starboard of the deck's middle the bright block is seen [m], or None where there is none.

    Parameters
    ----------
    strip
        Of the mid-body: the ship's frame, and the light of her deck in the first channel's bands.
    size
        (length, beam) [m]
    place
        Of the middle of the deck, to starboard of the frame's origin [m], and the shift of the view per metre
        of height, either way [1].
    """
    (length, beam), (middle, shift) = size, place
    furthest = 0.5 * (beam + WINGS) + HIGHEST * length * abs(shift)
    reach = furthest + 1.5
    origin = np.asarray(strip.centre) + middle * ship_axes(strip.heading)[1]
    found = pixels_about(chip, hidden, (strip.heading, (origin[0], origin[1])), (STATIONS[1] * length, reach))
    ahead, across = found.ahead[found.usable], found.across[found.usable]
    light = found.values.mean(axis=0)[found.usable]
    deck = light[(np.abs(ahead) < 0.2 * length) & (np.abs(across) < 0.4 * beam)]
    if deck.size < 20:
        return None
    limit = BRIGHTER * float(np.quantile(deck, 0.9))
    blocks = []
    for end in (1, -1):
        bright = across[(end * ahead > STATIONS[0] * length) & (light > limit)]
        if bright.size * strip.gsd**2 > LEAST * length * beam:
            low, high = np.quantile(bright, [0.03, 0.97])
            blocks.append((bright.size, float(low), float(high)))
    if not blocks:
        return None
    _, low, high = max(blocks)
    # what reaches further than her own can lean takes in a neighbour's
    alone = -furthest < low and high < furthest
    return (low + high) / 2 if alone and high - low > WIDTH * beam else None


def lean_gap(offset: float, across: float, size: tuple[float, float]) -> float:
    """Log odds of the stated azimuth against the opposite one from where the block is seen [nats].

    Parameters
    ----------
    across
        Shift of the view per metre of height, to starboard where the satellite stands [1].
    """
    length, beam = size
    moved = -SHARES * BLOCK * length * across
    spread = float(np.hypot(UNEVEN[0], UNEVEN[1] * beam))
    stated, opposite = (-0.5 * ((offset - sense * moved) / spread) ** 2 for sense in (1.0, -1.0))
    gap = float(np.logaddexp.reduce(stated) - np.logaddexp.reduce(opposite))
    return float(np.clip(gap, -LARGEST, LARGEST))


def lean_odds(profile: float, lean: float | None) -> float:
    """Log odds of the stated azimuth by both gaps in evidence, each for what it is worth [nats].

    `lean` is None where no block is seen.
    """
    faked = float(np.clip(profile, -FAKED, FAKED))
    return PROFILE_WORTH[lean is not None] * faked + (profile - faked) + (lean or 0.0)


def turned_probability(odds: float, *, trusted: bool) -> float:
    """That the stated azimuth is half a turn off, by the image's log odds [nats] and before it.

    Nil where its convention is known and the image does not speak against it: freeboards would be given in
    two senses else wherever no block is seen.
    """
    if trusted and odds > BELIEVED:
        return 0.0
    prior = TURNED[trusted]
    return float(1.0 / (1.0 + (1.0 - prior) / prior * np.exp(np.clip(odds, -50.0, 50.0))))


def judge_azimuth(odds: float) -> AzimuthCheck:
    """What the image's log odds of the stated azimuth come to [nats]."""
    if odds < CONTRADICTS:
        return "contradicts"
    return "agrees" if odds > AGREES else "undecided"
