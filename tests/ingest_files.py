"""Deliveries written for the tests of ingest: small, and honest in every header."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ingest import prepare_environment

prepare_environment()

CRS = "EPSG:32653"
ORIGIN = (341_000.0, 4_735_000.0)
"""Upper left corner, in Vrangel Bay."""
WHEN = "2024-08-12T01:45:00Z"


def ramp(bands: int = 4, rows: int = 40, cols: int = 50, dtype: str = "uint16") -> npt.NDArray[Any]:
    """(band, row, col), no two rows, columns or bands alike, no zero."""
    b, i, j = np.meshgrid(np.arange(bands), np.arange(rows), np.arange(cols), indexing="ij")
    return (500 + 100 * b + 7 * i + 3 * j).astype(dtype)


def write_tif(
    path: Path,
    data: npt.NDArray[Any],
    *,
    transform: tuple[float, ...] | None = (0.5, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1]),
    crs: str | None = CRS,
    **profile: Any,
) -> Path:
    """A GeoTIFF; None leaves the georeference out."""
    import rasterio
    from affine import Affine

    more: dict[str, Any] = dict(profile)
    colours = more.pop("colours", None)
    descriptions = more.pop("descriptions", None)
    tags = more.pop("tags", {})
    rpcs = more.pop("rpcs", None)
    if transform is not None:
        more["transform"] = Affine(*transform)
    if crs is not None:
        more["crs"] = crs
    count, rows, cols = data.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver=more.pop("driver", "GTiff"), width=cols, height=rows, count=count,
            dtype=data.dtype.name, **more
        ) as out:  # fmt: skip
            out.write(data)
            if colours is not None:
                out.colorinterp = [rasterio.enums.ColorInterp[c] for c in colours]
            if descriptions is not None:
                out.descriptions = descriptions
            if rpcs is not None:
                out.rpcs = rpcs
            out.update_tags(**tags)
    return path


def write_item(
    folder: Path,
    *,
    scene_id: str = "s01",
    data: npt.NDArray[Any] | None = None,
    href: str | None = None,
    properties: dict[str, Any] | None = None,
    asset: dict[str, Any] | None = None,
    **tif: Any,
) -> Path:
    """A STAC Item with one image of four bands, as the simulator writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = ramp() if data is None else data
    write_tif(folder / f"{scene_id}.tif", pixels, **tif)
    names = ("blue", "green", "red", "nir")[: pixels.shape[0]]
    document: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": scene_id,
        "geometry": None,
        "links": [],
        "properties": {
            "datetime": WHEN,
            "gsd": 0.5,
            "platform": "plimsoll-sim",
            "view:incidence_angle": 20.0,
            "view:azimuth": 100.0,
            "view:sun_elevation": 56.32,
            "view:sun_azimuth": 139.3,
            "eo:cloud_cover": 3.0,
            **(properties or {}),
        },
        "assets": {
            "image": {
                "href": href or f"./{scene_id}.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "eo:bands": [{"name": n, "common_name": n} for n in names],
                "raster:bands": [{"scale": 1e-4, "offset": 0.0, "nodata": 0}] * len(names),
                **(asset or {}),
            }
        },
    }
    path = folder / f"{scene_id}.json"
    path.write_text(json.dumps(document))
    return path


def affine_rpc(
    incidence: float, azimuth: float, *, lon: float = 133.06, lat: float = 42.745
) -> dict[str, str]:
    """RPC of a camera at infinity: a point at height h appears h tan(theta) away from the satellite.

    Image axes are turned by 25 deg and mirrored, so that no convention of the image can help.
    """
    turn, gsd, scale = np.radians(25.0), 0.5, 5000.0
    w = 1.0 - 0.006_694_379_990_14 * np.sin(np.radians(lat)) ** 2
    east = np.radians(6_378_137.0 / np.sqrt(w) * np.cos(np.radians(lat)))
    north = np.radians(6_378_137.0 * (1.0 - 0.006_694_379_990_14) / w**1.5)
    lean = np.tan(np.radians(incidence)) * np.array(
        [np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))]
    )
    to_image = (
        np.array([[np.cos(turn), np.sin(turn)], [np.sin(turn), -np.cos(turn)]]) / gsd
    )  # (col, row) from (E, N)
    degree, height = 0.05, 500.0
    ground = np.array([[degree * east, 0.0, -height * lean[0]], [0.0, degree * north, -height * lean[1]]])
    samp, line = to_image @ ground / scale  # per unit of (lon, lat, height), normalised
    zeros = ["0"] * 16

    def row(values: npt.NDArray[np.float64]) -> str:
        return " ".join(["0", *(repr(float(v)) for v in values), *zeros])

    one = " ".join(["1", *["0"] * 19])
    return {
        "LINE_OFF": "5000", "SAMP_OFF": "5000",
        "LAT_OFF": f"{lat}", "LONG_OFF": f"{lon}", "HEIGHT_OFF": "20",
        "LINE_SCALE": f"{scale}", "SAMP_SCALE": f"{scale}",
        "LAT_SCALE": f"{degree}", "LONG_SCALE": f"{degree}", "HEIGHT_SCALE": f"{height}",
        "LINE_NUM_COEFF": row(line), "LINE_DEN_COEFF": one,
        "SAMP_NUM_COEFF": row(samp), "SAMP_DEN_COEFF": one,
    }  # fmt: skip


def make_fifo(path: Path) -> Path:
    """A named pipe."""
    os.mkfifo(path)
    return path
