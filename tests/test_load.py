"""From freeboard to tonnes: against the load line tables, closed forms and the worked example."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_season import (
    WORKED_EXAMPLE,
    World,
    draw_true_ship,
    freeboard_of,
    make_detection,
    make_freeboard,
    one_load,
)

from pipeline.config import Config, LoadConfig
from pipeline.datatypes import Identity, Ship
from pipeline.load import (
    Hull,
    deadweight_at,
    displacement,
    estimate_load,
    summer_freeboard,
    tabular_freeboard,
    tonnes_per_metre,
)
from pipeline.load.hydrostatics import APPENDAGES
from pipeline.load.loadline import depth_from_draught
from pipeline.load.mixture import list_candidates
from pipeline.readings import Freeboard, LoadOutcome

ICLL = Path(__file__).resolve().parent.parent.parent / "shared" / "physics" / "icll_type_a.csv"
LENGTH, BEAM, DEPTH, SUMMER, DWT, LIGHTSHIP = 93.0, 16.0, 7.70, 6.20, 4983.0, 2100.0
BLOCK = (DWT + LIGHTSHIP) / (1.025 * APPENDAGES * LENGTH * BEAM * SUMMER)
"""So that displacement at the summer draught is deadweight and lightship together."""
QUICK = LoadConfig(draws=1500)


def example_hull(block: float = BLOCK, waterplane: float = 1.0) -> Hull:
    values = {
        "length": LENGTH,
        "beam": BEAM,
        "depth": DEPTH,
        "summer_draught": SUMMER,
        "block": block,
        "dwt": DWT,
        "waterplane": waterplane,
    }
    return Hull(**{name: np.array(value) for name, value in values.items()})


def load_of(
    freeboard: tuple[float, float],
    ship: Ship | None,
    *,
    water: float | None = 1025.0,
    config: LoadConfig = QUICK,
    size: tuple[float, float] = (98.4, 16.0),
) -> LoadOutcome:
    """The load of a ship that is in the register for certain, or in none."""
    who = Identity(imo=None, name=None, probability=1.0)
    if ship is not None:
        who = Identity(imo=ship.imo, name=ship.name, probability=1.0)
    return estimate_load(
        make_detection(*size),
        make_freeboard(*freeboard),
        (who,),
        () if ship is None else (ship,),
        water_density=water,
        config=config,
    )


# ------------------------------------------------------------------------------------- the load line


@pytest.mark.imagery
@pytest.mark.skipif(not ICLL.is_file(), reason="../shared/physics/icll_type_a.csv is not there")
def test_tabular_freeboard_is_the_convention_s() -> None:
    with ICLL.open(encoding="utf-8") as file:
        rows = [(float(row["L_m"]), float(row["F_mm"])) for row in csv.DictReader(file)]
    assert len(rows) > 150
    lengths, values = np.array(rows).T
    assert np.allclose(tabular_freeboard(lengths) * 1000, values, atol=1e-9)


@pytest.mark.parametrize(
    ("length", "millimetres"),
    [(60, 573), (80, 841), (100, 1135), (120, 1459), (150, 1968), (180, 2393), (200, 2612)],
)
def test_tabular_freeboard_at_round_lengths(length: float, millimetres: float) -> None:
    assert tabular_freeboard(length) == pytest.approx(millimetres / 1000)


@pytest.mark.parametrize(
    ("length", "depth", "block", "freeboard"),
    [
        (65, 5.5, 0.75, 0.92),
        (80, 6.6, 0.75, 1.20),
        (93, 7.7, 0.745, 1.49),
        (110, 9.2, 0.77, 1.95),
        (135, 11.5, 0.79, 2.67),
        (170, 15.5, 0.80, 3.79),
    ],
)
def test_least_summer_freeboard_of_ordinary_tankers(
    length: float, depth: float, block: float, freeboard: float
) -> None:
    assert summer_freeboard(length, depth, block) == pytest.approx(freeboard, abs=0.006)


@given(length=st.floats(40, 200), draught=st.floats(2, 14), block=st.floats(0.65, 0.85))
def test_depth_from_draught_turns_the_rule_round(length: float, draught: float, block: float) -> None:
    depth = depth_from_draught(np.array(length), np.array(draught), np.array(block), np.array(0.1))
    assert depth - summer_freeboard(length, depth, block) - 0.1 == pytest.approx(draught, abs=1e-3)


# ------------------------------------------------------------------------------------- hydrostatics


@given(draught=st.floats(1.0, 9.0), block=st.floats(0.6, 0.85))
def test_waterplane_is_the_derivative_of_displacement(draught: float, block: float) -> None:
    hull = example_hull(block)
    step = 1e-4
    slope = (displacement(hull, draught + step) - displacement(hull, draught - step)) / (2 * step)
    assert tonnes_per_metre(hull, draught) == pytest.approx(float(slope), rel=1e-6)


@given(block=st.floats(0.6, 0.85))
def test_waterplane_at_the_load_line_is_schneekluth_s(block: float) -> None:
    area = float(tonnes_per_metre(example_hull(block), SUMMER)) / (1.025 * APPENDAGES * LENGTH * BEAM)
    assert area == pytest.approx((1 + 2 * block) / 3, rel=1e-12)


@pytest.mark.parametrize(("draught", "tonnes"), [(3.18, 1223), (3.69, 1843), (5.0, 3467), (6.2, 4983)])
def test_deadweight_of_the_worked_example(draught: float, tonnes: float) -> None:
    assert deadweight_at(example_hull(), draught, 1025.0) == pytest.approx(tonnes, abs=2.0)


def test_tonnes_per_centimetre_of_the_worked_example() -> None:
    assert tonnes_per_metre(example_hull(), SUMMER) / 100 == pytest.approx(12.7, abs=0.06)
    assert tonnes_per_metre(example_hull(), 3.69) / 100 == pytest.approx(12.2, abs=0.1)


def test_lightship_cancels_at_the_load_line() -> None:
    for block in (0.70, 0.76):
        assert deadweight_at(example_hull(block), SUMMER, 1025.0) == pytest.approx(DWT)


def test_lighter_water_carries_less() -> None:
    sea, brackish = (float(deadweight_at(example_hull(), SUMMER, rho)) for rho in (1025.0, 1012.0))
    assert sea - brackish == pytest.approx((DWT + LIGHTSHIP) * 13 / 1025, rel=1e-9)


# ------------------------------------------------------------------------------------- the estimate

PART_FULL = 2.40
"""Freeboard at which no interval reaches the load line, which would cut it off [m]."""
PART_CARGO = float(deadweight_at(example_hull(), DEPTH - PART_FULL, 1025.0)) - 0.06 * DWT - 38


def test_departure_of_the_worked_example() -> None:
    # The image's 0.16 m: fit 0.07, water 0.10, heel 0.05, trim beyond ours, angles, as in the example.
    load = one_load(1.85, 0.16).load
    assert load is not None
    assert load.cargo == pytest.approx(4190, abs=25)
    assert load.cargo_sigma == pytest.approx(266, rel=0.06)
    assert load.fraction == pytest.approx(0.89, abs=0.01)
    assert load.sigma == pytest.approx(0.06, abs=0.006)
    assert load.deadweight_on_board == pytest.approx(4529, abs=20)
    assert load.ballast_probability < 1e-4
    terms = dict(load.budget)
    assert terms["deck-edge"] == pytest.approx(155, rel=0.08)
    assert terms["consumables"] == pytest.approx(100, rel=0.08)
    assert terms["residual-ballast"] == pytest.approx(30, rel=0.25)
    assert terms["waterplane"] == pytest.approx(14, rel=0.35)
    assert terms["load-line"] == pytest.approx(39, rel=0.25)


@pytest.mark.parametrize(
    ("what", "sigma", "tonnes"),
    [("fit", 0.07, 91), ("waterline", 0.10, 129), ("heel", 0.05, 65)],
)
def test_errors_of_the_image_in_the_worked_example(what: str, sigma: float, tonnes: float) -> None:
    load = one_load(1.85, sigma, config=replace(Config(), load=QUICK)).load
    assert load is not None
    assert dict(load.budget)["image"] == pytest.approx(tonnes, rel=0.08)


def test_variants_of_the_worked_example() -> None:
    """Edge known to 0.05 m and a finer image: 213 t. Depth not known: 417 t, most of it the load line."""
    fine = one_load(1.85, 0.12, config=replace(Config(), load=LoadConfig(draws=1500, edge_bias_sigma=0.05)))
    assert fine.load is not None
    assert fine.load.cargo_sigma == pytest.approx(213, rel=0.06)
    blind = load_of((PART_FULL, 0.13), replace(WORKED_EXAMPLE, depth=None)).load
    assert blind is not None
    # where the depth is not known, the load line is the largest term of all
    assert blind.budget[0][0] == "load-line"
    assert blind.cargo_sigma == pytest.approx(417, rel=0.25)


def test_fractions_are_good_to_five_points_where_the_freeboard_is() -> None:
    """Laden ships with the register's particulars; freeboards off by 0.15 m, edge and image together.

    Ships of 2,500 t and more: in a smaller one, or below some 60 %, a cargo weighs what water ballast weighs,
    and no freeboard tells them apart.
    """
    rng = np.random.default_rng(11)
    errors: list[float] = []
    inside: list[bool] = []
    while len(errors) < 40:
        true = draw_true_ship(rng, len(errors), World())
        if float(true.hull.dwt) < 2500:
            continue
        fill, dwt = float(rng.uniform(0.70, 0.97)), float(true.hull.dwt)
        on_board = dwt * (0.94 * fill + float(rng.normal(0.06, 0.02)) + 0.006 * 2 ** float(rng.normal()))
        freeboard = freeboard_of(true, on_board) + true.edge + float(rng.normal(0, 0.15))
        size = float(true.listed.loa or 0.0), float(true.listed.beam or 0.0)
        config = LoadConfig(draws=400)
        load = load_of((freeboard, 0.15), true.listed, size=size, config=config, water=1024.0).load
        assert load is not None
        errors.append(load.fraction - fill)
        inside.append(load.interval90[0] <= fill <= load.interval90[1])
    assert np.mean(np.abs(errors)) <= 0.05
    assert abs(np.mean(errors)) <= 0.02
    assert np.mean(inside) >= 0.83


def with_tail(value: float, sigma: float, tail: float) -> Freeboard:
    """A reading whose curve gives a fifth of its weight to a spread of a metre, as those of images do."""
    exact = make_freeboard(value, sigma)
    grid = exact.curve.freeboards()
    core, wide = (np.exp(-0.5 * ((grid - value) / s) ** 2) / s for s in (sigma, tail))
    mixed = 0.8 * core + 0.2 * wide
    log_likelihood = np.maximum(np.log(mixed / mixed.max()), -60.0)
    return replace(exact, curve=replace(exact.curve, log_likelihood=tuple(log_likelihood.tolist())))


def state_of_a_small_ship(fill: float | None) -> tuple[Ship, float]:
    """A ship of 65 m, whose ballast draught is but 1.5 m off her marks, and her freeboard; None = ballast."""
    true = draw_true_ship(np.random.default_rng(5), 0, World(lengths=(62.0, 62.0)))
    dwt = float(true.hull.dwt)
    if fill is None:
        return true.listed, float(true.hull.depth) - (1.75 + 0.055 * 62.0) / 2
    return true.listed, freeboard_of(true, dwt * (0.94 * fill + 0.066))


@pytest.mark.parametrize("fill", [0.90, None])
def test_tails_of_a_curve_do_not_half_fill_a_ship(fill: float | None) -> None:
    """A mean would take a good part off a full ship, and put it on an empty one."""
    ship, freeboard = state_of_a_small_ship(fill)
    identity = (Identity(imo=ship.imo, name=ship.name, probability=1.0),)
    load = estimate_load(
        make_detection(ship.loa or 0.0, ship.beam or 0.0),
        with_tail(freeboard, 0.12, 1.0),
        identity,
        (ship,),
        water_density=1024.0,
        config=QUICK,
    ).load
    assert load is not None
    assert load.fraction == pytest.approx(fill or 0.0, abs=0.03)
    assert load.cargo == pytest.approx(load.fraction * 0.94 * (ship.dwt or 0.0), rel=0.01)
    # the doubt stays in the interval
    assert load.interval90[1] - load.interval90[0] > 0.2
    assert load.interval90[0] <= (fill or 0.0) <= load.interval90[1]


@pytest.mark.parametrize(
    ("fills", "error", "bias"),
    [((0.8, 1.0), 0.055, 0.03), ((0.6, 0.8), 0.11, 0.06), (None, 0.05, 0.05)],
)
def test_loads_of_every_state(fills: tuple[float, float] | None, error: float, bias: float) -> None:
    """Freeboards off by 0.2 m, deck edges by 0.12 m: part loads are not filled up, nor full ships emptied."""
    rng = np.random.default_rng(12)
    off: list[float] = []
    inside: list[bool] = []
    for number in range(24):
        true = draw_true_ship(rng, number, World(lengths=(70.0, 160.0)))
        dwt, length = float(true.hull.dwt), float(true.hull.length)
        fill = 0.0 if fills is None else float(rng.uniform(*fills))
        stores = dwt * (float(rng.normal(0.06, 0.02)) + 0.006 * 2 ** float(rng.normal()))
        empty = float(true.hull.depth) - (1.75 + 0.055 * length) / 2 + float(rng.normal(0, 0.35))
        freeboard = empty if fills is None else freeboard_of(true, 0.94 * fill * dwt + stores)
        shown = max(freeboard + true.edge + float(rng.normal(0, 0.2)), 0.05)
        size = float(true.listed.loa or 0.0), float(true.listed.beam or 0.0)
        load = load_of((shown, 0.2), true.listed, size=size, config=LoadConfig(draws=300), water=1024.0).load
        assert load is not None
        off.append(load.fraction - fill)
        inside.append(load.interval90[0] <= fill <= load.interval90[1])
    assert np.mean(np.abs(off)) <= error
    assert abs(np.mean(off)) <= bias
    assert np.mean(inside) >= 0.79


def test_arrival_of_the_worked_example_is_ballast_not_cargo() -> None:
    load = one_load(4.25, 0.16).load
    assert load is not None
    assert load.ballast_probability > 0.85
    assert load.deadweight_on_board == pytest.approx(1520, abs=40)
    assert load.fraction == 0.0
    assert load.cargo == 0.0
    assert load.interval90[0] == 0.0


def test_unknown_depth_takes_the_load_line_rule_and_widens() -> None:
    known = load_of((PART_FULL, 0.16), WORKED_EXAMPLE).load
    blind = load_of((PART_FULL, 0.16), replace(WORKED_EXAMPLE, depth=None)).load
    assert known is not None
    assert blind is not None
    assert dict(known.sources)["depth"] == "register"
    assert dict(blind.sources)["depth"] == "load line rule"
    assert blind.cargo_sigma > 1.15 * known.cargo_sigma
    assert dict(blind.budget)["load-line"] > 2.5 * dict(known.budget)["load-line"]
    assert abs(known.cargo - PART_CARGO) < 60
    assert abs(blind.cargo - PART_CARGO) < 2 * blind.cargo_sigma


def test_unknown_draught_takes_the_load_line_rule() -> None:
    load = load_of((1.85, 0.16), replace(WORKED_EXAMPLE, summer_draught=None)).load
    assert load is not None
    assert dict(load.sources)["summer_draught"] == "load line rule"
    assert abs(load.cargo - 4190) < 2 * load.cargo_sigma


def test_deadweight_alone_still_gives_a_load() -> None:
    ship = Ship(imo=9000001, name="EXAMPLE", dwt=4983.0)
    load = load_of((PART_FULL, 0.16), ship).load
    assert load is not None
    assert abs(load.cargo - PART_CARGO) < 2 * load.cargo_sigma
    assert load.cargo_sigma > 300


def test_at_the_load_line_the_rule_bounds_the_cargo() -> None:
    load = load_of((1.2, 0.16), replace(WORKED_EXAMPLE, depth=None)).load
    assert load is not None
    assert load.interval90[1] <= 1.0
    assert load.fraction > 0.93


def test_a_ship_in_no_register_is_weighed_by_her_size() -> None:
    load = load_of((1.85, 0.16), None).load
    assert load is not None
    assert abs(load.cargo - 4190) < 2 * load.cargo_sigma
    assert load.cargo_sigma > 400
    assert dict(load.sources)["dwt"] == "displacement and usual share"


def test_no_size_and_no_register_is_refused() -> None:
    outcome = load_of((1.85, 0.16), None, size=(12.0, 2.0))
    assert outcome.load is None
    assert outcome.draught is None
    assert outcome.load_not_known is not None
    assert outcome.load_not_known.code == "no-particulars"


def test_a_freeboard_no_candidate_can_have_is_refused() -> None:
    outcome = load_of((11.0, 0.1), WORKED_EXAMPLE)
    assert outcome.load_not_known is not None
    assert outcome.load_not_known.code == "no-particulars"
    assert "11.0 m" in outcome.load_not_known.message


def test_an_impossible_row_does_not_spoil_the_others() -> None:
    absurd = Ship(
        imo=9000002, name="ABSURD", dwt=90_000.0, loa=98.0, beam=16.0, depth=7.7, summer_draught=6.2
    )
    identity = (
        Identity(imo=9000001, name="EXAMPLE", probability=0.6),
        Identity(imo=9000002, name="ABSURD", probability=0.4),
    )
    load = estimate_load(
        make_detection(),
        make_freeboard(1.85, 0.16),
        identity,
        (WORKED_EXAMPLE, absurd),
        water_density=1025.0,
        config=QUICK,
    ).load
    assert load is not None
    assert load.cargo == pytest.approx(4190, abs=60)
    assert load.table is not None
    assert all(np.isfinite(values).all() for _, values in load.table.terms)


def test_a_draught_above_the_depth_is_not_believed() -> None:
    load = load_of((1.85, 0.16), replace(WORKED_EXAMPLE, summer_draught=8.2)).load
    assert load is not None
    assert dict(load.sources)["summer_draught"] != "register"


def test_cargo_falls_with_freeboard() -> None:
    table = one_load(1.85, 0.16, config=replace(Config(), load=QUICK)).load
    assert table is not None
    assert table.table is not None
    cargo = np.array(table.table.cargo)
    nodes = table.table.start + table.table.step * np.arange(len(cargo))
    inside = (nodes > 1.6) & (nodes < 4.0)
    assert (np.diff(cargo[inside]) < 0).all()


@settings(deadline=None)
@given(
    freeboard=st.floats(0.9, 5.2),
    sigma=st.floats(0.05, 0.6),
    depth=st.booleans(),
)
def test_load_is_within_its_bounds(freeboard: float, sigma: float, depth: bool) -> None:
    ship = WORKED_EXAMPLE if depth else replace(WORKED_EXAMPLE, depth=None)
    outcome = load_of((freeboard, sigma), ship, water=None, config=LoadConfig(draws=300))
    if outcome.load is None:
        assert outcome.load_not_known is not None
        return
    load = outcome.load
    assert 0 <= load.interval90[0] <= load.interval90[1] <= 1
    assert 0 <= load.cargo <= 0.94 * DWT * 1.02
    assert outcome.draught is not None
    assert outcome.draught.interval90[0] <= outcome.draught.interval90[1]


def test_same_inputs_same_load() -> None:
    assert load_of((2.1, 0.2), None) == load_of((2.1, 0.2), None)


# ------------------------------------------------------------------------- ballast and who she may be


@pytest.mark.parametrize(("loa", "light", "deep"), [(98.4, 4.0, 4.5), (84.7, 3.2, 3.8)])
def test_ballast_prior_lies_between_the_two_formulations(loa: float, light: float, deep: float) -> None:
    """Freeboards in ballast from formulations A and B, ships of 93 and 80 m between perpendiculars."""
    length = 0.945 * loa
    depth = 7.7 if length > 90 else 6.6
    summer = depth - float(summer_freeboard(length, depth, 0.745))
    beam = 16.0 if length > 90 else 13.6
    dwt = 0.70 * 1.025 * APPENDAGES * length * beam * 0.745 * summer
    ship = Ship(imo=1, name="S", dwt=dwt, loa=loa, beam=beam, depth=depth, summer_draught=summer)
    load = load_of(((light + deep) / 2, 0.1), ship, size=(loa, beam)).load
    assert load is not None
    assert load.table is not None
    nodes = load.table.start + load.table.step * np.arange(len(load.table.ballast))
    weight = np.array(load.table.ballast) * np.array(load.table.prior)
    weight /= weight.sum()
    mean = float(weight @ nodes)
    assert light - 0.1 < mean < deep + 0.1
    assert float(np.sqrt(weight @ (nodes - mean) ** 2)) == pytest.approx(np.hypot(0.35, 0.13), rel=0.2)


def test_prior_over_freeboard_is_a_density() -> None:
    load = one_load(1.85, 0.16, config=replace(Config(), load=QUICK)).load
    assert load is not None
    assert load.table is not None
    assert sum(load.table.prior) * load.table.step == pytest.approx(1.0, abs=0.03)
    share = np.array(load.table.ballast) @ np.array(load.table.prior) * load.table.step
    assert share == pytest.approx(0.45, abs=0.02)


def test_candidates_share_out_the_probability() -> None:
    fleet = (WORKED_EXAMPLE, Ship(imo=2, name="B"), Ship(imo=None, name="C", dwt=3000.0))
    identity = (
        Identity(imo=9000001, name="EXAMPLE", probability=0.5),
        Identity(imo=2, name="B", probability=0.2),
        Identity(imo=None, name="C", probability=0.2),
        Identity(imo=None, name=None, probability=0.1),
    )
    found = list_candidates(identity, fleet)
    assert [(None if c.ship is None else c.ship.name) for c in found] == ["EXAMPLE", None, "C"]
    assert [c.probability for c in found] == pytest.approx([0.5, 0.3, 0.2])


def test_doubt_about_who_she_is_widens_the_load() -> None:
    other = Ship(imo=2, name="B", dwt=6900.0, loa=104.0, beam=17.6, depth=8.8, summer_draught=7.0)
    sure = load_of((1.85, 0.1), WORKED_EXAMPLE).load
    identity = (
        Identity(imo=9000001, name="EXAMPLE", probability=0.5),
        Identity(imo=2, name="B", probability=0.5),
    )
    unsure = estimate_load(
        make_detection(),
        make_freeboard(1.85, 0.1),
        identity,
        (WORKED_EXAMPLE, other),
        water_density=1025.0,
        config=QUICK,
    ).load
    assert sure is not None
    assert unsure is not None
    assert unsure.cargo_sigma > 2 * sure.cargo_sigma
    assert unsure.table is not None
    assert max(dict(unsure.table.terms)["identity"]) > 500
    assert max(dict(sure.table.terms if sure.table else ())["identity"]) == pytest.approx(0, abs=1e-6)
