"""Broken, incomplete and hostile inputs: each is built here and refused by name, or read with a flag."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from ingest_files import CRS, ORIGIN, make_fifo, ramp, write_item, write_tif

from pipeline.config import IngestConfig
from pipeline.errors import InputError
from pipeline.ingest import content_hash, find_deliveries, read_chip, read_scene
from pipeline.ingest.environment import SETTINGS

CONFIG = IngestConfig()


def refusal(folder: Path) -> InputError:
    """The error that the one delivery below `folder` ends with, in reading its scene or its pixels."""
    (delivery,) = find_deliveries([folder])
    with pytest.raises(InputError) as caught:
        read_chip(read_scene(delivery), aoi=None, config=CONFIG)
    error = caught.value
    assert len(str(error)) > 15
    assert "\n" not in str(error)
    assert error.hint
    return error


def test_row_4_empty_file(tmp_path: Path) -> None:
    (tmp_path / "s01.tif").touch()
    assert refusal(tmp_path).code == "empty"


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_row_5_truncated_geotiff(tmp_path: Path, share: float) -> None:
    rng = np.random.default_rng(5)
    write_item(tmp_path, data=rng.integers(1, 60000, (4, 300, 300)).astype("uint16"), compress="deflate")
    path = tmp_path / "s01.tif"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert refusal(tmp_path).code == "corrupt"


def test_row_1_truncated_jp2(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    data = rng.integers(1, 4000, (1, 256, 256)).astype("uint16")
    path = write_tif(
        tmp_path / "T52TGN_20240812T014500_B04.jp2",
        data,
        driver="JP2OpenJPEG",
        quality="100",
        reversible="yes",
    )
    assert read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG).valid.all()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(tmp_path).code == "corrupt"


def test_row_6_tile_missing_inside(tmp_path: Path) -> None:
    data = ramp(3, 128, 128)
    data[:, 32:64, 64:96] = 0
    write_tif(tmp_path / "s.tif", data, tiled=True, blockxsize=32, blockysize=32, sparse_ok=True)
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    assert (~chip.valid).sum() == 32 * 32
    assert not chip.valid[32:64, 64:96].any()


def test_row_9_degrees_that_are_metres(tmp_path: Path) -> None:
    write_item(tmp_path, crs="EPSG:4326")
    assert refusal(tmp_path).code == "crs-implausible"


def test_row_9_image_elsewhere_than_its_item_says(tmp_path: Path) -> None:
    ring = [[133.0, 42.7], [133.1, 42.7], [133.1, 42.8], [133.0, 42.8], [133.0, 42.7]]
    path = write_item(tmp_path, crs="EPSG:32654")
    edit(path, lambda d: d.update(geometry={"type": "Polygon", "coordinates": [ring]}))
    assert refusal(tmp_path).code == "crs-implausible"


def test_row_10_no_crs(tmp_path: Path) -> None:
    write_item(tmp_path / "without", crs=None)
    assert refusal(tmp_path / "without").code == "no-crs"
    write_item(tmp_path / "with", crs=None, properties={"proj:code": CRS})
    assert read_scene(find_deliveries([tmp_path / "with"])[0]).crs == CRS


@pytest.mark.parametrize(
    "crs", ["https://example.invalid/crs.wkt", "/etc/passwd", "+init=epsg:4326", "EPSG:1;x"]
)
def test_row_11_crs_as_url_or_path(tmp_path: Path, crs: str) -> None:
    write_item(tmp_path, crs=None, properties={"proj:code": crs})
    assert refusal(tmp_path).code == "crs-syntax"


@pytest.mark.parametrize(
    ("row", "transform"),
    [
        (14, (np.nan, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1])),
        (15, (0.0, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1])),
        (15, (1e-4, 0.0, ORIGIN[0], 0.0, -1e-4, ORIGIN[1])),
        (15, (500.0, 0.0, ORIGIN[0], 0.0, -500.0, ORIGIN[1])),
    ],
)
def test_rows_14_15_geotransform(tmp_path: Path, row: int, transform: tuple[float, ...]) -> None:
    write_item(tmp_path, transform=transform)
    assert refusal(tmp_path).code in ("geotransform", "no-georef"), row


def test_row_16_sidecars_do_not_win(tmp_path: Path) -> None:
    write_item(tmp_path)
    (tmp_path / "s01.tfw").write_text("9\n0\n0\n-9\n0\n0\n")
    (tmp_path / "s01.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32601</SRS><GeoTransform>0, 9, 0, 0, 0, -9</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>503</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    scene = read_scene(find_deliveries([tmp_path])[0])
    assert scene.crs == CRS
    assert scene.transform == (0.5, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1])
    assert read_chip(scene, aoi=None, config=CONFIG).valid.all()


def test_row_17_settings_of_the_user_do_not_count(tmp_path: Path) -> None:
    """A child with a hostile environment and home sees the same pixels."""
    write_item(tmp_path / "in")
    home = tmp_path / "home"
    (home / ".gdal").mkdir(parents=True)
    (home / ".gdal" / "gdalrc").write_text(
        "[configoptions]\nGDAL_PAM_ENABLED=YES\nGTIFF_IGNORE_READ_ERRORS=YES\n"
    )
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from pipeline.ingest import *\nfrom pipeline.config import IngestConfig\nprepare_environment()\n"
        "scene = read_scene(find_deliveries([Path(sys.argv[1])])[0])\n"
        "chip = read_chip(scene, aoi=None, config=IngestConfig())\n"
        "import rasterio\n"
        "with rasterio.Env() as env:\n    drivers = set(env.drivers())\n"
        "kept = 'GTIFF_POINT_GEO_IGNORE' in os.environ\n"
        "print(chip.pixels.sum(dtype='f8'), kept, 'VRT' in drivers, 'GTiff' in drivers)"
    )
    hostile = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "GTIFF_POINT_GEO_IGNORE": "TRUE",
        "GDAL_GEOREF_SOURCES": "WORLDFILE",
        "GDAL_SKIP": "GTiff",
    }
    root = Path(__file__).resolve().parents[1]
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "in")],
        env=hostile,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    total, kept, vrt, gtiff = run.stdout.split()
    chip = read_chip(read_scene(find_deliveries([tmp_path / "in"])[0]), aoi=None, config=CONFIG)
    assert float(total) == pytest.approx(float(chip.pixels.sum(dtype="f8")), rel=1e-12)
    assert (kept, vrt, gtiff) == ("False", "False", "True")


def test_row_18_all_nodata(tmp_path: Path) -> None:
    write_item(tmp_path, data=np.zeros((4, 40, 50), "uint16"), nodata=0)
    assert refusal(tmp_path).code == "no-data"


def test_row_19_nan_and_infinity(tmp_path: Path) -> None:
    data = ramp(dtype="float32") / np.float32(1e4)
    data[1, 3, 4], data[2, 5, 6], data[0, 7, 8], data[3, 9, 9] = np.nan, np.inf, -np.inf, 3e38
    write_item(tmp_path, data=data, asset={"raster:bands": [{}] * 4})
    chip = read_chip(read_scene(find_deliveries([tmp_path])[0]), aoi=None, config=CONFIG)
    assert np.isfinite(chip.pixels).all()
    assert sorted(zip(*np.nonzero(~chip.valid), strict=True)) == [(3, 4), (5, 6), (7, 8), (9, 9)]


def test_row_20_screenshot(tmp_path: Path) -> None:
    write_tif(tmp_path / "shot.tif", ramp(3, dtype="uint8"), transform=None, crs=None)
    assert refusal(tmp_path).code == "no-georef"
    picture = tmp_path / "shot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    (delivery,) = find_deliveries([picture])
    with pytest.raises(InputError) as caught:
        read_scene(delivery)
    assert caught.value.code == "no-georef"


def test_row_25_duplicate_is_known_by_content(tmp_path: Path) -> None:
    write_item(tmp_path / "first")
    write_item(tmp_path / "again", properties={"created": "later"})
    one, two = (read_scene(d) for d in find_deliveries([tmp_path]))
    assert one.scene_id != two.scene_id
    assert content_hash(one) == content_hash(two)


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "2024-08-12",
        "2024-08-12T01:45:00",
        "yesterday",
        1723427100,
        "2024-13-40T01:45:00Z",
        "2024-08-12T15:45:00Z",
    ],
)
def test_row_29_time(tmp_path: Path, stamp: object) -> None:
    """No zone, no date, or a sun below the horizon: 15:45 UTC is past midnight in Vostochny."""
    write_item(tmp_path, properties={"datetime": stamp})
    assert refusal(tmp_path).code == "time"


def test_row_29_future_and_name(tmp_path: Path) -> None:
    write_item(tmp_path)
    (delivery,) = find_deliveries([tmp_path])
    with pytest.raises(InputError, match="still to come"):
        read_scene(delivery, now=datetime(2024, 8, 10, tzinfo=UTC))
    write_item(tmp_path / "named", scene_id="20240812_114500_ssc4")
    assert refusal(tmp_path / "named").code == "time"
    write_item(tmp_path / "agrees", scene_id="20240812_014530_ssc4")
    assert read_scene(find_deliveries([tmp_path / "agrees"])[0]).datetime is not None


def test_row_30_offset_from_utc_is_understood(tmp_path: Path) -> None:
    write_item(tmp_path, properties={"datetime": "2024-08-12T11:45:00+10:00"})
    assert read_scene(find_deliveries([tmp_path])[0]).datetime == datetime(2024, 8, 12, 1, 45, tzinfo=UTC)


def test_row_34_fifo_and_link(tmp_path: Path) -> None:
    make_fifo(tmp_path / "pipe.tif")
    assert refusal(tmp_path).code == "not-a-file"
    (tmp_path / "links").mkdir()
    real = write_tif(tmp_path / "links" / "real.bin", ramp())
    (tmp_path / "links" / "s.tif").symlink_to(real)
    assert refusal(tmp_path / "links").code == "not-a-file"


def test_row_34_fifo_as_an_asset(tmp_path: Path) -> None:
    write_item(tmp_path)
    (tmp_path / "s01.tif").unlink()
    make_fifo(tmp_path / "s01.tif")
    assert refusal(tmp_path).code == "not-a-file"


VRT = (
    '<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>EPSG:32653</SRS>'
    '<VRTRasterBand dataType="Byte" band="1">'
    "<SimpleSource><SourceFilename>{}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
)
PYTHON_VRT = (
    '<VRTDataset rasterXSize="4" rasterYSize="4">'
    '<VRTRasterBand dataType="Byte" band="1" subClass="VRTDerivedRasterBand">'
    "<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode>import os</PixelFunctionCode>"
    "</VRTRasterBand></VRTDataset>"
)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (36, VRT.format("/etc/hostname")),
        (37, VRT.format("/vsicurl/http://127.0.0.1:9/x.tif")),
        (37, "<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:9/</ServerUrl></Service></GDAL_WMS>"),
        (37, '{"type": "FeatureCollection", "stac_version": "1.0.0", "features": []}'),
        (38, PYTHON_VRT),
    ],
)
def test_rows_36_37_38_other_drivers(tmp_path: Path, row: int, text: str) -> None:
    (tmp_path / "s01.tif").write_text(text)
    assert refusal(tmp_path).code == "driver", row


def test_row_55_login_page(tmp_path: Path) -> None:
    (tmp_path / "s01.tif").write_text("<!DOCTYPE html><html><body>Sign in</body></html>")
    assert refusal(tmp_path).code == "not-an-image"


BOMB = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><isd><IMD>&b;</IMD></isd>'
EXTERNAL = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><isd><IMD>&x;</IMD></isd>'
)


@pytest.mark.parametrize("text", [BOMB, EXTERNAL, "<isd><IMD>", "<isd><IMD>\x01</IMD></isd>"])
def test_row_39_xml(tmp_path: Path, text: str) -> None:
    write_tif(tmp_path / "s01.tif", ramp())
    (tmp_path / "s01.XML").write_text(text)
    assert refusal(tmp_path).code == "xml"


def test_row_39_xml_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.ingest.opening.MAX_XML", 100)
    write_tif(tmp_path / "s01.tif", ramp())
    (tmp_path / "s01.XML").write_text(f"<isd>{' ' * 200}</isd>")
    (delivery,) = find_deliveries([tmp_path])
    with pytest.raises(InputError) as caught:
        read_scene(delivery)
    assert caught.value.code == "too-large"


def test_row_40_huge_header(tmp_path: Path) -> None:
    """400,000 x 400,000 pixels of four bands in a file of a few hundred bytes."""
    import rasterio
    from affine import Affine

    grid = {"crs": CRS, "transform": Affine(0.5, 0.0, ORIGIN[0], 0.0, -0.5, ORIGIN[1])}
    size = {"width": 400_000, "height": 400_000, "count": 4, "dtype": "uint16"}
    layout = {"tiled": True, "blockxsize": 65536, "blockysize": 65536, "sparse_ok": True, "bigtiff": "YES"}
    with rasterio.open(tmp_path / "huge.tif", "w", driver="GTiff", **size, **grid, **layout):
        pass
    assert refusal(tmp_path).code == "too-large"


def test_row_41_decompression_bomb(tmp_path: Path) -> None:
    """One tile of 30,000 x 30,000 bytes behind a kilobyte: refused before it is decoded."""
    side, packed = 30_000, zlib.compress(bytes(1_000_000))
    entries = [
        (256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1),
        (322, 4, side), (323, 4, side), (324, 4, 8), (325, 4, len(packed)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries) + bytes(
        4
    )
    (tmp_path / "bomb.tif").write_bytes(struct.pack("<2sHI", b"II", 42, 8 + len(packed)) + packed + directory)
    assert refusal(tmp_path).code == "too-large"


# --------------------------------------------------------------------------------- items out of order


def edit(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "href", ["../outside.tif", "/etc/hostname", "file:///etc/hostname", "a/../../outside.tif"]
)
def test_item_that_points_outside_its_folder(tmp_path: Path, href: str) -> None:
    write_tif(tmp_path / "outside.tif", ramp())
    write_item(tmp_path / "in", href=href)
    (tmp_path / "in" / "s01.tif").unlink()
    assert refusal(tmp_path / "in").code in ("outside-folder", "missing")


def test_link_inside_that_leads_outside(tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    write_tif(tmp_path / "else" / "s01.tif", ramp())
    write_item(tmp_path / "in", href="./sub/s01.tif")
    (tmp_path / "in" / "s01.tif").unlink()
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "else")
    assert refusal(tmp_path / "in").code == "outside-folder"


def test_missing_asset(tmp_path: Path) -> None:
    write_item(tmp_path)
    (tmp_path / "s01.tif").unlink()
    assert refusal(tmp_path).code == "missing"


def test_wrong_number_of_bands(tmp_path: Path) -> None:
    write_item(tmp_path, data=ramp(3), asset={"eo:bands": [{"name": "a"}] * 5, "raster:bands": []})
    assert refusal(tmp_path).code == "bands"


@pytest.mark.parametrize("text", ["{", '{"type": "Feature", "x": NaN}', "[" * 100_000, "\xff\xfe"])
def test_damaged_item_is_refused_with_its_image(tmp_path: Path, text: str) -> None:
    item = write_item(tmp_path)
    item.write_text(text, encoding="latin-1")
    assert refusal(tmp_path).code == "metadata"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("view:incidence_angle", 95.0),
        ("view:incidence_angle", "steep"),
        ("view:azimuth", [1]),
        ("eo:cloud_cover", 300),
        ("view:sun_elevation", True),
    ],
)
def test_impossible_metadata(tmp_path: Path, name: str, value: object) -> None:
    write_item(tmp_path, properties={name: value})
    error = refusal(tmp_path)
    assert error.code == "metadata"
    assert name in str(error)


@pytest.mark.parametrize(
    "geometry", [{"type": "Point", "coordinates": [1, 2]}, {"type": "Polygon", "coordinates": []}, 5]
)
def test_item_without_a_polygon(tmp_path: Path, geometry: object) -> None:
    edit(write_item(tmp_path), lambda d: d.update(geometry=geometry))
    assert refusal(tmp_path).code == "stac"


def test_environment_is_complete() -> None:
    assert SETTINGS["PROJ_NETWORK"] == "OFF"
    assert Path(SETTINGS["GDAL_CONFIG_FILE"]).is_file()
    for name, value in SETTINGS.items():
        assert os.environ[name] == value
