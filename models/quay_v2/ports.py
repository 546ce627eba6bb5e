"""The ports that both parts of this model learn from, as the pipeline reads them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from bench.bench_detect import IMAGERY, Drawn, read_drawn

from pipeline.clouds import find_clouds
from pipeline.config import Config
from pipeline.datatypes import BoolArray, Chip
from pipeline.detect.scale import clear_of_clouds
from pipeline.geometry import ground_to_pixel, pixel_to_ground
from pipeline.ingest import find_deliveries, read_chip, read_scene

HERE = Path(__file__).parent
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Port:
    """A port's image and the ships that were drawn in it."""

    name: str
    chip: Chip
    usable: BoolArray
    shaded: BoolArray
    ships: Array
    """(ship, 4, 2) ground corners of the smallest rectangles about the brush strokes [m]."""
    spots: Array
    """(n, 3) row, column and radius about ships that were seen and not drawn [pixel]."""

    def near_unlabelled(self, ground: Array, margin: float) -> BoolArray:
        """True within `margin` [pixel] of a ship that nobody drew, of (..., 2) points [m]."""
        place = ground_to_pixel(self.chip.grid, ground)
        near = np.zeros(place.shape[:-1], np.bool_)
        for row, col, radius in self.spots:
            near |= np.hypot(place[..., 1] - row, place[..., 0] - col) < radius + margin
        return near


def read_setting() -> dict[str, Any]:
    """What train.toml says."""
    return tomllib.loads((HERE / "train.toml").read_text())


def read_port(name: str, setting: dict[str, Any]) -> Port:
    """One of the ports that are learned from; the two that the bench holds back are never opened here."""
    folder = IMAGERY / "sen2ships" / "sen2ships" / name
    (delivery,) = find_deliveries([folder])
    scene = read_scene(delivery)
    chip = read_chip(scene, aoi=None, config=Config().ingest)
    clouds = find_clouds(chip, scene.geometry, config=Config().clouds)
    drawn = read_drawn(next(folder.glob("*_coco.json")), chip)
    return Port(
        name=name,
        chip=chip,
        usable=clear_of_clouds(chip, clouds),
        shaded=clouds.shadowed,
        ships=np.array([_rectangle(chip, ship) for ship in drawn]),
        spots=np.array(setting["unlabelled"][name], np.float64).reshape(-1, 3),
    )


def _rectangle(chip: Chip, ship: Drawn) -> Array:
    """(4, 2) ground corners of the smallest rectangle about a brush stroke."""
    import cv2

    rows, cols = np.nonzero(ship.inside)
    (x, y), (a, b), turn = cv2.minAreaRect(np.stack([cols, rows], -1).astype(np.float32))
    corners = cv2.boxPoints(((x + 0.5, y + 0.5), (a + 0.4, b + 0.4), turn))
    return np.asarray(pixel_to_ground(chip.grid, corners.astype(np.float64)))
