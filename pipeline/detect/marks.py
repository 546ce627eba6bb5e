"""Ships that a small network marks in strips along waterfronts, and how well a rectangle agrees with that.

Each strip lies in its own frame, water on one side and land on the other, so that the network need not learn
how harbours turn. A ship is seen in several strips; what they say of one pixel is averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid, Network
from pipeline.detect.outline import Box
from pipeline.detect.waterfront import Array, Front, Stretch
from pipeline.geometry import ground_to_pixel, ship_axes

STRIP = (slice(2, 130), slice(0, 24))
"""Stations along and across of a front that the network is shown."""
_MIDDLE = 250.0
"""Along a strip its word weighs less with the distance from its middle: exp(-1) here [m]."""
_INNER, _OUTER = (0.45, 0.4), (8.0, 18.0)
"""A rectangle is asked within so much of its length and beam [1], and so far beyond its ends [m]."""
_BESIDE = 8.0
"""And so far beside it [m]."""
_ENDS, _SIDES = 0.5, 0.3
"""What is marked beyond its ends and beside it counts against a rectangle: it is a part of a ship [1]."""


class Marks:
    """How much of each pixel is a ship, gathered strip by strip."""

    def __init__(self, grid: Grid, network: Network) -> None:
        self._grid = grid
        self._network = network
        self._told = np.zeros(grid.shape, np.float64)
        self._weight = np.zeros(grid.shape, np.float64)

    def add(self, stretches: Sequence[Stretch], front: Front) -> None:
        """Ask the network about some strips.

        Parameters
        ----------
        front
            Its planes are the light of the five bands, land and open water, in this order.
        """
        if not stretches:
            return
        strips = np.ascontiguousarray(front.planes[:, :7][(..., *STRIP)], np.float32)
        (told,) = _open_session(self._network).run(None, {"strip": strips})
        along, across = front.along[STRIP[0]], front.across[STRIP[1]]
        weight = np.broadcast_to(np.exp(-((along / _MIDDLE) ** 2))[:, None], told.shape)
        inland = np.array([stretch.inland for stretch in stretches])
        frames = np.array([(*stretch.middle, stretch.heading) for stretch in stretches])
        row, col = self._pixels(frames, along, inland[:, None] * across)
        rows, cols = self._grid.shape
        held = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
        place = row[held] * cols + col[held]
        for total, values in ((self._told, told * weight), (self._weight, weight)):
            total += np.bincount(place, values[held], rows * cols).reshape(rows, cols)

    def agree(self, boxes: Sequence[Box]) -> Array:
        """(box,): the share of ship inside, less what is marked about it; 0 where no strip was asked [1]."""
        if not boxes:
            return np.zeros(0)
        share = self._told / np.maximum(self._weight, 1e-6)
        frames = np.array([(*box.centre, box.heading) for box in boxes])
        length, beam = np.array([(box.length, box.beam) for box in boxes]).T[:, :, None]
        inner = (np.linspace(-1, 1, 12) * _INNER[0] * length, np.linspace(-1, 1, 4) * _INNER[1] * beam)
        ends = np.concatenate([sign * (length / 2 + np.array(_OUTER)) for sign in (1, -1)], axis=1)
        sides = np.concatenate([sign * (beam / 2 + _BESIDE) for sign in (1, -1)], axis=1)
        rows, cols = share.shape

        def mean(ahead: Array, aside: Array) -> Array:
            row, col = self._pixels(frames, ahead, aside)
            return np.asarray(share[row.clip(0, rows - 1), col.clip(0, cols - 1)].mean(axis=(1, 2)))

        return mean(*inner) - _ENDS * mean(ends, inner[1]) - _SIDES * mean(inner[0], sides)

    def _pixels(self, frames: Array, ahead: Array, aside: Array) -> npt.NDArray[np.intp]:
        """(2, frame, ahead, aside) rows and columns, which may lie outside, of stations in frames.

        Parameters
        ----------
        frames
            (frame, 3): middle east and north [m], heading [deg].
        ahead, aside
            Stations along and to starboard, (n,) or (frame, n) [m].
        """
        bow, starboard = (axis.T[:, None, None] for axis in ship_axes(frames[:, 2]))
        ground = frames[:, None, None, :2] + np.atleast_2d(ahead)[:, :, None, None] * bow
        ground = ground + np.atleast_2d(aside)[:, None, :, None] * starboard
        return np.moveaxis(np.floor(ground_to_pixel(self._grid, ground)).astype(np.intp), -1, 0)[::-1]


@lru_cache(maxsize=4)
def _open_session(network: Network) -> Any:
    """A session of onnxruntime on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network.graph, options, providers=["CPUExecutionProvider"])
