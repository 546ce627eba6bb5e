"""Who she is, when she came and left, what was seen of her: association, windows, evidence, fills."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paper_season import (
    ANCHORAGE,
    START,
    WORKED_EXAMPLE,
    berth_place,
    make_detection,
    make_scene,
    make_ship,
    make_site,
    quick,
)

from pipeline.config import Config, VisitsConfig
from pipeline.datatypes import Ship, SignedIdentity
from pipeline.products import DetectionResult, SceneResult, Visit, VisitsDocument
from pipeline.signatures import load_as_signed
from pipeline.visits import group_visits, rank_identities
from pipeline.visits.identity import Size, same_ship
from pipeline.visits.impute import PART_FILLS, fill_up, impute_cargo, impute_fill, pool_fills, still_loading

CONFIG = quick(Config(), draws=600)
SITE = make_site(2)
OTHER = Ship(imo=9000002, name="OTHER", dwt=3100.0, loa=84.0, beam=13.4, depth=6.5, summer_draught=5.3)
FLEET = (WORKED_EXAMPLE, OTHER)
EMPTY = {"b1": "clear-empty", "b2": "clear-empty"}
BALLAST, PART, LADEN = (4.25, 0.12), (3.1, 0.12), (1.85, 0.12)
"""Freeboards of the worked example (value, sigma) [m]: empty, half full, 89 % full."""


def ship_at(
    where: str,
    freeboard: tuple[float, float] | None = None,
    ship: Ship = WORKED_EXAMPLE,
    *,
    name: str = "d1",
    tanker: float = 0.9,
    fleet: Sequence[Ship] = FLEET,
    shift: float = 0.0,
) -> DetectionResult:
    """A ship at "b1", "b2", "roads" or "outside"; `shift` is to the east [deg]."""
    places = {"b1": berth_place(0), "b2": berth_place(1), "roads": ANCHORAGE, "outside": (133.2, 42.6)}
    lon, lat = places[where]
    detection = make_detection(
        ship.loa or 90.0, ship.beam or 15.0, place=(lon + shift, lat), tanker=tanker, name=name
    )
    return make_ship(detection, freeboard, where if where.startswith("b") else None, fleet, CONFIG)


def look(day: float, *ships: DetectionResult, name: str | None = None) -> SceneResult:
    """A clear look; berths without a ship are empty."""
    states = EMPTY | {s.berth_id: "occupied" for s in ships if s.berth_id is not None}
    return make_scene(day, states, ships, name=name)


def cloudy(day: float) -> SceneResult:
    return make_scene(day, dict.fromkeys(EMPTY, "obscured"), cloud=1.0)


def group(*scenes: SceneResult, fleet: Sequence[Ship] = FLEET) -> VisitsDocument:
    return group_visits(scenes, SITE, fleet, config=CONFIG)


def only_visit(*scenes: SceneResult, fleet: Sequence[Ship] = FLEET) -> Visit:
    found = group(*scenes, fleet=fleet).visits
    assert len(found) == 1
    return found[0]


def days(visit: Visit) -> tuple[float, float, float, float | None]:
    """Arrival and departure windows in days from the start."""
    first, second = visit.arrival_window, visit.departure_window
    end = None if second[1] is None else (second[1] - START) / timedelta(days=1)
    return (
        (first[0] - START) / timedelta(days=1),
        (first[1] - START) / timedelta(days=1),
        (second[0] - START) / timedelta(days=1),
        end,
    )


# ------------------------------------------------------------------------------------------- identity


def test_the_fitting_ship_is_first_and_none_of_these_is_in_the_list() -> None:
    ranked = rank_identities(make_detection(98.0, 16.1), FLEET, config=VisitsConfig())
    assert ranked[0].name == "EXAMPLE"
    assert ranked[0].probability > 0.9
    assert (None, None) in {(i.imo, i.name) for i in ranked}
    assert sum(i.probability for i in ranked) == pytest.approx(1.0)


def test_a_ship_unlike_any_row_is_none_of_these() -> None:
    ranked = rank_identities(make_detection(150.0, 25.0), FLEET, config=VisitsConfig())
    assert ranked[0].imo is None
    assert ranked[0].probability > 0.99


def test_without_a_register_there_is_only_none_of_these() -> None:
    (only,) = rank_identities(make_detection(), (), config=VisitsConfig())
    assert (only.imo, only.name, only.probability) == (None, None, 1.0)


def test_twins_share_the_probability_and_a_repeated_row_counts_once() -> None:
    twin = replace(WORKED_EXAMPLE, imo=9000009, name="TWIN")
    ranked = rank_identities(make_detection(), (WORKED_EXAMPLE, twin, twin), config=VisitsConfig())
    assert ranked[0].probability == pytest.approx(ranked[1].probability)
    assert len(ranked) == 3


@given(length=st.floats(40, 200), beam=st.floats(8, 35), tanker=st.floats(0, 1))
def test_identities_are_probabilities(length: float, beam: float, tanker: float) -> None:
    unsized = Ship(imo=9000003, name="UNSIZED")
    ranked = rank_identities(
        make_detection(length, beam, tanker=tanker), (*FLEET, unsized), config=VisitsConfig()
    )
    values = [i.probability for i in ranked]
    assert sum(values) == pytest.approx(1.0)
    assert values == sorted(values, reverse=True)


def test_the_register_tells_two_ships_apart_that_a_coarse_image_does_not() -> None:
    first = Size(length=86.0, length_sigma=3.0, beam=13.9, beam_sigma=1.3, tanker_probability=0.9)
    second = replace(first, length=96.0, beam=15.5)
    with_rows = same_ship(first, second, FLEET, config=VisitsConfig())
    without = same_ship(first, second, (), config=VisitsConfig())
    assert with_rows < without
    assert with_rows < 0
    assert same_ship(first, first, FLEET, config=VisitsConfig()) > 0


def signature(day: float, imo: int | None, *, hours: float = 0.0, name: str = "d1") -> SignedIdentity:
    """An analyst's word on a sighting of that day."""
    when = START + timedelta(days=30, hours=hours)
    return SignedIdentity(scene_id=f"scene-{day:08.3f}", detection_id=name, imo=imo, by="A. Nalyst", at=when)


def test_an_analyst_s_word_binds_and_the_last_one_holds() -> None:
    scenes = (look(0), look(1, ship_at("b1")), look(2, ship_at("b1")), look(3))
    words = (signature(2, 9000009, hours=1), signature(2, OTHER.imo, hours=2), signature(2, None))
    (visit,) = group_visits(scenes, SITE, FLEET, config=CONFIG, signed=words).visits
    assert [(i.name, i.probability) for i in visit.identity] == [("OTHER", 1.0), (None, 0.0)]
    assert "identity-signed" in visit.flags
    (nobody,) = group_visits(scenes, SITE, FLEET, config=CONFIG, signed=(signature(1, None),)).visits
    assert [(i.imo, i.probability) for i in nobody.identity] == [(None, 1.0)]
    (unlisted,) = group_visits(scenes, SITE, FLEET, config=CONFIG, signed=(signature(1, 9999993),)).visits
    assert unlisted.identity[0].name == "IMO 9999993"


def test_two_signed_names_are_two_visits_and_one_name_is_one() -> None:
    scenes = (look(0), look(1, ship_at("b1")), look(2, ship_at("b1")), look(3))
    two = (signature(1, WORKED_EXAMPLE.imo), signature(2, OTHER.imo))
    found = group_visits(scenes, SITE, FLEET, config=CONFIG, signed=two).visits
    assert [v.identity[0].name for v in found] == ["EXAMPLE", "OTHER"]
    unlike = (look(0), look(1, ship_at("b1")), look(2, ship_at("b1", ship=OTHER)), look(3))
    one = (signature(1, OTHER.imo), signature(2, OTHER.imo))
    assert len(group_visits(unlike, SITE, FLEET, config=CONFIG).visits) == 2
    assert len(group_visits(unlike, SITE, FLEET, config=CONFIG, signed=one).visits) == 1


def test_a_signed_ship_s_particulars_make_the_load() -> None:
    twin = replace(WORKED_EXAMPLE, imo=9000009, name="TWIN", depth=8.4)
    fleet = (WORKED_EXAMPLE, twin)
    scene = look(2, ship_at("b1", LADEN, fleet=fleet))
    (as_first,), (as_twin,) = (
        load_as_signed(scene, (signature(2, imo),), SITE, fleet, CONFIG).detections
        for imo in (WORKED_EXAMPLE.imo, 9000009)
    )
    assert as_first.load is not None
    assert as_twin.load is not None
    # The same freeboard on a hull that is seven decimetres deeper: she floats deeper and carries more.
    assert as_twin.load.cargo > as_first.load.cargo + 200
    assert as_first.identity[0].probability == 1.0
    assert load_as_signed(scene, (), SITE, fleet, CONFIG) is scene


# ---------------------------------------------------------------------------------- windows, four outcomes


def test_windows_reach_to_the_looks_without_her() -> None:
    visit = only_visit(look(0), look(2, ship_at("b1")), look(3, ship_at("b1")), look(5))
    assert days(visit) == pytest.approx((0, 2, 3, 5))


def test_a_cloud_neither_ends_nor_begins_a_visit() -> None:
    visit = only_visit(
        look(0), cloudy(1), look(2, ship_at("b1")), cloudy(3), look(4, ship_at("b1")), cloudy(5), look(6)
    )
    assert days(visit) == pytest.approx((0, 2, 4, 6))
    assert len(visit.scene_ids) == 2


def test_a_berth_outside_the_image_is_not_an_empty_one() -> None:
    beside = make_scene(3, {"b1": "not-imaged", "b2": "clear-empty"})
    visit = only_visit(look(0), look(2, ship_at("b1")), beside, look(4))
    assert days(visit)[3] == pytest.approx(4)


def test_a_departure_stays_open_while_nothing_later_was_seen() -> None:
    visit = only_visit(look(0), look(2, ship_at("b1")), cloudy(3))
    assert visit.departure_window[1] is None


def test_an_arrival_before_the_first_look_reaches_back_the_longest_stay() -> None:
    visit = only_visit(look(0, ship_at("b1")), look(1))
    assert days(visit)[0] == pytest.approx(-CONFIG.visits.max_stay_days)
    assert "arrival-open" in visit.flags


# ------------------------------------------------------------------------------------------ association


def test_an_empty_berth_between_two_looks_makes_two_visits() -> None:
    found = group(look(0), look(1, ship_at("b1")), look(2), look(3, ship_at("b1")), look(4)).visits
    assert [days(v)[:3] for v in found] == [pytest.approx((0, 1, 1)), pytest.approx((2, 3, 3))]
    assert len({v.visit_id for v in found}) == 2


def test_two_ships_at_two_berths_at_once_are_two_visits() -> None:
    both = (ship_at("b1"), ship_at("b2", ship=OTHER, name="d2"))
    found = group(look(0), look(1, *both), look(2, *both), look(3)).visits
    assert [v.berth_id for v in found] == ["b1", "b2"]
    assert [v.identity[0].name for v in found] == ["EXAMPLE", "OTHER"]
    assert all(len(v.scene_ids) == 2 for v in found)


def test_another_ship_in_her_place_is_another_visit() -> None:
    found = group(look(0), look(1, ship_at("b1")), look(2, ship_at("b1", ship=OTHER)), look(3)).visits
    assert [v.identity[0].name for v in found] == ["EXAMPLE", "OTHER"]
    assert days(found[0])[3] == pytest.approx(2)


def test_a_laden_ship_and_then_one_in_ballast_are_two_visits() -> None:
    found = group(
        look(0), look(1, ship_at("b1", LADEN)), cloudy(2), look(5, ship_at("b1", BALLAST)), look(6)
    ).visits
    assert [v.evidence for v in found] == ["single-laden", "single-arrival"]


def test_from_anchor_to_berth_is_one_visit() -> None:
    visit = only_visit(
        look(0), look(1, ship_at("roads", BALLAST)), look(2, ship_at("b1")), look(3, ship_at("b1", LADEN))
    )
    assert visit.berth_id == "b1"
    assert visit.evidence == "pair"
    assert days(visit)[:2] == pytest.approx((0, 1))


def test_a_ship_passing_outside_is_no_visit() -> None:
    assert group(look(0), look(1, ship_at("outside", LADEN)), look(2)).visits == ()


@pytest.mark.parametrize("flag", ["wake", "cut-by-edge"])
def test_a_ship_under_way_in_the_anchorage_is_no_visit(flag: str) -> None:
    anchored = ship_at("roads", LADEN)
    assert len(group(look(0), look(1, anchored), look(2)).visits) == 1
    passing = replace(anchored, flags=(flag,))
    assert group(look(0), look(1, passing), look(2)).visits == ()


def test_a_bulk_carrier_at_the_berth_is_no_visit_but_takes_the_berth() -> None:
    bulk = ship_at("b1", tanker=0.05)
    found = group(look(0), look(1, bulk), look(2, bulk), look(3))
    assert found.visits == ()
    assert found.unseen is not None
    assert sum(found.unseen.probability) == pytest.approx(1.0)


def test_one_hull_found_twice_in_one_scene_is_one_ship() -> None:
    visit = only_visit(
        look(0), look(1, ship_at("b1"), ship_at("b1", name="d2", shift=5e-5)), look(2, ship_at("b1"))
    )
    assert list(zip(visit.scene_ids, visit.detection_ids, strict=True)) == [
        ("scene-0001.000", "d1"),
        ("scene-0001.000", "d2"),
        ("scene-0002.000", "d1"),
    ]


def test_two_hulls_side_by_side_are_two_ships() -> None:
    beside = 22.0 / np.cos(np.radians(30)) / 111_195 / np.cos(np.radians(42.7))
    pair = (ship_at("b1"), ship_at("b1", ship=OTHER, name="d2", shift=float(beside)))
    assert len(group(look(0), look(1, *pair), look(2)).visits) == 2


def test_one_acquisition_delivered_twice_counts_once() -> None:
    minute = 1 / 1440
    pair = (ship_at("b1"), ship_at("b2", ship=OTHER, name="d2"))
    found = group(look(0), look(1, *pair, name="first"), look(1 + minute, *pair, name="again"), look(2))
    assert len(found.visits) == 2
    assert [set(v.detection_ids) for v in found.visits] == [{"d1"}, {"d2"}]
    assert found.coverage.by_month[0].passes == 3


def test_two_clocks_and_two_satellites_minutes_apart_are_one_look() -> None:
    minutes = 12 / 1440
    missed = make_scene(1 + minutes, EMPTY, name="other-satellite")
    found = group(look(0), look(1, ship_at("b1")), missed, look(2, ship_at("b1")), look(3))
    (visit,) = found.visits
    assert days(visit)[2:] == pytest.approx((2, 3))
    assert found.coverage.by_month[0].passes == 4
    codes = {flag.code: flag.message for flag in found.flags}
    assert "other-satellite" in codes["looks-disagree"]
    assert codes["one-look"].startswith("2 scenes")


def test_one_signed_ship_at_two_berths_at_once_is_flagged_and_nothing_is_lost() -> None:
    both = (ship_at("b1"), ship_at("b2", name="d2"))
    words = (signature(1, OTHER.imo), signature(1, OTHER.imo, name="d2"))
    found = group_visits((look(0), look(1, *both), look(2)), SITE, FLEET, config=CONFIG, signed=words)
    assert len(found.visits) == 2
    (flag,) = [f for f in found.flags if f.code == "in-two-places"]
    assert all(v.visit_id in flag.message for v in found.visits)
    apart = group(look(0), look(1, ship_at("b1"), ship_at("b2", ship=OTHER, name="d2")), look(2))
    assert "in-two-places" not in {f.code for f in apart.flags}


BESIDE = 20.0 / 111_195 / np.cos(np.radians(42.7)) / np.cos(np.radians(30.0))
"""To the east, so that a ship 16 m wide that heads 30 degrees has another 5 m off her side [deg]."""


def beside(where: str, freeboard: tuple[float, float] | None = None, ship: Ship = OTHER) -> DetectionResult:
    """A second ship, made fast to one that lies there."""
    there = ship_at(where, freeboard, ship, name="d2", shift=BESIDE)
    return replace(there, berth_id=None)


def test_two_ships_side_by_side_at_anchor_are_one_visit() -> None:
    pair = ship_at("roads", LADEN), beside("roads", (3.6, 0.12))
    found = group(look(0), look(1, *pair), look(2, *pair), look(3))
    (visit,) = found.visits
    assert visit.identity[0].imo == WORKED_EXAMPLE.imo  # she has the oil
    assert {"ship-to-ship", "anchorage-only"} <= set(visit.flags)
    (other,) = visit.alongside
    assert other.identity[0].imo == OTHER.imo
    assert len(other.scene_ids) == len(other.detection_ids) == 2
    assert (other.cargo, other.counted) == (None, False)
    apart = ship_at("roads", LADEN), ship_at("roads", (3.6, 0.12), OTHER, name="d2", shift=3 * BESIDE)
    assert len(group(look(0), look(1, *apart), look(2)).visits) == 2


def test_oil_that_a_ship_hands_on_is_counted_once() -> None:
    at_berth = look(0), look(1, ship_at("b1", LADEN)), look(2, ship_at("b1", LADEN))
    alone = group(*at_berth, look(4)).visits[0]
    handed = look(3, ship_at("roads", LADEN), beside("roads")), look(3.5, beside("roads", (1.45, 0.12)))
    (visit,) = group(*at_berth, *handed, look(4)).visits
    assert visit.berth_id == "b1"
    (other,) = visit.alongside
    assert other.cargo is not None
    assert not other.counted  # she was measured before they parted: her load has it
    assert visit.cargo_loaded.value == pytest.approx(alone.cargo_loaded.value, rel=0.02)


def test_what_a_partner_took_is_added_where_the_ship_was_measured_after() -> None:
    first = look(0), look(1, ship_at("b1")), look(2, ship_at("roads", LADEN), beside("roads"))
    after = look(3, ship_at("roads", PART), beside("outside")), look(3.2, ship_at("roads", PART))
    alone = group(*first, *after, look(4)).visits[0]
    took = look(2.5, ship_at("roads", shift=9 * BESIDE), beside("roads", (1.45, 0.12)))
    (visit,) = group(*first, took, *after, look(4)).visits
    (other,) = visit.alongside
    assert other.counted
    assert other.cargo is not None
    assert visit.cargo_loaded.value == pytest.approx(alone.cargo_loaded.value + other.cargo.value, rel=0.02)
    assert visit.capacity is not None
    assert visit.capacity.value > visit.cargo_loaded.value


def test_a_ship_that_feeds_two_others_is_part_of_both_and_two_at_the_berth_are_two() -> None:
    third = replace(OTHER, imo=9000003, name="THIRD", loa=110.0, beam=18.0)
    one = look(1, ship_at("roads"), beside("roads", ship=third))
    two = look(1.5, ship_at("roads"), beside("roads"))
    found = group_visits((look(0), one, two, look(4)), SITE, (*FLEET, third), config=CONFIG)
    assert sorted(v.identity[0].imo or 0 for v in found.visits) == [OTHER.imo, third.imo]
    assert all(v.alongside[0].identity[0].imo == WORKED_EXAMPLE.imo for v in found.visits)
    banked = ship_at("b1"), ship_at("b1", ship=OTHER, name="d2", shift=BESIDE)
    assert len(group(look(0), look(1, *banked), look(2)).visits) == 2


def test_the_order_of_the_scenes_does_not_matter() -> None:
    scenes = [look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("b1", LADEN)), look(3)]
    assert group(*scenes) == group(*reversed(scenes))


# -------------------------------------------------------------------------------------------- evidence


def test_ballast_then_laden_is_a_pair() -> None:
    visit = only_visit(look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("b1", LADEN)), look(3))
    assert (visit.evidence, visit.status) == ("pair", "measured")
    assert visit.arrival is not None
    assert visit.arrival.fraction < 0.05
    assert visit.departure is not None
    assert visit.departure.interval90[0] < visit.departure.fraction < visit.departure.interval90[1]


def test_cargo_is_what_she_left_with_never_departure_less_arrival() -> None:
    pair = only_visit(look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("b1", LADEN)), look(3))
    single = only_visit(look(0), look(2, ship_at("b1", LADEN)), look(3))
    assert pair.cargo_loaded.value == pytest.approx(single.cargo_loaded.value, rel=0.01)
    assert pair.cargo_loaded.value == pytest.approx(4250, abs=120)
    assert pair.cargo_loaded.value > 3007 + 500


def test_laden_alone_is_single_laden() -> None:
    visit = only_visit(look(0), look(2, ship_at("b1", LADEN)), look(3))
    assert (visit.evidence, visit.status, visit.arrival) == ("single-laden", "measured", None)


def test_an_arrival_alone_is_imputed_and_says_so() -> None:
    found = group(look(0), look(1, ship_at("b1", BALLAST)), look(2))
    (visit,) = found.visits
    assert (visit.evidence, visit.status, visit.departure) == ("single-arrival", "imputed", None)
    assert visit.arrival is not None
    assert visit.cargo_loaded.value == pytest.approx(0.92 * 0.94 * 4983, rel=0.02)
    assert {term for term, _ in visit.budget} >= {"usual-fill"}
    assert "imputed" in {flag.code for flag in found.flags}


def test_a_part_load_that_lies_still_at_the_berth_is_a_departure() -> None:
    """62 % at two looks a day apart; at 38 %, which floats as water ballast does, she may wait for cargo."""
    visit, light = (
        only_visit(look(0), look(1, ship_at("b1", read)), look(2, ship_at("b1", read)), look(3))
        for read in ((2.9, 0.12), (3.6, 0.12))
    )
    assert (visit.evidence, visit.status) == ("part-loaded", "measured")
    assert visit.departure is not None
    assert visit.departure.fraction == pytest.approx(0.62, abs=0.04)
    assert light.status == "imputed"


def test_half_full_alongside_is_part_loaded_and_bounds_the_departure() -> None:
    visit = only_visit(look(0), look(1, ship_at("b1", PART)), look(2))
    assert (visit.evidence, visit.status, visit.departure) == ("part-loaded", "imputed", None)
    assert visit.cargo_loaded.interval90[0] > 0.4 * 0.94 * 4983


def test_a_sequence_while_loading_gives_the_rate_and_bounds_the_departure() -> None:
    third, half = (3.3, 0.08), (2.75, 0.08)
    looks = look(0), look(1, ship_at("b1", third)), look(1.25, ship_at("b1", half))
    soon, late = only_visit(*looks, look(1.35)), only_visit(*looks, look(2.5))
    assert soon.loading_rate is not None
    # 55 cm in six hours, at some 12.5 t a centimetre.
    assert soon.loading_rate.value == pytest.approx(55 * 12.5 / 6, rel=0.15)
    assert soon.loading_rate.interval90[0] < soon.loading_rate.value < soon.loading_rate.interval90[1]
    # Gone after two and a half hours she cannot have filled up; after thirty she can.
    assert soon.cargo_loaded.interval90[1] < 0.85 * 0.94 * 4983
    assert late.cargo_loaded.value > 0.85 * 0.94 * 4983
    empty_first = only_visit(
        look(0), look(1, ship_at("b1", BALLAST)), look(1.25, ship_at("b1", half)), look(2)
    )
    assert empty_first.loading_rate is None


def test_a_part_cargo_carried_to_the_anchorage_is_measured() -> None:
    visit = only_visit(look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("roads", PART)), look(3))
    assert (visit.evidence, visit.status) == ("part-loaded", "measured")
    assert visit.departure is not None
    assert visit.departure.fraction == pytest.approx(0.55, abs=0.08)


def test_cargo_that_she_brought_is_taken_off() -> None:
    laden = look(2, ship_at("b1", LADEN)), look(3, ship_at("b1", LADEN))
    empty = only_visit(look(0), look(1, ship_at("roads", BALLAST)), *laden)
    part = only_visit(look(0), look(1, ship_at("roads", PART)), *laden)
    assert empty.departure is not None
    assert part.departure is not None
    assert "arrived-part-laden" in part.flags
    assert part.departure.fraction == pytest.approx(empty.departure.fraction, abs=0.01)
    assert part.cargo_loaded.value < empty.cargo_loaded.value - 2000
    # The deck edge is wrong by as much in both and goes out with the difference.
    assert dict(part.budget).get("deck-edge", 0.0) < 0.3 * dict(empty.budget)["deck-edge"]


def test_no_measurement_is_seen_only_and_not_dropped() -> None:
    visit = only_visit(look(0), look(1, ship_at("b1")), look(2))
    assert (visit.evidence, visit.status, visit.arrival, visit.departure) == (
        "seen-only",
        "imputed",
        None,
        None,
    )


def test_two_agreeing_looks_are_tighter_than_one() -> None:
    coarse = (1.85, 0.3)
    one = only_visit(look(0), look(1, ship_at("b1", coarse)), look(4))
    two = only_visit(look(0), look(1, ship_at("b1", coarse)), look(2, ship_at("b1", coarse)), look(4))
    assert dict(two.budget)["image"] < 0.85 * dict(one.budget)["image"]
    assert "still-loading" in dict(one.budget)
    assert "still-loading" not in dict(two.budget)


def test_a_wide_look_does_not_displace_a_sharp_one() -> None:
    """Pixels of 3 m a day after a fine image: they agree as well as they can, and prove nothing of a rest."""
    wide = (2.2, 1.2)
    sharp = only_visit(look(0), look(1, ship_at("b1", LADEN)), look(4))
    both = only_visit(look(0), look(1, ship_at("b1", LADEN)), look(2, ship_at("b1", wide)), look(4))
    alone = only_visit(look(0), look(2, ship_at("b1", wide)), look(4))
    assert dict(both.budget)["image"] == pytest.approx(dict(sharp.budget)["image"], rel=0.1)
    assert alone.cargo_loaded.sigma > 1.5 * both.cargo_loaded.sigma
    assert "still-loading" in dict(both.budget)


def test_looks_that_contradict_each_other_are_not_joined_by_a_wide_one() -> None:
    days = (look(0), look(1, ship_at("b1", PART)), look(2, ship_at("b1", LADEN)))
    visit = only_visit(*days, look(3, ship_at("b1", (2.5, 1.0))), look(5))
    known = only_visit(look(0), look(2, ship_at("b1", LADEN)), look(5))
    assert visit.departure is not None
    assert known.departure is not None
    assert abs(visit.departure.fraction - known.departure.fraction) < 0.03


def test_a_wide_look_says_laden_or_ballast_with_its_doubt() -> None:
    """A curve of a metre about the ballast freeboard: she came empty, a part cargo stays in the interval."""
    arrival = only_visit(look(0), look(1, ship_at("b1", (4.3, 1.0))), look(3)).arrival
    assert arrival is not None
    assert arrival.interval90[0] == 0.0
    assert arrival.interval90[1] > 0.1
    middle = only_visit(look(0), look(1, ship_at("b1", (3.0, 1.0))), look(3))
    assert middle.cargo_loaded.interval90[1] - middle.cargo_loaded.interval90[0] > 1000.0


def test_a_ship_in_no_register_is_a_visit_with_a_wide_cargo() -> None:
    stranger = replace(WORKED_EXAMPLE, imo=None, name="")
    visit = only_visit(look(0), look(1, ship_at("b1", LADEN, ship=stranger, fleet=())), look(2), fleet=())
    known = only_visit(look(0), look(1, ship_at("b1", LADEN)), look(2))
    assert [(i.imo, i.name, i.probability) for i in visit.identity] == [(None, None, 1.0)]
    assert visit.status == "measured"
    assert visit.cargo_loaded.sigma > 1.4 * known.cargo_loaded.sigma
    assert abs(visit.cargo_loaded.value - known.cargo_loaded.value) < 2 * visit.cargo_loaded.sigma


def test_a_candidate_berth_is_flagged() -> None:
    scenes = (look(0), look(1, ship_at("b1", LADEN)), look(2))
    found = group_visits(scenes, make_site(2, verified=False), FLEET, config=CONFIG)
    assert "berth-unverified" in found.visits[0].flags
    assert "berth-unverified" in {flag.code for flag in found.flags}


# -------------------------------------------------------------------------------- edges and the usual fill


def test_an_empty_season() -> None:
    found = group()
    assert (found.visits, found.unseen, found.coverage.usable_times) == ((), None, ())


def test_a_single_scene() -> None:
    found = group(look(0, ship_at("b1", LADEN)))
    (visit,) = found.visits
    assert visit.departure_window == (START, None)
    assert found.unseen is not None
    assert found.unseen.probability == (1.0,)
    assert len(found.coverage.usable_times) == 1


def test_scenes_without_a_date_or_of_another_site_are_left_out() -> None:
    undated = replace(look(1, ship_at("b1")), datetime=None)
    elsewhere = replace(look(2, ship_at("b1")), site="elsewhere")
    refused = replace(look(3, ship_at("b1")), status="refused")
    found = group(look(0), undated, elsewhere, refused)
    assert found.visits == ()
    assert "no-date" in {flag.code for flag in found.flags}


def test_coverage_counts_a_cloudy_pass_as_a_pass_and_not_as_usable() -> None:
    (month,) = group(look(0), cloudy(1), look(1.5), look(1.6)).coverage.by_month
    assert (month.month, month.passes, month.usable, month.days_usable) == ("2024-03", 4, 3, 2)


def test_the_port_s_own_departures_move_the_usual_fill() -> None:
    prior = pool_fills((), mean=0.92, sigma=0.07)
    low = pool_fills([(0.75, 0.03, 1.0)] * 8, mean=0.92, sigma=0.07)
    assert prior.mean == pytest.approx(0.92)
    assert 0.75 < low.mean < 0.84
    assert low.mean_sigma < prior.mean_sigma + 0.02
    assert (prior.departures, low.departures) == (0, 8)


def test_imputed_fills_have_the_mean_and_spread_they_are_said_to_have() -> None:
    usual = pool_fills((), mean=0.92, sigma=0.07)
    fills = impute_fill(usual)
    assert fills.mean() == pytest.approx(usual.mean, abs=0.002)
    assert fills.std() == pytest.approx(usual.sigma, rel=0.03)
    some = impute_fill(replace(usual, part=0.3))
    middle, spread = sum(PART_FILLS) / 2, (PART_FILLS[1] - PART_FILLS[0]) / np.sqrt(12)
    mean = 0.7 * usual.mean + 0.3 * middle
    square = 0.7 * (usual.sigma**2 + usual.mean**2) + 0.3 * (spread**2 + middle**2)
    assert some.mean() == pytest.approx(mean, abs=0.002)
    assert some.std() == pytest.approx(np.sqrt(square - mean**2), rel=0.03)
    assert impute_fill(usual, at_least=0.95).min() >= 0.95
    cargo, budget = impute_cargo(fills, only_visit(look(0), look(1, ship_at("b1")), look(2)).cargo_loaded)
    assert cargo.sigma == pytest.approx(np.sqrt(sum(size**2 for _, size in budget)), rel=0.05)


def test_a_port_whose_ships_leave_half_full_is_learned() -> None:
    """None before, worth four departures; then ten laden and ten part ones."""
    laden = [(0.92, 0.03, 1.0)] * 10
    usual = pool_fills(laden, mean=0.92, sigma=0.07, parts=[1.0] * 10)
    assert usual.part == pytest.approx(10.0 / 24.0)
    assert usual.mean == pytest.approx(0.92)
    known = pool_fills(laden, mean=0.92, sigma=0.07)
    assert impute_fill(usual).mean() < impute_fill(known).mean() - 0.15
    half = np.array([0.5])
    assert still_loading(half, 0.03, usual) < 0.75 < 0.95 < still_loading(half, 0.03, known)
    filled = fill_up(np.full(2000, 0.5), 0.03, usual)
    stays = 1.0 - float(still_loading(half, 0.03, usual)[0])
    assert np.mean(filled == 0.5) == pytest.approx(stays, abs=0.02)


def test_a_ship_at_seventy_per_cent_loads_on_and_one_at_ninety_five_does_not() -> None:
    usual = pool_fills((), mean=0.92, sigma=0.05)
    low, high = still_loading(np.array([0.7, 0.95]), 0.03, usual)
    assert low > 0.9
    assert high < 0.35
    finished = fill_up(np.full(1000, 0.75), 0.03, usual)
    assert (finished >= 0.75).all()
    assert finished.mean() > 0.85
