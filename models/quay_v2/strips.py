"""Cut the strips to learn from: `PYTHONPATH=tests .venv/bin/python models/quay_v2/strips.py FILE.npz`.

Of each port: its strips along the waterfront as `pipeline.detect.alongside` cuts them, with the drawn ships
in the same frames, and a cut-out of each ship in her own frame, which `pasting.py` sets before other quays.
Needs ../shared/imagery; `network.py` needs only the file that comes out.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import numpy.typing as npt
from ports import Array, Port, read_port, read_setting

from pipeline.config import Config
from pipeline.detect.alongside import look_along
from pipeline.detect.bodies import Looked
from pipeline.detect.coarse import part_ground
from pipeline.detect.marks import STRIP
from pipeline.detect.outline import Cover
from pipeline.detect.traits import BANDS
from pipeline.detect.water import find_water
from pipeline.geometry import ground_to_pixel, ship_axes

_FINE = 8
"""Parts of a pixel in which the share of a ship is counted, each way."""
_BRUSH = 4.0
"""A brush stroke is broader than the ship by about this [m]."""
_AHEAD, _ASIDE = np.arange(-245.0, 246.0, 5.0), np.arange(-40.0, 41.0, 5.0)
"""The frame of a cut-out [m]."""
_RIM = 8.0
"""From a ship's outline, within which a pixel may not be hers alone [m]."""


def _shares(port: Port) -> npt.NDArray[np.float32]:
    """(row, col): how much of a pixel is ship [1]."""
    shape = port.chip.grid.shape
    share = np.zeros(shape, np.float32)
    for corners in port.ships:
        pixel = ground_to_pixel(port.chip.grid, corners)
        low = np.maximum(np.floor(pixel.min(axis=0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(pixel.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
        cols, rows = high - low
        fine = np.zeros((rows * _FINE, cols * _FINE), np.uint8)
        cv2.fillPoly(fine, [np.round((pixel - low) * _FINE - 0.5).astype(np.int32)], 1)
        own = cv2.resize(fine.astype(np.float32), (int(cols), int(rows)), interpolation=cv2.INTER_AREA)
        window = np.s_[low[1] : high[1], low[0] : high[0]]
        share[window] = np.maximum(share[window], own)
    return share


def _cut_strips(port: Port) -> dict[str, npt.NDArray[np.generic]]:
    """Light, land and water (strip, 7, along, across), ships (strip, along, across), where both are known."""
    water = find_water(port.chip, port.usable)
    looked = Looked(chip=port.chip, usable=port.usable, shaded=port.shaded, water=water, fixed=None)
    config, grid = Config().detect, port.chip.grid
    ground = part_ground(looked, config)
    share = _shares(port)
    rows, cols = np.mgrid[: grid.shape[0], : grid.shape[1]]
    known = port.usable.copy()
    for row, col, radius in port.spots:
        known &= (np.hypot(rows - row, cols - col) >= radius + 2) | (share > 0.3)
    more = [Cover(grid=grid, plane=np.asarray(plane, np.float32)) for plane in (share, known)]
    fronts = [front for _, front in look_along(looked, (ground.land, ground.wet), config, more)]
    planes = np.concatenate([front.planes for front in fronts])[(..., *STRIP)]
    return {
        "light": planes[:, :5].astype(np.float16),
        "mask": np.round(255 * np.clip(planes[:, 5:], 0.0, 1.0)).astype(np.uint8),
    }


def _cut_out(port: Port, corners: Array) -> tuple[npt.NDArray[np.float32], float, float] | None:
    """(light (band, ahead, aside), length, beam) of a ship, her inner pixels carried on outwards."""
    sides = np.diff(np.vstack([corners, corners[:1]]), axis=0)[:2]
    length, beam = sorted(np.hypot(*sides.T), reverse=True)
    if not 50.0 <= length <= 430.0:
        return None
    east, north = sides[np.argmax(np.hypot(*sides.T))]
    beam = max(beam - _BRUSH, 10.0)
    bow, starboard = (np.asarray(axis) for axis in ship_axes(float(np.degrees(np.arctan2(east, north)))))
    ahead = np.clip(_AHEAD, -(length / 2 - _RIM), length / 2 - _RIM)
    reach = max(beam / 2 - 0.75 * _RIM, 0.0)
    aside = np.clip(_ASIDE, -reach, reach)
    place = corners.mean(axis=0) + ahead[:, None, None] * bow + aside[None, :, None] * starboard
    col, row = (
        x.astype(np.float32) for x in np.moveaxis(ground_to_pixel(port.chip.grid, place) - 0.5, -1, 0)
    )
    dark = [np.percentile(port.chip.band(band)[port.usable], 0.2) for band in BANDS]
    light = [
        cv2.remap(np.asarray(port.chip.band(band) - air, np.float32), col, row, cv2.INTER_LINEAR)
        for band, air in zip(BANDS, dark, strict=True)
    ]
    return np.stack(light), length, beam


def main() -> None:
    """Write the strips and cut-outs of every port."""
    setting = read_setting()
    content: dict[str, npt.NDArray[np.generic]] = {}
    for name in setting["unlabelled"]:
        port = read_port(name, setting)
        content |= {f"{name}_{key}": value for key, value in _cut_strips(port).items()}
        cut = [one for one in (_cut_out(port, corners) for corners in port.ships) if one is not None]
        content[f"{name}_ships"] = np.stack([one[0] for one in cut]).astype(np.float16)
        content[f"{name}_sizes"] = np.array([one[1:] for one in cut], np.float32)
        print(f"{name}: {len(content[f'{name}_light'])} strips, {len(cut)} ships")
    np.savez_compressed(sys.argv[1], **content)


if __name__ == "__main__":
    main()
