"""A scene that is too large to be read at once: which pieces are read, and that they make one result."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import scene, ship
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon as Ring
from shapely import union_all
from tiny_season import SIZE, outline, write_fleet, write_scene, write_season

from pipeline.batch import InProcess, Pool, Request, draw_again, run_batch
from pipeline.batch.looks import Looks
from pipeline.config import Config, IngestConfig, update_config
from pipeline.datatypes import Flag, Grid, Polygon, Scene, Site
from pipeline.errors import InputError
from pipeline.geometry import grid_of, lonlat_to_ground, pixel_to_lonlat
from pipeline.ingest import find_deliveries, read_chip, read_fleet, read_scene, read_site
from pipeline.ingest.opening import hash_file
from pipeline.look import CLEAR_LOOK, Survey, join_surveys, learn_memory, pieces_of
from pipeline.pieces import (
    SURROUNDINGS,
    Part,
    area_of,
    areas_of,
    count_pixels,
    describe_reading,
    join_detections,
    join_results,
    order_pictures,
    split_result,
)
from pipeline.products import BerthState, CloudResult, DetectionResult

VOSTOCHNY = read_site("vostochny")
MAX_PIXELS = IngestConfig().max_pixels


def over_vostochny(gsd: float, *, left: float = 0.0, width: float = 15_000.0) -> Scene:
    """Metadata alone of a scene over the whole port, or of a strip `left` m from its western end."""
    from pyproj import Transformer

    to_utm = Transformer.from_crs("EPSG:4326", "EPSG:32653", always_xy=True)
    east, north = to_utm.transform(132.95, 42.80)
    transform = (gsd, 0.0, float(east) + left, 0.0, -gsd, float(north))
    rows, cols = round(13_000 / gsd), round(width / gsd)
    corners = pixel_to_lonlat(
        grid_of("EPSG:32653", transform, (rows, cols)), [(0, 0), (cols, 0), (cols, rows), (0, rows)]
    )
    return Scene(
        scene_id="port",
        datetime=datetime(2024, 8, 1, 2, tzinfo=UTC),
        platform=None,
        gsd=gsd,
        crs="EPSG:32653",
        transform=transform,
        shape=(rows, cols),
        footprint=tuple((float(x), float(y)) for x, y in corners),
        bands=(),
        geometry=None,
        calibrated=True,
        source="stac",
    )


# -------------------------------------------------------------------------------------- what to read


def test_half_a_metre_over_the_port_is_read_around_its_berths() -> None:
    port = over_vostochny(0.5)
    hull = area_of(VOSTOCHNY)
    assert count_pixels(port, hull) > 3.5 * MAX_PIXELS
    areas = areas_of(VOSTOCHNY, port, MAX_PIXELS)
    assert all(0 < count_pixels(port, area) <= MAX_PIXELS for area in areas)
    assert areas == areas_of(VOSTOCHNY, port, MAX_PIXELS)
    berths = VOSTOCHNY.of_role("berth")
    assert len(berths) == 4
    read = [Ring(area).buffer(1e-7) for area in areas]
    for berth in berths:
        assert any(piece.contains(Ring(berth.outline)) for piece in read), berth.id
    reading = describe_reading(VOSTOCHNY, port, areas)
    assert reading is not None
    assert reading.code == "read-in-pieces"
    assert "3 pieces, 58 % of it left out" in reading.message


def test_berths_are_read_with_water_around_them() -> None:
    (area,) = [
        a
        for a in areas_of(VOSTOCHNY, over_vostochny(0.5), 20_000_000)
        if Ring(a).contains(Ring(_berth("kozmino-t-pier")))
    ]
    ground = lonlat_to_ground(area[0], area)
    berth = lonlat_to_ground(area[0], _berth("kozmino-t-pier"))
    assert berth.min(axis=0) - ground.min(axis=0) == pytest.approx([SURROUNDINGS] * 2, abs=5.0)
    assert ground.max(axis=0) - berth.max(axis=0) == pytest.approx([SURROUNDINGS] * 2, abs=5.0)


def _berth(name: str) -> Polygon:
    return next(f.outline for f in VOSTOCHNY.of_role("berth") if f.id == name)


def test_the_whole_where_it_fits_else_each_area_alone() -> None:
    port = over_vostochny(0.5)
    assert areas_of(VOSTOCHNY, port, 310_000_000) == (area_of(VOSTOCHNY),)
    assert areas_of(VOSTOCHNY, over_vostochny(3.0), MAX_PIXELS) == (area_of(VOSTOCHNY),)
    assert describe_reading(VOSTOCHNY, port, (area_of(VOSTOCHNY) or (),)) is None
    areas = areas_of(VOSTOCHNY, port, 120_000_000)
    assert areas == tuple(f.outline for f in VOSTOCHNY.of_role("aoi"))
    reading = describe_reading(VOSTOCHNY, port, areas)
    assert reading is not None
    assert reading.message.endswith("read in 2 pieces, nothing of it left out")


def test_only_what_the_scene_shows_is_read() -> None:
    strip = over_vostochny(0.5, left=9_000.0, width=3_000.0)  # Vrangel Bay, the eastern one
    vrangel = VOSTOCHNY.of_role("aoi")[0].outline
    assert areas_of(VOSTOCHNY, strip, MAX_PIXELS) == (vrangel,)
    assert 0 < count_pixels(strip, vrangel) <= 6_000 * strip.shape[0]
    assert describe_reading(VOSTOCHNY, strip, (vrangel,)) is None


@given(st.integers(1, 400_000_000))
def test_there_is_always_a_piece_and_what_can_fit_does(max_pixels: int) -> None:
    port = over_vostochny(0.5)
    areas = areas_of(VOSTOCHNY, port, max_pixels)
    assert areas
    sizes = [count_pixels(port, area) for area in areas]
    if max_pixels >= 16_000_000:  # the largest surroundings of one berth
        assert max(sizes) <= max_pixels
    read = union_all([Ring(area).buffer(1e-7) for area in areas])
    assert all(read.contains(Ring(berth.outline)) for berth in VOSTOCHNY.of_role("berth"))


def test_what_does_not_fit_is_refused_by_the_reader() -> None:
    port = over_vostochny(0.5)
    areas = areas_of(VOSTOCHNY, port, 1_000_000)
    assert len(areas) == 4, "the berths; no anchorage fits"
    with pytest.raises(InputError) as caught:
        read_chip(port, aoi=areas[0], config=IngestConfig(max_pixels=1_000_000))
    assert caught.value.code == "too-large"


def test_without_areas_or_site_there_is_nothing_to_cut() -> None:
    port = over_vostochny(0.5)
    assert pieces_of(over_vostochny(3.0), None, Config()) == (None,)
    assert len(pieces_of(port, None, Config())) > 1  # too large to be held
    far = tuple((lon + 1.0, lat) for lon, lat in port.footprint)
    assert pieces_of(replace(port, footprint=far), VOSTOCHNY, Config()) == pieces_of(port, None, Config())
    bare = replace(VOSTOCHNY, features=VOSTOCHNY.of_role("berth"))
    assert areas_of(bare, port, 10**9) == (area_of(bare),)
    assert len(areas_of(bare, port, 30_000_000)) > 1
    with pytest.raises(ValueError, match="neither area of interest nor berth"):
        areas_of(replace(VOSTOCHNY, features=()), port, 1)


# ------------------------------------------------------------------------------------- one from many

SHIP = 0.001
"""One ship's length in the handmade results [deg]."""


def moved(name: str, by: float, *, flags: tuple[str, ...] = (), berth: str | None = "b1") -> DetectionResult:
    rings: Any = ship().outline["coordinates"]
    ring = [[lon + by * SHIP, lat] for lon, lat in rings[0]]
    return replace(
        ship(name), outline={"type": "Polygon", "coordinates": [ring]}, flags=flags, berth_id=berth
    )


def test_ships_are_counted_once_and_numbered_anew() -> None:
    ships, names = join_detections(
        [[moved("d1", 0.0), moved("d2", 3.0)], [], [moved("d1", 3.3, berth=None), moved("d2", 5.0)]]
    )
    assert [s.id for s in ships] == ["d1", "d2", "d3"]
    assert [s.outline for s in ships] == [moved("", by).outline for by in (0.0, 3.0, 5.0)]
    assert names == [{"d1": "d1", "d2": "d2"}, {}, {"d1": "d2", "d2": "d3"}]


def test_neighbours_are_two_ships() -> None:
    ships, _ = join_detections([[moved("d1", 0.0)], [moved("d1", 0.6)]])
    assert len(ships) == 2
    ships, _ = join_detections([[moved("d1", 0.0), moved("d2", 0.1)]])
    assert len(ships) == 2, "what one piece tells apart stays apart"


def test_a_ship_cut_by_the_edge_gives_way_to_the_whole_one() -> None:
    cut, whole = moved("d1", 0.0, flags=("cut-by-edge",)), moved("d1", 0.2, berth=None)
    (one,), names = join_detections([[cut], [whole]])
    assert (one.outline, one.flags, one.berth_id) == (whole.outline, (), "b1")
    assert names == [{"d1": "d1"}, {"d1": "d1"}]
    (one,), _ = join_detections([[whole], [cut]])
    assert (one.outline, one.berth_id) == (whole.outline, "b1")


def part(
    ships: Sequence[DetectionResult],
    states: Sequence[tuple[str, float, tuple[str, ...]]],
    *,
    cloud: tuple[float, float, float] = (0.0, 0.0, 0.0),
    pixels: int = 100,
    flags: tuple[Flag, ...] = (),
) -> Part:
    shares = dict(zip(("cloud_fraction", "shadow_fraction", "nodata_fraction"), cloud, strict=True))
    berths = tuple(
        BerthState(id=f"b{at}", state=state, clear_fraction=clear, detection_ids=ids)  # type: ignore[arg-type]
        for at, (state, clear, ids) in enumerate(states, 1)
    )
    result = replace(
        scene(),
        detections=tuple(ships),
        berths=berths,
        cloud=CloudResult(method="spectral", **shares),
        flags=flags,
    )
    return Part(result=result, pixels=pixels)


def test_one_piece_says_what_it_says() -> None:
    alone = part([ship()], [("occupied", 1.0, ("d1",))])
    assert join_results([alone]) is alone.result


def test_the_best_outcome_of_every_berth_stands() -> None:
    first = part(
        [moved("d1", 0.0)],
        [("occupied", 0.2, ("d1",)), ("not-imaged", 0.4, ()), ("obscured", 0.3, ()), ("not-imaged", 0.0, ())],
    )
    second = part(
        [moved("d1", 5.0), moved("d2", 0.1)],
        [
            ("occupied", 0.9, ("d2",)),
            ("obscured", 0.1, ()),
            ("clear-empty", 0.8, ()),
            ("not-imaged", 0.1, ()),
        ],
    )
    berths = join_results([first, second]).berths
    assert [(b.id, b.state, b.clear_fraction, b.detection_ids) for b in berths] == [
        ("b1", "occupied", 0.9, ("d1",)),
        ("b2", "obscured", 0.1, ()),
        ("b3", "clear-empty", 0.8, ()),
        ("b4", "not-imaged", 0.1, ()),
    ]


def test_clouds_weigh_by_their_pixels_and_flags_are_said_once() -> None:
    one, two = Flag(code="no-date", message="none"), Flag(code="other", message="more")
    result = join_results(
        [
            part([], [], cloud=(0.5, 0.1, 0.0), pixels=300, flags=(one,)),
            part([], [], cloud=(0.0, 0.4, 0.5), pixels=200, flags=(one, two)),
        ]
    )
    assert result.cloud is not None
    assert result.cloud.cloud_fraction == pytest.approx(150 / 400)
    assert result.cloud.shadow_fraction == pytest.approx((30 + 40) / 400)
    assert result.cloud.nodata_fraction == pytest.approx(100 / 500)
    assert result.cloud.method == "spectral"
    assert result.flags == (one, two)


def test_a_piece_without_pixels_does_not_move_the_clouds() -> None:
    result = join_results([part([], [], cloud=(0.25, 0.0, 0.0)), part([], [], cloud=(0.0, 0.0, 1.0))])
    assert result.cloud is not None
    assert (result.cloud.cloud_fraction, result.cloud.nodata_fraction) == (0.25, 0.5)


def test_every_ship_is_on_one_picture_and_the_fullest_comes_first() -> None:
    image = replace(over_vostochny(10.0), transform=(10.0, 0.0, 327_000.0, 0.0, -10.0, 4_732_000.0))
    areas = [((132.89, 42.69), (132.9015, 42.71)), ((132.9005, 42.69), (132.92, 42.71))]
    boxes: list[Polygon] = [((a, b), (c, b), (c, d), (a, d)) for (a, b), (c, d) in areas]
    ships = (moved("d1", 0.0), moved("d2", 2.0), moved("d3", 4.0), moved("d4", -3.0, berth=None))
    split = split_result(image, boxes, replace(scene(), detections=ships))
    assert [[s.id for s in result.detections] for result in split] == [["d1", "d4"], ["d2", "d3"]]
    assert order_pictures(split) == [1, 0]
    assert order_pictures([*split, split[1]]) == [1, 0, 2]
    assert order_pictures([split[0], split[0]]) == [0, 1]


# --------------------------------------------------------------------------------------- the memory

CELLS = Grid(shape=(20, 10), to_ground=(2.0, 0.0, 0.0, 0.0, -2.0, 0.0), origin=(132.9, 42.7))


def survey(rows: int, *, at: int = 0) -> Survey:
    """Of the first `rows` rows from row `at` on, with a pier across them."""
    seen = np.zeros(CELLS.shape, np.uint8)
    seen[at : at + rows] = 1
    seen[at : at + rows, 4] = 40
    return Survey(cells=CELLS, seen=seen)


def test_surveys_of_pieces_join() -> None:
    joined = join_surveys([survey(4), survey(4, at=3), survey(4, at=15)])
    seen = [r for r in range(20) if joined.seen[r, 0]]
    assert seen == [*range(7), *range(15, 19)]
    assert set(joined.seen[seen, 4]) == {40}


def test_the_terminal_is_learned_from_pieces_too() -> None:
    memory = learn_memory([survey(5)] * 3)
    assert memory is not None
    assert (memory.empty[:5, 4] == 40).all()
    assert not memory.empty[5:].any(), "nothing is said of what was never read"
    assert learn_memory([survey(5)] * 2 + [survey(2)]) is None, "the third was mostly hidden"
    assert learn_memory([survey(0)] * 3) is None


def test_where_the_site_was_seen_whole_clear_means_what_it_did() -> None:
    clear, enough = survey(20), round(CLEAR_LOOK * 20)
    assert learn_memory([clear, survey(enough), survey(enough)]) is not None
    assert learn_memory([clear, clear, survey(enough - 1)]) is None
    assert learn_memory([survey(enough), survey(enough), survey(enough - 1)]) is None


# ------------------------------------------------------------------------- through the whole batch

LIMIT = 16_000
"""Pixels: the whole area of the tiny site has 21,609, its western part 9,849, its eastern one 15,288."""


def write_halves(path: Path) -> Path:
    """The tiny quay with two areas of interest: the ship lies across the edge of the western one."""
    end = SIZE * 3.0 - 20.0
    shapes = {
        "west": ("aoi", (20.0, 20.0, 220.0, end)),
        "east": ("aoi", (150.0, 20.0, end, end)),
        "b1": ("berth", (160.0, 125.0, 310.0, 175.0)),
        "b2": ("berth", (25.0, 125.0, 145.0, 175.0)),
    }
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "role": role, "source": "drawn for tests"},
            "geometry": {"type": "Polygon", "coordinates": [outline(box)]},
        }
        for name, (role, box) in shapes.items()
    ]
    site = {"id": "halves", "name": "Test quay", "water_density": 1020.0, "timezone": "UTC"}
    path.write_text(json.dumps({"type": "FeatureCollection", "site": site, "features": features}))
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    write_season(folder, scenes=4)
    write_halves(folder / "site.geojson")
    return folder


def carry_out(
    root: Path, out: Path, *, max_pixels: int, executor: InProcess | Pool | None = None
) -> dict[str, dict[str, Any]]:
    request = Request(
        deliveries=find_deliveries([root / "in"]),
        out=out,
        site=read_site(str(root / "site.geojson")),
        fleet=read_fleet(root / "fleet.csv"),
        config=update_config(Config(), {"ingest": {"max_pixels": max_pixels}}),
    )
    outcome = run_batch(request, executor or InProcess())
    assert not outcome.troubled
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted((out / "scenes").glob("*/result.json"))
    }


def pictures(out: Path) -> dict[str, bytes]:
    paths = [p for p in sorted((out / "scenes").rglob("*")) if p.suffix in {".png", ".tif"}]
    return {path.relative_to(out / "scenes").as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def in_pieces(root: Path) -> Path:
    carry_out(root, root / "out", max_pixels=LIMIT)
    return root / "out"


def results(out: Path) -> dict[str, dict[str, Any]]:
    paths = sorted((out / "scenes").glob("*/result.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def test_a_scene_in_pieces_says_what_the_whole_says(root: Path, in_pieces: Path, tmp_path: Path) -> None:
    whole = carry_out(root, tmp_path / "whole", max_pixels=MAX_PIXELS)
    pieces = results(in_pieces)
    assert pieces.keys() == whole.keys()
    for name, result in pieces.items():
        codes = [flag["code"] for flag in result["flags"]]
        assert codes.count("read-in-pieces") == 1
        assert codes == [f["code"] for f in whole[name]["flags"]] + ["read-in-pieces"]
        assert "2 pieces, nothing of it left out" in result["flags"][-1]["message"]
        assert len(result["detections"]) == len(whole[name]["detections"]) == (name != "look-0")
        states = [(b["state"], b["detection_ids"]) for b in result["berths"]]
        assert states == [(b["state"], b["detection_ids"]) for b in whole[name]["berths"]]
        for ours, theirs in zip(result["detections"], whole[name]["detections"], strict=True):
            assert "cut-by-edge" not in ours["flags"]
            one, other = (Ring(d["outline"]["coordinates"][0]) for d in (ours, theirs))
            assert one.intersection(other).area > 0.9 * one.union(other).area
            assert ours["berth_id"] == theirs["berth_id"] == "b1"
    assert states == [("occupied", ["d1"]), ("clear-empty", [])]
    assert not any("terminal-not-learned" in str(result["flags"]) for result in pieces.values())


def test_every_piece_has_its_picture(in_pieces: Path) -> None:
    files = set(pictures(in_pieces))
    for name in ("look-0", "look-1"):
        assert {f"{name}/annotated.png", f"{name}/annotated.tif", f"{name}/annotated-2.png"} <= files
    assert "look-1/ships/d1.png" in files
    assert not any("annotated-3" in name for name in files)


def test_the_first_picture_shows_the_ship_at_the_berth(in_pieces: Path) -> None:
    """The eastern piece, which has her whole, is wider than the western one."""
    import cv2

    sizes = {}
    for name in ("annotated", "annotated-2"):
        picture = cv2.imread(str(in_pieces / "scenes" / "look-1" / f"{name}.tif"))
        assert picture is not None
        sizes[name] = picture.shape[1] / picture.shape[0]
    assert sizes["annotated"] > 0.6 > sizes["annotated-2"]


def test_pieces_give_the_same_bytes_in_a_pool(root: Path, in_pieces: Path, tmp_path: Path) -> None:
    pool = Pool(jobs=2, memory=6 * 2**30, timeout=120.0)
    carry_out(root, tmp_path / "out", max_pixels=LIMIT, executor=pool)
    assert pictures(tmp_path / "out") == pictures(in_pieces)
    assert results(tmp_path / "out") == results(in_pieces)


def test_pictures_drawn_again_are_the_same(root: Path, in_pieces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(in_pieces, out)
    for path in out.rglob("*.png"):
        path.unlink()
    deliveries = find_deliveries([root / "in"])
    drawn = draw_again(out, deliveries, InProcess())
    assert all(isinstance(made, tuple) for _, made in drawn)
    assert pictures(out) == pictures(in_pieces)


def test_pictures_of_pieces_go_when_the_whole_is_read(root: Path, in_pieces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(in_pieces, out)
    carry_out(root, out, max_pixels=MAX_PIXELS)
    assert not [name for name in pictures(out) if "annotated-" in name]


def test_pixels_are_counted_as_the_reader_reads_them(root: Path) -> None:
    image = read_scene(find_deliveries([root / "in"])[0])
    site = read_site(str(root / "site.geojson"))
    outlines = [f.outline for f in site.features] + [area_of(site)]
    for area in [*outlines, None]:
        rows, cols = read_chip(image, aoi=area, config=IngestConfig()).grid.shape
        assert count_pixels(image, area) == rows * cols


def blanked(folder: Path, columns: slice) -> tuple[Scene, Site]:
    """A tiny scene in which some columns hold no data."""
    import rasterio

    write_scene(folder / "in", "margin", day=1)
    with rasterio.open(folder / "in" / "margin.tif", "r+") as file:
        planes = file.read()
        planes[:, :, columns] = 0
        file.write(planes)
    (delivery,) = find_deliveries([folder / "in"])
    return read_scene(delivery), read_site(str(write_halves(folder / "site.geojson")))


def test_a_piece_without_data_is_left_out_and_said(tmp_path: Path) -> None:
    """The eastern area, 230 of 430 m, lies in the margin of the image."""
    blanked(tmp_path, slice(40, None))
    write_fleet(tmp_path / "fleet.csv")
    document = json.loads((tmp_path / "site.geojson").read_text())
    document["features"][1]["geometry"]["coordinates"] = [outline((230.0, 20.0, 460.0, 460.0))]
    (tmp_path / "site.geojson").write_text(json.dumps(document))
    result = carry_out(tmp_path, tmp_path / "out", max_pixels=LIMIT)["margin"]
    message = next(f["message"] for f in result["flags"] if f["code"] == "read-in-pieces")
    assert "read in 1 piece, 53 % of it left out, with b1" in message
    assert "annotated-2.png" not in str(sorted(pictures(tmp_path / "out")))


def test_a_scene_without_any_data_is_refused(tmp_path: Path) -> None:
    image, site = blanked(tmp_path, slice(0, None))
    looks = Looks(image, site, update_config(Config(), {"ingest": {"max_pixels": LIMIT}}))
    assert len(looks.areas) == 2
    with pytest.raises(InputError) as caught:
        looks.each(lambda number, look: None)
    assert caught.value.code == "no-data"


def test_pieces_come_one_at_a_time_with_the_clouds_they_had(root: Path) -> None:
    image = read_scene(find_deliveries([root / "in"])[1])
    site = read_site(str(root / "site.geojson"))
    looks = Looks(image, site, update_config(Config(), {"ingest": {"max_pixels": LIMIT}}))
    seen = looks.each(lambda number, look: (look.clouds, id(look)))
    assert list(seen) == [0, 1]
    assert looks.at(1) is looks.at(1)
    again = looks.at(0)
    assert again.clouds is seen[0][0]


def test_a_run_hashes_every_file_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def counted(path: Path, *, root: Path) -> object:
        hashed.append(path.name)
        return hash_file(path, root=root)

    monkeypatch.setattr("pipeline.ingest.scenes.hash_file", counted)
    carry_out(root, tmp_path / "out", max_pixels=LIMIT)
    assert sorted(hashed) == sorted(p.name for p in (root / "in").iterdir())
