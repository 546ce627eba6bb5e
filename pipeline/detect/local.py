"""Means over chosen pixels within a window around every pixel: what the water is like near by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray

Plane = npt.NDArray[np.float32]

_FEW = 0.02
"""Share of a window below which all that was chosen speaks for it [1]."""


def box_mean(plane: Plane, size: int) -> Plane:
    """(row, col): mean of a window of `size` x `size` pixels, mirrored at the edges."""
    import cv2

    return np.asarray(cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT), dtype=np.float32)


class LocalMeans:
    """Means of planes over the pixels chosen in windows of `size` pixels."""

    def __init__(self, chosen: BoolArray, size: int) -> None:
        self._chosen, self._size = chosen.astype(np.uint8), size
        self._inside = chosen.astype(np.float32)
        share = box_mean(self._inside, size)
        self._few = share < _FEW
        self._weight = 1.0 / np.maximum(share, np.float32(1e-6))

    def of(self, plane: Plane) -> Plane:
        """(row, col); where few pixels near by were chosen, the mean of all that were, or of the plane."""
        import cv2

        mean = box_mean(cv2.multiply(plane, self._inside), self._size)
        cv2.multiply(mean, self._weight, dst=mean)
        if self._few.any():
            chosen = self._chosen if self._chosen.any() else None
            mean[self._few] = cv2.mean(plane, mask=chosen)[0]
        return mean
