"""The KMZ for Google Earth: a folder a visit, images inside, names escaped, the same bytes again."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from defusedxml.ElementTree import fromstring
from handmade import RING, SITE, scene, ship, visits, volume
from rasterio.transform import Affine

from pipeline.products import VisitsDocument
from pipeline.store.kmz import Pictures, cut_overlay, write_kmz

KML = "{http://www.opengis.net/kml/2.2}"
GX = "{http://www.google.com/kml/ext/2.2}"
PLACES = {"V-2024-08-10-b1": (132.9005, 42.70025)}
CROP = cv2.imencode(".png", np.full((30, 90, 3), 120, np.uint8))[1].tobytes()


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """400 x 400 m around the hull in UTM 53, with its north-west corner red."""
    pixels = np.zeros((3, 800, 800), np.uint8)
    pixels[0, :400, :400] = 200
    path = tmp_path / "annotated.tif"
    from pyproj import Transformer

    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32653", always_xy=True).transform(
        132.9005, 42.70025
    )
    shape: dict[str, Any] = {"driver": "GTiff", "width": 800, "height": 800, "count": 3, "dtype": "uint8"}
    transform = Affine(0.5, 0.0, east - 200, 0.0, -0.5, north + 200)
    with rasterio.open(path, "w", crs="EPSG:32653", transform=transform, **shape) as file:
        file.write(pixels)
    return path


def written(path: Path, document: VisitsDocument, pictures: Pictures) -> zipfile.ZipFile:
    write_kmz(path, (document, volume()), [scene()], SITE, PLACES, pictures)
    return zipfile.ZipFile(io.BytesIO(path.read_bytes()))


def test_a_folder_a_visit_with_its_images_inside(tmp_path: Path, annotated: Path) -> None:
    overlay = cut_overlay(annotated, ship())
    assert overlay is not None
    pictures = Pictures(crops={"s1/d1": CROP}, overlays={"s1/d1": overlay})
    archive = written(tmp_path / "a.kmz", visits(), pictures)
    assert archive.namelist() == ["doc.kml", "files/s1-d1-ground.jpg", "files/s1-d1.png"]
    assert archive.read("files/s1-d1.png") == CROP
    root = fromstring(archive.read("doc.kml"))
    folders = [f.findtext(f"{KML}name") for f in root.iter(f"{KML}Folder")]
    assert folders == ["Berths", "V-2024-08-10-b1: Alpha? 80%"]
    span = next(root.iter(f"{KML}TimeSpan"))
    assert span.findtext(f"{KML}begin") == "2024-08-09T02:15:30Z"
    assert span.find(f"{KML}end") is None, "she was not seen to leave"
    assert next(root.iter(f"{KML}TimeStamp")).findtext(f"{KML}when") == "2024-08-10T02:15:30Z"
    assert next(root.iter(f"{KML}Point")).findtext(f"{KML}coordinates") == "132.9005000,42.7002500"
    hrefs = [e.text for e in root.iter(f"{KML}href")]
    balloon = next(d.text or "" for d in root.iter(f"{KML}description") if "<img" in (d.text or ""))
    hrefs += re.findall(r'src="([^"]*)"', balloon)
    assert set(hrefs) == set(archive.namelist()) - {"doc.kml"}, "nothing is fetched, nothing is missing"
    assert "candidate, not verified" in archive.read("doc.kml").decode()


def test_an_overlay_lies_where_its_pixels_are(annotated: Path) -> None:
    """The hull's own middle is in the overlay's middle, and the red corner is in the north-west."""
    overlay = cut_overlay(annotated, ship())
    assert overlay is not None
    lon, lat = np.array(overlay.corners).T
    hull = np.array(RING[:-1])
    assert (lon.min() < hull[:, 0].min(), lat.max() > hull[:, 1].max()) == (True, True)
    assert (lon.mean(), lat.mean()) == pytest.approx((132.9005, 42.70025), abs=2e-5)
    assert lat[0] < lat[3]
    assert lon[0] < lon[1]
    picture = cv2.imdecode(np.frombuffer(overlay.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    rows, cols = picture.shape[:2]
    assert picture[rows // 8, cols // 8, 2] > 150
    assert picture[-rows // 8, -cols // 8].max() < 30


def test_a_simulated_overlay_says_so_in_its_corner(annotated: Path) -> None:
    plain, marked = cut_overlay(annotated, ship()), cut_overlay(annotated, ship(), simulated=True)
    assert plain is not None
    assert marked is not None
    assert plain.corners == marked.corners
    pictures = [cv2.imdecode(np.frombuffer(o.jpeg, np.uint8), cv2.IMREAD_COLOR) for o in (plain, marked)]
    assert pictures[0] is not None
    assert pictures[1] is not None
    changed = np.abs(pictures[0].astype(int) - pictures[1]).max(axis=2) > 40
    assert changed[:34, :130].mean() > 0.9
    assert not changed[60:].any()


def test_an_image_elsewhere_gives_no_overlay(annotated: Path) -> None:
    away = [[x + 0.5, y] for x, y in RING]
    assert cut_overlay(annotated, replace(ship(), outline={"type": "Polygon", "coordinates": [away]})) is None


class Balloon(HTMLParser):
    """The tags of a balloon, as Google Earth reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>]]>&\x00\u202e'
    document = visits(evil)
    visit = replace(document.visits[0], visit_id=evil, flags=(evil,))
    site = replace(SITE, name=evil, features=tuple(replace(f, name=evil) for f in SITE.features))
    path = tmp_path / "evil.kmz"
    write_kmz(
        path,
        (replace(document, visits=(visit,)), volume()),
        [scene()],
        site,
        {},
        Pictures(crops={}, overlays={}),
    )
    with zipfile.ZipFile(path) as archive:
        text = archive.read("doc.kml").decode()
    root = fromstring(text)
    allowed = {"Document", "Folder", "Placemark", "Style", "name", "description"}
    assert "script" not in {e.tag.removeprefix(KML).removeprefix(GX) for e in root.iter()} - allowed
    for element in root.iter(f"{KML}description"):
        assert {"script", "img"}.isdisjoint(Balloon(element.text or "").tags)
    assert "\x00" not in text
    assert "\u202e" not in text


def test_the_same_season_gives_the_same_bytes(tmp_path: Path) -> None:
    pictures = Pictures(crops={"s1/d1": CROP}, overlays={})
    for name in ("a.kmz", "b.kmz"):
        written(tmp_path / name, visits(), pictures)
    assert (tmp_path / "a.kmz").read_bytes() == (tmp_path / "b.kmz").read_bytes()


def test_a_simulated_season_says_so_and_an_empty_one_opens(tmp_path: Path) -> None:
    document = replace(visits(), simulated=True)
    archive = written(tmp_path / "a.kmz", document, Pictures(crops={}, overlays={}))
    assert "(SIMULATED)" in archive.read("doc.kml").decode()
    none = replace(visits(), visits=())
    archive = written(tmp_path / "b.kmz", none, Pictures(crops={}, overlays={}))
    assert "(SIMULATED)" not in archive.read("doc.kml").decode()
