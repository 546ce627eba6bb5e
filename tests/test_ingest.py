"""Deliveries, STAC items and chips."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from ingest_files import CRS, ORIGIN, ramp, write_item, write_tif

from pipeline.config import IngestConfig
from pipeline.errors import InputError, UsageError
from pipeline.geometry import lonlat_to_ground, pixel_to_lonlat
from pipeline.ingest import content_hash, find_deliveries, read_chip, read_scene
from pipeline.ingest.deliveries import safe_name

CONFIG = IngestConfig()


def test_one_delivery_is_one_scene(tmp_path: Path) -> None:
    write_item(tmp_path / "a", scene_id="s01")
    (tmp_path / "a" / "s01_labels.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (tmp_path / "a" / "truth.json").write_text('{"ships": []}')
    (tmp_path / "fleet.csv").write_text("imo,name\n")
    write_tif(tmp_path / "bare.tif", ramp(3))
    for band in ("B02", "B03", "B08"):
        write_tif(tmp_path / f"2023-08-21-00:00_Sentinel-2_L2A_{band}_(Raw).tiff", ramp(1))
    chip = write_tif(tmp_path / "chip.tif", ramp(12, dtype="int16"))
    chip.with_suffix(".json").write_text('{"acquisition-date": "2022-08-25", "type": "sentinel-2-l2a"}')
    found = find_deliveries([tmp_path])
    kinds = {d.name: d.kind for d in found}
    assert kinds == {
        "s01": "stac",
        "bare": "geotiff",
        "chip": "json-sidecar",
        f"{safe_name(tmp_path.name)}-2023-08-21": "band-files",
    }
    assert found == find_deliveries([tmp_path, tmp_path / "a"])


def test_a_file_stands_for_its_delivery(tmp_path: Path) -> None:
    item = write_item(tmp_path)
    by_item, by_image = find_deliveries([item]), find_deliveries([tmp_path / "s01.tif"])
    assert by_item == by_image == find_deliveries([tmp_path])
    assert by_item[0].path == item
    with pytest.raises(UsageError, match="no such"):
        find_deliveries([tmp_path / "not-there"])


def test_our_own_output_is_not_an_input(tmp_path: Path) -> None:
    write_item(tmp_path / "in")
    (tmp_path / "out" / "scenes" / "s01").mkdir(parents=True)
    (tmp_path / "out" / "plimsoll.db").write_bytes(b"SQLite")
    write_tif(tmp_path / "out" / "scenes" / "s01" / "annotated.tif", ramp(3, dtype="uint8"))
    assert [d.name for d in find_deliveries([tmp_path])] == ["s01"]


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "", "x" * 300, "new\nline", "=cmd", "e\u0301t\u00e9", "\u6771", "a b", ".hidden", "\udcff"],
)
def test_names_are_safe(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= 100
    assert set(safe) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert not safe.startswith((".", "-"))
    assert safe == safe_name(name)
    assert safe != safe_name(name + "2")


def test_names_that_differ_in_case_alone_are_told_apart(tmp_path: Path) -> None:
    for folder, name in (("a", "scene"), ("b", "SCENE"), ("c", "scene")):
        write_item(tmp_path / folder, scene_id=name)
    names = [d.name for d in find_deliveries([tmp_path])]
    assert len({n.casefold() for n in names}) == 3


def test_item_becomes_scene(tmp_path: Path) -> None:
    write_item(tmp_path, properties={"plimsoll:simulated": True})
    (delivery,) = find_deliveries([tmp_path])
    scene = read_scene(pickle.loads(pickle.dumps(delivery)))
    assert scene.scene_id == "s01"
    assert scene.datetime == datetime(2024, 8, 12, 1, 45, tzinfo=UTC)
    assert scene.simulated
    assert scene.calibrated
    assert scene.crs == CRS
    assert scene.shape == (40, 50)
    assert scene.cloud_cover == pytest.approx(0.03)
    assert [b.name for b in scene.bands] == ["blue", "green", "red", "nir"]
    assert scene.geometry is not None
    assert (scene.geometry.incidence_angle, scene.geometry.azimuth) == (20.0, 100.0)
    assert scene.geometry.azimuth_trusted
    assert scene.flags == ()
    assert {f.path for f in scene.inputs} == {"s01.json", "s01.tif"}
    assert scene.gsd == pytest.approx(0.5, rel=2e-3)


def test_item_of_stac_1_1(tmp_path: Path) -> None:
    path = write_item(tmp_path)
    document = json.loads(path.read_text())
    asset = document["assets"]["image"]
    del asset["eo:bands"], asset["raster:bands"]
    document["stac_version"] = "1.1.0"
    asset["bands"] = [
        {"name": f"x{i}", "eo:common_name": n, "raster:scale": 2e-4, "raster:offset": -0.05}
        for i, n in enumerate(("red", "green", "blue", "nir"))
    ]
    path.write_text(json.dumps(document))
    scene = read_scene(find_deliveries([tmp_path])[0])
    assert [b.name for b in scene.bands] == ["red", "green", "blue", "nir"]
    assert {(b.scale, b.offset) for b in scene.bands} == {(2e-4, -0.05)}


def test_off_nadir_is_carried_to_the_ground(tmp_path: Path) -> None:
    properties = {"view:incidence_angle": None, "view:off_nadir": 25.0, "platform": "WV02"}
    write_item(tmp_path, properties=properties)
    geometry = read_scene(find_deliveries([tmp_path])[0]).geometry
    assert geometry is not None
    # sin(theta) = (R + H)/R sin(eta) with H = 770 km
    assert geometry.incidence_angle == pytest.approx(
        np.degrees(np.arcsin(7141008.8 / 6371008.8 * np.sin(np.radians(25))))
    )


def test_azimuths_are_wrapped(tmp_path: Path) -> None:
    write_item(tmp_path, properties={"view:azimuth": -80.0, "view:sun_azimuth": 139.3 - 360.0})
    scene = read_scene(find_deliveries([tmp_path])[0])
    assert scene.geometry is not None
    assert scene.geometry.azimuth == pytest.approx(280.0)
    assert scene.geometry.sun_azimuth == pytest.approx(139.3)
    assert scene.flags == ()


def test_sun_is_held_against_the_clock(tmp_path: Path) -> None:
    write_item(tmp_path / "off", properties={"view:sun_elevation": 55.0})
    write_item(
        tmp_path / "none", scene_id="s02", properties={"view:sun_elevation": None, "view:sun_azimuth": None}
    )
    off, none = (read_scene(d) for d in find_deliveries([tmp_path]))
    assert [f.code for f in off.flags] == ["sun-disagrees"]
    assert [f.code for f in none.flags] == ["sun-computed"]
    assert none.geometry is not None
    assert none.geometry.sun_source == "computed"
    assert none.geometry.sun_elevation == pytest.approx(56.34, abs=0.01)


def test_missing_azimuth_is_not_guessed(tmp_path: Path) -> None:
    write_item(tmp_path / "a", properties={"view:azimuth": None})
    write_item(tmp_path / "b", scene_id="s02", properties={"view:azimuth": None, "view:incidence_angle": 0.4})
    oblique, nadir = (read_scene(d) for d in find_deliveries([tmp_path]))
    assert oblique.geometry is None
    assert [f.code for f in oblique.flags] == ["no-view-azimuth"]
    assert nadir.geometry is not None
    assert not nadir.geometry.azimuth_trusted


def test_a_remote_href_means_the_copy_beside_the_item(tmp_path: Path) -> None:
    write_item(tmp_path, href="https://example.invalid/bucket/s01.tif?token=x")
    assert read_scene(find_deliveries([tmp_path])[0]).shape == (40, 50)


def test_same_images_have_the_same_hash(tmp_path: Path) -> None:
    write_item(tmp_path / "a", scene_id="s01")
    write_item(tmp_path / "b", scene_id="copy", properties={"eo:cloud_cover": 9.0})
    write_item(tmp_path / "c", scene_id="other", data=ramp() + 1)
    scenes = {d.name: read_scene(d) for d in find_deliveries([tmp_path])}
    assert content_hash(scenes["s01"]) == content_hash(scenes["copy"]) != content_hash(scenes["other"])


# ---------------------------------------------------------------------------------------------- chips


def test_chip_is_reflectance(tmp_path: Path) -> None:
    write_item(tmp_path)
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    assert chip.pixels.dtype == np.float32
    np.testing.assert_allclose(chip.pixels, ramp() * 1e-4, rtol=1e-6)
    assert chip.valid.all()
    assert chip.bands == ("blue", "green", "red", "nir")


def test_window_of_the_area_only(tmp_path: Path) -> None:
    data = ramp(1, 400, 500)
    write_item(tmp_path, data=data)
    scene = read_scene(find_deliveries([tmp_path])[0])
    whole = read_chip(scene, aoi=None, config=CONFIG)
    west, south, east, north = 200, 300, 260, 340  # pixels
    box = pixel_to_lonlat(whole.grid, [[west, south], [east, south], [east, north], [west, north]])
    aoi = tuple((float(x), float(y)) for x, y in box)
    chip = read_chip(scene, aoi=aoi, config=CONFIG)
    assert 40 <= chip.valid.shape[0] <= 43
    assert 60 <= chip.valid.shape[1] <= 63
    # the same ground in both: the pixel's value tells which pixel it is
    middle = pixel_to_lonlat(chip.grid, [20.5, 20.5])
    a, b, c, d, e, f = whole.grid.to_ground
    x, y = lonlat_to_ground(whole.grid.origin, middle)
    col, row = np.linalg.solve([[a, b], [d, e]], [x - c, y - f])
    assert chip.pixels[0, 20, 20] == pytest.approx(data[0, int(row), int(col)] * 1e-4)
    with pytest.raises(InputError) as caught:
        read_chip(scene, aoi=tuple((x + 1.0, y) for x, y in aoi), config=CONFIG)
    assert caught.value.code == "outside-site"


@pytest.mark.parametrize(
    "transform",
    [
        (0.5, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1]),
        (0.5, 0.0, ORIGIN[0], 0.0, 0.5, ORIGIN[1]),  # south up
        (-0.5, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1]),  # east to the left
        (0.433, 0.25, ORIGIN[0], 0.25, -0.433, ORIGIN[1]),  # turned by 30 deg
        (0.0, 0.5, ORIGIN[0], 0.5, 0.0, ORIGIN[1]),  # transposed
    ],
)
def test_pixels_stay_where_they_are(tmp_path: Path, transform: tuple[float, ...]) -> None:
    from pyproj import Transformer

    write_item(tmp_path, transform=transform)
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    a, b, c, d, e, f = transform
    x, y = a * 37.5 + b * 11.5 + c, d * 37.5 + e * 11.5 + f
    expected = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    found = pixel_to_lonlat(chip.grid, [37.5, 11.5])
    apart = lonlat_to_ground(expected, found)
    assert np.hypot(*apart) < 0.01
    np.testing.assert_allclose(chip.pixels[0], ramp()[0] * 1e-4, rtol=1e-6)


def test_long_pixels_are_made_square(tmp_path: Path) -> None:
    # 1e-5 deg is 0.82 m east and 1.11 m north at 42.7 deg
    degrees = (1e-5, 0.0, 133.06, 0.0, -1e-5, 42.74)
    write_item(tmp_path, transform=degrees, crs="EPSG:4326", data=ramp(2))
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    assert chip.grid.gsd_col == pytest.approx(chip.grid.gsd_row, rel=0.02)
    assert chip.grid.gsd_col == pytest.approx(0.82, abs=0.01)
    assert chip.pixels.shape[1:] == chip.valid.shape == chip.grid.shape == (54, 50)
    corner = pixel_to_lonlat(chip.grid, [50.0, 54.0])
    assert corner == pytest.approx([133.06 + 50e-5, 42.74 - 40e-5], abs=1e-8)
    # a ramp stays one: linear interpolation between the centres
    np.testing.assert_allclose(np.diff(chip.pixels[0, 5:-5], axis=0), 7e-4 * 40 / 54, rtol=1e-2)


def test_web_mercator_is_not_metres(tmp_path: Path) -> None:
    write_item(tmp_path, crs="EPSG:3857", transform=(1.0, 0.0, 14_812_000.0, 0.0, -1.0, 5_270_000.0))
    scene = read_scene(find_deliveries([tmp_path])[0])
    assert scene.gsd == pytest.approx(np.cos(np.radians(scene.footprint[0][1])), rel=4e-3)


def test_coarse_bands_are_brought_to_the_finest(tmp_path: Path) -> None:
    """Of 20 m and of 10 m: a ramp over the ground is the same ramp in both."""
    east = np.arange(60) * 10.0 + 5.0
    fine = np.broadcast_to(1000 + east, (1, 40, 60)).astype("uint16")
    coarse = np.broadcast_to(1000 + np.arange(30) * 20.0 + 10.0, (1, 20, 30)).astype("uint16")
    name = "2023-08-21_Sentinel-2_L2A_{}.tif"
    write_tif(tmp_path / name.format("B08"), fine, transform=(10.0, 0.0, *ORIGIN[:1], 0.0, -10.0, ORIGIN[1]))
    write_tif(
        tmp_path / name.format("B11"), coarse, transform=(20.0, 0.0, *ORIGIN[:1], 0.0, -20.0, ORIGIN[1])
    )
    (delivery,) = find_deliveries([tmp_path])
    chip = read_chip(read_scene(delivery), aoi=None, config=CONFIG)
    assert chip.bands == ("nir", "swir16")
    assert chip.valid.all()
    inner = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(chip.pixels[1][inner], chip.pixels[0][inner], atol=1e-4)


def test_dark_water_is_not_nodata(tmp_path: Path) -> None:
    data = ramp(4, 60, 60)
    data[0, 30:33, 30:33] = 0  # blue alone is 0 in deep water
    data[:, 20, 40] = 0  # one pixel black in all bands: undeclared, not at the rim
    data[:, :, :10] = 0  # the empty margin
    data[2, 12:15, 8:12] = 0  # a frayed edge: red ends later
    margin = np.zeros((60, 60), bool)
    margin[:, :10] = True
    margin[12:15, 10:12] = True
    write_tif(tmp_path / "bare.tif", data)
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    np.testing.assert_array_equal(~chip.valid, margin)
    assert not chip.pixels[:, ~chip.valid].any()
    write_item(tmp_path / "item", data=data, nodata=0)
    declared = read_chip(read_scene(find_deliveries([tmp_path / "item"])[0]), aoi=None, config=CONFIG)
    margin[20, 40] = True
    np.testing.assert_array_equal(~declared.valid, margin)


def test_dark_water_in_one_band_a_file(tmp_path: Path) -> None:
    """The infrared is 0 from the empty margin on while blue is not: that is water."""
    for band, value in (("B02", 300), ("B08", 0), ("B11", 0)):
        data = np.full((1, 60, 60), value, "uint16")
        data[0, :, :5] = 0
        write_tif(tmp_path / f"x_2023-08-21_Sentinel-2_{band}.tif", data)
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    assert not chip.valid[:, :5].any()
    assert chip.valid[:, 5 + 16 :].all()


def test_too_many_pixels_are_refused_before_reading(tmp_path: Path) -> None:
    write_item(tmp_path)
    scene = read_scene(find_deliveries([tmp_path])[0])
    with pytest.raises(InputError) as caught:
        read_chip(scene, aoi=None, config=IngestConfig(max_pixels=1999))
    assert caught.value.code == "too-large"
    assert read_chip(scene, aoi=None, config=IngestConfig(max_pixels=2000)).valid.all()


def test_delivered_masks(tmp_path: Path) -> None:
    scl = np.full((1, 20, 25), 6, "uint8")
    scl[0, :5], scl[0, 5:8], scl[0, 8:10], scl[0, 10:12] = 9, 3, 10, 11
    path = write_item(tmp_path)
    write_tif(tmp_path / "scl.tif", scl, transform=(1.0, 0.0, ORIGIN[0], 0.0, -1.0, ORIGIN[1]))
    document = json.loads(path.read_text())
    document["assets"]["SCL"] = {
        "href": "./scl.tif",
        "type": "image/tiff; application=geotiff",
        "roles": ["data"],
    }
    path.write_text(json.dumps(document))
    scene = read_scene(find_deliveries([tmp_path])[0])
    assert [b.name for b in scene.bands] == ["blue", "green", "red", "nir"]
    chip = read_chip(scene, aoi=None, config=CONFIG)
    assert chip.delivered_method == "scl"
    assert chip.delivered_cloudy is not None
    assert chip.delivered_shadowed is not None
    rows = np.repeat(scl[0, :, 0], 2)
    np.testing.assert_array_equal(
        chip.delivered_cloudy[:, 7], (rows == 9) | (rows == 10)
    )  # snow is not cloud
    np.testing.assert_array_equal(chip.delivered_shadowed[:, 7], rows == 3)


def test_udm2(tmp_path: Path) -> None:
    udm2 = np.zeros((8, 40, 50), "uint8")
    udm2[0] = 1
    udm2[5, :4], udm2[4, 4:6], udm2[3, 6:8], udm2[2, 8:10], udm2[7, 39] = 1, 1, 1, 1, 1
    path = write_item(tmp_path)
    write_tif(tmp_path / "udm2.tif", udm2)
    document = json.loads(path.read_text())
    document["assets"]["udm2"] = {"href": "./udm2.tif", "type": "image/tiff", "roles": ["metadata"]}
    path.write_text(json.dumps(document))
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    assert chip.delivered_method == "udm2"
    assert chip.delivered_cloudy is not None
    assert chip.delivered_shadowed is not None
    assert chip.delivered_cloudy[:6].all()
    assert not chip.delivered_cloudy[6:].any()  # light haze shows the sea
    assert chip.delivered_shadowed[8:10].all()
    assert not chip.valid[39].any()


def test_alpha_is_not_a_band(tmp_path: Path) -> None:
    data = ramp(4, dtype="uint8")
    data[3], data[3, :, :5] = 255, 0
    write_tif(tmp_path / "visual.tif", data, colours=("red", "green", "blue", "alpha"))
    scene = read_scene(find_deliveries([tmp_path])[0])
    assert [b.name for b in scene.bands] == ["red", "green", "blue"]
    assert not scene.calibrated
    assert scene.geometry is None
    assert scene.datetime is None
    assert {f.code for f in scene.flags} == {"bare-image", "not-radiometric"}
    chip = read_chip(scene, aoi=None, config=CONFIG)
    np.testing.assert_array_equal(chip.valid, data[3] > 0)
    assert chip.pixels.max() <= 1.0
