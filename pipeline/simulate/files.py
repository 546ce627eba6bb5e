"""A simulated scene on disk: cloud-optimised GeoTIFF, STAC Item, truth."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid, ViewGeometry
from pipeline.geometry import pixel_to_lonlat

EPSG = 32653
NOTE = "SIMULATED scene, made by pipeline.simulate: no satellite took it and no such ship exists."


def write_json(path: Path, document: Any) -> None:
    """Pretty JSON with a newline at the end."""
    path.write_text(
        json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def write_image(
    path: Path, counts: npt.NDArray[np.uint16], transform: tuple[float, ...], bands: tuple[str, ...]
) -> None:
    """(band, row, col) counts as a COG in EPSG:32653; 0 is nodata."""
    import rasterio
    from rasterio.transform import Affine

    profile = {
        "driver": "COG",
        "dtype": "uint16",
        "count": counts.shape[0],
        "height": counts.shape[1],
        "width": counts.shape[2],
        "crs": f"EPSG:{EPSG}",
        "transform": Affine(*transform),
        "nodata": 0,
        "compress": "DEFLATE",
        "level": 9,
        "predictor": "YES",
        "interleave": "BAND",
        "overviews": "NONE" if max(counts.shape[1:]) <= 512 else "AUTO",
    }
    with rasterio.open(path, "w", **profile) as file:
        file.write(counts)
        file.descriptions = bands
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION=NOTE)


def stac_item(
    scene_id: str, when: datetime, view: ViewGeometry, grid: Grid, *, image: dict[str, Any]
) -> dict[str, Any]:
    """The STAC Item of a scene; `image` holds gsd, bands, scale, cloud_cover."""
    rows, cols = grid.shape
    ring = pixel_to_lonlat(grid, [(0, 0), (0, rows), (cols, rows), (cols, 0), (0, 0)]).round(7)
    lon, lat = ring[:, 0], ring[:, 1]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/view/v1.0.0/schema.json",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
        ],
        "id": scene_id,
        "geometry": {"type": "Polygon", "coordinates": [ring.tolist()]},
        "bbox": [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())],
        "properties": {
            "title": f"{scene_id} (simulated)",
            "description": NOTE,
            "datetime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "platform": "simulated",
            "gsd": image["gsd"],
            "view:incidence_angle": view.incidence_angle,
            "view:azimuth": view.azimuth,
            "view:sun_azimuth": round(view.sun_azimuth, 4),
            "view:sun_elevation": round(view.sun_elevation, 4),
            "eo:cloud_cover": round(100 * image["cloud_cover"], 1),
            "proj:epsg": EPSG,
            "plimsoll:simulated": True,
        },
        "links": [],
        "assets": {
            "image": {
                "href": "./image.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "eo:bands": [{"name": b, "common_name": b} for b in image["bands"]],
                "raster:bands": [
                    {"nodata": 0, "data_type": "uint16", "scale": image["scale"], "offset": 0.0}
                    for _ in image["bands"]
                ],
            }
        },
    }
