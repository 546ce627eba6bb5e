"""What hides the ground in a chip."""

from __future__ import annotations

import numpy as np

from pipeline.clouds.cells import enlarge, make_cells, reduce_plane
from pipeline.clouds.delivered import combine_delivered
from pipeline.clouds.s2 import find_cloud_s2
from pipeline.clouds.shadows import find_shadow
from pipeline.clouds.spectral import find_cloud, measure_lift
from pipeline.config import CloudsConfig
from pipeline.datatypes import Chip, CloudMask, ViewGeometry


def find_clouds(chip: Chip, view: ViewGeometry | None, *, config: CloudsConfig) -> CloudMask:
    """Cloud and cloud shadow, by the best means the chip allows.

    s2cloudless where its ten bands are there and it is installed; else the delivered mask, rid of quays and
    surf and joined with our own; else our own tests of colour, size and softness. Shadows are the delivered
    ones, else they are looked for where sun and view put them; without a view there are none.

    Returns
    -------
    CloudMask
        (row, col) on the chip's pixels, both False where nothing was measured.
    """
    shape = chip.valid.shape
    cells = make_cells(chip)
    lift = measure_lift(cells)
    cloudy = find_cloud_s2(chip)
    method = "s2cloudless"
    if cloudy is not None:
        on_cells = reduce_plane(cloudy.astype(np.float32), cells.factor) >= 0.5
    else:
        on_cells, method = find_cloud(cells, lift), "spectral"
        if chip.delivered_cloudy is not None:
            delivered = reduce_plane(chip.delivered_cloudy.astype(np.float32), cells.factor) >= 0.5
            on_cells = combine_delivered(delivered, on_cells, cells)
            method = chip.delivered_method or "delivered"
        cloudy = enlarge(on_cells, cells.factor, shape) & chip.valid
    if chip.delivered_shadowed is not None:
        shadowed = chip.delivered_shadowed & chip.valid & ~cloudy
    else:
        shadow = find_shadow(cells, on_cells, lift.sea, view, chip.grid)
        shadowed = enlarge(shadow, cells.factor, shape) & chip.valid & ~cloudy
    return CloudMask(cloudy=cloudy, shadowed=shadowed, method=method)
