"""From a hull as the satellite saw her, leaning, to her waterline.

What stands F above the water is seen F times the relief shift away from where it stands (`relief_shift`).
So the far edge of a hull is the edge of her deck, moved; the near edge is her waterline where the side that
faces the satellite is seen as hull, and the deck's other edge, moved too, where that side is as dark as the
water. F is not known yet: it is taken to be what it is for ships of all loads, with the spread of that.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, ViewGeometry
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.geometry import relief_shift, ship_axes

Array = npt.NDArray[np.float64]

_USUAL, _SPREAD = 0.037, 0.014
"""Freeboard over length of ships, laden and in ballast: mean and standard deviation [1]. Depth is a twelfth
of the length; a laden ship shows a quarter of it (ICLL 1966, reg. 28), one in ballast two
thirds (MARPOL I/18)."""
_HIGHER = 1.4
"""Bow and house over the deck's edge amidships, where they end her outline [1]."""
_STEP = 0.22
"""Change of colour from the deck to a side that is seen, as a share of the brighter of the two [1]."""


def to_waterline(box: Box, chip: Chip, view: ViewGeometry | None) -> tuple[Box, tuple[float, float]]:
    """(the box at the waterline, standard deviations [m] of its length and beam from what is not known of F).

    Limits: the box as it was where the view is not known or its sense is in doubt.
    """
    if view is None or not view.azimuth_trusted:
        return box, (0.0, 0.0)
    shift = np.asarray(relief_shift(view))
    bow, starboard = ship_axes(box.heading)
    height = _USUAL * box.length
    across = float(height * shift @ starboard)
    along = float(_HIGHER * height * shift @ bow)
    seen = _side_seen(box, chip, across)
    off = across * (1.0 - seen / 2)
    centre = np.asarray(box.centre) - off * starboard - along * bow
    beam = max(box.beam - seen * abs(across), 0.7 * box.beam)
    spread = float(np.hypot(_SPREAD / _USUAL * seen, min(seen, 1.0 - seen)) * abs(across))
    return replace(box, centre=(float(centre[0]), float(centre[1])), beam=beam), (abs(along) / 2, spread)


def _side_seen(box: Box, chip: Chip, across: float) -> float:
    """How far the box takes in the side that faces the satellite, 0..1: by its colour against the deck's."""
    width = abs(across)
    if width < 0.7 * chip.grid.gsd:
        return 0.5
    near = -float(np.sign(across))
    edge = near * box.beam / 2
    along = np.linspace(-0.3, 0.3, 60) * box.length
    side = edge - near * np.linspace(0.25, 0.75, 4) * width
    deck = edge - near * (np.linspace(0.0, 1.5, 5) + 1.8 * width)
    colours = []
    for plane in chip.pixels:
        cover = Cover(grid=chip.grid, plane=plane)
        levels = [
            float(np.median(sample_cover(cover, box, along=along, across=where))) for where in (side, deck)
        ]
        colours.append(levels)
    here, there = np.asarray(colours).T
    change = float(np.abs(here - there).mean() / max(float(here.mean()), float(there.mean()), 1e-3))
    return float(np.clip((change - 0.5 * _STEP) / _STEP, 0.0, 1.0))
