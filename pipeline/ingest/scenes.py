"""From a delivery to a `Scene`: what its metadata say, held against its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.datatypes import Grid, InputFile, Polygon, Scene
from pipeline.errors import InputError
from pipeline.geometry import pixel_to_lonlat
from pipeline.ingest.claims import Delivery
from pipeline.ingest.draft import Draft, time_in_name
from pipeline.ingest.opening import RasterHeader, ground_grid, hash_file, read_header
from pipeline.ingest.plain import read_band_files, read_geotiff, read_json_sidecar
from pipeline.ingest.stac import read_item
from pipeline.ingest.view import settle_geometry

_READERS: Final[Mapping[str, Callable[[Path], Draft]]] = {
    "stac": read_item,
    "band-files": read_band_files,
    "json-sidecar": read_json_sidecar,
    "geotiff": read_geotiff,
}


def read_scene(delivery: Delivery, *, now: datetime | None = None) -> Scene:
    """Everything about a scene but its pixels.

    Parameters
    ----------
    delivery
        From `find_deliveries`.
    now
        Aware; a scene from the future is refused. Default: the clock.

    Raises
    ------
    InputError
        The delivery cannot be used: code, sentence and hint say why and what to do.
    """
    draft = _read_draft(delivery)
    headers = {path: read_header(Path(path)) for path in dict.fromkeys(b.path for b in draft.bands)}
    if not headers:
        raise InputError("bands", f"{delivery.path.name}: no band that is known", hint="name the bands")
    header, crs, grid = _finest(list(headers.values()), draft)
    _check_time(draft.when, delivery, now or datetime.now(UTC))
    corners = _corners(grid)
    footprint = draft.footprint or corners
    day_only = any(f.code == "time-of-day-unknown" for f in draft.flags)
    rpc = draft.rpc or next((h.rpc for h in headers.values() if h.rpc is not None), None)
    geometry, flags = settle_geometry(draft.view, rpc, None if day_only else draft.when, _centre(corners))
    inputs = _hash_inputs(draft)
    return Scene(
        scene_id=delivery.name,
        datetime=draft.when,
        platform=draft.platform,
        gsd=grid.gsd,
        crs=crs,
        transform=header.transform,
        shape=header.shape,
        footprint=footprint,
        bands=draft.bands,
        geometry=geometry,
        calibrated=draft.calibrated,
        source=draft.source,
        nodata=draft.nodata,
        mask_paths=tuple((m.kind, str(m.path)) for m in draft.masks),
        mask_indexes=tuple(m.index for m in draft.masks),
        inputs=inputs,
        cloud_cover=draft.cloud_cover,
        simulated=draft.simulated,
        flags=(*draft.flags, *flags),
    )


def _read_draft(delivery: Delivery) -> Draft:
    """What the reader of its kind finds."""
    reader = _READERS.get(delivery.kind)
    if reader is None:
        raise InputError(
            "unsupported",
            f"{delivery.path.name}: a {delivery.kind} delivery, which is not read",
            hint="give its GeoTIFF with a STAC item",
        )
    return reader(delivery.path)


def content_hash(scene: Scene) -> str:
    """One hash for the images of a scene, whatever they are called: equal for a delivery that came twice."""
    images = {Path(b.path).name for b in scene.bands}
    digests = sorted(f.sha256 for f in scene.inputs if Path(f.path).name in images)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _finest(headers: Sequence[RasterHeader], draft: Draft) -> tuple[RasterHeader, str, Grid]:
    """The image with the smallest pixels; every one must lie plausibly on the Earth, in one CRS."""
    placed = []
    for header in headers:
        crs = header.crs or draft.crs
        placed.append((ground_grid(header, crs), header, str(crs)))
    if len({crs for _, _, crs in placed}) > 1:
        raise InputError(
            "bands", "the bands lie in different coordinate systems", hint="one delivery, one zone"
        )
    grid, header, crs = min(placed, key=lambda p: (round(p[0].gsd, 3), p[1].path))
    return header, crs, grid


def _corners(grid: Grid) -> Polygon:
    """Outline of the whole image, (lon, lat), with a point halfway along each side."""
    rows, cols = grid.shape
    points = [
        (0, 0),
        (cols / 2, 0),
        (cols, 0),
        (cols, rows / 2),
        (cols, rows),
        (cols / 2, rows),
        (0, rows),
        (0, rows / 2),
    ]
    ring = pixel_to_lonlat(grid, np.array(points, dtype=np.float64))
    return tuple((float(x), float(y)) for x, y in ring)


def _centre(corners: Polygon) -> tuple[float, float]:
    lon, lat = np.asarray(corners, dtype=np.float64).mean(axis=0)
    return float(lon), float(lat)


def _check_time(when: datetime | None, delivery: Delivery, now: datetime) -> None:
    """Not from the future, and not against its own name.

    Raises
    ------
    InputError
        "time".
    """
    if when is None:
        return
    if when > now + timedelta(days=1):
        raise InputError(
            "time", f"taken on {when:%Y-%m-%d}, which is still to come", hint="mend the time in the metadata"
        )
    stamp = time_in_name(delivery.path.name) or time_in_name(delivery.name)
    if stamp is None:
        return
    named, to_the_second = stamp
    allowed = timedelta(seconds=60) if to_the_second else timedelta(days=1)
    middle = named if to_the_second else named + timedelta(hours=12)
    if abs(when - middle) > allowed:
        raise InputError(
            "time",
            f"the name says {named:%Y-%m-%d %H:%M:%S}, the metadata {when:%Y-%m-%d %H:%M:%S} UTC",
            hint="one of them is wrong or in local time",
        )


def _hash_inputs(draft: Draft) -> tuple[InputFile, ...]:
    """Name, hash and size of every file that was or will be read."""
    files = {*draft.metadata, *(Path(b.path) for b in draft.bands), *(m.path for m in draft.masks)}
    return tuple(hash_file(path, root=draft.root) for path in sorted(files))
