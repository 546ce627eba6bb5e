"""Simulated chips as scenes on disk."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pipeline.geometry import grid_of, ground_to_lonlat
from pipeline.simulate.chips import ORIGIN, SimulatedChip
from pipeline.simulate.files import EPSG, stac_item, write_image, write_json
from pipeline.simulate.sensor import SCALE


def write_chip(simulated: SimulatedChip, folder: Path) -> None:
    """One chip as `folder`/{image.tif,item.json,truth.json}.

    The local plane is written as EPSG:32653 by the affine map that carries one into the other.
    """
    from pyproj import Transformer

    folder.mkdir(parents=True, exist_ok=True)
    chip = simulated.chip
    rows, cols = chip.grid.shape
    a, b, c, d, e, f = chip.grid.to_ground
    corners = np.array([(c, f), (c + a, f + d), (c + b, f + e)])
    lonlat = ground_to_lonlat(ORIGIN, corners)
    x, y = Transformer.from_crs("EPSG:4326", f"EPSG:{EPSG}", always_xy=True).transform(
        lonlat[:, 0], lonlat[:, 1]
    )
    transform = (x[1] - x[0], x[2] - x[0], x[0], y[1] - y[0], y[2] - y[0], y[0])
    counts = np.clip(np.round(chip.pixels / SCALE), 1, 65535).astype(np.uint16)
    write_image(folder / "image.tif", counts, transform, chip.bands)
    grid = grid_of(f"EPSG:{EPSG}", transform, (rows, cols))
    image = {"gsd": chip.grid.gsd, "bands": chip.bands, "scale": SCALE, "cloud_cover": 0.0}
    when = datetime(2025, 3, 10, 2, tzinfo=UTC)
    item = stac_item(folder.name, when, simulated.view, grid, image=image)
    write_json(folder / "item.json", item)
    truth = {"simulated": True, "situation": simulated.situation, "ships": [asdict(simulated.truth)]}
    write_json(folder / "truth.json", truth)
