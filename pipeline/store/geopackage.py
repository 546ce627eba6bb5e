"""plimsoll.gpkg: the folder's content as styled map layers, written whole from the records.

An export, never read back: GDAL appending to one GeoPackage from several processes lost rows silently.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datatypes import LonLat, Polygon, Site
from pipeline.products import SceneResult, VisitsDocument, VolumeDocument
from pipeline.store.documents import round_number
from pipeline.store.files import sync_file
from pipeline.store.styles import write_styles
from pipeline.store.tables import visit_row

Row = dict[str, Any]

_COLUMNS: dict[str, tuple[tuple[str, type], ...]] = {
    "scenes": (
        ("scene_id", str),
        ("t_start", datetime),
        ("platform", str),
        ("gsd", float),
        ("status", str),
        ("code", str),
        ("message", str),
        ("cloud_fraction", float),
        ("detections", int),
        ("measured", int),
        ("incidence_angle", float),
        ("sun_elevation", float),
        ("simulated", bool),
    ),
    "berth_states": (
        ("berth_id", str),
        ("scene_id", str),
        ("t_start", datetime),
        ("state", str),
        ("clear_fraction", float),
        ("detection_ids", str),
        ("verified", bool),
    ),
    "detections": (
        ("scene_id", str),
        ("detection_id", str),
        ("t_start", datetime),
        ("kind", str),
        ("tanker_probability", float),
        ("score", float),
        ("heading", float),
        ("heading_ambiguous", bool),
        ("length", float),
        ("length_sigma", float),
        ("beam", float),
        ("beam_sigma", float),
        ("berth_id", str),
        ("imo", int),
        ("name", str),
        ("identity_probability", float),
        ("freeboard", float),
        ("freeboard_sigma", float),
        ("not_measurable", str),
        ("draught", float),
        ("fraction", float),
        ("fraction_p05", float),
        ("fraction_p95", float),
        ("cargo_t", float),
        ("cargo_sigma_t", float),
    ),
    "visits": (
        ("visit_id", str),
        ("t_start", datetime),
        ("t_end", datetime),
        ("arrival_latest_utc", str),
        ("departure_earliest_utc", str),
        ("site", str),
        ("berth_id", str),
        ("imo", int),
        ("name", str),
        ("identity_probability", float),
        ("evidence", str),
        ("status", str),
        ("fraction_arrival", float),
        ("fraction_departure", float),
        ("cargo_t", float),
        ("cargo_sigma_t", float),
        ("scene_ids", str),
        ("flags", str),
        ("simulated", bool),
    ),
    "volumes": (
        ("scope", str),
        ("visit_id", str),
        ("quantity", str),
        ("barrels_p05", float),
        ("barrels_p50", float),
        ("barrels_p95", float),
    ),
}
_GEOMETRY = {"scenes": "Polygon", "berth_states": "Polygon", "detections": "Polygon", "visits": "Point"} | {
    "volumes": "Point"
}


def write_geopackage(
    path: Path,
    results: Sequence[SceneResult],
    site: Site | None,
    season: tuple[VisitsDocument, VolumeDocument] | None,
    places: Mapping[str, LonLat],
) -> None:
    """Write every layer to a new file at `path`; `places` gives (lon, lat) by visit id."""
    with _fixed_date(results):
        for position, (layer, rows) in enumerate(_layers(results, site, season, places).items()):
            _write_layer(path, layer, rows, append=position > 0)
    write_styles(path)
    sync_file(path)


def _layers(
    results: Sequence[SceneResult],
    site: Site | None,
    season: tuple[VisitsDocument, VolumeDocument] | None,
    places: Mapping[str, LonLat],
) -> dict[str, list[Row]]:
    berths = {} if site is None else {berth.id: berth.outline for berth in site.of_role("berth")}
    return {
        "scenes": [_scene(result) for result in results],
        "berth_states": [row for result in results for row in _berths(result, berths)],
        "detections": [row for result in results for row in _detections(result)],
        "visits": [] if season is None else _visits(season[0], places),
        "volumes": [] if season is None else _volumes(season[1], places),
    }


def _scene(result: SceneResult) -> Row:
    geometry, cloud, reason = result.geometry, result.cloud, result.reason
    outline = result.footprint
    return {
        "geometry": None if outline is None else _ring(outline),
        "scene_id": result.scene_id,
        "t_start": result.datetime,
        "platform": result.platform,
        "gsd": result.gsd,
        "status": result.status,
        "code": None if reason is None else reason.code,
        "message": None if reason is None else reason.message,
        "cloud_fraction": None if cloud is None else cloud.cloud_fraction,
        "detections": len(result.detections),
        "measured": sum(d.freeboard is not None for d in result.detections),
        "incidence_angle": None if geometry is None else geometry.incidence_angle,
        "sun_elevation": None if geometry is None else geometry.sun_elevation,
        "simulated": result.simulated,
    }


def _berths(result: SceneResult, berths: Mapping[str, Polygon]) -> Iterable[Row]:
    for state in result.berths:
        outline = berths.get(state.id)
        yield {
            "geometry": None if outline is None else _ring(outline),
            "berth_id": state.id,
            "scene_id": result.scene_id,
            "t_start": result.datetime,
            "state": state.state,
            "clear_fraction": state.clear_fraction,
            "detection_ids": " ".join(state.detection_ids),
            "verified": state.verified,
        }


def _detections(result: SceneResult) -> Iterable[Row]:
    for found in result.detections:
        first = found.identity[0] if found.identity else None
        load = found.load
        coordinates: Any = found.outline["coordinates"]
        yield {
            "geometry": _ring(coordinates[0]),
            "scene_id": result.scene_id,
            "detection_id": found.id,
            "t_start": result.datetime,
            "kind": found.kind,
            "tanker_probability": found.tanker_probability,
            "score": found.score,
            "heading": found.heading,
            "heading_ambiguous": found.heading_ambiguous,
            "length": found.length,
            "length_sigma": found.length_sigma,
            "beam": found.beam,
            "beam_sigma": found.beam_sigma,
            "berth_id": found.berth_id,
            "imo": None if first is None else first.imo,
            "name": None if first is None else first.name,
            "identity_probability": None if first is None else first.probability,
            "freeboard": None if found.freeboard is None else found.freeboard.value,
            "freeboard_sigma": None if found.freeboard is None else found.freeboard.sigma,
            "not_measurable": None if found.not_measurable is None else found.not_measurable.code,
            "draught": None if found.draught is None else found.draught.value,
            "fraction": None if load is None else load.fraction,
            "fraction_p05": None if load is None else load.interval90[0],
            "fraction_p95": None if load is None else load.interval90[1],
            "cargo_t": None if load is None else load.cargo,
            "cargo_sigma_t": None if load is None else load.cargo_sigma,
        }


def _visits(document: VisitsDocument, places: Mapping[str, LonLat]) -> list[Row]:
    return [
        visit_row(visit)
        | {
            "geometry": _point(places.get(visit.visit_id)),
            "t_start": visit.arrival_window[0],
            "t_end": visit.departure_window[1] or visit.departure_window[0],
            "simulated": document.simulated,
        }
        for visit in document.visits
    ]


def _volumes(document: VolumeDocument, places: Mapping[str, LonLat]) -> list[Row]:
    rows: list[Row] = []
    for entry in document.by_visit:
        point = _point(places.get(entry.visit_id))
        rows.append(
            {"geometry": point, "scope": "visit", "visit_id": entry.visit_id, "quantity": "loaded"}
            | _quantiles(entry.barrels)
        )
    for quantity in ("measured", "imputed", "unseen", "baseline", "total"):
        quantiles = getattr(document.barrels, quantity)
        rows.append({"geometry": None, "scope": "season", "quantity": quantity} | _quantiles(quantiles))
    return rows


def _quantiles(quantiles: Any) -> Row:
    return {f"barrels_{q}": round_number(getattr(quantiles, q)) for q in ("p05", "p50", "p95")}


# ------------------------------------------------------------------------------------------- writing


def _ring(points: Sequence[Sequence[float]]) -> bytes:
    """A lon/lat ring as a WKB polygon, closed and counter-clockwise."""
    import shapely

    ring = [(float(p[0]), float(p[1])) for p in points]
    return bytes(shapely.to_wkb(shapely.orient_polygons(shapely.Polygon(ring))))


def _point(place: LonLat | None) -> bytes | None:
    import shapely

    return None if place is None else bytes(shapely.to_wkb(shapely.Point(place)))


_MISSING: dict[type, Any] = {str: None, float: np.nan, int: 0, bool: False, datetime: np.datetime64("NaT")}
_DTYPE: dict[type, str] = {str: "O", float: "f8", int: "i8", bool: "?", datetime: "M8[ms]"}


def _column(rows: Sequence[Row], name: str, kind: type) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(values, missing) of one field."""
    values = [row.get(name) for row in rows]
    missing = np.array([value is None for value in values], bool)
    if kind is datetime:
        filled = [
            _MISSING[kind] if v is None else np.datetime64(v.replace(tzinfo=None), "ms") for v in values
        ]
    else:
        filled = [_MISSING[kind] if v is None else v for v in values]
    return np.array(filled, dtype=_DTYPE[kind]), missing


def _import_pyogrio() -> Any:
    """pyogrio.raw, without a word from its own GDAL about drivers to skip that it does not have.

    And without pandas, which it would import only to find out that it is there: half a second.
    """
    skipped = os.environ.pop("GDAL_SKIP", None)
    unwanted = "pandas" not in sys.modules
    if unwanted:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # an ImportError for who asks
    try:
        from pyogrio import raw
    finally:
        if unwanted:
            del sys.modules["pandas"]
        if skipped is not None:
            os.environ["GDAL_SKIP"] = skipped
    return raw


def _write_layer(path: Path, layer: str, rows: Sequence[Row], *, append: bool) -> None:
    raw = _import_pyogrio()
    columns = [_column(rows, name, kind) for name, kind in _COLUMNS[layer]]
    raw.write(
        os.fspath(path),
        geometry=np.array([row.get("geometry") for row in rows], dtype=object),
        field_data=[values for values, _ in columns],
        field_mask=[missing for _, missing in columns],
        fields=np.array([name for name, _ in _COLUMNS[layer]], dtype=object),
        layer=layer,
        driver="GPKG",
        geometry_type=_GEOMETRY[layer],
        crs="EPSG:4326",
        append=append,
        dataset_options=None if append else {"VERSION": "1.2"},
        layer_options={"GEOMETRY_NAME": "geom", "FID": "fid"},
    )


@contextmanager
def _fixed_date(results: Sequence[SceneResult]) -> Any:
    """Date the file by its newest scene, not by the clock."""
    _import_pyogrio()
    import pyogrio

    times = [result.datetime for result in results if result.datetime is not None]
    stamp = max(times).strftime("%Y-%m-%dT%H:%M:%S.000Z") if times else "1970-01-01T00:00:00.000Z"
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": stamp})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
