"""Small scenes on the disk, drawn by hand: a quay, water and one ship; STAC items, site and register.

They show that the parts fit together and that a batch is safe; physics has its own scenes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ingest import prepare_environment

EAST, NORTH, GSD, SIZE = 327_000.0, 4_728_000.0, 3.0, 160
FIRST = datetime(2024, 8, 1, 2, 0, tzinfo=UTC)
WATER = (0.05, 0.045, 0.035, 0.02)
QUAY = (0.18, 0.2, 0.21, 0.25)
SHIP = (0.16, 0.14, 0.22, 0.2)


def draw_scene(*, ship: bool, seed: int) -> npt.NDArray[np.uint16]:
    """(4, row, col) reflectance * 10000: blue green red nir."""
    planes = np.empty((4, SIZE, SIZE))
    planes[:] = np.reshape(WATER, (4, 1, 1))
    planes[:, :40] = np.reshape(QUAY, (4, 1, 1))
    if ship:  # 105 x 18 m, heading east, 20 m off the quay
        planes[:, 48:54, 60:95] = np.reshape(SHIP, (4, 1, 1))
        planes[:, 49:53, 62:70] *= 1.6
    planes += np.random.default_rng(seed).normal(0, 0.0015, planes.shape)
    counts: npt.NDArray[np.uint16] = np.clip(planes * 10_000, 1, 65_535).astype(np.uint16)
    return counts


def write_scene(folder: Path, name: str, *, day: int, ship: bool = True) -> Path:
    """A GeoTIFF with its STAC item; the path of the item."""
    prepare_environment()
    import rasterio
    from rasterio.transform import Affine

    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{name}.tif"
    profile: dict[str, Any] = {"driver": "GTiff", "dtype": "uint16", "count": 4, "nodata": 0}
    profile |= {"height": SIZE, "width": SIZE, "crs": "EPSG:32653", "compress": "deflate"}
    with rasterio.open(image, "w", transform=Affine(GSD, 0, EAST, 0, -GSD, NORTH), **profile) as file:
        file.write(draw_scene(ship=ship, seed=day))
    item = folder / f"{name}.json"
    item.write_text(json.dumps(_item(name, image.name, day)))
    return item


def _item(name: str, image: str, day: int) -> dict[str, Any]:
    ring = outline((-10.0, -10.0, SIZE * GSD + 10, SIZE * GSD + 10))
    when = (FIRST + timedelta(days=day)).isoformat().replace("+00:00", "Z")
    bands = [{"name": n, "common_name": n} for n in ("blue", "green", "red", "nir")]
    scales = [{"scale": 1e-4, "offset": 0.0, "nodata": 0}] * 4
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [
            min(p[0] for p in ring),
            min(p[1] for p in ring),
            max(p[0] for p in ring),
            max(p[1] for p in ring),
        ],
        "properties": {
            "datetime": when,
            "gsd": GSD,
            "platform": "test-1",
            "view:incidence_angle": 15.0,
            "view:azimuth": 100.0,
            "view:sun_azimuth": 160.0,
            "view:sun_elevation": 60.0,
            "proj:epsg": 32653,
        },
        "links": [],
        "assets": {
            "image": {
                "href": image,
                "type": "image/tiff; application=geotiff",
                "roles": ["data"],
                "eo:bands": bands,
                "raster:bands": scales,
            }
        },
    }


def outline(box: tuple[float, float, float, float]) -> list[list[float]]:
    """Closed lon/lat ring of (left, top, right, bottom), metres from the scene's upper left corner."""
    from pyproj import Transformer

    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    to_lonlat = Transformer.from_crs("EPSG:32653", "EPSG:4326", always_xy=True)
    return [list(to_lonlat.transform(EAST + x, NORTH - y)) for x, y in corners]


def write_site(path: Path) -> Path:
    """The quay with one berth, its land left for the batch to learn."""
    end = SIZE * GSD - 20
    shapes = {"aoi": ("aoi", (20.0, 20.0, end, end)), "b1": ("berth", (160.0, 125.0, 310.0, 175.0))}
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "role": role, "source": "drawn for tests"},
            "geometry": {"type": "Polygon", "coordinates": [outline(box)]},
        }
        for name, (role, box) in shapes.items()
    ]
    site = {"id": "quay", "name": "Test quay", "water_density": 1020.0, "timezone": "Asia/Vladivostok"}
    path.write_text(json.dumps({"type": "FeatureCollection", "site": site, "features": features}))
    return path


def write_fleet(path: Path) -> Path:
    """One ship of the right size, one far too large."""
    head = "imo,name,former_names,flag,ship_type,dwt,loa,beam,depth,summer_draught,built,un_designated"
    rows = (
        "9074729,Alpha,,,tanker,4983,105.6,17.6,8.2,6.5,1996,no",
        "9319466,Omega,,,tanker,70000,228,32.2,20,14,,no",
    )
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def write_season(root: Path, *, scenes: int = 3) -> tuple[Path, Path, Path]:
    """(folder of scenes, site, register): looks a day apart, the first one without the ship."""
    for day in range(scenes):
        write_scene(root / "in", f"look-{day}", day=day, ship=day > 0)
    return root / "in", write_site(root / "site.geojson"), write_fleet(root / "fleet.csv")
