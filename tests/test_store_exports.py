"""Exports: the GeoPackage, the CSV and the pictures, read back with the libraries others use."""

import csv
import io
import sqlite3
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from handmade import SITE, refused_scene, scene, ship, visits, volume
from pyogrio import raw

from pipeline.datatypes import Grid
from pipeline.geometry import grid_of, pixel_to_lonlat
from pipeline.store import format_visits, write_geopackage, write_geotiff, write_png
from pipeline.store.geopackage import _COLUMNS
from pipeline.store.pictures import grid_transform
from pipeline.store.styles import style_of
from pipeline.store.tables import escape_cell

PLACES = {"V-2024-08-10-b1": (132.9005, 42.70025)}
LAYERS = ("berth_states", "detections", "scenes", "visits", "volumes")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "plimsoll.gpkg"
    results = (scene(ships=(ship(), ship("d2", measured=False))), refused_scene())
    write_geopackage(path, results, SITE, (visits(), volume()), PLACES)
    return path


def table(path: Path, layer: str) -> list[dict[str, object]]:
    meta, _, _, fields = raw.read(path, layer=layer)
    return [dict(zip(meta["fields"], values, strict=True)) for values in zip(*fields, strict=True)]


def test_layers_hold_what_the_records_say(package: Path) -> None:
    found = table(package, "detections")
    assert [row["detection_id"] for row in found] == ["d1", "d2"]
    assert found[0]["freeboard"] == pytest.approx(2.34567891)
    assert np.isnan(found[1]["freeboard"])  # type: ignore[call-overload]
    assert found[1]["not_measurable"] == "clouded"
    assert [row["status"] for row in table(package, "scenes")] == ["ok", "refused"]
    assert table(package, "berth_states")[0]["state"] == "occupied"
    assert table(package, "visits")[0]["visit_id"] == "V-2024-08-10-b1"
    assert [row["scope"] for row in table(package, "volumes")] == ["visit"] + ["season"] * 5


def test_the_package_is_a_valid_geopackage_with_a_style_a_layer(package: Path) -> None:
    db = sqlite3.connect(package)
    assert db.execute("PRAGMA application_id").fetchone()[0] == 0x47504B47
    assert db.execute("PRAGMA user_version").fetchone()[0] == 10200
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    styled = db.execute("SELECT f_table_name, useAsDefault FROM layer_styles ORDER BY 1").fetchall()
    assert styled == [(layer, 1) for layer in LAYERS]
    features = "SELECT table_name FROM gpkg_contents WHERE data_type = 'features' ORDER BY 1"
    assert tuple(name for (name,) in db.execute(features)) == LAYERS
    db.close()


def test_the_same_records_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.gpkg"
    results = (scene(ships=(ship(), ship("d2", measured=False))), refused_scene())
    write_geopackage(again, results, SITE, (visits(), volume()), PLACES)
    assert again.read_bytes() == package.read_bytes()


def test_an_empty_folder_exports_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.gpkg"
    write_geopackage(path, (), None, None, {})
    assert table(path, "detections") == []


@pytest.mark.parametrize("layer", LAYERS)
def test_styles_are_xml(layer: str) -> None:
    from defusedxml.ElementTree import fromstring

    root = fromstring(style_of(layer).split(">", 1)[1])
    assert root.find("renderer-v2") is not None
    shown = root.find("temporal")
    assert (shown is None) == (layer == "volumes")
    if shown is not None:
        fields = {name for name, _ in _COLUMNS[layer]}
        assert {shown.get("startField"), shown.get("endField") or "t_start"} <= fields


def test_visits_as_csv_start_with_place_and_time() -> None:
    text = format_visits(visits(), volume(), PLACES)
    (row,) = csv.DictReader(io.StringIO(text))
    assert list(row)[:4] == ["lat", "lon", "arrival_earliest_utc", "arrival_latest_utc"]
    assert row["lat"] == "42.70025"
    assert row["arrival_latest_utc"] == "2024-08-10T02:15:30Z"
    assert row["departure_latest_utc"] == ""
    assert row["barrels_p50"] == "27654.3"
    assert row["imo"] == "9000001"


@pytest.mark.parametrize("name", ["=1+1", "+A1", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_no_name_becomes_a_formula(name: str) -> None:
    assert escape_cell(name) == "'" + name.replace("\t", " ").replace("\r", " ")
    (row,) = csv.DictReader(io.StringIO(format_visits(visits(name), None, {})))
    assert row["name"].startswith("'")
    assert row["lat"] == ""


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def test_png_comes_back(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", picture())
    back = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_COLOR)
    assert back is not None
    assert np.array_equal(back[..., ::-1], picture())


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32653", (0.5, 0.0, 327000.0, 0.0, -0.5, 4728000.0)),
        ("EPSG:32653", (0.4, 0.3, 327000.0, 0.3, -0.4, 4728000.0)),
        ("EPSG:4326", (5e-6, 0.0, 132.9, 0.0, -4e-6, 42.7)),
        ("EPSG:3857", (10.0, 0.0, 14_794_000.0, 0.0, -10.0, 5_268_000.0)),
    ],
)
def test_geotiff_lies_where_the_pixels_lay(
    tmp_path: Path, crs: str, transform: tuple[float, float, float, float, float, float]
) -> None:
    grid = grid_of(crs, transform, (30, 45))
    write_geotiff(tmp_path / "a.tif", picture(), grid=grid, crs=crs)
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.crs.to_string() == crs
        assert np.array_equal(file.read(), picture().transpose(2, 0, 1))
        corner = file.transform @ (90, 60)
    a, b, c, d, e, f = transform
    expected = (a * 45 + b * 30 + c, d * 45 + e * 30 + f)
    pixel = np.hypot(a, d)
    assert np.allclose(corner, expected, rtol=0, atol=0.02 * pixel)


def test_transform_is_the_reverse_of_the_grid() -> None:
    transform = (0.5, 0.0, 327000.0, 0.0, -0.5, 4728000.0)
    grid = grid_of("EPSG:32653", transform, (800, 1000))
    assert np.allclose(grid_transform(grid, "EPSG:32653"), transform, rtol=0, atol=(1e-5, 1e-5, 0.01) * 2)
    assert grid_transform(grid, "EPSG:32653")[1] == 0.0
    shifted = replace(grid, to_ground=(*grid.to_ground[:2], grid.to_ground[2] + 100.0, *grid.to_ground[3:]))
    assert isinstance(shifted, Grid)
    lon, _ = pixel_to_lonlat(shifted, (0, 0)) - pixel_to_lonlat(grid, (0, 0))
    assert lon > 0
