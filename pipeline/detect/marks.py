"""Ships that a small network marks in strips along waterfronts, and how well a rectangle agrees with that.

Each strip lies in its own frame, water on one side and land on the other, so that the network need not learn
how harbours turn. A ship is seen in several strips; what they say of one pixel is averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

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
        self._session = _open_session(network)
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
        (told,) = self._session.run(None, {"strip": strips})
        along, across = front.along[STRIP[0]], front.across[STRIP[1]]
        weight = np.broadcast_to(np.exp(-((along / _MIDDLE) ** 2))[:, None], told.shape[1:])
        rows, cols = self._grid.shape
        for stretch, shares in zip(stretches, told, strict=True):
            bow, starboard = ship_axes(stretch.heading)
            ground = np.asarray(stretch.middle) + along[:, None, None] * bow
            ground = ground + across[None, :, None] * (stretch.inland * starboard)
            col, row = np.moveaxis(np.floor(ground_to_pixel(self._grid, ground)).astype(np.intp), -1, 0)
            held = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
            place, size = row[held] * cols + col[held], rows * cols
            self._told += np.bincount(place, (shares * weight)[held], size).reshape(rows, cols)
            self._weight += np.bincount(place, weight[held], size).reshape(rows, cols)

    def agree(self, boxes: Sequence[Box]) -> Array:
        """(box,): the share of ship inside, less what is marked about it; 0 where no strip was asked [1]."""
        if not boxes:
            return np.zeros(0)
        share = self._told / np.maximum(self._weight, 1e-6)
        length, beam = (
            np.array([getattr(box, side) for box in boxes])[:, None] for side in ("length", "beam")
        )
        inner = (np.linspace(-1, 1, 12) * _INNER[0] * length, np.linspace(-1, 1, 4) * _INNER[1] * beam)
        ends = np.concatenate([sign * (length / 2 + np.array(_OUTER)) for sign in (1, -1)], axis=1)
        sides = np.concatenate([sign * (beam / 2 + _BESIDE) for sign in (1, -1)], axis=1)
        return np.asarray(
            self._mean(share, boxes, inner)
            - _ENDS * self._mean(share, boxes, (ends, inner[1]))
            - _SIDES * self._mean(share, boxes, (inner[0], sides))
        )

    def _mean(self, share: Array, boxes: Sequence[Box], stations: tuple[Array, Array]) -> Array:
        """(box,) mean over stations (box, n) ahead and (box, m) to starboard of each middle [m]."""
        ahead, aside = stations
        bow, starboard = (
            axis.T[:, None, None] for axis in ship_axes(np.array([box.heading for box in boxes]))
        )
        middle = np.array([box.centre for box in boxes])[:, None, None]
        ground = middle + ahead[:, :, None, None] * bow + aside[:, None, :, None] * starboard
        col, row = np.moveaxis(np.floor(ground_to_pixel(self._grid, ground)).astype(np.intp), -1, 0)
        rows, cols = self._grid.shape
        return np.asarray(share[row.clip(0, rows - 1), col.clip(0, cols - 1)].mean(axis=(1, 2)))


@lru_cache(maxsize=4)
def _open_session(network: Network) -> Any:
    """A session of onnxruntime on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network.graph, options, providers=["CPUExecutionProvider"])
