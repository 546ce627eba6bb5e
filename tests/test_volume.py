"""Tonnes to barrels: units, sums draw by draw, what is shared, the cap, the list, the seed."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_season import START, make_scene

from pipeline.config import Config, VolumeConfig
from pipeline.datatypes import Identity, Ship
from pipeline.products import (
    Coverage,
    Quantiles,
    SceneResult,
    UnseenVisits,
    Visit,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.readings import Estimate
from pipeline.volume import barrels_per_tonne, estimate_volume
from pipeline.volume.draws import bounded, draw_cargo
from pipeline.volume.estimate import count_designated, draw_season

CONFIG = replace(Config(), volume=VolumeConfig(draws=4000))
DIESEL = float(barrels_per_tonne(840.0))


def make_visit(
    day: float = 1.0,
    cargo: float = 4000.0,
    sigma: float = 250.0,
    *,
    budget: tuple[tuple[str, float], ...] = (("image", 250.0),),
    measured: bool = True,
    imo: int | None = 9000001,
    capacity: float = 4700.0,
    when: datetime | None = None,
    gone_after: float | None = 1.0,
) -> Visit:
    """A visit seen once, `day` days after the start."""
    seen = when if when is not None else START + timedelta(days=day)
    after = None if gone_after is None else seen + timedelta(days=gone_after)
    return Visit(
        visit_id=f"{seen:%Y%m%d%H%M}-b1",
        site="paper",
        berth_id="b1",
        identity=(Identity(imo=imo, name=None if imo is None else f"SHIP {imo}", probability=1.0),),
        arrival_window=(seen - timedelta(days=1), seen),
        departure_window=(seen, after),
        scene_ids=("s",),
        evidence="single-laden" if measured else "seen-only",
        arrival=None,
        departure=None,
        cargo_loaded=Estimate(
            value=cargo, sigma=sigma, interval90=(cargo - 1.645 * sigma, cargo + 1.645 * sigma)
        ),
        status="measured" if measured else "imputed",
        detection_ids=("d1",),
        budget=budget,
        capacity=Estimate(value=capacity, sigma=15.0, interval90=(capacity - 25, capacity + 25)),
    )


def document(*visits: Visit, unseen: UnseenVisits | None = None) -> VisitsDocument:
    return VisitsDocument(
        visits=visits, coverage=Coverage(usable_times=(), by_month=()), unseen=unseen, simulated=True
    )


def looks(first: datetime = START, days: float = 60.0) -> tuple[SceneResult, ...]:
    """The first and the last look of a period."""
    offset = (first - START) / timedelta(days=1)
    return make_scene(offset, {}), make_scene(offset + days, {})


def volume(
    *visits: Visit, unseen: UnseenVisits | None = None, fleet: tuple[Ship, ...] = (), config: Config = CONFIG
) -> VolumeDocument:
    return estimate_volume(document(*visits, unseen=unseen), looks(), fleet, config=config)


def spread(values: Quantiles) -> float:
    return values.p95 - values.p05


TWO_UNSEEN = UnseenVisits(
    probability=(0.2, 0.3, 0.3, 0.2),
    exposure=0.7,
    stay_median=1.5,
    days=("2024-03-20", "2024-03-21"),
    weights=(0.5, 0.5),
)


# ----------------------------------------------------------------------------------------------- units


@pytest.mark.parametrize(("density", "barrels"), [(745, 8.44), (800, 7.86), (840, 7.49), (980, 6.42)])
def test_barrels_of_a_tonne(density: float, barrels: float) -> None:
    assert barrels_per_tonne(density) == pytest.approx(barrels, abs=0.006)
    assert barrels_per_tonne(density) == pytest.approx(1000 / density * 6.28981077, rel=1e-9)


def test_the_worked_example_in_barrels() -> None:
    found = volume(make_visit(cargo=4190, sigma=266, budget=(("deck-edge", 155.0), ("image", 216.0))))
    assert found.barrels.measured.p50 == pytest.approx(31_400, rel=0.01)
    assert spread(found.barrels.measured) / 3.29 == pytest.approx(2000, rel=0.08)
    terms = {term.term: term.sigma_barrels for term in found.by_visit[0].budget}
    assert terms["density"] == pytest.approx(225, rel=0.01)
    assert terms["deck-edge"] == pytest.approx(155 * DIESEL)


# ------------------------------------------------------------------------------------ sums draw by draw


def test_the_baseline_is_measured_and_imputed_draw_by_draw() -> None:
    visits = (
        make_visit(1, 4000, 250),
        make_visit(4, 3800, 420, measured=False, budget=(("usual-fill", 400.0), ("capacity", 128.0))),
        make_visit(8, 4100, 200),
    )
    found = volume(*visits, unseen=TWO_UNSEEN)
    season = draw_season(document(*visits, unseen=TWO_UNSEEN), (), config=CONFIG)
    barrels = season.cargo * season.barrels_per_tonne
    measured, imputed = barrels[[0, 2]].sum(axis=0), barrels[1]
    unseen = season.unseen_cargo.sum(axis=0) * season.barrels_per_tonne
    for quantile, draws in (
        (found.barrels.measured, measured),
        (found.barrels.imputed, imputed),
        (found.barrels.baseline, measured + imputed),
        (found.barrels.unseen, unseen),
        (found.barrels.total, measured + imputed + unseen),
    ):
        assert (quantile.p05, quantile.p50, quantile.p95) == pytest.approx(
            tuple(np.quantile(draws, [0.05, 0.5, 0.95]))
        )
    assert found.barrels.total.p50 > found.barrels.baseline.p50


@given(
    cargoes=st.lists(st.floats(100, 4600), min_size=0, max_size=6),
    sigma=st.floats(5, 1500),
    measured=st.booleans(),
)
def test_quantiles_are_in_order_and_not_negative(cargoes: list[float], sigma: float, measured: bool) -> None:
    visits = [make_visit(2.0 * k, c, sigma, measured=measured) for k, c in enumerate(cargoes)]
    found = volume(*visits, unseen=TWO_UNSEEN, config=replace(CONFIG, volume=VolumeConfig(draws=300)))
    for part in (
        found.barrels.measured,
        found.barrels.imputed,
        found.barrels.unseen,
        found.barrels.baseline,
        found.barrels.total,
        *(v.barrels for v in found.by_visit),
    ):
        assert 0 <= part.p05 <= part.p50 <= part.p95


@given(mean=st.floats(0.02, 0.99), sigma=st.floats(0.001, 0.3), most=st.floats(100, 50_000))
def test_bounding_keeps_mean_and_bounds(mean: float, sigma: float, most: float) -> None:
    sigma = min(sigma, 0.9 * float(np.sqrt(mean * (1 - mean))))
    score = np.random.default_rng(1).standard_normal(20_000)
    draws = bounded(score, mean * most, sigma * most, most)
    assert draws.min() >= 0
    assert draws.max() <= most
    assert draws.mean() == pytest.approx(mean * most, abs=(0.02 * sigma + 0.002) * most)


def test_cargo_draws_have_the_sigma_of_the_visit_and_not_of_its_budget_s_terms() -> None:
    visit = make_visit(cargo=2500, sigma=250, budget=(("image", 400.0), ("consumables", 300.0)))
    (draws,) = draw_cargo((visit,), 20_000, np.random.default_rng(3))
    assert draws.std() == pytest.approx(250, rel=0.02)
    assert draws.mean() == pytest.approx(2500, rel=0.002)


# ------------------------------------------------------------------------------------ what visits share


def relative_spread(*visits: Visit) -> float:
    draws = draw_cargo(visits, 20_000, np.random.default_rng(5)).sum(axis=0)
    return float(draws.std() / draws.mean())


def twenty(term: str, *, ships: int) -> tuple[Visit, ...]:
    return tuple(
        make_visit(2.0 * k, 3000.0, 150.0, budget=((term, 150.0),), imo=9000001 + k % ships)
        for k in range(20)
    )


def test_errors_of_each_look_average_out_and_shared_ones_do_not() -> None:
    assert relative_spread(*twenty("image", ships=1)) == pytest.approx(0.05 / np.sqrt(20), rel=0.05)
    assert relative_spread(*twenty("waterplane", ships=20)) == pytest.approx(0.05, rel=0.05)


def test_a_ship_s_own_errors_are_drawn_once_a_ship() -> None:
    assert relative_spread(*twenty("deck-edge", ships=1)) == pytest.approx(0.05, rel=0.05)
    assert relative_spread(*twenty("deck-edge", ships=20)) == pytest.approx(0.05 / np.sqrt(20), rel=0.05)
    assert relative_spread(*twenty("load-line", ships=5)) == pytest.approx(0.05 / np.sqrt(5), rel=0.05)


def test_nobody_s_ship_shares_with_nobody() -> None:
    unknown = tuple(replace(v, identity=()) for v in twenty("deck-edge", ships=1))
    assert relative_spread(*unknown) == pytest.approx(0.05 / np.sqrt(20), rel=0.05)


def test_the_product_s_density_is_one_for_the_season() -> None:
    visits = [make_visit(2.0 * k, 3000.0, 1e-3, budget=()) for k in range(20)]
    found = volume(*visits)
    assert spread(found.barrels.total) / 3.29 / found.barrels.total.p50 == pytest.approx(6 / 840, rel=0.05)


def test_unseen_visits_carry_what_seen_ones_do() -> None:
    visits = tuple(make_visit(3.0 * k, 3000.0, 100.0) for k in range(5))
    found = volume(*visits, unseen=TWO_UNSEEN)
    assert found.visits.seen == 5
    assert (found.visits.unseen.p05, found.visits.unseen.p95) == (0.0, 3.0)
    season = draw_season(document(*visits, unseen=TWO_UNSEEN), (), config=CONFIG)
    assert season.unseen.mean() == pytest.approx(1.5, abs=0.05)
    assert season.unseen_cargo.sum(axis=0).mean() == pytest.approx(1.5 * 3000, rel=0.03)
    assert ((season.unseen_cargo > 0).sum(axis=0) == season.unseen).all()


# ------------------------------------------------------------------------------------------- the cap


def test_the_cap_is_crossed_on_the_departure_that_passes_it() -> None:
    # 4,500 t are 33,696 bbl; the fifteenth visit passes 500,000.
    visits = [make_visit(3.0 * k, 4500.0, 5.0, budget=(), capacity=5000.0) for k in range(20)]
    (year,) = volume(*visits).cap
    assert year.year == 2024
    assert year.limit == 500_000
    fifteenth = visits[14].departure_window[1]
    assert fifteenth is not None
    assert year.baseline_crossed_on == fifteenth.date().isoformat()
    probabilities = [p.probability for p in year.probability_crossed_by]
    assert probabilities == sorted(probabilities)
    assert (probabilities[0], probabilities[-1]) == (0.0, 1.0)
    assert year.probability_crossed_by[0].date == "2024-03-31"


def test_each_calendar_year_starts_at_nil() -> None:
    start = datetime(2024, 11, 1, tzinfo=UTC)
    visits = [
        make_visit(when=start + timedelta(days=6 * k), cargo=4500.0, sigma=5.0, budget=(), capacity=5000.0)
        for k in range(20)
    ]
    found = estimate_volume(document(*visits), looks(start, 120.0), (), config=CONFIG)
    assert [c.year for c in found.cap] == [2024, 2025]
    assert all(c.baseline_crossed_on is None for c in found.cap)
    assert all(p.probability == 0 for c in found.cap for p in c.probability_crossed_by)
    assert found.barrels.total.p50 > 600_000
    assert {p.date[:4] for p in found.cap[1].probability_crossed_by} == {"2025"}


def test_the_unseen_count_towards_the_probability_and_not_towards_the_baseline() -> None:
    visits = [make_visit(2.0 * k, 4500.0, 5.0, budget=(), capacity=5000.0) for k in range(14)]
    certain = replace(TWO_UNSEEN, probability=(0.0, 0.0, 1.0))
    (year,) = volume(*visits, unseen=certain).cap
    assert year.baseline_crossed_on is None
    assert year.probability_crossed_by[-1].probability == 1.0
    (alone,) = volume(*visits).cap
    assert alone.probability_crossed_by[-1].probability == 0.0


def test_the_total_crosses_before_the_baseline_and_both_have_probabilities() -> None:
    visits = [make_visit(3.0 * k, 4500.0, 300.0, capacity=5000.0) for k in range(20)]
    certain = replace(TWO_UNSEEN, probability=(0.0, 0.0, 1.0))
    (year,) = volume(*visits, unseen=certain).cap
    assert year.baseline_crossed_on is not None
    assert year.total_crossed_on is not None
    assert year.total_crossed_on < year.baseline_crossed_on
    for crossing in year.probability_crossed_by:
        assert crossing.baseline_probability <= crossing.probability


def test_the_running_sums_are_those_of_a_plain_count() -> None:
    visits = [make_visit(float(day), 3000.0, 200.0) for day in (1, 1, 4, 9, 30)]
    config = replace(CONFIG, volume=VolumeConfig(draws=400, cap=60_000.0))
    found = estimate_volume(document(*visits, unseen=TWO_UNSEEN), looks(), (), config=config)
    season = draw_season(document(*visits, unseen=TWO_UNSEEN), (), config=config)
    barrels = season.cargo * season.barrels_per_tonne
    by_march = sum(
        barrels[k]
        for k, v in enumerate(visits)
        if v.departure_window[1] is not None and v.departure_window[1].month == 3
    )
    first = found.cap[0].probability_crossed_by[0]
    assert first.date == "2024-03-31"
    assert first.baseline_probability == pytest.approx(float(np.mean(by_march > 60_000)))


def test_tonnes_come_before_the_product_and_barrels_by_product_follow_from_them() -> None:
    found = volume(make_visit(1, 4000, 5.0, budget=()), make_visit(5, 4000, 5.0, budget=()))
    assert found.tonnes is not None
    assert found.tonnes.baseline.p50 == pytest.approx(8000, rel=0.001)
    by_name = {p.name: p.baseline.p50 for p in found.by_product}
    assert by_name["gasoline"] == pytest.approx(8000 * 8.44, rel=0.001)
    assert by_name["fuel oil"] == pytest.approx(8000 * 6.42, rel=0.001)
    assert by_name["diesel"] == pytest.approx(found.barrels.baseline.p50, rel=0.002)


def test_an_open_departure_counts_within_the_period() -> None:
    config = replace(CONFIG, volume=VolumeConfig(draws=500, cap=1000.0))
    (year,) = volume(make_visit(5.0, gone_after=None), config=config).cap
    assert year.baseline_crossed_on == (START + timedelta(days=5)).date().isoformat()


# ------------------------------------------------------------------------------------------- the list


def test_the_list_is_joined_as_of_the_visit() -> None:
    listed = Ship(
        imo=9000001, name="SHIP 9000001", un_designated=True, un_designation_date=START.date().isoformat()
    )
    before, after = make_visit(-10), make_visit(10)
    assert count_designated((before, after), (listed,)).visits == 1.0
    assert count_designated((before, after), (listed,)).share == 0.5
    assert count_designated((before, after), (replace(listed, un_designation_date=None),)).visits == 2.0
    assert count_designated((before, after), (replace(listed, un_designated=False),)).visits == 0.0


def test_designation_counts_in_expectation_over_identities() -> None:
    listed = Ship(imo=9000002, name="B", un_designated=True, un_designation_date="2018-03-30")
    doubtful = replace(
        make_visit(),
        identity=(
            Identity(imo=9000001, name="A", probability=0.6),
            Identity(imo=9000002, name="B", probability=0.3),
            Identity(imo=None, name=None, probability=0.1),
        ),
    )
    found = volume(doubtful, fleet=(Ship(imo=9000001, name="A"), listed)).un_designated
    assert (found.visits, found.share) == pytest.approx((0.3, 0.3))


# ------------------------------------------------------------------------------------ edges and the seed


def as_json(found: VolumeDocument) -> str:
    return json.dumps(asdict(found), sort_keys=True, default=str, allow_nan=False)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    visits = (make_visit(1), make_visit(5, measured=False, budget=(("usual-fill", 250.0),)))
    first, second = (as_json(volume(*visits, unseen=TWO_UNSEEN)) for _ in range(2))
    assert first == second
    other = replace(CONFIG, volume=replace(CONFIG.volume, seed=1))
    assert as_json(volume(*visits, unseen=TWO_UNSEEN, config=other)) != first


def test_an_empty_season_is_nil_and_has_no_period() -> None:
    found = estimate_volume(document(), (), (), config=CONFIG)
    assert found.period is None
    assert found.cap == ()
    assert found.barrels.total == Quantiles(p05=0.0, p50=0.0, p95=0.0)
    assert (found.visits.seen, found.un_designated.share) == (0, 0.0)


def test_looks_without_visits_have_a_period_and_a_cap() -> None:
    found = volume()
    assert found.period is not None
    assert found.cap[0].baseline_crossed_on is None
    assert found.barrels.baseline.p95 == 0.0


def test_unseen_visits_with_nothing_seen_take_the_register_s_ships() -> None:
    certain = replace(TWO_UNSEEN, probability=(0.0, 1.0))
    known = volume(unseen=certain, fleet=(Ship(imo=1, name="A", dwt=5000.0),))
    assert known.barrels.total.p50 == pytest.approx(5000 * 0.94 * 0.9 * DIESEL, rel=0.01)
    nobody = volume(unseen=certain)
    assert spread(nobody.barrels.total) > nobody.barrels.total.p50
