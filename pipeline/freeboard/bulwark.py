"""A bulwark along the side: told by its shade on the sunny side of the deck, where that can be seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.freeboard.model import SideShifts
from pipeline.freeboard.scan import Setting, Window, evaluate, gaussian_blur, smear_of, steps_between

Array = npt.NDArray[np.float64]

SHORT, LONGEST, SHARE = 85.0, 110.0, 0.08
"""Up to which length tankers have bulwarks along the whole side as often as any, from which none has [m], and
how many of the short ones have. Open rails are the
rule (IACS Common Structural Rules, part 2, chapter 2, section 4, 3.1.1) and a tanker's must be open over half
her length (International Convention on Load Lines 1966, regulation 26), but coasters that sail under no
convention are not asked; nobody has counted them."""
DARK_STRIP = 0.06
"""How many ships without a bulwark show such a strip of deck all the same: paint, the shade of a pipe."""
MISSED = 0.1
"""How many bulwarks draw no such strip though it would be broad: gear in the way, wet or dark decks."""
SAID = 0.1
"""Probability from which a bulwark is flagged."""
HEIGHTS = (0.9, 1.1, 1.3)
"""Of bulwarks above the deck: a metre or more (International Convention on Load Lines 1966, regulation 25)
[m]."""
LIGHT = (0.08, 0.22)
"""Light on the deck behind a bulwark, of half the sky, against that in the sun [1]."""


def bulwark_share(length: float) -> float:
    """How many tankers of a length [m] have a bulwark along the whole side [1]."""
    return SHARE * float(np.clip((LONGEST - length) / (LONGEST - SHORT), 0.0, 1.0))


def bulwark_probability(length: float, lit: tuple[Window, SideShifts] | None, slope: float) -> float:
    """Probability that a bulwark stands along her side.

    A strip narrower than a pixel is missed more often than not, so that not to see it says little.

    Parameters
    ----------
    length
        Of the ship [m].
    lit
        The sunlit side, if it can be seen; without the strip of shade it is known only how many such ships
        there are, as where something lies alongside, whose shadow may be taken for the strip or hide it.
    slope
        S - V, outwards: width of the strip in the image for each metre of the bulwark's height [1].
    """
    share = bulwark_share(length)
    if share == 0.0 or lit is None or slope <= 0.0 or lit[0].cut:
        return share
    strip = np.exp(min(bulwark_evidence(*lit, slope), 50.0))
    missed = MISSED + (1 - MISSED) * np.exp(-0.5 * (slope / lit[0].gsd) ** 2)
    walled = share * ((1 - missed) * strip + missed)
    without = (1 - share) * (1 - DARK_STRIP + DARK_STRIP * strip)
    return float(walled / (walled + without))


def bulwark_evidence(window: Window, shifts: SideShifts, slope: float) -> float:
    """Log of how much likelier a sunlit side is with a strip of deck in the shade of a bulwark than without.

    Parameters
    ----------
    slope
        Width of the strip in the image for each metre of the bulwark's height [1].
    """
    widest = HEIGHTS[-1] * slope
    mean, spread = window.edge
    edges = steps_between(mean - 2 * spread - widest, mean + 2 * spread + widest, 0.25)
    heights = np.arange(0.5, window.top, 1.0) if shifts.alpha > 0.05 else np.array([0.3 * window.top])
    near = (window.v >= edges[0] - 3.0) & (window.v <= edges[-1] + window.top * shifts.reach + 4.0)
    window = replace(window, v=window.v[near], values=window.values[:, near], errors=window.errors[:, near])
    F, e = (x.ravel() for x in np.meshgrid(heights, edges))
    setting = Setting(gaussian_blur(window, 0.5), 0.1, smear_of(window))

    def evidence(width: float, light: float) -> float:
        value = evaluate(window, shifts, (F, e), setting._replace(shaded=(width, light)))[0]
        return float(np.logaddexp.reduce(value))

    shaded = [evidence(height * slope, light) for height in HEIGHTS for light in LIGHT]
    return float(np.logaddexp.reduce(shaded) - np.log(len(shaded))) - evidence(0.0, 1.0)
