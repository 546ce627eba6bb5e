"""What a voyage says of the visit it began with: departure bounded, cargo read once more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from paper_season import START
from test_visits import BALLAST, CONFIG, FLEET, LADEN, SITE, cloudy, group, look, ship_at

from pipeline.products import SceneResult, Visit, Voyage, VoyageCall
from pipeline.visits import group_visits, tighten_visits
from pipeline.visits.calls import SAME_IN_BOTH

PORT = replace(SITE, id="port")
AT_BERTH = (look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("b1", LADEN)), cloudy(3), cloudy(9))


def tighten(
    scenes: Sequence[SceneResult], there: Sequence[SceneResult], probability: float = 0.999
) -> tuple[Visit, Visit]:
    """(the visit alone, the visit with what the port says)."""
    port = [replace(scene, scene_id=f"port-{scene.scene_id}", site="port") for scene in there]
    (visit,) = group(*scenes).visits
    (call,) = group_visits(port, PORT, FLEET, config=CONFIG).visits
    link = VoyageCall(
        site="port",
        visit_id=call.visit_id,
        probability=probability,
        arrival_window=call.arrival_window,
        fraction_on_arrival=None,
    )
    voyage = Voyage(visit_id=visit.visit_id, calls=(link,))
    (found,) = tighten_visits((visit,), (call,), (voyage,), [*scenes, *port])
    return visit, found


def own(visit: Visit) -> float:
    """What of the budget is not the ship's own [t]."""
    return float(np.sqrt(sum(s**2 for name, s in visit.budget if name not in SAME_IN_BOTH)))


def test_a_sighting_elsewhere_bounds_the_departure() -> None:
    alone, found = tighten(AT_BERTH, [look(5.0), look(6.0, ship_at("b1"))])
    assert alone.departure_window[1] is None
    assert found.departure_window == (alone.departure_window[0], START + timedelta(days=5.75))
    assert "departure-bounded-elsewhere" in found.flags
    assert found.cargo_loaded == alone.cargo_loaded
    _, unlikely = tighten(AT_BERTH, [look(5.0), look(6.0, ship_at("b1"))], probability=0.5)
    assert unlikely == alone


def test_the_same_load_read_there_averages_what_is_the_looks_own() -> None:
    alone, found = tighten(AT_BERTH, [look(4.0), look(5.0, ship_at("roads", LADEN))])
    assert "read-elsewhere" in found.flags
    assert found.cargo_loaded.value == pytest.approx(alone.cargo_loaded.value, rel=0.03)
    assert own(found) < 0.85 * own(alone)
    # Her deck edge is wrong by as much there as here.
    assert dict(found.budget)["deck-edge"] == dict(alone.budget)["deck-edge"]


def test_a_departure_that_nobody_measured_is_read_there() -> None:
    unread = (look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("b1")), cloudy(3), cloudy(9))
    alone, found = tighten(unread, [look(4.0), look(5.0, ship_at("roads", LADEN))])
    assert (alone.status, found.status, found.evidence) == ("imputed", "measured", "pair")
    assert found.departure is not None
    assert found.cargo_loaded.sigma < 0.8 * alone.cargo_loaded.sigma
    # Three days' fuel were burnt by then, and are no missing cargo.
    (there,) = group(look(4.0), look(5.0, ship_at("roads", LADEN))).visits
    assert found.departure.fraction == pytest.approx(0.88, abs=0.05)
    assert there.capacity is not None
    burnt = 0.002 * 3.0 * there.capacity.value
    assert found.cargo_loaded.value == pytest.approx(there.cargo_loaded.value + burnt, rel=0.03)


def test_a_ship_that_discharges_says_nothing_of_what_she_loaded() -> None:
    alone, found = tighten(AT_BERTH, [look(4.0), look(5.0, ship_at("b1", (3.1, 0.12)))])
    assert found.cargo_loaded == alone.cargo_loaded
    assert "discharging-elsewhere" in found.flags
    _, empty = tighten(AT_BERTH, [look(4.0), look(5.0, ship_at("b1", BALLAST))])
    assert empty.cargo_loaded == alone.cargo_loaded


def test_a_doubtful_voyage_moves_less_and_says_so() -> None:
    unread = (look(0), look(1, ship_at("b1", BALLAST)), look(2, ship_at("b1")), cloudy(3), cloudy(9))
    there = [look(4.0), look(5.0, ship_at("roads", (1.2, 0.12)))]
    alone, sure = tighten(unread, there)
    _, doubtful = tighten(unread, there, probability=0.85)
    assert alone.cargo_loaded.value < doubtful.cargo_loaded.value < sure.cargo_loaded.value
    assert dict(doubtful.budget)["voyage"] > dict(sure.budget).get("voyage", 0.0)
