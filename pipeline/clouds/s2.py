"""Sentinel-2 with all ten bands: the classifier of s2cloudless, where it is installed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline.clouds.cells import enlarge
from pipeline.datatypes import BoolArray, Chip
from pipeline.geometry import block_mean

if TYPE_CHECKING:
    from s2cloudless import S2PixelCloudDetector

BANDS = (
    ("coastal",),
    ("blue",),
    ("red",),
    ("rededge071",),
    ("nir",),
    ("nir08",),
    ("nir09",),
    ("cirrus",),
    ("swir16",),
    ("swir22",),
)
THRESHOLD = 0.4
"""Probability of cloud, as its authors chose it (Zupanc 2017; Skakun et al. 2022, RSE 274, 112990)."""
AVERAGED = 120.0
"""Radius over which probabilities are averaged [m]."""
GROWN = 60.0
"""Radius by which cloud is grown, where the average says cloud [m]."""
_STEP = 60.0
"""Side of what is classified: that of the bands of water vapour and cirrus [m]."""


def has_ten_bands(chip: Chip) -> bool:
    """True where reflectance of all ten bands is there."""
    return chip.calibrated and all(any(name in chip.bands for name in names) for names in BANDS)


@lru_cache(maxsize=1)
def _detector(average: int, grow: int) -> S2PixelCloudDetector | None:
    """The classifier with its own model; None where the extra, or the OpenMP it needs, is missing."""
    try:
        from s2cloudless import S2PixelCloudDetector
    except (ImportError, OSError):
        return None
    return S2PixelCloudDetector(
        threshold=THRESHOLD, average_over=average, dilation_size=grow, all_bands=False
    )


def find_cloud_s2(chip: Chip) -> BoolArray | None:
    """(row, col) of the chip, True where there is cloud; None where bands or the extra are missing.

    Reflectance at the top of the atmosphere is expected (L1C): cirrus is in no other product.
    """
    if not has_ten_bands(chip):
        return None
    gsd = chip.grid.gsd
    factor = max(1, min(round(_STEP / gsd), *chip.valid.shape))
    size = gsd * factor
    detector = _detector(max(1, round(AVERAGED / size)), max(1, round(GROWN / size)))
    if detector is None:
        return None
    planes = [chip.band(*names) for names in BANDS]
    stack = np.stack([block_mean(p, factor) for p in planes if p is not None], axis=-1)
    probability = detector.get_cloud_probability_maps(stack[None].astype(np.float64))
    cloudy = detector.get_mask_from_prob(probability)[0] > 0
    return enlarge(np.asarray(cloudy), factor, chip.valid.shape) & chip.valid
