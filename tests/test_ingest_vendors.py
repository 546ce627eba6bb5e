"""Vendors' conventions: real metadata where there are some, small files after the documented tags."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from ingest_files import ORIGIN, affine_rpc, ramp, write_item, write_tif

from pipeline.config import IngestConfig
from pipeline.datatypes import Scene
from pipeline.errors import InputError
from pipeline.geometry import angle_between, sun_position
from pipeline.ingest import find_deliveries, read_chip, read_scene
from pipeline.ingest.dimap import read_dimap_xml
from pipeline.ingest.maxar import IRRADIANCE, read_imd, read_maxar_xml
from pipeline.ingest.opening import read_json, read_xml
from pipeline.ingest.planet import choose_image, read_planet_json, read_planet_xml
from pipeline.ingest.rpcfile import parse_rpb, parse_rpc_text
from pipeline.ingest.safe import read_product, read_tile
from pipeline.ingest.stac import sentinel2_offset
from pipeline.ingest.vendorxml import number_of, text_of
from pipeline.ingest.view import (
    mean_direction,
    orbit_height,
    pleiades_azimuth,
    separation,
    sun_distance,
    view_from_rpc,
)

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
METADATA = SHARED / "imagery" / "metadata"
needs_metadata = pytest.mark.skipif(not METADATA.is_dir(), reason="../shared/imagery/metadata is not there")


def only_scene(folder: Path) -> Scene:
    (delivery,) = find_deliveries([folder])
    return read_scene(delivery)


# ------------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize(("incidence", "azimuth"), [(5.0, 200.0), (20.0, 100.0), (33.0, 350.0), (45.0, 0.5)])
def test_rpc_say_where_the_satellite_stood(incidence: float, azimuth: float) -> None:
    found = view_from_rpc(affine_rpc(incidence, azimuth))
    assert found == pytest.approx((incidence, azimuth), abs=1e-6)


def test_rpc_beat_angles(tmp_path: Path) -> None:
    from rasterio.rpc import RPC

    write_item(tmp_path, rpcs=RPC.from_gdal(affine_rpc(31.0, 222.0)), properties={"view:azimuth": 42.0})
    geometry = only_scene(tmp_path).geometry
    assert geometry is not None
    assert geometry.source == "rpc"
    assert geometry.azimuth_trusted
    # the file stores RPC in double precision
    assert (geometry.incidence_angle, geometry.azimuth) == pytest.approx((31.0, 222.0), abs=1e-6)


def test_mean_of_azimuths_crosses_north() -> None:
    zenith, azimuth = mean_direction([8.0, 8.0], [359.0, 3.0])
    assert azimuth == pytest.approx(1.0, abs=1e-6)
    assert zenith == pytest.approx(8.0, abs=0.01)


def test_pleiades_azimuth_of_two_products() -> None:
    """Lines to the south, seen along track: the satellite stands to the south."""
    assert pleiades_azimuth(180.0, 0.0, 20.0) == pytest.approx(180.0)
    assert pleiades_azimuth(180.0, 20.0, 1e-9) == pytest.approx(90.0)
    assert pleiades_azimuth(180.0, -20.0, 1e-9) == pytest.approx(270.0)
    assert pleiades_azimuth(10.0, 10.0, 10.0) == pytest.approx(325.0)


@pytest.mark.parametrize(
    ("name", "height"),
    [
        ("WV02", 770e3),
        ("WorldView-3", 617e3),
        ("GE01", 681e3),
        ("PHR 1B", 694e3),
        ("PNEO 3", 620e3),
        ("skysat SSC4", 450e3),
        ("planetscope 101c", 475e3),
        ("Sentinel-2B", 786e3),
        ("Sputnik", None),
        (None, None),
    ],
)
def test_orbits(name: str | None, height: float | None) -> None:
    assert orbit_height(name) == height


@pytest.mark.parametrize(("month", "distance"), [(1, 0.9833), (4, 0.9996), (7, 1.0167), (10, 1.0006)])
def test_sun_distance(month: int, distance: float) -> None:
    """Perihelion 3 January 2024 0.98331, aphelion 5 July 2024 1.01673 (Astronomical Almanac)."""
    assert sun_distance(datetime(2024, month, 4, tzinfo=UTC)) == pytest.approx(distance, abs=6e-4)


def test_separation() -> None:
    assert separation((90.0, 10.0), (90.0, 200.0)) == pytest.approx(0.0, abs=1e-6)
    assert separation((0.0, 350.0), (0.0, 10.0)) == pytest.approx(20.0)


def test_rpc_text_forms_agree() -> None:
    rpc = affine_rpc(20.0, 100.0)
    lines = []
    for key, value in rpc.items():
        if key.endswith("COEFF"):
            lines += [f"{key}_{i}: {v}" for i, v in enumerate(value.split(), 1)]
        else:
            lines.append(f"{key}: {value} pixels")
    assert parse_rpc_text("\n".join(lines), "x") == rpc
    kinds = {"OFF": "Offset", "SCALE": "Scale", "NUM_COEFF": "NumCoef", "DEN_COEFF": "DenCoef"}
    maxar = {key: key.partition("_")[0].lower() + kinds[key.partition("_")[2]] for key in rpc}
    rpb = 'satId = "WV02";\nBEGIN_GROUP = IMAGE\n'
    for key, name in maxar.items():
        value = rpc[key] if not key.endswith("COEFF") else f"(\n  {','.join(rpc[key].split())})"
        rpb += f"  {name} = {value};\n"
    assert parse_rpb(rpb, "x") == rpc
    with pytest.raises(InputError, match="SAMP_OFF"):
        parse_rpc_text("LINE_OFF: 1", "x")


# ------------------------------------------------------------------------------------ Sentinel-2 SAFE

SAFES = sorted(METADATA.glob("*/**/S2*.SAFE")) if METADATA.is_dir() else []


def tile_centre(path: Path) -> tuple[float, float]:
    """(lon, lat) of the middle of a tile, from its own corner and size."""
    from pyproj import Transformer

    root = read_xml(path)
    corner = [number_of(root, tag) for tag in ("ULX", "ULY")]
    x, y = (float(c or 0.0) + d for c, d in zip(corner, (54_900.0, -54_900.0), strict=True))
    lon, lat = Transformer.from_crs(
        text_of(root, "HORIZONTAL_CS_CODE"), "EPSG:4326", always_xy=True
    ).transform(x, y)
    return float(lon), float(lat)


@pytest.mark.imagery
@needs_metadata
@pytest.mark.parametrize("folder", SAFES, ids=lambda p: p.name[:26])
def test_real_safe(folder: Path) -> None:
    (metadata,) = folder.glob("MTD_MSIL*.xml")
    product = read_product(read_xml(metadata))
    tile = read_tile(read_xml(next(folder.glob("GRANULE/*/MTD_TL.xml"))))
    baseline = int(folder.name.split("_N")[1][:4])
    assert product.scale == 1e-4
    assert set(product.offsets.values()) == ({-0.1} if baseline >= 400 else set())
    assert f"{product.start:%Y%m%dT%H%M%S}" == folder.name.split("_")[2]
    assert 0 <= (tile.sensed - product.start).total_seconds() < 900
    assert product.footprint is not None
    assert {"B02", "B03", "B04", "B11"} <= set(product.images)
    assert all("_10m" in product.images[b] or "MSIL1C" in folder.name for b in ("B02", "B03", "B04", "B08"))
    assert ("SCL" in product.images) == ("MSIL2A" in folder.name)
    # the sun of the file against the sun of time and place: neither sign nor unit can be wrong
    assert tile.view.sun_elevation is not None
    assert tile.view.sun_azimuth is not None
    computed = sun_position(tile.sensed, tile_centre(next(folder.glob("GRANULE/*/MTD_TL.xml"))))
    assert separation((tile.view.sun_elevation, tile.view.sun_azimuth), computed) < 0.3
    assert tile.view.incidence_angle is not None
    assert 0.0 < tile.view.incidence_angle < 12.5
    assert tile.view.azimuth is not None


@pytest.mark.imagery
@needs_metadata
def test_safe_without_its_images_is_refused_by_name() -> None:
    with pytest.raises(InputError) as caught:
        only_scene(SAFES[0])
    assert caught.value.code == "missing"


def safe_folder(folder: Path, *, offset: bool) -> Path:
    """A level 2A product of 60 x 60 pixels that follows the documented tags."""
    granule = folder / "GRANULE" / "L2A_T52TGN_A000001_20240812T014500"
    bands = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "B11": 20, "SCL": 20}
    files = ""
    checks = ""
    for band, size in bands.items():
        stem = f"{granule.relative_to(folder)}/IMG_DATA/R{size}m/T52TGN_20240812T014500_{band}_{size}m"
        files += f"<IMAGE_FILE>{stem}</IMAGE_FILE>"
        (folder / stem).parent.mkdir(parents=True, exist_ok=True)
        side = 600 // size
        data = np.full((1, side, side), 5 if band == "SCL" else 1200, "uint8" if band == "SCL" else "uint16")
        if band == "SCL":
            data[0, :10] = 9
        path = write_tif(
            folder / f"{stem}.jp2", data, driver="JP2OpenJPEG", quality="100", reversible="yes",
            transform=(size, 0.0, 340_980.0, 0.0, -size, 4_735_020.0),
        )  # fmt: skip
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        checks += (
            f'<dataObject><byteStream><fileLocation href="./{stem}.jp2"/>'
            f'<checksum checksumName="MD5">{digest}</checksum></byteStream></dataObject>'
        )
    offsets = (
        "".join(f'<BOA_ADD_OFFSET band_id="{i}">-1000</BOA_ADD_OFFSET>' for i in range(13)) if offset else ""
    )
    (folder / "MTD_MSIL2A.xml").write_text(
        "<Product><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME>"
        "<DATATAKE_SENSING_START>2024-08-12T01:45:00.024Z</DATATAKE_SENSING_START>"
        f"<BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>{offsets}{files}"
        "<Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></Product>"
    )
    views = "".join(
        f"<Mean_Viewing_Incidence_Angle bandId='{i}'><ZENITH_ANGLE>8</ZENITH_ANGLE>"
        f"<AZIMUTH_ANGLE>{a}</AZIMUTH_ANGLE>"
        "</Mean_Viewing_Incidence_Angle>"
        for i, a in enumerate((359.0, 3.0))
    )
    (granule / "MTD_TL.xml").write_text(
        "<Tile><SENSING_TIME>2024-08-12T01:45:12Z</SENSING_TIME><Mean_Sun_Angle><ZENITH_ANGLE>33.63</ZENITH_ANGLE>"
        f"<AZIMUTH_ANGLE>139.4</AZIMUTH_ANGLE></Mean_Sun_Angle>{views}</Tile>"
    )
    (folder / "manifest.safe").write_text(f"<xfdu>{checks}</xfdu>")
    return folder


@pytest.mark.parametrize("offset", [True, False])
def test_safe(tmp_path: Path, offset: bool) -> None:
    name = "S2B_MSIL2A_20240812T014500_N0511_R017_T52TGN_20240812T050000.SAFE"
    scene = only_scene(safe_folder(tmp_path / name, offset=offset))
    assert scene.source == "safe"
    assert scene.scene_id == name.removesuffix(".SAFE")
    assert scene.datetime == datetime(2024, 8, 12, 1, 45, 12, tzinfo=UTC)
    assert scene.cloud_cover == 0.125
    assert scene.flags == ()
    assert scene.geometry is not None
    assert angle_between(scene.geometry.azimuth, 1.0) < 1e-6
    chip = read_chip(scene, aoi=None, config=IngestConfig())
    assert chip.bands == ("blue", "green", "red", "nir", "swir16")
    assert chip.pixels.shape == (5, 60, 60)
    np.testing.assert_allclose(chip.pixels, 0.02 if offset else 0.12, atol=1e-6)
    assert chip.delivered_cloudy is not None
    assert chip.delivered_cloudy[:20].all()
    assert not chip.delivered_cloudy[20:].any()


def test_safe_without_tile_metadata(tmp_path: Path) -> None:
    folder = safe_folder(
        tmp_path / "S2B_MSIL2A_20240812T014500_N0511_R017_T52TGN_20240812T050000.SAFE", offset=True
    )
    next(folder.glob("GRANULE/*/MTD_TL.xml")).unlink()
    scene = only_scene(folder)
    assert scene.geometry is None
    assert {f.code for f in scene.flags} == {"no-tile-metadata", "sun-computed"}


def test_safe_with_other_bytes_than_its_manifest(tmp_path: Path) -> None:
    folder = safe_folder(
        tmp_path / "S2B_MSIL2A_20240812T014500_N0511_R017_T52TGN_20240812T050000.SAFE", offset=True
    )
    path = next(folder.glob("GRANULE/*/IMG_DATA/R10m/*_B04_10m.jp2"))
    damaged = bytearray(path.read_bytes())
    damaged[-20] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(InputError) as caught:
        only_scene(folder)
    assert caught.value.code == "checksum"
    (folder / "MTD_MSIL2A.xml").unlink()
    with pytest.raises(InputError) as caught:
        only_scene(folder)
    assert caught.value.code == "metadata"


# --------------------------------------------------------------------------------------------- Planet

HARVEY = (
    METADATA
    / "planet-harvey"
    / "tests"
    / "data-files"
    / "disaster"
    / "hurricane-harvey"
    / "hurricane-harvey-0831"
)


@pytest.mark.imagery
@needs_metadata
def test_real_planetscope_xml() -> None:
    metadata = read_planet_xml(
        read_xml(HARVEY / "20170831_172754_101c" / "20170831_172754_101c_3B_AnalyticMS_metadata.xml")
    )
    assert metadata.when == datetime(2017, 8, 31, 17, 27, 54, tzinfo=UTC)
    assert metadata.platform == "planetscope 101c"
    assert metadata.coefficients[1] == 1.81512636125e-05
    assert metadata.coefficients[4] == 3.22221688359e-05
    assert metadata.view.incidence_angle == 0.2694579
    assert metadata.view.azimuth is None  # azimuthAngle 348.7 turns the image
    assert metadata.view.sun_elevation is not None
    assert metadata.view.sun_azimuth is not None
    computed = sun_position(metadata.when, (-95.9113743, 29.5675209))
    assert separation((metadata.view.sun_elevation, metadata.view.sun_azimuth), computed) < 0.1


@pytest.mark.imagery
@needs_metadata
def test_real_planetscope_item(tmp_path: Path) -> None:
    """A STAC item of 2020, its XML, and an image of the stated 3 m in the place of the stub."""
    source = HARVEY / "20170831_172754_101c"
    for path in source.iterdir():
        if path.suffix != ".tif":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    grid: dict[str, Any] = {"transform": (3.0, 0.0, 205_503.0, 0.0, -3.0, 3_280_320.0), "crs": "EPSG:32615"}
    write_tif(tmp_path / "20170831_172754_101c_3B_AnalyticMS.tif", ramp(), nodata=0, **grid)
    udm = np.zeros((1, 40, 50), "uint8")
    udm[0, :5], udm[0, 5:8] = 2, 1
    write_tif(tmp_path / "20170831_172754_101c_3B_AnalyticMS_DN_udm.tif", udm, **grid)
    scene = only_scene(tmp_path)
    assert scene.source == "stac"
    assert scene.platform == "planetscope 101c"
    assert scene.calibrated
    assert (scene.bands[0].name, scene.bands[0].scale) == ("blue", 1.81512636125e-05)
    assert scene.cloud_cover == 0.02
    assert scene.geometry is not None
    assert scene.geometry.incidence_angle == pytest.approx(0.2 * (6371008.8 + 475e3) / 6371008.8, rel=1e-4)
    assert not scene.geometry.azimuth_trusted
    assert "sun-disagrees" not in {f.code for f in scene.flags}
    chip = read_chip(scene, aoi=None, config=IngestConfig())
    assert chip.delivered_method == "udm"
    assert chip.delivered_cloudy is not None
    assert chip.delivered_cloudy[:5].all()
    assert not chip.delivered_cloudy[5:].any()
    assert not chip.valid[5:8].any()


@pytest.mark.imagery
@needs_metadata
@pytest.mark.parametrize("name", ["20170831_162740_ssc1d1", "2017831_195552_SS02"])
def test_real_skysat_item(name: str) -> None:
    document = read_json(HARVEY / name / f"{name}.json")
    metadata = read_planet_json(document)
    assert metadata.platform.startswith("skysat")
    assert metadata.when is not None
    assert metadata.view.incidence_angle is not None
    # 27.2 and 25.0 deg at the satellite, 450 km up
    expected = np.degrees(
        np.arcsin(6821008.8 / 6371008.8 * np.sin(np.radians(document["properties"]["view:off_nadir"])))
    )
    assert metadata.view.incidence_angle == pytest.approx(expected)


@pytest.mark.imagery
@needs_metadata
def test_real_order_json() -> None:
    path = (
        METADATA
        / "planet-harvey"
        / "tests"
        / "data-files"
        / "order"
        / "files"
        / "20180119_XXXXXXX_XXXX_metadata.json"
    )
    metadata = read_planet_json(read_json(path))
    assert metadata.when == datetime(2021, 1, 19, 13, 40, 4, tzinfo=UTC)
    assert metadata.cloud_cover == 0.06
    assert metadata.view.incidence_angle == pytest.approx(0.1 * (6371008.8 + 475e3) / 6371008.8, rel=1e-4)


def planet_folder(folder: Path, *, suffix: str = "AnalyticMS", metadata: bool = True) -> Path:
    """A PlanetScope order as the vendor lays it out."""
    folder.mkdir()
    item = "20240812_014500_33_24c0"
    grid = (3.0, 0.0, *ORIGIN[:1], 0.0, -3.0, ORIGIN[1])
    write_tif(folder / f"{item}_3B_{suffix}.tif", ramp(), transform=grid, nodata=0)
    udm2 = np.zeros((8, 40, 50), "uint8")
    udm2[0] = 1
    write_tif(folder / f"{item}_3B_udm2.tif", udm2, transform=grid)
    if metadata:
        factors = "".join(
            f"<ps:bandSpecificMetadata><ps:bandNumber>{i}</ps:bandNumber>"
            f"<ps:reflectanceCoefficient>{i}e-5</ps:reflectanceCoefficient></ps:bandSpecificMetadata>"
            for i in range(1, 5)
        )
        (folder / f"{item}_3B_AnalyticMS_metadata.xml").write_text(
            '<ps:EarthObservation xmlns:ps="urn:p" xmlns:eop="urn:e" xmlns:opt="urn:o">'
            "<eop:incidenceAngle>4.1</eop:incidenceAngle><ps:azimuthAngle>11</ps:azimuthAngle>"
            "<opt:illuminationAzimuthAngle>139.3</opt:illuminationAzimuthAngle>"
            "<opt:illuminationElevationAngle>56.3</opt:illuminationElevationAngle>"
            f"<ps:acquisitionDateTime>2024-08-12T01:45:00+00:00</ps:acquisitionDateTime>{factors}</ps:EarthObservation>"
        )
    properties = {
        "acquired": "2024-08-12T01:45:00.12Z",
        "item_type": "PSScene",
        "satellite_id": "24c0",
        "view_angle": 3.8,
        "satellite_azimuth": 283.0,
        "sun_azimuth": 139.3,
        "sun_elevation": 56.3,
        "cloud_cover": 0.02,
    }
    (folder / f"{item}_metadata.json").write_text(
        json.dumps({"id": item, "type": "Feature", "properties": properties})
    )
    return folder


def test_planet_order(tmp_path: Path) -> None:
    scene = only_scene(planet_folder(tmp_path / "a"))
    assert scene.source == "planet"
    assert scene.scene_id == "20240812_014500_33_24c0"
    assert scene.platform == "planetscope 24c0"
    assert [(b.name, b.scale) for b in scene.bands] == [
        ("blue", 1e-5),
        ("green", 2e-5),
        ("red", 3e-5),
        ("nir", 4e-5),
    ]
    assert scene.calibrated
    assert scene.geometry is not None
    assert (scene.geometry.incidence_angle, scene.geometry.azimuth) == (4.1, 283.0)
    assert not scene.geometry.azimuth_trusted
    assert scene.mask_paths[0][0] == "udm2"
    chip = read_chip(scene, aoi=None, config=IngestConfig())
    np.testing.assert_allclose(chip.pixels[1], ramp()[1] * 2e-5, rtol=1e-6)


def test_planet_surface_reflectance_and_uncalibrated(tmp_path: Path) -> None:
    surface = only_scene(planet_folder(tmp_path / "sr", suffix="AnalyticMS_SR"))
    assert {b.scale for b in surface.bands} == {1e-4}
    plain = only_scene(planet_folder(tmp_path / "dn", metadata=False))
    assert not plain.calibrated
    assert "not-radiometric" in {f.code for f in plain.flags}
    assert plain.geometry is not None
    assert plain.geometry.incidence_angle == pytest.approx(3.8 * 1.0746, abs=0.02)


def test_the_best_product_of_an_item() -> None:
    names = [
        "i_3B_Visual.tif",
        "i_1B_AnalyticMS.tif",
        "i_3B_AnalyticMS.tif",
        "i_3B_AnalyticMS_SR.tif",
        "i_3B_udm2.tif",
    ]
    assert choose_image(names) == "i_3B_AnalyticMS_SR.tif"
    assert choose_image(["s_visual.tif", "s_analytic.tif", "s_pansharpened.tif"]) == "s_pansharpened.tif"
    assert choose_image(["s_basic_analytic.tif", "s_1B_AnalyticMS.tif", "s_udm.tif"]) is None


# ---------------------------------------------------------------------------------------------- Maxar

IMD = """version = "28.3";
BEGIN_GROUP = BAND_B
  absCalFactor = 1.260825e-02;
  effectiveBandwidth = 5.430000e-02;
END_GROUP = BAND_B
BEGIN_GROUP = BAND_N
  absCalFactor = 1.224380e-02;
  effectiveBandwidth = 9.890000e-02;
END_GROUP = BAND_N
BEGIN_GROUP = IMAGE_1
  satId = "WV02";
  firstLineTime = 2024-08-12T01:45:00.123456Z;
  meanSunAz = 139.3;
  meanSunEl = 56.3;
  meanSatAz = 294.8;
  meanSatEl = 55.5;
  meanOffNadirViewAngle = 30.4;
  cloudCover = 0.017;
END_GROUP = IMAGE_1
END;
"""


def test_maxar_imd(tmp_path: Path) -> None:
    """Zenith is 90 - MEANSATEL, 34.5 deg here; the off-nadir angle of 30.4 deg is at the satellite."""
    metadata = read_imd(IMD)
    assert metadata.view.incidence_angle == 34.5
    assert metadata.view.azimuth == 294.8
    data = ramp(2)
    write_tif(tmp_path / "24AUG12_M2AS.TIF", data)
    (tmp_path / "24AUG12_M2AS.IMD").write_text(IMD)
    scene = only_scene(tmp_path)
    assert scene.source == "maxar"
    assert scene.calibrated
    assert scene.geometry is not None
    assert scene.geometry.source == "maxar-imd"
    assert scene.geometry.incidence_angle == 34.5
    assert [b.name for b in scene.bands] == ["blue", "nir"]
    # rho = pi L d2 / (E sin eps)
    radiance = 1.260825e-02 / 5.43e-02
    expected = np.pi * radiance * 1.01337**2 / (IRRADIANCE["WV02"]["BAND_B"] * np.sin(np.radians(56.3)))
    assert scene.bands[0].scale == pytest.approx(expected, rel=3e-4)


def test_maxar_xml_with_rpc(tmp_path: Path) -> None:
    rpc = affine_rpc(34.0, 290.0)
    tags = {k: k.replace("_OFF", "OFFSET").replace("_", "") for k in rpc if not k.endswith("COEFF")}
    image = "".join(f"<{tag}>{rpc[key]}</{tag}>" for key, tag in tags.items())
    for key, tag in (
        ("LINE_NUM", "LINENUM"),
        ("LINE_DEN", "LINEDEN"),
        ("SAMP_NUM", "SAMPNUM"),
        ("SAMP_DEN", "SAMPDEN"),
    ):
        image += f"<{tag}COEFList><{tag}COEF>{rpc[f'{key}_COEFF']}</{tag}COEF></{tag}COEFList>"
    text = (
        "<?xml version='1.0'?><isd><IMD><BAND_P><ABSCALFACTOR>0.05</ABSCALFACTOR>"
        "<EFFECTIVEBANDWIDTH>0.28</EFFECTIVEBANDWIDTH></BAND_P><IMAGE><SATID>WV03</SATID>"
        "<FIRSTLINETIME>2024-08-12T01:45:00.1Z</FIRSTLINETIME><MEANSUNAZ>139.3</MEANSUNAZ>"
        "<MEANSUNEL>56.3</MEANSUNEL><MEANSATAZ>294.8</MEANSATAZ><MEANSATEL>55.5</MEANSATEL>"
        f"<CLOUDCOVER>-999</CLOUDCOVER></IMAGE></IMD><RPB><SATID>WV03</SATID><IMAGE>{image}</IMAGE></RPB></isd>"
    )
    assert read_maxar_xml(ElementTree.fromstring(text)).view.incidence_angle == 34.5
    write_tif(tmp_path / "scene_P2AS.TIF", ramp(1))
    (tmp_path / "scene_P2AS.XML").write_text(text)
    scene = only_scene(tmp_path)
    assert scene.geometry is not None
    assert scene.geometry.source == "rpc"
    assert (scene.geometry.incidence_angle, scene.geometry.azimuth) == pytest.approx((34.0, 290.0), abs=1e-6)
    assert scene.cloud_cover is None
    assert not scene.calibrated  # no irradiances of WV03 here


# ---------------------------------------------------------------------------------------------- DIMAP


def dimap(mission: str, *, processing: str = "BASIC", tiles: int = 1) -> str:
    files = "".join(
        f"<Data_File><DATA_FILE_PATH href='IMG_X_R1C{i + 1}.TIF'/></Data_File>" for i in range(tiles)
    )
    index = "".join(
        f"<Raster_Index><BAND_ID>{b}</BAND_ID><BAND_INDEX>{i}</BAND_INDEX></Raster_Index>"
        for i, b in enumerate(("B2", "B1", "B0", "B3"), 1)
    )
    measures = "".join(
        f"<Band_Radiance><BAND_ID>{b}</BAND_ID><GAIN>10.0</GAIN><BIAS>0.5</BIAS></Band_Radiance>"
        f"<Band_Solar_Irradiance><BAND_ID>{b}</BAND_ID><VALUE>1500</VALUE></Band_Solar_Irradiance>"
        for b in ("B0", "B1", "B2", "B3")
    )
    place = (
        "<Located_Geometric_Values><LOCATION_TYPE>{}</LOCATION_TYPE><TIME>2024-08-12T01:45:00.5Z</TIME>"
        "<Acquisition_Angles><AZIMUTH_ANGLE>180.0</AZIMUTH_ANGLE><INCIDENCE_ANGLE_ALONG_TRACK>15</INCIDENCE_ANGLE_ALONG_TRACK>"
        "<INCIDENCE_ANGLE_ACROSS_TRACK>-15</INCIDENCE_ANGLE_ACROSS_TRACK><INCIDENCE_ANGLE>{}</INCIDENCE_ANGLE></Acquisition_Angles>"
        "<Solar_Incidences><SUN_AZIMUTH>139.3</SUN_AZIMUTH><SUN_ELEVATION>56.3</SUN_ELEVATION></Solar_Incidences>"
        "</Located_Geometric_Values>"
    )
    return (
        f"<Dimap_Document><Dataset_Content><CLOUD_COVERAGE>4</CLOUD_COVERAGE></Dataset_Content><MISSION>{mission}</MISSION>"
        f"<MISSION_INDEX>1A</MISSION_INDEX><RADIOMETRIC_PROCESSING>{processing}</RADIOMETRIC_PROCESSING>{files}{index}{measures}"
        "<Special_Value><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_COUNT>0</SPECIAL_VALUE_COUNT></Special_Value>"
        f"<Use_Area>{place.format('Top Left', 99)}{place.format('Center', 21.0)}</Use_Area></Dimap_Document>"
    ).replace("<INCIDENCE_ANGLE>99</INCIDENCE_ANGLE>", "<INCIDENCE_ANGLE>19</INCIDENCE_ANGLE>")


@pytest.mark.parametrize(("mission", "azimuth", "trusted"), [("PHR", 225.0, True), ("SPOT", 180.0, False)])
def test_dimap_azimuth_has_two_meanings(mission: str, azimuth: float, trusted: bool) -> None:
    view = read_dimap_xml(ElementTree.fromstring(dimap(mission))).view
    assert view.incidence_angle == 21.0  # at the centre
    assert view.azimuth == pytest.approx(azimuth)
    assert view.azimuth_trusted is trusted


@pytest.mark.parametrize("processing", ["BASIC", "REFLECTANCE"])
def test_dimap_product(tmp_path: Path, processing: str) -> None:
    write_tif(tmp_path / "IMG_X_R1C1.TIF", ramp())
    (tmp_path / "DIM_X.XML").write_text(dimap("PHR", processing=processing))
    scene = only_scene(tmp_path)
    assert scene.source == "dimap"
    assert scene.platform == "phr 1a"
    assert scene.calibrated
    assert scene.nodata == 0.0
    assert scene.cloud_cover == 0.04
    assert [b.name for b in scene.bands] == ["red", "green", "blue", "nir"]
    # rho = pi (DN/GAIN + BIAS) d2 / (E sin eps)
    common = np.pi * 1.01337**2 / (1500 * np.sin(np.radians(56.3)))
    expected = (1e-4, 0.0) if processing == "REFLECTANCE" else (common / 10.0, common * 0.5)
    assert (scene.bands[0].scale, scene.bands[0].offset) == pytest.approx(expected, rel=3e-4)


def test_dimap_of_several_tiles_is_refused(tmp_path: Path) -> None:
    for i in (1, 2):
        write_tif(tmp_path / f"IMG_X_R1C{i}.TIF", ramp())
    (tmp_path / "DIM_X.XML").write_text(dimap("PHR", tiles=2))
    with pytest.raises(InputError) as caught:
        only_scene(tmp_path)
    assert caught.value.code == "tiles"


# ----------------------------------------------------------------------------------------------- STAC


@pytest.mark.parametrize(
    ("properties", "offset"),
    [
        ({"s2:processing_baseline": "02.12"}, 0.0),
        ({"s2:processing_baseline": "05.10"}, -0.1),
        ({"s2:processing_baseline": "05.10", "earthsearch:boa_offset_applied": True}, 0.0),
        ({"processing:version": "04.00", "sentinel:boa_offset_applied": False}, -0.1),
        ({}, 0.0),
    ],
)
def test_sentinel2_offset(properties: dict[str, object], offset: float) -> None:
    assert sentinel2_offset(properties) == offset


@pytest.mark.imagery
@needs_metadata
@pytest.mark.parametrize(
    "name", ["S2A_28QCH_20200714_0_L2A.json", "S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531.json"]
)
def test_real_item_with_its_images_beside_it(tmp_path: Path, name: str) -> None:
    """Items whose hrefs are remote, with files of the same names fetched beside them."""
    document = json.loads((METADATA / "odc-stac" / name).read_text())
    grid = (
        (10.0, 0.0, 300_000.0, 0.0, -10.0, 2_300_040.0)
        if "28QCH" in name
        else (10.0, 0.0, 399_960.0, 0.0, -10.0, 6_800_040.0)
    )
    crs = f"EPSG:{document['properties']['proj:epsg']}"
    for key, size in (("B02", 1), ("B04", 1), ("B08", 1), ("B11", 2), ("SCL", 2)):
        data = np.full(
            (1, 40 // size, 40 // size), 6 if key == "SCL" else 800, "uint8" if key == "SCL" else "uint16"
        )
        transform = (grid[0] * size, 0.0, grid[2], 0.0, grid[4] * size, grid[5])
        write_tif(tmp_path / Path(document["assets"][key]["href"]).name, data, transform=transform, crs=crs)
    (tmp_path / name).write_text(json.dumps(document))
    scene = only_scene(tmp_path)
    assert {b.name for b in scene.bands} == {"blue", "red", "nir", "swir16"}
    assert {(b.scale, b.offset) for b in scene.bands} == {(1e-4, 0.0)}
    assert scene.mask_paths[0][0] == "scl"
    chip = read_chip(scene, aoi=None, config=IngestConfig())
    np.testing.assert_allclose(chip.pixels, 0.08, atol=1e-6)
    assert chip.valid.all()
