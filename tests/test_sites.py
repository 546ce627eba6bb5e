"""Sites and the fleet: what ships with the program, and what is said of files that are wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import InputError, UsageError
from pipeline.geometry import lonlat_to_ground
from pipeline.ingest import read_fleet, read_register, read_site
from pipeline.ingest.fleet import COLUMNS
from pipeline.resources import find_resource

SITE: dict[str, Any] = {
    "type": "FeatureCollection",
    "site": {"id": "toy", "name": "Toy terminal", "water_density": 1022, "timezone": "Asia/Vladivostok"},
    "features": [
        {
            "type": "Feature",
            "properties": {"id": "a", "role": "aoi"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[133, 42], [133.1, 42], [133.1, 42.1], [133, 42.1], [133, 42]]],
            },
        },
        {
            "type": "Feature",
            "properties": {
                "id": "b1",
                "role": "berth",
                "verified": False,
                "accuracy_m": 60,
                "source": "map",
                "name": "",
            },
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[133, 42], [133.01, 42], [133.01, 42.01], [133, 42]]],
            },
        },
    ],
}
Document = dict[str, Any]


def write_site(folder: Path, document: object) -> str:
    path = folder / "toy.geojson"
    path.write_text(json.dumps(document))
    return str(path)


def test_site(tmp_path: Path) -> None:
    site = read_site(write_site(tmp_path, SITE))
    assert (site.id, site.name, site.water_density, site.timezone) == (
        "toy",
        "Toy terminal",
        1022.0,
        "Asia/Vladivostok",
    )
    (berth,) = site.of_role("berth")
    assert (berth.id, berth.accuracy, berth.verified, berth.source, berth.name) == (
        "b1",
        60.0,
        False,
        "map",
        None,
    )
    assert site.of_role("aoi")[0].verified
    assert not site.simulated


def change(where: str, value: object) -> Callable[[Document], None]:
    """Set `where` of a copy of the site, e.g. "features.1.properties.role"."""

    def apply(document: Document) -> None:
        *path, last = where.split(".")
        node: Any = document
        for step in path:
            node = node[int(step) if step.isdigit() else step]
        node[last] = value

    return apply


@pytest.mark.parametrize(
    ("where", "value", "named"),
    [
        ("features.1.properties.role", "pier", "feature 2 (b1): role 'pier'"),
        ("features.1.properties.role", None, "role None"),
        ("features.1.properties.id", None, "feature 2 has no id"),
        ("features.1.properties.id", "a", "'a' is there twice"),
        ("features.1.properties.accuracy_m", "far", "accuracy_m 'far'"),
        ("features.1.properties.accuracy_m", -1, "accuracy_m -1"),
        ("features.1.properties.verified", "no", "verified 'no'"),
        ("features.1.properties", None, "feature 2 has no properties"),
        ("features.1.geometry", {"type": "Point", "coordinates": [133, 42]}, "expected a Polygon"),
        ("features.1.geometry", None, "expected a Polygon"),
        ("features.1.geometry.coordinates", [[[133, 42], [133.1, 42]]], "at least four"),
        (
            "features.1.geometry.coordinates",
            [[[133, 42], [133.1, 42.1], [133.1, 42], [133, 42.1], [133, 42]]],
            "Self-inter",
        ),
        ("features.1.geometry.coordinates", [[[341000, 4735000]] * 4], "expected [longitude, latitude]"),
        ("features.1.geometry.coordinates", [[[133, "x"]] * 4], "expected [longitude, latitude]"),
        ("features.1.geometry.coordinates", [[[133, 42]] * 4], "not usable"),
        ("site.water_density", 1.025, "990 to 1050"),
        ("site.timezone", "Mars/Olympus", "Mars/Olympus"),
        ("site", [1], "`site` is no object"),
        ("features", [], "no features"),
        ("type", "Feature", "FeatureCollection"),
    ],
)
def test_what_is_wrong_with_a_site_is_said(tmp_path: Path, where: str, value: object, named: str) -> None:
    document = copy.deepcopy(SITE)
    change(where, value)(document)
    with pytest.raises(InputError) as caught:
        read_site(write_site(tmp_path, document))
    assert caught.value.code == "site"
    assert named in str(caught.value)
    assert "toy.geojson" in str(caught.value)


def test_site_that_is_not_json(tmp_path: Path) -> None:
    path = tmp_path / "toy.geojson"
    path.write_text("{")
    with pytest.raises(InputError, match=r"toy\.geojson"):
        read_site(str(path))
    with pytest.raises(UsageError) as caught:
        read_site("atlantis")
    assert "vostochny" in caught.value.hint


# ------------------------------------------------------------------------------------------ Vostochny


def test_vostochny_claims_nothing_that_is_not_known() -> None:
    site = read_site("vostochny")
    assert site.id == "vostochny"
    berths = site.of_role("berth")
    assert len(berths) == 4
    assert not any(b.verified for b in berths)
    assert all(b.source and b.accuracy for b in berths)
    assert len(site.of_role("anchorage")) == 8
    assert not site.of_role("land")  # the shoreline is under ODbL
    text = (find_resource("models") / "sites" / "vostochny.geojson").read_text()
    for word in ("TBK", "Toplivo", "Bunkering Company"):
        assert word not in text
    for notice in ("OpenStreetMap contributors", "ODbL 1.0", "Global Fishing Watch", "Apache-2.0"):
        assert notice in text


def test_candidates_are_drawn_wide_enough() -> None:
    """Three times the accuracy and a ship's width around each published point."""
    points = {"vrangel-south-hook": (133.06175, 42.74025), "vrangel-north-stub": (133.0579, 42.76465)}
    berths = {b.id: b for b in read_site("vostochny").of_role("berth")}
    for name, point in points.items():
        radii = np.hypot(*lonlat_to_ground(point, berths[name].outline).T)
        assert radii.min() > 3 * 60.0 + 90.0
        assert radii.max() < 300.0


# -------------------------------------------------------------------------------------------- the fleet


def test_register_leaves_unknown_empty() -> None:
    ships = {s.name: s for s in read_fleet(None)}
    assert len(ships) == 46
    chon_ma_san = ships["CHON MA SAN"]
    assert (chon_ma_san.imo, chon_ma_san.dwt, chon_ma_san.built) == (8660313, 3565.0, 2005)
    assert (chon_ma_san.loa, chon_ma_san.depth, chon_ma_san.summer_draught) == (None, None, None)
    assert chon_ma_san.un_designated
    assert chon_ma_san.un_designation_date == "2018-03-30"
    assert ships["UN HUNG"].imo is None
    assert not ships["PAEK YANG SAN 1"].un_designated
    assert all(s.source for s in ships.values())
    assert all(s.un_designation_date is not None for s in ships.values() if s.un_designated)
    assert sum(s.dwt is not None for s in ships.values()) < 15  # few are published; none is guessed


HEADER = ",".join(COLUMNS) + "\n"


def write_fleet(folder: Path, text: str) -> Path:
    path = folder / "fleet.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_fleet(tmp_path: Path) -> None:
    path = write_fleet(
        tmp_path,
        "\ufeff"
        + HEADER
        + '1234567,"A, B",,X,,5000,99.5,16,7.7,6.2,1999,yes,2018-03-30,src\n,C,,,,,,,,,,,,\n',
    )
    first, second = read_fleet(path)
    assert (first.name, first.imo, first.dwt, first.loa, first.built) == ("A, B", 1234567, 5000.0, 99.5, 1999)
    assert (second.name, second.imo, second.dwt, second.un_designated) == ("C", None, None, False)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("123,A,,,,,,,,,,,,", "row 2, imo"),
        ("1234567,,,,,,,,,,,,,", "row 2, name"),
        ("1234567,A,,,,5 000,,,,,,,,", "row 2, dwt: '5 000'"),
        ("1234567,A,,,,,nan,,,,,,,", "row 2, loa: 'nan'"),
        ("1234567,A,,,,,99,160,,,,,,", "row 2, beam: '160'"),
        ("1234567,A,,,,,,,,,99,,,", "row 2, built"),
        ("1234567,A,,,,,,,,,,maybe,,", "row 2, un_designated"),
        ("1234567,A,,,,,,,,,,yes,30.03.2018,", "row 2, un_designation_date"),
        ("1234567,A,,,,,,,,,,,,,,,,", "row 2: more cells"),
        ("1234567,A,,,,,,,,,,,,\n1234567,B,,,,,,,,,,,,", "IMO 1234567 is there twice"),
        ('1234567,"A', "not readable as CSV"),
        (
            "123,A,,,,,,,,,,,,\n1234567,B,,,,,,,,,,,,\n,,,,,,,,,,,,,",
            "row 2, imo: '123', expected seven digits; row 4, name",
        ),
    ],
)
def test_what_is_wrong_with_a_fleet_is_said(tmp_path: Path, row: str, named: str) -> None:
    with pytest.raises(InputError) as caught:
        read_fleet(write_fleet(tmp_path, HEADER + row + "\n"))
    assert caught.value.code == "fleet"
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("particulars", "unknown", "words"),
    [
        (
            "5000,99,16,6.2,7.7",
            {"depth", "summer_draught"},
            "row 2, A: a summer draught of 7.7 m in a hull 6.2 m",
        ),
        ("5000,99,60,7.7,6.2", {"loa", "beam"}, "a length of 99 m"),
        ("5000,99,10,12,6.2", {"depth", "beam"}, "12 m deep and 10 m wide"),
        ("50000,99,16,7.7,6.2", {"dwt"}, "50000 t of deadweight"),
        ("5000,99,16,7.7,6.2", set(), ""),
        (",,,6.2,6.2", {"dwt", "loa", "beam", "depth", "summer_draught"}, "left unknown"),
    ],
)
def test_particulars_that_cannot_all_be_true_are_left_unknown(
    tmp_path: Path, particulars: str, unknown: set[str], words: str
) -> None:
    path = write_fleet(
        tmp_path, f"imo,name,dwt,loa,beam,depth,summer_draught\n1234567,A,{particulars}\n,B,,,,,\n"
    )
    (ship, other), notes = read_register(path)
    names = ("dwt", "loa", "beam", "depth", "summer_draught")
    assert {name for name in names if getattr(ship, name) is None} == unknown
    assert other.name == "B"
    assert len(notes) == bool(words)
    assert all(words in note.message for note in notes)


def test_the_register_that_ships_has_nothing_impossible_in_it() -> None:
    assert read_register(None)[1] == ()


def test_fleet_without_columns_or_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column imo"):
        read_fleet(write_fleet(tmp_path, "name,dwt\nA,5\n"))
    with pytest.raises(UsageError, match="no such file"):
        read_fleet(tmp_path / "none.csv")
