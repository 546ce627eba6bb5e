"""Delivered masks, with their known errors taken out and ours put in."""

from __future__ import annotations

import numpy as np

from pipeline.clouds.cells import Cells
from pipeline.clouds.spectral import dilate, opened
from pipeline.datatypes import BoolArray

WIDTH = 70.0
"""A delivered cloud nowhere as wide is a quay, a roof or surf until our own mask agrees [m]."""
NEAR = 60.0
"""How far from a cloud that both masks know a delivered one is believed without being wide [m]."""


def combine_delivered(delivered: BoolArray, own: BoolArray, cells: Cells) -> BoolArray:
    """(row, col) on cells, True where there is cloud.

    Scene classifications call bright quays, surf and roofs cloud and miss thin and small clouds; ours knows
    no cloud below 50 m. Delivered clouds are believed where they are wide or near one that both know; ours
    are added.
    """
    agreed = delivered & own
    believed = opened(delivered, cells.pixels(WIDTH)) | (delivered & dilate(agreed, cells.pixels(NEAR)))
    return np.asarray(believed | own)
