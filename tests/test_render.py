"""Pictures: marks fall where the ground says, whatever the grid; every kind of scene gives a sheet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_examples import (
    ORIGIN,
    make_chip,
    make_detection,
    make_freeboard,
    make_result,
    make_site,
    refused_result,
    square_grid,
)

from pipeline.datatypes import Chip, CloudMask, Grid, Identity
from pipeline.geometry import ground_to_lonlat, pixel_to_ground, ship_axes
from pipeline.products import GeometryResult
from pipeline.readings import Profile, ProfilePart
from pipeline.render import palette, render_annotated, render_crop, words
from pipeline.render.annotate import enlarged
from pipeline.render.canvas import arrow, fit, hatch, line, text_width, wrap, write
from pipeline.render.crop import detail_frame, ship_frame
from pipeline.render.furniture import draw_compass, draw_scale_bar, round_length
from pipeline.render.insets import draw_profile, joined, spread_apart, ticks
from pipeline.render.marks import MOST_NAMED, label_ships, place_ships
from pipeline.render.stretch import choose_stretch, render_rgb
from pipeline.render.view import Frame, fit_grid, frame_around, frame_of_grid, resample

SHIP = ((20.0, -15.0), 34.0, (121.0, 18.0), 4.2)
GRIDS = {
    "north-up": (0.5, 0.0, -100.0, 0.0, -0.5, 100.0),
    "turned": (0.49, -0.1, -80.0, -0.1, -0.49, 120.0),
    "not-square": (0.8, 0.0, -160.0, 0.0, -0.5, 100.0),
    "mirrored": (-0.5, 0.0, 100.0, 0.0, -0.5, 100.0),
    "south-up": (0.5, 0.0, -100.0, 0.0, 0.5, -100.0),
    "on-its-side": (0.0, 0.5, -100.0, 0.5, 0.0, -100.0),
}


def grid_named(name: str) -> Grid:
    a, b, c, d, e, f = GRIDS[name]
    return Grid(shape=(400, 400), to_ground=(a, b, c, d, e, f), origin=ORIGIN)


def near(
    colour: tuple[int, int, int], picture: npt.NDArray[np.uint8], reach: int = 60
) -> npt.NDArray[np.bool_]:
    close: npt.NDArray[np.bool_] = np.abs(picture.astype(int) - colour).sum(axis=2) < reach
    return close


def middle(where: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(x, y) of the True pixels, corner convention."""
    row, col = np.nonzero(where)
    return np.array([col.mean() + 0.5, row.mean() + 0.5])


# ------------------------------------------------------------------------------------------- frames


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("scale", [1, 3])
def test_frame_of_a_grid_returns_its_pixels(name: str, scale: int) -> None:
    grid = grid_named(name)
    pixels = np.array([(0, 0), (400, 0), (17.25, 333.5)])
    placed = frame_of_grid(grid, scale).place(pixel_to_ground(grid, pixels))
    np.testing.assert_allclose(placed, scale * pixels, atol=1e-9)


@given(st.floats(0, 360), st.floats(0.1, 20), st.floats(-500, 500), st.floats(-500, 500))
def test_up_is_up_and_metres_are_pixels(up: float, scale: float, east: float, north: float) -> None:
    frame = frame_around((east, north), scale, (200, 300), up=up)
    bow, starboard = ship_axes(up)
    np.testing.assert_allclose(frame.place((east, north)), (150, 100), atol=1e-6)
    np.testing.assert_allclose(
        frame.place(np.array([east, north]) + 7 * bow), (150, 100 - 7 * scale), atol=1e-6
    )
    np.testing.assert_allclose(
        frame.place(np.array([east, north]) + 3 * starboard), (150 + 3 * scale, 100), atol=1e-6
    )
    np.testing.assert_allclose(frame.direction(up), (0, -1), atol=1e-9)
    assert frame.scale == pytest.approx(scale)


@pytest.mark.parametrize("name", GRIDS)
def test_a_light_on_the_ground_is_shown_in_its_place(name: str) -> None:
    grid = grid_named(name)
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[120:126, 250:256] = 255
    truth = pixel_to_ground(grid, (253.0, 123.0))
    for view in (
        fit_grid(grid, (900, 900)),
        fit_grid(grid, (150, 150)),
        frame_around((0, 0), 3.0, (700, 700), up=50),
    ):
        shown = resample(picture, grid, view, empty=(0, 0, 0))
        weight = shown[:, :, 0].astype(float)
        row, col = np.mgrid[0 : view.shape[0], 0 : view.shape[1]]
        found = np.array([(weight * (col + 0.5)).sum(), (weight * (row + 0.5)).sum()]) / weight.sum()
        np.testing.assert_allclose(found, view.place(truth), atol=0.3)


@pytest.mark.parametrize("name", GRIDS)
def test_the_whole_image_fits_and_nearly_level_rows_stay_level(name: str) -> None:
    grid = grid_named(name)
    view = fit_grid(grid, (600, 800))
    corners = view.place(pixel_to_ground(grid, [(0, 0), (400, 0), (400, 400), (0, 400)]))
    assert corners.min() > -1
    assert (corners.max(axis=0) < np.array(view.shape[::-1]) + 1).all()
    assert view.shape[0] <= 600
    assert view.shape[1] <= 800
    if name in {"mirrored", "south-up", "on-its-side"}:
        np.testing.assert_allclose(view.direction(0.0), (0, -1), atol=1e-9)


def test_the_enlarged_grid_covers_the_same_ground() -> None:
    grid = grid_named("turned")
    finer = enlarged(grid, 4)
    np.testing.assert_allclose(
        pixel_to_ground(finer, (1600.0, 400.0)), pixel_to_ground(grid, (400.0, 100.0)), atol=1e-9
    )


# ------------------------------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_the_outline_is_drawn_on_the_hull(turn: float) -> None:
    chip = make_chip((500, 500), 0.5, ships=(SHIP,), turn=turn)
    ship = make_detection(chip, "d1", SHIP, measured=False)
    result = make_result(chip, (ship,), simulated=False)
    drawn = render_annotated(chip, result)
    assert drawn.scale == 2
    assert drawn.overlay is not None
    assert drawn.grid == enlarged(chip.grid, 2)
    orange = near(palette.KIND["tanker"], drawn.overlay, 140)
    (mark,) = place_ships(result, chip.grid.origin)
    outline = frame_of_grid(chip.grid, 2).place(mark.outline)
    row, col = np.nonzero(orange)
    along = np.vstack([np.linspace(a, b, 60) for a, b in pairwise(outline)])
    apart = np.hypot(along[:, 0, None] - col[None] - 0.5, along[:, 1, None] - row[None] - 0.5)
    assert np.quantile(apart.min(axis=1), 0.98) < 3.0  # there is a mark all along the outline
    label = apart.min(axis=0) > 6.0  # her label, in the same colour
    assert label.mean() < 0.5


def test_a_weak_detection_is_dashed() -> None:
    chip = make_chip((400, 400), 0.5, ships=(SHIP,))
    counts = []
    for score in (0.95, 0.6):
        ship = make_detection(chip, "d1", SHIP, measured=False, score=score)
        overlay = render_annotated(chip, make_result(chip, (ship,))).overlay
        assert overlay is not None
        counts.append(np.count_nonzero(near(palette.KIND["tanker"], overlay)))
    assert counts[1] < 0.85 * counts[0]


def test_each_measured_line_has_its_colour_on_the_overlay() -> None:
    chip = make_chip((400, 400), 0.5, ships=(SHIP,))
    result = make_result(chip, (make_detection(chip, "d1", SHIP),))
    overlay = render_annotated(chip, result).overlay
    assert overlay is not None
    for name in ("waterline", "deck-edge", "shadow-tip"):
        assert np.count_nonzero(near(palette.LINE[name], overlay, 110)) > 50, name


def test_ship_pictures_have_the_bow_right_and_starboard_down() -> None:
    chip = make_chip((400, 400), 0.5, ships=(SHIP,))
    (mark,) = place_ships(make_result(chip, (make_detection(chip, "d1", SHIP),)), chip.grid.origin)
    bow, starboard = ship_axes(SHIP[1])
    view = ship_frame(mark, (250, 1000))
    tip = view.place(np.asarray(SHIP[0]) + 60 * bow)
    assert tip[0] > 880
    assert tip[1] == pytest.approx(125, abs=2)
    detail = detail_frame(mark, (400, 300), 20.0)
    np.testing.assert_allclose(detail.place(np.asarray(SHIP[0]) + 10 * starboard)[1], 300, atol=2)


def test_the_detail_takes_its_axis_from_the_marked_deck_edges() -> None:
    """Lines of a hull 2 m to starboard of the outline, turned by 1 degree: they lie where u says."""
    chip = make_chip((400, 400), 0.5, ships=(SHIP,))
    ship = make_detection(chip, "d1", SHIP)
    _, starboard = ship_axes(SHIP[1])
    place = (SHIP[0][0] + 2 * float(starboard[0]), SHIP[0][1] + 2 * float(starboard[1]))
    freeboard = make_freeboard(chip, place, SHIP[1] + 1.0, SHIP[2], SHIP[3])
    (mark,) = place_ships(make_result(chip, (replace(ship, freeboard=freeboard),)), chip.grid.origin)
    detail = detail_frame(mark, (400, 300), 20.0)
    assert freeboard.profile is not None
    (deck,) = (part for part in joined(freeboard.profile.parts) if part.name == "deck")
    rows = sorted(
        float(y) for name, ground in mark.lines if name == "deck-edge" for y in detail.place(ground)[:, 1]
    )
    np.testing.assert_allclose(rows[:2], 200 + 10 * deck.start, atol=0.3)
    np.testing.assert_allclose(rows[2:], 200 + 10 * deck.stop, atol=0.3)


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    view = frame_around((0, 0), 3.7, (200, 900))
    canvas = np.zeros((200, 900, 3), np.uint8)
    draw_scale_bar(canvas, view, (10, 190), 500, unit=1.0)
    row = canvas[190 - 10 - 3].max(axis=1) > 90
    assert round_length(500 / 3.7) == 100.0
    assert np.count_nonzero(row) == pytest.approx(370, abs=8)


@given(st.floats(1e-3, 1e6))
def test_a_round_length_is_round_and_long_enough(longest: float) -> None:
    length = round_length(longest)
    assert longest / 2.6 < length <= longest * (1 + 1e-6)
    assert f"{length:e}"[0] in "125"


@pytest.mark.parametrize("up", [0.0, 37.0, 250.0])
def test_sun_and_satellite_stand_where_they_are(up: float) -> None:
    view = frame_around((0, 0), 1.0, (400, 400), up=up)
    geometry = GeometryResult(
        incidence_angle=20,
        azimuth=285,
        sun_elevation=40,
        sun_azimuth=158,
        source="stac",
        azimuth_check="agrees",
    )
    canvas = np.zeros((400, 400, 3), np.uint8)
    draw_compass(canvas, view, (200.0, 200.0), geometry, unit=2.0)
    for colour, azimuth in ((palette.SUN, 158.0), (palette.VIEW, 285.0)):
        x, y = middle(near(colour, canvas)) - 200
        seen = np.degrees(np.arctan2(x, -y)) + up
        assert abs((seen - azimuth + 180) % 360 - 180) < 4


def test_labels_keep_clear_of_ships_and_of_each_other() -> None:
    ships = tuple(
        ((float(60 * (i % 5) - 120), float(60 * (i // 5) - 60)), 90.0, (45.0, 8.0), 2.0) for i in range(15)
    )
    chip = make_chip((600, 600), 0.5, ships=())
    found = tuple(make_detection(chip, f"d{i}", ship, measured=False) for i, ship in enumerate(ships))
    marks = place_ships(make_result(chip, found), chip.grid.origin)
    canvas = np.full((600, 600, 3), 255, np.uint8)
    view = frame_of_grid(chip.grid)
    label_ships(canvas, view, marks, unit=0.6)
    labelled: npt.NDArray[np.bool_] = np.min(canvas, axis=2) < 250
    hidden = 0
    for mark in marks:
        (x0, y0), (x1, y1) = (view.place(mark.outline).min(axis=0), view.place(mark.outline).max(axis=0))
        hidden += int(np.count_nonzero(labelled[int(y0) + 2 : int(y1) - 1, int(x0) + 2 : int(x1) - 1]))
    assert hidden == 0
    assert np.count_nonzero(labelled) > 15 * 150


def test_the_profile_stands_beside_its_pixels() -> None:
    """The part from -6 to +4 m is drawn over exactly those rows of a scale from -20 (top) to +20 (bottom)."""
    u = tuple(float(v) for v in np.linspace(-20, 20, 161))
    level = tuple(0.3 if -6 <= v <= 4 else 0.05 for v in u)
    parts = (ProfilePart(name="water", start=-20, stop=-6), ProfilePart(name="deck", start=-6, stop=4))
    canvas = np.zeros((420, 400, 3), np.uint8)
    draw_profile(
        canvas,
        Profile(band="red", u=u, observed=level, fitted=level, parts=parts),
        (0, 10),
        (380, 400),
        across=(-20, 20),
    )
    rows = np.flatnonzero(near(palette.PART["deck"], canvas, 6)[:, 360])
    assert rows[0] == pytest.approx(10 + 140, abs=1)
    assert rows[-1] == pytest.approx(10 + 240, abs=1)


def test_parts_that_touch_are_one() -> None:
    parts = (
        ProfilePart(name="deck", start=4, stop=-6),
        ProfilePart(name="deck", start=4, stop=6),
        ProfilePart(name="water", start=6, stop=9),
    )
    assert [(p.name, p.start, p.stop) for p in joined(parts)] == [("deck", -6, 6), ("water", 6, 9)]


@given(st.lists(st.floats(0, 400), max_size=8))
def test_names_in_the_margin_are_kept_apart(wanted: list[float]) -> None:
    places = spread_apart(sorted(wanted), 19.0, (10.0, 390.0))
    assert all(b - a >= 19.0 - 1e-6 for a, b in pairwise(places))
    assert all(p <= 390.0 + 1e-6 for p in places)


@given(st.floats(-50, 50), st.floats(0.01, 1000), st.integers(2, 9))
def test_ticks_are_inside_and_few(low: float, room: float, most: int) -> None:
    found = ticks(low, low + room, most)
    assert 1 <= len(found) <= most
    assert all(low - 1e-6 * room <= t <= low + room * (1 + 1e-6) for t in found)


# ------------------------------------------------------------------------------------------- stretch


def test_water_and_hull_fill_the_range_and_land_does_not_count() -> None:
    chip = make_chip((500, 500), 0.5, ships=(SHIP,), quay=True)
    (mark,) = place_ships(make_result(chip, (make_detection(chip, "d1", SHIP),)), chip.grid.origin)
    stretch = choose_stretch(chip, [mark.outline], None, None)
    everything = choose_stretch(chip, [], None, None)
    assert stretch.bands == ("red", "green", "blue")
    assert stretch.low[0] < 0.03 < stretch.high[0]
    assert np.ptp([h - low for low, h in zip(stretch.low, stretch.high, strict=True)]) < 1e-9  # one gain
    picture = render_rgb(chip, stretch)
    water = picture[20:60, 420:480].mean()
    assert 25 < water < 110
    assert picture.std() > 5
    assert everything.high != stretch.high


def test_no_data_is_grey_and_clouds_do_not_count() -> None:
    chip = make_chip((300, 300), 0.5, ships=())
    pixels, valid = chip.pixels.copy(), chip.valid.copy()
    pixels[:, :150] = 0.9
    valid[:, :40] = False
    cloudy = np.zeros((300, 300), bool)
    cloudy[:150] = True
    chip = replace(chip, pixels=pixels, valid=valid)
    clouds = CloudMask(cloudy=cloudy, shadowed=~cloudy, method="spectral")
    stretch = choose_stretch(chip, [], clouds, None)
    assert max(stretch.high) < 0.2
    assert (render_rgb(chip, stretch)[:, :40] == (225, 228, 232)).all()


@pytest.mark.parametrize(
    ("bands", "shown"),
    [
        (("pan",), ("pan",)),
        (("b1", "b2", "b3"), ("b1", "b2", "b3")),
        (("green", "red", "nir"), ("nir", "red", "green")),
        (("b1",), ("b1",)),
        (("swir16", "nir"), ("nir",)),
    ],
)
def test_bands_are_chosen_from_what_is_there(bands: tuple[str, ...], shown: tuple[str, ...]) -> None:
    chip = make_chip((40, 40), 0.5, ships=(), bands=bands)
    assert choose_stretch(chip, [], None, None).bands == shown


# ------------------------------------------------------------------------------------- every scene


def bare(chip: Chip) -> Chip:
    return replace(chip, calibrated=False)


@pytest.mark.parametrize(
    "kind", ["pan", "uncalibrated", "tiny", "strip", "nothing-valid", "constant", "mirrored"]
)
def test_every_kind_of_image_gives_a_sheet(kind: str) -> None:
    chip = make_chip((120, 120), 10.0, ships=())
    if kind == "pan":
        chip = make_chip((120, 120), 0.5, ships=(), bands=("pan",))
    elif kind == "uncalibrated":
        chip = bare(chip)
    elif kind == "tiny":
        chip = make_chip((3, 2), 10.0, ships=())
    elif kind == "strip":
        chip = make_chip((30, 1500), 3.0, ships=())
    elif kind == "nothing-valid":
        chip = replace(chip, valid=np.zeros((120, 120), bool))
    elif kind == "constant":
        chip = replace(chip, pixels=np.zeros((4, 120, 120), np.float32))
    elif kind == "mirrored":
        chip = replace(chip, grid=replace(grid_named("mirrored"), shape=(120, 120)))
    result = make_result(chip, (), geometry=False, dated=False)
    drawn = render_annotated(chip, result, make_site(chip))
    assert drawn.page.dtype == np.uint8
    assert drawn.page.shape[1:] == (2400, 3)
    assert drawn.overlay is not None
    assert drawn.overlay.shape[0] == chip.grid.shape[0] * drawn.scale


def test_forty_ships_get_eight_cards_and_a_list() -> None:
    chip = make_chip((300, 300), 10.0, ships=())
    ships = tuple(
        make_detection(
            chip,
            f"d{i}",
            ((60.0 * (i % 8) - 210, 90.0 * (i // 8) - 180), 20.0, (50.0, 9.0), 2.0),
            measured=False,
        )
        for i in range(40)
    )
    page = render_annotated(chip, make_result(chip, ships)).page
    few = render_annotated(chip, make_result(chip, ships[:8])).page
    assert page.shape[0] - few.shape[0] == 66 + 30 * 16


def test_a_thousand_ships_do_not_hide_the_image_nor_make_the_page_endless() -> None:
    chip = make_chip((300, 300), 10.0, ships=())
    one = replace(make_detection(chip, "d1", SHIP), freeboard=None, berth_id=None)
    marks = place_ships(make_result(chip, (one,) * (MOST_NAMED + 1)), chip.grid.origin)
    canvas = np.full((300, 300, 3), 90, np.uint8)
    label_ships(canvas, frame_of_grid(chip.grid, 1), marks, unit=1.0)
    assert (canvas == 90).all()
    most, more = (
        render_annotated(chip, make_result(chip, (one,) * count)).page.shape for count in (MOST_NAMED, 1000)
    )
    assert most == more


def test_a_refused_scene_gives_a_plain_sheet() -> None:
    drawn = render_annotated(None, refused_result())
    assert drawn.overlay is None
    assert drawn.grid is None
    assert near(palette.ALERT, drawn.page, 10).any()


def test_a_simulated_scene_says_so_everywhere() -> None:
    chip = make_chip((300, 300), 0.5, ships=(SHIP,))
    ship = make_detection(chip, "d1", SHIP)
    for simulated in (True, False):
        result = make_result(chip, (ship,), simulated=simulated)
        page = render_annotated(chip, result).page
        assert near(palette.SIMULATED, page[:100], 4).any() == simulated
    marked = render_crop(chip, make_result(chip, (ship,), simulated=True), ship)
    plain = render_crop(chip, make_result(chip, (ship,), simulated=False), ship)
    assert (marked[:30, :120] != plain[:30, :120]).any()
    np.testing.assert_array_equal(marked[100:], plain[100:])


def test_the_same_inputs_give_the_same_bytes_and_nothing_is_changed() -> None:
    chip = make_chip((300, 300), 0.5, ships=(SHIP,))
    before = chip.pixels.copy()
    result = make_result(chip, (make_detection(chip, "d1", SHIP),))
    clouds = CloudMask(cloudy=chip.pixels[0] > 0.3, shadowed=chip.pixels[0] < 0.03, method="spectral")
    first, second = (render_annotated(chip, result, make_site(chip), clouds=clouds) for _ in range(2))
    np.testing.assert_array_equal(first.page, second.page)
    assert first.overlay is not None
    assert second.overlay is not None
    np.testing.assert_array_equal(first.overlay, second.overlay)
    np.testing.assert_array_equal(chip.pixels, before)


def test_a_crop_is_the_same_whatever_lies_far_from_the_ship() -> None:
    chip = make_chip((600, 600), 0.5, ships=(((0.0, 0.0), 34.0, (61.0, 10.0), 3.0),))
    ship = make_detection(chip, "d1", ((0.0, 0.0), 34.0, (61.0, 10.0), 3.0))
    far = chip.pixels.copy()
    far[:, :100] = 0.7
    result = make_result(chip, (ship,))
    np.testing.assert_array_equal(
        render_crop(chip, result, ship), render_crop(replace(chip, pixels=far), result, ship)
    )


def test_hostile_names_are_drawn_on_one_line() -> None:
    chip = make_chip((200, 200), 0.5, ships=(SHIP,))
    ship = replace(
        make_detection(chip, "d1", SHIP),
        identity=(
            Identity(imo=1, name="A\n\x00\u202eB" * 80, probability=1.0),
            Identity(imo=None, name=None, probability=0.0),
        ),
    )
    result = replace(make_result(chip, (ship,)), scene_id="x" * 300, platform="\x1b[31m" * 50)
    assert render_annotated(chip, result).page.shape[1] == 2400


def test_an_outline_off_the_image_is_survived() -> None:
    chip = make_chip((200, 200), 0.5, ships=())
    away = ((5000.0, 9000.0), 34.0, (121.0, 18.0), 4.2)
    ship = make_detection(chip, "d1", away)
    result = make_result(chip, (ship,))
    assert render_annotated(chip, result).page.shape[1] == 2400
    assert render_crop(chip, result, ship).shape == (300, 900, 3)


# --------------------------------------------------------------------------------- canvas and words


@given(st.text(max_size=60), st.integers(30, 600))
def test_text_fits_where_it_is_put(text: str, width: int) -> None:
    assert text_width(fit(text, width, 20), 20) <= width or fit(text, width, 20) == "…"
    assert all(text_width(row, 20) <= width or row == "…" for row in wrap(text, width, 20))


def test_writing_stays_on_the_canvas() -> None:
    canvas = np.full((60, 200, 3), 255, np.uint8)
    for at in ((-1e5, 30), (1e5, 30), (10, -1e5), (10, 1e5), (190, 40)):
        write(canvas, "freeboard 2.31 m", at)
    line(canvas, [(-1e9, -1e9), (1e9, 1e9)], (0, 0, 0), dash=(4, 4))
    line(canvas, [(np.nan, 0), (5, 5)], (0, 0, 0))
    arrow(canvas, (3, 3), (3, 3), (0, 0, 0))
    assert (canvas[:, 60:120] == 255).mean() > 0.8


def test_hatching_marks_only_what_is_hidden() -> None:
    canvas = np.full((90, 90, 3), 128, np.uint8)
    where = np.zeros((90, 90), bool)
    where[20:70, 10:60] = True
    hatch(canvas, where, spacing=12, opacity=0.5)
    changed = (canvas != 128).any(axis=2)
    assert not changed[~where].any()
    assert 0.05 < changed[where].mean() < 0.4


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (384_210, "380 000"),
        (0, "0"),
        (2.314, "2.3"),
        (9.96, "10"),
        (0.0567, "0.057"),
        (-1234, "−1 200"),
        (99.6, "100"),
    ],
)
def test_two_significant_figures(value: float, said: str) -> None:
    assert words.two_figures(value).replace(words.THIN, " ") == said


def test_likelihood_words_stand_beside_their_percentage() -> None:
    assert words.likelihood(0.72) == "likely (72 %)"
    assert words.likelihood(0.013) == "almost no chance (1 %)"
    assert words.likelihood(1.0) == "almost certain (> 99 %)"
    assert words.percent(0.0) == "< 1 %"


def test_candidates_are_ranked_and_end_with_none_of_these() -> None:
    many = tuple(Identity(imo=9000000 + i, name=f"S{i}", probability=0.1) for i in range(6))
    ranking = words.ranked((*many, Identity(imo=None, name=None, probability=0.4)))
    assert ranking[0] == ("none of these", "40 %")
    assert ranking[-1][0] == "3 others"


def test_local_time_follows_the_site_and_unknown_zones_are_left_out() -> None:
    when = datetime(2026, 9, 28, 20, 14, tzinfo=UTC)
    assert words.local_time(when, "Asia/Vladivostok") in {"2026-09-29 06:14 Asia/Vladivostok", ""}
    assert words.local_time(when, "../../etc/passwd") == ""
    assert words.local_time(when, "UTC") == ""
    assert words.local_time(None, "Asia/Vladivostok") == ""


def test_compass_points_wrap() -> None:
    assert words.compass(359.7) == "000°"
    assert words.compass(34.2) == "034°"


def test_frames_are_records() -> None:
    view = Frame(shape=(2, 3), to_picture=(1, 0, 0, 0, -1, 2))
    np.testing.assert_allclose(view.place((1.0, 2.0)), (1, 0))
    lonlat = ground_to_lonlat(ORIGIN, np.array([0.0, 0.0]))
    np.testing.assert_allclose(lonlat, ORIGIN)
    assert square_grid((4, 4), 2.0).gsd == pytest.approx(2.0)
