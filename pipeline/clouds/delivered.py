"""Delivered masks, with their known errors taken out and ours put in."""

from __future__ import annotations

from pipeline.clouds.cells import Cells
from pipeline.clouds.spectral import THIN, WIDE, Lift, dilate, opened
from pipeline.datatypes import BoolArray

WIDTH = 70.0
"""A delivered cloud nowhere as wide is a quay, a roof or surf until our own mask agrees [m]."""
SPECK = 3
"""What is narrower is no cloud [cells]."""
NEAR = 60.0
"""How far from a cloud that both masks know a delivered one is believed without being wide [m]."""


def combine_delivered(delivered: BoolArray, own: BoolArray, lift: Lift, cells: Cells) -> BoolArray:
    """(row, col) on cells, True where there is cloud.

    Scene classifications call bright quays, surf and roofs cloud, draw wide margins, and miss small clouds.
    A delivered cloud is believed where it stands above the sea at all, is wide or near one that both masks
    know, and has the colour of cloud or is very wide; ours is added.
    """
    agreed = delivered & own
    wide = opened(delivered, cells.pixels(WIDTH)) | (delivered & dilate(agreed, cells.pixels(NEAR)))
    lifted = wide & (lift.least > THIN)
    coloured = opened(lifted & ~lift.pale, cells.pixels(2 * WIDE))
    return opened((lifted & lift.pale) | coloured | own, SPECK)
