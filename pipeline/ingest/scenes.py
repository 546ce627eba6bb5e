"""From a delivery to a `Scene`: what its metadata say, held against its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.datatypes import Grid, InputFile, Polygon, Scene
from pipeline.errors import InputError
from pipeline.geometry import pixel_to_lonlat
from pipeline.ingest.claims import Delivery
from pipeline.ingest.dimap import read_dimap
from pipeline.ingest.draft import Draft, times_in_name
from pipeline.ingest.maxar import read_maxar
from pipeline.ingest.opening import RasterHeader, ground_grid, hash_file, read_header
from pipeline.ingest.plain import read_band_files, read_geotiff, read_json_sidecar
from pipeline.ingest.planet import read_planet
from pipeline.ingest.safe import read_safe
from pipeline.ingest.stac import read_item
from pipeline.ingest.view import settle_geometry


def _read_planet_item(delivery: Delivery) -> Draft:
    names = [p.name for p in delivery.files] or sorted(os.listdir(delivery.path.parent))
    return read_planet(delivery.path, names)


_READERS: Final[Mapping[str, Callable[[Delivery], Draft]]] = {
    "stac": lambda d: read_item(d.path),
    "safe": lambda d: read_safe(d.path),
    "planet": _read_planet_item,
    "maxar": lambda d: read_maxar(d.path),
    "dimap": lambda d: read_dimap(d.path),
    "band-files": lambda d: read_band_files(d.path),
    "json-sidecar": lambda d: read_json_sidecar(d.path),
    "geotiff": lambda d: read_geotiff(d.path),
}


_ELSEWHERE: Final = 0.5
"""An image further from its metadata's footprint is not the one they describe [deg]."""


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
    draft = _READERS[delivery.kind](delivery)
    headers = {path: read_header(Path(path)) for path in dict.fromkeys(b.path for b in draft.bands)}
    if not headers:
        raise InputError("bands", f"{delivery.path.name}: no band that is known", hint="name the bands")
    header, crs, grid = _finest(list(headers.values()), draft)
    _check_time(draft, delivery, now or datetime.now(UTC))
    day_only = any(f.code == "time-of-day-unknown" for f in draft.flags)
    rpc = draft.rpc or next((h.rpc for h in headers.values() if h.rpc is not None), None)
    geometry, flags = settle_geometry(draft.view, rpc, None if day_only else draft.when, grid.origin)
    inputs = _hash_inputs(draft)
    return Scene(
        scene_id=delivery.name,
        datetime=draft.when,
        platform=draft.platform,
        gsd=grid.gsd,
        crs=crs,
        transform=header.transform,
        shape=header.shape,
        footprint=_settle_footprint(draft, grid),
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


def _settle_footprint(draft: Draft, grid: Grid) -> Polygon:
    """The metadata's footprint where it meets the image, else the image's own outline.

    Raises
    ------
    InputError
        "crs-implausible": the image lies elsewhere than its metadata say.
    """
    corners = _corners(grid)
    if draft.footprint is None or _crosses_antimeridian(draft.footprint) or _crosses_antimeridian(corners):
        return corners
    from shapely import make_valid
    from shapely.geometry import Polygon as Figure

    apart = make_valid(Figure(draft.footprint)).distance(make_valid(Figure(corners)))
    if apart > _ELSEWHERE:
        (lon, lat), (x, y) = grid.origin, draft.footprint[0]
        raise InputError(
            "crs-implausible",
            f"the image lies at {lat:.3f} N {lon:.3f} E, its metadata say {y:.3f} N {x:.3f} E",
            hint="the coordinate system of the image, or the item, is wrong",
        )
    return draft.footprint if apart == 0.0 else corners


def _crosses_antimeridian(ring: Polygon) -> bool:
    lons = [lon for lon, _ in ring]
    return max(lons) - min(lons) > 180.0


def _check_time(draft: Draft, delivery: Delivery, now: datetime) -> None:
    """Not from the future, and not against its own name.

    Where the name begins with the second of acquisition, as vendors' names do, it must agree to a minute;
    other names hold days of processing too, so that only a name of which no stamp fits is refused.

    Raises
    ------
    InputError
        "time".
    """
    when = draft.named_time or draft.when
    if when is None:
        return
    if when > now + timedelta(days=1):
        raise InputError(
            "time", f"taken on {when:%Y-%m-%d}, which is still to come", hint="mend the time in the metadata"
        )
    stamps = times_in_name(delivery.path.name) or times_in_name(delivery.name)
    if not stamps:
        return
    vendor = delivery.kind in ("planet", "safe") or stamps[0].at_start
    strict = vendor and stamps[0].to_the_second
    agrees = [
        s.differs_by(when) <= timedelta(seconds=60) if strict else s.differs_by(when) <= timedelta(days=1)
        for s in stamps
    ]
    if not (agrees[0] if strict else any(agrees)):
        raise InputError(
            "time",
            f"the name says {stamps[0].time:%Y-%m-%d %H:%M:%S}, the metadata {when:%Y-%m-%d %H:%M:%S} UTC",
            hint="one of them is wrong or in local time",
        )


def _hash_inputs(draft: Draft) -> tuple[InputFile, ...]:
    """Name, hash and size of every file that was or will be read."""
    files = {*draft.metadata, *(Path(b.path) for b in draft.bands), *(m.path for m in draft.masks)}
    hashed = tuple(hash_file(path, root=draft.root) for path in sorted(files))
    for path, algorithm, expected in draft.checksums:
        stated = _digest(path, algorithm)
        if stated is not None and stated != expected:
            raise InputError(
                "checksum", f"{path.name}: its {algorithm} is not the provider's", hint="fetch the file again"
            )
    return hashed


def _digest(path: Path, algorithm: str) -> str | None:
    """Hex digest of a file by the provider's algorithm; None where that is not known here."""
    name = {"MD5": "md5", "SHA3-256": "sha3_256", "SHA-256": "sha256", "SHA256": "sha256"}.get(algorithm)
    if name is None:
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()
