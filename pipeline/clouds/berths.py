"""What a look says of each berth, and of the sky as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipeline.config import CloudsConfig
from pipeline.datatypes import BerthOutcome, BoolArray, Chip, CloudMask, Grid, Polygon, Site
from pipeline.geometry import lonlat_to_pixel
from pipeline.products import BerthState, CloudResult

IMAGED_SHARE = 0.5
"""A berth of which less than this has measured pixels was not imaged [1]."""


def summarise_clouds(mask: CloudMask, valid: BoolArray) -> CloudResult:
    """Shares of cloud and cloud shadow in the measured pixels, and of pixels not measured in all, 0..1.

    A pixel that is both cloudy and shadowed counts as cloudy.
    """
    measured = int(np.count_nonzero(valid))
    cloudy = int(np.count_nonzero(mask.cloudy & valid))
    shadowed = int(np.count_nonzero(mask.shadowed & ~mask.cloudy & valid))
    return CloudResult(
        method=mask.method,
        cloud_fraction=cloudy / measured if measured else 0.0,
        shadow_fraction=shadowed / measured if measured else 0.0,
        nodata_fraction=1.0 - measured / valid.size if valid.size else 1.0,
    )


def decide_berths(
    site: Site,
    chip: Chip,
    mask: CloudMask,
    berth_of: Mapping[str, str],
    *,
    config: CloudsConfig,
) -> tuple[BerthState, ...]:
    """One of the four outcomes for every berth of the site, in the site's order.

    occupied
        A ship was seen there, be it through cloud or at the rim of the image.
    not-imaged
        Less than half of the berth has measured pixels.
    obscured
        Too little of it is clear to say that it is empty.
    clear-empty
        Enough of it is clear, and no ship was seen.

    `clear_fraction` is the share of the berth's own area that lies in the image, was measured and is not
    cloudy. Shadow of a cloud does not hide a berth: skylight shows a ship in it.

    Parameters
    ----------
    berth_of
        Detection id to berth id, of the ships that lie at a berth.
    """
    states = []
    for berth in site.of_role("berth"):
        imaged, clear = _shares(chip.grid, berth.outline, chip.valid, mask.cloudy)
        ships = tuple(ship for ship, place in berth_of.items() if place == berth.id)
        state: BerthOutcome = "clear-empty"
        if ships:
            state = "occupied"
        elif imaged < IMAGED_SHARE:
            state = "not-imaged"
        elif clear < config.berth_clear_share:
            state = "obscured"
        states.append(
            BerthState(
                id=berth.id,
                state=state,
                clear_fraction=clear,
                detection_ids=ships,
                verified=berth.verified,
            )
        )
    return tuple(states)


def _shares(grid: Grid, outline: Polygon, valid: BoolArray, cloudy: BoolArray) -> tuple[float, float]:
    """(share of a polygon that was measured, share that was measured and is clear), of its whole area."""
    from skimage.draw import polygon

    points = lonlat_to_pixel(grid, outline)[:, ::-1] - 0.5
    corner = np.floor(points.min(axis=0)) - 1.0  # drawing knows no negative pixels
    row, col = polygon(*(points - corner).T)
    if row.size == 0:  # smaller than a pixel
        row, col = (np.array([round(v)]) for v in (points - corner).mean(axis=0))
    row, col = row + int(corner[0]), col + int(corner[1])
    inside = (row >= 0) & (col >= 0) & (row < grid.shape[0]) & (col < grid.shape[1])
    measured = valid[row[inside], col[inside]]
    clear = measured & ~cloudy[row[inside], col[inside]]
    return float(measured.sum() / row.size), float(clear.sum() / row.size)
