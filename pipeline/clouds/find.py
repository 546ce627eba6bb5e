"""What hides the ground in a chip."""

from __future__ import annotations

import numpy as np

from pipeline.clouds.cells import Cells, enlarge, make_cells
from pipeline.clouds.delivered import combine_delivered
from pipeline.clouds.s2 import find_cloud_s2
from pipeline.clouds.shadows import find_shadow
from pipeline.clouds.spectral import find_cloud, may_glitter, measure_lift
from pipeline.config import CloudsConfig
from pipeline.datatypes import BoolArray, Chip, CloudMask, ViewGeometry
from pipeline.geometry import block_mean


def find_clouds(chip: Chip, view: ViewGeometry | None, *, config: CloudsConfig) -> CloudMask:
    """Cloud and cloud shadow, by the best means the chip allows.

    Our own tests of colour, size and softness serve every sensor. s2cloudless joins them where its ten bands
    are there and it is installed; else the delivered mask does, rid of quays and surf. Shadows are the
    delivered ones, else they are looked for where sun and view put them; without a view there are none.

    Returns
    -------
    CloudMask
        (row, col) on the chip's pixels, both False where nothing was measured.
    """
    shape = chip.valid.shape
    cells = make_cells(chip)
    lift = measure_lift(cells)
    on_cells, method = find_cloud(cells, lift, glittering=may_glitter(view)), "spectral"
    classified = find_cloud_s2(chip)
    if classified is not None:
        on_cells, method = on_cells | _on_cells(classified, cells), "s2cloudless"
    elif chip.delivered_cloudy is not None:
        on_cells = combine_delivered(_on_cells(chip.delivered_cloudy, cells), on_cells, lift, cells)
        method = chip.delivered_method or "delivered"
    cloudy = enlarge(on_cells, cells.factor, shape) & chip.valid
    if chip.delivered_shadowed is not None:
        shadowed = chip.delivered_shadowed & chip.valid & ~cloudy
    else:
        shadow = find_shadow(cells, on_cells, lift.sea, view, chip.grid)
        shadowed = enlarge(shadow, cells.factor, shape) & chip.valid & ~cloudy
    return CloudMask(cloudy=cloudy, shadowed=shadowed, method=method)


def _on_cells(chosen: BoolArray, cells: Cells) -> BoolArray:
    """(row, col) on cells, True where at least half of a cell is chosen."""
    return np.asarray(block_mean(chosen.astype(np.float32), cells.factor) >= 0.5)
