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
        import cv2

        self._inside, self._size = chosen.astype(np.float32), size
        share = box_mean(self._inside, size)
        self._few = share < _FEW
        self._lonely, self._count = bool(self._few.any()), int(np.count_nonzero(chosen))
        self._weight = np.asarray(1.0 / cv2.max(share, 1e-6), np.float32)

    def of(self, plane: Plane) -> Plane:
        """(row, col); where few pixels near by were chosen, the mean of all that were, or of the plane."""
        import cv2

        own = cv2.multiply(plane, self._inside)
        mean = box_mean(own, self._size)
        cv2.multiply(mean, self._weight, dst=mean)
        if self._lonely:
            level = cv2.sumElems(own)[0] / self._count if self._count else cv2.mean(plane)[0]
            np.copyto(mean, np.float32(level), where=self._few)
        return mean
