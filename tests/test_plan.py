"""What is expected of a pass before it is bought: the rule of the measurement, asked beforehand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from ingest_files import write_item
from pyproj import Geod

from pipeline.cli import plimsoll
from pipeline.cli.ending import Session, run_command
from pipeline.config import FreeboardConfig
from pipeline.datatypes import Polygon, Site, SiteFeature, ViewGeometry
from pipeline.errors import InputError, Refused, UsageError
from pipeline.freeboard import expected_sigma, measure_freeboard
from pipeline.geometry import sun_position
from pipeline.ingest import CandidatePass, read_passes
from pipeline.plan import Place, judge_pass, list_places, map_day, rank_passes
from pipeline.plan.expect import expect_error, expect_errors, map_errors
from pipeline.plan.places import axis_of
from pipeline.render.maps import Panel, Sheet, render_maps

RULE = FreeboardConfig()
CENTRE = (133.6, 42.75)
NOON = datetime(2024, 8, 12, 3, 15, tzinfo=UTC)
MORNING = datetime(2024, 8, 12, 0, 30, tzinfo=UTC)


def rectangle(length: float, width: float, heading: float) -> Polygon:
    """Corners of a berth about `CENTRE`, by geodesics."""
    geod = Geod(ellps="WGS84")
    corners = []
    for ahead, aside in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
        lon, lat, _ = geod.fwd(*CENTRE, heading, ahead * length / 2)
        lon, lat, _ = geod.fwd(lon, lat, heading + 90, aside * width / 2)
        corners.append((float(lon), float(lat)))
    return tuple(corners)


def berth(heading: float | None) -> Place:
    return Place(id="b1", name="b1", role="berth", centre=CENTRE, heading=heading)


def candidate(when: datetime = MORNING, **more: object) -> CandidatePass:
    given = {"id": "p", "incidence_angle": 20.0, "azimuth": 280.0, "gsd": 0.5} | more
    return CandidatePass(datetime=when, **given)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------ what is expected


def test_across_the_hull_is_all_that_counts() -> None:
    """The remembered error, with sun and satellite as sines alone, is the rule's own."""
    rng = np.random.default_rng(4)
    for _ in range(12):
        view = ViewGeometry(
            incidence_angle=float(rng.uniform(1, 35)),
            azimuth=float(rng.uniform(0, 360)),
            sun_elevation=float(rng.uniform(15, 70)),
            sun_azimuth=float(rng.uniform(0, 360)),
            source="test",
        )
        heading, sides = float(rng.uniform(0, 360)), [(1, -1), (1,), (-1,)][int(rng.integers(3))]
        right = expected_sigma(view, heading, 0.5, sides=sides)
        assert expect_error(view, heading, 0.5, sides=sides) == pytest.approx(right, rel=0.02)


def test_a_map_follows_the_rule_between_its_nodes() -> None:
    rng = np.random.default_rng(5)
    for _ in range(6):
        sun = float(rng.uniform(15, 70)), float(rng.uniform(0, 360))
        incidence, azimuth = float(rng.uniform(2, 35)), float(rng.uniform(0, 360))
        heading = (float(rng.uniform(0, 180)),)
        exact = expect_errors(sun, (incidence, [azimuth]), heading, 0.5)[0, 0]
        assert map_errors(sun, ([incidence], [azimuth]), heading, 0.5)[0, 0, 0] == pytest.approx(
            exact, rel=0.12
        )


@pytest.mark.parametrize(
    ("when", "gsd", "incidence", "azimuth"),
    [
        (MORNING, 0.5, 20.0, 280.0),
        (NOON, 0.5, 3.0, 180.0),
        (NOON, 0.8, 15.0, 190.0),
        (MORNING, 3.0, 20.0, 100.0),
        (MORNING, 10.0, 20.0, 280.0),
        (datetime(2024, 8, 12, 9, 40, tzinfo=UTC), 0.5, 20.0, 100.0),
    ],
)
def test_the_plan_refuses_what_the_measurement_would(
    when: datetime, gsd: float, incidence: float, azimuth: float
) -> None:
    from pipeline.datatypes import Chip, Detection, Grid

    judged = judge_pass(
        candidate(when, gsd=gsd, incidence_angle=incidence, azimuth=azimuth),
        berth(10.0),
        gsd=0.5,
        config=RULE,
    )
    elevation, sun = sun_position(when, CENTRE)
    view = ViewGeometry(
        incidence_angle=incidence, azimuth=azimuth, sun_elevation=elevation, sun_azimuth=sun, source="test"
    )
    shape = (40, 40)
    chip = Chip(
        pixels=np.full((1, *shape), 0.05, np.float32),
        valid=np.ones(shape, bool),
        bands=("red",),
        grid=Grid(shape=shape, to_ground=(gsd, 0, -20 * gsd, 0, -gsd, 20 * gsd), origin=CENTRE),
        calibrated=True,
    )
    ship = Detection(
        id="d1", outline=rectangle(90, 16, 10), centre=(0.0, 0.0), heading=10.0, heading_sigma=1.0,
        heading_ambiguous=False, length=90.0, length_sigma=1.0, beam=16.0, beam_sigma=0.4, kind="tanker",
        tanker_probability=0.9, score=0.9,
    )  # fmt: skip
    found = measure_freeboard(chip, ship, view, beam=None, blocked=None, config=RULE)
    assert isinstance(found, Refused)
    before = {"gsd-too-coarse", "geometry-blind"}
    assert (judged.reason.code if judged.reason else None) == (found.code if found.code in before else None)


def test_the_best_pass_comes_first_and_each_other_says_why() -> None:
    passes = (
        candidate(id="night", when=datetime(2024, 8, 12, 15, tzinfo=UTC)),
        candidate(id="coarse", gsd=3.0, when=NOON),
        candidate(id="hint", gsd=3.0),
        candidate(id="fine"),
        candidate(id="hot-spot", when=NOON, azimuth=175.0),
        candidate(id="elsewhere", footprint=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))),
        candidate(id="unknown", incidence_angle=None),
        candidate(id="finer", gsd=0.3),
    )
    ranked = rank_passes(passes, berth(10.0), gsd=0.5, config=RULE)
    reasons = {j.candidate.id: j.reason.code if j.reason else None for j in ranked}
    assert [j.candidate.id for j in ranked[:2]] == ["finer", "fine"]
    assert reasons == {
        "finer": None,
        "fine": None,
        "coarse": "gsd-too-coarse",
        "hint": None,
        "hot-spot": "geometry-blind",
        "night": "geometry-blind",
        "unknown": "no-geometry",
        "elsewhere": "outside-image",
    }
    best = ranked[1]
    assert best.expected_sigma is not None
    assert best.one_side is not None
    # sun in the east, satellite in the west: all that is seen of her lies to the west
    assert best.one_side[0] > 3 * best.expected_sigma
    assert best.one_side[1] == pytest.approx(best.expected_sigma, rel=0.02)


def test_a_heading_or_azimuth_that_is_not_known_is_a_spread() -> None:
    anchored = judge_pass(candidate(), berth(None), gsd=0.5, config=RULE)
    assert anchored.spread is not None
    assert anchored.spread[0] < (anchored.expected_sigma or 0) < anchored.spread[1]
    assert 0 < anchored.share < 1
    assert anchored.one_side is None
    blind = judge_pass(candidate(azimuth=None, incidence_angle=0.5), berth(10.0), gsd=0.5, config=RULE)
    known = judge_pass(candidate(incidence_angle=0.5), berth(10.0), gsd=0.5, config=RULE)
    assert blind.expected_sigma == pytest.approx(known.expected_sigma, rel=0.05)


# ---------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize("heading", [0.0, 12.5, 89.0, 140.0, 179.0])
def test_a_berth_lies_along_its_polygon(heading: float) -> None:
    found = axis_of(rectangle(180.0, 40.0, heading))
    assert found is not None
    assert abs((found - heading + 90) % 180 - 90) < 0.1


def test_places_of_a_site() -> None:
    outlines = {
        "pier": rectangle(180, 40, 30),
        "round": rectangle(100, 90, 0),
        "roads": rectangle(500, 100, 60),
    }
    roles = {"pier": "berth", "round": "berth", "roads": "anchorage"}
    features = tuple(
        SiteFeature(id=name, role=roles[name], outline=outline)  # type: ignore[arg-type]
        for name, outline in outlines.items()
    )
    site = Site(id="s", name="S", features=features)
    pier, free = list_places(site, berth=None, heading=None)
    assert pier.heading == pytest.approx(30.0, abs=0.1)
    assert free.heading is None
    assert "round, roads" in free.name
    (turned,) = list_places(site, berth="roads", heading=200.0)
    assert turned.heading == 20.0
    with pytest.raises(UsageError, match="no berth or anchorage 'x'"):
        list_places(site, berth="x", heading=None)


def test_a_day_over_a_berth() -> None:
    day = map_day(berth(10.0), date(2024, 8, 12), gsd=0.5, max_sigma=0.8)
    assert np.isnan(day.sigma[14]).all()
    assert day.share[14] == 0.0
    # the sun abeam in the morning, along the ship about noon
    assert day.share[0] > 0.95 > 0.7 > day.share[3]
    sigma, incidence, azimuth = day.best(0)
    assert sigma == pytest.approx(np.nanmin(day.sigma[0]))
    assert incidence == 35.0
    assert azimuth == pytest.approx(280.0)


# ------------------------------------------------------------------------------------------ candidates

CSV = """id,datetime,incidence_angle,off_nadir,altitude,azimuth,gsd,platform,cloud_cover
a,2024-08-12T01:45:00Z,20,,,-80,0.31,worldview-3,5
b,2024-08-12T10:45:00+09:00,,25,770000,280,,,
,2024-08-12T01:45:00Z,,15,,10,0.5,PHR 1B,

c,2024-08-13 15:30,13,,,10,0.5,,0
d,2024-08-13T15:30:00Z,113,,,10,0.5,,0
e,2024-08-13T15:30:00Z,,20,,10,0.5,Sputnik,0
f,2024-08-13T15:30:00Z,20,,,north,0.5,,0
g,2024-08-13T15:30:00Z,,20,617,10,0.5,,0
"""


def test_bad_lines_of_a_csv_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "passes.csv"
    path.write_text(CSV)
    passes, faults = read_passes(path)
    assert [p.id for p in passes] == ["a", "b", "passes.csv line 4"]
    assert passes[0].azimuth == 280.0
    assert passes[0].cloud_cover == 0.05
    assert passes[1].datetime == datetime(2024, 8, 12, 1, 45, tzinfo=UTC)
    # 25 deg at a satellite 770 km up, 15 deg at one of 694 km
    assert passes[1].incidence_angle == pytest.approx(28.27, abs=0.01)
    assert passes[2].incidence_angle == pytest.approx(16.68, abs=0.01)
    said = ("time", "incidence_angle: '113'", "off_nadir 20", "azimuth: 'north'", "altitude: '617'")
    assert len(faults) == len(said)
    for line, (fault, words) in enumerate(zip(faults, said, strict=True), start=6):
        assert fault.startswith(f"passes.csv line {line}: {words}")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "datetime,incidence_angle\n", 'datetime,off_nadir\n"x'])
def test_a_file_without_passes_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "passes.csv"
    path.write_text(text)
    with pytest.raises(InputError):
        read_passes(path)
    with pytest.raises(UsageError, match="no such file"):
        read_passes(tmp_path / "other.csv")


def test_stac_items_of_a_folder_and_of_a_collection(tmp_path: Path) -> None:
    item = json.loads(write_item(tmp_path / "in" / "one").read_text())
    properties = {"datetime": "2024-08-12T01:45:00Z", "platform": "WV02", "view:off_nadir": 30.0, "gsd": 0.5}
    off_nadir = item | {"id": "off", "properties": properties}
    collection = {"type": "FeatureCollection", "features": [item, off_nadir, {"type": "Feature"}]}
    (tmp_path / "in" / "more.json").write_text(json.dumps(collection))
    (tmp_path / "in" / "bad.json").write_text("{")
    passes, faults = read_passes(tmp_path / "in")
    assert sorted(p.id for p in passes) == ["off", "s01", "s01"]
    assert len(faults) == 2
    off = next(p for p in passes if p.id == "off")
    assert off.incidence_angle == pytest.approx(34.1, abs=0.1)
    assert off.azimuth is None


# ------------------------------------------------------------------------------------------ the command


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(plimsoll, ["plan", *map(str, arguments)], Session())
    return code, *capsys.readouterr()


def write_site(folder: Path) -> Path:
    ring = [list(p) for p in (*rectangle(180, 40, 10), rectangle(180, 40, 10)[0])]
    feature = {
        "type": "Feature",
        "properties": {"id": "b1", "role": "berth"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = folder / "site.geojson"
    header = {"id": "here", "timezone": "Asia/Vladivostok"}
    path.write_text(json.dumps({"type": "FeatureCollection", "site": header, "features": [feature]}))
    return path


def test_the_command_ranks_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import cv2

    site, passes = write_site(tmp_path), tmp_path / "passes.csv"
    passes.write_text(CSV)
    given = ("--site", site, "--candidates", passes, "--date", "2024-08-12", "--out", tmp_path / "out")
    code, out, err = run(capsys, *given)
    assert code == 3
    assert len([line for line in err.splitlines() if line.startswith("left out: ")]) == 5
    lines = out.splitlines()
    assert lines[0].startswith("b1")
    assert "axis 10/190" in lines[0]
    assert any(line.startswith("00:00  10:00") for line in lines)
    assert sum("buy; water on one side alone" in line for line in lines) == 3
    picture = cv2.imread(str(tmp_path / "out" / "plan-b1-2024-08-12.png"))
    assert picture is not None
    assert picture.shape[0] > 800
    code, out, _ = run(capsys, *given, "--json")
    document = json.loads(out)
    assert json.loads((tmp_path / "out" / "plan.json").read_text()) == document
    (place,) = document["places"]
    ranked = [p["expected_sigma"] for p in place["candidates"]]
    assert ranked == sorted(ranked)
    assert len(place["days"][0]["hours"]) == 24


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "nothing to plan"),
        (("--date", "2024-13-01"), 2, "--date"),
        (("--date", "2024-08-12/2024-08-01"), 2, "before the first"),
        (("--date", "2024-08-12", "--berth", "nowhere"), 2, "nowhere"),
        (("--candidates", "/nowhere.csv"), 2, "no such file"),
        (("--site", "nowhere", "--date", "2024-08-12"), 2, "no such site"),
    ],
)
def test_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended, out, err = run(capsys, *arguments)
    assert (ended, out) == (code, "")
    assert said in err


def test_a_list_of_nothing_but_bad_lines_achieves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "passes.csv"
    path.write_text("datetime,incidence_angle\nyesterday,20\n")
    code, out, err = run(capsys, "--site", write_site(tmp_path), "--candidates", path)
    assert (code, out) == (4, "")
    assert "line 2" in err


# -------------------------------------------------------------------------------------------- pictures


def test_a_map_paints_the_class_of_each_error() -> None:
    from pipeline.render.palette import ERROR_CLASS

    values = np.array([[0.1, 0.1, 5.0], [0.1, 0.1, 5.0]])
    panel = Panel(title="t", values=values, columns=np.array([0.0, 0.5, 1.0]), across=[], up=[])
    sheet = Sheet(title="t", notes=(), x_label="x", y_label="y", panel=(200, 100))
    picture = render_maps([[panel]], sheet, limit=0.8)
    area = picture[118:218, 118:318]
    assert (area[10:90, 10:90] == ERROR_CLASS[0]).all()
    assert (area[10:90, 170:195].mean(axis=(0, 1)) > 200).all()
