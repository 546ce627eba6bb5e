"""The annotated image as files: a page for people (PNG) and an overlay for maps (GeoTIFF)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid
from pipeline.errors import StoreError
from pipeline.geometry import pixel_to_lonlat, scale_grid
from pipeline.store.files import sync_file

_STRAIGHT = 1e-6
"""Of a step: a rotation below it moves the last of 10,000 pixels by a hundredth of one."""

Picture = npt.NDArray[np.uint8]


def write_png(path: Path, rgb: Picture) -> None:
    """Write (row, col, 3) as PNG, read it back and sync it.

    Raises
    ------
    StoreError
        What was read back is not what was written.
    """
    import cv2

    # run lengths alone: a third of the time of full deflate for a tenth more bytes
    how = [cv2.IMWRITE_PNG_COMPRESSION, 3, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    done, data = cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]), how)
    if not done:
        raise StoreError(f"{path}: the picture could not be encoded")
    path.write_bytes(data.tobytes())
    if path.read_bytes() != data.tobytes():
        raise StoreError(f"{path}: the picture did not survive writing", hint="check the disk")
    sync_file(path)


def grid_transform(grid: Grid, crs: str) -> tuple[float, float, float, float, float, float]:
    """(a, b, c, d, e, f) of a grid in a CRS: x = a col + b row + c, y = d col + e row + f.

    Least squares through 5 x 5 points, the reverse of `geometry.grid_of`. A rotation too small to move any
    pixel is none.
    """
    from pyproj import Transformer

    rows, cols = grid.shape
    col, row = (m.ravel() for m in np.meshgrid(np.linspace(0, cols, 5), np.linspace(0, rows, 5)))
    lonlat = pixel_to_lonlat(grid, np.stack([col, row], axis=-1))
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lonlat[:, 0], lonlat[:, 1])
    basis = np.stack([col, row, np.ones_like(col)], axis=-1)
    (a, d), (b, e), (c, f) = np.linalg.lstsq(basis, np.stack([x, y], axis=-1), rcond=None)[0]
    tiny = _STRAIGHT * max(abs(a), abs(b), abs(d), abs(e))
    a, b, d, e = (0.0 if abs(v) < tiny else float(v) for v in (a, b, d, e))
    return a, b, float(c), d, e, float(f)


def write_geotiff(path: Path, rgb: Picture, *, grid: Grid, crs: str) -> None:
    """Write (row, col, 3) that covers `grid` as a tiled, losslessly compressed GeoTIFF, and check it.

    Raises
    ------
    StoreError
        What was read back is not what was written.
    """
    import rasterio
    from rasterio.transform import Affine

    rows, cols = rgb.shape[:2]
    transform = Affine(*grid_transform(scale_grid(grid, (rows, cols)), crs))
    if not all(math.isfinite(value) for value in transform):
        raise StoreError(f"{path}: the image does not lie on the Earth in {crs}")
    planes = np.ascontiguousarray(rgb.transpose(2, 0, 1))
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": rows, "width": cols}
    layout = {"tiled": True, "blockxsize": 256, "blockysize": 256, "interleave": "pixel"}
    coding = {"compress": "deflate", "predictor": 2, "zlevel": 1, "photometric": "RGB", "num_threads": 1}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile, **layout, **coding) as file:
        file.write(planes)
    with rasterio.open(path, driver="GTiff") as file:
        if not np.array_equal(file.read(), planes):
            raise StoreError(f"{path}: the picture did not survive writing", hint="check the disk")
    sync_file(path)
