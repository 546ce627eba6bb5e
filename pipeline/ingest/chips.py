"""From a `Scene` to a `Chip`: the pixels of the area of interest, in reflectance, and which of them count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.config import IngestConfig
from pipeline.datatypes import BoolArray, Chip, Polygon, Scene
from pipeline.errors import InputError
from pipeline.geometry import find_window, grid_of, scale_grid
from pipeline.ingest.masks import read_delivered
from pipeline.ingest.windows import Target, find_empty, read_planes

_SQUARE: Final = 0.10
"""Pixels whose sides differ by less are kept as they are."""


def read_chip(scene: Scene, *, aoi: Polygon | None, config: IngestConfig) -> Chip:
    """The window of a scene that covers `aoi`; nothing else is read.

    Bands with larger pixels are brought to the finest by bilinear resampling. Pixels whose sides differ by
    more than a tenth are made square; others stay as delivered, with their true grid.

    Parameters
    ----------
    scene
        From `read_scene`.
    aoi
        (lon, lat); None = the whole scene.

    Raises
    ------
    InputError
        "outside-site": no pixel of the area is in the scene; "too-large"; "corrupt"; "no-data": nothing
        valid in it.
    """
    target = _window(scene, aoi)
    rows, cols = target.shape
    if rows * cols > config.max_pixels:
        raise InputError(
            "too-large",
            f"{scene.scene_id}: {cols} x {rows} pixels to read, at most {config.max_pixels:,}",
            hint="give a site with a smaller area of interest, or raise ingest.max_pixels",
        )
    pixels = np.zeros((len(scene.bands), rows, cols), np.float32)
    valid = np.ones((rows, cols), bool)
    files = []
    for path in dict.fromkeys(b.path for b in scene.bands):
        members = [i for i, b in enumerate(scene.bands) if b.path == path]
        files.append(read_planes(Path(path), [scene.bands[i] for i in members], members, target, pixels))
        valid &= files[-1].valid
    valid &= ~find_empty(files, target.shape)
    delivered = read_delivered(scene, target)
    if delivered.valid is not None:
        valid &= delivered.valid
    if not valid.any():
        raise InputError(
            "no-data",
            f"{scene.scene_id}: no valid pixel in the area",
            hint="the area lies in the scene's empty margin",
        )
    if not valid.all():
        pixels[:, ~valid] = 0.0
    grid = grid_of(scene.crs, target.transform, target.shape)
    chip = Chip(
        pixels=pixels,
        valid=valid,
        bands=tuple(b.name for b in scene.bands),
        grid=grid,
        calibrated=scene.calibrated,
        delivered_cloudy=delivered.cloudy,
        delivered_shadowed=delivered.shadowed,
        delivered_method=delivered.method,
    )
    ratio = grid.gsd_col / grid.gsd_row
    return chip if max(ratio, 1.0 / ratio) <= 1.0 + _SQUARE else _square(chip)


def _window(scene: Scene, aoi: Polygon | None) -> Target:
    """The pixels that cover `aoi`.

    Raises
    ------
    InputError
        "outside-site".
    """
    window = 0, 0, *scene.shape
    if aoi is not None:
        found = find_window(scene.crs, scene.transform, scene.shape, aoi)
        if found is None:
            raise _outside(scene)
        window = found
    top, left, bottom, right = window
    if right <= left or bottom <= top or (aoi is not None and not _meets(scene.footprint, aoi)):
        raise _outside(scene)
    a, b, c, d, e, f = scene.transform
    return Target(
        crs=scene.crs,
        transform=(a, b, a * left + b * top + c, d, e, d * left + e * top + f),
        shape=(bottom - top, right - left),
        nodata=scene.nodata,
    )


def _outside(scene: Scene) -> InputError:
    lon, lat = np.asarray(scene.footprint, dtype=np.float64).mean(axis=0)
    return InputError(
        "outside-site",
        f"{scene.scene_id}: shows {lat:.3f} N {lon:.3f} E and nothing of the area of interest",
        hint="name the site that the scene shows with --site",
    )


def _meets(footprint: Polygon, aoi: Polygon) -> bool:
    from shapely import make_valid
    from shapely.geometry import Polygon as Figure

    return bool(make_valid(Figure(footprint)).intersects(make_valid(Figure(aoi))))


def _square(chip: Chip) -> Chip:
    """The chip on square pixels of its shorter side: same corners, same orientation."""
    import cv2

    grid = chip.grid
    size = min(grid.gsd_col, grid.gsd_row)
    rows = max(1, round(grid.shape[0] * grid.gsd_row / size))
    cols = max(1, round(grid.shape[1] * grid.gsd_col / size))

    def nearest(values: BoolArray | None) -> BoolArray | None:
        if values is None:
            return None
        resized = cv2.resize(values.astype(np.uint8), (cols, rows), interpolation=cv2.INTER_NEAREST)
        return np.asarray(resized, dtype=bool)

    valid = np.asarray(cv2.resize(chip.valid.astype(np.float32), (cols, rows)) > 0.999, dtype=bool)
    pixels = np.stack(
        [np.asarray(cv2.resize(plane, (cols, rows)), dtype=np.float32) for plane in chip.pixels]
    )
    pixels[:, ~valid] = 0.0
    return replace(
        chip,
        pixels=pixels,
        valid=valid,
        grid=scale_grid(grid, (rows, cols)),
        delivered_cloudy=nearest(chip.delivered_cloudy),
        delivered_shadowed=nearest(chip.delivered_shadowed),
    )
