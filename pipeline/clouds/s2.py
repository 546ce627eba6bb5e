"""Sentinel-2 with all ten bands: the classifier of s2cloudless, where it is installed.

It was trained on reflectance at the top of the atmosphere (L1C) in B01, B02, B04, B05, B08, B8A, B09, B10,
B11 and B12. What is done about its bands and offsets:

- L1C: the ten bands go in at 60 m as reflectance. Since processing baseline 04.00 (25 January 2022) a product
  carries 1000 counts more than its reflectance; the reader takes `RADIO_ADD_OFFSET` off. Left on, everything
  would be 0.1 brighter.
- L2A has no B10: cirrus is in no surface product, and the rest has lost its air. The classifier is not asked
  there: the delivered classes (SCL) and our own mask decide. No band is made up in place of B10.

Limits: it takes bright roofs and quays for cloud (its issue 93), and tells no shadow.
"""

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
