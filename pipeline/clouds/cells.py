"""Cells of about ten metres: what cloud is looked for on, whatever the pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip
from pipeline.geometry import block_mean

Plane = npt.NDArray[np.float32]

CELL = 10.0
"""Side of a cell, as near as whole pixels come to it [m]."""
FINE = 2.5
"""Side of the finer cells on which edges are judged [m]."""
_SLOPE = np.array([[-1, 0, 1]], np.float32)
_VISUAL_GAIN = 0.5
"""Reflectance of full white in a visual product: its stretch is not known, cloud saturates it [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Reflectance on cells."""

    planes: dict[str, Plane]
    """(row, col) by common name, mean over the measured pixels of a cell [1]; 0 where none was."""
    share: Plane
    """(row, col), measured share of a cell, 0..1."""
    step: Plane
    """(row, col): largest change of brightness over `span` inside the cell [1]."""
    span: float
    """[m]"""
    size: float
    """Side of a cell [m]."""
    factor: int
    """Pixels to a cell along each axis."""

    @property
    def measured(self) -> BoolArray:
        """(row, col), True where at least half of a cell was measured."""
        return np.asarray(self.share >= 0.5)

    def plane(self, *names: str) -> Plane | None:
        """The first of `names` that is there."""
        return next((self.planes[name] for name in names if name in self.planes), None)

    @property
    def gsd(self) -> float:
        """Of the pixels below [m]."""
        return self.size / self.factor

    def pixels(self, side: float) -> int:
        """Cells to a length, at least one."""
        return max(1, round(side / self.size))


def enlarge(chosen: BoolArray, factor: int, shape: tuple[int, int]) -> BoolArray:
    """A cell mask on the pixels it came from."""
    import cv2

    rows, cols = chosen.shape
    if factor > 1:
        wide = cv2.resize(
            chosen.astype(np.uint8), (cols * factor, rows * factor), interpolation=cv2.INTER_NEAREST
        )
        return np.asarray(wide[: shape[0], : shape[1]], dtype=np.bool_)
    return chosen.copy()


def brightness(planes: dict[str, Plane]) -> Plane:
    """The darkest of the visible bands: what is bright in all of them; else of all bands."""
    visible = [planes[name] for name in ("blue", "green", "red") if name in planes]
    first, *others = visible or list(planes.values())
    least = first.copy()
    for plane in others:
        np.minimum(least, plane, out=least)
    return least


def _largest(plane: Plane, factor: int) -> Plane:
    """Largest value in blocks of `factor` x `factor`."""
    if factor == 1:
        return plane
    rows, cols = -(-plane.shape[0] // factor), -(-plane.shape[1] // factor)
    padded = np.zeros((rows * factor, cols * factor), np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(padded.reshape(rows, factor, cols, factor).max(axis=(1, 3)))


def make_cells(chip: Chip) -> Cells:
    """The chip on cells, in two steps so that edges are seen at the finer one."""
    import cv2

    gsd = chip.grid.gsd
    least = max(1, min(chip.valid.shape))
    first = min(least, max(1, round(FINE / gsd)))
    second = max(1, min(least // first, round(CELL / (gsd * first))))
    whole = bool(chip.valid.all())
    fine_share = block_mean(chip.valid.astype(np.float32), first)
    fine = {name: block_mean(plane, first) for name, plane in zip(chip.bands, chip.pixels, strict=True)}
    if not chip.calibrated:
        fine = {name: plane * np.float32(_VISUAL_GAIN) for name, plane in fine.items()}
    if not whole:
        fine = {name: _over(plane, fine_share) for name, plane in fine.items()}
    bright = brightness(fine)
    step = np.maximum(
        np.abs(cv2.filter2D(bright, -1, _SLOPE, borderType=cv2.BORDER_REPLICATE)),
        np.abs(cv2.filter2D(bright, -1, _SLOPE.T, borderType=cv2.BORDER_REPLICATE)),
    )
    if not whole:
        step[cv2.erode((fine_share > 0.99).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0] = 0.0
    share = block_mean(fine_share, second)
    planes = {
        name: block_mean(plane if whole else plane * fine_share, second) for name, plane in fine.items()
    }
    if not whole:
        planes = {name: _over(plane, share) for name, plane in planes.items()}
    return Cells(
        planes=planes,
        share=share,
        step=_largest(step, second),
        span=2 * gsd * first,
        size=gsd * first * second,
        factor=first * second,
    )


def _over(plane: Plane, share: Plane) -> Plane:
    return np.asarray(np.where(share > 0, plane / np.maximum(share, 1e-6), 0.0), dtype=np.float32)
